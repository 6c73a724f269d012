/* SPDX-License-Identifier: MIT */
/* What boottable.c asks of its parts; nobody else's business. */
#ifndef TVMM_BOOTTABLE_RUN_H
#define TVMM_BOOTTABLE_RUN_H

#include <regex.h>
#include <stdbool.h>

#include "vmm/boottable.h"
#include "vmm/child.h"
#include "vmm/options.h"
#include "vmm/peer.h"
#include "vmm/trial.h"

struct boottable_job {
	const struct trial_plan *plan;
	char *const *option;          /* of the runs, as they were typed; NULL behind the last */
	const struct options *parsed; /* the same */
	const char *until;          /* what ends a run, if the options do not say; NULL: they do */
	const regex_t *until_regex; /* what ends a run, either way; NULL: nothing on the console */
	const regex_t *uptime;
	uint64_t timeout_ns;
	bool timeout_given;
	bool least_memory;
	const struct peer *peer; /* NULL: none */
	struct child_group *group;
};

/* One more row, nothing of which is known yet; NULL with *e. */
struct boottable_row *boottable_add_row(struct boottable *table, struct err *e);

/* 0, or -EINVAL with *e: it is no name for a row, or another row's. */
int boottable_set_name(const struct boottable *table, struct boottable_row *row, const char *text,
		       size_t length, struct err *e);

/* What a part is called in exports: "user_space". Returns to. */
const char *boottable_part_key(enum boottable_part part, char *to, size_t size);

/* Tables that were saved as JSON, which rows borrow texts from. All zero: none. */
struct boottable_saved {
	struct json_t *file[BOOTTABLE_ROWS_MAX];
	size_t files;
	char **option; /* of the runs */
};

/*
 * Adds the rows of a saved table. The first file tells what table->runs, option, host and qemu are,
 * and others have to agree. 0, or -errno with *e: boottable_saved_finish() is due either way.
 */
int boottable_read(struct boottable *table, struct boottable_saved *saved, const char *path,
		   struct err *e);

/* Frees what rows borrow. */
void boottable_saved_finish(struct boottable_saved *saved);

/*
 * Fills in what the files tell: packing, sizes. A file that is no kernel makes a row that failed. 0, or
 * -errno with *e for a file that cannot be read, or that is to be a vmlinux and is none.
 */
int boottable_read_facts(struct boottable_row *row, struct err *e);

/*
 * Makes the runs. host gets the words of table->host. 0; the number of a signal that asked to stop; or
 * -errno with *e. How a kernel ended is in its row.
 */
int boottable_run(struct boottable *table, const struct boottable_job *job, char *host,
		  size_t host_bytes, struct err *e);

#endif
