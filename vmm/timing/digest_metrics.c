/* SPDX-License-Identifier: MIT */
/* The numbers by name. docs/report.md lists them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/digestparts.h"

enum { FIXED_MAX = 64 };

struct adding {
	struct making *making;
	struct report_metric *metric;
};

static void add(struct adding *a, const char *name, enum report_unit unit, uint64_t value,
		const char *from, const char *to)
{
	a->metric[a->making->report->metrics++] = (struct report_metric){
		.name = name,
		.unit = unit,
		.value = value,
		.from = from,
		.to = to,
	};
}

static void add_number(struct adding *a, const char *name, enum report_unit unit, uint64_t value)
{
	add(a, name, unit, value, "", "");
}

/* From one mark to another; nothing when one of them was not taken. */
static void add_time(struct adding *a, const char *name, const struct report_mark *from,
		     const struct report_mark *to)
{
	if (from && to && to->at_ns >= from->at_ns)
		add(a, name, REPORT_NS, to->at_ns - from->at_ns, from->name, to->name);
}

/*
 * A name that can stand in a budget: lower case, what is no letter, digit, '.', ':' or '#' is '_'.
 */
static const char *slug(struct making *m, const char *prefix, const char *name)
{
	char text[2 * RECORD_NAME_BYTES];
	size_t used = 0;

	for (; *name && used < sizeof(text) - 1; name++) {
		unsigned char c = (unsigned char)*name;
		bool plain = isalnum(c) || strchr(".:#-", c);

		if (!plain && used && text[used - 1] == '_')
			continue;
		text[used++] = plain ? (char)tolower(c) : '_';
	}
	text[used] = '\0';
	return digest_text(m, "%s%s", prefix, text);
}

static const struct report_mark *find(const struct making *m, const char *name)
{
	for (size_t i = 0; i < m->report->marks; i++) {
		if (strcmp(m->mark[i].name, name) == 0)
			return &m->mark[i];
	}
	return NULL;
}

static const struct report_mark *find_own(const struct making *m, enum mark mark)
{
	return find(m, mark_name(mark));
}

static const struct report_mark *first_of_guest(const struct making *m)
{
	for (size_t i = 0; i < m->report->marks; i++) {
		if (strncmp(m->mark[i].name, "mark:", 5) == 0)
			return &m->mark[i];
	}
	return NULL;
}

/* Where the kernel ends and user space begins. */
static const struct report_mark *user_space(const struct making *m)
{
	const struct report_mark *mark = find(m, phase_info[PHASE_FIRST_USER].name);

	if (!mark)
		mark = find_own(m, MARK_RUN_INIT);
	return mark ? mark : find(m, phase_info[PHASE_KERNEL_EXECVE].name);
}

static void add_stages(struct adding *a)
{
	const struct making *m = a->making;
	const struct report_mark *start = &m->mark[0], *run = find_own(m, MARK_FIRST_RUN);
	const struct report_mark *user = user_space(m), *ready = find_own(m, MARK_INIT_LINE);

	if (!ready)
		ready = first_of_guest(m);
	add_time(a, "total", start, &m->mark[m->report->end]);
	add_time(a, "boot", start, ready ? ready : user);
	add_time(a, "host", start, run);
	add_time(a, "kernel", run, user ? user : ready);
	add_time(a, "user", user, ready);
}

static void add_marks_and_steps(struct adding *a)
{
	struct making *m = a->making;

	for (size_t i = 0; i < m->report->marks; i++)
		add_time(a, slug(m, "at.", m->mark[i].name), &m->mark[0], &m->mark[i]);
	for (size_t i = 0; i < m->report->steps; i++)
		add(a, slug(m, "step.", m->mark[i].name), REPORT_NS, m->step[i].ns, m->mark[i].name,
		    m->mark[i + 1].name);
}

static void add_initcalls(struct adding *a)
{
	struct making *m = a->making;
	uint64_t sum = 0;

	if (m->report->no_initcalls)
		return;
	for (size_t i = 0; i < m->report->initcalls; i++)
		sum += m->report->initcall[i].ns;
	add_number(a, "initcalls", REPORT_NS, sum);
	add_number(a, "initcalls.count", REPORT_COUNT, m->report->initcalls);
	for (size_t i = 0; i < m->report->initcalls; i++)
		add_number(a, digest_text(m, "initcall.%s", m->report->initcall[i].name), REPORT_NS,
			   m->report->initcall[i].ns);
}

static void add_exits(struct adding *a)
{
	static const char *const name[RECORD_EXIT_KINDS] = {
		[RECORD_EXIT_PIO] = "exits.pio",
		[RECORD_EXIT_MMIO] = "exits.mmio",
		[RECORD_EXIT_DEBUG] = "exits.debug",
		[RECORD_EXIT_OTHER] = "exits.other",
	};
	const struct report *report = a->making->report;
	uint64_t count[RECORD_EXIT_KINDS] = { 0 };

	if (report->no_exits)
		return;
	for (size_t i = 0; i < report->exit_classes; i++)
		count[report->exit_class[i].kind] += report->exit_class[i].exits;
	add_number(a, "exits", REPORT_COUNT, report->exits);
	for (int kind = 0; kind < RECORD_EXIT_KINDS; kind++) {
		if (name[kind])
			add_number(a, name[kind], REPORT_COUNT, count[kind]);
	}
	add_number(a, "console.exits", REPORT_COUNT, report->console.exits);
	add_number(a, "console.time", REPORT_NS, report->console.served_ns);
	add_number(a, "console.tax", REPORT_NS, report->console.tax_ns);
}

static void add_split(struct adding *a)
{
	const struct report_split *split = &a->making->report->split;

	if (!split->known)
		return;
	add_number(a, "time.guest", REPORT_NS, split->guest_ns);
	add_number(a, "time.kvm", REPORT_NS, split->kvm_ns);
	add_number(a, "time.tvmm", REPORT_NS, split->tvmm_ns);
	add_number(a, "time.idle", REPORT_NS, split->idle_ns);
	add_number(a, "time.stolen", REPORT_NS, split->stolen_ns);
	add_number(a, "exits.kvm", REPORT_COUNT, split->kvm_exits);
}

static void add_the_rest(struct adding *a)
{
	const struct report *report = a->making->report;

	add_number(a, "console.bytes", REPORT_BYTES, report->console.bytes);
	if (report->touched_known)
		add_number(a, "memory.touched", REPORT_COUNT, report->touched_pages);
	if (!report->no_phases) {
		add_number(a, "breakpoints.exits", REPORT_COUNT, report->breakpoints.exits);
		add_number(a, "breakpoints.time", REPORT_NS, report->breakpoints.total_ns);
	}
	if (report->profile.rate_hz)
		add_number(a, "profile.samples", REPORT_COUNT, report->profile.samples);
	if (report->log_lines)
		add_number(a, "log.lines", REPORT_COUNT, report->log_lines);
}

/* By name; of one name in the order in which they were added. */
static int compare_names(const void *a, const void *b)
{
	const struct report_metric *const *left = a, *const *right = b;
	int order = strcmp((*left)->name, (*right)->name);

	return order ? order : (*left > *right) - (*left < *right);
}

/* The second of a name gets "~2" behind it: no name has a '~' of its own. */
static void make_names_unique(struct making *m, struct report_metric *metric, size_t count)
{
	struct report_metric **order = digest_room(m, count, sizeof(struct report_metric *));
	unsigned int number;

	if (m->failed)
		return;
	for (size_t i = 0; i < count; i++)
		order[i] = &metric[i];
	qsort(order, count, sizeof(struct report_metric *), compare_names);
	for (size_t i = 0; i < count; i += number) {
		number = 1;
		while (i + number < count && !strcmp(order[i + number]->name, order[i]->name)) {
			number++;
			order[i + number - 1]->name =
				digest_text(m, "%s~%u", order[i]->name, number);
		}
	}
}

void digest_metrics(struct making *m)
{
	size_t most = FIXED_MAX + m->report->marks + m->report->steps + m->report->initcalls;
	struct adding adding = { m, digest_room(m, most, sizeof(*adding.metric)) };

	if (m->failed)
		return;
	m->report->metrics = 0;
	add_stages(&adding);
	add_marks_and_steps(&adding);
	add_initcalls(&adding);
	add_exits(&adding);
	add_split(&adding);
	add_the_rest(&adding);
	make_names_unique(m, adding.metric, m->report->metrics);
	m->report->metric = adding.metric;
}
