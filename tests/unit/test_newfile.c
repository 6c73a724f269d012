/* SPDX-License-Identifier: MIT */
/*
 * Files that appear complete or not at all: what stands under the name before, between and after,
 * with nameless files and without; links, devices, descriptors; and who is refused.
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
#include <sys/stat.h>
#include <unistd.h>

#include "tests/common/folder.h"
#include "vmm/base/leftover.h"
#include "vmm/base/newfile.h"

static struct newfile file, other;
static struct err e;

static int begin(struct newfile *f, const char *name)
{
	int rc = newfile_examine(f, "-report", name, &e);

	return rc < 0 ? rc : newfile_open(f, &e);
}

static void put(const char *text)
{
	ck_assert_int_eq(write(file.fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void check_holds(const char *name, const char *wanted)
{
	char text[64];
	size_t n = folder_get(folder_at(name), text, sizeof(text) - 1);

	text[n] = '\0';
	ck_assert_str_eq(text, wanted);
}

static void write_whole(const char *name, const char *text)
{
	ck_assert_msg(begin(&file, folder_at(name)) == 0, "%s", e.text);
	put(text);
	ck_assert_msg(newfile_close(&file, &e) == 0, "%s", e.text);
}

static void expect_refused(const char *name, int code, const char *words)
{
	ck_assert_int_eq(begin(&file, name), -code);
	ck_assert_int_eq(e.code, code);
	ck_assert_ptr_nonnull(strstr(e.text, "-report"));
	ck_assert_msg(strstr(e.text, words), "'%s', not '%s'", e.text, words);
	ck_assert(!file.open);
	newfile_abandon(&file);
}

/* ---- whole or not at all --------------------------------------------------------------------- */

START_TEST(nothing_is_there_before_the_end)
{
	ck_assert_int_eq(begin(&file, folder_at("new")), 0);
	put("all of it");
	ck_assert(!folder_has(folder_at("new")));
	ck_assert_int_eq(newfile_close(&file, &e), 0);
	check_holds("new", "all of it");
	ck_assert_uint_eq(folder_count(folder_at("")), 1);
}
END_TEST

START_TEST(the_old_is_there_until_the_end)
{
	folder_put(folder_at("f"), "old and longer", 14);
	ck_assert_int_eq(begin(&file, folder_at("f")), 0);
	put("new");
	check_holds("f", "old and longer");
	ck_assert_int_eq(newfile_close(&file, &e), 0);
	check_holds("f", "new");
	ck_assert_uint_eq(folder_count(folder_at("")), 1);
}
END_TEST

START_TEST(what_is_abandoned_never_was)
{
	folder_put(folder_at("f"), "old", 3);
	ck_assert_int_eq(begin(&file, folder_at("f")), 0);
	put("new");
	newfile_abandon(&file);
	newfile_abandon(&file);
	check_holds("f", "old");
	ck_assert_int_eq(begin(&file, folder_at("g")), 0);
	newfile_abandon(&file);
	ck_assert_uint_eq(folder_count(folder_at("")), 1);
}
END_TEST

START_TEST(the_mode_is_the_old_ones)
{
	mode_t mask = umask(027);

	folder_put(folder_at("f"), "old", 3);
	ck_assert_int_eq(chmod(folder_at("f"), 0604), 0);
	write_whole("f", "new");
	ck_assert_uint_eq(folder_look(folder_at("f")).st_mode & 07777, 0604);
	write_whole("g", "new");
	ck_assert_uint_eq(folder_look(folder_at("g")).st_mode & 07777, 0640);
	(void)umask(mask);
}
END_TEST

START_TEST(a_name_without_a_folder)
{
	ck_assert_int_eq(chdir(folder_at("")), 0);
	ck_assert_int_eq(begin(&file, "plain"), 0);
	put("x");
	ck_assert_int_eq(newfile_close(&file, &e), 0);
	check_holds("plain", "x");
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

/* Without /proc no nameless file can get its name, so there is a temporary one from the start. */
static int without_proc(void)
{
	NEED(folder_own_mounts());
	NEED(mount("none", "/proc", "tmpfs", 0, NULL) == 0);
	folder_put(folder_at("f"), "old", 3);
	NEED(begin(&file, folder_at("f")) == 0);
	NEED(write(file.fd, "newer", 5) == 5);
	NEED(folder_count(folder_at("")) == 2 && folder_look(folder_at("f")).st_size == 3);
	NEED(newfile_close(&file, &e) == 0);
	NEED(folder_count(folder_at("")) == 1 && folder_look(folder_at("f")).st_size == 5);
	NEED(begin(&file, folder_at("g")) == 0);
	newfile_abandon(&file);
	NEED(folder_count(folder_at("")) == 1);
	NEED(begin(&file, folder_at("g")) == 0);
	leftover_settle_all();
	NEED(folder_count(folder_at("")) == 1);
	return 0;
}

START_TEST(where_there_is_no_proc)
{
	ck_assert_int_eq(folder_in_child(without_proc), 0);
}
END_TEST

/* ---- links ----------------------------------------------------------------------------------- */

START_TEST(a_link_stays_and_its_target_is_replaced)
{
	folder_put(folder_at("target"), "old", 3);
	ck_assert_int_eq(symlink("target", folder_at("second")), 0);
	ck_assert_int_eq(symlink(folder_at("second"), folder_at("first")), 0);
	write_whole("first", "new");
	check_holds("target", "new");
	ck_assert(S_ISLNK(folder_look(folder_at("first")).st_mode));
	ck_assert(S_ISLNK(folder_look(folder_at("second")).st_mode));
}
END_TEST

START_TEST(a_link_to_what_is_not_there_yet)
{
	ck_assert_int_eq(mkdir(folder_at("d"), 0700), 0);
	ck_assert_int_eq(symlink("d/target", folder_at("link")), 0);
	write_whole("link", "new");
	check_holds("d/target", "new");
	ck_assert(S_ISLNK(folder_look(folder_at("link")).st_mode));
}
END_TEST

START_TEST(links_in_a_circle)
{
	ck_assert_int_eq(symlink("b", folder_at("a")), 0);
	ck_assert_int_eq(symlink("a", folder_at("b")), 0);
	expect_refused(folder_at("a"), ELOOP, "link cannot be followed");
}
END_TEST

START_TEST(other_hard_links_keep_the_old)
{
	folder_put(folder_at("f"), "old", 3);
	ck_assert_int_eq(link(folder_at("f"), folder_at("g")), 0);
	write_whole("f", "new");
	check_holds("g", "old");
}
END_TEST

/* ---- what is written directly ---------------------------------------------------------------- */

START_TEST(a_descriptor_from_where_it_stands)
{
	char name[32];
	int fd = open(folder_at("f"), O_WRONLY | O_CREAT, 0600);

	ck_assert_int_eq(write(fd, "one ", 4), 4);
	(void)snprintf(name, sizeof(name), "/dev/fd/%d", fd);
	ck_assert_msg(begin(&file, name) == 0, "%s", e.text);
	put("two");
	ck_assert_int_eq(newfile_close(&file, &e), 0);
	check_holds("f", "one two");
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ck_assert_int_eq(symlink(name, folder_at("link")), 0);
	write_whole("link", " three");
	check_holds("f", "one two three");
	(void)close(fd);
}
END_TEST

START_TEST(only_descriptors_that_were_inherited)
{
	char name[32];
	int fd = open(folder_at("f"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)snprintf(name, sizeof(name), "/dev/fd/%d", fd);
	expect_refused(name, EBADF, "is not open for writing");
	(void)close(fd);
	expect_refused(name, EBADF, "is not open for writing");
	fd = open("/dev/null", O_RDONLY);
	(void)snprintf(name, sizeof(name), "/dev/fd/%d", fd);
	expect_refused(name, EBADF, "is not open for writing");
	(void)close(fd);
	expect_refused("/dev/fd/99999999999999999999", ENOENT, "");
}
END_TEST

START_TEST(a_fifo_with_a_reader)
{
	char text[8] = { 0 };
	int reader;

	ck_assert_int_eq(mkfifo(folder_at("fifo"), 0600), 0);
	expect_refused(folder_at("fifo"), ENXIO, "fifo: cannot be opened");
	reader = open(folder_at("fifo"), O_RDONLY | O_NONBLOCK);
	write_whole("fifo", "hello");
	ck_assert_int_eq(read(reader, text, sizeof(text)), 5);
	ck_assert_int_eq(fcntl(file.fd, F_GETFD), -1);
	ck_assert(S_ISFIFO(folder_look(folder_at("fifo")).st_mode));
	(void)close(reader);
}
END_TEST

/* ---- who is refused -------------------------------------------------------------------------- */

START_TEST(what_cannot_be)
{
	char longest[PATH_MAX + 2];

	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	expect_refused("", EINVAL, "the name is empty");
	expect_refused(longest, ENAMETOOLONG, "at most 4095");
	expect_refused(folder_at("no/such"), ENOENT, "no/such: its folder");
	expect_refused(folder_at(""), EISDIR, "is a directory");
	folder_put(folder_at("f"), "", 0);
	expect_refused(folder_at("f/g"), ENOTDIR, "f/g: ");
}
END_TEST

/* Told before anything is written: a name of 256 bytes, and a path that its temporary name outgrows. */
START_TEST(names_that_are_too_long)
{
	char name[PATH_MAX];
	size_t used = (size_t)snprintf(name, sizeof(name), "%s/", folder_at(""));

	(void)memset(name + used, 'x', 256);
	name[used + 256] = '\0';
	expect_refused(name, ENAMETOOLONG, "File name too long");
	name[used + 255] = '\0';
	ck_assert_msg(begin(&file, name) == 0, "%s", e.text);
	ck_assert_msg(newfile_close(&file, &e) == 0, "%s", e.text);
	while (used + 16 < sizeof(name))
		used += (size_t)snprintf(name + used, sizeof(name) - used, "./");
	(void)snprintf(name + used, sizeof(name) - used, "f");
	expect_refused(name, ENAMETOOLONG, "File name too long");
}
END_TEST

START_TEST(a_current_folder_that_is_gone)
{
	ck_assert_int_eq(mkdir(folder_at("d"), 0700), 0);
	ck_assert_int_eq(chdir(folder_at("d")), 0);
	ck_assert_int_eq(rmdir(folder_at("d")), 0);
	expect_refused("plain", ENOENT, "its folder . cannot be used");
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

static int as_somebody(void)
{
	static char f[256], g[256];

	(void)strcpy(f, folder_at("f"));
	(void)strcpy(g, folder_at("g"));
	folder_put(f, "old", 3);
	NEED(chmod(f, 0644) == 0 && chmod(folder_at(""), 0755) == 0);
	NEED(setuid(FOLDER_SOMEBODY) == 0);
	NEED(begin(&file, f) == -EACCES && strstr(e.text, "f: cannot be written"));
	NEED(begin(&file, g) == -EACCES && strstr(e.text, "no file can be created in its folder"));
	return 0;
}

START_TEST(who_may_not_write)
{
	if (geteuid() == 0)
		ck_assert_int_eq(folder_in_child(as_somebody), 0);
}
END_TEST

static int mounted_file(void)
{
	NEED(folder_own_mounts());
	folder_put(folder_at("a"), "", 0);
	folder_put(folder_at("b"), "", 0);
	NEED(mount(folder_at("a"), folder_at("b"), NULL, MS_BIND, NULL) == 0);
	NEED(begin(&file, folder_at("b")) == -EBUSY && strstr(e.text, "mount its folder"));
	return 0;
}

START_TEST(a_file_that_is_mounted_alone)
{
	ck_assert_int_eq(folder_in_child(mounted_file), 0);
}
END_TEST

/* A limit on the file's size stands in for a disk that fills up. */
static int full_disk(void)
{
	struct rlimit limit = { 4, 4 };

	(void)signal(SIGXFSZ, SIG_IGN);
	folder_put(folder_at("f"), "old", 3);
	NEED(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	NEED(begin(&file, folder_at("f")) == 0);
	NEED(write(file.fd, "more than fits", 14) < 14);
	newfile_abandon(&file);
	NEED(folder_look(folder_at("f")).st_size == 3);
	NEED(folder_count(folder_at("")) == 1);
	return 0;
}

START_TEST(a_disk_that_fills_up)
{
	ck_assert_int_eq(folder_in_child(full_disk), 0);
}
END_TEST

/* ---- the same place -------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
	bool answer;

	ck_assert_msg(begin(&file, a) == 0, "%s", e.text);
	ck_assert_msg(begin(&other, b) == 0, "%s", e.text);
	answer = newfile_same(&file, &other);
	ck_assert_int_eq(newfile_same(&other, &file), answer);
	newfile_abandon(&file);
	newfile_abandon(&other);
	return answer;
}

START_TEST(two_names_for_one_place)
{
	char descriptor[32];
	int fd = open(folder_at("old"), O_WRONLY | O_CREAT, 0600);

	(void)snprintf(descriptor, sizeof(descriptor), "/dev/fd/%d", fd);
	ck_assert_int_eq(mkdir(folder_at("d"), 0700), 0);
	ck_assert_int_eq(symlink("new", folder_at("link")), 0);
	ck_assert(same(folder_at("new"), folder_at("new")));
	ck_assert(same(folder_at("new"), folder_at("d/../new")));
	ck_assert(same(folder_at("new"), folder_at("link")));
	ck_assert(same(folder_at("old"), descriptor));
	ck_assert(same("-", "/dev/stdout"));
	ck_assert(!same(folder_at("new"), folder_at("d/new")));
	ck_assert(!same(folder_at("new"), folder_at("newer")));
	ck_assert(!same(folder_at("new"), descriptor));
	ck_assert(!same("/dev/null", "/dev/null"));
	(void)close(fd);
}
END_TEST

START_TEST(the_file_that_is_read)
{
	int fd;

	folder_put(folder_at("kernel"), "bytes", 5);
	fd = open(folder_at("kernel"), O_RDONLY);
	ck_assert_int_eq(begin(&file, folder_at("kernel")), 0);
	ck_assert(newfile_is(&file, fd));
	ck_assert(!newfile_is(&file, -1));
	newfile_abandon(&file);
	ck_assert_int_eq(begin(&file, folder_at("report")), 0);
	ck_assert(!newfile_is(&file, fd));
	newfile_abandon(&file);
	(void)close(fd);
}
END_TEST

/* ---- leftovers ------------------------------------------------------------------------------- */

START_TEST(more_leftovers_than_there_is_room_for)
{
	char name[32];
	int number[LEFTOVERS_MAX];

	for (int i = 0; i < LEFTOVERS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "l%d", i);
		number[i] = leftover_add(folder_at(name));
		ck_assert_int_ge(number[i], 0);
	}
	ck_assert_int_eq(leftover_add(folder_at("one more")), -1);
	leftover_forget(-1);
	leftover_complete(-1, "x");
	leftover_forget(number[3]);
	ck_assert_int_eq(leftover_add(folder_at("one more")), number[3]);
}
END_TEST

START_TEST(leftovers_that_were_forgotten_stay)
{
	folder_put(folder_at("a"), "", 0);
	leftover_forget(leftover_add(folder_at("a")));
	leftover_settle_all();
	ck_assert(folder_has(folder_at("a")));
}
END_TEST

static void add_mount_tests(TCase *tcase)
{
	if (!folder_can_mount())
		return;
	tcase_add_test(tcase, where_there_is_no_proc);
	tcase_add_test(tcase, a_file_that_is_mounted_alone);
}

int main(void)
{
	Suite *suite = suite_create("newfile");
	TCase *tcase = tcase_create("files");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, folder_make, folder_remove);
	tcase_add_test(tcase, nothing_is_there_before_the_end);
	tcase_add_test(tcase, the_old_is_there_until_the_end);
	tcase_add_test(tcase, what_is_abandoned_never_was);
	tcase_add_test(tcase, the_mode_is_the_old_ones);
	tcase_add_test(tcase, a_name_without_a_folder);
	tcase_add_test(tcase, a_link_stays_and_its_target_is_replaced);
	tcase_add_test(tcase, a_link_to_what_is_not_there_yet);
	tcase_add_test(tcase, links_in_a_circle);
	tcase_add_test(tcase, other_hard_links_keep_the_old);
	tcase_add_test(tcase, a_descriptor_from_where_it_stands);
	tcase_add_test(tcase, only_descriptors_that_were_inherited);
	tcase_add_test(tcase, a_fifo_with_a_reader);
	tcase_add_test(tcase, what_cannot_be);
	tcase_add_test(tcase, names_that_are_too_long);
	tcase_add_test(tcase, a_current_folder_that_is_gone);
	tcase_add_test(tcase, who_may_not_write);
	tcase_add_test(tcase, a_disk_that_fills_up);
	tcase_add_test(tcase, two_names_for_one_place);
	tcase_add_test(tcase, the_file_that_is_read);
	tcase_add_test(tcase, more_leftovers_than_there_is_room_for);
	tcase_add_test(tcase, leftovers_that_were_forgotten_stay);
	add_mount_tests(tcase);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
