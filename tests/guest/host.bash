# SPDX-License-Identifier: MIT
#
# What a run takes from the host, and gives back.

begin "at most 4 MiB besides the guest's memory"
cmdline=$'up\n'
launch spin
await_output
kib=$(awk '/^Size:/ { size = $2 } /^Rss:/ && size < 131072 { sum += $2 } END { print sum + 0 }' \
	"/proc/$pid/smaps")
[ "$kib" -gt 0 ] && [ "$kib" -le 4096 ] || complain "1 to 4096 KiB" "$kib"
remark="$kib KiB"
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
