/* SPDX-License-Identifier: MIT */
/*
 * place_boot(): what a guest finds in its memory, by [ZERO-PAGE], [BOOT] "Details of Header
 * Fields" and "64-bit Boot Protocol", [SDM] volume 3 "4-Level Paging". Memory is filled with a
 * pattern first, so that everything that was not to be written can be seen to be as it was.
 */
#include <asm/bootparam.h>
#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot/bzimage.h"
#include "boot/place.h"
#include "boot/plan.h"
#include "tests/common/bootspec.h"
#include "tests/common/image.h"
#include "vmm/base/guestmem.h"
#include "vmm/base/le.h"

/* The typed offsets against the kernel's own structure. */
#define SAME(spec, field) _Static_assert((spec) == offsetof(struct boot_params, field), #field)
SAME(SPEC_EXT_RAMDISK_IMAGE, ext_ramdisk_image);
SAME(SPEC_EXT_RAMDISK_SIZE, ext_ramdisk_size);
SAME(SPEC_EXT_CMD_LINE_PTR, ext_cmd_line_ptr);
SAME(SPEC_ALT_MEM_K, alt_mem_k);
SAME(SPEC_E820_ENTRIES, e820_entries);
SAME(SPEC_SENTINEL, sentinel);
SAME(SPEC_E820_TABLE, e820_table);
SAME(SPEC_SETUP_SECTS, hdr.setup_sects);
SAME(SPEC_SYSSIZE, hdr.syssize);
SAME(SPEC_VID_MODE, hdr.vid_mode);
SAME(SPEC_BOOT_FLAG, hdr.boot_flag);
SAME(SPEC_HEADER, hdr.header);
SAME(SPEC_VERSION, hdr.version);
SAME(SPEC_TYPE_OF_LOADER, hdr.type_of_loader);
SAME(SPEC_LOADFLAGS, hdr.loadflags);
SAME(SPEC_CODE32_START, hdr.code32_start);
SAME(SPEC_RAMDISK_IMAGE, hdr.ramdisk_image);
SAME(SPEC_RAMDISK_SIZE, hdr.ramdisk_size);
SAME(SPEC_HEAP_END_PTR, hdr.heap_end_ptr);
SAME(SPEC_EXT_LOADER_VER, hdr.ext_loader_ver);
SAME(SPEC_EXT_LOADER_TYPE, hdr.ext_loader_type);
SAME(SPEC_CMD_LINE_PTR, hdr.cmd_line_ptr);
SAME(SPEC_INITRD_ADDR_MAX, hdr.initrd_addr_max);
SAME(SPEC_KERNEL_ALIGNMENT, hdr.kernel_alignment);
SAME(SPEC_RELOCATABLE_KERNEL, hdr.relocatable_kernel);
SAME(SPEC_MIN_ALIGNMENT, hdr.min_alignment);
SAME(SPEC_XLOADFLAGS, hdr.xloadflags);
SAME(SPEC_CMDLINE_SIZE, hdr.cmdline_size);
SAME(SPEC_HARDWARE_SUBARCH, hdr.hardware_subarch);
SAME(SPEC_PAYLOAD_OFFSET, hdr.payload_offset);
SAME(SPEC_PAYLOAD_LENGTH, hdr.payload_length);
SAME(SPEC_SETUP_DATA, hdr.setup_data);
SAME(SPEC_PREF_ADDRESS, hdr.pref_address);
SAME(SPEC_INIT_SIZE, hdr.init_size);
SAME(SPEC_HANDOVER_OFFSET, hdr.handover_offset);
_Static_assert(SPEC_E820_ENTRY_BYTES == sizeof(struct boot_e820_entry), "e820 entry");
_Static_assert(SPEC_ZERO_PAGE_BYTES == sizeof(struct boot_params), "zero page");

enum { RAM_BYTES = 32 << 20, INITRD_BYTES = 0x2345, FILL = 0xa5 };

static const char cmdline[] = "console=ttyS0 quiet";

static struct image image;
static struct input_file kernel_file, initrd_file;
static uint8_t initrd[INITRD_BYTES];
static struct bzimage kernel;
static struct plan_request request;
static struct boot_plan plan;
static struct guest_memory memory;
static struct err error;
static uint8_t *ram;

static void setup(void)
{
	image_init(&image);
	for (size_t i = 0; i < sizeof(initrd); i++)
		initrd[i] = (uint8_t)(i * 7 + 1);
	image_open_bytes(initrd, sizeof(initrd), "initrd", "some/initrd", &initrd_file);
	ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(ram, MAP_FAILED);
	memset(ram, FILL, RAM_BYTES);
	memory = (struct guest_memory){ .region = { { 0, RAM_BYTES, ram } } };
}

static void teardown(void)
{
	munmap(ram, RAM_BYTES);
	file_close(&initrd_file);
	file_close(&kernel_file);
	image_free(&image);
}

static const uint8_t *rng_seed;

/* Parses and plans the image as it is now. */
static void make_plan(uint64_t initrd_bytes)
{
	image_open(&image, "kernel", "some/bzImage", &kernel_file);
	request = (struct plan_request){
		.bzimage = &kernel,
		.ram_bytes = RAM_BYTES,
		.initrd_bytes = initrd_bytes,
		.kernel_name = "some/bzImage",
		.initrd_name = "some/initrd",
		.cmdline = cmdline,
		.rng_seed = rng_seed,
	};
	ck_assert_msg(bzimage_parse(&kernel_file, &kernel, &error) == 0, "%s", error.text);
	ck_assert_msg(plan_boot(&request, &plan, &error) == 0, "%s", error.text);
}

static void place(uint64_t initrd_bytes)
{
	int rc;

	make_plan(initrd_bytes);
	rc = place_boot(&request, &plan, &kernel_file, initrd_bytes ? &initrd_file : NULL, &memory,
			&error);
	ck_assert_msg(rc == 0, "%s", error.text);
}

static uint8_t *zero_page(void)
{
	return ram + plan.zero_page.gpa;
}

START_TEST(gdt)
{
	static const uint64_t spec[6] = {
		[1] = 0x00cf9b000000ffff,                /* 4 GiB, 32-bit code, execute/read */
		[SPEC_BOOT_CS / 8] = 0x00af9b000000ffff, /* 4 GiB, 64-bit code, execute/read */
		[SPEC_BOOT_DS / 8] = 0x00cf93000000ffff, /* 4 GiB, data, read/write */
		[4] = 0x00008b0000000067,                /* 64-bit TSS, busy, limit 0x67 */
	};

	place(0);
	ck_assert_uint_eq(plan.gdt.size_bytes, sizeof(spec));
	for (size_t i = 0; i < 6; i++)
		ck_assert_uint_eq(get_le64(ram + plan.gdt.gpa + 8 * i), spec[i]);
}
END_TEST

/* One step of a walk: the entry's address part; it must be present and writable. */
static uint64_t entry_at(uint64_t table, uint64_t index, uint64_t *entry)
{
	*entry = get_le64(ram + table + 8 * index);
	ck_assert_uint_eq(*entry & 3, 3);
	return *entry & 0x000ffffffffff000;
}

static uint64_t walk(uint64_t cr3, uint64_t address)
{
	uint64_t entry, table;

	table = entry_at(cr3, address >> 39 & 511, &entry);
	table = entry_at(table, address >> 30 & 511, &entry);
	ck_assert_uint_eq(entry & 1 << 7, 0);
	table = entry_at(table, address >> 21 & 511, &entry);
	ck_assert_uint_ne(entry & 1 << 7, 0);
	return table + (address & 0x1fffff);
}

START_TEST(page_tables_are_the_identity)
{
	place(0);
	for (uint64_t address = 0; address < 1ULL << 32; address += 0x200000) {
		ck_assert_uint_eq(walk(plan.page_tables.gpa, address), address);
		ck_assert_uint_eq(walk(plan.page_tables.gpa, address + 0x1fffff),
				  address + 0x1fffff);
	}
}
END_TEST

START_TEST(nothing_above_4_gib_is_mapped)
{
	const uint8_t *pml4;

	place(0);
	pml4 = ram + plan.page_tables.gpa;
	for (size_t i = 1; i < 512; i++)
		ck_assert_uint_eq(get_le64(pml4 + 8 * i), 0);
	for (size_t i = 4; i < 512; i++)
		ck_assert_uint_eq(get_le64(pml4 + 4096 + 8 * i), 0);
}
END_TEST

START_TEST(zero_page_fields)
{
	const uint8_t *zp;

	place(INITRD_BYTES);
	zp = zero_page();
	ck_assert_uint_eq(get_le16(zp + SPEC_VID_MODE), SPEC_VID_MODE_NORMAL);
	ck_assert_uint_eq(zp[SPEC_TYPE_OF_LOADER], SPEC_TYPE_OF_LOADER_UNDEFINED);
	ck_assert_uint_eq(zp[SPEC_LOADFLAGS], SPEC_LOADED_HIGH);
	ck_assert_uint_eq(get_le32(zp + SPEC_CODE32_START), IMAGE_PREF_ADDRESS);
	ck_assert_uint_eq(get_le32(zp + SPEC_CMD_LINE_PTR), plan.cmdline.gpa);
	ck_assert_uint_eq(get_le32(zp + SPEC_RAMDISK_IMAGE), RAM_BYTES - 0x3000);
	ck_assert_uint_eq(get_le32(zp + SPEC_RAMDISK_SIZE), INITRD_BYTES);
	ck_assert_uint_eq(get_le32(zp + SPEC_EXT_RAMDISK_IMAGE), 0);
	ck_assert_uint_eq(get_le32(zp + SPEC_EXT_RAMDISK_SIZE), 0);
	ck_assert_uint_eq(get_le32(zp + SPEC_EXT_CMD_LINE_PTR), 0);
	ck_assert_uint_eq(zp[SPEC_SENTINEL], 0);
	ck_assert_uint_eq(get_le32(zp + SPEC_ALT_MEM_K), 0);
}
END_TEST

START_TEST(without_an_initrd)
{
	image_put(&image, SPEC_RAMDISK_IMAGE, 4, 0x12345678);
	image_put(&image, SPEC_RAMDISK_SIZE, 4, 0x12345678);
	place(0);
	ck_assert_uint_eq(get_le32(zero_page() + SPEC_RAMDISK_IMAGE), 0);
	ck_assert_uint_eq(get_le32(zero_page() + SPEC_RAMDISK_SIZE), 0);
}
END_TEST

/* struct setup_data of [LINUX] asm/bootparam.h: next, type, len, data. SETUP_RNG_SEED is 9 since 6.1. */
START_TEST(random_seed)
{
	uint8_t seed[32];
	const uint8_t *node;

	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)(0xa0 + i);
	rng_seed = seed;
	place(INITRD_BYTES);
	ck_assert_uint_ne(plan.rng_seed.gpa, 0);
	ck_assert_uint_eq(get_le64(zero_page() + SPEC_SETUP_DATA), plan.rng_seed.gpa);
	node = ram + plan.rng_seed.gpa;
	ck_assert_uint_eq(get_le64(node + offsetof(struct setup_data, next)), 0);
	ck_assert_uint_eq(get_le32(node + offsetof(struct setup_data, type)), 9);
	ck_assert_uint_eq(get_le32(node + offsetof(struct setup_data, len)), 32);
	ck_assert_mem_eq(node + offsetof(struct setup_data, data), seed, sizeof(seed));
	rng_seed = NULL;
	place(INITRD_BYTES);
	ck_assert_uint_eq(plan.rng_seed.size_bytes, 0);
	ck_assert_uint_eq(get_le64(zero_page() + SPEC_SETUP_DATA), 0);
}
END_TEST

struct field {
	size_t offset, width;
};

/* B18: what the file has in the loader's fields does not arrive. */
START_TEST(prefilled_fields_are_overwritten)
{
	static const struct field loaders[] = {
		{ SPEC_VID_MODE, 2 },        { SPEC_TYPE_OF_LOADER, 1 },
		{ SPEC_CODE32_START, 4 },    { SPEC_RAMDISK_IMAGE, 4 },
		{ SPEC_RAMDISK_SIZE, 4 },    { SPEC_EXT_LOADER_VER, 1 },
		{ SPEC_EXT_LOADER_TYPE, 1 }, { SPEC_CMD_LINE_PTR, 4 },
		{ SPEC_SETUP_DATA, 8 },      { SPEC_HARDWARE_SUBARCH, 4 },
	};
	uint8_t clean[SPEC_ZERO_PAGE_BYTES];

	place(INITRD_BYTES);
	memcpy(clean, zero_page(), sizeof(clean));
	file_close(&kernel_file);
	for (size_t i = 0; i < sizeof(loaders) / sizeof(loaders[0]); i++)
		image_put(&image, loaders[i].offset, loaders[i].width, 0x7172737475767778);
	image_put(&image, SPEC_LOADFLAGS, 1, 0xff);
	place(INITRD_BYTES);
	ck_assert_mem_eq(zero_page(), clean, sizeof(clean));
	ck_assert_uint_eq(get_le64(clean + SPEC_SETUP_DATA), 0);
	ck_assert_uint_eq(get_le32(clean + SPEC_HARDWARE_SUBARCH), 0);
}
END_TEST

/* What the kernel reads back of its own header is as the file had it. */
START_TEST(the_rest_of_the_header_is_copied)
{
	static const struct field copied[] = {
		{ SPEC_SETUP_SECTS, 1 },
		{ SPEC_ROOT_FLAGS, 2 },
		{ SPEC_SYSSIZE, 4 },
		{ SPEC_ROOT_DEV, 2 },
		{ SPEC_BOOT_FLAG, 2 },
		{ SPEC_HEADER, 4 },
		{ SPEC_VERSION, 2 },
		{ SPEC_KERNEL_VERSION, 2 },
		{ SPEC_INITRD_ADDR_MAX, 4 },
		{ SPEC_KERNEL_ALIGNMENT, 4 },
		{ SPEC_MIN_ALIGNMENT, 1 },
		{ SPEC_XLOADFLAGS, 2 },
		{ SPEC_CMDLINE_SIZE, 4 },
		{ SPEC_HARDWARE_SUBARCH_DATA, 8 },
		{ SPEC_PREF_ADDRESS, 8 },
		{ SPEC_INIT_SIZE, 4 },
		{ SPEC_HANDOVER_OFFSET, 4 },
		{ SPEC_KERNEL_INFO_OFFSET, 4 },
		{ SPEC_PAYLOAD_OFFSET, 4 },
		{ SPEC_PAYLOAD_LENGTH, 4 },
		{ SPEC_RELOCATABLE_KERNEL, 1 },
	};

	image_put(&image, SPEC_ROOT_FLAGS, 2, 1);
	image_put(&image, SPEC_ROOT_DEV, 2, 0x0801);
	image_put(&image, SPEC_HARDWARE_SUBARCH_DATA, 8, 0x1122334455667788);
	image_put(&image, SPEC_KERNEL_INFO_OFFSET, 4, 0x7fc);
	place(0);
	for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
		ck_assert_mem_eq(zero_page() + copied[i].offset, image.bytes + copied[i].offset,
				 copied[i].width);
}
END_TEST

/* Nothing of the file outside the header gets into the zero page; a long header gets in whole. */
START_TEST(only_the_header_comes_from_the_file)
{
	const size_t end = 0x281; /* 0x202 + 0x7f */
	const uint8_t *zp;

	memset(image.bytes, 0xee, SPEC_SETUP_SECTS);
	memset(image.bytes + SPEC_HEADER_END_2_15, 0xdd, 0x800 - SPEC_HEADER_END_2_15);
	image_put(&image, SPEC_JUMP + 1, 1, 0x7f);
	place(0);
	zp = zero_page();
	for (size_t i = 0; i < SPEC_ZERO_PAGE_BYTES; i++) {
		if (i >= SPEC_HEADER_END_2_15 && i < end)
			ck_assert_uint_eq(zp[i], 0xdd);
		else if (i < SPEC_E820_ENTRIES || (i > SPEC_E820_ENTRIES && i < SPEC_SETUP_SECTS) ||
			 (i >= end && i < SPEC_E820_TABLE) ||
			 i >= SPEC_E820_TABLE + 4 * SPEC_E820_ENTRY_BYTES)
			ck_assert_msg(zp[i] == 0, "byte 0x%zx is 0x%02x", i, zp[i]);
	}
}
END_TEST

START_TEST(e820)
{
	static const struct {
		uint64_t gpa, end;
		uint32_t type;
	} spec[] = {
		{ 0, 0x9fc00, SPEC_E820_RAM },
		{ 0x9fc00, 0xa0000, SPEC_E820_RESERVED },
		{ 0xe0000, 0x100000, SPEC_E820_RESERVED },
		{ 0x100000, RAM_BYTES, SPEC_E820_RAM },
	};
	const uint8_t *entry;

	place(0);
	ck_assert_uint_eq(zero_page()[SPEC_E820_ENTRIES], 4);
	entry = zero_page() + SPEC_E820_TABLE;
	for (size_t i = 0; i < 4; i++, entry += SPEC_E820_ENTRY_BYTES) {
		ck_assert_uint_eq(get_le64(entry), spec[i].gpa);
		ck_assert_uint_eq(get_le64(entry + 8), spec[i].end - spec[i].gpa);
		ck_assert_uint_eq(get_le32(entry + 16), spec[i].type);
	}
}
END_TEST

START_TEST(files_and_line_arrive)
{
	place(INITRD_BYTES);
	ck_assert_mem_eq(ram + IMAGE_PREF_ADDRESS, image.bytes + IMAGE_SETUP_BYTES,
			 IMAGE_KERNEL_BYTES);
	ck_assert_mem_eq(ram + plan.initrd.gpa, initrd, INITRD_BYTES);
	ck_assert_mem_eq(ram + plan.cmdline.gpa, cmdline, sizeof(cmdline));
}
END_TEST

static bool planned(uint64_t gpa)
{
	const struct plan_range *all[] = { &plan.gdt,     &plan.zero_page, &plan.page_tables,
					   &plan.cmdline, &plan.kernel,    &plan.initrd };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (gpa - all[i]->gpa < all[i]->size_bytes)
			return true;
	}
	return false;
}

/* The bytes after syssize (a signature, say) and after the initrd's last are not written either. */
START_TEST(nothing_else_is_written)
{
	image_resize(&image, IMAGE_BYTES + 5000);
	place(INITRD_BYTES);
	for (uint64_t gpa = 0; gpa < RAM_BYTES; gpa++) {
		if (ram[gpa] != FILL)
			ck_assert_msg(planned(gpa), "0x%llx was written", (unsigned long long)gpa);
	}
}
END_TEST

/* B24 */
START_TEST(files_that_shrink)
{
	make_plan(INITRD_BYTES);
	ck_assert_int_eq(ftruncate(initrd_file.fd, INITRD_BYTES - 1), 0);
	ck_assert_int_eq(place_boot(&request, &plan, &kernel_file, &initrd_file, &memory, &error),
			 -EIO);
	ck_assert_ptr_nonnull(strstr(error.text, "initrd some/initrd: ends at offset 9028"));

	ck_assert_int_eq(ftruncate(kernel_file.fd, IMAGE_BYTES - 1), 0);
	ck_assert_int_eq(place_boot(&request, &plan, &kernel_file, &initrd_file, &memory, &error),
			 -EIO);
	ck_assert_ptr_nonnull(strstr(error.text, "kernel some/bzImage: ends at offset 6143"));
}
END_TEST

/* B24: the plan's header is used, and as many bytes as were planned. */
START_TEST(files_that_change)
{
	static const uint8_t junk[0x400] = { 0xff };

	make_plan(INITRD_BYTES);
	ck_assert_int_eq(pwrite(kernel_file.fd, junk, sizeof(junk), 0), sizeof(junk));
	ck_assert_int_eq(ftruncate(kernel_file.fd, IMAGE_BYTES * 2), 0);
	ck_assert_int_eq(ftruncate(initrd_file.fd, INITRD_BYTES * 2), 0);
	ck_assert_int_eq(place_boot(&request, &plan, &kernel_file, &initrd_file, &memory, &error),
			 0);
	ck_assert_uint_eq(get_le32(zero_page() + SPEC_HEADER), SPEC_HDRS);
	ck_assert_uint_eq(ram[IMAGE_PREF_ADDRESS + IMAGE_KERNEL_BYTES], FILL);
}
END_TEST

static Suite *place_suite(void)
{
	Suite *s = suite_create("place");
	TCase *tc = tcase_create("place");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, gdt);
	tcase_add_test(tc, page_tables_are_the_identity);
	tcase_add_test(tc, nothing_above_4_gib_is_mapped);
	tcase_add_test(tc, zero_page_fields);
	tcase_add_test(tc, without_an_initrd);
	tcase_add_test(tc, random_seed);
	tcase_add_test(tc, prefilled_fields_are_overwritten);
	tcase_add_test(tc, the_rest_of_the_header_is_copied);
	tcase_add_test(tc, only_the_header_comes_from_the_file);
	tcase_add_test(tc, e820);
	tcase_add_test(tc, files_and_line_arrive);
	tcase_add_test(tc, nothing_else_is_written);
	tcase_add_test(tc, files_that_shrink);
	tcase_add_test(tc, files_that_change);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *sr = srunner_create(place_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
