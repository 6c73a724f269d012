# SPDX-License-Identifier: MIT
#
# --hang: what stands still is found in time, and what does not is left alone. The letters stand at
# the heads of tests/guest/hang.S and smp.S.

# Ends with the sentence; not before the time allowed.
expect_hang() { # MS PATTERN
	expect_status 122
	expect_sentence "hang: nothing moved for 0\.$1 s: $2"
	[ "$ms" -ge "$1" ] || complain "at least $1 ms" "$ms ms"
	expect_within_ms 3000
	remark="$1 ms asked, $ms ms"
}

# Runs on until the time is over.
expect_no_hang() {
	expect_status 124
	expect_sentence "timeout"
}

begin "a CPU that spins: status 122"
cmdline=$'up\n'
run spin --hang 300ms --timeout 10
expect_hang 300 "CPU 0 spins at 0x"
expect_output $'up\n'
verdict

begin "spinning, with the PIT's interrupt every ms"
cmdline=p
run hang --hang 300ms --timeout 10
expect_hang 300 "CPU 0 spins at 0x"
verdict

begin "halted with interrupts on, and nothing would wake it"
run idle --hang 300ms --timeout 10
expect_hang 300 "the CPU is halted, no timer is armed"
verdict

begin "halted, with a timer of its APIC that is masked"
cmdline=k
run hang --hang 300ms --timeout 10
expect_hang 300 "the CPU is halted, no timer is armed"
verdict

what_sleeps=(
	"t:woken by the PIT every ms, halts again"
	"o:halted, its APIC's timer will come in 50 s"
	"d:halted, its APIC's timer has a deadline far away"
)
for sleeps in "${what_sleeps[@]}"; do
	cmdline=${sleeps%%:*}
	begin "${sleeps#*:}: no hang"
	cmdline=${sleeps%%:*}
	run hang --hang 300ms --timeout 1.2
	expect_no_hang
	verdict

	begin "${sleeps#*:}: with ,idle a hang"
	cmdline=${sleeps%%:*}
	run hang --hang 300ms,idle --timeout 10
	expect_hang 300 "the CPU is halted, a timer is armed"
	verdict
done

begin "waits for input, to be interrupted by it: no hang"
cmdline=r
run hang --hang 300ms --timeout 1.2
expect_no_hang
verdict

begin "waits for input, to be interrupted by it: with ,idle a hang"
cmdline=r
run hang --hang 300ms,idle --timeout 10
expect_hang 300 "the CPU is halted, no timer is armed, input is awaited"
verdict

begin "polls for input: no hang"
cmdline=1
run echo --hang 300ms --timeout 1.2
expect_no_hang
verdict

begin "polls for input: with ,idle a hang"
cmdline=1
run echo --hang 300ms,idle --timeout 10
expect_hang 300 "CPU 0 spins at 0x[0-9a-f]*, input is awaited"
verdict

begin "a byte every 300 ms: no hang within 700 ms"
cmdline=s
run hang --hang 700ms --timeout 15
expect_status 0
expect_output ".........."
verdict

begin "a byte every 300 ms: a hang within 150 ms"
cmdline=s
run hang --hang 150ms --timeout 15
expect_status 122
expect_output ""
verdict

begin "a POST code every 300 ms that is written down: no hang within 700 ms"
cmdline=m
run hang --hang 700ms --timeout 15 -account phases
expect_status 0
verdict

begin "a loop of 1 KiB: no hang"
cmdline=l
run hang --hang 300ms --timeout 1.2
expect_no_hang
verdict

begin "halted for good is that, not a hang"
run halt --hang 100ms --timeout 10
expect_status 0
expect_sentence "halted for good"
expect_within_ms 1000
verdict

begin "64 CPUs: halted for good is found while samples are taken"
cmdline="64 h"
run smp -smp 64 --hang 100ms,idle --timeout 15
expect_status 0
expect_sentence "halted for good"
verdict

begin "2 CPUs in a deadlock of spinlocks"
cmdline="2 d"
run smp -smp 2 --hang 300ms --timeout 15
expect_hang 300 "CPU 0 spins at 0x[0-9a-f]*, CPU 1 spins at 0x"
verdict

begin "4 CPUs in a deadlock of spinlocks"
cmdline="4 d"
run smp -smp 4 --hang 300ms --timeout 15
expect_hang 300 "CPU 0 spins at 0x[0-9a-f]*, CPU 1 spins at 0x[0-9a-f]* and 2 more"
verdict

begin "one CPU spins, the others are halted with interrupts off"
cmdline="4 w"
run smp -smp 4 --hang 100ms --timeout 15
expect_status 122
expect_sentence "CPU 1 spins at 0x[0-9a-f]*, the others do not run"
verdict

begin "one CPU spins, the other was never started"
run spin -smp 2 --hang 300ms --timeout 10
expect_hang 300 "CPU 0 spins at 0x[0-9a-f]*, the other one does not run"
verdict

begin "one CPU waits for its timer, the other is halted: no hang"
cmdline="2 i"
run smp -smp 2 --hang 200ms --timeout 15
expect_status 0
grep -q -x late "$out" || complain "the line 'late'" "$(tr '\n' ' ' <"$out")"
verdict

begin "CPUs that wake each other by NMI: no hang"
cmdline="2 r"
run smp -smp 2 --hang 200ms --timeout 15
expect_status 0
grep -q -x woken "$out" || complain "the line 'woken'" "$(tr '\n' ' ' <"$out")"
verdict

begin "a reader that stands still, and the guest behind it: no hang"
mkfifo "$work/stuck"
sleep 30 <>"$work/stuck" &
reader=$!
wrapper=("$aid" pipe 4096)
tvmm_with count --hang 200ms --timeout 3
"${command[@]}" >"$work/stuck" 2>"$err" &
pid=$!
finish 10
expect_status 124
kill "$reader"
wait "$reader" 2>/dev/null
verdict
