# SPDX-License-Identifier: MIT
#
# What a run takes from the host, and gives back.

begin "at most 4 MiB besides the guest's memory, and 1.5 when the guest has been busy for two seconds"
cmdline=$'up\n'
launch spin
await_output
kib=$(own_memory "$pid")
[ "$kib" -gt 0 ] && [ "$kib" -le 4096 ] || complain "1 to 4096 KiB" "$kib"
remark="$kib KiB"
for i in {1..80}; do
	sleep 0.1
	kib=$(own_memory "$pid")
	[ "$kib" -gt 1536 ] || break
done
[ "$kib" -gt 0 ] && [ "$kib" -le 1536 ] || complain "1 to 1536 KiB within 8 s" "$kib"
remark+=", then $kib"
kill "$pid"
finish 1
verdict

begin "inherited files are not lost, and not in the way"
exec 7<"$here/run" 8<"$here/run"
run halt
exec 7<&- 8<&-
expect_status 0
verdict

begin "few files allowed: a clear word, status 125"
tvmm_with halt
for ((files = 4; files < 12; files++)); do
	(ulimit -n "$files" && exec timeout -s KILL 10 "${command[@]}") >"$out" 2>"$err" </dev/null
	status=$?
	[ "$status" = 0 ] && break
	expect_status 125
	expect_sentence "."
done
expect_status 0
remark="$files are enough"
verdict

begin "little address space allowed: a clear word, status 125"
tvmm_with halt
(ulimit -v 65536 && exec timeout -s KILL 10 "${command[@]}") >"$out" 2>"$err" </dev/null
status=$?
expect_status 125
expect_sentence "memory"
verdict

begin "a blocked signal mask from the parent does not make it deaf"
cmdline=$'up\n'
wrapper=(env --block-signal=TERM,INT)
launch spin
await_output
kill -s TERM "$pid"
finish 1
expect_status 143
verdict

begin "nor does it keep the vCPU from being taken out of the guest"
wrapper=(env --block-signal=RTMIN)
run idle -timeout 0.3
expect_status 124
verdict

begin "all signals blocked: time limit and SIGTERM work"
wrapper=(env --block-signal)
run spin -timeout 0.3
expect_status 124
cmdline=$'up\n'
launch spin
await_output
kill -s TERM "$pid"
finish 1
expect_status 143
verdict

begin "SIGPIPE and SIGINT ignored by the parent"
wrapper=(env --ignore-signal=PIPE,INT)
cmdline=$'up\n'
run reset_92
expect_status 0
expect_output $'up\n'
verdict

begin "descriptors 0 to 2 closed, in every combination"
cmdline=$'up\n'
for closed in 0 1 2 01 02 12 012; do
	tvmm_with reset_92 -report "$work/report"
	(
		exec 0</dev/null 1>"$out" 2>"$err"
		[[ $closed != *0* ]] || exec 0<&-
		[[ $closed != *1* ]] || exec 1>&-
		[[ $closed != *2* ]] || exec 2>&-
		exec timeout -s KILL 10 "${command[@]}"
	)
	status=$?
	case $closed in
	*1*) # nowhere for the console to go
		[ "$status" = 125 ] || complain "status 125 without $closed" "$status"
		[[ $closed = *2* ]] || expect_sentence "console output could not be written"
		;;
	*)
		[ "$status" = 0 ] || complain "status 0 without $closed" "$status"
		expect_output $'up\n'
		;;
	esac
	[ "$(head -c 1 "$work/report")" = '{' ] || complain "a report without $closed" "none"
	rm -f "$work/report"
done
verdict

begin "a thousand inherited descriptors"
cmdline=$'up\n'
tvmm_with reset_92 -report "$work/report"
(
	ulimit -n 4096 && for ((i = 0; i < 1000; i++)); do exec {fd}<"$here/run"; done
	exec timeout -s KILL 20 "${command[@]}"
) >"$out" 2>"$err" </dev/null
status=$?
expect_status 0
expect_output $'up\n'
verdict

# limited "ulimit's words" STATUS SENTENCE [option]...: a run with a report under that limit
limited() {
	begin "ulimit $1: status $2"
	cmdline=$'up\n'
	mkdir -p "$work/limited"
	echo old >"$work/limited/report"
	tvmm_with reset_92 -report "$work/limited/report" "${@:4}"
	(ulimit $1 && exec timeout -s KILL 10 "${command[@]}") 2>&1 >"$out" </dev/null | cat >"$err"
	status=${PIPESTATUS[0]}
	expect_status "$2"
	if [ "$2" = 0 ]; then
		expect_output $'up\n'
		[ "$(tail -n 1 "$work/limited/report")" = '}' ] || complain "a whole report" "not that"
	else
		grep -q "^tvmm: .*$3" "$err" || complain "a sentence with '$3'" "'$(tail -n 1 "$err")'"
		[ "$(<"$work/limited/report")" = old ] || complain "the old report" "another one"
	fi
	[ "$(ls -A "$work/limited")" = report ] ||
		complain "nothing but the report" "$(ls -A "$work/limited" | tr '\n' ' ')"
	verdict
}

limited "-f 1" 125 "report.*File too large"
limited "-n 6" 125 "ulimit -n"
limited "-n 20" 0
limited "-s 128" 0
limited "-l 0" 0

begin "a full device for stdout, stderr, the report, the console's file"
cmdline=$'up\n'
tvmm_with reset_92
"${command[@]}" >/dev/full 2>"$err" </dev/null
status=$?
expect_status 125
expect_sentence "console output could not be written.*No space left"
"${command[@]}" >"$out" 2>/dev/full </dev/null
status=$?
expect_status 0
expect_output $'up\n'
run reset_92 -report /dev/full
expect_status 125
grep -q '^tvmm: -report /dev/full: .*No space left' "$err" || complain "a sentence about it" "none"
run reset_92 -serial file:/dev/full
expect_status 125
expect_sentence "No space left"
verdict

begin "pipes that nobody reads any more, as stdout, stderr, report"
cmdline=$'up\n'
tvmm_with reset_92
late=(timeout -s KILL 10 bash -c 'sleep 0.2; "$@"; echo $? >"$0"' "$work/status")
"${late[@]}" "${command[@]}" 2>"$err" </dev/null | true
status=$(<"$work/status")
expect_status 125
expect_sentence "console output could not be written.*Broken pipe"
"${late[@]}" "${command[@]}" 2>&1 >"$out" </dev/null | true
status=$(<"$work/status")
expect_status 0
tvmm_with reset_92 -report /dev/fd/7
"${late[@]}" "${command[@]}" 7>&1 >"$out" 2>"$err" </dev/null | true
status=$(<"$work/status")
expect_status 125
grep -q '^tvmm: -report /dev/fd/7: .*Broken pipe' "$err" || complain "a sentence about it" "none"
verdict

begin "without /proc"
cmdline=$'up\n'
tvmm_with reset_92 -report "$work/report"
if unshare -m true 2>/dev/null; then
	rm -f "$work/report"
	unshare -m bash -c 'mount -t tmpfs none /proc && exec "$@"' bash \
		timeout -s KILL 10 "${command[@]}" >"$out" 2>"$err" </dev/null
	status=$?
	expect_status 0
	expect_output $'up\n'
	[ "$(tail -n 1 "$work/report")" = '}' ] || complain "a whole report" "none"
	verdict
else
	skip "mounts cannot be had here"
fi

begin "a current folder that was removed"
cmdline=$'up\n'
mkdir "$work/gone"
tvmm_with reset_92
(cd "$work/gone" && rmdir "$work/gone" && exec timeout -s KILL 10 "${command[@]}") \
	>"$out" 2>"$err" </dev/null
status=$?
expect_status 0
expect_output $'up\n'
mkdir "$work/gone"
tvmm_with reset_92 -report report
(cd "$work/gone" && rmdir "$work/gone" && exec timeout -s KILL 10 "${command[@]}") \
	>"$out" 2>"$err" </dev/null
status=$?
expect_status 125
expect_sentence "-report report: .*No such file"
verdict

begin "a status of the guest's own, and output that is lost: both are told"
cmdline=$'up\n'
tvmm_with say_and_exit -device isa-debug-exit,iobase=0xf4,iosize=1 -timeout 5
"${command[@]}" >/dev/full 2>"$err" </dev/null
status=$?
[ "$status" = 33 ] || [ "$status" = 125 ] || complain "status 33, or 125 if the loss came first" "$status"
grep -q "No space left" "$err" || complain "a line about the loss" "$(<"$err")"
verdict

begin "time that a wrapper spent before exec is not the run's"
cmdline=$'up\n'
tvmm_with idle -timeout 0.3
now_us
start=$us
bash -c 'for ((i = 0; i < 150000; i++)); do :; done; exec "$@"' wrapper "${command[@]}" \
	>"$out" 2>"$err" </dev/null
status=$?
expect_status 124
loaded=$(awk '/program loaded/ { print int($2) }' "$err")
[ -n "$loaded" ] && [ "$loaded" -le 50 ] || complain "at most 50 ms before main" "${loaded:-nothing}"
verdict

begin "help that cannot be written: status 125"
"$tvmm" --help >/dev/full 2>"$err"
status=$?
expect_status 125
expect_sentence "No space left"
verdict

begin "ten at once"
cmdline=$'up\n'
tvmm_with halt
pids=()
for i in {1..10}; do
	timeout -s KILL "$limit" "${command[@]}" >"$work/out.$i" 2>/dev/null </dev/null &
	pids+=($!)
done
for i in {1..10}; do
	wait "${pids[i - 1]}"
	status=$?
	expect_status 0
	expect_same <(echo up) "$work/out.$i"
done
verdict

begin "fifty in a row"
cmdline=$'up\n'
now_us
start=$us
for i in {1..50}; do
	run reset_92
	expect_status 0
	expect_output $'up\n'
done
remark="$(((us - start) / 50000)) ms each"
verdict
