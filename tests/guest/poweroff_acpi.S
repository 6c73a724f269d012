/* SPDX-License-Identifier: MIT */
/*
 * Tries to sleep as in S3, which must not happen, prints its command line, then powers off through
 * ACPI's control register as Linux does: the sleep type first, then with SLP_EN.
 */
#include "tests/guest/guest.h"

	mov	$PORT_PM1_CONTROL, %edx
	mov	$SLEEP_S3, %eax
	outw	%ax, %dx
	say_cmdline
	mov	$PORT_PM1_CONTROL, %edx
	xor	%eax, %eax
	outw	%ax, %dx
	mov	$SLEEP_S5, %eax
	outw	%ax, %dx
	spin
