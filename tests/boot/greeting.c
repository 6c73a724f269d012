/* SPDX-License-Identifier: MIT */
/* A shared library that needs another one: tests/boot/guestprog.c, greet. */
const char *greeting(void);
const char *greeting_text(void);

const char *greeting(void)
{
	return greeting_text();
}
