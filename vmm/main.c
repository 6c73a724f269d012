/* SPDX-License-Identifier: MIT */
/*
 * tvmm: boots a Linux kernel on /dev/kvm. The only file that prints messages and chooses an exit
 * status; the guest's console is stdout's, everything said here goes to stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/clock.h"
#include "vmm/base/suggest.h"
#include "vmm/commands.h"
#include "vmm/help.h"
#include "vmm/options.h"
#include "vmm/session.h"
#include "vmm/timing/marks.h"

enum { STATUS_TROUBLE = 125 };

static int complain(const struct err *e)
{
	(void)fprintf(stderr, "tvmm: %s\n", e->text);
	return STATUS_TROUBLE;
}

static int report(const struct session *session, const struct ending *ending)
{
	char how[256];
	int status = ending_status(ending);

	ending_describe(ending, how, sizeof(how));
	if (session->output_lost && ending->kind != ENDING_OUTPUT_LOST &&
	    ending->kind != ENDING_QUIT)
		(void)fprintf(stderr, "tvmm: the end of the console's output is lost: %s\n",
			      strerror(session->output_lost));
	if (!session->options->quiet) {
		struct ending without_place = *ending;
		char in_short[256];

		/* RIP and CPU stand in the sentence below the account. */
		without_place.rip = without_place.cpus = 0;
		ending_describe(&without_place, in_short, sizeof(in_short));
		marks_print_account(&session->marks, in_short, stderr);
	}
	if (!session->options->quiet || status != 0)
		(void)fprintf(stderr, "tvmm: %s; exit status %d\n", how, status);
	return status;
}

static int boot(const struct options *options, const struct marks *marks)
{
	static struct session session; /* holds the console's and the keyboard's buffers */
	struct ending ending;
	struct err e;
	int rc, status;

	session_init(&session, options, marks);
	rc = session_plan(&session, &e);
	if (rc == 0 && options->action == OPTIONS_EXPLAIN) {
		plan_explain(&session.request, &session.plan, stdout);
		kernel_keep(&session.kernel);
		kernel_explain(&session.kernel, stdout);
		session_finish(&session);
		return 0;
	}
	if (rc == 0)
		rc = session_place(&session, &e);
	if (rc == 0 && session.serial.kind == CHARDEV_PTY)
		(void)fprintf(stderr, "tvmm: the console is %s\n", session.serial.name);
	if (rc == 0)
		rc = session_run(&session, &ending, &e);
	status = rc < 0 ? complain(&e) : report(&session, &ending);
	session_finish(&session);
	return status;
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
		status = boot(&options, marks);
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

/* What was printed there must have arrived, or the status says so. */
static int finish_stdout(int status)
{
	struct err e;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	(void)err_sys(&e, errno, "stdout cannot be written");
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

int main(int argc, char **argv)
{
	struct marks marks = { 0 };
	const struct command *command;
	struct err e = { 0 };
	int status;

	mark_at(&marks, MARK_PROCESS_START, clock_process_start_ns());
	mark_now(&marks, MARK_MAIN);
	occupy_closed_descriptors();
	if (argc < 2 || argv[1][0] == '-')
		return finish_stdout(boot_command(argc, argv, &marks));
	command = commands_find(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	status = command->run(argc - 1, argv + 1, &e);
	if (status < 0)
		return complain(&e);
	return finish_stdout(status);
}
