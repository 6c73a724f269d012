/* SPDX-License-Identifier: MIT */
/*
 * Reads with 1, 2, 4 and 8 bytes where there is no memory, writes there and reads again, and reads
 * across the end of RAM, which must be 128 MiB. Prints how many of the reads were wrong, then
 * halts.
 */
#include "tests/guest/guest.h"

#define RAM_END 0x8000000

	.macro expect_ones load register ones
	\load	(%rdi), \register
	cmp	\ones, \register
	je	.Lright\@
	inc	%ebx
.Lright\@:
	.endm

	xor	%ebx, %ebx
	lea	addresses(%rip), %rsi
next:	mov	(%rsi), %edi
	add	$4, %rsi
	test	%edi, %edi
	jz	ends
	call	read_all
	xor	%eax, %eax
	mov	%al, (%rdi)
	mov	%ax, (%rdi)
	mov	%eax, (%rdi)
	mov	%rax, (%rdi)
	call	read_all
	jmp	next

ends:	movl	$RAM_END - 2, %edi
	movw	$0x1122, (%rdi)
	mov	(%rdi), %eax
	cmp	$0xffff1122, %eax
	je	1f
	inc	%ebx
1:	mov	$RAM_END - 4, %edi
	movl	$0x11223344, (%rdi)
	mov	(%rdi), %rax
	mov	$0xffffffff11223344, %rcx
	cmp	%rcx, %rax
	je	1f
	inc	%ebx
1:	say_hex
	say_newline
	halt

read_all:
	expect_ones mov %al $0xff
	expect_ones mov %ax $0xffff
	expect_ones mov %eax $0xffffffff
	expect_ones mov %rax $-1
	ret

addresses:
	.long	RAM_END, RAM_END + 0x1001, 0xbffffff8, 0xc0000000, 0xd0000ffd, 0xe0000007
	.long	0xf0000000, 0
