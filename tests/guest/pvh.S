/* SPDX-License-Identifier: MIT */
/*
 * An ELF file that can only be entered by PVH: its e_entry is an address of the upper half, as in
 * kernels of the BSDs. Says what is not as [PVH] "x86/HVM direct boot ABI" has it. Then prints its
 * command line and its initrd, and resets.
 */
#include "tests/guest/guest.h"

#define PA(x) ((x) - KERNEL_OFFSET)

#define CR0_PE 0x01
#define CR0_ET 0x10
#define EFLAGS_TF_IF_VM 0x20300

/* The start info, and the entries of its lists. */
#define INFO_MAGIC          0x336ec578
#define INFO_VERSION        4
#define INFO_MODULES        12
#define INFO_MODULE_LIST    16
#define INFO_CMDLINE        24
#define INFO_MEMMAP         40
#define INFO_MEMMAP_ENTRIES 48
#define MODULE_SIZE         8
#define MEMMAP_BYTES        24
#define MEMMAP_SIZE         8
#define MEMMAP_TYPE         16
#define TYPE_RAM            1

	.code32
	.globl	entry
entry:
	cld
	mov	%cr0, %eax
	cmp	$(CR0_ET | CR0_PE), %eax
	mov	$PA(bad_cr0), %edi
	jne	complain
	mov	%cr4, %eax
	test	%eax, %eax
	mov	$PA(bad_cr4), %edi
	jnz	complain
	cmpl	$INFO_MAGIC, (%ebx)
	mov	$PA(bad_magic), %edi
	jne	complain
	cmpl	$1, INFO_VERSION(%ebx)
	mov	$PA(bad_version), %edi
	jne	complain
	cmpl	$DATA_WORD, PA(data_word)
	mov	$PA(no_data), %edi
	jne	complain
	mov	$PA(bss), %esi
	mov	$BSS_BYTES, %ecx
	mov	$PA(no_zeros), %edi
1:	cmpb	$0, (%esi)
	jne	complain
	inc	%esi
	dec	%ecx
	jnz	1b

	/* Is the end of this guest in memory that the map calls RAM? */
	mov	INFO_MEMMAP(%ebx), %esi
	mov	INFO_MEMMAP_ENTRIES(%ebx), %ecx
	mov	$PA(no_ram), %edi
2:	dec	%ecx
	js	complain
	mov	$PA(end), %eax
	sub	(%esi), %eax
	jb	3f
	cmp	MEMMAP_SIZE(%esi), %eax
	ja	3f
	cmpl	$TYPE_RAM, MEMMAP_TYPE(%esi)
	je	4f
3:	add	$MEMMAP_BYTES, %esi
	jmp	2b
4:
	/* A stack, and a table with the segments that are in use: not promised, but given. */
	pushf
	pop	%eax
	test	$EFLAGS_TF_IF_VM, %eax
	mov	$PA(bad_eflags), %edi
	jnz	complain
	mov	%ds, %eax
	mov	%eax, %es
	mov	%eax, %ss
	push	%cs
	push	$PA(5f)
	lret
5:
	mov	INFO_CMDLINE(%ebx), %esi
	say
	cmpl	$0, INFO_MODULES(%ebx)
	je	reset
	mov	INFO_MODULE_LIST(%ebx), %edi
	mov	(%edi), %esi
	mov	MODULE_SIZE(%edi), %ecx
	mov	$COM1, %edx
6:	lodsb
	outb	%al, %dx
	dec	%ecx
	jnz	6b
	jmp	reset
complain:
	mov	%edi, %esi
	say
reset:
	mov	$COMMAND_RESET, %al
	outb	%al, $PORT_8042_COMMAND
	spin

bad_cr0:	.asciz	"cr0 has more or less than PE and ET"
bad_cr4:	.asciz	"cr4 is not 0"
bad_eflags:	.asciz	"eflags has TF, IF or VM"
bad_magic:	.asciz	"no magic number at ebx"
bad_version:	.asciz	"not version 1"
no_data:	.asciz	"no data"
no_zeros:	.asciz	"no zeros behind the data"
no_ram:		.asciz	"not in RAM"

	.data
data_word:
	.long	DATA_WORD
	.bss
bss:	.skip	BSS_BYTES
end:

	/* XEN_ELFNOTE_PHYS32_ENTRY */
	.section .note.Xen, "a", @note
	.long	4, 4, 18
	.asciz	"Xen"
	.long	PA(entry)
