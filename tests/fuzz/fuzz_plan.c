/* SPDX-License-Identifier: MIT */
/*
 * Any request for a plan: one that fits gets a plan in which nothing overlaps and all lies in RAM,
 * the others are refused in one line, with the right advice about -m (tests/common/planspec.c says
 * which is which), and the same request gets the same plan.
 *
 * Input: the numbers of request_of() below, in its order; most are edges (fuzz_edge()).
 *
 * libFuzzer: -max_len=128
 */
#include "tests/common/planspec.h"
#include "tests/common/refusal.h"
#include "tests/fuzz/fuzz.h"

enum { CMDLINE_MAX = 0x80000, ENTRY_64 = 0x200 };

#define SPEC_HOLE_START (3ULL << 30)

static char cmdline[CMDLINE_MAX + 1];

static uint64_t low_end(uint64_t ram)
{
	return ram < SPEC_HOLE_START ? ram : SPEC_HOLE_START;
}

/* What bzimage_parse() lets through: see boot/bzimage.h. */
static void bzimage_of(struct fuzz_input *in, uint64_t ram, struct bzimage *kernel)
{
	uint64_t end = low_end(ram), own[2];
	uint8_t flags = fuzz_u8(in);

	*kernel = (struct bzimage){
		.version = 0x020f,
		.setup_bytes = 0x800,
		.relocatable = flags & 1,
		.kernel_alignment = 0x1000U << (flags >> 1) % 19,
		.xloadflags = flags >> 6,
		.pref_address = fuzz_edge(in, &end, 1),
	};
	own[0] = end - kernel->pref_address;
	own[1] = SPEC_HOLE_START - kernel->pref_address;
	if (!kernel->relocatable && (flags & 2))
		kernel->kernel_alignment = (uint32_t)fuzz_bytes(in, 4); /* says nothing */
	kernel->init_size = (uint32_t)fuzz_edge(in, own, 2);
	if (kernel->init_size <= ENTRY_64)
		kernel->init_size = ENTRY_64 + 1;
	kernel->kernel_bytes =
		kernel->init_size - (uint32_t)fuzz_bytes(in, 4) % (kernel->init_size - ENTRY_64);
	kernel->initrd_addr_max = (uint32_t)fuzz_edge(in, &end, 1);
	kernel->cmdline_size = (uint32_t)fuzz_edge(in, NULL, 0);
	if (!kernel->cmdline_size)
		kernel->cmdline_size = 2047;
}

/* One segment above `from`, as boot/elfimage.h promises them; false if there cannot be one. */
static bool segment_of(struct fuzz_input *in, uint64_t ram, uint64_t from,
		       struct elfimage_segment *s)
{
	uint64_t own[2] = { low_end(ram), from };

	s->gpa = fuzz_edge(in, own, 2);
	own[0] = low_end(ram) - s->gpa;
	s->memory_bytes = fuzz_edge(in, own, 1);
	s->file_bytes = fuzz_edge(in, &s->memory_bytes, 1);
	s->file_offset = fuzz_bytes(in, 2);
	if (s->file_bytes > s->memory_bytes)
		s->file_bytes = s->memory_bytes / 2;
	return s->gpa >= from && s->memory_bytes > 0 && s->gpa <= ELFIMAGE_GPA_END &&
	       s->memory_bytes <= ELFIMAGE_GPA_END - s->gpa;
}

/* What elfimage_parse() lets through. False: the input tells no such image. */
static bool elf_of(struct fuzz_input *in, uint64_t ram, bool pvh, struct elfimage *elf)
{
	size_t count = fuzz_u8(in) % 4U + 1, entry = fuzz_u8(in) % count;
	const struct elfimage_segment *last;
	uint64_t from = 0;

	*elf = (struct elfimage){ .entry = pvh ? ELFIMAGE_ENTRY_PVH : ELFIMAGE_ENTRY_LINUX64 };
	for (size_t i = 0; i < count; i++) {
		if (!segment_of(in, ram, from, &elf->segment[i]))
			return false;
		from = elf->segment[i].gpa + elf->segment[i].memory_bytes;
	}
	elf->segments = count;
	last = &elf->segment[count - 1];
	elf->start_gpa = elf->segment[0].gpa;
	elf->end_gpa = last->gpa + last->memory_bytes;
	elf->entry_gpa = elf->segment[entry].gpa;
	return elf->segment[entry].file_bytes > 0 && (!pvh || elf->entry_gpa <= UINT32_MAX);
}

static uint64_t initrd_of(struct fuzz_input *in, const struct plan_request *request)
{
	const struct bzimage *bz = request->bzimage;
	uint64_t end = request->elf ? request->elf->end_gpa : bz->pref_address + bz->init_size;
	uint64_t first = (end + 0xfff) & ~0xfffULL, ram = request->ram_bytes;
	const uint64_t own[] = { low_end(ram) - first,
				 (bz ? bz->initrd_addr_max : 0x7fffffff) + 1ULL - first,
				 ram - low_end(ram), ram };

	return fuzz_edge(in, own, 4);
}

/* Lengths that matter: up to what the kernel takes and up to the room below 0x9fc00. */
static size_t cmdline_of(struct fuzz_input *in, const struct bzimage *bzimage)
{
	const uint64_t own[] = { bzimage ? bzimage->cmdline_size : 2047, 0x7fc00 };
	uint64_t length = fuzz_edge(in, own, 2);

	return length > CMDLINE_MAX ? 0 : (size_t)length;
}

static void check(const struct plan_request *request)
{
	static struct boot_plan plan, again;
	struct err e = { 0 };
	bool possible = planspec_possible(request);
	int rc = plan_boot(request, &plan, &e);
	const char *flaw;

	hold((rc == 0) == possible, "%s", e.text);
	flaw = rc == 0 ? planspec_flaw(request, &plan) : refusal_flaw(rc, &e);
	if (rc < 0 && !flaw)
		flaw = planspec_flaw_of_advice(request, &e);
	hold(!flaw, "%s: %s", flaw, e.text);
	if (rc < 0)
		return;
	memset(&again, 0xff, sizeof(again));
	hold(plan_boot(request, &again, &e) == 0, "refused the second time: %s", e.text);
	hold(planspec_same(&plan, &again), "another plan the second time");
}

enum { BZIMAGE, ELF, ELF_BY_PVH, UNPACKED };

/* False: there is no such kernel. */
static bool request_of(struct fuzz_input *in, struct plan_request *request)
{
	static struct bzimage bzimage;
	static struct elfimage elf;
	static struct board board;
	uint8_t kind;
	size_t length;

	request->ram_bytes = fuzz_edge(in, NULL, 0);
	kind = fuzz_u8(in) % 4;
	board.cpus = fuzz_u8(in);
	request->board = board.cpus ? &board : NULL;
	if (kind == BZIMAGE || kind == UNPACKED) {
		bzimage_of(in, request->ram_bytes, &bzimage);
		request->bzimage = &bzimage;
	}
	if (kind != BZIMAGE) {
		if (!elf_of(in, request->ram_bytes, kind == ELF_BY_PVH, &elf))
			return false;
		request->elf = &elf;
	}
	request->initrd_bytes = initrd_of(in, request);
	length = cmdline_of(in, request->bzimage);
	request->cmdline = cmdline + CMDLINE_MAX - length;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input in = { bytes, size_bytes };
	struct plan_request request = { .kernel_name = "kernel", .initrd_name = "initrd" };

	if (!cmdline[0])
		memset(cmdline, 'x', CMDLINE_MAX);
	if (request_of(&in, &request))
		check(&request);
	return 0;
}
