/* SPDX-License-Identifier: MIT */
/*
 * Virtual addresses by page tables typed from [SDM] "4-Level Paging and 5-Level Paging": which bits
 * of an address select which entry, how large a page is that a table of each level maps, and what is
 * no page at all. And the kernel's own map, found by its symbols.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/le.h"
#include "vmm/inside/space.h"

enum {
	RAM_BYTES = 8 << 20,
	/* Where the tests' tables lie: one page for each level. */
	AT_PML5 = 0x5000,
	AT_PML4 = 0x4000,
	AT_PDPT = 0x3000,
	AT_PD = 0x2000,
	AT_PT = 0x1000,
	PRESENT = 1,
	PRESENT_WRITABLE_DIRTY = 0x63,
	PRESENT_PS = 0x81,
};

#define NX (1ull << 63)

static uint8_t *ram;
static struct guest_memory memory;
static struct space space;

static void setup(void)
{
	ram = calloc(1, RAM_BYTES);
	ck_assert_ptr_nonnull(ram);
	memory = (struct guest_memory){ .region[0] = { 0, RAM_BYTES, ram } };
	space = (struct space){ .memory = &memory, .cr3 = AT_PML4, .paging = true };
}

static void teardown(void)
{
	free(ram);
}

static void entry(uint64_t table, unsigned int index, uint64_t value)
{
	put_le64(ram + table + 8 * index, value);
}

static void leads_to(uint64_t virtual, uint64_t physical)
{
	uint64_t found = 0;

	ck_assert_msg(space_translate(&space, virtual, &found), "%#llx is not mapped",
		      (unsigned long long)virtual);
	ck_assert_uint_eq(found, physical);
}

static void leads_nowhere(uint64_t virtual)
{
	uint64_t found;

	ck_assert_msg(!space_translate(&space, virtual, &found), "%#llx is mapped",
		      (unsigned long long)virtual);
}

/* 0xffffffff81234567: PML4 entry 511, PDPT entry 510, PD entry 9, PT entry 0x34. */
static void map_kernel_page(uint64_t physical)
{
	entry(AT_PML4, 511, AT_PDPT | PRESENT_WRITABLE_DIRTY);
	entry(AT_PDPT, 510, AT_PD | PRESENT_WRITABLE_DIRTY);
	entry(AT_PD, 9, AT_PT | PRESENT_WRITABLE_DIRTY);
	entry(AT_PT, 0x34, physical | PRESENT_WRITABLE_DIRTY | NX);
}

START_TEST(four_levels_lead_to_a_page)
{
	map_kernel_page(0x7b000);
	leads_to(0xffffffff81234567, 0x7b567);
	leads_to(0xffffffff81234000, 0x7b000);
	leads_nowhere(0xffffffff81233fff);
	leads_nowhere(0xffffffff81235000);
	leads_nowhere(0xffffffff80034567); /* another PD entry */
	leads_nowhere(0xffffffffc1234567); /* another PDPT entry */
	leads_nowhere(0xffffff7f81234567); /* another PML4 entry */
}
END_TEST

/* The low 12 bits of CR3 are flags or a PCID. */
START_TEST(cr3_is_more_than_an_address)
{
	map_kernel_page(0x7b000);
	space.cr3 = 0x8000000000000000 | AT_PML4 | 0x018;
	leads_to(0xffffffff81234567, 0x7b567);
}
END_TEST

START_TEST(each_level_must_be_present)
{
	static const struct {
		uint64_t table;
		unsigned int index;
	} step[] = { { AT_PML4, 511 }, { AT_PDPT, 510 }, { AT_PD, 9 }, { AT_PT, 0x34 } };

	map_kernel_page(0x7b000);
	for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		ram[step[i].table + 8 * step[i].index] ^= PRESENT;
		leads_nowhere(0xffffffff81234567);
		ram[step[i].table + 8 * step[i].index] ^= PRESENT;
	}
	leads_to(0xffffffff81234567, 0x7b567);
}
END_TEST

/* Bit 7 of a page's own entry is PAT; in a large page's entry that is bit 12. */
START_TEST(pages_of_two_mebibytes_and_one_gibibyte)
{
	entry(AT_PML4, 273, AT_PDPT | PRESENT); /* 0xffff888000000000, Linux's direct map */
	entry(AT_PDPT, 0, AT_PD | PRESENT);
	entry(AT_PD, 1, 0x400000 | 1 << 12 | PRESENT_PS);
	entry(AT_PDPT, 2, 0 | 1 << 12 | PRESENT_PS);
	leads_to(0xffff8880003abcde, 0x5abcde);
	leads_to(0xffff888080012345, 0x012345);
	leads_nowhere(0xffff888080900000); /* mapped to 9 MiB, where there is no RAM */
	map_kernel_page(0x7b000 | PRESENT_PS);
	leads_to(0xffffffff81234567, 0x7b567);
}
END_TEST

START_TEST(no_page_is_larger_than_a_gibibyte)
{
	entry(AT_PML4, 0, AT_PDPT | PRESENT_PS);
	entry(AT_PDPT, 0, PRESENT_PS);
	leads_nowhere(0x1000);
	entry(AT_PML4, 0, AT_PDPT | PRESENT);
	leads_to(0x1000, 0x1000);
}
END_TEST

START_TEST(five_levels)
{
	map_kernel_page(0x7b000);
	entry(AT_PML5, 511, AT_PML4 | PRESENT);
	entry(AT_PML5, 0x110, AT_PML4 | PRESENT); /* 0xff10.... */
	space.five_levels = true;
	space.cr3 = AT_PML5;
	leads_to(0xffffffff81234567, 0x7b567);
	leads_to(0xff10ffff81234567, 0x7b567);
	leads_nowhere(0xff11ffff81234567);
	leads_nowhere(0xfe10ffff81234567); /* not canonical: bit 56 is not repeated */
	leads_nowhere(0x0110ffff81234567);
}
END_TEST

/* Bits 63:48 must be what bit 47 is. */
START_TEST(what_is_not_canonical_is_not_mapped)
{
	map_kernel_page(0x7b000);
	entry(AT_PML4, 255, AT_PDPT | PRESENT);
	leads_to(0x00007fff81234567, 0x7b567);
	leads_nowhere(0x0000ffff81234567);
	leads_nowhere(0xffff7fff81234567);
	leads_nowhere(0x7fffffff81234567);
}
END_TEST

START_TEST(tables_and_pages_must_lie_in_ram)
{
	map_kernel_page(RAM_BYTES);
	leads_nowhere(0xffffffff81234567);
	map_kernel_page(0x000ffffffffff000);
	leads_nowhere(0xffffffff81234567);
	map_kernel_page(0x7b000);
	entry(AT_PD, 9, 0x0007fffffffff000 | PRESENT);
	leads_nowhere(0xffffffff81234567);
	space.cr3 = 0x000ffffffffff000;
	leads_nowhere(0xffffffff81234567);
}
END_TEST

/* A table that is its own entry is a page of itself in the end, not an endless walk. */
START_TEST(a_table_may_be_its_own_entry)
{
	entry(AT_PML4, 511, AT_PML4 | PRESENT);
	leads_to(0xfffffffffffff123, AT_PML4 + 0x123);
}
END_TEST

START_TEST(reads_cross_pages_and_stop_where_nothing_is)
{
	uint8_t got[0x3000];

	map_kernel_page(0x10000);
	entry(AT_PT, 0x35, 0x30000 | PRESENT);
	memset(ram + 0x10000, 'a', 0x1000);
	memset(ram + 0x30000, 'b', 0x1000);
	ck_assert(space_read(&space, 0xffffffff81234ffe, got, 4));
	ck_assert_mem_eq(got, "aabb", 4);
	ck_assert(!space_read(&space, 0xffffffff81234001, got, 0x2000));
	ck_assert_uint_eq(space_read_some(&space, 0xffffffff81234001, got, sizeof(got)), 0x1fff);
	ck_assert_uint_eq(got[0xffe], 'a');
	ck_assert_uint_eq(got[0xfff], 'b');
	ck_assert_uint_eq(space_read_some(&space, 0xffffffff81233fff, got, sizeof(got)), 0);
	ck_assert(space_read(&space, 0xffffffff81234ffe, got, 0));
}
END_TEST

START_TEST(reads_do_not_go_round_the_end)
{
	uint8_t got[16];

	entry(AT_PML4, 511, AT_PML4 | PRESENT); /* the last page is the table itself */
	entry(AT_PML4, 0, AT_PDPT | PRESENT);   /* and address 0 is mapped too */
	entry(AT_PDPT, 0, PRESENT_PS);
	ck_assert_uint_eq(space_read_some(&space, UINT64_MAX - 7, got, sizeof(got)), 8);
	ck_assert(!space_read(&space, UINT64_MAX, got, 2));
}
END_TEST

START_TEST(without_paging_addresses_are_physical)
{
	uint8_t got[2];

	space.paging = false;
	leads_to(0x123456, 0x123456);
	leads_nowhere(RAM_BYTES);
	ck_assert(!space_read(&space, RAM_BYTES - 1, got, 2));
	ck_assert_uint_eq(space_read_some(&space, RAM_BYTES - 1, got, 2), 1);
}
END_TEST

/* --- the kernel's own ------------------------------------------------------------------------ */

/* init_top_pgt's page is AT_PML4, linux_banner lies in the page that map_kernel_page() maps. */
static char names[] = "init_top_pgt\0linux_banner";
static struct symbol by_address[] = {
	{ 0xffffffff80004000, 0, 'D' },
	{ 0xffffffff81234567, 13, 'R' },
};
static uint32_t by_name[] = { 0, 1 };
static const struct symbols symbols = {
	.by_address = by_address,
	.by_name = by_name,
	.count = 2,
	.names = names,
	.names_bytes = sizeof(names),
};

START_TEST(the_kernels_tables_are_found_by_symbols)
{
	map_kernel_page(0x7b000);
	strcpy((char *)ram + 0x7b567, "Linux version 6.1.0");
	ck_assert(space_of_kernel(&space, &memory, &symbols));
	ck_assert(space.paging && !space.five_levels && !space.linear);
	leads_to(0xffffffff81234567, 0x7b567);
}
END_TEST

START_TEST(the_kernels_tables_may_have_five_levels)
{
	entry(AT_PML4, 511, AT_PML5 | PRESENT); /* the top is at init_top_pgt, whatever it is */
	entry(AT_PML5, 511, AT_PDPT | PRESENT);
	entry(AT_PDPT, 510, AT_PD | PRESENT);
	entry(AT_PD, 9, AT_PT | PRESENT);
	entry(AT_PT, 0x34, 0x7b000 | PRESENT);
	strcpy((char *)ram + 0x7b567, "Linux version 6.1.0");
	ck_assert(space_of_kernel(&space, &memory, &symbols));
	ck_assert(space.paging && space.five_levels && !space.linear);
}
END_TEST

/* 0xffffffff81234567 is 0x1234567 behind the base: 18.2 MiB, so this guest needs more RAM. */
START_TEST(a_kernel_that_died_early_is_read_linearly)
{
	static const char banner[] = "Linux version 6.1.0";
	uint8_t *high = calloc(1, 0x1000);

	memory.region[1] = (struct guest_memory_region){ 0x1234000, 0x1000, high };
	memcpy(high + 0x567, banner, sizeof(banner));
	ck_assert(space_of_kernel(&space, &memory, &symbols));
	ck_assert(space.linear);
	leads_to(0xffffffff81234567, 0x1234567);
	leads_to(0xffffffff80000000, 0);
	memory.region[0].gpa = 0x80000000; /* what 0x1000 would be, 2 GiB behind */
	leads_nowhere(0x1000);
	leads_nowhere(0xffffffff7fffffff);
	high[0x567] = 'l';
	ck_assert(!space_of_kernel(&space, &memory, &symbols));
	free(high);
}
END_TEST

/* [SDM] "Paging Modes and Control Bits": CR0.PG, CR4.PAE, CR4.LA57, IA32_EFER.LMA. */
START_TEST(a_cpus_own_space)
{
	const uint64_t pe_pg = 0x80000001, pae = 1 << 5, la57 = 1 << 12, lma = 1 << 10;

	map_kernel_page(0x7b000);
	entry(AT_PML5, 511, AT_PML4 | PRESENT);
	ck_assert(space_of_cpu(&space, &memory, pe_pg, AT_PML4 | 0x18, pae, lma));
	leads_to(0xffffffff81234567, 0x7b567);
	leads_nowhere(0x1000);
	ck_assert(space_of_cpu(&space, &memory, pe_pg, AT_PML5, pae | la57, lma));
	leads_to(0xffffffff81234567, 0x7b567);
	ck_assert(space_of_cpu(&space, &memory, 1, AT_PML4, pae, 0));
	leads_to(0x1000, 0x1000);
	ck_assert(space_of_cpu(&space, &memory, 0, AT_PML4, 0, 0));
	leads_to(0x1000, 0x1000);
	ck_assert(!space_of_cpu(&space, &memory, pe_pg, AT_PML4, pae, 0));
	ck_assert(!space_of_cpu(&space, &memory, pe_pg, AT_PML4, 0, 0));
}
END_TEST

START_TEST(without_symbols_there_is_no_kernel)
{
	const struct symbols none = { 0 };

	map_kernel_page(0x7b000);
	strcpy((char *)ram + 0x7b567, "Linux version 6.1.0");
	ck_assert(!space_of_kernel(&space, &memory, &none));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("space");
	TCase *walks = tcase_create("tables");
	TCase *reads = tcase_create("reads");
	TCase *kernel = tcase_create("kernel");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(walks, setup, teardown);
	tcase_add_test(walks, four_levels_lead_to_a_page);
	tcase_add_test(walks, cr3_is_more_than_an_address);
	tcase_add_test(walks, each_level_must_be_present);
	tcase_add_test(walks, pages_of_two_mebibytes_and_one_gibibyte);
	tcase_add_test(walks, no_page_is_larger_than_a_gibibyte);
	tcase_add_test(walks, five_levels);
	tcase_add_test(walks, what_is_not_canonical_is_not_mapped);
	tcase_add_test(walks, tables_and_pages_must_lie_in_ram);
	tcase_add_test(walks, a_table_may_be_its_own_entry);
	suite_add_tcase(suite, walks);
	tcase_add_checked_fixture(reads, setup, teardown);
	tcase_add_test(reads, reads_cross_pages_and_stop_where_nothing_is);
	tcase_add_test(reads, reads_do_not_go_round_the_end);
	tcase_add_test(reads, without_paging_addresses_are_physical);
	suite_add_tcase(suite, reads);
	tcase_add_checked_fixture(kernel, setup, teardown);
	tcase_add_test(kernel, the_kernels_tables_are_found_by_symbols);
	tcase_add_test(kernel, the_kernels_tables_may_have_five_levels);
	tcase_add_test(kernel, a_kernel_that_died_early_is_read_linearly);
	tcase_add_test(kernel, a_cpus_own_space);
	tcase_add_test(kernel, without_symbols_there_is_no_kernel);
	suite_add_tcase(suite, kernel);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
