/* SPDX-License-Identifier: MIT */
/* Prints its command line, then resets through system control port A. */
#include "tests/guest/guest.h"

	say_cmdline
	mov	$SYSTEM_A_RESET, %al
	outb	%al, $PORT_SYSTEM_A
	spin
