/* SPDX-License-Identifier: MIT */
/*
 * The host's side of `-- PROGRAM`: what tvmm's own first process says about the program that it runs
 * in the guest (initramfs/protocol.h has the wire), and the program's standard input on its way in.
 *
 * A guest can forge all of it, and lies about nobody but itself: what it says becomes bytes on
 * stdout and stderr, a status, and a credit that is bounded.
 */
#ifndef TVMM_PROGRAM_H
#define TVMM_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "initramfs/frames.h"
#include "vmm/ending.h"

enum {
	PROGRAM_CREDIT_MAX = 1 << 16,
	PROGRAM_INPUT_CHUNK_BYTES = 1024,
	PROGRAM_WIRE_BYTES = PROGRAM_INPUT_CHUNK_BYTES + 2,
	PROGRAM_NOTES_MAX = 8,
	PROGRAM_NOTE_BYTES = 200,
};

struct program {
	struct frames frames;
	unsigned int credit; /* atomic: bytes of input that the guest has room for */
	bool input_over;     /* the supervisor's: its end has been sent */
	bool over;           /* it has ended, or what is said of it is damaged */
	uint64_t stdout_bytes, stderr_bytes;
	char note[PROGRAM_NOTES_MAX][PROGRAM_NOTE_BYTES]; /* what the guest's kernel lacks */
	size_t notes;
};

enum program_took {
	PROGRAM_NOTHING,
	PROGRAM_TEXT,   /* frames.passing is the console's */
	PROGRAM_STDOUT, /* frames.payload is the program's output */
	PROGRAM_STDERR,
	PROGRAM_CREDIT, /* there may be room for input now */
	PROGRAM_OVER,   /* *ending is how */
};

void program_init(struct program *program);

/* The next byte that the guest has sent. */
enum program_took program_take(struct program *program, uint8_t byte, struct ending *ending);

/* No more bytes will come: frames.passing has what was held back. */
void program_end(struct program *program);

/* How many bytes of input can be taken now, given room for so many on the serial line. */
size_t program_input_room(const struct program *program, size_t line_room);

/*
 * Makes input ready for the serial line, at most program_input_room() bytes of it; none is its end.
 * Returns the length of wire.
 */
size_t program_wrap_input(struct program *program, uint8_t wire[PROGRAM_WIRE_BYTES],
			  const uint8_t *bytes, size_t count);

#endif
