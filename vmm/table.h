/* SPDX-License-Identifier: MIT */
/*
 * Tables of numbers with a name in front, for terminals and as Markdown; and numbers as their
 * cells. All times of a table are in one unit, so that they can be compared by eye.
 */
#ifndef TVMM_TABLE_H
#define TVMM_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "vmm/base/err.h"
#include "vmm/series.h"

enum { TABLE_COLUMNS_MAX = 8, TABLE_CELL_BYTES = 32, TABLE_NAME_WIDTH_MIN = 12 };

struct table_row {
	char name[SERIES_NAME_BYTES];
	char cell[TABLE_COLUMNS_MAX][TABLE_CELL_BYTES];
	const char *instead; /* borrowed words in the cells' place; NULL: the cells count */
};

/*
 * The first row is the head. Starts as all zero but for the number of columns (without the name).
 */
struct table {
	size_t columns;
	struct table_row *row;
	size_t rows, room;
};

/*
 * A new row of empty cells, valid until the next one; NULL with *e. A row without cells is a
 * heading.
 */
struct table_row *table_add(struct table *table, const char *name, struct err *e);
void table_finish(struct table *table);

/* Width: that of a terminal, where long names lose their ends; 0: no limit. */
void table_print(const struct table *table, size_t width, FILE *out);
void table_print_markdown(const struct table *table, FILE *out);

/* Words in a cell or a line of Markdown, and nothing but words. */
void table_print_markdown_text(const char *text, FILE *out);

/* Times: the unit for a table in which the largest is max_ns. */
struct table_unit {
	const char *name; /* "ms" */
	double ns;        /* in one of it */
};
struct table_unit table_unit_for(double max_ns);

/*
 * A cell: a time with three digits behind the point, or a number with as many as it needs (0 or 1).
 */
void table_number(char *cell, enum report_unit unit, struct table_unit time, double value);

#endif
