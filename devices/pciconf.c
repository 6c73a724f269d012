/* SPDX-License-Identifier: MIT */
/*
 * No PCI: a kernel that writes an address to cf8 and does not read it back knows that there is no
 * configuration space, and asks no further.
 *
 * Authority: [PCI] "Configuration Mechanism #1" for what a probe expects; [ICH] "RST_CNT - Reset
 * Control Register" for cf9, which is decoded for accesses of one byte only: a wider one belongs
 * to the configuration address and resets nothing, whatever its second byte says.
 *
 * Departures: the three kinds of reset (soft, hard, with a power cycle) are one pulse; bit 2 reads
 * back as 0, since after a reset it is.
 */
#include "devices/pciconf.h"

#include <string.h>

enum {
	RESET_CONTROL = 1, /* offset */
	RESET_HARD = 1 << 1,
	RESET_NOW = 1 << 2,
	RESET_POWER_CYCLE = 1 << 3,
};

static struct pciconf *pciconf_of(struct device *device)
{
	return (struct pciconf *)device;
}

static bool is_reset_control(uint64_t offset, uint32_t size)
{
	return offset == RESET_CONTROL && size == 1;
}

static void pciconf_read(struct device *device, uint64_t offset, uint32_t size, uint8_t *data)
{
	if (is_reset_control(offset, size))
		data[0] = pciconf_of(device)->state.reset_control;
}

static void pciconf_write(struct device *device, uint64_t offset, uint32_t size,
			  const uint8_t *data)
{
	struct pciconf *pciconf = pciconf_of(device);

	if (!is_reset_control(offset, size))
		return;
	pciconf->state.reset_control = data[0] & (RESET_HARD | RESET_POWER_CYCLE);
	if (data[0] & RESET_NOW)
		line_pulse(&pciconf->reset);
}

static void pciconf_reset(struct device *device)
{
	pciconf_of(device)->state.reset_control = 0;
}

static void *pciconf_state(struct device *device, size_t *size_bytes)
{
	*size_bytes = sizeof(struct pciconf_state);
	return &pciconf_of(device)->state;
}

static const struct device_ops pciconf_ops = {
	.name = "pciconf",
	.read = pciconf_read,
	.write = pciconf_write,
	.reset = pciconf_reset,
	.state = pciconf_state,
};

void pciconf_init(struct pciconf *pciconf, struct line reset)
{
	memset(pciconf, 0, sizeof(*pciconf));
	pciconf->device.ops = &pciconf_ops;
	pciconf->reset = reset;
}
