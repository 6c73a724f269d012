#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What it costs to run a program in a freshly booted kernel, in the lab, in one run of it:
#
#   - exec to the end of `tvmm -kernel K -- true`, against exec to `Boot took` of a plain boot of the
#     same kernel (virtual milliseconds)
#   - how fast a program's output comes out, against QEMU's serial console with the same bytes
#     (virtual seconds from exec to the end, of a program that writes them and of one that does not)
#   - what packing /bin/true takes on the host: with and without -- in `tvmm -explain` (milliseconds
#     of this machine, the least of 41)
#
#   tests/bench/program.sh [RUNS] [BYTES]        (3, 1000000)
#
# From the environment: B, CPU (the lab's --cpu). QEMU's guest is the same program as its first
# process, on the same kernel; it ends with a reset when all is written.
set -eu

cd "$(dirname "$0")/../.."
runs=${1:-3}
bytes=${2:-1000000}
B=${B:-build}
cpu=${CPU:-max}
kernel=$B/kernels/allnoconfig/bzImage
initrd=$B/initramfs-busybox-x86.cpio.gz
prog=$B/tests/boot/prog/guestprog
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The same program as a first process: its output, and then a reset.
mkdir -p "$work/tree/proc"
cp "$prog" "$work/tree/prog"
cp /bin/busybox "$work/tree/busybox"
for n in "$bytes" 0; do
	printf '#!/busybox sh\n/prog flood %s\n/busybox reboot -f\n' "$n" >"$work/tree/init"
	chmod 755 "$work/tree/init"
	"$B/tvmm" initramfs "$work/tree" -d initramfs/nodes -o "$work/flood.$n" >/dev/null
done

inside() {
	cat <<-EOF
		export XDG_CACHE_HOME=/tmp/cache
		watch() { timeout 900 /bin/stopwatch -t 600 "\$@" 2>/dev/null; }
		tvmm -kernel /bzImage -- true # keeps the unpacked kernel
		for run in \$(seq $runs); do
			watch -m 'Boot took' -l plain tvmm -kernel /bzImage -initrd /initrd \
				-append 'console=ttyS0 reboot=k panic=-1 quiet'
			watch -e -l true tvmm -kernel /bzImage -- true
		done
		for n in $bytes 0; do
			watch -e -l "tvmm.\$n" tvmm -kernel /bzImage -- /bin/guestprog flood \$n
			watch -e -l "pc.\$n" qemu-system-x86_64 -M pc -nographic -nic none -no-reboot \
				-enable-kvm -cpu host -m 128 -kernel /bzImage -initrd /flood.\$n \
				-append 'console=ttyS0 quiet reboot=k panic=-1'
			watch -e -l "microvm.\$n" qemu-system-x86_64 -M microvm,acpi=off -nodefaults \
				-no-user-config -display none -serial stdio -no-reboot -enable-kvm \
				-cpu host -m 128 -kernel /bzImage -initrd /flood.\$n \
				-append 'console=ttyS0 quiet reboot=t panic=-1'
		done
		exit 0
	EOF
}

# Milliseconds that -explain takes, with the arguments: the least of 41.
explain_ms() {
	"$B/bench/stopwatch" -n 41 -e -l x "$B/tvmm" -kernel "$kernel" -explain "$@" |
		sort -k2,2n | awk 'NR == 1 { printf "%.2f", $2 / 1e6 }'
}

results=$(tests/lab/lab --wall 3000 --cpu "$cpu" --with qemu-system-x86_64 --with /bin/true \
	--file "$B/bench/stopwatch:/bin/stopwatch" --file "$prog:/bin/guestprog" \
	--file "$kernel:/bzImage" --file "$initrd:/initrd" --file "$work/flood.$bytes:/flood.$bytes" \
	--file "$work/flood.0:/flood.0" -- "$(inside)" </dev/null)
without=$(explain_ms)
with=$(explain_ms -- /bin/true)

sort -k1,1 -k2,2n <<<"$results" | awk -v cpu="$cpu" -v bytes="$bytes" -v runs="$runs" \
	-v without="$without" -v with="$with" '
	$2 ~ /^[0-9]+$/ { value[$1, ++n[$1]] = $2 / 1e6 }
	function median(what) {
		return n[what] ? value[what, int((n[what] + 1) / 2)] : 0
	}
	function seconds(vmm) {
		return (median(vmm "." bytes) - median(vmm ".0")) / 1000
	}
	function rate(name, vmm, s) {
		s = seconds(vmm)
		if (s <= 0) return
		printf "| %s | %.2f | %.0f | %s |\n", name, s, bytes / s / 1024,
			vmm == "tvmm" ? "" : sprintf("%.1f", s / seconds("tvmm"))
	}
	END {
		printf "Ground: the lab (-cpu %s), virtual milliseconds, medians of %d.\n\n", cpu, runs
		printf "| | ms |\n|---|---|\n"
		printf "| plain boot, exec to `Boot took`, quiet | %.1f |\n", median("plain")
		printf "| `tvmm -kernel K -- true`, exec to its end | %.1f |\n", median("true")
		printf "| the second / the first | %.2f |\n\n", median("true") / median("plain")
		printf "%d bytes of output, the same lab run:\n\n", bytes
		printf "| | virtual s | KiB/s | tvmm is faster by |\n|---|---|---|---|\n"
		rate("tvmm -- program", "tvmm")
		rate("QEMU -M microvm, serial console", "microvm")
		rate("QEMU -M pc, serial console", "pc")
		printf "\nPacking /bin/true and its libraries, this machine: %.2f ms of %.2f.\n",
			with - without, with
	}'
