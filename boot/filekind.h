/* SPDX-License-Identifier: MIT */
/*
 * What a file looks like by its first bytes: only to tell people what they handed over instead of
 * a bzImage, and how a kernel's payload is packed.
 *
 * Authority: the formats' own magic numbers; [BOOT] "Details of Header Fields", payload_offset.
 */
#ifndef TVMM_BOOT_FILEKIND_H
#define TVMM_BOOT_FILEKIND_H

#include <stddef.h>
#include <stdint.h>

enum {
	/* How many bytes at the front of a file filekind_describe() may look at. */
	FILEKIND_HEAD_BYTES = 0x40,
	/* The same for filekind_packer(). */
	FILEKIND_PACKER_BYTES = 6,
};

/*
 * A phrase like "an ELF file, not a bzImage; ...", with what to do about it, or NULL when the
 * bytes say nothing. Static storage. size_bytes may be anything, 0 included.
 */
const char *filekind_describe(const uint8_t *head, size_t size_bytes);

/* The name of the format a payload is packed in ("gzip", "zstd", ..., "ELF" for none), or NULL. */
const char *filekind_packer(const uint8_t *head, size_t size_bytes);

#endif
