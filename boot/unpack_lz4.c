/* SPDX-License-Identifier: MIT */
/*
 * lz4: the legacy frame, as Linux's lib/decompress_unlz4.c reads it. Numbers are little-endian.
 *
 *   4 magic | blocks: 4 packed size, packed bytes | and again, up to the end of the stream
 *
 * Every block but the last unpacks to 8 MiB. There is no end mark but a size of 0, and no
 * checksum: damage that still makes sense is not seen. What follows when all that was promised has
 * come out is one block too many, so that bytes behind the end are ignored only if they are fewer
 * than four, or zeros.
 */
#include <lz4.h>

#include "boot/unpackers.h"
#include "vmm/base/le.h"

#define MAGIC 0x184c2102u

enum { WORD_BYTES = 4, BLOCK_MAX_BYTES = 8 << 20 };

/*
 * The library says the same for a block that is damaged and for one with more in it than there is
 * room for. If the room can be filled from it, there is more.
 */
static int too_long_or_damaged(struct unpack_stream *s, const char *packed, int packed_bytes,
			       int room_bytes)
{
	char *to = (char *)s->to + s->made_bytes;

	if (room_bytes < BLOCK_MAX_BYTES &&
	    LZ4_decompress_safe_partial(packed, to, packed_bytes, room_bytes, room_bytes) ==
		    room_bytes)
		return -EFBIG;
	return unpack_damaged(s, UNPACK_WRONG);
}

static int unpack_block(struct unpack_stream *s, const uint8_t *packed, uint32_t packed_bytes)
{
	size_t left = s->to_bytes - s->made_bytes;
	int room = left < BLOCK_MAX_BYTES ? (int)left : BLOCK_MAX_BYTES;
	int made;

	if (packed_bytes > LZ4_COMPRESSBOUND(BLOCK_MAX_BYTES))
		return unpack_damaged(s, "a block of it has more than 8 MiB");
	made = LZ4_decompress_safe((const char *)packed, (char *)s->to + s->made_bytes,
				   (int)packed_bytes, room);
	if (made < 0)
		return too_long_or_damaged(s, (const char *)packed, (int)packed_bytes, room);
	s->made_bytes += (size_t)made;
	return 0;
}

int unpack_lz4(struct unpack_stream *s)
{
	const uint8_t *at = s->packed;
	size_t left = s->packed_bytes;

	s->made_bytes = 0;
	if (left < WORD_BYTES)
		return unpack_damaged(s, UNPACK_CUT);
	if (get_le32(at) != MAGIC)
		return unpack_damaged(s, UNPACK_HEADER);
	while (left >= WORD_BYTES) {
		uint32_t word = get_le32(at);
		int rc;

		at += WORD_BYTES;
		left -= WORD_BYTES;
		if (word == MAGIC) /* frames may follow each other */
			continue;
		if (word == 0)
			break;
		if (s->made_bytes == s->to_bytes)
			return -EFBIG;
		if (word > left)
			return unpack_damaged(s, UNPACK_CUT);
		rc = unpack_block(s, at, word);
		if (rc < 0)
			return rc;
		at += word;
		left -= word;
	}
	s->read_bytes = s->packed_bytes - left;
	return 0;
}
