/* SPDX-License-Identifier: MIT */
/*
 * Any stream of bytes from a guest: what is the console's, what is a frame and what is damage are
 * as a reader says that has the whole stream before it; every byte of the console passes once.
 *
 * Input: the stream. A byte below 8 stands for a whole piece, so that frames need not be guessed
 * bit by bit: a hello, a frame of a type, its length and the bytes that follow, cut or whole.
 *
 * libFuzzer: -max_len=512
 */
#include "initramfs/frames.h"
#include "tests/fuzz/fuzz.h"

enum { STREAM_MAX = 1 << 14, HELLO_TEXT_BYTES = 13, HELLO_BYTES = 20 };

struct stream {
	uint8_t bytes[STREAM_MAX + FRAMES_WIRE_MAX];
	size_t count;
};

/* What is found in a stream: the console's bytes, and the frames, each as type, length, payload. */
struct found {
	size_t console_bytes, frames_bytes;
	bool open, damaged, cut;
	uint8_t console[STREAM_MAX + FRAMES_WIRE_MAX];
	uint8_t frames[2 * STREAM_MAX];
};

static void nothing_found(struct found *found)
{
	memset(found, 0, offsetof(struct found, console));
}

static void put_frame(struct stream *stream, uint8_t type, const uint8_t *payload, size_t count)
{
	stream->count += frames_pack(stream->bytes + stream->count, (enum protocol_frame)type,
				     payload, count);
}

/* A frame whose payload is what follows, some of it over and over. */
static void make_frame(struct stream *stream, struct fuzz_input *in)
{
	static const uint8_t types[] = "oecxsfnh";
	static uint8_t payload[PROTOCOL_PAYLOAD_MAX];
	uint8_t type = fuzz_u8(in), step = fuzz_u8(in);
	size_t count = fuzz_bytes(in, 2) % (PROTOCOL_PAYLOAD_MAX + 1), before = stream->count;
	uint8_t byte = 0;

	for (size_t i = 0; i < count; i++) {
		if (i < 64)
			byte = fuzz_u8(in);
		byte = (uint8_t)(byte + step);
		payload[i] = byte;
	}
	put_frame(stream, types[type % 8], payload, count);
	if (type & 0x80) /* cut */
		stream->count -= fuzz_u8(in) % (stream->count - before);
	if (type & 0x40) /* changed */
		stream->bytes[before + fuzz_u8(in) % (stream->count - before)] ^= fuzz_u8(in);
}

static void make_stream(struct stream *stream, struct fuzz_input *in)
{
	stream->count = 0;
	while (in->left && stream->count < STREAM_MAX - FRAMES_WIRE_MAX) {
		uint8_t byte = fuzz_u8(in);

		if (byte == 0)
			put_frame(stream, 'h', (const uint8_t *)PROTOCOL_HELLO_TEXT,
				  HELLO_TEXT_BYTES);
		else if (byte < 8)
			make_frame(stream, in);
		else
			stream->bytes[stream->count++] = byte;
	}
}

/* The reader that has all of it: of marked bytes only, and of the others apart. */

struct marked {
	const uint8_t *byte;
	size_t count;
};

struct cursor {
	const uint8_t *at, *end;
	bool cut; /* more was asked for than there is */
	unsigned long a, b;
};

static uint8_t next(struct cursor *cursor)
{
	cursor->cut |= cursor->at == cursor->end;
	return cursor->cut ? 0 : *cursor->at++ & 0x7f;
}

static uint8_t sum(struct cursor *cursor, uint8_t byte)
{
	cursor->a += byte;
	cursor->b += cursor->a;
	return byte;
}

/* The payload of so many bytes; false when a group has a top bit too many. */
static bool spec_payload(struct cursor *cursor, uint8_t *payload, size_t length)
{
	for (size_t i = 0; i < length && !cursor->cut; i += 7) {
		size_t members = length - i < 7 ? length - i : 7;
		uint8_t tops = next(cursor);

		if (tops >= 1U << members)
			return false;
		for (size_t j = 0; j < members; j++)
			payload[i + j] =
				sum(cursor, (uint8_t)(next(cursor) + 128 * (tops >> j & 1)));
	}
	return true;
}

/* The frame at the front; false when it is no good. What is cut may be good. */
static bool spec_frame(struct cursor *cursor, uint8_t *payload, size_t *length)
{
	uint8_t type = sum(cursor, next(cursor));

	if (!type || !strchr("oecxsfn", type))
		return false;
	*length = sum(cursor, next(cursor));
	*length += 128UL * sum(cursor, next(cursor));
	if (cursor->cut)
		return true;
	if (*length > 4096 || !spec_payload(cursor, payload, *length))
		return false;
	return (next(cursor) == cursor->a % 127 || cursor->cut) &&
	       (next(cursor) == cursor->b % 127 || cursor->cut);
}

static void add_frame(struct found *found, uint8_t type, const uint8_t *payload, size_t count)
{
	uint8_t *at = found->frames + found->frames_bytes;

	hold(found->frames_bytes + 3 + count <= sizeof(found->frames), "more frames than bytes");
	at[0] = type;
	at[1] = (uint8_t)count;
	at[2] = (uint8_t)(count >> 8);
	memcpy(at + 3, payload, count);
	found->frames_bytes += 3 + count;
}

static void spec_frames(struct found *found, struct marked m)
{
	static uint8_t payload[PROTOCOL_PAYLOAD_MAX];

	while (m.count && !found->damaged && !found->cut) {
		struct cursor cursor = { .at = m.byte, .end = m.byte + m.count };
		size_t length = 0;

		found->damaged = !spec_frame(&cursor, payload, &length);
		found->cut = cursor.cut;
		if (found->damaged || found->cut)
			return;
		add_frame(found, m.byte[0] & 0x7f, payload, length);
		m.byte = cursor.at;
		m.count = (size_t)(cursor.end - cursor.at);
	}
}

/*
 * Where the hello ends among the marked bytes, 0: there is none. It begins with a byte that it has
 * nowhere else, so its first place is the one.
 */
static size_t spec_hello(const struct marked *m)
{
	static const uint8_t hello[HELLO_BYTES] = {
		0xe8, 0x8d, 0x80, 0x80, 0xf4, 0xf6, 0xed, 0xed, 0xad, 0xe6,
		0xf2, 0x80, 0xe1, 0xed, 0xe5, 0xf3, 0xad, 0xb1, 0xcc, 0xb9,
	};

	for (size_t at = 0; at + HELLO_BYTES <= m->count; at++) {
		if (memcmp(m->byte + at, hello, HELLO_BYTES) == 0)
			return at + HELLO_BYTES;
	}
	return 0;
}

/* The console's bytes in two rows: those with bit 7, which may come late, and those without. */
static void sort_console(uint8_t *plain, size_t *plain_bytes, uint8_t *high, size_t *high_bytes,
			 const uint8_t *bytes, size_t count)
{
	*plain_bytes = 0;
	*high_bytes = 0;
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] & 0x80)
			high[(*high_bytes)++] = bytes[i];
		else
			plain[(*plain_bytes)++] = bytes[i];
	}
}

static void take(struct found *found, const struct stream *stream)
{
	static struct frames frames;

	nothing_found(found);
	frames_init(&frames);
	for (size_t i = 0; i <= stream->count; i++) {
		enum frames_took took = FRAMES_PASSING;

		if (i == stream->count)
			found->cut = frames_end(&frames);
		else
			took = frames_take(&frames, stream->bytes[i]);
		hold(frames.passing_bytes == 0 || took == FRAMES_PASSING, "%d", took);
		hold(frames.passing_bytes <= FRAMES_HELD_BYTES, "%zu", frames.passing_bytes);
		memcpy(found->console + found->console_bytes, frames.passing, frames.passing_bytes);
		found->console_bytes += frames.passing_bytes;
		if (took == FRAMES_COMPLETE && frames.type != PROTOCOL_HELLO)
			add_frame(found, (uint8_t)frames.type, frames.payload,
				  frames.payload_bytes);
		hold((took == FRAMES_DAMAGED) <= (frames.why != NULL), "damage unexplained");
	}
	found->open = frames.open;
	found->damaged = frames.why != NULL;
}

static void compare(const struct found *found, const struct stream *stream)
{
	static uint8_t plain[STREAM_MAX], high[STREAM_MAX];
	static uint8_t console_plain[STREAM_MAX], console_high[STREAM_MAX];
	static struct found spec;
	size_t plain_bytes, high_bytes, console_plain_bytes, console_high_bytes, hello;

	nothing_found(&spec);
	sort_console(plain, &plain_bytes, high, &high_bytes, stream->bytes, stream->count);
	sort_console(console_plain, &console_plain_bytes, console_high, &console_high_bytes,
		     found->console, found->console_bytes);
	hello = spec_hello(&(struct marked){ high, high_bytes });
	if (hello)
		spec_frames(&spec, (struct marked){ high + hello, high_bytes - hello });
	hold(found->open == (hello != 0), "hello at %zu", hello);
	hold(plain_bytes == console_plain_bytes && !memcmp(plain, console_plain, plain_bytes),
	     "text");
	hold(console_high_bytes == (hello ? hello - HELLO_BYTES : high_bytes) &&
		     !memcmp(high, console_high, console_high_bytes),
	     "bytes before the hello");
	hold(found->frames_bytes == spec.frames_bytes &&
		     !memcmp(found->frames, spec.frames, spec.frames_bytes),
	     "frames: %zu bytes, not %zu", found->frames_bytes, spec.frames_bytes);
	hold(found->damaged == spec.damaged, "damaged %d", found->damaged);
	hold(found->cut == (spec.cut && !spec.damaged), "cut %d", found->cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input in = { bytes, size_bytes };
	static struct stream stream;
	static struct found found;

	make_stream(&stream, &in);
	take(&found, &stream);
	compare(&found, &stream);
	return 0;
}
