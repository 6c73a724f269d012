/* SPDX-License-Identifier: MIT */
/*
 * `tvmm table`: kernels beside each other, by size and by time of boot. docs/table.md has the method
 * and the formats.
 *
 *	boottable.c		the command: what is asked for, files for results
 *	boottable_facts.c	files -> sizes
 *	boottable_run.c		runs -> times, and how they ended
 *	boottable_read.c	the same from tables that were saved as JSON
 *	boottable_print.c	for people and as Markdown
 *	boottable_export.c	CSV and JSON
 *	boottable_chart.c	SVG
 */
#ifndef TVMM_BOOTTABLE_H
#define TVMM_BOOTTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "boot/elfsizes.h"
#include "vmm/base/err.h"
#include "vmm/timing/stats.h"

enum {
	BOOTTABLE_VERSION = 1,
	BOOTTABLE_ROWS_MAX = 32,
	BOOTTABLE_NAME_BYTES = 64,
	BOOTTABLE_WORDS_BYTES = ERR_TEXT_BYTES,
	BOOTTABLE_REASON_BYTES = 256
};

/* A number that may not be known. */
struct boottable_value {
	bool known;
	double value;
};

/* A number of several runs: runs == 0 is "not known". */
struct boottable_measure {
	size_t runs;
	double median;
	struct stats_interval ci95; /* of the median */
};

/* The boots of one kernel under one VMM. */
struct boottable_boots {
	bool asked;  /* false: it was not to be booted so */
	bool failed; /* all else is of the runs before that one, or not known */
	char ending[BOOTTABLE_WORDS_BYTES]; /* failed: how, in a sentence without its full stop */
	struct boottable_measure uptime; /* ns: /proc/uptime as the guest says it, to its 10 ms */
	struct boottable_measure init;   /* ns: process start to the init's first sign */
};

/* Parts of `init` and what comes behind it, ns: of tvmm's reports. */
enum boottable_part {
	BOOTTABLE_HOST,       /* process start to the guest's first instruction */
	BOOTTABLE_UNPACKING,  /* the guest's decompressor; 0: it did not run */
	BOOTTABLE_CONSOLE,    /* the console's exits: the ways out and back, and serving them */
	BOOTTABLE_INITCALLS,  /* all of them, where breakpoints fire */
	BOOTTABLE_USER_SPACE, /* the init's first sign to what ended the run */
	BOOTTABLE_PARTS,
};

struct boottable_row {
	char name[BOOTTABLE_NAME_BYTES];
	const char *kernel, *vmlinux;      /* borrowed paths; vmlinux NULL: none was given */
	const char *format;                /* "bzImage", "vmlinux"; "unknown": it is no kernel */
	const char *packing;               /* "gzip", "xz", ...; "": it is not packed */
	uint64_t kernel_bytes;             /* of the file `kernel` */
	struct boottable_value vmlinux_du; /* bytes on the disk: as du tells it */
	bool sizes_known;
	struct elfsizes sizes; /* of the vmlinux, or of the one in the bzImage */
	struct boottable_boots tvmm, qemu;
	struct boottable_measure part[BOOTTABLE_PARTS];
	struct boottable_value
		touched_pages; /* of 4 KiB, of the guest's RAM, host's writes included */
	struct boottable_value least_ram_bytes; /* the smallest -m that still boots */
	/* How the run for them ended, if it failed though the timed ones did not; else "". */
	char no_parts[BOOTTABLE_WORDS_BYTES], no_pages[BOOTTABLE_WORDS_BYTES];
	char no_initcalls[BOOTTABLE_REASON_BYTES]; /* why the run for the parts saw none, or "" */
};

struct boottable {
	struct boottable_row row[BOOTTABLE_ROWS_MAX];
	size_t rows;
	size_t runs, warmup; /* of each row and VMM */
	uint64_t seed;
	char *const *option; /* of the runs; NULL behind the last */
	const char *qemu;    /* the peer and its options in words; NULL: there was none */
	const char *host;    /* about the host, without a "host:" before it; "": no run told */
};

/* "host", "unpacking", "console", "initcalls", "user space" */
const char *boottable_part_name(enum boottable_part part);

/* qemu.init / tvmm.init of the row, if both are known. */
struct boottable_value boottable_ratio(const struct boottable_row *row);

/* Each: 0, or -errno with *e. width: of the terminal, 0: none. */
int boottable_print(const struct boottable *table, size_t width, FILE *out, struct err *e);
int boottable_print_markdown(const struct boottable *table, FILE *out, struct err *e);
int boottable_print_csv(const struct boottable *table, FILE *out, struct err *e);
int boottable_print_json(const struct boottable *table, FILE *out, struct err *e);
int boottable_print_chart(const struct boottable *table, FILE *out, struct err *e);

/*
 * The command. argv[0] is "table"; words of argv are cut. An exit status, or -errno with *e:
 * -ENOEXEC, with the table printed and exported, when no kernel of it booted under tvmm. With an exit
 * status *e may hold what is to be said all the same.
 */
int boottable_command(int argc, char **argv, struct err *e);

/* The same with runs of another program: for tests. NULL: tvmm itself. */
int boottable_program(const char *program, int argc, char **argv, struct err *e);

#endif
