/* SPDX-License-Identifier: MIT */
#include "vmm/boottable.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/boottable_run.h"
#include "vmm/help.h"
#include "vmm/help_table.h"
#include "vmm/lineregex.h"
#include "vmm/trial.h"
#include "vmm/trial_export.h"
#include "vmm/vm.h"

/* What the init of this project's initramfs says when it has begun. */
static const char DEFAULT_UNTIL[] = "Boot took [0-9.]+ seconds";
static const char DEFAULT_UPTIME[] = "Boot took ([0-9.]+) seconds";
#define DEFAULT_TIMEOUT_NS 60000000000ULL

enum { HOST_BYTES = 512 };

static const char *const PART_NAMES[] = {
	[BOOTTABLE_HOST] = "host",
	[BOOTTABLE_UNPACKING] = "unpacking",
	[BOOTTABLE_CONSOLE] = "console",
	[BOOTTABLE_INITCALLS] = "initcalls",
	[BOOTTABLE_USER_SPACE] = "user space",
};

const char *boottable_part_name(enum boottable_part part)
{
	return PART_NAMES[part];
}

const char *boottable_part_key(enum boottable_part part, char *to, size_t size)
{
	(void)snprintf(to, size, "%s", boottable_part_name(part));
	for (char *at = to; *at; at++)
		*at = *at == ' ' ? '_' : *at;
	return to;
}

struct boottable_value boottable_ratio(const struct boottable_row *row)
{
	const struct boottable_measure *ours = &row->tvmm.init, *theirs = &row->qemu.init;

	if (!ours->runs || !theirs->runs || !(ours->median > 0))
		return (struct boottable_value){ false, 0 };
	return (struct boottable_value){ true, theirs->median / ours->median };
}

/*
 * --- what is asked for --------------------------------------------------------------------------
 */

static int print_markdown(const void *table, FILE *out, struct err *e)
{
	return boottable_print_markdown(table, out, e);
}

static int print_csv(const void *table, FILE *out, struct err *e)
{
	return boottable_print_csv(table, out, e);
}

static int print_json(const void *table, FILE *out, struct err *e)
{
	return boottable_print_json(table, out, e);
}

static int print_chart(const void *table, FILE *out, struct err *e)
{
	return boottable_print_chart(table, out, e);
}

static const struct trial_export_kind EXPORTS[] = {
	{ .option = "--export-markdown", .print = print_markdown },
	{ .option = "--export-csv", .print = print_csv },
	{ .option = "--export-json", .print = print_json },
	{ .option = "--export-chart", .print = print_chart },
	{ .option = NULL },
};

struct request {
	struct trial_plan plan;
	struct trial_export exports[sizeof(EXPORTS) / sizeof(EXPORTS[0])];
	const char *uptime, *against, *qemu;
	bool least_memory;
	const char *read[BOOTTABLE_ROWS_MAX]; /* saved tables that it is to be of; NULL behind */
	size_t reads;
	bool trial;          /* options of a trial were given */
	char *const *option; /* of the runs; NULL behind the last */
};

static bool is_name(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)text[i]) && !(i && strchr("._+-", text[i])))
			return false;
	}
	return length > 0;
}

struct boottable_row *boottable_add_row(struct boottable *table, struct err *e)
{
	struct boottable_row *row = &table->row[table->rows];

	if (table->rows == BOOTTABLE_ROWS_MAX) {
		(void)err_set(e, E2BIG, "table: that is one too many; a table has %d rows at most",
			      BOOTTABLE_ROWS_MAX);
		return NULL;
	}
	table->rows++;
	*row = (struct boottable_row){ .format = "unknown", .packing = "" };
	return row;
}

int boottable_set_name(const struct boottable *table, struct boottable_row *row, const char *text,
		       size_t length, struct err *e)
{
	if (!is_name(text, length) || length >= sizeof(row->name))
		return err_set(e, EINVAL,
			       "table: '%.*s' is no name for a row: 1 to %d letters, digits, and "
			       "behind the first of them . _ + -; NAME=bzImage gives one",
			       (int)length, text, BOOTTABLE_NAME_BYTES - 1);
	for (size_t i = 0; i < table->rows; i++) {
		if (strncmp(table->row[i].name, text, length) == 0 && !table->row[i].name[length])
			return err_set(
				e, EINVAL,
				"table: two rows are called '%.*s'; NAME=bzImage gives another "
				"name",
				(int)length, text);
	}
	(void)memcpy(row->name, text, length);
	row->name[length] = '\0';
	return 0;
}

/* The folder's name, as in kernels/tiny/bzImage; the file's where that says nothing. */
static int name_after_file(const struct boottable *table, struct boottable_row *row, struct err *e)
{
	const char *end = strrchr(row->kernel, '/'), *begin = end;

	while (begin && begin > row->kernel && begin[-1] != '/')
		begin--;
	if (begin && is_name(begin, (size_t)(end - begin)))
		return boottable_set_name(table, row, begin, (size_t)(end - begin), e);
	begin = end ? end + 1 : row->kernel;
	return boottable_set_name(table, row, begin, strlen(begin), e);
}

/* [NAME=]KERNEL[,VMLINUX]. The word is the command line's, and is cut at its comma. */
static int take_row(struct boottable *table, char *word, struct err *e)
{
	struct boottable_row *row = boottable_add_row(table, e);
	size_t length = strcspn(word, "=/");
	char *comma;

	if (!row)
		return -e->code;
	if (word[length] == '=' && boottable_set_name(table, row, word, length, e) < 0)
		return -e->code;
	row->kernel = word[length] == '=' ? word + length + 1 : word;
	comma = strchr(row->kernel, ',');
	if (comma) {
		*comma = '\0';
		row->vmlinux = comma + 1;
	}
	if (!*row->kernel || (comma && !comma[1]))
		return err_set(e, EINVAL,
			       "table: a file's name is missing: NAME=bzImage[,vmlinux]");
	return *row->name ? 0 : name_after_file(table, row, e);
}

/* Options of the command that have a value and are not a trial's. 1: taken, 0: none of them. */
static int take_own_option(struct request *request, int argc, char **argv, int *i, struct err *e)
{
	const struct {
		const char *name;
		const char **value;
	} own[] = {
		{ "--uptime", &request->uptime },
		{ "--against", &request->against },
		{ "--qemu", &request->qemu },
	};

	if (strcmp(argv[*i], "--least-memory") == 0) {
		request->least_memory = true;
		return 1;
	}
	for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++) {
		if (!trial_is_option(argv[*i], own[k].name))
			continue;
		*own[k].value = trial_option_value(argc, argv, i, e);
		return *own[k].value ? 1 : -EINVAL;
	}
	return 0;
}

/* 1, or -errno with *e. */
static int take_saved(struct request *request, const char *path, struct err *e)
{
	if (!path)
		return -EINVAL;
	if (request->reads == BOOTTABLE_ROWS_MAX)
		return err_set(e, E2BIG, "table: --read %s is one too many; %d files at most", path,
			       BOOTTABLE_ROWS_MAX);
	request->read[request->reads++] = path;
	return 1;
}

static int take_word(struct request *request, struct boottable *table, int argc, char **argv,
		     int *i, struct err *e)
{
	int rc;

	if (argv[*i][0] != '-')
		return take_row(table, argv[*i], e);
	if (trial_is_option(argv[*i], "-j") || trial_is_option(argv[*i], "--jobs"))
		return err_set(e, EINVAL,
			       "table: there is no %s; runs at the same time disturb each other's "
			       "times",
			       argv[*i]);
	if (trial_is_option(argv[*i], "--read"))
		return take_saved(request, trial_option_value(argc, argv, i, e), e);
	rc = take_own_option(request, argc, argv, i, e);
	if (rc == 0) {
		rc = trial_take_option(&request->plan, argc, argv, i, e);
		request->trial = request->trial || rc == 1;
	}
	if (rc == 0)
		rc = trial_export_take(request->exports, argc, argv, i, e);
	if (rc == 0)
		rc = err_set(e, EINVAL,
			     "table: '%s' is not known; options of the runs stand behind --",
			     argv[*i]);
	return rc;
}

static int parse(struct request *request, struct boottable *table, int argc, char **argv,
		 struct err *e)
{
	static char *const none[] = { NULL };

	request->option = none;
	for (int i = 1; i < argc; i++) {
		int rc;

		if (strcmp(argv[i], "--") == 0) {
			request->option = &argv[i + 1];
			break;
		}
		rc = take_word(request, table, argc, argv, &i, e);
		if (rc < 0)
			return rc;
	}
	if (request->reads && (table->rows || *request->option || request->against ||
			       request->qemu || request->least_memory || request->trial))
		return err_set(
			e, EINVAL,
			"table: --read prints what has been measured; leave out kernels, and "
			"all options but --export-...");
	if (!table->rows && !request->reads)
		return err_set(e, EINVAL,
			       "table needs a kernel: tvmm table NAME=bzImage[,vmlinux] ... -- "
			       "-initrd rootfs.cpio.gz");
	if (request->qemu && !request->against)
		return err_set(e, EINVAL, "--qemu goes with --against qemu");
	return 0;
}

/*
 * --- the options of the runs, and what follows from them ----------------------------------------
 */

/* Expressions and options that a job borrows. */
struct ready {
	struct options parsed;
	regex_t uptime, until; /* until: of our own */
	bool uptime_set, until_set;
	struct peer peer;
};

/* A program's runs end with the program. */
static int choose_end(struct ready *ready, struct boottable_job *job, struct err *e)
{
	int rc;

	if (ready->parsed.until_set) {
		job->until_regex = &ready->parsed.until;
		return 0;
	}
	if (ready->parsed.program.arguments)
		return 0;
	rc = lineregex_compile("until", DEFAULT_UNTIL, &ready->until, e);
	ready->until_set = rc == 0;
	job->until = DEFAULT_UNTIL;
	job->until_regex = &ready->until;
	return rc;
}

static int check_against(const struct request *request, const struct options *parsed, struct err *e)
{
	const char *what = parsed->program.arguments ? "-- PROGRAM"
			   : parsed->dialogue.steps  ? "-send"
						     : NULL;

	if (request->against && what)
		return err_set(e, EINVAL, "--against: QEMU has nothing like %s; leave one out",
			       what);
	return 0;
}

static int make_ready(struct ready *ready, struct boottable_job *job, const struct request *request,
		      struct err *e)
{
	int rc = lineregex_compile_group("-uptime", request->uptime, &ready->uptime, e);

	ready->uptime_set = rc == 0;
	if (rc == 0)
		rc = trial_parse_options("table", request->option, TRIAL_KERNEL_BESIDE,
					 &ready->parsed, e);
	if (rc == 0)
		rc = choose_end(ready, job, e);
	if (rc == 0)
		rc = check_against(request, &ready->parsed, e);
	job->plan = &request->plan;
	job->option = request->option;
	job->parsed = &ready->parsed;
	job->uptime = &ready->uptime;
	job->timeout_given = ready->parsed.timeout_ns != 0;
	job->timeout_ns = job->timeout_given ? ready->parsed.timeout_ns : DEFAULT_TIMEOUT_NS;
	job->least_memory = request->least_memory;
	return rc;
}

static void finish_ready(struct ready *ready)
{
	options_finish(&ready->parsed);
	if (ready->uptime_set)
		regfree(&ready->uptime);
	if (ready->until_set)
		regfree(&ready->until);
}

/*
 * --- the command --------------------------------------------------------------------------------
 */

/* With signals held: what is on its way is ended by them, and we are not. */
static int find_peer_and_run(struct boottable *table, const struct request *request,
			     struct boottable_job *job, struct ready *ready, struct err *e)
{
	static char host[HOST_BYTES];
	int rc = child_group_open(&job->group, 1, e);

	if (rc == 0 && request->against) {
		rc = peer_find(&ready->peer, request->against, request->qemu, job->group, e);
		job->peer = &ready->peer;
		table->qemu = ready->peer.words;
	}
	if (rc == 0)
		rc = boottable_run(table, job, host, sizeof(host), e);
	child_group_close(job->group);
	return rc;
}

/* Results are not written over what they are of. */
static int open_exports(struct request *request, const struct boottable *table, struct err *e)
{
	int rc = trial_export_open(request->exports, e);

	for (size_t i = 0; rc == 0 && i < table->rows; i++) {
		rc = trial_export_spare(request->exports, "kernel", table->row[i].kernel, e);
		if (rc == 0)
			rc = trial_export_spare(request->exports, "vmlinux", table->row[i].vmlinux,
						e);
	}
	if (rc == 0)
		rc = trial_export_spare(request->exports, "program of --qemu", request->qemu, e);
	for (size_t i = 0; rc == 0 && i < request->reads; i++)
		rc = trial_export_spare(request->exports, "table", request->read[i], e);
	return rc < 0 ? rc : trial_export_spare_run(request->exports, request->option, e);
}

/* The rows of saved tables: nothing is run. */
static int read_saved(struct boottable *table, struct request *request,
		      struct boottable_saved *saved, struct err *e)
{
	int rc = open_exports(request, table, e);

	for (size_t i = 0; rc == 0 && i < request->reads; i++)
		rc = boottable_read(table, saved, request->read[i], e);
	if (rc == 0 && !table->rows)
		rc = err_set(e, EINVAL, "table: there is no row in %s", request->read[0]);
	return rc;
}

/* What no run could do without is told once, and not in each row. */
static int check_host(const struct request *request, struct err *e)
{
	struct vm vm = { .kvm_fd = -1, .vm_fd = -1 };
	int rc;

	if (request->plan.program)
		return 0;
	rc = vm_open(&vm, e);
	vm_finish(&vm);
	return rc;
}

static int measure(struct boottable *table, struct request *request, struct ready *ready,
		   struct err *e)
{
	struct boottable_job job = { 0 };
	int rc = make_ready(ready, &job, request, e);

	if (rc == 0)
		rc = open_exports(request, table, e);
	for (size_t i = 0; rc == 0 && i < table->rows; i++)
		rc = boottable_read_facts(&table->row[i], e);
	if (rc == 0)
		rc = check_host(request, e);
	if (rc == 0)
		rc = find_peer_and_run(table, request, &job, ready, e);
	return rc;
}

/* A table in which nothing booted is no answer to anybody's question, though it has been printed. */
static int check_booted(const struct boottable *table, struct err *e)
{
	for (size_t i = 0; i < table->rows; i++) {
		if (!table->row[i].tvmm.failed)
			return 0;
	}
	return err_set(e, ENOEXEC,
		       "table: no kernel booted under tvmm; the table says how each run ended");
}

/* Rows boot, and yet a column of theirs is empty: the first of them, and how many more there are. */
static void remark(const struct boottable *table, struct err *e)
{
	const struct boottable_row *first = NULL;
	char more[64] = "";
	size_t rows = 0;

	for (size_t i = 0; i < table->rows; i++) {
		const struct boottable_row *row = &table->row[i];

		if (!row->no_parts[0] && !row->no_pages[0])
			continue;
		first = first ? first : row;
		rows++;
	}
	if (!first)
		return;
	if (rows > 1)
		(void)snprintf(more, sizeof(more), "; so it was with %zu more, the table says how",
			       rows - 1);
	(void)err_set(e, ENODATA,
		      "table: %s boots, but its %s not known, because the run for them "
		      "failed: %s%s",
		      first->name, first->no_parts[0] ? "parts are" : "touched pages are",
		      first->no_parts[0] ? first->no_parts : first->no_pages, more);
}

int boottable_program(const char *program, int argc, char **argv, struct err *e)
{
	static struct boottable table; /* these are large */
	static struct boottable_saved saved;
	static struct ready ready;
	struct request request = { .plan = trial_default_plan(), .uptime = DEFAULT_UPTIME };
	int rc;

	if (help_is_wanted(argc, argv)) {
		help_print_table(stdout);
		return 0;
	}
	(void)memset(&table, 0, sizeof(table));
	(void)memset(&ready, 0, sizeof(ready));
	trial_export_init(request.exports, EXPORTS);
	rc = parse(&request, &table, argc, argv, e);
	if (rc < 0)
		return rc;
	request.plan.program = program;
	table.runs = request.plan.runs;
	table.warmup = request.plan.warmup;
	table.seed = request.plan.seed;
	table.option = request.option;
	rc = request.reads ? read_saved(&table, &request, &saved, e)
			   : measure(&table, &request, &ready, e);
	if (rc == 0)
		rc = boottable_print(&table, trial_stdout_width(), stdout, e);
	if (rc == 0)
		rc = trial_export_write(request.exports, &table, e);
	if (rc == 0)
		rc = check_booted(&table, e);
	trial_export_abandon(request.exports);
	finish_ready(&ready);
	boottable_saved_finish(&saved);
	rc = trial_end("table", rc, e);
	if (rc == 0)
		remark(&table, e);
	return rc;
}

int boottable_command(int argc, char **argv, struct err *e)
{
	return boottable_program(NULL, argc, argv, e);
}
