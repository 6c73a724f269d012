/* SPDX-License-Identifier: MIT */
/* Prints its command line, then faults without a handler for anything: a triple fault. */
#include "tests/guest/guest.h"

	say_cmdline
	lidt	no_table(%rip)
	ud2

no_table:
	.word	0
	.quad	0
