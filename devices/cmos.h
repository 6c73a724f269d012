/* SPDX-License-Identifier: MIT */
/*
 * The PC's real-time clock with its battery-backed RAM: an index port and a data port.
 *
 *   offset   read         write
 *   0        open bus     index, bits 0-6 (bit 7 masks the NMI; there is none)
 *   1        byte         byte          of the 128 below
 *
 *   index    holds
 *   00..09   seconds, its alarm, minutes, its alarm, hours, its alarm, weekday (1 = Sunday),
 *            day of month, month (1-12), year of the century
 *   0a..0d   status A, B, C, D
 *   32       century
 *   others   RAM, zero after power-on
 *
 * The clock shows UTC.
 */
#ifndef TVMM_DEVICES_CMOS_H
#define TVMM_DEVICES_CMOS_H

#include <stdint.h>

#include "devices/device.h"

enum {
	CMOS_PORTS = 2, /* the length of its range on a bus */
	CMOS_BYTES = 128,
};

/* A wire that tells the time: ns since 1970-01-01 00:00 UTC. */
struct wall_clock {
	int64_t (*unix_ns)(void *ctx);
	void *ctx;
};

/*
 * The guest's clock is the host's, moved: the fraction of the second by phase_ns (0..999999999),
 * then whole seconds by offset_s. Both are 0 until the guest sets its clock.
 *
 * In byte[], the bytes of date and time count only while the clock stands still; while it runs
 * they are worked out at each read.
 */
struct cmos_state {
	int64_t offset_s;
	int64_t phase_ns;
	uint8_t index; /* as written, bit 7 included */
	uint8_t byte[CMOS_BYTES];
};

struct cmos {
	struct device device;
	struct wall_clock clock;
	struct cmos_state state;
};

/* Connects the clock, which must be there, and powers on. A reset later leaves date, time, RAM. */
void cmos_init(struct cmos *cmos, struct wall_clock clock);

#endif
