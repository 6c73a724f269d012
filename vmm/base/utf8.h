/* SPDX-License-Identifier: MIT */
/*
 * Which bytes are a character. Text of guests, files and command lines is any bytes; terminals and
 * documents are shown what is well-formed and no control character.
 *
 * Authority: [UTF-8], "Syntax of UTF-8 Byte Sequences"; [ECMA-48] for the control sets C0 and C1.
 */
#ifndef TVMM_BASE_UTF8_H
#define TVMM_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD, for what is no character */

/* Bytes of the well-formed character at text, and which it is; 0: there is none, or text ends. */
size_t utf8_read(const char *text, uint32_t *character);

/* U+0000 to U+001F, U+007F to U+009F: what a terminal obeys. */
bool utf8_is_control(uint32_t character);

/*
 * Copies text, at most to_bytes with the NUL, with U+FFFD for each byte that is no character. What has
 * no room is left out, from a whole character on. 3 * strlen(text) + 1 is always enough.
 */
void utf8_mend(char *to, size_t to_bytes, const char *text);

/* Bytes of the character at text if it is one and no control character, else 0. */
size_t utf8_printable_bytes(const char *text);

#endif
