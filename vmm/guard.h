/* SPDX-License-Identifier: MIT */
/*
 * The guard: time limit and signals hold whatever hangs. A supervisor that works ends a run in
 * order; what is here needs nobody that works. Its signal handlers put the terminal back, settle
 * temporary files (vmm/base/leftover.h), say a sentence, and end the process at once:
 *
 *	stage		time is up			TERM, INT, HUP, QUIT
 *	GUARD_PREPARE	at once				at once
 *	GUARD_RUN	GUARD_LATE_MS later		the first one is the supervisor's, and
 *							then as if time were up; a second
 *							one at once
 *	GUARD_REPORT	GUARD_HANG_MS later if the	at once
 *			process hangs, else
 *			GUARD_WORK_MS later
 *	GUARD_CLOSE	the same, with the run's own	at once
 *			status and without a word
 *
 * A process hangs when its main thread waits in a system call and CPU time has hardly been used for
 * a while: on a pipe that nobody reads, say. A report that is long, or a busy host, is not that.
 *
 * A signal that comes again within GUARD_SAME_MS is the same one: timeout(1) sends it to its child
 * and then to the child's group.
 *
 * Signals that were ignored when the process started stay ignored. A crash of ours is caught to do
 * the same, and is a crash then. One guard per process, the main thread's; until guard_init() the
 * other functions do nothing.
 *
 * Authority: POSIX.1-2017 "Signal Concepts", 2.4.3, for what a handler may call. ITIMER_REAL over
 * timer_create(), because it can always be had.
 */
#ifndef TVMM_GUARD_H
#define TVMM_GUARD_H

#include <stdint.h>

enum guard_stage { GUARD_PREPARE, GUARD_RUN, GUARD_REPORT, GUARD_CLOSE };

enum {
	GUARD_SAME_MS = 10,
	GUARD_HANG_MS = 20,
	GUARD_LATE_MS = 150,
	GUARD_WORK_MS = 10000,
};

/* First thing in main: takes the signals, also those that the parent left blocked. */
void guard_init(void);

/*
 * Sets the time limit, in place of one there was: timeout_ns from start_ns on, on clock_now_ns()'s
 * scale. timeout_ns 0: none.
 */
void guard_limit(uint64_t start_ns, uint64_t timeout_ns);

/* Threads that are made in between take none of the signals. Those that come wait. */
void guard_hold(void);
void guard_release(void);

/*
 * Ends guard_hold(): the run is a supervisor's, who is told of a first signal, and of SIGTSTP, by a
 * write to wake_fd, an eventfd that stays open until the next stage.
 */
void guard_run_begins(int wake_fd);

/* What has come, each once: a signal's number; 0: nothing. */
int guard_next_signal(void);

/* Ends guard_hold(), too. */
void guard_enter(enum guard_stage stage);

/* Enters GUARD_CLOSE: nothing is left to do but to give back, and the status is settled. */
void guard_settle(int status);

#endif
