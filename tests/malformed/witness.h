/* SPDX-License-Identifier: MIT */
/*
 * Runs a program and tells all that can be said of the run from outside: how it ended, what it
 * printed, how long it took, how much memory, and whether it asked for /dev/kvm.
 *
 * The last is seen by a seccomp filter that hands every open of the program to this process before
 * it happens (SECCOMP_RET_USER_NOTIF): each is looked at, by its path, and goes on. Nothing of the
 * program is stopped, unlike under strace, and an attempt counts even where there is no /dev/kvm.
 * Left out: opens by io_uring, which tvmm does not use.
 */
#ifndef TVMM_TESTS_MALFORMED_WITNESS_H
#define TVMM_TESTS_MALFORMED_WITNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WITNESS_TEXT_BYTES = 4096 };

struct witness {
	bool exited; /* by itself; status is its exit status, otherwise the signal */
	int status;
	bool out_of_time; /* it was killed after limit_ns */
	uint64_t wall_ns; /* from exec to exit */
	uint64_t cpu_ns;  /* user and system */
	uint64_t max_rss_bytes;
	uint64_t out_bytes; /* on stdout */
	uint64_t err_bytes; /* on stderr; the first of them are in err */
	char err[WITNESS_TEXT_BYTES];
	bool sees_opens; /* false: this host allows no such filter */
	unsigned int opens;
	bool opened_kvm;
};

/*
 * Runs argv[0], a path, with stdin from /dev/null, and waits for its end. Trouble of the host's
 * aborts.
 */
void witness(char *const argv[], uint64_t limit_ns, struct witness *w);

#endif
