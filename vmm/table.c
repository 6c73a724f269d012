/* SPDX-License-Identifier: MIT */
#include "vmm/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/utf8.h"

enum { GAP = 2 };

struct table_row *table_add(struct table *table, const char *name, struct err *e)
{
	struct table_row *row;

	if (table->rows == table->room) {
		size_t room = table->room ? table->room * 2 : 32;

		row = reallocarray(table->row, room, sizeof(*row));
		if (!row) {
			(void)err_set(e, ENOMEM, "no memory for a table");
			return NULL;
		}
		table->row = row;
		table->room = room;
	}
	row = &table->row[table->rows++];
	(void)memset(row, 0, sizeof(*row));
	(void)snprintf(row->name, sizeof(row->name), "%s", name);
	return row;
}

void table_finish(struct table *table)
{
	free(table->row);
	*table = (struct table){ 0 };
}

static size_t cell_width(const struct table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = 0; i < table->rows; i++) {
		size_t length = strlen(table->row[i].cell[column]);

		width = length > width ? length : width;
	}
	return width ? width + GAP : 0;
}

static size_t name_width(const struct table *table, size_t limit, size_t cells_width)
{
	size_t width = 0, room = TABLE_NAME_WIDTH_MIN;

	for (size_t i = 0; i < table->rows; i++) {
		size_t length = strlen(table->row[i].name);

		width = length > width ? length : width;
	}
	if (limit > cells_width + TABLE_NAME_WIDTH_MIN)
		room = limit - cells_width;
	return limit && width > room ? room : width;
}

/* At most so many bytes of the words: nothing but whole characters. */
static size_t cut_at(const char *words, size_t bytes)
{
	while (bytes && (words[bytes] & 0xc0) == 0x80)
		bytes--;
	return bytes;
}

static void print_name(const char *name, size_t width, FILE *out)
{
	size_t cut;

	if (strlen(name) <= width) {
		(void)fprintf(out, "%-*s", (int)width, name);
		return;
	}
	cut = cut_at(name, width - 2);
	(void)fprintf(out, "%.*s%-*s", (int)cut, name, (int)(width - cut), "..");
}

/* Words for cells: as much of them as the line has room for. */
static void print_instead(const char *words, size_t room, FILE *out)
{
	size_t length = strlen(words);

	if (room < GAP + 2 || length + GAP <= room) {
		(void)fprintf(out, "  %s", words);
		return;
	}
	length = cut_at(words, room - GAP - 2);
	(void)fprintf(out, "  %.*s..", (int)length, words);
}

/* Nothing stands behind the last cell that there is: no blanks at the ends of lines. */
static size_t cells_of(const struct table *table, const struct table_row *row)
{
	size_t cells = row->instead ? 0 : table->columns;

	while (cells && !row->cell[cells - 1][0])
		cells--;
	return cells;
}

void table_print(const struct table *table, size_t width, FILE *out)
{
	size_t cell[TABLE_COLUMNS_MAX], cells_width = 0, name;

	for (size_t i = 0; i < table->columns; i++)
		cells_width += cell[i] = cell_width(table, i);
	name = name_width(table, width, cells_width);
	for (size_t i = 0; i < table->rows; i++) {
		const struct table_row *row = &table->row[i];
		size_t cells = cells_of(table, row);

		if (cells || row->instead)
			print_name(row->name, name, out);
		else
			(void)fputs(row->name, out);
		if (row->instead)
			print_instead(row->instead, width > name ? width - name : 0, out);
		for (size_t c = 0; c < cells; c++)
			(void)fprintf(out, "%*s", (int)cell[c], row->cell[c]);
		(void)fputc('\n', out);
	}
}

void table_print_markdown_text(const char *text, FILE *out)
{
	while (*text) {
		size_t bytes = utf8_printable_bytes(text);

		if (bytes && strchr("|`*_\\<[&~", *text))
			(void)fputc('\\', out);
		if (bytes)
			(void)fwrite(text, 1, bytes, out);
		else
			(void)fputs(UTF8_REPLACEMENT, out);
		text += bytes ? bytes : 1;
	}
}

void table_print_markdown(const struct table *table, FILE *out)
{
	for (size_t i = 0; i < table->rows; i++) {
		const struct table_row *row = &table->row[i];

		if (!cells_of(table, row) && !row->instead)
			continue;
		(void)fputs("| ", out);
		table_print_markdown_text(row->name + strspn(row->name, " "), out);
		for (size_t c = 0; c < table->columns; c++) {
			(void)fputs(" | ", out);
			if (c == 0 && row->instead)
				table_print_markdown_text(row->instead, out);
			else
				(void)fputs(row->cell[c], out);
		}
		(void)fputs(" |\n", out);
		if (i == 0) {
			(void)fputs("|:---|", out);
			for (size_t c = 0; c < table->columns; c++)
				(void)fputs("---:|", out);
			(void)fputc('\n', out);
		}
	}
}

struct table_unit table_unit_for(double max_ns)
{
	if (max_ns < 1e3)
		return (struct table_unit){ "ns", 1 };
	if (max_ns < 1e5)
		return (struct table_unit){ "us", 1e3 };
	if (max_ns < 1e10)
		return (struct table_unit){ "ms", 1e6 };
	return (struct table_unit){ "s", 1e9 };
}

void table_number(char *cell, enum report_unit unit, struct table_unit time, double value)
{
	if (unit == REPORT_NS && time.ns > 1)
		(void)snprintf(cell, TABLE_CELL_BYTES, "%.3f", value / time.ns);
	else
		(void)snprintf(cell, TABLE_CELL_BYTES, "%.*f",
			       value == (double)(int64_t)value ? 0 : 1, value);
}
