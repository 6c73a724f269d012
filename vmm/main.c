/* SPDX-License-Identifier: MIT */
/*
 * tvmm: boots a Linux kernel on /dev/kvm. The only file that prints messages and chooses an exit
 * status; the guest's console is stdout's, everything said here goes to stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/base/suggest.h"
#include "vmm/commands.h"
#include "vmm/guard.h"
#include "vmm/help.h"
#include "vmm/options.h"
#include "vmm/session.h"
#include "vmm/terminal.h"
#include "vmm/timing/marks.h"

static int complain(const struct err *e)
{
	(void)fprintf(stderr, "tvmm: %s\n", e->text);
	return STATUS_TROUBLE;
}

/* The width of the terminal that stderr is; 0: it is none. */
static unsigned int terminal_columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* Says which budgets were broken, and which cannot be judged. STATUS_OK if all hold. */
static int check_budgets(const struct session *session)
{
	const struct account_options *options = &session->options->account;
	const struct report *report = &session->account.report;
	int status = STATUS_OK;

	for (size_t i = 0; i < options->budgets; i++) {
		const struct budget *budget = &options->budget[i];
		char why[256];
		struct err e;

		if (budget_holds(budget, report, why, sizeof(why)))
			continue;
		(void)err_set(&e, ERANGE, "-assert %s: %s", budget->text, why);
		(void)complain(&e);
		if (!budget_can_be_judged(budget, report, why, sizeof(why)))
			status = STATUS_TROUBLE;
		else if (status == STATUS_OK)
			status = STATUS_BUDGET;
	}
	return status;
}

/*
 * Past the stream's buffer, which goes out line by line; what is not taken so goes that way (a pipe that is
 * nearly full, and does not block, has room for some lines).
 */
static void write_stderr(const char *text, size_t bytes)
{
	(void)fflush(stderr);
	while (bytes > 0) {
		ssize_t n = TEMP_FAILURE_RETRY(write(STDERR_FILENO, text, bytes));

		if (n <= 0) {
			(void)fwrite(text, 1, bytes, stderr);
			return;
		}
		text += n;
		bytes -= (size_t)n;
	}
}

/*
 * In one write(), where there is memory for it: whoever reads stderr wakes once, and the accounts of
 * VMs that end at the same time do not mix.
 */
static void print_account(const struct session *session, const struct ending *ending)
{
	struct report report = session->account.report;
	struct ending without_place = *ending;
	char in_short[256], *text = NULL;
	size_t bytes = 0;
	FILE *whole = open_memstream(&text, &bytes);
	bool is_whole = false;

	/* RIP and CPU stand in the sentence below the account. */
	without_place.rip = without_place.cpus = 0;
	ending_describe(&without_place, in_short, sizeof(in_short));
	report.ending.sentence = in_short;
	if (whole) {
		(void)__fsetlocking(whole, FSETLOCKING_BYCALLER);
		report_print_text(&report, terminal_columns(), whole);
		is_whole = fflush(whole) == 0 && !ferror(whole);
		is_whole &= fclose(whole) == 0;
	}
	if (is_whole)
		write_stderr(text, bytes);
	else
		report_print_text(&report, terminal_columns(), stderr);
	free(text);
}

/* What the guest's kernel lacks, as our own process in there found out. */
static void print_notes(const struct program *program)
{
	for (size_t i = 0; i < program->notes; i++)
		(void)fprintf(stderr, "tvmm: in the guest: %s\n", program->note[i]);
}

static int report(struct session *session, const struct ending *ending, int argc, char **argv)
{
	char how[512];
	int status = ending_status(ending);
	struct err e = { 0 };
	int rc = session_report(session, ending, argc, argv, TVMM_VERSION, &e), trouble;

	ending_describe(ending, how, sizeof(how));
	if (session->output_lost && ending->kind != ENDING_OUTPUT_LOST &&
	    ending->kind != ENDING_QUIT)
		(void)fprintf(stderr, "tvmm: the end of the console's output is lost: %s\n",
			      strerror(session->output_lost));
	if (!session->options->brief && rc != -ENOMEM)
		print_account(session, ending);
	if (!session->options->quiet && session->account.report.autopsy)
		autopsy_print_text(session->account.report.autopsy, stderr);
	trouble = rc < 0 ? complain(&e) : STATUS_OK;
	if (session->account.report.control.interrupted)
		trouble = STATUS_SIGNAL + session->account.report.control.interrupted;
	if (rc != -ENOMEM && trouble == STATUS_OK)
		trouble = check_budgets(session);
	status = status ? status : trouble;
	if (status != 0 || session->options->program.verbose)
		print_notes(&session->program);
	if (!session->options->brief || status != 0)
		(void)fprintf(stderr, "tvmm: %s; exit status %d\n", how, status);
	return status;
}

/* What was printed there must have arrived, or the status says so. */
static int finish_stdout(int status)
{
	struct err e;

	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	/* What failed before left its mark in the stream, and not its reason. */
	(void)err_sys(&e, errno ? errno : EIO, "stdout cannot be written");
	clearerr(stdout); /* it is said once */
	return complain(&e);
}

/* Whoever waits for us is not to wait until KVM has closed the VM. */
static int leave(struct session *session, int status)
{
	if (!technique_on(session->options->without, TECHNIQUE_EARLY_EXIT)) {
		session_finish(session);
		return status;
	}
	status = finish_stdout(status);
	(void)fflush(stderr);
	terminal_finish();
	session_leave(session, status);
	return status;
}

static int boot(const struct options *options, const struct marks *marks, int argc, char **argv)
{
	static struct session session; /* holds the console's and the keyboard's buffers */
	struct ending ending;
	struct err e;
	int rc, status;

	if (options->action == OPTIONS_BOOT) /* a plan that is printed is no run */
		guard_limit(marks->at_ns[MARK_MAIN], options->timeout_ns);
	session_init(&session, options, marks);
	rc = session_plan(&session, &e);
	if (rc == 0 && options->action == OPTIONS_EXPLAIN) {
		plan_explain(&session.request, &session.plan, stdout);
		kernel_keep(&session.kernel);
		kernel_explain(&session.kernel, stdout);
		initrd_keep(&session.initrd);
		initrd_explain(&session.initrd, stdout);
		if (options->fast_append)
			fastappend_explain(&session.fast, stdout);
		session_finish(&session);
		return 0;
	}
	if (rc == 0)
		rc = session_place(&session, &e);
	if (rc == 0 && session.serial.kind == CHARDEV_PTY)
		(void)fprintf(stderr, "tvmm: the console is %s\n", session.serial.name);
	if (rc == 0)
		rc = session_run(&session, &ending, &e);
	status = rc < 0 ? complain(&e) : report(&session, &ending, argc, argv);
	guard_settle(status);
	return leave(&session, status);
}

static int boot_command(int argc, char **argv, const struct marks *marks)
{
	struct options options;
	struct err e;
	int status = 0;

	if (options_parse(&options, argc, argv, &e) < 0)
		status = complain(&e);
	else if (options.action == OPTIONS_HELP)
		help_print(stdout);
	else if (options.action == OPTIONS_VERSION)
		(void)printf("tvmm %s\n", TVMM_VERSION);
	else
		status = boot(&options, marks, argc, argv);
	options_finish(&options);
	return status;
}

static int unknown_command(const char *name)
{
	const char *names[COMMANDS_MAX];
	const char *near = suggest_nearest(name, names, commands_list(names));
	struct err e;

	if (near)
		(void)err_set(&e, EINVAL, "there is no command '%s'; did you mean '%s'?", name,
			      near);
	else
		(void)err_set(&e, EINVAL,
			      "there is no command '%s'; a kernel is given with -kernel %s", name,
			      name);
	return complain(&e);
}

/*
 * A descriptor of the first three that is closed would go to the next file that is opened, and what
 * is meant for stdout would be written into /dev/kvm. What takes its place here can be neither read
 * nor written.
 */
static void occupy_closed_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/", O_PATH);
	}
}

/* A line at a time: stderr without a buffer would be written to byte by byte. */
static void buffer_stderr(void)
{
	static char line[1024];

	(void)setvbuf(stderr, line, _IOLBF, sizeof(line));
}

int main(int argc, char **argv)
{
	struct marks marks = { 0 };
	const struct command *command;
	struct err e = { 0 };
	int status;

	mark_at(&marks, MARK_PROCESS_START, clock_process_start_ns());
	mark_now(&marks, MARK_MAIN);
	occupy_closed_descriptors();
	buffer_stderr();
	guard_init();
	if (argc < 2 || argv[1][0] == '-')
		return finish_stdout(boot_command(argc, argv, &marks));
	command = commands_find(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	status = command->run(argc - 1, argv + 1, &e);
	if (status < 0)
		return complain(&e);
	if (e.code)
		(void)complain(&e);
	return finish_stdout(status);
}
