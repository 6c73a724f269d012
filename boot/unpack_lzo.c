/* SPDX-License-Identifier: MIT */
/*
 * lzo: a file as lzop makes it, read as Linux's lib/decompress_unlzo.c reads it. Numbers are
 * big-endian.
 *
 *   header   9 magic, 2 version, 2 of the library, 2 needed to unpack, 1 method, [1 level],
 *            4 flags, {4 filter}, 4 mode, 4 time, [4 time], 1 length of name, name, 4 checksum
 *   blocks   4 unpacked size, 4 packed size, 4 checksum of the unpacked bytes, packed bytes
 *   end      4 unpacked size: 0
 *
 *   [from version 0x0940 on]   {if flagged}
 *
 * Linux takes one checksum in every block for granted, whatever the flags say, and looks neither
 * at that nor at the header's. Here a block's checksum is checked where it is the usual one.
 */
#include <lzo/lzo1x.h>

#include <string.h>

#include "boot/unpackers.h"
#include "vmm/base/must.h"

enum {
	MAGIC_BYTES = 9,
	VERSION_WITH_LEVEL = 0x0940,
	FLAG_ADLER32 = 0x1, /* of a block's unpacked bytes */
	FLAG_FILTER = 0x800,
	BLOCK_MAX_BYTES = 256 << 10,
};

/* What is left of the stream. */
struct rest {
	const uint8_t *at;
	size_t bytes;
};

/* The next bytes, or NULL when there are not so many. */
static const uint8_t *take(struct rest *rest, size_t bytes)
{
	const uint8_t *taken = rest->at;

	if (bytes > rest->bytes)
		return NULL;
	rest->at += bytes;
	rest->bytes -= bytes;
	return taken;
}

static uint32_t be32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* NULL, or what is wrong with it. */
static const char *read_header(struct rest *rest, uint32_t *flags)
{
	static const uint8_t magic[MAGIC_BYTES] = {
		0x89, 'L', 'Z', 'O', 0, '\r', '\n', 0x1a, '\n'
	};
	const uint8_t *b = take(rest, MAGIC_BYTES + 2 + 2 + 2 + 1);
	int longer;

	if (!b)
		return UNPACK_CUT;
	if (memcmp(b, magic, sizeof(magic)) != 0)
		return UNPACK_HEADER;
	longer = (b[MAGIC_BYTES] << 8 | b[MAGIC_BYTES + 1]) >= VERSION_WITH_LEVEL;
	if (longer && !take(rest, 1))
		return UNPACK_CUT;
	b = take(rest, 4);
	if (!b)
		return UNPACK_CUT;
	*flags = be32(b);
	if (!take(rest, (*flags & FLAG_FILTER ? 4 : 0) + 4 + 4 + (longer ? 4 : 0)))
		return UNPACK_CUT;
	b = take(rest, 1);
	return b && take(rest, b[0] + 4u) ? NULL : UNPACK_CUT;
}

/* Into s->to + s->made_bytes, where at least to_bytes of room are. A block that packing would have
 * made longer is there as it was. */
static const char *unpack_block(struct unpack_stream *s, const uint8_t *packed,
				uint32_t packed_bytes, uint32_t to_bytes)
{
	uint8_t *to = s->to + s->made_bytes;
	lzo_uint made = to_bytes;

	if (packed_bytes == to_bytes)
		memcpy(to, packed, to_bytes);
	else if (lzo1x_decompress_safe(packed, packed_bytes, to, &made, NULL) != LZO_E_OK ||
		 made != to_bytes)
		return UNPACK_WRONG;
	return NULL;
}

/* 1 behind a block, 0 at the end, or what the unpacker is to return. */
static int next_block(struct unpack_stream *s, struct rest *rest, uint32_t flags)
{
	const uint8_t *b = take(rest, 4), *sum;
	uint32_t to_bytes, packed_bytes;
	const char *damage;

	if (!b)
		return unpack_damaged(s, UNPACK_CUT);
	to_bytes = be32(b);
	if (to_bytes == 0)
		return 0;
	if (to_bytes > BLOCK_MAX_BYTES)
		return unpack_damaged(s, "a block of it has more than 256 KiB");
	if (to_bytes > s->to_bytes - s->made_bytes)
		return -EFBIG;
	b = take(rest, 4);
	sum = take(rest, 4);
	if (!b || !sum)
		return unpack_damaged(s, UNPACK_CUT);
	packed_bytes = be32(b);
	if (packed_bytes == 0 || packed_bytes > to_bytes)
		return unpack_damaged(s, UNPACK_WRONG);
	b = take(rest, packed_bytes);
	if (!b)
		return unpack_damaged(s, UNPACK_CUT);
	damage = unpack_block(s, b, packed_bytes, to_bytes);
	if (!damage && flags & FLAG_ADLER32 &&
	    lzo_adler32(1, s->to + s->made_bytes, to_bytes) != be32(sum))
		damage = UNPACK_WRONG;
	if (damage)
		return unpack_damaged(s, damage);
	s->made_bytes += to_bytes;
	return 1;
}

int unpack_lzo(struct unpack_stream *s)
{
	struct rest rest = { s->packed, s->packed_bytes };
	uint32_t flags;
	const char *damage;
	int rc = lzo_init();

	must(rc == LZO_E_OK);
	damage = read_header(&rest, &flags);
	if (damage)
		return unpack_damaged(s, damage);
	s->made_bytes = 0;
	do {
		rc = next_block(s, &rest, flags);
	} while (rc > 0);
	s->read_bytes = s->packed_bytes - rest.bytes;
	return rc;
}
