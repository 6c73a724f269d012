/* SPDX-License-Identifier: MIT */
#include "vmm/lineregex.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool refers_back(const char *expression)
{
	for (const char *p = strchr(expression, '\\'); p && p[1]; p = strchr(p + 2, '\\')) {
		if (isdigit((unsigned char)p[1]))
			return true;
	}
	return false;
}

static int compile(const char *option, const char *text, int flags, regex_t *regex, struct err *e)
{
	char why[160];
	int rc;

	if (refers_back(text))
		return err_set(e, EINVAL, "-%s: '%s' has a back-reference; there are none here",
			       option, text);
	rc = regcomp(regex, text, REG_EXTENDED | flags);
	if (rc == 0)
		return 0;
	(void)regerror(rc, regex, why, sizeof(why));
	return err_set(e, EINVAL, "-%s: '%s' is not a regular expression: %s", option, text, why);
}

int lineregex_compile(const char *option, const char *text, regex_t *regex, struct err *e)
{
	return compile(option, text, REG_NOSUB, regex, e);
}

int lineregex_compile_group(const char *option, const char *text, regex_t *regex, struct err *e)
{
	int rc = compile(option, text, 0, regex, e);
	size_t groups = rc == 0 ? regex->re_nsub : 1;

	if (groups == 1)
		return rc;
	regfree(regex);
	return err_set(e, EINVAL,
		       "-%s: '%s' has %zu groups in parentheses; expected one, around the number",
		       option, text, groups);
}
