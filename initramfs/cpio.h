/* SPDX-License-Identifier: MIT */
/*
 * The "newc" cpio record: what an initramfs is made of. Pure: numbers in, bytes out.
 *
 * One file of the archive; h and p are paddings with zeros up to a multiple of 4, counted from the
 * start of the archive:
 *
 *   0        110              110+namesize                          + filesize
 *   +--------+----------------+---+--------------------------------+---+
 *   | header | name ... NUL   | h | contents, or a symlink's target | p | next header
 *   +--------+----------------+---+--------------------------------+---+
 *
 * The header: 6 bytes of magic, then thirteen numbers of 8 hexadecimal digits each:
 *
 *   0     6   14   22  30  38    46    54       62  70  78   86   94       102   110
 *   +-----+---+----+---+---+-----+-----+--------+---+---+----+----+--------+-----+
 *   |magic|ino|mode|uid|gid|nlink|mtime|filesize|maj|min|rmaj|rmin|namesize|check|
 *   +-----+---+----+---+---+-----+-----+--------+---+---+----+----+--------+-----+
 *
 * Left out: the "crc" variant (magic 070702) and every older cpio format; maj and min are always
 * 0, because inode numbers are counted and name one file by themselves.
 *
 * Authority: [INITRAMFS] "initramfs buffer format", "Handling of hard links".
 */
#ifndef TVMM_INITRAMFS_CPIO_H
#define TVMM_INITRAMFS_CPIO_H

#include <stddef.h>
#include <stdint.h>

enum {
	CPIO_HEADER_BYTES = 110,
	CPIO_NAME_MAX_BYTES = 4096, /* with its NUL: Linux skips a record whose name is longer */
	CPIO_ALIGN_BYTES = 4,       /* of a header and of contents */
	CPIO_BLOCK_BYTES = 512,     /* cpio(1) ends an archive on a multiple of this */
};

#define CPIO_FILE_MAX_BYTES 0xffffffffULL
#define CPIO_TRAILER_NAME   "TRAILER!!!"

struct cpio_header {
	uint32_t ino;
	uint32_t mode; /* st_mode: type and permissions */
	uint32_t uid;
	uint32_t gid;
	uint32_t nlink;
	uint32_t mtime_s;
	uint32_t filesize_bytes;
	uint32_t rdev_major;
	uint32_t rdev_minor;
	uint32_t namesize_bytes; /* with the NUL */
};

/* Writes the header's 110 bytes to `to`, without a NUL behind them. */
void cpio_header_build(char to[CPIO_HEADER_BYTES], const struct cpio_header *header);

/* How many zeros bring offset_bytes to a multiple of `multiple`. */
size_t cpio_padding_bytes(uint64_t offset_bytes, size_t multiple);

#endif
