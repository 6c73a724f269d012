#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The part of `make bench` that runs on this host's /dev/kvm: what the host does before the guest and after it. What
# the guest then does is not measured, so a software KVM will do as a ground. Prints CSV:
# ground,what,who,run,value,unit.
#
#   tests/bench/kvm.sh [RUNS]         (20; B from the environment)
#
#   first_run  execve to the first KVM_RUN (tests/bench/first_run.c), allnoconfig's bzImage, 128 MiB
#   bare       the same of a program that has KVM make a VM, and nothing else (tests/bench/bare.c)
#   filled     the same of that program when it also reads that kernel and initrd, unpacked, into huge pages
#   null       exec to the end of a guest that resets at once
#   calls      system calls from execve to the first KVM_RUN (strace -f, one run)
#   rss, pss   resident and proportional memory besides the guest's, 2.5 seconds later (3 runs)
#   file       bytes of the program file, stripped, without the libraries it may need
#   and what tests/bench/many.sh tells: rates, memory of many at once
#
# Without /dev/kvm only `file` is there.
set -eu

cd "$(dirname "$0")/../.."
runs=${1:-20}
B=${B:-build}
first_run=$B/bench/first_run
# QEMU 7.2 asserts on hosts whose KVM offers bits of this MSR that it refuses to set.
cpu=host,-arch-capabilities
guest=(-m 128 -kernel "$B/kernels/allnoconfig/bzImage" -initrd "$B/initramfs-busybox-x86.cpio.gz"
	-append console=ttyS0)
# It prints its command line: one byte, as in the lab.
reset=(-m 128 -kernel "$B/guests/reset_92.bzImage" -append x)
tvmm=("$B/tvmm")
microvm=(qemu-system-x86_64 -M microvm,acpi=off -nodefaults -no-user-config -display none
	-serial stdio -no-reboot -enable-kvm -cpu "$cpu")
pc=(qemu-system-x86_64 -M pc -nographic -nic none -no-reboot -enable-kvm -cpu "$cpu")

row() { # WHAT WHO RUN VALUE UNIT
	echo "kvm,$1,$2,$3,$4,$5"
}

size_of() { # WHO PROGRAM
	local path stripped
	path=$(command -v "$2") || return 0
	stripped=$(mktemp)
	strip -o "$stripped" "$path" && row file "$1" 1 "$(stat -Lc %s "$stripped")" bytes
	rm -f "$stripped"
}

# What fails at first is not tried again.
declare -A gives_up

# The command's second word is the figure. A pause before it: KVM takes its time to close the VM before.
time_one() { # WHAT WHO RUN COMMAND...
	local ns
	[ -z "${gives_up[$1 $2]:-}" ] || return 0
	sleep 0.2
	ns=$("${@:4}" 2>/dev/null | awk '$2 ~ /^[0-9]+$/ { print $2 }')
	[ "$ns" ] || [ "$3" != 1 ] || gives_up[$1 $2]=yes
	row "$1" "$2" "$3" "$ns" "$([ "$ns" ] && echo ns || echo failed)"
}

time_first_run() { # WHO RUN COMMAND...
	time_one first_run "$1" "$2" "$first_run" -t 30 -- "${@:3}"
}

time_end() { # WHO RUN COMMAND...
	time_one null "$1" "$2" "$B/bench/stopwatch" -t 30 -e -l x "${@:3}"
}

memory() { # WHO RUN COMMAND...
	"$first_run" -t 30 -a 2500 -g 128 -- "${@:3}" 2>/dev/null | awk -v who="$1" -v run="$2" '
		$1 == "rss_kib" { printf "kvm,rss,%s,%s,%s,KiB\nkvm,pss,%s,%s,%s,KiB\n", who, run, $2, who, run, $6 }'
}

calls() { # WHO COMMAND...
	local trace
	trace=$(mktemp)
	timeout 10 strace -f -e signal=none -o "$trace" "${@:2}" </dev/null >/dev/null 2>&1 || true
	row calls "$1" 1 "$(awk '/ resumed>|\+\+\+ / { next } { n++ } /KVM_RUN/ { print n; exit }' "$trace")" calls
	rm -f "$trace"
}

many() {
	[ -x tests/bench/many.sh ] || return 0
	tests/bench/many.sh | awk '$2 ~ /^[0-9.]+$/ && !/^failed/ { print "kvm,many." $1 ",tvmm,1," $2 "," $3 }'
}

size_of tvmm "$B/tvmm"
size_of pc qemu-system-x86_64
size_of microvm qemu-system-x86_64
# -c first: opening what is not there would make an ordinary file.
if ! { [ -c /dev/kvm ] && : <>/dev/kvm; } 2>/dev/null; then
	echo "kvm.sh: /dev/kvm is not there or not permitted" >&2
	exit 0
fi
# A cache of our own, which the first run fills: what tvmm has unpacked there, the floor reads.
XDG_CACHE_HOME=$(mktemp -d)
export XDG_CACHE_HOME
trap 'rm -rf "$XDG_CACHE_HOME"' EXIT
"$first_run" -t 30 -- "${tvmm[@]}" "${guest[@]}" >/dev/null 2>&1 || true
mapfile -t unpacked < <(ls -S "$XDG_CACHE_HOME"/tvmm/*.unpacked 2>/dev/null)
for ((run = 1; run <= runs; run++)); do
	time_first_run tvmm $run "${tvmm[@]}" "${guest[@]}"
	time_first_run microvm $run "${microvm[@]}" "${guest[@]}"
	time_first_run pc $run "${pc[@]}" "${guest[@]}"
	time_one filled bare $run "$first_run" -t 30 -- "$B/bench/bare" "${unpacked[@]}"
	time_one bare bare $run "$first_run" -t 30 -- "$B/bench/bare"
	time_end tvmm $run "${tvmm[@]}" "${reset[@]}"
	time_end pc $run "${pc[@]}" "${reset[@]}"
done
for run in 1 2 3; do
	memory tvmm $run "${tvmm[@]}" "${guest[@]}"
	memory microvm $run "${microvm[@]}" "${guest[@]}"
	memory pc $run "${pc[@]}" "${guest[@]}"
done
calls tvmm "${tvmm[@]}" "${reset[@]}"
calls microvm "${microvm[@]}" "${guest[@]}"
calls pc "${pc[@]}" "${reset[@]}"
many
