/* SPDX-License-Identifier: MIT */
/*
 * The account before and while the guest runs: what is wanted, what this kernel offers, who looks
 * on. account_report.c has what comes after.
 */
#include "vmm/account.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/symbolsource.h"

void account_init(struct account *account)
{
	symbols_init(&account->symbols);
}

static bool wants(const struct account *account, unsigned int what)
{
	return account->options->what & what;
}

static int open_outputs(struct account *account, struct err *e)
{
	const struct account_options *o = account->options;
	const struct {
		const char *what, *path;
	} file[ACCOUNT_OUTPUTS] = {
		[ACCOUNT_REPORT] = { "-report", o->report },
		[ACCOUNT_TRACE] = { "-trace", o->trace },
		[ACCOUNT_HTML] = { "-html", o->html },
		[ACCOUNT_FOLDED] = { "-folded", o->folded },
		[ACCOUNT_FLAME] = { "-flame", o->flame },
		[ACCOUNT_DMESG] = { "-dmesg", o->dmesg },
		[ACCOUNT_JUNIT] = { "-junit", o->junit },
		[ACCOUNT_SUMMARY] = { "-summary", o->summary },
	};

	for (int i = 0; i < ACCOUNT_OUTPUTS; i++) {
		int (*open)(struct outfile *, const char *, const char *, struct err *) =
			i == ACCOUNT_SUMMARY ? outfile_open_append : outfile_open;
		int rc = open(&account->out[i], file[i].what, file[i].path, e);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* What is written must not be what is read, nor be written twice. */
static int refuse_same_files(const struct account *account, const struct account_kernel *of,
			     struct err *e)
{
	for (int i = 0; i < ACCOUNT_OUTPUTS; i++) {
		const struct outfile *out = &account->out[i];

		if (outfile_is(out, of->kernel->file.fd) || outfile_is(out, of->initrd->fd))
			return err_set(e, EINVAL, "%s %s: is the kernel or the initrd of this run",
				       out->what, out->path);
		for (int j = 0; j < i; j++) {
			if (outfile_same(out, &account->out[j]))
				return err_set(e, EINVAL, "%s and %s: both go to %s",
					       account->out[j].what, out->what, out->path);
		}
	}
	return 0;
}

/* ---- symbols --------------------------------------------------------------------------------- */

static bool needs_symbols(const struct account *account)
{
	const struct account_options *o = account->options;

	return wants(account, ACCOUNT_PHASES) || o->symbols || o->profile_hz || o->dmesg;
}

/* None is an answer, unless a file was named that does not do. */
static int find_symbols(struct account *account, const struct account_kernel *of, struct err *e)
{
	const struct kernel *kernel = of->kernel;
	const struct symbols_request request = {
		.named = account->options->symbols,
		.kernel_path = kernel->file.path,
		.image = kernel->elf ? kernel_image(kernel) : NULL,
		.elf = kernel->elf,
	};
	struct err why;
	int rc = symbols_for_kernel(&account->symbols, &request, account->symbols_told, &why);

	if (rc == 0)
		return 0;
	if (account->options->symbols || rc == -ENOMEM) {
		*e = why;
		return rc;
	}
	(void)snprintf(account->symbols_told, sizeof(account->symbols_told), "%s", why.text);
	return 0;
}

/* ---- where breakpoints go -------------------------------------------------------------------- */

/* The first function of a level is where it begins. */
static void plan_levels(struct account *account)
{
	static const enum phase level[INITCALLS_LEVELS] = {
		PHASE_INITCALLS_EARLY,    PHASE_INITCALLS_PURE,   PHASE_INITCALLS_CORE,
		PHASE_INITCALLS_POSTCORE, PHASE_INITCALLS_ARCH,   PHASE_INITCALLS_SUBSYS,
		PHASE_INITCALLS_FS,       PHASE_INITCALLS_ROOTFS, PHASE_INITCALLS_DEVICE,
		PHASE_INITCALLS_LATE,
	};
	const struct initcalls *calls = &account->initcalls;

	for (int i = 0; account->levels_known && i < INITCALLS_LEVELS; i++) {
		if (calls->first[i] < calls->first[i + 1])
			account->plan.phase[level[i]] = calls->function[calls->first[i]];
	}
}

static void plan_functions(struct account *account)
{
	struct tracer_plan *plan = &account->plan;

	for (int phase = 0; phase < PHASES; phase++)
		plan->phase[phase] = phase_find(&account->symbols, (enum phase)phase);
	if (plan->phase[PHASE_STARTUP_64])
		plan->phase[PHASE_STARTUP_64] -= SYMBOLS_KERNEL_MAP;
	plan_levels(account);
	plan->start_thread = symbols_find_function(&account->symbols, "start_thread");
	if (wants(account, ACCOUNT_INITCALLS))
		plan->do_one_initcall = symbols_find_function(&account->symbols, "do_one_initcall");
}

static void note_what_is_missing(struct account *account)
{
	for (int phase = 0; phase < PHASES; phase++) {
		if (account->plan.phase[phase])
			account->phases_set |= 1ULL << phase;
		else if (phase_info[phase].symbol[0])
			account->phases_without |= 1ULL << phase;
	}
	/* These two are addresses that are learned on the way. */
	if (account->plan.start_thread && account->plan.phase[PHASE_KERNEL_EXECVE])
		account->phases_set |= 1ULL << PHASE_FIRST_USER;
	if (account->plan.phase[PHASE_POPULATE_ROOTFS])
		account->phases_set |= 1ULL << PHASE_POPULATE_ROOTFS_END;
}

/* A kernel that unpacks itself may choose another place, unless it is told not to. */
static bool may_move(const struct account *account, const struct account_kernel *of)
{
	return !of->kernel->elf && !strstr(of->cmdline, "nokaslr") &&
	       symbols_find(&account->symbols, "kernel_randomize_memory");
}

static void plan_breakpoints(struct account *account, const struct account_kernel *of)
{
	struct err ignored;

	if (!account->symbols.count)
		(void)snprintf(account->no_phases, sizeof(account->no_phases), "%s",
			       account->symbols_told);
	else if (may_move(account, of))
		(void)snprintf(
			account->no_phases, sizeof(account->no_phases),
			"this kernel chooses its own address (KASLR) when it unpacks itself: "
			"add nokaslr to -append, or leave the unpacking to tvmm");
	if (account->no_phases[0])
		return;
	account->levels_known =
		of->kernel->elf &&
		initcalls_read(&account->initcalls, &account->symbols, kernel_image(of->kernel),
			       of->kernel->elf, &ignored) == 0;
	account->plan.entry = of->plan->entry_gpa;
	plan_functions(account);
	note_what_is_missing(account);
	account->breakpoints = true;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static int make_tables(struct account *account, unsigned int cpus, struct err *e)
{
	bool exits = wants(account, ACCOUNT_EXITS), times = wants(account, ACCOUNT_ALL);
	int rc = record_shared_init(&account->shared, wants(account, ACCOUNT_LINES), e);

	account->record = calloc(cpus, sizeof(*account->record));
	account->observer = calloc(cpus, sizeof(*account->observer));
	if (!account->record || !account->observer)
		return err_sys(e, ENOMEM, "the tables of the account");
	for (unsigned int cpu = 0; rc == 0 && cpu < cpus; cpu++) {
		rc = record_init(&account->record[cpu], exits, times,
				 account->options->profile_hz != 0, e);
		account->cpus = cpu + 1;
	}
	return rc;
}

int account_plan(struct account *account, const struct account_options *options,
		 const struct account_kernel *of, struct err *e)
{
	int rc;

	account->options = options;
	account->wanted = accountoptions_wanted(options);
	if (!account->wanted)
		return 0;
	rc = open_outputs(account, e);
	if (rc == 0)
		rc = refuse_same_files(account, of, e);
	if (rc == 0 && needs_symbols(account))
		rc = find_symbols(account, of, e);
	if (rc == 0 && options->tap)
		rc = ktap_init(&account->tests, e);
	if (rc < 0)
		return rc;
	account->looks_for_tests = options->tap;
	if (wants(account, ACCOUNT_PHASES))
		plan_breakpoints(account, of);
	return make_tables(account, of->cpus, e);
}

/* ---- while the guest runs -------------------------------------------------------------------- */

static void wake_vcpu(void *ctx)
{
	vcpu_kick_here(ctx);
}

void account_attach(struct account *account, struct run *runs, struct console *console,
		    struct machine *machine, const struct guest_memory *memory,
		    const struct marks *marks)
{
	const struct account_options *o = account->options;

	if (!account->wanted)
		return;
	if (account->breakpoints) {
		tracer_init(&account->tracer, &account->plan, &account->shared, memory);
		account->tracing = true;
	}
	for (unsigned int cpu = 0; cpu < account->cpus; cpu++) {
		account->observer[cpu] = (struct observer){
			.cpu = cpu,
			.record = &account->record[cpu],
			.shared = &account->shared,
			.marks = marks,
			.tracer = account->tracing ? &account->tracer : NULL,
			.memory = memory,
			.debug = runs[cpu].entry.debug,
			.debug_ctx = runs[cpu].entry.ctx,
			.sample_ns = o->profile_hz ? 1000000000ULL / o->profile_hz : 0,
			.wake = wake_vcpu,
		};
		runs[cpu].observer = &account->observer[cpu];
	}
	if (account->looks_for_tests)
		console_attach_tests(console, &account->tests);
	console_record(console, &account->shared, o->mark, o->marks);
	machine_record(machine, (struct mark_wire){ console_mark, console });
}

void account_finish(struct account *account)
{
	for (int i = 0; account->wanted && i < ACCOUNT_OUTPUTS; i++)
		outfile_abandon(&account->out[i]);
	digest_finish(&account->digest);
	if (account->klog_known)
		klog_finish(&account->klog);
	unwinder_finish(&account->unwinder);
	if (account->tracing)
		tracer_finish(&account->tracer);
	for (unsigned int cpu = 0; cpu < account->cpus; cpu++)
		record_finish(&account->record[cpu]);
	if (account->looks_for_tests)
		ktap_finish(&account->tests);
	record_shared_finish(&account->shared);
	initcalls_finish(&account->initcalls);
	symbols_finish(&account->symbols);
	free(account->record);
	free(account->observer);
	account->record = NULL;
	account->observer = NULL;
	account->cpus = 0;
}
