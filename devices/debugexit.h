/* SPDX-License-Identifier: MIT */
/*
 * A port through which a guest ends the run with a number, as QEMU's isa-debug-exit does: a write
 * of v gives exit status (v << 1) | 1.
 *
 * It is attached over iosize ports; a write wider than that is claimed by nobody.
 */
#ifndef TVMM_DEVICES_DEBUGEXIT_H
#define TVMM_DEVICES_DEBUGEXIT_H

#include <stdint.h>

#include "devices/device.h"

enum {
	DEBUGEXIT_DEFAULT_IOBASE = 0x501, /* what QEMU takes if not told otherwise */
	DEBUGEXIT_DEFAULT_IOSIZE = 2,
	DEBUGEXIT_MAX_IOSIZE = 4,
};

/* A wire that asks for the end of the run. value is what the guest wrote. */
struct exit_wire {
	void (*exit)(void *ctx, uint32_t value);
	void *ctx;
};

/* Has no state. */
struct debugexit {
	struct device device;
	struct exit_wire exit;
};

/* Connects the wire, which must be there. */
void debugexit_init(struct debugexit *debugexit, struct exit_wire exit);

/* The exit status for a value that was written: always odd, and as a process reports it, 1-255. */
static inline uint8_t debugexit_status(uint32_t value)
{
	return (uint8_t)(value << 1 | 1);
}

#endif
