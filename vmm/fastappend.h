/* SPDX-License-Identifier: MIT */
/*
 * -fast-append: words that tvmm puts in front of the kernel's command line, because they make a
 * boot shorter on the machine that tvmm shows. Never without the option: what a kernel does by
 * default is what its builder wants to see.
 *
 * A word is in the table only if hardly anybody will miss what it takes away (which stands beside
 * it), and if a kernel that does not know it leaves init alone: Linux hands unknown words to init,
 * as arguments or, with a value, as its environment, but drops those with a dot, which may be meant
 * for a module (unknown_bootoption() of [LINUX] init/main.c). So a word has a dot, or every 64-bit
 * kernel knows it.
 *
 * The user's words win: what -append names is not added, and as tvmm's words come first, the user's
 * are the last to be heard.
 *
 * Left out: words of CONFIG_CMDLINE, which the kernel puts in front of all of these, unseen here.
 *
 * Authority: [LINUX] Documentation/admin-guide/kernel-parameters.rst and .txt; kernel/params.c and
 * lib/cmdline.c for how a line is taken apart.
 */
#ifndef TVMM_FASTAPPEND_H
#define TVMM_FASTAPPEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/base/err.h"

/* What the words depend on. Strings are borrowed for the call. */
struct fastappend_facts {
	const char *append; /* the line without tvmm's words */
	size_t takes_bytes; /* the longest line that the kernel takes, without its NUL */
	unsigned int cpus;
	bool rdrand;  /* the guest's CPU has it */
	bool linux64; /* entered as [BOOT] "64-bit Boot Protocol" has it, as only Linux is */
};

enum fastappend_verdict {
	FASTAPPEND_ADDED,
	FASTAPPEND_YOURS, /* the user's words say what is to be */
	FASTAPPEND_UNFIT, /* it is not for this guest */
	FASTAPPEND_NONE,  /* it would be, but no word is added */
};

enum { FASTAPPEND_WORDS = 5, FASTAPPEND_ADDED_BYTES = 128, FASTAPPEND_WHY_BYTES = 160 };

struct fastappend {
	enum fastappend_verdict verdict[FASTAPPEND_WORDS];
	char added[FASTAPPEND_ADDED_BYTES];  /* with blanks between; "": none was */
	char why_none[FASTAPPEND_WHY_BYTES]; /* "": some were */
	char *cmdline;                       /* owned: the line with the words; NULL: as it was */
};

/* Decides and makes the line. 0; -ENOMEM with *e. fastappend_finish() is due either way. */
int fastappend_make(struct fastappend *fast, const struct fastappend_facts *facts, struct err *e);

/* Prints each word, and why it was added or not, for -explain. After fastappend_make(). */
void fastappend_explain(const struct fastappend *fast, FILE *out);

void fastappend_finish(struct fastappend *fast);

/* For tests: the table's words in their order; NULL behind the last. */
const char *fastappend_word(size_t i);

#endif
