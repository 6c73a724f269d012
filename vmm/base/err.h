/* SPDX-License-Identifier: MIT */
/*
 * One error, told once, where the fact is known.
 *
 * Functions that can fail return 0 or -errno and take a struct err *, which they fill with one
 * line of text: the file, the field, what was found, what was allowed, what to do. Callers pass
 * it up untouched; only main prints it. The text has no newline and no "tvmm: ".
 */
#ifndef TVMM_BASE_ERR_H
#define TVMM_BASE_ERR_H

enum { ERR_TEXT_BYTES = 640 };

struct err {
	int code; /* a positive errno value, 0 while nothing is wrong */
	char text[ERR_TEXT_BYTES];
};

/*
 * Fills *e and returns -code, so that a failing function can end with `return err_set(...)`.
 * code is a positive errno value; fmt is printf's. Bytes of control characters and those that are
 * not UTF-8 (a file name may hold them) become '?' each, so that one error stays one line and no
 * terminal obeys it; a text that is too long loses its middle.
 */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same, with ": " and strerror(code) after the text. */
int err_sys(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
