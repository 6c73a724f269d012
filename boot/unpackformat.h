/* SPDX-License-Identifier: MIT */
/*
 * What a kernel's payload is packed in, by its first bytes.
 *
 * Authority: [BOOT] "Details of Header Fields", payload_offset; [LINUX] lib/decompress.c for what
 * Linux packs itself in. Left out: what this list does not name, an ELF file that is not packed
 * among it.
 */
#ifndef TVMM_BOOT_UNPACKFORMAT_H
#define TVMM_BOOT_UNPACKFORMAT_H

#include <stddef.h>
#include <stdint.h>

enum unpack_format {
	UNPACK_UNKNOWN,
	UNPACK_GZIP,
	UNPACK_BZIP2,
	UNPACK_LZMA,
	UNPACK_XZ,
	UNPACK_LZO,
	UNPACK_LZ4, /* the legacy frame, `lz4 -l` */
	UNPACK_ZSTD,
	UNPACK_FORMATS,
};

/* How many bytes at the front of a payload unpack_format_of() may look at. */
enum { UNPACK_HEAD_BYTES = 6 };

/* size_bytes may be anything, 0 included; a magic number that is cut is UNPACK_UNKNOWN. */
enum unpack_format unpack_format_of(const uint8_t *head, size_t size_bytes);

/* "gzip", "xz", ..., or "unknown format". Static storage. */
const char *unpack_format_name(enum unpack_format format);

#endif
