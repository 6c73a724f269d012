/* SPDX-License-Identifier: MIT */
#include "vmm/terminal.h"

#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static struct {
	int fd;
	volatile sig_atomic_t raw;
	struct termios before, during;
	int keeper_pipe; /* its end of file tells the keeper that we are gone */
	pid_t keeper;
} terminal = { .fd = -1, .keeper_pipe = -1 };

/* A signal, or what else goes by, must not leave the terminal raw. */
enum { RESTORE_TRIES = 3 };

/* Where tcsetattr from the background would stop us, at our end, it must not. */
static void set_attributes_anyway(const struct termios *attributes)
{
	sigset_t block, before;
	int tries = 0;

	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGTTOU);
	(void)pthread_sigmask(SIG_BLOCK, &block, &before);
	while (tcsetattr(terminal.fd, TCSANOW, attributes) < 0 && ++tries < RESTORE_TRIES)
		;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/*
 * The keeper: reads from a pipe that nobody writes to. A byte means that the terminal is in order
 * and it may go; the end of the file means that tvmm died without a chance to say so. It ignores
 * what the terminal's process group is sent, so as to outlive us.
 */
static void keep(int pipe_fd)
{
	static const int ignored[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTOU, SIGPIPE
	};
	char byte;
	ssize_t n;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	do {
		n = read(pipe_fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		(void)tcsetattr(terminal.fd, TCSANOW, &terminal.before);
	_exit(0);
}

/* Without a keeper everything works but the restoring after SIGKILL, so failure is no error. */
static void start_keeper(void)
{
	int ends[2];

	if (pipe(ends) < 0)
		return;
	terminal.keeper = fork();
	if (terminal.keeper == 0) {
		(void)close(ends[1]);
		/* Nothing of ours but the terminal: a reader of our output must see its end. */
		for (int fd = 0; fd < 3; fd++) {
			if (fd != terminal.fd)
				(void)close(fd);
		}
		keep(ends[0]);
	}
	(void)close(ends[0]);
	if (terminal.keeper < 0)
		(void)close(ends[1]);
	else
		terminal.keeper_pipe = ends[1];
}

static void tell_keeper(void)
{
	if (terminal.keeper_pipe >= 0)
		(void)!write(terminal.keeper_pipe, "", 1);
}

static void dismiss_keeper(void)
{
	if (terminal.keeper_pipe < 0)
		return;
	tell_keeper();
	(void)close(terminal.keeper_pipe);
	terminal.keeper_pipe = -1;
	(void)waitpid(terminal.keeper, NULL, 0);
}

int terminal_make_raw(int fd, bool keep_signals, struct err *e)
{
	if (!isatty(fd))
		return 0;
	if (tcgetattr(fd, &terminal.before) < 0)
		return err_sys(e, errno, "the terminal's settings cannot be read");
	terminal.fd = fd;
	terminal.during = terminal.before;
	cfmakeraw(&terminal.during);
	if (keep_signals)
		terminal.during.c_lflag |= ISIG;
	start_keeper();
	terminal_resume();
	return 0;
}

void terminal_resume(void)
{
	if (terminal.fd < 0 || terminal.raw)
		return;
	terminal.raw = 1; /* before it is: whoever restores in between does so once too often */
	(void)tcsetattr(terminal.fd, TCSANOW, &terminal.during); /* stops us in the background */
}

void terminal_restore(void)
{
	if (terminal.fd < 0 || !terminal.raw)
		return;
	set_attributes_anyway(&terminal.before);
	terminal.raw = 0;
}

void terminal_leave(void)
{
	terminal_restore();
	tell_keeper();
}

/* Runs at every normal exit of the process, after main's last message. */
void __attribute__((destructor)) terminal_finish(void)
{
	terminal_restore();
	dismiss_keeper();
}
