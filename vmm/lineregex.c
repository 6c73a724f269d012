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

int lineregex_compile(const char *option, const char *text, regex_t *regex, struct err *e)
{
	char why[160];
	int rc;

	if (refers_back(text))
		return err_set(e, EINVAL, "-%s: '%s' has a back-reference; there are none here",
			       option, text);
	rc = regcomp(regex, text, REG_EXTENDED | REG_NOSUB);
	if (rc == 0)
		return 0;
	(void)regerror(rc, regex, why, sizeof(why));
	return err_set(e, EINVAL, "-%s: '%s' is not a regular expression: %s", option, text, why);
}
