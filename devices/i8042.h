/* SPDX-License-Identifier: MIT */
/*
 * What is left of the keyboard controller: its way to reset the machine, and an answer that makes
 * a driver give up fast.
 *
 * It answers at two single ports with someone else's port between them (61, the speaker's, which
 * KVM owns), so it is two devices:
 *
 *   device     port   read                     write
 *   data       60     ff                       dropped
 *   command    64     status: fd, always       command: F0..FF with bit 0 clear resets
 */
#ifndef TVMM_DEVICES_I8042_H
#define TVMM_DEVICES_I8042_H

#include "devices/device.h"

enum { I8042_PORTS = 1 }; /* the length of each one's range on a bus */

struct i8042_data {
	struct device device;
};

struct i8042_command {
	struct device device;
	struct line reset; /* pulsed: true, then false */
};

/* Has no state: nothing that a guest does changes what it sees. */
struct i8042 {
	struct i8042_data data;
	struct i8042_command command;
};

/* Connects the reset wire. Attach &i8042->data.device and &i8042->command.device. */
void i8042_init(struct i8042 *i8042, struct line reset);

#endif
