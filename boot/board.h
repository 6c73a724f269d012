/* SPDX-License-Identifier: MIT */
/*
 * The board as the tables tell it: plain facts that vmm/machine.c knows (ports, interrupt inputs,
 * CPUs) and that acpi.c and mptable.c put into the formats that kernels read.
 *
 * The wiring is straight: ISA interrupt n is input n of the I/O APIC, edge, active high, for all
 * of 0 to 15 but 2, where the second PIC comes in. So is the timer's 0, which PCs have at input 2:
 * [LINUX] arch/x86/kvm/irq_comm.c, default_routing.
 */
#ifndef TVMM_BOOT_BOARD_H
#define TVMM_BOOT_BOARD_H

#include <stdint.h>

enum {
	BOARD_CPUS_MAX = 255, /* 8-bit APIC ids, of which ff means all */
	BOARD_ISA_IRQS = 16,
	BOARD_ISA_CASCADE = 2,
};

struct board {
	unsigned int cpus; /* 1 to BOARD_CPUS_MAX; APIC ids are 0 .. cpus - 1 */
	uint32_t local_apic_gpa;
	uint8_t local_apic_version; /* as its register says it */
	uint32_t io_apic_gpa;
	uint8_t io_apic_id; /* not the id of a CPU */
	uint8_t io_apic_version;
	uint16_t com1_port;        /* 8 ports */
	uint8_t com1_irq;          /* ISA numbering */
	uint16_t pm1_event_port;   /* 4 ports: PM1a status, enable */
	uint16_t pm1_control_port; /* 2 ports: PM1a control */
	uint8_t sci_irq;           /* I/O APIC pin; level, active high */
	uint8_t sleep_type_s5;     /* SLP_TYP of S5 */
	uint16_t reset_port;       /* written with one byte, */
	uint8_t reset_value;       /* this one, it resets */
	uint8_t cmos_century;      /* where the clock's RAM has the century; 0: nowhere */
};

#endif
