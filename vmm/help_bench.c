/* SPDX-License-Identifier: MIT */
#include "vmm/help_bench.h"

static const char USAGE_BENCH[] =
	"usage: tvmm bench [options] -- OPTIONS OF A RUN\n"
	"\n"
	"Repeats a run and tells what is typical of it: for each phase the least, the\n"
	"median and its 95 % confidence interval, the spread, and which runs stand out.\n"
	"Files that a run is to write (-html F ...) are refused.\n"
	"\n"
	"  -r, --runs N            how often: 10 without it\n"
	"  -w, --warmup N          runs before, which are not counted: 1 without it\n"
	"  -j, --jobs N            so many at the same time, 1 to 64: 1 without it; they\n"
	"                          disturb each other's times\n"
	"  -n, --command-name S    what the results are called\n"
	"  -i, --ignore-failure    go on when a run's exit status is not 0, or its -until\n"
	"                          never matched\n"
	"  --seed N                of the confidence intervals; without it, it varies\n"
	"  --export-json F         every value; tvmm compare reads it\n"
	"  --export-csv F          a row for each run\n"
	"  --export-markdown F     the table\n"
	"\n"
	"exit status: 0; 125 a run could not be made or failed; 128+N ended by signal N.\n";

static const char USAGE_COMPARE[] =
	"usage: tvmm compare [options] A B [-- OPTIONS OF BOTH]\n"
	"\n"
	"Tells whether B is slower than A, and where. A and B are each the options of a\n"
	"run in one word ('-kernel new/bzImage'), or a file that tvmm bench --export-json\n"
	"or tvmm --report wrote. Runs of both take turns at random.\n"
	"\n"
	"  -r, --runs N            of each: 10 without it\n"
	"  -w, --warmup N          runs of each before, not counted: 1 without it\n"
	"  -j, --jobs N            so many at the same time, 1 to 64: 1 without it; they\n"
	"                          disturb each other's times\n"
	"  --seed N                of the order and the intervals; without it, it varies\n"
	"  --metric NAME           what the answer is about: boot without it, or total\n"
	"  --fail-if-slower PCT    exit status 120 if B is slower by more than PCT percent,\n"
	"                          as far as these runs can show\n"
	"  --export-json F         every line of the table, in numbers\n"
	"  --export-markdown F     the table\n"
	"\n"
	"exit status: 0; 120 --fail-if-slower; 125 it could not be compared (git bisect\n"
	"run skips these); 128+N ended by signal N.\n";

void help_print_bench(FILE *out)
{
	(void)fputs(USAGE_BENCH, out);
}

void help_print_compare(FILE *out)
{
	(void)fputs(USAGE_COMPARE, out);
}
