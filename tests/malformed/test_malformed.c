/* SPDX-License-Identifier: MIT */
/*
 * Malformed kernels: files by the hundred go through parse, plan and place in this process. Each
 * must be refused in one line that names what is wrong, or be accepted and then keep to its own
 * plan: guest memory lies between two guard pages.
 *
 * The catalogue's numbers (B01 ...) group the cases:
 *   B01 lengths           B02 truncation       B03 trailing bytes   B04 magics
 *   B05 versions          B06 setup_sects      B07 syssize          B08 loadflags
 *   B09 header end        B10 alignments       B11 not relocatable  B12 pref_address
 *   B13 init_size         B14 overlaps         B15 xloadflags       B16 payload
 *   B17 handover, info    B18 loader's fields  B19 cmdline_size     B20 initrd_addr_max
 *   B21 code32_start      B22 other kinds      B23 absurd sizes     B24 files that change
 * and after them every single bit of the header, and seeded random headers.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot/bzimage.h"
#include "boot/place.h"
#include "boot/plan.h"
#include "tests/common/bootspec.h"
#include "tests/common/image.h"

#define MAX_FILE_BYTES (1ULL << 30) /* what these tests open files with */
#define MIB            0x100000ULL
#define GIB            0x40000000ULL

enum { PUTS_MAX = 4, GUARD_BYTES = 4096, HEADER_END_MAX = 0x281 };

/* Counted across the processes that Check runs tests in. */
static struct counts {
	unsigned long files, refused, accepted;
} * counts;

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

static uint8_t *ram;
static size_t ram_size;

/* Guest memory that faults at its first byte too many. */
static void map_ram(size_t size_bytes)
{
	uint8_t *all;

	if (ram)
		munmap(ram - GUARD_BYTES, ram_size + 2 * (size_t)GUARD_BYTES);
	all = mmap(NULL, size_bytes + 2 * (size_t)GUARD_BYTES, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert_ptr_ne(all, MAP_FAILED);
	ram = all + GUARD_BYTES;
	ram_size = size_bytes;
	ck_assert_int_eq(mprotect(ram, size_bytes, PROT_READ | PROT_WRITE), 0);
}

static int place(const struct plan_request *request, const struct boot_plan *plan,
		 const struct input_file *kernel, struct err *error)
{
	static const uint8_t junk[4096] = "not an archive";
	struct guest_memory memory = { 0 };
	struct input_file initrd = { .fd = -1 };
	int rc;

	if (plan->ram_low.size_bytes != ram_size)
		map_ram(plan->ram_low.size_bytes);
	memory.region[0] = (struct guest_memory_region){ 0, ram_size, ram };
	if (request->initrd_bytes) {
		image_open_bytes(junk, sizeof(junk), "initrd", "initrd", &initrd);
		ck_assert_int_eq(ftruncate(initrd.fd, (off_t)request->initrd_bytes), 0);
	}
	rc = place_boot(request, plan, kernel, request->initrd_bytes ? &initrd : NULL, &memory,
			error);
	file_close(&initrd);
	return rc;
}

/* What no header, however strange, may bring a plan to. */
static void check_plan(const char *id, const struct plan_request *request,
		       const struct boot_plan *plan)
{
	uint64_t run_end = plan->kernel.gpa + plan->kernel.size_bytes;
	uint64_t initrd_end = plan->initrd.gpa + plan->initrd.size_bytes;

	ck_assert_msg(plan->kernel.gpa >= MIB, "%s: kernel in low memory", id);
	ck_assert_msg(run_end <= plan->ram_low.size_bytes, "%s: kernel outside RAM", id);
	ck_assert_msg(plan->load[0].to.size_bytes <= plan->kernel.size_bytes, "%s: init_size", id);
	if (request->initrd_bytes == 0)
		return;
	ck_assert_msg(plan->initrd.gpa >= run_end, "%s: initrd over the kernel", id);
	ck_assert_msg(initrd_end <= plan->ram_low.size_bytes, "%s: initrd outside RAM", id);
	ck_assert_msg(initrd_end - 1 <= request->bzimage->initrd_addr_max, "%s: addr_max", id);
}

static void check_message(const char *id, const struct err *error)
{
	ck_assert_msg(error->code > 0, "%s: refused without a code", id);
	ck_assert_msg(strlen(error->text) > 20, "%s: \"%s\"", id, error->text);
	ck_assert_msg(strlen(error->text) < 400, "%s: long: %s", id, error->text);
	ck_assert_msg(strchr(error->text, '\n') == NULL, "%s: lines: %s", id, error->text);
}

/*
 * Takes an open kernel all the way. True when it was accepted; *error tells why not. What was
 * planned must be placeable, but for files that were cut meanwhile.
 */
static bool take(const struct input_file *file, const struct malformed *m, struct err *error)
{
	struct bzimage kernel;
	struct boot_plan plan;
	struct plan_request request = {
		.bzimage = &kernel,
		.ram_bytes = m->ram_bytes ? m->ram_bytes : 128 * MIB,
		.initrd_bytes = m->initrd_bytes,
		.kernel_name = "bzImage",
		.initrd_name = "initrd",
		.cmdline = "console=ttyS0",
	};
	int rc, placed = 0;

	memset(error, 0, sizeof(*error));
	rc = bzimage_parse(file, &kernel, error);
	if (rc == 0)
		rc = plan_boot(&request, &plan, error);
	if (rc == 0) {
		check_plan(m->id, &request, &plan);
		placed = place(&request, &plan, file, error);
		ck_assert_msg(placed == 0 || m->cut, "%s: planned, not placed: %s", m->id,
			      error->text);
	}
	if (rc < 0 || placed < 0)
		check_message(m->id, error);
	counts->files++;
	*(rc < 0 || placed < 0 ? &counts->refused : &counts->accepted) += 1;
	return rc == 0 && placed == 0;
}

static bool take_image(const struct image *image, const struct malformed *m, struct err *error)
{
	struct input_file file;
	bool accepted;

	image_open(image, "kernel", "bzImage", &file);
	accepted = take(&file, m, error);
	file_close(&file);
	return accepted;
}

static void check_image(const struct image *image, const struct malformed *m)
{
	struct err error;
	bool accepted = take_image(image, m, &error);

	if (m->refusal == NULL) {
		ck_assert_msg(accepted, "%s: refused: %s", m->id, error.text);
		return;
	}
	ck_assert_msg(!accepted, "%s: accepted, should name %s", m->id, m->refusal);
	ck_assert_msg(strstr(error.text, m->refusal) != NULL, "%s: no \"%s\" in: %s", m->id,
		      m->refusal, error.text);
}

/* The valid image with a case's bytes in it. */
static void make_image(const struct malformed *m, struct image *image)
{
	image_init(image);
	for (size_t i = 0; i < PUTS_MAX && m->put[i].width; i++)
		image_put(image, m->put[i].offset, m->put[i].width, m->put[i].value);
	if (m->file_bytes)
		image_resize(image, m->file_bytes);
}

static void check_case(const struct malformed *m)
{
	struct image image;

	make_image(m, &image);
	check_image(&image, m);
	image_free(&image);
}

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
	CASE("B14 initrd", "initrd", PUT(INIT(111 * MIB)), .initrd_bytes = MIB + 1),
	CASE("B14 initrd, page", "initrd", PUT(INIT(111 * MIB + 1)), .initrd_bytes = MIB),
	CASE("B14 no room at all", "initrd", PUT(INIT(112 * MIB)), .initrd_bytes = 1),

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

	CASE("I03 RAM", "initrd", .initrd_bytes = 128 * MIB),
	CASE("I03 RAM + 1", "initrd", .initrd_bytes = 128 * MIB + 1),
	CASE("I03 4 GiB", "initrd", .initrd_bytes = 4 * GIB),
	CASE("I03 2^63 - 1", "initrd", .initrd_bytes = INT64_MAX),
	CASE("I03 2^64 - 1", "initrd", .initrd_bytes = UINT64_MAX),
	CASE("I04 touches the kernel", NULL, .initrd_bytes = 104 * MIB),
	CASE("I04 one byte more", "initrd", .initrd_bytes = 104 * MIB + 1),
};

/* B22: what a file of 4 KiB begins with, and what it is called. */
static const struct {
	size_t offset, length;
	const char *bytes, *says;
} kinds[] = {
	{ 0, 6, "\x7f" "ELF\x02\x01", "an ELF file, not a bzImage" },
	{ 0, 6, "\x7f" "ELF\x01\x01", "an ELF file" },
	{ 0x38, 4, "ARM\x64", "arm64" },
	{ 0x38, 4, "RSC\x05", "RISC-V" },
	{ 0, 8, "MZ\0\0zimg", "zboot" },
	{ 0, 2, "MZ", "HdrS" },
	{ 0, 3, "\x1f\x8b\x08", "gzip" },
	{ 0, 6, "\xfd" "7zXZ\0", "xz" },
	{ 0, 4, "\x28\xb5\x2f\xfd", "zstd" },
	{ 0, 4, "\x02\x21\x4c\x18", "lz4" },
	{ 0, 3, "BZh", "bzip2" },
	{ 0, 4, "\x89LZO", "lzo" },
	{ 0, 4, "\x27\x05\x19\x56", "uImage" },
	{ 0, 4, "\xd0\x0d\xfe\xed", "device tree" },
	{ 0, 6, "070701", "cpio" },
	{ 0, 9, "#!/bin/sh", "script" },
	{ 0, 7, "QEVM\0\0\0", "saved state" },
	{ 0x1fe, 2, "\x55\xaa", "header at 0x202" },
	{ 0, 1, "\0", "boot_flag" },
};
/* clang-format on */

START_TEST(catalogue_case)
{
	check_case(&catalogue[_i]);
}
END_TEST

/* B01, B02, B03: every length from nothing to a little more than all. */
START_TEST(every_length)
{
	for (size_t n = 0; n <= IMAGE_BYTES + 64; n++) {
		struct malformed m = { .id = "B01", .refusal = "" };
		struct image image;

		image_init(&image);
		image_resize(&image, n);
		if (n > IMAGE_BYTES - 16)
			m.refusal = NULL;
		else if (n == 0)
			m.refusal = "is empty";
		else if (n < 0x264)
			m.refusal = "bytes";
		else
			m.refusal = n > IMAGE_SETUP_BYTES ? "syssize" : "setup_sects";
		check_image(&image, &m);
		image_free(&image);
	}
}
END_TEST

/* B04 */
START_TEST(every_bit_of_the_magics)
{
	for (unsigned int bit = 0; bit < 16; bit++) {
		struct malformed m = CASE("B04", "boot_flag", PUT(P(BOOT_FLAG, 2, 0)));

		m.put[0].value = SPEC_BOOT_FLAG_VALUE ^ 1U << bit;
		check_case(&m);
	}
	for (unsigned int bit = 0; bit < 32; bit++) {
		struct malformed m = CASE("B04", "HdrS", PUT(P(HEADER, 4, 0)));

		m.put[0].value = SPEC_HDRS ^ 1U << bit;
		check_case(&m);
	}
}
END_TEST

/* B09: header ends of every distance. */
START_TEST(every_header_end)
{
	for (unsigned int distance = 0; distance <= 0xff; distance++) {
		struct malformed m = CASE("B09", NULL, PUT({ SPEC_JUMP + 1, 1, distance }));

		if (distance < 0x62 || distance > 0x7f)
			m.refusal = "jump";
		check_case(&m);
	}
}
END_TEST

START_TEST(other_kinds)
{
	struct malformed m = { .id = "B22", .refusal = kinds[_i].says };
	struct image image;

	image_init(&image);
	memset(image.bytes, 0, image.size_bytes);
	memcpy(image.bytes + kinds[_i].offset, kinds[_i].bytes, kinds[_i].length);
	check_image(&image, &m);
	image_free(&image);
}
END_TEST

/* B23: a valid header in a file whose size alone refuses it, before a byte is read. */
START_TEST(absurd_sizes)
{
	static const int64_t sizes[] = { (1LL << 30) + 1, 1LL << 40, INT64_MAX };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct input_file sparse, file;
		struct image image;
		struct err error;
		char path[64];

		image_init(&image);
		image_open(&image, "kernel", "sparse", &sparse);
		ck_assert_int_eq(ftruncate(sparse.fd, sizes[i]), 0);
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", sparse.fd);
		ck_assert_int_lt(file_open(&file, "kernel", path, MAX_FILE_BYTES, &error), 0);
		check_message("B23", &error);
		ck_assert_ptr_nonnull(strstr(error.text, "at most 1073741824"));
		counts->files++;
		counts->refused++;
		file_close(&sparse);
		image_free(&image);
	}
}
END_TEST

/* B23: the largest file that is allowed, sparse, with a syssize that is all of it. */
START_TEST(largest_file)
{
	const uint64_t kernel_bytes = MAX_FILE_BYTES - IMAGE_SETUP_BYTES;
	struct malformed m = { .id = "B23", .ram_bytes = GIB };
	struct input_file file;
	struct image image;
	struct err error;

	image_init(&image);
	image_put(&image, SPEC_SYSSIZE, 4, kernel_bytes / SPEC_PARAGRAPH);
	image_put(&image, SPEC_INIT_SIZE, 4, kernel_bytes);
	image_open(&image, "kernel", "largest", &file);
	ck_assert_int_eq(ftruncate(file.fd, (off_t)MAX_FILE_BYTES), 0);
	file.size_bytes = MAX_FILE_BYTES;
	ck_assert(!take(&file, &m, &error));
	ck_assert_ptr_nonnull(strstr(error.text, "-m 1040M"));
	file_close(&file);
	image_free(&image);
}
END_TEST

/* B24: a file that is cut at any of its lengths after it was opened. */
START_TEST(cut_after_opening)
{
	for (size_t n = 0; n < IMAGE_BYTES; n += 7) {
		struct malformed m = { .id = "B24", .cut = true };
		struct input_file file;
		struct image image;
		struct err error;

		image_init(&image);
		image_resize(&image, n);
		image_open(&image, "kernel", "bzImage", &file);
		file.size_bytes = IMAGE_BYTES;
		ck_assert(!take(&file, &m, &error));
		ck_assert_ptr_nonnull(strstr(error.text, "ends at offset"));
		file_close(&file);
		image_free(&image);
	}
}
END_TEST

/* Every single bit between setup_sects and the farthest header end, flipped. */
START_TEST(every_bit_of_the_header)
{
	struct malformed m = { .id = "bit", .initrd_bytes = 5000 };
	struct image image;
	struct err error;

	image_init(&image);
	for (size_t bit = SPEC_SETUP_SECTS * 8; bit < (size_t)HEADER_END_MAX * 8; bit++) {
		image.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		(void)take_image(&image, &m, &error);
		image.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	image_free(&image);
}
END_TEST

/* xorshift64: the same headers at every run. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A value near where something happens. */
static uint64_t random_value(uint64_t *state)
{
	static const uint64_t edges[] = {
		0,          1,           0x1000,     0x100000,   0x1000000, 0x8000000,
		0xc0000000, 0x100000000, 1ULL << 63, UINT64_MAX, 0x200,     0x9fc00,
	};
	uint64_t edge = edges[next_random(state) % (sizeof(edges) / sizeof(edges[0]))];

	switch (next_random(state) % 4) {
	case 0:
		return next_random(state);
	case 1:
		return edge;
	default:
		return edge + next_random(state) % 5 - 2;
	}
}

START_TEST(random_headers)
{
	static const struct put fields[] = {
		P(SETUP_SECTS, 1, 0),     P(SYSSIZE, 4, 0),          P(LOADFLAGS, 1, 0),
		P(INITRD_ADDR_MAX, 4, 0), P(KERNEL_ALIGNMENT, 4, 0), P(RELOCATABLE_KERNEL, 1, 0),
		P(XLOADFLAGS, 2, 0),      P(CMDLINE_SIZE, 4, 0),     P(PAYLOAD_OFFSET, 4, 0),
		P(PAYLOAD_LENGTH, 4, 0),  P(PREF_ADDRESS, 8, 0),     P(INIT_SIZE, 4, 0),
		P(VERSION, 2, 0),         P(SETUP_DATA, 8, 0),
	};
	uint64_t state = 0x9e3779b97f4a7c15 + (uint64_t)_i;

	for (unsigned int n = 0; n < 2000; n++) {
		struct malformed m = { .id = "random" };
		struct image image;
		struct err error;

		for (size_t i = 0; i < 1 + n % PUTS_MAX; i++) {
			m.put[i] =
				fields[next_random(&state) % (sizeof(fields) / sizeof(fields[0]))];
			m.put[i].value = random_value(&state);
		}
		m.initrd_bytes = n & 1 ? next_random(&state) % (8 * MIB) : 0;
		make_image(&m, &image);
		(void)take_image(&image, &m, &error);
		image_free(&image);
	}
}
END_TEST

static Suite *malformed_suite(void)
{
	Suite *s = suite_create("malformed");
	TCase *tc = tcase_create("bzImage");

	tcase_add_loop_test(tc, catalogue_case, 0, sizeof(catalogue) / sizeof(catalogue[0]));
	tcase_add_loop_test(tc, other_kinds, 0, sizeof(kinds) / sizeof(kinds[0]));
	tcase_add_test(tc, every_length);
	tcase_add_test(tc, every_bit_of_the_magics);
	tcase_add_test(tc, every_header_end);
	tcase_add_test(tc, absurd_sizes);
	tcase_add_test(tc, largest_file);
	tcase_add_test(tc, cut_after_opening);
	tcase_add_test(tc, every_bit_of_the_header);
	tcase_add_loop_test(tc, random_headers, 0, 4);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *sr;
	int failed;

	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (counts == MAP_FAILED) {
		perror("mmap");
		return EXIT_FAILURE;
	}
	sr = srunner_create(malformed_suite());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	printf("malformed: %lu files, %lu refused, %lu accepted\n", counts->files, counts->refused,
	       counts->accepted);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
