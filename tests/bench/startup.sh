#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Start-up on this host's /dev/kvm: process start (execve) to the first KVM_RUN, and the resident
# memory besides the guest's one second later; tvmm and two of QEMU's machines in turns, with the same
# kernel and initramfs. Prints a table (Markdown) with medians and tvmm's share of QEMU's. How it is
# measured stands in tests/bench/first_run.c.
#
#   tests/bench/startup.sh [RUNS]     (20; B, KERNEL and INITRD may come from the environment)
#
# What the guest then does is not measured, so a software KVM will do as a ground.
set -eu

cd "$(dirname "$0")/../.."
runs=${1:-20}
B=${B:-build}
kernel=${KERNEL:-$B/kernels/allnoconfig/bzImage}
initrd=${INITRD:-$B/initramfs-busybox-x86.cpio.gz}
first_run=$B/bench/first_run
time_target=0.10
memory_target=4096

if ! { : <>/dev/kvm; } 2>/dev/null; then
	echo "startup.sh: skipped: /dev/kvm is not there or not permitted"
	exit 0
fi
for file in "$kernel" "$initrd" "$first_run"; do
	[ -f "$file" ] || { echo "startup.sh: $file is missing; make bench builds it" >&2 && exit 1; }
done
# QEMU 7.2 asserts on hosts whose KVM offers bits of this MSR that it refuses to set.
cpu=host,-arch-capabilities
guest=(-m 128 -kernel "$kernel" -initrd "$initrd" -append console=ttyS0)
microvm=(qemu-system-x86_64 -M microvm,acpi=off -nodefaults -no-user-config -display none
	-serial stdio -enable-kvm -cpu "$cpu")
pc=(qemu-system-x86_64 -M pc -nographic -nic none -enable-kvm -cpu "$cpu")

measure() { # LABEL FIRST_RUN-OPTIONS -- COMMAND: a line with the label and what was measured
	local label=$1 answer
	shift
	if answer=$("$first_run" "$@" "${guest[@]}" 2>/dev/null); then
		sed "s/^/$label /" <<<"$answer"
	else
		echo "$label failed"
	fi
}

all() { # FIRST_RUN-OPTIONS
	if [ -x "$B/tvmm" ]; then
		measure tvmm "$@" -- "$B/tvmm"
		measure guest "$@" -- "$B/tvmm" -unpack=guest
	fi
	measure microvm "$@" -- "${microvm[@]}"
	measure pc "$@" -- "${pc[@]}"
}

results=$(
	for ((i = 0; i < runs; i++)); do all -t 30; done
	for ((i = 0; i < 3; i++)); do all -g 128; done | grep -v first_run_ns
)

backend="vmx or svm"
grep -qwE 'vmx|svm' /proc/cpuinfo || backend="software: no vmx or svm flag"
sort -k1,2 -k3,3n <<<"$results" | awk -v runs="$runs" -v backend="$backend" \
	-v time_target=$time_target -v memory_target=$memory_target '
	$2 == "failed" { lost++; next }
	{ value[$1, $2, ++n[$1, $2]] = $3; other[$1] = $5 }
	function median(vmm, what,    c) {
		c = n[vmm, what]
		if (!c) return 0
		if (c % 2) return value[vmm, what, (c + 1) / 2]
		return (value[vmm, what, c / 2] + value[vmm, what, c / 2 + 1]) / 2
	}
	function ratio(mine, vmm) {
		return median(mine, "first_run_ns") / median(vmm, "first_run_ns")
	}
	# Of the cached kernel, and of the one that the guest unpacks: the target is the latter.
	function ratios(vmm) {
		return sprintf("%.3f; -unpack=guest: %.3f %s", ratio("tvmm", vmm), ratio("guest", vmm),
			ratio("guest", vmm) <= time_target ? "ok" : "above")
	}
	function row(name, vmm,    c, t, r) {
		c = n[vmm, "first_run_ns"]
		t = median(vmm, "first_run_ns")
		if (!c) { printf "| %s | - | - | - |\n", name; return }
		r = median("tvmm", "first_run_ns") / t
		printf "| %s | %.2f (%.2f to %.2f) | %s | %d |\n", name, t / 1e6,
			value[vmm, "first_run_ns", 1] / 1e6, value[vmm, "first_run_ns", c] / 1e6,
			vmm == "tvmm" || vmm == "guest" || !r ? "" : ratios(vmm),
			median(vmm, "rss_kib")
	}
	END {
		printf "Ground: this host, its own /dev/kvm (%s).\nMilliseconds from execve to the first " \
			"KVM_RUN, median (least to greatest) of %d runs in turns, -m 128;\nresident memory " \
			"besides the guest one second later, median of 3. On a busy host compare the least." \
			"\nTargets: %.2f of the time, %d KiB for tvmm.\n\n", backend, runs, time_target, memory_target
		print "| VMM | ms to first KVM_RUN | tvmm/this | KiB besides the guest |"
		print "|---|---|---|---|"
		row("tvmm, unpacked kernel in its cache", "tvmm")
		row("tvmm -unpack=guest", "guest")
		row("QEMU -M microvm", "microvm")
		row("QEMU -M pc", "pc")
		if (lost) printf "\n%d runs failed and are left out.\n", lost
	}'
