/* SPDX-License-Identifier: MIT */
/*
 * Keeps the console's lines at their times, for reports: what the guest sent, control sequences
 * included, marks by escape sequence left out. Bounded by the record's tables, and nothing is
 * allocated: the text goes straight to its place. A line that finds a table full is counted; the
 * one that fills the text's is kept as far as it fits.
 */
#ifndef TVMM_TIMING_LINES_H
#define TVMM_TIMING_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/timing/record.h"

struct lines {
	struct record_shared *record; /* borrowed; NULL: nothing is kept */
	bool open;                    /* inside a line: the one behind record->lines */
	bool kept;                    /* there is room for it */
};

void lines_init(struct lines *lines, struct record_shared *record);

/* Takes the next byte, which came at now_ns. */
void lines_byte(struct lines *lines, uint8_t byte, uint64_t now_ns);

/* No more bytes will come: a line without an end, a prompt say, is a line as well. */
void lines_end(struct lines *lines);

#endif
