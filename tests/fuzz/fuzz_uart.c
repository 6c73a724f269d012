/* SPDX-License-Identifier: MIT */
/*
 * Any sequence of register accesses, of one to eight bytes, and of what arrives on the line: after
 * each, the UART reads and drives what the model says (tests/common/uart_pair.c), and its
 * receiver holds no more than its FIFO.
 *
 * Input: operations, one byte that says which, with the first register in bits 0-2, and what it
 * takes.
 *
 * libFuzzer: -max_len=96
 */
#include "tests/common/uart_pair.h"
#include "tests/fuzz/fuzz.h"

/* Bits 5-7. The wide ones take 2, 4 or 8 bytes, by bits 3 and 4, as far as registers go. */
enum { READ, READ_WIDE, WRITE, WRITE_TOO, WRITE_WIDE, RECEIVE, BREAK, HOST };

/* A size that the bus would let through. */
static unsigned int wide_size(uint8_t operation)
{
	unsigned int size = 2U << (operation >> 3 & 3);

	while (size > 1 && (operation & 7) + size > UART16550_REGISTERS)
		size /= 2;
	return size;
}

static uart_pair_verdict write_bytes(struct uart_pair *pair, struct fuzz_input *in,
				     uint8_t operation, unsigned int size)
{
	uint8_t bytes[8];

	for (unsigned int i = 0; i < size; i++)
		bytes[i] = fuzz_u8(in);
	return uart_pair_write(pair, operation & 7, bytes, size);
}

static uart_pair_verdict receive_bytes(struct uart_pair *pair, struct fuzz_input *in,
				       uint8_t operation)
{
	uint8_t bytes[32];
	size_t count = operation & 0x1f;

	for (size_t i = 0; i < count; i++)
		bytes[i] = (uint8_t)(in->left + i);
	return uart_pair_rx(pair, bytes, count);
}

static uart_pair_verdict host(struct uart_pair *pair, uint8_t operation)
{
	if (operation & 0x10)
		return uart_pair_reset(pair);
	pair->answers = operation & 0x0f; /* what it sends when it is told of room */
	return NULL;
}

static uart_pair_verdict operate(struct uart_pair *pair, struct fuzz_input *in)
{
	uint8_t operation = fuzz_u8(in);

	switch (operation >> 5) {
	case READ:
		return uart_pair_read(pair, operation & 7, 1);
	case READ_WIDE:
		return uart_pair_read(pair, operation & 7, wide_size(operation));
	case WRITE_WIDE:
		return write_bytes(pair, in, operation, wide_size(operation));
	case RECEIVE:
		return receive_bytes(pair, in, operation);
	case BREAK:
		return uart_pair_rx_break(pair);
	case HOST:
		return host(pair, operation);
	default:
		return write_bytes(pair, in, operation, 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static struct uart_pair pair;
	struct fuzz_input in = { bytes, size_bytes };

	uart_pair_init(&pair);
	while (in.left) {
		size_t at = size_bytes - in.left;
		const char *flaw = operate(&pair, &in);

		hold(!flaw, "operation at byte %zu: %s", at, flaw);
	}
	return 0;
}
