# SPDX-License-Identifier: MIT
#
# Hosts that lack something that makes a boot faster: an older kernel's KVM, memory, a cache. The run goes
# on without it, and its report says so. tests/guest/lacks.c has what each word takes away.

lacks=$(realpath "$B/tests/guest/lacks")
readreport=$(realpath "$B/tests/guest/readreport")
mkdir -p "$work/lacking/root" "$work/lacking/cache"
head -c 30000 /dev/zero | tr '\0' x >"$work/lacking/root/file"
"$tvmm" initramfs "$work/lacking/root" -o "$work/lacking/initrd" >/dev/null
export XDG_CACHE_HOME=$work/lacking/cache

# WORDS, then what run takes: a guest without them, with a report; nothing is in the cache before.
lacking() {
	[ ! -d "$XDG_CACHE_HOME/tvmm" ] || rm -rf "$XDG_CACHE_HOME/tvmm"
	wrapper=("$lacks" "$1")
	run "${@:2}" -initrd "$work/lacking/initrd" -report "$work/report" -timeout 10
	wrapper=()
	expect_status 0
}

fallbacks() { # of the report, a line each
	sed -n 's/.*"fallbacks": \[\(.*\)\].*/\1/p' "$work/report" | sed 's/","/"\n"/g' | tr -d '"' |
		grep -v '^no huge pages .*says never$'
}

# SENTENCE...: patterns of all that the report tells; on stderr it is told as well.
expect_fallbacks() {
	local sentence count
	for sentence; do
		fallbacks | grep -qx -e "$sentence" || complain "a fallback '$sentence'" "'$(fallbacks)'"
		grep -q -e "^tvmm: fallback: $sentence\$" "$err" || complain "it on stderr" "$(tail -n 3 "$err")"
	done
	count=$(fallbacks | grep -c .)
	[ "$count" = $# ] || complain "$# fallbacks" "$count: $(fallbacks)"
}

no_ring='KVM cannot coalesce writes to ports: each byte of the console is an exit'
no_timer='KVM has no TSC-deadline timer: the guest measures its APIC timer'
no_rate='KVM does not tell the rate of the TSC: nor does CPUID tell the guest'
no_huge='no huge pages for the guest.s memory: Invalid argument'
no_room='no memory to unpack the initrd in: the guest unpacks it'
no_cache="no cache: $work/lacking/cache/tvmm/seed: cannot be had: Resource temporarily unavailable"
no_seed='the host has no random bytes yet: the guest gets no seed'

begin "nothing lacks: nothing is told"
cmdline=$'up\n'
lacking close-range reset_92
expect_output $'up\n'
expect_fallbacks
verdict

for word in coalesced-pio coalesced-mmio coalesced-zone; do
	begin "KVM has no $word: an exit for each byte, and one for each look"
	about coalesced-console
	cmdline=p4000
	lacking $word uart -account exits
	[ "$(stat -c %s "$out")" = 4000 ] || complain "4000 bytes" "$(stat -c %s "$out")"
	exits=$("$readreport" number "$work/report" console.exits)
	[ "$exits" = 8001 ] || complain "8001 exits" "$exits"
	if [ $word = coalesced-zone ]; then
		expect_fallbacks 'writes to the console are not coalesced: No space left on device'
	else
		expect_fallbacks "$no_ring"
	fi
	verdict
done

begin "KVM has no TSC-deadline timer"
cmdline=$'up\n'
lacking tsc-deadline reset_92
expect_output $'up\n'
expect_fallbacks "$no_timer"
"$lacks" tsc-deadline "$tvmm" probe 2>&1 | grep -q 'KVM_CAP_TSC_DEADLINE_TIMER .*no' ||
	complain "probe to say no" "$("$lacks" tsc-deadline "$tvmm" probe 2>&1 | grep DEADLINE)"
verdict

begin "KVM does not tell the rate of the TSC"
about tsc-leaves
cmdline=$'up\n'
lacking tsc-khz reset_92
expect_output $'up\n'
expect_fallbacks "$no_rate"
verdict

begin "KVM does not tell which instruction it cannot emulate"
cmdline=$'up\n'
lacking emulation-failure reset_92
expect_output $'up\n'
expect_fallbacks
verdict

begin "KVM lacks what nothing can replace: status 125, and its name"
wrapper=("$lacks" immediate-exit)
run reset_92
expect_status 125
expect_sentence 'lacks KVM_CAP_IMMEDIATE_EXIT; a kernel from 4.12 on has it'
verdict

begin "a kernel without huge pages"
about huge-pages
cmdline=$'up\n'
lacking huge-pages reset_92
expect_output $'up\n'
expect_fallbacks "$no_huge"
verdict

# Its own is the lab's to change, and nobody else's.
begin "huge pages never"
about huge-pages
setting=/sys/kernel/mm/transparent_hugepage/enabled
if [ -e /lab/command ] && [ -w $setting ]; then
	before=$(sed 's/.*\[\(.*\)\].*/\1/' $setting)
	echo never >$setting
	cmdline=$'up\n'
	run reset_92 -report "$work/report"
	run reset_92
	echo "$before" >$setting
	grep -q 'fallback: no huge pages .* says never' "$err" || complain "the account" "$(cat "$err")"
	expect_status 0
	expect_output $'up\n'
	grep -q '"fallbacks": \["no huge pages for the guest.s memory: /sys/.* says never"\]' "$work/report" ||
		complain "a fallback" "$(grep '"fallbacks"' "$work/report")"
	verdict
else
	skip "only in the lab"
fi

begin "no memory to unpack the initrd"
about unpacked-initrd host-unpacking
cmdline=$'up\n'
lacking memory-to-unpack reset_92
expect_output $'up\n'
expect_fallbacks "$no_room"
"$lacks" memory-to-unpack "$tvmm" -kernel "$work/guests/reset_92.bzImage" -initrd "$work/lacking/initrd" \
	-explain | grep -q '^  initrd  *left to the guest: no memory to unpack it here$' ||
	complain "-explain to say so" "nothing"
! grep -q 'unpacked on the host' "$work/report" || complain "an initrd that is left packed" "another"
verdict

begin "a host without random bytes: no seed for the guest, no cache"
about rng-seed cache unpacked-initrd host-unpacking
cmdline=$'up\n'
lacking random reset_92 -cpu host,-rdrand
expect_output $'up\n'
expect_fallbacks "$no_cache" "$no_seed"
verdict

begin "a cache that cannot be: no folder, and one of somebody else's"
about cache unpacked-initrd host-unpacking
cmdline=$'up\n'
: >"$work/lacking/file"
for XDG_CACHE_HOME in "$work/lacking/file" /proc/sys; do
	run reset_92 -initrd "$work/lacking/initrd" -report "$work/report" -timeout 10
	expect_status 0
	expect_output $'up\n'
	expect_fallbacks "no cache: $XDG_CACHE_HOME/tvmm: .*"
done
XDG_CACHE_HOME=$work/lacking/cache
verdict

begin "a cache whose file system is full"
about cache unpacked-initrd host-unpacking
cmdline=$'up\n'
tvmm_with reset_92 -initrd "$work/lacking/initrd" -report "$work/report" -timeout 10
if unshare -m true 2>/dev/null; then
	rm -rf "$XDG_CACHE_HOME/tvmm"
	unshare -m bash -c 'mount -t tmpfs -o size=8k none "$XDG_CACHE_HOME" && exec "$@"' bash \
		timeout -s KILL 20 "${command[@]}" >"$out" 2>"$err" </dev/null
	status=$?
	expect_status 0
	expect_output $'up\n'
	expect_fallbacks 'the cache does not keep the unpacked initrd: No space left on device'
	verdict
else
	skip "mounts cannot be had here"
fi

begin "no thread to fill the guest's memory"
about parallel-fill
if command -v strace >/dev/null; then
	cmdline=$'up\n'
	wrapper=(strace -f --seccomp-bpf -o /dev/null -e trace=clone3 -e inject=clone3:error=EAGAIN:when=1)
	run reset_92 -report "$work/report" -timeout 10
	expect_status 0
	expect_output $'up\n'
	expect_fallbacks "no thread to fill the guest's memory while KVM makes the VM: Resource temporarily unavailable"
	verdict
else
	skip "there is no strace"
fi

begin "no thread for a CPU either: status 125, and which"
if command -v strace >/dev/null; then
	cmdline=$'up\n'
	wrapper=(strace -f --seccomp-bpf -o /dev/null -e trace=clone3 -e inject=clone3:error=EAGAIN:when=1+)
	run reset_92 -timeout 10
	expect_status 125
	expect_output ''
	expect_sentence "thread of CPU 0 cannot be started: Resource temporarily unavailable"
	verdict
else
	skip "there is no strace"
fi

# Mounts and groups are the lab's to make, and nobody else's.
begin "memory that a control group limits: within it a guest runs, beyond it is refused"
group=/sys/fs/cgroup/tvmm
if [ -e /lab/command ] && mount -t cgroup2 none /sys/fs/cgroup 2>"$err" &&
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control 2>"$err" && mkdir $group 2>"$err"; then
	echo $((64 << 20)) >$group/memory.max
	cmdline=$'up\n'
	wrapper=(sh -c "echo \$\$ >$group/cgroup.procs && exec \"\$@\"" sh)
	run reset_92 -m 48 -timeout 10
	expect_status 0
	expect_output $'up\n'
	run reset_92 -m 256 -timeout 10
	expect_status 125
	expect_output ''
	expect_sentence "256 MiB.*$group/memory.max is 64 MiB"
	verdict
	rmdir $group
	umount /sys/fs/cgroup
else
	skip "only in the lab: $(head -n 1 "$err")"
fi

begin "all of it at once"
about coalesced-console tsc-leaves huge-pages unpacked-initrd host-unpacking
cmdline=p4000
lacking coalesced-pio,tsc-deadline,tsc-khz,emulation-failure,huge-pages,memory-to-unpack,close-range uart
[ "$(stat -c %s "$out")" = 4000 ] || complain "4000 bytes" "$(stat -c %s "$out")"
expect_fallbacks "$no_ring" "$no_timer" "$no_rate" "$no_huge" "$no_room"
verdict

begin "what was turned off is no fallback"
cmdline=$'up\n'
lacking coalesced-pio,tsc-khz,huge-pages,memory-to-unpack,random reset_92 -cpu host,-rdrand -no-cache \
	-no-huge-pages -unpack=guest -without coalesced-console,tsc-leaves,rng-seed,unpacked-initrd
expect_output $'up\n'
expect_fallbacks
verdict
unset XDG_CACHE_HOME
