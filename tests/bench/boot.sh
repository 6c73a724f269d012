#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Boot time in the lab: tvmm and two of QEMU's machines boot the same kernel and the same initramfs in
# one lab run, in turns. Virtual milliseconds from exec until the VMM has written `Boot took`, the
# first line of the guest's init. Prints a table (Markdown) with medians and tvmm's share of QEMU's.
#
#   tests/bench/boot.sh [RUNS]        (2)
#
# tvmm is measured three times: with the unpacked kernel in its cache, as it is after the first run of a
# kernel; without (the first run); and with the kernel unpacking itself in the guest.
#
# From the environment: B, KERNEL, INITRD, MEMORY (MiB), TARGET (tvmm's share of QEMU's), and CPU, the
# lab's --cpu. Without build/tvmm only the two QEMUs are measured. The stopwatch is in
# tests/bench/stopwatch.c.
set -eu

cd "$(dirname "$0")/../.."
runs=${1:-2}
B=${B:-build}
kernel=${KERNEL:-$B/kernels/allnoconfig/bzImage}
initrd=${INITRD:-$B/initramfs-busybox-x86.cpio.gz}
memory=${MEMORY:-128}
target=${TARGET:-0.25}
cpu=${CPU:-max}

for file in "$kernel" "$initrd" "$B/bench/stopwatch"; do
	[ -f "$file" ] || { echo "boot.sh: $file is missing; make bench builds it" >&2 && exit 1; }
done
measure_tvmm=
[ ! -x "$B/tvmm" ] || measure_tvmm='
	rm -rf /tmp/cache
	measure "first $kind" tvmm
	measure "tvmm $kind" tvmm
	measure "guest $kind" tvmm -unpack=guest'

# Runs inside the lab. Lines: VMM, command line's kind, nanoseconds.
inside() {
	cat <<-EOF
		export XDG_CACHE_HOME=/tmp/cache
		measure() {
			label=\$1 && shift
			timeout 900 /bin/stopwatch -t 60 -m 'Boot took' -l "\$label" "\$@" \
				-m $memory -kernel /bzImage -initrd /initrd -append "\$append" 2>/dev/null
		}
		for run in \$(seq $runs); do
			for kind in plain quiet; do
				append=console=ttyS0
				[ \$kind = plain ] || append="console=ttyS0 quiet"
				$measure_tvmm
				measure "microvm \$kind" qemu-system-x86_64 -M microvm,acpi=off -nodefaults \
					-no-user-config -display none -serial stdio -enable-kvm -cpu host
				measure "pc \$kind" qemu-system-x86_64 -M pc -nographic -nic none \
					-enable-kvm -cpu host
			done
		done
		exit 0
	EOF
}

results=$(tests/lab/lab --wall 3000 --cpu "$cpu" --with qemu-system-x86_64 --file "$B/bench/stopwatch:/bin/stopwatch" \
	--file "$kernel:/bzImage" --file "$initrd:/initrd" -- "$(inside)" </dev/null)

sort -k1,2 -k3,3n <<<"$results" | awk -v target="$target" -v runs="$runs" -v cpu="$cpu" \
	-v memory="$memory" -v kernel="$(basename "$kernel")" '
	$3 == "none" { lost++; next }
	{ value[$1, $2, ++n[$1, $2]] = $3 / 1e6 }
	function median(vmm, kind,    c) {
		c = n[vmm, kind]
		if (!c) return 0
		if (c % 2) return value[vmm, kind, (c + 1) / 2]
		return (value[vmm, kind, c / 2] + value[vmm, kind, c / 2 + 1]) / 2
	}
	function cell(vmm, kind,    c) {
		c = n[vmm, kind]
		if (!c) return "-"
		return sprintf("%.1f (%.1f to %.1f)", median(vmm, kind), value[vmm, kind, 1],
			value[vmm, kind, c])
	}
	function ratio(vmm, kind,    r) {
		if (!median("tvmm", kind) || !median(vmm, kind)) return "-"
		r = median("tvmm", kind) / median(vmm, kind)
		return sprintf("%.2f %s", r, r <= target ? "ok" : "above")
	}
	function row(name, vmm,    i) {
		printf "| %s |", name
		for (i = 1; i <= 2; i++)
			printf " %s | %s |", cell(vmm, kinds[i]), name ~ /QEMU/ ? ratio(vmm, kinds[i]) : ""
		printf "\n"
	}
	END {
		kinds[1] = "plain"; kinds[2] = "quiet"
		printf "Ground: the lab (kvm-amd under QEMU TCG with icount, -cpu %s). Virtual milliseconds " \
			"from exec to `Boot took`,\n%s, -m %d, median (least to greatest) of %d runs; " \
			"target for tvmm/QEMU: %.2f.\n\n", cpu, kernel, memory, runs, target
		print "| VMM | console=ttyS0 | tvmm/this | console=ttyS0 quiet | tvmm/this |"
		print "|---|---|---|---|---|"
		row("tvmm", "tvmm")
		row("tvmm, first run of a kernel", "first")
		row("tvmm -unpack=guest", "guest")
		row("QEMU -M microvm", "microvm")
		row("QEMU -M pc", "pc")
		if (lost) printf "\n%d runs did not get so far and are left out.\n", lost
	}'
