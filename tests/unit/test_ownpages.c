/* SPDX-License-Identifier: MIT */
/* What is given back of the program's own pages, by proc(5), /proc/pid/smaps. */
#include "vmm/ownpages.h"

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BIG_BYTES = 2 << 20, BIG_KIB = BIG_BYTES >> 10 };

static const uint8_t big[BIG_BYTES] = { 1, [BIG_BYTES - 1] = 2 };

/* How much of this program's file is resident where it may not be written to. */
static unsigned long resident_kib(void)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	char line[4096], self[4096];
	unsigned long kib = 0, one;
	bool ours = false;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ck_assert_ptr_nonnull(smaps);
	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	while (fgets(line, sizeof(line), smaps)) {
		char permissions[8];

		if (sscanf(line, "%*x-%*x %4s", permissions) == 1)
			ours = strstr(line, self) && permissions[1] == '-';
		else if (ours && sscanf(line, "Rss: %lu kB", &one) == 1)
			kib += one;
	}
	(void)fclose(smaps);
	return kib;
}

static unsigned int sum_of_big(void)
{
	const volatile uint8_t *at = big;
	unsigned int sum = 0;

	for (size_t i = 0; i < BIG_BYTES; i++)
		sum += at[i];
	return sum;
}

/* What nobody has written to goes, and comes back; twice. */
START_TEST(constants_go_and_come_back)
{
	for (int i = 0; i < 2; i++) {
		unsigned long with_big;

		ck_assert_uint_eq(sum_of_big(), 3);
		with_big = resident_kib();
		ck_assert_uint_ge(with_big, BIG_KIB);
		ownpages_give_back();
		ck_assert_uint_le(resident_kib(), with_big - BIG_KIB / 2);
	}
	ck_assert_uint_eq(sum_of_big(), 3);
}
END_TEST

/* What has been written to stays as it is: variables, and what was relocated when the program began. */
START_TEST(variables_stay)
{
	static char written[3 * 4096] = "stays";
	static const char *const relocated[] = { "one", "two" };
	const char *const volatile *words = relocated;

	written[5000] = 'x';
	ownpages_give_back();
	ck_assert_str_eq(written, "stays");
	ck_assert_int_eq(written[5000], 'x');
	ck_assert_str_eq(words[0], "one");
	ck_assert_str_eq(words[1], "two");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ownpages");
	TCase *tcase = tcase_create("ownpages");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, constants_go_and_come_back);
	tcase_add_test(tcase, variables_stay);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
