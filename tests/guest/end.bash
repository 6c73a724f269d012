# SPDX-License-Identifier: MIT
#
# What is left of a run when its end has been told: somebody else closes the VM (vmm/reaper.h), and
# nothing of that is to be noticed.

ended=$(realpath "$B/tests/guest/ended")

# Who closes the VM becomes process 1's child, so there is nobody where that one does not look like caring for
# orphans: SIGCHLD is not among the signals that it catches. There a namespace is made whose first process
# does, a shell.
in_namespace=() adopter=yes
if ! grep -Eq '^Sig(Blk|Ign|Cgt):\s.{11}[13579bdf].{4}$' /proc/1/status; then
	in_namespace=(unshare --pid --fork --mount-proc bash -c '"$@"; exit $?' bash)
	"${in_namespace[@]}" true 2>/dev/null || in_namespace=() adopter=
fi
no_adopter="process 1 adopts no orphans, and no namespace can be made"

# Runs the guest under `ended`; its answer is in $answer, tvmm's words are in $err.
watch_end() { # OPTION-OF-ended GUEST [option]...
	local option=$1
	tvmm_with "${@:2}"
	now_us
	local start=$us
	answer=$(cd "$work" && "${in_namespace[@]}" "$ended" $option "${command[@]}" <"$input" 2>"$err")
	status=$?
	now_us
	ms=$(((us - start) / 1000))
	expect_status 0 # of ended: nobody is left
}

expect_answer() { # a pattern
	[[ "$answer" =~ ^$1$ ]] || complain "'$1'" "'$answer'"
}

closed="pipes closed lock free"

begin "the VM is closed by another process, which has nothing of ours"
if [ -z "$adopter" ]; then
	skip "$no_adopter"
else
	about early-exit
	cmdline=$'some words\n'
	watch_end "" say_and_exit
	expect_answer "status 0 bytes 11 $closed folder [-/] kib [0-3]?[0-9]{1,3} orphans 1"
	expect_sentence "exit status 0"
	verdict
fi

# The other process has our memory until the VM is closed; once it is dying, /proc tells nothing of it any more.
begin "guest memory is given back before our end, where another process closes the VM"
if [ -z "$adopter" ]; then
	skip "$no_adopter"
elif ! command -v strace >/dev/null; then
	skip "there is no strace"
else
	about early-exit
	tvmm_with say_and_exit -m 24
	"${in_namespace[@]}" strace -f --seccomp-bpf -o "$work/trace" -e trace=munmap,clone,exit_group \
		"${command[@]}" <"$input" >"$out" 2>"$err"
	status=$?
	expect_status 0
	sed -n 's/^[0-9]* *//; /CLONE_THREAD/d; /^munmap(.*, 25165824/ s/(.*/ of 24 MiB/p; s/^clone(child_stack.*/a process/p
		/^exit_group(0)/ { s/(.*//p; q }' "$work/trace" >"$work/order"
	printf '%s\n' 'a process' 'munmap of 24 MiB' exit_group >"$work/wanted"
	expect_same "$work/wanted" "$work/order"
	verdict
fi

begin "-without early-exit: by ourselves"
cmdline=$'some words\n'
watch_end "" say_and_exit -without early-exit
expect_answer "status 0 bytes 11 $closed folder - kib 0 orphans 0"
expect_sentence "exit status 0"
verdict

begin "no other process to be had: a filter refuses clone, or an old kernel has no close_range; nor sockets"
for option in -c -r -cs -rs; do
	watch_end $option say_and_exit
	expect_answer "status 0 bytes 0 $closed folder - kib 0 orphans 0"
	expect_sentence "exit status 0"
done
verdict

begin "statuses, output, log and report are the same both ways"
for off in "" "-without early-exit"; do
	cmdline=21
	watch_end "" debugexit -device isa-debug-exit,iobase=0xf4,iosize=0x04 $off
	expect_answer "status 43 bytes 0 $closed .*"
	watch_end "" fault -log "$work/log" -report "$work/report" $off
	expect_answer "status 121 bytes [0-9]+ $closed .*"
	[ "$(tail -c 2 "$work/report")" = "}" ] || complain "a whole report" "$(tail -c 20 "$work/report")"
	cmdline=
	watch_end "" bytes $off
	expect_answer "status 0 bytes 768 $closed .*"
	watch_end "" "$work/none" $off
	expect_answer "status 125 bytes 0 $closed folder - kib 0 orphans 0"
	watch_end "" spin -timeout 0.2 $off
	expect_answer "status 124 bytes 0 $closed .*"
done
verdict

begin "several CPUs; a program that adopts the orphan meets it once"
if [ -z "$adopter" ]; then
	skip "$no_adopter"
else
	about early-exit
	watch_end "" reset_92 -smp 4 -q
	expect_answer "status 0 bytes 0 $closed folder [-/] kib [0-3]?[0-9]{1,3} orphans 1"
	verdict
fi

begin "stdout cannot be written: told once, both ways"
for off in "" "-without early-exit"; do
	tvmm_with halt -explain $off
	"${command[@]}" >/dev/full 2>"$err"
	[ $? = 125 ] || complain "status 125" "another"
	[ "$(grep -c 'cannot be written' "$err")" = 1 ] || complain "one sentence" "$(cat "$err")"
done
verdict

# In a network of their own, where nobody else's VMs are waiting to be closed. That the kernel has the VM shows for
# the 20 ms or so that it takes, in one of the runs at least.
kernel_closes='
	waiting() { grep -qF "@tvmm closes VM" /proc/net/unix; }
	ended=$1 options=$2
	shift 2
	for ((i = 0; i < 20 && !(seen && i > 3); i++)); do
		"$ended" $options "$@"
		! waiting || seen=1
	done
	for ((i = 0; i < 100; i++)); do
		waiting || break
		sleep 0.05
	done
	! waiting || echo "still there after 5 s"
	((seen)) || echo "closed before the end"'

begin "no other process to be had: the kernel closes the VM, each of them, without another run's help"
about early-exit
tvmm_with reset_92 -smp 2 -q
for options in -c -r -cr -ct; do
	if ! unshare -n true 2>"$err"; then
		skip "no network of its own can be had: $(head -n 1 "$err")"
		break
	fi
	answer=$(cd "$work" && unshare -n bash -c "$kernel_closes" bash "$ended" "$options" "${command[@]}" 2>"$err" |
		sort -u | paste -sd ';')
	who=
	[ "$options" != -ct ] || who="closed before the end;" # all turns are taken
	expect_answer "${who}status 0 bytes 0 $closed folder - kib 0 orphans 0"
done
[ "$options" != -ct ] || verdict

begin "as process 1 of a container"
if unshare -pf true 2>"$err"; then
	wrapper=(unshare -pf)
	run say_and_exit
	expect_status 0
	expect_sentence "exit status 0"
	verdict
else
	skip "no namespace can be had: $(head -n 1 "$err")"
fi
