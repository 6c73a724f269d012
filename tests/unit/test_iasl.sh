#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The ACPI tables before iasl, the compiler and disassembler that ACPI's own reference code comes
# with: it takes each of them apart and together again, without an error, a warning or a remark,
# and what comes out is what went in.
#
# Prints TAP. $B is the folder of what was built (build).
set -u
export LC_ALL=C

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dump=$(realpath -m "$root/${B:-build}/tests/unit/dump_acpi")
tables=(APIC DSDT FACP FACS RSDT XSDT)
number=0
failed=0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

verdict() { # NAME COMPLAINT: none is good
	number=$((number + 1))
	if [ ! "$2" ]; then
		echo "ok $number - $1"
	else
		failed=$((failed + 1))
		echo "not ok $number - $1"
		printf '%s\n' "$2" | sed 's/^/#   /'
	fi
}

skip() { # NAME REASON
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# Without what iasl writes over: checksum (9), creator's name and revision (28 to 35).
without_creator() { # FILE
	od -A n -v -t x1 -w1 "$1" | sed -e '10d' -e '29,36d'
}

# The FACS has no such header.
same() { # TABLE FILE FILE
	if [ "$1" = FACS ]; then
		cmp -s "$2" "$3"
	else
		cmp -s <(without_creator "$2") <(without_creator "$3")
	fi
}

# What there is to say against a table, in the folder that it lies in.
complaint() { # TABLE
	local table=$1 said
	if ! said=$(iasl -d "$table.aml" 2>&1) || [ ! -s "$table.dsl" ]; then
		echo "cannot be disassembled: $said"
		return
	fi
	grep -iE 'error|warning|remark|invalid|incorrect|unknown' <<<"$said" "$table.dsl"
	said=$(iasl -p again/"$table" "$table.dsl" 2>&1)
	grep -q ' 0 Errors, 0 Warnings, 0 Remarks' <<<"$said" || echo "$said"
	same "$table" "$table.aml" again/"$table.aml" ||
		cmp -l "$table.aml" again/"$table.aml" 2>&1 | head -n 20
}

number_at() { # FILE OFFSET BYTES
	od -A n -t "x$3" -j "$2" -N "$3" "$1" | tr -d ' '
}

# iasl does not disassemble this one; here it makes it from text.
complaint_of_rsdp() {
	cat >RSDP.asl <<END
[0008] Signature : "RSD PTR "
[0001] Checksum : 00
[0006] Oem ID : "TVMM  "
[0001] Revision : 02
[0004] RSDT Address : $(number_at RSDP.aml 16 4)
[0004] Length : 00000024
[0008] XSDT Address : $(number_at RSDP.aml 24 8)
[0001] Extended Checksum : 00
[0003] Reserved : 000000
END
	local said
	said=$(iasl -p again/RSDP RSDP.asl 2>&1)
	grep -q ' 0 Errors, 0 Warnings, 0 Remarks' <<<"$said" || echo "$said"
	cmp RSDP.aml again/RSDP.aml 2>&1
}

# Whether iasl sees in the bytes what was meant: otherwise it calls them a buffer.
complaint_of_resources() {
	local words
	for words in '16550A-compatible COM Serial Port' 'ResourceTemplate ()' 'IO (Decode16,' \
		'0x03F8,' 'IRQNoFlags ()' '{4}'; do
		grep -qF "$words" DSDT.dsl || echo "no '$words'"
	done
}

if ! command -v iasl >/dev/null; then
	skip 'iasl accepts the ACPI tables' 'iasl is not installed (acpica-tools)'
elif [ ! -x "$dump" ]; then
	skip 'iasl accepts the ACPI tables' "$dump is not built"
else
	for cpus in 1 2 16 255; do
		mkdir -p "$work/$cpus/again" && cd "$work/$cpus" || exit 1
		if ! said=$("$dump" "$cpus" . 2>&1); then
			verdict "$cpus CPUs: the tables can be found" "${said:-dump_acpi failed}"
			continue
		fi
		verdict "$cpus CPUs: RSDP" "$(complaint_of_rsdp)"
		for table in "${tables[@]}"; do
			verdict "$cpus CPUs: $table" "$(complaint "$table")"
		done
		verdict "$cpus CPUs: what COM1 takes" "$(complaint_of_resources)"
		verdict "$cpus CPUs: as many local APICs" \
			"$(grep -c '\[Processor Local APIC\]' APIC.dsl | grep -vx "$cpus")"
	done
fi

echo "1..$number"
[ "$failed" = 0 ]
