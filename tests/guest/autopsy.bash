# SPDX-License-Identifier: MIT
#
# What is told of guests that came to a bad end: where each CPU was, and nothing that is not so.

expect_told() { # a pattern that a line of stderr has
	grep -q -e "^tvmm: $1" "$err" || complain "a line '$1'" "none"
}

expect_untold() { # PATTERN
	! grep -q -e "$1" "$err" || complain "no '$1'" "$(grep -m 1 -e "$1" "$err")"
}

# At most 100 lines behind the account's, each with the prefix, all of it printable.
expect_bounded() {
	local lines
	lines=$(sed -n '/^tvmm: autopsy: /,$p' "$err" | head -n -1 | wc -l)
	[ "$lines" -gt 8 ] && [ "$lines" -le 100 ] || complain "9 to 100 lines" "$lines"
	! grep -q -v '^tvmm: ' "$err" || complain "the prefix on each line" "$(grep -m 1 -v '^tvmm: ' "$err")"
	! grep -q '[^ -~]' "$err" || complain "printable characters" "others"
}

begin "a spinning guest's end: where it was, its code, what it said last"
cmdline=$'hello\nup\n'
run spin -timeout 0.3
expect_status 124
expect_told 'autopsy: timeout: no end within 0.300 s$'
expect_told 'CPU 0: running, 64-bit, kernel mode, interrupts off$'
expect_told '  RIP       0000000001000[0-9a-f]*$'
expect_told '  Code: .* <eb> fe'
expect_told 'last console line, 0.[0-9]* s before the end: up$'
expect_told '  RAX 0000000000000000  RBX '
expect_told '  UART: IER 00, IIR 01 (nothing), LSR 60 THRE TEMT, MCR 00'
expect_told '  PIC: master IMR '
expect_told 'no symbols: kernel .*; give its vmlinux or System.map with -symbols$'
expect_bounded
verdict

begin "a triple fault: the faulting instruction, or that the registers are gone"
run fault
expect_status 121
expect_told 'autopsy: guest crashed: triple fault$'
if grep -q '^tvmm: CPU 0: KVM reset this CPU' "$err"; then
	remark="KVM reset it"
	expect_untold ' RAX '
	expect_untold 'Code:'
else
	expect_told '  Code: .* <0f> 0b'
	expect_told 'registers of CPU 0:'
fi
expect_told 'last console line: the guest printed nothing$'
expect_bounded
verdict

begin "what KVM cannot do: an instruction where there is no RAM"
cmdline=e
run wild -timeout 5
expect_status 121
expect_told 'autopsy: guest crashed: KVM met '
expect_told '  RIP       00000000d0000000$'
expect_told '  code      none: no RAM is mapped at RIP$'
expect_bounded
verdict

begin "page tables that lead into nonsense"
cmdline=n
run wild -timeout 0.3
expect_status 124
expect_told '  Code: .* <eb> fe'
expect_told '.*RSP ffff900000000008'
expect_bounded
verdict

begin "a stack pointer at the end of the address space"
cmdline=s
run wild -timeout 0.3
expect_status 124
expect_told '.*RSP fffffffffffffffd'
expect_bounded
verdict

begin "32-bit code without paging: its bytes"
cmdline=p
run wild -timeout 0.3
expect_status 124
expect_told 'CPU 0: running, 32-bit, no paging, kernel mode'
expect_told '  Code: .* <eb> fe'
expect_bounded
verdict

begin "32-bit page tables are not read: no bytes"
cmdline=v
run wild -timeout 0.3
if [ "$status" = 121 ] && grep -q 'triple fault, at RIP' "$err" && ! "$tvmm" probe >/dev/null 2>&1; then
	skip "a KVM that cannot run ordinary guests ends this one at the instruction after CR0.PG is set"
else
	expect_status 124
	expect_told 'CPU 0: running, 32-bit, kernel mode'
	expect_told '  code      none: 32-bit page tables are not read$'
	expect_bounded
	verdict
fi

begin "several CPUs: the one in real mode, the one that was not started"
cmdline=r
run wild -smp 2 -timeout 1
expect_status 124
expect_told 'CPU 0: running, 64-bit'
expect_told 'CPU 1: running, real mode'
expect_told '  RIP       0000000000080000$'
expect_bounded
cmdline=
run spin -smp 2 -timeout 0.3
expect_told 'CPU 1: not started$'
verdict

begin "two CPUs, of which the second crashes: it comes first"
cmdline='2 f'
run smp -smp 2 -timeout 10
expect_status 121
first=$(grep -m 1 -o '^tvmm: CPU [0-9]' "$err")
[ "$first" = 'tvmm: CPU 1' ] || complain "CPU 1 first" "$first"
expect_told 'CPU 0: running, 64-bit'
expect_bounded
verdict

begin "a panic on the console"
cmdline=$'[    0.5] Kernel panic - not syncing: x\n[    0.6] ---[ end Kernel panic - not syncing: x ]---\n'
run spin
expect_status 255
expect_told 'autopsy: guest kernel panicked: x'
expect_told 'last console line, .*: \[    0.6\] ---\[ end Kernel panic'
verdict

begin "control characters on the console"
cmdline=$'\a\001\002\033]0;x\a\200\n'
run spin -timeout 0.3
expect_told 'last console line, .*: '
expect_bounded
verdict

begin "in the report as well"
cmdline=
run spin -timeout 0.3 -report "$work/report"
expect_status 124
grep -q '"autopsy": {' "$work/report" || complain "an autopsy in the report" "none"
grep -q '"state": *"running"' "$work/report" || complain "its CPU" "none"
verdict

begin "none of an end that is none of its business, none with --quiet"
for how in halt reset_8042 debugexit; do
	cmdline=5
	run "$how" -device isa-debug-exit,iobase=0xf4,iosize=0x04 -report "$work/report"
	expect_untold 'autopsy'
	grep -q '"autopsy": null' "$work/report" || complain "null in the report of $how" "none"
done
cmdline=
run fault --quiet
expect_untold 'autopsy'
verdict

kernel=$(realpath -m "$B/kernels/allnoconfig/vmlinux")
dies=$(realpath -m "$B/tests/boot/dies.cpio")
begin "Linux whose first process ends: the way to panic(), the log's end, by the kernel's own symbols"
if [ ! -f "$kernel" ] || [ ! -f "$dies" ]; then
	skip "there is no build/kernels/allnoconfig/vmlinux (make kernel)"
else
	cmdline="console=ttyS0 quiet panic=-1 reboot=k clearcpuid=154,308,141,288,295,298,151" limit=180
	run "$kernel" -initrd "$dies" -timeout 170
	expect_status 255
	expect_told 'autopsy: guest kernel panicked: Attempted to kill init! exitcode=0x[0-9a-f]*$'
	expect_told '  RIP       ffffffff81[0-9a-f]* [a-z0-9_]*+0x'
	expect_told '.* panic+0x'
	expect_told '.* do_exit'
	expect_told '  \[ .*\] Kernel panic - not syncing: Attempted to kill init!'
	expect_told "symbols: the kernel's own symbol table$"
	expect_bounded
	verdict
fi
