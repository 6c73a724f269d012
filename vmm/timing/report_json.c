/* SPDX-License-Identifier: MIT */
/* The report as JSON. docs/report.md is its schema; what changes here changes there. */
#include <errno.h>

#include "vmm/timing/autopsy.h"
#include "vmm/timing/json.h"
#include "vmm/timing/report.h"

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
	json_text_field(j, "cpu", host->cpu);
	json_number_field(j, "cpus", host->cpus);
	json_text_field(j, "kernel", host->kernel);
	json_text_field(j, "governor", host->governor);
	json_text_field(j, "huge_pages", host->huge_pages);
	json_text_field(j, "clock", host->clock);
	json_text_field(j, "backend", host->backend);
	json_text_field(j, "ground", host->ground);
	json_text_field(j, "mitigations", host->mitigations);
	json_number_field(j, "tsc_khz", host->tsc_khz);
	json_end_object(j);
}

static void print_run(struct json *j, const struct report *r)
{
	object(j, "tvmm");
	json_text_field(j, "version", r->version);
	texts(j, "command", r->command, r->words);
	texts(j, "fallbacks", r->fallback, r->fallbacks);
	json_end_object(j);
	print_host(j, &r->host);
	object(j, "guest");
	json_text_field(j, "kernel", r->guest.kernel);
	json_text_field(j, "initrd", r->guest.initrd);
	json_text_field(j, "cmdline", r->guest.cmdline);
	json_text_field(j, "fast_append", r->guest.fast_append);
	json_text_field(j, "no_fast_append", r->guest.no_fast_append);
	json_text_field(j, "banner", r->guest.banner);
	json_text_field(j, "build_id", r->guest.build_id);
	json_text_field(j, "entered", r->guest.entered);
	json_text_field(j, "symbols", r->guest.symbols);
	json_number_field(j, "ram_bytes", r->guest.ram_bytes);
	json_number_field(j, "cpus", r->guest.cpus);
	json_end_object(j);
	object(j, "ending");
	json_key(j, "status");
	json_signed(j, r->ending.status);
	json_text_field(j, "kind", r->ending.kind);
	json_text_field(j, "sentence", r->ending.sentence);
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
		json_text_field(j, "name", mark->name);
		json_text_field(j, "taken", mark->taken);
		json_text_field(j, "by", source_name(mark->source));
		json_number_field(j, "at_ns", mark->at_ns);
		json_number_field(j, "overhead_ns", mark->overhead_ns);
		json_number_field(j, "cpu", mark->cpu);
		json_end_object(j);
	}
	json_end_array(j);
	json_number_field(j, "marks_lost", r->marks_lost);
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
	json_number_field(j, "wall_ns", split->wall_ns);
	json_number_field(j, "guest_ns", split->guest_ns);
	json_number_field(j, "kvm_ns", split->kvm_ns);
	json_number_field(j, "tvmm_ns", split->tvmm_ns);
	json_number_field(j, "idle_ns", split->idle_ns);
	json_number_field(j, "stolen_ns", split->stolen_ns);
	json_number_field(j, "kvm_exits", split->kvm_exits);
	json_end_object(j);
}

static void print_steps(struct json *j, const struct report *r)
{
	array(j, "steps");
	for (size_t i = 0; i < r->steps; i++) {
		const struct report_step *step = &r->step[i];

		begin_row(j);
		json_text_field(j, "from", r->mark[step->from].name);
		json_text_field(j, "to", r->mark[step->to].name);
		json_number_field(j, "duration_ns", step->ns);
		json_number_field(j, "overhead_ns", step->overhead_ns);
		json_number_field(j, "exits", step->exits);
		json_number_field(j, "exits_ns", step->exits_ns);
		json_number_field(j, "console_bytes", step->console_bytes);
		json_number_field(j, "console_exits", step->console_exits);
		json_number_field(j, "console_ns", step->console_ns);
		print_split(j, "split", &step->split);
		json_end_object(j);
	}
	json_end_array(j);
}

static void print_phases(struct json *j, const struct report *r)
{
	object(j, "phases");
	json_bool_field(j, "taken", r->no_phases == NULL);
	json_text_field(j, "why_not", r->no_phases);
	texts(j, "left_out", r->left_out, r->lefts_out);
	texts(j, "not_reached", r->not_reached, r->not_reacheds);
	json_end_object(j);
	object(j, "breakpoints");
	json_number_field(j, "exits", r->breakpoints.exits);
	json_number_field(j, "round_trip_ns", r->breakpoints.round_trip_ns);
	json_number_field(j, "total_ns", r->breakpoints.total_ns);
	json_end_object(j);
}

static void print_initcalls(struct json *j, const struct report *r)
{
	object(j, "initcalls");
	json_bool_field(j, "taken", r->no_initcalls == NULL);
	json_text_field(j, "why_not", r->no_initcalls);
	json_number_field(j, "lost", r->initcalls_lost);
	json_number_field(j, "unreturned", r->initcalls_unreturned);
	json_text_field(j, "unreturned_last", r->initcall_unreturned);
	array(j, "list");
	for (size_t i = 0; i < r->initcalls; i++) {
		const struct report_initcall *call = &r->initcall[i];

		begin_row(j);
		json_text_field(j, "name", call->name);
		json_text_field(j, "level", call->level);
		json_number_field(j, "at_ns", call->at_ns);
		json_number_field(j, "duration_ns", call->ns);
		json_key(j, "result");
		json_signed(j, call->result);
		json_number_field(j, "cpu", call->cpu);
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
	json_text_field(j, "kind", kind[c->kind]);
	json_number_field(j, "address", c->address);
	json_text_field(j, "owner", c->owner);
	json_text_field(j, "direction", c->kind > RECORD_EXIT_MMIO ? "" : c->out ? "out" : "in");
	json_number_field(j, "exits", c->exits);
	json_number_field(j, "accesses", c->accesses);
	json_number_field(j, "served_ns", c->ns);
	array(j, "by_step");
	for (size_t i = 0; i < r->steps; i++)
		json_number(j, c->in_step[i]);
	json_end_array(j);
	json_end_object(j);
}

static void print_exits(struct json *j, const struct report *r)
{
	object(j, "exits");
	json_bool_field(j, "taken", r->no_exits == NULL);
	json_text_field(j, "why_not", r->no_exits);
	json_number_field(j, "count", r->exits);
	json_number_field(j, "lost", r->exits_lost);
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
	json_number_field(j, "bytes", r->console.bytes);
	json_number_field(j, "coalesced", r->console.coalesced);
	json_number_field(j, "exits", r->console.exits);
	json_number_field(j, "served_ns", r->console.served_ns);
	json_number_field(j, "round_trip_ns", r->console.round_trip_ns);
	json_text_field(j, "round_trip_by", r->console.round_trip_by);
	json_number_field(j, "tax_ns", r->console.tax_ns);
	json_number_field(j, "lines_lost", r->console.lines_lost);
	array(j, "lines");
	for (size_t i = 0; i < r->console.lines; i++) {
		begin_row(j);
		json_number_field(j, "at_ns", r->console.line[i].at_ns);
		json_number_field(j, "end_ns", r->console.line[i].end_ns);
		json_text_field(j, "text", r->console.line[i].text);
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
	json_number_field(j, "rate_hz", p->rate_hz);
	json_number_field(j, "samples", p->samples);
	json_number_field(j, "lost", p->lost);
	json_text_field(j, "unwound_by", p->unwound_by);
	array(j, "stacks");
	for (size_t i = 0; i < p->stacks; i++) {
		begin_row(j);
		texts(j, "frames", p->stack[i].frame, p->stack[i].frames);
		json_number_field(j, "samples", p->stack[i].samples);
		json_end_object(j);
	}
	json_end_array(j);
	json_end_object(j);
}

static void print_log(struct json *j, const struct report *r)
{
	object(j, "log");
	json_bool_field(j, "taken", r->no_log == NULL);
	json_text_field(j, "why_not", r->no_log);
	array(j, "lines");
	for (size_t i = 0; i < r->log_lines; i++) {
		begin_row(j);
		json_number_field(j, "guest_at_ns", r->log[i].at_ns);
		json_number_field(j, "level", r->log[i].level);
		json_text_field(j, "text", r->log[i].text);
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
	json_text_field(j, "mark", r->control.mark);
	json_number_field(j, "noisy_ns", r->control.noisy_ns);
	json_number_field(j, "quiet_ns", r->control.quiet_ns);
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
		json_text_field(j, "name", metric->name);
		json_text_field(j, "unit", unit[metric->unit]);
		json_number_field(j, "value", metric->value);
		json_text_field(j, "from", metric->from);
		json_text_field(j, "to", metric->to);
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
	json_text_field(j, "name", path);
	json_text_field(j, "status", ktap_status_word(result->status));
	json_bool_field(j, "group", result->group);
	json_bool_field(j, "counts", result->test);
	json_number_field(j, "at_ns",
			  result->at_ns > r->process_start_ns ? result->at_ns - r->process_start_ns
							      : 0);
	json_number_field(j, "duration_ns", result->took_ns);
	json_text_field(j, "reason", ktap_text(r->tests, result->reason));
	json_text_field(j, "output", ktap_text(r->tests, result->output));
	json_end_object(j);
}

static void print_test_counts(struct json *j, const struct ktap *tests)
{
	json_number_field(j, "streams", tests->streams);
	json_number_field(j, "count", tests->tests);
	json_number_field(j, "passed", tests->count[KTAP_PASS]);
	json_number_field(j, "failed", tests->count[KTAP_FAIL]);
	json_number_field(j, "skipped", tests->count[KTAP_SKIP]);
	json_number_field(j, "todo", tests->count[KTAP_TODO]);
	json_number_field(j, "missing", tests->missing);
	json_number_field(j, "surplus", tests->surplus);
	json_number_field(j, "unfinished", tests->unfinished);
	json_number_field(j, "out_of_order", tests->out_of_order);
	json_number_field(j, "without_plan", tests->planless);
	json_number_field(j, "lost", tests->lost);
	json_number_field(j, "texts_lost", tests->text_lost);
	json_text_field(j, "bailed_out",
			tests->bailed_out ? ktap_text(tests, tests->bail_reason) : NULL);
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
	json_text_field(j, "verdict", ktap_verdict_word(verdict));
	json_text_field(j, "sentence", sentence);
	print_test_counts(j, r->tests);
	json_text_field(j, "last_output", output);
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
	json_text_field(&j, "schema", "tvmm-report");
	json_number_field(&j, "version", REPORT_SCHEMA_VERSION);
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
