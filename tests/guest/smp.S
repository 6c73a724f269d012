/* SPDX-License-Identifier: MIT */
/*
 * Several CPUs. The command line is "N MODE": how many CPUs there are and a letter. CPU 0 starts the
 * others as [MP] "AP Startup" says; each comes from real mode to 64-bit code, prints its letter (a is
 * CPU 0's, and is not printed) and counts itself. When all have, CPU 0 prints how many CPUs run, in
 * hexadecimal. Then:
 *
 *	h	all halt with interrupts off
 *	s	all spin
 *	d	each takes its own lock, and then waits for that of the next CPU
 *	f	the last CPU triple-faults, the others spin
 *	w	all halt but CPU 1, which works for 2^30 ticks of the TSC, prints "late" and halts
 *	i	the same, but CPU 1 waits for 20 timer interrupts meanwhile, 20 ms each
 *	r	CPUs 0 and 1 wake each other by NMI, 40 times each, 5 ms apart; whoever is not at work is
 *		halted with interrupts off; then CPU 0 prints "woken" and both halt
 *	n	the others are not started, but sent an NMI; CPU 0 waits for 1 s and halts
 */
#include "tests/guest/guest.h"

#define APIC               0xfee00000
#define APIC_ID            0x20
#define APIC_EOI           0xb0
#define APIC_SPURIOUS      0xf0
#define APIC_ICR_LOW       0x300
#define APIC_ICR_HIGH      0x310
#define APIC_LVT_TIMER     0x320
#define APIC_TIMER_COUNT   0x380
#define APIC_TIMER_DIVIDE  0x3e0
#define APIC_ENABLE        0x1ff /* and the spurious vector */
#define APIC_DIVIDE_BY_1   0xb
#define ICR_PENDING        (1 << 12)
#define ICR_INIT_OTHERS    0xc4500
#define ICR_STARTUP_OTHERS 0xc4600
#define ICR_NMI_OTHERS     0xc4400
#define ICR_NMI_ONE        0x04400

#define VECTOR_NMI   2
#define VECTOR_TIMER 0x40
#define BOOT_CS      0x10

#define TRAMPOLINE 0x80000
#define STACKS     BUFFER /* a page for each CPU */
#define SHARED     0x500000
#define IDT        0x510000

/* Offsets into SHARED. */
#define COUNTED 0 /* CPUs that CPU 0 has started */
#define SAID    4 /* not 0: CPU 0 has printed the count */
#define CPUS    8
#define MODE    12
#define IDTR    16
#define LOCKS   0x8000 /* four bytes for each CPU */
#define WOKEN   64 /* NMIs that each CPU has had, four bytes each */

#define MILLISECOND 1000000 /* of KVM's APIC timer */

#define ROUNDS 40

	/* On every CPU: r12d the number of CPUs, r13d the mode, r14 SHARED, r15 APIC, ebp itself. */
	mov	$SHARED, %r14d
	mov	$APIC, %r15d
	find_cmdline
	read_number
	mov	%ecx, %r12d
	movzbl	(%rsi), %r13d /* the blank is gone with the number */
	mov	%r12d, CPUS(%r14)
	mov	%r13d, MODE(%r14)
	xor	%ebp, %ebp
	call	build_idt
	call	ready
	cmp	$'n', %r13b
	je	send_nmis
	call	place_trampoline
	mov	$ICR_INIT_OTHERS, %eax
	call	send
	mov	$(ICR_STARTUP_OTHERS | TRAMPOLINE >> 12), %eax
	call	send
	lea	-1(%r12), %eax
1:	pause
	cmp	%eax, COUNTED(%r14)
	jne	1b
	say_newline
	mov	%r12d, %ebx
	say_hex
	say_newline
	movl	$1, SAID(%r14)
	cmp	$'r', %r13b
	je	wake_each_other
	cmp	$'d', %r13b
	je	deadlock
	cmp	$'s', %r13b
	je	go_on_for_ever
	cmp	$'f', %r13b
	je	go_on_for_ever
stop:
	halt
go_on_for_ever:
	spin

send_nmis:
	mov	$ICR_NMI_OTHERS, %eax
	call	send
	mov	$50, %ebx
1:	mov	$(20 * MILLISECOND), %eax
	call	sleep
	dec	%ebx
	jnz	1b
	jmp	stop

	/* eax to the low half of the ICR; comes back when the APIC has sent it. */
send:
	mov	%eax, APIC_ICR_LOW(%r15)
1:	testl	$ICR_PENDING, APIC_ICR_LOW(%r15)
	jnz	1b
	ret

	/* Interrupts, the APIC and the lock of this CPU. */
ready:
	movl	$1, LOCKS(%r14,%rbp,4)
	lidt	IDTR(%r14)
	movl	$APIC_ENABLE, APIC_SPURIOUS(%r15)
	movl	$APIC_DIVIDE_BY_1, APIC_TIMER_DIVIDE(%r15)
	movl	$VECTOR_TIMER, APIC_LVT_TIMER(%r15)
	ret

	/* Halts for eax nanoseconds of the timer. */
sleep:
	mov	%eax, APIC_TIMER_COUNT(%r15)
	sti
	hlt
	cli
	ret

on_timer:
	movl	$0, APIC_EOI(%r15)
	iretq

	/* One that waits for it looks again: it may not have been halted yet. */
on_nmi:
	push	%rax
	lock incl WOKEN(%r14,%rbp,4)
	lea	wait_for_nmi(%rip), %rax
	cmp	%rax, 8(%rsp)
	jb	1f
	lea	waited(%rip), %rax
	cmp	%rax, 8(%rsp)
	jae	1f
	lea	wait_for_nmi(%rip), %rax
	mov	%rax, 8(%rsp)
1:	pop	%rax
	iretq

	/* Until this CPU has had ebx NMIs. */
wait_for_nmi:
	cmp	%ebx, WOKEN(%r14,%rbp,4)
	jae	waited
	hlt
	jmp	wait_for_nmi
waited:
	ret

	/* The CPU of CPUs 0 and 1 that this is not. */
wake_other:
	mov	%ebp, %eax
	xor	$1, %eax
	shl	$24, %eax
	mov	%eax, APIC_ICR_HIGH(%r15)
	mov	$ICR_NMI_ONE, %eax
	jmp	send

wake_each_other:
	xor	%ebx, %ebx
1:	inc	%ebx
	test	%ebp, %ebp
	jz	2f
	call	wait_for_nmi
2:	mov	$(5 * MILLISECOND), %eax
	call	sleep
	call	wake_other
	test	%ebp, %ebp
	jnz	3f
	call	wait_for_nmi
3:	cmp	$ROUNDS, %ebx
	jb	1b
	test	%ebp, %ebp
	jnz	stop
	lea	woken(%rip), %rsi
	say
	jmp	stop

build_idt:
	movw	$0xfff, IDTR(%r14)
	movq	$IDT, IDTR + 2(%r14)
	lea	on_nmi(%rip), %rax
	mov	$(IDT + 16 * VECTOR_NMI), %edi
	call	gate
	lea	on_timer(%rip), %rax
	mov	$(IDT + 16 * VECTOR_TIMER), %edi
gate:
	mov	%ax, (%rdi)
	movw	$BOOT_CS, 2(%rdi)
	movw	$0x8e00, 4(%rdi)
	shr	$16, %rax
	mov	%ax, 6(%rdi)
	shr	$16, %rax
	mov	%eax, 8(%rdi)
	ret

place_trampoline:
	lea	trampoline(%rip), %rsi
	mov	$TRAMPOLINE, %edi
	mov	$(trampoline_end - trampoline), %ecx
	cld
	rep movsb
	mov	$TRAMPOLINE, %edi
	sgdt	gdtr - trampoline(%rdi)
	mov	%cr3, %rax
	mov	%eax, tables - trampoline(%rdi)
	lea	started(%rip), %rax
	mov	%eax, entry - trampoline(%rdi)
	ret

	/* From here on in 64-bit code, with the page tables and the GDT of CPU 0. */
started:
	mov	$SHARED, %r14d
	mov	$APIC, %r15d
	mov	CPUS(%r14), %r12d
	mov	MODE(%r14), %r13d
	mov	APIC_ID(%r15), %ebp
	shr	$24, %ebp
	mov	%ebp, %eax
	shl	$12, %eax
	lea	STACKS + 0x1000(%rax), %esp
	call	ready
	mov	%ebp, %eax
	mov	$26, %ecx
	xor	%edx, %edx
	div	%ecx
	lea	'a'(%rdx), %eax
	mov	$COM1, %edx
	outb	%al, %dx
	lock incl COUNTED(%r14)
	cmp	$'h', %r13b
	je	stop
1:	pause
	cmpl	$0, SAID(%r14)
	je	1b
	cmp	$'s', %r13b
	je	go_on_for_ever
	cmp	$'d', %r13b
	je	deadlock
	cmp	$'f', %r13b
	je	crash_if_last
	cmp	$1, %ebp
	jne	stop
	cmp	$'w', %r13b
	je	work
	cmp	$'i', %r13b
	je	idle
	cmp	$'r', %r13b
	je	wake_each_other
	jmp	stop

deadlock:
	lea	1(%rbp), %eax
	xor	%edx, %edx
	div	%r12d
1:	mov	$1, %eax
	xchg	%eax, LOCKS(%r14,%rdx,4)
	pause
	test	%eax, %eax
	jnz	1b
	jmp	late

crash_if_last:
	lea	1(%rbp), %eax
	cmp	%r12d, %eax
	jne	go_on_for_ever
	lidt	no_table(%rip)
	ud2

work:
	rdtsc
	mov	%eax, %ebx
1:	pause
	rdtsc
	sub	%ebx, %eax
	cmp	$(1 << 30), %eax
	jb	1b
	jmp	late

idle:
	mov	$20, %ebx
1:	mov	$(20 * MILLISECOND), %eax
	call	sleep
	dec	%ebx
	jnz	1b
late:
	lea	late_text(%rip), %rsi
	say
	jmp	stop

no_table:
	.word	0
	.quad	0
late_text:
	.asciz	"late\n"
woken:
	.asciz	"woken\n"

	.code16
trampoline:
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	gdtr - trampoline
	mov	$(1 << 5), %eax /* PAE */
	mov	%eax, %cr4
	mov	tables - trampoline, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$(1 << 8), %eax /* LME */
	wrmsr
	mov	$0x80000011, %eax /* PG, ET, PE */
	mov	%eax, %cr0
	ljmpl	*(entry - trampoline)

gdtr:	.skip	10
tables:	.skip	4
entry:	.long	0
	.word	BOOT_CS
trampoline_end:
