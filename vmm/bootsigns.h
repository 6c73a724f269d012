/* SPDX-License-Identifier: MIT */
/*
 * What the console of a boot tells somebody who only hears it, as of another VMM's guest: when the
 * init gave its first sign, how long the boot took by the guest's own clock, and that the line came
 * which ends the run. What a guest prints is its word; the times are the host's.
 *
 * Signs of the init: a mark that it made (docs/marks.md), the first one; else the kernel's line "Run
 * ... as init process". A line's time is that of its first byte, as for tvmm's own marks.
 */
#ifndef TVMM_BOOTSIGNS_H
#define TVMM_BOOTSIGNS_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/timing/escape.h"
#include "vmm/timing/watch.h"

enum bootsigns_init {
	BOOTSIGNS_NONE,
	BOOTSIGNS_MARK,
	BOOTSIGNS_RUN_INIT,
};

struct bootsigns {
	const regex_t *
		uptime; /* borrowed: its group is a number of seconds; NULL: it is not looked for */
	bool uptime_known;
	uint64_t uptime_ns;            /* as the first line that matches says it */
	uint64_t mark_ns, run_init_ns; /* of clock_now_ns(); 0: not seen */
	uint64_t until_ns;             /* when the expression had matched; 0: it has not */

	/* Private. */
	struct watch watch;
	struct escape escape;
};

/* Both expressions are borrowed, and may be NULL. */
void bootsigns_init(struct bootsigns *signs, const regex_t *uptime, const regex_t *until);

/* Takes bytes that were read at now_ns. True: the expression has matched by now. A child_hear. */
bool bootsigns_hear(void *signs, const char *bytes, size_t count, uint64_t now_ns);

/* No more will come: the last line need not have an end. */
void bootsigns_end(struct bootsigns *signs);

/* The init's first sign, and of which kind it is. */
enum bootsigns_init bootsigns_init_at(const struct bootsigns *signs, uint64_t *at_ns);

#endif
