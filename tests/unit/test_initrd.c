/* SPDX-License-Identifier: MIT */
/*
 * The initrd: unpacked on the host where the guest cannot tell, from the cache the next time, and left
 * as it is whenever something about it is odd. Archives are made by [INITRAMFS] "initramfs buffer
 * format".
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "boot/initrd.h"
#include "tests/common/folder.h"
#include "tests/common/payload.h"
#include "vmm/initrd.h"

#define MIB 0x100000ULL

enum { ROOM = 80 << 20, SPEC_HEADER_BYTES = 110 };

static struct kernelcache cache;
static struct initrd initrd;
static struct initrd_request request;
static struct err error;
static uint8_t *archive, *placed;
static size_t archive_bytes;
static char path[200];
static int maps_left;      /* -1: as many as are wanted */
static size_t descriptors; /* that were open before */

/* ---- archives -------------------------------------------------------------------------------- */

static void pad(void)
{
	while (archive_bytes % 4)
		archive[archive_bytes++] = 0;
}

static void add_file(const char *magic, const char *name, size_t contents_bytes)
{
	archive_bytes += (size_t)sprintf((char *)archive + archive_bytes,
					 "%s%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X",
					 magic, 7, 0100644, 0, 0, 1, 0, contents_bytes, 0, 0, 0, 0,
					 strlen(name) + 1, 0);
	memcpy(archive + archive_bytes, name, strlen(name) + 1);
	archive_bytes += strlen(name) + 1;
	pad();
	for (size_t i = 0; i < contents_bytes; i++)
		archive[archive_bytes++] = (uint8_t)(i * i >> 5);
	pad();
}

static void make_archive(void)
{
	archive_bytes = 0;
	add_file("070701", "init", 20001);
	add_file("070701", "TRAILER!!!", 0);
	while (archive_bytes % 512)
		archive[archive_bytes++] = 0;
}

/* Of all that is under test, only what is unpacked is mapped so. */
void *mmap(void *at, size_t size_bytes, int protection, int flags, int fd, off_t offset)
{
	if ((flags & MAP_NORESERVE) && maps_left >= 0 && maps_left-- == 0) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return (void *)syscall(SYS_mmap, at, size_bytes, protection, flags, fd, offset);
}

/* ---- runs -------------------------------------------------------------------------------------- */

static void setup(void)
{
	archive = calloc(1, ROOM);
	placed = calloc(1, ROOM);
	ck_assert(archive && placed);
	folder_make();
	ck_assert_int_eq(setenv("XDG_CACHE_HOME", folder_at(""), 1), 0);
	(void)snprintf(path, sizeof(path), "%s", folder_at("initrd"));
	kernelcache_init(&cache);
	initrd_init(&initrd);
	request = (struct initrd_request){ .path = path,
					   .cache = &cache,
					   .cmdline = "console=ttyS0 quiet",
					   .ram_bytes = 128 * MIB,
					   .kernel_bytes = 8 * MIB };
	make_archive();
	maps_left = -1;
	descriptors = folder_count("/proc/self/fd");
}

static void teardown(void)
{
	initrd_finish(&initrd);
	kernelcache_close(&cache);
	ck_assert_uint_eq(folder_count("/proc/self/fd"), descriptors);
	folder_remove();
	free(archive);
	free(placed);
}

/* The archive, packed, in the file; returns how long that is. */
static size_t put_packed(enum unpack_format format)
{
	struct payload payload;
	size_t bytes;

	payload_pack(&payload, format, archive, archive_bytes);
	bytes = payload.stream_bytes;
	folder_put(path, payload.bytes, bytes);
	payload_free(&payload);
	return bytes;
}

static void append(const void *bytes, size_t size_bytes)
{
	FILE *file = fopen(path, "a");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, size_bytes, file), size_bytes);
	ck_assert_int_eq(fclose(file), 0);
}

static void opens_as(enum initrd_origin origin)
{
	initrd_finish(&initrd);
	initrd_init(&initrd);
	ck_assert_msg(initrd_open(&initrd, &request, &error) == 0, "%s", error.text);
	ck_assert_int_eq(initrd.origin, origin);
}

static void places_well(void)
{
	ck_assert_uint_eq(initrd_image(&initrd)->size_bytes, archive_bytes);
	memset(placed, 0xee, archive_bytes + 1);
	ck_assert_msg(initrd_place(&initrd, placed, &error) == 0, "%s", error.text);
	ck_assert_mem_eq(placed, archive, archive_bytes);
	ck_assert_uint_eq(placed[archive_bytes], 0xee);
}

static void damage_entry(off_t at)
{
	glob_t found;
	int fd;

	ck_assert_int_eq(glob(folder_at("tvmm/*.unpacked"), 0, NULL, &found), 0);
	ck_assert_uint_eq(found.gl_pathc, 1);
	(void)usleep(20000); /* so that it has another ctime than when it was stored */
	fd = open(found.gl_pathv[0], O_WRONLY);
	ck_assert_int_eq(pwrite(fd, "\xff\xff", 2, at), 2);
	(void)close(fd);
	globfree(&found);
}

START_TEST(each_format)
{
	char how[64], expected[64];

	(void)put_packed((enum unpack_format)_i);
	opens_as(INITRD_UNPACKED);
	places_well();
	(void)snprintf(expected, sizeof(expected), "%s, unpacked on the host now",
		       unpack_format_name((enum unpack_format)_i));
	ck_assert_str_eq(initrd_how(&initrd, how, sizeof(how)), expected);
	initrd_keep(&initrd);
	ck_assert_int_eq(initrd.cached.not_kept, 0);
	for (int again = 0; again < 2; again++) {
		opens_as(INITRD_FROM_CACHE);
		places_well();
	}
	(void)snprintf(expected, sizeof(expected), "%s, unpacked on the host before",
		       unpack_format_name((enum unpack_format)_i));
	ck_assert_str_eq(initrd_how(&initrd, how, sizeof(how)), expected);
	ck_assert(initrd_leave_packed(&initrd));
	ck_assert(!initrd_leave_packed(&initrd));
	ck_assert_ptr_eq(initrd_image(&initrd), &initrd.file);
	ck_assert_str_eq(initrd_how(&initrd, how, sizeof(how)), "");
}
END_TEST

START_TEST(no_initrd)
{
	request.path = NULL;
	opens_as(INITRD_AS_IT_IS);
	ck_assert_uint_eq(initrd_image(&initrd)->size_bytes, 0);
}
END_TEST

START_TEST(not_packed)
{
	folder_put(path, archive, archive_bytes);
	opens_as(INITRD_AS_IT_IS);
	places_well();
}
END_TEST

START_TEST(cache_is_off)
{
	kernelcache_none(&cache, "the test wants none");
	(void)put_packed(UNPACK_GZIP);
	for (int again = 0; again < 2; again++) {
		opens_as(INITRD_UNPACKED);
		places_well();
		initrd_keep(&initrd);
	}
}
END_TEST

/* More than one stream, or anything behind it, is the guest's to judge. */
START_TEST(something_behind)
{
	static const char *const tails[] = { "x", "\0\0\0\0", "07070100000000" };
	struct payload payload;

	payload_pack(&payload, (enum unpack_format)_i, archive, archive_bytes);
	for (size_t i = 0; i < 3; i++) {
		if (_i == UNPACK_LZ4 && i == 1)
			continue; /* a block of no bytes: its end */
		folder_put(path, payload.bytes, payload.stream_bytes);
		append(tails[i], i == 1 ? 4 : strlen(tails[i]));
		opens_as(INITRD_AS_IT_IS);
	}
	if (_i != UNPACK_LZ4) { /* whose frames are one stream */
		folder_put(path, payload.bytes, payload.stream_bytes);
		append(payload.bytes, payload.stream_bytes);
		opens_as(INITRD_AS_IT_IS);
	}
	folder_put(path, payload.bytes, payload.stream_bytes - 5);
	opens_as(INITRD_AS_IT_IS);
	payload_free(&payload);
}
END_TEST

START_TEST(damaged_stream)
{
	struct payload payload;

	payload_pack(&payload, UNPACK_GZIP, archive, archive_bytes);
	for (size_t i = 0; i < payload.stream_bytes; i += 1 + i / 8) {
		if (i >= 4 && i < 10) /* time, level and system */
			continue;
		payload.bytes[i] ^= 0x55;
		folder_put(path, payload.bytes, payload.stream_bytes);
		opens_as(INITRD_AS_IT_IS);
		payload.bytes[i] ^= 0x55;
	}
	folder_put(path, payload.bytes, payload.stream_bytes);
	opens_as(INITRD_UNPACKED);
	payload_free(&payload);
}
END_TEST

/* [LINUX] lib/decompress_inflate.c passes over a name, and nothing else. */
START_TEST(gzip_headers)
{
	static const struct {
		uint8_t flags;
		const char *more;
		size_t bytes;
		enum initrd_origin origin;
	} cases[] = {
		{ 0x08, "name", 5, INITRD_UNPACKED },
		{ 0x10, "comment", 8, INITRD_AS_IT_IS },
		{ 0x04, "\2\0xx", 4, INITRD_AS_IT_IS },
	};
	struct payload payload;

	payload_pack(&payload, UNPACK_GZIP, archive, archive_bytes);
	for (size_t i = 0; i < 3; i++) {
		payload.bytes[3] = cases[i].flags;
		folder_put(path, payload.bytes, 10);
		append(cases[i].more, cases[i].bytes);
		append(payload.bytes + 10, payload.stream_bytes - 10);
		opens_as(cases[i].origin);
	}
	payload_free(&payload);
}
END_TEST

/* `xz` makes a CRC64 unless told otherwise, which Linux does not read. */
START_TEST(xz_with_crc64)
{
	static uint8_t packed[100000];
	size_t bytes = 0;

	ck_assert_int_eq(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, archive, archive_bytes,
						 packed, &bytes, sizeof(packed)),
			 LZMA_OK);
	folder_put(path, packed, bytes);
	opens_as(INITRD_AS_IT_IS);
	bytes = 0;
	ck_assert_int_eq(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, archive, archive_bytes,
						 packed, &bytes, sizeof(packed)),
			 LZMA_OK);
	folder_put(path, packed, bytes);
	opens_as(INITRD_UNPACKED);
}
END_TEST

/* What is inside has to be archives to its end. */
START_TEST(odd_contents)
{
	size_t whole = archive_bytes;

	archive[whole] = 'x';
	ck_assert(initrd_is_archives(archive, whole));
	ck_assert(!initrd_is_archives(archive, whole + 1));
	archive[whole] = 0;
	ck_assert(initrd_is_archives(archive, whole + 1));
	for (size_t size = 0; size < whole; size++) {
		/* The end's header and its name, and whatever zeros follow. */
		size_t least = SPEC_HEADER_BYTES + 6 + 20004 + SPEC_HEADER_BYTES + 11;

		ck_assert_msg(initrd_is_archives(archive, size) == (size >= least), "%zu bytes",
			      size);
	}
	(void)put_packed(UNPACK_GZIP);
	opens_as(INITRD_UNPACKED);
	archive_bytes = 0;
	add_file("070701", "init", 20001);
	(void)put_packed(UNPACK_GZIP); /* no end */
	opens_as(INITRD_AS_IT_IS);
	memset(archive, 'x', archive_bytes);
	(void)put_packed(UNPACK_GZIP);
	opens_as(INITRD_AS_IT_IS);
}
END_TEST

START_TEST(headers)
{
	static const struct {
		size_t at;
		const char *bytes;
	} odd[] = {
		{ 0, "070702" },    { 0, "070707" },    { 4, "x" },         { 54, "0000000g" },
		{ 54, "7fffffff" }, { 54, "ffffffff" }, { 94, "00000000" }, { 94, "00001001" },
		{ 94, "ffffffff" }, { 94, "00000004" }, { 6, "+0000007" },
	};

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		make_archive();
		ck_assert(initrd_is_archives(archive, archive_bytes));
		memcpy(archive + odd[i].at, odd[i].bytes, strlen(odd[i].bytes));
		ck_assert_msg(!initrd_is_archives(archive, archive_bytes), "case %zu", i);
	}
	make_archive();
	add_file("070701", "second", 5);
	add_file("070701", "TRAILER!!!", 0);
	ck_assert(initrd_is_archives(archive, archive_bytes));
	add_file("070701", "TRAILER!!!", 4); /* an end has no contents */
	ck_assert(!initrd_is_archives(archive, archive_bytes));
}
END_TEST

/* Kernel and archive may have a quarter of RAM. */
START_TEST(room)
{
	(void)put_packed(UNPACK_GZIP);
	request.ram_bytes = 4 * (request.kernel_bytes + archive_bytes);
	opens_as(INITRD_UNPACKED);
	initrd_keep(&initrd);
	opens_as(INITRD_FROM_CACHE);
	request.ram_bytes -= 4;
	opens_as(INITRD_AS_IT_IS);
	(void)unlink(folder_at("tvmm/seed"));
	opens_as(INITRD_AS_IT_IS);
	request.ram_bytes = request.kernel_bytes;
	opens_as(INITRD_AS_IT_IS);
}
END_TEST

START_TEST(words_of_the_kernel_s)
{
	static const struct {
		const char *line;
		enum initrd_origin origin;
	} cases[] = {
		{ "quiet retain_initrd", INITRD_AS_IT_IS },
		{ "keepinitrd quiet", INITRD_AS_IT_IS },
		{ "noinitrd", INITRD_AS_IT_IS },
		{ "x.retain_initrd noinitrdx retain_initrd=1", INITRD_UNPACKED },
		{ "", INITRD_UNPACKED },
	};

	(void)put_packed(UNPACK_GZIP);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		request.cmdline = cases[i].line;
		opens_as(cases[i].origin);
	}
	request.leave_packed = true;
	opens_as(INITRD_AS_IT_IS);
}
END_TEST

/* An archive in order, of zeros: a thousand times its packed size, or its size told wrong. */
START_TEST(bombs)
{
	uint8_t small[4] = { 0x10, 0, 0, 0 };
	size_t bytes;
	int fd;

	archive_bytes = 0;
	add_file("070701", "zeros", 0);
	memcpy(archive + 54, "04000000", 8);
	archive_bytes += 64 << 20;
	add_file("070701", "TRAILER!!!", 0);
	ck_assert(initrd_is_archives(archive, archive_bytes));
	request.ram_bytes = 4096 * MIB;
	bytes = put_packed(UNPACK_GZIP);
	ck_assert_uint_lt(bytes, 100000);
	opens_as(INITRD_AS_IT_IS);
	(void)put_packed(UNPACK_ZSTD);
	opens_as(INITRD_AS_IT_IS);
	make_archive();
	bytes = put_packed(UNPACK_GZIP);
	fd = open(path, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, small, 4, (off_t)bytes - 4), 4);
	(void)close(fd);
	opens_as(INITRD_AS_IT_IS);
}
END_TEST

START_TEST(damaged_entry)
{
	(void)put_packed(UNPACK_ZSTD);
	opens_as(INITRD_UNPACKED);
	initrd_keep(&initrd);
	damage_entry(1000);
	opens_as(INITRD_FROM_CACHE);
	places_well();
	ck_assert_int_eq(initrd.origin, INITRD_UNPACKED);
	initrd_keep(&initrd);
	opens_as(INITRD_FROM_CACHE);
	places_well();
	ck_assert_int_eq(initrd.origin, INITRD_FROM_CACHE);
	damage_entry((off_t)archive_bytes + 3); /* its trailer */
	opens_as(INITRD_UNPACKED);
	places_well();
}
END_TEST

/* An entry that is shorter by the time that it is placed is not placed as far as it goes. */
START_TEST(shortened_meanwhile)
{
	glob_t found;

	(void)put_packed(UNPACK_GZIP);
	opens_as(INITRD_UNPACKED);
	initrd_keep(&initrd);
	opens_as(INITRD_FROM_CACHE);
	ck_assert_int_eq(glob(folder_at("tvmm/*.unpacked"), 0, NULL, &found), 0);
	(void)usleep(20000);
	ck_assert_int_eq(truncate(found.gl_pathv[0], (off_t)archive_bytes - 1), 0);
	globfree(&found);
	places_well();
	ck_assert_int_eq(initrd.origin, INITRD_UNPACKED);
	initrd_keep(&initrd);
	opens_as(INITRD_FROM_CACHE);
	places_well();
	ck_assert_int_eq(initrd.origin, INITRD_FROM_CACHE);
}
END_TEST

START_TEST(no_memory_to_unpack)
{
	(void)put_packed(UNPACK_GZIP);
	for (int maps = 0; maps < 2; maps++) { /* for what is packed, and what comes out */
		maps_left = maps;
		opens_as(INITRD_AS_IT_IS);
		ck_assert(initrd.no_memory);
	}
	maps_left = -1;
	opens_as(INITRD_UNPACKED);
	ck_assert(!initrd.no_memory);
	initrd_keep(&initrd);
	maps_left = 0; /* none is needed */
	opens_as(INITRD_FROM_CACHE);
	ck_assert(!initrd.no_memory);
	places_well();
	maps_left = -1;
}
END_TEST

/* Another file, of another size, by the time that it is needed. */
START_TEST(changed_meanwhile)
{
	(void)put_packed(UNPACK_GZIP);
	opens_as(INITRD_UNPACKED);
	initrd_keep(&initrd);
	damage_entry(1000);
	opens_as(INITRD_FROM_CACHE);
	add_file("070701", "TRAILER!!!", 0);
	(void)put_packed(UNPACK_GZIP);
	(void)close(initrd.file.fd); /* as if it had been overwritten in place */
	initrd.file.fd = open(path, O_RDONLY);
	initrd.file.size_bytes = (uint64_t)folder_look(path).st_size;
	ck_assert_int_eq(initrd_place(&initrd, placed, &error), -EIO);
	ck_assert_ptr_nonnull(strstr(error.text, "changed while it was read"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("initrd");
	TCase *tcase = tcase_create("initrd");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, each_format, UNPACK_GZIP, UNPACK_FORMATS);
	tcase_add_test(tcase, no_initrd);
	tcase_add_test(tcase, not_packed);
	tcase_add_test(tcase, cache_is_off);
	tcase_add_loop_test(tcase, something_behind, UNPACK_GZIP, UNPACK_FORMATS);
	tcase_add_test(tcase, damaged_stream);
	tcase_add_test(tcase, gzip_headers);
	tcase_add_test(tcase, xz_with_crc64);
	tcase_add_test(tcase, odd_contents);
	tcase_add_test(tcase, headers);
	tcase_add_test(tcase, room);
	tcase_add_test(tcase, words_of_the_kernel_s);
	tcase_add_test(tcase, bombs);
	tcase_add_test(tcase, damaged_entry);
	tcase_add_test(tcase, shortened_meanwhile);
	tcase_add_test(tcase, no_memory_to_unpack);
	tcase_add_test(tcase, changed_meanwhile);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
