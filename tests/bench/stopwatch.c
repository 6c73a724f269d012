/* SPDX-License-Identifier: MIT */
/*
 * stopwatch: how long does a command take to write a certain text?
 *
 *	stopwatch [-n RUNS] [-l LABEL] [-t SECONDS] [-c] [-x FILE] (-m TEXT | -e) [--] command [argument]...
 *
 *	-n RUNS		so many times, one after the other (1)
 *	-l LABEL	first word of each line (the command's name)
 *	-t SECONDS	longest time for one run (60)
 *	-c		tell the processor's time as well
 *	-x FILE		tell the number in FILE at the end as well (KVM's count of exits)
 *	-m TEXT		stop when TEXT has come on the command's stdout, and kill the command
 *	-e		stop when the command has ended, with any status
 *
 * One line for each run: `LABEL NANOSECONDS`, or `LABEL none` when the text did not come; then the
 * exit status is 1. The time is CLOCK_MONOTONIC from just before the process is made (vfork, then
 * exec) until the byte that completes the text has been read from the pipe, or until wait() returns.
 * The command has /dev/null as stdin and our stderr.
 *
 * With -c a third word follows: the nanoseconds (in steps of 1000) that processors worked for the
 * command and its threads, in user space, kernel and guest, until it was gone. Waiting is not in it.
 * With -x the number in the file when the text had come comes last; `none` if there is none.
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
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL

/* What of the text may already stand at the end of what was read before. */
#define LONGEST_TEXT 256

static struct {
	long runs;
	const char *label;
	int64_t limit_ns;
	bool cpu_time;
	const char *count_file;
	const char *text; /* NULL: wait for the end */
	char **argv;
} want = { .runs = 1, .limit_ns = 60 * NS_PER_S };

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "stopwatch: %s\n", what);
	exit(2);
}

static pid_t start(int out)
{
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t pid = vfork();

	if (pid < 0)
		die("cannot fork");
	if (pid == 0) {
		if (dup2(nothing, 0) < 0 || dup2(out, 1) < 0)
			_exit(126);
		execvp(want.argv[0], want.argv);
		_exit(127);
	}
	close(nothing);
	return pid;
}

/* Waits for bytes until `deadline`; their number, 0 at the end, -1 when the time is over. */
static ssize_t read_before(int64_t deadline, int fd, char *buffer, size_t size)
{
	int64_t left = deadline - now_ns();
	struct timespec limit = { left / NS_PER_S, left % NS_PER_S };
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	if (left <= 0 || ppoll(&poll_fd, 1, &limit, NULL) <= 0)
		return -1;
	return read(fd, buffer, size);
}

/* The time at which the output contained the text (or ended, when there is none to look for); 0 when
 * that did not happen. */
static int64_t watch(int fd, int64_t deadline)
{
	char buffer[LONGEST_TEXT + 65536];
	size_t kept = 0, length = want.text ? strlen(want.text) : 0;

	for (;;) {
		ssize_t n = read_before(deadline, fd, buffer + kept, sizeof(buffer) - kept);
		int64_t t = now_ns();

		if (n < 0)
			return 0;
		if (n == 0)
			return want.text ? 0 : t;
		if (!want.text)
			continue;
		n += (ssize_t)kept;
		if (memmem(buffer, (size_t)n, want.text, length))
			return t;
		kept = (size_t)n < length - 1 ? (size_t)n : length - 1;
		memmove(buffer, buffer + n - kept, kept);
	}
}

/* Kills it, kindly at first. */
static void end_command(pid_t pid)
{
	kill(pid, SIGTERM);
	for (int i = 0; i < 200; i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return;
		usleep(10000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Of all commands that were waited for. */
static int64_t cpu_ns(void)
{
	struct rusage used;

	getrusage(RUSAGE_CHILDREN, &used);
	return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * NS_PER_S +
	       (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000LL;
}

/* The number in want.count_file; -1 when it has none. */
static long long read_count(void)
{
	FILE *f = fopen(want.count_file, "re");
	long long count = -1;

	if (f && fscanf(f, "%lld", &count) != 1)
		count = -1;
	if (f)
		fclose(f);
	return count;
}

static void print_run(int64_t end, int64_t took_ns, int64_t used_ns, long long count)
{
	if (!end)
		printf("%s none", want.label);
	else
		printf("%s %lld", want.label, (long long)took_ns);
	if (end && want.cpu_time)
		printf(" %lld", (long long)used_ns);
	if (end && want.count_file && count >= 0)
		printf(" %lld", count);
	else if (end && want.count_file)
		printf(" none");
	printf("\n");
	fflush(stdout);
}

static bool one_run(void)
{
	int out[2];
	int64_t begin, end, used = cpu_ns();
	long long count = -1;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		die("cannot make a pipe");
	begin = now_ns();
	pid = start(out[1]);
	close(out[1]);
	end = watch(out[0], begin + want.limit_ns);
	if (want.count_file)
		count = read_count();
	if (!want.text && end) {
		waitpid(pid, NULL, 0);
		end = now_ns();
	} else {
		end_command(pid);
	}
	close(out[0]);
	print_run(end, end - begin, cpu_ns() - used, count);
	return end != 0;
}

static void parse_options(int argc, char **argv)
{
	bool until_end = false;
	int c;

	while ((c = getopt(argc, argv, "+n:l:t:m:x:ce")) != -1) {
		if (c == 'n')
			want.runs = strtol(optarg, NULL, 10);
		else if (c == 'l')
			want.label = optarg;
		else if (c == 't')
			want.limit_ns = strtol(optarg, NULL, 10) * NS_PER_S;
		else if (c == 'm')
			want.text = optarg;
		else if (c == 'x')
			want.count_file = optarg;
		else if (c == 'c')
			want.cpu_time = true;
		else if (c == 'e')
			until_end = true;
		else
			die("see the head of tests/bench/stopwatch.c for the usage");
	}
	want.argv = argv + optind;
	if (!want.argv[0] || !want.text == !until_end || want.runs < 1 || want.limit_ns < NS_PER_S)
		die("give a command, and either -m TEXT or -e");
	if (want.text && (!*want.text || strlen(want.text) > LONGEST_TEXT))
		die("the text is empty or too long");
	if (!want.label)
		want.label = want.argv[0];
}

int main(int argc, char **argv)
{
	bool all = true;

	parse_options(argc, argv);
	for (long i = 0; i < want.runs; i++)
		all &= one_run();
	return all ? 0 : 1;
}
