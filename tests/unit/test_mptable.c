/* SPDX-License-Identifier: MIT */
/*
 * The MP table, by [MP] chapter 4, "MP Configuration Table": offsets and numbers are typed from
 * its figures and tables.
 */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "boot/mptable.h"
#include "vmm/base/le.h"

enum {
	SPEC_FLOATING_BYTES = 16,
	SPEC_HEADER_BYTES = 44,
	SPEC_PROCESSOR_BYTES = 20,
	SPEC_OTHER_BYTES = 8,

	GPA = 0xf0000,
	GUARD = 0xa5,
	ISA_INTERRUPTS = 15, /* 0 to 15 without the cascade */
	OTHERS = 1 + 1 + ISA_INTERRUPTS + 2,
};

static const unsigned int COUNTS[] = { 1, 2, 15, 16, 64, 254, 255 };

enum { COUNTS_OF_CPUS = sizeof(COUNTS) / sizeof(COUNTS[0]) };

static struct board board;
static uint8_t memory[MPTABLE_MAX_BYTES + 1];
static const uint8_t *const table = memory + SPEC_FLOATING_BYTES;

/* Nothing here is where it is on our machine, so that no constant of the code can fake it. */
static void build(unsigned int cpus)
{
	board = (struct board){
		.cpus = cpus,
		.local_apic_gpa = 0xfe012000,
		.local_apic_version = 0x15,
		.io_apic_gpa = 0xfe345000,
		.io_apic_id = 0xfe,
		.io_apic_version = 0x20,
		.com1_port = 0x3f8,
		.com1_irq = 4,
		.sci_irq = 9,
	};
	memset(memory, GUARD, sizeof(memory));
	mptable_build(&board, GPA, memory);
}

static void setup(void)
{
	build(2);
}

static uint8_t sum(const uint8_t *at, size_t bytes)
{
	uint8_t total = 0;

	while (bytes--)
		total = (uint8_t)(total + *at++);
	return total;
}

START_TEST(floating_pointer)
{
	static const uint8_t features[5] = { 0 }; /* a table, and virtual wire */

	ck_assert_mem_eq(memory, "_MP_", 4);
	ck_assert_uint_eq(get_le32(memory + 4), GPA + SPEC_FLOATING_BYTES);
	ck_assert_uint_eq(memory[8], 1); /* paragraphs */
	ck_assert_uint_eq(memory[9], 4); /* 1.4 */
	ck_assert_uint_eq(sum(memory, SPEC_FLOATING_BYTES), 0);
	ck_assert_mem_eq(memory + 11, features, 5);
}
END_TEST

START_TEST(floating_pointer_elsewhere)
{
	mptable_build(&board, 0x9fc10, memory);
	ck_assert_uint_eq(get_le32(memory + 4), 0x9fc10 + SPEC_FLOATING_BYTES);
	ck_assert_uint_eq(sum(memory, SPEC_FLOATING_BYTES), 0);
}
END_TEST

START_TEST(header)
{
	for (int i = 0; i < COUNTS_OF_CPUS; i++) {
		unsigned int cpus = COUNTS[i];
		size_t bytes =
			SPEC_HEADER_BYTES + cpus * SPEC_PROCESSOR_BYTES + OTHERS * SPEC_OTHER_BYTES;

		build(cpus);
		ck_assert_mem_eq(table, "PCMP", 4);
		ck_assert_uint_eq(get_le16(table + 4), bytes);
		ck_assert_uint_eq(table[6], 4); /* 1.4 */
		ck_assert_uint_eq(sum(table, bytes), 0);
		ck_assert_mem_eq(table + 8, "TVMM    ", 8);
		ck_assert_mem_eq(table + 16, "MICROVM     ", 12);
		ck_assert_uint_eq(get_le32(table + 28), 0); /* no OEM table */
		ck_assert_uint_eq(get_le16(table + 32), 0);
		ck_assert_uint_eq(get_le16(table + 34), cpus + OTHERS);
		ck_assert_uint_eq(get_le32(table + 36), 0xfe012000);
		ck_assert_uint_eq(get_le32(table + 40), 0); /* no extended entries */
	}
}
END_TEST

START_TEST(size_is_what_is_written)
{
	for (int i = 0; i < COUNTS_OF_CPUS; i++) {
		size_t bytes;

		build(COUNTS[i]);
		bytes = mptable_bytes(&board);
		ck_assert_uint_eq(bytes, (size_t)SPEC_FLOATING_BYTES + get_le16(table + 4));
		ck_assert_uint_le(bytes, MPTABLE_MAX_BYTES);
		for (size_t at = bytes; at < sizeof(memory); at++)
			ck_assert_uint_eq(memory[at], GUARD);
	}
}
END_TEST

START_TEST(processors)
{
	for (int i = 0; i < COUNTS_OF_CPUS; i++) {
		build(COUNTS[i]);
		for (unsigned int cpu = 0; cpu < COUNTS[i]; cpu++) {
			const uint8_t *entry =
				table + SPEC_HEADER_BYTES + cpu * SPEC_PROCESSOR_BYTES;

			ck_assert_uint_eq(entry[0], 0);
			ck_assert_uint_eq(entry[1], cpu);
			ck_assert_uint_eq(entry[2], 0x15);
			ck_assert_uint_eq(entry[3], cpu == 0 ? 3 : 1); /* enabled, bootstrap */
			ck_assert_uint_eq(get_le32(entry + 4), 0x600); /* family 6 */
			ck_assert_uint_eq(get_le32(entry + 8), 0x381); /* FPU MCE CX8 APIC */
			ck_assert_uint_eq(get_le64(entry + 12), 0);
		}
	}
}
END_TEST

static const uint8_t *behind_processors(unsigned int cpus)
{
	return table + SPEC_HEADER_BYTES + cpus * SPEC_PROCESSOR_BYTES;
}

START_TEST(bus_and_io_apic)
{
	for (int i = 0; i < COUNTS_OF_CPUS; i++) {
		static const uint8_t bus[8] = { 1, 0, 'I', 'S', 'A', ' ', ' ', ' ' };
		static const uint8_t io_apic[8] = { 2, 0xfe, 0x20, 1, 0x00, 0x50, 0x34, 0xfe };

		build(COUNTS[i]);
		ck_assert_mem_eq(behind_processors(COUNTS[i]), bus, 8);
		ck_assert_mem_eq(behind_processors(COUNTS[i]) + 8, io_apic, 8);
	}
}
END_TEST

/* Each ISA interrupt at the input of its number, as KVM routes them; 2 is nobody's. */
START_TEST(interrupts)
{
	for (int i = 0; i < COUNTS_OF_CPUS; i++) {
		const uint8_t *entry;

		build(COUNTS[i]);
		entry = behind_processors(COUNTS[i]) + 2 * SPEC_OTHER_BYTES;
		for (uint8_t irq = 0; irq < 16; irq++) {
			const uint8_t want[8] = { 3, 0, 0, 0, 0, irq, 0xfe, irq };

			if (irq == 2)
				continue;
			ck_assert_mem_eq(entry, want, 8);
			entry += SPEC_OTHER_BYTES;
		}
	}
}
END_TEST

/* LINT0 is ExtINT, LINT1 is NMI, on all local APICs. */
START_TEST(local_interrupts)
{
	static const uint8_t want[16] = { 4, 3, 0, 0, 0, 0, 0xff, 0, 4, 1, 0, 0, 0, 0, 0xff, 1 };

	for (int i = 0; i < COUNTS_OF_CPUS; i++) {
		build(COUNTS[i]);
		ck_assert_mem_eq(behind_processors(COUNTS[i]) + (OTHERS - 2) * SPEC_OTHER_BYTES,
				 want, 16);
		ck_assert_uint_eq(mptable_bytes(&board) - SPEC_FLOATING_BYTES,
				  (size_t)(behind_processors(COUNTS[i]) - table) +
					  OTHERS * SPEC_OTHER_BYTES);
	}
}
END_TEST

START_TEST(no_cpu)
{
	build(0);
}
END_TEST

START_TEST(one_cpu_too_many)
{
	build(256);
}
END_TEST

START_TEST(not_aligned)
{
	mptable_build(&board, GPA + 8, memory);
}
END_TEST

START_TEST(too_high)
{
	mptable_build(&board, 0xffff8000, memory);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { floating_pointer, floating_pointer_elsewhere,
				       header,           size_is_what_is_written,
				       processors,       bus_and_io_apic,
				       interrupts,       local_interrupts };
	const TTest *const mistakes[] = { no_cpu, one_cpu_too_many, not_aligned, too_high };
	Suite *suite = suite_create("mptable");
	TCase *tcase = tcase_create("mptable");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
		tcase_add_test_raise_signal(tcase, mistakes[i], SIGABRT);
	tcase_add_checked_fixture(tcase, setup, NULL);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
