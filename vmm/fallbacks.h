/* SPDX-License-Identifier: MIT */
/*
 * What a run had to do without, of all that makes a boot faster: because the host's kernel is too old for it, a
 * file system is full, memory is short. Such a run goes on, and its report says so in a sentence each. What
 * the user turned off is none of it.
 *
 * Left out: what shows only behind the report, such as that nobody could be found who closes the VM
 * (vmm/reaper.h).
 */
#ifndef TVMM_FALLBACKS_H
#define TVMM_FALLBACKS_H

#include <stddef.h>

enum { FALLBACKS_MAX = 12, FALLBACK_BYTES = 320 };

struct session;

/* list points into it: not to be copied. */
struct fallbacks {
	size_t count;
	const char *list[FALLBACKS_MAX];
	char text[FALLBACKS_MAX][FALLBACK_BYTES];
};

/* After account_settle(): fills session->fallbacks, and has the report tell of them. */
void fallbacks_find(struct session *session);

#endif
