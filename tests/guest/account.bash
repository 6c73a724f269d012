# SPDX-License-Identifier: MIT
#
# The account of a guest that comes by Linux's landmarks (phases.S) and tells what its own time stamp
# counter was at each.

readreport=$(realpath "$B/tests/guest/readreport")
symbols=$work/guests/phases.elf

number() { # PATH: of the report
	"$readreport" number "$work/report" "$1" 2>/dev/null
}

expect_number() { # PATH WANTED
	local got
	got=$(number "$1")
	[ "$got" = "$2" ] || complain "$1 = $2" "$got"
}

# The marks by breakpoint, in their order.
breakpoint_marks() {
	"$readreport" marks "$work/report" | sed -n 's/^[0-9]* [0-9]* breakpoint //p' | tr '\n' ' '
}

expect_breakpoints() { # NAMES...
	local got
	got=$(breakpoint_marks)
	[ "$got" = "$* " ] || complain "marks $*" "$got"
}

main_landmarks="startup_64 x86_64_start_kernel start_kernel setup_arch sched_init console_init rest_init kernel_init"

begin "phases: every landmark in its order, by symbols of the ELF file itself"
run phases -report "$work/report"
expect_status 0
expect_breakpoints $main_landmarks "initcalls: early" "initcalls: core" "initcalls: rootfs" \
	populate_rootfs "populate_rootfs done" "initcalls: device" "initcalls: late" free_initmem \
	kernel_execve "first user-mode instruction"
expect_number phases.taken true
exits=$(number breakpoints.exits)
[ "${exits:-65}" -le 64 ] || complain "at most 64 exits for breakpoints" "$exits"
remark="$exits exits, $(number breakpoints.round_trip_ns) ns there and back"
verdict

begin "phases: a mark is where the guest's own counter says it is"
khz=$("$tvmm" probe --json | sed -n 's/.*"tsc_khz": \([0-9]*\).*/\1/p')
if [ -z "$khz" ]; then
	skip "KVM does not tell the rate of the guest's counter"
else
	# The best of many: a host that takes the CPU away between two readings is no error of a mark's.
	for try in {1..30}; do
		run phases -report "$work/report"
		# Without the first: between its mark and the guest's reading breakpoints are tried.
		tail -n +2 "$out" >"$work/readings"
		read -r error pairs < <("$readreport" error "$work/report" "$work/readings" "$khz")
		exits=$(number breakpoints.exits) total=$(number breakpoints.total_ns)
		# A mark lies within its exit and the serving of that; how far two lie apart has both.
		limit=$((5000 + 2 * total / exits))
		[ "$error" -gt "$limit" ] || break
	done
	expect_status 0
	[ "$pairs" -ge 10 ] || complain "10 pairs of marks to compare" "$pairs"
	[ "$error" -le "$limit" ] || complain "at most $limit ns between the two" "$error ns"
	remark="at most $error ns in $pairs pairs, an exit and its serving are $((total / exits))"
	verdict
fi

begin "phases with four CPUs, three of which wait for their start"
run phases -smp 4 -account all -profile 1000 -report "$work/report"
expect_status 0
got=$(breakpoint_marks | wc -w)
[ "$got" -gt 20 ] || complain "all landmarks" "$(breakpoint_marks)"
expect_number guest.cpus 4
verdict

begin "initcalls: all of them, with level, name, result and what they took"
cmdline=i
# device_call() does ten times what early_call() does; a busy host may need a few tries to show it.
for try in {1..20}; do
	run phases -account initcalls -report "$work/report"
	read -r early core _ device late < <("$readreport" initcalls "$work/report" |
		cut -d ' ' -f 1 | tr '\n' ' ')
	[ "${device:-0}" -le $((${early:-0} * 5)) ] || [ "$device" -ge $((early * 20)) ] ||
		[ "$late" -ge "$early" ] || break
done
expect_status 0
got=$("$readreport" initcalls "$work/report" | cut -d ' ' -f 2- | tr '\n' ',')
want="0 early early_call,-19 core core_call,0 rootfs populate_rootfs,0 device device_call,0 late late_call,"
[ "$got" = "$want" ] || complain "$want" "$got"
[ "${device:-0}" -gt $((${early:-0} * 5)) ] && [ "${device:-0}" -lt $((${early:-0} * 20)) ] ||
	complain "device_call some 10 times early_call" "$device and $early ns"
[ "${late:-1000000}" -lt "${early:-0}" ] || complain "late_call the shortest" "$late and $early ns"
remark="$early, $core, $device, $late ns"
verdict

begin "symbols from a System.map"
nm "$symbols" | sort >"$work/System.map"
objcopy --strip-all "$symbols" "$work/stripped"
run "$work/stripped" -symbols "$work/System.map" -report "$work/report"
expect_status 0
expect_number phases.taken true
verdict

begin "no symbols: the account says so and goes on with what there is"
mkdir -p "$work/alone" && cp "$work/stripped" "$work/alone/vmlinuz"
run "$work/alone/vmlinuz" -account phases
expect_status 0
grep -q '^tvmm: .*no symbols' "$err" || complain "a line about symbols" "$(tail -n 3 "$err")"
verdict

begin "symbols of another build are refused, with both names"
sed 's/ffffffff81000/ffffffff81200/' "$work/System.map" >"$work/other.map"
run "$work/stripped" -symbols "$work/other.map" -report "$work/report"
expect_status 125
expect_sentence "other.map.*stripped\|stripped.*other.map"
verdict

begin "a report that cannot be written is told before the guest starts"
run phases -report "$work/no/such/folder"
expect_status 125
expect_output ''
expect_sentence "no/such/folder: its folder .*/no/such/ cannot be used: No such file or directory"
verdict

begin "budgets: one that holds, one that does not"
run phases -q -assert 'initcalls<1h'
expect_status 125
run phases -q -assert 'breakpoints.exits<=64' -assert 'kernel<60s'
expect_status 0
expect_silence
run phases -q -assert 'breakpoints.exits<5'
expect_status 120
grep -q '^tvmm: -assert breakpoints.exits<5: .*[0-9].*5' "$err" ||
	complain "the number and the limit" "$(head -n 1 "$err")"
run phases -q -assert 'no.such.number<5'
expect_status 125
run phases -q -assert 'kernel<40'
expect_status 125
verdict

begin "profile: where the guest was"
cmdline=h
run phases -profile 2000 -folded "$work/folded" -flame "$work/flame.svg" --timeout 5
expect_status 0
[ ! -s "$work/folded" ] || grep -q ' [0-9][0-9]*$' "$work/folded" ||
	complain "stacks and counts" "$(head -n 1 "$work/folded")"
grep -q '<svg' "$work/flame.svg" || complain "an SVG" "$(head -c 40 "$work/flame.svg")"
verdict

begin "what is off costs nothing: no breakpoint without -account"
run phases
expect_status 0
! grep -q 'start_kernel' "$err" || complain "no line of a landmark" "one"
verdict

# So that the accounts of runs that end at the same time do not mix, line by line.
begin "the account comes in one write()"
if command -v strace >/dev/null; then
	run reset_92
	lines=$(wc -l <"$err")
	wrapper=(strace -f --seccomp-bpf -o "$work/trace" -e trace=write)
	run reset_92
	expect_status 0
	writes=$(grep -c 'write(2, "tvmm:' "$work/trace")
	[ "$lines" -ge 8 ] || complain "an account of 8 lines" "$lines"
	[ "$writes" = 2 ] || complain "2 writes, the account and the sentence, of $lines lines" "$writes"
	verdict
else
	skip "there is no strace"
fi
