/* SPDX-License-Identifier: MIT */
/* Prints its command line, then waits for interrupts that nothing sends. */
#include "tests/guest/guest.h"

	say_cmdline
	sti
1:	hlt
	jmp	1b
