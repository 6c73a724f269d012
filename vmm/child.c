/* SPDX-License-Identifier: MIT */
#include "vmm/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS_TROUBLE = 125, CHUNK_BYTES = 64 << 10 };

static const char NOT_STARTED[] = "the program of a run cannot be started";

struct child {
	pid_t pid;
	int pid_fd, signal_fd;
	int report[2], said[2]; /* pipes: reading end, writing end */
	sigset_t signals_before;
	char **argv;
	char report_path[32];
	struct child_result *result;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* tvmm OPTIONS... -q --report /dev/fd/N */
static int make_argv(struct child *c, const struct child_request *request, struct err *e)
{
	static const char *const added[] = { "-q", "--report" };
	size_t options = 0, n = 0;

	while (request->option[options])
		options++;
	c->argv = calloc(options + 5, sizeof(*c->argv));
	if (!c->argv)
		return err_set(e, ENOMEM, "no memory for the options of a run");
	(void)snprintf(c->report_path, sizeof(c->report_path), "/dev/fd/%d", c->report[1]);
	c->argv[n++] = (char *)(uintptr_t) "tvmm";
	for (size_t i = 0; i < options; i++)
		c->argv[n++] = request->option[i];
	for (size_t i = 0; i < 2; i++)
		c->argv[n++] = (char *)(uintptr_t)added[i];
	c->argv[n] = c->report_path;
	return 0;
}

static int open_pipes(struct child *c, struct err *e)
{
	if (pipe2(c->report, O_CLOEXEC) < 0 || pipe2(c->said, O_CLOEXEC) < 0)
		return err_sys(e, errno, "no pipe can be had to a run");
	if (fcntl(c->report[0], F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(c->said[0], F_SETFL, O_NONBLOCK) < 0)
		return err_sys(e, errno, "the pipe from a run cannot be set up");
	return 0;
}

static int hold_signals(struct child *c, struct err *e)
{
	static const int stopping[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(stopping) / sizeof(stopping[0]); i++)
		(void)sigaddset(&set, stopping[i]);
	(void)sigprocmask(SIG_BLOCK, &set, &c->signals_before);
	c->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (c->signal_fd < 0)
		return err_sys(e, errno, "no signal descriptor can be had");
	return 0;
}

/* In the child. Only calls that are safe behind fork(). */
static void become_run(const struct child *c, const char *program, pid_t parent)
{
	int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(STATUS_TROUBLE);
	if (nowhere < 0 || dup2(nowhere, 0) < 0 || dup2(nowhere, 1) < 0 ||
	    dup2(c->said[1], 2) < 0 || fcntl(c->report[1], F_SETFD, 0) < 0)
		_exit(STATUS_TROUBLE);
	(void)sigprocmask(SIG_SETMASK, &c->signals_before, NULL);
	(void)execv(program, c->argv);
	(void)!write(2, NOT_STARTED, sizeof(NOT_STARTED) - 1);
	_exit(STATUS_TROUBLE);
}

static int start(struct child *c, const char *program, struct err *e)
{
	pid_t parent = getpid();

	c->pid = fork();
	if (c->pid < 0)
		return err_sys(e, errno, "no process can be had for a run");
	if (c->pid == 0)
		become_run(c, program, parent);
	close_fd(&c->report[1]);
	close_fd(&c->said[1]);
	c->pid_fd = pidfd_open(c->pid, 0);
	if (c->pid_fd < 0)
		return err_sys(e, errno, "a run cannot be watched (pidfd_open)");
	return 0;
}

/* Appends what is in the pipe now. Closes the pipe at its end. */
static int take_report(struct child *c, struct err *e)
{
	struct child_result *r = c->result;

	while (c->report[0] >= 0) {
		char *more = realloc(r->report, r->report_bytes + CHUNK_BYTES + 1);
		ssize_t n;

		if (!more)
			return err_set(e, ENOMEM, "no memory for the report of a run");
		r->report = more;
		n = read(c->report[0], r->report + r->report_bytes, CHUNK_BYTES);
		if (n < 0)
			return errno == EAGAIN
				       ? 0
				       : err_sys(e, errno, "the report of a run cannot be read");
		r->report_bytes += (size_t)n;
		r->report[r->report_bytes] = '\0';
		if (n == 0)
			close_fd(&c->report[0]);
		if (r->report_bytes > CHILD_REPORT_BYTES_MAX)
			return err_set(e, EFBIG, "the report of a run has more than %d MiB",
				       CHILD_REPORT_BYTES_MAX >> 20);
	}
	return 0;
}

/* Keeps the last line that is not empty; of one that is too long, the beginning. */
static void take_words(struct child *c, bool *line_begins)
{
	static const char prefix[] = "tvmm: ";
	char chunk[4096], *said = c->result->said;
	ssize_t n;

	while (c->said[0] >= 0 && (n = read(c->said[0], chunk, sizeof(chunk))) >= 0) {
		if (n == 0)
			close_fd(&c->said[0]);
		for (ssize_t i = 0; i < n; i++) {
			size_t length = strlen(said);

			if (chunk[i] == '\n' || chunk[i] == '\r') {
				*line_begins = true;
				continue;
			}
			if (*line_begins)
				length = 0;
			*line_begins = false;
			if (length + 1 < sizeof(c->result->said)) {
				said[length] = chunk[i];
				said[length + 1] = '\0';
			}
			if (strcmp(said, prefix) == 0)
				said[0] = '\0';
		}
	}
}

/* Until the process has ended and all that it wrote has been read. */
static int watch(struct child *c, struct err *e)
{
	enum { ENDED, SIGNAL, REPORT, SAID, FDS };
	bool line_begins = true, ended = false;

	while (!ended) {
		struct pollfd fds[FDS] = { [ENDED] = { .fd = c->pid_fd, .events = POLLIN },
					   [SIGNAL] = { .fd = c->signal_fd, .events = POLLIN },
					   [REPORT] = { .fd = c->report[0], .events = POLLIN },
					   [SAID] = { .fd = c->said[0], .events = POLLIN } };
		struct signalfd_siginfo info;
		int rc;

		if (poll(fds, FDS, -1) < 0 && errno != EINTR)
			return err_sys(e, errno, "a run cannot be watched");
		ended = fds[ENDED].revents != 0;
		if (read(c->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
			c->result->interrupted = (int)info.ssi_signo;
			(void)kill(c->pid, SIGKILL);
		}
		take_words(c, &line_begins);
		rc = take_report(c, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int reap(const struct child *c)
{
	int status = 0;

	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void finish(struct child *c)
{
	close_fd(&c->report[0]);
	close_fd(&c->report[1]);
	close_fd(&c->said[0]);
	close_fd(&c->said[1]);
	close_fd(&c->pid_fd);
	close_fd(&c->signal_fd);
	(void)sigprocmask(SIG_SETMASK, &c->signals_before, NULL);
	free(c->argv);
}

int child_run(const struct child_request *request, struct child_result *result, struct err *e)
{
	const char *program = request->program ? request->program : "/proc/self/exe";
	struct child c = { .pid = -1,
			   .pid_fd = -1,
			   .signal_fd = -1,
			   .report = { -1, -1 },
			   .said = { -1, -1 },
			   .result = result };
	int rc;

	*result = (struct child_result){ 0 };
	(void)sigprocmask(SIG_SETMASK, NULL, &c.signals_before);
	rc = open_pipes(&c, e);
	if (rc == 0)
		rc = make_argv(&c, request, e);
	if (rc == 0)
		rc = hold_signals(&c, e);
	if (rc == 0)
		rc = start(&c, program, e);
	if (rc == 0)
		rc = watch(&c, e);
	if (rc < 0 && c.pid > 0)
		(void)kill(c.pid, SIGKILL);
	if (c.pid > 0)
		result->status = reap(&c);
	finish(&c);
	return rc;
}

void child_finish(struct child_result *result)
{
	free(result->report);
	result->report = NULL;
}
