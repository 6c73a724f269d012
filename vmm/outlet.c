/* SPDX-License-Identifier: MIT */
#include "vmm/outlet.h"

#include <string.h>

void outlet_init(struct outlet *outlet, struct chardev *dev)
{
	outlet->dev = dev;
	outlet->first = outlet->count = 0;
	outlet->at_line_start = true;
	outlet->blocked = false;
}

size_t outlet_room(const struct outlet *outlet)
{
	return OUTLET_RING_BYTES - outlet->count;
}

void outlet_put(struct outlet *outlet, const void *bytes, size_t count)
{
	size_t at = (outlet->first + outlet->count) % OUTLET_RING_BYTES;
	size_t up_to_end = OUTLET_RING_BYTES - at;

	if (!outlet->dev || !count)
		return;
	must(count <= outlet_room(outlet));
	if (up_to_end > count)
		up_to_end = count;
	memcpy(outlet->ring + at, bytes, up_to_end);
	memcpy(outlet->ring, (const uint8_t *)bytes + up_to_end, count - up_to_end);
	outlet->count += count;
	outlet->at_line_start = ((const uint8_t *)bytes)[count - 1] == '\n';
}

size_t outlet_stretch(const struct outlet *outlet, const uint8_t **bytes)
{
	size_t up_to_end = OUTLET_RING_BYTES - outlet->first;

	*bytes = outlet->ring + outlet->first;
	return outlet->count < up_to_end ? outlet->count : up_to_end;
}

void outlet_take_out(struct outlet *outlet, size_t count)
{
	must(count <= outlet->count);
	outlet->first = (outlet->first + count) % OUTLET_RING_BYTES;
	outlet->count -= count;
}
