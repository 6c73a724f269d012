/* SPDX-License-Identifier: MIT */
/*
 * plan_boot() and entry_linux64(): addresses by [BOOT] (pref_address, init_size, kernel_alignment,
 * initrd_addr_max, cmdline_size), "64-bit Boot Protocol", and the picture in boot/plan.h. Edges are
 * walked two to either side.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot/entry.h"
#include "boot/plan.h"
#include "tests/common/bootspec.h"
#include "tests/common/planspec.h"

#define MIB 0x100000ULL
#define GIB 0x40000000ULL

/* The layout that boot/plan.h draws. */
enum {
	SPEC_GDT = 0x500,
	SPEC_ZERO_PAGE = 0x7000,
	SPEC_PAGE_TABLES = 0x9000,
	SPEC_CMDLINE = 0x20000,
	SPEC_LOW_RAM_END = 0x9fc00,
	SPEC_PAGE = 0x1000,
};
#define SPEC_HOLE     0xc0000000ULL
#define SPEC_HIGH_RAM 0x100000000ULL

static struct bzimage kernel;
static struct plan_request request;
static struct boot_plan plan;
static struct err error;

/* A kernel of 1 MiB that runs in 8 MiB at 16 MiB, in a guest of 128 MiB. */
static void setup(void)
{
	kernel = (struct bzimage){
		.version = 0x020f,
		.setup_bytes = 0x800,
		.kernel_bytes = MIB,
		.file_bytes = MIB + 0x800,
		.loadflags = SPEC_LOADED_HIGH,
		.xloadflags = SPEC_XLF_KERNEL_64,
		.relocatable = true,
		.kernel_alignment = 0x200000,
		.pref_address = 16 * MIB,
		.init_size = 8 * MIB,
		.initrd_addr_max = 0x7fffffff,
		.cmdline_size = 2047,
	};
	request = (struct plan_request){
		.bzimage = &kernel,
		.ram_bytes = 128 * MIB,
		.kernel_name = "some/bzImage",
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
	int rc;

	memset(&error, 0, sizeof(error));
	rc = plan_boot(&request, &plan, &error);
	ck_assert_msg(rc < 0, "accepted, should name %s", what);
	ck_assert_int_eq(rc, -error.code);
	ck_assert_msg(strstr(error.text, what) != NULL, "no \"%s\" in: %s", what, error.text);
	ck_assert_msg(strlen(error.text) < 300, "long: %s", error.text);
}

static void check_range(struct plan_range range, uint64_t gpa, uint64_t size_bytes)
{
	ck_assert_uint_eq(range.gpa, gpa);
	ck_assert_uint_eq(range.size_bytes, size_bytes);
}

static void check_e820(size_t i, uint64_t gpa, uint64_t end, uint32_t type)
{
	ck_assert_uint_lt(i, plan.e820_entries);
	ck_assert_uint_eq(plan.e820[i].gpa, gpa);
	ck_assert_uint_eq(plan.e820[i].size_bytes, end - gpa);
	ck_assert_uint_eq(plan.e820[i].type, type);
}

START_TEST(every_range)
{
	request.initrd_bytes = 0x12345;
	accepted();
	check_range(plan.ram_low, 0, 128 * MIB);
	check_range(plan.ram_high, 0, 0);
	check_range(plan.gdt, SPEC_GDT, 6 * 8);
	check_range(plan.zero_page, SPEC_ZERO_PAGE, 4096);
	check_range(plan.page_tables, SPEC_PAGE_TABLES, 6 * 4096);
	check_range(plan.cmdline, SPEC_CMDLINE, 14);
	check_range(plan.load[0].to, 16 * MIB, MIB);
	check_range(plan.kernel, 16 * MIB, 8 * MIB);
	check_range(plan.initrd, 128 * MIB - 0x13000, 0x12345);
	ck_assert_uint_eq(plan.entry_gpa, 0x1000200);
}
END_TEST

START_TEST(e820_of_a_small_guest)
{
	accepted();
	ck_assert_uint_eq(plan.e820_entries, 4);
	check_e820(0, 0, SPEC_LOW_RAM_END, SPEC_E820_RAM);
	check_e820(1, SPEC_LOW_RAM_END, 0xa0000, SPEC_E820_RESERVED);
	check_e820(2, 0xe0000, 0x100000, SPEC_E820_RESERVED);
	check_e820(3, 0x100000, 128 * MIB, SPEC_E820_RAM);
}
END_TEST

START_TEST(ram_round_the_hole)
{
	request.ram_bytes = SPEC_HOLE;
	accepted();
	check_range(plan.ram_low, 0, SPEC_HOLE);
	check_range(plan.ram_high, 0, 0);
	ck_assert_uint_eq(plan.e820_entries, 4);

	request.ram_bytes = SPEC_HOLE + SPEC_PAGE;
	accepted();
	check_range(plan.ram_low, 0, SPEC_HOLE);
	check_range(plan.ram_high, SPEC_HIGH_RAM, SPEC_PAGE);
	ck_assert_uint_eq(plan.e820_entries, 5);
	check_e820(3, 0x100000, SPEC_HOLE, SPEC_E820_RAM);
	check_e820(4, SPEC_HIGH_RAM, SPEC_HIGH_RAM + SPEC_PAGE, SPEC_E820_RAM);

	request.ram_bytes = 6 * GIB;
	accepted();
	check_range(plan.ram_high, SPEC_HIGH_RAM, 3 * GIB);
}
END_TEST

START_TEST(ram_limits)
{
	const uint64_t max = (1ULL << 52) - (SPEC_HIGH_RAM - SPEC_HOLE);

	kernel.pref_address = MIB * 2;
	request.ram_bytes = 16 * MIB;
	accepted();
	request.ram_bytes = 16 * MIB - SPEC_PAGE;
	refused("16 MiB");
	request.ram_bytes = 0;
	refused("guest RAM of 0 bytes");
	request.ram_bytes = 16 * MIB + 1;
	refused("multiple of 4096");
	request.ram_bytes = max;
	accepted();
	request.ram_bytes = max + SPEC_PAGE;
	refused("guest RAM of");
	request.ram_bytes = UINT64_MAX - SPEC_PAGE + 1;
	refused("guest RAM of");
}
END_TEST

/* B13: every (pref_address, init_size, RAM) on its edges, two to either side. */
START_TEST(kernel_fits_or_not_to_the_byte)
{
	static const uint64_t prefs[] = { MIB, 2 * MIB, 16 * MIB, 1024 * MIB, 2048 * MIB };
	static const uint64_t rams[] = { 16 * MIB, 128 * MIB, 2 * GIB, SPEC_HOLE, 6 * GIB };
	unsigned int seen = 0;

	kernel.kernel_alignment = SPEC_PAGE;
	for (size_t p = 0; p < sizeof(prefs) / sizeof(prefs[0]); p++) {
		for (size_t r = 0; r < sizeof(rams) / sizeof(rams[0]); r++) {
			uint64_t end = rams[r] < SPEC_HOLE ? rams[r] : SPEC_HOLE;

			for (int d = -2; d <= 2; d++) {
				if (end <= prefs[p])
					continue;
				kernel.pref_address = prefs[p];
				kernel.init_size =
					(uint32_t)(end - prefs[p] + (uint64_t)(int64_t)d);
				request.ram_bytes = rams[r];
				if (d <= 0)
					accepted();
				else
					refused("init_size");
				seen++;
			}
		}
	}
	ck_assert_uint_ge(seen, 80);
}
END_TEST

START_TEST(pref_address_edges)
{
	const uint64_t last = 128 * MIB - 8 * MIB;

	kernel.kernel_alignment = SPEC_PAGE;
	for (int64_t d = -2; d <= 2; d++) {
		kernel.pref_address = last + (uint64_t)(d * SPEC_PAGE);
		if (d <= 0)
			accepted();
		else
			refused("but RAM ends at 0x8000000; -m 129M");
	}
}
END_TEST

START_TEST(too_little_ram_tells_how_much)
{
	request.ram_bytes = 16 * MIB;
	refused("kernel some/bzImage: runs at 0x1000000 (pref_address 0x1000000) and needs "
		"0x800000 "
		"bytes there (init_size), up to 0x1800000, but RAM ends at 0x1000000; -m 24M");
	kernel.init_size = 8 * MIB + 1;
	refused("-m 25M");
	request.ram_bytes = 24 * MIB;
	refused("-m 25M");
	request.ram_bytes = 25 * MIB;
	accepted();
}
END_TEST

/* B12 */
START_TEST(impossible_pref_addresses)
{
	static const uint64_t far[] = {
		SPEC_HOLE,          0xfee00000,           SPEC_HIGH_RAM,
		1ULL << 63,         SPEC_HOLE - 0x200000, 0xffffffffffe00000,
		0xffffffffffa00000,
	};

	request.ram_bytes = 6 * GIB;
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		kernel.pref_address = far[i];
		kernel.relocatable = true;
		refused("whatever -m says");
		kernel.relocatable = false;
		refused("whatever -m says");
	}
	kernel.pref_address = UINT64_MAX;
	refused("not a multiple");
	kernel.pref_address = 16 * MIB + 1;
	refused("pref_address 0x1000001 is not a multiple of 0x1000 (a page)");
	kernel.relocatable = true;
	refused("pref_address 0x1000001 is not a multiple of 0x200000 (kernel_alignment)");
	kernel.pref_address = 16 * MIB + SPEC_PAGE;
	refused("kernel_alignment");
}
END_TEST

/* 0 prefers nothing; RAM for kernels begins at 1 MiB; alignment decides the rest. */
START_TEST(no_preference)
{
	kernel.pref_address = 0;
	accepted();
	ck_assert_uint_eq(plan.kernel.gpa, 2 * MIB);
	kernel.kernel_alignment = SPEC_PAGE;
	accepted();
	ck_assert_uint_eq(plan.kernel.gpa, MIB);
	kernel.pref_address = MIB - SPEC_PAGE;
	accepted();
	ck_assert_uint_eq(plan.kernel.gpa, MIB);
	kernel.kernel_alignment = 16 * MIB;
	kernel.pref_address = 0;
	accepted();
	ck_assert_uint_eq(plan.kernel.gpa, 16 * MIB);
	kernel.kernel_alignment = 1024 * MIB;
	refused("-m 1032M");
	request.ram_bytes = 1032 * MIB;
	accepted();
}
END_TEST

/* B11; a kernel that is not relocatable says nothing with kernel_alignment. */
START_TEST(not_relocatable)
{
	kernel.relocatable = false;
	kernel.kernel_alignment = 3;
	accepted();
	ck_assert_uint_eq(plan.kernel.gpa, 16 * MIB);
	kernel.pref_address = MIB;
	accepted();
	ck_assert_uint_eq(plan.kernel.gpa, MIB);
	kernel.pref_address = MIB - SPEC_PAGE;
	refused("not relocatable");
	kernel.pref_address = 0;
	refused("not relocatable");
	kernel.pref_address = 128 * MIB;
	refused("-m 136M");
}
END_TEST

/* An initrd that reaches the end of RAM and one that reaches the end of the kernel. */
START_TEST(initrd_to_the_byte)
{
	const uint64_t room = (128 - 24) * MIB;

	for (int64_t d = -2; d <= 2; d++) {
		request.initrd_bytes = room + (uint64_t)d;
		if (d > 0) {
			refused("initrd some/initrd: has 1090519");
			refused("-m 129M");
			continue;
		}
		accepted();
		ck_assert_uint_eq(plan.initrd.gpa, 24 * MIB);
	}
	for (uint64_t size = 1; size <= 2 * SPEC_PAGE + 2; size++) {
		request.initrd_bytes = size;
		accepted();
		check_range(plan.initrd, 128 * MIB - (size + SPEC_PAGE - 1) / SPEC_PAGE * SPEC_PAGE,
			    size);
	}
}
END_TEST

/* An end of init_size inside a page leaves the rest of that page alone. */
START_TEST(initrd_starts_on_a_page)
{
	kernel.init_size = 8 * MIB + 1;
	request.initrd_bytes = (128 - 24) * MIB - SPEC_PAGE;
	accepted();
	ck_assert_uint_eq(plan.initrd.gpa, 24 * MIB + SPEC_PAGE);
	request.initrd_bytes++;
	refused("initrd");
}
END_TEST

/* B20: the last byte is at initrd_addr_max or below, the first one on a page. */
START_TEST(initrd_addr_max)
{
	request.initrd_bytes = 2 * SPEC_PAGE;
	for (uint64_t max = 64 * MIB - 3; max <= 64 * MIB + 1; max++) {
		kernel.initrd_addr_max = (uint32_t)max;
		accepted();
		ck_assert_uint_le(plan.initrd.gpa + plan.initrd.size_bytes - 1, max);
		ck_assert_uint_eq(plan.initrd.gpa,
				  64 * MIB - (max < 64 * MIB - 1 ? 3 : 2) * SPEC_PAGE);
	}
	kernel.initrd_addr_max = 0;
	refused("initrd_addr_max");
	kernel.initrd_addr_max = MIB;
	refused("there are 0; above 4 GiB the kernel does not find it");
	kernel.initrd_addr_max = 24 * MIB - 1;
	refused("initrd_addr_max");
	kernel.initrd_addr_max = 24 * MIB + 2 * SPEC_PAGE - 2;
	refused("there are 8191; above 4 GiB");
	kernel.initrd_addr_max++;
	accepted();
	ck_assert_uint_eq(plan.initrd.gpa, 24 * MIB);
	kernel.initrd_addr_max = 0;
	request.initrd_bytes = 0;
	accepted();
}
END_TEST

START_TEST(initrd_below_the_hole)
{
	request.ram_bytes = 6 * GIB;
	request.initrd_bytes = 0x1001;
	accepted();
	ck_assert_uint_eq(plan.initrd.gpa, 2 * GIB - 0x2000);
	kernel.initrd_addr_max = 0xffffffff;
	accepted();
	ck_assert_uint_eq(plan.initrd.gpa, SPEC_HOLE - 0x2000);
	request.initrd_bytes = SPEC_HOLE - 24 * MIB;
	accepted();
	ck_assert_uint_eq(plan.initrd.gpa, 24 * MIB);
	request.initrd_bytes++;
	refused("no -m makes room");
}
END_TEST

/* I03 */
START_TEST(initrd_of_absurd_size)
{
	static const uint64_t sizes[] = { 128 * MIB, 128 * MIB + 1, 1ULL << 32, INT64_MAX,
					  UINT64_MAX };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		request.initrd_bytes = sizes[i];
		refused("initrd some/initrd");
	}
}
END_TEST

static char *line_of(size_t length)
{
	char *line = malloc(length + 1);

	ck_assert_ptr_nonnull(line);
	memset(line, 'x', length);
	line[length] = '\0';
	return line;
}

static void check_cmdline(size_t length, const char *refusal)
{
	char *line = line_of(length);

	request.cmdline = line;
	if (refusal) {
		refused(refusal);
	} else {
		accepted();
		check_range(plan.cmdline, SPEC_CMDLINE, length + 1);
	}
	free(line);
}

/* cmdline_size counts without the NUL. */
START_TEST(cmdline_to_the_byte)
{
	check_cmdline(0, NULL);
	check_cmdline(2046, NULL);
	check_cmdline(2047, NULL);
	check_cmdline(2048, "at most 2047 bytes (cmdline_size); this one has 2048");
	check_cmdline(1 << 20, "cmdline_size");
	kernel.cmdline_size = 1;
	check_cmdline(1, NULL);
	check_cmdline(2, "cmdline_size");
}
END_TEST

/* B19: a kernel that takes any length still gets what fits between 0x20000 and 0x9fc00. */
START_TEST(cmdline_slot)
{
	const size_t slot = SPEC_LOW_RAM_END - SPEC_CMDLINE;

	kernel.cmdline_size = 0xffffffff;
	check_cmdline(slot - 2, NULL);
	check_cmdline(slot - 1, NULL);
	check_cmdline(slot, "room for a command line of at most 523263 bytes");
	check_cmdline(slot + 1, "room for");
}
END_TEST

/* Same request, same plan, whatever the memory held before. */
START_TEST(plan_is_a_function)
{
	struct boot_plan other;

	request.initrd_bytes = 12345;
	memset(&other, 0xff, sizeof(other));
	memset(&plan, 0x55, sizeof(plan));
	accepted();
	ck_assert_int_eq(plan_boot(&request, &other, &error), 0);
	ck_assert_mem_eq(&plan, &other, offsetof(struct boot_plan, e820));
	ck_assert_uint_eq(plan.e820_entries, other.e820_entries);
	for (size_t i = 0; i < other.e820_entries; i++)
		check_e820(i, other.e820[i].gpa, other.e820[i].gpa + other.e820[i].size_bytes,
			   other.e820[i].type);
}
END_TEST

static void check_segment(const struct entry_segment *s, uint16_t selector, uint8_t type)
{
	ck_assert_uint_eq(s->selector, selector);
	ck_assert_uint_eq(s->base, 0);
	ck_assert_uint_eq(s->type, type);
	ck_assert_uint_eq(s->present, 1);
	ck_assert_uint_eq(s->dpl, 0);
}

/* [BOOT] "64-bit Boot Protocol"; bit numbers from [SDM] volume 3, "Control Registers". */
START_TEST(entry_state)
{
	struct entry_state state;

	accepted();
	memset(&state, 0xff, sizeof(state));
	entry_linux64(&plan, &state);
	ck_assert_uint_eq(state.rip, 0x1000200);
	ck_assert_uint_eq(state.rsi, SPEC_ZERO_PAGE);
	ck_assert_uint_eq(state.rflags, 0x2);
	ck_assert_uint_eq(state.cr0, 1ULL << 31 | 1 << 4 | 1 << 0);
	ck_assert_uint_eq(state.cr3, SPEC_PAGE_TABLES);
	ck_assert_uint_eq(state.cr4, 1 << 5);
	ck_assert_uint_eq(state.efer, 1 << 10 | 1 << 8);
	ck_assert_uint_eq(state.gdt_gpa, SPEC_GDT);
	ck_assert_uint_eq(state.gdt_limit, 6 * 8 - 1);
	ck_assert_uint_eq(state.rsp % 16, 0);
	ck_assert_uint_le(state.rsp, SPEC_ZERO_PAGE);
	ck_assert_uint_gt(state.rsp, SPEC_GDT + 6 * 8);
}
END_TEST

START_TEST(entry_segments)
{
	struct entry_state state;

	accepted();
	entry_linux64(&plan, &state);
	check_segment(&state.cs, SPEC_BOOT_CS, 0xb);
	ck_assert_uint_eq(state.cs.limit, 0xffffffff);
	ck_assert(state.cs.s && state.cs.l && !state.cs.db && state.cs.g);
	check_segment(&state.ds, SPEC_BOOT_DS, 0x3);
	ck_assert_uint_eq(state.ds.limit, 0xffffffff);
	ck_assert(state.ds.s && !state.ds.l && state.ds.db && state.ds.g);
	check_segment(&state.tr, 0x20, 0xb);
	ck_assert_uint_eq(state.tr.limit, 0x67);
	ck_assert(!state.tr.s && !state.tr.l && !state.tr.db && !state.tr.g);
}
END_TEST

static Suite *plan_suite(void)
{
	Suite *s = suite_create("plan");
	TCase *tc = tcase_create("plan");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, every_range);
	tcase_add_test(tc, e820_of_a_small_guest);
	tcase_add_test(tc, ram_round_the_hole);
	tcase_add_test(tc, ram_limits);
	tcase_add_test(tc, kernel_fits_or_not_to_the_byte);
	tcase_add_test(tc, pref_address_edges);
	tcase_add_test(tc, too_little_ram_tells_how_much);
	tcase_add_test(tc, impossible_pref_addresses);
	tcase_add_test(tc, no_preference);
	tcase_add_test(tc, not_relocatable);
	tcase_add_test(tc, initrd_to_the_byte);
	tcase_add_test(tc, initrd_starts_on_a_page);
	tcase_add_test(tc, initrd_addr_max);
	tcase_add_test(tc, initrd_below_the_hole);
	tcase_add_test(tc, initrd_of_absurd_size);
	tcase_add_test(tc, cmdline_to_the_byte);
	tcase_add_test(tc, cmdline_slot);
	tcase_add_test(tc, plan_is_a_function);
	tcase_add_test(tc, entry_state);
	tcase_add_test(tc, entry_segments);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *sr = srunner_create(plan_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
