/* SPDX-License-Identifier: MIT */
/*
 * Prints the clock's century, year, month, day, hours, minutes and seconds, two digits each as the
 * registers have them, once two readings in a row are equal. Then halts.
 */
#include "tests/guest/guest.h"

#define REGISTERS 7

again:	mov	$BUFFER, %edi
	call	read_all
	mov	$BUFFER + REGISTERS, %edi
	call	read_all
	mov	$BUFFER, %esi
	mov	$BUFFER + REGISTERS, %edi
	mov	$REGISTERS, %ecx
1:	mov	(%rsi), %al
	cmp	%al, (%rdi)
	jne	again
	inc	%rsi
	inc	%rdi
	dec	%ecx
	jnz	1b

	mov	$BUFFER, %esi
	mov	$REGISTERS, %ecx
2:	mov	(%rsi), %bl
	say_hex
	inc	%rsi
	dec	%ecx
	jnz	2b
	say_newline
	halt

read_all:
	lea	numbers(%rip), %rsi
	mov	$REGISTERS, %ecx
1:	lodsb
	outb	%al, $0x70
	inb	$0x71, %al
	stosb
	dec	%ecx
	jnz	1b
	ret

numbers:
	.byte	0x32, 9, 8, 7, 4, 2, 0
