/* SPDX-License-Identifier: MIT */
/*
 * The zero page (struct boot_params) and the setup header inside it, drawn once. All numbers are
 * offsets in bytes, little-endian fields.
 *
 * The setup header has the same offsets in a bzImage file and in the zero page, so that the HDR_
 * names serve both the parser and the one who places.
 *
 * Authority: [ZERO-PAGE]; [BOOT] "The Real-Mode Kernel Header".
 * Left out: what tvmm neither reads nor writes (the whole page is zero otherwise).
 */
#ifndef TVMM_BOOT_ZEROPAGE_H
#define TVMM_BOOT_ZEROPAGE_H

enum {
	ZERO_PAGE_BYTES = 0x1000,
	ZERO_PAGE_ACPI_RSDP_ADDR = 0x070,    /* u64 */
	ZERO_PAGE_EXT_RAMDISK_IMAGE = 0x0c0, /* u32, bits 32-63 */
	ZERO_PAGE_EXT_RAMDISK_SIZE = 0x0c4,  /* u32, bits 32-63 */
	ZERO_PAGE_E820_ENTRIES = 0x1e8,      /* u8 */
	ZERO_PAGE_E820_TABLE = 0x2d0,        /* of e820 entries */
	ZERO_PAGE_E820_MAX = 128,

	/* One e820 entry. */
	E820_ADDR = 0,  /* u64 */
	E820_SIZE = 8,  /* u64 */
	E820_TYPE = 16, /* u32 */
	E820_ENTRY_BYTES = 20,
};

enum {
	HDR_SETUP_SECTS = 0x1f1,      /* u8 */
	HDR_ROOT_FLAGS = 0x1f2,       /* u16 */
	HDR_SYSSIZE = 0x1f4,          /* u32, units of 16 bytes */
	HDR_VID_MODE = 0x1fa,         /* u16 */
	HDR_BOOT_FLAG = 0x1fe,        /* u16 */
	HDR_JUMP = 0x200,             /* u8 opcode, s8 distance from 0x202 */
	HDR_HEADER = 0x202,           /* u32 */
	HDR_VERSION = 0x206,          /* u16 */
	HDR_TYPE_OF_LOADER = 0x210,   /* u8 */
	HDR_LOADFLAGS = 0x211,        /* u8 */
	HDR_CODE32_START = 0x214,     /* u32 */
	HDR_RAMDISK_IMAGE = 0x218,    /* u32 */
	HDR_RAMDISK_SIZE = 0x21c,     /* u32 */
	HDR_EXT_LOADER_VER = 0x226,   /* u8 */
	HDR_EXT_LOADER_TYPE = 0x227,  /* u8 */
	HDR_CMD_LINE_PTR = 0x228,     /* u32 */
	HDR_INITRD_ADDR_MAX = 0x22c,  /* u32 */
	HDR_KERNEL_ALIGNMENT = 0x230, /* u32 */
	HDR_RELOCATABLE = 0x234,      /* u8 */
	HDR_XLOADFLAGS = 0x236,       /* u16 */
	HDR_CMDLINE_SIZE = 0x238,     /* u32 */
	HDR_HARDWARE_SUBARCH = 0x23c, /* u32 */
	HDR_PAYLOAD_OFFSET = 0x248,   /* u32 */
	HDR_PAYLOAD_LENGTH = 0x24c,   /* u32 */
	HDR_SETUP_DATA = 0x250,       /* u64 */
	HDR_PREF_ADDRESS = 0x258,     /* u64 */
	HDR_INIT_SIZE = 0x260,        /* u32 */
	HDR_END_2_12 = 0x264,         /* the fields that protocol 2.12 must have end here */
};

/* struct setup_data: what HDR_SETUP_DATA leads to. [BOOT] "Details of Header Fields", setup_data. */
enum {
	SETUP_DATA_NEXT = 0,    /* u64, address; 0: the last */
	SETUP_DATA_TYPE = 8,    /* u32 */
	SETUP_DATA_LENGTH = 12, /* u32, of what follows */
	SETUP_DATA_BYTES = 16,

	SETUP_RNG_SEED = 9, /* [LINUX] arch/x86/include/uapi/asm/bootparam.h, from 6.1 on */
};

enum {
	BOOT_FLAG_MAGIC = 0xaa55,
	HEADER_MAGIC = 0x53726448, /* "HdrS" */
	JUMP_SHORT = 0xeb,
	SECTOR_BYTES = 512,
	SETUP_SECTS_DEFAULT = 4, /* what a setup_sects of 0 means */
	PARAGRAPH_BYTES = 16,    /* the unit of syssize */
	LOADER_UNDEFINED = 0xff, /* type_of_loader without an assigned number */
	VID_MODE_NORMAL = 0xffff,
	ROOT_FLAGS_READ_ONLY = 1, /* what a bzImage is built with */

	LOADED_HIGH = 1 << 0, /* loadflags */

	XLF_KERNEL_64 = 1 << 0, /* xloadflags */
	XLF_CAN_BE_LOADED_ABOVE_4G = 1 << 1,
	XLF_EFI_HANDOVER_32 = 1 << 2,
	XLF_EFI_HANDOVER_64 = 1 << 3,
	XLF_EFI_KEXEC = 1 << 4,
	XLF_5LEVEL = 1 << 5,
	XLF_5LEVEL_ENABLED = 1 << 6,

	ENTRY_64_OFFSET = 0x200, /* of the 64-bit entry point, into the protected-mode part */
};

#endif
