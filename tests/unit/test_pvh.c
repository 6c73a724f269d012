/* SPDX-License-Identifier: MIT */
/*
 * pvh_build() and entry_pvh() against [PVH]: the start info with its lists, and the state of the
 * processor that finds it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "boot/entry.h"
#include "boot/pvh.h"
#include "vmm/base/le.h"

/* [PVH], the start info's header: offsets and sizes. */
enum {
	SPEC_MAGIC = 0,
	SPEC_VERSION = 4,
	SPEC_FLAGS = 8,
	SPEC_NR_MODULES = 12,
	SPEC_MODLIST_PADDR = 16,
	SPEC_CMDLINE_PADDR = 24,
	SPEC_RSDP_PADDR = 32,
	SPEC_MEMMAP_PADDR = 40,
	SPEC_MEMMAP_ENTRIES = 48,
	SPEC_RESERVED = 52,
	SPEC_START_INFO_BYTES = 56,

	SPEC_MODULE_PADDR = 0,
	SPEC_MODULE_SIZE = 8,
	SPEC_MODULE_CMDLINE_PADDR = 16,
	SPEC_MODULE_RESERVED = 24,
	SPEC_MODULE_BYTES = 32,

	SPEC_MEMMAP_ADDR = 0,
	SPEC_MEMMAP_SIZE = 8,
	SPEC_MEMMAP_TYPE = 16,
	SPEC_MEMMAP_RESERVED = 20,
	SPEC_MEMMAP_BYTES = 24,
	SPEC_MEMMAP_TYPE_RAM = 1,
	SPEC_MEMMAP_TYPE_RESERVED = 2,

	SPEC_XEN_HVM_START_MAGIC_VALUE = 0x336ec578,
};

/* [SDM] volume 3, "Control Registers", "Segment Descriptors". */
enum {
	SPEC_CR0_PE = 1 << 0,
	SPEC_CR0_ET = 1 << 4,
	SPEC_EFLAGS_ONE = 1 << 1,
	SPEC_TYPE_CODE_READ_ACCESSED = 11,
	SPEC_TYPE_DATA_WRITE_ACCESSED = 3,
	SPEC_TYPE_TSS_BUSY = 11,
};

enum { GPA = 0x6000, FILL = 0xa5, ROOM = 1024 };

static const struct plan_e820 map[] = {
	{ 0, 0x9fc00, PLAN_E820_RAM },
	{ 0x9fc00, 0x60400, PLAN_E820_RESERVED },
	{ 0x123456789a, 0x1122334455667788, PLAN_E820_RAM },
};

static uint8_t room[ROOM];
static struct pvh_facts facts;

static void setup(void)
{
	memset(room, FILL, sizeof(room));
	facts = (struct pvh_facts){
		.cmdline_gpa = 0x20000,
		.rsdp_gpa = 0xe0000,
		.initrd = { 0x1122334455000, 0x2345678912 },
		.e820 = map,
		.e820_entries = 3,
	};
}

static const uint8_t *at(uint64_t gpa)
{
	ck_assert_uint_ge(gpa, GPA);
	ck_assert_uint_lt(gpa, GPA + ROOM);
	return room + (gpa - GPA);
}

static void build(size_t size_bytes)
{
	ck_assert_uint_eq(pvh_bytes(&facts), size_bytes);
	pvh_build(&facts, GPA, room);
	for (size_t i = size_bytes; i < sizeof(room); i++)
		ck_assert_msg(room[i] == FILL, "byte %zu was written", i);
}

static void check_map(uint64_t gpa, size_t entries)
{
	for (size_t i = 0; i < entries; i++) {
		const uint8_t *entry = at(gpa + i * SPEC_MEMMAP_BYTES);

		ck_assert_uint_eq(get_le64(entry + SPEC_MEMMAP_ADDR), map[i].gpa);
		ck_assert_uint_eq(get_le64(entry + SPEC_MEMMAP_SIZE), map[i].size_bytes);
		ck_assert_uint_eq(get_le32(entry + SPEC_MEMMAP_TYPE),
				  i == 1 ? SPEC_MEMMAP_TYPE_RESERVED : SPEC_MEMMAP_TYPE_RAM);
		ck_assert_uint_eq(get_le32(entry + SPEC_MEMMAP_RESERVED), 0);
	}
}

START_TEST(start_info)
{
	const uint8_t *module;

	build(SPEC_START_INFO_BYTES + SPEC_MODULE_BYTES + 3 * SPEC_MEMMAP_BYTES);
	ck_assert_uint_eq(get_le32(room + SPEC_MAGIC), SPEC_XEN_HVM_START_MAGIC_VALUE);
	ck_assert_uint_eq(get_le32(room + SPEC_VERSION), 1);
	ck_assert_uint_eq(get_le32(room + SPEC_FLAGS), 0);
	ck_assert_uint_eq(get_le32(room + SPEC_NR_MODULES), 1);
	ck_assert_uint_eq(get_le64(room + SPEC_CMDLINE_PADDR), 0x20000);
	ck_assert_uint_eq(get_le64(room + SPEC_RSDP_PADDR), 0xe0000);
	ck_assert_uint_eq(get_le32(room + SPEC_MEMMAP_ENTRIES), 3);
	ck_assert_uint_eq(get_le32(room + SPEC_RESERVED), 0);

	/* The lists lie behind it, where 8 bytes can be read at once, and apart from each other. */
	ck_assert_uint_eq(get_le64(room + SPEC_MODLIST_PADDR), GPA + 56);
	ck_assert_uint_eq(get_le64(room + SPEC_MEMMAP_PADDR), GPA + 88);
	module = at(get_le64(room + SPEC_MODLIST_PADDR));
	ck_assert_uint_eq(get_le64(module + SPEC_MODULE_PADDR), 0x1122334455000);
	ck_assert_uint_eq(get_le64(module + SPEC_MODULE_SIZE), 0x2345678912);
	ck_assert_uint_eq(get_le64(module + SPEC_MODULE_CMDLINE_PADDR), 0);
	ck_assert_uint_eq(get_le64(module + SPEC_MODULE_RESERVED), 0);
	check_map(get_le64(room + SPEC_MEMMAP_PADDR), 3);
}
END_TEST

START_TEST(without_an_initrd)
{
	facts.initrd = (struct plan_range){ 0x5000, 0 };
	build(SPEC_START_INFO_BYTES + 3 * SPEC_MEMMAP_BYTES);
	ck_assert_uint_eq(get_le32(room + SPEC_NR_MODULES), 0);
	ck_assert_uint_eq(get_le64(room + SPEC_MODLIST_PADDR), 0);
	ck_assert_uint_eq(get_le64(room + SPEC_MEMMAP_PADDR), GPA + 56);
	check_map(get_le64(room + SPEC_MEMMAP_PADDR), 3);
}
END_TEST

START_TEST(without_a_memory_map)
{
	facts.e820_entries = 0;
	build(SPEC_START_INFO_BYTES + SPEC_MODULE_BYTES);
	ck_assert_uint_eq(get_le32(room + SPEC_MEMMAP_ENTRIES), 0);
	ck_assert_uint_eq(get_le64(room + SPEC_MEMMAP_PADDR), 0);
	ck_assert_uint_eq(get_le32(room + SPEC_NR_MODULES), 1);
}
END_TEST

/* The plan's longest map and an initrd: no more than the page it has. */
START_TEST(the_longest)
{
	static const struct plan_e820 longest[PLAN_E820_MAX];

	facts.e820 = longest;
	facts.e820_entries = PLAN_E820_MAX;
	build(SPEC_START_INFO_BYTES + SPEC_MODULE_BYTES + PLAN_E820_MAX * SPEC_MEMMAP_BYTES);
	ck_assert_uint_le(pvh_bytes(&facts), PLAN_PAGE_BYTES);
}
END_TEST

/* --- [PVH] "x86/HVM direct boot ABI", the machine state --------------------------------------- */

static const struct plan_range gdt = { 0x500, GDT_BYTES };

static void check_flat(const struct entry_segment *segment, unsigned int type)
{
	ck_assert_uint_eq(segment->base, 0);
	ck_assert_uint_eq(segment->limit, 0xffffffff);
	ck_assert_uint_eq(segment->type, type);
	ck_assert_uint_eq(segment->s, 1);
	ck_assert_uint_eq(segment->dpl, 0);
	ck_assert_uint_eq(segment->present, 1);
	ck_assert_uint_eq(segment->l, 0);
	ck_assert_uint_eq(segment->db, 1); /* 32 bits */
	ck_assert_uint_eq(segment->g, 1);
}

START_TEST(entry)
{
	struct entry_state state;

	memset(&state, FILL, sizeof(state));
	entry_pvh(0x1000850, GPA, &gdt, &state);
	ck_assert_uint_eq(state.rip, 0x1000850);
	ck_assert_uint_eq(state.rbx, GPA);
	ck_assert_uint_eq(state.cr0, SPEC_CR0_PE | SPEC_CR0_ET);
	ck_assert_uint_eq(state.cr4, 0);
	ck_assert_uint_eq(state.rflags, SPEC_EFLAGS_ONE);
	ck_assert_uint_eq(state.efer, 0);
	ck_assert_uint_eq(state.cr3, 0);
	ck_assert_uint_eq(state.rsi, 0);
	check_flat(&state.cs, SPEC_TYPE_CODE_READ_ACCESSED);
	check_flat(&state.ds, SPEC_TYPE_DATA_WRITE_ACCESSED);
	ck_assert_uint_eq(state.tr.base, 0);
	ck_assert_uint_eq(state.tr.limit, 0x67);
	ck_assert_uint_eq(state.tr.type, SPEC_TYPE_TSS_BUSY);
	ck_assert_uint_eq(state.tr.s, 0);
	ck_assert_uint_eq(state.tr.present, 1);
	ck_assert_uint_eq(state.tr.g, 0);
}
END_TEST

/* Not asked for by [PVH]: the selectors mean in the GDT what the registers hold. */
START_TEST(gdt_has_what_the_registers_hold)
{
	struct entry_state state;
	uint8_t table[GDT_BYTES];

	entry_pvh(0x1000850, GPA, &gdt, &state);
	gdt_build(table);
	ck_assert_uint_eq(state.gdt_gpa, 0x500);
	ck_assert_uint_eq(state.gdt_limit, sizeof(table) - 1);
	/* 4 GiB, 32-bit, ring 0; execute/read and read/write; a TSS of 0x68 bytes. */
	ck_assert_uint_eq(get_le64(table + state.cs.selector), 0x00cf9b000000ffff);
	ck_assert_uint_eq(get_le64(table + state.ds.selector), 0x00cf93000000ffff);
	ck_assert_uint_eq(get_le64(table + state.tr.selector), 0x00008b0000000067);
}
END_TEST

/* Pushes go to memory that nobody else has: below the start info, above the GDT. */
START_TEST(stack)
{
	struct entry_state state;

	entry_pvh(0x1000850, GPA, &gdt, &state);
	ck_assert_uint_gt(state.rsp, gdt.gpa + gdt.size_bytes + 0x1000);
	ck_assert_uint_le(state.rsp, GPA);
	ck_assert_uint_eq(state.rsp % 16, 0);
}
END_TEST

static Suite *pvh_suite(void)
{
	Suite *s = suite_create("pvh");
	TCase *tc = tcase_create("start info");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, start_info);
	tcase_add_test(tc, without_an_initrd);
	tcase_add_test(tc, without_a_memory_map);
	tcase_add_test(tc, the_longest);
	suite_add_tcase(s, tc);
	tc = tcase_create("entry");
	tcase_add_test(tc, entry);
	tcase_add_test(tc, gdt_has_what_the_registers_hold);
	tcase_add_test(tc, stack);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *sr = srunner_create(pvh_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
