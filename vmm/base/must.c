/* SPDX-License-Identifier: MIT */
#include "vmm/base/must.h"

#include <stdio.h>
#include <stdlib.h>

void must_fail(const char *condition, const char *file, int line)
{
	(void)fprintf(stderr, "tvmm: bug: %s:%d: expected %s\n", file, line, condition);
	abort();
}
