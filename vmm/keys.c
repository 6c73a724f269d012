/* SPDX-License-Identifier: MIT */
#include "vmm/keys.h"

enum key_action keys_next(struct keys *keys, uint8_t byte)
{
	if (!keys->escape)
		return KEY_PASS;
	if (!keys->escaped) {
		keys->escaped = byte == keys->escape;
		return keys->escaped ? KEY_SWALLOW : KEY_PASS;
	}
	keys->escaped = false;
	if (byte == keys->escape)
		return KEY_PASS;
	switch (byte) {
	case 'x':
		return KEY_QUIT;
	case 'h':
	case '?':
		return KEY_HELP;
	case 'b':
		return KEY_BREAK;
	case 't':
		return KEY_TIMESTAMPS;
	case 'c':
		return KEY_MONITOR;
	default:
		return KEY_SWALLOW;
	}
}
