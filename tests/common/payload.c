/* SPDX-License-Identifier: MIT */
#include "tests/common/payload.h"

#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "vmm/base/must.h"

enum {
	GZIP_WINDOW_BITS = 15 + 16,
	LZO_BLOCK_BYTES = 256 << 10, /* [LINUX] lib/decompress_unlzo.c, LZO_BLOCK_SIZE */
	LZ4_BLOCK_BYTES = 8 << 20,   /* ... unlz4.c, LZ4_DEFAULT_UNCOMPRESSED_CHUNK_SIZE */
	DICTIONARY_BYTES = 1 << 20,
	XZ_LEVEL = 1,
};

/* A buffer that packers append to. It never has to grow. */
struct sink {
	uint8_t *bytes;
	size_t used_bytes, room_bytes;
};

static void put(struct sink *sink, const void *bytes, size_t size_bytes)
{
	must(size_bytes <= sink->room_bytes - sink->used_bytes);
	memcpy(sink->bytes + sink->used_bytes, bytes, size_bytes);
	sink->used_bytes += size_bytes;
}

static void put_be32(struct sink *sink, uint32_t v)
{
	const uint8_t b[] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
			      (uint8_t)v };

	put(sink, b, sizeof(b));
}

static void put_little32(struct sink *sink, uint32_t v)
{
	put_be32(sink, __builtin_bswap32(v));
}

static void pack_gzip(struct sink *sink, const uint8_t *from, size_t size_bytes)
{
	z_stream z = {
		.next_in = (Bytef *)(uintptr_t)from,
		.avail_in = (uInt)size_bytes,
		.next_out = sink->bytes,
		.avail_out = (uInt)sink->room_bytes,
	};
	int rc = deflateInit2(&z, 6, Z_DEFLATED, GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY);

	must(rc == Z_OK);
	rc = deflate(&z, Z_FINISH);
	must(rc == Z_STREAM_END);
	sink->used_bytes = z.total_out;
	(void)deflateEnd(&z);
}

static void pack_bzip2(struct sink *sink, const uint8_t *from, size_t size_bytes)
{
	unsigned int room = (unsigned int)sink->room_bytes;
	int rc = BZ2_bzBuffToBuffCompress((char *)sink->bytes, &room, (char *)(uintptr_t)from,
					  (unsigned int)size_bytes, 9, 0, 0);

	must(rc == BZ_OK);
	sink->used_bytes = room;
}

static void pack_lzma(struct sink *sink, const uint8_t *from, size_t size_bytes)
{
	lzma_stream lzma = LZMA_STREAM_INIT;
	lzma_options_lzma options;
	lzma_ret rc;

	must(!lzma_lzma_preset(&options, XZ_LEVEL));
	options.dict_size = DICTIONARY_BYTES;
	lzma.next_in = from;
	lzma.avail_in = size_bytes;
	lzma.next_out = sink->bytes;
	lzma.avail_out = sink->room_bytes;
	rc = lzma_alone_encoder(&lzma, &options);
	must(rc == LZMA_OK);
	while (rc == LZMA_OK)
		rc = lzma_code(&lzma, LZMA_FINISH);
	must(rc == LZMA_STREAM_END);
	sink->used_bytes = lzma.total_out;
	lzma_end(&lzma);
}

static void pack_xz(struct sink *sink, const uint8_t *from, size_t size_bytes)
{
	lzma_options_lzma options;
	lzma_filter filters[] = {
		{ LZMA_FILTER_X86, NULL },
		{ LZMA_FILTER_LZMA2, &options },
		{ LZMA_VLI_UNKNOWN, NULL },
	};
	lzma_ret rc;

	must(!lzma_lzma_preset(&options, XZ_LEVEL));
	options.dict_size = DICTIONARY_BYTES;
	rc = lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, from, size_bytes,
				       sink->bytes, &sink->used_bytes, sink->room_bytes);
	must(rc == LZMA_OK);
}

/* What `lzop -9` puts before the blocks when it packs its standard input; the time is 0. */
static void put_lzop_header(struct sink *sink)
{
	/* clang-format off */
	static const uint8_t header[] = {
		0x89, 'L', 'Z', 'O', 0, '\r', '\n', 0x1a, '\n', /* magic */
		0x10, 0x40, 0x20, 0xa0, 0x09, 0x40, /* version, library's, needed to unpack */
		3, 9,                               /* method, level */
		3, 0, 0, 0x0d,                      /* flags: Unix, a pipe, Adler-32 of the data */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* mode, time, its high half */
		0,                                  /* length of the name */
	};
	/* clang-format on */

	put(sink, header, sizeof(header));
	put_be32(sink, lzo_adler32(1, header + 9, sizeof(header) - 9));
}

static void pack_lzo(struct sink *sink, const uint8_t *from, size_t size_bytes)
{
	static uint8_t work[LZO1X_1_MEM_COMPRESS];
	static uint8_t packed[LZO_BLOCK_BYTES + LZO_BLOCK_BYTES / 16 + 64 + 3];

	put_lzop_header(sink);
	for (size_t at = 0; at < size_bytes;) {
		size_t n = size_bytes - at < LZO_BLOCK_BYTES ? size_bytes - at : LZO_BLOCK_BYTES;
		lzo_uint packed_bytes = sizeof(packed);
		int rc = lzo1x_1_compress(from + at, n, packed, &packed_bytes, work);

		must(rc == LZO_E_OK);
		put_be32(sink, (uint32_t)n);
		put_be32(sink, (uint32_t)(packed_bytes < n ? packed_bytes : n));
		put_be32(sink, lzo_adler32(1, from + at, n));
		put(sink, packed_bytes < n ? packed : from + at,
		    packed_bytes < n ? packed_bytes : n);
		at += n;
	}
	put_be32(sink, 0);
}

static void pack_lz4(struct sink *sink, const uint8_t *from, size_t size_bytes)
{
	put(sink, "\x02\x21\x4c\x18", 4);
	for (size_t at = 0; at < size_bytes;) {
		size_t n = size_bytes - at < LZ4_BLOCK_BYTES ? size_bytes - at : LZ4_BLOCK_BYTES;
		uint8_t *to = sink->bytes + sink->used_bytes + 4;
		int packed_bytes = LZ4_compress_default((const char *)from + at, (char *)to, (int)n,
							LZ4_COMPRESSBOUND(LZ4_BLOCK_BYTES));

		must(packed_bytes > 0);
		put_little32(sink, (uint32_t)packed_bytes);
		sink->used_bytes += (size_t)packed_bytes;
		at += n;
	}
}

/* Like `zstd` from a pipe: no size in the header, a checksum. */
static void pack_zstd(struct sink *sink, const uint8_t *from, size_t size_bytes)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t n;

	must(context != NULL);
	(void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	(void)ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
	n = ZSTD_compress2(context, sink->bytes, sink->room_bytes, from, size_bytes);
	must(!ZSTD_isError(n));
	sink->used_bytes = n;
	(void)ZSTD_freeCCtx(context);
}

static void finish(struct payload *payload, enum unpack_format format, struct sink *sink,
		   uint32_t size_bytes)
{
	payload->stream_bytes = sink->used_bytes;
	if (format != UNPACK_GZIP)
		put_little32(sink, size_bytes);
	payload->bytes = sink->bytes;
	payload->size_bytes = sink->used_bytes;
}

static void init_sink(struct sink *sink, size_t room_bytes)
{
	*sink = (struct sink){ .bytes = malloc(room_bytes), .room_bytes = room_bytes };
	must(sink->bytes != NULL);
}

void payload_pack(struct payload *payload, enum unpack_format format, const void *from,
		  size_t size_bytes)
{
	static void (*const packers[UNPACK_FORMATS])(struct sink *, const uint8_t *, size_t) = {
		[UNPACK_GZIP] = pack_gzip, [UNPACK_BZIP2] = pack_bzip2, [UNPACK_LZMA] = pack_lzma,
		[UNPACK_XZ] = pack_xz,     [UNPACK_LZO] = pack_lzo,     [UNPACK_LZ4] = pack_lz4,
		[UNPACK_ZSTD] = pack_zstd,
	};
	struct sink sink;

	must(size_bytes <= UINT32_MAX && packers[format] != NULL);
	/* More than any of them makes of what cannot be packed. */
	init_sink(&sink, size_bytes + size_bytes / 4 + 2 * LZ4_COMPRESSBOUND(LZ4_BLOCK_BYTES));
	packers[format](&sink, from, size_bytes);
	finish(payload, format, &sink, (uint32_t)size_bytes);
}

void payload_of_stream(struct payload *payload, enum unpack_format format, const void *stream,
		       size_t stream_bytes, uint32_t size_bytes)
{
	struct sink sink;

	init_sink(&sink, stream_bytes + sizeof(size_bytes));
	put(&sink, stream, stream_bytes);
	finish(payload, format, &sink, size_bytes);
}

void payload_free(struct payload *payload)
{
	free(payload->bytes);
	payload->bytes = NULL;
	payload->size_bytes = payload->stream_bytes = 0;
}
