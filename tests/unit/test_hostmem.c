/* SPDX-License-Identifier: MIT */
/*
 * What the host can give: its RAM and swap, and the limits of control groups of both versions, read
 * from a tree of files that stands for /.
 *
 * Authority: [CGROUP2] "Memory Interface Files": memory.max, "max" or bytes; [CGROUP1]
 * memory.limit_in_bytes; [PROC] /proc/[pid]/cgroup, lines of hierarchy:controllers:path.
 */
#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "vmm/hostmem.h"

#define MIB (1ULL << 20)

enum { PATH_BYTES = 400 };

/* No limit, as version 1 says it: a page less than 2^63. */
static const char SPEC_V1_NONE[] = "9223372036854771712\n";

static char root[64];
static struct hostmem hostmem;
static struct err e;

static void setup(void)
{
	strcpy(root, "/tmp/test_hostmem.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static void teardown(void)
{
	char command[PATH_BYTES];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", root);
	ck_assert_int_eq(system(command), 0);
}

/* A file of the tree, and the folders it is in. */
static void put(const char *path, const char *text)
{
	char full[PATH_BYTES];
	FILE *f;

	(void)snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		(void)mkdir(full, 0777);
	}
	f = fopen(full, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	(void)fclose(f);
}

static uint64_t limit(void)
{
	hostmem_read(&hostmem, root);
	return hostmem.group_bytes;
}

static void stands_in(const char *path)
{
	ck_assert_str_eq(hostmem.group_file + strlen(root), path);
}

START_TEST(the_host_itself)
{
	struct sysinfo info;

	ck_assert_int_eq(sysinfo(&info), 0);
	ck_assert_uint_eq(limit(), UINT64_MAX); /* there is no file at all */
	ck_assert_uint_eq(hostmem.ram_bytes, (uint64_t)info.totalram * info.mem_unit);
	ck_assert_uint_eq(hostmem.swap_bytes, (uint64_t)info.totalswap * info.mem_unit);
}
END_TEST

START_TEST(version_2)
{
	put("/proc/self/cgroup", "0::/user.slice/session-1.scope\n");
	ck_assert_uint_eq(limit(), UINT64_MAX);
	put("/sys/fs/cgroup/user.slice/session-1.scope/memory.max", "max\n");
	ck_assert_uint_eq(limit(), UINT64_MAX);
	put("/sys/fs/cgroup/user.slice/session-1.scope/memory.max", "536870912\n");
	ck_assert_uint_eq(limit(), 512 * MIB);
	stands_in("/sys/fs/cgroup/user.slice/session-1.scope/memory.max");
	put("/sys/fs/cgroup/user.slice/memory.max", "268435456\n"); /* what is above counts too */
	ck_assert_uint_eq(limit(), 256 * MIB);
	stands_in("/sys/fs/cgroup/user.slice/memory.max");
	put("/sys/fs/cgroup/user.slice/memory.max", "1073741824\n");
	ck_assert_uint_eq(limit(), 512 * MIB);
}
END_TEST

/* With a namespace of its own, or one that it does not see the upper part of. */
START_TEST(in_a_container)
{
	put("/proc/self/cgroup", "0::/\n");
	put("/sys/fs/cgroup/memory.max", "1048576\n");
	ck_assert_uint_eq(limit(), MIB);
	stands_in("/sys/fs/cgroup/memory.max");
	put("/proc/self/cgroup", "0::/docker/0123456789abcdef\n");
	ck_assert_uint_eq(limit(), MIB);
	put("/proc/self/cgroup", "0::/../../other\n");
	ck_assert_uint_eq(limit(), MIB);
}
END_TEST

START_TEST(version_1)
{
	put("/proc/self/cgroup", "9:name=systemd:/\n4:memory:/ci/job\n3:cpu,cpuacct:/\n0::/x\n");
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes", SPEC_V1_NONE);
	put("/sys/fs/cgroup/memory/ci/job/memory.limit_in_bytes", "2147483648\n");
	put("/sys/fs/cgroup/x/memory.max", "4096\n"); /* not where the controller is */
	ck_assert_uint_eq(limit(), 2048 * MIB);
	stands_in("/sys/fs/cgroup/memory/ci/job/memory.limit_in_bytes");
	put("/proc/self/cgroup", "2:cpuset,memory,pids:/ci\n");
	put("/sys/fs/cgroup/memory/ci/memory.limit_in_bytes", "4096\n");
	ck_assert_uint_eq(limit(), 4096);
}
END_TEST

/* A word that only begins or ends like it, a path that looks like a list. */
START_TEST(no_memory_controller)
{
	put("/proc/self/cgroup", "5:hugememory,memoryx,mem:/a\n4:cpu:/memory:memory\n");
	put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "4096\n");
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n");
	put("/sys/fs/cgroup/memory.max", "4096\n");
	ck_assert_uint_eq(limit(), UINT64_MAX);
}
END_TEST

START_TEST(files_of_another_kind)
{
	static const char *const texts[] = {
		"",      "\n",       "::",           ":",           "0:",           "0::",
		"0::\n", "4:memory", "memory\n::\n", "0:memory:\n", "\n\n0:\n:::\n"
	};
	static char long_path[3000] = "0::/";

	put("/sys/fs/cgroup/x", "");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put("/proc/self/cgroup", texts[i]);
		ck_assert_uint_eq(limit(), UINT64_MAX);
	}
	memset(long_path + 4, 'p', sizeof(long_path) - 5);
	put("/proc/self/cgroup", long_path);
	put("/sys/fs/cgroup/memory.max", "8192\n");
	ck_assert_uint_eq(limit(), 8192); /* what is too long to be opened is left out */
	put("/sys/fs/cgroup/memory.max", "many\n");
	ck_assert_uint_eq(limit(), UINT64_MAX);
	put("/sys/fs/cgroup/memory.max", "99999999999999999999999999\n");
	ck_assert_uint_eq(limit(), UINT64_MAX);
}
END_TEST

static void says(const char *first, ...)
{
	va_list words;

	va_start(words, first);
	for (const char *word = first; word; word = va_arg(words, const char *))
		ck_assert_msg(strstr(e.text, word) != NULL, "'%s' in: %s", word, e.text);
	va_end(words);
}

START_TEST(ram_and_swap)
{
	const struct hostmem host = { 4096 * MIB, 1024 * MIB, UINT64_MAX, "" };

	ck_assert_int_eq(hostmem_check(&host, 1, &e), 0);
	ck_assert_int_eq(hostmem_check(&host, 4097 * MIB, &e), 0);
	ck_assert_int_eq(hostmem_check(&host, 5120 * MIB, &e), 0);
	ck_assert_int_eq(hostmem_check(&host, 5120 * MIB + 4096, &e), -ENOMEM);
	ck_assert_int_eq(hostmem_check(&host, 6144 * MIB, &e), -ENOMEM);
	says("-m", "6144 MiB", "4096 MiB", "1024 MiB", "less", NULL);
	ck_assert_int_eq(hostmem_check(&host, UINT64_MAX, &e), -ENOMEM);
}
END_TEST

START_TEST(group_and_swap)
{
	const struct hostmem host = { 4096 * MIB, 100 * MIB, 512 * MIB, "/sys/fs/x/memory.max" };

	ck_assert_int_eq(hostmem_check(&host, 612 * MIB, &e), 0);
	ck_assert_int_eq(hostmem_check(&host, 613 * MIB, &e), -ENOMEM);
	says("-m", "613 MiB", "512 MiB", "100 MiB", "/sys/fs/x/memory.max", "less", NULL);
}
END_TEST

/* A host that tells nothing refuses nothing, and no sum runs over. */
START_TEST(at_the_edges)
{
	const struct hostmem nothing = { 0, 0, UINT64_MAX, "" };
	const struct hostmem endless = { UINT64_MAX, UINT64_MAX, UINT64_MAX - 1, "" };

	ck_assert_int_eq(hostmem_check(&nothing, 1ULL << 52, &e), 0);
	ck_assert_int_eq(hostmem_check(&endless, UINT64_MAX, &e), 0);
}
END_TEST

/* The guest that nobody asks about, and one that no host can have. */
START_TEST(can_give)
{
	ck_assert_int_eq(hostmem_can_give(128 * MIB, &e), 0);
	ck_assert_int_eq(hostmem_can_give(1ULL << 51, &e), -ENOMEM);
	says("2147483648 MiB", NULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_host_itself,      version_2,
		in_a_container,       version_1,
		no_memory_controller, files_of_another_kind,
		ram_and_swap,         group_and_swap,
		at_the_edges,         can_give,
	};
	Suite *suite = suite_create("hostmem");
	TCase *tcase = tcase_create("hostmem");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
