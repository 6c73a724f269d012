/* SPDX-License-Identifier: MIT */
#include "vmm/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/plan.h"
#include "initramfs/protocol.h"
#include "vmm/base/must.h"
#include "vmm/base/suggest.h"
#include "vmm/cmdline.h"
#include "vmm/lineregex.h"
#include "vmm/topology.h"

#define APPEND_WORDS "console=ttyS0 reboot=k panic=-1"

static const char DEFAULT_APPEND[] = APPEND_WORDS, QUIET_APPEND[] = APPEND_WORDS " quiet";

#define MIB (1ULL << 20)

enum {
	DEFAULT_RAM_MIB = 128,
	CTRL_A = 1,
	PAGE_BYTES = 4096,
	OPTION_NAME_BYTES = 32,
};

typedef int (*option_handler)(struct options *o, const char *value, struct err *e);

struct option_row {
	const char *name;
	bool takes_value;
	option_handler handle; /* NULL: accepted, without effect */
};

int options_parse_size(const char *option, const char *text, uint64_t *bytes, struct err *e)
{
	static const struct {
		char suffix;
		unsigned int shift;
	} units[] = { { 'K', 10 }, { 'M', 20 }, { 'G', 30 }, { 'T', 40 } };
	unsigned int shift = 20;
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (end == text || !isdigit((unsigned char)*text))
		return err_set(e, EINVAL, "-%s: '%s' is not a size; examples: 256, 256M, 1G",
			       option, text);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && *end; i++) {
		if (toupper((unsigned char)*end) == units[i].suffix) {
			shift = units[i].shift;
			end++;
			break;
		}
	}
	if (*end)
		return err_set(e, EINVAL,
			       "-%s: '%s' has '%s' behind the number; K, M, G or T may be there",
			       option, text, end);
	if (errno == ERANGE || number > UINT64_MAX >> shift)
		return err_set(e, EINVAL, "-%s: '%s' is beyond any memory", option, text);
	*bytes = (uint64_t)number << shift;
	return 0;
}

int options_parse_duration(const char *option, const char *text, uint64_t *ns, struct err *e)
{
	static const struct {
		const char *suffix;
		double ns;
	} units[] = { { "", 1e9 },   { "s", 1e9 },    { "ms", 1e6 },
		      { "m", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 } };
	double number;
	char *end;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return err_set(e, EINVAL, "-%s: '%s' is not a time; examples: 30s, 500ms, 2m",
			       option, text);
	number = strtod(text, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && end != text; i++) {
		if (strcmp(end, units[i].suffix) != 0)
			continue;
		if (number * units[i].ns < 1 || number * units[i].ns > 9e18)
			return err_set(e, EINVAL, "-%s: '%s' is out of range: 1 ns to 106751 days",
				       option, text);
		*ns = (uint64_t)(number * units[i].ns);
		return 0;
	}
	return err_set(e, EINVAL, "-%s: '%s' is not a time; units are ms, s, m, h, d", option,
		       text);
}

static int set_kernel(struct options *o, const char *value, struct err *e)
{
	(void)e;
	o->kernel = value;
	return 0;
}

static int set_initrd(struct options *o, const char *value, struct err *e)
{
	(void)e;
	o->initrd = value;
	return 0;
}

static int set_append(struct options *o, const char *value, struct err *e)
{
	(void)e;
	o->append = value;
	return 0;
}

static int set_fast_append(struct options *o, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->fast_append = true;
	return 0;
}

static int set_unpack(struct options *o, const char *value, struct err *e)
{
	static const char *const modes[] = {
		[KERNEL_UNPACK_AUTO] = "auto",
		[KERNEL_UNPACK_HOST] = "host",
		[KERNEL_UNPACK_GUEST] = "guest",
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(value, modes[i]) == 0) {
			o->unpack = (enum kernel_unpack)i;
			return 0;
		}
	}
	return err_set(e, EINVAL, "-unpack: '%s' is neither host, guest nor auto", value);
}

static int set_no_cache(struct options *o, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->no_cache = true;
	return 0;
}

static int set_no_huge_pages(struct options *o, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->small_pages = true;
	return 0;
}

static int set_without(struct options *o, const char *value, struct err *e)
{
	return technique_parse(value, &o->without, e);
}

static int set_memory(struct options *o, const char *value, struct err *e)
{
	const char *text = strncmp(value, "size=", 5) == 0 ? value + 5 : value;
	int rc = options_parse_size("m", text, &o->ram_bytes, e);

	if (rc == 0 && (o->ram_bytes < PLAN_RAM_MIN_BYTES || o->ram_bytes % PAGE_BYTES))
		rc = err_set(e, EINVAL,
			     "-m: %s is %llu bytes; at least %llu MiB are needed, in steps of 4 "
			     "KiB",
			     value, (unsigned long long)o->ram_bytes, PLAN_RAM_MIN_BYTES / MIB);
	return rc;
}

static int set_smp(struct options *o, const char *value, struct err *e)
{
	return topology_parse(value, &o->cpus, e);
}

static int set_cpu(struct options *o, const char *value, struct err *e)
{
	return cpuid_parse_model(value, &o->cpu, e);
}

static int set_serial(struct options *o, const char *value, struct err *e)
{
	o->serial_given = true;
	return chardev_parse(value, &o->serial, e);
}

static int set_escape(struct options *o, const char *value, struct err *e)
{
	char *end;
	unsigned long code = strtoul(value, &end, 0);

	if (end == value || *end || code > 31)
		return err_set(e, EINVAL,
			       "-echr: '%s' is not the code of a control character: 1 (Ctrl-a) to "
			       "31, or 0 for none",
			       value);
	o->escape_key = (uint8_t)code;
	return 0;
}

static int set_timeout(struct options *o, const char *value, struct err *e)
{
	return options_parse_duration("timeout", value, &o->timeout_ns, e);
}

static int set_hang(struct options *o, const char *value, struct err *e)
{
	return hang_parse(value, &o->hang, e);
}

static int set_until(struct options *o, const char *value, struct err *e)
{
	int rc;

	if (o->until_set)
		regfree(&o->until);
	rc = lineregex_compile("until", value, &o->until, e);
	o->until_set = rc == 0;
	return rc;
}

static int set_log(struct options *o, const char *value, struct err *e)
{
	if (!*value)
		return err_set(e, EINVAL, "-log: a file name is needed");
	if (strcmp(value, "-") == 0)
		return err_set(e, EINVAL,
			       "-log: '-' is not to be had, stdout is the console's or the "
			       "program's; a file name is needed");
	o->log = value;
	return 0;
}

static int set_add(struct options *o, const char *value, struct err *e)
{
	struct program_options *program = &o->program;
	char *text;

	if (program->adds == OPTIONS_ADDS_MAX)
		return err_set(e, EINVAL, "-add: can be given %d times; a folder holds many files",
			       OPTIONS_ADDS_MAX);
	text = strdup(value);
	if (!text)
		return err_sys(e, ENOMEM, "-add %s", value);
	program->add_text[program->adds] = text;
	return bundle_parse_add(text, &program->add[program->adds++], e);
}

static int set_verbose(struct options *o, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->program.verbose = true;
	return 0;
}

static int set_account(struct options *o, const char *value, struct err *e)
{
	return accountoptions_what(&o->account, value, e);
}

static int set_profile(struct options *o, const char *value, struct err *e)
{
	return accountoptions_profile(&o->account, value, e);
}

static int set_mark(struct options *o, const char *value, struct err *e)
{
	return accountoptions_mark(&o->account, value, e);
}

static int set_assert(struct options *o, const char *value, struct err *e)
{
	return accountoptions_assert(&o->account, value, e);
}

static int set_tap(struct options *o, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->account.tap = true;
	return 0;
}

static int set_control(struct options *o, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->account.control = true;
	return 0;
}

/* The options whose value is a path and nothing else. */
#define PATH_SETTER(name, field)                                                        \
	static int set_##name(struct options *o, const char *value, struct err *e)      \
	{                                                                               \
		if (!*value)                                                            \
			return err_set(e, EINVAL, "-" #name ": a file name is needed"); \
		o->account.field = value;                                               \
		return 0;                                                               \
	}

PATH_SETTER(symbols, symbols)
PATH_SETTER(report, report)
PATH_SETTER(trace, trace)
PATH_SETTER(html, html)
PATH_SETTER(folded, folded)
PATH_SETTER(flame, flame)
PATH_SETTER(dmesg, dmesg)
PATH_SETTER(junit, junit)
PATH_SETTER(summary, summary)

static int parse_port(const char *name, const char *text, size_t length, unsigned long max,
		      unsigned long *number, struct err *e)
{
	char *end;

	*number = strtoul(text, &end, 0);
	if (end == text || (size_t)(end - text) != length || *number == 0 || *number > max)
		return err_set(e, EINVAL,
			       "-device isa-debug-exit: %s=%.*s is not a number up to "
			       "%#lx",
			       name, (int)length, text, max);
	return 0;
}

static int set_device(struct options *o, const char *value, struct err *e)
{
	static const char MODEL[] = "isa-debug-exit";
	size_t length = strcspn(value, ",");
	unsigned long number;

	if (length != strlen(MODEL) || strncmp(value, MODEL, length) != 0)
		return err_set(e, EINVAL,
			       "-device: there is no '%.*s'; there is "
			       "isa-debug-exit[,iobase=PORT][,iosize=BYTES]",
			       (int)length, value);
	o->debugexit =
		(struct debugexit_config){ DEBUGEXIT_DEFAULT_IOBASE, DEBUGEXIT_DEFAULT_IOSIZE };
	for (value += length; *value == ','; value += length) {
		int rc;

		value++;
		length = strcspn(value, ",");
		if (strncmp(value, "iobase=", 7) == 0) {
			rc = parse_port("iobase", value + 7, length - 7, 0xffff, &number, e);
			o->debugexit.iobase = (uint16_t)number;
		} else if (strncmp(value, "iosize=", 7) == 0) {
			rc = parse_port("iosize", value + 7, length - 7, DEBUGEXIT_MAX_IOSIZE,
					&number, e);
			o->debugexit.iosize = (uint8_t)number;
		} else {
			rc = err_set(
				e, EINVAL,
				"-device isa-debug-exit: does not know '%.*s'; it takes iobase "
				"and iosize",
				(int)length, value);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool is_kvm(const char *accelerator)
{
	return strcspn(accelerator, ",:") == 3 && strncmp(accelerator, "kvm", 3) == 0;
}

static int set_accel(struct options *o, const char *value, struct err *e)
{
	(void)o;
	if (is_kvm(value))
		return 0;
	return err_set(e, EINVAL, "-accel: '%s' is not to be had; tvmm runs guests on kvm only",
		       value);
}

static int set_machine(struct options *o, const char *value, struct err *e)
{
	static const char *const types[] = { "pc", "q35", "microvm" };
	const char *text = strncmp(value, "type=", 5) == 0 ? value + 5 : value;
	size_t length = strcspn(text, ",");
	const char *accel = strstr(value, "accel=");

	(void)o;
	if (accel && !is_kvm(accel + 6))
		return err_set(e, EINVAL,
			       "-machine: accelerator '%.*s' is not to be had; tvmm runs guests on "
			       "kvm only",
			       (int)strcspn(accel + 6, ",:"), accel + 6);
	if (accel == value)
		return 0;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strlen(types[i]) == length && strncmp(text, types[i], length) == 0)
			return 0;
	}
	return err_set(e, EINVAL,
		       "-machine: there is no '%.*s'; pc, q35 and microvm are accepted, and mean "
		       "tvmm's one machine",
		       (int)length, text);
}

/* For -display, -vga, -monitor: none is what tvmm has. */
static int expect_none(struct options *o, const char *value, struct err *e)
{
	(void)o;
	if (strcmp(value, "none") == 0)
		return 0;
	return err_set(e, EINVAL,
		       "'%s' is not to be had: tvmm has a serial console and nothing else; 'none' "
		       "is accepted",
		       value);
}

static int set_fail_on(struct options *o, const char *value, struct err *e)
{
	return trouble_parse(&o->trouble, value, e);
}

static int set_send(struct options *o, const char *value, struct err *e)
{
	return dialogue_parse_send(&o->dialogue, value, e);
}

static int set_after(struct options *o, const char *value, struct err *e)
{
	return dialogue_parse_after(&o->dialogue, value, e);
}

static int set_quiet(struct options *o, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->quiet = o->brief = true;
	return 0;
}

static int set_explain(struct options *o, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->action = OPTIONS_EXPLAIN;
	return 0;
}

static int set_help(struct options *o, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->action = OPTIONS_HELP;
	return 0;
}

static int set_version(struct options *o, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	o->action = OPTIONS_VERSION;
	return 0;
}

static const struct option_row rows[] = {
	{ "kernel", true, set_kernel },
	{ "initrd", true, set_initrd },
	{ "append", true, set_append },
	{ "fast-append", false, set_fast_append },
	{ "unpack", true, set_unpack },
	{ "no-cache", false, set_no_cache },
	{ "m", true, set_memory },
	{ "no-huge-pages", false, set_no_huge_pages },
	{ "without", true, set_without },
	{ "smp", true, set_smp },
	{ "cpu", true, set_cpu },
	{ "serial", true, set_serial },
	{ "echr", true, set_escape },
	{ "log", true, set_log },
	{ "add", true, set_add },
	{ "v", false, set_verbose },
	{ "verbose", false, set_verbose },
	{ "timeout", true, set_timeout },
	{ "hang", true, set_hang },
	{ "until", true, set_until },
	{ "fail-on", true, set_fail_on },
	{ "send", true, set_send },
	{ "after", true, set_after },
	{ "device", true, set_device },
	{ "account", true, set_account },
	{ "symbols", true, set_symbols },
	{ "profile", true, set_profile },
	{ "mark", true, set_mark },
	{ "report", true, set_report },
	{ "trace", true, set_trace },
	{ "html", true, set_html },
	{ "folded", true, set_folded },
	{ "flame", true, set_flame },
	{ "dmesg", true, set_dmesg },
	{ "tap", false, set_tap },
	{ "junit", true, set_junit },
	{ "summary", true, set_summary },
	{ "assert", true, set_assert },
	{ "control", false, set_control },
	{ "explain", false, set_explain },
	{ "quiet", false, set_quiet },
	{ "q", false, set_quiet },
	{ "help", false, set_help },
	{ "h", false, set_help },
	{ "version", false, set_version },
	/* What scripts written for QEMU say, and what is so here anyway. */
	{ "enable-kvm", false, NULL },
	{ "nographic", false, NULL }, /* a serial console on stdio */
	{ "accel", true, set_accel },
	{ "M", true, set_machine },
	{ "machine", true, set_machine },
	{ "nodefaults", false, NULL },
	{ "no-user-config", false, NULL },
	{ "no-reboot", false, NULL },
	{ "no-shutdown", false, NULL },
	{ "display", true, expect_none },
	{ "vga", true, expect_none },
	{ "monitor", true, expect_none },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct option_row *find_row(const char *name, size_t length)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (strlen(rows[i].name) == length && strncmp(rows[i].name, name, length) == 0)
			return &rows[i];
	}
	return NULL;
}

/* A value may begin with a dash, but not be an option's name: then the value was forgotten. */
static bool is_an_option(const char *word)
{
	const char *name = word + (word[0] == '-') + (word[0] == '-' && word[1] == '-');

	return name != word && find_row(name, strlen(name)) != NULL;
}

static int unknown_option(const char *argument, const char *name, size_t length, struct err *e)
{
	const char *names[ROWS];
	char typed[OPTION_NAME_BYTES];
	const char *near;

	for (size_t i = 0; i < ROWS; i++)
		names[i] = rows[i].name;
	(void)snprintf(typed, sizeof(typed), "%.*s", (int)length, name);
	near = suggest_nearest(typed, names, ROWS);
	return err_set(e, EINVAL, "%s: there is no such option%s%s%s", argument,
		       near ? "; did you mean -" : "; tvmm --help lists them", near ? near : "",
		       near ? "?" : "");
}

/* One option and its value, if it takes one; *used counts the words of argv that were taken. */
static int parse_one(struct options *o, int left, char **argv, int *used, struct err *e)
{
	const char *name = argv[0] + (argv[0][1] == '-' ? 2 : 1);
	size_t length = strcspn(name, "=");
	const char *value = name[length] == '=' ? name + length + 1 : NULL;
	const struct option_row *row = find_row(name, length);
	int rc;

	if (!row)
		return unknown_option(argv[0], name, length, e);
	*used = 1;
	if (!row->takes_value && value)
		return err_set(e, EINVAL, "-%s takes no value", row->name);
	if (row->takes_value && !value) {
		if (left < 2)
			return err_set(e, EINVAL, "-%s needs a value behind it", row->name);
		value = argv[1];
		*used = 2;
		if (is_an_option(value))
			return err_set(e, EINVAL, "-%s needs a value behind it; %s stands there",
				       row->name, value);
	}
	rc = row->handle ? row->handle(o, value, e) : 0;
	if (rc < 0 && row->handle == expect_none) {
		struct err inner = *e;

		rc = err_set(e, inner.code, "-%s: %s", row->name, inner.text);
	}
	return rc;
}

static void set_defaults(struct options *o)
{
	memset(o, 0, sizeof(*o));
	o->append = DEFAULT_APPEND;
	o->ram_bytes = DEFAULT_RAM_MIB * MIB;
	o->cpus = 1;
	o->escape_key = CTRL_A;
	o->serial.kind = CHARDEV_MON_STDIO;
}

/* ---- a program in the guest ------------------------------------------------------------------- */

/*
 * A kernel that nobody listens to need not print: quiet, unless its words are shown, kept or looked
 * for.
 */
static const char *default_append(const struct options *o)
{
	bool heard = o->program.verbose || o->log || o->account.tap || trouble_wanted(&o->trouble);

	return heard ? DEFAULT_APPEND : QUIET_APPEND;
}

static int settle_program(struct options *o, struct err *e)
{
	struct program_options *program = &o->program;
	const char *append = o->append;

	if (!program->argument) {
		if (program->adds || program->verbose)
			return err_set(e, EINVAL,
				       "-%s goes with a program to run: -- PROGRAM ARGUMENT...",
				       program->adds ? "add" : "v");
		return 0;
	}
	if (o->serial_given)
		return err_set(
			e, EINVAL,
			"-serial does not go with --: the serial line carries the program's "
			"output; -v shows the kernel's console on stderr, -log FILE keeps it");
	if (append == DEFAULT_APPEND)
		append = default_append(o);
	if (o->dialogue.steps)
		return err_set(e, EINVAL,
			       "-send does not go with --: the serial line carries the program's "
			       "input");
	if (o->account.control)
		return err_set(e, EINVAL,
			       "-control does not go with --: the program would run twice");
	program->append = cmdline_with(append, PROTOCOL_RDINIT);
	if (!program->append)
		return err_sys(e, ENOMEM, "the command line");
	o->append = program->append;
	o->serial.kind = CHARDEV_STDIO;
	o->escape_key = 0;
	o->brief |= !program->verbose; /* stderr is the program's */
	return 0;
}

/* What stands behind "--": the program and its arguments, whatever they look like. */
static int take_program(struct options *o, int left, char **argv, struct err *e)
{
	if (left < 2)
		return err_set(e, EINVAL, "-- needs a program behind it: -- PROGRAM ARGUMENT...");
	o->program.argument = argv + 1;
	o->program.arguments = (size_t)left - 1;
	return 0;
}

static int settle(struct options *o, struct err *e)
{
	int rc;

	if (!o->kernel)
		return err_set(e, EINVAL,
			       "no kernel was given: tvmm -kernel bzImage [-initrd cpio.gz]; "
			       "tvmm --help tells more");
	o->cpu.no_rates = !technique_on(o->without, TECHNIQUE_TSC_LEAVES);
	rc = dialogue_settle(&o->dialogue, e);
	if (rc == 0)
		rc = settle_program(o, e);
	return rc < 0 ? rc : accountoptions_settle(&o->account, e);
}

int options_parse(struct options *options, int argc, char **argv, struct err *e)
{
	int used = 1;

	set_defaults(options);
	for (int i = 1; i < argc; i += used) {
		int rc;

		if (strcmp(argv[i], "--") == 0) {
			rc = take_program(options, argc - i, argv + i, e);
			if (rc < 0)
				return rc;
			break;
		}
		if (argv[i][0] != '-' || !argv[i][1])
			return err_set(e, EINVAL, "'%s' is not an option; did you mean -%s %s?",
				       argv[i],
				       !options->kernel   ? "kernel"
				       : !options->initrd ? "initrd"
							  : "append",
				       argv[i]);
		rc = parse_one(options, argc - i, argv + i, &used, e);
		if (rc < 0)
			return rc;
		if (options->action == OPTIONS_HELP || options->action == OPTIONS_VERSION)
			return 0;
	}
	return settle(options, e);
}

void options_finish(struct options *options)
{
	if (options->until_set)
		regfree(&options->until);
	options->until_set = false;
	while (options->program.adds)
		free(options->program.add_text[--options->program.adds]);
	trouble_finish(&options->trouble);
	dialogue_script_finish(&options->dialogue);
	free(options->program.append);
	options->program.append = NULL;
	accountoptions_finish(&options->account);
}
