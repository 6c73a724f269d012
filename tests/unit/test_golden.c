/* SPDX-License-Identifier: MIT */
/*
 * What plan_explain() prints, byte for byte, against tests/golden/explain-*.txt. Runs from the
 * repository's root. With GOLDEN_UPDATE=1 in the environment it writes the files instead: read the
 * difference before you commit it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/plan.h"
#include "tests/common/bootspec.h"
#include "tests/common/image.h"

#define MIB 0x100000ULL

static char *explain(struct image *image, struct plan_request *request)
{
	struct input_file file;
	struct bzimage kernel;
	struct boot_plan plan;
	struct err error;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	image_open(image, "kernel", request->kernel_name, &file);
	ck_assert_ptr_nonnull(out);
	ck_assert_msg(bzimage_parse(&file, &kernel, &error) == 0, "%s", error.text);
	request->bzimage = &kernel;
	ck_assert_msg(plan_boot(request, &plan, &error) == 0, "%s", error.text);
	plan_explain(request, &plan, out);
	ck_assert_int_eq(fclose(out), 0);
	file_close(&file);
	image_free(image);
	return text;
}

static void read_golden(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n;

	ck_assert_msg(f != NULL, "%s: cannot be opened; run from the repository's root", path);
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	ck_assert_int_eq(fclose(f), 0);
}

static void write_golden(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_msg(f != NULL, "%s: cannot be written", path);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void compare_golden(const char *path, char *text)
{
	static char expected[16384];

	if (getenv("GOLDEN_UPDATE"))
		write_golden(path, text);
	read_golden(path, expected, sizeof(expected));
	ck_assert_str_eq(text, expected);
	free(text);
}

static void check_golden(const char *path, struct image *image, struct plan_request *request)
{
	compare_golden(path, explain(image, request));
}

/* The least RAM there may be; no initrd, no preference, no payload, an empty line, odd names. */
START_TEST(small)
{
	struct image image;
	struct plan_request request = {
		.ram_bytes = 16 * MIB,
		.kernel_name = "strange\033name",
		.cmdline = "",
	};

	image_init(&image);
	image_put(&image, SPEC_VERSION, 2, 0x020c);
	image_put(&image, SPEC_PREF_ADDRESS, 8, 0);
	image_put(&image, SPEC_KERNEL_ALIGNMENT, 4, 0x1000);
	image_put(&image, SPEC_PAYLOAD_OFFSET, 4, 0);
	image_put(&image, SPEC_XLOADFLAGS, 2, SPEC_XLF_KERNEL_64);
	image_put(&image, SPEC_CMDLINE_SIZE, 4, 255);
	image_put(&image, SPEC_INIT_SIZE, 4, 0x6acf8);
	check_golden("tests/golden/explain-16M.txt", &image, &request);
}
END_TEST

START_TEST(usual)
{
	struct image image;
	struct plan_request request = {
		.ram_bytes = 128 * MIB,
		.initrd_bytes = 1234567,
		.kernel_name = "arch/x86/boot/bzImage",
		.initrd_name = "rootfs.cpio.gz",
		.cmdline = "console=ttyS0 reboot=k panic=-1",
	};

	image_init(&image);
	image_put(&image, SPEC_XLOADFLAGS, 2, 0x7f);
	check_golden("tests/golden/explain-128M-initrd.txt", &image, &request);
}
END_TEST

START_TEST(large)
{
	struct image image;
	struct plan_request request = {
		.ram_bytes = 6144 * MIB,
		.initrd_bytes = 700 * MIB,
		.kernel_name = "bzImage",
		.initrd_name = "big.cpio",
		.cmdline = "console=ttyS0",
	};

	image_init(&image);
	image_put(&image, SPEC_RELOCATABLE_KERNEL, 1, 0);
	image_put(&image, SPEC_INITRD_ADDR_MAX, 4, 0xffffffff);
	image_put(&image, SPEC_INIT_SIZE, 4, 0x2345678);
	check_golden("tests/golden/explain-6G.txt", &image, &request);
}
END_TEST

static const struct board board = {
	.cpus = 4,
	.local_apic_gpa = 0xfee00000,
	.io_apic_gpa = 0xfec00000,
	.io_apic_id = 4,
	.com1_port = 0x3f8,
	.com1_irq = 4,
	.pm1_event_port = 0x600,
	.pm1_control_port = 0x604,
	.sci_irq = 9,
	.reset_port = 0xcf9,
	.reset_value = 6,
};

static const struct elfimage vmlinux = {
	.file_bytes = 12282824,
	.entry_gpa = 16 * MIB,
	.start_gpa = 16 * MIB,
	.end_gpa = 26 * MIB + 0x16000,
	.segments = 3,
	.segment = { { 0x200000, 0x6393dc, 16 * MIB, 0x6393dc },
		     { 0xa00000, 0xb7000, 24 * MIB, 0xb7000 },
		     { 0xab7000, 0x7664b, 24 * MIB + 0xb7000, 0x15f000 } },
};

/* An ELF kernel, four CPUs, an initrd that has room only above the hole. */
START_TEST(elf_kernel)
{
	struct plan_request request = {
		.elf = &vmlinux,
		.ram_bytes = 8192 * MIB,
		.initrd_bytes = 2048 * MIB,
		.kernel_name = "vmlinux",
		.initrd_name = "very-big.cpio",
		.cmdline = "console=ttyS0",
		.board = &board,
	};
	struct boot_plan plan;
	struct err error;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	ck_assert_msg(plan_boot(&request, &plan, &error) == 0, "%s", error.text);
	plan_explain(&request, &plan, out);
	ck_assert_int_eq(fclose(out), 0);
	compare_golden("tests/golden/explain-elf.txt", text);
}
END_TEST

static Suite *golden_suite(void)
{
	Suite *s = suite_create("golden");
	TCase *tc = tcase_create("explain");

	tcase_add_test(tc, small);
	tcase_add_test(tc, usual);
	tcase_add_test(tc, large);
	tcase_add_test(tc, elf_kernel);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *sr = srunner_create(golden_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
