/* SPDX-License-Identifier: MIT */
/*
 * --fail-on: what a kernel prints when something went wrong, by name ("oops", "lockdep", "hung-task" ...),
 * by group ("crash", "all" ...) or by an expression of the user's. The names' texts are looked for
 * where a kernel begins to speak: at the start of a line, behind printk's prefix wherever that
 * stands, and behind a prompt that nobody answered. So the same words amid other text are no
 * trouble. Expressions are tried on the whole line as it is.
 *
 *   trouble.c         from names to a choice, from a line to a name
 *   trouble_table.c   which name means which texts
 *
 * Authority: Linux 6.1, for each text the file that prints it, in trouble_table.c; kernels before
 * and after it where they word things otherwise. Left out: texts of other architectures than x86.
 */
#ifndef TVMM_TROUBLE_H
#define TVMM_TROUBLE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/base/err.h"

enum { TROUBLE_EXPRESSIONS_MAX = 16 };

/* What is looked for. All zero: nothing. */
struct trouble {
	uint64_t names; /* a bit for each row of the table */
	regex_t re[TROUBLE_EXPRESSIONS_MAX];
	const char *re_text[TROUBLE_EXPRESSIONS_MAX]; /* borrowed: the option's value */
	size_t expressions;
};

/*
 * Adds a value of --fail-on: NAME[,NAME]... when it holds nothing but small letters, digits, '-' and
 * ','; else a POSIX extended expression, between two slashes or without. value is borrowed while t is
 * used. 0, or -EINVAL, -E2BIG with *e, and what was added before stays.
 */
int trouble_parse(struct trouble *t, const char *value, struct err *e);
void trouble_finish(struct trouble *t);

/* Whether anything is looked for. */
bool trouble_wanted(const struct trouble *t);

/*
 * Whether a line of the console, without its end, tells of what is looked for; then *name is the
 * name, static, or the expression as it was given. line[bytes] is NUL.
 */
bool trouble_line(const struct trouble *t, const char *line, size_t bytes, const char **name);

/*
 * Whether a line closes the report of a trouble that an earlier line told of. Not all reports have
 * such a line (lockdep's, stalls, hung tasks): wait for it a second, say.
 */
bool trouble_over(const char *line, size_t bytes);

/* The table for people: "  NAME           what it catches", a line each; then the groups. */
void trouble_names(FILE *out);

#endif
