/* SPDX-License-Identifier: MIT */
#include "vmm/cachenote.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/base/le.h"

#define NS_PER_S        1000000000LL
#define OLD_NS          100000000LL    /* several ticks of the slowest clock */
#define OLD_BY_S        (2 * NS_PER_S) /* where times are whole seconds */
#define MAGIC           "tvmmnote"
#define BOOT_ID         "/proc/sys/kernel/random/boot_id"
#define ZFS_MAGIC       0x2fc12fc1 /* not in <linux/magic.h>, as the other one */
#define BCACHE_FS_MAGIC 0xca451a4e

enum {
	BOOT_ID_BYTES = 36,
	NAME_DIGITS = 2 * KERNELCACHE_HASH_BYTES,
	/*
	 * 0       8      16          72      88       104
	 * | magic | kind | the state | value | check |
	 */
	NOTE_KIND = 8,
	NOTE_STATE = 16,
	NOTE_VALUE = NOTE_STATE + 7 * 8,
	NOTE_CHECK = NOTE_VALUE + KERNELCACHE_HASH_BYTES,
	NOTE_BYTES = NOTE_CHECK + KERNELCACHE_HASH_BYTES,
};

enum kind { KIND_SEEN, KIND_CHECKED };

static const char *const suffixes[] = { [KIND_SEEN] = ".seen", [KIND_CHECKED] = ".checked" };

/* ---- files ----------------------------------------------------------------------------------- */

static bool is_local(int fd)
{
	static const unsigned long magics[] = {
		EXT4_SUPER_MAGIC,      XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
		F2FS_SUPER_MAGIC,      ZFS_MAGIC,       BCACHE_FS_MAGIC,
		OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC,     RAMFS_MAGIC,
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if ((uint32_t)fs.f_type == magics[i])
			return true;
	return false;
}

static bool is_old(const struct stat *st, int64_t now_ns)
{
	int64_t least_ns = st->st_ctim.tv_nsec ? OLD_NS : OLD_BY_S, changed_ns, since_ns;

	if (__builtin_mul_overflow((int64_t)st->st_ctim.tv_sec, NS_PER_S, &changed_ns) ||
	    __builtin_add_overflow(changed_ns, (int64_t)st->st_ctim.tv_nsec, &changed_ns) ||
	    __builtin_sub_overflow(now_ns, changed_ns, &since_ns))
		return false;
	return since_ns > least_ns;
}

void cachenote_look(int fd, struct cachenote_state *state)
{
	int64_t now_ns = clock_unix_ns();
	struct stat st;

	memset(state, 0, sizeof(*state));
	if (fd < 0 || !is_local(fd) || fstat(fd, &st) < 0)
		return;
	*state = (struct cachenote_state){
		.dev = st.st_dev,
		.ino = st.st_ino,
		.size_bytes = (uint64_t)st.st_size,
		.mtime_s = st.st_mtim.tv_sec,
		.mtime_ns = st.st_mtim.tv_nsec,
		.ctime_s = st.st_ctim.tv_sec,
		.ctime_ns = st.st_ctim.tv_nsec,
		.is_local = true,
		.is_old = is_old(&st, now_ns),
	};
}

static void put_state(const struct cachenote_state *state, uint8_t to[NOTE_VALUE - NOTE_STATE])
{
	const uint64_t numbers[] = {
		state->dev,
		state->ino,
		state->size_bytes,
		(uint64_t)state->mtime_s,
		(uint64_t)state->mtime_ns,
		(uint64_t)state->ctime_s,
		(uint64_t)state->ctime_ns,
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		put_le64(to + 8 * i, numbers[i]);
}

bool cachenote_is_unchanged(const struct cachenote_state *before, int fd)
{
	uint8_t a[NOTE_VALUE - NOTE_STATE], b[NOTE_VALUE - NOTE_STATE];
	struct cachenote_state now;

	cachenote_look(fd, &now);
	put_state(before, a);
	put_state(&now, b);
	return now.is_local && memcmp(a, b, sizeof(a)) == 0;
}

/* ---- notes ----------------------------------------------------------------------------------- */

static void put_digits(const uint8_t bytes[KERNELCACHE_HASH_BYTES], enum kind kind,
		       char name[CACHEDIR_NAME_BYTES])
{
	for (size_t i = 0; i < KERNELCACHE_HASH_BYTES; i++)
		(void)snprintf(name + 2 * i, 3, "%02x", bytes[i]);
	(void)snprintf(name + NAME_DIGITS, CACHEDIR_NAME_BYTES - NAME_DIGITS, "%s", suffixes[kind]);
}

static void name_seen(const struct kernelcache *cache, const struct cachenote_state *state,
		      uint64_t offset, uint64_t size_bytes, char name[CACHEDIR_NAME_BYTES])
{
	const uint64_t where[] = { state->dev, state->ino, offset, size_bytes };
	struct kernelcache_hasher hasher;
	struct kernelcache_hash hash;

	kernelcache_hash_begin(&hasher, cache, KERNELCACHE_NOTE, NULL);
	kernelcache_hash_update(&hasher, where, sizeof(where));
	kernelcache_hash_end(&hasher, &hash);
	put_digits(hash.bytes, KIND_SEEN, name);
}

static void build(const struct kernelcache *cache, enum kind kind, const char *name,
		  const struct cachenote_state *state, const uint8_t value[KERNELCACHE_HASH_BYTES],
		  uint8_t to[NOTE_BYTES])
{
	struct kernelcache_hasher hasher;
	struct kernelcache_hash check;

	memcpy(to, MAGIC, NOTE_KIND);
	put_le64(to + NOTE_KIND, kind);
	put_state(state, to + NOTE_STATE);
	memcpy(to + NOTE_VALUE, value, KERNELCACHE_HASH_BYTES);
	kernelcache_hash_begin(&hasher, cache, KERNELCACHE_NOTE, NULL);
	kernelcache_hash_update(&hasher, name, strlen(name));
	kernelcache_hash_update(&hasher, to, NOTE_CHECK);
	kernelcache_hash_end(&hasher, &check);
	memcpy(to + NOTE_CHECK, check.bytes, sizeof(check.bytes));
}

/* The value of a note that was made on this very state. */
static bool find(const struct kernelcache *cache, enum kind kind, const char *name,
		 const struct cachenote_state *state, uint8_t value[KERNELCACHE_HASH_BYTES])
{
	uint8_t found[NOTE_BYTES], expected[NOTE_BYTES];
	struct stat st;
	ssize_t n;
	int fd = cachedir_open_file(&cache->dir, name, &st);

	if (fd < 0)
		return false;
	n = st.st_size == NOTE_BYTES ? pread(fd, found, sizeof(found), 0) : -1;
	(void)close(fd);
	if (n != sizeof(found))
		return false;
	memcpy(value, found + NOTE_VALUE, KERNELCACHE_HASH_BYTES);
	build(cache, kind, name, state, value, expected);
	return memcmp(found, expected, sizeof(found)) == 0;
}

static bool is_named(const char *name, enum kind kind)
{
	return strspn(name, "0123456789abcdef") == NAME_DIGITS &&
	       strcmp(name + NAME_DIGITS, suffixes[kind]) == 0;
}

static bool is_seen(const char *name)
{
	return is_named(name, KIND_SEEN);
}

static bool is_checked(const char *name)
{
	return is_named(name, KIND_CHECKED);
}

static void keep(const struct kernelcache *cache, enum kind kind, const char *name,
		 const struct cachenote_state *state, const uint8_t value[KERNELCACHE_HASH_BYTES])
{
	const struct cachedir_bound bound = {
		.counts = kind == KIND_SEEN ? is_seen : is_checked,
		.max_bytes = CACHENOTE_MAX * (NOTE_BYTES + 1ULL),
		.max_files = CACHENOTE_MAX,
	};
	uint8_t bytes[NOTE_BYTES];
	const struct iovec head = { bytes, sizeof(bytes) }, tail = { bytes, 0 };

	build(cache, kind, name, state, value, bytes);
	if (cachedir_make_room(&cache->dir, &bound, name, sizeof(bytes)) == 0)
		(void)cachedir_put(&cache->dir, name, &head, &tail, false);
}

/* ---- keys of packed bytes -------------------------------------------------------------------- */

bool cachenote_recall_key(const struct kernelcache *cache, const struct cachenote_state *state,
			  uint64_t offset, uint64_t size_bytes, struct kernelcache_key *key)
{
	char name[CACHEDIR_NAME_BYTES];

	if (!kernelcache_is_there(cache) || !state->is_local)
		return false;
	name_seen(cache, state, offset, size_bytes, name);
	return find(cache, KIND_SEEN, name, state, key->bytes);
}

void cachenote_keep_key(const struct kernelcache *cache, const struct cachenote_state *state,
			int fd, uint64_t offset, uint64_t size_bytes,
			const struct kernelcache_key *key)
{
	char name[CACHEDIR_NAME_BYTES];

	if (!kernelcache_is_there(cache) || !state->is_old || !cachenote_is_unchanged(state, fd))
		return;
	name_seen(cache, state, offset, size_bytes, name);
	keep(cache, KIND_SEEN, name, state, key->bytes);
}

/* ---- entries that were checked --------------------------------------------------------------- */

/* Of the text that the kernel makes anew at each start. */
static bool hash_boot_id(const struct kernelcache *cache, struct kernelcache_hash *hash)
{
	struct kernelcache_hasher hasher;
	char text[BOOT_ID_BYTES];
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		(void)close(fd);
	if (n != sizeof(text))
		return false;
	kernelcache_hash_begin(&hasher, cache, KERNELCACHE_NOTE, NULL);
	kernelcache_hash_update(&hasher, text, sizeof(text));
	kernelcache_hash_end(&hasher, hash);
	return true;
}

bool cachenote_is_checked(const struct kernelcache *cache, const struct kernelcache_key *key,
			  int fd)
{
	struct kernelcache_hash now, then;
	struct cachenote_state state;
	char name[CACHEDIR_NAME_BYTES];

	if (!kernelcache_is_there(cache))
		return false;
	cachenote_look(fd, &state);
	put_digits(key->bytes, KIND_CHECKED, name);
	return state.is_local && find(cache, KIND_CHECKED, name, &state, then.bytes) &&
	       hash_boot_id(cache, &now) && kernelcache_hash_same(&now, &then);
}

void cachenote_keep_checked(const struct kernelcache *cache, const struct kernelcache_key *key,
			    const struct cachenote_state *state, int fd)
{
	struct cachenote_state written;
	struct kernelcache_hash now;
	char name[CACHEDIR_NAME_BYTES];

	if (!kernelcache_is_there(cache) ||
	    (state && (!state->is_old || !cachenote_is_unchanged(state, fd))))
		return;
	if (!state)
		cachenote_look(fd, &written);
	else
		written = *state;
	if (!written.is_local || !hash_boot_id(cache, &now))
		return;
	put_digits(key->bytes, KIND_CHECKED, name);
	keep(cache, KIND_CHECKED, name, &written, now.bytes);
}
