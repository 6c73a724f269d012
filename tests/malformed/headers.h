/* SPDX-License-Identifier: MIT */
/*
 * Headers with numbers that lie, or are on the edge: what the valid image of tests/common/image.h
 * becomes with some fields changed, and what has to come of it. test_malformed.c takes them through
 * parse, plan and place in its own process, zoo_bzimage.c makes files of them.
 *
 * The catalogue's numbers (B02 ...) group the cases; test_malformed.c tells what they stand for.
 */
#ifndef TVMM_TESTS_MALFORMED_HEADERS_H
#define TVMM_TESTS_MALFORMED_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/common/bootspec.h"
#include "tests/common/image.h"

#define MIB 0x100000ULL
#define GIB 0x40000000ULL

enum { PUTS_MAX = 4 };

struct put {
	size_t offset, width; /* width 0: no more */
	uint64_t value;
};

/* A case: the valid image with some bytes changed. What is 0 or NULL is as usual. */
struct malformed {
	const char *id;
	const char *refusal; /* what the message must have in it; NULL: the file is accepted */
	struct put put[PUTS_MAX];
	uint64_t ram_bytes;
	uint64_t initrd_bytes;
	size_t file_bytes;
	bool cut; /* the file has become shorter since it was opened */
};

/* clang-format off */
#define P(field, width, value) { SPEC_##field, width, value }
#define PUT(...) .put = { __VA_ARGS__ }
#define CASE(name, what, ...) { .id = name, .refusal = what, __VA_ARGS__ }
#define FIXED    P(RELOCATABLE_KERNEL, 1, 0)
#define PAGES    P(KERNEL_ALIGNMENT, 4, 0x1000)
#define PREF(v)  P(PREF_ADDRESS, 8, v)
#define INIT(v)  P(INIT_SIZE, 4, v)

static const struct malformed catalogue[] = {
	CASE("B00 untouched", NULL, .ram_bytes = 128 * MIB),

	CASE("B02 inside setup", "setup_sects", .file_bytes = 0x400),
	CASE("B02 end of setup", "setup_sects", .file_bytes = IMAGE_SETUP_BYTES),
	CASE("B02 setup + 1", "syssize", .file_bytes = IMAGE_SETUP_BYTES + 1),
	CASE("B02 mid payload", "syssize", .file_bytes = IMAGE_SETUP_BYTES + 0xa00),
	CASE("B02 a paragraph short", "16 fewer", .file_bytes = IMAGE_BYTES - 16),
	CASE("B02 padding missing", NULL, .file_bytes = IMAGE_BYTES - 15),
	CASE("B03 one trailing byte", NULL, .file_bytes = IMAGE_BYTES + 1),
	CASE("B03 a signature", NULL, .file_bytes = IMAGE_BYTES + 1496),

	CASE("B05 0", "0.00", PUT(P(VERSION, 2, 0))),
	CASE("B05 1.05", "1.05", PUT(P(VERSION, 2, 0x0105))),
	CASE("B05 2.00", "2.00", PUT(P(VERSION, 2, 0x0200))),
	CASE("B05 2.05", "2.05", PUT(P(VERSION, 2, 0x0205))),
	CASE("B05 2.09", "2.09", PUT(P(VERSION, 2, 0x0209))),
	CASE("B05 2.11", "2.12 or later", PUT(P(VERSION, 2, 0x020b))),
	CASE("B05 2.12", NULL, PUT(P(VERSION, 2, 0x020c))),
	CASE("B05 2.13", NULL, PUT(P(VERSION, 2, 0x020d))),
	CASE("B05 burnt", NULL, PUT(P(VERSION, 2, 0x020e))),
	CASE("B05 2.16", NULL, PUT(P(VERSION, 2, 0x0210))),
	CASE("B05 all ones", NULL, PUT(P(VERSION, 2, 0xffff))),

	CASE("B06 none means 4", "syssize", PUT(P(SETUP_SECTS, 1, 0))),
	CASE("B06 none, long enough", NULL, PUT(P(SETUP_SECTS, 1, 0)), .file_bytes = IMAGE_BYTES + 512),
	CASE("B06 one", NULL, PUT(P(SETUP_SECTS, 1, 1))),
	CASE("B06 63", "setup_sects", PUT(P(SETUP_SECTS, 1, 63))),
	CASE("B06 63, long enough", NULL, PUT(P(SETUP_SECTS, 1, 63)), .file_bytes = 64 * 512 + 4096),
	CASE("B06 64, long enough", NULL, PUT(P(SETUP_SECTS, 1, 64)), .file_bytes = 65 * 512 + 4096),
	CASE("B06 255", "setup_sects", PUT(P(SETUP_SECTS, 1, 255))),
	CASE("B06 255, long enough", NULL, PUT(P(SETUP_SECTS, 1, 255)), .file_bytes = 256 * 512 + 4096),

	CASE("B07 0", "syssize", PUT(P(SYSSIZE, 4, 0))),
	CASE("B07 no entry point", "64-bit entry", PUT(P(SYSSIZE, 4, 0x20))),
	CASE("B07 cuts the payload", "payload", PUT(P(SYSSIZE, 4, 0x21))),
	CASE("B07 one less", NULL, PUT(P(SYSSIZE, 4, 0xff))),
	CASE("B07 one more", "syssize", PUT(P(SYSSIZE, 4, 0x101))),
	CASE("B07 wraps 32 bits", "syssize", PUT(P(SYSSIZE, 4, 0x10000100))),
	CASE("B07 sign", "syssize", PUT(P(SYSSIZE, 4, 0x80000000))),
	CASE("B07 64 GiB", "syssize", PUT(P(SYSSIZE, 4, 0xffffffff))),

	CASE("B08 zImage", "LOADED_HIGH", PUT(P(LOADFLAGS, 1, 0))),
	CASE("B08 the other bits", "LOADED_HIGH", PUT(P(LOADFLAGS, 1, 0xfe))),
	CASE("B08 all bits", NULL, PUT(P(LOADFLAGS, 1, 0xff))),

	CASE("B09 0", "jump", PUT({ SPEC_JUMP + 1, 1, 0 })),
	CASE("B09 before init_size ends", "jump", PUT({ SPEC_JUMP + 1, 1, 0x61 })),
	CASE("B09 2.12's end", NULL, PUT({ SPEC_JUMP + 1, 1, 0x62 })),
	CASE("B09 farthest", NULL, PUT({ SPEC_JUMP + 1, 1, 0x7f })),
	CASE("B09 backward", "jump", PUT({ SPEC_JUMP + 1, 1, 0x80 })),
	CASE("B09 -1", "jump", PUT({ SPEC_JUMP + 1, 1, 0xff })),
	CASE("B09 no jump", "jump", PUT({ SPEC_JUMP, 1, 0x90 })),

	CASE("B10 0", "kernel_alignment", PUT(P(KERNEL_ALIGNMENT, 4, 0))),
	CASE("B10 1", "kernel_alignment", PUT(P(KERNEL_ALIGNMENT, 4, 1))),
	CASE("B10 3", "kernel_alignment", PUT(P(KERNEL_ALIGNMENT, 4, 3))),
	CASE("B10 2048", "kernel_alignment", PUT(P(KERNEL_ALIGNMENT, 4, 2048))),
	CASE("B10 4096", NULL, PUT(P(KERNEL_ALIGNMENT, 4, 4096))),
	CASE("B10 not a power", "kernel_alignment", PUT(P(KERNEL_ALIGNMENT, 4, 0x300000))),
	CASE("B10 16 MiB", NULL, PUT(P(KERNEL_ALIGNMENT, 4, 0x1000000))),
	CASE("B10 beyond pref", "kernel_alignment", PUT(P(KERNEL_ALIGNMENT, 4, 0x2000000))),
	CASE("B10 2 GiB", "kernel_alignment", PUT(P(KERNEL_ALIGNMENT, 4, 0x80000000))),
	CASE("B10 all ones", "kernel_alignment", PUT(P(KERNEL_ALIGNMENT, 4, 0xffffffff))),
	CASE("B10 1 GiB, no preference", "-m 1032M", PUT(P(KERNEL_ALIGNMENT, 4, 0x40000000), PREF(0))),
	CASE("B10 not relocatable", NULL, PUT(P(KERNEL_ALIGNMENT, 4, 3), FIXED)),
	CASE("B10 min 0", NULL, PUT(P(MIN_ALIGNMENT, 1, 0))),
	CASE("B10 min 63", NULL, PUT(P(MIN_ALIGNMENT, 1, 63))),
	CASE("B10 min 64", NULL, PUT(P(MIN_ALIGNMENT, 1, 64))),
	CASE("B10 min 255", NULL, PUT(P(MIN_ALIGNMENT, 1, 255))),

	CASE("B11 at RAM's end", "pref_address", PUT(FIXED, PREF(128 * MIB))),
	CASE("B11 beyond RAM", "pref_address", PUT(FIXED, PREF(GIB))),
	CASE("B11 in the hole", "pref_address", PUT(FIXED, PREF(0xfee00000))),
	CASE("B11 above 4 GiB", "pref_address", PUT(FIXED, PREF(4 * GIB)), .ram_bytes = 3 * GIB),

	CASE("B12 0, not relocatable", "pref_address", PUT(FIXED, PREF(0))),
	CASE("B12 64 KiB, not relocatable", "pref_address", PUT(FIXED, PREF(0x10000))),
	CASE("B12 below 1 MiB, not relocatable", "pref_address", PUT(FIXED, PREF(0xff000))),
	CASE("B12 1 MiB, not relocatable", NULL, PUT(FIXED, PREF(0x100000))),
	CASE("B12 0: no preference", NULL, PUT(PREF(0))),
	CASE("B12 64 KiB: moved up", NULL, PUT(PREF(0x10000), PAGES)),
	CASE("B12 odd", "pref_address", PUT(PREF(0x1000001))),
	CASE("B12 odd, not relocatable", "pref_address", PUT(PREF(0x1000001), FIXED)),
	CASE("B12 page, not alignment", "pref_address", PUT(PREF(0x1001000))),
	CASE("B12 last that fits", NULL, PUT(PREF(120 * MIB))),
	CASE("B12 first that does not", "pref_address", PUT(PREF(122 * MIB))),
	CASE("B12 RAM's end", "pref_address", PUT(PREF(128 * MIB))),
	CASE("B12 hole's start", "pref_address", PUT(PREF(3 * GIB))),
	CASE("B12 local APIC", "pref_address", PUT(PREF(0xfee00000), PAGES)),
	CASE("B12 4 GiB", "pref_address", PUT(PREF(4 * GIB))),
	CASE("B12 2^63", "pref_address", PUT(PREF(1ULL << 63))),
	CASE("B12 2^64 - 1", "pref_address", PUT(PREF(UINT64_MAX))),
	CASE("B12 sum wraps", "pref_address", PUT(PREF(0xffffffffffe00000))),
	CASE("B12 sum is 0", "pref_address", PUT(PREF(0xffffffffff800000))),
	CASE("B12 sum wraps into RAM", "pref_address", PUT(PREF(0xffffffffffe00000), INIT(0x4000000))),

	CASE("B13 0", "init_size", PUT(INIT(0))),
	CASE("B13 1", "init_size", PUT(INIT(1))),
	CASE("B13 less than the kernel", "init_size", PUT(INIT(IMAGE_KERNEL_BYTES - 1))),
	CASE("B13 the kernel", NULL, PUT(INIT(IMAGE_KERNEL_BYTES))),
	CASE("B13 all RAM there is", NULL, PUT(INIT(112 * MIB))),
	CASE("B13 one more", "init_size", PUT(INIT(112 * MIB + 1))),
	CASE("B13 sign", "init_size", PUT(INIT(0x80000000))),
	CASE("B13 4 GiB - 1", "init_size", PUT(INIT(0xffffffff))),

	CASE("B14 GDT", "pref_address", PUT(FIXED, PREF(0), INIT(0x10000))),
	CASE("B14 zero page", "pref_address", PUT(FIXED, PREF(0x7000), INIT(0x1000))),
	CASE("B14 page tables", "pref_address", PUT(FIXED, PREF(0x9000), INIT(0x6000))),
	CASE("B14 command line", "pref_address", PUT(FIXED, PREF(0x20000), INIT(0x10000))),
	CASE("B14 BIOS area", "pref_address", PUT(FIXED, PREF(0xf0000), INIT(0x20000))),
	CASE("B14 initrd beside it", NULL, PUT(INIT(111 * MIB)), .initrd_bytes = MIB),
	CASE("B14 initrd", "the kernel's end", PUT(INIT(111 * MIB)), .initrd_bytes = MIB + 1),
	CASE("B14 initrd, page", "the kernel's end", PUT(INIT(111 * MIB + 1)), .initrd_bytes = MIB),
	CASE("B14 no room at all", "the kernel's end", PUT(INIT(112 * MIB)), .initrd_bytes = 1),

	CASE("B15 none", "XLF_KERNEL_64", PUT(P(XLOADFLAGS, 2, 0))),
	CASE("B15 all but it", "XLF_KERNEL_64", PUT(P(XLOADFLAGS, 2, 0xfffe))),
	CASE("B15 only it", NULL, PUT(P(XLOADFLAGS, 2, 1))),
	CASE("B15 all", NULL, PUT(P(XLOADFLAGS, 2, 0xffff))),

	CASE("B16 past the end", "payload", PUT(P(PAYLOAD_LENGTH, 4, IMAGE_KERNEL_BYTES))),
	CASE("B16 offset past the end", "payload", PUT(P(PAYLOAD_OFFSET, 4, 0x2000))),
	CASE("B16 sum wraps", "payload", PUT(P(PAYLOAD_OFFSET, 4, 0xfffffff0), P(PAYLOAD_LENGTH, 4, 0x20))),
	CASE("B16 both all ones", "payload", PUT(P(PAYLOAD_OFFSET, 4, 0xffffffff), P(PAYLOAD_LENGTH, 4, 0xffffffff))),
	CASE("B16 empty at the end", NULL, PUT(P(PAYLOAD_OFFSET, 4, 0x1000), P(PAYLOAD_LENGTH, 4, 0))),
	CASE("B16 a byte at the end", NULL, PUT(P(PAYLOAD_OFFSET, 4, 0xfff), P(PAYLOAD_LENGTH, 4, 1))),
	CASE("B16 none, but a length", NULL, PUT(P(PAYLOAD_OFFSET, 4, 0), P(PAYLOAD_LENGTH, 4, 0xffffffff))),

	CASE("B17 handover", NULL, PUT(P(HANDOVER_OFFSET, 4, 0xffffffff))),
	CASE("B17 kernel_info", NULL, PUT(P(KERNEL_INFO_OFFSET, 4, 0xffffffff))),
	CASE("B17 kernel_info at the end", NULL, PUT(P(KERNEL_INFO_OFFSET, 4, IMAGE_KERNEL_BYTES - 1))),
	CASE("B18 setup_data", NULL, PUT(P(SETUP_DATA, 8, UINT64_MAX))),
	CASE("B18 ramdisk", NULL, PUT(P(RAMDISK_IMAGE, 4, 0xfffffff0), P(RAMDISK_SIZE, 4, 0xffffffff))),
	CASE("B18 cmd_line_ptr", NULL, PUT(P(CMD_LINE_PTR, 4, 0xffffffff))),
	CASE("B18 loader", NULL, PUT(P(TYPE_OF_LOADER, 1, 0xe0), P(EXT_LOADER_TYPE, 1, 0xff))),

	CASE("B19 0", "cmdline_size", PUT(P(CMDLINE_SIZE, 4, 0))),
	CASE("B19 1", "cmdline_size", PUT(P(CMDLINE_SIZE, 4, 1))),
	CASE("B19 8", "cmdline_size", PUT(P(CMDLINE_SIZE, 4, 8))),
	CASE("B19 one less", "cmdline_size", PUT(P(CMDLINE_SIZE, 4, 12))),
	CASE("B19 exact", NULL, PUT(P(CMDLINE_SIZE, 4, 13))),
	CASE("B19 all ones", NULL, PUT(P(CMDLINE_SIZE, 4, 0xffffffff))),

	CASE("B20 0, no initrd", NULL, PUT(P(INITRD_ADDR_MAX, 4, 0))),
	CASE("B20 0", "initrd_addr_max", PUT(P(INITRD_ADDR_MAX, 4, 0)), .initrd_bytes = 1),
	CASE("B20 below 1 MiB", "initrd_addr_max", PUT(P(INITRD_ADDR_MAX, 4, 0xfffff)), .initrd_bytes = 1),
	CASE("B20 below the kernel's end", "initrd_addr_max", PUT(P(INITRD_ADDR_MAX, 4, 24 * MIB - 1)), .initrd_bytes = 1),
	CASE("B20 at the kernel's end", NULL, PUT(P(INITRD_ADDR_MAX, 4, 24 * MIB)), .initrd_bytes = 1),
	CASE("B20 a byte too low", "initrd_addr_max", PUT(P(INITRD_ADDR_MAX, 4, 24 * MIB)), .initrd_bytes = 2),
	CASE("B20 all ones", NULL, PUT(P(INITRD_ADDR_MAX, 4, 0xffffffff)), .initrd_bytes = 4096),
	CASE("B20 all ones, 3 GiB", NULL, PUT(P(INITRD_ADDR_MAX, 4, 0xffffffff)), .initrd_bytes = 4096, .ram_bytes = 3 * GIB),

	CASE("B21 0", NULL, PUT(P(CODE32_START, 4, 0))),
	CASE("B21 all ones", NULL, PUT(P(CODE32_START, 4, 0xffffffff))),

	CASE("I03 RAM", "the kernel's end", .initrd_bytes = 128 * MIB),
	CASE("I03 RAM + 1", "the kernel's end", .initrd_bytes = 128 * MIB + 1),
	CASE("I03 4 GiB", "the kernel's end", .initrd_bytes = 4 * GIB),
	CASE("I03 2^63 - 1", "the kernel's end", .initrd_bytes = INT64_MAX),
	CASE("I03 2^64 - 1", "the kernel's end", .initrd_bytes = UINT64_MAX),
	CASE("I04 touches the kernel", NULL, .initrd_bytes = 104 * MIB),
	CASE("I04 one byte more", "the kernel's end", .initrd_bytes = 104 * MIB + 1),
};
/* clang-format on */

/* The valid image with a case's bytes in it. */
static inline void malformed_image(const struct malformed *m, struct image *image)
{
	image_init(image);
	for (size_t i = 0; i < PUTS_MAX && m->put[i].width; i++)
		image_put(image, m->put[i].offset, m->put[i].width, m->put[i].value);
	if (m->file_bytes)
		image_resize(image, m->file_bytes);
}

#endif
