/* SPDX-License-Identifier: MIT */
/* Writes the number on its command line to port 0xf4 as a byte, to 0x501 as two, then halts. */
#include "tests/guest/guest.h"

	find_cmdline
	read_number
	mov	%ecx, %eax
	outb	%al, $0xf4
	mov	$0x501, %edx
	outw	%ax, %dx
	halt
