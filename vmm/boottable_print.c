/* SPDX-License-Identifier: MIT */
/*
 * A table of kernels for people: for a terminal of 80 columns several tables under one another, each
 * with one unit; and as Markdown, where the first one is the recipe's "Configuration | Boot time
 * (seconds)" with more beside it. docs/table.md, "Formats", tells the columns.
 *
 * A column that no row knows is left out, and so is a table without columns. What one row does not
 * know is "-". Kernels that did not boot say how they ended: that is a guest's text, and so comes
 * through cleantext_copy().
 */
#include "vmm/boottable.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/plain.h"
#include "vmm/table.h"
#include "vmm/timing/cleantext.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { KIB = 1024, MIB = 1024 * 1024, PAGE_BYTES = 4096 };

struct view {
	const struct boottable *table;
	struct table_unit unit; /* of times */
};

/* Fills a cell, or leaves it empty: not known. */
typedef void fill_function(const struct view *view, const struct boottable_row *row, int which,
			   char *cell);

struct column {
	const char *head;
	fill_function *fill;
	int which;
};

/*
 * --- cells --------------------------------------------------------------------------------------
 */

enum { TVMM, QEMU };

static const struct boottable_boots *boots_of(const struct boottable_row *row, int which)
{
	return which == TVMM ? &row->tvmm : &row->qemu;
}

static void fill_time(const struct view *view, const struct boottable_measure *measure, char *cell)
{
	if (measure->runs)
		table_number(cell, REPORT_NS, view->unit, measure->median);
}

/* To its 10 ms. */
static void fill_uptime(const struct view *view, const struct boottable_row *row, int which,
			char *cell)
{
	const struct boottable_boots *boots = boots_of(row, which);

	(void)view;
	if (!boots->failed && boots->uptime.runs)
		(void)snprintf(cell, TABLE_CELL_BYTES, "%.0f", boots->uptime.median / 1e6);
}

static void fill_uptime_seconds(const struct view *view, const struct boottable_row *row, int which,
				char *cell)
{
	const struct boottable_boots *boots = boots_of(row, which);

	(void)view;
	if (!boots->failed && boots->uptime.runs)
		(void)snprintf(cell, TABLE_CELL_BYTES, "%.2f", boots->uptime.median / 1e9);
}

static void fill_init(const struct view *view, const struct boottable_row *row, int which,
		      char *cell)
{
	const struct boottable_boots *boots = boots_of(row, which);

	if (boots->failed)
		(void)strcpy(cell, "failed");
	else
		fill_time(view, &boots->init, cell);
}

/* How far the interval reaches, on the side where it reaches further. */
static void fill_reach(const struct view *view, const struct boottable_row *row, int which,
		       char *cell)
{
	const struct boottable_boots *boots = boots_of(row, which);
	const struct boottable_measure *m = &boots->init;
	double below = m->median - m->ci95.low, above = m->ci95.high - m->median;

	if (!boots->failed && m->runs > 1)
		table_number(cell, REPORT_NS, view->unit, below > above ? below : above);
}

static void fill_ratio(const struct view *view, const struct boottable_row *row, int which,
		       char *cell)
{
	struct boottable_value ratio = boottable_ratio(row);

	(void)view;
	(void)which;
	if (ratio.known && !row->tvmm.failed && !row->qemu.failed)
		(void)snprintf(cell, TABLE_CELL_BYTES, "%.2f", ratio.value);
}

static void fill_kib(char *cell, double bytes)
{
	(void)snprintf(cell, TABLE_CELL_BYTES, "%.0f", bytes / KIB);
}

static void fill_du(const struct view *view, const struct boottable_row *row, int which, char *cell)
{
	(void)view;
	(void)which;
	if (row->vmlinux_du.known)
		fill_kib(cell, row->vmlinux_du.value);
}

static void fill_du_mib(const struct view *view, const struct boottable_row *row, int which,
			char *cell)
{
	(void)view;
	(void)which;
	if (row->vmlinux_du.known)
		(void)snprintf(cell, TABLE_CELL_BYTES, "%.1f MiB", row->vmlinux_du.value / MIB);
}

static void fill_section(const struct view *view, const struct boottable_row *row, int which,
			 char *cell)
{
	(void)view;
	if (row->sizes_known)
		fill_kib(cell, (double)row->sizes.bytes[which]);
}

static void fill_image(const struct view *view, const struct boottable_row *row, int which,
		       char *cell)
{
	(void)view;
	(void)which;
	if (row->kernel_bytes)
		fill_kib(cell, (double)row->kernel_bytes);
}

static void fill_packing(const struct view *view, const struct boottable_row *row, int which,
			 char *cell)
{
	(void)view;
	(void)which;
	if (row->kernel_bytes && strcmp(row->format, "unknown") != 0)
		(void)snprintf(cell, TABLE_CELL_BYTES, "%s",
			       row->packing && row->packing[0] ? row->packing : "no");
}

static void fill_part(const struct view *view, const struct boottable_row *row, int which,
		      char *cell)
{
	fill_time(view, &row->part[which], cell);
}

static void fill_touched(const struct view *view, const struct boottable_row *row, int which,
			 char *cell)
{
	(void)view;
	(void)which;
	if (row->touched_pages.known)
		(void)snprintf(cell, TABLE_CELL_BYTES, "%.2f",
			       row->touched_pages.value * PAGE_BYTES / MIB);
}

static void fill_pages(const struct view *view, const struct boottable_row *row, int which,
		       char *cell)
{
	(void)view;
	(void)which;
	if (row->touched_pages.known)
		(void)snprintf(cell, TABLE_CELL_BYTES, "%.0f", row->touched_pages.value);
}

static void fill_least(const struct view *view, const struct boottable_row *row, int which,
		       char *cell)
{
	(void)view;
	(void)which;
	if (row->least_ram_bytes.known)
		(void)snprintf(cell, TABLE_CELL_BYTES, "%.0f", row->least_ram_bytes.value / MIB);
}

/*
 * --- tables -------------------------------------------------------------------------------------
 */

static const struct column BOOT[] = {
	{ "uptime", fill_uptime, TVMM },  { "init", fill_init, TVMM },
	{ "+-", fill_reach, TVMM },       { "QEMU uptime", fill_uptime, QEMU },
	{ "QEMU init", fill_init, QEMU }, { "+-", fill_reach, QEMU },
	{ "ratio", fill_ratio, TVMM },
};

static const struct column RECIPE[] = {
	{ "Boot time (seconds)", fill_uptime_seconds, TVMM },
	{ "vmlinux", fill_du_mib, TVMM },
	{ "start to init", fill_init, TVMM },
	{ "±", fill_reach, TVMM },
	{ "QEMU: boot time (seconds)", fill_uptime_seconds, QEMU },
	{ "QEMU: start to init", fill_init, QEMU },
	{ "±", fill_reach, QEMU },
	{ "QEMU/tvmm", fill_ratio, TVMM },
};

static const struct column SIZES[] = {
	{ "vmlinux", fill_du, 0 },
	{ "text", fill_section, ELFSIZES_TEXT },
	{ "rodata", fill_section, ELFSIZES_RODATA },
	{ "data", fill_section, ELFSIZES_DATA },
	{ "bss", fill_section, ELFSIZES_BSS },
	{ "init", fill_section, ELFSIZES_INIT },
	{ "image", fill_image, 0 },
	{ "packed", fill_packing, 0 },
};

static const struct column PARTS[] = {
	{ "host", fill_part, BOOTTABLE_HOST },
	{ "unpacking", fill_part, BOOTTABLE_UNPACKING },
	{ "console", fill_part, BOOTTABLE_CONSOLE },
	{ "initcalls", fill_part, BOOTTABLE_INITCALLS },
	{ "user space", fill_part, BOOTTABLE_USER_SPACE },
};

static const struct column MEMORY[] = {
	{ "touched", fill_touched, 0 },
	{ "pages", fill_pages, 0 },
	{ "least -m", fill_least, 0 },
};

static double larger(const struct boottable_measure *measure, double than)
{
	return measure->runs && measure->median > than ? measure->median : than;
}

static struct table_unit unit_of_boots(const struct boottable *table)
{
	double most = 1e5; /* ms at least: uptimes have no smaller digits */

	for (size_t i = 0; i < table->rows; i++)
		most = larger(&table->row[i].qemu.init, larger(&table->row[i].tvmm.init, most));
	return most < 1e10 ? table_unit_for(most) : (struct table_unit){ "ms", 1e6 };
}

static struct table_unit unit_of_parts(const struct boottable *table)
{
	double most = 0;

	for (size_t i = 0; i < table->rows; i++)
		for (int part = 0; part < BOOTTABLE_PARTS; part++)
			most = larger(&table->row[i].part[part], most);
	return table_unit_for(most);
}

/* Clean words about each row's boots. Static: a row is as large as a page. */
struct endings {
	char tvmm[BOOTTABLE_ROWS_MAX][BOOTTABLE_WORDS_BYTES];
	char qemu[BOOTTABLE_ROWS_MAX][BOOTTABLE_WORDS_BYTES];
};
static struct endings endings;

static void clean_endings(const struct boottable *table)
{
	for (size_t i = 0; i < table->rows; i++) {
		const struct boottable_row *row = &table->row[i];

		(void)cleantext_copy(endings.tvmm[i], sizeof(endings.tvmm[i]), row->tvmm.ending,
				     false);
		(void)cleantext_copy(endings.qemu[i], sizeof(endings.qemu[i]), row->qemu.ending,
				     false);
	}
}

/* No VMM has a number for it: how it ended stands in the numbers' place. */
static bool is_without_boots(const struct boottable_row *row)
{
	return row->tvmm.failed && (!row->qemu.asked || row->qemu.failed);
}

static int add_rows(struct table *to, const struct boottable *table, const char *title,
		    struct err *e)
{
	if (!table_add(to, title, e))
		return -e->code;
	for (size_t i = 0; i < table->rows; i++) {
		char name[BOOTTABLE_NAME_BYTES];

		(void)cleantext_copy(name, sizeof(name), table->row[i].name, false);
		if (!table_add(to, name, e))
			return -e->code;
	}
	return 0;
}

static bool fill_column(struct table *to, const struct view *view, const struct column *column,
			size_t at)
{
	bool known = false;

	(void)snprintf(to->row[0].cell[at], TABLE_CELL_BYTES, "%s", column->head);
	for (size_t i = 0; i < view->table->rows; i++) {
		char *cell = to->row[i + 1].cell[at];

		cell[0] = '\0';
		column->fill(view, &view->table->row[i], column->which, cell);
		known = known || cell[0];
		if (!cell[0])
			(void)strcpy(cell, "-");
	}
	return known;
}

static void drop_column(struct table *to, size_t at)
{
	for (size_t i = 0; i < to->rows; i++)
		to->row[i].cell[at][0] = '\0';
}

/* 0 columns: nobody knows anything of it. */
static int make_table(const struct view *view, const char *title, const struct column *column,
		      size_t columns, struct table *to, struct err *e)
{
	bool of_boots = column == BOOT || column == RECIPE;
	int rc = add_rows(to, view->table, title, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < columns; i++) {
		if (fill_column(to, view, &column[i], to->columns))
			to->columns++;
		else
			drop_column(to, to->columns);
	}
	for (size_t i = 0; of_boots && i < view->table->rows; i++) {
		if (is_without_boots(&view->table->row[i]))
			to->row[i + 1].instead = endings.tvmm[i];
	}
	return 0;
}

/*
 * --- for a terminal -----------------------------------------------------------------------------
 */

static int print_part(const struct view *view, const char *head, const char *title,
		      const struct column *column, size_t columns, size_t width, FILE *out,
		      struct err *e)
{
	struct table table = { 0 };
	int rc = make_table(view, title, column, columns, &table, e);

	if (rc == 0 && table.columns) {
		(void)fprintf(out, "\n%s\n", head);
		table_print(&table, width, out);
	}
	table_finish(&table);
	return rc;
}

static void print_head(const struct boottable *table, FILE *out)
{
	(void)fputs("table: tvmm", out);
	for (size_t i = 0; table->option && table->option[i]; i++) {
		(void)fputc(' ', out);
		plain_print(table->option[i], out);
	}
	(void)fprintf(out, "\nwarm-up: %zu, runs: %zu, seed: %llu\n", table->warmup, table->runs,
		      (unsigned long long)table->seed);
	if (table->host && table->host[0]) {
		(void)fputs("host: ", out);
		plain_print(table->host, out);
		(void)fputc('\n', out);
	}
	if (table->qemu) {
		(void)fputs("QEMU: ", out);
		plain_print(table->qemu, out);
		(void)fputc('\n', out);
	}
}

/* What failed in a row, in clean words; NULL: it did not. Each has its words about what it was. */
enum failure { BY_TVMM, BY_QEMU, FOR_PARTS, FOR_PAGES, FAILURES };

static const char *const FAILURE_OF[] = {
	[BY_TVMM] = "",
	[BY_QEMU] = " under QEMU",
	[FOR_PARTS] = ", the run for the parts",
	[FOR_PAGES] = ", the run for the touched pages",
};

static const char *words_of(const struct boottable *table, size_t i, enum failure failure)
{
	const struct boottable_row *row = &table->row[i];
	static char words[BOOTTABLE_WORDS_BYTES];

	if (failure == BY_TVMM)
		return row->tvmm.failed ? endings.tvmm[i] : NULL;
	if (failure == BY_QEMU)
		return row->qemu.failed ? endings.qemu[i] : NULL;
	(void)cleantext_copy(words, sizeof(words),
			     failure == FOR_PARTS ? row->no_parts : row->no_pages, false);
	return words[0] ? words : NULL;
}

/*
 * Why the initcalls of a row are not known, if no row before it says the same: "", or the reason, and
 * which rows have it.
 */
static const char *no_initcalls(const struct boottable *table, size_t i, char *rows, size_t bytes)
{
	static char words[BOOTTABLE_REASON_BYTES];
	const char *why = table->row[i].no_initcalls;
	size_t length = 0;

	for (size_t k = 0; k < i; k++) {
		if (strcmp(table->row[k].no_initcalls, why) == 0)
			return "";
	}
	rows[0] = '\0';
	for (size_t k = i; k < table->rows && length < bytes; k++) {
		if (strcmp(table->row[k].no_initcalls, why) == 0)
			length += (size_t)snprintf(rows + length, bytes - length, "%s%s",
						   length ? ", " : "", table->row[k].name);
	}
	(void)cleantext_copy(words, sizeof(words), why, false);
	return words;
}

enum { NAMES_BYTES = BOOTTABLE_ROWS_MAX * (BOOTTABLE_NAME_BYTES + 2) };

static void print_no_initcalls(const struct boottable *table, FILE *out)
{
	char rows[NAMES_BYTES];

	for (size_t i = 0; i < table->rows; i++) {
		const char *why = no_initcalls(table, i, rows, sizeof(rows));

		if (why[0])
			(void)fprintf(out, "\nInitcalls of %s are not known: %s\n", rows, why);
	}
}

/* Whole, as a line in a table may have had no room for it. */
static void print_endings(const struct boottable *table, FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < table->rows; i++) {
		for (enum failure failure = BY_TVMM; failure < FAILURES; failure++) {
			const char *words = words_of(table, i, failure);

			if (words && !any)
				(void)fputs("\nHow they failed\n", out);
			any = any || words;
			if (words)
				(void)fprintf(out, "%s%s: %s\n", table->row[i].name,
					      FAILURE_OF[failure], words);
		}
	}
}

int boottable_print(const struct boottable *table, size_t width, FILE *out, struct err *e)
{
	struct view boots = { table, unit_of_boots(table) },
		    parts = { table, unit_of_parts(table) };
	char of_boots[32], of_parts[32];
	int rc;

	clean_endings(table);
	(void)snprintf(of_boots, sizeof(of_boots), "times in %s", boots.unit.name);
	(void)snprintf(of_parts, sizeof(of_parts), "times in %s", parts.unit.name);
	print_head(table, out);
	rc = print_part(&boots, "Boot: medians, +- the 95 % interval", of_boots, BOOT, COUNT(BOOT),
			width, out, e);
	if (rc == 0)
		rc = print_part(&boots, "Sizes: vmlinux on the disk (du) and by section, the image",
				"in KiB", SIZES, COUNT(SIZES), width, out, e);
	if (rc == 0)
		rc = print_part(&parts, "Where the time goes, under tvmm", of_parts, PARTS,
				COUNT(PARTS), width, out, e);
	if (rc == 0)
		rc = print_part(&boots, "Memory", "in MiB", MEMORY, COUNT(MEMORY), width, out, e);
	if (rc == 0)
		print_no_initcalls(table, out);
	if (rc == 0)
		print_endings(table, out);
	return rc;
}

/*
 * --- Markdown -----------------------------------------------------------------------------------
 */

static int print_markdown_part(const struct view *view, const char *head, const char *title,
			       const struct column *column, size_t columns, FILE *out,
			       struct err *e)
{
	struct table table = { 0 };
	int rc = make_table(view, title, column, columns, &table, e);

	if (rc == 0 && table.columns) {
		(void)fprintf(out, "%s%s", head, head[0] ? "\n\n" : "");
		table_print_markdown(&table, out);
	}
	table_finish(&table);
	return rc;
}

static void print_markdown_no_initcalls(const struct boottable *table, FILE *out)
{
	char rows[NAMES_BYTES];

	for (size_t i = 0; i < table->rows; i++) {
		const char *why = no_initcalls(table, i, rows, sizeof(rows));

		if (!why[0])
			continue;
		(void)fputs("\nInitcalls of ", out);
		table_print_markdown_text(rows, out);
		(void)fputs(" are not known: ", out);
		table_print_markdown_text(why, out);
		(void)fputs("\n", out);
	}
}

static void print_markdown_endings(const struct boottable *table, FILE *out)
{
	for (size_t i = 0; i < table->rows; i++) {
		for (enum failure failure = BY_TVMM; failure < FAILURES; failure++) {
			const char *words = words_of(table, i, failure);

			if (!words)
				continue;
			(void)fputs("\n", out);
			table_print_markdown_text(table->row[i].name, out);
			(void)fprintf(out, "%s: ", FAILURE_OF[failure]);
			table_print_markdown_text(words, out);
			(void)fputs("\n", out);
		}
	}
}

int boottable_print_markdown(const struct boottable *table, FILE *out, struct err *e)
{
	struct view boots = { table, unit_of_boots(table) },
		    parts = { table, unit_of_parts(table) };
	char head[128];
	int rc;

	clean_endings(table);
	rc = print_markdown_part(&boots, "", "Configuration", RECIPE, COUNT(RECIPE), out, e);
	(void)snprintf(
		head, sizeof(head),
		"\nStart to init: medians of %zu runs in %s, ± the 95 %% interval.\n\nSizes, KiB:",
		table->runs, boots.unit.name);
	if (rc == 0)
		rc = print_markdown_part(&boots, head, "Configuration", SIZES, COUNT(SIZES), out,
					 e);
	(void)snprintf(head, sizeof(head), "\nWhere the time goes, %s:", parts.unit.name);
	if (rc == 0)
		rc = print_markdown_part(&parts, head, "Configuration", PARTS, COUNT(PARTS), out,
					 e);
	if (rc == 0)
		rc = print_markdown_part(&boots, "\nMemory, MiB:", "Configuration", MEMORY,
					 COUNT(MEMORY), out, e);
	if (rc == 0)
		print_markdown_no_initcalls(table, out);
	if (rc == 0)
		print_markdown_endings(table, out);
	return rc;
}
