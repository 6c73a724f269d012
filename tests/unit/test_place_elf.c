/* SPDX-License-Identifier: MIT */
/*
 * place_boot() for ELF kernels: segments in guest memory, a zero page without a file's header, an
 * initrd above 4 GiB. Offsets by [ZERO-PAGE] and [BOOT] "The Real-Mode Kernel Header".
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "boot/place.h"
#include "tests/common/bootspec.h"
#include "vmm/base/le.h"

#define MIB 0x100000ULL
#define GIB 0x40000000ULL

enum { FILE_BYTES = 0x3000 };

static uint8_t contents[FILE_BYTES];
static struct input_file file, initrd;
static struct elfimage elf;
static struct plan_request request;
static struct boot_plan plan;
static struct guest_memory memory;
static struct err error;

static void map(struct guest_memory_region *region, struct plan_range range)
{
	region->gpa = range.gpa;
	region->size_bytes = range.size_bytes;
	region->host = NULL;
	if (!range.size_bytes)
		return;
	region->host = mmap(NULL, range.size_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert_ptr_ne(region->host, MAP_FAILED);
}

static void setup(void)
{
	for (size_t i = 0; i < sizeof(contents); i++)
		contents[i] = (uint8_t)(1 + i % 251);
	file_of_memory(&file, "kernel", "vmlinux", contents, sizeof(contents));
	elf = (struct elfimage){
		.file_bytes = FILE_BYTES,
		.entry_gpa = 2 * MIB,
		.start_gpa = 2 * MIB,
		.end_gpa = 5 * MIB,
		.segments = 2,
		.segment = { { 0x100, 0x1801, 2 * MIB, 0x2000 },
			     { 0x2fff, 1, 4 * MIB + 1, MIB - 1 } },
	};
	request = (struct plan_request){
		.elf = &elf,
		.ram_bytes = 16 * MIB,
		.kernel_name = "vmlinux",
		.initrd_name = "initrd",
		.cmdline = "x",
	};
}

static void teardown(void)
{
	for (size_t i = 0; i < GUEST_MEMORY_REGIONS; i++) {
		if (memory.region[i].host)
			(void)munmap(memory.region[i].host, memory.region[i].size_bytes);
	}
}

static void place(void)
{
	ck_assert_msg(plan_boot(&request, &plan, &error) == 0, "%s", error.text);
	map(&memory.region[0], plan.ram_low);
	map(&memory.region[1], plan.ram_high);
	ck_assert_msg(place_boot(&request, &plan, &file, request.initrd_bytes ? &initrd : NULL,
				 &memory, &error) == 0,
		      "%s", error.text);
}

static const uint8_t *at(uint64_t gpa)
{
	const uint8_t *p = guest_memory_at(&memory, gpa, 1);

	ck_assert_ptr_nonnull(p);
	return p;
}

START_TEST(segments_lie_where_they_belong)
{
	place();
	ck_assert_mem_eq(at(2 * MIB), contents + 0x100, 0x1801);
	ck_assert_uint_eq(*at(2 * MIB - 1), 0);
	ck_assert_uint_eq(*at(2 * MIB + 0x1801), 0);
	ck_assert_uint_eq(*at(4 * MIB), 0);
	ck_assert_uint_eq(*at(4 * MIB + 1), contents[0x2fff]);
	ck_assert_uint_eq(*at(4 * MIB + 2), 0);
}
END_TEST

/* What [BOOT] wants a loader to fill, and what a kernel checks, without a file to take it from. */
START_TEST(zero_page_without_a_file)
{
	const uint8_t *page;

	place();
	page = at(plan.zero_page.gpa);
	ck_assert_uint_eq(get_le16(page + SPEC_ROOT_FLAGS), 1);
	ck_assert_uint_eq(get_le16(page + SPEC_BOOT_FLAG), 0xaa55);
	ck_assert_mem_eq(page + SPEC_HEADER, "HdrS", 4);
	ck_assert_uint_eq(get_le16(page + SPEC_VERSION), 0x020c);
	ck_assert_uint_eq(page[SPEC_TYPE_OF_LOADER], 0xff);
	ck_assert_uint_eq(get_le32(page + SPEC_CMD_LINE_PTR), plan.cmdline.gpa);
	ck_assert_uint_eq(page[0x1e8], plan.e820_entries);
	ck_assert_uint_eq(page[0x1ef], 0); /* sentinel */
}
END_TEST

START_TEST(initrd_above_4_gib)
{
	static const uint8_t bytes[] = "an initrd";
	const uint8_t *page;

	request.ram_bytes = 3 * GIB + 64 * MIB;
	request.initrd_bytes = sizeof(bytes);
	elf.end_gpa = 3 * GIB; /* no room below */
	file_of_memory(&initrd, "initrd", "initrd", bytes, sizeof(bytes));
	place();
	page = at(plan.zero_page.gpa);
	ck_assert_uint_eq(plan.initrd.gpa, 4 * GIB + 64 * MIB - 4096);
	ck_assert_str_eq((const char *)at(4 * GIB + 64 * MIB - 4096), "an initrd");
	ck_assert_uint_eq(get_le32(page + SPEC_RAMDISK_IMAGE), 64 * MIB - 4096);
	ck_assert_uint_eq(get_le32(page + SPEC_EXT_RAMDISK_IMAGE), 1);
	ck_assert_uint_eq(get_le32(page + SPEC_RAMDISK_SIZE), sizeof(bytes));
	ck_assert_uint_eq(get_le32(page + SPEC_EXT_RAMDISK_SIZE), 0);
}
END_TEST

static const struct board board = {
	.cpus = 4,
	.local_apic_gpa = 0xfee00000,
	.io_apic_gpa = 0xfec00000,
	.io_apic_id = 4,
	.com1_port = 0x3f8,
	.com1_irq = 4,
	.pm1_event_port = 0x600,
	.pm1_control_port = 0x604,
	.sci_irq = 9,
	.reset_port = 0xcf9,
	.reset_value = 6,
};

/* Where kernels look for them: the RSDP as told, or from e0000 on; the MP table from f0000 on. */
START_TEST(tables)
{
	const uint8_t *page;

	request.board = &board;
	place();
	page = at(plan.zero_page.gpa);
	ck_assert_uint_ge(plan.acpi.gpa, 0xe0000);
	ck_assert_uint_le(plan.acpi.gpa + plan.acpi.size_bytes, 0xf0000);
	ck_assert_uint_eq(get_le64(page + 0x070), plan.acpi.gpa); /* acpi_rsdp_addr */
	ck_assert_mem_eq(at(plan.acpi.gpa), "RSD PTR ", 8);
	ck_assert_uint_ge(plan.mp_table.gpa, 0xf0000);
	ck_assert_uint_le(plan.mp_table.gpa + plan.mp_table.size_bytes, 0x100000);
	ck_assert_mem_eq(at(plan.mp_table.gpa), "_MP_", 4);
}
END_TEST

START_TEST(tables_of_one_cpu)
{
	struct board one = board;

	one.cpus = 1;
	request.board = &one;
	place();
	ck_assert_mem_eq(at(plan.acpi.gpa), "RSD PTR ", 8);
	ck_assert_uint_eq(plan.mp_table.size_bytes, 0);
	ck_assert_uint_eq(*at(0xf0000), 0);
	request.mp_table = true;
	place();
	ck_assert_mem_eq(at(plan.mp_table.gpa), "_MP_", 4);
	request.board = NULL;
	ck_assert_int_eq(plan_boot(&request, &plan, &error), 0);
	ck_assert_uint_eq(plan.acpi.size_bytes, 0);
}
END_TEST

/* The most CPUs that the tables can tell of. */
START_TEST(tables_of_many_cpus)
{
	struct board many = board;

	many.cpus = 255;
	many.io_apic_id = 255;
	request.board = &many;
	place();
	ck_assert_uint_le(plan.acpi.gpa + plan.acpi.size_bytes, 0xf0000);
	ck_assert_uint_le(plan.mp_table.gpa + plan.mp_table.size_bytes, 0x100000);
}
END_TEST

/* [PVH]: start info with command line, initrd and memory map; no zero page. */
START_TEST(start_info)
{
	static const uint8_t bytes[] = "an initrd";
	const uint8_t *info, *module;

	elf.entry = ELFIMAGE_ENTRY_PVH;
	request.board = &board;
	request.initrd_bytes = sizeof(bytes);
	file_of_memory(&initrd, "initrd", "initrd", bytes, sizeof(bytes));
	place();
	info = at(plan.start_info.gpa);
	ck_assert_uint_eq(get_le32(info), 0x336ec578);
	ck_assert_uint_eq(get_le32(info + 12), 1);
	ck_assert_str_eq((const char *)at(get_le64(info + 24)), "x");
	module = at(get_le64(info + 16));
	ck_assert_str_eq((const char *)at(get_le64(module)), "an initrd");
	ck_assert_uint_eq(get_le64(module + 8), sizeof(bytes));
	ck_assert_mem_eq(at(get_le64(info + 32)), "RSD PTR ", 8);
	ck_assert_uint_eq(get_le32(info + 48), plan.e820_entries);
	ck_assert_uint_eq(*at(0x7000 + SPEC_HEADER), 0);
}
END_TEST

/* A file that shrank meanwhile. */
START_TEST(file_that_ends_early)
{
	ck_assert_int_eq(plan_boot(&request, &plan, &error), 0);
	map(&memory.region[0], plan.ram_low);
	map(&memory.region[1], plan.ram_high);
	file.size_bytes = 0x2fff;
	ck_assert_int_eq(place_boot(&request, &plan, &file, NULL, &memory, &error), -EIO);
	ck_assert_ptr_nonnull(strstr(error.text, "kernel vmlinux"));
}
END_TEST

static Suite *place_elf_suite(void)
{
	Suite *s = suite_create("place_elf");
	TCase *tc = tcase_create("place_elf");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, segments_lie_where_they_belong);
	tcase_add_test(tc, zero_page_without_a_file);
	tcase_add_test(tc, initrd_above_4_gib);
	tcase_add_test(tc, tables);
	tcase_add_test(tc, tables_of_one_cpu);
	tcase_add_test(tc, tables_of_many_cpus);
	tcase_add_test(tc, start_info);
	tcase_add_test(tc, file_that_ends_early);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *sr = srunner_create(place_elf_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
