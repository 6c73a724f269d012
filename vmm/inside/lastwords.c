/* SPDX-License-Identifier: MIT */
#include "vmm/inside/lastwords.h"

#include <emmintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "vmm/base/le.h"
#include "vmm/base/must.h"

/*
 * A record in the ring of text, on 8 bytes (struct prb_data_block):
 *
 *   0   number of its descriptor, 62 bits
 *   8   text, without a NUL; in use are as many bytes as its struct printk_info says, which is not
 *       here
 *
 * Since Linux 5.13 printk formats into the record, with level, newline and NUL, and moves what is
 * behind the level's two bytes to the front: "abcdef" stands there as "abcdef" "ef" "\n\0". So the
 * newline tells the end, and the two bytes before it that printk wrote it for the kernel: what a
 * user writes to /dev/kmsg has no level to move. Before, the text alone was copied there.
 *
 * A record in log_buf before 5.10, on 4 bytes (struct printk_log):
 *
 *   0   time, ns     8   len, of all    10  text_len    12  dict_len   14  facility
 *   15  flags, level   16  caller_id, with PRINTK_CALLER   16 or 20  text
 */
enum {
	BLOCK_HEADER_BYTES = 8,
	BLOCK_MAX_BYTES = 1056, /* LOG_LINE_MAX or PRINTKRB_RECORD_MAX, header, alignment */
	ID_BITS = 62,
	LEVEL_BYTES = 2, /* KERN_SOH and a digit */
	LOG_HEADER_BYTES = 16,
	LOG_CALLER_BYTES = 4,
	LOG_ALIGN = 4,
	TEXT_MAX_BYTES = 1024,
	KEYS_MAX = 3, /* different beginnings of phrases: their first 4 bytes */
	LANES = 4,
	BLOCK_BYTES = LANES * 16, /* that are compared with the keys together */
	PAGE_BYTES = 4 << 10,
	WINDOW_BYTES = 16 << 20, /* mincore() looks at so much at a time itself */
	WINDOW_PAGES = WINDOW_BYTES / PAGE_BYTES,
	TRIED_MAX =
		1 << 16, /* places with one of the phrases: a guest may have filled its memory */
};

#define ID_MASK ((1ull << ID_BITS) - 1)

static const struct phrase {
	const char *words;
	enum lastwords_kind kind;
	bool has_level; /* the kernel prints it with one: a newline counts only behind moved text */
	bool reason;    /* what follows the words is the text */
} phrases[] = {
	{ "Kernel panic - not syncing: ", LASTWORDS_PANIC, true, true },
	{ "reboot: Restarting system", LASTWORDS_RESTARTS, true, false },
	{ "reboot: machine restart", LASTWORDS_RESTARTS, true, false },
	{ "reboot: Power down", LASTWORDS_POWERS_DOWN, true, false },
	{ "reboot: System halted", LASTWORDS_HALTS, true, false },
	{ "RIP: 0010:", LASTWORDS_REGISTERS, false, false },
};

enum { PHRASES = sizeof(phrases) / sizeof(phrases[0]) };

/* A stretch of guest memory, 8-byte aligned at its start. */
struct stretch {
	const uint8_t *bytes;
	size_t size_bytes;
};

/* The record that counts so far. */
struct found {
	const struct phrase *phrase; /* NULL: none */
	const char *text;            /* of all of the record */
	size_t text_bytes;
	int64_t order; /* later records have higher ones */
	unsigned int tried;
};

/* --- the ring -------------------------------------------------------------------------------- */

/* Numbers begin just below 2^62 and go on from 0. */
static int64_t id_order(uint64_t id)
{
	return (int64_t)(id << (64 - ID_BITS)) >> (64 - ID_BITS);
}

static bool has_word(const struct stretch *s, size_t from, size_t to, uint64_t wanted)
{
	for (size_t at = from; at < to && at + 8 <= s->size_bytes; at += 8) {
		if (get_le64(s->bytes + at) == wanted)
			return true;
	}
	return false;
}

/* Records stand one behind the other, so one with the next number, or the one before, is near. */
static bool has_neighbour(const struct stretch *s, size_t block, uint64_t id)
{
	size_t before = block > BLOCK_MAX_BYTES ? block - BLOCK_MAX_BYTES : 0;

	return has_word(s, block + 2 * BLOCK_HEADER_BYTES, block + BLOCK_MAX_BYTES + 8,
			(id + 1) & ID_MASK) ||
	       has_word(s, before, block, (id - 1) & ID_MASK);
}

static bool is_printable(uint8_t byte)
{
	return (byte >= ' ' && byte <= '~') || byte == '\t';
}

/* Up to the first byte that is no text, or the block that follows. */
static size_t text_length(const struct stretch *s, size_t at, uint64_t id)
{
	size_t length = 0;

	while (length < TEXT_MAX_BYTES && at + length < s->size_bytes &&
	       is_printable(s->bytes[at + length])) {
		if ((at + length) % 8 == 0 &&
		    has_word(s, at + length, at + length + 8, (id + 1) & ID_MASK))
			break;
		length++;
	}
	return length;
}

static bool ends_with_newline(const struct stretch *s, size_t end)
{
	return s->size_bytes - end >= 2 && s->bytes[end] == '\n' && s->bytes[end + 1] == '\0';
}

static bool was_moved(const uint8_t *end)
{
	return memcmp(end - LEVEL_BYTES, end - 2 * LEVEL_BYTES, LEVEL_BYTES) == 0;
}

static bool in_ring(const struct stretch *s, size_t at, const struct phrase *phrase,
		    struct found *found)
{
	size_t block = at - BLOCK_HEADER_BYTES, length, least = strlen(phrase->words);
	uint64_t id;

	if (at % 8 != 0 || at < BLOCK_HEADER_BYTES)
		return false;
	id = get_le64(s->bytes + block);
	if (id > ID_MASK || !has_neighbour(s, block, id))
		return false;
	length = text_length(s, at, id);
	if (length >= least && ends_with_newline(s, at + length)) {
		if (length >= least + LEVEL_BYTES && was_moved(s->bytes + at + length))
			length -= LEVEL_BYTES;
		else if (phrase->has_level)
			return false;
	}
	*found = (struct found){ phrase, (const char *)s->bytes + at, length, id_order(id), 0 };
	return length >= least;
}

/* --- log_buf --------------------------------------------------------------------------------- */

static bool in_log_buf_behind(const struct stretch *s, size_t at, size_t header_bytes,
			      const struct phrase *phrase, struct found *found)
{
	const uint8_t *header = s->bytes + at - header_bytes;
	size_t text_bytes, all_bytes;
	uint64_t at_ns;

	if (at < header_bytes)
		return false;
	at_ns = get_le64(header);
	all_bytes = get_le16(header + 8);
	text_bytes = get_le16(header + 10);
	if (at_ns > INT64_MAX || get_le16(header + 12) != 0 || header[14] != 0 ||
	    text_bytes < strlen(phrase->words) || text_bytes > TEXT_MAX_BYTES ||
	    text_bytes > s->size_bytes - at ||
	    all_bytes != (header_bytes + text_bytes + LOG_ALIGN - 1) / LOG_ALIGN * LOG_ALIGN)
		return false;
	*found = (struct found){ phrase, (const char *)s->bytes + at, text_bytes, (int64_t)at_ns,
				 0 };
	return true;
}

static bool in_log_buf(const struct stretch *s, size_t at, const struct phrase *phrase,
		       struct found *found)
{
	return in_log_buf_behind(s, at, LOG_HEADER_BYTES, phrase, found) ||
	       in_log_buf_behind(s, at, LOG_HEADER_BYTES + LOG_CALLER_BYTES, phrase, found);
}

/* --- looking through ------------------------------------------------------------------------- */

static bool stands_at(const struct stretch *s, size_t at, const struct phrase *phrase)
{
	size_t length = strlen(phrase->words);

	return length <= s->size_bytes - at && memcmp(s->bytes + at, phrase->words, length) == 0;
}

/* The registers that a panic prints of what it interrupted come after its own line. */
static bool counts_more(const struct found *a, const struct found *b)
{
	enum lastwords_kind kind = a->phrase->kind, other;

	if (!b->phrase)
		return true;
	other = b->phrase->kind;
	if (kind == LASTWORDS_PANIC && other == LASTWORDS_REGISTERS)
		return true;
	if (kind == LASTWORDS_REGISTERS && other == LASTWORDS_PANIC)
		return false;
	return a->order > b->order;
}

static void look_at(const struct stretch *s, size_t at, const struct phrase *phrase,
		    struct found *best)
{
	struct found found;

	if (!stands_at(s, at, phrase))
		return;
	best->tried++;
	if ((in_ring(s, at, phrase, &found) || in_log_buf(s, at, phrase, &found)) &&
	    counts_more(&found, best)) {
		found.tried = best->tried;
		*best = found;
	}
}

/* How the phrases begin, each beginning once. */
static void find_keys(uint32_t key[KEYS_MAX])
{
	size_t keys = 0;

	for (size_t i = 0; i < PHRASES; i++) {
		uint32_t word;
		size_t k = 0;

		memcpy(&word, phrases[i].words, sizeof(word));
		while (k < keys && key[k] != word)
			k++;
		if (k < keys)
			continue;
		must(keys < KEYS_MAX);
		key[keys++] = word;
	}
	while (keys < KEYS_MAX)
		key[keys++] = key[0];
}

static bool is_zero(const __m128i lane[LANES])
{
	__m128i any = _mm_or_si128(_mm_or_si128(lane[0], lane[1]), _mm_or_si128(lane[2], lane[3]));

	return _mm_movemask_epi8(_mm_cmpeq_epi32(any, _mm_setzero_si128())) == 0xffff;
}

/* Whether a phrase may begin in a block of BLOCK_BYTES: most are ruled out here, 64 bytes at once. */
static bool may_hold(const uint8_t *block, const uint32_t key[KEYS_MAX])
{
	__m128i lane[LANES], hit = _mm_setzero_si128();

	for (size_t i = 0; i < LANES; i++)
		lane[i] = _mm_loadu_si128((const __m128i *)(block + i * sizeof(*lane)));
	if (is_zero(lane))
		return false;
	for (size_t k = 0; k < KEYS_MAX; k++) {
		__m128i wanted = _mm_set1_epi32((int)key[k]);

		for (size_t i = 0; i < LANES; i++)
			hit = _mm_or_si128(hit, _mm_cmpeq_epi32(lane[i], wanted));
	}
	return _mm_movemask_epi8(hit) != 0;
}

/* Where the first page begins, at or behind `at`, that holds something. Most of a huge page does not. */
static size_t skip_zeros(const struct stretch *s, size_t at)
{
	static const uint8_t zeros[PAGE_BYTES];

	while (s->size_bytes - at >= PAGE_BYTES && memcmp(s->bytes + at, zeros, PAGE_BYTES) == 0)
		at += PAGE_BYTES;
	return at;
}

static void look_through(const struct stretch *s, struct found *best)
{
	uint32_t key[KEYS_MAX];

	find_keys(key);
	for (size_t block = 0; block < s->size_bytes; block += BLOCK_BYTES) {
		size_t left;

		if (block % PAGE_BYTES == 0)
			block = skip_zeros(s, block);
		left = s->size_bytes - block;
		if (left >= BLOCK_BYTES && !may_hold(s->bytes + block, key))
			continue;
		for (size_t at = block; at < block + (left < BLOCK_BYTES ? left : BLOCK_BYTES);
		     at += LOG_ALIGN) {
			for (size_t i = 0; i < PHRASES && best->tried < TRIED_MAX; i++)
				look_at(s, at, &phrases[i], best);
		}
	}
}

/* --- what there is to look through -------------------------------------------------------------- */

/* mincore() says of a page in the swap what it says of one that was never touched. */
static bool swap_is_used(void)
{
	struct sysinfo info;

	return sysinfo(&info) < 0 || info.freeswap != info.totalswap;
}

/*
 * Which pages of a window of guest memory the host has given. The others have never been touched and
 * hold zeros; to read them would be to ask for them, which takes longer than to look through a page.
 */
static void find_given(const uint8_t *window, size_t bytes, unsigned char given[WINDOW_PAGES])
{
	size_t into = (uintptr_t)window & (PAGE_BYTES - 1);

	if (mincore((void *)(uintptr_t)(window - into), into + bytes, given) < 0)
		memset(given, 1, WINDOW_PAGES);
}

/* The first of pages [at, pages) that is given, or not; pages: there is none. */
static size_t next_page(const unsigned char given[WINDOW_PAGES], size_t at, size_t pages, bool is)
{
	uint64_t eight, none = is ? 0 : 0x0101010101010101;

	for (; at < pages; at++) {
		for (; at + sizeof(eight) <= pages; at += sizeof(eight)) {
			memcpy(&eight, given + at, sizeof(eight));
			if ((eight & 0x0101010101010101) != none)
				break;
		}
		if (at == pages || (given[at] & 1) == is)
			break;
	}
	return at;
}

/* Pages that follow each other are looked through as one, over the ends of windows too. */
static void look_through_given(const struct stretch *s, struct found *best)
{
	struct stretch run = { s->bytes, 0 };
	unsigned char given[WINDOW_PAGES];

	if (swap_is_used()) {
		look_through(s, best);
		return;
	}
	for (size_t at = 0, bytes; at < s->size_bytes; at += bytes) {
		const uint8_t *window = s->bytes + at;
		size_t into = (uintptr_t)window & (PAGE_BYTES - 1), pages;

		bytes = WINDOW_BYTES - ((uintptr_t)window & (WINDOW_BYTES - 1));
		bytes = bytes < s->size_bytes - at ? bytes : s->size_bytes - at;
		pages = (into + bytes + PAGE_BYTES - 1) / PAGE_BYTES;
		find_given(window, bytes, given);
		for (size_t page = 0, end; page < pages; page = end) {
			size_t from, to;

			end = next_page(given, page, pages, !(given[page] & 1));
			from = page ? page * PAGE_BYTES - into : 0;
			to = end < pages ? end * PAGE_BYTES - into : bytes;
			if (given[page] & 1) {
				run.size_bytes += to - from;
				continue;
			}
			if (run.size_bytes > 0)
				look_through(&run, best);
			run = (struct stretch){ window + to, 0 };
		}
	}
	look_through(&run, best);
}

/* The part of a region that lies in [gpa, gpa + size_bytes), from a multiple of 8 on. */
static struct stretch clip(const struct guest_memory_region *region, uint64_t gpa,
			   uint64_t size_bytes)
{
	uint64_t from = gpa > region->gpa ? gpa - region->gpa : 0;
	uint64_t to, last;

	from = (from + 7) & ~7ull;
	if (__builtin_add_overflow(gpa, size_bytes, &last))
		last = UINT64_MAX;
	to = last > region->gpa ? last - region->gpa : 0;
	if (to > region->size_bytes)
		to = region->size_bytes;
	if (from >= to)
		return (struct stretch){ NULL, 0 };
	return (struct stretch){ region->host + from, (size_t)(to - from) };
}

static struct found look_everywhere(const struct guest_memory *memory, uint64_t gpa,
				    uint64_t size_bytes)
{
	struct found best = { 0 };

	for (size_t i = 0; i < GUEST_MEMORY_REGIONS; i++) {
		struct stretch s = clip(&memory->region[i], gpa, size_bytes);

		if (s.size_bytes > 0)
			look_through_given(&s, &best);
	}
	return best;
}

static void keep_text(struct lastwords *words, const struct found *found)
{
	size_t from = found->phrase->reason ? strlen(found->phrase->words) : 0;
	size_t used = 0;

	while (from < found->text_bytes && used < sizeof(words->text) - 1) {
		uint8_t byte = (uint8_t)found->text[from++];

		if (byte == '\n')
			break;
		words->text[used++] = is_printable(byte) && byte != '\t' ? (char)byte : '?';
	}
	words->text[used] = '\0';
}

void lastwords_find(struct lastwords *words, const struct guest_memory *memory, uint64_t gpa,
		    uint64_t size_bytes)
{
	struct found best = look_everywhere(memory, gpa, size_bytes);

	*words = (struct lastwords){ .kind = LASTWORDS_NONE };
	if (!best.phrase)
		return;
	words->kind = best.phrase->kind;
	keep_text(words, &best);
}
