/* SPDX-License-Identifier: MIT */
#include "vmm/kernel.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "boot/place.h"
#include "boot/unpack.h"
#include "vmm/base/must.h"
#include "vmm/base/plain.h"

/* Debug kernels have hundreds of MiB; of an ELF file only what is loaded is ever read. */
#define KERNEL_MAX_FILE_BYTES (4ULL << 30)

void kernel_init(struct kernel *kernel)
{
	memset(kernel, 0, sizeof(*kernel));
	kernel->file.fd = kernel->unpacked.fd = -1;
	cached_init(&kernel->cached);
}

const struct input_file *kernel_image(const struct kernel *kernel)
{
	switch (kernel->origin) {
	case KERNEL_UNPACKED:
		return &kernel->unpacked;
	case KERNEL_FROM_CACHE:
		return &kernel->cached.entry.file;
	case KERNEL_AS_IT_IS:
		break;
	}
	return &kernel->file;
}

/* ---- what the cache keeps sums of ------------------------------------------------------------ */

/* All that a plan is made of. */
static void hash_facts(const struct kernel *kernel, struct kernelcache_hash *hash)
{
	const struct elfimage *elf = &kernel->elf_facts;
	const uint64_t head[] = { elf->file_bytes, elf->entry,   elf->entry_gpa,
				  elf->start_gpa,  elf->end_gpa, elf->segments };
	struct kernelcache_hasher hasher;

	kernelcache_hash_begin(&hasher, kernel->cached.cache, KERNELCACHE_FACTS,
			       &kernel->cached.key);
	kernelcache_hash_update(&hasher, head, sizeof(head));
	for (size_t i = 0; i < elf->segments; i++) {
		const struct elfimage_segment *s = &elf->segment[i];
		const uint64_t numbers[] = { s->file_offset, s->file_bytes, s->gpa,
					     s->memory_bytes };

		kernelcache_hash_update(&hasher, numbers, sizeof(numbers));
	}
	kernelcache_hash_end(&hasher, hash);
}

static void hash_unpacked(const struct kernel *kernel, struct kernelcache_hash *hash)
{
	const struct elfimage *elf = &kernel->elf_facts;
	const uint8_t *bytes = kernel->memory;
	struct kernelcache_hasher hasher;

	kernelcache_hash_begin(&hasher, kernel->cached.cache, KERNELCACHE_LOADED,
			       &kernel->cached.key);
	for (size_t i = 0; i < elf->segments; i++)
		kernelcache_hash_update(&hasher, bytes + elf->segment[i].file_offset,
					elf->segment[i].file_bytes);
	kernelcache_hash_end(&hasher, hash);
}

static void hash_placed(const struct kernel *kernel, const struct boot_plan *plan,
			const struct guest_memory *memory, struct kernelcache_hash *hash)
{
	struct kernelcache_hasher hasher;

	kernelcache_hash_begin(&hasher, kernel->cached.cache, KERNELCACHE_LOADED,
			       &kernel->cached.key);
	for (size_t i = 0; i < plan->loads; i++) {
		const struct plan_range *to = &plan->load[i].to;
		const void *bytes = guest_memory_at(memory, to->gpa, to->size_bytes);

		must(bytes != NULL);
		kernelcache_hash_update(&hasher, bytes, to->size_bytes);
	}
	kernelcache_hash_end(&hasher, hash);
}

/* ---- unpacking ------------------------------------------------------------------------------- */

static void free_memory(struct kernel *kernel)
{
	if (kernel->memory)
		(void)munmap(kernel->memory, kernel->memory_bytes);
	kernel->memory = NULL;
}

static uint64_t payload_start(const struct bzimage *image)
{
	return image->setup_bytes + image->payload_offset;
}

void kernel_keep(struct kernel *kernel)
{
	struct kernelcache_sums sums;

	if (kernel->origin != KERNEL_UNPACKED || kernel->elf == NULL ||
	    !kernelcache_is_there(kernel->cached.cache))
		return;
	hash_facts(kernel, &sums.facts);
	hash_unpacked(kernel, &sums.loaded);
	cached_keep(&kernel->cached, &sums, kernel->memory, kernel->memory_bytes);
}

/* From a copy of the image in memory: what is hashed is what is unpacked, whatever the file does. */
static int unpack_copy(struct kernel *kernel, const struct input_file *copy, struct err *e)
{
	const struct bzimage *image = &kernel->bzimage_facts;
	uint32_t size_bytes;
	int rc = unpack_size(copy, image, &size_bytes, e);

	if (rc < 0)
		return rc;
	kernel->memory_bytes = size_bytes;
	kernel->memory = cached_map_memory(size_bytes);
	if (!kernel->memory)
		return err_sys(e, errno, "kernel %s: no memory for the %u bytes it unpacks to",
			       kernel->file.path, size_bytes);
	rc = unpack_payload(copy, image, kernel->memory, size_bytes, e);
	if (rc < 0)
		return rc;
	return cached_take_key(&kernel->cached, copy, payload_start(image), image->payload_length,
			       e);
}

static int unpack(struct kernel *kernel, struct err *e)
{
	const struct bzimage *image = &kernel->bzimage_facts;
	size_t size_bytes = payload_start(image) + image->payload_length;
	uint8_t *bytes = cached_map_memory(size_bytes);
	struct input_file copy;
	int rc;

	if (!bytes)
		return err_sys(e, errno, "kernel %s: no memory for its %zu bytes",
			       kernel->file.path, size_bytes);
	file_of_memory(&copy, kernel->file.what, kernel->file.path, bytes, size_bytes);
	rc = file_read(&kernel->file, 0, bytes, size_bytes, e);
	if (rc == 0)
		rc = unpack_copy(kernel, &copy, e);
	(void)munmap(bytes, size_bytes);
	if (rc < 0)
		return rc;
	file_of_memory(&kernel->unpacked, "unpacked kernel", kernel->file.path, kernel->memory,
		       kernel->memory_bytes);
	kernel->origin = KERNEL_UNPACKED;
	return 0;
}

/* True: the cache has it, and its facts are the ones that were kept. */
static bool find_in_cache(struct kernel *kernel)
{
	const struct bzimage *image = &kernel->bzimage_facts;
	struct kernelcache_hash facts;
	struct err ignored;

	if (!cached_find(&kernel->cached, &kernel->file, payload_start(image),
			 image->payload_length))
		return false;
	if (elfimage_parse(&kernel->cached.entry.file, &kernel->elf_facts, &ignored) == 0) {
		hash_facts(kernel, &facts);
		if (kernelcache_hash_same(&facts, &kernel->cached.entry.sums.facts)) {
			kernel->origin = KERNEL_FROM_CACHE;
			return true;
		}
	}
	cached_drop(&kernel->cached);
	return false;
}

/* True: nothing that could be entered here came out, or there was no memory for it. */
static bool is_left_packed(struct kernel *kernel, int rc)
{
	kernel->no_memory = rc == -ENOMEM;
	if (kernel->no_memory)
		free_memory(kernel);
	return kernel->no_memory || (rc == 0 && !elfimage_is_elf(&kernel->unpacked));
}

/* What is in the payload, if it is a kernel that can be entered. */
static int open_payload(struct kernel *kernel, enum kernel_unpack mode, struct err *e)
{
	uint32_t size_bytes; /* what it is does not matter yet; that it is in order does */
	int rc = unpack_size(&kernel->file, &kernel->bzimage_facts, &size_bytes, e);

	if (rc < 0)
		return rc;
	if (!find_in_cache(kernel)) {
		rc = unpack(kernel, e);
		if (mode == KERNEL_UNPACK_AUTO && is_left_packed(kernel, rc)) {
			kernel->origin = KERNEL_AS_IT_IS;
			return 0;
		}
		if (rc == 0)
			rc = elfimage_parse(&kernel->unpacked, &kernel->elf_facts, e);
		if (rc < 0)
			return rc;
	}
	/* The header in front of it belongs to the Linux protocol. */
	if (kernel->elf_facts.entry == ELFIMAGE_ENTRY_LINUX64)
		kernel->elf = &kernel->elf_facts;
	else if (mode == KERNEL_UNPACK_AUTO)
		kernel->origin = KERNEL_AS_IT_IS;
	else
		return err_set(e, ENOTSUP,
			       "kernel %s: -unpack=host: the ELF file in its payload has no 64-bit "
			       "entry point; leave it to the guest",
			       kernel->file.path);
	return 0;
}

/* Whether a plan can be made for the bzImage as it is. Its size says so before it is unpacked. */
static bool has_room(const struct kernel *kernel, uint64_t ram_bytes)
{
	const struct plan_request request = {
		.bzimage = kernel->bzimage,
		.ram_bytes = ram_bytes,
		.kernel_name = kernel->file.path,
		.cmdline = "",
	};
	struct boot_plan plan;
	struct err ignored;

	return plan_boot(&request, &plan, &ignored) == 0;
}

static int open_bzimage(struct kernel *kernel, enum kernel_unpack mode, uint64_t ram_bytes,
			struct err *e)
{
	const struct bzimage *image = &kernel->bzimage_facts;
	int rc = bzimage_parse(&kernel->file, &kernel->bzimage_facts, e);

	if (rc < 0)
		return rc;
	kernel->bzimage = image;
	if (mode == KERNEL_UNPACK_GUEST || !has_room(kernel, ram_bytes))
		return 0;
	if (image->payload_format == UNPACK_UNKNOWN) {
		if (mode == KERNEL_UNPACK_AUTO)
			return 0;
		return err_set(e, ENOTSUP, "kernel %s: -unpack=host: %s; leave it to the guest",
			       kernel->file.path,
			       image->payload_offset
				       ? "its payload is in no format that Linux packs "
					 "kernels in"
				       : "its header tells of no payload");
	}
	return open_payload(kernel, mode, e);
}

int kernel_open(struct kernel *kernel, const struct kernel_request *request, struct err *e)
{
	int rc = file_open(&kernel->file, "kernel", request->path, KERNEL_MAX_FILE_BYTES, e);

	cached_begin(&kernel->cached, request->cache, request->no_notes);
	if (rc < 0)
		return rc;
	if (!elfimage_is_elf(&kernel->file))
		return open_bzimage(kernel, request->unpack, request->ram_bytes, e);
	rc = elfimage_parse(&kernel->file, &kernel->elf_facts, e);
	if (rc == 0)
		kernel->elf = &kernel->elf_facts;
	return rc;
}

int kernel_leave_cache(struct kernel *kernel, struct err *e)
{
	struct kernelcache_hash facts;
	int rc;

	if (kernel->origin != KERNEL_FROM_CACHE)
		return -ENOENT;
	cached_drop(&kernel->cached);
	rc = unpack(kernel, e);
	if (rc == 0)
		rc = elfimage_parse(&kernel->unpacked, &kernel->elf_facts, e);
	if (rc < 0)
		return rc;
	hash_facts(kernel, &facts);
	if (kernelcache_hash_same(&facts, &kernel->cached.entry.sums.facts))
		return 0;
	return err_set(e, EIO, "kernel %s: changed while it was read; is it being written?",
		       kernel->file.path);
}

int kernel_check_placed(struct kernel *kernel, const struct boot_plan *plan,
			const struct guest_memory *memory, struct err *e)
{
	struct kernelcache_hash placed;
	int rc;

	if (kernel->origin != KERNEL_FROM_CACHE || cached_is_whole(&kernel->cached))
		return 0;
	hash_placed(kernel, plan, memory, &placed);
	if (kernelcache_hash_same(&placed, &kernel->cached.entry.sums.loaded)) {
		cached_note_whole(&kernel->cached);
		return 0;
	}
	/* The facts were the right ones, so the plan is, and what is unpacked has the same place. */
	rc = kernel_leave_cache(kernel, e);
	return rc < 0 ? rc : place_kernel(plan, &kernel->unpacked, memory, e);
}

void kernel_explain(const struct kernel *kernel, FILE *out)
{
	switch (kernel->origin) {
	case KERNEL_AS_IT_IS:
		if (kernel->no_memory)
			(void)fputs(
				"  unpacking          left to the guest: no memory for it here\n",
				out);
		return;
	case KERNEL_UNPACKED:
		(void)fputs("  unpacking          done now", out);
		break;
	case KERNEL_FROM_CACHE:
		(void)fputs("  unpacking          done before: ", out);
		plain_print(kernel->cached.entry.path, out);
		break;
	}
	cached_explain(&kernel->cached, kernel->origin == KERNEL_FROM_CACHE, out);
	(void)fputc('\n', out);
}

void kernel_finish(struct kernel *kernel)
{
	file_close(&kernel->file);
	cached_finish(&kernel->cached);
	free_memory(kernel);
}
