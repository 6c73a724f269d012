/* SPDX-License-Identifier: MIT */
/*
 * The exit port. Authority: QEMU's isa-debug-exit as its users see it: a write at any of the ports,
 * of one, two or four bytes, low byte first, ends the run; reads give ones.
 *
 * Departure: QEMU hands a write that is wider than iosize to the port in part; here it is a miss.
 */
#include "devices/debugexit.h"

#include <string.h>

#include "vmm/base/must.h"

/* Open bus: the bus has filled in ones. */
static void debugexit_read(struct device *device, uint64_t offset, uint32_t size, uint8_t *data)
{
	(void)device, (void)offset, (void)size, (void)data;
}

static void debugexit_write(struct device *device, uint64_t offset, uint32_t size,
			    const uint8_t *data)
{
	struct debugexit *debugexit = (struct debugexit *)device;
	uint32_t value = 0;

	(void)offset;
	for (uint32_t i = 0; i < size && i < sizeof(value); i++)
		value |= (uint32_t)data[i] << (8 * i);
	debugexit->exit.exit(debugexit->exit.ctx, value);
}

static const struct device_ops debugexit_ops = {
	.name = "isa-debug-exit",
	.read = debugexit_read,
	.write = debugexit_write,
};

void debugexit_init(struct debugexit *debugexit, struct exit_wire exit)
{
	must(exit.exit);
	memset(debugexit, 0, sizeof(*debugexit));
	debugexit->device.ops = &debugexit_ops;
	debugexit->exit = exit;
}
