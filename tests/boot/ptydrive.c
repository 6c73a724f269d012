/* SPDX-License-Identifier: MIT */
/*
 * ptydrive: talks to a command through a pseudo-terminal (or pipes) as a script says.
 *
 *	ptydrive [-s SCRIPT | -e STEP...] [-p | -i FILE] [-2] [--] command [argument]...
 *
 *	-s SCRIPT	the file with the steps, one a line; empty lines and # lines are skipped
 *	-e STEP		one step, may be repeated, in this order; instead of a file
 *	-p		stdin and stdout of the command are pipes, not a terminal
 *	-i FILE		stdin of the command is this file, its stdout a pipe
 *	-2		the command's stderr stays ours; without this it goes where stdout goes
 *
 * Steps:
 *
 *	expect "text"			this text comes, somewhere behind what was expected before
 *	send "text"			typed to the command
 *	close				the end of stdin; a terminal hangs up instead
 *	signal 15			to the command itself
 *	wait 0.5			does nothing for so many seconds, but takes the output
 *	timeout 30			seconds that each step below may take (30 at the start)
 *	expect-terminal-raw		now no echo, no lines, no signals, no output processing
 *	expect-exit 0			the command ends with this status (128+n: by signal n)
 *	expect-terminal-restored	behind expect-exit: the settings are those of the start
 *
 * Text stands in double quotes, with the escapes \n \r \t \e \\ \" and \xHH. What came between two
 * expected texts is nobody's concern. A command that still runs behind the last step is killed.
 *
 * Everything the command writes is passed to stdout at once. The exit status is 0 when all steps
 * went well; 1 when one did not, and then one line on stderr says which, what was expected and what
 * came last; 2 when the script or the command line is wrong. A command that cannot be started ends
 * with status 127.
 *
 * Leaves out: patterns, conditions, more than one command. The terminal is 80 by 24, as the kernel
 * makes it otherwise (cooked, with echo).
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum verb { EXPECT, SEND, CLOSE, SIGNAL, WAIT, TIMEOUT, RAW, EXIT, RESTORED, N_VERBS };

enum argument { NOTHING, TEXT, NUMBER };

static const struct {
	const char *word;
	enum argument argument;
} verbs[N_VERBS] = {
	[EXPECT] = { "expect", TEXT },
	[SEND] = { "send", TEXT },
	[CLOSE] = { "close", NOTHING },
	[SIGNAL] = { "signal", NUMBER },
	[WAIT] = { "wait", NUMBER },
	[TIMEOUT] = { "timeout", NUMBER },
	[RAW] = { "expect-terminal-raw", NOTHING },
	[EXIT] = { "expect-exit", NUMBER },
	[RESTORED] = { "expect-terminal-restored", NOTHING },
};

struct step {
	char *line; /* as written, for messages */
	enum verb verb;
	char *text;
	size_t length;
	double number;
};

enum mode { PTY, PIPES, FILE_INPUT };

static struct {
	struct step *steps;
	size_t n_steps;
	enum mode mode;
	const char *input;
	bool own_stderr;
	char **argv;
} want;

static struct {
	pid_t pid;
	int pidfd;
	int to, from; /* our ends; the same descriptor for a terminal; -1 when closed */
	int slave;    /* kept open, so that the terminal outlives the command */
	struct termios before, after;
	bool ended;
	int status;
	bool eof;   /* nothing more will come */
	char *seen; /* all output */
	size_t n_seen;
	size_t matched; /* so much of it lies before the end of the last expected text */
	double timeout;
} run;

/* ---- messages ---------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("ptydrive: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

static void *not_null(void *memory)
{
	if (!memory)
		die("out of memory");
	return memory;
}

static void print_escaped(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == '\n')
			fputs("\\n", stderr);
		else if (c == '\r')
			fputs("\\r", stderr);
		else if (c == '"' || c == '\\')
			fprintf(stderr, "\\%c", c);
		else if (isprint(c))
			fputc(c, stderr);
		else
			fprintf(stderr, "\\x%02x", c);
	}
}

static void kill_command(void)
{
	if (run.ended)
		return;
	kill(run.pid, SIGKILL);
	waitpid(run.pid, NULL, 0);
	run.ended = true;
}

/* One line: which step, what was wrong, the last bytes seen. */
__attribute__((format(printf, 2, 3), noreturn)) static void fail(const struct step *step,
								 const char *format, ...)
{
	size_t tail = run.n_seen < 200 ? run.n_seen : 200;
	va_list ap;

	kill_command();
	fflush(stdout);
	fprintf(stderr, "ptydrive: step %td, %s: ", step - want.steps + 1, step->line);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputs("; last seen: \"", stderr);
	print_escaped(run.seen + run.n_seen - tail, tail);
	fputs("\"\n", stderr);
	exit(1);
}

/* ---- the script -------------------------------------------------------------------------- */

static char escaped_byte(const char **from, const char *line)
{
	char hex[3] = { 0 }, *end;
	const char *p = *from;

	*from = p + 1;
	switch (*p) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'e':
		return '\x1b';
	case '\\':
	case '"':
		return *p;
	case 'x':
		memcpy(hex, p + 1, strnlen(p + 1, 2));
		*from = p + 3;
		{
			long value = strtol(hex, &end, 16);

			if (end == hex + 2)
				return (char)value;
		}
		break;
	}
	die("wrong escape in: %s", line);
}

static void parse_text(struct step *step, const char *from)
{
	if (*from++ != '"')
		die("text in double quotes expected in: %s", step->line);
	step->text = not_null(malloc(strlen(from) + 1));
	while (*from && *from != '"') {
		char c = *from++;

		if (c == '\\')
			c = escaped_byte(&from, step->line);
		step->text[step->length++] = c;
	}
	if (*from != '"' || from[1])
		die("text does not end with the line in: %s", step->line);
	if (!step->length)
		die("empty text in: %s", step->line);
}

static void parse_number(struct step *step, const char *from)
{
	char *end;

	step->number = strtod(from, &end);
	if (end == from || *end || !(step->number >= 0 && step->number < 1e6))
		die("a number expected in: %s", step->line);
}

static void parse_step(char *line)
{
	struct step *step;
	size_t word = strcspn(line, " \t");
	const char *rest = line + word + strspn(line + word, " \t");
	int verb = 0;

	while (verb < N_VERBS &&
	       (strlen(verbs[verb].word) != word || strncmp(verbs[verb].word, line, word)))
		verb++;
	if (verb == N_VERBS)
		die("unknown step: %s", line);
	want.steps = not_null(reallocarray(want.steps, want.n_steps + 1, sizeof(*want.steps)));
	step = &want.steps[want.n_steps++];
	*step = (struct step){ .line = line, .verb = (enum verb)verb };
	if (verbs[verb].argument == TEXT)
		parse_text(step, rest);
	else if (verbs[verb].argument == NUMBER)
		parse_number(step, rest);
	else if (*rest)
		die("nothing expected behind the word in: %s", line);
	if (want.mode != PTY && (verb == RAW || verb == RESTORED))
		die("there is no terminal with -p and -i: %s", line);
}

/* A step with blanks around it, or no step at all. */
static void parse_line(const char *line)
{
	char *copy = not_null(strdup(line + strspn(line, " \t")));
	size_t n = strlen(copy);

	while (n && isspace((unsigned char)copy[n - 1]))
		copy[--n] = '\0';
	if (n && copy[0] != '#')
		parse_step(copy);
}

static void parse_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!f)
		die("%s: %m", path);
	while (getline(&line, &size, f) >= 0)
		parse_line(line);
	free(line);
	fclose(f);
}

/* ---- start of the command ---------------------------------------------------------------- */

static void open_terminal(int ends[3])
{
	struct winsize window = { .ws_row = 24, .ws_col = 80 };
	char name[64];

	run.to = run.from = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (run.to < 0 || grantpt(run.to) || unlockpt(run.to) ||
	    ptsname_r(run.to, name, sizeof(name)))
		die("no pseudo-terminal: %m");
	run.slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (run.slave < 0 || tcgetattr(run.slave, &run.before) ||
	    ioctl(run.slave, TIOCSWINSZ, &window))
		die("%s: %m", name);
	ends[0] = ends[1] = ends[2] = run.slave;
}

static void open_pipes(int ends[3])
{
	int in[2] = { -1, -1 }, out[2];

	if (want.mode == FILE_INPUT)
		in[0] = open(want.input, O_RDONLY | O_CLOEXEC);
	else if (pipe2(in, O_CLOEXEC))
		die("pipe: %m");
	if (in[0] < 0)
		die("%s: %m", want.input);
	if (pipe2(out, O_CLOEXEC))
		die("pipe: %m");
	run.to = in[1];
	run.from = out[0];
	run.slave = -1;
	ends[0] = in[0];
	ends[1] = ends[2] = out[1];
}

__attribute__((noreturn)) static void become_command(const int ends[3])
{
	signal(SIGPIPE, SIG_DFL);
	setsid();
	if (want.mode == PTY)
		ioctl(run.slave, TIOCSCTTY, 0);
	if (dup2(ends[0], 0) < 0 || dup2(ends[1], 1) < 0 ||
	    (!want.own_stderr && dup2(ends[2], 2) < 0))
		die("dup2: %m");
	execvp(want.argv[0], want.argv);
	fprintf(stderr, "ptydrive: %s: %m\n", want.argv[0]);
	_exit(127);
}

static void start_command(void)
{
	int ends[3];

	if (want.mode == PTY)
		open_terminal(ends);
	else
		open_pipes(ends);
	run.pid = fork();
	if (run.pid < 0)
		die("fork: %m");
	if (run.pid == 0)
		become_command(ends);
	if (want.mode != PTY) {
		close(ends[0]);
		close(ends[1]);
	}
	run.pidfd = pidfd_open(run.pid, 0);
	if (run.pidfd < 0 || fcntl(run.from, F_SETFL, O_NONBLOCK) ||
	    (run.to >= 0 && fcntl(run.to, F_SETFL, O_NONBLOCK)))
		die("cannot watch the command: %m");
}

/* ---- the conversation -------------------------------------------------------------------- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The terminal's settings are taken first: without its last user a terminal tells the end of
 * output, but not its settings. */
static void take_end(void)
{
	int status;

	if (waitpid(run.pid, &status, WNOHANG) != run.pid)
		return;
	run.ended = true;
	run.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (run.slave >= 0) {
		tcgetattr(run.slave, &run.after);
		close(run.slave);
		run.slave = -1;
	}
}

static void take_output(void)
{
	char buffer[4096];
	ssize_t n = read(run.from, buffer, sizeof(buffer));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) { /* EIO is how a terminal says it */
		run.eof = true;
		return;
	}
	fwrite(buffer, 1, (size_t)n, stdout);
	fflush(stdout);
	run.seen = not_null(realloc(run.seen, run.n_seen + (size_t)n));
	memcpy(run.seen + run.n_seen, buffer, (size_t)n);
	run.n_seen += (size_t)n;
}

/* Waits until something happens, at most till `deadline`, and takes what came; true when the
 * command also takes input now, which only `sending` asks for. */
static bool pump(double deadline, bool sending)
{
	double left = deadline - now();
	struct timespec limit = { 0, 0 };
	struct pollfd fds[3] = {
		{ .fd = run.eof ? -1 : run.from, .events = POLLIN },
		{ .fd = run.ended ? -1 : run.pidfd, .events = POLLIN },
		{ .fd = sending ? run.to : -1, .events = POLLOUT },
	};

	if (left > 0) {
		limit.tv_sec = (time_t)left;
		limit.tv_nsec = (long)((left - (double)limit.tv_sec) * 1e9);
	}
	if (ppoll(fds, 3, &limit, NULL) < 0)
		return false;
	if (fds[0].revents)
		take_output();
	if (fds[1].revents)
		take_end();
	return fds[2].revents;
}

static void step_expect(const struct step *step, double deadline)
{
	for (;;) {
		char *found = run.n_seen ? memmem(run.seen + run.matched, run.n_seen - run.matched,
						  step->text, step->length)
					 : NULL;

		if (found) {
			run.matched = (size_t)(found - run.seen) + step->length;
			return;
		}
		if (run.eof && run.ended)
			fail(step, "the command ended first, with status %d", run.status);
		if (run.eof && run.from < 0)
			fail(step, "the terminal is closed");
		if (now() >= deadline)
			fail(step, "did not come in %g s", run.timeout);
		pump(deadline, false);
	}
}

static void step_send(const struct step *step, double deadline)
{
	size_t done = 0;

	if (run.to < 0)
		fail(step, "stdin is closed");
	while (done < step->length) {
		if (run.ended)
			fail(step, "the command ended first, with status %d", run.status);
		if (now() >= deadline)
			fail(step, "only %zu bytes were taken in %g s", done, run.timeout);
		if (pump(deadline, true)) {
			ssize_t n = write(run.to, step->text + done, step->length - done);

			if (n < 0 && errno != EAGAIN)
				fail(step, "%m");
			done += n > 0 ? (size_t)n : 0;
		}
	}
}

static void step_close(const struct step *step)
{
	if (run.to < 0)
		fail(step, "stdin is closed already");
	if (want.mode == PTY) {
		run.from = -1;
		run.eof = true;
	}
	close(run.to);
	run.to = -1;
}

/* Output may be held open by somebody the command left behind: a second of silence ends it too. */
static void step_exit(const struct step *step, double deadline)
{
	while (!run.ended) {
		if (now() >= deadline)
			fail(step, "did not end in %g s", run.timeout);
		pump(deadline, false);
	}
	while (!run.eof) {
		size_t before = run.n_seen;

		pump(now() + 1, false);
		if (!run.eof && run.n_seen == before)
			break;
	}
	if (run.status != (int)step->number)
		fail(step, "it ended with status %d", run.status);
}

static void step_raw(const struct step *step, double deadline)
{
	for (;;) {
		struct termios t;

		if (run.slave < 0 || tcgetattr(run.slave, &t))
			fail(step, "the command ended or the terminal is closed");
		if (!(t.c_lflag & (tcflag_t)(ECHO | ICANON | ISIG)) &&
		    !(t.c_iflag & (tcflag_t)(ICRNL | IXON)) && !(t.c_oflag & (tcflag_t)OPOST))
			return;
		if (now() >= deadline)
			fail(step, "is not after %g s (lflag %#o, iflag %#o, oflag %#o)",
			     run.timeout, t.c_lflag, t.c_iflag, t.c_oflag);
		pump(now() + 0.01, false);
	}
}

static void step_restored(const struct step *step)
{
	const struct termios *a = &run.before, *b = &run.after;

	if (!run.ended)
		fail(step, "must stand behind expect-exit");
	if (a->c_iflag != b->c_iflag || a->c_oflag != b->c_oflag || a->c_cflag != b->c_cflag ||
	    a->c_lflag != b->c_lflag || memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)))
		fail(step, "iflag %#o oflag %#o cflag %#o lflag %#o became %#o %#o %#o %#o%s",
		     a->c_iflag, a->c_oflag, a->c_cflag, a->c_lflag, b->c_iflag, b->c_oflag,
		     b->c_cflag, b->c_lflag,
		     memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) ? ", and other special characters"
							       : "");
}

static void step_wait(const struct step *step)
{
	double deadline = now() + step->number;

	while (now() < deadline)
		pump(deadline, false);
}

static void do_step(const struct step *step)
{
	double deadline = now() + run.timeout;

	switch (step->verb) {
	case EXPECT:
		return step_expect(step, deadline);
	case SEND:
		return step_send(step, deadline);
	case CLOSE:
		return step_close(step);
	case SIGNAL:
		if (run.ended || kill(run.pid, (int)step->number))
			fail(step, "no such process any more, or no such signal");
		return;
	case WAIT:
		return step_wait(step);
	case TIMEOUT:
		run.timeout = step->number;
		return;
	case RAW:
		return step_raw(step, deadline);
	case EXIT:
		return step_exit(step, deadline);
	case RESTORED:
		return step_restored(step);
	case N_VERBS:
		break;
	}
}

/* ---- main -------------------------------------------------------------------------------- */

static void parse_options(int argc, char **argv)
{
	const char **lines = not_null(calloc((size_t)argc, sizeof(*lines))), *script = NULL;
	size_t n_lines = 0;
	int c;

	while ((c = getopt(argc, argv, "+s:e:pi:2")) != -1) {
		if (c == 's')
			script = optarg;
		else if (c == 'e')
			lines[n_lines++] = optarg;
		else if (c == 'p')
			want.mode = PIPES;
		else if (c == 'i')
			want.mode = FILE_INPUT, want.input = optarg;
		else if (c == '2')
			want.own_stderr = true;
		else
			die("see the head of tests/boot/ptydrive.c for the usage");
	}
	if (!argv[optind] || !script == !n_lines)
		die("give a command, and steps with either -s or -e");
	want.argv = argv + optind;
	if (script)
		parse_file(script);
	for (size_t i = 0; i < n_lines; i++)
		parse_line(lines[i]);
	free(lines);
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	run.timeout = 30;
	start_command();
	for (size_t i = 0; i < want.n_steps; i++)
		do_step(&want.steps[i]);
	kill_command();
	return 0;
}
