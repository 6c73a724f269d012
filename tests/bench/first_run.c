/* SPDX-License-Identifier: MIT */
/*
 * first_run: how long does a VMM take until its first KVM_RUN, and how much memory does it have then
 * besides the guest's?
 *
 *	first_run [-g MIB] [-a MS] [-t SECONDS] [--] command [argument]...
 *
 *	-g MIB		the guest's memory; then the resident memory is measured as well
 *	-a MS		so long after the first KVM_RUN (1000)
 *	-t SECONDS	longest time until the first KVM_RUN (30)
 *
 * Prints `first_run_ns N cpu_ns N`: the second is the time that processors worked for it until then, user
 * and kernel, without waiting. With -g also `rss_kib N guest_kib N pss_kib N`: the process's resident
 * memory without the guest's, the guest's, and the proportional memory without the guest's. Then the
 * command is killed.
 *
 * The command runs with a seccomp filter that lets everything pass but KVM_RUN, which waits for our
 * answer ([SECCOMP] SECCOMP_RET_USER_NOTIF). Unlike with ptrace nothing else is stopped or slowed,
 * beyond the few instructions of the filter at each system call, and a static program is measured
 * like a dynamic one. The time is CLOCK_MONOTONIC from just before execve() in the new process until
 * the notification has arrived here; a wake-up of this process is in it.
 *
 * The guest's memory is told apart by size: in /proc/PID/smaps, mappings at least as large as it.
 * Leaves out: VMMs of several processes; the command's output goes to /dev/null.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S  1000000000LL
#define NS_PER_MS 1000000LL

static struct {
	unsigned long guest_mib;
	int64_t after_ns, limit_ns;
	char **argv;
} want = { .after_ns = NS_PER_S, .limit_ns = 30 * NS_PER_S };

/* Shared with the new process, until it becomes the command. */
struct hand_over {
	int listener;
	int64_t begin_ns;
};

static pid_t command_pid;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

__attribute__((noreturn)) static void die(const char *what)
{
	if (command_pid > 0)
		kill(command_pid, SIGKILL);
	fprintf(stderr, "first_run: %s\n", what);
	exit(2);
}

/* ioctl(fd, KVM_RUN, ...) notifies, all else passes. The request is the low half of argument 1. */
static int install_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_ioctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, KVM_RUN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

/* Waits with the exec until the other side has its copy of the listener: `go` is readable then. */
__attribute__((noreturn)) static void become_command(struct hand_over *hand, int ready, int go)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	char byte = 0;

	hand->listener = install_filter();
	if (hand->listener < 0 || write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1 ||
	    dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0)
		_exit(126);
	close(hand->listener);
	hand->begin_ns = now_ns();
	execvp(want.argv[0], want.argv);
	_exit(127);
}

/* Starts the command; the listener. */
static int start(struct hand_over *hand)
{
	int ready[2], go[2], pidfd, listener;
	char byte;

	if (pipe2(ready, O_CLOEXEC) || pipe2(go, O_CLOEXEC))
		die("cannot make pipes");
	command_pid = fork();
	if (command_pid < 0)
		die("cannot fork");
	if (command_pid == 0) {
		close(ready[0]);
		become_command(hand, ready[1], go[0]);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("cannot install the filter");
	pidfd = pidfd_open(command_pid, 0);
	listener = pidfd_getfd(pidfd, hand->listener, 0);
	if (listener < 0 || write(go[1], &byte, 1) != 1)
		die("cannot take over the filter's listener");
	close(pidfd);
	close(ready[0]);
	close(go[0]);
	close(go[1]);
	return listener;
}

/* Takes the next KVM_RUN, at most till `deadline`; its time, or 0. It waits for the answer. */
static int64_t next_run(int listener, int64_t deadline, uint64_t *id)
{
	int64_t left = deadline - now_ns(), t;
	struct timespec limit = { left / NS_PER_S, left % NS_PER_S };
	struct pollfd poll_fd = { .fd = listener, .events = POLLIN };
	struct seccomp_notif notification = { 0 };

	if (left <= 0 || ppoll(&poll_fd, 1, &limit, NULL) != 1 || !(poll_fd.revents & POLLIN))
		return 0;
	t = now_ns();
	/* ENOENT: a signal took the thread out of the call meanwhile. It was there, and comes again. */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notification) && errno != ENOENT)
		return 0;
	*id = notification.id;
	return t;
}

static void answer(int listener, uint64_t id)
{
	struct seccomp_notif_resp go_on = { .id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &go_on);
}

/* Lets the guest run until `end`. */
static void run_until(int listener, uint64_t id, int64_t end)
{
	answer(listener, id);
	while (now_ns() < end)
		if (next_run(listener, end, &id))
			answer(listener, id);
}

/* smaps has for each mapping a line with the addresses, then lines like `Size:   4 kB`. */
static void print_memory(void)
{
	unsigned long kib, size_kib = 0, own = 0, guest = 0, proportional = 0;
	char path[64], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)command_pid);
	f = fopen(path, "re");
	if (!f)
		die("cannot read the command's smaps: it has ended");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Size: %lu kB", &kib) == 1)
			size_kib = kib;
		else if (sscanf(line, "Rss: %lu kB", &kib) == 1)
			*(size_kib >= want.guest_mib * 1024 ? &guest : &own) += kib;
		else if (sscanf(line, "Pss: %lu kB", &kib) == 1 && size_kib < want.guest_mib * 1024)
			proportional += kib;
	}
	fclose(f);
	printf("rss_kib %lu guest_kib %lu pss_kib %lu\n", own, guest, proportional);
}

static int64_t command_cpu_ns(void)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(command_pid, &clock) || clock_gettime(clock, &t))
		die("cannot read the command's processor time");
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void parse_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+g:a:t:")) != -1) {
		if (c == 'g')
			want.guest_mib = strtoul(optarg, NULL, 10);
		else if (c == 'a')
			want.after_ns = strtol(optarg, NULL, 10) * NS_PER_MS;
		else if (c == 't')
			want.limit_ns = strtol(optarg, NULL, 10) * NS_PER_S;
		else
			die("see the head of tests/bench/first_run.c for the usage");
	}
	want.argv = argv + optind;
	if (!want.argv[0])
		die("give a command");
}

int main(int argc, char **argv)
{
	struct hand_over *hand = mmap(NULL, sizeof(*hand), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t id = 0;
	int64_t first;
	int listener;

	parse_options(argc, argv);
	if (hand == MAP_FAILED)
		die("no memory");
	listener = start(hand);
	first = next_run(listener, now_ns() + want.limit_ns, &id);
	if (!first)
		die("the command ended or took too long before a KVM_RUN");
	printf("first_run_ns %lld cpu_ns %lld\n", (long long)(first - hand->begin_ns),
	       (long long)command_cpu_ns());
	if (want.guest_mib) {
		run_until(listener, id, first + want.after_ns);
		print_memory();
	}
	kill(command_pid, SIGKILL);
	waitpid(command_pid, NULL, 0);
	return 0;
}
