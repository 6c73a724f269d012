/* SPDX-License-Identifier: MIT */
/* Symbol tables that a test writes down: names at addresses. */
#ifndef TVMM_TESTS_COMMON_SYMBOLSPEC_H
#define TVMM_TESTS_COMMON_SYMBOLSPEC_H

#include "boot/symbols.h"

struct symbolspec {
	uint64_t address;
	const char *name;
	char kind;
};

/* Fills an empty table; the lines come in ascending order of address. symbols_finish() is due. */
void symbolspec_fill(struct symbols *symbols, const struct symbolspec *spec, size_t count);

#endif
