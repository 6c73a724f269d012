/* SPDX-License-Identifier: MIT */
/*
 * Any ELF file, its notes among it, of any length: it is accepted just when its headers are in
 * order, which the test reads for itself, and an entry point is one of the bytes that are loaded;
 * what is accepted keeps every promise of boot/elfimage.h and gets a plan or a refusal as any
 * kernel; what is refused is refused in one line.
 *
 * Input: 4 bytes of file length; RAM and initrd (fuzz_edge()); a byte that says how many more
 * program headers are made, like the first one, its memory behind that of the one before; the
 * file from its first byte on. The rest of the file, up to 1 GiB, is zeros that take no memory.
 *
 * libFuzzer: -max_len=700
 */
#include <sys/mman.h>

#include "boot/elfimage.h"
#include "tests/common/planspec.h"
#include "tests/common/refusal.h"
#include "tests/fuzz/fuzz.h"

/* [ELF] "ELF Header", "Program Header", for 64 bits: offsets. */
enum {
	SPEC_CLASS = 4,
	SPEC_DATA = 5,
	SPEC_IDENT_VERSION = 6,
	SPEC_TYPE = 0x10,
	SPEC_MACHINE = 0x12,
	SPEC_VERSION = 0x14,
	SPEC_ENTRY = 0x18,
	SPEC_PHOFF = 0x20,
	SPEC_PHENTSIZE = 0x36,
	SPEC_PHNUM = 0x38,
	SPEC_HEADER_BYTES = 0x40,

	SPEC_P_TYPE = 0,
	SPEC_P_OFFSET = 8,
	SPEC_P_PADDR = 0x18,
	SPEC_P_FILESZ = 0x20,
	SPEC_P_MEMSZ = 0x28,
	SPEC_PROGRAM_HEADER_BYTES = 0x38,
	SPEC_PT_LOAD = 1,

	FILE_MAX_BYTES = 1 << 30,
	NEAR_BYTES = 1 << 16, /* bytes of the file that may be other than zero */
};

typedef unsigned __int128 wide;

struct segment {
	uint64_t offset, file_bytes, gpa, memory_bytes;
};

/* The program headers as the test reads them. */
struct reading {
	bool good;
	uint64_t entry;
	struct segment load[ELFIMAGE_SEGMENTS_MAX];
	size_t loads;
};

static uint8_t *zeros(void)
{
	static uint8_t *file;

	if (!file)
		file = mmap(NULL, FILE_MAX_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	hold(file != MAP_FAILED, "no address space");
	return file;
}

static uint64_t number(const uint8_t *at, size_t offset, unsigned int width)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < width; i++)
		value |= (uint64_t)at[offset + i] << 8 * i;
	return value;
}

static bool good_header(const uint8_t *file, uint64_t size_bytes)
{
	uint64_t count = number(file, SPEC_PHNUM, 2), at = number(file, SPEC_PHOFF, 8);

	return size_bytes >= SPEC_HEADER_BYTES && memcmp(file, "\177ELF", 4) == 0 &&
	       file[SPEC_CLASS] == 2 && file[SPEC_DATA] == 1 && file[SPEC_IDENT_VERSION] == 1 &&
	       number(file, SPEC_TYPE, 2) == 2 && number(file, SPEC_MACHINE, 2) == 62 &&
	       number(file, SPEC_VERSION, 4) == 1 &&
	       number(file, SPEC_PHENTSIZE, 2) == SPEC_PROGRAM_HEADER_BYTES && count >= 1 &&
	       count <= ELFIMAGE_HEADERS_MAX && at >= SPEC_HEADER_BYTES &&
	       (wide)at + count * SPEC_PROGRAM_HEADER_BYTES <= size_bytes;
}

/* Adds a PT_LOAD in its place; false: it cannot be. */
static bool add_load(struct reading *r, const struct segment *s, uint64_t size_bytes)
{
	size_t at = r->loads;

	if (s->file_bytes > s->memory_bytes ||
	    (s->file_bytes && (wide)s->offset + s->file_bytes > size_bytes) ||
	    (wide)s->gpa + s->memory_bytes > ELFIMAGE_GPA_END)
		return false;
	if (s->memory_bytes == 0)
		return true; /* nothing to load */
	if (r->loads == ELFIMAGE_SEGMENTS_MAX)
		return false;
	for (; at > 0 && r->load[at - 1].gpa > s->gpa; at--)
		r->load[at] = r->load[at - 1];
	r->load[at] = *s;
	r->loads++;
	return true;
}

static bool read_loads(struct reading *r, const uint8_t *file, uint64_t size_bytes)
{
	const uint8_t *header = file + number(file, SPEC_PHOFF, 8);

	for (uint64_t i = 0; i < number(file, SPEC_PHNUM, 2); i++) {
		struct segment s = {
			.offset = number(header, SPEC_P_OFFSET, 8),
			.file_bytes = number(header, SPEC_P_FILESZ, 8),
			.gpa = number(header, SPEC_P_PADDR, 8),
			.memory_bytes = number(header, SPEC_P_MEMSZ, 8),
		};

		if (number(header, SPEC_P_TYPE, 4) == SPEC_PT_LOAD && !add_load(r, &s, size_bytes))
			return false;
		header += SPEC_PROGRAM_HEADER_BYTES;
	}
	for (size_t i = 1; i < r->loads; i++) {
		if ((wide)r->load[i - 1].gpa + r->load[i - 1].memory_bytes > r->load[i].gpa)
			return false;
	}
	return r->loads > 0;
}

static void read_file(struct reading *r, const uint8_t *file, uint64_t size_bytes)
{
	r->loads = 0;
	r->good = good_header(file, size_bytes) && read_loads(r, file, size_bytes);
	r->entry = number(file, SPEC_ENTRY, 8);
}

static bool is_loaded(const struct reading *r, uint64_t gpa)
{
	for (size_t i = 0; i < r->loads; i++) {
		if (gpa >= r->load[i].gpa && gpa - r->load[i].gpa < r->load[i].file_bytes)
			return true;
	}
	return false;
}

static void check_image(const struct reading *r, const struct elfimage *image, uint64_t size_bytes)
{
	const struct segment *last = &r->load[r->loads - 1];

	hold(r->good, "accepted");
	hold(image->file_bytes == size_bytes, "file_bytes");
	hold(image->segments == r->loads, "%zu segments", image->segments);
	for (size_t i = 0; i < r->loads; i++) {
		const struct elfimage_segment *s = &image->segment[i];

		hold(s->gpa == r->load[i].gpa && s->memory_bytes == r->load[i].memory_bytes &&
			     s->file_bytes == r->load[i].file_bytes &&
			     (!s->file_bytes || s->file_offset == r->load[i].offset),
		     "segment %zu", i);
	}
	hold(image->start_gpa == r->load[0].gpa && image->end_gpa == last->gpa + last->memory_bytes,
	     "start and end");
	hold(is_loaded(r, image->entry_gpa), "entry %llx", (unsigned long long)image->entry_gpa);
	if (image->entry == ELFIMAGE_ENTRY_LINUX64 || is_loaded(r, r->entry))
		hold(image->entry_gpa == r->entry, "entry %llx",
		     (unsigned long long)image->entry_gpa);
	if (image->entry == ELFIMAGE_ENTRY_PVH)
		hold(image->entry_gpa <= UINT32_MAX, "PVH entry");
}

static void check_plan(const struct elfimage *image, uint64_t ram_bytes, uint64_t initrd_bytes)
{
	const struct plan_request request = {
		.elf = image,
		.ram_bytes = ram_bytes,
		.initrd_bytes = initrd_bytes,
		.kernel_name = "kernel",
		.initrd_name = "initrd",
		.cmdline = "console=ttyS0 reboot=k panic=-1",
	};
	struct boot_plan plan;
	struct err e = { 0 };
	int rc = plan_boot(&request, &plan, &e);
	const char *flaw = rc == 0 ? planspec_flaw(&request, &plan) : refusal_flaw(rc, &e);

	if (rc < 0 && !flaw)
		flaw = planspec_flaw_of_advice(&request, &e);
	hold((rc == 0) == planspec_possible(&request), "%s", e.text);
	hold(!flaw, "%s: %s", flaw, e.text);
}

static void check_file(const uint8_t *file, uint64_t size_bytes, uint64_t ram_bytes,
		       uint64_t initrd_bytes)
{
	static struct elfimage image, again;
	static struct reading reading;
	struct input_file input;
	struct err e = { 0 };
	int rc;

	file_of_memory(&input, "kernel", "kernel", file, size_bytes);
	read_file(&reading, file, size_bytes);
	rc = elfimage_parse(&input, &image, &e);
	hold(elfimage_is_elf(&input) == (size_bytes >= 4 && memcmp(file, "\177ELF", 4) == 0),
	     "is it one?");
	if (rc < 0) {
		hold(!refusal_flaw(rc, &e), "%s: %s", refusal_flaw(rc, &e), e.text);
		hold(!reading.good || !is_loaded(&reading, reading.entry), "%s", e.text);
		return;
	}
	hold(rc == 0, "%d", rc);
	check_image(&reading, &image, size_bytes);
	memset(&again, 0xff, sizeof(again));
	hold(elfimage_parse(&input, &again, &e) == 0, "refused the second time: %s", e.text);
	hold(memcmp(&image, &again, sizeof(image)) == 0, "other facts the second time");
	check_plan(&image, ram_bytes, initrd_bytes);
}

static void put(uint8_t *at, uint64_t value, unsigned int width)
{
	for (unsigned int i = 0; i < width; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

/* As many program headers as no short input could have. */
static void add_headers(uint8_t *file, unsigned int count)
{
	uint64_t table = number(file, SPEC_PHOFF, 8), has = number(file, SPEC_PHNUM, 2);
	const uint8_t *first;
	uint8_t *to;

	if (count == 0 || table > NEAR_BYTES / 2 ||
	    (has + count) * SPEC_PROGRAM_HEADER_BYTES > NEAR_BYTES / 2)
		return;
	first = file + table;
	to = file + table + has * SPEC_PROGRAM_HEADER_BYTES;
	for (unsigned int i = 1; i <= count; i++, to += SPEC_PROGRAM_HEADER_BYTES) {
		memcpy(to, first, SPEC_PROGRAM_HEADER_BYTES);
		put(to + SPEC_P_PADDR,
		    number(first, SPEC_P_PADDR, 8) + i * number(first, SPEC_P_MEMSZ, 8), 8);
	}
	put(file + SPEC_PHNUM, has + count, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input in = { bytes, size_bytes };
	uint64_t file_bytes = fuzz_bytes(&in, 4) % FILE_MAX_BYTES;
	uint64_t ram_bytes = fuzz_edge(&in, NULL, 0), initrd_bytes = fuzz_edge(&in, &ram_bytes, 1);
	unsigned int more = fuzz_u8(&in);
	uint8_t *file = zeros();

	if (in.left)
		memcpy(file, in.at, in.left);
	add_headers(file, more);
	check_file(file, file_bytes, ram_bytes, initrd_bytes);
	memset(file, 0, more ? NEAR_BYTES : in.left);
	return 0;
}
