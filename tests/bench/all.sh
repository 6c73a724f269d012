#!/bin/bash
# SPDX-License-Identifier: MIT
#
# All of `make bench`: measures, keeps the raw data, prints one table.
#
#   tests/bench/all.sh [GROUND...]    (lab kvm)
#
# From the environment: B; RUNS (3 in the lab, 20 on /dev/kvm); CPU, the lab's processors, several with blanks
# between them ("max max,-erms,-fsrm": the first one clears memory a byte a step, which no such processor needs, and is the
# one of the bounds; both are shown with them).
#
# Raw data: build/bench/lab.csv, build/bench/kvm.csv.
set -eu -o pipefail

cd "$(dirname "$0")/../.."
export B=${B:-build}
[ $# -gt 0 ] || set -- lab kvm
files=()

echo "$(date +%F), commit $(git describe --always --dirty 2>/dev/null || echo unknown), $("$B/tvmm" -version 2>&1 | head -n 1)"
for ground; do
	file=$B/bench/$ground.csv
	echo ground,what,who,run,value,unit >"$file.new"
	case $ground in
	lab)
		for cpu in ${CPU:-max max,-erms,-fsrm}; do
			CPU=$cpu tests/bench/lab.sh "${RUNS:-3}" >>"$file.new"
		done
		;;
	kvm) tests/bench/kvm.sh "${RUNS:-20}" >>"$file.new" ;;
	*) echo "all.sh: there is no ground $ground; lab and kvm" >&2 && exit 1 ;;
	esac
	mv "$file.new" "$file"
	files+=("$file")
done
for file in "${files[@]}"; do tail -n +2 "$file"; done | tests/bench/table
