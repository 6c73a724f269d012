/* SPDX-License-Identifier: MIT */
/* The digest's frame: its memory, marks and steps, the console's lines, the log. */
#include "vmm/timing/digest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/digestparts.h"

/* ---- memory: blocks in a list, freed together ------------------------------------------------ */

struct block {
	struct block *next;
	max_align_t bytes[];
};

void *digest_room(struct making *making, size_t count, size_t bytes)
{
	struct block *block = NULL;
	size_t size;

	if (!__builtin_mul_overflow(count, bytes, &size) &&
	    !__builtin_add_overflow(size, sizeof(*block) + 1, &size))
		block = calloc(1, size);
	if (!block) {
		making->failed = true;
		return NULL;
	}
	block->next = making->digest->memory;
	making->digest->memory = block;
	return block->bytes;
}

const char *digest_text(struct making *making, const char *format, ...)
{
	va_list ap;
	char *text;
	int length;

	va_start(ap, format);
	length = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	text = digest_room(making, (size_t)length + 1, 1);
	if (!text)
		return "";
	va_start(ap, format);
	(void)vsnprintf(text, (size_t)length + 1, format, ap);
	va_end(ap);
	return text;
}

void digest_finish(struct digest *digest)
{
	for (struct block *block = digest->memory, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	digest->memory = NULL;
}

/* ---- marks ----------------------------------------------------------------------------------- */

static void add_mark(struct making *m, const char *name, const char *taken,
		     enum report_source source, uint64_t at_ns, unsigned int cpu)
{
	m->mark[m->report->marks++] = (struct report_mark){
		.name = name,
		.taken = taken,
		.source = source,
		.at_ns = at_ns > m->start_ns ? at_ns - m->start_ns : 0,
		.cpu = cpu,
	};
}

static enum report_source source_of(int mark)
{
	return mark >= MARK_CONSOLE_BYTE && mark <= MARK_INIT_LINE ? REPORT_BY_CONSOLE
								   : REPORT_BY_TVMM;
}

static void add_own_marks(struct making *m)
{
	for (int i = 0; i < MARKS; i++) {
		uint64_t at_ns = m->in->marks->at_ns[i];
		const char *taken = mark_taken((enum mark)i);

		if (at_ns || i == MARK_PROCESS_START)
			add_mark(m, mark_name((enum mark)i), taken ? taken : "the run's ending",
				 source_of(i), at_ns, 0);
	}
}

static void add_hits(struct making *m)
{
	const struct record_shared *shared = m->in->shared;

	for (size_t i = 0; i < shared->hits; i++) {
		const struct record_hit *hit = &shared->hit[i];

		add_mark(m, phase_info[hit->phase].name, phase_info[hit->phase].taken,
			 REPORT_BY_BREAKPOINT, hit->at_ns, hit->cpu);
		m->mark[m->report->marks - 1].overhead_ns = hit->overhead_ns;
	}
}

static void add_guests_marks(struct making *m)
{
	static const struct {
		const char *prefix, *taken;
		enum report_source source;
	} kind[] = {
		[RECORD_MARK_ESCAPE] = { "mark:", "the guest's escape sequence", REPORT_BY_GUEST },
		[RECORD_MARK_POST] = { "post:", "the guest's write to port 0x80", REPORT_BY_GUEST },
		[RECORD_MARK_LINE] = { "line:", "the console line of -mark", REPORT_BY_CONSOLE },
		[RECORD_MARK_EXIT] = { "", "the guest's write to isa-debug-exit", REPORT_BY_GUEST },
	};
	const struct record_shared *shared = m->in->shared;

	for (size_t i = 0; i < shared->marks; i++) {
		const struct record_mark *mark = &shared->mark[i];
		const char *name = digest_text(m, "%s%s", kind[mark->source].prefix, mark->name);

		add_mark(m, name, kind[mark->source].taken, kind[mark->source].source, mark->at_ns,
			 0);
	}
}

/* In order of time; of those at the same moment in that of their making, but the end comes last. */
static void sort_marks(struct making *m)
{
	for (size_t i = 1; i < m->report->marks; i++) {
		struct report_mark mark = m->mark[i];
		size_t at = i;

		while (at > 0 && m->mark[at - 1].at_ns > mark.at_ns) {
			m->mark[at] = m->mark[at - 1];
			at--;
		}
		m->mark[at] = mark;
	}
}

static bool is_end(const struct report_mark *mark)
{
	return mark->name == mark_name(MARK_END);
}

static void put_end_last(struct making *m)
{
	size_t last = m->report->marks - 1;

	for (size_t i = 0; i < last; i++) {
		if (is_end(&m->mark[i])) {
			struct report_mark end = m->mark[i];

			memmove(&m->mark[i], &m->mark[i + 1], (last - i) * sizeof(end));
			end.at_ns = m->mark[last - 1].at_ns > end.at_ns ? m->mark[last - 1].at_ns
									: end.at_ns;
			m->mark[last] = end;
			return;
		}
	}
}

static bool is_named_before(const struct making *m, size_t mark, const char *name)
{
	for (size_t i = 0; i < mark; i++) {
		if (strcmp(m->mark[i].name, name) == 0)
			return true;
	}
	return false;
}

/*
 * The second of a name gets "#2" behind it, or the next number that the guest has not given itself.
 */
static void make_names_unique(struct making *m)
{
	char name[2 * RECORD_NAME_BYTES];

	for (size_t i = 1; i < m->report->marks; i++) {
		unsigned int number = 1;

		(void)snprintf(name, sizeof(name), "%s", m->mark[i].name);
		while (is_named_before(m, i, name))
			(void)snprintf(name, sizeof(name), "%s#%u", m->mark[i].name, ++number);
		if (number > 1)
			m->mark[i].name = digest_text(m, "%s", name);
	}
}

/* What breakpoints had cost by a mark of another kind is what they had cost by the one before. */
static void carry_overhead(struct making *m)
{
	const struct digest_input *in = m->in;
	uint64_t overhead_ns = 0;

	for (size_t i = 0; i < m->report->marks; i++) {
		if (m->mark[i].source == REPORT_BY_BREAKPOINT)
			overhead_ns = m->mark[i].overhead_ns;
		if (i == m->report->end)
			overhead_ns = in->breakpoint_ns;
		m->mark[i].overhead_ns = overhead_ns;
	}
}

static void make_steps(struct making *m)
{
	for (size_t i = 0; i + 1 < m->report->marks; i++) {
		const struct report_mark *from = &m->mark[i], *to = &m->mark[i + 1];
		uint64_t wall = to->at_ns - from->at_ns;
		uint64_t overhead = to->overhead_ns > from->overhead_ns
					    ? to->overhead_ns - from->overhead_ns
					    : 0;

		m->step[i] = (struct report_step){
			.from = i,
			.to = i + 1,
			.overhead_ns = overhead,
			.ns = wall > overhead ? wall - overhead : 0,
		};
	}
	m->report->steps = m->report->marks - 1;
}

static void list_phases(struct making *m)
{
	const char **left_out = digest_room(m, PHASES, sizeof(*left_out));
	const char **not_reached = digest_room(m, PHASES, sizeof(*not_reached));
	uint64_t reached = 0;

	if (m->failed)
		return;
	for (size_t i = 0; i < m->in->shared->hits; i++)
		reached |= 1ULL << m->in->shared->hit[i].phase;
	for (unsigned int phase = 0; phase < PHASES; phase++) {
		if (m->in->phases_without >> phase & 1)
			left_out[m->report->lefts_out++] = phase_info[phase].name;
		else if ((m->in->phases_set & ~reached) >> phase & 1)
			not_reached[m->report->not_reacheds++] = phase_info[phase].name;
	}
	m->report->left_out = left_out;
	m->report->not_reached = not_reached;
}

void digest_marks(struct making *m)
{
	size_t most = MARKS + m->in->shared->hits + m->in->shared->marks;

	m->mark = digest_room(m, most, sizeof(*m->mark));
	m->step = digest_room(m, most, sizeof(*m->step));
	if (m->failed)
		return;
	add_own_marks(m);
	add_hits(m);
	add_guests_marks(m);
	sort_marks(m);
	put_end_last(m);
	make_names_unique(m);
	for (size_t i = 0; i < m->report->marks; i++) {
		if (m->mark[i].name == mark_name(MARK_FIRST_RUN))
			m->report->first_run = i;
	}
	m->report->end = m->report->marks - 1;
	m->report->marks_lost = m->in->shared->marks_lost;
	carry_overhead(m);
	make_steps(m);
	m->report->mark = m->mark;
	m->report->step = m->step;
	m->report->breakpoints.exits = m->in->breakpoint_exits;
	m->report->breakpoints.round_trip_ns = m->in->round_trip_ns;
	m->report->breakpoints.total_ns = m->in->breakpoint_ns;
	list_phases(m);
}

size_t digest_step_at(const struct making *m, uint64_t ns)
{
	uint64_t at_ns = ns > m->start_ns ? ns - m->start_ns : 0;
	size_t low = 0, high = m->report->steps;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->mark[middle].at_ns <= at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : 0;
}

/* ---- lines and the log ----------------------------------------------------------------------- */

void digest_console(struct making *m)
{
	const struct record_shared *shared = m->in->shared;
	struct report_console *console = &m->report->console;
	struct report_line *lines = digest_room(m, shared->lines, sizeof(*lines));

	console->bytes = m->in->console_bytes;
	console->coalesced = m->in->coalesced_bytes;
	console->round_trip_ns = m->in->exit_round_trip_ns;
	console->round_trip_by = m->in->exit_round_trip_by ? m->in->exit_round_trip_by : "";
	console->tax_ns = console->served_ns + console->exits * console->round_trip_ns;
	for (size_t i = 0; !m->failed && i < shared->lines; i++) {
		const struct record_line *from = &shared->line[i];
		size_t step = digest_step_at(m, from->first_byte_ns);

		lines[i] = (struct report_line){
			.at_ns = from->first_byte_ns - m->start_ns,
			.end_ns = from->last_byte_ns - m->start_ns,
			.text = digest_text(m, "%.*s", (int)from->text_bytes,
					    shared->line_text + from->text),
		};
		if (m->report->steps)
			m->step[step].console_bytes += from->text_bytes + 2; /* its end of line */
	}
	console->line = lines;
	console->lines = m->failed ? 0 : shared->lines;
	console->lines_lost = shared->lines_lost;
}

void digest_log(struct making *m)
{
	const struct klog *klog = m->in->klog;
	struct report_log_line *log = digest_room(m, klog ? klog->records : 0, sizeof(*log));

	for (size_t i = 0; klog && !m->failed && i < klog->records; i++)
		log[i] = (struct report_log_line){
			.at_ns = klog->record[i].at_ns,
			.level = klog->record[i].level,
			.text = klog->text + klog->record[i].text,
		};
	m->report->log = log;
	m->report->log_lines = klog && !m->failed ? klog->records : 0;
}

/* ---- all of it ------------------------------------------------------------------------------- */

int digest_build(struct digest *digest, const struct digest_input *input, struct report *report,
		 struct err *e)
{
	struct making making = {
		.digest = digest,
		.in = input,
		.report = report,
		.start_ns = input->marks->at_ns[MARK_PROCESS_START],
	};
	static void (*const part[])(struct making *) = {
		digest_marks,  digest_initcalls, digest_exits, digest_console,
		digest_splits, digest_profile,   digest_log,   digest_metrics,
	};

	report->process_start_ns = making.start_ns;
	report->record = input->record;
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]) && !making.failed; i++)
		part[i](&making);
	return making.failed ? err_sys(e, ENOMEM, "the report") : 0;
}
