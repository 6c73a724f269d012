/* SPDX-License-Identifier: MIT */
/*
 * One string into words, as a shell quotes them: blanks separate, '...' keeps everything, "..."
 * keeps everything but \" \\ \$ \` and a line that a \ joins, \ keeps the next character. Nothing
 * is expanded. Authority: POSIX, Shell Command Language, "Quoting".
 */
#ifndef TVMM_WORDS_H
#define TVMM_WORDS_H

#include <stddef.h>

#include "vmm/base/err.h"

struct words {
	char **word; /* NULL behind the last */
	size_t count;
};

/* 0; or -EINVAL (a quote that is not closed, a \ at the end) or -ENOMEM with *e, and no words. */
int words_split(struct words *words, const char *text, struct err *e);

void words_finish(struct words *words);

#endif
