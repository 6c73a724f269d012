/* SPDX-License-Identifier: MIT */
#include "vmm/timing/escape.h"

#include <string.h>

enum { BEL = 0x07, ESC = 0x1b };

static const char prefix[ESCAPE_PREFIX_BYTES + 1] = "\033]8866;mark:";

void escape_init(struct escape *escape)
{
	memset(escape, 0, sizeof(*escape));
}

/* An ESC at the end of what is held, other than the first: half of ESC \, or a mark's first. */
static bool ends_in_esc(const struct escape *escape)
{
	return escape->count > 1 && escape->held[escape->count - 1] == ESC;
}

static bool may_follow(const struct escape *escape, uint8_t byte)
{
	size_t name_bytes;

	if (escape->count < ESCAPE_PREFIX_BYTES)
		return byte == (uint8_t)prefix[escape->count];
	if (ends_in_esc(escape))
		return byte == '\\';
	name_bytes = escape->count - ESCAPE_PREFIX_BYTES;
	if (byte == BEL || byte == ESC)
		return name_bytes > 0;
	return byte >= 0x20 && byte <= 0x7e && byte != ';' && name_bytes < ESCAPE_NAME_BYTES;
}

/* It is no mark after all. Another may begin with the ESC that was to end this one. */
static void give_up(struct escape *escape, struct escape_passing *passing)
{
	size_t kept = ends_in_esc(escape) ? 1 : 0;
	size_t count = escape->count - kept;

	memcpy(passing->bytes + passing->count, escape->held, count);
	passing->count += count;
	escape->held[0] = ESC;
	escape->begun_ns = escape->esc_ns;
	escape->count = kept;
}

static void complete(struct escape *escape)
{
	size_t name_bytes = escape->count - ESCAPE_PREFIX_BYTES - (ends_in_esc(escape) ? 1 : 0);

	memcpy(escape->name, escape->held + ESCAPE_PREFIX_BYTES, name_bytes);
	escape->name[name_bytes] = '\0';
	escape->mark_ns = escape->begun_ns;
	escape->count = 0;
}

bool escape_take(struct escape *escape, uint8_t byte, uint64_t now_ns,
		 struct escape_passing *passing)
{
	passing->count = 0;
	while (escape->count && !may_follow(escape, byte))
		give_up(escape, passing);
	if (escape_passes(escape, byte)) {
		passing->bytes[passing->count++] = byte;
		return false;
	}
	if (byte == BEL || (byte == '\\' && ends_in_esc(escape))) {
		complete(escape);
		return true;
	}
	if (byte == ESC)
		*(escape->count ? &escape->esc_ns : &escape->begun_ns) = now_ns;
	escape->held[escape->count++] = byte;
	return false;
}

void escape_end(struct escape *escape, struct escape_passing *passing)
{
	memcpy(passing->bytes, escape->held, escape->count);
	passing->count = escape->count;
	escape->count = 0;
}
