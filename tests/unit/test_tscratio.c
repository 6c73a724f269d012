/* SPDX-License-Identifier: MIT */
/*
 * CPUID's leaf 15h: what native_calibrate_tsc() of [LINUX] arch/x86/kernel/tsc.c makes of it, in its 32
 * bits, is the rate that KVM told.
 */
#include <check.h>
#include <stdlib.h>

#include "vmm/tscratio.h"

/* As the kernel does it: unsigned int throughout. */
static uint32_t as_linux_does(struct tscratio ratio)
{
	unsigned int crystal_khz = TSCRATIO_CRYSTAL_HZ / 1000;

	return crystal_khz * ratio.numerator / ratio.denominator;
}

START_TEST(fractions_that_are_exact)
{
	ck_assert_uint_eq(as_linux_does(tscratio_of(1000000)), 1000000);
	ck_assert_uint_eq(as_linux_does(tscratio_of(2500000)), 2500000);
	ck_assert_uint_eq(as_linux_does(tscratio_of(2995200)), 2995200);
	ck_assert_uint_eq(as_linux_does(tscratio_of(4294000)), 4294000);
}
END_TEST

/* Nothing is multiplied beyond 32 bits, and no rate is off by more than tscratio.h says. */
START_TEST(every_rate)
{
	for (uint32_t khz = 500000; khz < 6000000; khz += 97) {
		struct tscratio ratio = tscratio_of(khz);
		uint32_t told;
		double off;

		ck_assert_uint_ge(ratio.denominator, 1);
		ck_assert_uint_le(ratio.numerator, UINT32_MAX / 1000000);
		told = as_linux_does(ratio);
		off = told > khz ? told - khz : khz - told;
		ck_assert_msg(off <= 1 + 117e-6 * khz, "%u kHz: %u", khz, told);
	}
}
END_TEST

/* A TSC so slow that a fraction is as good as any other. */
START_TEST(odd_rates)
{
	ck_assert_uint_eq(as_linux_does(tscratio_of(1)), 1);
	ck_assert_uint_eq(as_linux_does(tscratio_of(1000)), 1000);
	ck_assert_uint_eq(tscratio_of(UINT32_MAX).denominator, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tscratio");
	TCase *tcase = tcase_create("tscratio");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, fractions_that_are_exact);
	tcase_add_test(tcase, every_rate);
	tcase_add_test(tcase, odd_rates);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
