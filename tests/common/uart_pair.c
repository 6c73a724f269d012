/* SPDX-License-Identifier: MIT */
#include "tests/common/uart_pair.h"

#include <string.h>

enum { WIDEST = 8 };

static const uint8_t answer[UART16550_FIFO_BYTES] = "Answered at once";

static void on_line(void *ctx, bool level)
{
	struct uart_pair *pair = ctx;

	if (level && !pair->line)
		pair->rises++;
	pair->line = level;
}

static void on_byte(void *ctx, const uint8_t *bytes, size_t count)
{
	struct uart_pair *pair = ctx;

	pair->sent += (unsigned int)count;
	pair->last_sent = bytes[count - 1];
}

static size_t answer_bytes(const struct uart_pair *pair, size_t room)
{
	return pair->answers < room ? pair->answers : room;
}

static void on_room(void *ctx, bool level)
{
	struct uart_pair *pair = ctx;

	pair->drained += level;
	uart16550_rx(&pair->uart, answer, answer_bytes(pair, uart16550_rx_room(&pair->uart)));
}

void uart_pair_init(struct uart_pair *pair)
{
	memset(pair, 0, sizeof(*pair));
	uart16550_init(&pair->uart, (struct line){ on_line, pair },
		       (struct byte_sink){ on_byte, pair });
	pair->uart.rx_drained = (struct line){ on_room, pair };
	uart_model_init(&pair->model);
}

void uart_pair_copy(struct uart_pair *to, const struct uart_pair *from)
{
	to->uart.state = from->uart.state;
	to->model = from->model;
	to->line = from->line;
	to->rises = from->rises;
	to->sent = from->sent;
	to->last_sent = from->last_sent;
	to->drained = from->drained;
	to->answers = from->answers;
}

/* The model's part of rx_drained. Returns how often it was told. */
static unsigned int model_told(struct uart_pair *pair, size_t room_before)
{
	size_t room = uart_model_room(&pair->model), n = answer_bytes(pair, room);

	if (room <= room_before)
		return 0;
	for (size_t i = 0; i < n; i++)
		uart_model_rx(&pair->model, answer[i]);
	return 1;
}

/* True of any 16550A at any time, whatever the model says. */
static uart_pair_verdict sound(const struct uart_pair *pair)
{
	const struct uart16550_state *s = &pair->uart.state;
	unsigned int holds = s->fcr & 1 ? UART_MODEL_FIFO_BYTES : 1;

	if (s->ier > 0x0f || s->mcr > 0x1f || (s->fcr & 0x36) || (s->line_errors & 0xe1))
		return "a register has bits that the chip does not have";
	if (s->rx_count > holds || s->rx_first >= UART_MODEL_FIFO_BYTES)
		return "the receiver holds more than its FIFO";
	return NULL;
}

static uart_pair_verdict compare(const struct uart_pair *pair)
{
	if (pair->line != pair->model.line)
		return "the interrupt's level differs";
	if (pair->rises != pair->model.rises)
		return "the interrupt rose another number of times";
	if (uart16550_rx_room(&pair->uart) != uart_model_room(&pair->model))
		return "the room for received bytes differs";
	return sound(pair);
}

uart_pair_verdict uart_pair_read(struct uart_pair *pair, unsigned int reg, unsigned int size)
{
	unsigned int told = pair->drained;
	uint8_t got[WIDEST];

	pair->uart.device.ops->read(&pair->uart.device, reg, size, got);
	for (unsigned int i = 0; i < size; i++) {
		size_t room = uart_model_room(&pair->model);

		if (got[i] != uart_model_read(&pair->model, reg + i))
			return "a register reads another value";
		told += model_told(pair, room);
	}
	return pair->drained == told ? compare(pair) : "room was told another number of times";
}

uart_pair_verdict uart_pair_write(struct uart_pair *pair, unsigned int reg, const uint8_t *bytes,
				  unsigned int size)
{
	unsigned int told = pair->drained, sent = pair->sent;

	pair->uart.device.ops->write(&pair->uart.device, reg, size, bytes);
	for (unsigned int i = 0; i < size; i++) {
		size_t room = uart_model_room(&pair->model);
		int goes = uart_model_write(&pair->model, reg + i, bytes[i]);

		told += model_told(pair, room);
		if (goes == UART_MODEL_SENDS_NOTHING)
			continue;
		sent++; /* only register 0 sends: once in an access */
		if (pair->last_sent != goes)
			return "another byte was sent";
	}
	if (pair->sent != sent)
		return "another number of bytes was sent";
	return pair->drained == told ? compare(pair) : "room was told another number of times";
}

uart_pair_verdict uart_pair_rx(struct uart_pair *pair, const uint8_t *bytes, size_t count)
{
	uart16550_rx(&pair->uart, bytes, count);
	for (size_t i = 0; i < count; i++)
		uart_model_rx(&pair->model, bytes[i]);
	return compare(pair);
}

uart_pair_verdict uart_pair_rx_break(struct uart_pair *pair)
{
	uart16550_rx_break(&pair->uart);
	uart_model_rx_break(&pair->model);
	return compare(pair);
}

/* The reset takes the level down before the model forgets it: no rise is counted anew. */
uart_pair_verdict uart_pair_reset(struct uart_pair *pair)
{
	unsigned int rises = pair->model.rises;

	pair->uart.device.ops->reset(&pair->uart.device);
	uart_model_init(&pair->model);
	pair->model.rises = rises;
	return compare(pair);
}
