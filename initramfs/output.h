/* SPDX-License-Identifier: MIT */
/*
 * Where the archive goes: gzip -9, into a new file (vmm/base/newfile.h), which appears complete or
 * not at all.
 *
 * The gzip header carries no name and no time, so equal input gives equal bytes with the same zlib.
 */
#ifndef TVMM_INITRAMFS_OUTPUT_H
#define TVMM_INITRAMFS_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#define ZLIB_CONST /* z_stream.next_in points to const */
#include <zlib.h>

#include "vmm/base/err.h"
#include "vmm/base/newfile.h"

enum { OUTPUT_BUFFER_BYTES = 65536 };

struct output {
	struct newfile file;
	z_stream z;
	uint64_t in_bytes;  /* taken so far, before compression */
	uint64_t out_bytes; /* written so far */
	unsigned char buffer[OUTPUT_BUFFER_BYTES];
};

/*
 * Finds out what name is and which folder holds it; creates nothing. name stays the caller's and
 * must outlive *out. 0, or -errno with *e filled: a folder that is missing, an output that is a
 * directory.
 */
int output_examine(struct output *out, const char *name, struct err *e);

/* Opens an examined output. 0, or -errno with *e filled. */
int output_open(struct output *out, struct err *e);

/*
 * Compresses and writes. 0, or -errno with *e filled; then, and whenever else the output is not to
 * be, call output_abandon.
 */
int output_write(struct output *out, const void *bytes, size_t size_bytes, struct err *e);

/* Ends the gzip stream and gives the file its name. After a failure call output_abandon. */
int output_close(struct output *out, struct err *e);

/* It is not to be; frees what is held. Does nothing after a successful close. */
void output_abandon(struct output *out);

#endif
