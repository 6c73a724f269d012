/* SPDX-License-Identifier: MIT */
/*
 * `-cpu host[,+feature|-feature]...`: which words there are (those of Linux's /proc/cpuinfo, and
 * "kvm"), that each means one feature of its own, and what is refused.
 */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/cpuid.h"

/* As arch/x86/include/asm/cpufeatures.h spells them, in lower case. */
static const char *const SPEC_NAMES[] = {
	"kvm", /* tvmm's own: all of KVM's leaves */
	/* CPUID.1:EDX */
	"fpu",
	"vme",
	"de",
	"pse",
	"tsc",
	"msr",
	"pae",
	"mce",
	"cx8",
	"apic",
	"sep",
	"mtrr",
	"pge",
	"mca",
	"cmov",
	"pat",
	"pse36",
	"pn",
	"clflush",
	"dts",
	"acpi",
	"mmx",
	"fxsr",
	"sse",
	"sse2",
	"ss",
	"ht",
	"tm",
	"ia64",
	"pbe",
	/* CPUID.1:ECX */
	"pni",
	"pclmulqdq",
	"dtes64",
	"monitor",
	"ds_cpl",
	"vmx",
	"smx",
	"est",
	"tm2",
	"ssse3",
	"cid",
	"sdbg",
	"fma",
	"cx16",
	"xtpr",
	"pdcm",
	"pcid",
	"dca",
	"sse4_1",
	"sse4_2",
	"x2apic",
	"movbe",
	"popcnt",
	"tsc_deadline_timer",
	"aes",
	"xsave",
	"avx",
	"f16c",
	"rdrand",
	"hypervisor",
	/* CPUID.7 */
	"fsgsbase",
	"tsc_adjust",
	"bmi1",
	"hle",
	"avx2",
	"smep",
	"bmi2",
	"erms",
	"invpcid",
	"rtm",
	"avx512f",
	"avx512dq",
	"rdseed",
	"adx",
	"smap",
	"avx512ifma",
	"clflushopt",
	"clwb",
	"avx512cd",
	"sha_ni",
	"avx512bw",
	"avx512vl",
	"avx512vbmi",
	"umip",
	"pku",
	"ospke",
	"waitpkg",
	"avx512_vbmi2",
	"gfni",
	"vaes",
	"vpclmulqdq",
	"avx512_vnni",
	"avx512_bitalg",
	"avx512_vpopcntdq",
	"la57",
	"rdpid",
	"movdiri",
	"movdir64b",
	"fsrm",
	"md_clear",
	"serialize",
	"tsxldtrk",
	"amx_bf16",
	"avx512_fp16",
	"amx_tile",
	"amx_int8",
	"flush_l1d",
	"arch_capabilities",
	"avx_vnni",
	"avx512_bf16",
	/* CPUID.0xd:1, CPUID.6 */
	"xsaveopt",
	"xsavec",
	"xgetbv1",
	"xsaves",
	"arat",
	/* CPUID.0x80000001 and above */
	"syscall",
	"nx",
	"mmxext",
	"fxsr_opt",
	"pdpe1gb",
	"rdtscp",
	"lm",
	"3dnowext",
	"3dnow",
	"lahf_lm",
	"cmp_legacy",
	"svm",
	"extapic",
	"cr8_legacy",
	"abm",
	"sse4a",
	"misalignsse",
	"3dnowprefetch",
	"osvw",
	"ibs",
	"xop",
	"skinit",
	"wdt",
	"lwp",
	"fma4",
	"tce",
	"tbm",
	"topoext",
	"constant_tsc",
	"clzero",
	"irperf",
	"xsaveerptr",
	"rdpru",
	"wbnoinvd",
	"ibpb",
	"ibrs",
	"stibp",
	"virt_ssbd",
};

enum { SPEC_NAME_COUNT = sizeof(SPEC_NAMES) / sizeof(SPEC_NAMES[0]) };

static struct cpu_model model;
static struct err e;

static size_t changes(void)
{
	size_t n = 0;

	for (size_t i = 0; i < CPU_FEATURES_MAX; i++)
		n += model.change[i] != 0;
	return n;
}

/* The place of the one change there is. */
static size_t only_change(char sign)
{
	const char *at = memchr(model.change, sign, sizeof(model.change));

	ck_assert_uint_eq(changes(), 1);
	ck_assert_ptr_nonnull(at);
	return (size_t)(at - model.change);
}

static void accept(const char *text)
{
	memset(&model, 'x', sizeof(model)); /* nothing stays of what was there */
	ck_assert_msg(cpuid_parse_model(text, &model, &e) == 0, "%s: %s", text, e.text);
}

static void refuse(const char *text, const char *names, const char *hint)
{
	ck_assert_msg(cpuid_parse_model(text, &model, &e) == -EINVAL, "'%s' is accepted", text);
	ck_assert_int_eq(e.code, EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "-cpu"));
	ck_assert_msg(strstr(e.text, names) != NULL, "%s: %s", text, e.text);
	ck_assert_msg(!hint || strstr(e.text, hint) != NULL, "%s: %s", text, e.text);
}

START_TEST(the_host_as_it_is)
{
	accept("host");
	ck_assert_uint_eq(changes(), 0);
	accept("max"); /* QEMU's word for the same */
	ck_assert_uint_eq(changes(), 0);
}
END_TEST

/* Two names for one bit, or one name for two, would show as a place that is taken already. */
START_TEST(every_name_is_a_feature_of_its_own)
{
	bool taken[CPU_FEATURES_MAX] = { false };
	char text[64];

	for (int i = 0; i < SPEC_NAME_COUNT; i++) {
		size_t place;

		(void)snprintf(text, sizeof(text), "host,+%s", SPEC_NAMES[i]);
		accept(text);
		place = only_change('+');
		ck_assert_msg(!taken[place], "%s is another's", SPEC_NAMES[i]);
		taken[place] = true;
		text[5] = '-';
		accept(text);
		ck_assert_uint_eq(only_change('-'), place);
	}
}
END_TEST

START_TEST(several_changes)
{
	accept("host,+avx2,-smep,-kvm,+vmx");
	ck_assert_uint_eq(changes(), 4);
	accept("host,+avx2,-avx2"); /* the last one counts */
	(void)only_change('-');
}
END_TEST

START_TEST(refusals)
{
	static char far_too_long[4000] = "host,+";

	refuse("", "''", "host");
	refuse("hos", "'hos'", "host");
	refuse("hostess", "'hostess'", NULL);
	refuse("Haswell", "'Haswell'", NULL);
	refuse("host,", "''", "+FEATURE");
	refuse("host,,+avx", "''", NULL);
	refuse("host,avx", "'avx'", "+FEATURE");
	refuse("host,+", "'+'", NULL);
	refuse("host,-", "'-'", NULL);
	refuse("host,migratable=off", "migratable=off", NULL);
	refuse("host,+avx3", "'avx3'", "did you mean 'avx");
	refuse("host,+ssse33", "'ssse33'", "'ssse3'?");
	refuse("host,+AVX2", "'AVX2'", NULL);
	refuse("host,+avx2 ", "'avx2 '", "'avx2'?");
	refuse("host,-bogus-thing", "'bogus-thing'", "/proc/cpuinfo");
	refuse("host,+avx2,-smepp", "'smepp'", "'smep'?");
	memset(far_too_long + 6, 'a', sizeof(far_too_long) - 7);
	refuse(far_too_long, "aaaa", NULL);
}
END_TEST

/* Around the longest name that is looked at, nothing runs over. */
START_TEST(every_length_of_name)
{
	char text[80] = "host,+";

	for (size_t length = 1; length < 70; length++) {
		memset(text + 6, 'q', length);
		text[6 + length] = '\0';
		refuse(text, "qqqq" + (length < 4 ? 4 - length : 0), NULL);
	}
}
END_TEST

/* Every x86-64 CPU has long mode and SSE2; without them this would not run. */
START_TEST(expected_features)
{
	ck_assert_int_eq(cpuid_parse_model("host", &model, &e), 0);
	ck_assert(cpuid_expects(&model, "lm"));
	ck_assert(cpuid_expects(&model, "sse2"));
	ck_assert_int_eq(cpuid_parse_model("host,-sse2", &model, &e), 0);
	ck_assert(cpuid_expects(&model, "lm"));
	ck_assert(!cpuid_expects(&model, "sse2"));
	ck_assert_int_eq(cpuid_expects(&model, "ssse3"), __builtin_cpu_supports("ssse3") != 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { the_host_as_it_is,    every_name_is_a_feature_of_its_own,
				       several_changes,      refusals,
				       every_length_of_name, expected_features };
	Suite *suite = suite_create("cpuid");
	TCase *tcase = tcase_create("cpuid");
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
