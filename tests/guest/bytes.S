/* SPDX-License-Identifier: MIT */
/*
 * Prints all byte values three times: one by one, by one string instruction, and backwards by
 * another. A string instruction with count 0 prints nothing. Then halts.
 */
#include "tests/guest/guest.h"

	mov	$BUFFER, %edi
	xor	%eax, %eax
	mov	$COM1, %edx
1:	outb	%al, %dx
	stosb
	inc	%al
	jnz	1b

	mov	$BUFFER, %esi
	xor	%ecx, %ecx
	rep outsb
	mov	$256, %ecx
	rep outsb

	std
	mov	$BUFFER + 255, %esi
	mov	$256, %ecx
	rep outsb
	cld
	halt
