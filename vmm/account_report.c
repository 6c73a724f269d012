/* SPDX-License-Identifier: MIT */
/* The account when the run is over: from the record, and from the guest's memory, to the report. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/symbolsource.h"
#include "vmm/account.h"

/* ---- who answers where ----------------------------------------------------------------------- */

static const char *owner_of(void *ctx, enum record_exit_kind kind, uint64_t address)
{
	const struct machine *machine = ctx;

	switch (kind) {
	case RECORD_EXIT_PIO:
		return bus_owner(&machine->ports, address);
	case RECORD_EXIT_MMIO:
		return bus_owner(&machine->mmio, address);
	case RECORD_EXIT_DEBUG:
		return "breakpoint";
	case RECORD_EXIT_KICK:
		return "taken out by tvmm";
	default:
		return ending_exit_name(address);
	}
}

/* ---- what an exit costs ---------------------------------------------------------------------- */

/*
 * Without breakpoints: the shortest time that the guest ran between two exits at the UART, which is
 * an entry, an exit and the few instructions between two accesses.
 */
static uint64_t shortest_stay_ns(const struct record *record, const struct digest_input *input)
{
	uint64_t shortest = 0;

	for (size_t i = 1; i < record->exits; i++) {
		const struct record_exit *before = &record->exit[i - 1], *exit = &record->exit[i];
		uint64_t stay = exit->left_ns - (before->left_ns + before->served_ns);

		if (digest_is_the_consoles(input, exit) && digest_is_the_consoles(input, before) &&
		    (!shortest || stay < shortest))
			shortest = stay;
	}
	return shortest;
}

static void price_exits(const struct account *account, struct digest_input *input)
{
	if (account->tracing)
		input->round_trip_ns = tracer_round_trip_ns(&account->tracer);
	input->exit_round_trip_ns = input->round_trip_ns;
	input->exit_round_trip_by = "a breakpoint's entry and exit, measured in this run";
	for (unsigned int cpu = 0; cpu < account->cpus && !input->exit_round_trip_ns; cpu++) {
		input->exit_round_trip_ns = shortest_stay_ns(&account->record[cpu], input);
		input->exit_round_trip_by =
			"the shortest time between two exits at the UART in this run";
	}
}

/* ---- what the guest's memory tells ----------------------------------------------------------- */

static void read_banner(struct account *account)
{
	uint64_t at = symbols_find(&account->symbols, "linux_banner");

	(void)space_read_some(&account->space, at, account->banner, sizeof(account->banner) - 1);
	account->banner[strcspn(account->banner, "\n")] = '\0';
}

static void look_inside(struct account *account, const struct account_run *run)
{
	struct err why;

	if (!account->symbols.count) {
		(void)snprintf(account->no_log, sizeof(account->no_log), "%s",
			       account->options->dmesg ? account->symbols_told : "not asked for");
		return;
	}
	account->inside = space_of_kernel(&account->space, run->memory, &account->symbols);
	if (!account->inside) {
		(void)snprintf(account->no_log, sizeof(account->no_log),
			       "the kernel is not where its symbols say");
		return;
	}
	read_banner(account);
	unwinder_init(&account->unwinder, &account->space, &account->symbols, account->banner);
	account->klog_known =
		klog_read(&account->klog, &account->space, &account->symbols, &why) == 0;
	if (!account->klog_known)
		(void)snprintf(account->no_log, sizeof(account->no_log), "%s", why.text);
}

static void print_build_id(struct account *account)
{
	for (size_t i = 0; i < account->symbols.build_id_bytes; i++)
		(void)snprintf(account->build_id + 2 * i, 3, "%02x", account->symbols.build_id[i]);
}

/* ---- the report ------------------------------------------------------------------------------ */

static void why_no_phases(struct account *account)
{
	if (!(account->options->what & ACCOUNT_PHASES))
		(void)snprintf(account->no_phases, sizeof(account->no_phases),
			       "not asked for: -account phases");
	else if (account->tracing && account->tracer.state == TRACER_NOTHING_FIRES)
		(void)snprintf(account->no_phases, sizeof(account->no_phases),
			       "breakpoints do not fire on this host: the one on the guest's first "
			       "instruction did not; what the console says is all there is");
	else if (account->tracing && account->tracer.state == TRACER_TRYING)
		(void)snprintf(account->no_phases, sizeof(account->no_phases),
			       "the guest never left its first instructions");
}

static void describe_run(struct account *account, const struct account_run *run)
{
	struct report *report = &account->report;

	report->version = run->version;
	report->command = (const char *const *)run->argv;
	report->words = (size_t)run->argc;
	host_read(&report->host);
	report->guest.kernel = run->kernel;
	report->guest.initrd = run->initrd ? run->initrd : "";
	report->guest.cmdline = run->cmdline;
	report->guest.fast_append = run->fast_append;
	report->guest.no_fast_append = run->no_fast_append;
	report->guest.banner = account->banner;
	report->guest.build_id = account->build_id;
	report->guest.entered = run->entered;
	report->guest.symbols = account->symbols.count ? account->symbols_told : "";
	report->guest.ram_bytes = run->ram_bytes;
	report->guest.cpus = account->cpus;
	report->touched_known = run->touched_known;
	report->touched_pages = run->touched_pages;
	ending_describe(run->ending, account->sentence, sizeof(account->sentence));
	report->ending.status = ending_status(run->ending);
	report->ending.kind = ending_word(run->ending);
	report->ending.sentence = account->sentence;
	report->no_phases = account->no_phases[0] ? account->no_phases : NULL;
	if (!(account->options->what & ACCOUNT_INITCALLS))
		report->no_initcalls = "not asked for: -account initcalls";
	else if (report->no_phases)
		report->no_initcalls = report->no_phases;
	else if (!account->plan.do_one_initcall && !account->shared.initcalls)
		report->no_initcalls = "the kernel has no symbol do_one_initcall";
	if (!(account->options->what & ACCOUNT_EXITS))
		report->no_exits = "not asked for: -account exits";
	report->tests = account->looks_for_tests ? &account->tests : NULL;
	report->no_log = account->klog_known ? NULL : account->no_log;
}

/* Of a run that nobody asked more of than its marks. */
static int settle_marks(struct account *account, const struct account_run *run, struct err *e)
{
	const struct digest_input input = {
		.marks = run->marks,
		.shared = &account->shared,
		.symbols = &account->symbols,
		.console_bytes = run->console_bytes,
		.coalesced_bytes = run->coalesced_bytes,
	};
	struct report *report = &account->report;

	report->no_phases = report->no_initcalls = report->no_exits = report->no_log =
		"not asked for";
	report->ending.status = ending_status(run->ending);
	ending_describe(run->ending, account->sentence, sizeof(account->sentence));
	report->ending.sentence = account->sentence;
	report->ending.kind = ending_word(run->ending);
	report->guest.fast_append = run->fast_append;
	report->guest.no_fast_append = run->no_fast_append;
	return digest_build(&account->digest, &input, report, e);
}

int account_settle(struct account *account, const struct account_run *run, struct err *e)
{
	struct digest_levels levels = { .function = account->initcalls.function };
	struct digest_input input = {
		.marks = run->marks,
		.record = account->record,
		.cpus = account->cpus,
		.shared = &account->shared,
		.symbols = &account->symbols,
		.unwinder = &account->unwinder,
		.levels = account->levels_known ? &levels : NULL,
		.kernel_start = run->plan->kernel.gpa,
		.kernel_end = run->plan->kernel.gpa + run->plan->kernel.size_bytes,
		.decompressor = run->guest_unpacks,
		.phases_set = account->phases_set,
		.phases_without = account->phases_without,
		.profile_hz = account->options->profile_hz,
		.console_bytes = run->console_bytes,
		.coalesced_bytes = run->coalesced_bytes,
		.uart_port = run->board->com1_port,
		.uart_ports = UART16550_REGISTERS,
		.owner = owner_of,
		.owner_ctx = (void *)(uintptr_t)run->machine,
	};

	_Static_assert((int)DIGEST_LEVELS == (int)INITCALLS_LEVELS, "the same levels");
	memcpy(levels.first, account->initcalls.first, sizeof(levels.first));
	if (!account->wanted)
		return settle_marks(account, run, e);
	why_no_phases(account);
	if (account->tracing) {
		tracer_settle(&account->tracer);
		input.breakpoint_exits = account->tracer.exits;
	}
	price_exits(account, &input);
	if (account->tracing)
		input.breakpoint_ns =
			account->tracer.served_ns + account->tracer.exits * input.round_trip_ns;
	print_build_id(account);
	look_inside(account, run);
	if (account->klog_known)
		input.klog = &account->klog;
	describe_run(account, run);
	return digest_build(&account->digest, &input, &account->report, e);
}

void account_look_late(struct account *account, const struct account_run *run)
{
	const struct symbols_placed placed = {
		.kernel_path = run->kernel,
		.memory = run->memory,
		.start_gpa = run->plan->kernel.gpa,
		.end_gpa = run->plan->kernel.gpa + run->plan->kernel.size_bytes,
		.guest_unpacks = run->guest_unpacks,
	};
	struct err why;

	if (account->symbols.count)
		return;
	if (symbols_for_placed(&account->symbols, &placed, account->symbols_told, &why) < 0)
		(void)snprintf(account->symbols_told, sizeof(account->symbols_told), "%s",
			       why.text);
	else
		look_inside(account, run);
}

/* ---- files ----------------------------------------------------------------------------------- */

static int print_report(const void *ctx, FILE *out)
{
	return report_print_json(ctx, out);
}

static int print_trace(const void *ctx, FILE *out)
{
	return report_print_trace(ctx, out);
}

static int print_html(const void *ctx, FILE *out)
{
	return report_print_html(ctx, out);
}

static int print_folded(const void *ctx, FILE *out)
{
	return report_print_folded(ctx, out);
}

static int print_flame(const void *ctx, FILE *out)
{
	return report_print_flame(ctx, out);
}

static int print_junit(const void *ctx, FILE *out)
{
	return report_print_junit(ctx, out);
}

static int print_summary(const void *ctx, FILE *out)
{
	return report_print_summary(ctx, out);
}

static int print_dmesg(const void *ctx, FILE *out)
{
	klog_print(ctx, out);
	return 0;
}

int account_write(struct account *account, struct err *e)
{
	static int (*const print[ACCOUNT_OUTPUTS])(const void *, FILE *) = {
		[ACCOUNT_REPORT] = print_report, [ACCOUNT_TRACE] = print_trace,
		[ACCOUNT_HTML] = print_html,     [ACCOUNT_FOLDED] = print_folded,
		[ACCOUNT_FLAME] = print_flame,   [ACCOUNT_DMESG] = print_dmesg,
		[ACCOUNT_JUNIT] = print_junit,   [ACCOUNT_SUMMARY] = print_summary,
	};
	int first = 0;

	if (!account->wanted)
		return 0;
	if (account->options->dmesg && !account->klog_known) {
		outfile_abandon(&account->out[ACCOUNT_DMESG]);
		first = err_set(e, ENOENT, "-dmesg: the kernel's log cannot be read: %s",
				account->no_log);
	}
	for (int i = 0; i < ACCOUNT_OUTPUTS; i++) {
		const void *what = i == ACCOUNT_DMESG ? (const void *)&account->klog
						      : (const void *)&account->report;
		struct err why;
		int rc = outfile_write(&account->out[i], print[i], what, &why);

		if (rc < 0 && first == 0) {
			first = rc;
			*e = why;
		}
	}
	return first;
}
