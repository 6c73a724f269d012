/* SPDX-License-Identifier: MIT */
/*
 * How late a time limit and a signal end tvmm, whatever the guest or a reader does.
 *
 *	timeouts RUNS TVMM GUESTS
 *
 * GUESTS is the folder of tests/guest's guests. RUNS runs end by -timeout, as many by SIGTERM and
 * SIGINT, in turn over five hosts' and guests' habits. Printed are median, 99th percentile and the
 * worst, in milliseconds:
 *
 *	timeout		from the start of the process, less what was asked for, to its end
 *	signals		from kill() to the end of the process
 *
 * The end is when waitpid() tells it: with all that the kernel tears down. A wrong exit status ends
 * the program with status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT_MS = 50, BEFORE_SIGNAL_MS = 60, RUNS_MAX = 100000, STATUS_TIMEOUT = 124 };

enum habit { SPINS, HALTED, FLOODS, BLOCKED_OUTPUT, BLOCKED_REPORT, HABITS };

static const struct {
	const char *name, *guest, *cmdline;
} habits[HABITS] = {
	[SPINS] = { "a guest that spins", "spin", "up" },
	[HALTED] = { "a guest that is halted", "idle", "up" },
	[FLOODS] = { "a guest that floods", "count", "0" },
	[BLOCKED_OUTPUT] = { "the same, and nobody reads", "count", "0" },
	[BLOCKED_REPORT] = { "a report that nobody reads", "spin", "up" },
};

static const int signals[] = { 0, SIGTERM, SIGINT }; /* 0: the time limit */

enum { WAYS = sizeof(signals) / sizeof(signals[0]) };

static struct {
	double late_ms[RUNS_MAX];
	size_t count;
} of[HABITS][WAYS];

static const char *tvmm, *guests;
static int full_pipe, nowhere;

static double now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "timeouts: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void sleep_until(double ms)
{
	double left;

	while ((left = ms - now_ms()) > 0)
		(void)poll(NULL, 0, left < 1 ? 1 : (int)left);
}

/* The writing end of a pipe that takes nothing more. */
static int make_full_pipe(void)
{
	char bytes[4096] = { 0 };
	int ends[2];

	if (pipe(ends) < 0 || fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0)
		die("pipe");
	while (write(ends[1], bytes, sizeof(bytes)) > 0)
		;
	if (fcntl(ends[1], F_SETFL, 0) < 0)
		die("pipe");
	return ends[1];
}

/* Reads all that comes, and is gone when the last writer is. Returns the writing end. */
static int start_reader(pid_t *reader)
{
	char bytes[65536];
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		die("pipe");
	*reader = fork();
	if (*reader == 0) {
		(void)close(ends[1]);
		while (read(ends[0], bytes, sizeof(bytes)) > 0)
			;
		_exit(0);
	}
	(void)close(ends[0]);
	return ends[1];
}

static pid_t start(enum habit habit, bool limited, int output)
{
	char kernel[4096], report[32], limit[16];
	const char *option[16] = {
		tvmm, "-kernel", kernel, "-append", habits[habit].cmdline, "-q"
	};
	size_t n = 6;
	pid_t pid;

	(void)snprintf(kernel, sizeof(kernel), "%s/%s.bzImage", guests, habits[habit].guest);
	(void)snprintf(report, sizeof(report), "/dev/fd/%d", full_pipe);
	(void)snprintf(limit, sizeof(limit), "%dms", LIMIT_MS);
	if (limited) {
		option[n++] = "-timeout";
		option[n++] = limit;
	}
	if (habit == BLOCKED_REPORT) {
		option[n++] = "-report";
		option[n++] = report;
	}
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	if (dup2(nowhere, 0) < 0 || dup2(output, 1) < 0 || dup2(nowhere, 2) < 0)
		_exit(1);
	(void)execv(tvmm, (char *const *)(uintptr_t)option);
	_exit(1);
}

static void expect_status(enum habit habit, int signal, int status)
{
	int wanted = signal ? 128 + signal : STATUS_TIMEOUT;

	if (WIFEXITED(status) && WEXITSTATUS(status) == wanted)
		return;
	(void)fprintf(stderr, "timeouts: %s: exit status %d, not %d\n", habits[habit].name,
		      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), wanted);
	exit(1);
}

static void make_run(enum habit habit, int way)
{
	pid_t pid, reader = -1;
	int status, output = habit == BLOCKED_OUTPUT ? full_pipe : nowhere;
	double began;

	if (habit == FLOODS)
		output = start_reader(&reader);
	began = now_ms();
	pid = start(habit, signals[way] == 0, output);
	if (habit == FLOODS)
		(void)close(output);
	if (signals[way]) {
		sleep_until(began + BEFORE_SIGNAL_MS);
		began = now_ms();
		(void)kill(pid, signals[way]);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	of[habit][way].late_ms[of[habit][way].count++] =
		now_ms() - began - (signals[way] ? 0 : LIMIT_MS);
	expect_status(habit, signals[way], status);
	if (reader > 0)
		(void)waitpid(reader, &status, 0);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_row(const char *name, const char *way, double *late_ms, size_t count)
{
	if (!count)
		return;
	qsort(late_ms, count, sizeof(*late_ms), by_size);
	(void)printf("%-28s %-8s %6zu %8.2f %8.2f %8.2f\n", name, way, count, late_ms[count / 2],
		     late_ms[(count * 99 + 99) / 100 - 1], late_ms[count - 1]);
}

static void print_all(void)
{
	static const char *const names[WAYS] = { "timeout", "SIGTERM", "SIGINT" };
	static double all[HABITS * RUNS_MAX];

	(void)printf("%-28s %-8s %6s %8s %8s %8s\n", "", "ended by", "runs", "p50 ms", "p99 ms",
		     "max ms");
	for (int way = 0; way < WAYS; way++) {
		size_t n = 0;

		for (int habit = 0; habit < HABITS; habit++) {
			size_t count = of[habit][way].count;

			memcpy(all + n, of[habit][way].late_ms, count * sizeof(*all));
			n += count;
			print_row(habits[habit].name, names[way], of[habit][way].late_ms, count);
		}
		print_row("all", names[way], all, n);
	}
}

int main(int argc, char **argv)
{
	int runs = argc == 4 ? atoi(argv[1]) : 0;

	if (runs < 1 || runs > RUNS_MAX) {
		(void)fprintf(stderr, "usage: timeouts RUNS TVMM GUESTS\n");
		return 1;
	}
	tvmm = argv[2];
	guests = argv[3];
	nowhere = open("/dev/null", O_RDWR);
	full_pipe = make_full_pipe();
	for (int i = 0; i < runs; i++) {
		make_run((enum habit)(i % HABITS), 0);
		make_run((enum habit)(i % HABITS), 1 + i / HABITS % 2);
	}
	print_all();
	return 0;
}
