/* SPDX-License-Identifier: MIT */
/*
 * Any bzImage header in a file of any length, and the plan that follows: it is accepted just when
 * its fields are in order, which the test reads for itself; what is accepted keeps every promise of
 * boot/bzimage.h, what is refused is refused in one line, and so on for the plan. The same file is
 * also looked at as an initrd.
 *
 * Input: 4 bytes of file length; RAM and initrd (fuzz_edge()); 4 bytes to lie where the payload
 * begins; 0x90 bytes of header, from 0x1f1 on; what is left lies at the front of the file. The
 * rest of the file, up to 1 GiB, is zeros that take no memory.
 *
 * libFuzzer: -max_len=512
 */
#include <sys/mman.h>

#include "boot/initrd.h"
#include "tests/common/bootspec.h"
#include "tests/common/planspec.h"
#include "tests/common/refusal.h"
#include "tests/fuzz/fuzz.h"

enum {
	FILE_MAX_BYTES = 1 << 30, /* what tvmm accepts as a kernel */
	HEADER_BYTES = 0x281 - SPEC_SETUP_SECTS,
	SPEC_END_2_12 = 0x264,
	SPEC_VERSION_MIN = 0x020c,
	SPEC_VERSION_BURNT = 0x020e,
	NEAR_BYTES = 1 << 20, /* bytes of the file that may be other than zero */
	PAYLOAD_HEAD = 4,
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

/* Numbers of the file as the tests read them. */
static uint64_t number(const uint8_t *file, size_t offset, unsigned int width)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < width; i++)
		value |= (uint64_t)file[offset + i] << 8 * i;
	return value;
}

/* [BOOT] "Details of Header Fields": where the parts lie. */
static uint64_t setup_bytes(const uint8_t *file)
{
	return ((file[SPEC_SETUP_SECTS] ? file[SPEC_SETUP_SECTS] : 4) + 1ULL) * SPEC_SECTOR;
}

/* Up to 15 bytes of padding may be missing; what lies behind the kernel is not its own. */
static uint64_t kernel_bytes(const uint8_t *file, uint64_t size_bytes)
{
	uint64_t tells = number(file, SPEC_SYSSIZE, 4) * SPEC_PARAGRAPH, has;

	if (size_bytes <= setup_bytes(file))
		return 0;
	has = size_bytes - setup_bytes(file);
	if (tells >= has + SPEC_PARAGRAPH)
		return 0;
	return tells < has ? tells : has;
}

static bool good_alignment(const uint8_t *file)
{
	uint64_t alignment = number(file, SPEC_KERNEL_ALIGNMENT, 4);

	return !file[SPEC_RELOCATABLE_KERNEL] || (alignment >= 0x1000 && alignment <= 0x40000000 &&
						  __builtin_popcountll(alignment) == 1);
}

static bool good_payload(const uint8_t *file, uint64_t kernel)
{
	uint64_t offset = number(file, SPEC_PAYLOAD_OFFSET, 4);

	return offset == 0 || offset + number(file, SPEC_PAYLOAD_LENGTH, 4) <= kernel;
}

static bool good(const uint8_t *file, uint64_t size_bytes)
{
	uint64_t kernel = kernel_bytes(file, size_bytes);

	return size_bytes >= SPEC_END_2_12 &&
	       number(file, SPEC_BOOT_FLAG, 2) == SPEC_BOOT_FLAG_VALUE &&
	       number(file, SPEC_HEADER, 4) == SPEC_HDRS &&
	       number(file, SPEC_VERSION, 2) >= SPEC_VERSION_MIN &&
	       (file[SPEC_LOADFLAGS] & SPEC_LOADED_HIGH) &&
	       (number(file, SPEC_XLOADFLAGS, 2) & SPEC_XLF_KERNEL_64) &&
	       file[SPEC_JUMP] == SPEC_JUMP_OPCODE && file[SPEC_JUMP + 1] <= 0x7f &&
	       file[SPEC_JUMP + 1] >= SPEC_END_2_12 - SPEC_HEADER && kernel > SPEC_ENTRY_64 &&
	       good_alignment(file) && number(file, SPEC_INIT_SIZE, 4) >= kernel &&
	       number(file, SPEC_CMDLINE_SIZE, 4) >= 1 && good_payload(file, kernel);
}

/* What boot/bzimage.h promises of what was accepted. */
static void check_image(const uint8_t *file, uint64_t size_bytes, const struct bzimage *image)
{
	uint64_t version = number(file, SPEC_VERSION, 2);

	hold(image->version == (version == SPEC_VERSION_BURNT ? version - 1 : version),
	     "version %x", image->version);
	hold(image->file_bytes == size_bytes, "file_bytes");
	hold(image->setup_bytes == setup_bytes(file), "setup_bytes");
	hold(image->kernel_bytes == kernel_bytes(file, size_bytes), "kernel_bytes");
	hold(image->header_bytes == file[SPEC_JUMP + 1] + (size_t)(SPEC_HEADER - SPEC_SETUP_SECTS),
	     "header_bytes %zx", image->header_bytes);
	hold(memcmp(image->header, file + SPEC_SETUP_SECTS, image->header_bytes) == 0, "header");
	hold(image->relocatable == (file[SPEC_RELOCATABLE_KERNEL] != 0) &&
		     image->kernel_alignment == number(file, SPEC_KERNEL_ALIGNMENT, 4),
	     "kernel_alignment %x", image->kernel_alignment);
	hold(image->pref_address == number(file, SPEC_PREF_ADDRESS, 8), "pref_address");
	hold(image->init_size == number(file, SPEC_INIT_SIZE, 4), "init_size");
	hold(image->initrd_addr_max == number(file, SPEC_INITRD_ADDR_MAX, 4), "initrd_addr_max");
	hold(image->cmdline_size == number(file, SPEC_CMDLINE_SIZE, 4), "cmdline_size");
	hold(image->payload_offset == number(file, SPEC_PAYLOAD_OFFSET, 4), "payload_offset");
	hold(image->payload_length ==
		     (image->payload_offset ? number(file, SPEC_PAYLOAD_LENGTH, 4) : 0),
	     "payload_length");
}

static void check_plan(const struct bzimage *image, uint64_t ram_bytes, uint64_t initrd_bytes)
{
	const struct plan_request request = {
		.bzimage = image,
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
	static struct bzimage image, again;
	struct input_file input;
	struct err e = { 0 };
	int rc;

	file_of_memory(&input, "kernel", "kernel", file, size_bytes);
	rc = bzimage_parse(&input, &image, &e);
	hold((rc == 0) == good(file, size_bytes), "%d: %s", rc, e.text);
	if (rc < 0) {
		const char *flaw = refusal_flaw(rc, &e);

		hold(!flaw, "%s: %s", flaw, e.text);
		return;
	}
	check_image(file, size_bytes, &image);
	memset(&again, 0xff, sizeof(again));
	hold(bzimage_parse(&input, &again, &e) == 0, "refused the second time: %s", e.text);
	hold(memcmp(&image, &again, sizeof(image)) == 0, "other facts the second time");
	check_plan(&image, ram_bytes, initrd_bytes);
}

static void check_initrd(const uint8_t *file, uint64_t size_bytes)
{
	struct input_file input;
	struct err e = { 0 };
	int rc;

	file_of_memory(&input, "initrd", "initrd", file, size_bytes);
	rc = initrd_check(&input, &e);
	hold(rc <= 0, "%d", rc);
	if (rc == 0) {
		hold(size_bytes > 0, "an empty initrd");
		return;
	}
	hold(!refusal_flaw(rc, &e), "%s: %s", refusal_flaw(rc, &e), e.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input in = { bytes, size_bytes };
	uint8_t *file = zeros(), head[PAYLOAD_HEAD], *payload = NULL;
	uint64_t file_bytes = fuzz_bytes(&in, 4) % FILE_MAX_BYTES;
	uint64_t ram_bytes = fuzz_edge(&in, NULL, 0), initrd_bytes = fuzz_edge(&in, &ram_bytes, 1);
	uint64_t at;
	size_t front;

	for (size_t i = 0; i < sizeof(head); i++)
		head[i] = fuzz_u8(&in);
	for (size_t i = 0; i < HEADER_BYTES; i++)
		file[SPEC_SETUP_SECTS + i] = fuzz_u8(&in);
	front = in.left < SPEC_SETUP_SECTS ? in.left : SPEC_SETUP_SECTS;
	memcpy(file, in.at, front);
	at = (file[SPEC_SETUP_SECTS] + 1ULL) * SPEC_SECTOR + number(file, SPEC_PAYLOAD_OFFSET, 4);
	if (at >= 2 * SPEC_SECTOR && at <= NEAR_BYTES - PAYLOAD_HEAD)
		payload = memcpy(file + at, head, PAYLOAD_HEAD);

	check_file(file, file_bytes, ram_bytes, initrd_bytes);
	if (bytes == NULL || file_bytes % 8 == 0)
		check_initrd(file, file_bytes);
	memset(file, 0, front);
	if (payload)
		memset(payload, 0, PAYLOAD_HEAD);
	return 0;
}
