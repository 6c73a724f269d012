/* SPDX-License-Identifier: MIT */
#include "vmm/guard.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/base/leftover.h"
#include "vmm/ending.h"
#include "vmm/terminal.h"

#define NS_PER_MS 1000000ULL
#define NS_PER_US 1000ULL
#define NEVER     UINT64_MAX

enum {
	SENTENCE_BYTES = 256,
	LOOK_MS = 8,    /* between one look whether the process hangs, and the next */
	WORKS_US = 200, /* who has used so much CPU time in between does not hang */
	/*
	 * The timer's clock may be slewed against clock_now_ns()'s, by 500 ppm at most: it is set
	 * to 1/1024 less than what is left, again and again.
	 */
	EARLY_SHIFT = 10,
};

static const int ending_signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS };

enum { ENDING_SIGNALS = sizeof(ending_signals) / sizeof(ending_signals[0]) };

/* What handlers and the main thread share; atomic where both write. */
static struct {
	pid_t pid;            /* of who is guarded; a child before its exec is not */
	int stage;            /* atomic */
	int status;           /* of GUARD_CLOSE */
	sigset_t taken;       /* the signals that we take */
	uint64_t deadline_ns; /* of the run; NEVER: none */
	char timeout[SENTENCE_BYTES];

	int wake_fd;
	int first;         /* atomic: the signal that ends the run; 0: none */
	uint64_t first_ns; /* atomic */
	int told;          /* of those: what guard_next_signal() has told */
	int stop;          /* atomic: SIGTSTP came */

	bool armed;             /* the timer was set at least once */
	uint64_t looked_ns;     /* when was last looked whether the process hangs; 0: not yet */
	uint64_t looked_cpu_ns; /* what CPU time it had used then */
} guard = { .deadline_ns = NEVER };

#define GET(field)        __atomic_load_n(&guard.field, __ATOMIC_SEQ_CST)
#define SET(field, value) __atomic_store_n(&guard.field, value, __ATOMIC_SEQ_CST)

/*
 * ---- the end at once: in a signal handler ------------------------------------------------------
 */

static void append(char *sentence, const char *text)
{
	size_t used = strlen(sentence), bytes = strlen(text);

	if (bytes < SENTENCE_BYTES - used)
		memcpy(sentence + used, text, bytes + 1);
}

static void append_number(char *sentence, int number)
{
	char digits[12];
	char *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	append(sentence, at);
}

/* A reader of stderr that does not read is not waited for. */
static void say(const char *sentence)
{
	struct pollfd err = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&err, 1, 0) > 0 && (err.revents & POLLOUT))
		(void)!write(STDERR_FILENO, sentence, strlen(sentence));
}

static _Noreturn void leave(char *sentence, int status)
{
	terminal_leave();
	leftover_settle_all();
	if (*sentence) {
		append(sentence, "; exit status ");
		append_number(sentence, status);
		append(sentence, "\n");
		say(sentence);
	}
	_exit(status);
}

static const char *signal_name(int signal)
{
	switch (signal) {
	case SIGTERM:
		return " (Terminated)";
	case SIGINT:
		return " (Interrupt)";
	case SIGHUP:
		return " (Hangup)";
	case SIGQUIT:
		return " (Quit)";
	default:
		return "";
	}
}

static _Noreturn void leave_by_signal(int signal, const char *when)
{
	char sentence[SENTENCE_BYTES] = "tvmm: ended by signal ";

	append_number(sentence, signal);
	append(sentence, signal_name(signal));
	append(sentence, when);
	leave(sentence, STATUS_SIGNAL + signal);
}

static _Noreturn void leave_by_timeout(void)
{
	static const char *const when[] = {
		[GUARD_PREPARE] = ", while the run was prepared",
		[GUARD_RUN] = ", and the guest could not be stopped in order",
		[GUARD_REPORT] = ", while what was left to write was written",
	};
	char sentence[SENTENCE_BYTES] = "";

	append(sentence, guard.timeout);
	append(sentence, when[GET(stage)]);
	leave(sentence, STATUS_TIMEOUT);
}

/*
 * ---- time --------------------------------------------------------------------------------------
 */

static uint64_t plus_ms(uint64_t ns, uint64_t ms)
{
	return __builtin_add_overflow(ns, ms * NS_PER_MS, &ns) ? NEVER : ns;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When time limit or signal wanted the end; NEVER: neither did. */
static uint64_t began_ns(void)
{
	return smaller(guard.deadline_ns, GET(first) ? GET(first_ns) : NEVER);
}

/* From then on a process that hangs is ended. */
static uint64_t due_ns(void)
{
	static const uint64_t late_ms[] = {
		[GUARD_PREPARE] = 0,
		[GUARD_RUN] = GUARD_LATE_MS,
		[GUARD_REPORT] = GUARD_HANG_MS,
		[GUARD_CLOSE] = GUARD_HANG_MS,
	};

	return plus_ms(began_ns(), late_ms[GET(stage)]);
}

/* From then on any is. */
static uint64_t last_ns(void)
{
	if (GET(stage) < GUARD_REPORT)
		return due_ns();
	return plus_ms(began_ns(), GUARD_WORK_MS);
}

/* The first look comes LOOK_MS before it counts, so that there is something to compare with. */
static uint64_t next_look_ns(uint64_t now)
{
	uint64_t due = due_ns();

	if (due == NEVER || due == last_ns())
		return due;
	if (!guard.looked_ns)
		due -= smaller(due, LOOK_MS * NS_PER_MS);
	else if (now >= due)
		due = plus_ms(guard.looked_ns, LOOK_MS);
	return smaller(due, last_ns());
}

static void set_timer(void)
{
	uint64_t now = clock_now_ns(), until = next_look_ns(now);
	uint64_t left = until > now ? until - now : 0;
	struct itimerval value = { 0 };

	if (until == NEVER && !guard.armed)
		return;
	guard.armed = true;
	if (until != NEVER) {
		uint64_t us = (left - (left >> EARLY_SHIFT)) / NS_PER_US;

		us = us < 100 ? 100 : us;
		value.it_value.tv_sec = (time_t)(us / 1000000);
		value.it_value.tv_usec = (suseconds_t)(us % 1000000);
	}
	(void)setitimer(ITIMER_REAL, &value, NULL);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/*
 * Whether the signal found its thread inside a system call that waits: that is begun again behind
 * the handler (the thread is at its `syscall` instruction, 0f 05) or returns EINTR (it is behind
 * it). A thread that only has no CPU is found elsewhere.
 */
static bool waits(const ucontext_t *context)
{
	const greg_t *reg = context->uc_mcontext.gregs;
	const uint8_t *at = (const uint8_t *)(uintptr_t)reg[REG_RIP];

	return (at[0] == 0x0f && at[1] == 0x05) || reg[REG_RAX] == -EINTR;
}

/* Waits, and has hardly done anything since the last look. */
static bool hangs(const ucontext_t *context, uint64_t now)
{
	uint64_t cpu = cpu_ns(), used = cpu - guard.looked_cpu_ns;
	bool looked = guard.looked_ns != 0;

	guard.looked_ns = now;
	guard.looked_cpu_ns = cpu;
	return looked && used < WORKS_US * NS_PER_US && waits(context);
}

static void end_if_due(const ucontext_t *context)
{
	uint64_t now = clock_now_ns(), due = due_ns(), last = last_ns();
	bool hanging = due != last && now >= due - LOOK_MS * NS_PER_MS && hangs(context, now);

	if (now < due || (now < last && !hanging))
		return;
	if (GET(stage) == GUARD_CLOSE)
		leave((char[1]){ "" }, guard.status);
	if (GET(first))
		leave_by_signal(GET(first), ", but could not end in order");
	leave_by_timeout();
}

/*
 * ---- handlers ----------------------------------------------------------------------------------
 */

static void on_time(int signal, siginfo_t *info, void *context)
{
	if (getpid() != guard.pid)
		return;
	if (info->si_code == SI_USER)
		leave_by_signal(signal, "");
	end_if_due(context);
	set_timer();
}

static void on_signal(int signal)
{
	static const char *const when[] = {
		[GUARD_PREPARE] = " before the guest ran",
		[GUARD_RUN] = " at once: it was the second one",
		[GUARD_REPORT] = " while what was left to write was written",
		[GUARD_CLOSE] = " when all else was done",
	};
	uint64_t one = 1, now = clock_now_ns();
	int stage = GET(stage);

	if (getpid() != guard.pid)
		_exit(STATUS_SIGNAL + signal);
	if (GET(first) && now - GET(first_ns) < GUARD_SAME_MS * NS_PER_MS)
		return;
	if (stage != GUARD_RUN || GET(first))
		leave_by_signal(signal, GET(first) ? when[GUARD_RUN] : when[stage]);
	SET(first_ns, now);
	SET(first, signal);
	set_timer();
	(void)!write(guard.wake_fd, &one, sizeof(one));
}

static void on_stop(int signal)
{
	uint64_t one = 1;

	(void)signal;
	SET(stop, 1);
	(void)!write(guard.wake_fd, &one, sizeof(one));
}

/* A crash of ours, or what looks like one. Its default action follows. */
static void on_crash(int signal)
{
	if (getpid() == guard.pid) {
		terminal_restore();
		leftover_settle_all();
	}
	(void)raise(signal); /* SA_RESETHAND */
}

/*
 * ---- what the others call ----------------------------------------------------------------------
 */

static bool is_ignored(int signal)
{
	struct sigaction action;

	return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void take_signal(int signal, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };

	if (is_ignored(signal)) /* nohup, or a shell that started us in the background */
		return;
	action.sa_mask = guard.taken;
	(void)sigaction(signal, &action, NULL);
}

static void take_timer(void)
{
	struct sigaction action = { .sa_sigaction = on_time, .sa_flags = SA_RESTART | SA_SIGINFO };

	action.sa_mask = guard.taken;
	(void)sigaction(SIGALRM, &action, NULL);
}

static void catch_crashes(void)
{
	struct sigaction action = { .sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND };

	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		(void)sigaction(crashes[i], &action, NULL);
}

void guard_init(void)
{
	guard.pid = getpid();
	(void)sigemptyset(&guard.taken);
	(void)sigaddset(&guard.taken, SIGALRM);
	(void)sigaddset(&guard.taken, SIGTSTP);
	for (int i = 0; i < ENDING_SIGNALS; i++)
		(void)sigaddset(&guard.taken, ending_signals[i]);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	catch_crashes();
	take_timer();
	for (int i = 0; i < ENDING_SIGNALS; i++)
		take_signal(ending_signals[i], on_signal);
	guard_release();
}

void guard_limit(uint64_t start_ns, uint64_t timeout_ns)
{
	guard_hold();
	(void)snprintf(guard.timeout, sizeof(guard.timeout), "tvmm: timeout: no end within %.3f s",
		       (double)timeout_ns / 1e9);
	guard.deadline_ns = NEVER;
	guard.looked_ns = 0;
	if (timeout_ns && __builtin_add_overflow(start_ns, timeout_ns, &guard.deadline_ns))
		guard.deadline_ns = NEVER;
	if (guard.pid)
		set_timer();
	guard_release();
}

void guard_hold(void)
{
	if (guard.pid)
		(void)pthread_sigmask(SIG_BLOCK, &guard.taken, NULL);
}

void guard_release(void)
{
	if (guard.pid)
		(void)pthread_sigmask(SIG_UNBLOCK, &guard.taken, NULL);
}

void guard_run_begins(int wake_fd)
{
	if (!guard.pid)
		return;
	guard.wake_fd = wake_fd;
	take_signal(SIGTSTP, on_stop);
	guard_enter(GUARD_RUN);
}

int guard_next_signal(void)
{
	int first = GET(first);

	if (__atomic_exchange_n(&guard.stop, 0, __ATOMIC_SEQ_CST))
		return SIGTSTP;
	if (guard.told)
		return 0;
	guard.told = first;
	return first;
}

void guard_enter(enum guard_stage stage)
{
	if (!guard.pid)
		return;
	guard_hold();
	SET(stage, stage);
	if (stage != GUARD_RUN && !is_ignored(SIGTSTP))
		(void)signal(SIGTSTP, SIG_DFL);
	set_timer();
	guard_release();
}

void guard_settle(int status)
{
	guard.status = status;
	guard_enter(GUARD_CLOSE);
}
