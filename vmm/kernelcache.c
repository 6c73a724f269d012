/* SPDX-License-Identifier: MIT */
#include "vmm/kernelcache.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/le.h"
#include "vmm/base/must.h"

/* Changes when older entries must not be found any more: a new layout, or an unpacker mended. */
enum { FORMAT_VERSION = 1 };

enum {
	SECRET_CHECK_BYTES = 8,
	SEED_BYTES = KERNELCACHE_SECRET_BYTES + SECRET_CHECK_BYTES,
	SEED_TRIES = 4, /* others may make or mend it at the same time */

	KEY_DIGITS = 2 * KERNELCACHE_HASH_BYTES,
	TOUCH_AFTER_S = 3600,
	KEY_PIECE_BYTES = 64 << 10,
};

#define SEED_NAME    "seed"
#define ENTRY_SUFFIX ".unpacked"
#define OLD_SUFFIX   ".kernel" /* of earlier versions: never found, evicted in time */
#define MAGIC        "tvmmkrnl"

_Static_assert(KERNELCACHE_SECRET_BYTES >= XXH3_SECRET_SIZE_MIN, "what XXH3 asks for");

/*
 * An entry's trailer, little-endian. The check is over all before it, with the secret.
 *
 *   0       8         12              16          24    40      56       72      80
 *   | magic | version | trailer bytes | ELF bytes | key | facts | loaded | check |
 */
enum {
	TRAILER_VERSION = 8,
	TRAILER_SIZE = 12,
	TRAILER_ELF_BYTES = 16,
	TRAILER_KEY = 24,
	TRAILER_FACTS = 40,
	TRAILER_LOADED = 56,
	TRAILER_CHECK = 72,
};

/* What each hash begins with: magic, version, subject, and the key where there is one. */
enum {
	PREFIX_VERSION = 8,
	PREFIX_SUBJECT = 12,
	PREFIX_KEY = 16,
	PREFIX_BYTES = PREFIX_KEY + KERNELCACHE_HASH_BYTES,
};

/* --- hashes ------------------------------------------------------------------------------- */

void kernelcache_hash_begin(struct kernelcache_hasher *hasher, const struct kernelcache *cache,
			    enum kernelcache_subject subject, const struct kernelcache_key *key)
{
	uint8_t prefix[PREFIX_BYTES] = MAGIC;

	must(kernelcache_is_there(cache));
	must((key == NULL) == (subject == KERNELCACHE_PACKED || subject == KERNELCACHE_NOTE));
	put_le32(prefix + PREFIX_VERSION, FORMAT_VERSION);
	put_le32(prefix + PREFIX_SUBJECT, subject);
	if (key)
		memcpy(prefix + PREFIX_KEY, key->bytes, sizeof(key->bytes));
	(void)XXH3_128bits_reset_withSecret(&hasher->state, cache->secret, sizeof(cache->secret));
	(void)XXH3_128bits_update(&hasher->state, prefix, sizeof(prefix));
}

void kernelcache_hash_update(struct kernelcache_hasher *hasher, const void *bytes,
			     size_t size_bytes)
{
	if (size_bytes)
		(void)XXH3_128bits_update(&hasher->state, bytes, size_bytes);
}

void kernelcache_hash_end(const struct kernelcache_hasher *hasher, struct kernelcache_hash *hash)
{
	XXH128_hash_t value = XXH3_128bits_digest(&hasher->state);

	put_le64(hash->bytes, value.low64);
	put_le64(hash->bytes + 8, value.high64);
}

bool kernelcache_hash_same(const struct kernelcache_hash *a, const struct kernelcache_hash *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* In pieces that stay in the CPU's cache between being read and being hashed. */
int kernelcache_key_of(const struct kernelcache *cache, const struct input_file *file,
		       uint64_t offset, uint64_t size_bytes, struct kernelcache_key *key,
		       struct err *e)
{
	uint8_t piece[KEY_PIECE_BYTES];
	struct kernelcache_hasher hasher;
	struct kernelcache_hash hash;

	if (offset > file->size_bytes || size_bytes > file->size_bytes - offset)
		return err_set(e, EIO, "%s %s: ends at offset %" PRIu64, file->what, file->path,
			       file->size_bytes);
	kernelcache_hash_begin(&hasher, cache, KERNELCACHE_PACKED, NULL);
	while (size_bytes) {
		size_t n = size_bytes < sizeof(piece) ? (size_t)size_bytes : sizeof(piece);
		int rc = file_read(file, offset, piece, n, e);

		if (rc < 0)
			return rc;
		kernelcache_hash_update(&hasher, piece, n);
		offset += n;
		size_bytes -= n;
	}
	kernelcache_hash_end(&hasher, &hash);
	memcpy(key->bytes, hash.bytes, sizeof(key->bytes));
	return 0;
}

/* --- the seed ----------------------------------------------------------------------------- */

/* The whole of it, or -EBADMSG when the file is shorter. */
static int read_at(int fd, uint64_t offset, void *to, size_t size_bytes)
{
	uint8_t *at = to;

	while (size_bytes) {
		ssize_t n = pread(fd, at, size_bytes, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		at += n;
		offset += (uint64_t)n;
		size_bytes -= (size_t)n;
	}
	return 0;
}

/* Tells a seed file that a crash left full of zeros. */
static void put_secret_check(uint8_t seed[SEED_BYTES])
{
	put_le64(seed + KERNELCACHE_SECRET_BYTES, XXH3_64bits(seed, KERNELCACHE_SECRET_BYTES));
}

static int load_secret(struct kernelcache *cache)
{
	uint8_t seed[SEED_BYTES], expected[SEED_BYTES];
	struct stat st;
	int fd = cachedir_open_file(&cache->dir, SEED_NAME, &st);
	int rc;

	if (fd < 0)
		return fd;
	rc = st.st_size == SEED_BYTES ? read_at(fd, 0, seed, sizeof(seed)) : -EBADMSG;
	(void)close(fd);
	if (rc < 0)
		return rc;
	memcpy(expected, seed, sizeof(expected));
	put_secret_check(expected);
	if (memcmp(seed, expected, sizeof(seed)) != 0)
		return -EBADMSG;
	memcpy(cache->secret, seed, sizeof(cache->secret));
	return 0;
}

static int make_seed(const struct kernelcache *cache)
{
	uint8_t seed[SEED_BYTES];
	const struct iovec head = { seed, KERNELCACHE_SECRET_BYTES };
	const struct iovec tail = { seed + KERNELCACHE_SECRET_BYTES, SECRET_CHECK_BYTES };

	if (getrandom(seed, KERNELCACHE_SECRET_BYTES, GRND_NONBLOCK) != KERNELCACHE_SECRET_BYTES)
		return -EAGAIN;
	put_secret_check(seed);
	return cachedir_put(&cache->dir, SEED_NAME, &head, &tail, true);
}

/*
 * Whoever links the seed first wins, and the others read that one. A damaged one is unlinked; when
 * two do so at once, the second may unlink the first's new one, and what the first stores is not
 * found again: a miss, and evicted in time.
 */
static int open_seed(struct kernelcache *cache)
{
	int rc = load_secret(cache);

	for (int i = 0; i < SEED_TRIES && (rc == -ENOENT || rc == -EBADMSG); i++) {
		if (rc == -EBADMSG)
			cachedir_discard(&cache->dir, SEED_NAME);
		rc = make_seed(cache);
		if (rc == 0 || rc == -EEXIST)
			rc = load_secret(cache);
	}
	if (rc == -EBADMSG)
		return err_set(&cache->why, EBADMSG,
			       "%s/%s: is no seed and cannot be replaced; remove it",
			       cache->dir.path, SEED_NAME);
	if (rc < 0)
		return err_sys(&cache->why, -rc, "%s/%s: cannot be had", cache->dir.path,
			       SEED_NAME);
	return 0;
}

void kernelcache_init(struct kernelcache *cache)
{
	memset(cache, 0, sizeof(*cache));
	cache->dir.fd = -1;
}

void kernelcache_none(struct kernelcache *cache, const char *why)
{
	kernelcache_init(cache);
	cache->is_asked = true;
	(void)err_set(&cache->why, ENOENT, "%s", why);
}

void kernelcache_open(struct kernelcache *cache)
{
	if (cache->is_asked)
		return;
	cache->is_asked = true;
	if (cachedir_open(&cache->dir, &cache->why) == 0 && open_seed(cache) < 0)
		cachedir_close(&cache->dir);
}

bool kernelcache_is_there(const struct kernelcache *cache)
{
	return cache->dir.fd >= 0;
}

void kernelcache_close(struct kernelcache *cache)
{
	cachedir_close(&cache->dir);
}

/* --- finding ------------------------------------------------------------------------------ */

static void entry_name(const struct kernelcache_key *key, char name[CACHEDIR_NAME_BYTES])
{
	for (size_t i = 0; i < sizeof(key->bytes); i++)
		(void)snprintf(name + 2 * i, 3, "%02x", key->bytes[i]);
	(void)memcpy(name + KEY_DIGITS, ENTRY_SUFFIX, sizeof(ENTRY_SUFFIX));
}

static void trailer_build(const struct kernelcache *cache, const struct kernelcache_key *key,
			  const struct kernelcache_sums *sums, uint64_t elf_bytes,
			  uint8_t to[KERNELCACHE_TRAILER_BYTES])
{
	memcpy(to, MAGIC, TRAILER_VERSION);
	put_le32(to + TRAILER_VERSION, FORMAT_VERSION);
	put_le32(to + TRAILER_SIZE, KERNELCACHE_TRAILER_BYTES);
	put_le64(to + TRAILER_ELF_BYTES, elf_bytes);
	memcpy(to + TRAILER_KEY, key->bytes, sizeof(key->bytes));
	memcpy(to + TRAILER_FACTS, sums->facts.bytes, sizeof(sums->facts.bytes));
	memcpy(to + TRAILER_LOADED, sums->loaded.bytes, sizeof(sums->loaded.bytes));
	put_le64(to + TRAILER_CHECK,
		 XXH3_64bits_withSecret(to, TRAILER_CHECK, cache->secret, sizeof(cache->secret)));
}

/* Only the sums are taken from the trailer; everything else has to be what it would be today. */
static int read_trailer(const struct kernelcache *cache, const struct kernelcache_key *key, int fd,
			uint64_t elf_bytes, struct kernelcache_sums *sums)
{
	uint8_t found[KERNELCACHE_TRAILER_BYTES], expected[KERNELCACHE_TRAILER_BYTES];
	int rc = read_at(fd, elf_bytes, found, sizeof(found));

	if (rc < 0)
		return rc;
	memcpy(sums->facts.bytes, found + TRAILER_FACTS, sizeof(sums->facts.bytes));
	memcpy(sums->loaded.bytes, found + TRAILER_LOADED, sizeof(sums->loaded.bytes));
	trailer_build(cache, key, sums, elf_bytes, expected);
	return memcmp(found, expected, sizeof(found)) == 0 ? 0 : -EBADMSG;
}

/* Returns the entry's descriptor, or -errno as kernelcache_find() does; unlinks nothing. */
static int open_entry(const struct kernelcache *cache, const struct kernelcache_key *key,
		      const char *name, struct stat *st, struct kernelcache_sums *sums)
{
	int fd = cachedir_open_file(&cache->dir, name, st);
	int rc = -EBADMSG;

	if (fd < 0)
		return fd;
	if (st->st_size > KERNELCACHE_TRAILER_BYTES)
		rc = read_trailer(cache, key, fd, (uint64_t)st->st_size - KERNELCACHE_TRAILER_BYTES,
				  sums);
	if (rc == 0)
		return fd;
	(void)close(fd);
	return rc;
}

int kernelcache_find(const struct kernelcache *cache, const struct kernelcache_key *key,
		     struct kernelcache_entry *entry)
{
	char name[CACHEDIR_NAME_BYTES];
	struct stat st;
	int fd;

	entry->file = (struct input_file){ .fd = -1, .path = entry->path, .what = "cached file" };
	entry->path[0] = '\0';
	if (!kernelcache_is_there(cache))
		return -ENOENT;
	entry_name(key, name);
	(void)snprintf(entry->path, sizeof(entry->path), "%s/%s", cache->dir.path, name);
	fd = open_entry(cache, key, name, &st, &entry->sums);
	if (fd == -EBADMSG)
		cachedir_discard(&cache->dir, name);
	if (fd < 0)
		return fd;
	if (cachedir_is_further(&st.st_mtim, TOUCH_AFTER_S))
		(void)futimens(fd, NULL);
	entry->file.fd = fd;
	entry->file.size_bytes = (uint64_t)st.st_size - KERNELCACHE_TRAILER_BYTES;
	entry->file.sparse = file_is_sparse(&st);
	return 0;
}

void kernelcache_drop(const struct kernelcache *cache, const struct kernelcache_key *key)
{
	char name[CACHEDIR_NAME_BYTES];

	if (!kernelcache_is_there(cache))
		return;
	entry_name(key, name);
	cachedir_discard(&cache->dir, name);
}

/* --- storing ------------------------------------------------------------------------------ */

static bool is_entry_name(const char *name)
{
	return strspn(name, "0123456789abcdef") == KEY_DIGITS &&
	       (strcmp(name + KEY_DIGITS, ENTRY_SUFFIX) == 0 ||
		strcmp(name + KEY_DIGITS, OLD_SUFFIX) == 0);
}

static const struct cachedir_bound bound = {
	.counts = is_entry_name,
	.max_bytes = KERNELCACHE_MAX_BYTES,
	.max_files = KERNELCACHE_MAX_ENTRIES,
};

static bool is_stored(const struct kernelcache *cache, const struct kernelcache_key *key,
		      const struct kernelcache_sums *sums, const char *name)
{
	struct kernelcache_sums found;
	struct stat st;
	int fd = open_entry(cache, key, name, &st, &found);

	if (fd < 0)
		return false;
	(void)close(fd);
	return kernelcache_hash_same(&found.facts, &sums->facts) &&
	       kernelcache_hash_same(&found.loaded, &sums->loaded);
}

int kernelcache_store(const struct kernelcache *cache, const struct kernelcache_key *key,
		      const struct kernelcache_sums *sums, const void *elf, uint64_t elf_bytes)
{
	uint8_t trailer[KERNELCACHE_TRAILER_BYTES];
	const struct iovec head = { (void *)(uintptr_t)elf, elf_bytes };
	const struct iovec tail = { trailer, sizeof(trailer) };
	uint64_t size_bytes;
	char name[CACHEDIR_NAME_BYTES];
	int rc;

	if (!kernelcache_is_there(cache))
		return -ENOENT;
	must(elf_bytes > 0);
	if (elf_bytes > KERNELCACHE_ENTRY_MAX_BYTES - sizeof(trailer))
		return -EFBIG;
	size_bytes = elf_bytes + sizeof(trailer);
	entry_name(key, name);
	if (is_stored(cache, key, sums, name))
		return 0;
	rc = cachedir_make_room(&cache->dir, &bound, name, size_bytes);
	if (rc < 0)
		return rc;
	trailer_build(cache, key, sums, elf_bytes, trailer);
	rc = cachedir_put(&cache->dir, name, &head, &tail, false);
	/* Others may have stored meanwhile; the last of them sees all that there is. */
	if (rc == 0)
		(void)cachedir_make_room(&cache->dir, &bound, name, size_bytes);
	return rc;
}
