/* SPDX-License-Identifier: MIT */
/*
 * Reads every port with 8, 16 and 32 bits, then writes 0 to every port, which resets nothing.
 * Prints which bits were ones in all that was read from 0x1000 on, where nobody is: ff. Then halts.
 */
#include "tests/guest/guest.h"

#define FIRST_OPEN 0x1000

	/* Reads all ports; clears the bits of bl that some byte of an open port did not have. */
	.macro pass in register shifts
	xor	%edx, %edx
.Lport\@:
	\in	%dx, \register
	cmp	$FIRST_OPEN, %edx
	jb	.Lnext\@
	and	%al, %bl
	.rept	\shifts
	shr	$8, %eax
	and	%al, %bl
	.endr
.Lnext\@:
	inc	%dx
	jnz	.Lport\@
	.endm

	mov	$0xff, %bl
	pass	inb %al 0
	pass	inw %ax 1
	pass	inl %eax 3

	xor	%edx, %edx
	xor	%eax, %eax
1:	outb	%al, %dx
	inc	%dx
	jnz	1b

	mov	$COM1 + 3, %edx
	mov	$3, %al
	outb	%al, %dx
	say_newline
	say_hex
	say_newline
	halt
