/* SPDX-License-Identifier: MIT */
/*
 * Both directions of the frames that protocol.h draws. A byte at a time, because the UART gives
 * them so; what is kept between two of them is in struct frames.
 */
#include "initramfs/frames.h"

#include <string.h>

#include "vmm/base/must.h"

enum { LOW_BITS = PROTOCOL_MARK_BIT - 1, GROUP_BYTES = 7 };

/* The part of a frame that comes next. */
enum { AT_TYPE, AT_LENGTH_LO, AT_LENGTH_HI, AT_TOPS, AT_PAYLOAD, AT_SUM_LO, AT_SUM_HI };

/* Fletcher's sums. */

static void add(uint8_t sum[2], uint8_t byte)
{
	sum[0] = (uint8_t)((sum[0] + byte) % PROTOCOL_SUM_MODULO);
	sum[1] = (uint8_t)((sum[1] + sum[0]) % PROTOCOL_SUM_MODULO);
}

/* Packing. */

static size_t pack_payload(uint8_t *wire, const uint8_t *payload, size_t payload_bytes)
{
	size_t at = 0, tops_at = 0;

	for (size_t i = 0; i < payload_bytes; i++) {
		size_t in_group = i % GROUP_BYTES;

		if (in_group == 0) {
			tops_at = at++;
			wire[tops_at] = PROTOCOL_MARK_BIT;
		}
		wire[tops_at] |= (uint8_t)((payload[i] & PROTOCOL_MARK_BIT) >> 7 << in_group);
		wire[at++] = payload[i] | PROTOCOL_MARK_BIT;
	}
	return at;
}

size_t frames_pack(uint8_t *wire, enum protocol_frame type, const void *payload,
		   size_t payload_bytes)
{
	const uint8_t head[] = { (uint8_t)type, (uint8_t)(payload_bytes & LOW_BITS),
				 (uint8_t)(payload_bytes >> 7) };
	uint8_t sum[2] = { 0 };
	size_t at = 0;

	must(payload_bytes <= PROTOCOL_PAYLOAD_MAX);
	for (size_t i = 0; i < sizeof(head); i++) {
		add(sum, head[i]);
		wire[at++] = head[i] | PROTOCOL_MARK_BIT;
	}
	for (size_t i = 0; i < payload_bytes; i++)
		add(sum, ((const uint8_t *)payload)[i]);
	at += pack_payload(wire + at, payload, payload_bytes);
	wire[at++] = sum[0] | PROTOCOL_MARK_BIT;
	wire[at++] = sum[1] | PROTOCOL_MARK_BIT;
	return at;
}

/* Before the hello: the bytes with bit 7 are compared with those of a hello. */

static void release_held(struct frames *frames)
{
	memcpy(frames->passing, frames->held, frames->held_bytes);
	frames->passing_bytes = frames->held_bytes;
	frames->held_bytes = 0;
}

static void pass(struct frames *frames, uint8_t byte)
{
	frames->passing[frames->passing_bytes++] = byte;
}

static enum frames_took open_with_hello(struct frames *frames)
{
	frames->open = true;
	frames->held_bytes = 0;
	frames->type = PROTOCOL_HELLO;
	frames->payload_bytes = strlen(PROTOCOL_HELLO_TEXT);
	memcpy(frames->payload, PROTOCOL_HELLO_TEXT, frames->payload_bytes + 1);
	return FRAMES_COMPLETE;
}

/* A hello begins with a byte that it has nowhere else, so that no other beginning is in it. */
static enum frames_took await_hello(struct frames *frames, uint8_t byte)
{
	if (byte != frames->hello[frames->held_bytes])
		release_held(frames);
	if (byte != frames->hello[frames->held_bytes]) {
		pass(frames, byte);
		return FRAMES_PASSING;
	}
	frames->held[frames->held_bytes++] = byte;
	if (frames->held_bytes == frames->hello_bytes)
		return open_with_hello(frames);
	return frames->passing_bytes ? FRAMES_PASSING : FRAMES_HELD;
}

/* After it: one part of a frame after the other. */

static enum frames_took damaged(struct frames *frames, const char *why)
{
	frames->why = why;
	return FRAMES_DAMAGED;
}

static enum frames_took take_type(struct frames *frames, uint8_t bits)
{
	switch (bits) {
	case PROTOCOL_HELLO:
		return damaged(frames, "a second hello");
	case PROTOCOL_STDOUT:
	case PROTOCOL_STDERR:
	case PROTOCOL_CREDIT:
	case PROTOCOL_EXIT:
	case PROTOCOL_SIGNAL:
	case PROTOCOL_FAILED:
	case PROTOCOL_NOTE:
		break;
	default:
		return damaged(frames, "a frame of an unknown type");
	}
	frames->type = (enum protocol_frame)bits;
	frames->got = 0;
	memset(frames->sum, 0, sizeof(frames->sum));
	add(frames->sum, bits);
	frames->at = AT_LENGTH_LO;
	return FRAMES_HELD;
}

static enum frames_took take_length_lo(struct frames *frames, uint8_t bits)
{
	frames->length = bits;
	add(frames->sum, bits);
	frames->at = AT_LENGTH_HI;
	return FRAMES_HELD;
}

static enum frames_took take_length_hi(struct frames *frames, uint8_t bits)
{
	frames->length |= (size_t)bits << 7;
	add(frames->sum, bits);
	if (frames->length > PROTOCOL_PAYLOAD_MAX)
		return damaged(frames, "a frame longer than 4096 bytes");
	frames->at = frames->length ? AT_TOPS : AT_SUM_LO;
	return FRAMES_HELD;
}

/* The top bits of the bytes that follow; where none follows there is no bit. */
static enum frames_took take_tops(struct frames *frames, uint8_t bits)
{
	size_t left = frames->length - frames->got;

	if (left < GROUP_BYTES && bits >> left)
		return damaged(frames, "a top bit without its byte");
	frames->tops = bits;
	frames->in_group = 0;
	frames->at = AT_PAYLOAD;
	return FRAMES_HELD;
}

static enum frames_took take_payload(struct frames *frames, uint8_t bits)
{
	uint8_t top = frames->tops >> frames->in_group & 1;
	uint8_t byte = bits | (uint8_t)(top << 7);

	frames->payload[frames->got++] = byte;
	add(frames->sum, byte);
	if (frames->got == frames->length)
		frames->at = AT_SUM_LO;
	else if (++frames->in_group == GROUP_BYTES)
		frames->at = AT_TOPS;
	return FRAMES_HELD;
}

static enum frames_took take_sum(struct frames *frames, uint8_t bits)
{
	if (bits != frames->sum[frames->at == AT_SUM_HI])
		return damaged(frames, "a frame whose sum is wrong");
	if (frames->at == AT_SUM_LO) {
		frames->at = AT_SUM_HI;
		return FRAMES_HELD;
	}
	frames->at = AT_TYPE;
	frames->payload_bytes = frames->length;
	frames->payload[frames->length] = '\0';
	return FRAMES_COMPLETE;
}

static enum frames_took take_part(struct frames *frames, uint8_t bits)
{
	switch (frames->at) {
	case AT_TYPE:
		return take_type(frames, bits);
	case AT_LENGTH_LO:
		return take_length_lo(frames, bits);
	case AT_LENGTH_HI:
		return take_length_hi(frames, bits);
	case AT_TOPS:
		return take_tops(frames, bits);
	case AT_PAYLOAD:
		return take_payload(frames, bits);
	default:
		return take_sum(frames, bits);
	}
}

void frames_init(struct frames *frames)
{
	memset(frames, 0, sizeof(*frames));
	frames->hello_bytes = frames_pack(frames->hello, PROTOCOL_HELLO, PROTOCOL_HELLO_TEXT,
					  strlen(PROTOCOL_HELLO_TEXT));
}

enum frames_took frames_take(struct frames *frames, uint8_t byte)
{
	frames->passing_bytes = 0;
	if (!(byte & PROTOCOL_MARK_BIT)) {
		pass(frames, byte);
		return FRAMES_PASSING;
	}
	if (!frames->open)
		return await_hello(frames, byte);
	if (frames->why)
		return FRAMES_DAMAGED;
	return take_part(frames, byte & LOW_BITS);
}

bool frames_end(struct frames *frames)
{
	release_held(frames);
	return !frames->why && frames->at != AT_TYPE;
}

long frames_number(const struct frames *frames, long max)
{
	long number = 0;

	if (!frames->payload_bytes)
		return -1;
	for (size_t i = 0; i < frames->payload_bytes; i++) {
		int digit = frames->payload[i] - '0';

		if (digit < 0 || digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, digit, &number) || number > max)
			return -1;
	}
	return number;
}
