/* SPDX-License-Identifier: MIT */
/*
 * The report as a picture of its times, in Chrome's trace-event format, which Perfetto and
 * chrome://tracing open. One process; a row each for tvmm's own steps, the guest kernel's and user
 * space's, for initcalls, the console's lines and samples, and one for the exits of each CPU. All
 * events stand in order of their time, which is since process start in microseconds with three
 * decimals: ns.
 *
 * Left out: exits of a CPU beyond EXITS_MAX, which viewers open slowly; otherData says how many
 * there are.
 *
 * Authority: [TRACE] "Trace Event Format", "JSON Object Format", "Complete Events", "Instant
 * Events", "Counter Events", "Metadata Events".
 */
#include <errno.h>
#include <string.h>

#include "vmm/timing/json.h"
#include "vmm/timing/report.h"

enum { EXITS_MAX = 200000, PID = 1, NAME_BYTES = 96, CELL_BYTES = 32 };

enum row { ROW_HOST = 1, ROW_KERNEL, ROW_USER, ROW_INITCALLS, ROW_CONSOLE, ROW_SAMPLES, ROW_CPU };

struct trace {
	struct json json;
	const struct report *report;
	size_t user;       /* the first mark of user space, or the end */
	unsigned int cpus; /* whose exits were recorded */
};

/* ---- what every event has -------------------------------------------------------------------- */

/* ns as us with three decimals. */
static void time_us(struct json *j, const char *key, uint64_t ns)
{
	char us[CELL_BYTES];

	(void)snprintf(us, sizeof(us), "%llu.%03llu", (unsigned long long)(ns / 1000),
		       (unsigned long long)(ns % 1000));
	json_key(j, key);
	json_raw(j, us);
}

static void begin_event(struct json *j, const char *name, const char *type, unsigned int row)
{
	json_on_one_line(j);
	json_begin_object(j);
	json_text_field(j, "name", name);
	json_text_field(j, "ph", type);
	json_number_field(j, "pid", PID);
	json_number_field(j, "tid", row);
}

static void begin_args(struct json *j)
{
	json_key(j, "args");
	json_begin_object(j);
}

/* From a moment on for a while. args is open behind it and behind the two below. */
static void begin_complete(struct json *j, const char *name, unsigned int row, uint64_t at_ns,
			   uint64_t ns)
{
	begin_event(j, name, "X", row);
	time_us(j, "ts", at_ns);
	time_us(j, "dur", ns);
	begin_args(j);
}

/* scope: "p" draws through all rows, "t" in its own. */
static void begin_instant(struct json *j, const char *name, unsigned int row, uint64_t at_ns,
			  const char *scope)
{
	begin_event(j, name, "i", row);
	time_us(j, "ts", at_ns);
	json_text_field(j, "s", scope);
	begin_args(j);
}

static void end_event(struct json *j)
{
	json_end_object(j); /* args */
	json_end_object(j);
}

/* ---- the rows' names ------------------------------------------------------------------------- */

static void put_metadata(struct json *j, const char *what, unsigned int row, const char *name)
{
	begin_event(j, what, "M", row);
	begin_args(j);
	json_text_field(j, "name", name);
	end_event(j);
	if (strcmp(what, "thread_name") != 0)
		return;
	begin_event(j, "thread_sort_index", "M", row);
	begin_args(j);
	json_number_field(j, "sort_index", row);
	end_event(j);
}

static void put_names(struct trace *t)
{
	static const struct {
		enum row row;
		const char *name;
	} fixed[] = {
		{ ROW_HOST, "host" },       { ROW_KERNEL, "guest kernel" },
		{ ROW_USER, "user" },       { ROW_INITCALLS, "initcalls" },
		{ ROW_CONSOLE, "console" }, { ROW_SAMPLES, "samples" },
	};
	char name[NAME_BYTES];

	put_metadata(&t->json, "process_name", 0, "tvmm");
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		put_metadata(&t->json, "thread_name", fixed[i].row, fixed[i].name);
	for (unsigned int cpu = 0; cpu < t->cpus; cpu++) {
		(void)snprintf(name, sizeof(name), "exits of CPU %u", cpu);
		put_metadata(&t->json, "thread_name", ROW_CPU + cpu, name);
	}
}

/* ---- the sources of events, each in order of time -------------------------------------------- */

static uint64_t step_at(const struct trace *t, unsigned int cpu, size_t i)
{
	(void)cpu;
	return t->report->mark[t->report->step[i].from].at_ns;
}

static void put_step(struct trace *t, unsigned int cpu, size_t i)
{
	const struct report *r = t->report;
	const struct report_step *step = &r->step[i];
	const struct report_mark *from = &r->mark[step->from], *to = &r->mark[step->to];
	enum row row = step->from < r->first_run ? ROW_HOST
		       : step->from < t->user    ? ROW_KERNEL
						 : ROW_USER;

	(void)cpu;
	begin_complete(&t->json, from->name, row, from->at_ns, to->at_ns - from->at_ns);
	json_text_field(&t->json, "from", from->name);
	json_text_field(&t->json, "to", to->name);
	json_number_field(&t->json, "overhead_ns", step->overhead_ns);
	json_number_field(&t->json, "exits", step->exits);
	json_number_field(&t->json, "console_bytes", step->console_bytes);
	end_event(&t->json);
}

static uint64_t mark_at(const struct trace *t, unsigned int cpu, size_t i)
{
	(void)cpu;
	return t->report->mark[i].at_ns;
}

static void put_mark(struct trace *t, unsigned int cpu, size_t i)
{
	const struct report_mark *mark = &t->report->mark[i];

	(void)cpu;
	begin_instant(&t->json, mark->name, ROW_HOST, mark->at_ns, "p");
	json_text_field(&t->json, "taken", mark->taken);
	json_number_field(&t->json, "overhead_ns", mark->overhead_ns);
	json_number_field(&t->json, "cpu", mark->cpu);
	end_event(&t->json);
}

static uint64_t initcall_at(const struct trace *t, unsigned int cpu, size_t i)
{
	(void)cpu;
	return t->report->initcall[i].at_ns;
}

static void put_initcall(struct trace *t, unsigned int cpu, size_t i)
{
	const struct report_initcall *call = &t->report->initcall[i];

	(void)cpu;
	begin_complete(&t->json, call->name, ROW_INITCALLS, call->at_ns, call->ns);
	json_text_field(&t->json, "level", call->level);
	json_key(&t->json, "result");
	json_signed(&t->json, call->result);
	json_number_field(&t->json, "cpu", call->cpu);
	end_event(&t->json);
}

static uint64_t line_at(const struct trace *t, unsigned int cpu, size_t i)
{
	(void)cpu;
	return t->report->console.line[i].at_ns;
}

static void put_line(struct trace *t, unsigned int cpu, size_t i)
{
	const struct report_line *line = &t->report->console.line[i];

	(void)cpu;
	begin_complete(&t->json, line->text, ROW_CONSOLE, line->at_ns,
		       line->end_ns > line->at_ns ? line->end_ns - line->at_ns : 0);
	json_text_field(&t->json, "text", line->text);
	end_event(&t->json);
}

/* The console's bytes up to a mark, which is the end of step i: a curve. */
static uint64_t bytes_at(const struct trace *t, unsigned int cpu, size_t i)
{
	(void)cpu;
	return t->report->mark[t->report->step[i].to].at_ns;
}

static void put_bytes(struct trace *t, unsigned int cpu, size_t i)
{
	uint64_t bytes = 0;

	for (size_t s = 0; s <= i; s++)
		bytes += t->report->step[s].console_bytes;
	begin_event(&t->json, "console bytes", "C", ROW_CONSOLE);
	time_us(&t->json, "ts", bytes_at(t, cpu, i));
	begin_args(&t->json);
	json_number_field(&t->json, "bytes", bytes);
	end_event(&t->json);
}

static uint64_t sample_at(const struct trace *t, unsigned int cpu, size_t i)
{
	(void)cpu;
	return t->report->profile.sample[i].at_ns;
}

static void put_sample(struct trace *t, unsigned int cpu, size_t i)
{
	const struct report_sample *sample = &t->report->profile.sample[i];
	const struct report_stack *stack = &t->report->profile.stack[sample->stack];

	(void)cpu;
	begin_instant(&t->json, stack->frames ? stack->frame[stack->frames - 1] : "", ROW_SAMPLES,
		      sample->at_ns, "t");
	json_number_field(&t->json, "cpu", sample->cpu);
	json_key(&t->json, "frames");
	json_begin_array(&t->json);
	for (size_t f = 0; f < stack->frames; f++)
		json_text(&t->json, stack->frame[f]);
	json_end_array(&t->json);
	end_event(&t->json);
}

/* ---- exits ----------------------------------------------------------------------------------- */

static uint64_t exit_at(const struct trace *t, unsigned int cpu, size_t i)
{
	return t->report->record[cpu].exit[i].left_ns - t->report->process_start_ns;
}

static bool is_access(const struct record_exit *exit)
{
	return exit->kind == RECORD_EXIT_PIO || exit->kind == RECORD_EXIT_MMIO;
}

/*
 * Of the digest's class that it was counted in; our own exits are a class whatever their address.
 */
static const char *owner_of(const struct report *r, const struct record_exit *exit)
{
	bool ours = exit->kind == RECORD_EXIT_DEBUG || exit->kind == RECORD_EXIT_KICK;

	for (size_t i = 0; i < r->exit_classes; i++) {
		const struct report_exit_class *class = &r->exit_class[i];

		if (class->kind == (enum record_exit_kind)exit->kind &&
		    (ours || class->address == exit->address))
			return class->owner;
	}
	return "";
}

static void put_exit(struct trace *t, unsigned int cpu, size_t i)
{
	const struct record_exit *exit = &t->report->record[cpu].exit[i];
	const char *owner = owner_of(t->report, exit);
	char name[NAME_BYTES], address[CELL_BYTES];

	(void)snprintf(address, sizeof(address), "%#llx", (unsigned long long)exit->address);
	(void)snprintf(name, sizeof(name), "%s %s", owner, address);
	begin_complete(&t->json, is_access(exit) ? name : owner, ROW_CPU + cpu, exit_at(t, cpu, i),
		       exit->served_ns);
	json_text_field(&t->json, "owner", owner);
	json_text_field(&t->json, "address", address);
	if (is_access(exit)) {
		json_text_field(&t->json, "direction", exit->out ? "out" : "in");
		json_number_field(&t->json, "size_bytes", exit->size);
		json_number_field(&t->json, "accesses", exit->count);
	}
	end_event(&t->json);
}

static size_t exits_shown(const struct trace *t, unsigned int cpu)
{
	size_t exits = t->report->record[cpu].exits;

	return exits < EXITS_MAX ? exits : EXITS_MAX;
}

static uint64_t exits_left_out(const struct trace *t)
{
	uint64_t exits = t->report->exits_lost;

	for (unsigned int cpu = 0; cpu < t->cpus; cpu++)
		exits += t->report->record[cpu].exits - exits_shown(t, cpu);
	return exits;
}

/* ---- all of them ----------------------------------------------------------------------------- */

struct source {
	size_t count;
	uint64_t (*at_ns)(const struct trace *t, unsigned int cpu, size_t i);
	void (*put)(struct trace *t, unsigned int cpu, size_t i);
	unsigned int cpu;
	size_t next;
};

enum { SOURCES = 6, CPUS_MAX = 256 };

/*
 * The one whose next event is the earliest; of those at the same moment the first. NULL: all have
 * ended.
 */
static struct source *earliest(const struct trace *t, struct source *source, size_t count)
{
	struct source *found = NULL;
	uint64_t found_ns = 0;

	for (struct source *s = source; s < source + count; s++) {
		uint64_t ns = s->next < s->count ? s->at_ns(t, s->cpu, s->next) : UINT64_MAX;

		if (s->next < s->count && (!found || ns < found_ns)) {
			found = s;
			found_ns = ns;
		}
	}
	return found;
}

static void put_events(struct trace *t)
{
	const struct report *r = t->report;
	const struct report_profile *profile = &r->profile;
	struct source source[SOURCES + CPUS_MAX] = {
		{ r->steps, step_at, put_step, 0, 0 },
		{ r->marks, mark_at, put_mark, 0, 0 },
		{ r->initcalls, initcall_at, put_initcall, 0, 0 },
		{ r->console.lines, line_at, put_line, 0, 0 },
		{ r->steps, bytes_at, put_bytes, 0, 0 },
		{ profile->rate_hz ? profile->samples : 0, sample_at, put_sample, 0, 0 },
	};
	size_t count = SOURCES;
	struct source *s;

	for (unsigned int cpu = 0; cpu < t->cpus; cpu++)
		source[count++] = (struct source){ exits_shown(t, cpu), exit_at, put_exit, cpu, 0 };
	while ((s = earliest(t, source, count)))
		s->put(t, s->cpu, s->next++);
}

static void put_other_data(struct trace *t)
{
	struct json *j = &t->json;

	json_key(j, "otherData");
	json_begin_object(j);
	json_text_field(j, "tvmm", t->report->version);
	json_text_field(j, "kernel", t->report->guest.kernel);
	json_text_field(j, "ending", t->report->ending.sentence);
	json_text_field(j, "ground", t->report->host.ground);
	json_number_field(j, "exits_left_out", exits_left_out(t));
	json_end_object(j);
}

/* Where the kernel's time ends, as the metric of that name has it. */
static size_t first_of_user(const struct report *r)
{
	const struct report_metric *kernel = report_metric_find(r, "kernel");

	for (size_t i = 0; kernel && i < r->marks; i++) {
		if (strcmp(r->mark[i].name, kernel->to) == 0)
			return i;
	}
	return r->end;
}

int report_print_trace(const struct report *report, FILE *out)
{
	struct trace t = { .report = report, .user = first_of_user(report) };

	if (report->record && !report->no_exits)
		t.cpus = report->guest.cpus < CPUS_MAX ? report->guest.cpus : CPUS_MAX;
	json_begin_file(&t.json, out);
	json_begin_object(&t.json);
	json_text_field(&t.json, "displayTimeUnit", "ms");
	put_other_data(&t);
	json_key(&t.json, "traceEvents");
	json_begin_array(&t.json);
	put_names(&t);
	put_events(&t);
	json_end_array(&t.json);
	json_end_object(&t.json);
	errno = 0;
	if (fflush(out) == 0 && !ferror(out))
		return 0;
	return errno ? -errno : -EIO;
}
