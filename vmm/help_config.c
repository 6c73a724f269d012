/* SPDX-License-Identifier: MIT */
#include "vmm/help_config.h"

static const char USAGE[] =
	"usage: tvmm explain-config [options] A B [-- OPTIONS OF BOTH RUNS]\n"
	"\n"
	"Tells which options differ between two kernels and, as far as it is given, what\n"
	"each is made of and where its boot's time goes. A and B are each a file, or\n"
	"several with commas between: a .config, a vmlinux, a bzImage, a report of\n"
	"tvmm --report or bench --export-json. What is what, their contents tell.\n"
	"Without a .config, the one inside the kernel is taken (CONFIG_IKCONFIG=y).\n"
	"With --, both kernels are run in turns: -kernel is put before the options.\n"
	"\n"
	"  -r, --runs N            of each: 10 without it\n"
	"  -w, --warmup N          runs of each before, not counted: 1 without it\n"
	"  -j, --jobs N            so many at the same time, 1 to 64: 1 without it\n"
	"  --seed N                of the order and the statistics; without it, it varies\n"
	"  --export-json F         all of it, all initcalls too\n"
	"  --export-markdown F     the tables\n"
	"\n"
	"exit status: 0; 125 there is no configuration of A or B, an option or a file is\n"
	"bad, or a run failed; 128+N ended by signal N.\n";

void help_print_explain_config(FILE *out)
{
	(void)fputs(USAGE, out);
}
