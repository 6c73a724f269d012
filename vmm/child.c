/* SPDX-License-Identifier: MIT */
#include "vmm/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/base/must.h"

enum {
	STATUS_TROUBLE = 125,
	CHUNK_BYTES = 64 << 10,
	CHUNKS_MAX = 64, /* that are taken at once: more than a pipe holds, and not without end */
	HEARD_BYTES = 256 << 10, /* room of the pipe for what is heard now and then */
	NOW_AND_THEN_MS = 100,
	MS_NS = 1000000,
};

static const char NOT_STARTED[] = "the program of a run cannot be started";

/* One that runs, or room for one. */
struct child {
	pid_t pid; /* -1: nobody is there */
	int pid_fd;
	int report[2], said[2], heard[2]; /* pipes: reading end, writing end */
	uint64_t *started_ns;             /* shared with it */
	struct child_request request;     /* but for what is not needed any longer */
	char **argv;
	char report_path[32];
	size_t number;
	bool line_begins; /* of what it says */
	struct child_result result;
};

struct child_group {
	int signal_fd;
	int interrupted;
	sigset_t signals_before;
	size_t most;
	struct pollfd *polled; /* FIXED, and FDS for each child */
	uint64_t *started_ns;  /* of each child, written by it */
	struct child child[];
};

/* What is polled. */
enum { SIGNAL, FIXED };
enum { ENDED, REPORT, SAID, HEARD, FDS };

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static int copy_argv(struct child *c, const struct child_request *request, size_t words,
		     struct err *e)
{
	c->argv = calloc(words + 1, sizeof(*c->argv));
	if (!c->argv)
		return err_set(e, ENOMEM, "no memory for the options of a run");
	(void)memcpy(c->argv, request->option, words * sizeof(*c->argv));
	return 0;
}

/*
 * tvmm OPTIONS... -without early-exit -q --report /dev/fd/N [-- PROGRAM...]: what stands behind a "--"
 * is the guest's. A value of an option is never "--". Each run closes its VM itself, so that this is
 * no part of the next one's figures.
 */
static int make_argv(struct child *c, const struct child_request *request, struct err *e)
{
	static const char *const added[] = { "-without", "early-exit", "-q", "--report" };
	enum { ADDED = sizeof(added) / sizeof(added[0]) };
	size_t options = 0, ours = 0, n = 0;

	while (request->option[options])
		options++;
	if (request->stranger)
		return copy_argv(c, request, options, e);
	while (ours < options && strcmp(request->option[ours], "--") != 0)
		ours++;
	c->argv = calloc(options + ADDED + 3, sizeof(*c->argv));
	if (!c->argv)
		return err_set(e, ENOMEM, "no memory for the options of a run");
	(void)snprintf(c->report_path, sizeof(c->report_path), "/dev/fd/%d", c->report[1]);
	c->argv[n++] = (char *)(uintptr_t) "tvmm";
	for (size_t i = 0; i < ours; i++)
		c->argv[n++] = request->option[i];
	for (size_t i = 0; i < ADDED; i++)
		c->argv[n++] = (char *)(uintptr_t)added[i];
	c->argv[n++] = c->report_path;
	for (size_t i = ours; i < options; i++)
		c->argv[n++] = request->option[i];
	return 0;
}

static int open_heard(struct child *c, struct err *e)
{
	if (!c->request.hear)
		return 0;
	if (pipe2(c->heard, O_CLOEXEC) < 0)
		return err_sys(e, errno, "no pipe can be had to a run");
	if (fcntl(c->heard[0], F_SETFL, O_NONBLOCK) < 0)
		return err_sys(e, errno, "the pipe from a run cannot be set up");
	/* If there is not so much room, it waits for us a little. */
	if (!c->request.at_once)
		(void)fcntl(c->heard[1], F_SETPIPE_SZ, HEARD_BYTES);
	return 0;
}

static int open_pipes(struct child *c, struct err *e)
{
	if (pipe2(c->report, O_CLOEXEC) < 0 || pipe2(c->said, O_CLOEXEC) < 0)
		return err_sys(e, errno, "no pipe can be had to a run");
	if (fcntl(c->report[0], F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(c->said[0], F_SETFL, O_NONBLOCK) < 0)
		return err_sys(e, errno, "the pipe from a run cannot be set up");
	return open_heard(c, e);
}

static int hold_signals(struct child_group *group, struct err *e)
{
	static const int stopping[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(stopping) / sizeof(stopping[0]); i++)
		(void)sigaddset(&set, stopping[i]);
	(void)sigprocmask(SIG_BLOCK, &set, &group->signals_before);
	group->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (group->signal_fd < 0)
		return err_sys(e, errno, "no signal descriptor can be had");
	return 0;
}

/* In the child. Only calls that are safe behind fork(). */
static void become_run(const struct child *c, const char *program, const sigset_t *signals,
		       pid_t parent)
{
	int nowhere, out;

	*c->started_ns = clock_now_ns();
	nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
	out = c->request.hear ? c->heard[1] : nowhere;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(STATUS_TROUBLE);
	if (nowhere < 0 || dup2(nowhere, 0) < 0 || dup2(out, 1) < 0 || dup2(c->said[1], 2) < 0 ||
	    fcntl(c->report[1], F_SETFD, c->request.stranger ? FD_CLOEXEC : 0) < 0)
		_exit(STATUS_TROUBLE);
	if (c->request.stranger) {
		(void)setpgid(0, 0);
		(void)signal(SIGPIPE, SIG_DFL);
	}
	(void)sigprocmask(SIG_SETMASK, signals, NULL);
	(void)execv(program, c->argv);
	(void)!write(2, NOT_STARTED, sizeof(NOT_STARTED) - 1);
	_exit(STATUS_TROUBLE);
}

static int start(struct child *c, const char *program, const sigset_t *signals, struct err *e)
{
	pid_t parent = getpid();

	c->pid = fork();
	if (c->pid < 0)
		return err_sys(e, errno, "no process can be had for a run");
	if (c->pid == 0)
		become_run(c, program, signals, parent);
	if (c->request.stranger)
		(void)setpgid(c->pid, c->pid); /* it does the same; whoever comes first */
	close_fd(&c->report[1]);
	close_fd(&c->said[1]);
	close_fd(&c->heard[1]);
	c->pid_fd = pidfd_open(c->pid, 0);
	if (c->pid_fd < 0)
		return err_sys(e, errno, "a run cannot be watched (pidfd_open)");
	return 0;
}

/* A stranger may be a script, and what it has started is to end with it. */
static void kill_run(const struct child *c)
{
	(void)kill(c->request.stranger ? -c->pid : c->pid, SIGKILL);
}

/* Appends what is in the pipe now. Closes the pipe at its end. */
static int take_report(struct child *c, struct err *e)
{
	struct child_result *r = &c->result;

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

/* The last line that is not empty; of one that is too long, the beginning. */
static void keep_last_line(struct child *c, const char *text, size_t count)
{
	static const char prefix[] = "tvmm: ";
	char *said = c->result.said;

	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(said);

		if (text[i] == '\n' || text[i] == '\r') {
			c->line_begins = true;
			continue;
		}
		if (c->line_begins)
			length = 0;
		c->line_begins = false;
		if (length + 1 < sizeof(c->result.said)) {
			said[length] = text[i];
			said[length + 1] = '\0';
		}
		if (strcmp(said, prefix) == 0)
			said[0] = '\0';
	}
}

static void take_words(struct child *c)
{
	char chunk[4096];
	ssize_t n;

	for (size_t i = 0; i < CHUNKS_MAX; i++) {
		n = c->said[0] >= 0 ? read(c->said[0], chunk, sizeof(chunk)) : -1;
		if (n < 0)
			return;
		if (n == 0)
			close_fd(&c->said[0]);
		keep_last_line(c, chunk, (size_t)n);
	}
}

/* Hands on what is in the pipe now. One that has said enough is ended, and heard no more. */
static void take_heard(struct child *c)
{
	static char chunk[CHUNK_BYTES];
	ssize_t n;

	for (size_t i = 0; i < CHUNKS_MAX; i++) {
		n = c->heard[0] >= 0 ? read(c->heard[0], chunk, sizeof(chunk)) : -1;
		if (n < 0)
			return;
		if (n > 0)
			c->result.heard_enough =
				c->request.hear(c->request.ctx, chunk, (size_t)n, clock_now_ns());
		if (c->result.heard_enough)
			kill_run(c);
		if (n == 0 || c->result.heard_enough)
			close_fd(&c->heard[0]);
	}
}

static void end_when_late(struct child *c)
{
	uint64_t limit_ns = c->pid > 0 ? c->request.limit_ns : 0;

	if (!limit_ns || clock_now_ns() - *c->started_ns < limit_ns)
		return;
	c->result.timed_out = !c->result.heard_enough;
	c->request.limit_ns = 0;
	kill_run(c);
}

/* Of one that has ended, and of whose words all have been read. */
static int reap(const struct child *c)
{
	int status = 0;

	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Frees all but the result. */
static void leave(struct child *c)
{
	close_fd(&c->report[0]);
	close_fd(&c->report[1]);
	close_fd(&c->said[0]);
	close_fd(&c->said[1]);
	close_fd(&c->heard[0]);
	close_fd(&c->heard[1]);
	close_fd(&c->pid_fd);
	free(c->argv);
	c->argv = NULL;
	c->pid = -1;
}

/* Whatever it does. */
static void end(struct child *c)
{
	if (c->pid > 0) {
		kill_run(c);
		(void)reap(c);
	}
	leave(c);
	child_finish(&c->result);
}

/*
 * --- groups -------------------------------------------------------------------------------------
 */

int child_group_open(struct child_group **group, size_t most, struct err *e)
{
	struct child_group *g = calloc(1, sizeof(*g) + most * sizeof(g->child[0]));
	int rc;

	*group = NULL;
	if (!g)
		return err_set(e, ENOMEM, "no memory for runs");
	g->most = most;
	g->polled = calloc(FIXED + most * FDS, sizeof(*g->polled));
	g->started_ns = mmap(NULL, most * sizeof(*g->started_ns), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < most; i++)
		g->child[i] = (struct child){
			.pid = -1,
			.pid_fd = -1,
			.report = { -1, -1 },
			.said = { -1, -1 },
			.heard = { -1, -1 },
			.started_ns = g->started_ns + i,
		};
	rc = hold_signals(g, e);
	if (rc == 0 && (!g->polled || g->started_ns == MAP_FAILED))
		rc = err_set(e, ENOMEM, "no memory for runs");
	if (rc < 0) {
		child_group_close(g);
		return rc;
	}
	*group = g;
	return 0;
}

void child_group_close(struct child_group *group)
{
	if (!group)
		return;
	for (size_t i = 0; i < group->most; i++)
		end(&group->child[i]);
	close_fd(&group->signal_fd);
	(void)sigprocmask(SIG_SETMASK, &group->signals_before, NULL);
	if (group->started_ns != MAP_FAILED)
		(void)munmap(group->started_ns, group->most * sizeof(*group->started_ns));
	free(group->polled);
	free(group);
}

int child_group_start(struct child_group *group, const struct child_request *request, size_t number,
		      struct err *e)
{
	const char *program = request->program ? request->program : "/proc/self/exe";
	struct child *c = group->child;
	int rc;

	while (c->pid > 0)
		c++;
	must(c < group->child + group->most);
	c->number = number;
	c->line_begins = true;
	c->result = (struct child_result){ 0 };
	c->request = *request;
	*c->started_ns = clock_now_ns(); /* until it says better */
	rc = open_pipes(c, e);
	if (rc == 0)
		rc = make_argv(c, request, e);
	if (rc == 0)
		rc = start(c, program, &group->signals_before, e);
	if (rc < 0)
		end(c);
	return rc;
}

static void fill_polled(struct child_group *group)
{
	group->polled[SIGNAL] = (struct pollfd){ .fd = group->signal_fd, .events = POLLIN };
	for (size_t i = 0; i < group->most; i++) {
		const struct child *c = &group->child[i];
		struct pollfd *polled = &group->polled[FIXED + i * FDS];

		polled[ENDED] = (struct pollfd){ .fd = c->pid_fd, .events = POLLIN };
		polled[REPORT] = (struct pollfd){ .fd = c->report[0], .events = POLLIN };
		polled[SAID] = (struct pollfd){ .fd = c->said[0], .events = POLLIN };
		polled[HEARD] = (struct pollfd){ .fd = c->request.at_once ? c->heard[0] : -1,
						 .events = POLLIN };
	}
}

/* How long nothing need be looked at. */
static int patience_ms(const struct child_group *group)
{
	uint64_t now_ns = clock_now_ns(), least_ms = UINT64_MAX;

	for (size_t i = 0; i < group->most; i++) {
		const struct child *c = &group->child[i];
		uint64_t used_ns = c->pid > 0 ? now_ns - *c->started_ns : 0;
		uint64_t limit_ns = c->pid > 0 ? c->request.limit_ns : 0, ms = UINT64_MAX;

		if (limit_ns)
			ms = limit_ns > used_ns ? (limit_ns - used_ns) / MS_NS + 1 : 0;
		if (c->heard[0] >= 0 && !c->request.at_once && ms > NOW_AND_THEN_MS)
			ms = NOW_AND_THEN_MS;
		least_ms = ms < least_ms ? ms : least_ms;
	}
	if (least_ms == UINT64_MAX)
		return -1;
	return least_ms < INT_MAX ? (int)least_ms : INT_MAX;
}

static void take_signal(struct child_group *group)
{
	struct signalfd_siginfo info;

	if (read(group->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	group->interrupted = (int)info.ssi_signo;
	for (size_t i = 0; i < group->most; i++) {
		if (group->child[i].pid > 0)
			kill_run(&group->child[i]);
	}
}

/* Until something has happened. *ended is one that is over and of which all has been read, or NULL. */
static int watch(struct child_group *group, struct child **ended, struct err *e)
{
	int rc = 0;

	*ended = NULL;
	fill_polled(group);
	if (poll(group->polled, FIXED + group->most * FDS, patience_ms(group)) < 0)
		return errno == EINTR ? 0 : err_sys(e, errno, "a run cannot be watched");
	take_signal(group);
	for (size_t i = 0; rc == 0 && i < group->most; i++) {
		struct child *c = &group->child[i];

		take_heard(c);
		end_when_late(c);
		take_words(c);
		rc = take_report(c, e);
		if (group->polled[FIXED + i * FDS + ENDED].revents)
			*ended = c;
	}
	return rc;
}

int child_group_wait(struct child_group *group, size_t *number, struct child_result *result,
		     struct err *e)
{
	struct child *ended = NULL;

	*result = (struct child_result){ 0 };
	while (!ended) {
		int rc = watch(group, &ended, e);

		if (rc < 0)
			return rc;
	}
	*number = ended->number;
	*result = ended->result;
	result->interrupted = group->interrupted;
	result->started_ns = *ended->started_ns;
	if (ended->request.stranger)
		kill_run(ended); /* what it has left behind; itself it has ended */
	result->status = reap(ended);
	ended->result = (struct child_result){ 0 };
	leave(ended);
	return 0;
}

int child_run(const struct child_request *request, struct child_result *result, struct err *e)
{
	struct child_group *group;
	size_t number;
	int rc = child_group_open(&group, 1, e);

	*result = (struct child_result){ 0 };
	if (rc == 0)
		rc = child_group_start(group, request, 0, e);
	if (rc == 0)
		rc = child_group_wait(group, &number, result, e);
	child_group_close(group);
	return rc;
}

void child_finish(struct child_result *result)
{
	free(result->report);
	result->report = NULL;
}
