/* SPDX-License-Identifier: MIT */
/*
 * gzip: one member. Linux's own decompressor leaves its checksum alone; here it is checked. With
 * libdeflate, which needs a quarter of zlib's instructions where all lies in memory.
 */
#include <libdeflate.h>

#include "boot/unpackers.h"

int unpack_gzip(struct unpack_stream *s)
{
	struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
	enum libdeflate_result result;

	if (!decompressor)
		return -ENOMEM;
	result = libdeflate_gzip_decompress_ex(decompressor, s->packed, s->packed_bytes, s->to,
					       s->to_bytes, NULL, &s->made_bytes);
	libdeflate_free_decompressor(decompressor);
	switch (result) {
	case LIBDEFLATE_SUCCESS:
		return 0;
	case LIBDEFLATE_INSUFFICIENT_SPACE:
		return -EFBIG;
	default:
		return unpack_damaged(s, UNPACK_WRONG); /* it does not tell an early end apart */
	}
}
