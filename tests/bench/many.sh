#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The end of runs, and many VMs at once, on this host's /dev/kvm, or in the lab (one CPU, virtual time)
# where there is none.
#
#   tests/bench/many.sh [RUNS]        (40; B and LAB=1, for the lab anyway, may come from the environment)
#
# Prints lines `NAME VALUE UNIT`. Names:
#
#   ground			kvm or lab (no unit)
#   exit			exec to the end of a guest that resets with its first instructions, as
#				wait() tells it; median of RUNS, a pause before each
#   exit_without		the same with -without early-exit
#   rate_N, settled_N		such guests a second, N at the same time, RUNS of them or N; until the
#				last wait(), and until nothing is left of them in the kernel either
#   rate_without_N		with -without early-exit
#   rss_N, pss_N, private_N	memory of each of N that run an idle guest: resident, proportional,
#   kernel_100			private, and in the kernel. All with the guest's own, a few huge pages
#				of 2 MiB (without them: small_rss_N and so on)
#
# N is 1, 2, 8, 32 and 100. Failed runs are a line `failed N`.
# Some 20 s on /dev/kvm, a minute or two in the lab. Each part is bounded: many and stopwatch have time
# limits, and so has the lab.
set -eu
cd "$(dirname "$0")/../.."
runs=${1:-40}
B=${B:-build}
[[ "$runs" =~ ^[1-9][0-9]{0,4}$ ]] || { echo "many.sh: RUNS is a number up to 99999" >&2 && exit 2; }

# Runs where the VMs are; the programs are in the folder $1 there.
job() {
	cat <<-EOF
		reset="$1/tvmm -kernel $1/reset_92.bzImage -m 128 -q -no-cache"
		idle="$1/tvmm -kernel $1/idle.bzImage -m 128 -q -no-cache -append up"
		for i in \$(seq $runs); do
			sleep 0.2
			$1/stopwatch -e -l exit \$reset
			sleep 0.2
			$1/stopwatch -e -l exit_without \$reset -without early-exit
		done
		for n in 1 2 8 32 100; do
			all=\$((n > $runs ? n : $runs))
			echo "rate_\$n \$($1/many -t 300 -n \$all -j \$n \$reset)"
			echo "rate_without_\$n \$($1/many -t 300 -n \$all -j \$n \$reset -without early-exit)"
		done
		for n in 1 2 8 32 100; do
			echo "huge_\$n \$($1/many -t 300 -m -j \$n \$idle)"
			echo "small_\$n \$($1/many -t 300 -m -j \$n \$idle -no-huge-pages)"
		done
	EOF
}

parts=("$B/tvmm" "$B/bench/stopwatch" "$B/bench/many" "$B/guests/reset_92.bzImage" "$B/guests/idle.bzImage")
if [ -z "${LAB:-}" ] && "$B/tests/guest/aid" kvm >/dev/null; then
	echo "ground kvm"
	folder=$(mktemp -d)
	trap 'rm -rf "$folder"' EXIT
	cp "${parts[@]}" "$folder"
	results=$(sh -c "$(job "$folder")")
else
	echo "ground lab"
	options=(--quietly --wall 1800 --memory 3072 --cpu max,-erms,-fsrm)
	for part in "${parts[@]}"; do options+=(--file "$part:/m/${part##*/}"); done
	results=$(tests/lab/lab "${options[@]}" -- "$(job /m)" </dev/null)
fi

sort -k1,1 -k2,2n <<<"$results" | awk '
	function say(name, value, unit) { printf "%s %.*f %s\n", name, unit == "ms" ? 2 : 0, value, unit }
	function rates(name,    rate) {
		say(name, $3 / ($7 / 1e9), "VMs/s")
		if (name !~ /without/) {
			sub(/rate/, "settled", name)
			say(name, $3 / ($9 / 1e9), "VMs/s")
		}
		failed += $11
	}
	function memory(name,    i) {
		sub(/huge_/, "", name)
		sub(/small_/, "small ", name)
		split(name, part, " ")
		for (i = 4; i <= 10; i += 2) {
			sub(/_kib/, "", $i)
			if ($i == "kernel" && $3 < 100) continue
			say((part[2] ? "small_" : "") $i "_" (part[2] ? part[2] : part[1]), $(i + 1) / $3, "KiB")
		}
	}
	/^exit/ { value[$1, ++n[$1]] = $2 }
	/^rate/ { rates($1) }
	/^(huge|small)_/ { memory($1) }
	END {
		for (name in n) say(name, value[name, int((n[name] + 1) / 2)] / 1e6, "ms")
		if (failed) say("failed", failed, "runs")
	}' | sort -V
