/* SPDX-License-Identifier: MIT */
/*
 * Unpacked kernels and initrds, kept between runs: one file in $XDG_CACHE_HOME/tvmm for each packed
 * payload or initrd, named by the hash of the payload's bytes. A cache is a convenience: nothing here prints, nothing
 * here can fail a boot, and nothing that comes out of it is believed before its hash was compared:
 * by this run, or by one before it since the host started (vmm/cachenote.h).
 *
 *   <32 hex digits>.unpacked  an entry: the unpacked ELF file as it came out, then a trailer
 *   seed                    192 random bytes, made once, and their check
 *   *.seen, *.checked       what need not be read again: vmm/cachenote.h
 *   tmp-<16 hex digits>     being written, or left by a run that was killed
 *
 * A run goes like this with a kernel (an initrd has no facts but its size):
 *
 *   1. kernelcache_key_of(): the payload is read once, in pieces.
 *   2. kernelcache_find(): entry.file is an input file like any other.
 *   3. Parse it, and hash the facts that came out (KERNELCACHE_FACTS): which bytes go where, and
 *      where the guest begins. They must be entry.sums.facts. Only then plan.
 *   4. Place it, and hash the bytes where the guest will see them (KERNELCACHE_LOADED), segment by
 *      segment in the order of the facts, before a vCPU runs. They must be entry.sums.loaded.
 *   5. Found nothing, could not parse or read, or one of the hashes differs: kernelcache_drop().
 *      Read the payload into memory, take the key again of just these bytes (the file may have
 *      been rebuilt meanwhile), unpack them, parse what came out, hash facts and segments in the
 *      same way, kernelcache_store(), and place from memory what was to be placed.
 *
 * So every byte and every address that reaches the guest was compared, whatever happens to the
 * file at any time, and no byte is copied twice. What an earlier run has read and compared, and
 * nobody has changed since, is not read for 1. and not compared for 4.: notes tell so. The facts come first, because a plan made of
 * damaged facts would refuse a kernel that is in order. How facts become bytes is the caller's;
 * every number that the plan is made of belongs in, the segments' lengths above all. How the bytes
 * are cut into updates makes no difference.
 *
 * Who is feared: damage (a torn write, a full disk, bad memory, another version's file), other
 * users of the host, and the author of a kernel that is run once and would like to come back as
 * another kernel. XXH3 is fast and not cryptographic: whoever knows its secret can make two
 * payloads of one hash. So the secret is random, another one for each cache, and told to nobody: a
 * pair of kernels cannot be crafted in advance, and what is left is guessing, once per run. Not
 * feared: the user, and what runs as the user. They can change the kernel itself, and tvmm.
 *
 * Bounded: KERNELCACHE_MAX_BYTES and KERNELCACHE_MAX_ENTRIES; the entries not used for the longest
 * time go first (modification time, renewed by a hit; a clock that was set back spoils the order,
 * no more). The bound is kept before and after each store, so that many at once exceed it only
 * while they write.
 *
 * Where the files lie and how they stay whole while many tvmm work on them: vmm/cachedir.h. An
 * entry that a crash of the host left short or full of zeros is told by its size, its trailer or
 * its hashes, which are all compared after the host has started anew.
 *
 * Authority: [XXHASH] XXH3_128bits_withSecret() (what a secret is for).
 * Left out: locks. Two that miss the same kernel at once both unpack it, and one entry stays.
 */
#ifndef TVMM_KERNELCACHE_H
#define TVMM_KERNELCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XXH_STATIC_LINKING_ONLY /* the size of XXH3_state_t */
#include <xxhash.h>

#include "vmm/base/err.h"
#include "vmm/base/file.h"
#include "vmm/cachedir.h"

#define KERNELCACHE_MAX_BYTES (512ULL << 20)
/* An entry, trailer included; a bigger one would push too many others out, and is not stored. */
#define KERNELCACHE_ENTRY_MAX_BYTES (KERNELCACHE_MAX_BYTES / 2)

enum {
	KERNELCACHE_MAX_ENTRIES = 64,
	KERNELCACHE_SECRET_BYTES = 192,
	KERNELCACHE_HASH_BYTES = 16,
	KERNELCACHE_TRAILER_BYTES = 80,
	KERNELCACHE_PATH_BYTES = PATH_MAX + CACHEDIR_NAME_BYTES,
};

struct kernelcache {
	struct cachedir dir; /* closed: there is no cache */
	bool is_asked;       /* opened, or said not to be there */
	uint8_t secret[KERNELCACHE_SECRET_BYTES];
	struct err why; /* why there is no cache; code 0 when there is one */
};

/* Which packed payload: names an entry. */
struct kernelcache_key {
	uint8_t bytes[KERNELCACHE_HASH_BYTES];
};

struct kernelcache_hash {
	uint8_t bytes[KERNELCACHE_HASH_BYTES];
};

/* What an entry has to turn out to be. */
struct kernelcache_sums {
	struct kernelcache_hash facts;
	struct kernelcache_hash loaded;
};

/* Points into itself: not to be copied. */
struct kernelcache_entry {
	struct input_file file; /* "cached file"; its size is the ELF part's */
	struct kernelcache_sums sums;
	char path[KERNELCACHE_PATH_BYTES];
};

/* Not there, and nobody has asked for it yet. */
void kernelcache_init(struct kernelcache *cache);

/*
 * Opens the directory and its seed, or makes them. Whatever is wrong leaves a cache that is not
 * there, and the reason in `why`: a line for a reader that begins with the path. Does nothing the
 * second time, or after kernelcache_none().
 */
void kernelcache_open(struct kernelcache *cache);
bool kernelcache_is_there(const struct kernelcache *cache);

/* A cache that is not there; why is borrowed for the call ("--no-cache was given"). */
void kernelcache_none(struct kernelcache *cache, const char *why);

/* Closes the directory; entries that are open stay open. Nothing happens if there is no cache. */
void kernelcache_close(struct kernelcache *cache);

/* What is hashed. The hashes of the same bytes as one and as the other have nothing in common. */
enum kernelcache_subject {
	KERNELCACHE_PACKED = 1, /* a payload; made into a key by kernelcache_key_of() */
	KERNELCACHE_FACTS = 2,
	KERNELCACHE_LOADED = 3,
	KERNELCACHE_NOTE = 4, /* vmm/cachenote.h */
};

/* A hash on its way: aligned to 64 bytes, so on the stack or static, not from malloc(). */
struct kernelcache_hasher {
	XXH3_state_t state;
};

/*
 * begin, update any number of times, end. The cache must be there, and stay until the end; key is
 * NULL for KERNELCACHE_PACKED and _NOTE only. An entry's bytes under another entry's name hash differently.
 */
void kernelcache_hash_begin(struct kernelcache_hasher *hasher, const struct kernelcache *cache,
			    enum kernelcache_subject subject, const struct kernelcache_key *key);
void kernelcache_hash_update(struct kernelcache_hasher *hasher, const void *bytes,
			     size_t size_bytes);
void kernelcache_hash_end(const struct kernelcache_hasher *hasher, struct kernelcache_hash *hash);

bool kernelcache_hash_same(const struct kernelcache_hash *a, const struct kernelcache_hash *b);

/*
 * The key of size_bytes at offset in file, which may be in memory. The cache must be there.
 * Returns 0, or -errno with *e filled when the file cannot be read to there.
 */
int kernelcache_key_of(const struct kernelcache *cache, const struct input_file *file,
		       uint64_t offset, uint64_t size_bytes, struct kernelcache_key *key,
		       struct err *e);

/*
 * Opens the entry of this key, and renews its time (once an hour at most). Returns
 *   0         it is there and whole by its size and its trailer; the caller ends with
 *             file_close(&entry->file)
 *   -ENOENT   it is not there, or there is no cache
 *   -EBADMSG  what had its name was damaged or no file of ours; it was unlinked, never followed
 *   -errno    the host could not say (no descriptors left, say); nothing was changed
 * entry->file is closed unless 0.
 */
int kernelcache_find(const struct kernelcache *cache, const struct kernelcache_key *key,
		     struct kernelcache_entry *entry);

/* Unlinks the entry that turned out wrong; it stays readable for those who have it open. */
void kernelcache_drop(const struct kernelcache *cache, const struct kernelcache_key *key);

/*
 * Keeps the ELF file elf[0 .. elf_bytes) under key, at the cost of the least recently used. One
 * that is there already with the same sums is left as it is.
 * Returns 0, or why it is not kept, for --explain: -ENOENT no cache, -EFBIG beyond
 * KERNELCACHE_ENTRY_MAX_BYTES or RLIMIT_FSIZE, -ENOSPC, -EDQUOT, -EROFS, ... Nothing half-written
 * is left, and no SIGXFSZ is sent.
 */
int kernelcache_store(const struct kernelcache *cache, const struct kernelcache_key *key,
		      const struct kernelcache_sums *sums, const void *elf, uint64_t elf_bytes);

#endif
