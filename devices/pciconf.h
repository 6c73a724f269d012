/* SPDX-License-Identifier: MIT */
/*
 * The ports of PCI configuration on a machine without PCI, and the reset control register that
 * lives among them.
 *
 *   port   offset   access     meaning
 *   cf8    0        any        address of configuration space: reads ones, keeps nothing
 *   cf9    1        one byte   reset control: bit 1 hard rather than soft, bit 2 reset now,
 *                              bit 3 with a power cycle
 *   cfc    4-7      any        data of configuration space: reads ones, drops writes
 */
#ifndef TVMM_DEVICES_PCICONF_H
#define TVMM_DEVICES_PCICONF_H

#include <stdint.h>

#include "devices/device.h"

enum { PCICONF_PORTS = 8 }; /* the length of its range on a bus */

struct pciconf_state {
	uint8_t reset_control; /* bits 1 and 3 */
};

struct pciconf {
	struct device device;
	struct line reset; /* pulsed: true, then false */
	struct pciconf_state state;
};

/* Connects the reset wire and powers on. */
void pciconf_init(struct pciconf *pciconf, struct line reset);

#endif
