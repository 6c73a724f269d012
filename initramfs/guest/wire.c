/* SPDX-License-Identifier: MIT */
#include "initramfs/guest/wire.h"

#include <stdint.h>

#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "initramfs/guest/sys.h"

enum {
	MARK = PROTOCOL_MARK_BIT,
	LOW_BITS = MARK - 1,
	GROUP_BYTES = 7,
	/* Head, payload with a byte for each group, sums, and what the last store is wider. */
	WIRE_BYTES = 3 + PROTOCOL_PAYLOAD_MAX + PROTOCOL_PAYLOAD_MAX / GROUP_BYTES + 1 + 2 + 8,
};

static long tty;
static uint8_t wire[WIRE_BYTES];

/* Fletcher's sums. 3 + 4096 bytes of 255 each fit without a modulo in between. */
struct sums {
	uint32_t a, b;
};

static void clear_line(struct termios *t)
{
	t->c_iflag = IGNBRK;
	t->c_oflag = 0;
	t->c_lflag = 0;
	t->c_cflag &= (tcflag_t) ~(CSIZE | CSTOPB | PARENB);
	t->c_cflag |= CS8 | CREAD | CLOCAL | CRTSCTS;
	t->c_cc[VMIN] = 0; /* a read never waits: the program may have taken what poll() saw */
	t->c_cc[VTIME] = 0;
}

long wire_open(void)
{
	struct termios t;
	long error;

	tty = sys4(openat, AT_FDCWD, "/dev/ttyS0", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
	if (tty < 0)
		return tty;
	error = sys3(ioctl, tty, TCGETS, &t);
	if (error < 0)
		return error;
	clear_line(&t);
	error = sys3(ioctl, tty, TCSETS, &t);
	return error < 0 ? error : tty;
}

static void add(struct sums *sums, uint8_t byte)
{
	sums->a += byte;
	sums->b += sums->a;
}

/*
 * Seven bytes become eight, in one word: the payload moved up by a byte, the marks, and the seven
 * top bits, which the multiplication moves side by side into its highest byte.
 */
static void pack_group(uint8_t *to, const uint8_t *from, struct sums *sums)
{
	const uint64_t marks = 0x8080808080808080, gather = 0x0002040810204081;
	uint32_t low, high;
	uint64_t bytes, word;

	memcpy(&low, from, sizeof(low));
	memcpy(&high, from + 3, sizeof(high));
	bytes = (uint64_t)high << 24 | low;
	word = bytes << 8 | marks | (bytes & marks) * gather >> 56;
	memcpy(to, &word, sizeof(word));
	for (unsigned int i = 0; i < GROUP_BYTES; i++)
		add(sums, (uint8_t)(bytes >> 8 * i));
}

/* The fewer that are left. */
static size_t pack_rest(uint8_t *to, const uint8_t *from, size_t count, struct sums *sums)
{
	uint8_t group[GROUP_BYTES] = { 0 };
	struct sums unused = { 0 };

	if (!count)
		return 0;
	memcpy(group, from, count);
	pack_group(to, group, &unused);
	for (size_t i = 0; i < count; i++)
		add(sums, group[i]);
	return count + 1;
}

static size_t pack(enum protocol_frame type, const uint8_t *payload, size_t count)
{
	const uint8_t head[] = { (uint8_t)type, count & LOW_BITS, (uint8_t)(count >> 7) };
	struct sums sums = { 0 };
	size_t at = 0;

	for (size_t i = 0; i < sizeof(head); i++) {
		add(&sums, head[i]);
		wire[at++] = head[i] | MARK;
	}
	for (; count >= GROUP_BYTES; count -= GROUP_BYTES) {
		pack_group(wire + at, payload, &sums);
		payload += GROUP_BYTES;
		at += GROUP_BYTES + 1;
	}
	at += pack_rest(wire + at, payload, count, &sums);
	wire[at++] = (uint8_t)(sums.a % PROTOCOL_SUM_MODULO | MARK);
	wire[at++] = (uint8_t)(sums.b % PROTOCOL_SUM_MODULO | MARK);
	return at;
}

void wire_send(enum protocol_frame type, const void *payload, size_t count)
{
	size_t left = pack(type, payload, count);
	const uint8_t *at = wire;

	while (left) {
		long done = sys3(write, tty, at, left);

		if (done < 0 && done != -EINTR)
			return; /* the line is gone, and with it everybody who could be told */
		if (done > 0) {
			at += done;
			left -= (size_t)done;
		}
	}
}

void wire_send_text(enum protocol_frame type, const struct text *text)
{
	wire_send(type, text->bytes, text->count);
}

void wire_send_number(enum protocol_frame type, unsigned long number)
{
	struct text text = { 0 };

	text_add_number(&text, number);
	wire_send_text(type, &text);
}

/* TCSBRK with an argument other than 0 is tcdrain(3). */
void wire_drain(void)
{
	while (sys3(ioctl, tty, TCSBRK, 1) == -EINTR)
		continue;
}
