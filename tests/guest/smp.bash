# SPDX-License-Identifier: MIT
#
# Several CPUs: all of them start, any of them can end the run, and it has not ended before all of
# them have. The guest's modes stand at the head of tests/guest/smp.S.

# Its first line, in whatever order the CPUs came, and its second: how many there are.
expect_cpus() { # NUMBER
	local letters='' cpu
	for ((cpu = 1; cpu < $1; cpu++)); do
		printf -v letters '%s\\%o' "$letters" $((97 + cpu % 26))
	done
	printf "$letters" | fold -w 1 | sort >"$work/wanted"
	head -n 1 "$out" | tr -d '\n' | fold -w 1 | sort >"$work/letters"
	expect_same "$work/wanted" "$work/letters"
	[ "$(sed -n 2p "$out")" = "$(printf %02x "$1")" ] ||
		complain "$1 CPUs, in hexadecimal" "'$(sed -n 2p "$out")'"
}

for cpus in 1 2 4 16 64; do
	begin "-smp $cpus: all CPUs start; when all are halted the run has ended"
	cmdline="$cpus h"
	run smp -smp $cpus --timeout 15
	expect_status 0
	expect_sentence "halted for good"
	expect_cpus $cpus
	remark="the whole run: $ms ms"
	verdict
done

begin "-smp 255: the most there can be"
cmdline="255 h" limit=60
run smp -smp 255 --timeout 50
expect_status 0
expect_cpus 255
remark="the whole run: $ms ms"
verdict

begin "the shape that QEMU's words say"
cmdline="4 h"
run smp -smp 4,sockets=1,cores=4,threads=1,maxcpus=4 --timeout 15
expect_status 0
expect_cpus 4
verdict

begin "CPUs that nobody starts do not keep a run from ending"
run halt -smp 4
expect_status 0
expect_sentence "halted for good"
expect_within_ms 1000
remark="the whole run: $ms ms"
verdict

begin "the sentence names no CPU where there is one, and the CPU where there are several"
run fault
expect_sentence "triple fault, at RIP [0-9a-fx]*;"
run fault -smp 2
expect_status 121
expect_sentence "triple fault, at RIP [0-9a-fx]* on CPU 0;"
verdict

for cpus in 2 4; do
	begin "a triple fault of CPU $((cpus - 1)) ends the run: status 121"
	cmdline="$cpus f"
	run smp -smp $cpus --timeout 15
	expect_status 121
	expect_sentence "triple fault.* on CPU $((cpus - 1));"
	verdict
done

begin "CPU 0 is halted with interrupts off while CPU 1 works: no end before CPU 1's"
cmdline="4 w"
run smp -smp 4 --timeout 15
expect_status 0
expect_cpus 4
[ "$(sed -n 3p "$out")" = late ] || complain "CPU 1's last word" "'$(sed -n 3p "$out")'"
verdict

begin "the same while CPU 1 is idle, asked all the time"
cmdline="4 i"
run smp -smp 4 --timeout 15
expect_status 0
[ "$(sed -n 3p "$out")" = late ] || complain "CPU 1's last word" "'$(sed -n 3p "$out")'"
[ "$ms" -ge 400 ] || complain "20 times 20 ms at least" "$ms"
remark="$ms ms"
verdict

for cpus in 2 8; do
	begin "-smp $cpus: two CPUs that wake each other are never both asleep"
	cmdline="$cpus r"
	run smp -smp $cpus --timeout 15
	expect_status 0
	[ "$(sed -n 3p "$out")" = woken ] || complain "40 rounds" "'$(sed -n 3p "$out")'"
	[ "$ms" -ge 400 ] || complain "40 times 10 ms at least" "$ms"
	remark="$ms ms"
	verdict
done

begin "an NMI to CPUs that are not started costs no CPU time"
cmdline="4 n"
TIMEFORMAT='%U %S'
{ time run smp -smp 4 --timeout 15; } 2>"$work/time"
cpu_ms=$(awk '{ print int(($1 + $2) * 1000) }' "$work/time")
expect_status 0
[ "$cpu_ms" -lt 500 ] || complain "less than 500 ms of CPU time in 1 s" "$cpu_ms ms"
remark="$cpu_ms ms in $ms ms"
verdict

begin "a guest whose CPU 0 waits with interrupts on is not taken for halted"
run idle -smp 4 --timeout 0.5
expect_status 124
verdict

begin "--timeout on four CPUs that spin: status 124, in time, five times"
cmdline="4 s"
longest=0
for i in {1..5}; do
	run smp -smp 4 --timeout 0.5
	expect_status 124
	expect_sentence "timeout"
	expect_within_ms 1500
	[ "$ms" -ge 500 ] || complain "at least 500 ms" "$ms"
	[ "$ms" -le "$longest" ] || longest=$ms
done
remark="0.5 s asked, $longest ms at most"
verdict

for signal in TERM:15 INT:2; do
	begin "SIG${signal%:*} while four CPUs spin: status $((128 + ${signal#*:}))"
	cmdline="4 s"
	launch smp -smp 4
	await_output
	kill -s "${signal%:*}" "$pid"
	finish 1
	expect_status $((128 + ${signal#*:}))
	remark="after $ms ms"
	verdict
done

begin "-smp 16: at most 4 MiB besides the guest's memory"
cmdline="16 i"
launch smp -smp 16
await_output
kib=$(own_memory "$pid")
[ "$kib" -gt 0 ] && [ "$kib" -le 4096 ] || complain "1 to 4096 KiB" "$kib"
remark="$kib KiB"
kill "$pid"
finish 1
verdict

begin "a thread for each CPU, or a clear word before the guest starts"
cmdline=$'up\n'
tvmm_with halt -smp 64
(ulimit -v 140000 && exec timeout -s KILL 10 "${command[@]}") >"$out" 2>"$err" </dev/null
status=$?
expect_status 125
expect_sentence "CPU [0-9]* cannot be started"
expect_output ''
verdict

begin "few files allowed: the word names the CPU"
cmdline=$'up\n'
(ulimit -n 16 && exec timeout -s KILL 10 "${command[@]}") >"$out" 2>"$err" </dev/null
status=$?
expect_status 125
expect_sentence "vCPU of CPU [0-9]*: Too many open files"
verdict

begin "more CPUs than this host's KVM gives: both numbers are told, before the guest starts"
tvmm_with halt -smp 3 --timeout 10
asked=$(strace -e trace=ioctl "${command[@]}" 2>&1 >/dev/null </dev/null | grep '^ioctl' |
	grep -n KVM_CAP_MAX_VCPUS)
if [ -z "$asked" ]; then
	skip "strace cannot trace here"
else
	strace -o /dev/null -e trace=ioctl -e inject=ioctl:retval=2:when="${asked%%:*}" \
		"${command[@]}" >"$out" 2>"$err" </dev/null
	status=$?
	expect_status 125
	expect_sentence "-smp: 3 CPUs .* 2 at most"
	expect_output ''
	verdict
fi
