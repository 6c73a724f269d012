/* SPDX-License-Identifier: MIT */
/*
 * Maps 16 GiB and looks at the RAM from 1 MiB on that the e820 map tells of: writes to the first and
 * the last eight bytes of each region, all different, and reads them again when all are written.
 * Where a region ends and no other one begins, where one begins above 4 GiB, and in the middle of the
 * hole there must be no memory. Prints each region, first and last byte, and how many of the reads
 * were wrong; then halts.
 */
#include "tests/guest/guest.h"

#define E820_ENTRIES     0x1e8
#define E820_TABLE       0x2d0
#define E820_ENTRY_BYTES 20
#define E820_RAM         1

#define FIRST_LOOKED_AT 0x100000
#define MIDDLE_OF_HOLE  0xd0000000

#define DIRECTORIES    BUFFER
#define MAPPED_GIB     4
#define GIB_TO_MAP     16
#define PRESENT_WRITE  0x3
#define LARGE          0x80
#define LARGE_SHIFT    21
#define LARGE_IN_1_GIB 512

	/* Calls what with r8 = the first byte of each region and r9 = the byte behind it. */
	.macro each_region what
	movzbl	E820_ENTRIES(%rsi), %ecx
	lea	E820_TABLE(%rsi), %rdi
.Lregion\@:
	mov	(%rdi), %r8
	mov	8(%rdi), %r9
	add	%r8, %r9
	cmpl	$E820_RAM, 16(%rdi)
	jne	.Lnext\@
	cmp	$FIRST_LOOKED_AT, %r8
	jb	.Lnext\@
	call	\what
.Lnext\@:
	add	$E820_ENTRY_BYTES, %rdi
	dec	%ecx
	jnz	.Lregion\@
	.endm

	xor	%r12d, %r12d /* wrong ones */
	call	map
	each_region write
	each_region read
	each_region look_around
	mov	$MIDDLE_OF_HOLE, %eax
	call	no_memory
	mov	%r12d, %ebx
	say_hex
	say_newline
	halt

map:
	mov	%cr3, %rbx
	mov	(%rbx), %rbx /* the one PDPT there is */
	and	$~0xfff, %rbx
	mov	$DIRECTORIES, %edi
	mov	$MAPPED_GIB, %ecx
1:	lea	PRESENT_WRITE(%rdi), %rax
	mov	%rax, (%rbx,%rcx,8)
	mov	%rcx, %rax
	shl	$30, %rax
	or	$(PRESENT_WRITE | LARGE), %rax
	mov	$LARGE_IN_1_GIB, %edx
2:	mov	%rax, (%rdi)
	add	$(1 << LARGE_SHIFT), %rax
	add	$8, %rdi
	dec	%edx
	jnz	2b
	inc	%ecx
	cmp	$GIB_TO_MAP, %ecx
	jb	1b
	ret

	/* What stands at an address: its own complement. */
write:
	mov	%r8, %rax
	not	%rax
	mov	%rax, (%r8)
	lea	-8(%r9), %rax
	not	%rax
	mov	%rax, -8(%r9)
	ret

read:
	mov	%r8, %rax
	call	right
	lea	-8(%r9), %rax
right:
	mov	(%rax), %rdx
	not	%rdx
	cmp	%rax, %rdx
	je	1f
	inc	%r12d
1:	ret

look_around:
	mov	%r8, %r10
	call	say_r10
	mov	$COM1, %edx
	mov	$'-', %al
	outb	%al, %dx
	lea	-1(%r9), %r10
	call	say_r10
	say_newline
	mov	%r9, %rax
	call	no_memory
	mov	%r8, %rax
	shr	$32, %rax
	jz	1f
	lea	-8(%r8), %rax
	call	no_memory
1:	ret

	/* Eight bytes at rax are ones, whatever is written there. */
no_memory:
	cmpq	$-1, (%rax)
	jne	1f
	movq	$0, (%rax)
	cmpq	$-1, (%rax)
	je	2f
1:	inc	%r12d
2:	ret

say_r10:
	mov	$8, %r11d
1:	rol	$8, %r10
	mov	%r10b, %bl
	say_hex
	dec	%r11d
	jnz	1b
	ret
