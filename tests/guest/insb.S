/* SPDX-License-Identifier: MIT */
/*
 * String input: 5000 bytes from the UART's scratch register, 1000 words and 1000 doublewords from
 * ports that nobody has, across pages. Prints how many bytes of each are wrong (modulo 256), and
 * counts those next to them that should not have changed. Then halts.
 */
#include "tests/guest/guest.h"

#define SCRATCH 0xa5
#define NOBODY  0x1234

	/* ebx = how many of the ecx bytes from rdi are not al; the byte behind them must be 0. */
	.macro count_wrong
	xor	%ebx, %ebx
.Lcount\@:
	cmp	%al, (%rdi)
	je	.Lright\@
	inc	%ebx
.Lright\@:
	inc	%rdi
	dec	%ecx
	jnz	.Lcount\@
	cmpb	$0, (%rdi)
	je	.Lend\@
	inc	%ebx
.Lend\@:
	.endm

	mov	$COM1_SCRATCH, %edx
	mov	$SCRATCH, %al
	outb	%al, %dx
	mov	$BUFFER + 1, %edi
	mov	$5000, %ecx
	rep insb
	mov	$BUFFER + 1, %edi
	mov	$5000, %ecx
	mov	$SCRATCH, %al
	count_wrong
	cmpb	$0, BUFFER
	je	1f
	inc	%ebx
1:	say_hex

	mov	$NOBODY, %edx
	mov	$BUFFER + 0x2fff, %edi
	mov	$1000, %ecx
	rep insw
	mov	$BUFFER + 0x2fff, %edi
	mov	$2000, %ecx
	mov	$0xff, %al
	count_wrong
	say_hex

	mov	$NOBODY, %edx
	mov	$BUFFER + 0x5ffd, %edi
	mov	$1000, %ecx
	rep insl
	mov	$BUFFER + 0x5ffd, %edi
	mov	$4000, %ecx
	mov	$0xff, %al
	count_wrong
	say_hex
	say_newline
	halt
