/* SPDX-License-Identifier: MIT */
/*
 * A guest's text for people who read it somewhere else: without colours and cursor movements, in
 * UTF-8, bounded.
 *
 * Authority: [ECMA-48] "Control sequences", "Control strings"; [XML] "Characters"; [UTF-8].
 */
#ifndef TVMM_TIMING_CLEANTEXT_H
#define TVMM_TIMING_CLEANTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/timing/report.h"

/*
 * Copies text, at most size bytes with the NUL; size is at least 1. Control sequences are left out;
 * what is no character that a document may have, and what turns the direction of writing, becomes
 * U+FFFD. Tabs become blanks, and so do ends of lines unless there may be several lines. What has
 * no room is cut behind a whole character, with "..." at the end if there is room for that. Returns
 * the length.
 */
size_t cleantext_copy(char *to, size_t size, const char *text, bool lines);

/*
 * The last lines of the console that fit, each with "\n" behind it and cut after CLEANTEXT_LINE_BYTES.
 * Returns how many lines they are.
 */
enum { CLEANTEXT_LINE_BYTES = 1024 };
size_t cleantext_console_tail(const struct report_console *console, char *to, size_t size);

#endif
