#!/bin/bash
# SPDX-License-Identifier: MIT
#
# docs/ci.md against the sources: exit statuses, the udev rule that `tvmm probe --ci` prints, files that it
# names, the lines of probe's. What it tells people to type is tried by tests/boot/docs_ci. Prints TAP.
set -u
export LC_ALL=C

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
page=docs/ci.md
number=0 failed=0

verdict() { # WHAT WHY-NOT
	number=$((number + 1))
	if [ "$2" ]; then
		failed=$((failed + 1))
		echo "not ok $number - $1: ${2//$'\n'/; }"
	else
		echo "ok $number - $1"
	fi
}

# A row of the table for each status of the program.
missing=
statuses=$(sed -n '/^enum status {/,/^};/s/.* = \([0-9]*\),.*/\1/p' vmm/ending.h)
for status in $statuses; do
	grep -qE "^\| $status(\+n)? \|" "$page" || missing+=" $status"
done
[ "$statuses" ] || missing='nothing was found to compare with'
verdict 'docs/ci.md: the exit statuses' "$missing"

# The lines of the workflow that grant KVM are those that the program prints.
missing=
while read -r line; do
	escaped=${line//\"/\\\"}
	grep -qF -- "$escaped" <(tr -d '\n' <vmm/probe_ci.c | sed 's/"[[:space:]]*"//g') || missing+="$line"$'\n'
done < <(sed -n '/Let this job use KVM/,/Install tvmm/{/run:\|name:/d;p}' "$page")
[ "$(sed -n '/Let this job use KVM/,/Install tvmm/p' "$page" | wc -l)" -gt 4 ] || missing='no step was found'
verdict 'docs/ci.md: the step that grants KVM is what probe --ci prints' "${missing%$'\n'}"

missing=
for file in $(grep -oE '`(docs|tests)/[a-z_./]+`' "$page" | tr -d '`'); do
	[ -e "$file" ] || missing+=" $file"
done
verdict 'docs/ci.md: the files that it names are there' "$missing"

missing=
for state in ok limited missing unknown; do
	grep -q "\"$state\"" vmm/probe_ci_print.c && grep -q "\`$state\`" "$page" || missing+=" $state"
done
verdict 'docs/ci.md: the states of probe --ci' "$missing"

echo "1..$number"
[ $failed = 0 ]
