/* SPDX-License-Identifier: MIT */
/*
 * -smp's words, and the shape that CPUID tells: one package, N cores, one thread in each, the APIC id
 * of a CPU its number.
 *
 * Expectations: [SDM] "CPUID—CPU Identification" (leaves 1, 4, 0BH, 1FH) and "Hierarchical Mapping of
 * Shared Resources"; [APM] volume 3, appendix E, functions 1, 8000_0001, 8000_0008, 8000_001D and
 * 8000_001E. Words: QEMU's manual, "-smp".
 */
#include <check.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/topology.h"

enum {
	SPEC_LEVEL_INVALID = 0, /* 0BH, ECX[15:8] */
	SPEC_LEVEL_THREAD = 1,
	SPEC_LEVEL_CORE = 2,

	ENTRIES = 32,
};

static struct {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entries[ENTRIES + TOPOLOGY_ADDS_ENTRIES];
} table;
static struct kvm_cpuid2 *const cpuid = &table.head;
static unsigned int cpus;
static struct err e;

/* The words of -smp. */

static void accept(const char *text, unsigned int spec_cpus)
{
	cpus = 0;
	ck_assert_msg(topology_parse(text, &cpus, &e) == 0, "%s: %s", text, e.text);
	ck_assert_msg(cpus == spec_cpus, "%s: %u", text, cpus);
}

static void refuse(const char *text, int code, const char *names)
{
	ck_assert_msg(topology_parse(text, &cpus, &e) == -code, "'%s': %s", text, e.text);
	ck_assert_ptr_nonnull(strstr(e.text, "-smp"));
	ck_assert_msg(strstr(e.text, names) != NULL, "%s: %s", text, e.text);
}

START_TEST(words)
{
	accept("1", 1);
	accept("16", 16);
	accept("255", 255);
	accept("cpus=4", 4);
	accept("4,sockets=1,cores=4,threads=1", 4);
	accept("4,maxcpus=4,dies=1,clusters=1,modules=1", 4);
	accept("cores=3", 3);
	accept("maxcpus=7", 7);
	accept("sockets=1,cores=2,threads=1", 2);
	accept("threads=1", 1);
	accept("2,cpus=3", 3); /* the last one counts */
}
END_TEST

START_TEST(another_shape)
{
	refuse("4,sockets=2", ENOTSUP, "sockets=2");
	refuse("sockets=4", ENOTSUP, "sockets=4");
	refuse("4,cores=2", ENOTSUP, "cores=2");
	refuse("4,cores=2,threads=2", ENOTSUP, "cores=2");
	refuse("2,threads=2", ENOTSUP, "threads=2");
	refuse("2,maxcpus=4", ENOTSUP, "maxcpus=4");
	refuse("2,dies=2", ENOTSUP, "dies=2");
	refuse("2,clusters=2", ENOTSUP, "clusters=2");
	refuse("4,sockets=2", ENOTSUP, "cores=4"); /* what there is */
}
END_TEST

START_TEST(too_many)
{
	refuse("256", ENOTSUP, "255");
	refuse("cpus=1000", ENOTSUP, "1000");
	refuse("4294967297", ENOTSUP, "x2APIC"); /* 1 in 32 bits */
	refuse("18446744073709551617", ENOTSUP, "x2APIC");
	refuse("cores=256", ENOTSUP, "x2APIC");
}
END_TEST

START_TEST(no_number)
{
	static const char *const texts[] = { "",           "0",       "x",          "1x",
					     "-1",         "+1",      " 1",         "0x4",
					     "1.5",        "cpus=",   "cpus=0",     "cpus=x",
					     "4,cores=0",  "4,",      ",4",         "4,5",
					     "4,,cores=4", "cores",   "=4",         "books=1",
					     "4,cpu=4",    "cpus=4 ", "4,cores=4,", "CPUS=4",
					     "4;cores=4",  "4,=4",    "cpus==4",    "4,cores=-4" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		refuse(texts[i], EINVAL, "'");
}
END_TEST

/* CPUID. */

static struct kvm_cpuid_entry2 *add(uint32_t function, uint32_t index)
{
	struct kvm_cpuid_entry2 *entry = &table.entries[cpuid->nent++];

	ck_assert_uint_le(cpuid->nent, ENTRIES);
	*entry = (struct kvm_cpuid_entry2){ .function = function, .index = index };
	return entry;
}

static struct kvm_cpuid_entry2 *find(uint32_t function, uint32_t index)
{
	struct kvm_cpuid_entry2 *found = NULL;

	for (uint32_t i = 0; i < cpuid->nent; i++) {
		if (table.entries[i].function != function || table.entries[i].index != index)
			continue;
		ck_assert_ptr_null(found); /* twice */
		found = &table.entries[i];
	}
	ck_assert_ptr_nonnull(found);
	return found;
}

static uint32_t field(uint32_t value, unsigned int high, unsigned int low)
{
	return value >> low & (uint32_t)((1ULL << (high - low + 1)) - 1);
}

/* A host of many CPUs: all bits of the words in question are set, to be cleared or kept. */
static void make_host(uint32_t vendor_ebx)
{
	static const uint32_t leaves[] = { 1, 7, 0x80000001, 0x80000008, 0x8000001e };
	static const uint32_t cache_types[] = { 1, 2, 3, 3 };
	static const uint32_t cache_levels[] = { 1, 1, 2, 3 };

	memset(&table, 0, sizeof(table));
	add(0, 0)->ebx = vendor_ebx;
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		struct kvm_cpuid_entry2 *entry = add(leaves[i], 0);

		entry->eax = entry->ebx = entry->ecx = entry->edx = 0xffffffff;
	}
	for (uint32_t i = 0; i < 4; i++) {
		add(4, i)->eax = 0xffffc000 | 1 << 8 | cache_levels[i] << 5 | cache_types[i];
		add(0x8000001d, i)->eax =
			0xffffc000 | 1 << 8 | cache_levels[i] << 5 | cache_types[i];
	}
	add(4, 4);
	add(0x8000001d, 4);
	for (uint32_t i = 0; i < 3; i++) {
		add(0xb, i)->eax = 5;
		add(0x1f, i)->ebx = 64;
		add(0x80000026, i)->ebx = 64;
	}
}

static void make_intel(void)
{
	make_host(0x756e6547); /* "Genu" */
}

static void make_amd(void)
{
	make_host(0x68747541); /* "Auth" */
}

static const unsigned int counts[] = { 1, 2, 3, 4, 5, 8, 16, 63, 64, 65, 128, 129, 254, 255 };

enum { COUNTS = sizeof(counts) / sizeof(counts[0]) };

/* [SDM]: the nearest power of 2 that is not smaller. */
static unsigned int spec_ids(unsigned int count)
{
	unsigned int ids = 1;

	while (ids < count)
		ids *= 2;
	return ids;
}

START_TEST(leaf_1)
{
	for (int i = 0; i < COUNTS; i++) {
		make_intel();
		topology_set(cpuid, counts[i]);
		for (unsigned int cpu = 0; cpu < counts[i]; cpu++) {
			const struct kvm_cpuid_entry2 *leaf = find(1, 0);

			topology_set_cpu(cpuid, cpu);
			ck_assert_uint_eq(field(leaf->ebx, 31, 24), cpu);
			ck_assert_uint_eq(field(leaf->ebx, 23, 16), counts[i]);
			ck_assert_uint_eq(field(leaf->ebx, 15, 0), 0xffff);         /* the host's */
			ck_assert_uint_eq(field(leaf->edx, 28, 28), counts[i] > 1); /* HTT */
			ck_assert_uint_eq(leaf->edx | 1U << 28, 0xffffffff);
			ck_assert_uint_eq(leaf->ecx, 0xffffffff);
		}
	}
}
END_TEST

static void check_levels(uint32_t function, unsigned int count)
{
	static const uint32_t spec_types[] = { SPEC_LEVEL_THREAD, SPEC_LEVEL_CORE,
					       SPEC_LEVEL_INVALID };
	const uint32_t spec_counts[] = { 1, count, 0 };

	for (uint32_t level = 0; level < 3; level++) {
		const struct kvm_cpuid_entry2 *leaf = find(function, level);

		ck_assert_uint_eq(field(leaf->ecx, 7, 0), level);
		ck_assert_uint_eq(field(leaf->ecx, 15, 8), spec_types[level]);
		ck_assert_uint_eq(leaf->ebx, spec_counts[level]);
		ck_assert_uint_eq(leaf->flags, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	}
	ck_assert_uint_eq(find(function, 0)->eax, 0);                     /* every id is a core's */
	ck_assert_uint_eq(1U << find(function, 1)->eax, spec_ids(count)); /* one package */
	for (unsigned int cpu = 0; cpu < count; cpu++) {
		topology_set_cpu(cpuid, cpu);
		for (uint32_t level = 0; level < 3; level++)
			ck_assert_uint_eq(find(function, level)->edx, cpu);
		ck_assert_uint_eq(cpu >> find(function, 1)->eax, 0);
	}
}

START_TEST(leaves_of_levels)
{
	for (int i = 0; i < COUNTS; i++) {
		make_intel();
		topology_set(cpuid, counts[i]);
		check_levels(0xb, counts[i]);
		check_levels(0x1f, counts[i]);
	}
}
END_TEST

/* Linux 6.2 and later report one empty entry; a CPU without the leaf reports none. */
START_TEST(leaves_of_levels_as_kvm_reports_them)
{
	memset(&table, 0, sizeof(table));
	add(0xb, 0)->edx = 77;
	topology_set(cpuid, 4);
	ck_assert_uint_eq(cpuid->nent, 3);
	check_levels(0xb, 4);

	memset(&table, 0, sizeof(table));
	add(1, 0);
	topology_set(cpuid, 4);
	ck_assert_uint_eq(cpuid->nent, 1);
}
END_TEST

START_TEST(caches_of_intel)
{
	for (int i = 0; i < COUNTS; i++) {
		unsigned int ids = spec_ids(counts[i]);

		make_intel();
		topology_set(cpuid, counts[i]);
		for (uint32_t cache = 0; cache < 4; cache++) {
			uint32_t eax = find(4, cache)->eax;

			ck_assert_uint_eq(field(eax, 31, 26) + 1, ids < 64 ? ids : 64);
			ck_assert_uint_eq(field(eax, 25, 14) + 1, cache == 3 ? ids : 1);
			ck_assert_uint_eq(field(eax, 8, 8), 1); /* the host's */
			ck_assert_uint_eq(field(eax, 7, 5), cache < 2 ? 1 : cache);
		}
		ck_assert_uint_eq(find(4, 4)->eax, 0);
	}
}
END_TEST

START_TEST(amd)
{
	for (int i = 0; i < COUNTS; i++) {
		unsigned int n = counts[i];

		make_amd();
		topology_set(cpuid, n);
		ck_assert_uint_eq(field(find(0x80000008, 0)->ecx, 7, 0) + 1, n);
		ck_assert_uint_eq(1U << field(find(0x80000008, 0)->ecx, 15, 12), spec_ids(n));
		ck_assert_uint_eq(find(0x80000008, 0)->ecx | 0xf0ff, 0xffffffff);
		ck_assert_uint_eq(find(0x80000008, 0)->eax, 0xffffffff);
		ck_assert_uint_eq(field(find(0x80000001, 0)->ecx, 1, 1), n > 1); /* CmpLegacy */
		for (uint32_t cache = 0; cache < 4; cache++) {
			uint32_t eax = find(0x8000001d, cache)->eax;

			ck_assert_uint_eq(field(eax, 25, 14) + 1, cache == 3 ? n : 1);
			ck_assert_uint_eq(field(eax, 31, 26), 0);
		}
		check_levels(0xb, n);
		for (unsigned int cpu = 0; cpu < n; cpu++) {
			const struct kvm_cpuid_entry2 *ids = find(0x8000001e, 0);

			topology_set_cpu(cpuid, cpu);
			ck_assert_uint_eq(ids->eax, cpu);                 /* extended APIC id */
			ck_assert_uint_eq(field(ids->ebx, 7, 0), cpu);    /* core */
			ck_assert_uint_eq(field(ids->ebx, 15, 8) + 1, 1); /* threads in it */
			ck_assert_uint_eq(field(ids->ecx, 7, 0), 0);      /* node */
			ck_assert_uint_eq(field(ids->ecx, 10, 8) + 1, 1); /* nodes */
		}
	}
}
END_TEST

/* What only AMD's processors have is nothing to write into on Intel's. */
START_TEST(amds_fields_on_intel)
{
	make_intel();
	topology_set(cpuid, 8);
	ck_assert_uint_eq(field(find(0x80000001, 0)->ecx, 1, 1), 0);
	ck_assert_uint_eq(find(0x80000008, 0)->ecx & 0xf0ff, 0);
}
END_TEST

/* A leaf that would tell the host's levels is left out, and what is no topology stays. */
START_TEST(what_is_dropped_and_what_stays)
{
	make_amd();
	topology_set(cpuid, 8);
	for (uint32_t i = 0; i < cpuid->nent; i++)
		ck_assert_uint_ne(table.entries[i].function, 0x80000026);
	ck_assert_uint_eq(find(7, 0)->ebx, 0xffffffff);
	ck_assert_uint_eq(find(0, 0)->ebx, 0x68747541);
}
END_TEST

/* One table serves all CPUs in turn, in any order. */
START_TEST(a_cpu_leaves_nothing_behind)
{
	static struct kvm_cpuid_entry2 of_cpu_2[ENTRIES + TOPOLOGY_ADDS_ENTRIES];

	make_amd();
	topology_set(cpuid, 16);
	topology_set_cpu(cpuid, 2);
	memcpy(of_cpu_2, table.entries, sizeof(of_cpu_2));
	topology_set_cpu(cpuid, 15);
	ck_assert_int_ne(memcmp(of_cpu_2, table.entries, sizeof(of_cpu_2)), 0);
	topology_set_cpu(cpuid, 2);
	ck_assert_int_eq(memcmp(of_cpu_2, table.entries, sizeof(of_cpu_2)), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		words,
		another_shape,
		too_many,
		no_number,
		leaf_1,
		leaves_of_levels,
		leaves_of_levels_as_kvm_reports_them,
		caches_of_intel,
		amd,
		amds_fields_on_intel,
		what_is_dropped_and_what_stays,
		a_cpu_leaves_nothing_behind,
	};
	Suite *suite = suite_create("topology");
	TCase *tcase = tcase_create("topology");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
