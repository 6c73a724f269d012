/* SPDX-License-Identifier: MIT */
/* What every refusal looks like, as vmm/base/err.h promises it. */
#ifndef TVMM_TESTS_COMMON_REFUSAL_H
#define TVMM_TESTS_COMMON_REFUSAL_H

#include "vmm/base/err.h"

/* What is wrong with a refusal: a function returned rc < 0 and filled *e. NULL if nothing is. */
const char *refusal_flaw(int rc, const struct err *e);

#endif
