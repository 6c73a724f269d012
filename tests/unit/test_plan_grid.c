/* SPDX-License-Identifier: MIT */
/*
 * Every (pref_address, init_size, RAM, initrd) on a grid of edges, two to either side of each:
 * a request that fits gets a plan in which nothing overlaps, and one that does not is refused in a
 * line of text. Which is which, tests/common/planspec.c says.
 *
 * Some edges depend on what was chosen before: the kernel's end at the end of RAM, the initrd's at
 * initrd_addr_max.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/bootspec.h"
#include "tests/common/planspec.h"
#include "tests/common/refusal.h"

#define PAGE 0x1000ULL
#define MIB  0x100000ULL
#define GIB  0x40000000ULL
#define HOLE (3 * GIB)

enum { EDGES_MAX = 160, KERNEL_MIN_BYTES = 0x201, KERNEL_BYTES = 0x9000 };

struct edges {
	uint64_t value[EDGES_MAX];
	size_t count;
};

/* What the images of the grid differ in, besides. */
static const struct variant {
	bool relocatable;
	uint32_t alignment, initrd_addr_max;
} variants[] = {
	{ true, 0x200000, 0x7fffffff },
	{ true, 0x1000, 0xffffffff },
	{ true, 0x40000000, 0x37ffffff },
	{ false, 3, 0x7fffffff },
	{ true, 0x1000, 0 },
};

static struct bzimage kernel;
static struct plan_request request;
static struct boot_plan plan;
static struct err error;
static unsigned long plans, refusals;

static void add(struct edges *edges, uint64_t value)
{
	for (size_t i = 0; i < edges->count; i++) {
		if (edges->value[i] == value)
			return;
	}
	if (edges->count == EDGES_MAX)
		ck_abort_msg("too many edges");
	edges->value[edges->count++] = value;
}

/* Two to either side, wrapping round at the ends of 64 bits. */
static void add_edge(struct edges *edges, uint64_t value)
{
	for (int d = -2; d <= 2; d++)
		add(edges, value + (uint64_t)(int64_t)d);
}

/* The same in pages, for numbers that must be a multiple of one. */
static void add_page_edge(struct edges *edges, uint64_t value)
{
	for (int d = -2; d <= 2; d++)
		add(edges, value + (uint64_t)(int64_t)d * PAGE);
}

static void complain(const char *what)
{
	ck_abort_msg(
		"%s: RAM 0x%llx, %srelocatable, alignment 0x%x, pref_address 0x%llx, init_size "
		"0x%x, initrd 0x%llx up to 0x%x: %s",
		what, (unsigned long long)request.ram_bytes, kernel.relocatable ? "" : "not ",
		kernel.kernel_alignment, (unsigned long long)kernel.pref_address, kernel.init_size,
		(unsigned long long)request.initrd_bytes, kernel.initrd_addr_max, error.text);
}

static void try_request(void)
{
	bool possible = planspec_possible(&request);
	const char *flaw;
	int rc;

	memset(&error, 0, sizeof(error));
	rc = plan_boot(&request, &plan, &error);
	if ((rc == 0) != possible)
		complain(possible ? "refused" : "accepted");
	flaw = rc == 0 ? planspec_flaw(&request, &plan) : refusal_flaw(rc, &error);
	if (flaw)
		complain(flaw);
	plans += possible;
	refusals += !possible;
}

static void try_initrds(void)
{
	uint64_t top = kernel.initrd_addr_max + 1ULL, end = kernel.pref_address + kernel.init_size;
	uint64_t first = (end + PAGE - 1) / PAGE * PAGE; /* where an initrd can begin */
	uint64_t ram = request.ram_bytes < HOLE ? request.ram_bytes : HOLE;
	struct edges sizes = { .count = 0 };

	add(&sizes, 0);
	add(&sizes, 1);
	add_edge(&sizes, PAGE);
	add_edge(&sizes, ram - first);
	add_edge(&sizes, top - first);
	add(&sizes, ram);
	add(&sizes, 1ULL << 32);
	add(&sizes, 1ULL << 63);
	add(&sizes, UINT64_MAX);
	for (size_t i = 0; i < sizes.count; i++) {
		request.initrd_bytes = sizes.value[i];
		try_request();
	}
}

static void try_init_sizes(void)
{
	static const uint64_t fixed[] = { PAGE, MIB, 16 * MIB, GIB, 1ULL << 31 };
	uint64_t ram = request.ram_bytes < HOLE ? request.ram_bytes : HOLE;
	struct edges sizes = { .count = 0 };

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		add_edge(&sizes, fixed[i]);
	add_edge(&sizes, ram - kernel.pref_address);
	add_edge(&sizes, HOLE - kernel.pref_address);
	add(&sizes, UINT32_MAX);
	add(&sizes, UINT32_MAX - 1);
	for (size_t i = 0; i < sizes.count; i++) {
		/* bzimage_parse() lets no init_size below the kernel's own size through. */
		if (sizes.value[i] < KERNEL_MIN_BYTES || sizes.value[i] > UINT32_MAX)
			continue;
		kernel.init_size = (uint32_t)sizes.value[i];
		kernel.kernel_bytes =
			kernel.init_size < KERNEL_BYTES ? kernel.init_size : KERNEL_BYTES;
		try_initrds();
	}
}

static void try_pref_addresses(void)
{
	static const uint64_t fixed[] = { 0,          PAGE,       MIB,        2 * MIB,
					  16 * MIB,   GIB,        HOLE,       4 * GIB,
					  UINT32_MAX, 1ULL << 52, 1ULL << 63, UINT64_MAX };
	struct edges prefs = { .count = 0 };

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		add_edge(&prefs, fixed[i]);
		add(&prefs, fixed[i] - PAGE);
		add(&prefs, fixed[i] + PAGE);
	}
	add_page_edge(&prefs, request.ram_bytes);
	for (uint64_t mib = 4; mib <= 12; mib += 2)
		add_page_edge(&prefs, mib * MIB);
	add(&prefs, request.ram_bytes - 16 * MIB);
	add(&prefs, HOLE - 16 * MIB);
	for (size_t i = 0; i < prefs.count; i++) {
		kernel.pref_address = prefs.value[i];
		try_init_sizes();
	}
}

static void setup(void)
{
	kernel = (struct bzimage){ .version = 0x020f, .cmdline_size = 2047 };
	request = (struct plan_request){
		.kernel = &kernel, .kernel_name = "k", .initrd_name = "i", .cmdline = "quiet"
	};
	plans = refusals = 0;
}

static const uint64_t rams[] = { 16 * MIB, 17 * MIB,    128 * MIB, HOLE - PAGE,
				 HOLE,     HOLE + PAGE, 4 * GIB,   (1ULL << 52) - GIB };

START_TEST(every_request_of_the_grid)
{
	request.ram_bytes = rams[_i];
	for (size_t v = 0; v < sizeof(variants) / sizeof(variants[0]); v++) {
		kernel.relocatable = variants[v].relocatable;
		kernel.kernel_alignment = variants[v].alignment;
		kernel.initrd_addr_max = variants[v].initrd_addr_max;
		try_pref_addresses();
	}
	ck_assert_uint_gt(plans, 1000);
	ck_assert_uint_gt(refusals, 1000);
}
END_TEST

/* RAM itself, which is judged before anything else, beside a kernel that fits anywhere. */
START_TEST(every_size_of_ram)
{
	static const uint64_t fixed[] = { 0,       PAGE,       MIB,        16 * MIB,  HOLE,
					  4 * GIB, 1ULL << 52, 1ULL << 63, UINT64_MAX };
	struct edges sizes = { .count = 0 };

	kernel.relocatable = true;
	kernel.kernel_alignment = PAGE;
	kernel.pref_address = 2 * MIB;
	kernel.initrd_addr_max = 0x7fffffff;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		add_edge(&sizes, fixed[i]);
		add_page_edge(&sizes, fixed[i]);
		add_page_edge(&sizes, fixed[i] - GIB);
		add(&sizes, fixed[i] + PAGE / 2);
	}
	for (size_t i = 0; i < sizes.count; i++) {
		request.ram_bytes = sizes.value[i];
		try_init_sizes();
	}
	ck_assert_uint_gt(plans, 1000);
	ck_assert_uint_gt(refusals, 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan_grid");
	TCase *tcase = tcase_create("plan_grid");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, every_request_of_the_grid, 0, sizeof(rams) / sizeof(rams[0]));
	tcase_add_test(tcase, every_size_of_ram);
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
