/* SPDX-License-Identifier: MIT */
/*
 * A file that appears complete or not at all.
 *
 * The bytes go to a file without a name in the folder of the final one, are brought to the disk,
 * and only then get that name. What stood there before stays until then, and for good when
 * something fails. (A process that is ended at once while it waits for the disk leaves the file
 * under its name: it is complete.) Where the file system knows no nameless files (O_TMPFILE), or /proc is missing,
 * the file has a temporary name, .tvmm-PID-N.tmp, which is removed on every way out but SIGKILL.
 *
 * A symbolic link is followed: what it points to is replaced, the link stays. The new file has the
 * mode of the one it replaces; its owner is the writer, and other hard links keep the old bytes.
 *
 * Written directly, because nothing can take their place: devices, FIFOs, and descriptors that the
 * process was started with ("-" is stdout; /dev/stdout, /dev/stderr, /dev/fd/N, /proc/self/fd/N),
 * which are written from where they stand.
 */
#ifndef TVMM_BASE_NEWFILE_H
#define TVMM_BASE_NEWFILE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "vmm/base/err.h"

/* All zero: not open. */
struct newfile {
	const char *what; /* "output", "-report": how messages call it; borrowed */
	const char *name; /* as the user gave it; borrowed */
	bool open;        /* fd is */
	int fd;           /* to write to, never to close */
	bool direct;
	int inherited;            /* the descriptor that the name means; -1: it means a file */
	mode_t mode;              /* of the file that is replaced; 0: there is none */
	char path[PATH_MAX];      /* the name with symbolic links followed */
	char temporary[PATH_MAX]; /* "": it has no name yet */
	int leftover;             /* of the temporary name */
	dev_t folder_dev;         /* of the folder that holds path; not for what is direct */
	ino_t folder_ino;
};

/*
 * Finds out what name is, where it leads, and whether it can be written; creates nothing. what and
 * name stay the caller's and must outlive *file. 0, or -errno with *e.
 */
int newfile_examine(struct newfile *file, const char *what, const char *name, struct err *e);

/*
 * Of an examined file: opens something to write to. A FIFO that nobody reads is refused, not waited
 * for. 0, or -errno with *e.
 */
int newfile_open(struct newfile *file, struct err *e);

/*
 * The same for a file that is written on behind what it holds, by others as well: directly, so that
 * what is written stays. One that is not there is made at once.
 */
int newfile_open_append(struct newfile *file, struct err *e);

/* All is written: gives it its name. 0, or -errno with *e; either way it is closed. */
int newfile_close(struct newfile *file, struct err *e);

/* It is not to be. Does nothing to one that is not open. */
void newfile_abandon(struct newfile *file);

/* Whether both would be written to the same place; devices can take any number. */
bool newfile_same(const struct newfile *a, const struct newfile *b);

/* Whether it would replace, or is, the regular file that fd has open. */
bool newfile_is(const struct newfile *file, int fd);

#endif
