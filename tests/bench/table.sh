#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The kernels of this project's rows beside each other, in the lab: `tvmm table --against qemu`, with
# the recipe's initramfs and 128 MiB. What docs/boot-table.md is made from.
#
#   tests/bench/table.sh [RUNS [OPTION...]]    (10; more options of tvmm table)
#
# From the environment: B, ROWS (kernels of B/kernels, in this order), INITRD, MEMORY (MiB), APPEND, and
# CPU, the lab's --cpu. Prints the table as Markdown. B/bench/table.{md,csv,json,svg} keep it.
set -eu

cd "$(dirname "$0")/../.."
runs=${1:-10}
[ $# -eq 0 ] || shift
B=${B:-build}
read -ra rows <<<"${ROWS:-basic alldefconfig allnoconfig allnoconfig-kvm tvmm}"
initrd=${INITRD:-$B/initramfs-busybox-x86.cpio.gz}
append=${APPEND:-console=ttyS0 reboot=k panic=-1}

files=() arguments=()
for row in "${rows[@]}"; do
	for image in bzImage vmlinux; do
		[ -f "$B/kernels/$row/$image" ] || {
			echo "table.sh: $B/kernels/$row/$image is missing; make kernels ROWS='${rows[*]}' builds it" >&2
			exit 1
		}
		files+=(--file "$B/kernels/$row/$image:/k/$row/$image")
	done
	arguments+=("$row=/k/$row/bzImage,/k/$row/vmlinux")
done
mkdir -p "$B/bench"

# Quoted words for the shell in the lab, which prints the files behind a line each.
command="XDG_CACHE_HOME=/cache /bin/tvmm table ${arguments[*]} -r $runs --against qemu"
command+=" --export-markdown /t.md --export-csv /t.csv --export-json /t.json --export-chart /t.svg"
for word in "$@" -- -initrd /initrd -m "${MEMORY:-128}" -append "$append" -timeout 120; do
	command+=" $(printf '%q' "$word")"
done
command+=" >&2; status=\$?; for f in md csv json svg; do echo \"=== \$f\"; cat /t.\$f; done; exit \$status"

tests/lab/lab --cpu "${CPU:-max}" --wall 3000 --memory 2048 --with qemu-system-x86_64 "${files[@]}" \
	--file "$initrd:/initrd" -- "$command" </dev/null >"$B/bench/table.out"
for format in md csv json svg; do
	sed -n "/^=== $format\$/,/^=== /{/^=== /!p}" "$B/bench/table.out" >"$B/bench/table.$format"
done
rm "$B/bench/table.out"
cat "$B/bench/table.md"
