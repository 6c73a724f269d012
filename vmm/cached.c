/* SPDX-License-Identifier: MIT */
#include "vmm/cached.h"

#include <string.h>
#include <sys/mman.h>

#include "vmm/base/plain.h"

void cached_init(struct cached *cached)
{
	memset(cached, 0, sizeof(*cached));
	cached->entry.file.fd = -1;
}

void *cached_map_memory(size_t size_bytes)
{
	void *memory = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	(void)madvise(memory, size_bytes, MADV_HUGEPAGE);
	return memory;
}

void cached_begin(struct cached *cached, struct kernelcache *cache, bool no_notes)
{
	cached->cache = cache;
	cached->no_notes = no_notes;
}

/* The packed bytes' key: as an earlier run noted it, or from the bytes. */
static bool find_key(struct cached *c)
{
	struct err ignored;

	if (!c->no_notes)
		cachenote_look(c->file->fd, &c->seen);
	c->is_noted = cachenote_recall_key(c->cache, &c->seen, c->offset, c->size_bytes, &c->key);
	return c->is_noted || kernelcache_key_of(c->cache, c->file, c->offset, c->size_bytes,
						 &c->key, &ignored) == 0;
}

static void note_key(const struct cached *c)
{
	if (!c->is_noted)
		cachenote_keep_key(c->cache, &c->seen, c->file->fd, c->offset, c->size_bytes,
				   &c->key);
}

bool cached_find(struct cached *c, const struct input_file *file, uint64_t offset,
		 uint64_t size_bytes)
{
	c->file = file;
	c->offset = offset;
	c->size_bytes = size_bytes;
	kernelcache_open(c->cache);
	if (!kernelcache_is_there(c->cache) || !find_key(c) ||
	    kernelcache_find(c->cache, &c->key, &c->entry) < 0)
		return false;
	note_key(c);
	if (c->no_notes)
		return true;
	cachenote_look(c->entry.file.fd, &c->found);
	c->is_checked = cachenote_is_checked(c->cache, &c->key, c->entry.file.fd);
	return true;
}

int cached_take_key(struct cached *c, const struct input_file *copy, uint64_t offset,
		    uint64_t size_bytes, struct err *e)
{
	if (!kernelcache_is_there(c->cache))
		return 0;
	return kernelcache_key_of(c->cache, copy, offset, size_bytes, &c->key, e);
}

bool cached_is_whole(const struct cached *c)
{
	return c->is_checked && cachenote_is_unchanged(&c->found, c->entry.file.fd);
}

void cached_note_whole(const struct cached *c)
{
	if (!c->no_notes)
		cachenote_keep_checked(c->cache, &c->key, &c->found, c->entry.file.fd);
}

void cached_drop(struct cached *c)
{
	kernelcache_drop(c->cache, &c->key);
	file_close(&c->entry.file);
}

void cached_keep(struct cached *c, const struct kernelcache_sums *sums, const void *bytes,
		 uint64_t size_bytes)
{
	c->not_kept = -kernelcache_store(c->cache, &c->key, sums, bytes, size_bytes);
	if (c->not_kept || c->no_notes)
		return;
	note_key(c);
	file_close(&c->entry.file);
	if (kernelcache_find(c->cache, &c->key, &c->entry) < 0)
		return;
	cachenote_keep_checked(c->cache, &c->key, NULL, c->entry.file.fd);
	file_close(&c->entry.file);
}

void cached_explain(const struct cached *c, bool from_cache, FILE *out)
{
	if (from_cache && c->is_noted)
		(void)fputs("; found without reading the packed file again", out);
	if (from_cache && c->is_checked)
		(void)fputs("; checked since this host started", out);
	if (!kernelcache_is_there(c->cache))
		(void)fprintf(out, "; not kept: %s", c->cache->why.text);
	else if (c->not_kept)
		(void)fprintf(out, "; not kept: %s", strerror(c->not_kept));
}

void cached_finish(struct cached *c)
{
	file_close(&c->entry.file);
}
