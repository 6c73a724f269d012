/* SPDX-License-Identifier: MIT */
/*
 * An ELF file with a 64-bit entry point. Says what is not as it should be: where it was loaded, its
 * second segment, the zeros behind that, the zero page. Then prints its command line and resets.
 */
#include "tests/guest/guest.h"

#define ZERO_PAGE_HEADER 0x202
#define HEADER_MAGIC     0x53726448 /* "HdrS" */

	.globl	entry
	.set	entry, start - KERNEL_OFFSET
start:
	lea	start(%rip), %rax
	cmp	$(start - KERNEL_OFFSET), %rax
	lea	misplaced(%rip), %rdi
	jne	complain
	cmpl	$DATA_WORD, data_word(%rip)
	lea	no_data(%rip), %rdi
	jne	complain
	lea	bss(%rip), %rbx
	mov	$BSS_BYTES, %ecx
	lea	no_zeros(%rip), %rdi
1:	cmpb	$0, (%rbx)
	jne	complain
	inc	%rbx
	dec	%ecx
	jnz	1b
	cmpl	$HEADER_MAGIC, ZERO_PAGE_HEADER(%rsi)
	lea	no_zero_page(%rip), %rdi
	jne	complain

	say_cmdline
	jmp	reset
complain:
	mov	%rdi, %rsi
	say
reset:
	mov	$COMMAND_RESET, %al
	outb	%al, $PORT_8042_COMMAND
	spin

misplaced:	.asciz	"loaded elsewhere"
no_data:	.asciz	"no data"
no_zeros:	.asciz	"no zeros behind the data"
no_zero_page:	.asciz	"no zero page"

	.data
data_word:
	.long	DATA_WORD
	.bss
bss:	.skip	BSS_BYTES
