/* SPDX-License-Identifier: MIT */
#include "vmm/commands.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "initramfs/pack.h"
#include "vmm/bench.h"
#include "vmm/boottable.h"
#include "vmm/compare.h"
#include "vmm/explainconfig.h"
#include "vmm/help.h"
#include "vmm/probe.h"
#include "vmm/probe_ci.h"

static int take_value(int argc, char **argv, int *i, const char **value, struct err *e)
{
	if (*i + 1 >= argc)
		return err_set(e, EINVAL, "%s needs a value behind it", argv[*i]);
	if (*value)
		return err_set(e, EINVAL, "%s is there twice", argv[*i]);
	*value = argv[++*i];
	return 0;
}

static int parse_initramfs(int argc, char **argv, struct pack_request *request, struct err *e)
{
	for (int i = 1; i < argc; i++) {
		int rc = 0;

		if (strcmp(argv[i], "-o") == 0)
			rc = take_value(argc, argv, &i, &request->output, e);
		else if (strcmp(argv[i], "-d") == 0)
			rc = take_value(argc, argv, &i, &request->nodes, e);
		else if (argv[i][0] == '-' && argv[i][1])
			rc = err_set(e, EINVAL,
				     "initramfs: there is no option %s; it takes -o and -d",
				     argv[i]);
		else if (request->directory)
			rc = err_set(e, EINVAL, "initramfs: one folder, not '%s' and '%s'",
				     request->directory, argv[i]);
		else
			request->directory = argv[i];
		if (rc < 0)
			return rc;
	}
	if (!request->directory || !request->output)
		return err_set(e, EINVAL,
			       "initramfs needs a folder and an output: tvmm initramfs DIR -o "
			       "F.cpio.gz [-d NODES]");
	return 0;
}

static int run_initramfs(int argc, char **argv, struct err *e)
{
	struct pack_request request = { 0 };
	struct pack_result result = { 0 };
	int rc;

	if (help_is_wanted(argc, argv)) {
		help_print_initramfs(stdout);
		return 0;
	}
	rc = parse_initramfs(argc, argv, &request, e);
	if (rc == 0)
		rc = pack_mtime(getenv("SOURCE_DATE_EPOCH"), &request.mtime_s, e);
	if (rc == 0)
		rc = pack_run(&request, &result, e);
	if (rc < 0)
		return rc;
	*e = (struct err){ 0 };
	(void)printf("%s: %llu names, %llu bytes, packed %llu\n", request.output,
		     (unsigned long long)result.entries, (unsigned long long)result.archive_bytes,
		     (unsigned long long)result.output_bytes);
	return 0;
}

static int run_probe_ci(bool json)
{
	static struct probe_result result; /* these are large */
	static struct probe_place place;
	static struct probe_ci ci;

	probe_run_apart(&result);
	probe_place_look(&place, &result.device, "");
	probe_ci_judge(&result, &place, &ci);
	if (json)
		probe_ci_print_json(&ci, stdout);
	else
		probe_ci_print(&ci, stdout);
	return probe_ci_status(&ci);
}

static int run_probe(int argc, char **argv, struct err *e)
{
	struct probe_result result;
	bool json = false, ci = false;

	if (help_is_wanted(argc, argv)) {
		help_print_probe(stdout);
		return 0;
	}
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-json") == 0)
			json = true;
		else if (strcmp(argv[i], "--ci") == 0 || strcmp(argv[i], "-ci") == 0)
			ci = true;
		else
			return err_set(e, EINVAL,
				       "probe: '%s' is not known; it takes --ci and --json",
				       argv[i]);
	}
	if (ci)
		return run_probe_ci(json);
	probe_run(&result);
	if (json)
		probe_print_json(&result, stdout);
	else
		probe_print(&result, stdout);
	return probe_status(&result);
}

static const struct command commands[] = {
	{ "probe", run_probe },         { "initramfs", run_initramfs },
	{ "bench", bench_command },     { "compare", compare_command },
	{ "table", boottable_command }, { "explain-config", explainconfig_command },
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

const struct command *commands_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

size_t commands_list(const char **names)
{
	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	return COMMANDS;
}
