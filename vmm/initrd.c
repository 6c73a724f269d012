/* SPDX-License-Identifier: MIT */
#include "vmm/initrd.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "boot/initrd.h"
#include "boot/unpack.h"
#include "vmm/base/le.h"
#include "vmm/base/must.h"
#include "vmm/base/plain.h"
#include "vmm/cmdline.h"

/* An initrd this big fits no machine that -m can name in practice; the plan knows better. */
#define INITRD_MAX_BYTES (1ULL << 40)

enum {
	RAM_SHARE = 4, /* kernel and archive: a quarter of RAM */
	RATIO_MAX =
		100, /* files of text pack to a tenth; more than this, and not small, is a bomb */
	SMALL_BYTES = 8 << 20,
	GZIP_SIZE_BYTES = 4, /* at a gzip file's end: the unpacked size */
};

void initrd_init(struct initrd *initrd)
{
	memset(initrd, 0, sizeof(*initrd));
	initrd->file.fd = initrd->unpacked.fd = -1;
	cached_init(&initrd->cached);
}

const struct input_file *initrd_image(const struct initrd *initrd)
{
	switch (initrd->origin) {
	case INITRD_UNPACKED:
		return &initrd->unpacked;
	case INITRD_FROM_CACHE:
		return &initrd->cached.entry.file;
	case INITRD_AS_IT_IS:
		break;
	}
	return &initrd->file;
}

/* ---- whether ----------------------------------------------------------------------------------- */

static bool is_looked_at(const char *cmdline)
{
	return cmdline_has_alone(cmdline, "retain_initrd") ||
	       cmdline_has_alone(cmdline, "keepinitrd") || cmdline_has_alone(cmdline, "noinitrd");
}

/* The most that may come out. */
static uint64_t limit_bytes(const struct initrd_request *request, uint64_t packed_bytes)
{
	uint64_t limit = KERNELCACHE_ENTRY_MAX_BYTES - KERNELCACHE_TRAILER_BYTES;
	uint64_t share = request->ram_bytes / RAM_SHARE, ratio;

	share = share > request->kernel_bytes ? share - request->kernel_bytes : 0;
	if (limit > share)
		limit = share;
	if (__builtin_mul_overflow(packed_bytes, (uint64_t)RATIO_MAX, &ratio))
		return limit;
	if (ratio < SMALL_BYTES)
		ratio = SMALL_BYTES;
	return limit < ratio ? limit : ratio;
}

/* ---- unpacking ------------------------------------------------------------------------------- */

static void free_memory(struct initrd *initrd)
{
	if (initrd->memory)
		(void)munmap(initrd->memory, initrd->mapped_bytes);
	initrd->memory = NULL;
}

/* True: what is in the packed bytes is in initrd->memory, and is what the guest would find. */
static bool unpack_copy(struct initrd *initrd, const uint8_t *packed, size_t packed_bytes,
			uint64_t most_bytes)
{
	size_t made_bytes;
	int rc;

	if (initrd->format == UNPACK_GZIP && packed_bytes > GZIP_SIZE_BYTES) {
		uint32_t told = get_le32(packed + packed_bytes - GZIP_SIZE_BYTES);

		if (told > most_bytes)
			return false;
		most_bytes = told;
	}
	if (most_bytes == 0)
		return false;
	initrd->mapped_bytes = most_bytes;
	initrd->memory = cached_map_memory(most_bytes);
	initrd->no_memory = !initrd->memory;
	if (initrd->no_memory)
		return false;
	rc = unpack_stream_alone(packed, packed_bytes, initrd->memory, most_bytes, &made_bytes);
	initrd->no_memory = rc == -ENOMEM;
	if (rc < 0 || made_bytes < packed_bytes ||
	    !initrd_is_archives(initrd->memory, made_bytes)) {
		free_memory(initrd);
		return false;
	}
	file_of_memory(&initrd->unpacked, "unpacked initrd", initrd->file.path, initrd->memory,
		       made_bytes);
	return true;
}

/* From a copy in memory: what is hashed is what is unpacked, whatever the file does. */
static bool unpack(struct initrd *initrd, uint64_t most_bytes)
{
	size_t size_bytes = initrd->file.size_bytes;
	uint8_t *bytes = cached_map_memory(size_bytes);
	struct input_file copy;
	struct err ignored;
	bool done;

	initrd->no_memory = !bytes;
	if (!bytes)
		return false;
	file_of_memory(&copy, initrd->file.what, initrd->file.path, bytes, size_bytes);
	done = file_read(&initrd->file, 0, bytes, size_bytes, &ignored) == 0 &&
	       unpack_copy(initrd, bytes, size_bytes, most_bytes) &&
	       cached_take_key(&initrd->cached, &copy, 0, size_bytes, &ignored) == 0;
	(void)munmap(bytes, size_bytes);
	if (done)
		initrd->origin = INITRD_UNPACKED;
	return done;
}

/* ---- the cache ------------------------------------------------------------------------------- */

/* All that a plan is made of. An entry of a kernel's is none of an initrd's. */
static void hash_facts(const struct initrd *initrd, uint64_t size_bytes,
		       struct kernelcache_hash *hash)
{
	static const char what[] = "initrd";
	struct kernelcache_hasher hasher;

	kernelcache_hash_begin(&hasher, initrd->cached.cache, KERNELCACHE_FACTS,
			       &initrd->cached.key);
	kernelcache_hash_update(&hasher, what, sizeof(what));
	kernelcache_hash_update(&hasher, &size_bytes, sizeof(size_bytes));
	kernelcache_hash_end(&hasher, hash);
}

static void hash_contents(const struct initrd *initrd, const void *bytes, uint64_t size_bytes,
			  struct kernelcache_hash *hash)
{
	struct kernelcache_hasher hasher;

	kernelcache_hash_begin(&hasher, initrd->cached.cache, KERNELCACHE_LOADED,
			       &initrd->cached.key);
	kernelcache_hash_update(&hasher, bytes, size_bytes);
	kernelcache_hash_end(&hasher, hash);
}

static bool find_in_cache(struct initrd *initrd, uint64_t most_bytes)
{
	struct kernelcache_entry *entry = &initrd->cached.entry;
	struct kernelcache_hash facts;

	if (!cached_find(&initrd->cached, &initrd->file, 0, initrd->file.size_bytes))
		return false;
	hash_facts(initrd, entry->file.size_bytes, &facts);
	if (!kernelcache_hash_same(&facts, &entry->sums.facts)) {
		cached_drop(&initrd->cached);
		return false;
	}
	if (entry->file.size_bytes > most_bytes) { /* there was more RAM when it was kept */
		file_close(&entry->file);
		return false;
	}
	initrd->origin = INITRD_FROM_CACHE;
	return true;
}

void initrd_keep(struct initrd *initrd)
{
	struct kernelcache_sums sums;

	if (initrd->origin != INITRD_UNPACKED || !kernelcache_is_there(initrd->cached.cache))
		return;
	hash_facts(initrd, initrd->unpacked.size_bytes, &sums.facts);
	hash_contents(initrd, initrd->memory, initrd->unpacked.size_bytes, &sums.loaded);
	cached_keep(&initrd->cached, &sums, initrd->memory, initrd->unpacked.size_bytes);
}

/* ---- a run's ----------------------------------------------------------------------------------- */

int initrd_open(struct initrd *initrd, const struct initrd_request *request, struct err *e)
{
	uint8_t head[UNPACK_HEAD_BYTES];
	uint64_t most_bytes;
	int rc;

	if (!request->path)
		return 0;
	rc = file_open(&initrd->file, "initrd", request->path, INITRD_MAX_BYTES, e);
	if (rc == 0)
		rc = initrd_check(&initrd->file, e);
	if (rc < 0 || request->leave_packed || is_looked_at(request->cmdline))
		return rc;
	most_bytes = limit_bytes(request, initrd->file.size_bytes);
	if (initrd->file.size_bytes < sizeof(head) || initrd->file.size_bytes > most_bytes)
		return 0;
	rc = file_read(&initrd->file, 0, head, sizeof(head), e);
	if (rc < 0)
		return rc;
	initrd->format = unpack_format_of(head, sizeof(head));
	if (initrd->format == UNPACK_UNKNOWN)
		return 0;
	cached_begin(&initrd->cached, request->cache, request->no_notes);
	if (find_in_cache(initrd, most_bytes) || unpack(initrd, most_bytes))
		initrd->unpacked_bytes = initrd_image(initrd)->size_bytes;
	return 0;
}

bool initrd_leave_packed(struct initrd *initrd)
{
	if (initrd->origin == INITRD_AS_IT_IS)
		return false;
	file_close(&initrd->cached.entry.file);
	free_memory(initrd);
	initrd->origin = INITRD_AS_IT_IS;
	return true;
}

/* For the plan that was made with what was in the cache. */
static int unpack_again(struct initrd *initrd, struct err *e)
{
	cached_drop(&initrd->cached);
	if (unpack(initrd, initrd->unpacked_bytes) &&
	    initrd->unpacked.size_bytes == initrd->unpacked_bytes)
		return 0;
	if (initrd->no_memory)
		return err_sys(e, ENOMEM, "initrd %s: no memory to unpack it in",
			       initrd->file.path);
	return err_set(e, EIO, "initrd %s: changed while it was read; is it being written?",
		       initrd->file.path);
}

static bool is_whole(const struct initrd *initrd, const uint8_t *at)
{
	struct kernelcache_hash hash;

	if (initrd->origin != INITRD_FROM_CACHE || cached_is_whole(&initrd->cached))
		return true;
	hash_contents(initrd, at, initrd->unpacked_bytes, &hash);
	if (!kernelcache_hash_same(&hash, &initrd->cached.entry.sums.loaded))
		return false;
	cached_note_whole(&initrd->cached);
	return true;
}

int initrd_place(struct initrd *initrd, uint8_t *to, struct err *e)
{
	const struct input_file *image = initrd_image(initrd);
	int rc;

	must(to != NULL);
	rc = file_read(image, 0, to, image->size_bytes, e);
	if (rc == 0 && is_whole(initrd, to))
		return 0;
	if (initrd->origin != INITRD_FROM_CACHE)
		return rc;
	rc = unpack_again(initrd, e);
	if (rc == 0)
		rc = file_read(&initrd->unpacked, 0, to, initrd->unpacked.size_bytes, e);
	return rc;
}

const char *initrd_how(const struct initrd *initrd, char *to, size_t size)
{
	static const char *const when[] = {
		[INITRD_UNPACKED] = "now", [INITRD_FROM_CACHE] = "before"
	};

	must(size > 0);
	to[0] = '\0';
	if (initrd->origin != INITRD_AS_IT_IS)
		(void)snprintf(to, size, "%s, unpacked on the host %s",
			       unpack_format_name(initrd->format), when[initrd->origin]);
	return to;
}

void initrd_explain(const struct initrd *initrd, FILE *out)
{
	char how[64];

	if (initrd->no_memory)
		(void)fputs("  initrd             left to the guest: no memory to unpack it here\n",
			    out);
	if (initrd->origin == INITRD_AS_IT_IS)
		return;
	(void)fprintf(out, "  initrd             %s", initrd_how(initrd, how, sizeof(how)));
	if (initrd->origin == INITRD_FROM_CACHE) {
		(void)fputs(": ", out);
		plain_print(initrd->cached.entry.path, out);
	}
	cached_explain(&initrd->cached, initrd->origin == INITRD_FROM_CACHE, out);
	(void)fputc('\n', out);
}

void initrd_finish(struct initrd *initrd)
{
	file_close(&initrd->file);
	cached_finish(&initrd->cached);
	free_memory(initrd);
}
