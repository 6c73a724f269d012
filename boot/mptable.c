/* SPDX-License-Identifier: MIT */
#include "boot/mptable.h"

#include <string.h>

#include "boot/checksum.h"
#include "vmm/base/le.h"
#include "vmm/base/must.h"

/*
 * [MP] "MP Floating Pointer Structure". Its five feature bytes stay 0: there is a configuration
 * table, and the PICs' interrupt comes in through the local APIC (virtual wire).
 */
enum {
	FLOATING_SIGNATURE = 0, /* "_MP_" */
	FLOATING_TABLE = 4,     /* u32, physical address */
	FLOATING_LENGTH = 8,    /* u8, units of 16 bytes */
	FLOATING_SPEC_REV = 9,  /* u8 */
	FLOATING_CHECKSUM = 10, /* u8 */
	FLOATING_BYTES = 16,
};

/* [MP] "MP Configuration Table Header". */
enum {
	HEADER_SIGNATURE = 0,   /* "PCMP" */
	HEADER_LENGTH = 4,      /* u16, with the entries */
	HEADER_SPEC_REV = 6,    /* u8 */
	HEADER_CHECKSUM = 7,    /* u8 */
	HEADER_OEM_ID = 8,      /* 8 characters */
	HEADER_PRODUCT_ID = 16, /* 12 characters */
	HEADER_ENTRIES = 34,    /* u16 */
	HEADER_LOCAL_APIC = 36, /* u32, physical address */
	HEADER_BYTES = 44,
};

/* [MP] "Base MP Configuration Table Entries": the first byte is the type. */
enum {
	ENTRY_PROCESSOR = 0,
	ENTRY_BUS = 1,
	ENTRY_IO_APIC = 2,
	ENTRY_IO_INTERRUPT = 3,
	ENTRY_LOCAL_INTERRUPT = 4,

	PROCESSOR_BYTES = 20,
	ENTRY_BYTES = 8, /* of all others */

	PROCESSOR_APIC_ID = 1,
	PROCESSOR_APIC_VERSION = 2,
	PROCESSOR_FLAGS = 3,
	PROCESSOR_SIGNATURE = 4, /* u32: stepping, model, family, 4 bits each */
	PROCESSOR_FEATURES = 8,  /* u32: CPUID.1:EDX */
	PROCESSOR_ENABLED = 1 << 0,
	PROCESSOR_BOOTSTRAP = 1 << 1,

	IO_APIC_ENABLED = 1 << 0,
};

/* [MP] "I/O Interrupt Assignment Entries", "Local Interrupt Assignment Entries". */
enum {
	INTERRUPT_VECTORED = 0,
	INTERRUPT_NMI = 1,
	INTERRUPT_EXTINT = 3,
	INTERRUPT_CONFORMS = 0, /* polarity and trigger are the bus's */
	ALL_LOCAL_APICS = 0xff,

	INTERRUPTS = BOARD_ISA_IRQS - 1,
	LINTS = 2,
	ISA_BUS_ID = 0,
	SPEC_REV_1_4 = 4,
};

/*
 * What every CPU of ours is, whatever KVM gives it: of family 6, and with what is in all 64-bit
 * CPUs of the flags that the specification names. The exact ones are not known before KVM is asked,
 * and the kernels that read this table ask CPUID.
 */
enum {
	SIGNATURE_FAMILY_6 = 6 << 8,
	FEATURE_FPU = 1 << 0,
	FEATURE_MCE = 1 << 7,
	FEATURE_CX8 = 1 << 8,
	FEATURE_APIC = 1 << 9,
};

static size_t entries(const struct board *board)
{
	return board->cpus + 1 + 1 + INTERRUPTS + LINTS;
}

size_t mptable_bytes(const struct board *board)
{
	size_t others = entries(board) - board->cpus;

	must(board->cpus >= 1 && board->cpus <= BOARD_CPUS_MAX);
	return FLOATING_BYTES + HEADER_BYTES + board->cpus * PROCESSOR_BYTES + others * ENTRY_BYTES;
}

static uint8_t *build_processors(const struct board *board, uint8_t *at)
{
	for (unsigned int i = 0; i < board->cpus; i++, at += PROCESSOR_BYTES) {
		at[0] = ENTRY_PROCESSOR;
		at[PROCESSOR_APIC_ID] = (uint8_t)i;
		at[PROCESSOR_APIC_VERSION] = board->local_apic_version;
		at[PROCESSOR_FLAGS] = PROCESSOR_ENABLED | (i == 0 ? PROCESSOR_BOOTSTRAP : 0);
		put_le32(at + PROCESSOR_SIGNATURE, SIGNATURE_FAMILY_6);
		put_le32(at + PROCESSOR_FEATURES,
			 FEATURE_FPU | FEATURE_MCE | FEATURE_CX8 | FEATURE_APIC);
	}
	return at;
}

static uint8_t *build_bus(uint8_t *at)
{
	at[0] = ENTRY_BUS;
	at[1] = ISA_BUS_ID;
	memcpy(at + 2, "ISA   ", 6);
	return at + ENTRY_BYTES;
}

static uint8_t *build_io_apic(const struct board *board, uint8_t *at)
{
	at[0] = ENTRY_IO_APIC;
	at[1] = board->io_apic_id;
	at[2] = board->io_apic_version;
	at[3] = IO_APIC_ENABLED;
	put_le32(at + 4, board->io_apic_gpa);
	return at + ENTRY_BYTES;
}

/* An interrupt of the ISA bus: both kinds of entries have one form. */
static uint8_t *build_interrupt(uint8_t *at, uint8_t entry, uint8_t type, uint8_t irq,
				uint8_t apic_id, uint8_t input)
{
	at[0] = entry;
	at[1] = type;
	put_le16(at + 2, INTERRUPT_CONFORMS);
	at[4] = ISA_BUS_ID;
	at[5] = irq;
	at[6] = apic_id;
	at[7] = input;
	return at + ENTRY_BYTES;
}

static uint8_t *build_interrupts(const struct board *board, uint8_t *at)
{
	for (uint8_t irq = 0; irq < BOARD_ISA_IRQS; irq++) {
		if (irq != BOARD_ISA_CASCADE)
			at = build_interrupt(at, ENTRY_IO_INTERRUPT, INTERRUPT_VECTORED, irq,
					     board->io_apic_id, irq);
	}
	at = build_interrupt(at, ENTRY_LOCAL_INTERRUPT, INTERRUPT_EXTINT, 0, ALL_LOCAL_APICS, 0);
	return build_interrupt(at, ENTRY_LOCAL_INTERRUPT, INTERRUPT_NMI, 0, ALL_LOCAL_APICS, 1);
}

static void build_floating_pointer(uint64_t table_gpa, uint8_t *at)
{
	memcpy(at + FLOATING_SIGNATURE, "_MP_", 4);
	put_le32(at + FLOATING_TABLE, (uint32_t)table_gpa);
	at[FLOATING_LENGTH] = FLOATING_BYTES / 16;
	at[FLOATING_SPEC_REV] = SPEC_REV_1_4;
	at[FLOATING_CHECKSUM] = checksum(at, FLOATING_BYTES);
}

static void build_header(const struct board *board, size_t table_bytes, uint8_t *at)
{
	memcpy(at + HEADER_SIGNATURE, "PCMP", 4);
	put_le16(at + HEADER_LENGTH, (uint16_t)table_bytes);
	at[HEADER_SPEC_REV] = SPEC_REV_1_4;
	memcpy(at + HEADER_OEM_ID, "TVMM    ", 8);
	memcpy(at + HEADER_PRODUCT_ID, "MICROVM     ", 12);
	put_le16(at + HEADER_ENTRIES, (uint16_t)entries(board));
	put_le32(at + HEADER_LOCAL_APIC, board->local_apic_gpa);
}

void mptable_build(const struct board *board, uint64_t gpa, uint8_t *to)
{
	size_t bytes = mptable_bytes(board);
	uint8_t *table = to + FLOATING_BYTES, *at;

	must(bytes <= MPTABLE_MAX_BYTES && gpa % MPTABLE_ALIGNMENT_BYTES == 0);
	must(gpa <= UINT32_MAX - MPTABLE_MAX_BYTES);
	memset(to, 0, bytes);
	build_floating_pointer(gpa + FLOATING_BYTES, to);
	build_header(board, bytes - FLOATING_BYTES, table);
	at = build_processors(board, table + HEADER_BYTES);
	at = build_bus(at);
	at = build_io_apic(board, at);
	at = build_interrupts(board, at);
	must(at == to + bytes);
	table[HEADER_CHECKSUM] = checksum(table, bytes - FLOATING_BYTES);
}
