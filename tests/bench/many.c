/* SPDX-License-Identifier: MIT */
/*
 * many: how many VMs a second, and how much memory for each?
 *
 *	many [-n RUNS] [-j JOBS] [-t SECONDS] [--] COMMAND [ARGUMENT]...
 *	many -m [-j JOBS] [-t SECONDS] [--] COMMAND [ARGUMENT]...
 *
 *	-n RUNS		runs in all (JOBS)
 *	-j JOBS		at the same time (1, at most 1000): when one has ended the next is started
 *	-m		memory instead: JOBS commands that do not end by themselves; when each has said
 *			something on its stdout, what they have in memory is read, and they are killed
 *	-t SECONDS	the longest time for all (120)
 *
 * One line on stdout. Of runs, with nanoseconds of CLOCK_MONOTONIC from before the first fork to behind
 * the last wait() (all), until also the processes have ended that were left behind by them, which come
 * to us, and there are no more VMs than before, where /sys/kernel/debug/kvm tells (settled); failed are
 * those with a status other than 0:
 *
 *	runs N jobs N all_ns N settled_ns N failed N
 *
 * Of memory, sums in KiB (proc(5): Rss, Pss and Private of /proc/PID/smaps_rollup), and the kernel's
 * own (what MemAvailable lost, less Pss: page tables, structures of KVM; on a machine that does nothing
 * else, and of many: MemAvailable is an estimate that a few do not move):
 *
 *	jobs N rss_kib N pss_kib N private_kib N kernel_kib N
 *
 * When a command does not do what it should in time, all are killed and the exit status is 1. Their
 * stdin and stdout are /dev/null (with -m, stdout is a pipe), stderr is ours.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL

enum { JOBS_MAX = 1000, RUNS_MAX = 1000000, SECONDS_MAX = 86400, LOOK_US = 500, LOOKS = 40000 };

static struct {
	long runs, jobs, seconds;
	bool memory;
	char **argv;
} want = { .jobs = 1, .seconds = 120 };

static pid_t running[JOBS_MAX]; /* 0: room for one */
static int nothing;             /* /dev/null */

static void kill_all(void)
{
	for (size_t i = 0; i < JOBS_MAX; i++) {
		if (running[i] > 0)
			(void)kill(running[i], SIGKILL);
	}
}

__attribute__((noreturn)) static void die(const char *what)
{
	kill_all();
	fprintf(stderr, "many: %s\n", what);
	exit(1);
}

/* A handler, so that a wait that takes too long is interrupted. */
static void too_late(int signal)
{
	static const char words[] = "many: time is up\n";

	(void)signal;
	kill_all();
	(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
	_exit(1);
}

static int64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* out: what its stdout is. Returns its process. */
static pid_t start(int out)
{
	pid_t pid = fork();

	if (pid < 0)
		die("no process can be had");
	if (pid == 0) {
		if (dup2(nothing, 0) < 0 || dup2(out, 1) < 0)
			_exit(126);
		(void)execvp(want.argv[0], want.argv);
		_exit(127);
	}
	return pid;
}

/*
 * ---- runs --------------------------------------------------------------------------------------
 */

/* Waits for one of ours. What else comes has been left behind by one. */
static size_t wait_for_one(long *failed)
{
	for (;;) {
		int status;
		pid_t pid = wait(&status);

		if (pid < 0)
			die("wait");
		for (size_t i = 0; i < (size_t)want.jobs; i++) {
			if (running[i] != pid)
				continue;
			running[i] = 0;
			*failed += status != 0;
			return i;
		}
	}
}

/* All that there are, of anybody's. 0 where nobody tells. */
static long vms(void)
{
	DIR *folder = opendir("/sys/kernel/debug/kvm");
	struct dirent *entry;
	long n = 0;

	if (!folder)
		return 0;
	while ((entry = readdir(folder))) /* a VM is PROCESS-DESCRIPTOR, the rest are sums */
		n += isdigit((unsigned char)entry->d_name[0]) != 0;
	(void)closedir(folder);
	return n;
}

static int measure_runs(void)
{
	long started = 0, ended = 0, failed = 0, before = vms();
	int64_t begin = now_ns(), all;

	while (started < want.jobs && started < want.runs)
		running[started++] = start(nothing);
	while (ended < want.runs) {
		size_t i = wait_for_one(&failed);

		ended++;
		if (started < want.runs) {
			running[i] = start(nothing);
			started++;
		}
	}
	all = now_ns() - begin;
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < LOOKS && vms() > before; i++) /* others may start some */
		(void)usleep(LOOK_US);
	printf("runs %ld jobs %ld all_ns %lld settled_ns %lld failed %ld\n", want.runs, want.jobs,
	       (long long)all, (long long)(now_ns() - begin), failed);
	return failed != 0;
}

/*
 * ---- memory ------------------------------------------------------------------------------------
 */

/* The sum of a file's lines "NAME: N kB" that begin with the name. */
static long kib_in(const char *path, const char *name)
{
	char line[256];
	long sum = 0;
	FILE *f = fopen(path, "r");

	if (!f)
		die("a file in /proc cannot be read");
	while (fgets(line, sizeof(line), f)) {
		const char *colon = strchr(line, ':');

		if (colon && strncmp(line, name, strlen(name)) == 0)
			sum += strtol(colon + 1, NULL, 10);
	}
	(void)fclose(f);
	return sum;
}

static long kib_of_all(const char *name)
{
	char path[64];
	long sum = 0;

	for (long i = 0; i < want.jobs; i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)running[i]);
		sum += kib_in(path, name);
	}
	return sum;
}

static int measure_memory(void)
{
	static int said[JOBS_MAX];
	long before = kib_in("/proc/meminfo", "MemAvailable"), lost, pss;
	char byte;

	for (long i = 0; i < want.jobs; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			die("no pipe can be had");
		running[i] = start(ends[1]);
		said[i] = ends[0];
		(void)close(ends[1]);
	}
	for (long i = 0; i < want.jobs; i++) {
		if (read(said[i], &byte, 1) != 1)
			die("a command has ended without a word");
	}
	lost = before - kib_in("/proc/meminfo", "MemAvailable");
	pss = kib_of_all("Pss:");
	printf("jobs %ld rss_kib %ld pss_kib %ld private_kib %ld kernel_kib %ld\n", want.jobs,
	       kib_of_all("Rss:"), pss, kib_of_all("Private_"), lost - pss);
	kill_all();
	while (wait(NULL) > 0)
		;
	return 0;
}

static long number(const char *text, long most)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || value < 1 || value > most)
		die("a number is out of its range; see the head of tests/bench/many.c");
	return value;
}

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+n:j:t:m")) != -1) {
		if (c == 'n')
			want.runs = number(optarg, RUNS_MAX);
		else if (c == 'j')
			want.jobs = number(optarg, JOBS_MAX);
		else if (c == 't')
			want.seconds = number(optarg, SECONDS_MAX);
		else if (c == 'm')
			want.memory = true;
		else
			die("see the head of tests/bench/many.c for the usage");
	}
	want.argv = argv + optind;
	want.runs = want.runs ? want.runs : want.jobs;
	if (!want.argv[0] || (want.memory && want.runs != want.jobs))
		die("give a command, and -n without -m");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		die("orphans cannot be adopted");
	nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (nothing < 0)
		die("/dev/null cannot be opened");
	(void)signal(SIGALRM, too_late);
	(void)alarm((unsigned int)want.seconds);
	return want.memory ? measure_memory() : measure_runs();
}
