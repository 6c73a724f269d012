/* SPDX-License-Identifier: MIT */
#include "tests/malformed/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/must.h"

enum { NS_PER_S = 1000000000, NS_PER_US = 1000, PATH_BYTES = 4096, PAGE_BYTES = 4096 };

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Every open waits for an answer. Returns the descriptor that the questions come from, or -1. */
static int install_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 6),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_open, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_creat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

/* One message with a descriptor in it, or without one. */
static void send_fd(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec io = { &byte, 1 };
	struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1 };
	struct cmsghdr *header;

	if (fd >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	must(sendmsg(socket, &message, 0) == 1);
}

static int receive_fd(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec io = { &byte, 1 };
	struct msghdr message = { .msg_iov = &io,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	int fd;

	must(recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1);
	header = CMSG_FIRSTHDR(&message);
	if (!header)
		return -1;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static _Noreturn void become(char *const argv[], int in_fd, int out_fd, int err_fd, int socket)
{
	const struct rlimit no_core = { 0, 0 };
	int filter;
	char go;

	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(in_fd, 0) < 0 || dup2(out_fd, 1) < 0 || dup2(err_fd, 2) < 0)
		_exit(126);
	filter = install_filter();
	send_fd(socket, filter);
	if (filter >= 0)
		(void)close(filter);
	if (read(socket, &go, 1) != 1)
		_exit(126);
	(void)execv(argv[0], argv);
	_exit(127);
}

/* Reads a path from another process: from its page, and from the next if that is there. */
static bool read_path(pid_t pid, uint64_t at, char path[PATH_BYTES])
{
	size_t first = PAGE_BYTES - at % PAGE_BYTES;
	struct iovec local = { path, PATH_BYTES - 1 };
	struct iovec remote[2] = { { (void *)(uintptr_t)at, first },                  // NOLINT
				   { (void *)(uintptr_t)(at + first), PAGE_BYTES } }; // NOLINT
	ssize_t n = process_vm_readv(pid, &local, 1, remote, 2, 0);

	path[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Looks at the path of an open and lets it go on. */
static void answer(int filter, struct witness *w)
{
	struct seccomp_notif question = { 0 };
	struct seccomp_notif_resp response = { 0 };
	char path[PATH_BYTES];
	bool at;

	if (ioctl(filter, SECCOMP_IOCTL_NOTIF_RECV, &question) < 0)
		return; /* it died meanwhile */
	at = question.data.nr == SYS_openat || question.data.nr == SYS_openat2;
	w->opens++;
	if (!read_path((pid_t)question.pid, question.data.args[at], path))
		w->sees_opens = false;
	else if (strcmp(path, "/dev/kvm") == 0)
		w->opened_kvm = true;
	response.id = question.id;
	response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	(void)ioctl(filter, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

/* Answers until the process has ended, or kills it when its time is up. */
static void attend(int pidfd, int filter, pid_t pid, uint64_t limit_ns, struct witness *w)
{
	uint64_t start = now_ns();

	for (;;) {
		struct pollfd fds[] = { { pidfd, POLLIN, 0 }, { filter, POLLIN, 0 } };
		uint64_t spent = now_ns() - start;
		struct timespec left = { 0 };

		if (spent >= limit_ns) {
			w->out_of_time = true;
			(void)kill(pid, SIGKILL);
			limit_ns = UINT64_MAX;
		}
		left.tv_sec = (time_t)((limit_ns - spent) / NS_PER_S);
		left.tv_nsec = (long)((limit_ns - spent) % NS_PER_S);
		must(ppoll(fds, filter >= 0 ? 2 : 1, limit_ns == UINT64_MAX ? NULL : &left, NULL) >=
			     0 ||
		     errno == EINTR);
		if (fds[0].revents)
			break;
		if (fds[1].revents & POLLIN)
			answer(filter, w);
		else if (fds[1].revents)
			filter = -1; /* nobody is left to ask */
	}
	w->wall_ns = now_ns() - start;
}

static uint64_t time_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_usec * NS_PER_US;
}

static void collect(pid_t pid, int out_fd, int err_fd, struct witness *w)
{
	struct rusage usage;
	struct stat st;
	ssize_t n;
	int status;

	while (wait4(pid, &status, 0, &usage) < 0)
		must(errno == EINTR);
	w->exited = WIFEXITED(status);
	w->status = w->exited ? WEXITSTATUS(status) : WTERMSIG(status);
	w->cpu_ns = time_ns(usage.ru_utime) + time_ns(usage.ru_stime);
	w->max_rss_bytes = (uint64_t)usage.ru_maxrss << 10;
	must(fstat(out_fd, &st) == 0);
	w->out_bytes = (uint64_t)st.st_size;
	must(fstat(err_fd, &st) == 0);
	w->err_bytes = (uint64_t)st.st_size;
	n = pread(err_fd, w->err, sizeof(w->err) - 1, 0);
	must(n >= 0);
	w->err[n] = '\0';
}

void witness(char *const argv[], uint64_t limit_ns, struct witness *w)
{
	int in_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out_fd = memfd_create("stdout", MFD_CLOEXEC);
	int err_fd = memfd_create("stderr", MFD_CLOEXEC);
	int sockets[2], pidfd, filter;
	pid_t pid;

	memset(w, 0, sizeof(*w));
	must(in_fd >= 0 && out_fd >= 0 && err_fd >= 0);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
	pid = fork();
	must(pid >= 0);
	if (pid == 0)
		become(argv, in_fd, out_fd, err_fd, sockets[1]);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	must(pidfd >= 0);
	filter = receive_fd(sockets[0]);
	w->sees_opens = filter >= 0;
	must(write(sockets[0], "", 1) == 1);
	attend(pidfd, filter, pid, limit_ns, w);
	collect(pid, out_fd, err_fd, w);
	if (filter >= 0)
		(void)close(filter);
	(void)close(pidfd);
	(void)close(sockets[0]);
	(void)close(sockets[1]);
	(void)close(in_fd);
	(void)close(out_fd);
	(void)close(err_fd);
}
