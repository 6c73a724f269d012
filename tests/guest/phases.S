/* SPDX-License-Identifier: MIT */
/*
 * A kernel in all that the account of a boot looks for: it maps itself where Linux is, comes by Linux's
 * landmarks in Linux's order, calls initcalls from tables as Linux does, and each time reads its own
 * time stamp counter. In the end it prints what it read, a line each, and resets:
 *
 *	start_kernel 00000000001234ab
 *
 * Of its command line the first letter counts: 'i' has one of the initcalls return -19, 'h' halts for
 * good after kernel_execve.
 */
#include "tests/guest/guest.h"

#define PAGE_BYTES  0x1000
#define PRESENT     0x3 /* and writable */
#define LOOPS       2000
#define MINUS_ENODEV -19

/* A landmark: reads the counter first of all, into the slot of its number. Changes rax, rdx, r11. */
	.macro landmark number
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	lea	read_here(%rip), %r11
	mov	%rax, 8 * \number(%r11)
	.endm

	.macro function name
	.globl	\name
	.type	\name, @function
\name:
	.endm

	/* Something that takes a while. Changes ecx. */
	.macro work loops
	mov	$\loops, %ecx
1:	dec	%ecx
	jnz	1b
	.endm

	.globl	entry
	.set	entry, startup_64 - KERNEL_OFFSET

/* At its physical address. The tables that are there map the low 4 GiB; what is above is ours. */
function startup_64
	landmark 0
	mov	%rsi, %r12
	mov	%cr3, %rbx
	mov	(%rbx), %rax
	and	$~(PAGE_BYTES - 1), %rax
	mov	(%rax), %rcx		/* the first GiB's page directory */
	lea	high_pdpt(%rip), %rdi
	mov	%rcx, 8 * 510(%rdi)
	lea	PRESENT(%rdi), %rax
	mov	%rax, 8 * 511(%rbx)
	mov	%rbx, %cr3
	lea	stack_top(%rip), %rsp
	movabs	$KERNEL_OFFSET, %rax
	add	%rax, %rsp
	movabs	$x86_64_start_kernel, %rax
	jmp	*%rax

function x86_64_start_kernel
	landmark 1
	call	start_kernel
	spin

function start_kernel
	landmark 2
	call	setup_arch
	call	sched_init
	call	console_init
	call	rest_init
	spin

function setup_arch
	landmark 3
	work	LOOPS
	ret

function sched_init
	landmark 4
	work	LOOPS
	ret

function console_init
	landmark 5
	work	LOOPS
	ret

function rest_init
	landmark 6
	call	kernel_init
	spin

function kernel_init
	landmark 7
	lea	__initcall_start(%rip), %rbx
1:	lea	__initcall_end(%rip), %rax
	cmp	%rax, %rbx
	je	2f
	movslq	(%rbx), %rdi
	add	%rbx, %rdi
	call	do_one_initcall
	add	$4, %rbx
	jmp	1b
2:	call	free_initmem
	call	kernel_execve
	spin

function do_one_initcall
	push	%rbx
	call	*%rdi
	pop	%rbx
	ret

function early_call
	landmark 8
	work	LOOPS
	xor	%eax, %eax
	ret

function core_call
	landmark 9
	work	3*LOOPS
	mov	0x228(%r12), %edx
	cmpb	$'i', (%rdx)
	mov	$0, %eax
	jne	1f
	mov	$MINUS_ENODEV, %eax
1:	ret

function device_call
	landmark 12
	work	10*LOOPS
	xor	%eax, %eax
	ret

function populate_rootfs
	call	do_populate_rootfs
	landmark 11
	xor	%eax, %eax
	ret

function do_populate_rootfs
	landmark 10
	work	5*LOOPS
	ret

function late_call
	landmark 13
	xor	%eax, %eax
	ret

function free_initmem
	landmark 14
	ret

function kernel_execve
	landmark 15
	mov	0x228(%r12), %edx
	cmpb	$'h', (%rdx)
	jne	1f
	halt
1:	xor	%edi, %edi
	lea	user_program(%rip), %rsi
	call	start_thread
	jmp	user_program

function start_thread
	ret

/* What a program's first instruction is to the account: the address that start_thread() was given. */
function user_program
	landmark 16
	lea	names(%rip), %rsi
	lea	read_here(%rip), %r13
1:	cmpb	$0, (%rsi)
	je	reset
	say
	mov	$8, %r14d
	mov	$' ', %al
	outb	%al, %dx
2:	dec	%r14d
	movzbl	(%r13,%r14), %ebx
	say_hex
	test	%r14d, %r14d
	jnz	2b
	say_newline
	add	$8, %r13
	jmp	1b
reset:
	mov	$COMMAND_RESET, %al
	outb	%al, $PORT_8042_COMMAND
	spin

	.macro initcall name
	.long	\name - .
	.endm

	.globl	linux_banner
linux_banner:
	.asciz	"Linux version 0.0.0-phases (tvmm's own guest) #1\n"
	.globl	names
names:
	.asciz	"startup_64", "x86_64_start_kernel", "start_kernel", "setup_arch"
	.asciz	"sched_init", "console_init", "rest_init", "kernel_init"
	.asciz	"initcalls: early", "initcalls: core", "populate_rootfs", "populate_rootfs done"
	.asciz	"initcalls: device", "initcalls: late", "free_initmem", "kernel_execve"
	.asciz	"first user-mode instruction"
	.byte	0

	.balign	8
	.globl	__initcall_start, __initcall0_start, __initcall1_start, __initcall2_start
	.globl	__initcall3_start, __initcall4_start, __initcall5_start
	.globl	__initcallrootfs_start, __initcall6_start, __initcall7_start, __initcall_end
__initcall_start:
	initcall early_call
__initcall0_start:
__initcall1_start:
	initcall core_call
__initcall2_start:
__initcall3_start:
__initcall4_start:
__initcall5_start:
__initcallrootfs_start:
	initcall populate_rootfs
__initcall6_start:
	initcall device_call
__initcall7_start:
	initcall late_call
__initcall_end:

	.data
	.balign	PAGE_BYTES
	.globl	init_top_pgt
init_top_pgt:	/* never filled: reading falls back to where the kernel's map is straight */
	.skip	PAGE_BYTES
high_pdpt:
	.skip	PAGE_BYTES
read_here:
	.skip	8 * 32
	.skip	0x800
stack_top:
	.quad	0
