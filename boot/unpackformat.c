/* SPDX-License-Identifier: MIT */
#include "boot/unpackformat.h"

#include <string.h>

#include "vmm/base/must.h"

static const struct {
	enum unpack_format format;
	uint8_t length;
	const char *bytes;
} magics[] = {
	{ UNPACK_GZIP, 2, "\x1f\x8b" },
	{ UNPACK_GZIP, 2, "\x1f\x9e" },
	{ UNPACK_BZIP2, 3, "BZh" },
	{ UNPACK_LZMA, 3, "\x5d\0\0" },
	{ UNPACK_XZ, 6,
	  "\xfd"
	  "7zXZ\0" },
	{ UNPACK_LZO, 4, "\x89LZO" },
	{ UNPACK_LZ4, 4, "\x02\x21\x4c\x18" },
	{ UNPACK_ZSTD, 4, "\x28\xb5\x2f\xfd" },
};

static const char *const names[UNPACK_FORMATS] = {
	[UNPACK_UNKNOWN] = "unknown format",
	[UNPACK_GZIP] = "gzip",
	[UNPACK_BZIP2] = "bzip2",
	[UNPACK_LZMA] = "lzma",
	[UNPACK_XZ] = "xz",
	[UNPACK_LZO] = "lzo",
	[UNPACK_LZ4] = "lz4",
	[UNPACK_ZSTD] = "zstd",
};

enum unpack_format unpack_format_of(const uint8_t *head, size_t size_bytes)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (magics[i].length <= size_bytes &&
		    memcmp(head, magics[i].bytes, magics[i].length) == 0)
			return magics[i].format;
	}
	return UNPACK_UNKNOWN;
}

const char *unpack_format_name(enum unpack_format format)
{
	must((size_t)format < UNPACK_FORMATS);
	return names[format];
}
