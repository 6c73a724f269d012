/* SPDX-License-Identifier: MIT */
/* An autopsy, typed by hand: of two CPUs, a kernel with symbols, and a log that means harm. */
#ifndef TVMM_TESTS_COMMON_AUTOPSYSPEC_H
#define TVMM_TESTS_COMMON_AUTOPSYSPEC_H

#include "vmm/timing/autopsy.h"

/* Each call gives the same fresh one; what it points to may be changed until the next. */
struct autopsy *autopsyspec(void);

#endif
