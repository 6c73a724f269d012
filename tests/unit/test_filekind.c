/* SPDX-License-Identifier: MIT */
/*
 * What files are called that are not what an option asks for: each by its format's own magic
 * number, packed data by what is inside, a UKI by its section .linux ([PE] "Section Table"); and what
 * cannot be an initrd.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "boot/filekind.h"
#include "boot/initrd.h"
#include "tests/common/image.h"
#include "tests/common/payload.h"

/* [PE] "COFF File Header", "Section Table". */
enum {
	SPEC_PE_POINTER = 0x3c,
	SPEC_PE_SECTIONS = 6,
	SPEC_PE_OPTIONAL_BYTES = 20,
	SPEC_PE_HEADERS_BYTES = 24,
	SPEC_PE_SECTION_BYTES = 40,
};

static uint8_t bytes[2 * FILEKIND_HEAD_BYTES];

static void fresh(void)
{
	memset(bytes, 0, sizeof(bytes));
}

static void put16(size_t at, unsigned int value)
{
	bytes[at] = (uint8_t)value;
	bytes[at + 1] = (uint8_t)(value >> 8);
}

static void says(size_t size, const char *what)
{
	const char *text = filekind_describe(bytes, size);

	if (what == NULL) {
		ck_assert_msg(text == NULL, "should say nothing, says: %s", text);
		return;
	}
	ck_assert_msg(text != NULL && strstr(text, what) != NULL, "no \"%s\" in: %s", what,
		      text ? text : "nothing");
}

/* A PE program whose headers begin at pe, with count sections; the last one is .linux. */
static void make_pe(unsigned int pe, unsigned int optional, unsigned int count)
{
	size_t table = pe + SPEC_PE_HEADERS_BYTES + optional;

	fresh();
	memcpy(bytes, "MZ", 2);
	put16(SPEC_PE_POINTER, pe);
	memcpy(bytes + pe, "PE\0\0", 4);
	put16(pe + SPEC_PE_SECTIONS, count);
	put16(pe + SPEC_PE_OPTIONAL_BYTES, optional);
	for (unsigned int i = 0; i < count; i++, table += SPEC_PE_SECTION_BYTES)
		memcpy(bytes + table, i == count - 1 ? ".linux" : ".text", 6);
}

START_TEST(a_uki_is_told_by_its_section)
{
	make_pe(0x80, 240, 9);
	says(FILEKIND_HEAD_BYTES, "a UKI");
	make_pe(0x40, 0, 1);
	says(FILEKIND_HEAD_BYTES, "a UKI");
	make_pe(0x80, 240, 8);
	memcpy(bytes + 0x80 + 24 + 240 + 7 * 40, ".linuxx", 7);
	says(FILEKIND_HEAD_BYTES, "a PE (EFI or DOS) program");
}
END_TEST

/* The section table counts as far as it was read, and its own count tells. */
START_TEST(a_pe_is_not_read_beyond_its_end)
{
	const size_t end = 0x80 + 24 + 240 + 40;

	make_pe(0x80, 240, 1);
	for (size_t n = 0; n < end; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, bytes, n);
		if (n >= 2)
			ck_assert_ptr_null(strstr(filekind_describe(exact, n), "a UKI"));
		else
			ck_assert_ptr_null(filekind_describe(exact, n));
		free(exact);
	}
	says(end, "a UKI");
	put16(0x80 + SPEC_PE_SECTIONS, 0);
	says(end, "a PE (EFI or DOS) program");
}
END_TEST

START_TEST(pe_numbers_out_of_range)
{
	make_pe(0x80, 240, 1);
	put16(SPEC_PE_POINTER + 2, 0xffff);
	says(FILEKIND_HEAD_BYTES, "a PE (EFI or DOS) program");
	put16(SPEC_PE_POINTER, 0xffff);
	says(FILEKIND_HEAD_BYTES, "a PE (EFI or DOS) program");
	make_pe(0x80, 240, 1);
	put16(0x80 + SPEC_PE_OPTIONAL_BYTES, 0xffff);
	says(FILEKIND_HEAD_BYTES, "a PE (EFI or DOS) program");
	make_pe(0x80, 240, 1);
	memset(bytes + 0x80 + 24 + 240, 0, 8);
	put16(0x80 + SPEC_PE_SECTIONS, 0xffff);
	says(FILEKIND_HEAD_BYTES, "a PE (EFI or DOS) program");
}
END_TEST

/* Packs inner into bytes; returns the size of the stream. */
static size_t pack(enum unpack_format format, const uint8_t *inner, size_t inner_bytes)
{
	struct payload payload;
	size_t size;

	payload_pack(&payload, format, inner, inner_bytes);
	size = payload.stream_bytes;
	ck_assert_uint_le(size, sizeof(bytes));
	fresh();
	memcpy(bytes, payload.bytes, size);
	payload_free(&payload);
	return size;
}

static const enum unpack_format looked_into[] = { UNPACK_GZIP, UNPACK_XZ, UNPACK_LZMA,
						  UNPACK_ZSTD };

enum { FORMATS = sizeof(looked_into) / sizeof(looked_into[0]) };

START_TEST(what_is_packed_is_looked_into)
{
	static const struct {
		size_t offset;
		const char *magic, *says;
	} insides[] = {
		{ 0, "\177ELF", "a compressed vmlinux (an ELF" },
		{ 0, "070701", "an initramfs (a cpio archive" },
		{ 0, "070702", "an initramfs" },
		{ 0, "070707", "an initramfs" },
		{ 0x38, "ARM\x64", "an arm64 Image, packed" },
		{ 0x202, "HdrS", "a bzImage, packed" },
		{ 0x101, "ustar", "a tar archive, packed" },
		{ 0, "junk", "data; a compressed vmlinux must be unpacked" },
	};
	static uint8_t inner[5000];

	for (size_t i = 0; i < sizeof(insides) / sizeof(insides[0]); i++) {
		size_t size;

		memset(inner, 0, sizeof(inner));
		memcpy(inner + insides[i].offset, insides[i].magic, strlen(insides[i].magic));
		size = pack(looked_into[_i], inner, sizeof(inner));
		says(size, insides[i].says);
	}
}
END_TEST

/* Only the front of a large file is there, and that is enough. */
START_TEST(the_front_of_a_large_file_will_do)
{
	static uint8_t inner[1 << 20];
	uint32_t state = 1;
	struct payload payload;
	const char *text;

	for (size_t i = 0; i < sizeof(inner); i++) {
		state = state * 1664525 + 1013904223;
		inner[i] = (uint8_t)(state >> 24);
	}
	memset(inner, 0, 2048);
	memcpy(inner, "070701", 6);
	payload_pack(&payload, looked_into[_i], inner, sizeof(inner));
	ck_assert_uint_gt(payload.size_bytes, sizeof(inner) / 2);
	text = filekind_describe(payload.bytes, payload.size_bytes);
	ck_assert_ptr_nonnull(strstr(text, "an initramfs"));
	payload_free(&payload);
}
END_TEST

/* Whatever is wrong with it, it is packed data; a front that comes out counts. */
START_TEST(what_is_packed_and_damaged)
{
	static const uint8_t inner[600] = "070701";
	size_t size = pack(looked_into[_i], inner, sizeof(inner));
	uint8_t good[sizeof(bytes)];

	memcpy(good, bytes, sizeof(good));
	for (size_t n = 6; n < size; n++) {
		uint8_t *exact = malloc(n);

		memcpy(exact, bytes, n);
		ck_assert_ptr_nonnull(strstr(filekind_describe(exact, n), "-initrd"));
		free(exact);
	}
	for (size_t i = 6; i < size; i++) {
		memcpy(bytes, good, sizeof(good));
		bytes[i] ^= 0xff;
		says(size, "-initrd");
	}
}
END_TEST

START_TEST(kinds_of_kernels)
{
	static const struct {
		size_t offset;
		const char *magic, *says;
	} kinds[] = {
		{ 0, "\x5d\x00\x00\x80", "lzma data" },
		{ 0, "BZh91AY", "bzip2 data" },
		{ 0, "\x89LZO", "lzo data" },
		{ 0, "070701", "-initrd" },
		{ 0, "ANDROID!", "an Android boot image" },
		{ 0, "!<arch>\n", "a Debian package" },
		{ 0, "\xed\xab\xee\xdb", "an RPM package" },
		{ 0x101, "ustar", "a tar archive" },
		{ 0, "hsqs", "a squashfs image" },
		{ 0, "QFI\xfb", "a qcow2 disk image" },
		{ 0, "QEVM", "a saved state of QEMU" },
		{ 0, "hello", NULL },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		fresh();
		memcpy(bytes + kinds[i].offset, kinds[i].magic,
		       i == 0 ? 4 : strlen(kinds[i].magic));
		says(sizeof(bytes), kinds[i].says);
	}
}
END_TEST

static int check_initrd(size_t size, struct err *error)
{
	struct input_file file;
	int rc;

	error->text[0] = '\0';
	image_open_bytes(bytes, size, "initrd", "some/initrd", &file);
	rc = initrd_check(&file, error);
	file_close(&file);
	return rc;
}

START_TEST(what_cannot_be_an_initrd)
{
	static const struct {
		size_t offset;
		const char *magic, *says;
	} kinds[] = {
		{ 0x202, "HdrS", "is a bzImage; a kernel goes to -kernel" },
		{ 0, "\177ELF", "is an ELF file; a kernel goes to -kernel" },
		{ 0x38, "ARM\x64", "is an arm64 Image; a kernel goes to -kernel" },
		{ 0, "MZ", "is a PE (EFI or DOS) program" },
		{ 0, "\x27\x05\x19\x56", "is a U-Boot uImage" },
		{ 0, "#!/bin/sh", "is a script" },
		{ 0, "!<arch>\n", "a Debian package" },
	};
	struct err error;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		fresh();
		memcpy(bytes + kinds[i].offset, kinds[i].magic, strlen(kinds[i].magic));
		ck_assert_int_lt(check_initrd(0x400, &error), 0);
		ck_assert_msg(strstr(error.text, kinds[i].says) != NULL, "no \"%s\" in: %s",
			      kinds[i].says, error.text);
		ck_assert_ptr_nonnull(strstr(error.text, "initrd some/initrd: "));
	}
	ck_assert_int_lt(check_initrd(0, &error), 0);
	ck_assert_ptr_nonnull(strstr(error.text, "is empty"));
}
END_TEST

/* The guest decides: archives packed in any way, images of RAM disks, junk. */
START_TEST(what_may_be_an_initrd)
{
	static const char *const fronts[] = {
		"070701",
		"\x1f\x8b\x08",
		"BZh9",
		"\xfd"
		"7zXZ",
		"\x28\xb5\x2f\xfd",
		"hsqs",
		"-rom1fs-",
		"junk",
		"\x45\x3d\xcd\x28",
		"H",
		"\177EL",
	};
	struct err error;

	for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++) {
		fresh();
		memcpy(bytes, fronts[i], strlen(fronts[i]));
		ck_assert_int_eq(check_initrd(strlen(fronts[i]), &error), 0);
		ck_assert_int_eq(check_initrd(0x400, &error), 0);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("filekind");
	TCase *tc = tcase_create("filekind");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, a_uki_is_told_by_its_section);
	tcase_add_test(tc, a_pe_is_not_read_beyond_its_end);
	tcase_add_test(tc, pe_numbers_out_of_range);
	tcase_add_loop_test(tc, what_is_packed_is_looked_into, 0, FORMATS);
	tcase_add_loop_test(tc, the_front_of_a_large_file_will_do, 0, FORMATS);
	tcase_add_loop_test(tc, what_is_packed_and_damaged, 0, FORMATS);
	tcase_add_test(tc, kinds_of_kernels);
	tcase_add_test(tc, what_cannot_be_an_initrd);
	tcase_add_test(tc, what_may_be_an_initrd);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
