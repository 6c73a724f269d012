/* SPDX-License-Identifier: MIT */
/*
 * The symbol table a kernel has in itself to print its backtraces, dug out of a stripped image.
 * Nothing points at it. It is found by what it is made of, and believed when all its parts agree:
 *
 *   until 6.3                       since 6.4
 *
 *   offsets       u32[n]            num_syms
 *   relative_base u64               names
 *   num_syms      u32, to 4.19 u64  markers
 *   names                           token_table
 *   markers       u32[(n+255)/256]  token_index
 *                 to 4.19 u64       offsets
 *   seqs          u8[3][n], in 6.2  relative_base, or none
 *   token_table                     seqs
 *   token_index   u16[256]
 *
 * all aligned to 8 bytes. A name is a length (since 6.1, from 128 on, in two bytes of seven bits)
 * and as many tokens; the first character they make is nm's letter. Markers are the places of the
 * names 0, 256, 512 ... The token table has 256 strings, and those of the digits stand at their own
 * ASCII codes: there the search begins. token_index has where each of the strings begins.
 *
 * An offset is told in one of three ways:
 *   - from relative_base;
 *   - with its top bit set as relative_base - 1 - offset, without it as an address, which is one of
 *     per-CPU data (ABSOLUTE_PERCPU: SMP kernels, as long as x86 had it);
 *   - from the place of the offset itself, where no relative_base follows.
 *
 * Authority: [LINUX] scripts/kallsyms.c write_src(), kernel/kallsyms.c. Left out: tables of full
 * addresses (no CONFIG_KALLSYMS_BASE_RELATIVE, never the default on x86); kernels before 4.6.
 */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot/symbols_parts.h"
#include "vmm/base/le.h"

enum {
	TOKENS = 256,
	INDEX_BYTES = TOKENS * 2,
	MARKER_EVERY = 256,
	NAMES_MAX_BYTES = 256 << 20, /* expanded */
	WORK_MAX_BYTES = 512 << 20,  /* looked at in vain, before the search ends */
};

enum offsets { FROM_BASE, FROM_BASE_OR_PERCPU, FROM_PLACE };

/* All places are offsets into bytes, one segment of the image. */
struct search {
	const uint8_t *bytes;
	size_t size_bytes;
	uint64_t address;  /* virtual, of bytes */
	size_t work_bytes; /* that may still be looked at */

	size_t token_table, token_index, tables_end; /* the end of token_index */
	uint16_t token[TOKENS];                      /* from token_table on */
	uint16_t token_bytes[TOKENS];
	size_t num_syms, names, count;
	size_t offsets;
	enum offsets told;
	uint64_t base;
};

static size_t align8(size_t at)
{
	return (at + 7) & ~(size_t)7;
}

/* What costs more than is left ends the search: there is nothing left then. */
static bool spend(struct search *s, size_t bytes)
{
	bool enough = bytes <= s->work_bytes;

	s->work_bytes = enough ? s->work_bytes - bytes : 0;
	return enough;
}

/* The token that begins at *at, which is moved behind its NUL. */
static bool pass_token(const struct search *s, size_t *at)
{
	size_t left = s->size_bytes - *at, bytes = 0;

	if (left > SYMBOLS_NAME_BYTES)
		left = SYMBOLS_NAME_BYTES;
	while (bytes < left && s->bytes[*at + bytes] > ' ' && s->bytes[*at + bytes] <= '~')
		bytes++;
	if (bytes == left || s->bytes[*at + bytes] != '\0')
		return false;
	*at += bytes + 1;
	return true;
}

/* Do the tokens from token_table on lie where token_index says? */
static bool tokens_fit(struct search *s)
{
	size_t at = s->token_table;

	for (size_t i = 0; i < TOKENS; i++) {
		size_t begin = at;

		if (get_le16(s->bytes + s->token_index + 2 * i) != begin - s->token_table ||
		    !pass_token(s, &at))
			return false;
		s->token[i] = (uint16_t)(begin - s->token_table);
		s->token_bytes[i] = (uint16_t)(at - begin - 1);
	}
	return align8(at) == s->token_index;
}

/* Is there a token table around the digits, which lie at that place? */
static bool tokens_around(struct search *s, size_t digits)
{
	size_t end = digits, before, i = '0';

	while (i < TOKENS && pass_token(s, &end))
		i++;
	if (!spend(s, end - digits) || i < TOKENS)
		return false;
	s->token_index = align8(end);
	if (s->token_index > s->size_bytes || s->size_bytes - s->token_index < INDEX_BYTES)
		return false;
	before = get_le16(s->bytes + s->token_index + 2 * '0');
	if (before > digits || (digits - before) % 8 != 0)
		return false;
	s->token_table = digits - before;
	s->tables_end = s->token_index + INDEX_BYTES;
	return tokens_fit(s);
}

/* Moves *at behind a name and tells where its tokens are; before end, or false. */
static bool pass_name(const struct search *s, size_t *at, size_t end, size_t *tokens, size_t *count)
{
	size_t i = *at, n;

	if (i >= end)
		return false;
	n = s->bytes[i++];
	if (n & 0x80) {
		if (i >= end)
			return false;
		n = (n & 0x7f) | (size_t)s->bytes[i++] << 7;
	}
	if (n == 0 || n > end - i)
		return false;
	*tokens = i;
	*count = n;
	*at = i + n;
	return true;
}

static uint64_t marker(const struct search *s, size_t markers, size_t width, size_t i)
{
	const uint8_t *at = s->bytes + markers + i * width;

	return width == 4 ? get_le32(at) : get_le64(at);
}

static bool markers_fit(const struct search *s, size_t markers, size_t width)
{
	size_t at = s->names, tokens, n;

	for (size_t i = 0; i < s->count; i++) {
		if (i % MARKER_EVERY == 0 &&
		    marker(s, markers, width, i / MARKER_EVERY) != at - s->names)
			return false;
		if (!pass_name(s, &at, s->token_table, &tokens, &n))
			return false;
	}
	return true;
}

/* Do count names from names on end where markers lie, and these where the tokens do? */
static bool names_fit(struct search *s)
{
	size_t at = s->names, tokens, n, i;
	size_t markers_count = (s->count + MARKER_EVERY - 1) / MARKER_EVERY;

	for (i = 0; i < s->count && pass_name(s, &at, s->token_table, &tokens, &n); i++)
		;
	if (!spend(s, at - s->names) || i < s->count)
		return false;
	for (size_t width = 4; width <= 8; width += 4) {
		size_t end = align8(align8(at) + markers_count * width);

		if ((end == s->token_table || align8(end + 3 * s->count) == s->token_table) &&
		    markers_fit(s, align8(at), width))
			return true;
	}
	return false;
}

/* num_syms lies before the names, these before the tokens: the first that fits going back. */
static bool find_names(struct search *s)
{
	if (!spend(s, s->token_table))
		return false;
	for (size_t at = s->token_table; at >= 8 && s->work_bytes > 0;) {
		uint64_t count;

		at -= 8;
		count = get_le64(s->bytes + at);
		if (count == 0 || count > SYMBOLS_MAX || 2 * count > s->token_table - at - 8)
			continue;
		s->num_syms = at;
		s->names = at + 8;
		s->count = (size_t)count;
		if (names_fit(s))
			return true;
	}
	return false;
}

static bool address_of(const struct search *s, size_t i, uint64_t *address)
{
	uint64_t place = s->address + s->offsets + 4 * i;
	uint32_t offset = get_le32(s->bytes + s->offsets + 4 * i);

	switch (s->told) {
	case FROM_BASE:
		return !__builtin_add_overflow(s->base, offset, address);
	case FROM_BASE_OR_PERCPU:
		*address = offset;
		return offset <= INT32_MAX || !__builtin_add_overflow(s->base, ~offset, address);
	case FROM_PLACE:
		*address = place + (uint64_t)(int64_t)(int32_t)offset;
		return *address >= SYMBOLS_KERNEL_MAP;
	}
	return false;
}

/* kallsyms are in the order of their addresses. */
static bool are_in_order(const struct search *s)
{
	uint64_t last = 0, address;

	for (size_t i = 0; i < s->count; i++) {
		if (!address_of(s, i, &address) || address < last)
			return false;
		last = address;
	}
	return true;
}

/* Offsets at that place, relative_base at the other? */
static bool offsets_fit(struct search *s, size_t offsets, size_t base)
{
	s->offsets = offsets;
	s->base = get_le64(s->bytes + base);
	s->told = FROM_BASE;
	for (size_t i = 0; i < s->count; i++) {
		if (get_le32(s->bytes + offsets + 4 * i) > INT32_MAX)
			s->told = FROM_BASE_OR_PERCPU;
	}
	return s->base >= SYMBOLS_KERNEL_MAP && are_in_order(s);
}

static bool find_offsets(struct search *s)
{
	size_t bytes = align8(4 * s->count), behind = s->tables_end;
	size_t left = s->size_bytes - behind;

	if (s->num_syms >= 8 && bytes <= s->num_syms - 8 &&
	    offsets_fit(s, s->num_syms - 8 - bytes, s->num_syms - 8))
		return true;
	if (left >= 8 && bytes <= left - 8 && offsets_fit(s, behind, behind + bytes))
		return true;
	s->offsets = behind;
	s->told = FROM_PLACE;
	return 4 * s->count <= left && are_in_order(s);
}

/* How many bytes the names have when they are expanded, letters included; 0: there is a bad one. */
static size_t expanded_bytes(const struct search *s)
{
	size_t at = s->names, total = 0, tokens, n;

	for (size_t i = 0; i < s->count; i++) {
		size_t bytes = 0;

		if (!pass_name(s, &at, s->token_table, &tokens, &n))
			return 0;
		for (size_t k = 0; k < n; k++)
			bytes += s->token_bytes[s->bytes[tokens + k]];
		total += bytes + 1;
		if (bytes < 2 || bytes > SYMBOLS_NAME_BYTES || total > NAMES_MAX_BYTES)
			return 0;
	}
	return total;
}

/* The names have been walked before, and there is room for them. */
static void expand(const struct search *s, struct symbols *symbols)
{
	const uint8_t *table = s->bytes + s->token_table;
	size_t at = s->names, used = 0, tokens, n;

	for (size_t i = 0; i < s->count && pass_name(s, &at, s->token_table, &tokens, &n); i++) {
		size_t begin = used;
		uint64_t address = 0;

		for (size_t k = 0; k < n; k++) {
			uint8_t token = s->bytes[tokens + k];

			memcpy(symbols->names + used, table + s->token[token],
			       s->token_bytes[token]);
			used += s->token_bytes[token];
		}
		symbols->names[used++] = '\0';
		(void)address_of(s, i, &address);
		symbols_add(symbols, address, symbols->names[begin], (uint32_t)(begin + 1));
	}
}

static int no_memory(const struct input_file *file, struct err *e)
{
	return err_set(e, ENOMEM, "%s %s: no memory to read its kallsyms", file->what, file->path);
}

/* Makes the table of what was found. -ENOENT: it was not right after all. */
static int take(struct search *s, struct symbols *symbols, const struct input_file *file,
		struct err *e)
{
	size_t bytes = expanded_bytes(s);

	if (bytes == 0 || !spend(s, bytes))
		return -ENOENT;
	symbols->names = malloc(bytes);
	symbols->names_bytes = bytes;
	if (!symbols->names || !symbols_room(symbols, s->count))
		return no_memory(file, e);
	expand(s, symbols);
	for (size_t i = 0; i < symbols->count; i++) {
		if (!isalpha((unsigned char)symbols->by_address[i].kind))
			return -ENOENT;
	}
	return symbols_sort(symbols) ? 0 : no_memory(file, e);
}

/* Does the code begin in the image, and is the banner where its symbol is (if it has one)? */
static bool is_of_image(struct symbols *symbols, const struct input_file *file,
			const struct elfimage *image)
{
	uint64_t text = symbols_find(symbols, "_text");
	uint64_t banner = symbols_find(symbols, "linux_banner");

	if (text == 0)
		text = symbols_find(symbols, "_stext");
	if (text < SYMBOLS_KERNEL_MAP + image->start_gpa ||
	    text >= SYMBOLS_KERNEL_MAP + image->end_gpa)
		return false;
	if (banner == 0)
		return true;
	symbols_image_text(file, image, banner, symbols->banner, sizeof(symbols->banner));
	return symbols_is_banner(symbols->banner);
}

static int search_segment(struct search *s, struct symbols *symbols, const struct input_file *file,
			  const struct elfimage *image, struct err *e)
{
	static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";
	size_t at = 0;

	for (;;) {
		const uint8_t *found =
			memmem(s->bytes + at, s->size_bytes - at, digits, sizeof(digits));
		int rc;

		if (!found || s->work_bytes == 0)
			return -ENOENT;
		at = (size_t)(found - s->bytes) + 1;
		if (!tokens_around(s, at - 1) || !find_names(s) || !find_offsets(s))
			continue;
		rc = take(s, symbols, file, e);
		if (rc == 0 && is_of_image(symbols, file, image))
			return 0;
		symbols_finish(symbols);
		if (rc != 0 && rc != -ENOENT)
			return rc;
	}
}

/* A segment's bytes: those of a file that is in memory, or a copy, which the caller frees. */
static int read_segment(const struct input_file *file, const struct elfimage_segment *segment,
			uint8_t **copy, const uint8_t **bytes, struct err *e)
{
	int rc;

	*copy = NULL;
	*bytes = file->bytes ? file->bytes + segment->file_offset : NULL;
	if (*bytes)
		return 0;
	*copy = malloc(segment->file_bytes);
	if (!*copy)
		return no_memory(file, e);
	*bytes = *copy;
	rc = file_read(file, segment->file_offset, *copy, segment->file_bytes, e);
	if (rc < 0)
		free(*copy);
	return rc;
}

int symbols_of_kallsyms(struct symbols *symbols, const struct input_file *file,
			const struct elfimage *image, struct err *e)
{
	struct search search = { .work_bytes = WORK_MAX_BYTES };
	int rc = -ENOENT;

	symbols_init(symbols);
	for (size_t i = 0; i < image->segments && rc == -ENOENT; i++) {
		const struct elfimage_segment *segment = &image->segment[i];
		uint8_t *copy;

		if (segment->file_bytes == 0 || segment->file_bytes > SYMBOLS_TEXT_MAX_BYTES ||
		    segment->gpa % 8 != 0)
			continue;
		rc = read_segment(file, segment, &copy, &search.bytes, e);
		if (rc < 0)
			return rc;
		search.size_bytes = segment->file_bytes;
		search.address = SYMBOLS_KERNEL_MAP + segment->gpa;
		rc = search_segment(&search, symbols, file, image, e);
		free(copy);
	}
	if (rc == -ENOENT)
		return err_set(e, ENOENT,
			       "%s %s: has no kallsyms in it that could be found (CONFIG_KALLSYMS)",
			       file->what, file->path);
	if (rc < 0)
		return rc;
	symbols->source = "kallsyms";
	symbols->build_id_bytes = symbols_image_build_id(file, symbols->build_id);
	return 0;
}
