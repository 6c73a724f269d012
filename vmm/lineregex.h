/* SPDX-License-Identifier: MIT */
/*
 * Expressions for lines of the console: POSIX extended, without back-references. A back-reference
 * makes matching take time that grows with no bound in what is matched, and the guest chooses that.
 */
#ifndef TVMM_LINEREGEX_H
#define TVMM_LINEREGEX_H

#include <regex.h>

#include "vmm/base/err.h"

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
