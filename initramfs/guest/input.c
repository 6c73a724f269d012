/* SPDX-License-Identifier: MIT */
#include "initramfs/guest/input.h"

#include <linux/errno.h>

#include "initramfs/guest/sys.h"
#include "initramfs/guest/wire.h"

enum { LENGTH_BYTES = 2 };

void input_init(struct input *input, int pipe)
{
	memset(input, 0, sizeof(*input));
	input->pipe = pipe;
}

bool input_wants(const struct input *input)
{
	return !input->ended && input->waiting_bytes < INPUT_WINDOW_BYTES;
}

/* The lower byte of the length comes first. */
static void take_length(struct input *input, uint8_t byte)
{
	input->left_bytes |= (size_t)byte << 8 * input->length_bytes;
	input->length_bytes++;
	input->ended = input->length_bytes == LENGTH_BYTES && !input->left_bytes;
}

static size_t take_payload(struct input *input, const uint8_t *bytes, size_t count)
{
	if (count > input->left_bytes)
		count = input->left_bytes;
	memcpy(input->waiting + input->waiting_bytes, bytes, count);
	input->waiting_bytes += count;
	input->left_bytes -= count;
	if (!input->left_bytes)
		input->length_bytes = 0;
	return count;
}

bool input_read(struct input *input, int wire)
{
	uint8_t bytes[INPUT_WINDOW_BYTES];
	long got = sys3(read, wire, bytes, INPUT_WINDOW_BYTES - input->waiting_bytes);

	for (long i = 0; i < got && !input->ended;) {
		if (input->length_bytes < LENGTH_BYTES)
			take_length(input, bytes[i++]);
		else
			i += (long)take_payload(input, bytes + i, (size_t)(got - i));
	}
	input_pass_on(input);
	return got >= 0 || got == -EINTR;
}

static void close_pipe(struct input *input)
{
	(void)sys1(close, input->pipe);
	input->pipe = -1;
}

static void taken(struct input *input, size_t count)
{
	memmove(input->waiting, input->waiting + count, input->waiting_bytes - count);
	input->waiting_bytes -= count;
	input->owed_bytes += count;
}

static void give_credit(struct input *input)
{
	if (input->ended || input->owed_bytes < INPUT_WINDOW_BYTES / 2)
		return;
	wire_send_number(PROTOCOL_CREDIT, input->owed_bytes);
	input->owed_bytes = 0;
}

void input_pass_on(struct input *input)
{
	if (input->pipe >= 0 && input->waiting_bytes) {
		long done = sys3(write, input->pipe, input->waiting, input->waiting_bytes);

		if (done > 0)
			taken(input, (size_t)done);
		else if (done != -EAGAIN && done != -EINTR)
			close_pipe(input);
	}
	if (input->pipe < 0)
		taken(input, input->waiting_bytes);
	if (input->pipe >= 0 && input->ended && !input->waiting_bytes)
		close_pipe(input);
	give_credit(input);
}
