/* SPDX-License-Identifier: MIT */
/*
 * A bus: which device answers at which addresses. One serves I/O ports, another can serve MMIO.
 *
 * Open bus: a read that nobody claims gives ones, a write that nobody claims is dropped; an
 * access that straddles the end of a device's range is claimed by nobody. Both are counted.
 */
#ifndef TVMM_DEVICES_BUS_H
#define TVMM_DEVICES_BUS_H

#include <stddef.h>
#include <stdint.h>

#include "devices/device.h"
#include "vmm/base/err.h"

enum { BUS_SLOTS = 32 };

struct bus_slot {
	uint64_t base;
	uint64_t length;
	struct device *device; /* borrowed */
	uint64_t reads, writes;
};

/* Slots are kept in order of their base and never overlap. */
struct bus {
	const char *name; /* "port", "mmio": for messages */
	struct bus_slot slot[BUS_SLOTS];
	size_t slots;
	uint64_t read_misses, write_misses;
};

void bus_init(struct bus *bus, const char *name);

/*
 * Lets device answer at [base, base + length). Refuses an empty or wrapping range, an overlap
 * (both names and ranges are told) and a full bus: -errno with *e filled, nothing attached.
 * The device is borrowed and must live as long as the bus.
 */
int bus_attach(struct bus *bus, uint64_t base, uint64_t length, struct device *device,
	       struct err *e);

/*
 * One access. data holds size bytes. Only sizes 1, 2, 4 and 8 reach a device; any other (the piece
 * of an MMIO access that was cut at a page's end) is a miss.
 */
void bus_read(struct bus *bus, uint64_t address, uint32_t size, uint8_t *data);
void bus_write(struct bus *bus, uint64_t address, uint32_t size, const uint8_t *data);

/* The name of the device that claims an address; NULL: nobody does. */
const char *bus_owner(const struct bus *bus, uint64_t address);

/* Calls every attached device's reset; a device attached twice is reset twice. */
void bus_reset(struct bus *bus);

#endif
