/* SPDX-License-Identifier: MIT */
/* vmm/base: errors, little-endian numbers, guest memory, input files; by their headers' promises.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/base/err.h"
#include "vmm/base/file.h"
#include "vmm/base/guestmem.h"
#include "vmm/base/le.h"
#include "vmm/base/must.h"
#include "vmm/base/plain.h"

static struct err error;

START_TEST(err_tells_code_and_text)
{
	ck_assert_int_eq(err_set(&error, EINVAL, "field %s is %d", "x", 7), -EINVAL);
	ck_assert_int_eq(error.code, EINVAL);
	ck_assert_str_eq(error.text, "field x is 7");
	ck_assert_int_eq(err_sys(&error, ENOENT, "file %s", "f"), -ENOENT);
	ck_assert_int_eq(error.code, ENOENT);
	ck_assert_str_eq(error.text, "file f: No such file or directory");
}
END_TEST

START_TEST(err_stays_one_line)
{
	(void)err_set(&error, EINVAL,
		      "a\nb\rc\033[2Jd\x7f"
		      "e");
	ck_assert_str_eq(error.text, "a?b?c?[2Jd?e");
	(void)err_sys(&error, EINVAL, "a\nb");
	ck_assert_str_eq(error.text, "a?b: Invalid argument");
	(void)err_set(&error, EINVAL, "K\xc3\xb6ln");
	ck_assert_str_eq(error.text, "K\xc3\xb6ln");
	/* C1, as a byte and as a character; a character that has lost its end. */
	(void)err_set(&error, EINVAL,
		      "a\x9b"
		      "b\xc2\x9b"
		      "c\xc3");
	ck_assert_str_eq(error.text, "a?b??c?");
}
END_TEST

static const char *plain(const char *from)
{
	static char text[64];
	FILE *out = fmemopen(text, sizeof(text), "w");

	ck_assert_ptr_nonnull(out);
	plain_print(from, out);
	(void)fclose(out);
	return text;
}

/* [ECMA-48]: C0, DEL and C1. [UTF-8]: what is no sequence of it. */
START_TEST(plain_text)
{
	ck_assert_str_eq(plain("K\xc3\xb6ln \xf0\x9f\x90\xa7"), "K\xc3\xb6ln \xf0\x9f\x90\xa7");
	ck_assert_str_eq(plain("a\033[2Jb\n\x7f"), "a\\x1b[2Jb\\x0a\\x7f");
	ck_assert_str_eq(plain("\x9b"
			       "2J"),
			 "\\x9b2J");
	ck_assert_str_eq(plain("\xc2\x9b"
			       "2J"),
			 "\\xc2\\x9b2J");
	ck_assert_str_eq(plain("\xc2\xa0\xc3"), "\xc2\xa0\\xc3");
	ck_assert_str_eq(plain("\xed\xa0\x80"), "\\xed\\xa0\\x80");
}
END_TEST

START_TEST(err_is_bounded)
{
	static char long_text[5000];

	memset(long_text, 'x', sizeof(long_text) - 1);
	(void)err_set(&error, EINVAL, "%s", long_text);
	ck_assert_uint_eq(strlen(error.text), sizeof(error.text) - 1);
	(void)err_sys(&error, EINVAL, "%s", long_text);
	ck_assert_uint_eq(strlen(error.text), sizeof(error.text) - 1);
}
END_TEST

START_TEST(le_numbers)
{
	static const uint8_t bytes[] = { 0xff, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11 };
	uint8_t out[10];

	for (size_t at = 0; at < 2; at++) {
		const uint8_t *odd = bytes + 1;

		ck_assert_uint_eq(get_le16(odd), 0x7788);
		ck_assert_uint_eq(get_le32(odd), 0x55667788);
		ck_assert_uint_eq(get_le64(odd), 0x1122334455667788);
		memset(out, 0xff, sizeof(out));
		put_le64(out + at, 0x1122334455667788);
		ck_assert_mem_eq(out + at, odd, 8);
		memset(out, 0xff, sizeof(out));
		put_le32(out + at, 0x55667788);
		ck_assert_mem_eq(out + at, odd, 4);
		ck_assert_uint_eq(out[at + 4], 0xff);
		put_le16(out + at, 0xeeff);
		ck_assert_uint_eq(get_le32(out + at), 0x5566eeff);
	}
}
END_TEST

/* Two regions, as a guest of more than 3 GiB has them; only addresses are computed. */
static uint8_t backing[0x3000];
static const struct guest_memory two = { .region = {
						 { 0, 0x2000, backing },
						 { 0x100000000, 0x1000, backing + 0x2000 },
					 } };

START_TEST(guest_memory_inside)
{
	ck_assert_ptr_eq(guest_memory_at(&two, 0, 0x2000), backing);
	ck_assert_ptr_eq(guest_memory_at(&two, 0x1fff, 1), backing + 0x1fff);
	ck_assert_ptr_eq(guest_memory_at(&two, 0x1fff, 0), backing + 0x1fff);
	ck_assert_ptr_eq(guest_memory_at(&two, 0x100000000, 0x1000), backing + 0x2000);
	ck_assert_ptr_eq(guest_memory_at(&two, 0x100000ffe, 2), backing + 0x2ffe);
}
END_TEST

START_TEST(guest_memory_outside)
{
	static const struct {
		uint64_t gpa, size_bytes;
	} outside[] = {
		{ 0, 0x2001 },
		{ 1, 0x2000 },
		{ 0x1fff, 2 },
		{ 0x2000, 0 },
		{ 0x2000, 1 },
		{ 0xffffffff, 1 },
		{ 0xffffffff, 2 },
		{ 0x100000001, 0x1000 },
		{ 0x100001000, 1 },
		{ 0, UINT64_MAX },
		{ 1, UINT64_MAX },
		{ 0x1fff, UINT64_MAX },
		{ UINT64_MAX, 1 },
		{ UINT64_MAX, UINT64_MAX },
		{ UINT64_MAX - 0xfff, 0x1000 },
		{ 0x100000fff, UINT64_MAX - 0x100000000 },
	};

	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		ck_assert_msg(guest_memory_at(&two, outside[i].gpa, outside[i].size_bytes) == NULL,
			      "case %zu", i);
}
END_TEST

START_TEST(guest_memory_empty_region)
{
	static const struct guest_memory none = { .region = { { 0, 0, NULL } } };

	ck_assert_ptr_null(guest_memory_at(&none, 0, 0));
	ck_assert_ptr_null(guest_memory_at(&none, 0, 1));
}
END_TEST

static char directory[64];
static char path[128];

static void setup(void)
{
	(void)snprintf(directory, sizeof(directory), "/tmp/tvmm-test-base-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/file", directory);
}

static void teardown(void)
{
	(void)unlink(path);
	(void)rmdir(directory);
}

static void make_file(size_t size_bytes)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	for (size_t i = 0; i < size_bytes; i++)
		ck_assert_int_ne(fputc((int)(i & 0xff), f), EOF);
	ck_assert_int_eq(fclose(f), 0);
}

static void open_refused(const char *at, uint64_t max_bytes, int code, const char *what)
{
	struct input_file file;

	ck_assert_int_eq(file_open(&file, "kernel", at, max_bytes, &error), -code);
	ck_assert_int_eq(error.code, code);
	ck_assert_int_eq(file.fd, -1);
	ck_assert_msg(strncmp(error.text, "kernel ", 7) == 0, "%s", error.text);
	ck_assert_msg(strstr(error.text, what) != NULL, "no \"%s\" in: %s", what, error.text);
	file_close(&file);
}

START_TEST(file_opens_and_reads)
{
	struct input_file file;
	uint8_t bytes[300] = { 0 };

	make_file(1000);
	ck_assert_int_eq(file_open(&file, "kernel", path, 1000, &error), 0);
	ck_assert_uint_eq(file.size_bytes, 1000);
	ck_assert_str_eq(file.what, "kernel");
	ck_assert_int_ne(fcntl(file.fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(file_read(&file, 700, bytes, 300, &error), 0);
	for (size_t i = 0; i < 300; i++)
		ck_assert_uint_eq(bytes[i], (700 + i) & 0xff);
	ck_assert_int_eq(file_read(&file, 1000, bytes, 0, &error), 0);
	file_close(&file);
	ck_assert_int_eq(file.fd, -1);
	file_close(&file);
}
END_TEST

START_TEST(file_may_be_empty)
{
	struct input_file file;

	make_file(0);
	ck_assert_int_eq(file_open(&file, "initrd", path, 0, &error), 0);
	ck_assert_uint_eq(file.size_bytes, 0);
	file_close(&file);
}
END_TEST

START_TEST(file_read_past_the_end)
{
	struct input_file file;
	uint8_t bytes[16];

	make_file(1000);
	ck_assert_int_eq(file_open(&file, "kernel", path, 1000, &error), 0);
	ck_assert_int_eq(file_read(&file, 990, bytes, 11, &error), -EIO);
	ck_assert_ptr_nonnull(strstr(error.text, "ends at offset 1000, had 1000 bytes"));
	ck_assert_int_lt(file_read(&file, UINT64_MAX, bytes, 1, &error), 0);
	file_close(&file);
}
END_TEST

/* What is in memory is read in the same way, and no further than it goes. */
START_TEST(file_in_memory)
{
	struct input_file file;
	uint8_t contents[1000], bytes[300];

	for (size_t i = 0; i < sizeof(contents); i++)
		contents[i] = (uint8_t)(i * 7);
	file_of_memory(&file, "kernel", "some/name", contents, sizeof(contents));
	ck_assert_uint_eq(file.size_bytes, 1000);
	ck_assert_int_eq(file_read(&file, 700, bytes, 300, &error), 0);
	ck_assert_mem_eq(bytes, contents + 700, 300);
	ck_assert_int_eq(file_read(&file, 1000, bytes, 0, &error), 0);
	ck_assert_int_eq(file_read(&file, 701, bytes, 300, &error), -EIO);
	ck_assert_ptr_nonnull(strstr(error.text, "kernel some/name: ends at offset 1000"));
	ck_assert_int_lt(file_read(&file, UINT64_MAX, bytes, 1, &error), 0);
	file_close(&file);
	ck_assert_ptr_null(file.bytes);
}
END_TEST

START_TEST(file_sizes)
{
	make_file(1001);
	open_refused(path, 1000, EFBIG, "has 1001 bytes; at most 1000");
	/* B23: size is judged before a byte is read. */
	ck_assert_int_eq(truncate(path, 1LL << 40), 0);
	open_refused(path, 1ULL << 30, EFBIG, "has 1099511627776 bytes; at most 1073741824");
}
END_TEST

START_TEST(kinds_of_file)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	open_refused(path, 1000, ENOENT, "No such file");
	open_refused("", 1000, ENOENT, "No such file");
	open_refused(directory, 1000, EINVAL, "is a directory; a regular file is needed");
	open_refused("/dev/null", 1000, EINVAL, "is a character device");
	open_refused("/dev/zero", 1000, EINVAL, "is a character device");

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	open_refused(path, 1000, EINVAL, "is a FIFO"); /* nobody writes; it must not wait */
	ck_assert_int_eq(unlink(path), 0);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	memcpy(address.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	open_refused(path, 1000, ENXIO, "cannot be opened");
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(links)
{
	struct input_file file;
	char link_path[128];

	(void)snprintf(link_path, sizeof(link_path), "%s/link", directory);
	ck_assert_int_eq(symlink("file", link_path), 0);
	open_refused(link_path, 1000, ENOENT, "No such file");
	make_file(10);
	ck_assert_int_eq(file_open(&file, "kernel", link_path, 1000, &error), 0);
	file_close(&file);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("link", path), 0);
	open_refused(path, 1000, ELOOP, "symbolic links");
	ck_assert_int_eq(unlink(link_path), 0);
}
END_TEST

START_TEST(names)
{
	static char long_name[5000];

	open_refused("no\nsuch\033file", 1000, ENOENT, "kernel no?such?file: ");
	memset(long_name, 'x', sizeof(long_name) - 1);
	open_refused(long_name, 1000, ENAMETOOLONG, "xxx");
}
END_TEST

START_TEST(must_holds)
{
	must(1 == 1);
}
END_TEST

START_TEST(must_breaks)
{
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
	must(1 == 2);
}
END_TEST

static Suite *base_suite(void)
{
	Suite *s = suite_create("base");
	TCase *plain = tcase_create("plain");
	TCase *files = tcase_create("files");

	tcase_add_test(plain, err_tells_code_and_text);
	tcase_add_test(plain, err_stays_one_line);
	tcase_add_test(plain, plain_text);
	tcase_add_test(plain, err_is_bounded);
	tcase_add_test(plain, le_numbers);
	tcase_add_test(plain, guest_memory_inside);
	tcase_add_test(plain, guest_memory_outside);
	tcase_add_test(plain, guest_memory_empty_region);
	tcase_add_test(plain, must_holds);
	if (getenv("CK_FORK") == NULL || strcmp(getenv("CK_FORK"), "no") != 0)
		tcase_add_test_raise_signal(plain, must_breaks, SIGABRT);
	suite_add_tcase(s, plain);
	tcase_add_checked_fixture(files, setup, teardown);
	tcase_add_test(files, file_opens_and_reads);
	tcase_add_test(files, file_may_be_empty);
	tcase_add_test(files, file_read_past_the_end);
	tcase_add_test(files, file_in_memory);
	tcase_add_test(files, file_sizes);
	tcase_add_test(files, kinds_of_file);
	tcase_add_test(files, links);
	tcase_add_test(files, names);
	suite_add_tcase(s, files);
	return s;
}

int main(void)
{
	SRunner *sr = srunner_create(base_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
