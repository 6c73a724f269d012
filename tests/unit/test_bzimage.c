/* SPDX-License-Identifier: MIT */
/*
 * bzimage_parse() against [BOOT] "The Real-Mode Kernel Header" and "Details of Header Fields":
 * every field arrives, every number that cannot be is refused by its name.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot/bzimage.h"
#include "boot/filekind.h"
#include "tests/common/bootspec.h"
#include "tests/common/image.h"

static struct image image;
static struct bzimage facts;
static struct err error;

static void setup(void)
{
	image_init(&image);
}

static void teardown(void)
{
	image_free(&image);
}

static int parse(void)
{
	struct input_file file;
	int rc;

	image_open(&image, "kernel", "some/bzImage", &file);
	memset(&error, 0, sizeof(error));
	rc = bzimage_parse(&file, &facts, &error);
	file_close(&file);
	return rc;
}

static void accepted(void)
{
	int rc = parse();

	ck_assert_msg(rc == 0, "refused: %s", error.text);
}

/* Refused, in one line that begins with the file and has what (a field, a value) in it. */
static void refused(const char *what)
{
	int rc = parse();

	ck_assert_msg(rc < 0, "accepted, should name %s", what);
	ck_assert_int_eq(rc, -error.code);
	ck_assert_msg(strncmp(error.text, "kernel some/bzImage: ", 21) == 0, "%s", error.text);
	ck_assert_msg(strstr(error.text, what) != NULL, "no \"%s\" in: %s", what, error.text);
	ck_assert_msg(strchr(error.text, '\n') == NULL, "%s", error.text);
	ck_assert_msg(strlen(error.text) < 300, "long: %s", error.text);
}

static void put_refused(size_t offset, size_t width, uint64_t value, const char *what)
{
	uint64_t before = image_get(&image, offset, width);

	image_put(&image, offset, width, value);
	refused(what);
	image_put(&image, offset, width, before);
}

static void put_accepted(size_t offset, size_t width, uint64_t value)
{
	uint64_t before = image_get(&image, offset, width);

	image_put(&image, offset, width, value);
	accepted();
	image_put(&image, offset, width, before);
}

START_TEST(every_field_arrives)
{
	image_put(&image, SPEC_INITRD_ADDR_MAX, 4, 0x37ffffff);
	image_put(&image, SPEC_XLOADFLAGS, 2, 0x007f);
	image_put(&image, SPEC_LOADFLAGS, 1, 0x81);
	image_put(&image, SPEC_PREF_ADDRESS, 8, 0x123456789abcdef0);
	accepted();
	ck_assert_uint_eq(facts.version, 0x020f);
	ck_assert_uint_eq(facts.setup_bytes, 2048);
	ck_assert_uint_eq(facts.kernel_bytes, 4096);
	ck_assert_uint_eq(facts.file_bytes, 6144);
	ck_assert_uint_eq(facts.loadflags, 0x81);
	ck_assert_uint_eq(facts.xloadflags, 0x007f);
	ck_assert(facts.relocatable);
	ck_assert_uint_eq(facts.kernel_alignment, 0x200000);
	ck_assert_uint_eq(facts.pref_address, 0x123456789abcdef0);
	ck_assert_uint_eq(facts.init_size, 0x800000);
	ck_assert_uint_eq(facts.initrd_addr_max, 0x37ffffff);
	ck_assert_uint_eq(facts.cmdline_size, 2047);
	ck_assert_uint_eq(facts.payload_offset, 0x800);
	ck_assert_uint_eq(facts.payload_length, 0x400);
	ck_assert_int_eq(facts.payload_format, UNPACK_GZIP);
}
END_TEST

START_TEST(header_is_copied)
{
	accepted();
	ck_assert_uint_eq(facts.header_bytes, SPEC_HEADER_END_2_15 - SPEC_SETUP_SECTS);
	ck_assert_mem_eq(facts.header, image.bytes + SPEC_SETUP_SECTS, facts.header_bytes);
}
END_TEST

/* B01 */
START_TEST(every_short_length_is_refused)
{
	for (size_t n = 0; n <= 0x268; n++) {
		image_free(&image);
		image_init(&image);
		image_resize(&image, n);
		refused(n == 0 ? "is empty (0 bytes)" : "");
	}
}
END_TEST

/* B02, B03: all lengths round each edge; up to 15 bytes of padding may be missing. */
START_TEST(every_length_is_held_against_syssize)
{
	for (size_t n = IMAGE_BYTES + 40; n > IMAGE_SETUP_BYTES - 3; n--) {
		image_resize(&image, n);
		if (n > IMAGE_BYTES - SPEC_PARAGRAPH) {
			accepted();
			ck_assert_uint_eq(facts.kernel_bytes,
					  (n < IMAGE_BYTES ? n : IMAGE_BYTES) - IMAGE_SETUP_BYTES);
		} else {
			refused(n > IMAGE_SETUP_BYTES ? "syssize" : "setup_sects");
		}
	}
}
END_TEST

START_TEST(truncation_tells_its_numbers)
{
	image_resize(&image, IMAGE_BYTES - 1000);
	refused("syssize at 0x1f4 is 0x100, 4096 bytes from byte 2048 on, but the file has 5144 "
		"bytes, 1000 fewer");
}
END_TEST

/* B04 */
START_TEST(every_bit_of_the_magics_counts)
{
	for (unsigned int bit = 0; bit < 16; bit++)
		put_refused(SPEC_BOOT_FLAG, 2, SPEC_BOOT_FLAG_VALUE ^ 1U << bit, "boot_flag");
	for (unsigned int bit = 0; bit < 32; bit++)
		put_refused(SPEC_HEADER, 4, SPEC_HDRS ^ 1U << bit, "HdrS");
}
END_TEST

/* B05: every version there is. */
START_TEST(every_version)
{
	for (unsigned int version = 0; version <= 0xffff; version++) {
		image_put(&image, SPEC_VERSION, 2, version);
		if (version < 0x020c) {
			ck_assert_int_lt(parse(), 0);
			continue;
		}
		accepted();
		ck_assert_uint_eq(facts.version, version == 0x020e ? 0x020d : version);
	}
}
END_TEST

START_TEST(old_versions_are_told)
{
	put_refused(SPEC_VERSION, 2, 0x0105, "boot protocol 1.05; 2.12 or later");
	put_refused(SPEC_VERSION, 2, 0x0205, "boot protocol 2.05; 2.12 or later");
	put_refused(SPEC_VERSION, 2, 0x020b, "boot protocol 2.11; 2.12 or later");
}
END_TEST

/* B06: the file is as long as 255 sectors need; the code for each number of sectors is its own. */
START_TEST(setup_sects)
{
	image_resize(&image, 256 * SPEC_SECTOR + IMAGE_KERNEL_BYTES);
	for (unsigned int sects = 0; sects <= 255; sects++) {
		image_put(&image, SPEC_SETUP_SECTS, 1, sects);
		accepted();
		ck_assert_uint_eq(facts.setup_bytes, ((sects ? sects : 4) + 1) * SPEC_SECTOR);
		ck_assert_uint_eq(facts.kernel_bytes, IMAGE_KERNEL_BYTES);
	}
	image_resize(&image, IMAGE_BYTES);
	put_refused(SPEC_SETUP_SECTS, 1, 255, "setup_sects at 0x1f1 is 255");
}
END_TEST

/* B07 */
START_TEST(syssize)
{
	put_refused(SPEC_SYSSIZE, 4, 0, "syssize");
	put_refused(SPEC_SYSSIZE, 4, IMAGE_KERNEL_BYTES / 16 + 1, "16 fewer");
	put_refused(SPEC_SYSSIZE, 4, 0xffffffff, "68719476720 bytes");
	put_refused(SPEC_SYSSIZE, 4, SPEC_ENTRY_64 / 16, "64-bit entry");
	image_put(&image, SPEC_PAYLOAD_OFFSET, 4, 0);
	put_accepted(SPEC_SYSSIZE, 4, SPEC_ENTRY_64 / 16 + 1);
	put_accepted(SPEC_SYSSIZE, 4, IMAGE_KERNEL_BYTES / 16 - 1);
}
END_TEST

/* B08, B15 */
START_TEST(flags)
{
	put_refused(SPEC_LOADFLAGS, 1, 0x80, "LOADED_HIGH");
	put_refused(SPEC_XLOADFLAGS, 2, 0x007e, "XLF_KERNEL_64");
	put_accepted(SPEC_XLOADFLAGS, 2, SPEC_XLF_KERNEL_64);
}
END_TEST

/* B09: 2.12 has fields up to init_size, which ends at 0x264; a short jump goes to 0x7f at most. */
START_TEST(every_header_end)
{
	for (unsigned int byte = 0; byte <= 0xff; byte++) {
		image_put(&image, SPEC_JUMP + 1, 1, byte);
		if (byte < SPEC_HANDOVER_OFFSET - SPEC_HEADER || byte > 0x7f) {
			refused("jump at 0x200");
			continue;
		}
		accepted();
		ck_assert_uint_eq(facts.header_bytes, SPEC_HEADER + byte - SPEC_SETUP_SECTS);
		ck_assert_mem_eq(facts.header, image.bytes + SPEC_SETUP_SECTS, facts.header_bytes);
	}
	image_put(&image, SPEC_JUMP + 1, 1, 0x6a);
	put_refused(SPEC_JUMP, 1, 0xe9, "jump");
}
END_TEST

/* B10: powers of two and their neighbours; not looked at when the kernel is not relocatable. */
START_TEST(kernel_alignment)
{
	for (unsigned int bit = 0; bit < 32; bit++) {
		uint64_t value = 1ULL << bit;

		if (bit >= 12 && bit <= 30)
			put_accepted(SPEC_KERNEL_ALIGNMENT, 4, value);
		else
			put_refused(SPEC_KERNEL_ALIGNMENT, 4, value, "kernel_alignment");
		if (bit >= 2) {
			put_refused(SPEC_KERNEL_ALIGNMENT, 4, value - 1, "kernel_alignment");
			put_refused(SPEC_KERNEL_ALIGNMENT, 4, value + 1, "kernel_alignment");
		}
	}
	put_refused(SPEC_KERNEL_ALIGNMENT, 4, 0, "kernel_alignment at 0x230 is 0x0");
	image_put(&image, SPEC_RELOCATABLE_KERNEL, 1, 0);
	put_accepted(SPEC_KERNEL_ALIGNMENT, 4, 0);
	ck_assert(!facts.relocatable);
}
END_TEST

START_TEST(min_alignment_is_not_used)
{
	static const uint8_t values[] = { 0, 12, 63, 64, 255 };

	for (size_t i = 0; i < sizeof(values); i++)
		put_accepted(SPEC_MIN_ALIGNMENT, 1, values[i]);
}
END_TEST

/* B13, the image's half of it */
START_TEST(init_size)
{
	put_refused(SPEC_INIT_SIZE, 4, 0, "init_size");
	put_refused(SPEC_INIT_SIZE, 4, IMAGE_KERNEL_BYTES - 1, "init_size at 0x260 is 0xfff");
	put_accepted(SPEC_INIT_SIZE, 4, IMAGE_KERNEL_BYTES);
	put_accepted(SPEC_INIT_SIZE, 4, 0xffffffff);
}
END_TEST

/* B19, the image's half of it */
START_TEST(cmdline_size)
{
	put_refused(SPEC_CMDLINE_SIZE, 4, 0, "cmdline_size at 0x238 is 0");
	put_accepted(SPEC_CMDLINE_SIZE, 4, 1);
	put_accepted(SPEC_CMDLINE_SIZE, 4, 0xffffffff);
}
END_TEST

/* B16 */
START_TEST(payload)
{
	static const struct {
		const char *magic;
		enum unpack_format format;
	} formats[] = {
		{ "\x1f\x8b....", UNPACK_GZIP },
		{ "\x1f\x9e....", UNPACK_GZIP },
		{ "BZh9..", UNPACK_BZIP2 },
		{ "\x5d\0\0...", UNPACK_LZMA },
		{ "\xfd"
		  "7zXZ\0",
		  UNPACK_XZ },
		{ "\x89LZO\0\r", UNPACK_LZO },
		{ "\x02\x21\x4c\x18..", UNPACK_LZ4 },
		{ "\x28\xb5\x2f\xfd..", UNPACK_ZSTD },
		{ "\x7f"
		  "ELF..",
		  UNPACK_UNKNOWN },
		{ "\0\0\0\0\0", UNPACK_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		memcpy(image.bytes + IMAGE_SETUP_BYTES + IMAGE_PAYLOAD_OFFSET, formats[i].magic, 6);
		accepted();
		ck_assert_int_eq(facts.payload_format, formats[i].format);
	}
}
END_TEST

START_TEST(payload_range)
{
	put_accepted(SPEC_PAYLOAD_LENGTH, 4, IMAGE_KERNEL_BYTES - IMAGE_PAYLOAD_OFFSET);
	put_accepted(SPEC_PAYLOAD_LENGTH, 4, 0);
	put_refused(SPEC_PAYLOAD_LENGTH, 4, IMAGE_KERNEL_BYTES - IMAGE_PAYLOAD_OFFSET + 1,
		    "payload_length");
	put_refused(SPEC_PAYLOAD_LENGTH, 4, 0xffffffff, "payload_length");
	put_refused(SPEC_PAYLOAD_OFFSET, 4, IMAGE_KERNEL_BYTES + 1, "payload_offset");
	put_refused(SPEC_PAYLOAD_OFFSET, 4, 0xfffffc00, "payload_offset");
	image_put(&image, SPEC_PAYLOAD_OFFSET, 4, 0);
	accepted();
	ck_assert_uint_eq(facts.payload_length, 0);
	ck_assert_int_eq(facts.payload_format, UNPACK_UNKNOWN);
}
END_TEST

/* B17, B18, B21 */
START_TEST(fields_that_say_nothing_to_the_parser)
{
	static const struct {
		size_t offset, width;
	} ignored[] = {
		{ SPEC_ROOT_FLAGS, 2 },      { SPEC_RAM_SIZE, 2 },
		{ SPEC_VID_MODE, 2 },        { SPEC_ROOT_DEV, 2 },
		{ SPEC_KERNEL_VERSION, 2 },  { SPEC_TYPE_OF_LOADER, 1 },
		{ SPEC_SETUP_MOVE_SIZE, 2 }, { SPEC_CODE32_START, 4 },
		{ SPEC_RAMDISK_IMAGE, 4 },   { SPEC_RAMDISK_SIZE, 4 },
		{ SPEC_BOOTSECT_KLUDGE, 4 }, { SPEC_HEAP_END_PTR, 2 },
		{ SPEC_EXT_LOADER_VER, 1 },  { SPEC_EXT_LOADER_TYPE, 1 },
		{ SPEC_CMD_LINE_PTR, 4 },    { SPEC_HARDWARE_SUBARCH, 4 },
		{ SPEC_SETUP_DATA, 8 },      { SPEC_HARDWARE_SUBARCH_DATA, 8 },
		{ SPEC_HANDOVER_OFFSET, 4 }, { SPEC_KERNEL_INFO_OFFSET, 4 },
	};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		put_accepted(ignored[i].offset, ignored[i].width, 0);
		put_accepted(ignored[i].offset, ignored[i].width, UINT64_MAX);
	}
}
END_TEST

/* B22: a file of 4 KiB with these bytes in it, as far as it matters. */
START_TEST(other_kinds_of_file)
{
	static const struct {
		size_t offset, length;
		const char *magic, *says;
	} kinds[] = {
		{ 0, 5,
		  "\x7f"
		  "ELF\x02",
		  "an ELF file, not a bzImage" },
		{ 0, 5,
		  "\x7f"
		  "ELF\x01",
		  "an ELF file" },
		{ 0, 3, "\x1f\x8b\x08", "gzip" },
		{ 0, 6,
		  "\xfd"
		  "7zXZ\0",
		  "xz" },
		{ 0, 4, "\x28\xb5\x2f\xfd", "zstd" },
		{ 0, 4, "\x02\x21\x4c\x18", "lz4" },
		{ 0, 4, "\x04\x22\x4d\x18", "lz4" },
		{ 0, 4, "BZh9", "bzip2" },
		{ 0, 4, "\x89LZO", "lzo" },
		{ 0x38, 4, "ARM\x64", "arm64 Image" },
		{ 0x38, 4, "RSC\x05", "RISC-V Image" },
		{ 0, 8, "MZ\0\0zimg", "EFI zboot" },
		{ 0, 2, "MZ", "PE (EFI or DOS)" },
		{ 0, 4, "\x27\x05\x19\x56", "uImage" },
		{ 0, 4, "\xd0\x0d\xfe\xed", "FIT" },
		{ 0, 9, "#!/bin/sh", "a script" },
		{ 0, 6, "070701", "cpio" },
		{ 0, 6, "070702", "cpio" },
		{ 0, 6, "070707", "cpio" },
		{ 0, 5, "hello", "boot_flag at 0x1fe is 0x0000" },
		{ 0x1fe, 2, "\x55\xaa", "header at 0x202 is 0x00000000" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		memset(image.bytes, 0, image.size_bytes);
		memcpy(image.bytes + kinds[i].offset, kinds[i].magic, kinds[i].length);
		refused(kinds[i].says);
		ck_assert_int_eq(error.code, ENOEXEC);
	}
}
END_TEST

/* A magic number that is cut says nothing, whatever lies behind it in memory. */
START_TEST(kinds_need_all_of_their_magic)
{
	static const uint8_t elf[] = { 0x7f, 'E', 'L', 'F' };

	ck_assert_ptr_nonnull(filekind_describe(elf, 4));
	ck_assert_ptr_null(filekind_describe(elf, 3));
	ck_assert_ptr_null(filekind_describe(elf, 0));
}
END_TEST

/* Every EFI stub kernel starts with MZ; that alone must not make it something else. */
START_TEST(a_bzimage_may_look_like_a_pe)
{
	memcpy(image.bytes, "MZ", 2);
	accepted();
}
END_TEST

/* B24: the file is not as long as it was when it was opened. */
START_TEST(shrinking_file)
{
	struct input_file file;

	image_open(&image, "kernel", "some/bzImage", &file);
	file.size_bytes += 1;
	ck_assert_int_eq(bzimage_parse(&file, &facts, &error), 0);
	file_close(&file);

	image_resize(&image, 0x100);
	image_open(&image, "kernel", "some/bzImage", &file);
	file.size_bytes = IMAGE_BYTES;
	ck_assert_int_eq(bzimage_parse(&file, &facts, &error), -EIO);
	ck_assert_ptr_nonnull(strstr(error.text, "ends at offset 256"));
	file_close(&file);
}
END_TEST

static Suite *bzimage_suite(void)
{
	Suite *s = suite_create("bzimage");
	TCase *tc = tcase_create("header");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, every_field_arrives);
	tcase_add_test(tc, header_is_copied);
	tcase_add_test(tc, every_short_length_is_refused);
	tcase_add_test(tc, every_length_is_held_against_syssize);
	tcase_add_test(tc, truncation_tells_its_numbers);
	tcase_add_test(tc, every_bit_of_the_magics_counts);
	tcase_add_test(tc, every_version);
	tcase_add_test(tc, old_versions_are_told);
	tcase_add_test(tc, setup_sects);
	tcase_add_test(tc, syssize);
	tcase_add_test(tc, flags);
	tcase_add_test(tc, every_header_end);
	tcase_add_test(tc, kernel_alignment);
	tcase_add_test(tc, min_alignment_is_not_used);
	tcase_add_test(tc, init_size);
	tcase_add_test(tc, cmdline_size);
	tcase_add_test(tc, payload);
	tcase_add_test(tc, payload_range);
	tcase_add_test(tc, fields_that_say_nothing_to_the_parser);
	tcase_add_test(tc, other_kinds_of_file);
	tcase_add_test(tc, kinds_need_all_of_their_magic);
	tcase_add_test(tc, a_bzimage_may_look_like_a_pe);
	tcase_add_test(tc, shrinking_file);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *sr = srunner_create(bzimage_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
