/* SPDX-License-Identifier: MIT */
#include "vmm/reaper.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WATCHED true /* they look for what was forgotten when the process ends in order */
#else
#define WATCHED false
#endif

/* No handler runs on the stack: the reaper has all signals blocked. */
enum { STACK_BYTES = 4 << 10, TURNS = 32, NS_PER_US = 1000 };

/*
 * The reaper. Its memory is ours, errno and all, so it writes none of it. PR_SET_PDEATHSIG comes too
 * late when we are gone already.
 */
static int wait_for_our_end(void *argument)
{
	const pid_t *parent = argument;

	if (syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0) {
		while (syscall(SYS_getppid) == *parent)
			(void)syscall(SYS_pause);
	}
	(void)syscall(SYS_exit_group, 0);
	return 0;
}

static bool start_reaper(void)
{
	static uint8_t stack[STACK_BYTES] __attribute__((aligned(16)));
	static pid_t us;
	sigset_t all, before;
	pid_t reaper;

	us = getpid();
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	/* Without a signal to us, who will not wait for it. */
	reaper = clone(wait_for_our_end, stack + sizeof(stack), CLONE_VM | CLONE_FILES | CLONE_FS,
		       &us);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return reaper > 0;
}

/*
 * Whether process 1 hears of children's ends: who reaps orphans catches SIGCHLD, or blocks it and
 * fetches it, or ignores it, and then the kernel reaps. [PROC] /proc/pid/status, SigBlk and others.
 */
static bool orphans_are_reaped(void)
{
	static const char *const masks[] = { "\nSigBlk:", "\nSigIgn:", "\nSigCgt:" };
	char text[4096];
	ssize_t n;
	int fd = open("/proc/1/status", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		const char *at = strstr(text, masks[i]);

		if (at && strtoull(at + strlen(masks[i]), NULL, 16) >> (SIGCHLD - 1) & 1)
			return true;
	}
	return false;
}

/* Whether somebody else now has what we have. */
static bool another_process_stays(void)
{
	/* A range that holds nothing: is the call known? */
	if (getpid() == 1 || close_range(UINT_MAX, UINT_MAX, 0) < 0 || !orphans_are_reaped() ||
	    !start_reaper())
		return false;
	(void)!chdir("/");
	return true;
}

/*
 * The collector is given so many VMs at most, for they are closed one after the other: a name for each, which
 * the socket has for as long as there is something to close. In no file system, but in the network's
 * namespace: [LINUX] unix(7), abstract sockets, whose first byte is 0. Where the search begins differs from run
 * to run, so that those that end at the same time seldom meet.
 */
static bool take_turn(int socket)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	for (int i = 0; i < TURNS; i++) {
		int n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
				 "tvmm closes VM %ld", (now.tv_nsec / NS_PER_US + i) % TURNS);
		size_t bytes = offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n;

		if (bind(socket, (const struct sockaddr *)&address, (socklen_t)bytes) == 0)
			return true;
	}
	return false;
}

/*
 * Puts the VM into a message that waits in a socket, and a descriptor of that very socket as well: once ours
 * are closed nothing leads there any more. Who finds that out is the kernel's collector of such sockets. It
 * is called whenever a socket of this kind is closed, here the sender's: close_range() and the exit count all
 * descriptors as closed first, and only then do what closing each of them takes. (Later than 6.18 it is not called
 * while it works: then a VM of another run that ends at that moment waits for the next socket that anybody closes.)
 */
static bool collector_has_it(int vm)
{
	int ends[2], sent[2];
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(sent))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(sent)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	char byte = 0;
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 || !take_turn(ends[1]))
		return false; /* and what there is of it goes with us */
	sent[0] = vm;
	sent[1] = ends[1];
	memcpy(CMSG_DATA(&control.head), sent, sizeof(sent));
	/* Refused to users who have more than RLIMIT_NOFILE of them on the way. */
	return sendmsg(ends[0], &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

/*
 * The reaper has our memory, so the guest's is given back before; where the kernel has the VM, it goes with
 * ours, once KVM no longer listens for each page of it.
 */
void reaper_leave(struct vm *vm, int status)
{
	if (WATCHED)
		return;
	if (another_process_stays())
		vm_unmap_memory(vm);
	else if (!collector_has_it(vm->vm_fd))
		return;
	(void)close_range(0, UINT_MAX, 0);
	_exit(status);
}
