/* SPDX-License-Identifier: MIT */
/* Prints its command line, then ends the run with 16 at port 0xf4: status 33. */
#include "tests/guest/guest.h"

	say_cmdline
	mov	$16, %al
	outb	%al, $0xf4
	halt
