/* SPDX-License-Identifier: MIT */
/*
 * Takes marks out of what the guest sends: control strings of this one form,
 *
 *   ESC ] 8866;mark: NAME BEL         or, instead of BEL,  ESC \
 *
 *   NAME: 1 to 63 bytes of 20-7e, no ';'
 *
 * Everything else passes, byte for byte and in order; docs/marks.md tells guests about it. What may
 * still become a mark is held back until the next byte decides. So the first bytes of any other
 * control sequence are late by one byte, and a lone ESC waits for whatever comes next, or for
 * escape_end().
 *
 * A sequence that something else cuts in two, a line of printk between a program's bytes say, is no
 * mark: both parts pass as text.
 *
 * Authority: [ECMA-48] "Operating System Command", "String Terminator"; BEL at the end is xterm's,
 * and everybody's since. Left out: the 8-bit forms 9d and 9c, which are parts of letters in UTF-8.
 */
#ifndef TVMM_TIMING_ESCAPE_H
#define TVMM_TIMING_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ESCAPE_PREFIX_BYTES = 12,
	ESCAPE_NAME_BYTES = 63,
	ESCAPE_HELD_BYTES = ESCAPE_PREFIX_BYTES + ESCAPE_NAME_BYTES + 1, /* the ESC of ESC \ */
};

struct escape {
	uint8_t held[ESCAPE_HELD_BYTES]; /* a beginning of a mark, from its ESC on */
	size_t count;
	uint64_t begun_ns; /* when held[0] came */
	uint64_t esc_ns;   /* when the ESC at the end came: another mark may begin with it */

	char name[ESCAPE_NAME_BYTES + 1]; /* of the last mark */
	uint64_t mark_ns;                 /* when its first byte came */
};

/* What passes because of one byte: that one and all that was held. */
struct escape_passing {
	uint8_t bytes[ESCAPE_HELD_BYTES + 1];
	size_t count;
};

void escape_init(struct escape *escape);

/* Whether a byte passes at once, without escape_take() being asked: the short way for most. */
static inline bool escape_passes(const struct escape *escape, uint8_t byte)
{
	return escape->count == 0 && byte != 0x1b;
}

/*
 * Takes the next byte, which came at now_ns, and fills in what passes. True when it completes a
 * mark: then nothing passes, and name and mark_ns are the mark's.
 */
bool escape_take(struct escape *escape, uint8_t byte, uint64_t now_ns,
		 struct escape_passing *passing);

/* No more bytes will come: what is held passes. */
void escape_end(struct escape *escape, struct escape_passing *passing);

#endif
