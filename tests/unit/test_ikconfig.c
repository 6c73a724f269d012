/* SPDX-License-Identifier: MIT */
/*
 * The configuration inside an image against [LINUX] kernel/configs.c: found wherever it lies, in a
 * vmlinux and in a bzImage; damaged, endless, too large or missing, it is told.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot/ikconfig.h"
#include "boot/vmlinuxin.h"
#include "tests/common/image.h"
#include "tests/common/payload.h"

static const char CONFIG[] = "CONFIG_IKCONFIG=y\n# CONFIG_SMP is not set\n";

enum { IMAGE_MAX = 8 << 20, PAST_A_WINDOW = (1 << 20) - 5 };

static uint8_t *bytes;
static char *text;
static size_t text_bytes;
static struct err error;

static void setup(void)
{
	bytes = calloc(1, IMAGE_MAX);
	memcpy(bytes, "\177ELF\2\1\1", 7);
	text = NULL;
	memset(&error, 0, sizeof(error));
}

static void teardown(void)
{
	free(text);
	free(bytes);
}

/* Puts START, what is packed, and END at a place; returns where the gzip member ends. */
static size_t put(size_t at, const void *what, size_t what_bytes)
{
	struct payload packed;

	memcpy(bytes + at, "IKCFG_ST", 8);
	payload_pack(&packed, UNPACK_GZIP, what, what_bytes);
	memcpy(bytes + at + 8, packed.bytes, packed.size_bytes);
	at += 8 + packed.size_bytes;
	memcpy(bytes + at, "IKCFG_ED", 8);
	payload_free(&packed);
	return at;
}

static int read_it(size_t size)
{
	struct input_file file;

	file_of_memory(&file, "kernel", "some/vmlinux", bytes, size);
	return ikconfig_read(&file, &text, &text_bytes, &error);
}

static void refused(size_t size, int code, const char *what)
{
	ck_assert_int_eq(read_it(size), -code);
	ck_assert_ptr_null(text);
	ck_assert_msg(strncmp(error.text, "kernel some/vmlinux: ", 21) == 0, "%s", error.text);
	ck_assert_msg(strstr(error.text, what) != NULL, "no \"%s\" in: %s", what, error.text);
}

static const size_t places[] = { 7, 64, PAST_A_WINDOW, (1 << 20) - 11, 1 << 20, 3 << 20 };

START_TEST(found_wherever_it_lies)
{
	size_t end = put(places[_i], CONFIG, strlen(CONFIG));

	ck_assert_msg(read_it(end + 8) == 0, "%s", error.text);
	ck_assert_str_eq(text, CONFIG);
	ck_assert_uint_eq(text_bytes, strlen(CONFIG));
}
END_TEST

START_TEST(there_is_none)
{
	refused(IMAGE_MAX, ENODATA, "CONFIG_IKCONFIG=y, or give its .config");
	refused(3, ENODATA, "CONFIG_IKCONFIG=y");
	refused(0, ENODATA, "CONFIG_IKCONFIG=y");
	memcpy(bytes + 100, "IKCFG_ST and words", 18); /* a program that looks for it */
	refused(IMAGE_MAX, ENODATA, "CONFIG_IKCONFIG=y");
}
END_TEST

START_TEST(damaged)
{
	size_t end = put(64, CONFIG, strlen(CONFIG));

	bytes[end - 6] ^= 1; /* the checksum */
	refused(end + 8, EBADMSG, "damaged");
	bytes[end - 6] ^= 1;
	refused(end + 7, EBADMSG, "has no end");
	memset(bytes + end, 0, 8);
	refused(IMAGE_MAX, EBADMSG, "has no end (IKCFG_ED) within 1048576 bytes");
}
END_TEST

START_TEST(larger_than_any)
{
	char *large = malloc((4 << 20) + 1);
	size_t end;

	memset(large, '#', (4 << 20) + 1);
	end = put(64, large, 4 << 20);
	ck_assert_int_eq(read_it(end + 8), 0);
	ck_assert_uint_eq(text_bytes, 4 << 20);
	free(text);
	end = put(64, large, (4 << 20) + 1);
	refused(end + 8, EBADMSG, "more than 4194304 bytes");
	free(large);
}
END_TEST

START_TEST(in_a_bzimage)
{
	struct input_file file;
	struct vmlinuxin inner;
	struct payload payload;
	struct image image;

	/* Noise, so that packing leaves the size a payload must have. */
	for (size_t i = 64; i < 1024; i++)
		bytes[i] = (uint8_t)(i * i * 31 >> 3);
	put(1024, CONFIG, strlen(CONFIG));
	payload_pack(&payload, UNPACK_GZIP, bytes, 2048);
	image_init(&image);
	ck_assert_uint_le(payload.size_bytes, IMAGE_PAYLOAD_LENGTH * 2);
	memcpy(image.bytes + IMAGE_SETUP_BYTES + IMAGE_PAYLOAD_OFFSET, payload.bytes,
	       payload.size_bytes);
	image_put(&image, 0x24c, 4, payload.size_bytes); /* payload_length */
	file_of_memory(&file, "kernel", "some/bzImage", image.bytes, image.size_bytes);
	ck_assert_msg(vmlinuxin_read(&file, &inner, &error) == 0, "%s", error.text);
	ck_assert_uint_eq(inner.file.size_bytes, 2048);
	ck_assert_int_eq(ikconfig_read(&inner.file, &text, &text_bytes, &error), 0);
	ck_assert_str_eq(text, CONFIG);
	vmlinuxin_finish(&inner);
	image.bytes[IMAGE_SETUP_BYTES + IMAGE_PAYLOAD_OFFSET + 40] ^= 0x55;
	ck_assert_int_lt(vmlinuxin_read(&file, &inner, &error), 0);
	payload_free(&payload);
	image_free(&image);
}
END_TEST

START_TEST(a_vmlinux_is_itself)
{
	struct input_file file;
	struct vmlinuxin inner;

	file_of_memory(&file, "kernel", "some/vmlinux", bytes, 4096);
	ck_assert_int_eq(vmlinuxin_read(&file, &inner, &error), 0);
	ck_assert_ptr_eq(inner.file.bytes, bytes);
	ck_assert_ptr_null(inner.memory);
	vmlinuxin_finish(&inner);
	memset(bytes, 'x', 4);
	ck_assert_int_eq(vmlinuxin_read(&file, &inner, &error), -ENOEXEC);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ikconfig");
	TCase *t = tcase_create("images");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, found_wherever_it_lies, 0, sizeof(places) / sizeof(places[0]));
	tcase_add_test(t, there_is_none);
	tcase_add_test(t, damaged);
	tcase_add_test(t, larger_than_any);
	tcase_add_test(t, in_a_bzimage);
	tcase_add_test(t, a_vmlinux_is_itself);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
