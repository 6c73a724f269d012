/* SPDX-License-Identifier: MIT */
/*
 * Reads a test stream (KTAP, TAP 13 and 14, as KUnit and kselftest print it) line by line off the
 * guest's console, and tells whether all passed. What a guest prints is the guest's word; the times
 * are the host's.
 *
 *	KTAP version 1              a stream begins; nothing counts before such a line
 *	1..2                        its plan: two results are to come
 *	    KTAP version 1          nested: the results of "list", which comes behind them
 *	    # Subtest: list
 *	    1..2
 *	    ok 1 list_test_add      -> "list.list_test_add"
 *	    # list_test_del: EXPECTATION FAILED at lib/list-test.c:60
 *	    not ok 2 list_test_del  -> a failure, with the lines since the last result
 *	not ok 1 list               -> its group; it counts by itself only if none in it failed
 *	ok 2 hash # SKIP no memory
 *
 * Lines of no kind that is known are kept as output of the test whose result comes next, if that
 * fails. Several streams may follow one another. A stream that does not say how many results there
 * will be is never taken for complete, one that breaks off neither.
 *
 * Everything is bounded, and all memory is reserved before the run: what finds no room is counted.
 * A result counts even then, only its name is not kept.
 *
 * Left out: what ktapline.h leaves out. A YAML block behind a result becomes output of the next.
 *
 * Authority: [KTAP] "Nested tests"; Linux lib/kunit/test.c, tools/testing/selftests/kselftest.h.
 */
#ifndef TVMM_TIMING_KTAP_H
#define TVMM_TIMING_KTAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum {
	KTAP_RESULTS_MAX = 100000,
	KTAP_TEXT_BYTES = 11 << 20, /* of all names, reasons and outputs; 16 MiB with the results */
	KTAP_LEVELS_MAX = 16,
	KTAP_NAME_BYTES = 256,  /* of a name or a reason, with its NUL */
	KTAP_PATH_BYTES = 1024, /* what a path never exceeds, with its NUL */
	KTAP_OUTPUT_HALF_BYTES = 2000,
	KTAP_OUTPUT_BYTES = 4096, /* of a test's output, with its NUL */
};

#define KTAP_NOBODY UINT32_MAX

enum ktap_status {
	KTAP_NO_RESULT, /* it has results below, but its own did not come */
	KTAP_PASS,
	KTAP_FAIL,
	KTAP_SKIP,
	KTAP_TODO, /* TODO, XFAIL: expected to fail, so it may */
	KTAP_STATUSES
};

/* A group stands before what is in it. */
struct ktap_result {
	uint64_t at_ns;                /* when its line began; KTAP_NO_RESULT: when the group did */
	uint64_t took_ns;              /* since the result before it; of a group: since it began */
	uint32_t parent;               /* the group it is in, or KTAP_NOBODY */
	uint32_t number;               /* as the line has it */
	uint32_t name, reason, output; /* for ktap_text() */
	uint8_t status;                /* enum ktap_status */
	uint8_t depth;                 /* 0: in no group */
	bool group;                    /* has results below */
	bool test;                     /* counts: no group, or one that failed by itself */
};

struct ktap_level {
	unsigned int column, hashes;
	uint32_t group; /* whose results these are; KTAP_NOBODY: there is none, or no room */
	uint64_t began_ns;
	uint64_t came;             /* results */
	uint32_t planned, highest; /* of the plan; the greatest number seen */
	bool has_plan;
	bool failed; /* one of them, or below them */
};

/* The lines since the last result: the first of them and the last. */
struct ktap_output {
	char head[KTAP_OUTPUT_HALF_BYTES], tail[KTAP_OUTPUT_HALF_BYTES];
	size_t head_bytes, tail_bytes;
	uint64_t left_out_bytes; /* between the two */
	bool head_full;
};

/* Where results are missing: the first such place. */
struct ktap_gap {
	bool known;
	uint32_t group; /* KTAP_NOBODY: of the outermost level */
	uint64_t came, planned;
};

struct ktap {
	struct ktap_result *result; /* owned */
	size_t results;
	char *text; /* owned; texts end with NUL, the one at 0 is empty */
	size_t text_bytes;

	/* All that came, with room or without. */
	uint64_t streams, tests, count[KTAP_STATUSES];
	uint64_t missing;      /* planned, or skipped over in the numbers, and did not come */
	uint64_t surplus;      /* came beyond a plan */
	uint64_t unfinished;   /* groups without a result of their own */
	uint64_t out_of_order; /* numbers that do not follow the one before */
	uint64_t planless;     /* streams with results and without a plan */
	uint64_t lost;         /* results without room in the table, or nested too deep */
	uint64_t text_lost;    /* names and outputs that were not kept */
	bool bailed_out;
	uint32_t bail_reason; /* for ktap_text() */
	struct ktap_gap gap;
	uint32_t first_failed, last; /* results, or KTAP_NOBODY */

	/* While it reads. */
	struct ktap_level level[KTAP_LEVELS_MAX];
	unsigned int levels; /* 0: no stream */
	uint32_t next_name;  /* "# Subtest:" before the level that it names; 0: none */
	uint64_t last_ns;
	struct ktap_output output;
};

/* 0, or -ENOMEM with *e. ktap_finish() is due either way. */
int ktap_init(struct ktap *ktap, struct err *e);
void ktap_finish(struct ktap *ktap);

/*
 * The next line of the console, without its "\n", whose first byte came at at_ns; control sequences
 * are expected to have been taken out. Never allocates, never fails, takes its time by the line's
 * length.
 */
void ktap_line(struct ktap *ktap, const char *line, size_t bytes, uint64_t at_ns);

/* No more lines will come. Once. */
void ktap_end(struct ktap *ktap);

enum ktap_verdict {
	KTAP_PASSED,     /* there were tests, none failed, none is missing */
	KTAP_FAILED,     /* some failed */
	KTAP_INCOMPLETE, /* none failed, but not all came, or nobody knows whether all did */
	KTAP_NONE,       /* no results at all */
};

/*
 * After ktap_end(). text, if not NULL, gets the verdict in words, at most size bytes with the NUL,
 * printable ASCII: "2 of 300 tests failed: first list.list_test_add".
 */
enum ktap_verdict ktap_verdict(const struct ktap *ktap, char *text, size_t size);

/* "passed", "failed", "incomplete", "none". */
const char *ktap_verdict_word(enum ktap_verdict verdict);
/* "pass", "fail", "skip", "todo"; of KTAP_NO_RESULT "none". */
const char *ktap_status_word(enum ktap_status status);

/* A text of a result; bytes of any value but 0 are in it. "" if there is none. */
const char *ktap_text(const struct ktap *ktap, uint32_t text);

/*
 * Names of the groups and of the result itself, with dots between: "list.list_test_add"; "test 3"
 * stands for one without a name. At most KTAP_PATH_BYTES with the NUL; beyond that, or beyond size,
 * it is cut. ktap_path(KTAP_NOBODY) is "".
 */
void ktap_path(const struct ktap *ktap, uint32_t result, char *to, size_t size);
/* The same of the result alone. */
void ktap_name(const struct ktap *ktap, uint32_t result, char *to, size_t size);

/* Of a failure in one line: its reason, else the first line that it printed, else "". */
void ktap_why(const struct ktap *ktap, uint32_t result, char *to, size_t size);

/*
 * The lines since the last result, if it is not certain that there are no more to come: what was
 * printed when the stream broke off. At most KTAP_OUTPUT_BYTES with the NUL.
 */
void ktap_last_output(const struct ktap *ktap, char *to, size_t size);

#endif
