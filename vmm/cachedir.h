/* SPDX-License-Identifier: MIT */
/*
 * A directory of tvmm's own below the user's cache directory, and files in it that come and go
 * whole: $XDG_CACHE_HOME/tvmm, or $HOME/.cache/tvmm. It is used only if it belongs to the effective
 * user and nobody else may write into it; a file in it only if the same holds, and it is a regular
 * one. Symbolic links in it are never followed; the directory itself may be one.
 *
 * A file is written under another name, tmp-<16 hex digits>, and renamed or linked, so that its
 * name shows all of it or none. Nothing is synced to disk: after a crash of the host a file may be
 * short or full of zeros, and its reader has to tell. Whoever has a file open can read on when it
 * is replaced or unlinked. So there are no locks, and any number of processes may work here at
 * once.
 *
 * Authority: [XDG] "Basics", "Environment variables", "Referencing this specification".
 * Left out: a home directory that only /etc/passwd knows; file systems without hard links.
 */
#ifndef TVMM_CACHEDIR_H
#define TVMM_CACHEDIR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "vmm/base/err.h"

enum { CACHEDIR_NAME_BYTES = 64 }; /* room for a name in the directory, NUL included */

struct cachedir {
	int fd;              /* -1 when closed */
	char path[PATH_MAX]; /* "" when it has none */
};

/*
 * Chooses the directory, makes it where it is missing (mode 0700, parents too) and opens it.
 * Returns 0, or -errno with *e telling why it cannot be used; dir->fd is -1 then.
 */
int cachedir_open(struct cachedir *dir, struct err *e);

/* Does nothing to a closed one. Files that were opened stay open. */
void cachedir_close(struct cachedir *dir);

/*
 * Opens a file for reading and looks at it. Returns its descriptor, the caller's to close;
 * -ENOENT; -EBADMSG for what is no file of ours (a link, a FIFO, another user's, ...); or -errno if
 * the host cannot say (no descriptors left, say).
 */
int cachedir_open_file(const struct cachedir *dir, const char *name, struct stat *st);

/*
 * Makes a file (mode 0600) of head's bytes, without room on the disk for longer runs of zeros among
 * them, and tail's behind them: in place of what has the name,
 * or, with new_only, -EEXIST if there is something. Returns 0 or -errno: -EFBIG beyond RLIMIT_FSIZE
 * (asked first: SIGXFSZ is never sent), -ENOSPC, -EDQUOT, -EROFS, ... Nothing is left behind then.
 */
int cachedir_put(const struct cachedir *dir, const char *name, const struct iovec *head,
		 const struct iovec *tail, bool new_only);

/* Unlinks whatever has the name; a directory only when it is empty. */
void cachedir_discard(const struct cachedir *dir, const char *name);

/* True if then is further than limit_s seconds from now, on either side: clocks have been wrong. */
bool cachedir_is_further(const struct timespec *then, int64_t limit_s);

struct cachedir_bound {
	bool (*counts)(const char *name); /* which names it is about; all others are left alone */
	uint64_t max_bytes;
	size_t max_files;
};

/*
 * Unlinks files, those with the oldest modification time first, until all that count, with
 * size_bytes for `name` whether it is there or not, keep the bound; `name` itself stays. size_bytes
 * is at most max_bytes. Temporary files older than a minute go as well: left by who was killed.
 * Returns 0, or -errno when the directory cannot be listed; then nothing is sure.
 */
int cachedir_make_room(const struct cachedir *dir, const struct cachedir_bound *bound,
		       const char *name, uint64_t size_bytes);

#endif
