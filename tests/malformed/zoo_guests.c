/* SPDX-License-Identifier: MIT */
/*
 * The zoo's guests (G): headers in order, code that is not. tvmm plans each like a good one; run,
 * each ends in time, by a status that tells. A few instructions spin for ever under one KVM and end
 * the guest under another, so that some have several statuses that are right: 0 halted, 121 crashed,
 * 124 out of time.
 *
 * Authority: [SDM] for the instructions' bytes.
 */
#include <string.h>

#include "tests/common/bootspec.h"
#include "tests/malformed/zoo.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* clang-format off */
static const struct {
	const char *name, *code;
	size_t bytes;
	const char *statuses;
} guests[] = {
	{ "halt", "\xfa\xf4\xeb\xfc", 4, "0" },                       /* 1: cli; hlt; jmp 1b */
	{ "spin", "\xeb\xfe", 2, "124" },                              /* jmp . */
	{ "undefined", "\x0f\x0b", 2, "121|124" },                     /* ud2, without an IDT */
	{ "breakpoint", "\xcc", 1, "121|124" },                        /* int3, without an IDT */
	{ "no-stack", "\x31\xe4\x50", 3, "121|124" },                  /* xor esp, esp; push rax */
	{ "no-memory", "\x48\xc7\xc0\x00\x00\x00\x80\xff\xe0", 9, "121|124" }, /* jmp -2 GiB */
	{ "no-page-tables", "\x31\xc0\x0f\x22\xd8", 5, "121|124" },    /* xor eax, eax; mov cr3, rax */
	{ "zeros", "\0\0\0\0\0\0\0\0", 8, "121|124" },                 /* add [rax], al ... */
};
/* clang-format on */

void zoo_guests(struct zoo *zoo)
{
	for (size_t i = 0; i < COUNT(guests); i++) {
		struct image image;

		zoo_image(&image);
		memset(image.bytes + IMAGE_SETUP_BYTES + IMAGE_ENTRY_OFFSET, 0,
		       IMAGE_CODE_MAX_BYTES);
		image_code(&image, guests[i].code, guests[i].bytes);
		zoo_begin(zoo, "G-%s", guests[i].name);
		zoo_kernel(zoo, image.bytes, image.size_bytes);
		zoo_argument(zoo, "-timeout");
		zoo_argument(zoo, "1");
		zoo_end(zoo, ZOO_RUN, guests[i].statuses);
		image_free(&image);
	}
}
