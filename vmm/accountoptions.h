/* SPDX-License-Identifier: MIT */
/* What the command line says of the account of a run, as plain data. */
#ifndef TVMM_ACCOUNTOPTIONS_H
#define TVMM_ACCOUNTOPTIONS_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/timing/digest.h"
#include "vmm/timing/record.h"
#include "vmm/timing/watch.h"

enum {
	ACCOUNT_PHASES = 1 << 0,    /* breakpoints along the kernel's start */
	ACCOUNT_INITCALLS = 1 << 1, /* two more for each initcall */
	ACCOUNT_EXITS = 1 << 2,     /* each exit to user space, the host's counters */
	ACCOUNT_LINES = 1 << 3,     /* each line of the console */
	ACCOUNT_ALL = ACCOUNT_PHASES | ACCOUNT_INITCALLS | ACCOUNT_EXITS | ACCOUNT_LINES,

	ACCOUNT_MARKS_MAX = 16,
	ACCOUNT_BUDGETS_MAX = 32,
	ACCOUNT_PROFILE_MAX_HZ = 20000,
};

struct account_options {
	bool what_given;
	unsigned int what;   /* bits; accountoptions_settle() adds what the outputs need */
	const char *symbols; /* a path, or NULL */
	const char *report, *trace, *html, *folded, *flame, *dmesg; /* paths, or NULL */
	const char *junit, *summary;                                /* the same */
	bool tap;                                                   /* tests are looked for */
	uint64_t profile_hz;                                        /* 0: none */
	struct watch_mark mark[ACCOUNT_MARKS_MAX];
	char mark_name[ACCOUNT_MARKS_MAX][RECORD_NAME_BYTES];
	size_t marks;
	struct budget budget[ACCOUNT_BUDGETS_MAX];
	size_t budgets;
	bool control; /* once more with the console quiet */
};

/* A handler for each option: 0, or -EINVAL with *e. Strings are borrowed. */
int accountoptions_what(struct account_options *o, const char *value, struct err *e);
int accountoptions_profile(struct account_options *o, const char *value, struct err *e);
int accountoptions_mark(struct account_options *o, const char *value, struct err *e);
int accountoptions_assert(struct account_options *o, const char *value, struct err *e);

/*
 * When all options are known: what an output needs is taken, unless -account said otherwise.
 * -EINVAL for those that contradict each other.
 */
int accountoptions_settle(struct account_options *o, struct err *e);

/* True: more than the marks that every run has. */
bool accountoptions_wanted(const struct account_options *o);

void accountoptions_finish(struct account_options *o);

#endif
