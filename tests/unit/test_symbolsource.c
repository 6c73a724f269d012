/* SPDX-License-Identifier: MIT */
/*
 * symbols_for_kernel(): the first place that has the right symbols, in the order that its header
 * tells; what is passed over; what is an error. symbols_for_placed(): the same when all that is left
 * of the kernel is what lies in guest memory.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "boot/symbolsource.h"
#include "tests/common/folder.h"
#include "tests/common/vmlinux.h"
#include "vmm/base/must.h"

#define BANNER  "Linux version 6.1.0 (me@here) (gcc 12) #1 SMP Thu Jan 1 00:00:00 UTC 1970\n"
#define VERSION "6.1.0 (me@here) #1 SMP Thu Jan 1 00:00:00 UTC 1970"

#define FITTING_MAP "ffffffff81000000 T _text\nffffffff81001000 D linux_banner\n"
#define OTHER_MAP   "ffffffff81000000 T _text\nffffffff81001040 D linux_banner\n"

enum {
	GLOBAL_NOTYPE = 0x10,
	GLOBAL_OBJECT = 0x11,
	SPEC_KERNEL_VERSION = 0x20e, /* [BOOT] "Details of Header Fields": from 0x200 on */
};

static struct vmlinux with_symbols, stripped;
static struct input_file image;
static struct elfimage facts;
static struct symbols table;
static struct symbols_request request;
static char told[SYMBOLS_TOLD_BYTES];
static struct err error;
static char kernel_path[512];

static void make(struct vmlinux *v, const char *banner, uint8_t id)
{
	vmlinux_init(v, banner, id);
	vmlinux_symbol(v, "_text", VMLINUX_TEXT, GLOBAL_NOTYPE, VMLINUX_S_TEXT);
	vmlinux_symbol(v, "linux_banner", VMLINUX_BANNER, GLOBAL_OBJECT, VMLINUX_S_RODATA);
}

/* The kernel is that file in the folder; what is loaded is in memory. */
static void kernel_is(const char *name, const struct vmlinux *loaded)
{
	(void)snprintf(kernel_path, sizeof(kernel_path), "%s", folder_at(name));
	request = (struct symbols_request){ .kernel_path = kernel_path };
	if (!loaded)
		return;
	file_of_memory(&image, "kernel", kernel_path, loaded->image.bytes,
		       loaded->image.size_bytes);
	ck_assert_int_eq(elfimage_parse(&image, &facts, &error), 0);
	request.image = &image;
	request.elf = &facts;
}

static void setup(void)
{
	folder_make();
	symbols_init(&table);
	make(&with_symbols, BANNER, 0x5a);
	vmlinux_init(&stripped, BANNER, 0x5a);
	vmlinux_strip(&stripped);
}

static void teardown(void)
{
	symbols_finish(&table);
	image_free(&with_symbols.image);
	image_free(&stripped.image);
	folder_remove();
}

static void put(const char *name, const char *text)
{
	folder_put(folder_at(name), text, strlen(text));
}

static void put_vmlinux(const char *name, const struct vmlinux *v)
{
	folder_put(folder_at(name), v->image.bytes, v->image.size_bytes);
}

static void found(const char *words)
{
	int rc = symbols_for_kernel(&table, &request, told, &error);

	ck_assert_msg(rc == 0, "%s", error.text);
	ck_assert_msg(strstr(told, words) == told, "told: %s", told);
	ck_assert_uint_eq(symbols_find(&table, "linux_banner"), VMLINUX_BANNER);
	symbols_finish(&table);
}

static void none(int code, const char *words)
{
	ck_assert_int_eq(symbols_for_kernel(&table, &request, told, &error), -code);
	ck_assert_int_eq(error.code, code);
	ck_assert_msg(strstr(error.text, words) != NULL, "no \"%s\" in: %s", words, error.text);
	ck_assert_ptr_null(table.by_address);
}

START_TEST(in_the_kernel_itself)
{
	put("System.map", FITTING_MAP);
	kernel_is("vmlinux", &with_symbols);
	found("the kernel's own symbol table");
	ck_assert_ptr_null(strstr(told, "passed over"));
}
END_TEST

START_TEST(beside_the_kernel)
{
	kernel_is("bzImage", &stripped);
	none(ENOENT, "no symbols: kernel ");
	ck_assert_ptr_nonnull(strstr(error.text, "-symbols"));
	put("System.map", FITTING_MAP);
	found("System.map beside the kernel");
	put_vmlinux("vmlinux", &with_symbols);
	found("vmlinux beside the kernel");
}
END_TEST

START_TEST(what_does_not_fit_is_passed_over)
{
	struct vmlinux other;

	make(&other, BANNER, 0x5b);
	kernel_is("bzImage", &stripped);
	put_vmlinux("vmlinux", &other);
	put("System.map", FITTING_MAP);
	found("System.map beside the kernel; passed over: ");
	ck_assert_ptr_nonnull(strstr(told, "/vmlinux (of another build)"));
	put("System.map", OTHER_MAP);
	none(ENOENT, "/vmlinux (of another build)");
	ck_assert_ptr_nonnull(strstr(error.text, "/System.map (of another build)"));
	put("System.map", "ffffffffffffffff B The real System.map is elsewhere\n");
	none(ENOENT, "/System.map (holds no symbols, or is damaged)");
	put_vmlinux("vmlinux", &stripped);
	none(ENOENT, "/vmlinux (stripped)");
	image_free(&other.image);
}
END_TEST

START_TEST(in_the_folder_of_the_build)
{
	static const char *const folders[] = { "arch", "arch/x86", "arch/x86/boot", "arch/x86_64",
					       "arch/x86_64/boot" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		must(mkdir(folder_at(folders[i]), 0700) == 0);
	kernel_is("arch/x86/boot/bzImage", &stripped);
	put("System.map", FITTING_MAP);
	found("System.map of the kernel's build");
	put_vmlinux("vmlinux", &with_symbols);
	found("vmlinux of the kernel's build");
	kernel_is("arch/x86_64/boot/bzImage", &stripped);
	found("vmlinux of the kernel's build");
	put("arch/x86_64/boot/System.map", FITTING_MAP);
	found("System.map beside the kernel");
	kernel_is("arch/x86/bzImage", &stripped);
	none(ENOENT, "no symbols");
}
END_TEST

START_TEST(of_the_same_release)
{
	kernel_is("vmlinuz-6.1.0-none", &stripped);
	put("System.map-6.1.0-other", FITTING_MAP);
	none(ENOENT, "no symbols");
	put("System.map-6.1.0-none", FITTING_MAP);
	found("System.map of that release beside the kernel");
	kernel_is("vmlinuz-", &stripped);
	put("System.map-", FITTING_MAP);
	none(ENOENT, "no symbols");
}
END_TEST

START_TEST(a_named_file_must_fit)
{
	char path[512];

	kernel_is("bzImage", &stripped);
	put_vmlinux("vmlinux", &with_symbols);
	(void)snprintf(path, sizeof(path), "%s", folder_at("some.map"));
	request.named = path;
	none(ENOENT, "some.map: cannot be opened");
	put("some.map", OTHER_MAP);
	none(ESTALE, "some.map: are of another build than kernel ");
	put("some.map", "hello\n");
	none(EBADMSG, "some.map: is neither a vmlinux nor a System.map");
	put_vmlinux("some.map", &stripped);
	none(ENOENT, "some.map: has no sections");
	put("some.map", FITTING_MAP);
	found("System.map that was named");
}
END_TEST

/* A bzImage that nobody here unpacks: its version string is compared. */
START_TEST(without_an_image)
{
	struct image bzimage;
	char path[512];

	image_init(&bzimage);
	image_put(&bzimage, SPEC_KERNEL_VERSION, 2, 0x300);
	memcpy(bzimage.bytes + 0x500, VERSION, sizeof(VERSION));
	folder_put(folder_at("bzImage"), bzimage.bytes, bzimage.size_bytes);
	kernel_is("bzImage", NULL);
	none(ENOENT, "is unpacked by the guest");
	put_vmlinux("vmlinux", &with_symbols);
	found("vmlinux beside the kernel");

	bzimage.bytes[0x500 + 17] = '2'; /* #2 */
	folder_put(folder_at("bzImage"), bzimage.bytes, bzimage.size_bytes);
	none(ENOENT, "/vmlinux (of another build)");
	bzimage.bytes[0x500 + 17] = '1';
	bzimage.bytes[0x500] = '5'; /* 5.1.0 */
	folder_put(folder_at("bzImage"), bzimage.bytes, bzimage.size_bytes);
	none(ENOENT, "/vmlinux (of another build)");
	image_put(&bzimage, SPEC_KERNEL_VERSION, 2, 0xffff);
	folder_put(folder_at("bzImage"), bzimage.bytes, bzimage.size_bytes);
	none(ENOENT, "/vmlinux (cannot be checked)");

	put("System.map", FITTING_MAP);
	none(ENOENT, "/System.map (cannot be checked)");
	(void)snprintf(path, sizeof(path), "%s", folder_at("System.map"));
	request.named = path;
	found("System.map that was named, not compared with the kernel");
	image_free(&bzimage);
}
END_TEST

START_TEST(what_is_no_file_is_passed_over)
{
	must(mkdir(folder_at("vmlinux"), 0700) == 0);
	kernel_is("bzImage", &stripped);
	put("System.map", FITTING_MAP);
	found("System.map beside the kernel; passed over: ");
	ck_assert_ptr_nonnull(strstr(told, "/vmlinux (not a regular file)"));
}
END_TEST

/* ---- a kernel as it lies in guest memory ----------------------------------------------------- */

enum { RAM_BYTES = 32 << 20 };

static uint8_t *ram;
static struct guest_memory memory;
static struct symbols_placed placed;

/* Places what is loaded, as its program headers say, and closes its file. */
static void place(const char *name, const struct vmlinux *loaded)
{
	kernel_is(name, loaded);
	ram = calloc(1, RAM_BYTES);
	ck_assert_ptr_nonnull(ram);
	memory = (struct guest_memory){ .region[0] = { 0, RAM_BYTES, ram } };
	for (size_t i = 0; i < facts.segments; i++) {
		const struct elfimage_segment *s = &facts.segment[i];

		ck_assert_uint_le(s->gpa + s->file_bytes, RAM_BYTES);
		memcpy(ram + s->gpa, image.bytes + s->file_offset, s->file_bytes);
	}
	placed = (struct symbols_placed){
		.kernel_path = kernel_path,
		.memory = &memory,
		.start_gpa = facts.start_gpa,
		.end_gpa = facts.end_gpa,
	};
}

static void found_late(const char *words)
{
	int rc = symbols_for_placed(&table, &placed, told, &error);

	ck_assert_msg(rc == 0, "%s", error.text);
	ck_assert_msg(strstr(told, words) == told, "told: %s", told);
	ck_assert_uint_eq(symbols_find(&table, "linux_banner"), VMLINUX_BANNER);
	symbols_finish(&table);
}

static void none_late(const char *words)
{
	ck_assert_int_eq(symbols_for_placed(&table, &placed, told, &error), -ENOENT);
	ck_assert_msg(strstr(error.text, words) != NULL, "no \"%s\" in: %s", words, error.text);
	ck_assert_ptr_nonnull(strstr(error.text, "-symbols"));
	ck_assert_ptr_null(table.by_address);
}

START_TEST(late_in_the_kernels_file)
{
	place("vmlinux", &with_symbols);
	none_late("has no symbol table"); /* the file is gone */
	put_vmlinux("vmlinux", &with_symbols);
	found_late("the kernel's own symbol table");
	memory.region[0].host[VMLINUX_BANNER - SYMBOLS_KERNEL_MAP + 20] ^= 1;
	none_late("/vmlinux (not what lies in guest memory)");
	free(ram);
}
END_TEST

START_TEST(late_beside_a_bzimage)
{
	place("bzImage", &stripped);
	put("bzImage", "no ELF file");
	none_late("no symbols: kernel ");
	put("System.map", OTHER_MAP);
	none_late("/System.map (not what lies in guest memory)");
	put_vmlinux("vmlinux", &with_symbols);
	found_late("vmlinux beside the kernel");
	free(ram);
}
END_TEST

/* The guest puts it there: nobody knows its segments, but where it is to be. */
START_TEST(late_when_the_guest_unpacks)
{
	place("bzImage", &stripped);
	put("bzImage", "no ELF file");
	put_vmlinux("vmlinux", &with_symbols);
	placed.guest_unpacks = true;
	placed.end_gpa = placed.start_gpa + (8 << 20);
	found_late("vmlinux beside the kernel");
	memset(ram, 0, RAM_BYTES); /* it has not come so far */
	none_late("is unpacked by the guest");
	placed.start_gpa = 1ULL << 40; /* no RAM there */
	placed.end_gpa = placed.start_gpa + 1;
	ck_assert_int_eq(symbols_for_placed(&table, &placed, told, &error), -ENOENT);
	ck_assert_ptr_nonnull(strstr(error.text, "bzImage is not in the guest's RAM"));
	free(ram);
}
END_TEST

/* A guest can write any ELF header into its memory: it can only deny its symbols. */
START_TEST(late_with_a_header_in_memory)
{
	struct vmlinux other;

	make(&other, BANNER, 0x5b);
	place("vmlinux", &with_symbols);
	put_vmlinux("vmlinux", &with_symbols);
	memcpy(ram + placed.start_gpa, other.image.bytes, 4096);
	memcpy(ram + placed.start_gpa + VMLINUX_NOTES, other.image.bytes + VMLINUX_NOTES,
	       VMLINUX_NOTES_BYTES);
	none_late("/vmlinux (not what lies in guest memory)");
	memset(ram + placed.start_gpa + 4, 0xff, 4092); /* and offsets that lead anywhere */
	found_late("the kernel's own symbol table");
	image_free(&other.image);
	free(ram);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("symbolsource");
	TCase *tests = tcase_create("symbolsource");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, in_the_kernel_itself);
	tcase_add_test(tests, beside_the_kernel);
	tcase_add_test(tests, what_does_not_fit_is_passed_over);
	tcase_add_test(tests, in_the_folder_of_the_build);
	tcase_add_test(tests, of_the_same_release);
	tcase_add_test(tests, a_named_file_must_fit);
	tcase_add_test(tests, without_an_image);
	tcase_add_test(tests, what_is_no_file_is_passed_over);
	tcase_add_test(tests, late_in_the_kernels_file);
	tcase_add_test(tests, late_beside_a_bzimage);
	tcase_add_test(tests, late_when_the_guest_unpacks);
	tcase_add_test(tests, late_with_a_header_in_memory);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
