/* SPDX-License-Identifier: MIT */
/*
 * Takes the frames of protocol.h out of what a guest sends. Nothing of it is believed: a frame
 * is of a known type, bounded, and its sum is right, or the stream is damaged and stays so.
 *
 * A byte without bit 7 is the console's at any time and passes at once, in the midst of a frame
 * and behind damage too.
 *
 * Before the guest's hello all bytes are the console's; those with bit 7 that may still become a
 * hello are held back until the next one with bit 7 decides. So if it was none, they come behind
 * the text that stood between them: the one case where order is lost.
 */
#ifndef TVMM_INITRAMFS_FRAMES_H
#define TVMM_INITRAMFS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "initramfs/protocol.h"

enum {
	/* A hello on the wire: 3 + 13 packed in 2 groups + 2. */
	FRAMES_HELD_BYTES = 32,
	/* The longest frame on the wire. */
	FRAMES_WIRE_MAX = 3 + PROTOCOL_PAYLOAD_MAX + (PROTOCOL_PAYLOAD_MAX + 6) / 7 + 2,
};

enum frames_took {
	FRAMES_PASSING,  /* passing has what is the console's: this byte, what was held back */
	FRAMES_HELD,     /* part of a frame, or held back */
	FRAMES_COMPLETE, /* type and payload are a frame's */
	FRAMES_DAMAGED,  /* every byte with bit 7 from now on; why says how */
};

struct frames {
	bool open; /* the hello has come */
	enum protocol_frame type;
	uint8_t payload[PROTOCOL_PAYLOAD_MAX + 1]; /* NUL behind it */
	size_t payload_bytes;                      /* good until the next byte is taken */
	uint8_t passing[FRAMES_HELD_BYTES];
	size_t passing_bytes;
	const char *why; /* of FRAMES_DAMAGED; static; NULL: it is not damaged */

	/* Private to frames.c. */
	uint8_t hello[FRAMES_HELD_BYTES]; /* as it is on the wire */
	size_t hello_bytes;
	uint8_t held[FRAMES_HELD_BYTES];
	size_t held_bytes;
	unsigned int at;       /* which part of a frame comes next */
	size_t length, got;    /* of the payload that is coming */
	unsigned int tops;     /* of the group that is being unpacked */
	unsigned int in_group; /* how many bytes of it have come */
	uint8_t sum[2];
};

void frames_init(struct frames *frames);

/* The next byte that the guest has sent. */
enum frames_took frames_take(struct frames *frames, uint8_t byte);

/*
 * No more bytes will come: passing has what was held back. True: a frame has begun, has not ended
 * and was not damaged.
 */
bool frames_end(struct frames *frames);

/* The number that a complete frame's payload is in decimal digits, or -1 if it is none up to max. */
long frames_number(const struct frames *frames, long max);

/*
 * Packs a frame, at most PROTOCOL_PAYLOAD_MAX bytes of payload: the guest's side, for tests.
 * wire has room for FRAMES_WIRE_MAX bytes, or for the frame. Returns its length on the wire.
 */
size_t frames_pack(uint8_t *wire, enum protocol_frame type, const void *payload,
		   size_t payload_bytes);

#endif
