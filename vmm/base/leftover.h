/* SPDX-License-Identifier: MIT */
/*
 * Temporary names of files that are being written. Whoever makes one tells it here, and takes it
 * back when it has its final name or is removed. Whoever ends the process at once, a signal handler
 * say, has those that are left settled: what is complete gets its name, what is not is removed.
 * Only an end without a chance to do anything (SIGKILL, power) leaves them.
 */
#ifndef TVMM_BASE_LEFTOVER_H
#define TVMM_BASE_LEFTOVER_H

enum { LEFTOVERS_MAX = 32 };

/*
 * From any thread. The path is copied; a relative one is seen from the current folder. Returns a
 * number for leftover_forget(), or -1 when there are too many or the path is too long: then nobody
 * will remove it.
 */
int leftover_add(const char *path);

/*
 * It is complete: if the process ends now, the file is to be found under that name. final stays the
 * caller's and must be there until leftover_forget(). Does nothing for -1, as does that.
 */
void leftover_complete(int number, const char *final);

/* It is gone, or is to stay. */
void leftover_forget(int number);

/* Names or removes all that are left. Async-signal-safe. */
void leftover_settle_all(void);

#endif
