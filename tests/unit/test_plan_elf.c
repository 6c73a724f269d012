/* SPDX-License-Identifier: MIT */
/*
 * plan_boot() for ELF kernels, alone and out of a bzImage, and for initrds that go above the hole:
 * addresses by the program headers, [BOOT] "Details of Header Fields" (xloadflags), [PVH], and the
 * picture in boot/plan.h.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "boot/plan.h"
#include "tests/common/bootspec.h"
#include "tests/common/planspec.h"

#define MIB 0x100000ULL
#define GIB 0x40000000ULL

enum { SPEC_START_INFO = 0x6000, SPEC_PAGE = 0x1000 };
#define SPEC_HOLE     0xc0000000ULL
#define SPEC_HIGH_RAM 0x100000000ULL

static struct elfimage elf;
static struct bzimage bzimage;
static struct plan_request request;
static struct boot_plan plan;
static struct err error;

/* What a vmlinux looks like: text and data at 16 MiB, per-CPU data, 5 MiB of memory in all. */
static void setup(void)
{
	elf = (struct elfimage){
		.file_bytes = 8 * MIB,
		.entry = ELFIMAGE_ENTRY_LINUX64,
		.entry_gpa = 16 * MIB + 0x70,
		.start_gpa = 16 * MIB,
		.end_gpa = 21 * MIB + 0x123,
		.segments = 3,
		.segment = { { 0x200000, 2 * MIB, 16 * MIB, 2 * MIB },
			     { 0x400000, 0, 18 * MIB, 0x1000 },
			     { 0x600000, MIB, 19 * MIB, 2 * MIB + 0x123 } },
	};
	bzimage = (struct bzimage){
		.version = 0x020f,
		.setup_bytes = 0x800,
		.kernel_bytes = MIB,
		.file_bytes = MIB + 0x800,
		.loadflags = SPEC_LOADED_HIGH,
		.xloadflags = SPEC_XLF_KERNEL_64,
		.relocatable = true,
		.kernel_alignment = 0x200000,
		.pref_address = 16 * MIB,
		.init_size = 32 * MIB,
		.initrd_addr_max = 0x7fffffff,
		.cmdline_size = 100,
	};
	request = (struct plan_request){
		.elf = &elf,
		.ram_bytes = 128 * MIB,
		.kernel_name = "some/vmlinux",
		.initrd_name = "some/initrd",
		.cmdline = "console=ttyS0",
	};
}

static void accepted(void)
{
	int rc = plan_boot(&request, &plan, &error);
	const char *flaw;

	ck_assert_msg(rc == 0, "refused: %s", error.text);
	flaw = planspec_flaw(&request, &plan); /* what holds of every plan */
	ck_assert_msg(flaw == NULL, "%s", flaw);
}

static void refused(const char *what)
{
	int rc = plan_boot(&request, &plan, &error);

	ck_assert_msg(rc < 0, "accepted, should name %s", what);
	ck_assert_int_eq(rc, -error.code);
	ck_assert_msg(strstr(error.text, what) != NULL, "no \"%s\" in: %s", what, error.text);
}

static void check_range(struct plan_range range, uint64_t gpa, uint64_t size_bytes)
{
	ck_assert_uint_eq(range.gpa, gpa);
	ck_assert_uint_eq(range.size_bytes, size_bytes);
}

START_TEST(segments_go_where_they_say)
{
	accepted();
	ck_assert_uint_eq(plan.loads, 2);
	ck_assert_uint_eq(plan.load[0].file_offset, 0x200000);
	check_range(plan.load[0].to, 16 * MIB, 2 * MIB);
	ck_assert_uint_eq(plan.load[1].file_offset, 0x600000);
	check_range(plan.load[1].to, 19 * MIB, MIB);
	check_range(plan.kernel, 16 * MIB, 5 * MIB + 0x123);
	ck_assert_uint_eq(plan.entry_gpa, 16 * MIB + 0x70);
	ck_assert_int_eq(plan.entry, PLAN_ENTRY_LINUX64);
	ck_assert_uint_eq(plan.zero_page.size_bytes, 4096);
	check_range(plan.start_info, 0, 0);
}
END_TEST

/* The header's init_size is for the decompressor that does not run. */
START_TEST(out_of_a_bzimage)
{
	request.bzimage = &bzimage;
	request.ram_bytes = 24 * MIB;
	accepted();
	check_range(plan.kernel, 16 * MIB, 5 * MIB + 0x123);
	ck_assert_uint_eq(plan.entry_gpa, 16 * MIB + 0x70);
	request.elf = NULL;
	refused("init_size");
}
END_TEST

START_TEST(command_line_as_the_header_says)
{
	char line[2100];

	memset(line, 'x', sizeof(line));
	request.cmdline = line;
	line[2047] = '\0';
	accepted();
	line[2047] = 'x';
	line[2048] = '\0';
	refused("at most 2047 bytes; this one has 2048");
	elf.entry = ELFIMAGE_ENTRY_PVH; /* no such limit is known */
	accepted();
	elf.entry = ELFIMAGE_ENTRY_LINUX64;
	request.bzimage = &bzimage;
	line[101] = '\0';
	refused("at most 100 bytes (cmdline_size)");
	line[100] = '\0';
	accepted();
}
END_TEST

START_TEST(ram_to_the_byte)
{
	request.ram_bytes = 21 * MIB;
	refused("-m 22M or more is needed");
	request.ram_bytes += SPEC_PAGE;
	accepted();
	elf.end_gpa = SPEC_HOLE;
	refused("-m 3072M or more is needed");
	request.ram_bytes = 3 * GIB;
	accepted();
	elf.end_gpa++;
	refused("whatever -m says");
	elf.end_gpa = 21 * MIB;
	elf.start_gpa = MIB;
	accepted();
	elf.start_gpa--;
	refused("p_paddr is 0xfffff");
}
END_TEST

/* The number that is named makes a plan, and no smaller one does. */
START_TEST(smallest_ram_counts_the_initrd)
{
	request.ram_bytes = 16 * MIB;
	request.initrd_bytes = 10 * MIB;
	refused("-m 32M or more is needed");
	request.ram_bytes = 31 * MIB;
	refused("initrd some/initrd");
	request.ram_bytes = 32 * MIB;
	accepted();
}
END_TEST

START_TEST(by_pvh)
{
	elf.entry = ELFIMAGE_ENTRY_PVH;
	request.initrd_bytes = 5000;
	accepted();
	ck_assert_int_eq(plan.entry, PLAN_ENTRY_PVH);
	check_range(plan.start_info, SPEC_START_INFO, 4096);
	check_range(plan.zero_page, 0, 0);
	check_range(plan.page_tables, 0, 0);
	check_range(plan.initrd, 128 * MIB - 2 * SPEC_PAGE, 5000);
}
END_TEST

START_TEST(initrd_above_the_hole)
{
	request.ram_bytes = 6 * GIB;
	request.initrd_bytes = 2 * GIB - 22 * MIB;
	accepted();
	ck_assert_uint_eq(plan.initrd.gpa, 22 * MIB); /* below initrd_addr_max, as it wishes */
	request.initrd_bytes = 2 * GIB;
	accepted();
	check_range(plan.initrd, SPEC_HIGH_RAM + GIB, 2 * GIB);
	request.initrd_bytes = 3 * GIB;
	accepted();
	check_range(plan.initrd, SPEC_HIGH_RAM, 3 * GIB);
	request.initrd_bytes++;
	refused("-m 6145M or more is needed");
	elf.entry = ELFIMAGE_ENTRY_PVH; /* it would keep 32 bits of the address */
	request.initrd_bytes = 2 * GIB;
	refused("no -m makes room");
}
END_TEST

/* A bzImage says in xloadflags whether it finds one there. */
START_TEST(initrd_above_the_hole_by_xloadflags)
{
	request.elf = NULL;
	request.bzimage = &bzimage;
	request.ram_bytes = 6 * GIB;
	request.initrd_bytes = 2 * GIB;
	refused("no -m makes room");
	bzimage.xloadflags |= SPEC_XLF_CAN_BE_LOADED_ABOVE_4G;
	accepted();
	check_range(plan.initrd, SPEC_HIGH_RAM + GIB, 2 * GIB);
}
END_TEST

static Suite *plan_elf_suite(void)
{
	Suite *s = suite_create("plan_elf");
	TCase *tc = tcase_create("plan_elf");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, segments_go_where_they_say);
	tcase_add_test(tc, out_of_a_bzimage);
	tcase_add_test(tc, command_line_as_the_header_says);
	tcase_add_test(tc, ram_to_the_byte);
	tcase_add_test(tc, smallest_ram_counts_the_initrd);
	tcase_add_test(tc, by_pvh);
	tcase_add_test(tc, initrd_above_the_hole);
	tcase_add_test(tc, initrd_above_the_hole_by_xloadflags);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *sr = srunner_create(plan_elf_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
