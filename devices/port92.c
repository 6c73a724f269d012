/* SPDX-License-Identifier: MIT */
/*
 * System control port A: the fast way to what the keyboard controller does slowly.
 *
 * Authority: [ICH] "PORT92 - Fast A20 and Init Register".
 *
 * Departures: the A20 gate cannot be closed; reset is of the whole machine, not of the processor
 * alone; the bits for lock and lamps read 0.
 */
#include "devices/port92.h"

#include <string.h>

enum {
	FAST_RESET = 1 << 0,
	A20_ON = 1 << 1,
};

static void port92_read(struct device *device, uint64_t offset, uint32_t size, uint8_t *data)
{
	(void)device, (void)offset, (void)size;
	data[0] = A20_ON;
}

static void port92_write(struct device *device, uint64_t offset, uint32_t size, const uint8_t *data)
{
	(void)offset, (void)size;
	if (data[0] & FAST_RESET)
		line_pulse(&((struct port92 *)device)->reset);
}

static const struct device_ops port92_ops = {
	.name = "port92",
	.read = port92_read,
	.write = port92_write,
};

void port92_init(struct port92 *port92, struct line reset)
{
	memset(port92, 0, sizeof(*port92));
	port92->device.ops = &port92_ops;
	port92->reset = reset;
}
