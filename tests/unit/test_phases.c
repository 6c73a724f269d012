/* SPDX-License-Identifier: MIT */
/* Each phase has a name and words; its function is found in kernels as their sources and compilers have it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/symbolspec.h"
#include "vmm/timing/phases.h"

#define TEXT 0xffffffff81000000
#define INIT 0xffffffff81800000

#define FIND(phase, ...)                                        \
	find(phase, (const struct symbolspec[]){ __VA_ARGS__ }, \
	     sizeof((const struct symbolspec[]){ __VA_ARGS__ }) / sizeof(struct symbolspec))

static uint64_t find(enum phase phase, const struct symbolspec *spec, size_t count)
{
	struct symbols symbols;
	uint64_t address;

	symbols_init(&symbols);
	symbolspec_fill(&symbols, spec, count);
	address = phase_find(&symbols, phase);
	symbols_finish(&symbols);
	return address;
}

START_TEST(every_phase_is_described)
{
	for (int i = 0; i < PHASES; i++) {
		ck_assert_ptr_nonnull(phase_info[i].name);
		ck_assert_ptr_nonnull(phase_info[i].taken);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(phase_info[i].name, phase_info[j].name);
	}
}
END_TEST

START_TEST(names_of_several_versions)
{
	ck_assert_uint_eq(FIND(PHASE_KERNEL_EXECVE, { TEXT, "do_execve", 'T' }), TEXT);
	ck_assert_uint_eq(FIND(PHASE_KERNEL_EXECVE, { TEXT, "do_execve", 't' },
			       { TEXT + 16, "kernel_execve", 'T' }),
			  TEXT + 16);
	ck_assert_uint_eq(FIND(PHASE_POPULATE_ROOTFS, { INIT, "populate_rootfs", 't' }), INIT);
	ck_assert_uint_eq(FIND(PHASE_POPULATE_ROOTFS, { INIT, "do_populate_rootfs", 't' },
			       { INIT + 16, "populate_rootfs", 't' }),
			  INIT);
	ck_assert_uint_eq(FIND(PHASE_START_KERNEL, { TEXT, "kernel_execve", 'T' }), 0);
	ck_assert_uint_eq(FIND(PHASE_FIRST_USER, { TEXT, "start_thread", 'T' }), 0);
}
END_TEST

/* mm_init() of init/main.c, not that of kernel/fork.c. */
START_TEST(which_mm_init)
{
	ck_assert_uint_eq(FIND(PHASE_MM_INIT, { TEXT, "mm_init.constprop.0.isra.0", 't' },
			       { INIT, "_sinittext", 'T' }, { INIT + 4096, "_einittext", 'T' }),
			  0);
	ck_assert_uint_eq(FIND(PHASE_MM_INIT, { TEXT, "mm_init", 't' }, { INIT, "_sinittext", 'T' },
			       { INIT + 16, "mm_init", 't' }, { INIT + 4096, "_einittext", 'T' }),
			  INIT + 16);
	ck_assert_uint_eq(FIND(PHASE_MM_INIT, { TEXT, "mm_init", 't' }, { INIT, "_sinittext", 'T' },
			       { INIT + 16, "mm_init.cold", 't' }, { INIT + 32, "mm_init2", 't' },
			       { INIT + 48, "mm_init.isra.0", 't' },
			       { INIT + 4096, "_einittext", 'T' }),
			  INIT + 48);
	ck_assert_uint_eq(FIND(PHASE_MM_INIT, { TEXT, "mm_init", 't' }, { INIT, "_sinittext", 'T' },
			       { INIT + 16, "mm_core_init", 'T' },
			       { INIT + 4096, "_einittext", 'T' }),
			  INIT + 16);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { every_phase_is_described, names_of_several_versions,
				       which_mm_init };
	Suite *suite = suite_create("phases");
	TCase *tcase = tcase_create("phases");
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
