/* SPDX-License-Identifier: MIT */
#include "vmm/listing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const PREFIX[] = {
	[LISTING_STEPS] = "step.",
	[LISTING_INITCALL] = "initcall.",
	[LISTING_HIDDEN] = "at.",
};

enum listing_group listing_group(const char *name, enum report_unit unit)
{
	for (size_t i = 0; i < sizeof(PREFIX) / sizeof(PREFIX[0]); i++) {
		if (PREFIX[i] && strncmp(name, PREFIX[i], strlen(PREFIX[i])) == 0)
			return (enum listing_group)i;
	}
	return unit == REPORT_NS && !strchr(name, '.') ? LISTING_MAIN : LISTING_MORE;
}

static int larger_first(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

struct initcalls {
	size_t all, kept; /* kept: shown although they are small */
	double least;     /* size of the smallest that is shown for its size */
};

static bool is_initcall(const struct listing_item *item)
{
	return listing_group(item->name, item->unit) == LISTING_INITCALL;
}

static int count_initcalls(const struct listing_item *item, size_t items,
			   struct initcalls *initcalls, struct err *e)
{
	double *size = calloc(items + 1, sizeof(*size));

	if (!size)
		return err_set(e, ENOMEM, "no memory for a table");
	for (size_t i = 0; i < items; i++) {
		if (is_initcall(&item[i]))
			size[initcalls->all++] = item[i].size;
	}
	qsort(size, initcalls->all, sizeof(*size), larger_first);
	if (initcalls->all > LISTING_INITCALLS)
		initcalls->least = size[LISTING_INITCALLS - 1];
	for (size_t i = 0; i < items; i++)
		initcalls->kept +=
			is_initcall(&item[i]) && item[i].keep && item[i].size < initcalls->least;
	free(size);
	return 0;
}

static int add_heading(struct table *table, enum listing_group group,
		       const struct initcalls *initcalls, struct err *e)
{
	char text[128], differ[64] = "";

	if (group == LISTING_MAIN)
		return 0;
	if (initcalls->kept)
		(void)snprintf(differ, sizeof(differ), ", and %zu more that differ%s",
			       initcalls->kept, initcalls->kept == 1 ? "s" : "");
	if (group == LISTING_STEPS)
		(void)snprintf(text, sizeof(text), "steps");
	else if (group == LISTING_MORE)
		(void)snprintf(text, sizeof(text), "more");
	else if (initcalls->all > LISTING_INITCALLS)
		(void)snprintf(text, sizeof(text), "initcalls: the %d largest of %zu%s",
			       LISTING_INITCALLS, initcalls->all, differ);
	else
		(void)snprintf(text, sizeof(text), "initcalls");
	return table_add(table, text, e) ? 0 : -e->code;
}

/* Under a heading: indented, without the prefix that the heading stands for. */
static void name_under(enum listing_group group, const char *name, char *to)
{
	const char *prefix = PREFIX[group] ? PREFIX[group] : "";

	(void)snprintf(to, SERIES_NAME_BYTES, "%s%s", group == LISTING_MAIN ? "" : "  ",
		       name + strlen(prefix));
}

int listing_add(struct table *table, const struct listing_item *item, size_t items,
		listing_fill fill, const void *ctx, struct err *e)
{
	struct initcalls initcalls = { .least = -1 };
	int rc = count_initcalls(item, items, &initcalls, e);

	for (enum listing_group group = LISTING_MAIN; rc == 0 && group < LISTING_HIDDEN; group++) {
		bool headed = false;

		for (size_t i = 0; rc == 0 && i < items; i++) {
			char name[SERIES_NAME_BYTES];
			struct table_row *row;

			if (listing_group(item[i].name, item[i].unit) != group ||
			    (group == LISTING_INITCALL && item[i].size < initcalls.least &&
			     !item[i].keep))
				continue;
			if (!headed)
				rc = add_heading(table, group, &initcalls, e);
			headed = true;
			name_under(group, item[i].name, name);
			row = rc == 0 ? table_add(table, name, e) : NULL;
			if (!row)
				return -e->code;
			fill(ctx, i, row);
		}
	}
	return rc;
}
