/* SPDX-License-Identifier: MIT */
/* Prints its command line, then has the keyboard controller pulse the reset line. */
#include "tests/guest/guest.h"

	say_cmdline
	mov	$COMMAND_RESET, %al
	outb	%al, $PORT_8042_COMMAND
	spin
