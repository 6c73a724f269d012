/* SPDX-License-Identifier: MIT */
/* Prints its command line, then spins. */
#include "tests/guest/guest.h"

	say_cmdline
	spin
