/* SPDX-License-Identifier: MIT */
/*
 * The bus: finds who answers at an address. What it promises is in bus.h.
 *
 * Left out: a bus that splits an access between neighbours, as ISA does with a word that starts
 * in one chip and ends in the next. Here nobody gets such an access.
 */
#include "devices/bus.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vmm/base/must.h"

void bus_init(struct bus *bus, const char *name)
{
	memset(bus, 0, sizeof(*bus));
	bus->name = name;
}

/* The number of slots whose base is not above address: the slot before it may hold address. */
static size_t slots_up_to(const struct bus *bus, uint64_t address)
{
	size_t low = 0, high = bus->slots;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (bus->slot[middle].base <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint64_t last_address(const struct bus_slot *slot)
{
	return slot->base + (slot->length - 1);
}

static bool device_size(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

/* The slot that claims all of [address, address + size), or NULL. */
static struct bus_slot *slot_for(struct bus *bus, uint64_t address, uint32_t size)
{
	size_t above = slots_up_to(bus, address);
	struct bus_slot *slot;
	uint64_t offset;

	if (above == 0 || !device_size(size))
		return NULL;
	slot = &bus->slot[above - 1];
	offset = address - slot->base;
	if (offset >= slot->length || size > slot->length - offset)
		return NULL;
	return slot;
}

static int refuse_overlap(const struct bus *bus, const struct bus_slot *a, const struct bus_slot *b,
			  struct err *e)
{
	return err_set(e, EEXIST,
		       "%s bus: %s at 0x%" PRIx64 "-0x%" PRIx64 " overlaps %s at 0x%" PRIx64
		       "-0x%" PRIx64 "; move one of them",
		       bus->name, a->device->ops->name, a->base, last_address(a),
		       b->device->ops->name, b->base, last_address(b));
}

/* A range may end at the very top of the address space, so the test is on its last address. */
static int check_range(const struct bus *bus, const struct bus_slot *new, struct err *e)
{
	uint64_t last;

	if (new->length == 0)
		return err_set(e, EINVAL, "%s bus: %s at 0x%" PRIx64 " has no length", bus->name,
			       new->device->ops->name, new->base);
	if (__builtin_add_overflow(new->base, new->length - 1, &last))
		return err_set(e, EINVAL,
			       "%s bus: %s at 0x%" PRIx64 ", length 0x%" PRIx64
			       ", ends above the highest address",
			       bus->name, new->device->ops->name, new->base, new->length);
	return 0;
}

int bus_attach(struct bus *bus, uint64_t base, uint64_t length, struct device *device,
	       struct err *e)
{
	const struct bus_slot new = { .base = base, .length = length, .device = device };
	struct bus_slot *at;
	int r;

	must(device->ops->name && device->ops->read && device->ops->write);
	r = check_range(bus, &new, e);
	if (r)
		return r;

	at = bus->slot + slots_up_to(bus, base);
	if (at > bus->slot && last_address(at - 1) >= base)
		return refuse_overlap(bus, &new, at - 1, e);
	if (at < bus->slot + bus->slots && at->base <= last_address(&new))
		return refuse_overlap(bus, &new, at, e);
	if (bus->slots == BUS_SLOTS)
		return err_set(e, ENOSPC,
			       "%s bus: no slot left for %s at 0x%" PRIx64 ": all %d are taken",
			       bus->name, device->ops->name, base, BUS_SLOTS);

	memmove(at + 1, at, (size_t)(bus->slot + bus->slots - at) * sizeof(*at));
	*at = new;
	bus->slots++;
	return 0;
}

void bus_read(struct bus *bus, uint64_t address, uint32_t size, uint8_t *data)
{
	struct bus_slot *slot = slot_for(bus, address, size);

	memset(data, 0xff, size);
	if (!slot) {
		bus->read_misses++;
		return;
	}
	slot->reads++;
	slot->device->ops->read(slot->device, address - slot->base, size, data);
}

void bus_write(struct bus *bus, uint64_t address, uint32_t size, const uint8_t *data)
{
	struct bus_slot *slot = slot_for(bus, address, size);

	if (!slot) {
		bus->write_misses++;
		return;
	}
	slot->writes++;
	slot->device->ops->write(slot->device, address - slot->base, size, data);
}

const char *bus_owner(const struct bus *bus, uint64_t address)
{
	size_t above = slots_up_to(bus, address);
	const struct bus_slot *slot = above ? &bus->slot[above - 1] : NULL;

	return slot && address - slot->base < slot->length ? slot->device->ops->name : NULL;
}

void bus_reset(struct bus *bus)
{
	for (size_t i = 0; i < bus->slots; i++) {
		struct device *device = bus->slot[i].device;

		if (device->ops->reset)
			device->ops->reset(device);
	}
}
