/* SPDX-License-Identifier: MIT */
/* Prints its command line, then halts for good. */
#include "tests/guest/guest.h"

	say_cmdline
	halt
