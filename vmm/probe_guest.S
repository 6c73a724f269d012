/* SPDX-License-Identifier: MIT */
/*
 * The probe's guest: 64-bit code, position-independent, copied to PROBE_CODE_GPA. Each check is
 * entered on its own, in kernel mode, and leaves what it found in registers:
 *
 *                 r8d                          r9d
 *   long mode     the upper half of a          the same after a push and a pop
 *                 64-bit number
 *   FPU           1 + 1 by the x87             3 * 3 by SSE
 *   user mode     CS in user mode              -
 *   syscall       CS in user mode              CS where LSTAR points to
 *   timer         CS in the handler            0 one-shot, 1 TSC deadline
 *   breakpoint    -                            -
 *
 * In kernel mode a check ends in `report`. In user mode it ends by touching a page that is the
 * kernel's, at probe_guest_leave_user: a page fault, the way out that every program takes. (INT n
 * would be simpler, but 64-bit programs do without it, and there are KVMs that cannot do it.)
 *
 * Every exception ends in `fault`: r10d is the CS of the handler, the vector is on top of the
 * stack, and below it lies the CPU's own frame.
 *
 * Authority: [SDM] volume 3: "Interrupt and Exception Handling", "Fast System Calls in 64-Bit
 * Mode", "APIC Timer". Left out: returning; nothing here is ever resumed.
 */
#include "vmm/probe_guest.h"

#define CR0_MP         (1 << 1)
#define CR0_NE         (1 << 5)
#define CR4_OSFXSR     (1 << 9)
#define CR4_OSXMMEXCPT (1 << 10)

#define MSR_TSC_DEADLINE 0x6e0
#define MSR_EFER         0xc0000080
#define MSR_STAR         0xc0000081
#define MSR_LSTAR        0xc0000082
#define MSR_FMASK        0xc0000084
#define EFER_SCE         (1 << 0)
#define RFLAGS_FIXED     (1 << 1)
#define RFLAGS_IF        (1 << 9)

#define PORT_PIC1_MASK 0x21
#define PORT_PIC2_MASK 0xa1

/* Offsets into the APIC's page. */
#define APIC_SPURIOUS          0xf0
#define APIC_LVT_TIMER         0x320
#define APIC_TIMER_COUNT       0x380
#define APIC_TIMER_DIVIDE      0x3e0
#define APIC_ENABLE            (1 << 8)
#define APIC_SPURIOUS_VECTOR   0xff
#define APIC_TIMER_DEADLINE    (2 << 17)
#define APIC_TIMER_DIVIDE_BY_1 0xb

/* 0.1 to 0.3 ms: KVM's APIC timer counts nanoseconds; a TSC is as fast, or a few times faster. */
#define TIMER_TICKS 100000
#define TSC_TICKS   300000

.macro guest_label name
	.globl \name
	.hidden \name
\name:
.endm

	.section .rodata.probe_guest, "a", @progbits
	.code64
	.balign 16
guest_label probe_guest_start

guest_label probe_guest_long_mode
	movabs	$0x74766d6d00000000, %r8
	push	%r8
	pop	%r9
	shr	$32, %r8
	shr	$32, %r9
	jmp	report

/* The kernel allows the x87, with its own exceptions, and SSE; a program calculates. */
guest_label probe_guest_fpu
	mov	%cr0, %rax
	or	$(CR0_MP | CR0_NE), %rax
	mov	%rax, %cr0
	mov	%cr4, %rax
	or	$(CR4_OSFXSR | CR4_OSXMMEXCPT), %rax
	mov	%rax, %cr4
	fninit
	lea	user_calculates(%rip), %rbx
	jmp	enter_user

user_calculates:
	push	$0
	fld1
	fadd	%st(0), %st(0)
	fistpl	(%rsp)
	mov	(%rsp), %r8d
	mov	$3, %eax
	cvtsi2sd %eax, %xmm0
	mulsd	%xmm0, %xmm0
	cvttsd2si %xmm0, %r9d
	jmp	leave_user

guest_label probe_guest_user_mode
	lea	user_looks(%rip), %rbx
	jmp	enter_user

user_looks:
	mov	%cs, %r8d
leave_user:
	mov	$PROBE_APIC_GPA, %ebx
guest_label probe_guest_leave_user
	mov	(%rbx), %eax
	ud2

guest_label probe_guest_syscall
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_SCE, %eax
	wrmsr
	mov	$MSR_STAR, %ecx
	xor	%eax, %eax
	mov	$((PROBE_USER_DS - 8) << 16 | PROBE_KERNEL_CS), %edx
	wrmsr
	mov	$MSR_LSTAR, %ecx
	lea	on_syscall(%rip), %rax
	xor	%edx, %edx
	wrmsr
	mov	$MSR_FMASK, %ecx
	mov	$RFLAGS_IF, %eax
	wrmsr
	lea	user_syscall(%rip), %rbx
	jmp	enter_user

user_syscall:
	mov	%cs, %r8d
	syscall
	ud2

on_syscall:
	mov	%cs, %r9d
	jmp	report

/* To user mode, at rbx. */
enter_user:
	lea	idt_pointer(%rip), %rax
	lidt	(%rax)
	push	$PROBE_USER_DS
	push	$PROBE_USER_STACK_TOP_GPA
	push	$RFLAGS_FIXED
	push	$PROBE_USER_CS
	push	%rbx
	iretq

/* rsi: 1 if the CPU has the TSC-deadline timer, which kernels prefer; 0: one-shot. */
guest_label probe_guest_timer
	mov	%esi, %r9d
	lea	idt_pointer(%rip), %rax
	lidt	(%rax)
	mov	$0xff, %al
	out	%al, $PORT_PIC1_MASK
	out	%al, $PORT_PIC2_MASK
	mov	$PROBE_APIC_GPA, %ebx
	movl	$(APIC_ENABLE | APIC_SPURIOUS_VECTOR), APIC_SPURIOUS(%rbx)
	test	%esi, %esi
	jnz	1f
	movl	$PROBE_VECTOR_TIMER, APIC_LVT_TIMER(%rbx)
	movl	$APIC_TIMER_DIVIDE_BY_1, APIC_TIMER_DIVIDE(%rbx)
	movl	$TIMER_TICKS, APIC_TIMER_COUNT(%rbx)
	jmp	2f
1:	movl	$(APIC_TIMER_DEADLINE | PROBE_VECTOR_TIMER), APIC_LVT_TIMER(%rbx)
	mfence	/* the mode must be there before the deadline is */
	rdtsc
	add	$TSC_TICKS, %eax
	adc	$0, %edx
	mov	$MSR_TSC_DEADLINE, %ecx
	wrmsr
2:	sti
	hlt
	jmp	2b

guest_label probe_guest_on_timer
	mov	%cs, %r8d
	jmp	report

guest_label probe_guest_breakpoint
	nop
guest_label probe_guest_break_here
	nop

report:
	mov	$PROBE_PORT_DONE, %al
	out	%al, $PROBE_PORT
	ud2

fault:
	mov	%cs, %r10d
	mov	$PROBE_PORT_FAULTED, %al
	out	%al, $PROBE_PORT
	ud2

	.balign PROBE_FAULT_STUB_BYTES
guest_label probe_guest_faults
	vector = 0
	.rept PROBE_FAULTS
	.balign PROBE_FAULT_STUB_BYTES
	push	$vector
	jmp	fault
	vector = vector + 1
	.endr

	.balign 8
idt_pointer:
	.word	PROBE_IDT_BYTES - 1
	.quad	PROBE_IDT_GPA

guest_label probe_guest_end

	.section .note.GNU-stack, "", @progbits
