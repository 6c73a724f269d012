/* SPDX-License-Identifier: MIT */
/*
 * Every (pref_address, init_size, RAM, initrd) on a grid of edges, two to either side of each,
 * of bzImages, ELF files and ELF files out of bzImages: a request that fits gets a plan in which
 * nothing overlaps, and one that does not is refused in a line of text that says what -m would do.
 * Which is which, tests/common/planspec.c says.
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

/* What the kernels of the grid differ in, besides. */
enum kind {
	BZIMAGE,
	ELF,
	ELF_BY_PVH,
	UNPACKED
}; /* UNPACKED: a bzImage's header, and its ELF file */

static const struct variant {
	enum kind kind;
	bool relocatable;
	uint32_t alignment, initrd_addr_max;
	uint16_t xloadflags;
	unsigned int cpus; /* 0: no tables */
} variants[] = {
	{ BZIMAGE, true, 0x200000, 0x7fffffff, SPEC_XLF_CAN_BE_LOADED_ABOVE_4G, 1 },
	{ BZIMAGE, true, 0x1000, 0xffffffff, 0, 0 },
	{ BZIMAGE, true, 0x40000000, 0x37ffffff, 0, 255 },
	{ BZIMAGE, false, 3, 0x7fffffff, 0, 2 },
	{ BZIMAGE, true, 0x1000, 0, SPEC_XLF_CAN_BE_LOADED_ABOVE_4G, 0 },
	{ UNPACKED, true, 0x200000, 0x37ffffff, 0, 16 },
	{ UNPACKED, true, 0x200000, 0xffffffff, SPEC_XLF_CAN_BE_LOADED_ABOVE_4G, 1 },
	{ ELF, false, 0, 0, 0, 4 },
	{ ELF_BY_PVH, false, 0, 0, 0, 1 },
};

static struct bzimage kernel;
static struct elfimage elf;
static struct board board;
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
	if (rc < 0 && !flaw)
		flaw = planspec_flaw_of_advice(&request, &error);
	if (flaw)
		complain(flaw);
	plans += possible;
	refusals += !possible;
}

static uint64_t low_ram(void)
{
	return request.ram_bytes < HOLE ? request.ram_bytes : HOLE;
}

static void try_initrds(void)
{
	uint64_t top = kernel.initrd_addr_max + 1ULL, end = kernel.pref_address + kernel.init_size;
	uint64_t first = (end + PAGE - 1) / PAGE * PAGE; /* where an initrd can begin */
	struct edges sizes = { .count = 0 };

	request.initrd_bytes = 0;
	try_request();
	add(&sizes, 1);
	add(&sizes, UINT64_MAX);
	if (planspec_possible(&request)) { /* or no initrd makes it so */
		add_edge(&sizes, PAGE);
		add_edge(&sizes, low_ram() - first);
		add_edge(&sizes, top - first);
		add_edge(&sizes, request.ram_bytes - low_ram());
		add_edge(&sizes, 0x80000000 - first);
		add(&sizes, request.ram_bytes);
		add(&sizes, 1ULL << 32);
		add(&sizes, 1ULL << 63);
	}
	for (size_t i = 0; i < sizes.count; i++) {
		request.initrd_bytes = sizes.value[i];
		try_request();
	}
}

/* The same kernel as an ELF file: a segment that fills its memory to the end, and one behind it. */
static bool make_elf(void)
{
	uint64_t first = kernel.init_size / 2;

	if (kernel.pref_address > ELFIMAGE_GPA_END - kernel.init_size)
		return false; /* elfimage_parse() lets none of these through */
	elf.start_gpa = elf.entry_gpa = kernel.pref_address;
	elf.end_gpa = elf.start_gpa + kernel.init_size;
	elf.segments = 2;
	elf.segment[0] = (struct elfimage_segment){ 0x1000, first, elf.start_gpa, first };
	elf.segment[1] = (struct elfimage_segment){ 0x200000, 0, elf.start_gpa + first,
						    kernel.init_size - first };
	return true;
}

static void try_kernel(uint64_t init_size)
{
	/* bzimage_parse() lets no init_size below the kernel's own size through. */
	if (init_size < KERNEL_MIN_BYTES || init_size > UINT32_MAX)
		return;
	kernel.init_size = (uint32_t)init_size;
	kernel.kernel_bytes = init_size < KERNEL_BYTES ? init_size : KERNEL_BYTES;
	if (!request.elf || make_elf())
		try_initrds();
}

static void try_init_sizes(void)
{
	static const uint64_t fixed[] = { PAGE, MIB, 16 * MIB, GIB, 1ULL << 31 };
	struct edges sizes = { .count = 0 };

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		add_edge(&sizes, fixed[i]);
	add_edge(&sizes, low_ram() - kernel.pref_address);
	add_edge(&sizes, HOLE - kernel.pref_address);
	add(&sizes, UINT32_MAX);
	add(&sizes, UINT32_MAX - 1);
	for (size_t i = 0; i < sizes.count; i++)
		try_kernel(sizes.value[i]);
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
	add_page_edge(&prefs, low_ram());
	for (uint64_t mib = 4; mib <= 12; mib += 2)
		add_page_edge(&prefs, mib * MIB);
	add_page_edge(&prefs, low_ram() - 16 * MIB);
	for (size_t i = 0; i < prefs.count; i++) {
		kernel.pref_address = prefs.value[i];
		try_init_sizes();
	}
}

static void use(const struct variant *variant)
{
	kernel.relocatable = variant->relocatable;
	kernel.kernel_alignment = variant->alignment;
	kernel.initrd_addr_max = variant->initrd_addr_max;
	kernel.xloadflags = variant->xloadflags;
	elf.entry = variant->kind == ELF_BY_PVH ? ELFIMAGE_ENTRY_PVH : ELFIMAGE_ENTRY_LINUX64;
	request.bzimage = variant->kind == ELF || variant->kind == ELF_BY_PVH ? NULL : &kernel;
	request.elf = variant->kind == BZIMAGE ? NULL : &elf;
	board.cpus = variant->cpus;
	request.board = variant->cpus ? &board : NULL;
}

static void setup(void)
{
	kernel = (struct bzimage){ .version = 0x020f, .cmdline_size = 2047, .setup_bytes = 0x800 };
	request =
		(struct plan_request){ .kernel_name = "k", .initrd_name = "i", .cmdline = "quiet" };
	plans = refusals = 0;
}

static const uint64_t rams[] = { 16 * MIB, 17 * MIB,    128 * MIB, HOLE - PAGE,
				 HOLE,     HOLE + PAGE, 4 * GIB,   (1ULL << 52) - GIB };

START_TEST(every_request_of_the_grid)
{
	request.ram_bytes = rams[_i];
	for (size_t v = 0; v < sizeof(variants) / sizeof(variants[0]); v++) {
		use(&variants[v]);
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

	use(&variants[1]);
	kernel.pref_address = 2 * MIB;
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
