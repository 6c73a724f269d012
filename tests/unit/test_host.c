/* SPDX-License-Identifier: MIT */
/* The fingerprint, of trees as the kernel's documents describe /proc and /sys, and of what is missing. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "tests/common/folder.h"
#include "vmm/timing/host.h"

#define CPU "/sys/devices/system/cpu"

/* A file below the folder, and the folders that it is in. */
static void put(const char *path, const char *text)
{
	char at[256];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		(void)snprintf(at, sizeof(at), "%.*s", (int)(slash - path - 1), path + 1);
		(void)mkdir(folder_at(at), 0700);
	}
	folder_put(folder_at(path + 1), text, strlen(text));
}

static void put_cpuinfo(const char *model, const char *flags)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
		       "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel\t\t: 1\n"
		       "model name\t: %s\nflags\t\t: %s\nbugs\t\t: none\n\n"
		       "processor\t: 1\nmodel name\t: the second CPU\nflags\t\t: vmx svm\n",
		       model, flags);
	put("/proc/cpuinfo", text);
}

static struct report_host look(void)
{
	struct report_host host;

	memset(&host, 0xaa, sizeof(host));
	host_read_below(&host, folder_at(""));
	return host;
}

START_TEST(each_field_has_its_file)
{
	struct report_host host;

	put_cpuinfo("A CPU @ 2.60GHz", "fpu svm lm");
	put(CPU "/online", "0-3,6,8-9\n");
	put("/proc/sys/kernel/osrelease", "6.1.0-13-amd64\n");
	put(CPU "/cpu0/cpufreq/scaling_governor", "performance\n");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
	put(CPU "/cpu0/tsc_freq_khz", "2596098\n");
	put(CPU "/vulnerabilities/spectre_v2", "Mitigation: Retpolines\n");
	put(CPU "/vulnerabilities/meltdown", "Not affected\n");
	put(CPU "/vulnerabilities/mds", "Vulnerable\n");
	put(CPU "/vulnerabilities/retbleed", "Mitigation: untrained return thunk\n");
	host = look();
	ck_assert_str_eq(host.cpu, "A CPU @ 2.60GHz");
	ck_assert_uint_eq(host.cpus, 7);
	ck_assert_str_eq(host.kernel, "6.1.0-13-amd64");
	ck_assert_str_eq(host.governor, "performance");
	ck_assert_str_eq(host.huge_pages, "madvise");
	ck_assert_str_eq(host.clock, "tsc");
	ck_assert_str_eq(host.backend, "svm");
	ck_assert_str_eq(host.ground, "hardware");
	ck_assert_str_eq(host.mitigations, "retbleed spectre_v2");
	ck_assert_uint_eq(host.tsc_khz, 2596098);
}
END_TEST

START_TEST(what_is_not_there_is_empty)
{
	struct report_host host = look(), none = { .cpus = 0 };

	ck_assert_mem_eq(&host, &none, sizeof(host));
}
END_TEST

START_TEST(grounds)
{
	static const struct {
		const char *model, *flags, *backend, *ground;
	} spec[] = {
		{ "Intel(R) Xeon(R)", "fpu vmx lm", "vmx", "hardware" },
		{ "AMD EPYC", "fpu svm lm", "svm", "hardware" },
		{ "AMD EPYC", "fpu hypervisor svm", "svm", "nested in a virtual machine" },
		{ "Intel(R) Xeon(R)", "vmx hypervisor", "vmx", "nested in a virtual machine" },
		{ "AMD EPYC", "fpu hypervisor lm", "neither vmx nor svm", "software KVM" },
		{ "AMD EPYC", "fpu lm", "neither vmx nor svm", "software KVM" },
		/* Words that only begin or end like the flags. */
		{ "AMD EPYC", "fpu vmxon notsvm xhypervisor", "neither vmx nor svm",
		  "software KVM" },
		{ "QEMU TCG CPU version 2.5+", "svm hypervisor", "svm", "QEMU TCG" },
		{ "QEMU Virtual CPU version 2.5+", "svm hypervisor", "svm", "QEMU TCG" },
	};

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		struct report_host host;

		put_cpuinfo(spec[i].model, spec[i].flags);
		host = look();
		ck_assert_str_eq(host.backend, spec[i].backend);
		ck_assert_str_eq(host.ground, spec[i].ground);
	}
}
END_TEST

/* Longer than there is room for is cut, whole names only among the mitigations. */
START_TEST(long_texts_are_cut)
{
	char model[512], name[128];
	struct report_host host;

	memset(model, 'M', sizeof(model));
	model[sizeof(model) - 1] = '\0';
	put_cpuinfo(model, "svm");
	for (int i = 10; i < 30; i++) {
		(void)snprintf(name, sizeof(name), CPU "/vulnerabilities/a_vulnerability_%d", i);
		put(name, "Mitigation: yes\n");
	}
	host = look();
	ck_assert_uint_eq(strlen(host.cpu), HOST_TEXT_BYTES - 1);
	/* Names of 18 characters and a blank: 6 and 113 of 127 characters; a 7th has no room. */
	ck_assert_uint_eq(strlen(host.mitigations), 6 * 19 - 1);
	ck_assert_str_eq(host.mitigations + 5 * 19, "a_vulnerability_15");
}
END_TEST

static void check_text(const char *text)
{
	size_t length = strnlen(text, HOST_TEXT_BYTES);

	ck_assert_uint_lt(length, HOST_TEXT_BYTES);
	ck_assert_ptr_null(memchr(text, '\n', length));
}

/* What holds of every host. */
START_TEST(this_host_is_sane)
{
	struct report_host host;
	struct utsname name;

	memset(&host, 0xa5, sizeof(host));
	host_read(&host);
	check_text(host.cpu);
	check_text(host.kernel);
	check_text(host.governor);
	check_text(host.huge_pages);
	check_text(host.clock);
	check_text(host.backend);
	check_text(host.ground);
	check_text(host.mitigations);
	ck_assert_uint_ge(host.cpus, 1);
	ck_assert_int_eq(uname(&name), 0);
	ck_assert_str_eq(host.kernel, name.release);
	ck_assert_ptr_null(strpbrk(host.huge_pages, "[] "));
	ck_assert(strcmp(host.backend, "vmx") == 0 || strcmp(host.backend, "svm") == 0 ||
		  strcmp(host.backend, "neither vmx nor svm") == 0);
	ck_assert_str_ne(host.ground, "");
}
END_TEST

START_TEST(the_same_twice)
{
	struct report_host first, second;

	host_read(&first);
	host_read(&second);
	ck_assert_mem_eq(&first, &second, sizeof(first));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host");
	TCase *tests = tcase_create("fingerprint");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, folder_make, folder_remove);
	tcase_add_test(tests, each_field_has_its_file);
	tcase_add_test(tests, what_is_not_there_is_empty);
	tcase_add_test(tests, grounds);
	tcase_add_test(tests, long_texts_are_cut);
	tcase_add_test(tests, this_host_is_sane);
	tcase_add_test(tests, the_same_twice);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
