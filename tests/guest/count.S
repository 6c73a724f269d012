/* SPDX-License-Identifier: MIT */
/*
 * Prints as many lines as its command line says, each its own number in eight decimal digits, then
 * halts. 0: never stops.
 */
#include "tests/guest/guest.h"

#define DIGITS 8

	find_cmdline
	read_number
	mov	%ecx, %ebx
	mov	$BUFFER, %edi
	mov	$'0', %al
	mov	$DIGITS, %ecx
	rep stosb
	movb	$'\n', (%rdi)

line:	mov	$COM1, %edx
	mov	$BUFFER, %esi
	mov	$DIGITS + 1, %ecx
	rep outsb

	mov	$BUFFER + DIGITS - 1, %edi
	mov	$DIGITS, %ecx
1:	incb	(%rdi)
	cmpb	$'9', (%rdi)
	jbe	2f
	movb	$'0', (%rdi)
	dec	%rdi
	dec	%ecx
	jnz	1b

2:	dec	%ebx
	jnz	line
	halt
