/* SPDX-License-Identifier: MIT */
/*
 * Guests that stand still in different ways, and some that only look like it. The command line is a
 * letter:
 *
 *	p	spins; the PIT interrupts it every ms, to no avail
 *	t	halts; the PIT wakes it every ms, and it halts again
 *	s	prints a dot every 300 ms, ten in all, spins in between, and halts for good
 *	m	the same with POST codes 1 to 10
 *	l	a loop of 1 KiB of instructions
 *	r	halts, and wants to be told of received bytes
 *	o	halts; its APIC's timer has been set to 50 s
 *	k	the same, but the timer is masked
 *	d	the same as o, with the timer's TSC deadline: 2^40 ticks from now
 */
#include "tests/guest/guest.h"

#define PIC_COMMAND      0x20
#define PIC_DATA         0x21
#define PIC_INIT         0x11
#define PIC_CASCADE      4
#define PIC_8086         1
#define PIC_ALL_BUT_IRQ0 0xfe
#define PIC_EOI          0x20
#define PIT_CHANNEL_0    0x40
#define PIT_COMMAND      0x43
#define PIT_RATE         0x34 /* channel 0, both bytes, mode 2 */
#define PIT_TICKS_OF_MS  1193
#define POST_CODE        0x80
#define COM1_IER         (COM1 + 1)
#define IER_RECEIVED     1

#define APIC                0xfee00000
#define APIC_SPURIOUS       0xf0
#define APIC_LVT_TIMER      0x320
#define APIC_TIMER_COUNT    0x380
#define APIC_TIMER_DIVIDE   0x3e0
#define APIC_ENABLE         0x1ff
#define APIC_DIVIDE_BY_16   3
#define APIC_MASKED         (1 << 16)
#define APIC_DEADLINE       (2 << 17)
#define APIC_50_S           3125000000 /* KVM's timer counts ns, divided */
#define MSR_TSC_DEADLINE    0x6e0
#define DEADLINE_HIGH       (1 << 8)

#define VECTOR_TICK  0x20
#define VECTOR_TIMER 0x40
#define BOOT_CS      0x10

#define IDT    BUFFER
#define IDTR   (BUFFER + 0x1000)
#define TICKS  (BUFFER + 0x1010)
#define STEP   300 /* ms */
#define STEPS  10

	find_cmdline
	movzbl	(%rsi), %r13d
	mov	$APIC, %r15d
	mov	$TICKS, %r14d
	movl	$0, (%r14)
	lea	on_tick(%rip), %rax
	mov	$(IDT + 16 * VECTOR_TICK), %edi
	mov	%ax, (%rdi)
	movw	$BOOT_CS, 2(%rdi)
	movw	$0x8e00, 4(%rdi)
	shr	$16, %rax
	mov	%ax, 6(%rdi)
	shr	$16, %rax
	mov	%eax, 8(%rdi)
	mov	$IDTR, %edi
	movw	$0xfff, (%rdi)
	movq	$IDT, 2(%rdi)
	lidt	(%rdi)
	cmp	$'r', %r13b
	je	listen
	cmp	$'o', %r13b
	je	far_timer
	cmp	$'k', %r13b
	je	masked_timer
	cmp	$'d', %r13b
	je	deadline
	cmp	$'l', %r13b
	je	long_way
	call	tick_every_ms
	cmp	$'t', %r13b
	je	sleep
	cmp	$'p', %r13b
	je	go_round

	/* s, m */
	xor	%ebx, %ebx
1:	lea	1(%rbx), %ebx
	imul	$STEP, %ebx, %ecx
2:	cmp	%ecx, (%r14)
	jb	2b
	mov	$COM1, %edx
	mov	$'.', %al
	cmp	$'s', %r13b
	je	3f
	mov	$POST_CODE, %edx
	mov	%bl, %al
3:	outb	%al, %dx
	cmp	$STEPS, %ebx
	jb	1b
	halt

go_round:
	spin

	/* Whatever wakes it. */
sleep:
	sti
1:	hlt
	jmp	1b

listen:
	mov	$COM1_IER, %edx
	mov	$IER_RECEIVED, %al
	outb	%al, %dx
	jmp	sleep

far_timer:
	mov	$VECTOR_TIMER, %eax
	call	set_timer
	jmp	sleep

masked_timer:
	mov	$(VECTOR_TIMER | APIC_MASKED), %eax
	call	set_timer
	jmp	sleep

	/* eax to the timer's entry, and 50 s to its count. */
set_timer:
	movl	$APIC_ENABLE, APIC_SPURIOUS(%r15)
	movl	$APIC_DIVIDE_BY_16, APIC_TIMER_DIVIDE(%r15)
	mov	%eax, APIC_LVT_TIMER(%r15)
	mov	$APIC_50_S, %eax
	mov	%eax, APIC_TIMER_COUNT(%r15)
	ret

deadline:
	movl	$APIC_ENABLE, APIC_SPURIOUS(%r15)
	mov	$(VECTOR_TIMER | APIC_DEADLINE), %eax
	mov	%eax, APIC_LVT_TIMER(%r15)
	rdtsc
	add	$DEADLINE_HIGH, %edx
	mov	$MSR_TSC_DEADLINE, %ecx
	wrmsr
	jmp	sleep

long_way:
	.fill	1024, 1, 0x90
	jmp	long_way

	/* The PIC's master at VECTOR_TICK, its timer's interrupt alone; the PIT; interrupts on. */
tick_every_ms:
	mov	$PIC_INIT, %al
	outb	%al, $PIC_COMMAND
	mov	$VECTOR_TICK, %al
	outb	%al, $PIC_DATA
	mov	$PIC_CASCADE, %al
	outb	%al, $PIC_DATA
	mov	$PIC_8086, %al
	outb	%al, $PIC_DATA
	mov	$PIC_ALL_BUT_IRQ0, %al
	outb	%al, $PIC_DATA
	mov	$PIT_RATE, %al
	outb	%al, $PIT_COMMAND
	mov	$(PIT_TICKS_OF_MS & 0xff), %al
	outb	%al, $PIT_CHANNEL_0
	mov	$(PIT_TICKS_OF_MS >> 8), %al
	outb	%al, $PIT_CHANNEL_0
	sti
	ret

on_tick:
	push	%rax
	incl	(%r14)
	mov	$PIC_EOI, %al
	outb	%al, $PIC_COMMAND
	pop	%rax
	iretq
