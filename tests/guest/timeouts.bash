# SPDX-License-Identifier: MIT
#
# Time limits and signals hold whatever the guest, or a reader, does. The limits on time are wide,
# to hold on a busy machine; tests/bench/timeouts.c measures.

# full_pipe FD: a pipe that takes nothing more, open as FD.
full_pipe() {
	rm -f "$work/pipe"
	mkfifo "$work/pipe"
	eval "exec $1<>\"$work/pipe\""
	dd if=/dev/zero of="$work/pipe" bs=4096 count=64 oflag=nonblock 2>/dev/null
}

# Starts the command of tvmm_with in the background, with what is told of its descriptors.
start() { # STDOUT STDERR
	env --default-signal=INT,QUIT "${command[@]}" >"$1" 2>"$2" </dev/null &
	pid=$!
}

# held WHAT GUEST CMDLINE STDOUT SENTENCE [option]...: with a time limit, and by SIGTERM and SIGINT.
held() {
	local signal about=$1 guest=$2 text=$3 stdout=$4 sentence=$5
	shift 5
	begin "$about: -timeout"
	cmdline=$text
	tvmm_with "$guest" -timeout 0.3 "$@"
	start "$stdout" "$err"
	finish 3
	expect_status 124
	expect_sentence "$sentence"
	expect_within_ms 1000
	remark="0.3 s asked, $ms ms"
	verdict
	for signal in TERM:15 INT:2; do
		begin "$about: SIG${signal%:*}"
		cmdline=$text
		tvmm_with "$guest" "$@"
		start "$stdout" "$err"
		sleep 0.3
		kill -s "${signal%:*}" "$pid"
		finish 2
		expect_status $((128 + ${signal#*:}))
		expect_sentence "ended by signal ${signal#*:}"
		expect_within_ms 500
		remark="after $ms ms"
		verdict
	done
}

held "a spinning guest" spin up "$out" "timeout: no end within 0.300 s, at RIP"
held "an idle guest" idle up "$out" "timeout: no end within 0.300 s, at RIP"
held "a flooding guest" count 0 /dev/null "timeout: no end within 0.300 s, at RIP"
full_pipe 9
# Its end is told in order, or by the guard (vmm/guard.h) if that comes first: output is left to write.
held "a flooding guest whose output nobody takes" count 0 "$work/pipe" \
	"timeout: no end within 0.300 s, \\(at RIP\\|while what was left to write was written\\)"
held "a report that nobody takes" spin up "$out" "timeout: .*, while what was left to write" \
	-report "$work/pipe"
exec 9<&-

begin "a report that nobody takes, of a run that came to its end: -timeout"
full_pipe 9
run reset_92 -report "$work/pipe" -timeout 0.5
exec 9<&-
expect_status 124
expect_sentence "timeout: no end within 0.500 s, while what was left to write was written"
expect_within_ms 1500
verdict

begin "words that nobody takes: -timeout"
full_pipe 9
tvmm_with spin -timeout 0.3
start "$out" "$work/pipe"
finish 3
exec 9<&-
expect_status 124
expect_within_ms 1000
verdict

held_before() { # WHAT SENTENCE: of a run that waits for its console's user
	begin "before the guest runs: $1"
	rm -f "$work/socket"
	tvmm_with spin -serial "unix:$work/socket,server=on" "${@:3}"
	start "$out" "$err"
	within 3 test -S "$work/socket" || complain "a socket" "none"
	[ $# -gt 2 ] || kill -s TERM "$pid"
	finish 2
	expect_sentence "$2"
}

held_before "-timeout" "timeout: no end within 0.500 s, while the run was prepared" -timeout 0.5
expect_status 124
verdict

held_before "SIGTERM" "ended by signal 15 (Terminated) before the guest ran"
expect_status 143
verdict

begin "a second signal ends it at once"
full_pipe 9
tvmm_with count -report "$work/report"
cmdline=0
start "$work/pipe" "$err"
sleep 0.3
kill -s TERM "$pid"
sleep 0.011
kill -s INT "$pid" 2>/dev/null
finish 1
exec 9<&-
[ "$status" = 143 ] || [ "$status" = 130 ] || complain "status 143, or 130 of the second one" "$status"
[ "$(ls -A "$work" | grep -c '[.]tmp$')" = 0 ] || complain "no temporary file" "one"
verdict

begin "one that timeout(1) sends twice is in order: the report is there"
cmdline=up
rm -f "$work/report"
tvmm_with spin -report "$work/report"
timeout -s TERM 0.5 "${command[@]}" >"$out" 2>"$err" </dev/null
status=$?
expect_status 124 # timeout's own
[ "$(tail -n 1 "$work/report" 2>/dev/null)" = '}' ] || complain "a whole report" "none"
expect_sentence "ended by signal 15 (Terminated), at RIP"
verdict
