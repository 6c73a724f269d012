/* SPDX-License-Identifier: MIT */
#include "vmm/explainconfig.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot/ikconfig.h"
#include "boot/vmlinuxin.h"
#include "vmm/help.h"
#include "vmm/help_config.h"
#include "vmm/trial.h"
#include "vmm/trial_export.h"

/* No kernel has as many, with all its DWARF; only parts of it are read. */
#define FILE_MAX_BYTES (16ULL << 30)

enum { HEAD_BYTES = 4096, HDRS_OFFSET = 0x202, FILES_MAX = 64 };

enum kind { CONFIG, VMLINUX, BZIMAGE, REPORT, KINDS };

struct files {
	char *words; /* owned: what path[] points into */
	const char *path[KINDS];
	struct series series; /* of all reports */
};

static int print_json(const void *of, FILE *out, struct err *e)
{
	return explainconfig_print_json(of, out, e);
}

static int print_markdown(const void *of, FILE *out, struct err *e)
{
	return explainconfig_print_markdown(of, out, e);
}

static const struct trial_export_kind EXPORTS[] = {
	{ .option = "--export-json", .print = print_json },
	{ .option = "--export-markdown", .print = print_markdown },
	{ .option = NULL },
};

struct request {
	struct trial_plan plan;
	struct trial_export exports[sizeof(EXPORTS) / sizeof(EXPORTS[0])];
	const char *side[2];
	size_t sides;
	char *const *run; /* options of both runs; NULL: none are made */
};

static const char *const NAME[] = { "A", "B" };

/*
 * --- what is given ------------------------------------------------------------------------------
 */

static int kind_of(const char *path, enum kind *kind, struct err *e)
{
	char head[HEAD_BYTES + 1] = "";
	struct input_file file;
	size_t n;
	int rc = file_open(&file, "file", path, FILE_MAX_BYTES, e);

	if (rc < 0)
		return rc;
	n = file.size_bytes < HEAD_BYTES ? (size_t)file.size_bytes : HEAD_BYTES;
	rc = file_read(&file, 0, head, n, e);
	file_close(&file);
	if (memcmp(head, ELFMAG, SELFMAG) == 0)
		*kind = VMLINUX;
	else if (memcmp(head + HDRS_OFFSET, "HdrS", 4) == 0)
		*kind = BZIMAGE;
	else if (head[strspn(head, " \t\r\n")] == '{')
		*kind = REPORT;
	else
		*kind = CONFIG;
	return rc;
}

static int take_file(struct files *files, const struct request *request, const char *name,
		     const char *path, struct err *e)
{
	static const char *const what[KINDS] = { ".config", "vmlinux", "bzImage", "report" };
	enum kind kind = CONFIG;
	int rc = kind_of(path, &kind, e);

	if (rc == 0)
		rc = trial_export_spare(request->exports, what[kind], path, e);
	if (rc < 0)
		return rc;
	if (kind == REPORT)
		rc = series_read(&files->series, path, e);
	else if (files->path[kind])
		rc = err_set(e, EINVAL,
			     "explain-config: %s has two files that are a %s each, '%s' and '%s'",
			     name, what[kind], files->path[kind], path);
	if (rc == 0)
		files->path[kind] = path;
	return rc;
}

static int take_files(struct files *files, const struct request *request, size_t i, struct err *e)
{
	const char *name = NAME[i], *list = request->side[i];
	size_t count = 0;
	char *rest, *path;
	int rc = 0;

	files->words = strdup(list);
	if (!files->words)
		return err_set(e, ENOMEM, "no memory for the names of files");
	rest = files->words;
	while (rc == 0 && (path = strsep(&rest, ",")) != NULL) {
		if (!*path)
			rc = err_set(e, EINVAL,
				     "explain-config: %s, '%s', has a file without a name; files "
				     "are divided by single commas",
				     name, list);
		else if (++count > FILES_MAX)
			rc = err_set(e, EINVAL, "explain-config: %s has more than %d files", name,
				     FILES_MAX);
		else
			rc = take_file(files, request, name, path, e);
	}
	return rc;
}

/*
 * --- what they say ------------------------------------------------------------------------------
 */

static int read_inside(struct explainconfig_side *side, const struct input_file *vmlinux,
		       struct err *e)
{
	char *text;
	size_t bytes;
	int rc = ikconfig_read(vmlinux, &text, &bytes, e);

	if (rc < 0)
		return rc;
	rc = kconfig_parse(&side->config, vmlinux->path, text, bytes, e);
	free(text);
	side->config_from = vmlinux->path;
	side->inside = true;
	return rc;
}

/* That an image does not tell its sizes is no error: it has not been asked for them alone. */
static int read_sizes(struct explainconfig *found, struct explainconfig_side *side,
		      const struct input_file *vmlinux, struct err *e)
{
	int rc = elfsizes_read(vmlinux, &side->sizes, e);

	if (rc != -ENODATA)
		return rc;
	(void)snprintf(found->no_sizes, sizeof(found->no_sizes), "%s", e->text);
	return 0;
}

static int read_kernel(struct explainconfig *found, struct explainconfig_side *side,
		       const char *path, struct err *e)
{
	struct vmlinuxin inner = { 0 };
	struct input_file file;
	int rc = file_open(&file, "kernel", path, FILE_MAX_BYTES, e);

	if (rc < 0)
		return rc;
	rc = vmlinuxin_read(&file, &inner, e);
	if (rc == 0 && !side->config_from)
		rc = read_inside(side, &inner.file, e);
	else if (rc == -ENOTSUP && side->config_from) {
		(void)snprintf(found->no_sizes, sizeof(found->no_sizes), "%s", e->text);
		file_close(&file);
		return 0;
	}
	if (rc == 0)
		rc = read_sizes(found, side, &inner.file, e);
	vmlinuxin_finish(&inner);
	file_close(&file);
	return rc;
}

static int read_side(struct explainconfig *found, const struct files *files, size_t i,
		     struct err *e)
{
	struct explainconfig_side *side = &found->side[i];
	const char *kernel = files->path[VMLINUX] ? files->path[VMLINUX] : files->path[BZIMAGE];
	int rc = 0;

	if (files->path[CONFIG]) {
		rc = kconfig_read(&side->config, files->path[CONFIG], e);
		side->config_from = files->path[CONFIG];
	}
	if (rc < 0)
		return rc;
	if (kernel)
		return read_kernel(found, side, kernel, e);
	if (!side->config_from)
		return err_set(e, EINVAL,
			       "explain-config: %s has no configuration; give its .config, or a "
			       "kernel that was built with CONFIG_IKCONFIG=y",
			       NAME[i]);
	(void)snprintf(found->no_sizes, sizeof(found->no_sizes),
		       "neither a vmlinux nor a bzImage of %s was given", NAME[i]);
	return 0;
}

/*
 * --- runs ---------------------------------------------------------------------------------------
 */

/* -kernel and its file, and the options of both; the array is the caller's. */
static int make_options(struct trial *trial, const struct files *files, char *const *common,
			struct err *e)
{
	static char option[] = "-kernel";
	const char *kernel = files->path[BZIMAGE] ? files->path[BZIMAGE] : files->path[VMLINUX];
	size_t more = 0;
	char **all;

	if (!kernel)
		return err_set(e, EINVAL,
			       "explain-config: %s has no kernel to run; give its bzImage or its "
			       "vmlinux, or leave -- out",
			       trial->name);
	if (files->series.runs)
		return err_set(e, EINVAL,
			       "explain-config: %s has reports, and is to be run as well; leave "
			       "them or -- out",
			       trial->name);
	while (common[more])
		more++;
	all = calloc(more + 3, sizeof(*all));
	if (!all)
		return err_set(e, ENOMEM, "no memory for the options of a run");
	all[0] = option;
	all[1] = (char *)(uintptr_t)kernel;
	(void)memcpy(all + 2, common, more * sizeof(*all));
	trial->option = all;
	return 0;
}

/* The series of the runs go to where those of reports would be. */
static int make_runs(const struct request *request, struct files *files, struct err *e)
{
	static struct trial trial[2]; /* large */
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < 2; i++) {
		trial[i].name = NAME[i];
		rc = make_options(&trial[i], &files[i], request->run, e);
	}
	if (rc == 0)
		rc = trial_run(trial, 2, &request->plan, e);
	for (size_t i = 0; i < 2; i++) {
		free((void *)(uintptr_t)trial[i].option);
		trial[i].option = NULL;
		if (files[i].series.runs)
			continue;
		series_finish(&files[i].series);
		files[i].series = trial[i].series;
	}
	return rc;
}

static int compare_times(struct explainconfig *found, const struct request *request,
			 const struct files *files, struct err *e)
{
	for (size_t i = 0; i < 2; i++) {
		if (files[i].series.runs)
			continue;
		(void)snprintf(found->no_times, sizeof(found->no_times),
			       "no report of %s was given, and no options for runs of both (--)",
			       NAME[i]);
		return 0;
	}
	found->has_times = true;
	return compare_work_out(&found->times, &files[0].series, &files[1].series, NULL,
				request->plan.seed, e);
}

/*
 * --- the command --------------------------------------------------------------------------------
 */

static int take_word(struct request *request, int argc, char **argv, int *i, struct err *e)
{
	int rc = trial_take_option(&request->plan, argc, argv, i, e);

	if (rc == 0)
		rc = trial_export_take(request->exports, argc, argv, i, e);
	if (rc != 0)
		return rc;
	if (argv[*i][0] == '-')
		return err_set(e, EINVAL,
			       "explain-config: there is no option %s; options of both runs stand "
			       "behind --",
			       argv[*i]);
	if (request->sides == 2)
		return err_set(e, EINVAL,
			       "explain-config: '%s' is one too many; the files of one side are "
			       "divided by commas",
			       argv[*i]);
	request->side[request->sides++] = argv[*i];
	return 1;
}

static int parse(struct request *request, int argc, char **argv, struct err *e)
{
	for (int i = 1; i < argc; i++) {
		int rc;

		if (strcmp(argv[i], "--") == 0) {
			request->run = &argv[i + 1];
			break;
		}
		rc = take_word(request, argc, argv, &i, e);
		if (rc < 0)
			return rc;
	}
	if (request->sides < 2)
		return err_set(e, EINVAL,
			       "explain-config needs two sides: tvmm explain-config A/.config "
			       "B/.config");
	/* What a run would refuse is refused while nothing has been read. */
	return request->run
		       ? trial_check_options("explain-config", request->run, TRIAL_KERNEL_BESIDE, e)
		       : 0;
}

static int find_out(struct explainconfig *found, const struct request *request, struct files *files,
		    struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < 2; i++)
		rc = take_files(&files[i], request, i, e);
	if (rc == 0 && request->run)
		rc = trial_export_spare_run(request->exports, request->run, e);
	for (size_t i = 0; rc == 0 && i < 2; i++)
		rc = read_side(found, &files[i], i, e);
	found->has_sizes = !found->no_sizes[0];
	if (rc == 0)
		rc = kconfig_compare(&found->options, &found->side[0].config,
				     &found->side[1].config, e);
	if (rc == 0 && request->run)
		rc = make_runs(request, files, e);
	return rc == 0 ? compare_times(found, request, files, e) : rc;
}

static int explain(struct request *request, struct files *files, struct err *e)
{
	struct explainconfig found = { 0 };
	int rc = trial_export_open(request->exports, e);

	if (rc == 0)
		rc = find_out(&found, request, files, e);
	if (rc == 0)
		rc = explainconfig_print(&found, trial_stdout_width(), stdout, e);
	if (rc == 0)
		rc = trial_export_write(request->exports, &found, e);
	compare_finish(&found.times);
	kconfig_difference_finish(&found.options);
	for (size_t i = 0; i < 2; i++)
		kconfig_finish(&found.side[i].config);
	trial_export_abandon(request->exports);
	return trial_end("explain-config", rc, e);
}

int explainconfig_command(int argc, char **argv, struct err *e)
{
	static struct files files[2]; /* large */
	struct request request = { .plan = trial_default_plan() };
	int rc;

	if (help_is_wanted(argc, argv)) {
		help_print_explain_config(stdout);
		return 0;
	}
	trial_export_init(request.exports, EXPORTS);
	rc = parse(&request, argc, argv, e);
	if (rc == 0)
		rc = explain(&request, files, e);
	for (size_t i = 0; i < 2; i++) {
		series_finish(&files[i].series);
		free(files[i].words);
		files[i].words = NULL;
	}
	return rc;
}
