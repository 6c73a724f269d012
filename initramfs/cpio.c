/* SPDX-License-Identifier: MIT */
#include "initramfs/cpio.h"

#include <string.h>

enum { MAGIC_BYTES = 6, FIELDS = 13, FIELD_DIGITS = 8 };

_Static_assert(MAGIC_BYTES + FIELDS * FIELD_DIGITS == CPIO_HEADER_BYTES, "[INITRAMFS] header");

static void put_hex(char *to, uint32_t value)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = FIELD_DIGITS - 1; i >= 0; i--) {
		to[i] = digits[value & 0xf];
		value >>= 4;
	}
}

void cpio_header_build(char to[CPIO_HEADER_BYTES], const struct cpio_header *header)
{
	const uint32_t field[FIELDS] = {
		header->ino,
		header->mode,
		header->uid,
		header->gid,
		header->nlink,
		header->mtime_s,
		header->filesize_bytes,
		0, /* maj */
		0, /* min */
		header->rdev_major,
		header->rdev_minor,
		header->namesize_bytes,
		0, /* check: of the crc variant only */
	};

	memcpy(to, "070701", MAGIC_BYTES);
	for (int i = 0; i < FIELDS; i++)
		put_hex(to + MAGIC_BYTES + i * FIELD_DIGITS, field[i]);
}

size_t cpio_padding_bytes(uint64_t offset_bytes, size_t multiple)
{
	size_t over = (size_t)(offset_bytes % multiple);

	return over ? multiple - over : 0;
}
