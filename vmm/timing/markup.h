/* SPDX-License-Identifier: MIT */
/* Writing HTML and SVG: guests' text inside them, and whether all was written. */
#ifndef TVMM_TIMING_MARKUP_H
#define TVMM_TIMING_MARKUP_H

#include <stddef.h>
#include <stdio.h>

/*
 * Writes text so that it is nothing but text, in an element or in a quoted attribute, in HTML and
 * in XML: & < > " ' become references; what is not UTF-8, and control characters but tab and
 * newline, become U+FFFD. Errors stay in the stream: markup_end() tells.
 */
void markup_text(FILE *out, const char *text);

/* Bytes of the character at text; 0: there is none that may stand in a document, or text ends. */
size_t markup_character_bytes(const char *text);

/*
 * Before the first byte and behind the last. The end flushes: 0, or -errno of the write that
 * failed.
 */
void markup_begin(FILE *out);
int markup_end(FILE *out);

#endif
