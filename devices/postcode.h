/* SPDX-License-Identifier: MIT */
/*
 * The port for power-on self-test codes: one port, 80. A byte written there goes out on a wire.
 */
#ifndef TVMM_DEVICES_POSTCODE_H
#define TVMM_DEVICES_POSTCODE_H

#include <stdint.h>

#include "devices/device.h"

enum { POSTCODE_PORTS = 1 }; /* the length of its range on a bus */

/* A wire that carries a code, each time one is written. */
struct code_wire {
	void (*show)(void *ctx, uint8_t code);
	void *ctx;
};

/* Has no state. */
struct postcode {
	struct device device;
	struct code_wire code;
};

/* Connects the wire, which must be there. */
void postcode_init(struct postcode *postcode, struct code_wire code);

#endif
