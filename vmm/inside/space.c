/* SPDX-License-Identifier: MIT */
#include "vmm/inside/space.h"

#include <string.h>

#include "vmm/base/le.h"

enum {
	PAGE_SHIFT = 12,
	PAGE_BYTES = 1 << PAGE_SHIFT,
	INDEX_BITS = 9,
	INDEX_MASK = (1 << INDEX_BITS) - 1,
	ENTRY_BYTES = 8,
	ENTRY_PRESENT = 1 << 0,
	ENTRY_PS = 1 << 7, /* a page, not a table */
	LARGEST_PAGE_LEVEL = 3,
};

#define ENTRY_ADDRESS 0x000ffffffffff000ull /* bits 51:12 */

#define CR0_PG   (1ull << 31)
#define CR4_LA57 (1ull << 12)
#define EFER_LMA (1ull << 10)

static const char banner_begins[] = "Linux version ";

/* How many address bits an entry of a table of that level (1: of pages) leaves open. */
static unsigned int level_shift(unsigned int level)
{
	return PAGE_SHIFT + (level - 1) * INDEX_BITS;
}

/* The bits above those that tables translate repeat the highest of these. */
static bool is_canonical(uint64_t virtual, unsigned int levels)
{
	uint64_t above = virtual >> (level_shift(levels + 1) - 1);

	return above == 0 || above == UINT64_MAX >> (level_shift(levels + 1) - 1);
}

static bool walk(const struct space *space, uint64_t virtual, uint64_t *physical)
{
	unsigned int levels = space->five_levels ? 5 : 4;
	uint64_t entry = space->cr3;

	if (!is_canonical(virtual, levels))
		return false;
	for (unsigned int level = levels; level >= 1; level--) {
		uint64_t index = virtual >> level_shift(level) & INDEX_MASK;
		uint64_t offset_mask = (1ull << level_shift(level)) - 1;
		const uint8_t *at = guest_memory_at(
			space->memory, (entry & ENTRY_ADDRESS) + index * ENTRY_BYTES, ENTRY_BYTES);

		if (at == NULL)
			return false;
		entry = get_le64(at);
		if (!(entry & ENTRY_PRESENT))
			return false;
		if (level > 1 && !(entry & ENTRY_PS))
			continue;
		if (level > LARGEST_PAGE_LEVEL)
			return false;
		*physical = (entry & ENTRY_ADDRESS & ~offset_mask) | (virtual & offset_mask);
		return true;
	}
	return false;
}

static bool map(const struct space *space, uint64_t virtual, uint64_t *physical)
{
	if (space->linear) {
		*physical = virtual - SYMBOLS_KERNEL_MAP;
		return virtual >= SYMBOLS_KERNEL_MAP;
	}
	if (space->paging)
		return walk(space, virtual, physical);
	*physical = virtual;
	return true;
}

bool space_translate(const struct space *space, uint64_t virtual, uint64_t *physical)
{
	return map(space, virtual, physical) &&
	       guest_memory_at(space->memory, *physical, 1) != NULL;
}

/* The host's view of what lies at a virtual address, up to the end of its page; NULL: nothing. */
static const uint8_t *page_part(const struct space *space, uint64_t virtual, size_t *part_bytes)
{
	uint64_t physical;

	*part_bytes = PAGE_BYTES - virtual % PAGE_BYTES;
	if (!map(space, virtual, &physical))
		return NULL;
	return guest_memory_at(space->memory, physical, *part_bytes);
}

size_t space_read_some(const struct space *space, uint64_t virtual, void *to, size_t size_bytes)
{
	size_t done = 0;

	/* An address space ends at its end: what would follow is the address 0 again. */
	if (size_bytes > 0 && size_bytes - 1 > UINT64_MAX - virtual)
		size_bytes = UINT64_MAX - virtual + 1;
	while (done < size_bytes) {
		size_t part_bytes;
		const uint8_t *from = page_part(space, virtual + done, &part_bytes);

		if (from == NULL)
			break;
		if (part_bytes > size_bytes - done)
			part_bytes = size_bytes - done;
		memcpy((uint8_t *)to + done, from, part_bytes);
		done += part_bytes;
	}
	return done;
}

bool space_read(const struct space *space, uint64_t virtual, void *to, size_t size_bytes)
{
	return space_read_some(space, virtual, to, size_bytes) == size_bytes;
}

static bool has_banner(const struct space *space, uint64_t banner)
{
	char text[sizeof(banner_begins) - 1];

	return space_read(space, banner, text, sizeof(text)) &&
	       memcmp(text, banner_begins, sizeof(text)) == 0;
}

bool space_of_kernel(struct space *space, const struct guest_memory *memory,
		     const struct symbols *symbols)
{
	uint64_t banner = symbols_find(symbols, "linux_banner");
	uint64_t table = symbols_find(symbols, "init_top_pgt");

	if (table == 0)
		table = symbols_find(symbols, "init_level4_pgt");
	*space = (struct space){ .memory = memory,
				 .cr3 = table - SYMBOLS_KERNEL_MAP,
				 .paging = true };
	for (int five = 0; table >= SYMBOLS_KERNEL_MAP && five <= 1; five++) {
		space->five_levels = five;
		if (has_banner(space, banner))
			return true;
	}
	space->paging = false;
	space->five_levels = false;
	space->linear = true;
	return has_banner(space, banner);
}

bool space_of_cpu(struct space *space, const struct guest_memory *memory, uint64_t cr0,
		  uint64_t cr3, uint64_t cr4, uint64_t efer)
{
	*space = (struct space){
		.memory = memory,
		.cr3 = cr3,
		.paging = cr0 & CR0_PG,
		.five_levels = cr4 & CR4_LA57,
	};
	return !space->paging || (efer & EFER_LMA);
}
