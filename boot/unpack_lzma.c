/* SPDX-License-Identifier: MIT */
/*
 * lzma and xz, by liblzma. The library unpacks into a dictionary and copies from there. It reserves
 * what the header asks for (32 MiB for `xz` as Linux calls it, 128 MiB since Linux 6.12), but
 * touches of it only what it has unpacked: a small file with a large dictionary costs address
 * space, no memory. Linux needs no dictionary here and takes any size of it.
 *
 * Of xz, the library reads more than Linux does: other filters than x86's and other checksums than
 * CRC32. Such a kernel would boot here and nowhere else.
 */
#include <lzma.h>

#include "boot/unpackers.h"
#include "vmm/base/le.h"

/* The largest dictionary, and room for the rest of a decoder. */
#define MEMORY_MAX_BYTES ((128ULL << 20) + (1ULL << 20))

enum {
	LZMA_SIZE_AT = 5, /* u64, LE: the unpacked size, or all ones */
	LZMA_HEADER_BYTES = 13,
};

/* Runs a decoder that was made with rc. */
static int run(struct unpack_stream *s, lzma_stream *lzma, lzma_ret rc)
{
	lzma->next_in = s->packed;
	lzma->avail_in = s->packed_bytes;
	lzma->next_out = s->to;
	lzma->avail_out = s->to_bytes;
	while (rc == LZMA_OK)
		rc = lzma_code(lzma, LZMA_FINISH);
	lzma_end(lzma);
	s->made_bytes = s->to_bytes - lzma->avail_out;
	s->read_bytes = s->packed_bytes - lzma->avail_in;
	switch (rc) {
	case LZMA_STREAM_END:
		return 0;
	case LZMA_BUF_ERROR: /* neither side moves any more */
		return lzma->avail_in > 0 ? -EFBIG : unpack_damaged(s, UNPACK_CUT);
	case LZMA_MEM_ERROR:
		return -ENOMEM;
	case LZMA_MEMLIMIT_ERROR:
		return unpack_damaged(s, "it wants a dictionary of more than 128 MiB");
	case LZMA_FORMAT_ERROR:
	case LZMA_OPTIONS_ERROR:
		return unpack_damaged(s, UNPACK_HEADER);
	default:
		return unpack_damaged(s, UNPACK_WRONG);
	}
}

int unpack_lzma(struct unpack_stream *s)
{
	lzma_stream lzma = LZMA_STREAM_INIT;
	uint64_t size;

	if (s->packed_bytes < LZMA_HEADER_BYTES)
		return unpack_damaged(s, UNPACK_CUT);
	size = get_le64(s->packed + LZMA_SIZE_AT);
	if (size != UINT64_MAX && size > s->to_bytes)
		return -EFBIG;
	return run(s, &lzma, lzma_alone_decoder(&lzma, MEMORY_MAX_BYTES));
}

int unpack_xz(struct unpack_stream *s)
{
	lzma_stream lzma = LZMA_STREAM_INIT;

	return run(s, &lzma, lzma_stream_decoder(&lzma, MEMORY_MAX_BYTES, 0));
}
