/* SPDX-License-Identifier: MIT */
/*
 * Two reports, typed by hand, for whoever prints them: one with everything in it and texts that mean
 * harm, one of a run of which nothing but the console's marks is known. Their numbers hold together
 * as those of docs/report.md do: steps are the way between marks less the overhead, and so on.
 */
#ifndef TVMM_TESTS_COMMON_REPORTSPEC_H
#define TVMM_TESTS_COMMON_REPORTSPEC_H

#include "vmm/timing/report.h"

/* In the full report's texts: what ends a script, a string, a line of a terminal, and no UTF-8. */
#define REPORTSPEC_HOSTILE "\033[2J\"quoted\\\" </script><b>&amp; \xff\xc0\x80 \xed\xa0\x80\x7f"

const struct report *reportspec_full(void);
const struct report *reportspec_bare(void);

#endif
