/* SPDX-License-Identifier: MIT */
/* The parts of a digest, in the order in which they are made; nobody else's business. */
#ifndef TVMM_TIMING_DIGESTPARTS_H
#define TVMM_TIMING_DIGESTPARTS_H

#include "vmm/timing/digest.h"

struct making {
	struct digest *digest;
	const struct digest_input *in;
	struct report *report;
	struct report_mark *mark;
	struct report_step *step;
	uint64_t start_ns; /* process start, on the record's clock */
	bool failed;       /* out of memory: what was made since is NULL or incomplete */
};

/* Zeroed memory that lives as long as the digest; NULL and making->failed when there is none. */
void *digest_room(struct making *making, size_t count, size_t bytes);
/* A formatted string of the same life; "" when there is no memory. */
const char *digest_text(struct making *making, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * The step that a moment of the record's clock belongs to; moments before the first mark are in the
 * first.
 */
size_t digest_step_at(const struct making *making, uint64_t ns);

/* a - b, or 0. */
static inline uint64_t digest_less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

void digest_marks(struct making *making);
void digest_initcalls(struct making *making);
void digest_exits(struct making *making);
void digest_console(struct making *making);
void digest_splits(struct making *making);
void digest_profile(struct making *making);
void digest_log(struct making *making);
void digest_metrics(struct making *making);

#endif
