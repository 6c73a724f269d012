#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The kernels of this project's rows beside each other, in the lab: `tvmm table --against qemu`, with
# the recipe's initramfs and 128 MiB. What docs/boot-table.md is made from.
#
#   tests/bench/table.sh [RUNS [OPTION...]]    (10; more options of tvmm table)
#
# From the environment: B, ROWS (kernels of B/kernels), INITRD, MEMORY (MiB), APPEND, CPU, the lab's --cpu, WALL (s), and
# LABS: how many labs there are at once (as many as processors), each with some of the rows. Time in a lab is
# virtual, so that they do not disturb each other. Prints the table as Markdown.
# B/bench/table.{md,csv,json,svg} keep it.
set -eu

cd "$(dirname "$0")/../.."
runs=${1:-10}
[ $# -eq 0 ] || shift
B=${B:-build}
read -ra rows <<<"${ROWS:-basic alldefconfig allnoconfig allnoconfig-kvm tvmm}"
initrd=${INITRD:-$B/initramfs-busybox-x86.cpio.gz}
labs=${LABS:-$(nproc)}
append=${APPEND:-console=ttyS0 reboot=k panic=-1}

for row in "${rows[@]}"; do
	for image in bzImage vmlinux; do
		[ -f "$B/kernels/$row/$image" ] || {
			echo "table.sh: $B/kernels/$row/$image is missing; make kernels ROWS='${rows[*]}' builds it" >&2
			exit 1
		}
	done
done
mkdir -p "$B/bench"
work=$(mktemp -d)
pids=()

# Labs that still run have process groups of their own, and none outlives us.
clean_up() {
	local pid
	for pid in ${pids[@]+"${pids[@]}"}; do
		kill -- "-$pid" 2>/dev/null || true
	done
	rm -rf "$work"
}
trap clean_up EXIT

# Kernels are dealt to the labs, the largest first, each to the one that has least to do: what a boot takes
# grows with its kernel, and is that of 20 MB for the firmware and whatever else each boot has. The lab that
# has the first row comes first in the table.
deal() {
	local row bytes lab least load=() each=20000000
	while read -r bytes row; do
		least=0
		for ((lab = 0; lab < labs; lab++)); do
			[ "${load[lab]:-0}" -ge "${load[least]:-0}" ] || least=$lab
		done
		load[least]=$((${load[least]:-0} + bytes + each))
		echo "$row" >>"$work/rows.$least"
	done < <(for row in "${rows[@]}"; do
		echo "$(stat -c %s "$B/kernels/$row/vmlinux") $row"
	done | sort -rn)
}

measure() { # LAB OPTION...
	local lab=$1 row image word command files=() arguments=()
	shift
	for row in "${rows[@]}"; do
		grep -qx -- "$row" "$work/rows.$lab" || continue
		for image in bzImage vmlinux; do
			files+=(--file "$B/kernels/$row/$image:/k/$row/$image")
		done
		arguments+=("$row=/k/$row/bzImage,/k/$row/vmlinux")
	done
	# Quoted words for the shell in the lab, which prints the table on its console.
	command="XDG_CACHE_HOME=/cache /bin/tvmm table ${arguments[*]} -r $runs --against qemu"
	command+=" --export-json /t.json"
	for word in "$@" -- -initrd /initrd -m "${MEMORY:-128}" -append "$append" -timeout 120; do
		command+=" $(printf '%q' "$word")"
	done
	command+=" >&2; status=\$?; cat /t.json; exit \$status"
	tests/lab/lab --cpu "${CPU:-max}" --wall "${WALL:-1500}" --memory 2048 --with qemu-system-x86_64 "${files[@]}" \
		--file "$initrd:/initrd" -- "$command" </dev/null >"$work/table.$lab"
}

deal
reads=()
set -m
for ((lab = 0; lab < labs; lab++)); do
	[ -f "$work/rows.$lab" ] || continue
	measure "$lab" "$@" &
	pids+=($!)
	if grep -qx -- "${rows[0]}" "$work/rows.$lab"; then
		reads=(--read "$work/table.$lab" ${reads[@]+"${reads[@]}"})
	else
		reads+=(--read "$work/table.$lab")
	fi
done
for pid in "${pids[@]}"; do
	wait "$pid"
done
pids=()
exports=()
for format in csv json markdown:md chart:svg; do
	exports+=("--export-${format%:*}" "$B/bench/table.${format#*:}")
done
"$B/tvmm" table "${reads[@]}" "${exports[@]}" >/dev/null
cat "$B/bench/table.md"
