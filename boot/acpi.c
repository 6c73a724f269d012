/* SPDX-License-Identifier: MIT */
#include "boot/acpi.h"

#include <string.h>

#include "boot/aml.h"
#include "boot/checksum.h"
#include "vmm/base/le.h"
#include "vmm/base/must.h"

/* [ACPI] "Root System Description Pointer (RSDP) Structure". */
enum {
	RSDP_SIGNATURE = 0,          /* "RSD PTR " */
	RSDP_CHECKSUM = 8,           /* u8, of the first 20 bytes */
	RSDP_OEM_ID = 9,             /* 6 characters */
	RSDP_REVISION = 15,          /* u8 */
	RSDP_RSDT = 16,              /* u32 */
	RSDP_LENGTH = 20,            /* u32 */
	RSDP_XSDT = 24,              /* u64 */
	RSDP_CHECKSUM_EXTENDED = 32, /* u8, of all */
	RSDP_BYTES = 36,
	RSDP_BYTES_ACPI_1 = 20,
};

/* [ACPI] "System Description Table Header". */
enum {
	HEADER_SIGNATURE = 0,         /* 4 characters */
	HEADER_LENGTH = 4,            /* u32, with the header */
	HEADER_REVISION = 8,          /* u8 */
	HEADER_CHECKSUM = 9,          /* u8 */
	HEADER_OEM_ID = 10,           /* 6 characters */
	HEADER_OEM_TABLE_ID = 16,     /* 8 characters */
	HEADER_OEM_REVISION = 24,     /* u32 */
	HEADER_CREATOR_ID = 28,       /* 4 characters */
	HEADER_CREATOR_REVISION = 32, /* u32 */
	HEADER_BYTES = 36,
};

/* [ACPI] "Firmware ACPI Control Structure (FACS)". Zero: no lock held, no waking vector. */
enum {
	FACS_LENGTH = 4,   /* u32 */
	FACS_VERSION = 32, /* u8 */
	FACS_BYTES = 64,
};

/* [ACPI] "FADT Format". Zero: the block or the feature is not there. */
enum {
	FADT_FIRMWARE_CTRL = 36,   /* u32 */
	FADT_DSDT = 40,            /* u32 */
	FADT_SCI_INT = 46,         /* u16 */
	FADT_PM1A_EVT_BLK = 56,    /* u32 */
	FADT_PM1A_CNT_BLK = 64,    /* u32 */
	FADT_PM1_EVT_LEN = 88,     /* u8 */
	FADT_PM1_CNT_LEN = 89,     /* u8 */
	FADT_P_LVL2_LAT = 96,      /* u16, us */
	FADT_P_LVL3_LAT = 98,      /* u16, us */
	FADT_CENTURY = 108,        /* u8 */
	FADT_IAPC_BOOT_ARCH = 109, /* u16 */
	FADT_FLAGS = 112,          /* u32 */
	FADT_RESET_REG = 116,      /* address */
	FADT_RESET_VALUE = 128,    /* u8 */
	FADT_MINOR_VERSION = 131,  /* u8 */
	FADT_X_DSDT = 140,         /* u64 */
	FADT_X_PM1A_EVT_BLK = 148, /* address */
	FADT_X_PM1A_CNT_BLK = 172, /* address */
	FADT_HYPERVISOR = 268,     /* 8 characters */
	FADT_BYTES = 276,

	LVL2_NOT_SUPPORTED = 101, /* anything above 100 */
	LVL3_NOT_SUPPORTED = 1001,

	BOOT_ARCH_LEGACY_DEVICES = 1 << 0,
	BOOT_ARCH_VGA_NOT_PRESENT = 1 << 2,

	FLAG_WBINVD = 1 << 0,
	FLAG_PROC_C1 = 1 << 2,
	FLAG_PWR_BUTTON = 1 << 4, /* not a fixed feature: an object, or none */
	FLAG_SLP_BUTTON = 1 << 5,
	FLAG_FIX_RTC = 1 << 6, /* the clock's wake-up is not in PM1 */
	FLAG_RESET_REG_SUP = 1 << 10,
	FLAG_HEADLESS = 1 << 12,

	PM1_EVENT_BYTES = 4,
	PM1_CONTROL_BYTES = 2,
};

/* [ACPI] "Generic Address Structure (GAS)". */
enum {
	ADDRESS_SPACE = 0, /* u8 */
	ADDRESS_BITS = 1,  /* u8 */
	ADDRESS_SIZE = 3,  /* u8: of one access */
	ADDRESS = 4,       /* u64 */

	SPACE_IO = 1,
	SIZE_BYTE = 1,
	SIZE_WORD = 2,
};

/* [ACPI] "Multiple APIC Description Table (MADT)". Entries: type, length, ... */
enum {
	MADT_LOCAL_APIC = 36, /* u32 */
	MADT_FLAGS = 40,      /* u32 */
	MADT_ENTRIES = 44,
	MADT_PCAT_COMPAT = 1 << 0, /* there are two 8259 as well */

	ENTRY_LOCAL_APIC = 0,
	ENTRY_IO_APIC = 1,
	ENTRY_SOURCE_OVERRIDE = 2,
	ENTRY_LOCAL_APIC_NMI = 4,
	LOCAL_APIC_BYTES = 8,
	IO_APIC_BYTES = 12,
	SOURCE_OVERRIDE_BYTES = 10,
	LOCAL_APIC_NMI_BYTES = 6,

	LOCAL_APIC_ENABLED = 1 << 0,
	ALL_PROCESSORS = 0xff,
	ISA_BUS = 0,
	ACTIVE_HIGH = 1, /* MPS INTI flags */
	LEVEL = 3 << 2,
	CONFORMS = 0,
};

/* The tables are those of version 6.3. */
enum {
	RSDP_REVISION_2 = 2,
	FACS_VERSION_2 = 2,
	FADT_REVISION = 6,
	FADT_MINOR = 3,
	MADT_REVISION = 5,
	RSDT_REVISION = 1,
	XSDT_REVISION = 1,
	DSDT_REVISION = 2, /* integers of 64 bits */
	OEM_REVISION = 1,
	CREATOR_REVISION = 1,
};

enum {
	FACS_OFFSET = 64,
	FADT_OFFSET = 128,
	ROOT_ENTRIES = 2, /* FADT and MADT */
	RSDT_BYTES = HEADER_BYTES + ROOT_ENTRIES * 4,
	XSDT_BYTES = HEADER_BYTES + ROOT_ENTRIES * 8,
	DSDT_MAX_BYTES = 256,
};

struct layout {
	size_t madt, rsdt, xsdt, dsdt, end;
	size_t madt_bytes, dsdt_bytes;
};

/* The table is complete but for its header. */
static void put_header(uint8_t *at, const char *signature, size_t bytes, uint8_t revision)
{
	memcpy(at + HEADER_SIGNATURE, signature, 4);
	put_le32(at + HEADER_LENGTH, (uint32_t)bytes);
	at[HEADER_REVISION] = revision;
	memcpy(at + HEADER_OEM_ID, "TVMM  ", 6);
	memcpy(at + HEADER_OEM_TABLE_ID, "MICROVM ", 8);
	put_le32(at + HEADER_OEM_REVISION, OEM_REVISION);
	memcpy(at + HEADER_CREATOR_ID, "TVMM", 4);
	put_le32(at + HEADER_CREATOR_REVISION, CREATOR_REVISION);
	at[HEADER_CHECKSUM] = checksum(at, bytes);
}

static void build_rsdp(uint64_t gpa, const struct layout *layout, uint8_t *at)
{
	memcpy(at + RSDP_SIGNATURE, "RSD PTR ", 8);
	memcpy(at + RSDP_OEM_ID, "TVMM  ", 6);
	at[RSDP_REVISION] = RSDP_REVISION_2;
	put_le32(at + RSDP_RSDT, (uint32_t)(gpa + layout->rsdt));
	put_le32(at + RSDP_LENGTH, RSDP_BYTES);
	put_le64(at + RSDP_XSDT, gpa + layout->xsdt);
	at[RSDP_CHECKSUM] = checksum(at, RSDP_BYTES_ACPI_1);
	at[RSDP_CHECKSUM_EXTENDED] = checksum(at, RSDP_BYTES);
}

static void build_facs(uint8_t *at)
{
	memcpy(at + HEADER_SIGNATURE, "FACS", 4);
	put_le32(at + FACS_LENGTH, FACS_BYTES);
	at[FACS_VERSION] = FACS_VERSION_2;
}

static void put_port_address(uint8_t *at, uint8_t bits, uint8_t access_size, uint16_t port)
{
	at[ADDRESS_SPACE] = SPACE_IO;
	at[ADDRESS_BITS] = bits;
	at[ADDRESS_SIZE] = access_size;
	put_le64(at + ADDRESS, port);
}

/* PM1a both in the old fields and in the X_ ones, which say the same. */
static void put_pm1a(const struct board *board, uint8_t *at)
{
	put_le32(at + FADT_PM1A_EVT_BLK, board->pm1_event_port);
	put_le32(at + FADT_PM1A_CNT_BLK, board->pm1_control_port);
	at[FADT_PM1_EVT_LEN] = PM1_EVENT_BYTES;
	at[FADT_PM1_CNT_LEN] = PM1_CONTROL_BYTES;
	put_port_address(at + FADT_X_PM1A_EVT_BLK, 8 * PM1_EVENT_BYTES, SIZE_WORD,
			 board->pm1_event_port);
	put_port_address(at + FADT_X_PM1A_CNT_BLK, 8 * PM1_CONTROL_BYTES, SIZE_WORD,
			 board->pm1_control_port);
}

static void build_fadt(const struct board *board, uint64_t gpa, const struct layout *layout,
		       uint8_t *at)
{
	put_le32(at + FADT_FIRMWARE_CTRL, (uint32_t)(gpa + FACS_OFFSET));
	put_le32(at + FADT_DSDT, (uint32_t)(gpa + layout->dsdt));
	put_le64(at + FADT_X_DSDT, gpa + layout->dsdt);
	put_le16(at + FADT_SCI_INT, board->sci_irq);
	put_pm1a(board, at);
	put_le16(at + FADT_P_LVL2_LAT, LVL2_NOT_SUPPORTED);
	put_le16(at + FADT_P_LVL3_LAT, LVL3_NOT_SUPPORTED);
	at[FADT_CENTURY] = board->cmos_century;
	put_le16(at + FADT_IAPC_BOOT_ARCH, BOOT_ARCH_LEGACY_DEVICES | BOOT_ARCH_VGA_NOT_PRESENT);
	put_le32(at + FADT_FLAGS, FLAG_WBINVD | FLAG_PROC_C1 | FLAG_PWR_BUTTON | FLAG_SLP_BUTTON |
					  FLAG_FIX_RTC | FLAG_RESET_REG_SUP | FLAG_HEADLESS);
	put_port_address(at + FADT_RESET_REG, 8, SIZE_BYTE, board->reset_port);
	at[FADT_RESET_VALUE] = board->reset_value;
	at[FADT_MINOR_VERSION] = FADT_MINOR;
	memcpy(at + FADT_HYPERVISOR, "TVMM", 4);
	put_header(at, "FACP", FADT_BYTES, FADT_REVISION);
}

/* Each appends one entry and returns where the next one goes. */

static uint8_t *put_local_apic(uint8_t *at, uint8_t id)
{
	at[0] = ENTRY_LOCAL_APIC;
	at[1] = LOCAL_APIC_BYTES;
	at[2] = id; /* the processor's UID */
	at[3] = id;
	put_le32(at + 4, LOCAL_APIC_ENABLED);
	return at + LOCAL_APIC_BYTES;
}

static uint8_t *put_io_apic(const struct board *board, uint8_t *at)
{
	at[0] = ENTRY_IO_APIC;
	at[1] = IO_APIC_BYTES;
	at[2] = board->io_apic_id;
	put_le32(at + 4, board->io_apic_gpa);
	put_le32(at + 8, 0); /* the number of its first input */
	return at + IO_APIC_BYTES;
}

/* All other ISA interrupts are where they are without a word: see board.h. */
static uint8_t *put_sci_override(const struct board *board, uint8_t *at)
{
	at[0] = ENTRY_SOURCE_OVERRIDE;
	at[1] = SOURCE_OVERRIDE_BYTES;
	at[2] = ISA_BUS;
	at[3] = board->sci_irq;
	put_le32(at + 4, board->sci_irq);
	put_le16(at + 8, ACTIVE_HIGH | LEVEL);
	return at + SOURCE_OVERRIDE_BYTES;
}

static uint8_t *put_nmi(uint8_t *at)
{
	at[0] = ENTRY_LOCAL_APIC_NMI;
	at[1] = LOCAL_APIC_NMI_BYTES;
	at[2] = ALL_PROCESSORS;
	put_le16(at + 3, CONFORMS);
	at[5] = 1; /* LINT1 */
	return at + LOCAL_APIC_NMI_BYTES;
}

static void build_madt(const struct board *board, size_t bytes, uint8_t *at)
{
	uint8_t *entry = at + MADT_ENTRIES;

	put_le32(at + MADT_LOCAL_APIC, board->local_apic_gpa);
	put_le32(at + MADT_FLAGS, MADT_PCAT_COMPAT);
	for (unsigned int i = 0; i < board->cpus; i++)
		entry = put_local_apic(entry, (uint8_t)i);
	entry = put_io_apic(board, entry);
	entry = put_sci_override(board, entry);
	entry = put_nmi(entry);
	must(entry == at + bytes);
	put_header(at, "APIC", bytes, MADT_REVISION);
}

/*
 * Name (_S5, Package () { SLP_TYPa, SLP_TYPb, 0, 0 })
 * Scope (_SB) {
 *     Device (COM1) {
 *         Name (_HID, EisaId ("PNP0501"))
 *         Name (_UID, 1)
 *         Name (_CRS, ResourceTemplate () { IO, IRQNoFlags })
 *     }
 * }
 */
static size_t build_dsdt(const struct board *board, uint8_t *at, size_t room_bytes)
{
	const uint32_t s5[] = { board->sleep_type_s5, 0, 0, 0 };
	struct aml_resources com1_resources = { 0 };
	struct aml aml;
	size_t scope, com1;

	aml_init(&aml, at + HEADER_BYTES, room_bytes - HEADER_BYTES);
	aml_name_package(&aml, "_S5_", s5, sizeof(s5) / sizeof(s5[0]));
	scope = aml_begin_scope(&aml, "_SB_");
	com1 = aml_begin_device(&aml, "COM1");
	aml_name_eisaid(&aml, "_HID", "PNP0501");
	aml_name_integer(&aml, "_UID", 1);
	aml_add_ports(&com1_resources, board->com1_port, 8);
	aml_add_irq(&com1_resources, board->com1_irq);
	aml_name_resources(&aml, "_CRS", &com1_resources);
	aml_end(&aml, com1);
	aml_end(&aml, scope);
	put_header(at, "DSDT", HEADER_BYTES + aml.bytes, DSDT_REVISION);
	return HEADER_BYTES + aml.bytes;
}

static void build_roots(uint64_t gpa, const struct layout *layout, uint8_t *to)
{
	uint8_t *rsdt = to + layout->rsdt, *xsdt = to + layout->xsdt;
	const uint64_t entry[ROOT_ENTRIES] = { gpa + FADT_OFFSET, gpa + layout->madt };

	for (size_t i = 0; i < ROOT_ENTRIES; i++) {
		put_le32(rsdt + HEADER_BYTES + 4 * i, (uint32_t)entry[i]);
		put_le64(xsdt + HEADER_BYTES + 8 * i, entry[i]);
	}
	put_header(rsdt, "RSDT", RSDT_BYTES, RSDT_REVISION);
	put_header(xsdt, "XSDT", XSDT_BYTES, XSDT_REVISION);
}

static size_t align_8(size_t offset)
{
	return (offset + 7) & ~(size_t)7;
}

static struct layout lay_out(const struct board *board)
{
	uint8_t dsdt[DSDT_MAX_BYTES] = { 0 };
	struct layout l;

	must(board->cpus >= 1 && board->cpus <= BOARD_CPUS_MAX);
	l.madt_bytes = MADT_ENTRIES + board->cpus * LOCAL_APIC_BYTES + IO_APIC_BYTES +
		       SOURCE_OVERRIDE_BYTES + LOCAL_APIC_NMI_BYTES;
	l.dsdt_bytes = build_dsdt(board, dsdt, sizeof(dsdt));
	l.madt = align_8(FADT_OFFSET + FADT_BYTES);
	l.rsdt = align_8(l.madt + l.madt_bytes);
	l.xsdt = align_8(l.rsdt + RSDT_BYTES);
	l.dsdt = align_8(l.xsdt + XSDT_BYTES);
	l.end = l.dsdt + l.dsdt_bytes;
	return l;
}

size_t acpi_bytes(const struct board *board)
{
	return lay_out(board).end;
}

void acpi_build(const struct board *board, uint64_t gpa, uint8_t *to)
{
	struct layout layout = lay_out(board);

	must(layout.end <= ACPI_MAX_BYTES && gpa % ACPI_ALIGNMENT_BYTES == 0);
	must(gpa <= UINT32_MAX - ACPI_MAX_BYTES);
	memset(to, 0, layout.end);
	build_rsdp(gpa, &layout, to);
	build_facs(to + FACS_OFFSET);
	build_fadt(board, gpa, &layout, to + FADT_OFFSET);
	build_madt(board, layout.madt_bytes, to + layout.madt);
	build_roots(gpa, &layout, to);
	must(build_dsdt(board, to + layout.dsdt, layout.dsdt_bytes) == layout.dsdt_bytes);
}
