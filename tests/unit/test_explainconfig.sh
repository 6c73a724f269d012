#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tvmm explain-config, from its words to its output: two .config files, reports beside them, kernels
# of the recipe where they are built, and what is refused. What is expected is typed from
# docs/explain-config.md.
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

verdict() { # NAME EXPECTED GOT
	number=$((number + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $number - $1"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $number - $1"
	diff <(echo "$2") <(echo "$3") | sed 's/^/#   /'
}

# refused NAME WORDS ARGUMENT...: status 125, nothing on stdout, and WORDS in the one line on stderr.
refused() {
	local name=$1 words=$2 status out
	shift 2
	out=$("$tvmm" explain-config "$@" 2>err)
	status=$?
	if [[ $(<err) == *"$words"* && $(wc -l <err) == 1 ]]; then
		verdict "$name" "125 ''" "$status '$out'"
	else
		verdict "$name" "$words" "$(<err)"
	fi
}

cat >a.config <<'END'
# a kernel
CONFIG_64BIT=y
CONFIG_HZ=250
CONFIG_PCI=y
CONFIG_USB=m
CONFIG_CMDLINE="a|b"
# CONFIG_SMP is not set
END
cat >b.config <<'END'
CONFIG_64BIT=y
CONFIG_HZ=100
CONFIG_SMP=y
CONFIG_CMDLINE="c"
# CONFIG_USB is not set
END

verdict 'options only in one, and changed' "A: a.config
B: b.config

options: 2 only in A, 1 only in B, 2 changed

only in A
  CONFIG_PCI=y
  CONFIG_USB=m

only in B
  CONFIG_SMP=y

changed from A to B
  CONFIG_CMDLINE \"a|b\" -> \"c\"
  CONFIG_HZ 250 -> 100

sizes: neither a vmlinux nor a bzImage of B was given

times: no report of A was given, and no options for runs of both (--)" \
	"$("$tvmm" explain-config --export-json out.json --export-markdown out.md a.config b.config)"

verdict 'Markdown' 'options: 2 only in A, 1 only in B, 2 changed

| option | A | B |
|:---|:---|:---|
| `CONFIG_PCI` | y |  |
| `CONFIG_USB` | m |  |
| `CONFIG_SMP` |  | y |
| `CONFIG_CMDLINE` | "a\|b" | "c" |
| `CONFIG_HZ` | 250 | 100 |' "$(head -n 9 out.md)"

if command -v python3 >/dev/null; then
	verdict 'JSON' "tvmm-explain-config 1 a.config False PCI SMP HZ 250 100 None True" "$(
		python3 - <<'END'
import json
d = json.load(open("out.json"))
o = d["options"]
print(d["schema"], d["version"], d["a"]["config"], d["a"]["inside"], o["only_a"][0]["name"],
      o["only_b"][0]["name"], o["changed"][1]["name"], o["changed"][1]["a"], o["changed"][1]["b"],
      d["sizes"], "B was given" in d["no_sizes"])
END
	)"
fi

verdict 'A and B are the same file' 'options: none differs' \
	"$("$tvmm" explain-config a.config a.config | grep '^options')"

# --- times ----------------------------------------------------------------------------------------

# report BOOT SHARED NAME: a boot, an initcall that both have, and one called NAME.
report() {
	cat <<END
{"schema": "tvmm-report", "version": 1, "host": {"cpu": "x"},
"ending": {"status": 0, "kind": "reset", "sentence": "rebooted"}, "metrics": [
{"name": "boot", "unit": "ns", "value": $1}, {"name": "step.kernel", "unit": "ns", "value": 5000000},
{"name": "initcall.both", "unit": "ns", "value": $2},
{"name": "initcall.$3", "unit": "ns", "value": 7000000}]}
END
}
report 50000000 2000000 of_a >a.json
report 40000000 1000000 of_b >b.json

verdict 'times of reports: phases, initcalls that differ, and those of one' \
	'times in ms                    A       B  difference
boot                      50.000  40.000     -10.000
initcalls that differ: 1
initcall.both              2.000   1.000      -1.000
initcalls only in A: 1
initcall.of_a              7.000       -      -7.000
initcalls only in B: 1
initcall.of_b                  -   7.000      +7.000

boot: side by side only; a test needs two runs or more of A and of B' \
	"$("$tvmm" explain-config a.config,a.json b.json,b.config | sed -n '/^times/,$p')"
refused 'reports and runs' 'A has no kernel to run' a.config,a.json b.config,b.json -- -m 128M

# --- kernels --------------------------------------------------------------------------------------

kernel=$root/build/kernels/allnoconfig
if [ -f "$kernel/bzImage" ] && [ -f "$kernel/vmlinux" ]; then
	"$tvmm" explain-config "$kernel/config,$kernel/vmlinux" "$kernel/config,$kernel/bzImage" >out
	verdict 'a vmlinux, and that of its bzImage: the same sizes' 'text rodata data bss init total' \
		"$(awk '$1 ~ /^(text|rodata|data|bss|init|total)$/ && $2 == $3 && $4 == 0 && NF == 4 { print $1 }' \
			out | paste -sd ' ')"
	verdict 'an image without CONFIG_IKCONFIG' '1' "$(grep -qx CONFIG_IKCONFIG=y "$kernel/config" && echo 1 ||
		"$tvmm" explain-config a.config "$kernel/bzImage" 2>&1 | grep -c 'CONFIG_IKCONFIG=y, or give its .config')"
	refused 'two kernels of one kind' 'A has two files that are a bzImage each' \
		"$kernel/bzImage,$kernel/bzImage" b.config
fi

# An ELF file with a configuration inside, which is damaged then.
{ printf '\177ELF\2\1\1' && head -c 57 /dev/zero && printf IKCFG_ST && gzip -n <a.config && printf IKCFG_ED; } >inside
verdict 'a configuration inside, of a file without sections' 'A: inside (the configuration inside)
options: none differs
sizes: kernel inside: has no section headers (e_shoff is 0): they were stripped; take the vmlinux as the kernel'"'"'s build leaves it' \
	"$("$tvmm" explain-config inside a.config,inside | grep -E '^(A:|options|sizes)')"
sed 's/IKCFG_ED/IKCFG_XX/' inside >damaged
refused 'a damaged configuration inside' 'damaged: the configuration inside, at 0x48, has no end' damaged a.config

# --- what is refused ------------------------------------------------------------------------------

echo 'hello' >text
refused 'a kernel among the options of both' '-kernel k is not for the options' a.config b.config -- -kernel k
# Told before anything is read: there is no such file.
refused 'an option of the runs that there is not' 'there is no such option' nowhere b.config -- -nonsense
refused 'options that make no run' '-explain, -help, -version' nowhere b.config -- -explain
refused 'a file that each run would write' 'would write its -html anew' nowhere b.config -- -html f
for word in --help -help -h; do
	for command in explain-config table bench compare; do
		verdict "$command x $word" "0 usage: tvmm $command" \
			"$("$tvmm" $command x -r 3 $word y -- -h >out; echo $? "$(head -n 1 out | cut -d ' ' -f 1-3)")"
	done
done
refused 'help behind --' 'are no options for a run' a.config b.config -- --help
refused 'one file for two exports' '--export-json and --export-markdown both write out' a.config b.config \
	--export-json out --export-markdown out
rm -f out.json
verdict 'a full stdout: told once, with its reason, and the export is there' \
	'125 tvmm: stdout cannot be written: No space left on device 1' \
	"$("$tvmm" explain-config a.config b.config --export-json out.json 2>err >/dev/full
		echo "$? $(<err) $(grep -c '"schema": "tvmm-explain-config"' out.json)")"
cp a.config c.config
refused 'an export in the place of a configuration' "c.config: is the file 'c.config', the .config" \
	c.config b.config --export-json c.config
refused 'an export in the place of a report' "a.json: is the file 'a.json', the report" \
	a.config,a.json b.config --export-markdown a.json
refused 'an export in the place of an initrd' "c.config: is the file 'c.config', the initrd" \
	a.config b.config --export-json c.config -- -initrd c.config
verdict 'which are as they were' '' "$(cmp a.config c.config 2>&1)"
refused 'no .config' "text:1: 'hello' is no line of a .config" a.config text
head -c 5000 /dev/zero | tr '\0' x >long
refused 'a line that is too long' 'long:1: the line has 5000 characters' long b.config
: >empty
refused 'an empty file' 'empty has not one option' empty b.config
refused 'no such file' 'nowhere' nowhere b.config
refused 'one side' 'needs two sides' a.config
refused 'three sides' "'c' is one too many" a.config b.config c
refused 'an unknown option' 'there is no option --frobnicate' --frobnicate a.config b.config
refused 'a file without a name' 'a file without a name' a.config, b.config
refused 'two .config on a side' 'A has two files that are a .config each' a.config,b.config b.config
refused 'runs without a kernel' 'A has no kernel to run' a.config b.config -- -m 128M
echo '{}' >report
refused 'a report that is none' 'report' a.config,report b.config

echo "1..$number"
exit $((failed > 0))
