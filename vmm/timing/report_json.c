/* SPDX-License-Identifier: MIT */
/* The report as JSON. docs/report.md is its schema; what changes here changes there. */
#include <errno.h>

#include "vmm/timing/autopsy.h"
#include "vmm/timing/json.h"
#include "vmm/timing/report.h"

static void text(struct json *j, const char *key, const char *value)
{
	json_key(j, key);
	json_text(j, value);
}

static void number(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	json_number(j, value);
}

static void yes_or_no(struct json *j, const char *key, bool value)
{
	json_key(j, key);
	json_bool(j, value);
}

static void begin_row(struct json *j)
{
	json_on_one_line(j);
	json_begin_object(j);
}

static void object(struct json *j, const char *key)
{
	json_key(j, key);
	json_begin_object(j);
}

static void array(struct json *j, const char *key)
{
	json_key(j, key);
	json_begin_array(j);
}

static void texts(struct json *j, const char *key, const char *const *list, size_t count)
{
	json_key(j, key);
	json_on_one_line(j);
	json_begin_array(j);
	for (size_t i = 0; i < count; i++)
		json_text(j, list[i]);
	json_end_array(j);
}

/* ---- what ran where -------------------------------------------------------------------------- */

static void print_host(struct json *j, const struct report_host *host)
{
	object(j, "host");
	text(j, "cpu", host->cpu);
	number(j, "cpus", host->cpus);
	text(j, "kernel", host->kernel);
	text(j, "governor", host->governor);
	text(j, "huge_pages", host->huge_pages);
	text(j, "clock", host->clock);
	text(j, "backend", host->backend);
	text(j, "ground", host->ground);
	text(j, "mitigations", host->mitigations);
	number(j, "tsc_khz", host->tsc_khz);
	json_end_object(j);
}

static void print_run(struct json *j, const struct report *r)
{
	object(j, "tvmm");
	text(j, "version", r->version);
	texts(j, "command", r->command, r->words);
	json_end_object(j);
	print_host(j, &r->host);
	object(j, "guest");
	text(j, "kernel", r->guest.kernel);
	text(j, "initrd", r->guest.initrd);
	text(j, "cmdline", r->guest.cmdline);
	text(j, "banner", r->guest.banner);
	text(j, "build_id", r->guest.build_id);
	text(j, "entered", r->guest.entered);
	text(j, "symbols", r->guest.symbols);
	number(j, "ram_bytes", r->guest.ram_bytes);
	number(j, "cpus", r->guest.cpus);
	json_end_object(j);
	object(j, "ending");
	json_key(j, "status");
	json_signed(j, r->ending.status);
	text(j, "kind", r->ending.kind);
	text(j, "sentence", r->ending.sentence);
	json_end_object(j);
}

/* ---- marks and steps ------------------------------------------------------------------------- */

static const char *source_name(enum report_source source)
{
	static const char *const name[] = {
		[REPORT_BY_TVMM] = "tvmm",
		[REPORT_BY_CONSOLE] = "console",
		[REPORT_BY_BREAKPOINT] = "breakpoint",
		[REPORT_BY_GUEST] = "guest",
	};

	return name[source];
}

static void print_marks(struct json *j, const struct report *r)
{
	array(j, "marks");
	for (size_t i = 0; i < r->marks; i++) {
		const struct report_mark *mark = &r->mark[i];

		begin_row(j);
		text(j, "name", mark->name);
		text(j, "taken", mark->taken);
		text(j, "by", source_name(mark->source));
		number(j, "at_ns", mark->at_ns);
		number(j, "overhead_ns", mark->overhead_ns);
		number(j, "cpu", mark->cpu);
		json_end_object(j);
	}
	json_end_array(j);
	number(j, "marks_lost", r->marks_lost);
}

static void print_split(struct json *j, const char *key, const struct report_split *split)
{
	json_key(j, key);
	if (!split->known) {
		json_text(j, NULL);
		return;
	}
	json_on_one_line(j);
	json_begin_object(j);
	number(j, "wall_ns", split->wall_ns);
	number(j, "guest_ns", split->guest_ns);
	number(j, "kvm_ns", split->kvm_ns);
	number(j, "tvmm_ns", split->tvmm_ns);
	number(j, "idle_ns", split->idle_ns);
	number(j, "stolen_ns", split->stolen_ns);
	number(j, "kvm_exits", split->kvm_exits);
	json_end_object(j);
}

static void print_steps(struct json *j, const struct report *r)
{
	array(j, "steps");
	for (size_t i = 0; i < r->steps; i++) {
		const struct report_step *step = &r->step[i];

		begin_row(j);
		text(j, "from", r->mark[step->from].name);
		text(j, "to", r->mark[step->to].name);
		number(j, "duration_ns", step->ns);
		number(j, "overhead_ns", step->overhead_ns);
		number(j, "exits", step->exits);
		number(j, "exits_ns", step->exits_ns);
		number(j, "console_bytes", step->console_bytes);
		number(j, "console_exits", step->console_exits);
		number(j, "console_ns", step->console_ns);
		print_split(j, "split", &step->split);
		json_end_object(j);
	}
	json_end_array(j);
}

static void print_phases(struct json *j, const struct report *r)
{
	object(j, "phases");
	yes_or_no(j, "taken", r->no_phases == NULL);
	text(j, "why_not", r->no_phases);
	texts(j, "left_out", r->left_out, r->lefts_out);
	texts(j, "not_reached", r->not_reached, r->not_reacheds);
	json_end_object(j);
	object(j, "breakpoints");
	number(j, "exits", r->breakpoints.exits);
	number(j, "round_trip_ns", r->breakpoints.round_trip_ns);
	number(j, "total_ns", r->breakpoints.total_ns);
	json_end_object(j);
}

static void print_initcalls(struct json *j, const struct report *r)
{
	object(j, "initcalls");
	yes_or_no(j, "taken", r->no_initcalls == NULL);
	text(j, "why_not", r->no_initcalls);
	number(j, "lost", r->initcalls_lost);
	number(j, "unreturned", r->initcalls_unreturned);
	text(j, "unreturned_last", r->initcall_unreturned);
	array(j, "list");
	for (size_t i = 0; i < r->initcalls; i++) {
		const struct report_initcall *call = &r->initcall[i];

		begin_row(j);
		text(j, "name", call->name);
		text(j, "level", call->level);
		number(j, "at_ns", call->at_ns);
		number(j, "duration_ns", call->ns);
		json_key(j, "result");
		json_signed(j, call->result);
		number(j, "cpu", call->cpu);
		json_end_object(j);
	}
	json_end_array(j);
	json_end_object(j);
}

/* ---- exits and the console ------------------------------------------------------------------- */

static void print_class(struct json *j, const struct report *r, const struct report_exit_class *c)
{
	static const char *const kind[RECORD_EXIT_KINDS] = { "pio", "mmio", "breakpoint", "kick",
							     "other" };

	begin_row(j);
	text(j, "kind", kind[c->kind]);
	number(j, "address", c->address);
	text(j, "owner", c->owner);
	text(j, "direction", c->kind > RECORD_EXIT_MMIO ? "" : c->out ? "out" : "in");
	number(j, "exits", c->exits);
	number(j, "accesses", c->accesses);
	number(j, "served_ns", c->ns);
	array(j, "by_step");
	for (size_t i = 0; i < r->steps; i++)
		json_number(j, c->in_step[i]);
	json_end_array(j);
	json_end_object(j);
}

static void print_exits(struct json *j, const struct report *r)
{
	object(j, "exits");
	yes_or_no(j, "taken", r->no_exits == NULL);
	text(j, "why_not", r->no_exits);
	number(j, "count", r->exits);
	number(j, "lost", r->exits_lost);
	array(j, "classes");
	for (size_t i = 0; i < r->exit_classes; i++)
		print_class(j, r, &r->exit_class[i]);
	json_end_array(j);
	json_end_object(j);
	print_split(j, "time", &r->split);
}

static void print_console(struct json *j, const struct report *r)
{
	object(j, "console");
	number(j, "bytes", r->console.bytes);
	number(j, "exits", r->console.exits);
	number(j, "served_ns", r->console.served_ns);
	number(j, "round_trip_ns", r->console.round_trip_ns);
	text(j, "round_trip_by", r->console.round_trip_by);
	number(j, "tax_ns", r->console.tax_ns);
	number(j, "lines_lost", r->console.lines_lost);
	array(j, "lines");
	for (size_t i = 0; i < r->console.lines; i++) {
		begin_row(j);
		number(j, "at_ns", r->console.line[i].at_ns);
		number(j, "end_ns", r->console.line[i].end_ns);
		text(j, "text", r->console.line[i].text);
		json_end_object(j);
	}
	json_end_array(j);
	json_end_object(j);
}

/* ---- profile, log, control, numbers ---------------------------------------------------------- */

static void print_profile(struct json *j, const struct report_profile *p)
{
	json_key(j, "profile");
	if (!p->rate_hz) {
		json_text(j, NULL);
		return;
	}
	json_begin_object(j);
	number(j, "rate_hz", p->rate_hz);
	number(j, "samples", p->samples);
	number(j, "lost", p->lost);
	text(j, "unwound_by", p->unwound_by);
	array(j, "stacks");
	for (size_t i = 0; i < p->stacks; i++) {
		begin_row(j);
		texts(j, "frames", p->stack[i].frame, p->stack[i].frames);
		number(j, "samples", p->stack[i].samples);
		json_end_object(j);
	}
	json_end_array(j);
	json_end_object(j);
}

static void print_log(struct json *j, const struct report *r)
{
	object(j, "log");
	yes_or_no(j, "taken", r->no_log == NULL);
	text(j, "why_not", r->no_log);
	array(j, "lines");
	for (size_t i = 0; i < r->log_lines; i++) {
		begin_row(j);
		number(j, "guest_at_ns", r->log[i].at_ns);
		number(j, "level", r->log[i].level);
		text(j, "text", r->log[i].text);
		json_end_object(j);
	}
	json_end_array(j);
	json_end_object(j);
}

static void print_control(struct json *j, const struct report *r)
{
	json_key(j, "control");
	if (!r->control.done) {
		json_text(j, NULL);
		return;
	}
	json_begin_object(j);
	text(j, "mark", r->control.mark);
	number(j, "noisy_ns", r->control.noisy_ns);
	number(j, "quiet_ns", r->control.quiet_ns);
	json_end_object(j);
}

static void print_metrics(struct json *j, const struct report *r)
{
	static const char *const unit[] = {
		[REPORT_NS] = "ns",
		[REPORT_BYTES] = "bytes",
		[REPORT_COUNT] = "count",
	};

	array(j, "metrics");
	for (size_t i = 0; i < r->metrics; i++) {
		const struct report_metric *metric = &r->metric[i];

		begin_row(j);
		text(j, "name", metric->name);
		text(j, "unit", unit[metric->unit]);
		number(j, "value", metric->value);
		text(j, "from", metric->from);
		text(j, "to", metric->to);
		json_end_object(j);
	}
	json_end_array(j);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void print_test(struct json *j, const struct report *r, uint32_t i)
{
	const struct ktap_result *result = &r->tests->result[i];
	char path[KTAP_PATH_BYTES];

	ktap_path(r->tests, i, path, sizeof(path));
	begin_row(j);
	text(j, "name", path);
	text(j, "status", ktap_status_word(result->status));
	yes_or_no(j, "group", result->group);
	yes_or_no(j, "counts", result->test);
	number(j, "at_ns",
	       result->at_ns > r->process_start_ns ? result->at_ns - r->process_start_ns : 0);
	number(j, "duration_ns", result->took_ns);
	text(j, "reason", ktap_text(r->tests, result->reason));
	text(j, "output", ktap_text(r->tests, result->output));
	json_end_object(j);
}

static void print_test_counts(struct json *j, const struct ktap *tests)
{
	number(j, "streams", tests->streams);
	number(j, "count", tests->tests);
	number(j, "passed", tests->count[KTAP_PASS]);
	number(j, "failed", tests->count[KTAP_FAIL]);
	number(j, "skipped", tests->count[KTAP_SKIP]);
	number(j, "todo", tests->count[KTAP_TODO]);
	number(j, "missing", tests->missing);
	number(j, "surplus", tests->surplus);
	number(j, "unfinished", tests->unfinished);
	number(j, "out_of_order", tests->out_of_order);
	number(j, "without_plan", tests->planless);
	number(j, "lost", tests->lost);
	number(j, "texts_lost", tests->text_lost);
	text(j, "bailed_out", tests->bailed_out ? ktap_text(tests, tests->bail_reason) : NULL);
}

static void print_tests(struct json *j, const struct report *r)
{
	char sentence[KTAP_PATH_BYTES], output[KTAP_OUTPUT_BYTES];
	enum ktap_verdict verdict;

	json_key(j, "tests");
	if (!r->tests) {
		json_text(j, NULL);
		return;
	}
	verdict = ktap_verdict(r->tests, sentence, sizeof(sentence));
	ktap_last_output(r->tests, output, sizeof(output));
	json_begin_object(j);
	text(j, "verdict", ktap_verdict_word(verdict));
	text(j, "sentence", sentence);
	print_test_counts(j, r->tests);
	text(j, "last_output", output);
	array(j, "list");
	for (uint32_t i = 0; i < r->tests->results; i++)
		print_test(j, r, i);
	json_end_array(j);
	json_end_object(j);
}

int report_print_json(const struct report *r, FILE *out)
{
	struct json j;

	json_begin_file(&j, out);
	json_begin_object(&j);
	text(&j, "schema", "tvmm-report");
	number(&j, "version", REPORT_SCHEMA_VERSION);
	print_run(&j, r);
	print_marks(&j, r);
	print_steps(&j, r);
	print_phases(&j, r);
	print_initcalls(&j, r);
	print_exits(&j, r);
	print_console(&j, r);
	print_profile(&j, &r->profile);
	print_log(&j, r);
	print_control(&j, r);
	json_key(&j, "autopsy");
	autopsy_print_json(r->autopsy, &j);
	print_metrics(&j, r);
	print_tests(&j, r);
	json_end_object(&j);
	return ferror(out) ? -EIO : 0;
}
