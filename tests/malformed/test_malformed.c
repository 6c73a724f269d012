/* SPDX-License-Identifier: MIT */
/*
 * Malformed kernels: files by the hundred go through parse, plan and place in this process. Each
 * must be refused in one line that names what is wrong, or be accepted and then keep to its own
 * plan: guest memory lies between two guard pages.
 *
 * The catalogue's numbers (B01 ...) group the cases:
 *   B01 lengths           B02 truncation       B03 trailing bytes   B04 magics
 *   B05 versions          B06 setup_sects      B07 syssize          B08 loadflags
 *   B09 header end        B10 alignments       B11 not relocatable  B12 pref_address
 *   B13 init_size         B14 overlaps         B15 xloadflags       B16 payload
 *   B17 handover, info    B18 loader's fields  B19 cmdline_size     B20 initrd_addr_max
 *   B21 code32_start      B22 other kinds      B23 absurd sizes     B24 files that change
 * and after them every single bit of the header, and seeded random headers.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot/bzimage.h"
#include "boot/place.h"
#include "boot/plan.h"
#include "tests/common/bootspec.h"
#include "tests/common/image.h"
#include "tests/malformed/headers.h"

#define MAX_FILE_BYTES (1ULL << 30) /* what these tests open files with */

enum { GUARD_BYTES = 4096, HEADER_END_MAX = 0x281 };

/* Counted across the processes that Check runs tests in. */
static struct counts {
	unsigned long files, refused, accepted;
} * counts;

static uint8_t *ram;
static size_t ram_size;

/* Guest memory that faults at its first byte too many. */
static void map_ram(size_t size_bytes)
{
	uint8_t *all;

	if (ram)
		munmap(ram - GUARD_BYTES, ram_size + 2 * (size_t)GUARD_BYTES);
	all = mmap(NULL, size_bytes + 2 * (size_t)GUARD_BYTES, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert_ptr_ne(all, MAP_FAILED);
	ram = all + GUARD_BYTES;
	ram_size = size_bytes;
	ck_assert_int_eq(mprotect(ram, size_bytes, PROT_READ | PROT_WRITE), 0);
}

static int place(const struct plan_request *request, const struct boot_plan *plan,
		 const struct input_file *kernel, struct err *error)
{
	static const uint8_t junk[4096] = "not an archive";
	struct guest_memory memory = { 0 };
	struct input_file initrd = { .fd = -1 };
	int rc;

	if (plan->ram_low.size_bytes != ram_size)
		map_ram(plan->ram_low.size_bytes);
	memory.region[0] = (struct guest_memory_region){ 0, ram_size, ram };
	if (request->initrd_bytes) {
		image_open_bytes(junk, sizeof(junk), "initrd", "initrd", &initrd);
		ck_assert_int_eq(ftruncate(initrd.fd, (off_t)request->initrd_bytes), 0);
		initrd.size_bytes = request->initrd_bytes;
	}
	rc = place_boot(request, plan, kernel, request->initrd_bytes ? &initrd : NULL, &memory,
			error);
	file_close(&initrd);
	return rc;
}

/* What no header, however strange, may bring a plan to. */
static void check_plan(const char *id, const struct plan_request *request,
		       const struct boot_plan *plan)
{
	uint64_t run_end = plan->kernel.gpa + plan->kernel.size_bytes;
	uint64_t initrd_end = plan->initrd.gpa + plan->initrd.size_bytes;

	ck_assert_msg(plan->kernel.gpa >= MIB, "%s: kernel in low memory", id);
	ck_assert_msg(run_end <= plan->ram_low.size_bytes, "%s: kernel outside RAM", id);
	ck_assert_msg(plan->load[0].to.size_bytes <= plan->kernel.size_bytes, "%s: init_size", id);
	if (request->initrd_bytes == 0)
		return;
	ck_assert_msg(plan->initrd.gpa >= run_end, "%s: initrd over the kernel", id);
	ck_assert_msg(initrd_end <= plan->ram_low.size_bytes, "%s: initrd outside RAM", id);
	ck_assert_msg(initrd_end - 1 <= request->bzimage->initrd_addr_max, "%s: addr_max", id);
}

static void check_message(const char *id, const struct err *error)
{
	ck_assert_msg(error->code > 0, "%s: refused without a code", id);
	ck_assert_msg(strlen(error->text) > 20, "%s: \"%s\"", id, error->text);
	ck_assert_msg(strlen(error->text) < 400, "%s: long: %s", id, error->text);
	ck_assert_msg(strchr(error->text, '\n') == NULL, "%s: lines: %s", id, error->text);
}

/*
 * Takes an open kernel all the way. True when it was accepted; *error tells why not. What was
 * planned must be placeable, but for files that were cut meanwhile.
 */
static bool take(const struct input_file *file, const struct malformed *m, struct err *error)
{
	struct bzimage kernel;
	struct boot_plan plan;
	struct plan_request request = {
		.bzimage = &kernel,
		.ram_bytes = m->ram_bytes ? m->ram_bytes : 128 * MIB,
		.initrd_bytes = m->initrd_bytes,
		.kernel_name = "bzImage",
		.initrd_name = "initrd",
		.cmdline = "console=ttyS0",
	};
	int rc, placed = 0;

	memset(error, 0, sizeof(*error));
	rc = bzimage_parse(file, &kernel, error);
	if (rc == 0)
		rc = plan_boot(&request, &plan, error);
	if (rc == 0) {
		check_plan(m->id, &request, &plan);
		placed = place(&request, &plan, file, error);
		ck_assert_msg(placed == 0 || m->cut, "%s: planned, not placed: %s", m->id,
			      error->text);
	}
	if (rc < 0 || placed < 0)
		check_message(m->id, error);
	counts->files++;
	*(rc < 0 || placed < 0 ? &counts->refused : &counts->accepted) += 1;
	return rc == 0 && placed == 0;
}

static bool take_image(const struct image *image, const struct malformed *m, struct err *error)
{
	struct input_file file;
	bool accepted;

	image_open(image, "kernel", "bzImage", &file);
	accepted = take(&file, m, error);
	file_close(&file);
	return accepted;
}

static void check_image(const struct image *image, const struct malformed *m)
{
	struct err error;
	bool accepted = take_image(image, m, &error);

	if (m->refusal == NULL) {
		ck_assert_msg(accepted, "%s: refused: %s", m->id, error.text);
		return;
	}
	ck_assert_msg(!accepted, "%s: accepted, should name %s", m->id, m->refusal);
	ck_assert_msg(strstr(error.text, m->refusal) != NULL, "%s: no \"%s\" in: %s", m->id,
		      m->refusal, error.text);
}

static void check_case(const struct malformed *m)
{
	struct image image;

	malformed_image(m, &image);
	check_image(&image, m);
	image_free(&image);
}

/* clang-format off */
/* B22: what a file of 4 KiB begins with, and what it is called. */
static const struct {
	size_t offset, length;
	const char *bytes, *says;
} kinds[] = {
	{ 0, 6, "\x7f" "ELF\x02\x01", "an ELF file, not a bzImage" },
	{ 0, 6, "\x7f" "ELF\x01\x01", "an ELF file" },
	{ 0x38, 4, "ARM\x64", "arm64" },
	{ 0x38, 4, "RSC\x05", "RISC-V" },
	{ 0, 8, "MZ\0\0zimg", "zboot" },
	{ 0, 2, "MZ", "HdrS" },
	{ 0, 3, "\x1f\x8b\x08", "gzip" },
	{ 0, 6, "\xfd" "7zXZ\0", "xz" },
	{ 0, 4, "\x28\xb5\x2f\xfd", "zstd" },
	{ 0, 4, "\x02\x21\x4c\x18", "lz4" },
	{ 0, 3, "BZh", "bzip2" },
	{ 0, 4, "\x89LZO", "lzo" },
	{ 0, 4, "\x27\x05\x19\x56", "uImage" },
	{ 0, 4, "\xd0\x0d\xfe\xed", "device tree" },
	{ 0, 6, "070701", "cpio" },
	{ 0, 9, "#!/bin/sh", "script" },
	{ 0, 7, "QEVM\0\0\0", "saved state" },
	{ 0x1fe, 2, "\x55\xaa", "header at 0x202" },
	{ 0, 1, "\0", "boot_flag" },
};
/* clang-format on */

START_TEST(catalogue_case)
{
	check_case(&catalogue[_i]);
}
END_TEST

/* B01, B02, B03: every length from nothing to a little more than all. */
START_TEST(every_length)
{
	for (size_t n = 0; n <= IMAGE_BYTES + 64; n++) {
		struct malformed m = { .id = "B01", .refusal = "" };
		struct image image;

		image_init(&image);
		image_resize(&image, n);
		if (n > IMAGE_BYTES - 16)
			m.refusal = NULL;
		else if (n == 0)
			m.refusal = "is empty";
		else if (n < 0x264)
			m.refusal = "bytes";
		else
			m.refusal = n > IMAGE_SETUP_BYTES ? "syssize" : "setup_sects";
		check_image(&image, &m);
		image_free(&image);
	}
}
END_TEST

/* B04 */
START_TEST(every_bit_of_the_magics)
{
	for (unsigned int bit = 0; bit < 16; bit++) {
		struct malformed m = CASE("B04", "boot_flag", PUT(P(BOOT_FLAG, 2, 0)));

		m.put[0].value = SPEC_BOOT_FLAG_VALUE ^ 1U << bit;
		check_case(&m);
	}
	for (unsigned int bit = 0; bit < 32; bit++) {
		struct malformed m = CASE("B04", "HdrS", PUT(P(HEADER, 4, 0)));

		m.put[0].value = SPEC_HDRS ^ 1U << bit;
		check_case(&m);
	}
}
END_TEST

/* B09: header ends of every distance. */
START_TEST(every_header_end)
{
	for (unsigned int distance = 0; distance <= 0xff; distance++) {
		struct malformed m = CASE("B09", NULL, PUT({ SPEC_JUMP + 1, 1, distance }));

		if (distance < 0x62 || distance > 0x7f)
			m.refusal = "jump";
		check_case(&m);
	}
}
END_TEST

START_TEST(other_kinds)
{
	struct malformed m = { .id = "B22", .refusal = kinds[_i].says };
	struct image image;

	image_init(&image);
	memset(image.bytes, 0, image.size_bytes);
	memcpy(image.bytes + kinds[_i].offset, kinds[_i].bytes, kinds[_i].length);
	check_image(&image, &m);
	image_free(&image);
}
END_TEST

/* B23: a valid header in a file whose size alone refuses it, before a byte is read. */
START_TEST(absurd_sizes)
{
	static const int64_t sizes[] = { (1LL << 30) + 1, 1LL << 40, INT64_MAX };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct input_file sparse, file;
		struct image image;
		struct err error;
		char path[64];

		image_init(&image);
		image_open(&image, "kernel", "sparse", &sparse);
		ck_assert_int_eq(ftruncate(sparse.fd, sizes[i]), 0);
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", sparse.fd);
		ck_assert_int_lt(file_open(&file, "kernel", path, MAX_FILE_BYTES, &error), 0);
		check_message("B23", &error);
		ck_assert_ptr_nonnull(strstr(error.text, "at most 1073741824"));
		counts->files++;
		counts->refused++;
		file_close(&sparse);
		image_free(&image);
	}
}
END_TEST

/* B23: the largest file that is allowed, sparse, with a syssize that is all of it. */
START_TEST(largest_file)
{
	const uint64_t kernel_bytes = MAX_FILE_BYTES - IMAGE_SETUP_BYTES;
	struct malformed m = { .id = "B23", .ram_bytes = GIB };
	struct input_file file;
	struct image image;
	struct err error;

	image_init(&image);
	image_put(&image, SPEC_SYSSIZE, 4, kernel_bytes / SPEC_PARAGRAPH);
	image_put(&image, SPEC_INIT_SIZE, 4, kernel_bytes);
	image_open(&image, "kernel", "largest", &file);
	ck_assert_int_eq(ftruncate(file.fd, (off_t)MAX_FILE_BYTES), 0);
	file.size_bytes = MAX_FILE_BYTES;
	ck_assert(!take(&file, &m, &error));
	ck_assert_ptr_nonnull(strstr(error.text, "-m 1040M"));
	file_close(&file);
	image_free(&image);
}
END_TEST

/* B24: a file that is cut at any of its lengths after it was opened. */
START_TEST(cut_after_opening)
{
	for (size_t n = 0; n < IMAGE_BYTES; n += 7) {
		struct malformed m = { .id = "B24", .cut = true };
		struct input_file file;
		struct image image;
		struct err error;

		image_init(&image);
		image_resize(&image, n);
		image_open(&image, "kernel", "bzImage", &file);
		file.size_bytes = IMAGE_BYTES;
		ck_assert(!take(&file, &m, &error));
		ck_assert_ptr_nonnull(strstr(error.text, "ends at offset"));
		file_close(&file);
		image_free(&image);
	}
}
END_TEST

/* Every single bit between setup_sects and the farthest header end, flipped. */
START_TEST(every_bit_of_the_header)
{
	struct malformed m = { .id = "bit", .initrd_bytes = 5000 };
	struct image image;
	struct err error;

	image_init(&image);
	for (size_t bit = SPEC_SETUP_SECTS * 8; bit < (size_t)HEADER_END_MAX * 8; bit++) {
		image.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		(void)take_image(&image, &m, &error);
		image.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	image_free(&image);
}
END_TEST

/* xorshift64: the same headers at every run. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A value near where something happens. */
static uint64_t random_value(uint64_t *state)
{
	static const uint64_t edges[] = {
		0,          1,           0x1000,     0x100000,   0x1000000, 0x8000000,
		0xc0000000, 0x100000000, 1ULL << 63, UINT64_MAX, 0x200,     0x9fc00,
	};
	uint64_t edge = edges[next_random(state) % (sizeof(edges) / sizeof(edges[0]))];

	switch (next_random(state) % 4) {
	case 0:
		return next_random(state);
	case 1:
		return edge;
	default:
		return edge + next_random(state) % 5 - 2;
	}
}

START_TEST(random_headers)
{
	static const struct put fields[] = {
		P(SETUP_SECTS, 1, 0),     P(SYSSIZE, 4, 0),          P(LOADFLAGS, 1, 0),
		P(INITRD_ADDR_MAX, 4, 0), P(KERNEL_ALIGNMENT, 4, 0), P(RELOCATABLE_KERNEL, 1, 0),
		P(XLOADFLAGS, 2, 0),      P(CMDLINE_SIZE, 4, 0),     P(PAYLOAD_OFFSET, 4, 0),
		P(PAYLOAD_LENGTH, 4, 0),  P(PREF_ADDRESS, 8, 0),     P(INIT_SIZE, 4, 0),
		P(VERSION, 2, 0),         P(SETUP_DATA, 8, 0),
	};
	uint64_t state = 0x9e3779b97f4a7c15 + (uint64_t)_i;

	for (unsigned int n = 0; n < 2000; n++) {
		struct malformed m = { .id = "random" };
		struct image image;
		struct err error;

		for (size_t i = 0; i < 1 + n % PUTS_MAX; i++) {
			m.put[i] =
				fields[next_random(&state) % (sizeof(fields) / sizeof(fields[0]))];
			m.put[i].value = random_value(&state);
		}
		m.initrd_bytes = n & 1 ? next_random(&state) % (8 * MIB) : 0;
		malformed_image(&m, &image);
		(void)take_image(&image, &m, &error);
		image_free(&image);
	}
}
END_TEST

static Suite *malformed_suite(void)
{
	Suite *s = suite_create("malformed");
	TCase *tc = tcase_create("bzImage");

	tcase_add_loop_test(tc, catalogue_case, 0, sizeof(catalogue) / sizeof(catalogue[0]));
	tcase_add_loop_test(tc, other_kinds, 0, sizeof(kinds) / sizeof(kinds[0]));
	tcase_add_test(tc, every_length);
	tcase_add_test(tc, every_bit_of_the_magics);
	tcase_add_test(tc, every_header_end);
	tcase_add_test(tc, absurd_sizes);
	tcase_add_test(tc, largest_file);
	tcase_add_test(tc, cut_after_opening);
	tcase_add_test(tc, every_bit_of_the_header);
	tcase_add_loop_test(tc, random_headers, 0, 4);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *sr;
	int failed;

	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (counts == MAP_FAILED) {
		perror("mmap");
		return EXIT_FAILURE;
	}
	sr = srunner_create(malformed_suite());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	printf("malformed: %lu files, %lu refused, %lu accepted\n", counts->files, counts->refused,
	       counts->accepted);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
