/* SPDX-License-Identifier: MIT */
/*
 * Guests that are hard to look into. The command line is a letter:
 *
 *	n	page tables that lead out of RAM and round in circles, but for the first GiB; rsp and rbp
 *		lead nowhere; spins
 *	p	32-bit code without paging; spins
 *	v	32-bit code with 32-bit page tables; spins
 *	r	CPU 1 spins in real mode at 8000:0000, CPU 0 in 64-bit code
 *	e	jumps to where there is no RAM
 *	s	spins with rsp at the last bytes of the address space
 */
#include "tests/guest/guest.h"

#define TABLES     BUFFER /* PML4, PDPT, PD */
#define GDT        0x310000
#define GDTR       0x310100
#define TABLE32    0x320000
#define TRAMPOLINE 0x80000
#define CODE32     0x00cf9b000000ffff
#define DATA32     0x00cf93000000ffff
#define JUMP_HERE  0xfeeb

#define PRESENT     0x3
#define PRESENT_PS  0x83
#define OUT_OF_RAM  0x000fffffffe00003
#define NO_RAM      0xd0000000

#define APIC               0xfee00000
#define APIC_SPURIOUS      0xf0
#define APIC_ICR_LOW       0x300
#define ICR_PENDING        (1 << 12)
#define ICR_INIT_OTHERS    0xc4500
#define ICR_STARTUP_OTHERS 0xc4600

#define MSR_EFER 0xc0000080
#define EFER_LME 8
#define CR0_PG   31
#define CR4_PSE  0x10

	find_cmdline
	mov	(%rsi), %al
	cmp	$'n', %al
	je	nonsense
	cmp	$'p', %al
	je	leave_long_mode
	cmp	$'v', %al
	je	leave_long_mode
	cmp	$'r', %al
	je	start_other
	cmp	$'e', %al
	je	leave_ram
	mov	$-3, %rsp
	spin

leave_ram:
	mov	$NO_RAM, %eax
	jmp	*%rax

nonsense:
	mov	$TABLES, %ebx
	lea	0x1000 + PRESENT(%rbx), %rax
	mov	%rax, (%rbx)
	lea	0x2000 + PRESENT(%rbx), %rax
	mov	%rax, 0x1000(%rbx)
	/* Entry 1 of each is the table itself, the rest leads out of RAM. */
	lea	PRESENT(%rbx), %rax
	mov	%rax, 8(%rbx)
	lea	0x1000 + PRESENT(%rbx), %rax
	mov	%rax, 0x1008(%rbx)
	mov	$OUT_OF_RAM, %rax
	mov	$2, %ecx
1:	mov	%rax, (%rbx,%rcx,8)
	mov	%rax, 0x1000(%rbx,%rcx,8)
	inc	%ecx
	cmp	$512, %ecx
	jne	1b
	mov	$PRESENT_PS, %eax
	xor	%ecx, %ecx
2:	mov	%rax, 0x2000(%rbx,%rcx,8)
	add	$0x200000, %rax
	inc	%ecx
	cmp	$512, %ecx
	jne	2b
	mov	%rbx, %cr3
	mov	$0xffff900000000008, %rsp
	mov	$0x0123456789abcdef, %rbp
	spin

start_other:
	movw	$JUMP_HERE, TRAMPOLINE
	mov	$APIC, %ebx
	movl	$0x1ff, APIC_SPURIOUS(%rbx)
	movl	$ICR_INIT_OTHERS, APIC_ICR_LOW(%rbx)
1:	testl	$ICR_PENDING, APIC_ICR_LOW(%rbx)
	jnz	1b
	movl	$(ICR_STARTUP_OTHERS | TRAMPOLINE >> 12), APIC_ICR_LOW(%rbx)
	spin

	/* Through a 32-bit code segment; ebp keeps the letter. */
leave_long_mode:
	movzbl	%al, %ebp
	mov	$CODE32, %rax
	mov	%rax, GDT + 8
	mov	$DATA32, %rax
	mov	%rax, GDT + 16
	movw	$23, GDTR
	movq	$GDT, GDTR + 2
	lgdt	GDTR
	mov	$BUFFER, %esp
	lea	in_32_bits(%rip), %rax
	push	$8
	push	%rax
	lretq

	.code32
in_32_bits:
	mov	$16, %ecx
	mov	%ecx, %ss
	mov	%ecx, %ds
	mov	%cr0, %eax
	btr	$CR0_PG, %eax
	mov	%eax, %cr0
	mov	$MSR_EFER, %ecx
	rdmsr
	btr	$EFER_LME, %eax
	wrmsr
	cmp	$'v', %ebp
	jne	3f
	/* 4 MiB pages, each where it is. */
	mov	$PRESENT_PS, %eax
	xor	%ecx, %ecx
1:	mov	%eax, TABLE32(,%ecx,4)
	add	$0x400000, %eax
	inc	%ecx
	cmp	$1024, %ecx
	jne	1b
	mov	$TABLE32, %eax
	mov	%eax, %cr3
	mov	$CR4_PSE, %eax
	mov	%eax, %cr4
	mov	%cr0, %eax
	bts	$CR0_PG, %eax
	mov	%eax, %cr0
3:	jmp	3b
