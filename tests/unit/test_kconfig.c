/* SPDX-License-Identifier: MIT */
/*
 * .config files against [LINUX] scripts/kconfig/confdata.c: what is an option and what it is set
 * to; what is refused, with file and line; and how two differ.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/kconfig.h"

static struct kconfig config, other;
static struct kconfig_difference difference;
static struct err error;

static int parse(const char *text)
{
	memset(&error, 0, sizeof(error));
	return kconfig_parse(&config, "some/.config", text, strlen(text), &error);
}

static void teardown(void)
{
	kconfig_finish(&config);
	kconfig_finish(&other);
	kconfig_difference_finish(&difference);
}

static void refused(const char *text, int code, const char *what)
{
	ck_assert_int_eq(parse(text), -code);
	ck_assert_int_eq(error.code, code);
	ck_assert_msg(strstr(error.text, what) != NULL, "no \"%s\" in: %s", what, error.text);
	ck_assert_uint_eq(config.options, 0);
	ck_assert_ptr_null(config.option);
}

START_TEST(what_an_option_is_set_to)
{
	ck_assert_msg(parse("#\n"
			    "# Automatically generated file; DO NOT EDIT.\n"
			    "#\n"
			    "CONFIG_64BIT=y\n"
			    "CONFIG_EXT4_FS=m\n"
			    "CONFIG_HZ=250\n"
			    "CONFIG_NEGATIVE=-12\n"
			    "CONFIG_PHYSICAL_START=0x1000000\n"
			    "CONFIG_CMDLINE=\"a=\\\"b\\\" # c\"\n"
			    "CONFIG_LOCALVERSION=\"\"\n"
			    "CONFIG_OFF=n\n"
			    "\n"
			    "# CONFIG_SMP is not set\n"
			    "# CONFIG_ANY: a comment\n"
			    "CONFIG_LAST=y") == 0,
		      "%s", error.text);
	ck_assert_uint_eq(config.options, 10);
	ck_assert_str_eq(kconfig_find(&config, "64BIT"), "y");
	ck_assert_str_eq(kconfig_find(&config, "EXT4_FS"), "m");
	ck_assert_str_eq(kconfig_find(&config, "HZ"), "250");
	ck_assert_str_eq(kconfig_find(&config, "NEGATIVE"), "-12");
	ck_assert_str_eq(kconfig_find(&config, "PHYSICAL_START"), "0x1000000");
	ck_assert_str_eq(kconfig_find(&config, "CMDLINE"), "\"a=\\\"b\\\" # c\"");
	ck_assert_str_eq(kconfig_find(&config, "LOCALVERSION"), "\"\"");
	ck_assert_str_eq(kconfig_find(&config, "LAST"), "y");
	ck_assert_ptr_null(kconfig_find(&config, "SMP"));
	ck_assert_ptr_null(kconfig_find(&config, "OFF"));
	ck_assert_ptr_null(kconfig_find(&config, "NOWHERE"));
}
END_TEST

START_TEST(the_last_line_counts)
{
	ck_assert_int_eq(parse("CONFIG_A=y\nCONFIG_HZ=100\n# CONFIG_A is not set\nCONFIG_HZ=250\n"),
			 0);
	ck_assert_uint_eq(config.options, 2);
	ck_assert_ptr_null(kconfig_find(&config, "A"));
	ck_assert_str_eq(kconfig_find(&config, "HZ"), "250");
}
END_TEST

START_TEST(lines_of_windows)
{
	ck_assert_int_eq(parse("CONFIG_A=y\r\n# CONFIG_B is not set\r\n"), 0);
	ck_assert_str_eq(kconfig_find(&config, "A"), "y");
	ck_assert_uint_eq(config.options, 2);
}
END_TEST

START_TEST(what_is_no_config)
{
	refused("", EINVAL, "some/.config has not one option");
	refused("# a comment\n", EINVAL, "some/.config has not one option");
	refused("CONFIG_A=y\nhello world\n", EINVAL, "some/.config:2: 'hello world'");
	refused("CONFIG_A\n", EINVAL, "some/.config:1: 'CONFIG_A'");
	refused("CONFIG_=y\n", EINVAL, "some/.config:1:");
	refused("CONFIG_A B=y\n", EINVAL, "some/.config:1:");
	refused("\nCONFIG_A=yes\n", EINVAL, "some/.config:2: CONFIG_A=yes: the value must be");
	refused("CONFIG_A=\n", EINVAL, "the value must be");
	refused("CONFIG_A=0x\n", EINVAL, "the value must be");
	refused("CONFIG_A=-\n", EINVAL, "the value must be");
	refused("CONFIG_A=\"open\n", EINVAL, "the value must be");
	refused("CONFIG_A=\"open\\\"\n", EINVAL, "the value must be");
	refused("CONFIG_A=\"two\" more\n", EINVAL, "the value must be");
	refused("CONFIG_A=\"\033[2J\"\n", EINVAL, "some/.config:1: byte 0x1b at column 11");
	refused("CONFIG_A=\"\302\2332J\"\n", EINVAL, "some/.config:1: byte 0xc2 at column 11");
	refused("# \377\n", EINVAL, "some/.config:1: byte 0xff at column 3");
	ck_assert_int_eq(kconfig_parse(&config, "f", "CONFIG_A=y\0\n", 12, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "f:1: byte 0x00 at column 11"));
}
END_TEST

static char *repeat(const char *before, char c, size_t n, const char *behind)
{
	char *text = calloc(1, strlen(before) + n + strlen(behind) + 1);

	strcpy(text, before);
	memset(text + strlen(before), c, n);
	strcat(text, behind);
	return text;
}

START_TEST(what_is_too_long)
{
	char *line = repeat("CONFIG_A=\"", 'x', 4096 - 11, "\"\n");
	char *more = repeat("CONFIG_A=\"", 'x', 4097 - 11, "\"\n");
	char *name = repeat("CONFIG_", 'N', 127, "=y\n");
	char *long_name = repeat("CONFIG_", 'N', 128, "=y\n");
	char *file = repeat("CONFIG_A=y", '\n', (4 << 20) - 10 + 1, "");

	ck_assert_int_eq(parse(line), 0);
	kconfig_finish(&config);
	refused(more, EFBIG, "some/.config:1: the line has 4097");
	ck_assert_int_eq(parse(name), 0);
	kconfig_finish(&config);
	refused(long_name, EINVAL, "128 characters; at most 127");
	refused(file, EFBIG, "a .config has at most 4194304");
	free(line);
	free(more);
	free(name);
	free(long_name);
	free(file);
}
END_TEST

START_TEST(too_many_options)
{
	size_t most = 65536, used = 0;
	char *text = malloc((most + 1) * 20);

	for (size_t i = 0; i <= most; i++)
		used += (size_t)sprintf(text + used, "CONFIG_A%zu=y\n", i);
	refused(text, EFBIG, "some/.config:65537: more than 65536 options");
	*strstr(text, "CONFIG_A65536") = '\0';
	ck_assert_int_eq(parse(text), 0);
	ck_assert_uint_eq(config.options, 65536);
	free(text);
}
END_TEST

START_TEST(how_two_differ)
{
	const char b[] = "CONFIG_BOTH=y\nCONFIG_HZ=250\nCONFIG_ONLY_B=m\nCONFIG_MOD=m\n"
			 "# CONFIG_OFF_IN_B is not set\nCONFIG_NEW_NAME=n\n";

	ck_assert_int_eq(parse("CONFIG_BOTH=y\nCONFIG_HZ=100\nCONFIG_GONE_IN_B=y\n"
			       "CONFIG_OFF_IN_B=y\nCONFIG_MOD=y\n# CONFIG_ONLY_B is not set\n"
			       "# CONFIG_OFF_HERE is not set\n"),
			 0);
	ck_assert_int_eq(kconfig_parse(&other, "b", b, strlen(b), &error), 0);
	ck_assert_int_eq(kconfig_compare(&difference, &config, &other, &error), 0);
	ck_assert_uint_eq(difference.changes, 5);
	ck_assert_uint_eq(difference.only_a, 2);
	ck_assert_uint_eq(difference.only_b, 1);
	ck_assert_uint_eq(difference.changed, 2);
	ck_assert_str_eq(difference.change[0].name, "GONE_IN_B");
	ck_assert_str_eq(difference.change[0].a, "y");
	ck_assert_ptr_null(difference.change[0].b);
	ck_assert_str_eq(difference.change[1].name, "HZ");
	ck_assert_str_eq(difference.change[1].a, "100");
	ck_assert_str_eq(difference.change[1].b, "250");
	ck_assert_str_eq(difference.change[2].name, "MOD");
	ck_assert_str_eq(difference.change[3].name, "OFF_IN_B");
	ck_assert_ptr_null(difference.change[3].b);
	ck_assert_str_eq(difference.change[4].name, "ONLY_B");
	ck_assert_ptr_null(difference.change[4].a);
	ck_assert_str_eq(difference.change[4].b, "m");
}
END_TEST

START_TEST(no_difference_to_itself)
{
	ck_assert_int_eq(parse("CONFIG_A=y\nCONFIG_B=\"b\"\n"), 0);
	ck_assert_int_eq(kconfig_compare(&difference, &config, &config, &error), 0);
	ck_assert_uint_eq(difference.changes, 0);
}
END_TEST

START_TEST(files)
{
	char path[] = "/tmp/kconfig-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_eq(write(fd, "CONFIG_A=y\nX\n", 13), 13);
	ck_assert_int_eq(kconfig_read(&config, path, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, ":2: 'X'"));
	ck_assert_int_eq(ftruncate(fd, 11), 0);
	ck_assert_int_eq(kconfig_read(&config, path, &error), 0);
	ck_assert_uint_eq(config.options, 1);
	close(fd);
	unlink(path);
	ck_assert_int_eq(kconfig_read(&other, path, &error), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kconfig");
	TCase *t = tcase_create("configurations");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, what_an_option_is_set_to);
	tcase_add_test(t, the_last_line_counts);
	tcase_add_test(t, lines_of_windows);
	tcase_add_test(t, what_is_no_config);
	tcase_add_test(t, what_is_too_long);
	tcase_add_test(t, too_many_options);
	tcase_add_test(t, how_two_differ);
	tcase_add_test(t, no_difference_to_itself);
	tcase_add_test(t, files);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
