/* SPDX-License-Identifier: MIT */
/*
 * --send TEXT --after RE: a dialogue on the guest's console by a script. Steps are worked off in
 * order. A step waits until a line of what the guest printed since the step before it was done
 * matches RE; an unfinished line, such as a prompt, is looked at when the guest falls silent. Then TEXT is typed.
 * A step without RE is typed when its turn comes: the guest reads it when it reads.
 *
 *   dialogue.c         what the guest says and what is typed
 *   dialogue_parse.c   from options to a script
 *
 * A guest's terminal echoes what is typed. So a step's RE may match the echo of the text before it:
 * choose one that does not. Control sequences, NULs and carriage returns are left out of what is
 * looked at. What came before the last DIALOGUE_WINDOW_BYTES is forgotten.
 */
#ifndef TVMM_DIALOGUE_H
#define TVMM_DIALOGUE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/timing/watch.h"

enum {
	DIALOGUE_STEPS_MAX = 64,
	DIALOGUE_TEXT_MAX_BYTES = 4096,
	DIALOGUE_WINDOW_BYTES = 4096,
};

struct dialogue_step {
	bool has_text, has_after;
	uint8_t *text; /* owned; escapes are resolved, so it may hold any byte */
	size_t text_bytes;
	const char *after; /* borrowed: the option's value */
	regex_t re;        /* of after */
};

/* What the options say. All zero: no dialogue. */
struct dialogue_script {
	struct dialogue_step step[DIALOGUE_STEPS_MAX];
	size_t steps;
	bool after_first; /* the first option was --after: each belongs to the --send behind it */
};

/*
 * The options in the order in which they are given. If the first of them is --after, each --after goes with the
 * --send that follows it; if it is --send, with the one before it. A --send may stand alone. In TEXT
 * \n \r \t \e \0 \\ and \xHH are bytes; nothing is added to it. TEXT may be empty: such a step only
 * waits. 0, or -errno with *e.
 */
int dialogue_parse_send(struct dialogue_script *script, const char *value, struct err *e);
int dialogue_parse_after(struct dialogue_script *script, const char *value, struct err *e);
/* When all options are read: 0, or -EINVAL with *e for an --after whose --send is missing. */
int dialogue_settle(const struct dialogue_script *script, struct err *e);
void dialogue_script_finish(struct dialogue_script *script);

/* How far it is. Nothing is allocated here; whoever calls holds the console's lock. */
struct dialogue {
	const struct dialogue_script *script; /* borrowed */
	size_t at;                            /* the step whose turn it is; steps: all are done */
	bool typing;                          /* its RE has matched, or it has none */
	size_t sent; /* bytes of its text that the guest's UART has taken */
	enum watch_escape escape;
	char window[DIALOGUE_WINDOW_BYTES + 1]; /* said since the last match; room for a NUL */
	size_t used, looked; /* bytes in it; those before `looked` are lines that did not match */
};

void dialogue_init(struct dialogue *d, const struct dialogue_script *script);

/* All of it was said and typed. Without steps it is. */
bool dialogue_done(const struct dialogue *d);

/* Takes what the guest printed. True when there is now something to type that was not before. */
bool dialogue_bytes(struct dialogue *d, const uint8_t *bytes, size_t count);

/* The guest prints no more for now: looks at the unfinished line too. The same result. */
bool dialogue_quiet(struct dialogue *d);

/* What is to be typed now, borrowed until dialogue_sent(); 0: nothing. */
size_t dialogue_pending(const struct dialogue *d, const uint8_t **bytes);

/* So many of the pending bytes were typed. With the last of them the next step's turn comes. */
void dialogue_sent(struct dialogue *d, size_t count);

/* For a run that is over before the dialogue: "step 2 of 3 still waits for /login:/". */
void dialogue_waiting(const struct dialogue *d, char *text, size_t size);

#endif
