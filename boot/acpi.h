/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables: CPUs, interrupt wiring, the serial line, power-off and reset. All numbers are
 * offsets in bytes; each table begins at a multiple of 8.
 *
 *   0     RSDP   where to find the others
 *   64    FACS   memory shared with a firmware that is not there
 *   128   FADT   ports of power management and reset, what a PC has of legacy
 *         MADT   local APICs, I/O APIC, wiring
 *         RSDT   addresses of FADT and MADT, 32 bits each
 *         XSDT   the same with 64 bits
 *         DSDT   AML: \_S5 and COM1
 *
 * Authority: [ACPI] chapters 4, "ACPI Hardware Specification", 5, "ACPI Software Programming
 * Model", and 6.4, "Resource Data Types for ACPI".
 *
 * What is told so that kernels neither wait nor look for what is not there:
 *   - no SMI command port: ACPI is on from the start, and nobody has to be asked for it
 *   - no keyboard controller: what devices/i8042.c has is a reset line and a status that makes a
 *     driver leave. With this bit clear Linux does not even begin; its reboot through port 64
 *     (reboot=k) does not ask the bit
 *   - no VGA, no PM timer, no general-purpose events, no buttons, no wake-up by the clock
 *
 * Left out: objects for the CPUs in the DSDT, which [ACPI] "Declaring Processors" wants: they
 * carry idle and frequency states, of which there are none, and Linux would start drivers for
 * them on each CPU; the MADT alone brings the CPUs up. An object for the clock too, which has no
 * interrupt to tell of: a kernel that is not told that the clock is missing finds it at port 70.
 */
#ifndef TVMM_BOOT_ACPI_H
#define TVMM_BOOT_ACPI_H

#include <stddef.h>
#include <stdint.h>

#include "boot/board.h"

enum {
	ACPI_MAX_BYTES = 0x10000,
	ACPI_ALIGNMENT_BYTES = 64, /* the FACS wants it */
};

/* What acpi_build() writes, never more than ACPI_MAX_BYTES. */
size_t acpi_bytes(const struct board *board);

/*
 * to[0 .. acpi_bytes) becomes what lies at gpa, the RSDP first. gpa is a multiple of
 * ACPI_ALIGNMENT_BYTES, and all of the tables below 4 GiB. Kernels that are not told where the
 * RSDP is search e0000 to fffff.
 */
void acpi_build(const struct board *board, uint64_t gpa, uint8_t *to);

#endif
