/* SPDX-License-Identifier: MIT */
/*
 * Says that it is up, by a line, then sends back as many bytes as its command line says, polling
 * for them; then halts. 0: never stops. A break is answered by "<break>" and counts for nothing.
 */
#include "tests/guest/guest.h"

	find_cmdline
	read_number
	lea	up(%rip), %rsi
	say

next:	mov	$COM1_LSR, %edx
	inb	%dx, %al
	test	$LSR_BREAK, %al
	jnz	broken
	test	$LSR_DATA_READY, %al
	jz	next
	mov	$COM1, %edx
	inb	%dx, %al
	outb	%al, %dx
	dec	%ecx
	jnz	next
	halt

broken:	mov	$COM1, %edx
	inb	%dx, %al
	lea	break(%rip), %rsi
	say
	jmp	next

up:	.asciz	"up\n"
break:	.asciz	"<break>"
