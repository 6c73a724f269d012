/* SPDX-License-Identifier: MIT */
/*
 * must(): for our own bugs only. Always compiled in; its argument has no side effects. Host and
 * user trouble is a struct err, guest trouble is a bus miss or an ending.
 */
#ifndef TVMM_BASE_MUST_H
#define TVMM_BASE_MUST_H

/* Says which condition failed where, on stderr, and aborts. */
void must_fail(const char *condition, const char *file, int line) __attribute__((noreturn, cold));

#define must(condition) \
	(__builtin_expect(!!(condition), 1) ? (void)0 : must_fail(#condition, __FILE__, __LINE__))

#endif
