/* SPDX-License-Identifier: MIT */
/*
 * What the probe's guest and the program around it agree on. Also read by the assembler.
 *
 *   0x1000  code                     0x6000  page tables: PML4, PDPT, PD of RAM, PD of the APIC
 *   0x3000  GDT                      0xc000  top of the stack
 *   0x4000  IDT                      0xe000  top of the stack for interrupts out of user mode
 *   0x5000  TSS                     0x10000  top of the user's stack, end of RAM
 */
#ifndef TVMM_PROBE_GUEST_H
#define TVMM_PROBE_GUEST_H

#define PROBE_CODE_GPA                0x1000
#define PROBE_CODE_MAX_BYTES          0x2000
#define PROBE_GDT_GPA                 0x3000
#define PROBE_IDT_GPA                 0x4000
#define PROBE_TSS_GPA                 0x5000
#define PROBE_PAGE_TABLES_GPA         0x6000
#define PROBE_STACK_TOP_GPA           0xc000
#define PROBE_INTERRUPT_STACK_TOP_GPA 0xe000
#define PROBE_USER_STACK_TOP_GPA      0x10000
#define PROBE_RAM_BYTES               0x10000

/*
 * Behind the segments of boot/gdt.h, in the order that SYSCALL and SYSRET want: [SDM] "Fast System
 * Calls in 64-Bit Mode".
 */
#define PROBE_KERNEL_CS 0x10
#define PROBE_USER_DS   0x33
#define PROBE_USER_CS   0x3b
#define PROBE_GDT_BYTES 0x40

#define PROBE_FAULTS           32 /* vectors of exceptions; each has a stub of so many bytes */
#define PROBE_FAULT_STUB_BYTES 16
#define PROBE_VECTOR_TIMER     0x40
#define PROBE_IDT_BYTES        ((PROBE_VECTOR_TIMER + 1) * 16)

/* One byte to this port ends a check. */
#define PROBE_PORT         0xf4
#define PROBE_PORT_DONE    1
#define PROBE_PORT_FAULTED 2

#define PROBE_APIC_GPA 0xfee00000 /* the only page that is the kernel's alone */

#ifndef __ASSEMBLER__

#include <stdint.h>

extern const uint8_t probe_guest_start[], probe_guest_end[];

/* The checks. They are entered as a kernel is, with rsi and a stack; all else is zero. */
extern const uint8_t probe_guest_long_mode[], probe_guest_fpu[], probe_guest_user_mode[],
	probe_guest_syscall[], probe_guest_timer[], probe_guest_breakpoint[];

extern const uint8_t probe_guest_faults[];     /* PROBE_FAULTS stubs */
extern const uint8_t probe_guest_on_timer[];   /* for the gate PROBE_VECTOR_TIMER */
extern const uint8_t probe_guest_leave_user[]; /* where user mode ends, in a page fault */
extern const uint8_t probe_guest_break_here[]; /* where the breakpoint is set */

#endif
#endif
