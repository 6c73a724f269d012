/* SPDX-License-Identifier: MIT */
/*
 * From the file that -kernel names to what is placed: ELF files, payloads unpacked on the host, the
 * cache and its damages, and what is left to the guest.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "boot/place.h"
#include "tests/common/folder.h"
#include "tests/common/bootspec.h"
#include "tests/common/image.h"
#include "tests/common/payload.h"
#include "vmm/kernel.h"

#define MIB 0x100000ULL

/* [ELF] "ELF Header", "Program Header": offsets and values. */
enum {
	SPEC_PHOFF = 64,
	SPEC_PHENTSIZE = 56,
	SPEC_ET_EXEC = 2,
	SPEC_EM_X86_64 = 62,
	SPEC_PT_LOAD = 1,
	ELF_TEXT = 0x1000, /* of our file: where its one segment begins */
	ELF_TEXT_BYTES = 0x5000,
	ELF_BYTES = ELF_TEXT + ELF_TEXT_BYTES,
};

static char folder[] = "/tmp/tvmm-test-kernel-XXXXXX";
static char path[128], cache[128];
static uint8_t elf[ELF_BYTES];
static struct image image;
static struct kernelcache unpacked;
static struct kernel kernel;
static struct err error;
static bool no_notes, another_start, no_memory;
static size_t descriptors; /* that were open before */

/* Of all that is under test, only what tells one start of the host from another is read so. */
ssize_t read(int fd, void *to, size_t size_bytes)
{
	ssize_t n = syscall(SYS_read, fd, to, size_bytes);

	if (another_start && n == 36)
		*(char *)to ^= 1;
	return n;
}

/* And only what is unpacked is mapped so. */
void *mmap(void *at, size_t size_bytes, int protection, int flags, int fd, off_t offset)
{
	if (no_memory && (flags & MAP_NORESERVE)) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return (void *)syscall(SYS_mmap, at, size_bytes, protection, flags, fd, offset);
}

static void put(size_t offset, size_t width, uint64_t value)
{
	for (size_t i = 0; i < width; i++, value >>= 8)
		elf[offset + i] = (uint8_t)value;
}

/* One segment of 20 KiB, 28 in memory, at 2 MiB, entered at its begin. */
static void make_elf(void)
{
	memset(elf, 0, sizeof(elf));
	memcpy(elf,
	       "\x7f"
	       "ELF\2\1\1",
	       7);
	put(16, 2, SPEC_ET_EXEC);
	put(18, 2, SPEC_EM_X86_64);
	put(20, 4, 1);
	put(24, 8, 2 * MIB);
	put(32, 8, SPEC_PHOFF);
	put(52, 2, 64);
	put(54, 2, SPEC_PHENTSIZE);
	put(56, 2, 1);
	put(SPEC_PHOFF, 4, SPEC_PT_LOAD);
	put(SPEC_PHOFF + 4, 4, 5);
	put(SPEC_PHOFF + 8, 8, ELF_TEXT);
	put(SPEC_PHOFF + 16, 8, 0xffffffff80200000);
	put(SPEC_PHOFF + 24, 8, 2 * MIB);
	put(SPEC_PHOFF + 32, 8, ELF_TEXT_BYTES);
	put(SPEC_PHOFF + 40, 8, ELF_TEXT_BYTES + 0x2000);
	for (size_t i = ELF_TEXT; i < ELF_BYTES; i++)
		elf[i] = (uint8_t)(1 + i % 250);
}

static void write_file(const void *bytes, size_t size_bytes)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, size_bytes, f), size_bytes);
	ck_assert_int_eq(fclose(f), 0);
}

/* A bzImage with contents in its payload, in the file that path names. */
static void write_bzimage(enum unpack_format format, const void *contents, size_t size_bytes)
{
	struct payload payload;

	payload_pack(&payload, format, contents, size_bytes);
	image_resize(&image, IMAGE_SETUP_BYTES + 0x10000);
	memset(image.bytes + IMAGE_SETUP_BYTES + IMAGE_PAYLOAD_OFFSET, 0, 0x10000 - 0x800);
	ck_assert_uint_le(payload.size_bytes, 0x10000 - IMAGE_PAYLOAD_OFFSET);
	memcpy(image.bytes + IMAGE_SETUP_BYTES + IMAGE_PAYLOAD_OFFSET, payload.bytes,
	       payload.size_bytes);
	image_put(&image, SPEC_SYSSIZE, 4, 0x10000 / SPEC_PARAGRAPH);
	image_put(&image, SPEC_PAYLOAD_LENGTH, 4, payload.size_bytes);
	payload_free(&payload);
	write_file(image.bytes, image.size_bytes);
}

static void setup(void)
{
	(void)strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/kernel", folder);
	(void)snprintf(cache, sizeof(cache), "%s/tvmm/*.unpacked", folder);
	ck_assert_int_eq(setenv("XDG_CACHE_HOME", folder, 1), 0);
	make_elf();
	image_init(&image);
	kernel_init(&kernel);
	kernelcache_init(&unpacked);
	no_notes = another_start = no_memory = false;
	descriptors = folder_count("/proc/self/fd");
}

static void teardown(void)
{
	char command[256];

	kernel_finish(&kernel);
	kernelcache_close(&unpacked);
	ck_assert_uint_eq(folder_count("/proc/self/fd"), descriptors);
	image_free(&image);
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static uint64_t ram_bytes = 128 << 20;

static int open_as(enum kernel_unpack unpack, bool no_cache)
{
	kernel_finish(&kernel);
	kernel_init(&kernel);
	memset(&error, 0, sizeof(error));
	kernelcache_close(&unpacked);
	kernelcache_init(&unpacked);
	if (no_cache)
		kernelcache_none(&unpacked, "the test wants none");
	return kernel_open(&kernel,
			   &(struct kernel_request){ .path = path,
						     .unpack = unpack,
						     .cache = &unpacked,
						     .no_notes = no_notes,
						     .ram_bytes = ram_bytes },
			   &error);
}

static void opened_as(enum kernel_unpack unpack, bool no_cache, enum kernel_origin origin)
{
	ck_assert_msg(open_as(unpack, no_cache) == 0, "%s", error.text);
	ck_assert_int_eq(kernel.origin, origin);
	kernel_keep(&kernel);
}

static void check_elf_facts(void)
{
	ck_assert_ptr_nonnull(kernel.elf);
	ck_assert_uint_eq(kernel.elf->entry_gpa, 2 * MIB);
	ck_assert_uint_eq(kernel.elf->segments, 1);
	ck_assert_uint_eq(kernel.elf->segment[0].file_bytes, ELF_TEXT_BYTES);
}

static void refused(enum kernel_unpack unpack, const char *what)
{
	ck_assert_msg(open_as(unpack, true) < 0, "accepted; should tell \"%s\"", what);
	ck_assert_msg(strstr(error.text, what) != NULL, "no \"%s\" in: %s", what, error.text);
	ck_assert_ptr_nonnull(strstr(error.text, path));
}

/* How many entries there are; the first one's path, if there is one. */
static size_t entries(char *first, size_t size)
{
	glob_t found;
	size_t n;

	if (glob(cache, 0, NULL, &found) != 0)
		return 0;
	n = found.gl_pathc;
	(void)snprintf(first, size, "%s", found.gl_pathv[0]);
	globfree(&found);
	return n;
}

static void damage_entry(off_t at)
{
	char name[256];
	uint8_t byte;
	int fd;

	ck_assert_uint_eq(entries(name, sizeof(name)), 1);
	(void)usleep(20000); /* so that it has another ctime than when it was stored */
	fd = open(name, O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	(void)close(fd);
}

/* Places the kernel in memory of 16 MiB, and checks that it is the one it should be. */
static void placed_well(void)
{
	struct plan_request request = { .bzimage = kernel.bzimage,
					.elf = kernel.elf,
					.ram_bytes = 16 * MIB,
					.kernel_name = path,
					.cmdline = "" };
	struct guest_memory memory = { .region = { { 0, 16 * MIB, calloc(16, MIB) } } };
	struct boot_plan plan;

	ck_assert_ptr_nonnull(memory.region[0].host);
	ck_assert_msg(plan_boot(&request, &plan, &error) == 0, "%s", error.text);
	ck_assert_msg(place_boot(&request, &plan, kernel_image(&kernel), NULL, &memory, &error) ==
			      0,
		      "%s", error.text);
	ck_assert_msg(kernel_check_placed(&kernel, &plan, &memory, &error) == 0, "%s", error.text);
	ck_assert_mem_eq(memory.region[0].host + 2 * MIB, elf + ELF_TEXT, ELF_TEXT_BYTES);
	ck_assert_uint_eq(memory.region[0].host[2 * MIB + ELF_TEXT_BYTES], 0);
	free(memory.region[0].host);
}

START_TEST(elf_file)
{
	write_file(elf, sizeof(elf));
	for (int unpack = KERNEL_UNPACK_AUTO; unpack <= KERNEL_UNPACK_GUEST; unpack++) {
		opened_as((enum kernel_unpack)unpack, false, KERNEL_AS_IT_IS);
		ck_assert_ptr_null(kernel.bzimage);
		check_elf_facts();
	}
	placed_well();
}
END_TEST

START_TEST(each_format)
{
	write_bzimage((enum unpack_format)_i, elf, sizeof(elf));
	opened_as(KERNEL_UNPACK_AUTO, true, KERNEL_UNPACKED);
	ck_assert_ptr_nonnull(kernel.bzimage);
	check_elf_facts();
	placed_well();
	opened_as(KERNEL_UNPACK_HOST, true, KERNEL_UNPACKED);
	opened_as(KERNEL_UNPACK_GUEST, true, KERNEL_AS_IT_IS);
	ck_assert_ptr_null(kernel.elf);
}
END_TEST

START_TEST(kept_and_found)
{
	char name[256];

	write_bzimage(UNPACK_GZIP, elf, sizeof(elf));
	opened_as(KERNEL_UNPACK_AUTO, true, KERNEL_UNPACKED);
	ck_assert_uint_eq(entries(name, sizeof(name)), 0);
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	kernel_keep(&kernel); /* as if another run had done it before */
	ck_assert_int_eq(kernel.cached.not_kept, 0);
	ck_assert_uint_eq(entries(name, sizeof(name)), 1);
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	check_elf_facts();
	placed_well();
	opened_as(KERNEL_UNPACK_AUTO, true, KERNEL_UNPACKED);
	ck_assert_uint_eq(entries(name, sizeof(name)), 1);
}
END_TEST

START_TEST(another_kernel_is_another_entry)
{
	char name[256];

	write_bzimage(UNPACK_GZIP, elf, sizeof(elf));
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	elf[ELF_TEXT + 100] ^= 1;
	write_bzimage(UNPACK_GZIP, elf, sizeof(elf));
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	ck_assert_uint_eq(entries(name, sizeof(name)), 2);
	placed_well();
}
END_TEST

/* Damage in what is loaded is found when it lies in guest memory; the run goes on well. */
START_TEST(damaged_contents)
{
	write_bzimage(UNPACK_XZ, elf, sizeof(elf));
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	damage_entry(ELF_TEXT + 0x4321);
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	placed_well();
	ck_assert_int_eq(kernel.origin, KERNEL_UNPACKED);
	kernel_keep(&kernel);
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE); /* a new one */
	placed_well();
	ck_assert_int_eq(kernel.origin, KERNEL_FROM_CACHE);
}
END_TEST

/* Long enough for a note on the file that was just written. */
static void wait_till_old(void)
{
	(void)usleep(150000);
}

START_TEST(noted_and_checked)
{
	write_bzimage(UNPACK_GZIP, elf, sizeof(elf));
	wait_till_old();
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	for (int i = 0; i < 2; i++) {
		opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
		ck_assert(kernel.cached.is_noted && kernel.cached.is_checked);
		placed_well();
	}
	no_notes = true;
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	ck_assert(!kernel.cached.is_noted && !kernel.cached.is_checked);
	placed_well();
}
END_TEST

/* The same size and mtime, in the same file: it is another kernel, and that one runs. */
START_TEST(overwritten_with_its_times)
{
	struct timespec times[2];
	struct stat st;

	write_bzimage(UNPACK_LZ4, elf, sizeof(elf));
	wait_till_old();
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	ck_assert_int_eq(stat(path, &st), 0);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	put(SPEC_PHOFF + 40, 8,
	    ELF_TEXT_BYTES + 0x3000); /* p_memsz; lz4 packs it to the same length */
	write_bzimage(UNPACK_LZ4, elf, sizeof(elf));
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	wait_till_old();
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	ck_assert(!kernel.cached.is_noted);
	ck_assert_uint_eq(kernel.elf->segment[0].memory_bytes, ELF_TEXT_BYTES + 0x3000);
	placed_well();
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	ck_assert(kernel.cached.is_noted);
	placed_well();
}
END_TEST

/* A note is believed of an entry that a crash left full of zeros, until the host has started anew. */
START_TEST(torn_by_a_crash)
{
	static const uint8_t zeros[0x1000];
	char name[256];
	int fd;

	write_bzimage(UNPACK_GZIP, elf, sizeof(elf));
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	ck_assert_uint_eq(entries(name, sizeof(name)), 1);
	fd = open(name, O_RDWR);
	ck_assert_int_eq(pwrite(fd, zeros, sizeof(zeros), ELF_TEXT + 0x2000), sizeof(zeros));
	cachenote_keep_checked(&unpacked, &kernel.cached.key, NULL,
			       fd); /* as if it had been written so */
	(void)close(fd);
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	ck_assert(kernel.cached.is_checked);
	another_start = true;
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	ck_assert(!kernel.cached.is_checked);
	placed_well();
	ck_assert_int_eq(kernel.origin, KERNEL_UNPACKED);
	kernel_keep(&kernel);
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	ck_assert(kernel.cached.is_checked);
	placed_well();
	ck_assert_int_eq(kernel.origin, KERNEL_FROM_CACHE);
}
END_TEST

/* An entry whose time is renewed, as find does once an hour, is checked once more. */
START_TEST(checked_when_its_time_was_renewed)
{
	struct timespec times[2] = { { 0, UTIME_OMIT }, { time(NULL) - 3610, 0 } };
	char name[256];

	write_bzimage(UNPACK_GZIP, elf, sizeof(elf));
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	ck_assert_uint_eq(entries(name, sizeof(name)), 1);
	(void)usleep(20000);
	ck_assert_int_eq(utimensat(AT_FDCWD, name, times, 0), 0);
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	ck_assert(!kernel.cached.is_checked);
	wait_till_old();
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	ck_assert(!kernel.cached.is_checked);
	placed_well();
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	ck_assert(kernel.cached.is_checked);
}
END_TEST

/* Damage that comes between plan and placing is noticed, checked before or not. */
START_TEST(damaged_meanwhile)
{
	write_bzimage(UNPACK_GZIP, elf, sizeof(elf));
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	ck_assert(kernel.cached.is_checked);
	damage_entry(ELF_TEXT + 0x4321);
	placed_well();
	ck_assert_int_eq(kernel.origin, KERNEL_UNPACKED);
}
END_TEST

/* An entry that ends early, or that a disk gives no more, is left, for the same plan. */
START_TEST(unreadable_contents)
{
	write_bzimage(UNPACK_LZO, elf, sizeof(elf));
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	ck_assert_int_eq(kernel_leave_cache(&kernel, &error), -ENOENT);
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	ck_assert_int_eq(kernel_leave_cache(&kernel, &error), 0);
	ck_assert_int_eq(kernel.origin, KERNEL_UNPACKED);
	placed_well();
	kernel_keep(&kernel);
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	placed_well();
}
END_TEST

static void shorten_entry(off_t bytes)
{
	char name[256];

	ck_assert_uint_eq(entries(name, sizeof(name)), 1);
	(void)usleep(20000);
	ck_assert_int_eq(truncate(name, bytes), 0);
}

/* An entry that is shorter by the time that it is placed is not placed as far as it goes. */
START_TEST(shortened_meanwhile)
{
	struct plan_request request = { .ram_bytes = 16 * MIB, .kernel_name = path, .cmdline = "" };
	struct guest_memory memory = { .region = { { 0, 16 * MIB, calloc(16, MIB) } } };
	struct boot_plan plan;

	write_bzimage(UNPACK_GZIP, elf, sizeof(elf));
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	ck_assert(kernel.cached.is_checked);
	request.bzimage = kernel.bzimage;
	request.elf = kernel.elf;
	ck_assert_int_eq(plan_boot(&request, &plan, &error), 0);
	shorten_entry(ELF_TEXT + ELF_TEXT_BYTES - 1);
	ck_assert_int_lt(place_boot(&request, &plan, kernel_image(&kernel), NULL, &memory, &error),
			 0);
	ck_assert_int_eq(kernel_leave_cache(&kernel, &error), 0);
	placed_well();
	kernel_keep(&kernel);
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	placed_well();
	ck_assert_int_eq(kernel.origin, KERNEL_FROM_CACHE);
	free(memory.region[0].host);
}
END_TEST

/* An entry that is shorter, with its trailer or without, is none; what is kept takes its place. */
START_TEST(shorter_entry)
{
	static const off_t lengths[] = { ELF_BYTES + KERNELCACHE_TRAILER_BYTES - 1,
					 ELF_BYTES,
					 ELF_TEXT,
					 KERNELCACHE_TRAILER_BYTES,
					 1,
					 0 };
	uint8_t trailer[KERNELCACHE_TRAILER_BYTES];
	char name[256];
	int fd;

	write_bzimage(UNPACK_GZIP, elf, sizeof(elf));
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	for (size_t i = 0; i < 2 * sizeof(lengths) / sizeof(lengths[0]); i++) {
		ck_assert_uint_eq(entries(name, sizeof(name)), 1);
		fd = open(name, O_RDWR);
		ck_assert_int_eq(pread(fd, trailer, sizeof(trailer), ELF_BYTES), sizeof(trailer));
		shorten_entry(lengths[i / 2]);
		if (i % 2)
			ck_assert_int_eq(pwrite(fd, trailer, sizeof(trailer), lengths[i / 2]),
					 sizeof(trailer));
		(void)close(fd);
		opened_as(KERNEL_UNPACK_AUTO, false,
			  i % 2 && lengths[i / 2] == ELF_BYTES ? KERNEL_FROM_CACHE
							       : KERNEL_UNPACKED);
		placed_well();
		opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
		placed_well();
		ck_assert_int_eq(kernel.origin, KERNEL_FROM_CACHE);
	}
}
END_TEST

/* The same, when it has become shorter since another run kept it, and this one keeps its own. */
START_TEST(kept_over_a_shorter_entry)
{
	write_bzimage(UNPACK_GZIP, elf, sizeof(elf));
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	shorten_entry(ELF_TEXT);
	kernel_keep(&kernel);
	ck_assert_int_eq(kernel.cached.not_kept, 0);
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	ck_assert(kernel.cached.is_checked);
	placed_well();
	ck_assert_int_eq(kernel.origin, KERNEL_FROM_CACHE);
}
END_TEST

static void explained(const char *what)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	kernel_explain(&kernel, out);
	(void)fclose(out);
	ck_assert_msg(*what ? strstr(text, what) != NULL : !*text, "'%s' in '%s'", what, text);
	free(text);
}

/* Nothing to unpack in: then the guest has it, unless it is the host that was asked for. */
START_TEST(no_memory_to_unpack)
{
	write_bzimage(UNPACK_GZIP, elf, sizeof(elf));
	no_memory = true;
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_AS_IT_IS);
	ck_assert(kernel.no_memory);
	ck_assert_ptr_null(kernel.elf);
	ck_assert_ptr_nonnull(kernel.bzimage);
	explained("left to the guest: no memory");
	refused(KERNEL_UNPACK_HOST, "no memory");
	no_memory = false;
	opened_as(KERNEL_UNPACK_GUEST, false, KERNEL_AS_IT_IS);
	explained("");
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	ck_assert(!kernel.no_memory);
	no_memory = true; /* nothing to be unpacked */
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	ck_assert(!kernel.no_memory);
	no_memory = false;
}
END_TEST

/* Damage in the ELF headers is found before a plan is made of them. */
START_TEST(damaged_facts)
{
	static const off_t where[] = { 1, 24, SPEC_PHOFF + 8, SPEC_PHOFF + 24, SPEC_PHOFF + 41 };

	write_bzimage(UNPACK_ZSTD, elf, sizeof(elf));
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		damage_entry(where[i]);
		opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
		placed_well();
	}
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
}
END_TEST

/*
 * The kernel was rebuilt between plan and placing, and the entry is damaged: no mixture is run. lz4
 * packs both to the same length, so that nothing else tells.
 */
START_TEST(rebuilt_meanwhile)
{
	struct plan_request request = { .ram_bytes = 16 * MIB, .kernel_name = path, .cmdline = "" };
	struct guest_memory memory = { .region = { { 0, 16 * MIB, calloc(16, MIB) } } };
	struct boot_plan plan;

	write_bzimage(UNPACK_LZ4, elf, sizeof(elf));
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_UNPACKED);
	damage_entry(ELF_TEXT);
	opened_as(KERNEL_UNPACK_AUTO, false, KERNEL_FROM_CACHE);
	request.bzimage = kernel.bzimage;
	request.elf = kernel.elf;
	ck_assert_int_eq(plan_boot(&request, &plan, &error), 0);
	ck_assert_int_eq(place_boot(&request, &plan, kernel_image(&kernel), NULL, &memory, &error),
			 0);
	put(SPEC_PHOFF + 40, 8, ELF_TEXT_BYTES + 0x3000); /* another p_memsz */
	write_bzimage(UNPACK_LZ4, elf, sizeof(elf));
	ck_assert_int_lt(kernel_check_placed(&kernel, &plan, &memory, &error), 0);
	ck_assert_ptr_nonnull(strstr(error.text, "changed while it was read"));
	free(memory.region[0].host);
}
END_TEST

/* What is not for the host to enter is the guest's, unless the host was asked for. */
START_TEST(left_to_the_guest)
{
	static const char text[] = "this is not an ELF file, but it is packed well";

	write_bzimage(UNPACK_GZIP, text, sizeof(text));
	opened_as(KERNEL_UNPACK_AUTO, true, KERNEL_AS_IT_IS);
	ck_assert_ptr_null(kernel.elf);
	ck_assert_ptr_nonnull(kernel.bzimage);
	refused(KERNEL_UNPACK_HOST, "ELF");

	image_put(&image, IMAGE_SETUP_BYTES + IMAGE_PAYLOAD_OFFSET, 4, 0x12345678);
	write_file(image.bytes, image.size_bytes);
	opened_as(KERNEL_UNPACK_AUTO, true, KERNEL_AS_IT_IS);
	refused(KERNEL_UNPACK_HOST, "no format that Linux packs");

	image_put(&image, SPEC_PAYLOAD_OFFSET, 4, 0);
	write_file(image.bytes, image.size_bytes);
	opened_as(KERNEL_UNPACK_AUTO, true, KERNEL_AS_IT_IS);
	refused(KERNEL_UNPACK_HOST, "no payload");
}
END_TEST

/* A damaged payload does not become the guest's by itself. */
/* [BOOT] init_size: the kernel needs it all, so that there is nothing to unpack where there is less. */
START_TEST(no_room_in_ram)
{
	enum kernel_unpack modes[] = { KERNEL_UNPACK_AUTO, KERNEL_UNPACK_HOST };

	write_bzimage(UNPACK_GZIP, elf, sizeof(elf));
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		ram_bytes = IMAGE_PREF_ADDRESS + IMAGE_INIT_SIZE - 4096;
		opened_as(modes[i], true, KERNEL_AS_IT_IS);
		ck_assert_ptr_null(kernel.elf);
		ck_assert_ptr_nonnull(kernel.bzimage);
		ram_bytes = IMAGE_PREF_ADDRESS + IMAGE_INIT_SIZE;
		opened_as(modes[i], true, KERNEL_UNPACKED);
	}
}
END_TEST

START_TEST(damaged_payload)
{
	write_bzimage(UNPACK_GZIP, elf, sizeof(elf));
	image.bytes[IMAGE_SETUP_BYTES + IMAGE_PAYLOAD_OFFSET + 40] ^= 0xff;
	write_file(image.bytes, image.size_bytes);
	refused(KERNEL_UNPACK_AUTO, "payload");
	refused(KERNEL_UNPACK_HOST, "payload");
	opened_as(KERNEL_UNPACK_GUEST, true, KERNEL_AS_IT_IS);
}
END_TEST

START_TEST(damaged_elf_inside)
{
	put(SPEC_PHOFF + 32, 8, ELF_TEXT_BYTES + 1); /* p_filesz beyond the file */
	write_bzimage(UNPACK_LZ4, elf, sizeof(elf));
	refused(KERNEL_UNPACK_AUTO, "p_filesz");
	opened_as(KERNEL_UNPACK_GUEST, true, KERNEL_AS_IT_IS);
}
END_TEST

static Suite *kernel_suite(void)
{
	Suite *s = suite_create("kernel");
	TCase *tc = tcase_create("kernel");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, elf_file);
	tcase_add_loop_test(tc, each_format, UNPACK_GZIP, UNPACK_FORMATS);
	tcase_add_test(tc, kept_and_found);
	tcase_add_test(tc, another_kernel_is_another_entry);
	tcase_add_test(tc, damaged_contents);
	tcase_add_test(tc, noted_and_checked);
	tcase_add_test(tc, overwritten_with_its_times);
	tcase_add_test(tc, torn_by_a_crash);
	tcase_add_test(tc, checked_when_its_time_was_renewed);
	tcase_add_test(tc, damaged_meanwhile);
	tcase_add_test(tc, unreadable_contents);
	tcase_add_test(tc, shortened_meanwhile);
	tcase_add_test(tc, shorter_entry);
	tcase_add_test(tc, kept_over_a_shorter_entry);
	tcase_add_test(tc, no_memory_to_unpack);
	tcase_add_test(tc, damaged_facts);
	tcase_add_test(tc, rebuilt_meanwhile);
	tcase_add_test(tc, left_to_the_guest);
	tcase_add_test(tc, no_room_in_ram);
	tcase_add_test(tc, damaged_payload);
	tcase_add_test(tc, damaged_elf_inside);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *sr = srunner_create(kernel_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
