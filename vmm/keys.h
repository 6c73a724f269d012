/* SPDX-License-Identifier: MIT */
/*
 * The keys of the console: what the user types goes to the guest, but for the escape character
 * (Ctrl-a unless -echr says otherwise) and the key behind it, with QEMU's meanings.
 */
#ifndef TVMM_KEYS_H
#define TVMM_KEYS_H

#include <stdbool.h>
#include <stdint.h>

enum key_action {
	KEY_PASS,       /* the byte goes to the guest (or to the monitor, while it is open) */
	KEY_SWALLOW,    /* part of a sequence */
	KEY_QUIT,       /* x */
	KEY_HELP,       /* h or ? */
	KEY_BREAK,      /* b: a break on the serial line, for sysrq */
	KEY_TIMESTAMPS, /* t */
	KEY_MONITOR,    /* c */
};

struct keys {
	uint8_t escape; /* the control character's code; 0: no keys, everything passes */
	bool escaped;
};

/* Takes the next byte typed. */
enum key_action keys_next(struct keys *keys, uint8_t byte);

#endif
