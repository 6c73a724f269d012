/* SPDX-License-Identifier: MIT */
/*
 * The POST code port. Authority: custom since the PC AT, whose firmware told there how far it had
 * come, to a card with two digits of display; [LINUX] arch/x86/kernel/io_delay.c writes there to
 * pass the time, so that not every code means something.
 *
 * Departure: the port is a page register of the DMA controller, unused, and reads back what was
 * written. Here it reads as ones, as on a machine without it.
 */
#include "devices/postcode.h"

#include <string.h>

#include "vmm/base/must.h"

/* Open bus: the bus has filled in ones. */
static void postcode_read(struct device *device, uint64_t offset, uint32_t size, uint8_t *data)
{
	(void)device, (void)offset, (void)size, (void)data;
}

static void postcode_write(struct device *device, uint64_t offset, uint32_t size,
			   const uint8_t *data)
{
	struct postcode *postcode = (struct postcode *)device;

	(void)offset, (void)size;
	postcode->code.show(postcode->code.ctx, data[0]);
}

static const struct device_ops postcode_ops = {
	.name = "postcode",
	.read = postcode_read,
	.write = postcode_write,
};

void postcode_init(struct postcode *postcode, struct code_wire code)
{
	must(code.show);
	memset(postcode, 0, sizeof(*postcode));
	postcode->device.ops = &postcode_ops;
	postcode->code = code;
}
