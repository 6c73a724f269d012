/* SPDX-License-Identifier: MIT */
/*
 * The seven unpackers behind boot/unpack.h, each around its library: one stream in memory into one
 * place in memory. They say what happened; boot/unpack.c puts it into words.
 */
#ifndef TVMM_BOOT_UNPACKERS_H
#define TVMM_BOOT_UNPACKERS_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

struct unpack_stream {
	const uint8_t *packed; /* the stream, and perhaps bytes behind its end */
	size_t packed_bytes;
	uint8_t *to;
	size_t to_bytes;    /* below 4 GiB; what was promised, and not a byte more may be written */
	size_t made_bytes;  /* set with 0: how many came out, to_bytes at most */
	size_t read_bytes;  /* set with 0: how long the stream is, packed_bytes at most */
	const char *damage; /* set with -EBADMSG: what is wrong with "it"; static storage */
};

/*
 * 0 when the stream was read to its end, -EBADMSG when it is damaged, -EFBIG when it has more than
 * to_bytes in it (told as soon as that is known, without unpacking the rest), -ENOMEM.
 */
typedef int unpacker(struct unpack_stream *s);

unpacker unpack_gzip, unpack_bzip2, unpack_lzma, unpack_xz, unpack_lzo, unpack_lz4, unpack_zstd;

#define UNPACK_CUT    "it ends early"
#define UNPACK_WRONG  "its data or its checksum is wrong"
#define UNPACK_HEADER "its header is wrong"

/* For `return unpack_damaged(s, UNPACK_CUT)`. */
static inline int unpack_damaged(struct unpack_stream *s, const char *damage)
{
	s->damage = damage;
	return -EBADMSG;
}

#endif
