/* SPDX-License-Identifier: MIT */
#include "vmm/base/plain.h"

void plain_print(const char *text, FILE *out)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			(void)fprintf(out, "\\x%02x", *p);
		else
			(void)fputc(*p, out);
	}
}
