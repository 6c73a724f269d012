#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The part of `make bench` that needs no /dev/kvm: tvmm and two of QEMU's machines with the same files, in turns, in one
# run of the lab. Prints CSV: ground,what,who,run,value,unit.
#
#   tests/bench/lab.sh [RUNS]         (3; B, CPU, the lab's --cpu, and KINDS, some of those below, from the environment)
#
#   null     exec to the end of the process, of a kernel that resets at once. (It has no real-mode code, by which
#            QEMU would enter it: tvmm alone.)
#   plain    exec to `Boot took` on the VMM's stdout, allnoconfig's bzImage, console=ttyS0
#   quiet    the same with `quiet`
#   vmlinux  the same, the ELF kernel. (QEMU enters one only by a PVH note, which this one lacks.)
#   cloud    Debian's cloud kernel, xz, quiet, 512 MiB
#   cloudfast  the same with -fast-append, and the same words for QEMU
#   shell    exec to the end of a kernel that runs one command in a shell: `tvmm -- busybox sh -c true`, and under QEMU
#            an initramfs whose first process is a shell script that runs `true` and then resets
#   null-off, plain-off, quiet-off, vmlinux-off, cloud-off
#            tvmm alone, as it is and without each of what has a switch of its own; only if KINDS names it
#
# tvmm: the unpacked kernel is in its cache, as it is after the first run; first: it is not. Exits are KVM's own
# count of all, /sys/kernel/debug/kvm/exits, when the text had come. After an end there is nobody to ask.
set -eu

cd "$(dirname "$0")/../.."
runs=${1:-3}
B=${B:-build}
cpu=${CPU:-max}
kernels=$B/kernels/allnoconfig
initrd=$B/initramfs-busybox-x86.cpio.gz
kinds=(null plain quiet vmlinux shell)

for file in "$kernels/bzImage" "$initrd" "$B/bench/stopwatch" "$B/guests/reset_92.bzImage"; do
	[ -f "$file" ] || { echo "lab.sh: $file is missing; make bench builds it" >&2 && exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/tree"
cp /bin/busybox "$work/tree/busybox"
printf '#!/busybox sh\n/busybox true\n/busybox reboot -f\n' >"$work/tree/init"
chmod 755 "$work/tree/init"
"$B/tvmm" initramfs "$work/tree" -d initramfs/nodes -o "$work/shell.cpio.gz" >/dev/null

files=(--file "$B/bench/stopwatch:/bin/stopwatch" --file "$kernels/bzImage:/bzImage"
	--file "$kernels/vmlinux:/vmlinux" --file "$initrd:/initrd" --file "$work/shell.cpio.gz:/shell"
	--file "$B/guests/reset_92.bzImage:/reset" --file tests/bench/in_lab:/in_lab)
if tests/boot/fetch "$B/debian" >&2; then
	files+=(--file "$B/debian/vmlinuz-cloud:/cloud")
	kinds+=(cloud cloudfast)
fi

[ -z "${KINDS:-}" ] || read -ra kinds <<<"$KINDS"
LAB_QUIETLY=1 tests/lab/lab --wall 3000 --cpu "$cpu" --with qemu-system-x86_64 \
	"${files[@]}" -- sh /in_lab "$runs" "${kinds[@]}" </dev/null |
	awk -v ground="lab $cpu" -v OFS=, '
		{ gsub(/,/, " ", ground) }
		NF >= 4 && $4 != "none" { print ground, $1, $2, $3, $4, "ns" }
		NF >= 4 && $4 == "none" { print ground, $1, $2, $3, "", "failed" }
		NF >= 5 && $5 != "none" { print ground, $1, $2, $3, $5, "exits" }'
