/* SPDX-License-Identifier: MIT */
/*
 * System control port A: one port, 92. Reads 02: address line 20 is on. Writing bit 0 resets.
 */
#ifndef TVMM_DEVICES_PORT92_H
#define TVMM_DEVICES_PORT92_H

#include "devices/device.h"

enum { PORT92_PORTS = 1 }; /* the length of its range on a bus */

/* Has no state: nothing that a guest does changes what it reads. */
struct port92 {
	struct device device;
	struct line reset; /* pulsed: true, then false */
};

/* Connects the reset wire. */
void port92_init(struct port92 *port92, struct line reset);

#endif
