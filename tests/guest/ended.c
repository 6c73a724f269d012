/* SPDX-License-Identifier: MIT */
/*
 * ended: what is left of a command when wait() has told its end?
 *
 *	ended [-c] [-r] [-s] [-t] COMMAND [ARGUMENT]...
 *
 *	-c	a filter of system calls refuses clone() without CLONE_THREAD, with EPERM
 *	-r	and one refuses close_range(), with ENOSYS, as a kernel before 5.9
 *	-s	and one refuses socketpair(), with EPERM
 *	-t	all turns to have the kernel close the VM are taken (vmm/reaper.c)
 *
 * The command's stdout is a pipe; it inherits another one, and a lock (flock) on a file. When it has
 * ended, one line on stdout:
 *
 *	status S bytes B pipes END lock FREE folder F kib K orphans N
 *
 *	S	exit status, or 128 + the signal
 *	B	of its stdout
 *	END	closed: both pipes are at their end at once; open: somebody still has one
 *	FREE	free, or held
 *	F	where an orphan is: / or elsewhere; - when there is none (any more)
 *	K	resident memory of an orphan, 0 when there is none
 *	N	orphans that came to us, who adopt them; all have ended within 5 s, or the status is 1
 *
 * Its stdin and stderr are ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	INHERITED = 9,
	LOCKED = 10,
	TRIES = 5000,
	TRY_US = 1000,
	LOOK_US = 200,
	KIB_PER_PAGE = 4,
	TURNS = 32
};

static struct {
	bool no_clone, no_close_range, no_sockets, no_turn;
	int out[2], other[2];
	char locked[32];
	unsigned int orphans;
} run;

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "ended: %s: %s\n", what, strerror(errno));
	exit(1);
}

#define LOAD(field)    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, action)
#define REFUSE(code)   ANSWER(SECCOMP_RET_ERRNO | (code))

/* Calls that are not refused are compared with numbers that there are not. */
static void filter_calls(void)
{
	struct sock_filter filter[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			 run.no_close_range ? SYS_close_range : UINT32_MAX, 0, 1),
		REFUSE(ENOSYS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, run.no_sockets ? SYS_socketpair : UINT32_MAX, 0,
			 1),
		REFUSE(EPERM),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, run.no_clone ? SYS_clone : UINT32_MAX, 0, 3),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
		REFUSE(EPERM),
		ANSWER(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		die("no filter of system calls can be had");
}

static void take_turns(void)
{
	for (int i = 0; i < TURNS; i++) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		int n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
				 "tvmm closes VM %d", i);
		socklen_t bytes =
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		/* The VM of an earlier run may still have it. */
		for (int try = 0; bind(fd, (const struct sockaddr *)&address, bytes) < 0; try++) {
			if (errno != EADDRINUSE || try == TRIES)
				die(address.sun_path + 1);
			(void)usleep(TRY_US);
		}
	}
}

static pid_t start(char **argv)
{
	int lock = open(run.locked, O_RDWR | O_CREAT, 0600);
	pid_t pid;

	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		die("no lock can be had");
	pid = fork();
	if (pid < 0)
		die("no process can be had");
	if (pid == 0) {
		if (dup2(run.other[1], INHERITED) < 0 || dup2(lock, LOCKED) < 0 ||
		    dup2(run.out[1], STDOUT_FILENO) < 0)
			die("descriptors");
		if (run.no_clone || run.no_close_range || run.no_sockets)
			filter_calls();
		(void)execvp(argv[0], argv);
		die(argv[0]);
	}
	(void)close(run.out[1]);
	(void)close(run.other[1]);
	(void)close(lock);
	return pid;
}

/* What is there of what it says. */
static size_t take(void)
{
	char chunk[4096];
	size_t bytes = 0;
	ssize_t n;

	while ((n = read(run.out[0], chunk, sizeof(chunk))) > 0)
		bytes += (size_t)n;
	return bytes;
}

/* What it says, until it has ended: not until the pipe has, which others may hold for longer. */
static int watch(pid_t pid, size_t *bytes)
{
	int status;
	pid_t ended;

	*bytes = 0;
	if (fcntl(run.out[0], F_SETFL, O_NONBLOCK) < 0)
		die("fcntl");
	while ((ended = waitpid(pid, &status, WNOHANG)) == 0) {
		*bytes += take();
		(void)usleep(LOOK_US);
	}
	if (ended != pid)
		die("waitpid");
	*bytes += take();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool at_end(int fd)
{
	char byte;

	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return read(fd, &byte, 1) == 0;
}

/* Whether the file's lock is to be had, by somebody who opens it anew. */
static const char *look_at_lock(void)
{
	int fd = open(run.locked, O_RDWR);
	bool is_free = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;

	(void)close(fd);
	return is_free ? "free" : "held";
}

/* Of our children: there is one at most. */
static pid_t find_orphan(void)
{
	char path[64];
	int pid = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%d", &pid) != 1)
		pid = 0;
	(void)fclose(f);
	return pid;
}

static const char *folder_of(pid_t pid)
{
	char path[64], folder[4096];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
	n = readlink(path, folder, sizeof(folder));
	if (n < 0)
		return "-";
	return n == 1 ? "/" : "elsewhere";
}

static long kib_of(pid_t pid)
{
	char path[64];
	long size, resident = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	(void)fclose(f);
	return resident * KIB_PER_PAGE;
}

/* Until nobody is left, or patience is over. */
static bool reap_orphans(void)
{
	for (int i = 0; i < TRIES; i++) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0)
			return true;
		if (pid > 0)
			run.orphans++;
		else
			(void)usleep(TRY_US);
	}
	return false;
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+crst")) != -1) {
		if (c == '?') {
			fprintf(stderr, "ended: see the head of tests/guest/ended.c\n");
			exit(1);
		}
		run.no_clone |= c == 'c';
		run.no_close_range |= c == 'r';
		run.no_sockets |= c == 's';
		run.no_turn |= c == 't';
	}
}

int main(int argc, char **argv)
{
	int status;
	size_t bytes;
	pid_t pid, orphan;
	bool over;

	parse(argc, argv);
	(void)snprintf(run.locked, sizeof(run.locked), "/tmp/ended.%d", (int)getpid());
	if (!argv[optind] || pipe2(run.out, O_CLOEXEC) < 0 || pipe2(run.other, O_CLOEXEC) < 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		die("a command, two pipes and orphans are needed");
	if (run.no_turn)
		take_turns();
	pid = start(argv + optind);
	status = watch(pid, &bytes);
	printf("status %d bytes %zu pipes %s lock %s", status, bytes,
	       at_end(run.out[0]) && at_end(run.other[0]) ? "closed" : "open", look_at_lock());
	orphan = find_orphan();
	printf(" folder %s kib %ld", orphan ? folder_of(orphan) : "-", orphan ? kib_of(orphan) : 0);
	over = reap_orphans();
	printf(" orphans %u\n", run.orphans);
	(void)unlink(run.locked);
	return over ? 0 : 1;
}
