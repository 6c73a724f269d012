/* SPDX-License-Identifier: MIT */
/*
 * What one line of a test stream says: bytes -> facts, without memory of the lines before. ktap.c
 * puts the lines together.
 *
 *	[    0.123456]     not ok 12 - list_test_add # SKIP no memory
 *	  printk's stamp |ind.|   result  |  description |   reason
 *
 * The column is where the line's own words begin, behind the stamp; a tab counts as four. A nested
 * stream stands two columns deeper (KTAP), four (TAP 14, KUnit), or behind "# " (what kselftest
 * makes of a test program's own stream), which counts as two.
 *
 * Left out: results without a number, which TAP allows ("ok" alone is any program's word); YAML
 * blocks of TAP 13; pragmas.
 *
 * Authority: [KTAP]; [TAP13], [TAP14] "Bail out!", "Directives", "Subtests".
 */
#ifndef TVMM_TIMING_KTAPLINE_H
#define TVMM_TIMING_KTAPLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KTAPLINE_NUMBER_MAX = 999999999 };

enum ktapline_kind {
	KTAPLINE_OTHER, /* none of the following, and what the kernel says meanwhile */
	KTAPLINE_VERSION,
	KTAPLINE_PLAN,     /* number: how many; reason: of "1..0 # SKIP reason" */
	KTAPLINE_RESULT,   /* ok, number, directive; text: description; reason: behind '#' */
	KTAPLINE_SUBTEST,  /* "# Subtest: text" */
	KTAPLINE_BAIL_OUT, /* "Bail out! reason" */
};

enum ktapline_directive { KTAPLINE_NONE, KTAPLINE_SKIP, KTAPLINE_TODO, KTAPLINE_XFAIL };

/* Bytes of the line that was parsed. */
struct ktapline_text {
	const char *at;
	size_t bytes;
};

struct ktapline {
	enum ktapline_kind kind;
	unsigned int column; /* at most KTAPLINE_COLUMN_MAX */
	unsigned int hashes; /* how many "# " stand before it that are no part of it */
	bool ok;
	uint32_t number; /* at most KTAPLINE_NUMBER_MAX, whatever stands there */
	enum ktapline_directive directive;
	struct ktapline_text text, reason;
	struct ktapline_text all; /* the line from its column on */
};

enum { KTAPLINE_COLUMN_MAX = 255 };

/*
 * A line without its "\n"; "\r" at its end is dropped, and bytes of any value are taken. hashes:
 * how deep the stream is nested by "# " at the moment; so many are taken off, and one more before a
 * version line. What it points to is in the line.
 */
void ktapline_parse(struct ktapline *fact, const char *line, size_t bytes, unsigned int hashes);

#endif
