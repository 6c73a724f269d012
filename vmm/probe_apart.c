/* SPDX-License-Identifier: MIT */
/*
 * The probe in a process of its own. A filter of system calls may end the process that makes one, and
 * a host that lacks memory ends whom it likes: who asks has to outlive that, to be able to tell. The
 * result lies in memory that both share, so that how far it came is known in any case.
 *
 * Authority: seccomp(2) SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_TRAP.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/probe.h"

enum { LIMIT_MS = 20000 };

static void probe_and_exit(struct probe_result *shared)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	probe_run(shared);
	_exit(0);
}

/* Until it has ended, or its time is over. */
static void await(pid_t pid)
{
	int fd = pidfd_open(pid, 0);
	struct pollfd ended = { .fd = fd, .events = POLLIN };
	int rc;

	if (fd < 0)
		return; /* there is no time limit then */
	do {
		rc = poll(&ended, 1, LIMIT_MS);
	} while (rc < 0 && errno == EINTR);
	if (rc == 0)
		(void)kill(pid, SIGKILL);
	(void)close(fd);
}

static void tell_signal(struct probe_result *result, int number)
{
	result->ended_by_signal = number;
	(void)err_set(&result->err, ECANCELED, "the probe was ended by signal %d (%s)", number,
		      strsignal(number));
}

void probe_run_apart(struct probe_result *result)
{
	struct probe_result *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = shared == MAP_FAILED ? -1 : fork();
	int status = 0;

	if (pid == 0)
		probe_and_exit(shared);
	if (pid < 0) {
		probe_run(result);
	} else {
		await(pid);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		*result = *shared;
		if (WIFSIGNALED(status))
			tell_signal(result, WTERMSIG(status));
	}
	if (shared != MAP_FAILED)
		(void)munmap(shared, sizeof(*shared));
}
