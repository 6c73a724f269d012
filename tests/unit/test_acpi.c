/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables, by [ACPI] chapter 5: offsets and numbers are typed from its tables. Nothing of
 * the board is where it is on our machine, so that no constant of the code can fake it.
 */
#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "boot/acpi.h"
#include "vmm/base/le.h"

enum {
	SPEC_RSDP_BYTES = 36,
	SPEC_RSDP_BYTES_ACPI_1 = 20,
	SPEC_HEADER_BYTES = 36,
	SPEC_LENGTH = 4,
	SPEC_CHECKSUM = 9,
	SPEC_FACS_BYTES = 64,
	SPEC_FADT_BYTES = 276, /* since 6.0 */

	GPA = 0xe0000,
	GUARD = 0xa5,
	ROOT_ENTRIES = 2,
};

static const unsigned int COUNTS[] = { 1, 2, 15, 16, 64, 254, 255 };

enum { COUNTS_OF_CPUS = sizeof(COUNTS) / sizeof(COUNTS[0]) };

static struct board board;
static uint64_t base;
static uint8_t memory[ACPI_MAX_BYTES + 1];

static void build_at(uint64_t gpa)
{
	base = gpa;
	memset(memory, GUARD, sizeof(memory));
	acpi_build(&board, gpa, memory);
}

static void build(unsigned int cpus)
{
	board = (struct board){
		.cpus = cpus,
		.local_apic_gpa = 0xfe012000,
		.local_apic_version = 0x15,
		.io_apic_gpa = 0xfe345000,
		.io_apic_id = 0xfe,
		.io_apic_version = 0x20,
		.com1_port = 0x2e8,
		.com1_irq = 11,
		.pm1_event_port = 0xb100,
		.pm1_control_port = 0xc204,
		.sci_irq = 13,
		.sleep_type_s5 = 5,
		.reset_port = 0x1234,
		.reset_value = 0x5a,
		.cmos_century = 0x48,
	};
	build_at(GPA);
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

static const uint8_t *at_gpa(uint64_t gpa)
{
	ck_assert_uint_ge(gpa, base);
	ck_assert_uint_lt(gpa - base, acpi_bytes(&board));
	return memory + (gpa - base);
}

/* What [ACPI] "System Description Table Header" asks of each table but the FACS. */
static const uint8_t *table_at(uint64_t gpa, const char *signature, uint8_t revision, size_t bytes)
{
	const uint8_t *table = at_gpa(gpa);

	ck_assert_uint_eq(gpa % 8, 0);
	ck_assert_mem_eq(table, signature, 4);
	ck_assert_uint_eq(get_le32(table + SPEC_LENGTH), bytes);
	ck_assert_uint_le(gpa - base + bytes, acpi_bytes(&board));
	ck_assert_uint_eq(table[8], revision);
	ck_assert_uint_eq(sum(table, bytes), 0);
	ck_assert_mem_eq(table + 10, "TVMM  ", 6);
	ck_assert_mem_eq(table + 16, "MICROVM ", 8);
	ck_assert_uint_eq(get_le32(table + 24), 1);
	ck_assert_mem_eq(table + 28, "TVMM", 4);
	ck_assert_uint_eq(get_le32(table + 32), 1);
	return table;
}

static const uint8_t *xsdt(void)
{
	return table_at(get_le64(memory + 24), "XSDT", 1, SPEC_HEADER_BYTES + 8 * ROOT_ENTRIES);
}

static uint64_t fadt_gpa(void)
{
	return get_le64(xsdt() + SPEC_HEADER_BYTES);
}

static const uint8_t *fadt(void)
{
	return table_at(fadt_gpa(), "FACP", 6, SPEC_FADT_BYTES);
}

static size_t madt_bytes(void)
{
	return 44 + 8 * board.cpus + 12 + 10 + 6;
}

static const uint8_t *madt(void)
{
	return table_at(get_le64(xsdt() + SPEC_HEADER_BYTES + 8), "APIC", 5, madt_bytes());
}

static const uint8_t *dsdt(size_t bytes)
{
	return table_at(get_le64(fadt() + 140), "DSDT", 2, bytes);
}

START_TEST(rsdp)
{
	static const uint8_t zero[3] = { 0 };

	ck_assert_mem_eq(memory, "RSD PTR ", 8);
	ck_assert_uint_eq(sum(memory, SPEC_RSDP_BYTES_ACPI_1), 0);
	ck_assert_uint_eq(sum(memory, SPEC_RSDP_BYTES), 0);
	ck_assert_mem_eq(memory + 9, "TVMM  ", 6);
	ck_assert_uint_eq(memory[15], 2);
	ck_assert_uint_eq(get_le32(memory + 20), SPEC_RSDP_BYTES);
	ck_assert_mem_eq(memory + 33, zero, 3);
}
END_TEST

/* Both roots, for old readers and new ones, name the same two tables. */
START_TEST(two_roots)
{
	const uint8_t *rsdt =
		table_at(get_le32(memory + 16), "RSDT", 1, SPEC_HEADER_BYTES + 4 * ROOT_ENTRIES);

	for (size_t i = 0; i < ROOT_ENTRIES; i++)
		ck_assert_uint_eq(get_le32(rsdt + SPEC_HEADER_BYTES + 4 * i),
				  get_le64(xsdt() + SPEC_HEADER_BYTES + 8 * i));
	(void)fadt();
	(void)madt();
}
END_TEST

START_TEST(facs)
{
	uint8_t want[SPEC_FACS_BYTES] = { 'F', 'A', 'C', 'S', SPEC_FACS_BYTES };
	uint32_t gpa = get_le32(fadt() + 36);

	want[32] = 2; /* version */
	ck_assert_uint_eq(gpa % 64, 0);
	ck_assert_mem_eq(at_gpa(gpa), want, sizeof(want));
}
END_TEST

static void put_io(uint8_t *at, uint8_t bits, uint8_t access, uint16_t port)
{
	at[0] = 1; /* System I/O */
	at[1] = bits;
	at[3] = access; /* 1 byte, 2 word */
	put_le16(at + 4, port);
}

/* Every byte of it: what is not named is 0, which says that it is not there. */
START_TEST(fadt_bytes)
{
	uint8_t want[SPEC_FADT_BYTES] = { 0 };

	memcpy(want, fadt(), SPEC_HEADER_BYTES);               /* looked at already */
	put_le32(want + 36, get_le32(fadt() + 36));            /* FACS: see facs */
	put_le32(want + 40, (uint32_t)get_le64(fadt() + 140)); /* DSDT: see dsdt_bytes */
	put_le64(want + 140, get_le64(fadt() + 140));
	put_le16(want + 46, 13); /* SCI */
	put_le32(want + 56, 0xb100);
	put_le32(want + 64, 0xc204);
	want[88] = 4;
	want[89] = 2;
	put_le16(want + 96, 101);   /* above 100: no C2 */
	put_le16(want + 98, 1001);  /* above 1000: no C3 */
	want[108] = 0x48;           /* century */
	put_le16(want + 109, 0x05); /* legacy devices; no VGA; no 8042 either */
	/* WBINVD, C1, neither button, no RTC wake-up, RESET_REG, headless */
	put_le32(want + 112, 1 << 0 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 10 | 1 << 12);
	put_io(want + 116, 8, 1, 0x1234);
	want[128] = 0x5a;
	want[131] = 3; /* 6.3 */
	put_io(want + 148, 32, 2, 0xb100);
	put_io(want + 172, 16, 2, 0xc204);
	memcpy(want + 268, "TVMM", 4);
	for (size_t i = 0; i < sizeof(want); i++)
		ck_assert_msg(fadt()[i] == want[i], "byte %zu: %#x, not %#x", i, fadt()[i],
			      want[i]);
}
END_TEST

START_TEST(madt_entries)
{
	static const uint8_t io_apic[12] = { 1, 12, 0xfe, 0, 0x00, 0x50, 0x34, 0xfe, 0, 0, 0, 0 };
	static const uint8_t sci[10] = { 2, 10, 0, 13, 13, 0, 0, 0, 0x0d, 0 }; /* high, level */
	static const uint8_t nmi[6] = { 4, 6, 0xff, 0, 0, 1 };

	for (int i = 0; i < COUNTS_OF_CPUS; i++) {
		const uint8_t *entry;

		build(COUNTS[i]);
		ck_assert_uint_eq(get_le32(madt() + 36), 0xfe012000);
		ck_assert_uint_eq(get_le32(madt() + 40), 1); /* 8259s are there too */
		entry = madt() + 44;
		for (unsigned int cpu = 0; cpu < COUNTS[i]; cpu++, entry += 8) {
			const uint8_t want[8] = { 0, 8, (uint8_t)cpu, (uint8_t)cpu, 1, 0, 0, 0 };

			ck_assert_mem_eq(entry, want, 8);
		}
		ck_assert_mem_eq(entry, io_apic, 12);
		ck_assert_mem_eq(entry + 12, sci, 10);
		ck_assert_mem_eq(entry + 22, nmi, 6);
		ck_assert_ptr_eq(entry + 28, madt() + madt_bytes());
	}
}
END_TEST

/* By [ACPI] "AML Grammar Definition" and "Resource Data Types for ACPI". */
START_TEST(dsdt_bytes)
{
	static const uint8_t want[] = {
		0x08, '_',  'S',  '5',  '_',  0x12, 7,    4,    0x0a, 5,    0, 0, 0, /* Name */
		0x10, 50,   '_',  'S',  'B',  '_',                                   /* Scope */
		0x5b, 0x82, 43,   'C',  'O',  'M',  '1',                             /* Device */
		0x08, '_',  'H',  'I',  'D',  0x0c, 0x41, 0xd0, 0x05, 0x01,          /* PNP0501 */
		0x08, '_',  'U',  'I',  'D',  0x01,                                  /* 1 */
		0x08, '_',  'C',  'R',  'S',  0x11, 16,   0x0a, 13,                  /* Buffer */
		0x47, 0x01, 0xe8, 0x02, 0xe8, 0x02, 0x01, 0x08,                      /* IO */
		0x22, 0x00, 0x08,                                                    /* IRQ 11 */
		0x79, 0x00,
	};
	size_t bytes = SPEC_HEADER_BYTES + sizeof(want);

	ck_assert_mem_eq(dsdt(bytes) + SPEC_HEADER_BYTES, want, sizeof(want));
}
END_TEST

START_TEST(every_sleep_type)
{
	for (uint8_t type = 0; type < 8; type++) {
		const uint8_t *s5;
		bool prefix = type > 1;

		board.sleep_type_s5 = type;
		build_at(GPA);
		s5 = dsdt(SPEC_HEADER_BYTES + 63 + prefix) + SPEC_HEADER_BYTES + 5;
		ck_assert_uint_eq(s5[1], 6 + prefix);
		if (prefix)
			ck_assert_uint_eq(s5[3], 0x0a);
		ck_assert_uint_eq(s5[3 + prefix], type);
	}
}
END_TEST

START_TEST(size_is_what_is_written)
{
	for (int i = 0; i < COUNTS_OF_CPUS; i++) {
		size_t bytes;

		build(COUNTS[i]);
		bytes = acpi_bytes(&board);
		ck_assert_uint_le(bytes, ACPI_MAX_BYTES);
		ck_assert_uint_ge(bytes, (size_t)128 + SPEC_FADT_BYTES + madt_bytes());
		for (size_t at = bytes; at < sizeof(memory); at++)
			ck_assert_uint_eq(memory[at], GUARD);
	}
}
END_TEST

/* Where each table is and how long. */
struct extent {
	uint64_t gpa;
	size_t bytes;
};

static size_t extents(struct extent *extent)
{
	const uint64_t gpas[] = {
		get_le32(memory + 16),
		get_le64(memory + 24),
		fadt_gpa(),
		get_le32(fadt() + 36),
		get_le64(xsdt() + SPEC_HEADER_BYTES + 8),
		get_le64(fadt() + 140),
	};
	size_t count = sizeof(gpas) / sizeof(gpas[0]);

	extent[0] = (struct extent){ base, SPEC_RSDP_BYTES };
	for (size_t i = 0; i < count; i++)
		extent[i + 1] = (struct extent){ gpas[i], get_le32(at_gpa(gpas[i]) + SPEC_LENGTH) };
	return count + 1;
}

/* No table lies in another, the last one ends where all end, and between them are zeroes. */
START_TEST(no_overlap)
{
	for (int i = 0; i < COUNTS_OF_CPUS; i++) {
		static uint8_t owners[ACPI_MAX_BYTES];
		struct extent extent[8];
		size_t count, bytes;

		build(COUNTS[i]);
		memset(owners, 0, sizeof(owners));
		count = extents(extent);
		bytes = acpi_bytes(&board);
		for (size_t t = 0; t < count; t++) {
			for (size_t at = 0; at < extent[t].bytes; at++)
				owners[extent[t].gpa - base + at]++;
		}
		for (size_t at = 0; at < bytes; at++) {
			ck_assert_uint_le(owners[at], 1);
			ck_assert(owners[at] == 1 || memory[at] == 0);
		}
		ck_assert_uint_eq(owners[bytes - 1], 1);
	}
}
END_TEST

/* Everything goes along, and nothing but the addresses and checksums changes. */
START_TEST(elsewhere)
{
	static uint8_t before[ACPI_MAX_BYTES];
	size_t bytes = acpi_bytes(&board), changed = 0;

	memcpy(before, memory, bytes);
	build_at(0x7ff00000);
	ck_assert_uint_eq(sum(memory, SPEC_RSDP_BYTES_ACPI_1), 0);
	ck_assert_uint_eq(sum(memory, SPEC_RSDP_BYTES), 0);
	(void)table_at(get_le32(memory + 16), "RSDT", 1, SPEC_HEADER_BYTES + 4 * ROOT_ENTRIES);
	(void)madt();
	ck_assert_mem_eq(at_gpa(get_le32(fadt() + 36)), "FACS", 4);
	ck_assert_mem_eq(at_gpa(get_le32(fadt() + 40)), "DSDT", 4);
	(void)dsdt(SPEC_HEADER_BYTES + 64);
	for (size_t i = 0; i < bytes; i++)
		changed += memory[i] != before[i];
	ck_assert_uint_gt(changed, 0);
	ck_assert_uint_le(changed, 4 * 9 + 2 + 3);
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
	build_at(GPA + 32);
}
END_TEST

START_TEST(too_high)
{
	build_at(0xffff8000);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { rsdp,
				       two_roots,
				       facs,
				       fadt_bytes,
				       madt_entries,
				       dsdt_bytes,
				       every_sleep_type,
				       size_is_what_is_written,
				       no_overlap,
				       elsewhere };
	const TTest *const mistakes[] = { no_cpu, one_cpu_too_many, not_aligned, too_high };
	Suite *suite = suite_create("acpi");
	TCase *tcase = tcase_create("acpi");
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
