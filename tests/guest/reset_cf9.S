/* SPDX-License-Identifier: MIT */
/* Prints its command line, then resets through the chipset's reset control register. */
#include "tests/guest/guest.h"

	say_cmdline
	mov	$PORT_RESET, %edx
	mov	$RESET_HARD_NOW, %al
	outb	%al, %dx
	spin
