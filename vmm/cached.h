/* SPDX-License-Identifier: MIT */
/*
 * One thing that a run takes unpacked out of a file, a kernel or an initrd, on its way through the
 * cache: where it is found (vmm/kernelcache.h), whether it was checked before (vmm/cachenote.h), and
 * that it is kept. What is in it, how it is unpacked and what its hashes are made of is the
 * caller's.
 */
#ifndef TVMM_CACHED_H
#define TVMM_CACHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/base/err.h"
#include "vmm/base/file.h"
#include "vmm/cachenote.h"
#include "vmm/kernelcache.h"

/* Points into itself: not to be copied. */
struct cached {
	struct kernelcache *cache; /* borrowed; opened when it is needed */
	bool no_notes;             /* neither believed nor made */

	const struct input_file *file;      /* the packed bytes are */
	uint64_t offset, size_bytes;        /* there, in it */
	struct kernelcache_key key;         /* of them */
	struct kernelcache_entry entry;     /* after cached_find() */
	bool is_noted;                      /* the key is a note's: the bytes were not read */
	bool is_checked;                    /* the entry was, since the host started */
	struct cachenote_state seen, found; /* file and entry, before they were read */
	int not_kept; /* errno that says why the cache did not take it; 0: it did, or was not asked */
};

/* Nothing is open; nothing is known. */
void cached_init(struct cached *cached);

/* Memory to unpack into, all zero, in huge pages where it can be; to be given to munmap(). NULL: none. */
void *cached_map_memory(size_t size_bytes);
void cached_begin(struct cached *cached, struct kernelcache *cache, bool no_notes);

/*
 * Opens the cache, and looks there for what is packed in size_bytes at offset of file (borrowed).
 * True: entry is open; its facts and its bytes are to be compared with entry.sums yet.
 */
bool cached_find(struct cached *cached, const struct input_file *file, uint64_t offset,
		 uint64_t size_bytes);

/* Takes the key from bytes that were read, and are unpacked. Nothing if there is no cache. */
int cached_take_key(struct cached *cached, const struct input_file *copy, uint64_t offset,
		    uint64_t size_bytes, struct err *e);

/* Whether the entry's bytes need not be compared: they were, and nobody has touched it since. */
bool cached_is_whole(const struct cached *cached);

/* They were compared, and are whole. */
void cached_note_whole(const struct cached *cached);

/* The entry is not what it should be: throws it out and closes it. */
void cached_drop(struct cached *cached);

/* Keeps what came out, for the next run. */
void cached_keep(struct cached *cached, const struct kernelcache_sums *sums, const void *bytes,
		 uint64_t size_bytes);

/* "; not kept: ..." and the like, for -explain. */
void cached_explain(const struct cached *cached, bool from_cache, FILE *out);

void cached_finish(struct cached *cached);

#endif
