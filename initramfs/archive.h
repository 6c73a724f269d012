/* SPDX-License-Identifier: MIT */
/*
 * A tree becomes bytes: one newc record after the other, the contents of files copied in between,
 * the end mark, zeros up to a multiple of 512. Where the bytes go is the caller's.
 *
 * A file that is not what it was when the tree was made is an error: an archive must not hold one
 * half of a file and the other half of its successor.
 *
 * Authority: [INITRAMFS] "initramfs buffer format".
 */
#ifndef TVMM_INITRAMFS_ARCHIVE_H
#define TVMM_INITRAMFS_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include "initramfs/tree.h"

struct archive {
	const struct tree *tree; /* arranged */
	uint32_t mtime_s;        /* every entry's */
	/* Takes bytes: 0, or -errno with *e filled. */
	int (*write)(void *to, const void *bytes, size_t size_bytes, struct err *e);
	void *to;
	uint64_t bytes; /* handed to write() so far; 0 in the beginning */

	char *copy; /* private to archive.c */
};

/* Writes it all. 0, or -errno with *e filled. */
int archive_write(struct archive *archive, struct err *e);

/* How many bytes that will be, if no file changes; -EOVERFLOW beyond 64 bits. */
int archive_size(const struct tree *tree, uint64_t *size_bytes);

#endif
