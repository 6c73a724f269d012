# SPDX-License-Identifier: MIT
#
# How runs end: each ending has its status and its sentence.

sentences=()
for way in 8042 cf9 92; do
	begin "reset through $way: status 0"
	run "reset_$way"
	expect_status 0
	expect_sentence "guest rebooted"
	expect_within_ms 1000
	verdict
	sentences+=("$(tail -n 1 "$err" | sed 's/, at RIP.*//')")
done

begin "the three resets have three sentences"
different=$(printf '%s\n' "${sentences[@]}" | sort -u | wc -l)
[ "$different" = 3 ] || complain "3 different ones" "$different"
verdict

begin "power-off through ACPI's registers: status 0"
cmdline=$'bye\n'
run poweroff_acpi
expect_status 0
expect_sentence "guest powered off (ACPI)"
expect_output $'bye\n'
expect_within_ms 1000
verdict

begin "isa-debug-exit: status (v << 1) | 1"
for v in 0 1 5 59 63 127; do
	cmdline=$v
	run debugexit -device isa-debug-exit,iobase=0xf4,iosize=0x04
	expect_status $((v << 1 | 1))
	expect_sentence "isa-debug-exit"
done
verdict

begin "isa-debug-exit at its own place, 0x501, with two bytes"
cmdline=21
run debugexit -device isa-debug-exit
expect_status 43
verdict

begin "without isa-debug-exit its ports are nobody's"
cmdline=21
run debugexit
expect_status 0
expect_sentence "halted for good"
verdict

begin "triple fault: status 121"
run fault
expect_status 121
expect_sentence "triple fault"
expect_within_ms 1000
verdict

begin "triple fault after the kernel said it restarts: status 0"
cmdline=$'[    1.234567] reboot: Restarting system\n'
run fault
expect_status 0
expect_sentence "rebooted (triple fault"
verdict

begin "int3 without a handler: a triple fault, also where KVM cannot emulate int3"
run int3 --timeout 3
expect_status 121
expect_sentence "triple fault"
verdict

begin "halted for good: status 0, within 1 s"
run halt
expect_status 0
expect_sentence "halted for good"
expect_within_ms 1000
remark="the whole run: $ms ms"
verdict

begin "halted after the kernel said it powers down: powered off, status 0"
cmdline=$'[    0.998] reboot: Power down\n'
run halt
expect_status 0
expect_sentence "guest powered off"
expect_within_ms 1000
remark="the whole run: $ms ms"
verdict

begin "halted after the kernel said it halts: status 0"
cmdline=$'reboot: System halted\n'
run halt
expect_status 0
expect_sentence "halted"
expect_within_ms 1000
verdict

begin "a guest that waits with interrupts on is not taken for halted"
run idle --timeout 0.5
expect_status 124
verdict

begin "--timeout on a spinning guest: status 124, in time"
run spin --timeout 0.3
expect_status 124
expect_sentence "timeout"
expect_within_ms 1300
[ "$ms" -ge 300 ] || complain "at least 300 ms" "$ms"
remark="0.3 s asked, $ms ms"
verdict

begin "--timeout on an idle guest: status 124, in time"
run idle --timeout 300ms
expect_status 124
expect_within_ms 1300
remark="0.3 s asked, $ms ms"
verdict

begin "--timeout far away changes nothing"
run halt --timeout 1h
expect_status 0
verdict

panic=$'[    0.5] Kernel panic - not syncing: x\n'
panic_end=$'[    0.6] ---[ end Kernel panic - not syncing: x ]---\n'
begin "panic to its end: status 255"
cmdline=$panic$panic_end
run spin
expect_status 255
expect_sentence "panicked"
expect_within_ms 1000
expect_output "$panic$panic_end"
verdict

begin "a line about a panic that does not go on does not end the run"
cmdline=$panic
run spin --timeout 3
expect_status 124
verdict

for then in reset_8042 fault halt; do
	begin "panic, then $then: status 255"
	cmdline=$panic
	run "$then"
	expect_status 255
	expect_sentence "panicked"
	verdict
done

begin "a panic behind a prompt that nobody answered: status 255"
cmdline="~ # $panic"
run reset_8042
expect_status 255
verdict

begin "a line about a panic, then an announced restart: status 0"
cmdline=$panic$'[    0.7] reboot: Restarting system\n'
run reset_8042
expect_status 0
expect_sentence "guest rebooted"
verdict

for signal in TERM:15 INT:2 HUP:1 QUIT:3; do
	begin "SIG${signal%:*} on a spinning guest: status $((128 + ${signal#*:}))"
	cmdline=$'up\n'
	launch spin
	await_output
	kill -s "${signal%:*}" "$pid"
	finish 1
	expect_status $((128 + ${signal#*:}))
	expect_sentence "signal ${signal#*:}"
	remark="after $ms ms"
	verdict
done

begin "SIGTERM on an idle guest: status 143"
cmdline=$'up\n'
launch idle
await_output
kill -s TERM "$pid"
finish 1
expect_status 143
remark="after $ms ms"
verdict

begin "a signal that is ignored from the start (nohup) stays ignored"
cmdline=$'up\n'
wrapper=(env --ignore-signal=HUP)
launch idle --timeout 1
await_output
kill -s HUP "$pid"
finish 3
expect_status 124
verdict

begin "SIGKILL: nobody stays behind"
cmdline=$'up\n'
launch spin
await_output
kill -s KILL "$pid"
finish 1
expect_status 137
verdict

begin "--until matches a line: status 0, the line is out"
cmdline=$'one\ntwo\nthree\n'
run spin --until '^t.o$'
expect_status 0
expect_sentence "until"
grep -q -x two "$out" || complain "the line 'two'" "$(tr '\n' ' ' <"$out")"
verdict

begin "--until matches a line that waits without an end"
cmdline=$'Welcome\nlogin: '
run spin --until 'login: $'
expect_status 0
expect_output $'Welcome\nlogin: '
expect_within_ms 1000
verdict

begin "--until that nothing matches"
cmdline=$'one\ntwo\n'
run spin --until 'four' --timeout 0.5
expect_status 124
verdict

begin "--quiet: not a word at status 0"
run halt --quiet
expect_status 0
expect_silence
verdict

begin "--quiet: one line at any other status"
run fault --quiet
expect_status 121
[ "$(wc -l <"$err")" = 1 ] || complain "one line on stderr" "$(wc -l <"$err")"
verdict
