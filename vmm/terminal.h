/* SPDX-License-Identifier: MIT */
/*
 * The user's terminal: put into raw mode, and put back as it was on every way out.
 *
 * A normal end, an error and a caught signal or crash (vmm/guard.h) call terminal_restore(); for
 * SIGKILL a keeper process waits, which does nothing but notice that we are gone and restore.
 */
#ifndef TVMM_TERMINAL_H
#define TVMM_TERMINAL_H

#include <stdbool.h>

#include "vmm/base/err.h"

/*
 * Makes fd raw; with keep_signals, Ctrl-c, Ctrl-\ and Ctrl-z go on to mean signals. Does nothing
 * if fd is no terminal. One terminal per process. Returns 0, or -errno with *e filled.
 */
int terminal_make_raw(int fd, bool keep_signals, struct err *e);

/* Back as it was before terminal_make_raw(). Async-signal-safe; may be called at any time. */
void terminal_restore(void);

/* The same, when _exit() follows: the keeper need not act. Async-signal-safe. */
void terminal_leave(void);

/* The end of it all, which a normal exit of the process does by itself: the keeper is dismissed. */
void terminal_finish(void);

/* Raw again, after terminal_restore(): for a process that was stopped and goes on. */
void terminal_resume(void);

#endif
