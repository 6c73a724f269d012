/* SPDX-License-Identifier: MIT */
/*
 * Expressions for lines of the console: POSIX extended, without back-references. A back-reference
 * makes matching take time that grows with no bound in what is matched, and the guest chooses that.
 *
 * regcomp() copies what is repeated, {1,255} in {1,255} in {1,255} 16 million times, and calls itself
 * for each parenthesis: so how long an expression may be, how deep, and how much its repetitions may
 * copy is bounded before it is given to it.
 */
#ifndef TVMM_LINEREGEX_H
#define TVMM_LINEREGEX_H

#include <regex.h>

#include "vmm/base/err.h"

enum {
	LINEREGEX_BYTES_MAX = 4096,
	LINEREGEX_DEPTH_MAX = 64,    /* of parentheses */
	LINEREGEX_COPIES_MAX = 1000, /* of characters, by all repetitions together */
};

/*
 * option, without its dash, is for messages. 0, and regfree() is due; or -EINVAL with *e and
 * nothing to free.
 */
int lineregex_compile(const char *option, const char *text, regex_t *regex, struct err *e);

/*
 * The same for one that has to have one group, whose place in a line regexec() then tells.
 */
int lineregex_compile_group(const char *option, const char *text, regex_t *regex, struct err *e);

#endif
