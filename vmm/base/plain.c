/* SPDX-License-Identifier: MIT */
#include "vmm/base/plain.h"

#include "vmm/base/utf8.h"

void plain_print(const char *text, FILE *out)
{
	uint32_t character;

	while (*text) {
		size_t bytes = utf8_printable_bytes(text);
		size_t all = bytes ? bytes : utf8_read(text, &character);

		for (size_t i = 0; !bytes && i < (all ? all : 1); i++)
			(void)fprintf(out, "\\x%02x", (unsigned char)text[i]);
		(void)fwrite(text, 1, bytes, out);
		text += all ? all : 1;
	}
}
