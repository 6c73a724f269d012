/* SPDX-License-Identifier: MIT */
/*
 * The cache's directory by its header's promises: where it is and with which permissions ([XDG]),
 * when it is not used, files that come whole or not at all, what is no file of ours, the bound, and
 * disks that are full, read-only or limited.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/common/folder.h"
#include "vmm/cachedir.h"

enum { SPEC_LEFTOVER_S = 60 };

static struct cachedir dir;
static struct err e;
static size_t descriptors;

/* --- a host whose write() and close() do what they may do ----------------------------------- */

static size_t write_max_bytes = SIZE_MAX; /* at once */
static int write_interruptions;           /* so many calls are interrupted first */
static int write_errno;                   /* then every call fails, if not 0 */
static int close_errno;

ssize_t write(int fd, const void *bytes, size_t size_bytes)
{
	if (write_interruptions > 0) {
		write_interruptions--;
		errno = EINTR;
		return -1;
	}
	if (write_errno) {
		errno = write_errno;
		return -1;
	}
	return syscall(SYS_write, fd, bytes,
		       size_bytes < write_max_bytes ? size_bytes : write_max_bytes);
}

int close(int fd)
{
	int rc = (int)syscall(SYS_close, fd);

	if (rc < 0 || !close_errno)
		return rc;
	errno = close_errno;
	return -1;
}

static int reopen(void)
{
	cachedir_close(&dir);
	memset(&e, 0, sizeof(e));
	return cachedir_open(&dir, &e);
}

static void expect_opened(void)
{
	int rc = reopen();

	ck_assert_msg(rc == 0, "%s", e.text);
	ck_assert_int_ge(dir.fd, 0);
}

/* Refused, and the reason begins with one and has the other in it. */
static void expect_refused(const char *begin, const char *other)
{
	int rc = reopen();

	ck_assert_msg(rc < 0, "opened; expected: %s", begin);
	ck_assert_int_eq(rc, -e.code);
	ck_assert_int_eq(dir.fd, -1);
	ck_assert_msg(strncmp(e.text, begin, strlen(begin)) == 0 && strstr(e.text, other),
		      "not \"%s\" and \"%s\": %s", begin, other, e.text);
	ck_assert_ptr_null(strchr(e.text, '\n'));
}

static void setup(void)
{
	(void)umask(022);
	descriptors = folder_count("/proc/self/fd");
	folder_make();
	(void)setenv("XDG_CACHE_HOME", folder_at(""), 1);
	(void)setenv("HOME", "/nonexistent", 1);
	dir.fd = -1;
	expect_opened();
}

static void teardown(void)
{
	size_t left;

	cachedir_close(&dir);
	cachedir_close(&dir);
	left = folder_count("/proc/self/fd");
	folder_remove();
	ck_assert_uint_eq(left, descriptors);
}

/* Puts size_bytes of which none is zero, as two parts. */
static int put(const char *name, size_t size_bytes, bool new_only)
{
	static uint8_t bytes[1 << 20];
	const struct iovec head = { bytes, size_bytes / 3 };
	const struct iovec tail = { bytes + size_bytes / 3, size_bytes - size_bytes / 3 };

	for (size_t i = 0; i < size_bytes; i++)
		bytes[i] = (uint8_t)(i % 255 + 1);
	return cachedir_put(&dir, name, &head, &tail, new_only);
}

/* --- where it is --------------------------------------------------------------------------- */

/* [XDG] "Environment variables": relative paths are ignored, and an empty one counts as unset. */
START_TEST(place)
{
	static const struct {
		const char *xdg, *home; /* "/..." is in the folder; a NULL is unset */
		const char *expected;   /* NULL: nowhere */
	} cases[] = {
		{ "/xdg", "/home", "xdg/tvmm" },
		{ "/a/b//c/", NULL, "a/b/c/tvmm" },
		{ NULL, "/home1", "home1/.cache/tvmm" },
		{ "", "/home2", "home2/.cache/tvmm" },
		{ ".", "/home3", "home3/.cache/tvmm" },
		{ "cache", "/home4", "home4/.cache/tvmm" },
		{ NULL, NULL, NULL },
		{ "", "", NULL },
		{ ".", "home", NULL },
		{ "cache", NULL, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *xdg = cases[i].xdg, *home = cases[i].home;

		(void)unsetenv("XDG_CACHE_HOME");
		(void)unsetenv("HOME");
		if (xdg)
			(void)setenv("XDG_CACHE_HOME", *xdg == '/' ? folder_at(xdg + 1) : xdg, 1);
		if (home)
			(void)setenv("HOME", *home == '/' ? folder_at(home + 1) : home, 1);
		if (!cases[i].expected) {
			expect_refused("neither XDG_CACHE_HOME nor HOME is an absolute path", "");
			ck_assert_str_eq(dir.path, "");
			continue;
		}
		if (!xdg || *xdg != '/') {
			expect_refused(folder_at(home + 1), "home directory"); /* not made */
			ck_assert_int_eq(mkdir(folder_at(home + 1), 0755), 0);
		}
		expect_opened();
		ck_assert_msg(folder_has(folder_at(cases[i].expected)), "case %zu", i);
		ck_assert_uint_eq(folder_count(folder_at(cases[i].expected)), 0);
	}
}
END_TEST

/* [XDG] "Referencing this specification": made with 0700; what is there keeps its permissions. */
START_TEST(permissions)
{
	ck_assert_int_eq(mkdir(folder_at("old"), 0755), 0);
	(void)setenv("XDG_CACHE_HOME", folder_at("old/new/newer"), 1);
	(void)umask(0);
	expect_opened();
	ck_assert_int_eq(folder_look(folder_at("old")).st_mode, S_IFDIR | 0755);
	ck_assert_int_eq(folder_look(folder_at("old/new")).st_mode, S_IFDIR | 0700);
	ck_assert_int_eq(folder_look(folder_at("old/new/newer")).st_mode, S_IFDIR | 0700);
	ck_assert_int_eq(folder_look(folder_at("old/new/newer/tvmm")).st_mode, S_IFDIR | 0700);
	ck_assert_int_eq(chmod(folder_at("old/new/newer/tvmm"), 0755), 0);
	expect_opened();
	ck_assert_int_eq(folder_look(folder_at("old/new/newer/tvmm")).st_mode, S_IFDIR | 0755);
	ck_assert_int_eq(put("it", 10, false), 0);
	ck_assert_int_eq(folder_look(folder_at("old/new/newer/tvmm/it")).st_mode, S_IFREG | 0600);
}
END_TEST

START_TEST(others_may_write)
{
	static const mode_t modes[] = { 0777, 01777, 0720, 0702, 0775 };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		char octal[16];

		ck_assert_int_eq(chmod(folder_at("tvmm"), modes[i]), 0);
		(void)snprintf(octal, sizeof(octal), "(mode %04o)", modes[i]);
		expect_refused(folder_at("tvmm: others may write into it"), octal);
	}
	ck_assert_int_eq(chmod(folder_at("tvmm"), 0700), 0);
	expect_opened();
}
END_TEST

/* Where the test is not root's, a directory of root's is another user's. */
START_TEST(another_user_s)
{
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(folder_at("tvmm"), FOLDER_SOMEBODY, FOLDER_SOMEBODY), 0);
		expect_refused(folder_at("tvmm: belongs to user 65534"), "not to user 0");
		return;
	}
	ck_assert_int_eq(rmdir(folder_at("tvmm")), 0);
	ck_assert_int_eq(symlink("/", folder_at("tvmm")), 0);
	expect_refused(folder_at("tvmm: belongs to user 0"), "not to user");
}
END_TEST

/* As root only: a user's HOME, as sudo may leave it, gets no directory of root's. */
START_TEST(another_user_s_home)
{
	ck_assert_int_eq(mkdir(folder_at("home"), 0755), 0);
	ck_assert_int_eq(chown(folder_at("home"), FOLDER_SOMEBODY, FOLDER_SOMEBODY), 0);
	(void)unsetenv("XDG_CACHE_HOME");
	(void)setenv("HOME", folder_at("home"), 1);
	expect_refused(folder_at("home/.cache: is missing"), "65534");
	ck_assert_uint_eq(folder_count(folder_at("home")), 0);
}
END_TEST

START_TEST(cannot_be_had)
{
	folder_put(folder_at("file"), "x", 1);
	(void)setenv("XDG_CACHE_HOME", folder_at("file"), 1);
	expect_refused(folder_at("file/tvmm: "), "Not a directory");
	ck_assert_int_eq(mkdir(folder_at("x"), 0700), 0);
	folder_put(folder_at("x/tvmm"), "x", 1);
	(void)setenv("XDG_CACHE_HOME", folder_at("x"), 1);
	expect_refused(folder_at("x/tvmm: "), "Not a directory");
	ck_assert_int_eq(symlink(folder_at("nowhere"), folder_at("dangling")), 0);
	(void)setenv("XDG_CACHE_HOME", folder_at("dangling"), 1);
	expect_refused(folder_at("dangling/tvmm: "), "No such file");
	(void)setenv("XDG_CACHE_HOME", "/proc/self", 1);
	expect_refused("/proc/self/tvmm: ", "cannot be made");
}
END_TEST

/* PATH_MAX is 4096 with the NUL: /tvmm behind 4090 bytes is just possible. */
START_TEST(long_path)
{
	char path[5000];

	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = i % 2 ? '.' : '/';
	memcpy(path, "/proc/self", strlen("/proc/self"));
	path[4090] = '\0';
	(void)setenv("XDG_CACHE_HOME", path, 1);
	expect_refused("/proc/self/.", "tvmm: cannot be made");
	path[4090] = '.';
	path[4091] = '\0';
	(void)setenv("XDG_CACHE_HOME", path, 1);
	expect_refused("/proc/self/.", "a path of 4096 bytes; at most 4095 are possible");
	ck_assert_str_eq(dir.path, "");
}
END_TEST

START_TEST(may_be_a_link)
{
	struct stat st;
	int fd;

	ck_assert_int_eq(put("it", 10, false), 0);
	ck_assert_int_eq(rename(folder_at("tvmm"), folder_at("elsewhere")), 0);
	ck_assert_int_eq(symlink(folder_at("elsewhere"), folder_at("tvmm")), 0);
	expect_opened();
	fd = cachedir_open_file(&dir, "it", &st);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
}
END_TEST

/* --- files --------------------------------------------------------------------------------- */

START_TEST(files_are_put)
{
	uint8_t bytes[1000];
	struct stat st;
	ino_t before;
	int fd;

	ck_assert_int_eq(cachedir_open_file(&dir, "it", &st), -ENOENT);
	ck_assert_int_eq(put("it", 900, true), 0);
	ck_assert_uint_eq(folder_get(folder_at("tvmm/it"), bytes, sizeof(bytes)), 900);
	for (size_t i = 0; i < 900; i++)
		ck_assert_uint_eq(bytes[i], i % 255 + 1);
	before = folder_look(folder_at("tvmm/it")).st_ino;
	ck_assert_int_eq(put("it", 800, true), -EEXIST);
	fd = cachedir_open_file(&dir, "it", &st);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(st.st_size, 900);
	ck_assert_uint_eq(st.st_ino, before);
	ck_assert_int_eq(put("it", 700, false), 0);
	ck_assert_uint_ne(folder_look(folder_at("tvmm/it")).st_ino, before);
	ck_assert_int_eq(folder_look(folder_at("tvmm/it")).st_size, 700);
	ck_assert_int_eq(read(fd, bytes, sizeof(bytes)), 900);
	(void)close(fd);
	ck_assert_uint_eq(folder_count(folder_at("tvmm")), 1);
}
END_TEST

START_TEST(links_are_not_followed)
{
	struct stat st;

	folder_put(folder_at("kept"), "x", 1);
	ck_assert_int_eq(symlink(folder_at("kept"), folder_at("tvmm/it")), 0);
	ck_assert_int_eq(cachedir_open_file(&dir, "it", &st), -EBADMSG);
	ck_assert_int_eq(put("it", 10, true), -EEXIST);
	ck_assert_int_eq(put("it", 10, false), 0);
	ck_assert_int_eq(folder_look(folder_at("kept")).st_size, 1);
	ck_assert_int_eq(folder_look(folder_at("tvmm/it")).st_mode, S_IFREG | 0600);
	cachedir_discard(&dir, "it");
	ck_assert_int_eq(symlink(folder_at("kept"), folder_at("tvmm/it")), 0);
	cachedir_discard(&dir, "it");
	ck_assert(!folder_has(folder_at("tvmm/it")));
	ck_assert(folder_has(folder_at("kept")));
}
END_TEST

/* A directory with something in it stays, and nothing can be put in its place. */
START_TEST(directories)
{
	struct stat st;

	ck_assert_int_eq(mkdir(folder_at("tvmm/it"), 0700), 0);
	ck_assert_int_eq(cachedir_open_file(&dir, "it", &st), -EBADMSG);
	folder_put(folder_at("tvmm/it/full"), "x", 1);
	cachedir_discard(&dir, "it");
	ck_assert(folder_has(folder_at("tvmm/it/full")));
	ck_assert_int_eq(put("it", 10, true), -EEXIST);
	ck_assert_int_eq(put("it", 10, false), -EISDIR);
	ck_assert_uint_eq(folder_count(folder_at("tvmm")), 1);
	ck_assert_int_eq(unlink(folder_at("tvmm/it/full")), 0);
	cachedir_discard(&dir, "it");
	ck_assert(!folder_has(folder_at("tvmm/it")));
	cachedir_discard(&dir, "it");
}
END_TEST

/* Of head's bytes only those that are not zero take room on the disk, in units of 64 KiB. */
START_TEST(zeros_become_holes)
{
	enum { UNIT = 64 << 10, UNITS = 8, BYTES = UNITS * UNIT + 100 };
	static const struct {
		const char *kinds; /* of the units and of the 100 bytes behind: data or zeros */
		size_t tail_bytes;
		int data_units;
	} cases[] = {
		{ "ddddddddd", 10, 9 }, { "dzzzzzzzd", 10, 2 }, { "zzzzddzzz", 10, 3 },
		{ "zzzzzzzzz", 10, 1 }, { "zzzzzzzzz", 0, 0 },  { "dzdzdzdzz", 0, 4 },
	};
	static uint8_t bytes[BYTES], tail[] = "123456789", found[BYTES + sizeof(tail)];

	expect_opened();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct iovec head = { bytes, BYTES };
		const struct iovec last = { tail, cases[i].tail_bytes };
		size_t size = BYTES + cases[i].tail_bytes;
		struct stat st;
		int fd;

		for (size_t at = 0; at < BYTES; at++)
			bytes[at] = cases[i].kinds[at / UNIT] == 'd' && at % UNIT == 77;
		ck_assert_int_eq(cachedir_put(&dir, "holes", &head, &last, false), 0);
		fd = cachedir_open_file(&dir, "holes", &st);
		ck_assert_int_ge(fd, 0);
		ck_assert_uint_eq(st.st_size, size);
		ck_assert_int_eq(pread(fd, found, sizeof(found), 0), size);
		ck_assert_int_eq(close(fd), 0);
		ck_assert_mem_eq(found, bytes, BYTES);
		ck_assert_mem_eq(found + BYTES, tail, cases[i].tail_bytes);
		ck_assert_msg(st.st_blocks * 512 <= cases[i].data_units * UNIT, "case %zu: %lld", i,
			      (long long)st.st_blocks);
	}
}
END_TEST

START_TEST(short_and_interrupted_writes)
{
	uint8_t bytes[1000];

	write_max_bytes = 7;
	write_interruptions = 3;
	ck_assert_int_eq(put("it", 900, false), 0);
	write_max_bytes = SIZE_MAX;
	ck_assert_int_eq(write_interruptions, 0);
	ck_assert_uint_eq(folder_get(folder_at("tvmm/it"), bytes, sizeof(bytes)), 900);
	for (size_t i = 0; i < 900; i++)
		ck_assert_uint_eq(bytes[i], i % 255 + 1);
}
END_TEST

/* What was there stays, and nothing else is. */
START_TEST(failing_writes)
{
	static const int errors[] = { ENOSPC, EDQUOT, EIO, EROFS };

	ck_assert_int_eq(put("it", 100, false), 0);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		write_errno = errors[i];
		ck_assert_int_eq(put("it", 900, false), -errors[i]);
		ck_assert_int_eq(put("new", 900, true), -errors[i]);
		write_errno = 0;
		close_errno = errors[i];
		ck_assert_int_eq(put("it", 900, false), -errors[i]);
		ck_assert_int_eq(put("new", 900, true), -errors[i]);
		close_errno = 0;
		ck_assert_uint_eq(folder_count(folder_at("tvmm")), 1);
		ck_assert_int_eq(folder_look(folder_at("tvmm/it")).st_size, 100);
	}
}
END_TEST

/* --- the bound ----------------------------------------------------------------------------- */

/* Counts: what begins with k. */
static bool is_k(const char *name)
{
	return *name == 'k';
}

static const struct cachedir_bound bound = { .counts = is_k, .max_bytes = 1000, .max_files = 8 };

/* A file of holes, last used that many seconds ago. */
static void put_hollow(const char *name, off_t size_bytes, long seconds)
{
	folder_put(folder_at(name), "", 0);
	ck_assert_int_eq(truncate(folder_at(name), size_bytes), 0);
	folder_age(folder_at(name), seconds);
}

static bool has(const char *name)
{
	char path[100];

	(void)snprintf(path, sizeof(path), "tvmm/%s", name);
	return folder_has(folder_at(path));
}

START_TEST(bytes_are_bounded)
{
	put_hollow("tvmm/k1", 300, 100);
	put_hollow("tvmm/k2", 300, 300);
	put_hollow("tvmm/k3", 300, 200);
	ck_assert_int_eq(cachedir_make_room(&dir, &bound, "new", 100), 0);
	ck_assert_uint_eq(folder_count(folder_at("tvmm")), 3);
	ck_assert_int_eq(cachedir_make_room(&dir, &bound, "new", 101), 0);
	ck_assert(has("k1") && !has("k2") && has("k3"));
	ck_assert_int_eq(cachedir_make_room(&dir, &bound, "new", 401), 0);
	ck_assert(has("k1") && !has("k3"));
	ck_assert_int_eq(cachedir_make_room(&dir, &bound, "new", 1000), 0);
	ck_assert_uint_eq(folder_count(folder_at("tvmm")), 0);
}
END_TEST

START_TEST(files_are_bounded)
{
	char name[32];

	for (int i = 0; i < 8; i++) {
		(void)snprintf(name, sizeof(name), "tvmm/k%d", i);
		put_hollow(name, 1, 1000 - i);
	}
	ck_assert_int_eq(cachedir_make_room(&dir, &bound, "new", 1), 0);
	ck_assert_uint_eq(folder_count(folder_at("tvmm")), 7);
	ck_assert(!has("k0") && has("k1"));
	ck_assert_int_eq(cachedir_make_room(&dir, &bound, "new", 1), 0);
	ck_assert_uint_eq(folder_count(folder_at("tvmm")), 7);
}
END_TEST

/* The order within a second counts as well. */
START_TEST(oldest_by_the_nanosecond)
{
	struct timespec times[2] = { { 1000, 0 }, { 1000, 0 } };

	for (long i = 0; i < 8; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "tvmm/k%ld", i);
		put_hollow(name, 1, 0);
		times[1].tv_nsec = i == 5 ? 1 : 100 + i;
		ck_assert_int_eq(utimensat(AT_FDCWD, folder_at(name), times, 0), 0);
	}
	ck_assert_int_eq(cachedir_make_room(&dir, &bound, "new", 1), 0);
	ck_assert_uint_eq(folder_count(folder_at("tvmm")), 7);
	ck_assert(!has("k5"));
}
END_TEST

/* What is to be replaced is not counted twice, and stays however old it is. */
START_TEST(itself_stays)
{
	put_hollow("tvmm/k1", 600, 100);
	put_hollow("tvmm/k2", 400, 50);
	ck_assert_int_eq(cachedir_make_room(&dir, &bound, "k1", 600), 0);
	ck_assert(has("k1") && has("k2"));
	ck_assert_int_eq(cachedir_make_room(&dir, &bound, "k1", 601), 0);
	ck_assert(has("k1") && !has("k2"));
}
END_TEST

/* More than fits any table. */
START_TEST(far_too_much)
{
	char name[32];

	for (int i = 0; i < 600; i++) {
		(void)snprintf(name, sizeof(name), "tvmm/k%d", i);
		put_hollow(name, i % 2 ? (off_t)1 << 43 : 100, 5000 - i);
	}
	ck_assert_int_eq(cachedir_make_room(&dir, &bound, "new", 1), 0);
	ck_assert_uint_eq(folder_count(folder_at("tvmm")), 0);
}
END_TEST

START_TEST(other_names_stay)
{
	static const char *const names[] = {
		"notes.txt",
		"seed",
		"tmp-0123456789abcde",
		"tmp-0123456789abcdef0",
		"tmp-0123456789abcdeg",
		"tmp-0123456789ABCDEF",
		"temp-0123456789abcdef",
	};
	char name[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(name, sizeof(name), "tvmm/%s", names[i]);
		put_hollow(name, 100000, 1000000);
	}
	put_hollow("tvmm/k1", 900, 100);
	ck_assert_int_eq(cachedir_make_room(&dir, &bound, "new", 100), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(has(names[i]), "%s", names[i]);
	ck_assert(has("k1"));
}
END_TEST

START_TEST(leftovers_go)
{
	put_hollow("tvmm/tmp-0123456789abcdef", 1, SPEC_LEFTOVER_S + 30);
	put_hollow("tvmm/tmp-ffffffffffffffff", 1, -SPEC_LEFTOVER_S - 30);
	put_hollow("tvmm/tmp-fedcba9876543210", 1, SPEC_LEFTOVER_S - 30);
	folder_put(folder_at("kept"), "x", 1);
	ck_assert_int_eq(symlink(folder_at("kept"), folder_at("tvmm/tmp-1111111111111111")), 0);
	folder_age(folder_at("tvmm/tmp-1111111111111111"), SPEC_LEFTOVER_S + 30);
	ck_assert_int_eq(cachedir_make_room(&dir, &bound, "new", 1), 0);
	ck_assert(!has("tmp-0123456789abcdef"));
	ck_assert(!has("tmp-ffffffffffffffff"));
	ck_assert(!has("tmp-1111111111111111"));
	ck_assert(has("tmp-fedcba9876543210"));
	ck_assert(folder_has(folder_at("kept")));
}
END_TEST

START_TEST(further_than)
{
	struct timespec then = { .tv_sec = time(NULL) };

	ck_assert(!cachedir_is_further(&then, 60));
	then.tv_sec -= 50;
	ck_assert(!cachedir_is_further(&then, 60));
	then.tv_sec -= 20;
	ck_assert(cachedir_is_further(&then, 60));
	then.tv_sec += 120;
	ck_assert(!cachedir_is_further(&then, 60));
	then.tv_sec += 20;
	ck_assert(cachedir_is_further(&then, 60));
	then.tv_sec = INT64_MIN;
	ck_assert(cachedir_is_further(&then, 60));
	then.tv_sec = INT64_MAX;
	ck_assert(cachedir_is_further(&then, 60));
}
END_TEST

/* --- the disk ------------------------------------------------------------------------------ */

/* Without a handler for SIGXFSZ, which would end the process. */
static int below_a_file_size_limit(void)
{
	struct rlimit limit = { 999, RLIM_INFINITY };

	(void)signal(SIGXFSZ, SIG_DFL);
	NEED(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	NEED(put("it", 1000, false) == -EFBIG);
	NEED(put("it", 1000, true) == -EFBIG);
	NEED(folder_count(folder_at("tvmm")) == 0);
	NEED(put("it", 999, false) == 0);
	return 0;
}

START_TEST(file_size_limit)
{
	ck_assert_int_eq(folder_in_child(below_a_file_size_limit), 0);
}
END_TEST

static int on_a_full_disk(void)
{
	struct stat st;
	int fd;

	cachedir_close(&dir);
	NEED(folder_own_mounts());
	NEED(mount("none", folder_at(""), "tmpfs", 0, "size=256k,mode=700") == 0);
	NEED(reopen() == 0);
	NEED(put("small", 1000, false) == 0);
	NEED(put("it", 1 << 20, false) == -ENOSPC);
	NEED(put("it", 1 << 20, true) == -ENOSPC);
	NEED(folder_count(folder_at("tvmm")) == 1);
	NEED(put("small", 1 << 20, false) == -ENOSPC);
	fd = cachedir_open_file(&dir, "small", &st);
	NEED(fd >= 0 && st.st_size == 1000);
	(void)close(fd);
	NEED(put("it", 100 << 10, false) == 0);
	/* Nor does a sum of sizes that does not fit 64 bits let too much stay. */
	for (int i = 0; i < 4; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "tvmm/k%d", i);
		folder_put(folder_at(name), "", 0);
		NEED(truncate(folder_at(name), (off_t)1 << 62) == 0);
	}
	NEED(cachedir_make_room(&dir, &bound, "new", 1) == 0);
	NEED(folder_count(folder_at("tvmm")) == 2);
	return 0;
}

START_TEST(full_disk)
{
	ck_assert_int_eq(folder_in_child(on_a_full_disk), 0);
}
END_TEST

static int on_a_read_only_disk(void)
{
	const char *folder = folder_at("");
	struct stat st;
	int fd;

	cachedir_close(&dir);
	NEED(folder_own_mounts());
	NEED(mount(folder, folder, NULL, MS_BIND, NULL) == 0);
	NEED(mount(NULL, folder, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
	NEED(reopen() == 0);
	NEED(put("it", 1000, false) == -EROFS);
	cachedir_discard(&dir, "small");
	fd = cachedir_open_file(&dir, "small", &st);
	NEED(fd >= 0);
	(void)close(fd);
	(void)setenv("XDG_CACHE_HOME", folder_at("x"), 1);
	NEED(reopen() == -EROFS);
	NEED(strstr(e.text, "cannot be made: Read-only") != NULL);
	return 0;
}

START_TEST(read_only_disk)
{
	ck_assert_int_eq(put("small", 1000, false), 0);
	ck_assert_int_eq(folder_in_child(on_a_read_only_disk), 0);
}
END_TEST

static void add(TCase *tcase, const TTest *const *tests, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
}

#define ADD(tcase, tests) add(tcase, tests, sizeof(tests) / sizeof((tests)[0]))

int main(void)
{
	const TTest *const everywhere[] = {
		place,
		permissions,
		others_may_write,
		another_user_s,
		cannot_be_had,
		long_path,
		may_be_a_link,
		files_are_put,
		zeros_become_holes,
		short_and_interrupted_writes,
		failing_writes,
		links_are_not_followed,
		directories,
		bytes_are_bounded,
		files_are_bounded,
		oldest_by_the_nanosecond,
		itself_stays,
		far_too_much,
		other_names_stay,
		leftovers_go,
		further_than,
		file_size_limit,
	};
	const TTest *const for_root[] = { another_user_s_home };
	const TTest *const with_mounts[] = { full_disk, read_only_disk };
	Suite *suite = suite_create("cachedir");
	TCase *tcase = tcase_create("cachedir");
	SRunner *runner;
	int failed;

	ADD(tcase, everywhere);
	if (geteuid() == 0)
		ADD(tcase, for_root);
	else
		(void)puts("cachedir: not root: another user's home is not tried");
	if (folder_can_mount())
		ADD(tcase, with_mounts);
	else
		(void)puts("cachedir: no mounts here: full and read-only disks are not tried");
	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
