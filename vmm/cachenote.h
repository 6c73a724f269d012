/* SPDX-License-Identifier: MIT */
/*
 * What the cache remembers of files, so that a run need not read again what an earlier one has
 * read. Two kinds of notes, small files beside the entries (vmm/kernelcache.h):
 *
 *   <32 hex digits>.seen     the packed bytes in such a file have this key. Named by the file's
 *                            device and inode and where in it the bytes are.
 *   <key>.checked            the entry of this key was checked in full, since this host started.
 *
 * Each holds what stat() told of the file then: device, inode, size, and the times of the last
 * change to contents (mtime) and to anything (ctime), in nanoseconds. It is believed as long as not
 * one of them is another. Nobody but the kernel sets a ctime; so a file that was overwritten and
 * given its old size and mtime is noticed.
 *
 * A ctime tells a change only from those at another tick of the clock. So a note on a file is made
 * only if its ctime was a tenth of a second old before the file was read (two seconds when it is
 * whole seconds, as some file systems keep them); whatever comes later has another one then. And
 * only on file systems that this host's kernel keeps by itself: a server's clock and its crashes
 * are its own, and a FUSE daemon may say what it likes.
 *
 * A check holds until the host starts anew, because it is then that files come back short or full
 * of zeros: until then the host gives back what was written. Its note names the host's start
 * (boot_id). The entry's time is renewed once an hour (kernelcache_find()), which changes its ctime:
 * so an entry in use is checked in full once an hour. What is not noticed in between: a disk or
 * memory that gives back other bytes than were written, without a word of it. The same disk and
 * memory hold every other file.
 *
 * Notes carry a hash with the cache's secret over name and contents: a torn or foreign one is none.
 * There are at most CACHENOTE_MAX of each kind, the oldest go first.
 *
 * Authority: stat(2) and inode(7) of the Linux man-pages, "Timestamp fields"; [LINUX] random(4),
 * boot_id.
 * Left out: a file that somebody keeps writing to through a shared mapping, made before its last
 * tenth of a second: its ctime stands still while its pages are dirty.
 */
#ifndef TVMM_CACHENOTE_H
#define TVMM_CACHENOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/kernelcache.h"

enum { CACHENOTE_MAX = 128 };

/* A file at a moment. All zero: one that nothing is known of, and no note is made or found of it. */
struct cachenote_state {
	uint64_t dev, ino, size_bytes;
	int64_t mtime_s, mtime_ns, ctime_s, ctime_ns;
	bool is_local; /* its ctime is this kernel's */
	bool is_old;   /* and so old that a change after this look gives it another one */
};

/* Takes the state of an open file now: before it is read. */
void cachenote_look(int fd, struct cachenote_state *state);

/* Whether fd's file is still in the state that was taken before. */
bool cachenote_is_unchanged(const struct cachenote_state *before, int fd);

/*
 * The key of size_bytes at offset in the file, noted when it was in this very state. False: no note.
 */
bool cachenote_recall_key(const struct kernelcache *cache, const struct cachenote_state *state,
			  uint64_t offset, uint64_t size_bytes, struct kernelcache_key *key);

/*
 * Notes the key of what was read after the look that gave state, if fd's file is still in it and
 * was old. Nothing that goes wrong matters.
 */
void cachenote_keep_key(const struct kernelcache *cache, const struct cachenote_state *state,
			int fd, uint64_t offset, uint64_t size_bytes,
			const struct kernelcache_key *key);

/* Whether this entry, open as fd, is as it was when it was checked, since this host started. */
bool cachenote_is_checked(const struct kernelcache *cache, const struct kernelcache_key *key,
			  int fd);

/*
 * Notes that the entry was found whole, after the look that gave state; or, with state NULL, that it
 * was written by this process, which knows what it has written.
 */
void cachenote_keep_checked(const struct kernelcache *cache, const struct kernelcache_key *key,
			    const struct cachenote_state *state, int fd);

#endif
