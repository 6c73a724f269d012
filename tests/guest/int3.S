/* SPDX-License-Identifier: MIT */
/* A breakpoint without a handler. */
#include "tests/guest/guest.h"

	lidt	no_table(%rip)
	int3
	halt

no_table:
	.word	0
	.quad	0
