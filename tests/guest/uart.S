/* SPDX-License-Identifier: MIT */
/*
 * Sends bytes in the ways that drivers have. The command line is a letter, and a number of bytes or
 * rounds behind it:
 *
 *	b	blindly: never looks at the line's status
 *	p	polling: a look at LSR before each byte, and one behind the last
 *	f	FIFOs on; a look at LSR before each 16 bytes, and one behind the last
 *	i	FIFOs on; halts after 16 bytes until the transmitter's interrupt, which sends 16 more
 *	d	looks at LSR, writes the divisor, looks again, writes and reads it, prints what it read
 *	l	the same with a byte in loopback
 *	r	as f, but the last 16 bytes are the last that it does before it resets
 *	t	before it ends in a triple fault
 *	s	before it spins for ever
 *	h	before it halts for good
 *
 * What it sends is the alphabet over and over; after b, p, f, i, d and l it resets.
 */
#include "tests/guest/guest.h"

#define COM1_IER (COM1 + 1)
#define COM1_IIR (COM1 + 2)
#define COM1_FCR (COM1 + 2)
#define COM1_LCR (COM1 + 3)
#define COM1_MCR (COM1 + 4)

#define FCR_ENABLE    1
#define IER_THRE      2
#define LCR_8_BITS    0x03
#define LCR_DLAB      0x80
#define LSR_THRE      0x20
#define MCR_OUT2      0x08
#define MCR_LOOP      0x10
#define FIFO_BYTES    16
#define DIVISOR       0x4b

#define PIC_COMMAND      0x20
#define PIC_DATA         0x21
#define PIC_INIT         0x11
#define PIC_CASCADE      4
#define PIC_8086         1
#define PIC_ALL_BUT_IRQ4 0xef
#define PIC_EOI          0x20
#define VECTOR_IRQ0      0x20
#define BOOT_CS          0x10
#define IDT              BUFFER
#define IDTR             (BUFFER + 0x1000)

	.macro set port, value
	mov	$\port, %edx
	mov	$\value, %al
	outb	%al, %dx
	.endm

	find_cmdline
	movzbl	(%rsi), %r13d
	inc	%rsi
	read_number
	mov	%ecx, %r12d
	mov	$'a', %bl
	cmp	$'b', %r13b
	je	blind
	cmp	$'p', %r13b
	je	polling
	cmp	$'d', %r13b
	je	divisor
	cmp	$'l', %r13b
	je	loopback
	set	COM1_FCR, FCR_ENABLE
	cmp	$'i', %r13b
	je	by_interrupt

	/* f, r, t, s, h */
1:	call	await_thre
	mov	$FIFO_BYTES, %ecx
2:	call	send
	dec	%r12d
	jz	3f
	dec	%ecx
	jnz	2b
	jmp	1b
3:	cmp	$'r', %r13b
	je	reset
	cmp	$'t', %r13b
	je	fault
	cmp	$'s', %r13b
	je	go_round
	cmp	$'h', %r13b
	je	stand_still
	call	await_thre
	jmp	reset

blind:	call	send
	dec	%r12d
	jnz	blind
	jmp	reset

polling:
	call	await_thre
	call	send
	dec	%r12d
	jnz	polling
	call	await_thre
reset:	set	PORT_SYSTEM_A, SYSTEM_A_RESET
stand_still:
	halt

go_round:
	spin

fault:	mov	$IDTR, %edi
	movw	$0, (%rdi)
	movq	$0, 2(%rdi)
	lidt	(%rdi)
	ud2

	/* The low byte of the divisor is where the transmitter's register was. */
divisor:
	call	await_thre
	call	send
	call	await_thre
	set	COM1_LCR, LCR_DLAB
	call	await_thre
	set	COM1, DIVISOR
	set	COM1_LCR, LCR_8_BITS
	call	send
	call	await_thre
	set	COM1_LCR, LCR_DLAB
	mov	$COM1, %edx
	inb	%dx, %al
	mov	%al, %cl
	set	COM1_LCR, LCR_8_BITS
	jmp	say_cl

loopback:
	call	await_thre
	call	send
	call	await_thre
	set	COM1_MCR, MCR_LOOP
	call	await_thre
	set	COM1, DIVISOR
	mov	$COM1, %edx
	inb	%dx, %al
	mov	%al, %cl
	set	COM1_MCR, 0
	call	send
	call	await_thre
say_cl:	mov	%cl, %al
	mov	$COM1, %edx
	outb	%al, %dx
	jmp	reset

	/* Changes eax, edx. */
await_thre:
	mov	$COM1_LSR, %edx
1:	inb	%dx, %al
	test	$LSR_THRE, %al
	jz	1b
	ret

	/* The next letter. Changes eax, edx. */
send:	mov	$COM1, %edx
	mov	%bl, %al
	outb	%al, %dx
	inc	%bl
	cmp	$'z', %bl
	jbe	1f
	mov	$'a', %bl
1:	ret

by_interrupt:
	lea	on_empty(%rip), %rax
	mov	$(IDT + 16 * (VECTOR_IRQ0 + 4)), %edi
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
	set	PIC_COMMAND, PIC_INIT
	set	PIC_DATA, VECTOR_IRQ0
	set	PIC_DATA, PIC_CASCADE
	set	PIC_DATA, PIC_8086
	set	PIC_DATA, PIC_ALL_BUT_IRQ4
	set	COM1_MCR, MCR_OUT2
	set	COM1_IER, IER_THRE
	sti
1:	hlt
	jmp	1b

	/* Reads IIR, which takes the request back, and sends 16 bytes; nothing is read behind them. */
on_empty:
	mov	$COM1_IIR, %edx
	inb	%dx, %al
	test	%r12d, %r12d
	jz	reset
	mov	$FIFO_BYTES, %ecx
1:	call	send
	dec	%ecx
	jnz	1b
	dec	%r12d
	set	PIC_COMMAND, PIC_EOI
	iretq
