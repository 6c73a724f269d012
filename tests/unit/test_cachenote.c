/* SPDX-License-Identifier: MIT */
/*
 * Notes of the cache by their header's promises: believed as long as the file is as it was, never
 * made of a file that may still change unseen, and none when they are damaged or another's. The
 * clock, the file system's kind and the host's start are this test's to choose.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "tests/common/folder.h"
#include "vmm/cachenote.h"

enum {
	SPEC_MAX = 128,
	SPEC_NOTE_BYTES = 104,
	SPEC_NFS = 0x6969, /* [LINUX] include/uapi/linux/magic.h */
	SPEC_FUSE = 0x65735546,
	SPEC_9P = 0x01021997,
	SPEC_TMPFS = 0x01021994,
};

static struct kernelcache cache;
static struct cachenote_state state;
static struct kernelcache_key key = { "sixteen bytes..." }, found;
static int fd;

/* ---- a host whose clock, file systems and starts are ours ---------------------------------- */

static struct timespec later; /* than the real time */
static unsigned int fs_type = SPEC_TMPFS;
static bool whole_seconds, another_start;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_REALTIME) {
		now->tv_sec += later.tv_sec;
		now->tv_nsec += later.tv_nsec;
		now->tv_sec += now->tv_nsec / 1000000000;
		now->tv_nsec %= 1000000000;
	}
	return rc;
}

int fstatfs(int of, struct statfs *fs)
{
	int rc = (int)syscall(SYS_fstatfs, of, fs);

	fs->f_type = fs_type;
	return rc;
}

int fstat(int of, struct stat *st)
{
	int rc = (int)syscall(SYS_fstat, of, st);

	if (whole_seconds)
		st->st_ctim.tv_nsec = 0;
	return rc;
}

ssize_t read(int from, void *to, size_t size_bytes)
{
	ssize_t n = syscall(SYS_read, from, to, size_bytes);

	if (another_start && n == 36)
		*(char *)to ^= 1;
	return n;
}

static void open_cache(void)
{
	kernelcache_init(&cache);
	kernelcache_open(&cache);
	ck_assert_msg(kernelcache_is_there(&cache), "%s", cache.why.text);
}

static void setup(void)
{
	folder_make();
	ck_assert_int_eq(setenv("XDG_CACHE_HOME", folder_at(""), 1), 0);
	open_cache();
	folder_put(folder_at("image"), "0123456789", 10);
	fd = open(folder_at("image"), O_RDWR);
	ck_assert_int_ge(fd, 0);
	later = (struct timespec){ 10, 0 };
	fs_type = SPEC_TMPFS;
	whole_seconds = another_start = false;
	memset(&found, 0, sizeof(found));
}

static void teardown(void)
{
	(void)close(fd);
	kernelcache_close(&cache);
	folder_remove();
}

static void look_and_keep(void)
{
	cachenote_look(fd, &state);
	cachenote_keep_key(&cache, &state, fd, 2, 5, &key);
}

static bool recalls(void)
{
	cachenote_look(fd, &state);
	return cachenote_recall_key(&cache, &state, 2, 5, &found) &&
	       memcmp(&found, &key, sizeof(key)) == 0;
}

/* The only name of that ending; valid until the next call but 7. */
static const char *note_path(const char *suffix)
{
	char command[200], name[100] = "tvmm/";
	FILE *list;

	(void)snprintf(command, sizeof(command), "cd %s && ls *%s", folder_at("tvmm"), suffix);
	list = popen(command, "r");
	ck_assert_ptr_nonnull(list);
	ck_assert_ptr_nonnull(fgets(name + 5, sizeof(name) - 5, list));
	ck_assert_int_eq(pclose(list), 0);
	name[strcspn(name, "\n")] = '\0';
	return folder_at(name);
}

/* ---- keys ----------------------------------------------------------------------------------- */

START_TEST(kept_and_recalled)
{
	struct cachenote_state other;

	ck_assert(!recalls());
	look_and_keep();
	ck_assert(recalls());
	ck_assert_int_eq(folder_look(note_path(".seen")).st_size, SPEC_NOTE_BYTES);
	kernelcache_close(&cache);
	open_cache();
	ck_assert(recalls());
	ck_assert(!cachenote_recall_key(&cache, &state, 3, 5, &found));
	ck_assert(!cachenote_recall_key(&cache, &state, 2, 6, &found));
	for (int i = 0; i < 7; i++) {
		other = state;
		switch (i) {
		case 0:
			other.dev++;
			break;
		case 1:
			other.ino++;
			break;
		case 2:
			other.size_bytes++;
			break;
		case 3:
			other.mtime_s++;
			break;
		case 4:
			other.mtime_ns ^= 1;
			break;
		case 5:
			other.ctime_s++;
			break;
		case 6:
			other.ctime_ns ^= 1;
			break;
		}
		ck_assert_msg(!cachenote_recall_key(&cache, &other, 2, 5, &found), "number %d", i);
	}
	ck_assert(recalls());
}
END_TEST

/* Overwritten in place, with its old size and times set again: the ctime tells. */
START_TEST(same_size_and_mtime)
{
	struct stat before = folder_look(folder_at("image"));
	const struct timespec times[] = { before.st_atim, before.st_mtim };

	look_and_keep();
	(void)usleep(20000); /* the clock's tick */
	ck_assert_int_eq(pwrite(fd, "9876543210", 10, 0), 10);
	ck_assert_int_eq(futimens(fd, times), 0);
	ck_assert_int_eq(folder_look(folder_at("image")).st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	ck_assert(!recalls());
	look_and_keep();
	ck_assert(recalls());
}
END_TEST

/* A file in its place is another one, and so is one that is only touched. */
START_TEST(replaced_or_touched)
{
	look_and_keep();
	folder_put(folder_at("new"), "0123456789", 10);
	ck_assert_int_eq(rename(folder_at("new"), folder_at("image")), 0);
	(void)close(fd);
	fd = open(folder_at("image"), O_RDONLY);
	ck_assert(!recalls());
	look_and_keep();
	ck_assert(recalls());
	(void)usleep(20000);
	ck_assert_int_eq(chmod(folder_at("image"), 0640), 0);
	ck_assert(!recalls());
}
END_TEST

/* Of a file that changed a moment ago no note is made: it may change again unseen. */
START_TEST(racy)
{
	static const struct {
		time_t s;
		long ns;
		bool whole, noted;
	} cases[] = {
		{ 0, 0, false, false },        { 0, 40000000, false, false },
		{ 0, 900000000, false, true }, { 10, 0, false, true },
		{ -10, 0, false, false },      { 0, 900000000, true, false },
		{ 1, 0, true, false },         { 3, 0, true, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(fchmod(fd, i % 2 ? 0600 : 0640), 0); /* a new ctime */
		later = (struct timespec){ cases[i].s, cases[i].ns };
		whole_seconds = cases[i].whole;
		look_and_keep();
		ck_assert_msg(recalls() == cases[i].noted, "case %zu", i);
		(void)usleep(20000);
	}
}
END_TEST

START_TEST(changed_while_it_was_read)
{
	cachenote_look(fd, &state);
	(void)usleep(20000);
	ck_assert_int_eq(pwrite(fd, "x", 1, 0), 1);
	cachenote_keep_key(&cache, &state, fd, 2, 5, &key);
	ck_assert(!recalls());
	ck_assert_int_eq(folder_count(folder_at("tvmm")), 1);
}
END_TEST

/* Times of a server are a server's. */
START_TEST(file_systems)
{
	static const unsigned int foreign[] = { SPEC_NFS, SPEC_FUSE, SPEC_9P };

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		fs_type = SPEC_TMPFS;
		look_and_keep();
		ck_assert(recalls());
		fs_type = foreign[i];
		ck_assert(!recalls());
		ck_assert_int_eq(unlink(note_path(".seen")), 0);
		look_and_keep();
		cachenote_keep_checked(&cache, &key, NULL, fd);
		ck_assert_int_eq(folder_count(folder_at("tvmm")), 1);
	}
}
END_TEST

START_TEST(damaged_notes)
{
	uint8_t bytes[SPEC_NOTE_BYTES], zeros[SPEC_NOTE_BYTES] = { 0 };
	char path[200];

	look_and_keep();
	(void)snprintf(path, sizeof(path), "%s", note_path(".seen"));
	ck_assert_uint_eq(folder_get(path, bytes, sizeof(bytes)), sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 0x10;
		folder_put(path, bytes, sizeof(bytes));
		ck_assert_msg(!recalls(), "byte %zu", i);
		bytes[i] ^= 0x10;
		folder_put(path, bytes, i);
		ck_assert_msg(!recalls(), "%zu bytes", i);
	}
	folder_put(path, zeros, sizeof(zeros));
	ck_assert(!recalls());
	folder_put(path, bytes, sizeof(bytes));
	ck_assert(recalls());
}
END_TEST

/* Under another file's name, of another cache, and no file at all. */
START_TEST(foreign_notes)
{
	char mine[200], theirs[200];

	look_and_keep();
	(void)snprintf(mine, sizeof(mine), "%s", note_path(".seen"));
	cachenote_keep_key(&cache, &state, fd, 0, 9, &key);
	ck_assert_int_eq(rename(mine, folder_at("aside")), 0);
	(void)snprintf(theirs, sizeof(theirs), "%s", note_path(".seen"));
	ck_assert_int_eq(rename(theirs, mine), 0);
	ck_assert(!recalls());
	ck_assert_int_eq(unlink(mine), 0);
	ck_assert_int_eq(symlink(folder_at("aside"), mine), 0);
	ck_assert(!recalls());
	ck_assert_int_eq(unlink(mine), 0);
	ck_assert_int_eq(rename(folder_at("aside"), mine), 0);
	ck_assert(recalls());
	ck_assert_int_eq(unlink(folder_at("tvmm/seed")), 0);
	kernelcache_close(&cache);
	open_cache();
	ck_assert(!recalls());
}
END_TEST

/* ---- entries that were checked --------------------------------------------------------------- */

START_TEST(checked_until_the_host_starts_anew)
{
	ck_assert(!cachenote_is_checked(&cache, &key, fd));
	cachenote_look(fd, &state);
	cachenote_keep_checked(&cache, &key, &state, fd);
	ck_assert(cachenote_is_checked(&cache, &key, fd));
	another_start = true;
	ck_assert(!cachenote_is_checked(&cache, &key, fd));
	cachenote_keep_checked(&cache, &key, &state, fd);
	ck_assert(cachenote_is_checked(&cache, &key, fd));
	another_start = false;
	ck_assert(!cachenote_is_checked(&cache, &key, fd));
}
END_TEST

START_TEST(checked_until_it_changes)
{
	struct kernelcache_key other = key;

	cachenote_look(fd, &state);
	cachenote_keep_checked(&cache, &key, &state, fd);
	other.bytes[3] ^= 1;
	ck_assert(!cachenote_is_checked(&cache, &other, fd));
	(void)usleep(20000);
	ck_assert_int_eq(pwrite(fd, "x", 1, 3), 1);
	ck_assert(!cachenote_is_checked(&cache, &key, fd));
	/* What changed during the check was not checked. */
	cachenote_keep_checked(&cache, &key, &state, fd);
	ck_assert(!cachenote_is_checked(&cache, &key, fd));
	/* What was written a moment ago is noted by who wrote it only. */
	later = (struct timespec){ 0, 0 };
	cachenote_look(fd, &state);
	cachenote_keep_checked(&cache, &key, &state, fd);
	ck_assert(!cachenote_is_checked(&cache, &key, fd));
	cachenote_keep_checked(&cache, &key, NULL, fd);
	ck_assert(cachenote_is_checked(&cache, &key, fd));
}
END_TEST

/* ---- bounds ---------------------------------------------------------------------------------- */

START_TEST(bounded)
{
	char name[80];

	for (unsigned int i = 0; i < SPEC_MAX + 20; i++) {
		(void)snprintf(name, sizeof(name), "tvmm/%032x.seen", i);
		folder_put(folder_at(name), "x", 1);
		folder_age(folder_at(name), 1000 - i);
	}
	folder_put(folder_at("tvmm/0123456789abcdef0123456789abcdef.unpacked"), "x", 1);
	cachenote_look(fd, &state);
	cachenote_keep_checked(&cache, &key, &state, fd);
	look_and_keep();
	ck_assert(recalls());
	ck_assert(cachenote_is_checked(&cache, &key, fd));
	ck_assert(folder_has(folder_at("tvmm/0123456789abcdef0123456789abcdef.unpacked")));
	ck_assert(!folder_has(folder_at("tvmm/00000000000000000000000000000000.seen")));
	ck_assert(folder_has(folder_at("tvmm/00000000000000000000000000000093.seen")));
	/* The seed, an entry, a check, and the notes. */
	ck_assert_int_eq(folder_count(folder_at("tvmm")), 3 + SPEC_MAX);
}
END_TEST

START_TEST(no_cache)
{
	cachenote_look(fd, &state);
	kernelcache_close(&cache);
	kernelcache_none(&cache, "none");
	cachenote_keep_key(&cache, &state, fd, 2, 5, &key);
	cachenote_keep_checked(&cache, &key, &state, fd);
	ck_assert(!recalls());
	ck_assert(!cachenote_is_checked(&cache, &key, fd));
	cachenote_look(-1, &state);
	ck_assert(!state.is_local && !state.is_old);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cachenote");
	TCase *tcase = tcase_create("cachenote");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, kept_and_recalled);
	tcase_add_test(tcase, same_size_and_mtime);
	tcase_add_test(tcase, replaced_or_touched);
	tcase_add_test(tcase, racy);
	tcase_add_test(tcase, changed_while_it_was_read);
	tcase_add_test(tcase, file_systems);
	tcase_add_test(tcase, damaged_notes);
	tcase_add_test(tcase, foreign_notes);
	tcase_add_test(tcase, checked_until_the_host_starts_anew);
	tcase_add_test(tcase, checked_until_it_changes);
	tcase_add_test(tcase, bounded);
	tcase_add_test(tcase, no_cache);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
