/* SPDX-License-Identifier: MIT */
/* A made-up table of kernels: the recipe's four rows and one that does not boot. */
#ifndef TESTS_COMMON_TABLESPEC_H
#define TESTS_COMMON_TABLESPEC_H

#include "vmm/boottable.h"

/* What attacks whoever takes it for more than text. */
#define TABLESPEC_HOSTILE                                                                \
	"=cmd|' /C calc'!A0,\"<script>alert(1)</script>\"|[x](javascript:1)\x1b[31m\r\n" \
	"]]>\x07\xff&"

/* Static; valid until the next call. */
struct boottable *tablespec_typical(void);

/* The same without QEMU, and with nothing known but names. */
struct boottable *tablespec_bare(void);

/* The typical one with a hostile ending. */
struct boottable *tablespec_hostile(void);

#endif
