/* SPDX-License-Identifier: MIT */
/*
 * What the user types: bytes for the guest, keys for tvmm, and the lines of the monitor that
 * Ctrl-a c opens.
 */
#ifndef TVMM_KEYBOARD_H
#define TVMM_KEYBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/console.h"
#include "vmm/control.h"
#include "vmm/keys.h"
#include "vmm/machine.h"

enum { MONITOR_LINE_BYTES = 64 };

struct keyboard {
	struct keys keys;
	struct console *console;
	struct control *control;
	struct machine *machine;
	bool in_monitor;
	char line[MONITOR_LINE_BYTES];
	size_t length;
};

/*
 * Takes what was typed. With guest_takes, as many bytes as machine_input_room() at most;
 * without, the guest's share is refused with a bell and only the keys are served.
 */
void keyboard_take(struct keyboard *keyboard, const uint8_t *bytes, size_t count, bool guest_takes);

#endif
