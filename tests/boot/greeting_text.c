/* SPDX-License-Identifier: MIT */
/* The library that tests/boot/greeting.c needs. */
const char *greeting_text(void);

const char *greeting_text(void)
{
	return "greetings from two libraries";
}
