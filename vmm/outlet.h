/* SPDX-License-Identifier: MIT */
/*
 * A way out for bytes: a ring that takes them at once, and the device that takes them out of it when
 * it can. Whoever puts bytes in has looked for room before; nothing is ever dropped.
 *
 * No lock in here: the console's guards `first` and `count`; the bytes of a stretch stay where they
 * are until they are taken out, so that they can be written without it.
 */
#ifndef TVMM_OUTLET_H
#define TVMM_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/must.h"
#include "vmm/chardev.h"

enum { OUTLET_RING_BYTES = 1 << 16 };

struct outlet {
	struct chardev *dev; /* borrowed; NULL: not in use */
	uint8_t ring[OUTLET_RING_BYTES];
	size_t first, count;
	bool at_line_start; /* what comes next begins a line */
	bool blocked;       /* the device took nothing when it was last tried */
};

void outlet_init(struct outlet *outlet, struct chardev *dev);

/* How many bytes may be put in; all of the ring if it is not in use. */
size_t outlet_room(const struct outlet *outlet);

/* At most outlet_room() bytes. Not in use: they go nowhere. */
void outlet_put(struct outlet *outlet, const void *bytes, size_t count);

/* The same for one byte. */
static inline void outlet_put_byte(struct outlet *outlet, uint8_t byte)
{
	if (!outlet->dev)
		return;
	must(outlet->count < OUTLET_RING_BYTES);
	outlet->ring[(outlet->first + outlet->count++) % OUTLET_RING_BYTES] = byte;
	outlet->at_line_start = byte == '\n';
}

/* The bytes that come next and lie in one piece; 0: there are none. */
size_t outlet_stretch(const struct outlet *outlet, const uint8_t **bytes);

/* They have been written. */
void outlet_take_out(struct outlet *outlet, size_t count);

#endif
