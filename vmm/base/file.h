/* SPDX-License-Identifier: MIT */
/*
 * Input files: opened without blocking, regular or refused, sized once, read with pread from that
 * same descriptor, never mapped (a file that shrinks under a mapping is a SIGBUS). What was made
 * out of a file, an unpacked kernel say, can be read in the same way from memory.
 */
#ifndef TVMM_BASE_FILE_H
#define TVMM_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "vmm/base/err.h"

struct input_file {
	const char *path; /* borrowed from the caller */
	const char *what; /* "kernel", "initrd": how messages call it; borrowed */
	int fd;           /* -1 when closed */
	uint64_t size_bytes;
	const uint8_t *bytes; /* the contents, when they are in memory (fd is -1 then); borrowed */
	bool sparse;          /* fewer blocks than bytes: there may be holes in it */
};

/*
 * Opens path for reading. Refuses what is not a regular file or has more than max_bytes.
 * Returns 0, or -errno with *e telling the file, its role and what would be right; file->fd is
 * -1 then. An empty file is accepted here: what it means is the caller's to say.
 */
int file_open(struct input_file *file, const char *what, const char *path, uint64_t max_bytes,
	      struct err *e);

/* A file whose contents are in memory. All pointers are borrowed; file_close() leaves them alone. */
void file_of_memory(struct input_file *file, const char *what, const char *path, const void *bytes,
		    uint64_t size_bytes);

/*
 * Reads exactly size_bytes at offset into to. Short files, EINTR and host errors are dealt with
 * here: 0, or -errno with *e filled.
 */
int file_read(const struct input_file *file, uint64_t offset, void *to, size_t size_bytes,
	      struct err *e);

/* Whether a file has holes, or is packed by its file system, going by its size and its blocks. */
bool file_is_sparse(const struct stat *st);

/*
 * As file_read(), into memory that is zero: holes of the file, which read as zeros, are left out. A file in
 * memory is copied whole, also over what is there.
 */
int file_read_to_zeros(const struct input_file *file, uint64_t offset, void *to, size_t size_bytes,
		       struct err *e);

/* Closes an open file; does nothing to a closed one. */
void file_close(struct input_file *file);

#endif
