/* SPDX-License-Identifier: MIT */
/*
 * Where the archive goes: gzip -9, into a file that appears complete or not at all.
 *
 * The bytes are written to a temporary name in the output's own folder, brought to the disk, and
 * renamed. What stood under the output's name before stays there until then, and stays for good
 * when something fails. An output that exists and is a device or a FIFO (/dev/stdout, a pipe) is
 * written directly. A symbolic link is followed: its target is replaced, the link stays.
 *
 * The gzip header carries no name and no time, so equal input gives equal bytes with the same zlib.
 * A process that is killed leaves a file named .tvmm-PID-N.tmp behind.
 */
#ifndef TVMM_INITRAMFS_OUTPUT_H
#define TVMM_INITRAMFS_OUTPUT_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ZLIB_CONST /* z_stream.next_in points to const */
#include <zlib.h>

#include "vmm/base/err.h"

enum { OUTPUT_BUFFER_BYTES = 65536 };

struct output {
	const char *name;         /* what the user called it, for messages; borrowed */
	char path[PATH_MAX];      /* the same with symbolic links resolved */
	char temporary[PATH_MAX]; /* "" when written directly, or when nothing is to be removed */
	int fd;                   /* -1 while nothing is open */
	dev_t folder_dev;         /* the folder that holds path */
	ino_t folder_ino;
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

/* Creates the temporary file of an examined output. 0, or -errno with *e filled. */
int output_open(struct output *out, struct err *e);

/*
 * Compresses and writes. 0, or -errno with *e filled; then, and whenever else the output is not to
 * be, call output_abandon.
 */
int output_write(struct output *out, const void *bytes, size_t size_bytes, struct err *e);

/* Ends the gzip stream and gives the file its name. After a failure call output_abandon. */
int output_close(struct output *out, struct err *e);

/* Removes the temporary file and frees what is held. Does nothing after a successful close. */
void output_abandon(struct output *out);

#endif
