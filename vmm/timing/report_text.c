/* SPDX-License-Identifier: MIT */
/*
 * The report for people: what a run says on stderr when it is over. Tables share one grid,
 * sentences stand between them:
 *
 *   tvmm:          ms        step  share  name                     what it was taken from
 *   tvmm:     299.369    +112.959  36.7%  Run /init                console line "Run ..."
 *
 * On a terminal no line is longer than that is wide: sentences are wrapped, what does not fit into
 * a table ends with "...", and where it is narrow whole columns go. Elsewhere nothing is cut.
 *
 * Left out: the reason of what nobody asked for, and what other outputs tell better, as the
 * console's lines. Names and sentences may be the guest's: only printable ASCII comes through.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/report.h"

enum {
	TOP_INITCALLS = 10,
	TOP_CLASSES = 8,
	TOP_SYMBOLS = 8,
	NAME_COLUMNS_MIN = 23,
	NAME_COLUMNS_MAX = 28,
	WORD_COLUMNS = 10,       /* a remark that is one word */
	REMARK_COLUMNS_MIN = 16, /* of any other, which may be cut */
	COLUMNS_FOR_SHARE = 66,
	COLUMNS_FOR_STEP = 48,
	PREFIX_COLUMNS = 6,
	CELL_BYTES = 32,
};

struct printing {
	const struct report *report;
	unsigned int columns;      /* of the terminal; 0: there is none */
	unsigned int name_columns; /* of the grid */
	bool shares;               /* the grid has that column */
	FILE *out;
};

/* ---- lines ----------------------------------------------------------------------------------- */

static bool is_plain(char c)
{
	return c >= 0x20 && c < 0x7f;
}

/* What a terminal may obey, or take for half of a letter, is shown as \x and two digits. */
static void put_plain(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (is_plain(*text))
			(void)fputc(*text, out);
		else
			(void)fprintf(out, "\\x%02x", (unsigned char)*text);
	}
}

static unsigned int columns_of(char c)
{
	return is_plain(c) ? 1 : sizeof("\\x1b") - 1;
}

static unsigned int width_of(const char *text)
{
	unsigned int width = 0;

	for (; *text; text++)
		width += columns_of(*text);
	return width;
}

/* How many bytes of text are not wider than that. */
static size_t bytes_within(const char *text, unsigned int columns)
{
	unsigned int width = 0;
	size_t bytes = 0;

	while (text[bytes] && width + columns_of(text[bytes]) <= columns)
		width += columns_of(text[bytes++]);
	return bytes;
}

/*
 * Room for text on a line; never none, because a terminal that says it is that narrow is not
 * believed.
 */
static unsigned int room_on(const struct printing *p)
{
	return p->columns > 2 * PREFIX_COLUMNS ? p->columns - PREFIX_COLUMNS : PREFIX_COLUMNS;
}

/* A line, without blanks at its end; on a terminal what fits of it. */
__attribute__((format(printf, 2, 3))) static void put(const struct printing *p, const char *format,
						      ...)
{
	const char *dots = "";
	char *text;
	va_list ap;
	int length;

	va_start(ap, format);
	length = vasprintf(&text, format, ap);
	va_end(ap);
	if (length < 0)
		return;
	while (length > 0 && text[length - 1] == ' ')
		text[--length] = '\0';
	if (p->columns && width_of(text) > room_on(p)) {
		text[bytes_within(text, room_on(p) - 3)] = '\0';
		dots = "...";
	}
	(void)fputs("tvmm: ", p->out);
	put_plain(text, p->out);
	(void)fprintf(p->out, "%s\n", dots);
	free(text);
}

/*
 * The bytes of text that go on a line: up to the last blank that is not too far, or a word that is
 * too long.
 */
static size_t bytes_of_line(const char *text, unsigned int columns)
{
	size_t bytes = bytes_within(text, columns), end = bytes;

	if (!text[bytes])
		return bytes;
	while (end && text[end] != ' ')
		end--;
	return end ? end : bytes + strcspn(text + bytes, " ");
}

/* A sentence; on a terminal in as many lines as it takes, all but the first indented. */
__attribute__((format(printf, 2, 3))) static void say(const struct printing *p, const char *format,
						      ...)
{
	unsigned int room = p->columns ? room_on(p) : UINT32_MAX, indent = 0;
	const char *rest;
	char *text;
	va_list ap;
	int length;

	va_start(ap, format);
	length = vasprintf(&text, format, ap);
	va_end(ap);
	if (length < 0)
		return;
	for (rest = text; *rest; rest += strspn(rest, " ")) {
		size_t bytes = bytes_of_line(rest, room - indent);

		put(p, "%*s%.*s", (int)indent, "", (int)bytes, rest);
		rest += bytes;
		indent = 2;
	}
	free(text);
}

/* ---- the grid -------------------------------------------------------------------------------- */

struct row {
	char ms[CELL_BYTES], step[CELL_BYTES], share[CELL_BYTES];
	const char *name, *remark;
};

static bool is_wide(const struct printing *p, unsigned int columns)
{
	return !p->columns || p->columns >= columns;
}

/* For a word, or for enough of a sentence: a table where only some rows have theirs looks odd. */
static bool has_room(const struct printing *p, unsigned int used, const char *remark)
{
	unsigned int wanted = width_of(remark);

	if (wanted > WORD_COLUMNS)
		wanted = REMARK_COLUMNS_MIN;
	return is_wide(p, PREFIX_COLUMNS + used + wanted);
}

static void put_row(const struct printing *p, const struct row *row)
{
	char numbers[4 * CELL_BYTES];
	unsigned int name = width_of(row->name);
	unsigned int column = name < p->name_columns ? p->name_columns : name;
	int used = snprintf(numbers, sizeof(numbers), "%11s", row->ms);

	if (is_wide(p, COLUMNS_FOR_STEP))
		used += snprintf(numbers + used, sizeof(numbers) - used, " %11s", row->step);
	if (p->shares && is_wide(p, COLUMNS_FOR_SHARE))
		used += snprintf(numbers + used, sizeof(numbers) - used, " %6s", row->share);
	if (!row->name[0])
		put(p, "%s", numbers);
	else if (row->remark[0] && has_room(p, (unsigned int)used + 2 + column + 2, row->remark))
		put(p, "%s  %s%*s  %s", numbers, row->name, (int)(column - name), "", row->remark);
	else
		put(p, "%s  %s", numbers, row->name);
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void set_ms(char *cell, uint64_t ns)
{
	(void)snprintf(cell, CELL_BYTES, "%.3f", ms(ns));
}

static void set_count(char *cell, uint64_t count)
{
	(void)snprintf(cell, CELL_BYTES, "%llu", (unsigned long long)count);
}

static void set_share(char *cell, uint64_t part, uint64_t whole)
{
	(void)snprintf(cell, CELL_BYTES, "%.1f%%",
		       whole ? 100.0 * (double)part / (double)whole : 0);
}

/* ---- marks ----------------------------------------------------------------------------------- */

static uint64_t all_steps_ns(const struct report *r)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < r->steps; i++)
		ns += r->step[i].ns;
	return ns;
}

/* What a full table had no room for. */
static void say_lost(const struct printing *p, uint64_t lost, const char *what)
{
	if (lost)
		say(p, "%s that found no room in the record: %llu", what, (unsigned long long)lost);
}

/* Each mark with the step that ends at it. */
static void print_marks(const struct printing *p)
{
	const struct report *r = p->report;
	uint64_t all_ns = all_steps_ns(r);

	put_row(p, &(struct row){ "ms", "step", "share", "", "" });
	for (size_t i = 0; i < r->marks; i++) {
		uint64_t step_ns = i ? r->step[i - 1].ns : 0;
		struct row row = {
			.name = r->mark[i].name,
			.remark = i == r->end ? r->ending.sentence : r->mark[i].taken,
		};

		set_ms(row.ms, r->mark[i].at_ns);
		(void)snprintf(row.step, sizeof(row.step), "%+.3f", ms(step_ns));
		set_share(row.share, step_ns, all_ns);
		put_row(p, &row);
	}
	say_lost(p, r->marks_lost, "marks of the guest");
}

static void say_names(const struct printing *p, const char *what, const char *const *name,
		      size_t count)
{
	char *text = NULL;
	size_t bytes;
	FILE *list = count ? open_memstream(&text, &bytes) : NULL;

	if (!list)
		return;
	for (size_t i = 0; i < count; i++)
		(void)fprintf(list, "%s%s", i ? ", " : "", name[i]);
	if (fclose(list) == 0)
		say(p, "%s: %s", what, text);
	free(text);
}

static bool was_asked_for(const char *why_not)
{
	static const char not_asked_for[] = "not asked for";

	return strncmp(why_not, not_asked_for, sizeof(not_asked_for) - 1) != 0;
}

static void print_phases(const struct printing *p)
{
	const struct report *r = p->report;

	if (r->no_phases) {
		if (was_asked_for(r->no_phases))
			say(p, "phases: none: %s", r->no_phases);
		return;
	}
	say_names(p, "phases left out, no symbol in this kernel", r->left_out, r->lefts_out);
	say_names(p, "phases not reached", r->not_reached, r->not_reacheds);
	say(p,
	    "breakpoints: %llu exits, %.1f us each to leave and enter the guest (measured in this "
	    "run), "
	    "%.3f ms in all, subtracted from the steps",
	    (unsigned long long)r->breakpoints.exits, (double)r->breakpoints.round_trip_ns / 1e3,
	    ms(r->breakpoints.total_ns));
}

/* ---- initcalls ------------------------------------------------------------------------------- */

static const struct report_mark *find_mark(const struct report *r, const char *name)
{
	for (size_t i = 0; i < r->marks; i++) {
		if (strcmp(r->mark[i].name, name) == 0)
			return &r->mark[i];
	}
	return NULL;
}

/*
 * As the steps have it, without what breakpoints cost; up to the end where user space was not
 * reached.
 */
static uint64_t kernel_ns(const struct report *r)
{
	const struct report_metric *kernel = report_metric_find(r, "kernel");
	const struct report_mark *to = kernel ? find_mark(r, kernel->to) : NULL;
	size_t end = to ? (size_t)(to - r->mark) : r->end;
	uint64_t ns = 0;

	for (size_t i = r->first_run; i < end && i < r->steps; i++)
		ns += r->step[i].ns;
	return ns;
}

static int longest_first(const void *a, const void *b)
{
	const struct report_initcall *left = *(const struct report_initcall *const *)a;
	const struct report_initcall *right = *(const struct report_initcall *const *)b;

	if (left->ns != right->ns)
		return left->ns > right->ns ? -1 : 1;
	return left->at_ns < right->at_ns ? -1 : left->at_ns > right->at_ns;
}

static void put_longest(const struct printing *p, const struct report_initcall **order)
{
	const struct report *r = p->report;
	uint64_t kernel = kernel_ns(r);

	for (size_t i = 0; i < r->initcalls; i++)
		order[i] = &r->initcall[i];
	qsort(order, r->initcalls, sizeof(*order), longest_first);
	for (size_t i = 0; i < r->initcalls && i < TOP_INITCALLS; i++) {
		struct row row = { .name = order[i]->name, .remark = order[i]->level };

		set_ms(row.ms, order[i]->ns);
		set_share(row.share, order[i]->ns, kernel);
		put_row(p, &row);
	}
}

static void print_initcalls(const struct printing *p)
{
	const struct report *r = p->report;
	const struct report_initcall **order;
	uint64_t all_ns = 0;

	if (r->no_initcalls && was_asked_for(r->no_initcalls) &&
	    (!r->no_phases || strcmp(r->no_initcalls, r->no_phases) != 0))
		say(p, "initcalls: none: %s", r->no_initcalls);
	if (r->no_initcalls || !r->initcalls)
		return;
	for (size_t i = 0; i < r->initcalls; i++)
		all_ns += r->initcall[i].ns;
	say(p, "initcalls: %zu, %.3f ms in all; the longest, and their share of the kernel's time:",
	    r->initcalls, ms(all_ns));
	order = calloc(r->initcalls, sizeof(*order));
	if (order)
		put_longest(p, order);
	free(order);
	say_lost(p, r->initcalls_lost, "initcalls");
	if (r->initcall_unreturned)
		say(p, "initcalls: %zu did not return, the last of them %s",
		    r->initcalls_unreturned, r->initcall_unreturned);
}

/* ---- the console ----------------------------------------------------------------------------- */

/*
 * What the console cost until a mark: serving its exits, and leaving and entering the guest for
 * them.
 */
static uint64_t tax_until_ns(const struct report *r, const struct report_mark *mark)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < r->steps && &r->mark[i] < mark; i++)
		ns += r->step[i].console_ns + r->step[i].console_exits * r->console.round_trip_ns;
	return ns;
}

/* Until the mark that a boot ends with, if this one came to it. */
static void say_without_console(const struct printing *p)
{
	const struct report *r = p->report;
	const struct report_metric *boot = report_metric_find(r, "boot");
	const struct report_mark *to = boot ? find_mark(r, boot->to) : NULL;
	uint64_t tax;

	if (!to)
		to = &r->mark[r->end];
	tax = tax_until_ns(r, to);
	if (r->console.round_trip_ns && tax && tax < to->at_ns)
		say(p, "without the console this boot would take about %.3f ms, not %.3f, to '%s'",
		    ms(to->at_ns - tax), ms(to->at_ns), to->name);
}

static void print_console(const struct printing *p)
{
	const struct report *r = p->report;
	const struct report_console *c = &r->console;

	if (c->bytes && c->exits) {
		char all[96] = "", coalesced[48] = "";

		if (c->coalesced)
			(void)snprintf(coalesced, sizeof(coalesced), " (%llu coalesced)",
				       (unsigned long long)c->coalesced);

		if (c->round_trip_ns)
			(void)snprintf(all, sizeof(all),
				       ", about %.3f ms with %.1f us to leave and enter the guest",
				       ms(c->tax_ns), (double)c->round_trip_ns / 1e3);
		say(p, "console: %llu bytes%s, %llu exits (%.2f per byte), %.3f ms in tvmm%s",
		    (unsigned long long)c->bytes, coalesced, (unsigned long long)c->exits,
		    (double)c->exits / (double)c->bytes, ms(c->served_ns), all);
		say_without_console(p);
	}
	if (r->control.done)
		say(p,
		    "measured with the console quiet: %.3f ms, not %.3f, from the first guest "
		    "instruction to '%s'",
		    ms(r->control.quiet_ns), ms(r->control.noisy_ns), r->control.mark);
}

/* ---- exits and time -------------------------------------------------------------------------- */

static void put_class(const struct printing *p, const struct report_exit_class *class,
		      uint64_t all_ns)
{
	char where[64];
	struct row row = { .name = class->owner, .remark = "" };

	if (class->kind == RECORD_EXIT_PIO || class->kind == RECORD_EXIT_MMIO) {
		(void)snprintf(where, sizeof(where), "%s %#llx %s",
			       class->kind == RECORD_EXIT_PIO ? "port" : "address",
			       (unsigned long long)class->address, class->out ? "write" : "read");
		row.name = where;
		row.remark = class->owner;
	}
	set_ms(row.ms, class->ns);
	set_count(row.step, class->exits);
	set_share(row.share, class->ns, all_ns);
	put_row(p, &row);
}

/* What classes cost and count, from one on. */
static struct report_exit_class sum_of(const struct report *r, size_t from)
{
	struct report_exit_class sum = { .kind = RECORD_EXIT_OTHER, .owner = "all others" };

	for (size_t i = from; i < r->exit_classes; i++) {
		sum.exits += r->exit_class[i].exits;
		sum.ns += r->exit_class[i].ns;
	}
	return sum;
}

static void print_exits(const struct printing *p)
{
	const struct report *r = p->report;
	const struct report_exit_class all = sum_of(r, 0), rest = sum_of(r, TOP_CLASSES);

	if (r->no_exits || !r->exit_classes)
		return;
	say(p, "exits: %llu of the guest's; the most expensive, tvmm's own among them:",
	    (unsigned long long)r->exits);
	put_row(p, &(struct row){ "ms", "exits", "share", "", "" });
	for (size_t i = 0; i < r->exit_classes && i < TOP_CLASSES; i++)
		put_class(p, &r->exit_class[i], all.ns);
	if (rest.exits)
		put_class(p, &rest, all.ns);
	say_lost(p, r->exits_lost, "exits");
}

static void put_part(const struct printing *p, uint64_t ns, const char *name)
{
	const struct report_split *split = &p->report->split;
	struct row row = { .name = name, .remark = "" };

	set_ms(row.ms, ns);
	set_share(row.share, ns,
		  split->guest_ns + split->tvmm_ns + split->idle_ns + split->stolen_ns);
	put_row(p, &row);
}

static void print_split(const struct printing *p)
{
	const struct report_split *split = &p->report->split;

	if (!split->known)
		return;
	say(p, "time of the guest's CPUs, from the first guest instruction to the end:");
	/* Nobody knows how long exits took to serve that were not recorded. */
	put_part(p, split->guest_ns,
		 p->report->no_exits ? "guest, KVM, tvmm" : "guest, and KVM for it");
	if (!p->report->no_exits)
		put_part(p, split->tvmm_ns, "tvmm, to serve exits");
	put_part(p, split->idle_ns, "idle: halted");
	put_part(p, split->stolen_ns, "stolen: the host was busy");
	if (split->kvm_exits)
		say(p, "KVM counted %llu exits, those that it served itself included",
		    (unsigned long long)split->kvm_exits);
}

/* ---- profile --------------------------------------------------------------------------------- */

struct symbol {
	const char *name;
	uint64_t samples;
};

static int by_name(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int most_first(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;

	if (left->samples != right->samples)
		return left->samples > right->samples ? -1 : 1;
	return strcmp(left->name, right->name);
}

/* Innermost frames, each name once; returns how many. */
static size_t sum_by_symbol(const struct report_profile *profile, struct symbol *symbol)
{
	size_t stacks = 0, symbols = 0;

	for (size_t i = 0; i < profile->stacks; i++) {
		const struct report_stack *stack = &profile->stack[i];

		if (stack->frames)
			symbol[stacks++] =
				(struct symbol){ stack->frame[stack->frames - 1], stack->samples };
	}
	qsort(symbol, stacks, sizeof(*symbol), by_name);
	for (size_t i = 0; i < stacks; i++) {
		if (symbols && strcmp(symbol[symbols - 1].name, symbol[i].name) == 0)
			symbol[symbols - 1].samples += symbol[i].samples;
		else
			symbol[symbols++] = symbol[i];
	}
	qsort(symbol, symbols, sizeof(*symbol), most_first);
	return symbols;
}

static void print_profile(const struct printing *p)
{
	const struct report_profile *profile = &p->report->profile;
	struct symbol *symbol;
	size_t symbols;

	if (!profile->rate_hz)
		return;
	say(p, "profile: %llu samples at %llu Hz, stacks unwound by %s; found most often:",
	    (unsigned long long)profile->samples, (unsigned long long)profile->rate_hz,
	    profile->unwound_by);
	symbol = calloc(profile->stacks + 1, sizeof(*symbol));
	symbols = symbol ? sum_by_symbol(profile, symbol) : 0;
	for (size_t i = 0; i < symbols && i < TOP_SYMBOLS; i++) {
		struct row row = { .name = symbol[i].name, .remark = "" };

		set_count(row.step, symbol[i].samples);
		set_share(row.share, symbol[i].samples, profile->samples);
		put_row(p, &row);
	}
	free(symbol);
	say_lost(p, profile->lost, "samples");
}

/* What the kernel was told besides what the user told it. */
static void print_fast_append(const struct printing *p)
{
	const char *words = p->report->guest.fast_append;

	if (words && *words)
		say(p, "-fast-append put in front of the kernel's command line: %s", words);
	else if (words)
		say(p, "-fast-append added nothing: %s", p->report->guest.no_fast_append);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static unsigned int name_columns(const struct report *r)
{
	unsigned int columns = NAME_COLUMNS_MIN;

	for (size_t i = 0; i < r->marks; i++) {
		unsigned int width = width_of(r->mark[i].name);

		if (width > columns)
			columns = width < NAME_COLUMNS_MAX ? width : NAME_COLUMNS_MAX;
	}
	return columns;
}

/* When they failed the ending says so. */
static void print_tests(const struct printing *p)
{
	char sentence[KTAP_PATH_BYTES];

	if (!p->report->tests)
		return;
	if (ktap_verdict(p->report->tests, sentence, sizeof(sentence)) == KTAP_PASSED)
		say(p, "tests: %s", sentence);
}

void report_print_text(const struct report *report, unsigned int columns, FILE *out)
{
	const struct printing p = {
		.report = report,
		.columns = columns,
		.name_columns = name_columns(report),
		.shares = !report->no_phases || !report->no_initcalls || !report->no_exits ||
			  report->profile.rate_hz,
		.out = out,
	};

	print_marks(&p);
	print_fast_append(&p);
	for (size_t i = 0; i < report->fallbacks; i++)
		say(&p, "fallback: %s", report->fallback[i]);
	print_phases(&p);
	print_initcalls(&p);
	print_console(&p);
	print_exits(&p);
	print_split(&p);
	print_profile(&p);
	print_tests(&p);
}
