#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tvmm table with its own binary: what is refused before anything runs, and what stands in the way of every
# run. What is expected is typed from docs/table.md.
#
# TVMM=FILE names the program; build/tvmm without it. Prints TAP.
set -u
export LC_ALL=C

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tvmm=$(realpath -m "${TVMM:-$root/${B:-build}/tvmm}")
number=0
failed=0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# refused NAME WORDS ARGUMENT...: status 125, nothing on stdout, and WORDS in the one line on stderr.
refused() {
	local name=$1 words=$2 status out
	shift 2
	number=$((number + 1))
	out=$(timeout 20 "$tvmm" table "$@" 2>err </dev/null)
	status=$?
	if [[ $status == 125 && -z $out && $(<err) == "tvmm: "*"$words"* && $(wc -l <err) == 1 ]]; then
		echo "ok $number - $name"
	else
		failed=$((failed + 1))
		echo "not ok $number - $name"
		{ echo "status $status, stdout '${out:0:200}', stderr:" && cat err; } | sed 's/^/#   /'
	fi
}

head -c 4096 /dev/zero >zero
: >empty
mkdir folder
mkfifo fifo
long=$(printf '%4000s' '' | tr ' ' n)

refused 'a directory' 'directory' x=folder
refused 'a FIFO' 'fifo' x=fifo
refused 'a device' '/dev/zero' x=/dev/zero
refused 'a name with a line in it' 'is no name for a row' $'a\nb=zero'
refused 'a name of markup' 'is no name for a row' '<b>|&=zero'
refused 'a name that is 4 KiB long' 'is no name for a row' "$long=zero"
refused 'a path that is 4 KiB long' 'name too long' "x=$long/$long"
refused 'a name with control characters' "'a??b' is no name" $'a\xc2\x9bb=zero'
mapfile -t thousand < <(printf 'k%d=zero\n' {1..1000})
refused 'a thousand kernels' 'a table has 32 rows at most' "${thousand[@]}"
refused 'an option of the runs that there is not' 'there is no such option' x=zero -- -nonsense
refused 'repetitions in repetitions' 'repeats so much' --uptime '((((a{1,255}){1,255}){1,255}))' x=zero
refused 'an export with too long a name' 'File name too long' --export-json "${long:0:300}" x=zero
refused 'an export in a folder that is none' '--export-csv zero/f' --export-csv zero/f x=empty
refused 'an export that is a folder' '--export-chart folder: exists and is a directory' --export-chart folder x=zero
refused 'an export in the place of the kernel' "--export-json zero: is the file 'zero', the kernel" --export-json zero x=zero
refused 'one file for two exports' 'both write' --export-json f --export-csv ./f x=zero

if [ -e /dev/kvm ]; then
	echo "ok $((number += 1)) - no KVM # SKIP /dev/kvm is there"
else
	refused 'no KVM: one sentence for all rows' '/dev/kvm is missing' --export-json f a=zero b=empty c=zero
	number=$((number + 1))
	if [ -e f ]; then
		failed=$((failed + 1))
		echo "not ok $number - and nothing is written"
	else
		echo "ok $number - and nothing is written"
	fi
fi

echo "1..$number"
exit $((failed > 0))
