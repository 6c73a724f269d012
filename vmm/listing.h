/* SPDX-License-Identifier: MIT */
/*
 * In which order metrics are shown, under which headings, and which are not: of hundreds of
 * initcalls the ten largest, of `at.` none, because the steps between them tell the same.
 */
#ifndef TVMM_LISTING_H
#define TVMM_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/series.h"
#include "vmm/table.h"

enum { LISTING_INITCALLS = 10 };

enum listing_group {
	LISTING_MAIN, /* total, boot, host, kernel ... */
	LISTING_STEPS,
	LISTING_INITCALL,
	LISTING_MORE,   /* exits, bytes, shares of the time */
	LISTING_HIDDEN, /* at.* */
};

struct listing_item {
	const char *name;
	enum report_unit unit;
	double size; /* by which the largest are chosen */
	bool keep;   /* shown even if it is small */
};

enum listing_group listing_group(const char *name, enum report_unit unit);

/*
 * Adds a row for each item that is shown, and calls fill for it with its number. 0, or -errno with
 * *e.
 */
typedef void (*listing_fill)(const void *ctx, size_t item, struct table_row *row);
int listing_add(struct table *table, const struct listing_item *item, size_t items,
		listing_fill fill, const void *ctx, struct err *e);

#endif
