/* SPDX-License-Identifier: MIT */
/*
 * What holds of every plan, and which requests must get one: said without boot/plan.c's help, in
 * numbers of 128 bits that cannot wrap. For the plan's grid and for fuzzing.
 *
 * Authority: [BOOT] "Details of Header Fields"; the picture and the promises in boot/plan.h.
 */
#ifndef TVMM_TESTS_COMMON_PLANSPEC_H
#define TVMM_TESTS_COMMON_PLANSPEC_H

#include <stdbool.h>

#include "boot/plan.h"

/* What is wrong with a plan that request got, in a few words; NULL if nothing is. */
const char *planspec_flaw(const struct plan_request *request, const struct boot_plan *plan);

/* Whether two plans are the same in all that they say. */
bool planspec_same(const struct boot_plan *a, const struct boot_plan *b);

/* Whether the request must be given a plan; if not, it must be refused. */
bool planspec_possible(const struct plan_request *request);

/*
 * What is wrong with the advice that a refusal gives about -m (it must name the fewest MiB that
 * would do, or say that none would); NULL if nothing is, or if it gives none.
 */
const char *planspec_flaw_of_advice(const struct plan_request *request, const struct err *e);

#endif
