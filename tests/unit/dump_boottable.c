/* SPDX-License-Identifier: MIT */
/*
 * Writes what a table of kernels looks like, to stdout:
 *
 *   dump_boottable text|markdown|csv|json|svg typical|bare|hostile
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/tablespec.h"

static int print(const char *format, const struct boottable *table, struct err *e)
{
	if (strcmp(format, "markdown") == 0)
		return boottable_print_markdown(table, stdout, e);
	if (strcmp(format, "csv") == 0)
		return boottable_print_csv(table, stdout, e);
	if (strcmp(format, "json") == 0)
		return boottable_print_json(table, stdout, e);
	if (strcmp(format, "svg") == 0)
		return boottable_print_chart(table, stdout, e);
	return boottable_print(table, 80, stdout, e);
}

int main(int argc, char **argv)
{
	const struct boottable *table;
	struct err e = { 0 };

	if (argc != 3) {
		(void)fputs("usage: dump_boottable text|markdown|csv|json|svg "
			    "typical|bare|hostile\n",
			    stderr);
		return EXIT_FAILURE;
	}
	table = strcmp(argv[2], "bare") == 0      ? tablespec_bare()
		: strcmp(argv[2], "hostile") == 0 ? tablespec_hostile()
						  : tablespec_typical();
	if (print(argv[1], table, &e) < 0) {
		(void)fprintf(stderr, "dump_boottable: %s\n", e.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
