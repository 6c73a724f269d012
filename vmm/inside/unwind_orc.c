/* SPDX-License-Identifier: MIT */
/*
 * ORC: for each stretch of code how to get from its stack pointer to its caller's. Two tables:
 * where stretches begin (s32, relative to where the number itself lies), and for each a struct
 * orc_entry:
 *
 *   0  s16 sp_offset
 *   2  s16 bp_offset
 *   4  u16: bits 0-3 sp_reg, 4-7 bp_reg, from 8 on type and signal
 *
 * The linker's tables are sorted at build time since 5.6 and at boot before. What marks the last
 * frame (end, or a type of its own) needs no reading: its sp_reg is undefined.
 */
#include <stdio.h>
#include <stdlib.h>

#include "vmm/base/le.h"
#include "vmm/inside/unwind_steps.h"

enum {
	IP_BYTES = 4,
	ENTRY_BYTES = 6,
	ENTRIES_MAX = 1 << 24,
	FLAGS_AT = 4,
	REG_MASK = 15,
	BP_REG_SHIFT = 4,
	TYPE_SHIFT = 8,
	WORD_BYTES = 8,
};

/* ORC_REG_* */
enum {
	REG_UNDEFINED = 0,
	REG_PREV_SP = 1,
	REG_BP = 4,
	REG_SP = 5,
	REG_BP_INDIRECT = 8,
	REG_SP_INDIRECT = 9,
};

static const struct layout {
	unsigned int since; /* version << 8 | patch level */
	unsigned int type_mask;
	unsigned int signal; /* this bit; 0: all but calls are */
	unsigned int call, regs, regs_partial;
} layouts[] = {
	{ 6 << 8 | 4, 7, 1 << 11, 2, 3, 4 },
	{ 6 << 8 | 3, 3, 1 << 10, 0, 1, 2 },
	{ 4 << 8 | 14, 3, 0, 0, 1, 2 },
};

/* The layout of the version that the banner tells; -1: none, or it does not tell. */
static int find_layout(const char *banner)
{
	unsigned int version, patch_level;

	if (sscanf(banner, "Linux version %3u.%3u", &version, &patch_level) != 2 ||
	    patch_level > UINT8_MAX)
		return -1;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if ((version << 8 | patch_level) >= layouts[i].since)
			return (int)i;
	return -1;
}

static uint64_t begin_of(const struct unwinder *unwinder, size_t i)
{
	return unwinder->ip_base + i * IP_BYTES + (uint64_t)(int64_t)unwinder->ip[i];
}

static bool is_ascending(const struct unwinder *unwinder)
{
	for (size_t i = 1; i < unwinder->entries; i++)
		if (begin_of(unwinder, i) < begin_of(unwinder, i - 1))
			return false;
	return true;
}

/* What lies between two symbols, which must be units of that size. NULL: nothing does. */
static void *copy_table(const struct unwinder *unwinder, const struct space *space,
			const char *start, const char *stop, size_t unit_bytes, size_t *units)
{
	uint64_t from = symbols_find(unwinder->symbols, start);
	uint64_t to = symbols_find(unwinder->symbols, stop);
	void *table;

	if (from == 0 || to <= from || (to - from) % unit_bytes != 0 ||
	    (to - from) / unit_bytes > ENTRIES_MAX)
		return NULL;
	*units = (to - from) / unit_bytes;
	table = malloc(to - from);
	if (table == NULL || space_read(space, from, table, to - from))
		return table;
	free(table);
	return NULL;
}

bool unwind_find_orc(struct unwinder *unwinder, const struct space *space, const char *banner)
{
	size_t ips = 0;

	unwinder->version = find_layout(banner);
	if (unwinder->version < 0)
		return false;
	unwinder->ip_base = symbols_find(unwinder->symbols, "__start_orc_unwind_ip");
	unwinder->ip = copy_table(unwinder, space, "__start_orc_unwind_ip", "__stop_orc_unwind_ip",
				  IP_BYTES, &ips);
	unwinder->entry = copy_table(unwinder, space, "__start_orc_unwind", "__stop_orc_unwind",
				     ENTRY_BYTES, &unwinder->entries);
	if (unwinder->ip != NULL && unwinder->entry != NULL && ips == unwinder->entries &&
	    is_ascending(unwinder))
		return true;
	free(unwinder->ip);
	free(unwinder->entry);
	unwinder->ip = NULL;
	unwinder->entry = NULL;
	unwinder->entries = 0;
	return false;
}

/* The last entry that begins at or before an address; of several there, the last one counts. */
static const uint8_t *find_entry(const struct unwinder *unwinder, uint64_t ip)
{
	size_t low = 0, high = unwinder->entries;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (begin_of(unwinder, middle) <= ip)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? unwinder->entry + (low - 1) * ENTRY_BYTES : NULL;
}

/* Where the frame ends: the caller's stack pointer, or what an interrupt has pushed. */
static bool find_frame_end(const uint8_t *entry, const struct unwind_stack *stack,
			   const struct unwind_state *state, uint64_t *end)
{
	uint64_t offset = (uint64_t)(int64_t)(int16_t)get_le16(entry);

	switch (get_le16(entry + FLAGS_AT) & REG_MASK) {
	case REG_SP:
		*end = state->sp + offset;
		return true;
	case REG_BP:
		*end = state->bp + offset;
		return true;
	case REG_SP_INDIRECT: /* the offset is added behind the pointer */
		if (!unwind_word(stack, state->sp, end))
			return false;
		*end += offset;
		return true;
	case REG_BP_INDIRECT:
		return unwind_word(stack, state->bp + offset, end);
	default:
		return false;
	}
}

static bool find_bp(const uint8_t *entry, const struct unwind_stack *stack, uint64_t end,
		    uint64_t *bp)
{
	uint64_t offset = (uint64_t)(int64_t)(int16_t)get_le16(entry + 2);

	switch (get_le16(entry + FLAGS_AT) >> BP_REG_SHIFT & REG_MASK) {
	case REG_UNDEFINED: /* it is what it was */
		return true;
	case REG_PREV_SP:
		return unwind_word(stack, end + offset, bp);
	case REG_BP:
		return unwind_word(stack, *bp + offset, bp);
	default:
		return false;
	}
}

/* Where ip and sp were saved; of all registers, bp too. */
static bool find_ip(const struct layout *layout, unsigned int type,
		    const struct unwind_stack *stack, uint64_t end, struct unwind_state *state)
{
	if (type == layout->call) {
		state->sp = end;
		return unwind_word(stack, end - WORD_BYTES, &state->ip);
	}
	if (type == layout->regs)
		return unwind_word(stack, end + PT_REGS_IP, &state->ip) &&
		       unwind_word(stack, end + PT_REGS_SP, &state->sp) &&
		       unwind_word(stack, end + PT_REGS_BP, &state->bp);
	if (type == layout->regs_partial)
		return unwind_word(stack, end, &state->ip) &&
		       unwind_word(stack, end + PT_REGS_SP - PT_REGS_IP, &state->sp);
	return false;
}

bool unwind_step_orc(const struct unwinder *unwinder, const struct unwind_stack *stack,
		     struct unwind_state *state)
{
	const struct layout *layout = &layouts[unwinder->version];
	const uint8_t *entry = find_entry(unwinder, state->is_exact ? state->ip : state->ip - 1);
	uint64_t sp = state->sp, end, word;
	unsigned int flags, type;

	if (entry == NULL || !find_frame_end(entry, stack, state, &end))
		return false;
	flags = get_le16(entry + FLAGS_AT);
	type = flags >> TYPE_SHIFT & layout->type_mask;
	if (!find_ip(layout, type, stack, end, state) || !find_bp(entry, stack, end, &state->bp))
		return false;
	state->is_exact = layout->signal ? flags & layout->signal : type != layout->call;
	/* An interrupt may have come from another stack; on this one it goes only up. */
	return state->sp > sp || !unwind_word(stack, state->sp, &word);
}
