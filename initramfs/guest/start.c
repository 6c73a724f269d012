/* SPDX-License-Identifier: MIT */
/*
 * The new process tells why it could not go on through a pipe that execve() closes: nothing in it
 * means that the program runs. Authority: fork(2), setsid(2), execve(2), pipe(2), fcntl(2).
 */
#include "initramfs/guest/start.h"

#include <linux/errno.h>
#include <linux/fcntl.h>

#include <asm/signal.h>

#include "initramfs/guest/explain.h"
#include "initramfs/guest/sys.h"

enum { READ_END, WRITE_END };

struct refusal {
	bool of_directory; /* chdir() refused, not execve() */
	long error;        /* positive */
};

struct pipes {
	int in[2], out[2], err[2], refusal[2];
};

static bool make_pipes(struct pipes *pipes, struct text *why)
{
	int(*all[])[2] = { &pipes->in, &pipes->out, &pipes->err, &pipes->refusal };

	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		long error = sys2(pipe2, *all[i], O_CLOEXEC);

		if (error < 0) {
			text_add(why, "no pipe for the program: ");
			text_add_error(why, -error);
			return false;
		}
	}
	return true;
}

static long become(const struct run *run, const struct pipes *pipes, struct refusal *refusal)
{
	unsigned long no_signals = 0;
	long error;

	(void)sys0(setsid);
	(void)sys2(dup2, pipes->in[READ_END], 0);
	(void)sys2(dup2, pipes->out[WRITE_END], 1);
	(void)sys2(dup2, pipes->err[WRITE_END], 2);
	(void)sys4(rt_sigprocmask, SIG_SETMASK, &no_signals, NULL, sizeof(no_signals));
	error = sys1(chdir, run->directory);
	refusal->of_directory = error < 0;
	return error < 0 ? error : sys3(execve, run->path, run->argument, run->environment);
}

static void be_the_program(const struct run *run, const struct pipes *pipes)
{
	struct refusal refusal;

	refusal.error = -become(run, pipes, &refusal);
	(void)sys3(write, pipes->refusal[WRITE_END], &refusal, sizeof(refusal));
	for (;;)
		(void)sys1(exit_group, 127);
}

static void close_its_ends(const struct pipes *pipes)
{
	(void)sys1(close, pipes->in[READ_END]);
	(void)sys1(close, pipes->out[WRITE_END]);
	(void)sys1(close, pipes->err[WRITE_END]);
	(void)sys1(close, pipes->refusal[WRITE_END]);
}

static bool was_refused(struct refusal *refusal, int from)
{
	long got = sys3(read, from, refusal, sizeof(*refusal));

	while (got == -EINTR)
		got = sys3(read, from, refusal, sizeof(*refusal));
	return got == (long)sizeof(*refusal);
}

static void explain(struct text *why, const struct run *run, const struct refusal *refusal)
{
	if (!refusal->of_directory) {
		(void)sys1(chdir, run->directory); /* the path may be relative to it */
		explain_exec(why, run->path, refusal->error);
		return;
	}
	text_add(why, "the working directory ");
	text_add(why, run->directory);
	text_add(why, ": ");
	text_add_error(why, refusal->error);
}

static int without_waiting(int fd)
{
	(void)sys3(fcntl, fd, F_SETFL, O_NONBLOCK);
	return fd;
}

bool start(struct started *started, const struct run *run, struct text *why)
{
	struct refusal refusal;
	struct pipes pipes;

	if (!make_pipes(&pipes, why))
		return false;
	started->pid = sys0(fork);
	if (started->pid == 0)
		be_the_program(run, &pipes);
	if (started->pid < 0) {
		text_add(why, "no process for the program: ");
		text_add_error(why, -started->pid);
		return false;
	}
	close_its_ends(&pipes);
	if (was_refused(&refusal, pipes.refusal[READ_END])) {
		explain(why, run, &refusal);
		return false;
	}
	(void)sys1(close, pipes.refusal[READ_END]);
	started->in = without_waiting(pipes.in[WRITE_END]);
	started->out = without_waiting(pipes.out[READ_END]);
	started->err = without_waiting(pipes.err[READ_END]);
	return true;
}
