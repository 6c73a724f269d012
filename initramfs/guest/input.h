/* SPDX-License-Identifier: MIT */
/*
 * The program's standard input: from the wire, as protocol.h tells the form, to a pipe.
 *
 * Credit is given for what the program has taken, so that never more than INPUT_WINDOW_BYTES are
 * on their way. The kernel's tty keeps 4095 while nobody reads it: the window stays below it even
 * if each byte comes in a frame of its own, with two bytes of length. Once the program reads no
 * more, what comes is dropped and credit is given for it.
 */
#ifndef TVMM_INITRAMFS_GUEST_INPUT_H
#define TVMM_INITRAMFS_GUEST_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INPUT_WINDOW_BYTES = 1024 };

struct input {
	int pipe; /* -1: nobody reads it */
	bool ended;
	size_t waiting_bytes;      /* for room in the pipe */
	size_t owed_bytes;         /* of credit, not given yet */
	unsigned int length_bytes; /* of the length of a frame: how many have come */
	size_t left_bytes;         /* of its payload: how many have not */
	uint8_t waiting[INPUT_WINDOW_BYTES];
};

/* The first credit is the caller's to give. */
void input_init(struct input *input, int pipe);

/* Whether there is room for a read of the wire. */
bool input_wants(const struct input *input);

/* Reads from the wire and passes on. False: the wire is gone. */
bool input_read(struct input *input, int wire);

/* Passes on what waits, closes the pipe behind the end, gives credit. */
void input_pass_on(struct input *input);

#endif
