/* SPDX-License-Identifier: MIT */
#include "tests/common/symbolspec.h"

#include <stdlib.h>
#include <string.h>

static const struct symbols *comparing;

static int by_name(const void *a, const void *b)
{
	const struct symbol *left = &comparing->by_address[*(const uint32_t *)a];
	const struct symbol *right = &comparing->by_address[*(const uint32_t *)b];

	return strcmp(comparing->names + left->name, comparing->names + right->name);
}

void symbolspec_fill(struct symbols *symbols, const struct symbolspec *spec, size_t count)
{
	for (size_t i = 0; i < count; i++)
		symbols->names_bytes += strlen(spec[i].name) + 1;
	symbols->by_address = calloc(count, sizeof(*symbols->by_address));
	symbols->by_name = calloc(count, sizeof(*symbols->by_name));
	symbols->names = malloc(symbols->names_bytes);
	if (!symbols->by_address || !symbols->by_name || !symbols->names)
		abort();
	for (size_t i = 0, used = 0; i < count; i++) {
		symbols->by_address[i] = (struct symbol){ .address = spec[i].address,
							  .name = (uint32_t)used,
							  .kind = spec[i].kind };
		symbols->by_name[i] = (uint32_t)i;
		memcpy(symbols->names + used, spec[i].name, strlen(spec[i].name) + 1);
		used += strlen(spec[i].name) + 1;
	}
	symbols->count = count;
	symbols->source = "a test";
	comparing = symbols;
	qsort(symbols->by_name, count, sizeof(*symbols->by_name), by_name);
}
