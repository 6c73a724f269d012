# SPDX-License-Identifier: MIT
#
# tvmm on a terminal: raw while the guest runs, as it was afterwards, whatever ends the run.

[ -x "$ptydrive" ] || { begin "on a terminal"; skip "$ptydrive is not built"; return; }

# talk GUEST STEP... [-- option...]: a conversation, with the terminal's settings checked.
talk() {
	local guest=$1 steps=(-e "timeout 10") options=()
	shift
	while [ $# -gt 0 ]; do
		[ "$1" != -- ] || { options=("${@:2}"); break; }
		steps+=(-e "$1")
		shift
	done
	tvmm_with "$guest" "${options[@]}"
	timeout -s KILL "$limit" "$ptydrive" "${steps[@]}" -e expect-terminal-restored \
		-- "${command[@]}" >"$out" 2>"$err"
	status=$?
	[ "$status" = 0 ] || complain "the conversation" "'$(tail -n 1 "$err")'"
}

begin "raw while it runs; Ctrl-a x ends it at once, status 0"
cmdline=$'up\n'
talk spin 'expect "up"' 'expect-terminal-raw' 'timeout 1' 'send "\x01x"' 'expect-exit 0'
grep -q "ended from the keyboard" "$out" || complain "a sentence about the keyboard" "none"
verdict

begin "Ctrl-a x with -serial stdio is the guest's"
cmdline=2
talk echo 'expect "up"' 'send "\x01x"' 'expect "\x01x"' 'expect-exit 0' -- -serial stdio
verdict

begin "-serial stdio: Ctrl-c ends it as SIGINT does"
cmdline=$'up\n'
talk spin 'expect "up"' 'timeout 1' 'send "\x03"' 'expect-exit 130' -- -serial stdio
verdict

begin "Ctrl-c is the guest's"
cmdline=1
talk echo 'expect "up"' 'send "\x03"' 'expect "\x03"' 'expect-exit 0'
verdict

begin "-echr: another escape key"
cmdline=0
talk echo 'expect "up"' 'send "\x01x"' 'expect "\x01x"' 'send "\x02x"' 'expect-exit 0' -- -echr 2
verdict

begin "Ctrl-a h: help, with the keys"
cmdline=$'up\n'
talk spin 'expect "up"' 'send "\x01h"' 'expect "Ctrl-a x"' 'send "\x01x"' 'expect-exit 0'
verdict

begin "Ctrl-a c: the monitor; help, back to the guest, quit"
cmdline=0
talk echo 'expect "up"' 'send "\x01c"' 'expect "(tvmm) "' 'send "help\r"' 'expect "quit"' \
	'expect "(tvmm) "' 'send "\x01c"' 'wait 0.1' 'send "hey"' 'expect "hey"' \
	'send "\x01c"' 'expect "(tvmm) "' 'send "quit\r"' 'expect-exit 0'
verdict

begin "Ctrl-a t: time stamps before lines, and none again"
cmdline=0
talk echo 'expect "up"' 'send "\x01t"' 'wait 0.1' 'send "one\n"' 'expect "one\n"' \
	'send "\x01t"' 'wait 0.1' 'send "two\n"' 'expect "two\n"' 'send "\x01x"' 'expect-exit 0'
grep -a -q '^ *[0-9]*\.[0-9]\{6\} one' "$out" || complain "a stamp before 'one'" "none"
grep -a -q '^two' "$out" || complain "none before 'two'" "one"
verdict

begin "Ctrl-a Ctrl-a: one Ctrl-a for the guest"
cmdline=3
talk echo 'expect "up"' 'send "a\x01\x01b"' 'expect "a\x01b"' 'expect-exit 0'
verdict

begin "Ctrl-a b: the guest sees a break"
cmdline=1
talk echo 'expect "up"' 'send "\x01b"' 'expect "<break>"' 'send "z"' 'expect "z"' 'expect-exit 0'
verdict

begin "Ctrl-a x works although the guest takes no input"
cmdline=$'up\n'
talk spin 'expect "up"' "send \"$(printf 'x%.0s' {1..6000})\"" 'wait 1.5' 'timeout 3' \
	'send "\x01x"' 'expect-exit 0'
verdict

begin "the guest halts: the terminal is as before"
cmdline=$'up\n'
talk halt 'expect "up"' 'expect-exit 0'
verdict

begin "the guest crashes: the terminal is as before"
talk fault 'expect-exit 121'
verdict

begin "--timeout: the terminal is as before"
talk spin 'expect-exit 124' -- --timeout 0.3
verdict

begin "the reader of stdout goes away: the terminal is as before"
tvmm_with count
timeout -s KILL "$limit" "$ptydrive" -e 'timeout 5' -e 'expect-exit 0' -e expect-terminal-restored \
	-- bash -c '"$@" | head -c 1; exit $((PIPESTATUS[0] - 125))' bash "${command[@]}" \
	>"$out" 2>"$err" || complain "the conversation" "'$(tail -n 1 "$err")'"
verdict

begin "the terminal hangs up: it ends"
cmdline=$'up\n'
tvmm_with spin
timeout -s KILL "$limit" "$ptydrive" -e 'expect "up\n"' -e close -e 'timeout 2' -e 'expect-exit 129' \
	-- "${command[@]}" >"$out" 2>"$err" || complain "the conversation" "'$(tail -n 1 "$err")'"
verdict

# In a shell on a terminal that outlives tvmm. KILL, and what nobody expects, leave it to the keeper. Files in $work: tty, pid, before, status, and after,
# which is looked at until it equals before, a second at most; $polls says how often.
inner='
	tty >"$work/tty"
	stty -g >"$work/before"
	sh -c "echo \$\$ >\"\$work/pid\"; exec \"\$@\"" tvmm "$@"
	echo $? >"$work/status"
	i=1
	while stty -g >"$work/after"; ! cmp -s "$work/before" "$work/after" && [ $i -lt 100 ]; do
		i=$((i + 1))
		sleep 0.01
	done
	echo $i >"$work/polls"'
export work

raw=(-e expect-terminal-raw)
start_in_shell() { # [option]...
	rm -f "$work"/{tty,pid,before,status,after,polls}
	cmdline=$'up\n'
	tvmm_with spin "$@"
	timeout -s KILL "$limit" "$ptydrive" -e 'timeout 15' -e 'expect "up"' "${raw[@]}" \
		-e 'expect-exit 0' -- sh -c "$inner" sh "${command[@]}" >"$out" 2>"$err" &
	shell=$!
	await_output
	within 5 grep -q up "$out"
	sleep 0.1
	pid=$(<"$work/pid")
}

end_in_shell() {
	wait "$shell" || complain "the conversation" "'$(tail -n 1 "$err")'"
	status=$(<"$work/status")
	cmp -s "$work/before" "$work/after" ||
		complain "the terminal as before" "$(<"$work/after"), not $(<"$work/before")"
}

for signal in TERM:15 INT:2 HUP:1 QUIT:3 SEGV:11 BUS:7 ABRT:6 USR1:10 KILL:9; do
	begin "SIG${signal%:*} restores the terminal"
	start_in_shell
	kill -s "${signal%:*}" "$pid"
	end_in_shell
	expect_status $((128 + ${signal#*:}))
	polls=$(<"$work/polls")
	[[ "$signal" = KILL:9 || "$signal" = USR1:10 ]] || [ "$polls" = 1 ] || complain "at once" "after $polls looks"
	remark="looked $polls times, every 10 ms"
	verdict
done

settings_are() { # before, or anything else
	[ "$(stty -g <"$(<"$work/tty")" 2>/dev/null)" = "$(<"$work/before")" ]
}
settings_are_not() {
	! settings_are
}
is_stopped() {
	grep -q '^State:.T' "/proc/$pid/status"
}

begin "SIGTSTP: terminal as before while stopped; SIGCONT: raw again"
start_in_shell
kill -s TSTP "$pid"
within 1 is_stopped || complain "a stopped process" "none"
within 1 settings_are || complain "the terminal as before" "raw"
kill -s CONT "$pid"
within 1 settings_are_not || complain "the terminal raw again" "it is not"
kill -s TERM "$pid"
end_in_shell
expect_status 143
verdict

begin "two signals in a row: the terminal is as before"
start_in_shell
kill -s TERM "$pid"
sleep 0.012
kill -s INT "$pid" 2>/dev/null
end_in_shell
[ "$status" = 143 ] || [ "$status" = 130 ] || complain "status 143, or 130 of the second one" "$status"
[ "$(<"$work/polls")" = 1 ] || complain "at once" "after $(<"$work/polls") looks"
verdict

# A pipe that takes nothing more.
full_pipe() {
	rm -f "$work/pipe"
	mkfifo "$work/pipe"
	exec 9<>"$work/pipe"
	dd if=/dev/zero of="$work/pipe" bs=4096 count=64 oflag=nonblock 2>/dev/null
}

begin "time is up while the report is written: the terminal is as before"
full_pipe
start_in_shell -report "$work/pipe" -timeout 0.6
end_in_shell
exec 9<&-
expect_status 124
[ "$(<"$work/polls")" = 1 ] || complain "at once" "after $(<"$work/polls") looks"
grep -q 'tvmm: timeout: .*what was left to write' "$out" || complain "a sentence" "none"
verdict

# The line that the drive waits for ends the run, and the terminal may be as before when the drive looks at it.
begin "a signal while the report is written: the terminal is as before"
full_pipe
raw=()
start_in_shell -report "$work/pipe" -until up
raw=(-e expect-terminal-raw)
kill -s TERM "$pid" 2>/dev/null
end_in_shell
exec 9<&-
expect_status 143
verdict

begin "a signal before the guest runs: the terminal is as before"
rm -f "$work"/{tty,pid,before,status,after,polls,socket}
tvmm_with spin -serial "unix:$work/socket,server=on"
timeout -s KILL "$limit" "$ptydrive" -e 'timeout 15' -e 'expect-exit 0' \
	-- sh -c "$inner" sh "${command[@]}" >"$out" 2>"$err" &
shell=$!
within 5 test -S "$work/socket" || complain "a socket" "none"
pid=$(<"$work/pid")
kill -s INT "$pid"
end_in_shell
expect_status 130
grep -q 'tvmm: ended by signal 2 (Interrupt) before the guest ran' "$out" ||
	complain "a sentence" "'$(tail -n 1 "$out")'"
verdict

begin "job control: stopped from the keyboard, and continued in the foreground"
cmdline=$'up\n'
tvmm_with spin -serial stdio -timeout 10
printf 'exec %s\n' "${command[*]@Q}" >"$work/job"
timeout -s KILL "$limit" "$ptydrive" -e 'timeout 5' -e 'expect "$ "' \
	-e "send \"sh $work/job\\n\"" -e 'expect "up"' -e 'wait 0.1' -e 'send "\x1a"' \
	-e 'expect "topped"' -e 'expect "$ "' -e 'send "fg\n"' -e 'wait 0.3' -e 'send "\x03"' \
	-e 'expect "exit status 130"' -e 'expect "$ "' -e 'send "echo =$?=\n"' \
	-e 'expect "=130="' -e 'send "exit 0\n"' -e 'expect-exit 0' -e expect-terminal-restored \
	-- env PS1='$ ' bash --norc --noprofile -i >"$out" 2>"$err" ||
	complain "the conversation" "'$(tail -n 1 "$err")'"
verdict
