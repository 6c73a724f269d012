/* SPDX-License-Identifier: MIT */
/*
 * The UART against the model that tests/common/uart_model.c tells from the data sheet: every value
 * written to every register in every state, and what each register reads and the interrupt does
 * afterwards; then long random walks, which reach what no list of states has.
 *
 * A state is the product of all that decides what an access does: FIFOs and trigger level, what
 * waits in the receiver, loopback, DLAB, OUT2 and RTS, THR empty told or not, modem lines changed
 * or not, the sixteen values of IER. It is made with accesses alone.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "devices/bus.h"
#include "tests/common/uart_pair.h"

enum { IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6 };

/* What waits in the receiver. */
enum receiver { EMPTY, EMPTY_AND_POLLED, ONE, BREAK_BEHIND_A_BYTE, FULL, OVERRUN, RECEIVERS };

static const uint8_t fifo_controls[] = { 0x00, 0x01, 0x41, 0x81, 0xc1 };

struct situation {
	uint8_t fifo_control, ier, modem; /* modem: MCR without loopback */
	enum receiver receiver;
	bool loop, dlab, empty_untold, modem_changed;
};

static struct uart_pair pair, start;
static struct situation now;

/* ck_assert() notes each place that it passes, which is too slow for millions of them. */
static void agreed(uart_pair_verdict verdict, const char *what, unsigned int reg,
		   unsigned int value)
{
	if (!verdict)
		return;
	ck_abort_msg("%s: %s %u, %02x; fcr %02x ier %02x mcr %02x receiver %d loop %d dlab %d thr "
		     "empty untold %d modem changed %d",
		     verdict, what, reg, value, now.fifo_control, now.ier, now.modem, now.receiver,
		     now.loop, now.dlab, now.empty_untold, now.modem_changed);
}

static void wr(unsigned int reg, unsigned int value)
{
	const uint8_t byte = (uint8_t)value;

	agreed(uart_pair_write(&pair, reg, &byte, 1), "write", reg, value);
}

static void rd(unsigned int reg)
{
	agreed(uart_pair_read(&pair, reg, 1), "read", reg, 0);
}

static void rx(const char *text)
{
	agreed(uart_pair_rx(&pair, (const uint8_t *)text, strlen(text)), "rx", 0, text[0]);
}

static void fill_receiver(enum receiver receiver, bool fifos)
{
	switch (receiver) {
	case ONE:
		rx("1");
		break;
	case BREAK_BEHIND_A_BYTE: /* without FIFOs an overrun as well */
		rx("b");
		agreed(uart_pair_rx_break(&pair), "break", 0, 0);
		break;
	case FULL:
		rx(fifos ? "0123456789abcdef" : "f");
		break;
	case OVERRUN:
		rx("0123456789abcdefg");
		break;
	default:
		break;
	}
}

static void enter(const struct situation *s)
{
	now = *s;
	uart_pair_init(&pair);
	wr(FCR, s->fifo_control);
	fill_receiver(s->receiver, s->fifo_control & 1);
	wr(MCR, 0x10);
	wr(MCR, s->loop ? 0x10 | s->modem : s->modem);
	if (!s->modem_changed)
		rd(MSR);
	wr(IER, 2); /* THR is empty: something to tell */
	if (!s->empty_untold)
		rd(IIR); /* with IER 02 it can tell nothing else */
	wr(IER, s->ier);
	wr(LCR, s->dlab ? 0x83 : 0x03);
	for (int i = 0; i < 8 && s->receiver == EMPTY_AND_POLLED; i++)
		rd(LSR);
}

/*
 * Each value to each register, then every register read: upwards, or downwards in the situations
 * that differ from those in one thing.
 */
static void write_everything(bool down)
{
	uart_pair_copy(&start, &pair);
	for (unsigned int access = 0; access < 8 * 256; access++) {
		uart_pair_copy(&pair, &start);
		wr(access / 256, access % 256);
		for (unsigned int r = 0; r < 8; r++)
			rd(down ? 7 - r : r);
	}
}

/* Any two reads, and what IIR says then. */
static void read_everything(bool unused)
{
	(void)unused;
	uart_pair_copy(&start, &pair);
	for (unsigned int both = 0; both < 8 * 8; both++) {
		uart_pair_copy(&pair, &start);
		rd(both / 8);
		rd(both % 8);
		rd(IIR);
	}
}

/* All situations with one FIFO control; returns how many. */
static unsigned int each_situation(uint8_t fifo_control, void (*what)(bool odd))
{
	unsigned int count = 0;

	for (unsigned int bits = 0; bits < 1 << 9; bits++) {
		for (int receiver = 0; receiver < RECEIVERS; receiver++, count++) {
			enter(&(struct situation){
				.fifo_control = fifo_control,
				.ier = bits & 0x0f,
				.modem = bits & 0x10 ? 0x0b : 0,
				.receiver = (enum receiver)receiver,
				.loop = bits & 0x20,
				.dlab = bits & 0x40,
				.empty_untold = bits & 0x80,
				.modem_changed = bits & 0x100,
			});
			what((__builtin_popcount(bits) + receiver) % 2);
		}
	}
	return count;
}

START_TEST(every_write_in_every_state)
{
	ck_assert_uint_eq(each_situation(fifo_controls[_i], write_everything), 512 * RECEIVERS);
}
END_TEST

START_TEST(any_two_reads_in_every_state)
{
	ck_assert_uint_eq(each_situation(fifo_controls[_i], read_everything), 512 * RECEIVERS);
}
END_TEST

/* Random walks. */

static uint64_t random_state = 88172645463325252;

static unsigned int random_below(unsigned int limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned int)(random_state >> 33) % limit;
}

static void random_write(void)
{
	unsigned int reg = random_below(8), value = random_below(256);

	/* DLAB and loopback hide most of the chip, so they are rarer than chance. */
	if (reg == LCR && random_below(8))
		value &= 0x7f;
	if (reg == MCR && random_below(4))
		value &= 0x0f;
	if (reg == FCR && random_below(4))
		value = (value | 1) & 0xfd;
	wr(reg, value);
}

/* As the bus cuts them: 2, 4 or 8 bytes inside the range. */
static void random_wide_access(void)
{
	unsigned int size = 2U << random_below(3), reg = random_below(9 - size);
	uint8_t bytes[8];

	if (random_below(2)) {
		agreed(uart_pair_read(&pair, reg, size), "wide read", reg, size);
		return;
	}
	for (unsigned int i = 0; i < size; i++)
		bytes[i] = (uint8_t)random_below(256);
	agreed(uart_pair_write(&pair, reg, bytes, size), "wide write", reg, size);
}

static void random_arrival(void)
{
	const uint8_t bytes[4] = { (uint8_t)random_below(256), 1, 2, (uint8_t)random_below(256) };

	if (random_below(10) == 0)
		agreed(uart_pair_rx_break(&pair), "break", 0, 0);
	else
		agreed(uart_pair_rx(&pair, bytes, random_below(5)), "rx", 0, bytes[0]);
}

START_TEST(a_million_random_accesses)
{
	uart_pair_init(&pair);
	pair.answers = (unsigned int)_i; /* what the host sends when it is told of room */
	for (unsigned int i = 0; i < 1000000; i++) {
		unsigned int what = random_below(400);

		if (what < 180)
			rd(random_below(8));
		else if (what < 310)
			random_write();
		else if (what < 330)
			random_wide_access();
		else if (what < 399)
			random_arrival();
		else
			agreed(uart_pair_reset(&pair), "reset", 0, 0);
	}
	ck_assert_uint_gt(pair.rises, 10000);
	ck_assert_uint_gt(pair.sent, 10000);
	ck_assert_uint_gt(pair.drained, 1000);
}
END_TEST

/* All sizes at all offsets, through a bus: whatever comes, nothing breaks. */
START_TEST(random_accesses_through_a_bus)
{
	struct bus bus;
	struct err e;
	uint8_t data[8];

	uart_pair_init(&pair);
	bus_init(&bus, "port");
	ck_assert_int_eq(bus_attach(&bus, 0x3f8, UART16550_REGISTERS, &pair.uart.device, &e), 0);
	for (unsigned int i = 0; i < 200000; i++) {
		uint64_t address = 0x3f0 + random_below(0x18);
		uint32_t size = 1U << random_below(4);

		for (size_t k = 0; k < sizeof(data); k++)
			data[k] = (uint8_t)random_below(256);
		if (random_below(2))
			bus_read(&bus, address, size, data);
		else
			bus_write(&bus, address, size, data);
		if (random_below(4) == 0)
			uart16550_rx(&pair.uart, data, random_below(9));
		if (pair.uart.state.rx_count > UART16550_FIFO_BYTES ||
		    pair.uart.state.rx_first >= UART16550_FIFO_BYTES)
			ck_abort_msg("the FIFO holds too much");
	}
	ck_assert_uint_gt(bus.slot[0].reads, 1000);
	ck_assert_uint_gt(bus.read_misses, 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("uart16550_model");
	TCase *tcase = tcase_create("uart16550_model");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, every_write_in_every_state, 0, sizeof(fifo_controls));
	tcase_add_loop_test(tcase, any_two_reads_in_every_state, 0, sizeof(fifo_controls));
	tcase_add_loop_test(tcase, a_million_random_accesses, 0, 3);
	tcase_add_test(tcase, random_accesses_through_a_bus);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
