# SPDX-License-Identifier: MIT
#
# Bytes in and out, exactly, whatever stands at the other end.

bytes() { # FIRST LAST STEP: one byte of each value
	local v
	for ((v = $1; v != $2 + $3; v += $3)); do
		printf "\\x$(printf %02x "$v")"
	done
}

lines() { # what the guest count prints
	seq -f '%08.0f' 0 $(($1 - 1))
}

begin "all byte values: by outb, by rep outsb, backwards"
run bytes
expect_status 0
{ bytes 0 255 1 && bytes 0 255 1 && bytes 255 0 -1; } >"$work/wanted"
expect_same "$work/wanted" "$out"
verdict

begin "rep insb, insw, insl: all filled, nothing else"
run insb
expect_status 0
expect_output $'000000\n'
verdict

begin "every port: inb, inw, inl, outb of 0"
limit=60
run ports
expect_status 0
# THR is one of the ports that a 0 was written to.
printf '\0\nff\n' >"$work/wanted"
expect_same "$work/wanted" "$out"
remark="262144 accesses in $ms ms"
verdict

begin "reads outside RAM give ones"
run mmio
expect_status 0
expect_output $'00\n'
verdict

begin "the clock tells the host's time"
before=$(date +%s)
run cmos
after=$(date +%s)
expect_status 0
if [[ "$(<"$out")" =~ ^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})$ ]]; then
	m=("${BASH_REMATCH[@]}")
	told=$(date -d "${m[1]}-${m[2]}-${m[3]} ${m[4]}:${m[5]}:${m[6]}" +%s)
	[ "$told" -ge $((before - 2)) ] && [ "$told" -le $((after + 2)) ] ||
		complain "within 2 s of $before" "$told"
else
	complain "fourteen decimal digits" "'$(<"$out")'"
fi
verdict

begin "10000 typed bytes come back"
{ echo up && seq 1 3000; } | head -c 10003 >"$work/wanted"
tail -c +4 "$work/wanted" >"$work/typed"
cmdline=10000 input=$work/typed
run echo
expect_status 0
expect_same "$work/wanted" "$out"
remark="$ms ms"
verdict

begin "-serial stdio: all byte values there and back"
{ echo up && for _ in 1 2 3 4; do bytes 0 255 1; done; } >"$work/wanted"
tail -c +4 "$work/wanted" >"$work/typed"
cmdline=1024 input=$work/typed
run echo -serial stdio
expect_status 0
expect_same "$work/wanted" "$out"
verdict

begin "typed slowly, through a pipe"
cmdline=5
mkfifo "$work/slow"
(for c in a b c d e; do printf %s "$c" && sleep 0.05; done) >"$work/slow" &
input=$work/slow
run echo --timeout 5
wait
expect_status 0
expect_output $'up\nabcde'
verdict

begin "more is typed than anybody reads"
head -c 1000000 /dev/zero >"$work/typed"
cmdline=$'up\n' input=$work/typed
run spin --timeout 0.5
expect_status 124
expect_output $'up\n'
verdict

for stdin in "closed:-" "/dev/null:/dev/null" "a directory:/" "a file for writing only:wronly"; do
	begin "stdin is ${stdin%:*}"
	cmdline=$'up\n' input=${stdin##*:}
	if [ "$input" = wronly ]; then
		tvmm_with halt
		timeout -s KILL 10 "${command[@]}" >"$out" 2>"$err" 0>"$work/wronly"
		status=$?
	else
		run halt
	fi
	expect_status 0
	expect_output $'up\n'
	verdict
done

begin "the end of stdin costs no CPU time"
TIMEFORMAT='%U %S'
{ time run idle --timeout 1; } 2>"$work/time"
cpu_ms=$(awk '{ print int(($1 + $2) * 1000) }' "$work/time")
expect_status 124
[ "$cpu_ms" -lt 500 ] || complain "less than 500 ms of CPU time in 1 s" "$cpu_ms ms"
remark="$cpu_ms ms in 1 s"
verdict

flood_into() { # a command line that has "$@", for bash: the status of tvmm goes to a file
	now_us
	local start=$us
	timeout -s KILL "$limit" bash -c "$1" flood "${command[@]}"
	now_us
	ms=$(((us - start) / 1000))
	status=$(<"$work/status")
}
export work

begin "flood into a pipe that is closed: status 125, soon"
tvmm_with count
flood_into '{ "$@" 2>"$work/err"; echo $? >"$work/status"; } | head -c 1 >"$work/out"'
expect_status 125
expect_sentence "console output could not be written"
expect_within_ms 1000
remark="$ms ms"
verdict

begin "flood into /dev/full: status 125, soon"
tvmm_with count
flood_into '"$@" 2>"$work/err" >/dev/full; echo $? >"$work/status"'
expect_status 125
expect_sentence "No space left"
expect_within_ms 1000
verdict

begin "flood into a file at its size limit: status 125"
tvmm_with count
flood_into '(ulimit -f 8; "$@" >"$work/out" 2>"$work/err"; echo $? >"$work/status")'
expect_status 125
expect_sentence "could not be written"
verdict

begin "stdout is closed: said so"
cmdline=$'up\n'
tvmm_with halt
flood_into '"$@" 2>"$work/err" >&-; echo $? >"$work/status"'
expect_status 125
expect_sentence "could not be written"
verdict

begin "no stdin, stdout, stderr: no other file takes their place"
cmdline=$(lines 20)
tvmm_with halt -serial "file:$work/serial"
flood_into '"$@" <&- >&- 2>&-; echo $? >"$work/status"'
expect_status 0
printf '%s' "$cmdline" >"$work/wanted"
expect_same "$work/wanted" "$work/serial"
verdict

begin "no stdin, stdout, stderr: what tvmm opens gets other numbers"
cmdline=$'up\n'
rm -f "$work/serial"
tvmm_with spin -serial "file:$work/serial" --timeout 5
"${command[@]}" <&- >&- 2>&- &
pid=$!
serial_has_output() {
	[ -s "$work/serial" ]
}
within 3 serial_has_output || complain "the guest to print something" "nothing in 3 s"
for fd in 0 1 2; do
	target=$(readlink "/proc/$pid/fd/$fd")
	[[ "$target" != *kvm* && "$target" != anon_inode* && "$target" != "$work"* ]] ||
		complain "nothing of tvmm's at $fd" "$target"
done
kill -s TERM "$pid"
finish 1
expect_status 143
verdict

begin "no stdin, stdout, stderr, and the console on them"
cmdline=$(lines 20)
tvmm_with halt --timeout 5
flood_into '"$@" <&- >&- 2>&-; echo $? >"$work/status"'
expect_status 125
expect_within_ms 3000
verdict

begin "a reader that stands still: --timeout holds, memory does not grow"
mkfifo "$work/still"
sleep 20 <>"$work/still" &
reader=$!
wrapper=("$aid" pipe 4096)
tvmm_with count --timeout 4
now_us
start=$us
"${command[@]}" >"$work/still" 2>"$err" &
pid=$!
sleep 2.5
first=$(own_memory "$pid")
sleep 1
second=$(own_memory "$pid")
finish 3
now_us
ms=$(((us - start) / 1000))
expect_status 124
expect_within_ms 5500
[ $((second - first)) -le 64 ] || complain "at most 64 KiB more" "$first then $second KiB"
remark="4 s asked, $ms ms; $first then $second KiB"
kill "$reader"
wait "$reader" 2>/dev/null
verdict

begin "a reader that stands still: SIGTERM ends it"
sleep 20 <>"$work/still" &
reader=$!
wrapper=("$aid" pipe 4096)
tvmm_with count
"${command[@]}" >"$work/still" 2>"$err" &
pid=$!
sleep 2.5
kill -s TERM "$pid"
finish 1
expect_status 143
remark="after $ms ms"
kill "$reader"
wait "$reader" 2>/dev/null
verdict

begin "a slow reader loses nothing"
cmdline=12000 wrapper=("$aid" pipe 4096)
tvmm_with count
flood_into '{ "$@" 2>"$work/err"; echo $? >"$work/status"; } |
	{ sleep 2.5; cat; } >"$work/out"'
expect_status 0
lines 12000 >"$work/wanted"
expect_same "$work/wanted" "$out"
remark="$(stat -c %s "$out") bytes"
verdict

begin "a guest that ends before its reader begins loses nothing"
cmdline=3000 wrapper=("$aid" pipe 4096)
tvmm_with count
flood_into '{ "$@" 2>"$work/err"; echo $? >"$work/status"; } |
	{ sleep 2; cat; } >"$work/out"'
expect_status 0
lines 3000 >"$work/wanted"
expect_same "$work/wanted" "$out"
verdict

begin "-serial null: nothing on stdout, nothing taken from stdin"
cmdline=$'up\n'
run halt -serial null
expect_status 0
expect_output ''
verdict

begin "-serial file: the bytes are there"
run bytes -serial "file:$work/serial"
expect_status 0
expect_output ''
{ bytes 0 255 1 && bytes 0 255 1 && bytes 255 0 -1; } >"$work/wanted"
expect_same "$work/wanted" "$work/serial"
verdict

begin "-serial file: that cannot be"
run halt -serial "file:$work/nowhere/serial"
expect_status 125
expect_sentence "$work/nowhere/serial"
verdict

begin "-serial pty: named on stderr, works both ways"
cmdline=5
launch echo -serial pty
pty_named() {
	pts=$(grep -o '/dev/pts/[0-9]*' "$err")
}
if within 3 pty_named; then
	exec 5<>"$pts"
	printf hello >&5
	# The guest's first line came before us, or not.
	IFS= read -r -t 5 -d o answer <&5
	[[ "$answer" == hell || "$answer" == $'up\nhell' ]] || complain "'hello' back" "'$answer'"
	exec 5>&-
else
	complain "a name in /dev/pts on stderr" "'$(head -n 1 "$err")'"
	kill "$pid"
fi
finish 3
expect_status 0
verdict

rm -f "$work/socket"
begin "-serial unix: to one who listens"
cmdline=5
"$aid" listen "$work/socket" <<<hello >"$work/peer" 2>"$work/why" &
peer=$!
listening() {
	[ -S "$work/socket" ]
}
within 3 listening
run echo -serial "unix:$work/socket"
wait "$peer" || complain "a peer without trouble" "'$(<"$work/why")'"
expect_status 0
printf 'up\nhello' >"$work/wanted"
expect_same "$work/wanted" "$work/peer"
rm -f "$work/socket"
verdict

begin "-serial unix:...,server=on waits for who comes"
cmdline=5
"$aid" connect "$work/socket" <<<hello >"$work/peer" 2>"$work/why" &
peer=$!
run echo -serial "unix:$work/socket,server=on"
wait "$peer" || complain "a peer without trouble" "'$(<"$work/why")'"
expect_status 0
expect_same "$work/wanted" "$work/peer"
verdict

begin "-serial unix:...,server=on,wait=off runs without anybody"
cmdline=$'up\n'
run halt -serial "unix:$work/other,server=on,wait=off"
expect_status 0
verdict
