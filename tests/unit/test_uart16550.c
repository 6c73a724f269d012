/* SPDX-License-Identifier: MIT */
/*
 * The UART against the PC16550D's data sheet and against the way in which Linux probes and starts
 * a port. The constants are the data sheet's. test_uart16550_model.c has every state and value.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "devices/uart16550.h"

enum { RBR = 0, THR = 0, DLL = 0, DLM = 1, IER = 1, IIR = 2, FCR = 2 };
enum { LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7 };

enum {
	SPEC_IER_RECEIVED = 0x01,
	SPEC_IER_THR_EMPTY = 0x02,
	SPEC_IER_LINE = 0x04,
	SPEC_IER_MODEM = 0x08,

	SPEC_IIR_NONE = 0x01,
	SPEC_IIR_LINE = 0x06,
	SPEC_IIR_RECEIVED = 0x04,
	SPEC_IIR_TIMEOUT = 0x0c,
	SPEC_IIR_THR_EMPTY = 0x02,
	SPEC_IIR_MODEM = 0x00,
	SPEC_IIR_FIFOS = 0xc0,

	SPEC_FCR_ON = 0x01,
	SPEC_FCR_CLEAR_RX = 0x02,
	SPEC_FCR_CLEAR_TX = 0x04,

	SPEC_LCR_8N1 = 0x03,
	SPEC_LCR_DLAB = 0x80,

	SPEC_MCR_DTR = 0x01,
	SPEC_MCR_RTS = 0x02,
	SPEC_MCR_OUT1 = 0x04,
	SPEC_MCR_OUT2 = 0x08,
	SPEC_MCR_LOOP = 0x10,
	SPEC_MCR_READY = SPEC_MCR_DTR | SPEC_MCR_RTS | SPEC_MCR_OUT2,

	SPEC_LSR_DR = 0x01,
	SPEC_LSR_OE = 0x02,
	SPEC_LSR_PE = 0x04,
	SPEC_LSR_FE = 0x08,
	SPEC_LSR_BI = 0x10,
	SPEC_LSR_SENT = 0x60, /* THRE and TEMT */
	SPEC_LSR_FIFO_ERROR = 0x80,

	SPEC_MSR_DCTS = 0x01,
	SPEC_MSR_DDSR = 0x02,
	SPEC_MSR_TERI = 0x04,
	SPEC_MSR_DDCD = 0x08,
	SPEC_MSR_CTS = 0x10,
	SPEC_MSR_DSR = 0x20,
	SPEC_MSR_RI = 0x40,
	SPEC_MSR_DCD = 0x80,
	SPEC_MSR_TERMINAL = SPEC_MSR_DCD | SPEC_MSR_DSR | SPEC_MSR_CTS,

	SPEC_FIFO_BYTES = 16,
};

/* What tvmm adds to the data sheet: a guest that polls LSR this often is waiting for input. */
enum { POLLS_TO_LISTEN = 8 };

/* The board. */

static struct uart16550 uart;
static bool irq, irq_seen;
static unsigned irq_rises, drained;
static uint8_t sent[4096];
static size_t sent_bytes;

static void on_irq(void *ctx, bool level)
{
	if (ctx != &irq)
		ck_abort_msg("the interrupt line's ctx is not its own");
	if (level && !irq)
		irq_rises++;
	irq = level;
	irq_seen = true;
}

static void on_tx(void *ctx, const uint8_t *bytes, size_t count)
{
	if (ctx != sent)
		ck_abort_msg("the sink's ctx is not its own");
	for (size_t i = 0; i < count; i++)
		sent[sent_bytes++ % sizeof(sent)] = bytes[i];
}

static void on_drained(void *ctx, bool level)
{
	if (ctx != &drained || !level)
		ck_abort_msg("rx_drained has a wrong ctx, or is told false");
	drained++;
}

static void setup(void)
{
	const struct line irq_line = { .set = on_irq, .ctx = &irq };
	const struct byte_sink tx = { .put = on_tx, .ctx = sent };

	irq = irq_seen = false;
	irq_rises = drained = 0;
	sent_bytes = 0;
	uart16550_init(&uart, irq_line, tx);
	uart.rx_drained = (struct line){ .set = on_drained, .ctx = &drained };
}

static uint8_t rd(unsigned reg)
{
	uint8_t value = 0xff;

	uart.device.ops->read(&uart.device, reg, 1, &value);
	return value;
}

static void wr(unsigned reg, unsigned value)
{
	const uint8_t byte = (uint8_t)value;

	uart.device.ops->write(&uart.device, reg, 1, &byte);
}

static void type(const char *text)
{
	uart16550_rx(&uart, (const uint8_t *)text, strlen(text));
}

/* An interrupt-driven driver that has just opened the port. */
static void open_port(unsigned fcr)
{
	wr(LCR, SPEC_LCR_8N1);
	wr(FCR, fcr);
	wr(IER, SPEC_IER_RECEIVED | SPEC_IER_LINE);
	wr(MCR, SPEC_MCR_READY);
}

/* Registers by themselves. */

START_TEST(power_on)
{
	ck_assert(!irq_seen);
	ck_assert_uint_eq(rd(IER), 0);
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_NONE);
	ck_assert_uint_eq(rd(LCR), 0);
	ck_assert_uint_eq(rd(MCR), 0);
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT);
	ck_assert_uint_eq(rd(MSR), SPEC_MSR_TERMINAL);
	ck_assert_uint_eq(rd(RBR), 0);
	ck_assert(!irq);
}
END_TEST

START_TEST(which_bits_exist)
{
	static const struct {
		unsigned reg;
		uint8_t bits;
	} masks[] = { { IER, 0x0f }, { LCR, 0xff }, { MCR, 0x1f }, { SCR, 0xff } };

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		for (unsigned v = 0; v < 256; v++) {
			wr(LCR, 0);
			wr(masks[i].reg, v);
			ck_assert_uint_eq(rd(masks[i].reg), v & masks[i].bits);
		}
	}
}
END_TEST

START_TEST(status_registers_cannot_be_written)
{
	for (unsigned v = 0; v < 256; v++) {
		wr(LSR, v);
		wr(MSR, v);
		ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT);
		ck_assert_uint_eq(rd(MSR), SPEC_MSR_TERMINAL);
	}
}
END_TEST

/* With DLAB, offsets 0 and 1 are the divisor; without, it is out of reach; nothing divides. */
START_TEST(divisor_latch)
{
	static const unsigned divisors[] = { 0, 1, 12, 0x0180, 0xffff };

	type("k");
	wr(IER, 0x0f);
	for (size_t i = 0; i < sizeof(divisors) / sizeof(divisors[0]); i++) {
		wr(LCR, SPEC_LCR_DLAB | SPEC_LCR_8N1);
		wr(DLL, divisors[i]);
		wr(DLM, divisors[i] >> 8);
		ck_assert_uint_eq(rd(DLL), divisors[i] & 0xff);
		ck_assert_uint_eq(rd(DLM), divisors[i] >> 8);
		wr(LCR, SPEC_LCR_8N1);
		ck_assert_uint_eq(rd(IER), 0x0f);
		wr(THR, 'x');
	}
	ck_assert_uint_eq(sent_bytes, 5);
	ck_assert_uint_eq(rd(RBR), 'k');
}
END_TEST

START_TEST(identification_follows_fifo_enable)
{
	for (unsigned v = 0; v < 256; v++) {
		wr(FCR, v);
		ck_assert_uint_eq(rd(IIR) >> 4, v & SPEC_FCR_ON ? 0xc : 0);
	}
}
END_TEST

/* FCR without bit 0 programs nothing: the trigger level stays 1 when FIFOs come on again. */
START_TEST(fcr_needs_its_enable_bit)
{
	wr(IER, SPEC_IER_RECEIVED);
	wr(FCR, 0xc0);
	wr(FCR, SPEC_FCR_ON);
	type("a");
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_FIFOS | SPEC_IIR_RECEIVED);
}
END_TEST

START_TEST(what_is_written_is_sent)
{
	for (unsigned v = 0; v < 256; v++)
		wr(THR, v);
	ck_assert_uint_eq(sent_bytes, 256);
	for (unsigned v = 0; v < 256; v++)
		ck_assert_uint_eq(sent[v], v);
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT);
}
END_TEST

/* The transmitter's interrupt. */

START_TEST(thr_empty_is_told_on_enabling)
{
	wr(MCR, SPEC_MCR_OUT2);
	for (int i = 0; i < 3; i++) {
		wr(IER, SPEC_IER_THR_EMPTY);
		ck_assert(irq);
		ck_assert_uint_eq(rd(IIR), SPEC_IIR_THR_EMPTY);
		ck_assert(!irq);
		ck_assert_uint_eq(rd(IIR), SPEC_IIR_NONE);
		wr(IER, SPEC_IER_THR_EMPTY); /* was on already: nothing new to tell */
		ck_assert_uint_eq(rd(IIR), SPEC_IIR_NONE);
		wr(IER, 0);
		ck_assert_uint_eq(rd(IIR), SPEC_IIR_NONE);
	}
}
END_TEST

START_TEST(thr_empty_is_told_after_each_burst)
{
	wr(MCR, SPEC_MCR_OUT2);
	wr(FCR, SPEC_FCR_ON);
	wr(IER, SPEC_IER_THR_EMPTY);
	for (int burst = 0; burst < 3; burst++) {
		ck_assert_uint_eq(rd(IIR), SPEC_IIR_FIFOS | SPEC_IIR_THR_EMPTY);
		ck_assert(!irq);
		for (int i = 0; i < SPEC_FIFO_BYTES; i++)
			wr(THR, 'a' + i);
		ck_assert(irq);
	}
	ck_assert_uint_eq(sent_bytes, 3 * SPEC_FIFO_BYTES);
	ck_assert_uint_eq(irq_rises, 4); /* enabling, and one for each burst */
}
END_TEST

/* Writing THR is the other way to acknowledge; without FIFOs each byte makes a new edge. */
START_TEST(thr_write_alone_makes_edges)
{
	wr(MCR, SPEC_MCR_OUT2);
	wr(IER, SPEC_IER_THR_EMPTY);
	for (unsigned i = 1; i < 10; i++) {
		ck_assert_uint_eq(irq_rises, i);
		wr(THR, 'e');
		ck_assert(irq);
	}
}
END_TEST

/* IIR's read takes THR empty back only if that is what it said. */
START_TEST(iir_read_clears_only_what_it_told)
{
	wr(IER, SPEC_IER_THR_EMPTY | SPEC_IER_RECEIVED);
	type("r");
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_RECEIVED);
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_RECEIVED);
	ck_assert_uint_eq(rd(RBR), 'r');
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_THR_EMPTY);
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_NONE);
}
END_TEST

/* Reasons that arose while masked count as soon as IER allows them. */
START_TEST(ier_write_looks_at_everything)
{
	wr(MCR, SPEC_MCR_OUT2);
	wr(FCR, SPEC_FCR_ON);
	type("in");
	uart16550_rx_break(&uart);
	ck_assert(!irq);
	wr(IER, SPEC_IER_RECEIVED);
	ck_assert(irq);
	wr(IER, 0);
	ck_assert(!irq);
	rd(RBR);
	rd(RBR); /* the break is first now */
	ck_assert(!irq);
	wr(IER, SPEC_IER_LINE);
	ck_assert(irq);
	rd(LSR);
	ck_assert(!irq);
	rd(RBR);
	wr(MCR, SPEC_MCR_LOOP);
	wr(MCR, SPEC_MCR_OUT2);
	ck_assert(!irq);
	wr(IER, SPEC_IER_MODEM);
	ck_assert(irq);
	rd(MSR);
	ck_assert(!irq);
}
END_TEST

START_TEST(priority)
{
	wr(FCR, SPEC_FCR_ON | 0x40); /* trigger at 4 */
	wr(MCR, SPEC_MCR_LOOP);
	wr(MCR, SPEC_MCR_OUT2); /* deltas of CTS, DSR and DCD */
	wr(IER, 0x0f);          /* and THR empty */
	uart16550_rx_break(&uart);
	type("abc");
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_FIFOS | SPEC_IIR_LINE);
	rd(LSR);
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_FIFOS | SPEC_IIR_RECEIVED);
	rd(RBR);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(rd(IIR), SPEC_IIR_FIFOS | SPEC_IIR_TIMEOUT);
		ck_assert_uint_eq(rd(RBR), "abc"[i]);
	}
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_FIFOS | SPEC_IIR_THR_EMPTY);
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_FIFOS | SPEC_IIR_MODEM);
	ck_assert(irq);
	rd(MSR);
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_FIFOS | SPEC_IIR_NONE);
	ck_assert(!irq);
}
END_TEST

START_TEST(out2_lets_the_interrupt_out)
{
	wr(IER, SPEC_IER_RECEIVED);
	type("q");
	for (unsigned mcr = 0; mcr < 32; mcr++) {
		wr(MCR, mcr);
		ck_assert(irq == ((mcr & SPEC_MCR_OUT2) && !(mcr & SPEC_MCR_LOOP)));
		ck_assert_uint_eq(rd(IIR), SPEC_IIR_RECEIVED);
	}
}
END_TEST

/* The receiver. */

START_TEST(trigger_levels)
{
	static const unsigned trigger[] = { 1, 4, 8, 14 };

	for (unsigned t = 0; t < 4; t++) {
		open_port(SPEC_FCR_ON | SPEC_FCR_CLEAR_RX | t << 6);
		ck_assert(!irq);
		for (unsigned n = 1; n <= SPEC_FIFO_BYTES; n++) {
			type("z");
			ck_assert(irq);
			ck_assert_uint_eq(rd(IIR) & 0x0f,
					  n < trigger[t] ? SPEC_IIR_TIMEOUT : SPEC_IIR_RECEIVED);
		}
		for (unsigned n = SPEC_FIFO_BYTES; n > 0; n--) {
			ck_assert_uint_eq(rd(IIR) & 0x0f,
					  n < trigger[t] ? SPEC_IIR_TIMEOUT : SPEC_IIR_RECEIVED);
			ck_assert_uint_eq(rd(RBR), 'z');
		}
		ck_assert(!irq);
	}
}
END_TEST

START_TEST(bytes_come_in_order)
{
	uint8_t next_in = 0, next_out = 0;

	open_port(SPEC_FCR_ON);
	for (unsigned i = 0; i < 1000; i++) {
		for (unsigned n = i % 11; n > 0 && uart16550_rx_room(&uart); n--, next_in++)
			uart16550_rx(&uart, &next_in, 1);
		for (unsigned n = i % 7; n > 0 && (rd(LSR) & SPEC_LSR_DR); n--)
			ck_assert_uint_eq(rd(RBR), next_out++);
	}
	while (rd(LSR) & SPEC_LSR_DR)
		ck_assert_uint_eq(rd(RBR), next_out++);
	ck_assert_uint_eq(next_in, next_out);
}
END_TEST

START_TEST(overrun_with_fifos)
{
	open_port(SPEC_FCR_ON);
	type("0123456789abcdefXY");
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_FIFOS | SPEC_IIR_LINE);
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT | SPEC_LSR_DR | SPEC_LSR_OE);
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT | SPEC_LSR_DR);
	for (int i = 0; i < SPEC_FIFO_BYTES; i++)
		ck_assert_uint_eq(rd(RBR), "0123456789abcdef"[i]);
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT);
}
END_TEST

START_TEST(overrun_without_fifos)
{
	type("o");
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT | SPEC_LSR_DR);
	type("n");
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT | SPEC_LSR_DR | SPEC_LSR_OE);
	ck_assert_uint_eq(rd(RBR), 'n');
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT);
	ck_assert_uint_eq(rd(RBR), 'n'); /* the buffer register keeps what it had */
}
END_TEST

/* A break shows when its NUL is the next to be read; bit 7 tells of it from its arrival. */
START_TEST(break_goes_with_its_byte)
{
	open_port(SPEC_FCR_ON);
	type("a");
	uart16550_rx_break(&uart);
	type("b");
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT | SPEC_LSR_DR | SPEC_LSR_FIFO_ERROR);
	ck_assert_uint_eq(rd(RBR), 'a');
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_FIFOS | SPEC_IIR_LINE);
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT | SPEC_LSR_DR | SPEC_LSR_BI | SPEC_LSR_FE |
					   SPEC_LSR_FIFO_ERROR);
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT | SPEC_LSR_DR);
	ck_assert_uint_eq(rd(RBR), 0);
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT | SPEC_LSR_DR);
	ck_assert_uint_eq(rd(RBR), 'b');
}
END_TEST

START_TEST(break_without_fifos)
{
	uart16550_rx_break(&uart);
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT | SPEC_LSR_DR | SPEC_LSR_BI | SPEC_LSR_FE);
	ck_assert_uint_eq(rd(RBR), 0);
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT);
}
END_TEST

START_TEST(fcr_clears_and_switching_clears)
{
	static const unsigned writes[] = { SPEC_FCR_ON | SPEC_FCR_CLEAR_RX, 0 };

	for (size_t i = 0; i < 2; i++) {
		wr(FCR, SPEC_FCR_ON);
		type("gone");
		wr(FCR, SPEC_FCR_ON | SPEC_FCR_CLEAR_TX); /* not the receiver's */
		ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT | SPEC_LSR_DR);
		wr(FCR, writes[i]);
		ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT);
	}
	type("1");
	wr(FCR, SPEC_FCR_ON);
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT);
	/* The clear bits clear themselves. */
	wr(FCR, SPEC_FCR_ON | SPEC_FCR_CLEAR_RX);
	type("2");
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT | SPEC_LSR_DR);
}
END_TEST

/* Loopback. */

START_TEST(loopback_data)
{
	wr(MCR, SPEC_MCR_LOOP);
	wr(FCR, SPEC_FCR_ON);
	for (unsigned v = 0; v < 256; v++) {
		wr(THR, v);
		ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT | SPEC_LSR_DR);
		ck_assert_uint_eq(rd(RBR), v);
	}
	type("outside");
	uart16550_rx_break(&uart);
	ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT);
	ck_assert_uint_eq(sent_bytes, 0);
	wr(MCR, 0);
	wr(THR, 'y');
	ck_assert_uint_eq(sent_bytes, 1);
}
END_TEST

START_TEST(loopback_modem_lines)
{
	static const uint8_t fed_by[4][2] = { { SPEC_MCR_RTS, SPEC_MSR_CTS },
					      { SPEC_MCR_DTR, SPEC_MSR_DSR },
					      { SPEC_MCR_OUT1, SPEC_MSR_RI },
					      { SPEC_MCR_OUT2, SPEC_MSR_DCD } };

	for (unsigned outputs = 0; outputs < 16; outputs++) {
		unsigned inputs = 0;

		for (int i = 0; i < 4; i++) {
			if (outputs & fed_by[i][0])
				inputs |= fed_by[i][1];
		}
		wr(MCR, SPEC_MCR_LOOP | outputs);
		ck_assert_uint_eq(rd(MSR) & 0xf0, inputs);
	}
	wr(MCR, 0);
	ck_assert_uint_eq(rd(MSR) & 0xf0, SPEC_MSR_TERMINAL);
}
END_TEST

START_TEST(modem_deltas)
{
	static const uint8_t both_ways[3][2] = { { SPEC_MCR_RTS, SPEC_MSR_DCTS },
						 { SPEC_MCR_DTR, SPEC_MSR_DDSR },
						 { SPEC_MCR_OUT2, SPEC_MSR_DDCD } };

	wr(MCR, SPEC_MCR_LOOP);
	ck_assert_uint_eq(rd(MSR), SPEC_MSR_DCTS | SPEC_MSR_DDSR | SPEC_MSR_DDCD);
	ck_assert_uint_eq(rd(MSR), 0);
	for (int i = 0; i < 3; i++) {
		wr(MCR, SPEC_MCR_LOOP | both_ways[i][0]);
		ck_assert_uint_eq(rd(MSR) & 0x0f, both_ways[i][1]);
		wr(MCR, SPEC_MCR_LOOP);
		ck_assert_uint_eq(rd(MSR), both_ways[i][1]);
		ck_assert_uint_eq(rd(MSR), 0);
	}
	wr(MCR, SPEC_MCR_LOOP | SPEC_MCR_OUT1); /* ringing starts: not noted */
	ck_assert_uint_eq(rd(MSR), SPEC_MSR_RI);
	wr(MCR, SPEC_MCR_LOOP); /* and ends: noted */
	ck_assert_uint_eq(rd(MSR), SPEC_MSR_TERI);
	wr(MCR, SPEC_MCR_LOOP | SPEC_MCR_RTS); /* there and back is still a change */
	wr(MCR, SPEC_MCR_LOOP);
	ck_assert_uint_eq(rd(MSR), SPEC_MSR_DCTS);
}
END_TEST

/* Room for the host's bytes. */

START_TEST(room_for_a_driver)
{
	ck_assert_uint_eq(uart16550_rx_room(&uart), 0);
	wr(FCR, SPEC_FCR_ON);
	wr(IER, SPEC_IER_RECEIVED);
	ck_assert_uint_eq(uart16550_rx_room(&uart), 0);
	ck_assert_uint_eq(drained, 0);
	wr(MCR, SPEC_MCR_READY);
	ck_assert_uint_eq(uart16550_rx_room(&uart), SPEC_FIFO_BYTES);
	ck_assert_uint_eq(drained, 1);
	type("123");
	ck_assert_uint_eq(uart16550_rx_room(&uart), SPEC_FIFO_BYTES - 3);
	ck_assert_uint_eq(drained, 1);
	rd(RBR);
	ck_assert_uint_eq(drained, 2);
	wr(MCR, SPEC_MCR_READY | SPEC_MCR_LOOP);
	ck_assert_uint_eq(uart16550_rx_room(&uart), 0);
	wr(MCR, SPEC_MCR_READY);
	ck_assert_uint_eq(uart16550_rx_room(&uart), SPEC_FIFO_BYTES - 2);
	ck_assert_uint_eq(drained, 3);
	wr(FCR, SPEC_FCR_ON | SPEC_FCR_CLEAR_RX);
	ck_assert_uint_eq(drained, 4);
	wr(FCR, 0);
	ck_assert_uint_eq(uart16550_rx_room(&uart), 1);
	type("4");
	ck_assert_uint_eq(uart16550_rx_room(&uart), 0);
	uart.device.ops->reset(&uart.device);
	ck_assert_uint_eq(uart16550_rx_room(&uart), 0);
	ck_assert_uint_eq(drained, 4);
}
END_TEST

START_TEST(room_for_a_poller)
{
	for (int i = 1; i < POLLS_TO_LISTEN; i++) {
		rd(LSR);
		ck_assert_uint_eq(uart16550_rx_room(&uart), 0);
	}
	rd(LSR);
	ck_assert_uint_eq(uart16550_rx_room(&uart), 1);
	ck_assert_uint_eq(drained, 1);
	type("p");
	ck_assert_uint_eq(rd(RBR), 'p');
	ck_assert_uint_eq(drained, 2);

	wr(THR, '>'); /* it talks again */
	ck_assert_uint_eq(uart16550_rx_room(&uart), 0);

	/* One that looks at LSR before each byte that it sends is not waiting for input. */
	for (int i = 0; i < 100; i++) {
		rd(LSR);
		wr(THR, '.');
		ck_assert_uint_eq(uart16550_rx_room(&uart), 0);
	}
}
END_TEST

static void refill(void *ctx, bool level)
{
	(void)ctx, (void)level;
	uart16550_rx(&uart, (const uint8_t *)"+", 1);
}

/* The host may answer within the call that tells it of room. */
START_TEST(drained_may_send)
{
	uart.rx_drained.set = refill;
	open_port(0);
	ck_assert(irq);
	for (int i = 0; i < 100; i++) {
		ck_assert_uint_eq(rd(LSR), SPEC_LSR_SENT | SPEC_LSR_DR);
		ck_assert_uint_eq(rd(RBR), '+');
	}
}
END_TEST

/* Accesses and state. */

START_TEST(wide_access_is_bytes_in_a_row)
{
	const uint8_t program[4] = { SPEC_LCR_8N1, SPEC_MCR_OUT2, 0, 0 };
	const uint8_t thr_and_ier[2] = { 'w', SPEC_IER_MODEM };
	uint8_t all[8];

	uart.device.ops->write(&uart.device, LCR, 4, program);
	ck_assert_uint_eq(rd(LCR), SPEC_LCR_8N1);
	ck_assert_uint_eq(rd(MCR), SPEC_MCR_OUT2);
	uart.device.ops->write(&uart.device, THR, 2, thr_and_ier);
	ck_assert_uint_eq(sent_bytes, 1);
	ck_assert_uint_eq(sent[0], 'w');
	wr(SCR, 0x77);
	type("r");
	uart.device.ops->read(&uart.device, 0, 8, all);
	ck_assert_uint_eq(all[0], 'r');
	ck_assert_uint_eq(all[1], SPEC_IER_MODEM);
	ck_assert_uint_eq(all[2], SPEC_IIR_NONE);
	ck_assert_uint_eq(all[3], SPEC_LCR_8N1);
	ck_assert_uint_eq(all[4], SPEC_MCR_OUT2);
	ck_assert_uint_eq(all[5], SPEC_LSR_SENT); /* RBR was read before LSR */
	ck_assert_uint_eq(all[6], SPEC_MSR_TERMINAL);
	ck_assert_uint_eq(all[7], 0x77);
}
END_TEST

START_TEST(reset_is_power_on)
{
	struct uart16550_state fresh = uart.state;

	for (unsigned reg = 0; reg < 8; reg++)
		wr(reg, 0x0b);
	type("reset");
	wr(IER, 0x0f);
	wr(MCR, SPEC_MCR_OUT2);
	ck_assert(irq);
	uart.device.ops->reset(&uart.device);
	ck_assert(!irq);
	ck_assert_mem_eq(&uart.state, &fresh, sizeof(fresh));
}
END_TEST

/* A copy of the state, taken in the middle of sending and receiving, goes on where it was. */
START_TEST(state_is_all_there_is)
{
	uint8_t saved[sizeof(struct uart16550_state)];
	size_t size = 0;
	void *state = uart.device.ops->state(&uart.device, &size);

	ck_assert_uint_eq(size, sizeof(saved));
	open_port(SPEC_FCR_ON | 0x80);
	wr(IER, 0x0f);
	rd(IIR);
	wr(THR, 's');
	type("nap");
	uart16550_rx_break(&uart);
	memcpy(saved, state, size);

	setup();
	memcpy(uart.device.ops->state(&uart.device, &size), saved, sizeof(saved));
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_FIFOS | SPEC_IIR_TIMEOUT);
	ck_assert(irq);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(rd(RBR), "nap"[i]);
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_FIFOS | SPEC_IIR_LINE);
	rd(LSR);
	rd(RBR);
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_FIFOS | SPEC_IIR_THR_EMPTY);
	ck_assert(!irq);
}
END_TEST

START_TEST(works_without_wires)
{
	const struct line no_line = { 0 };
	const struct byte_sink no_sink = { 0 };

	uart16550_init(&uart, no_line, no_sink);
	open_port(SPEC_FCR_ON);
	wr(THR, 'n');
	type("n");
	ck_assert_uint_eq(rd(RBR), 'n');
}
END_TEST

/* What Linux's 8250 driver does to find out what it has (autoconfig), step by step. */

static void set_lcr_then(unsigned lcr, unsigned reg, unsigned value)
{
	wr(LCR, lcr);
	wr(reg, value);
}

/* Bytes that come back through loopback after far more than any FIFO holds were sent. */
static unsigned count_fifo(void)
{
	unsigned count = 0, mcr = rd(MCR);

	wr(FCR, SPEC_FCR_ON | SPEC_FCR_CLEAR_RX | SPEC_FCR_CLEAR_TX);
	wr(MCR, SPEC_MCR_LOOP);
	set_lcr_then(SPEC_LCR_DLAB, DLL, 1);
	wr(DLM, 0);
	wr(LCR, SPEC_LCR_8N1);
	for (unsigned i = 0; i < 256; i++)
		wr(THR, i);
	for (; (rd(LSR) & SPEC_LSR_DR) && count < 256; count++)
		rd(RBR);
	wr(MCR, mcr);
	return count;
}

START_TEST(linux_finds_a_16550a)
{
	unsigned iir_plain, iir_dlab;

	/* Is anything there? Interrupt enables can be set and cleared. */
	wr(IER, 0);
	ck_assert_uint_eq(rd(IER) & 0x0f, 0);
	wr(IER, 0x0f);
	ck_assert_uint_eq(rd(IER) & 0x0f, 0x0f);
	wr(IER, 0);

	/* Is it a UART? RTS and OUT2 come back as CTS and DCD. */
	wr(MCR, SPEC_MCR_LOOP | 0x0a);
	ck_assert_uint_eq(rd(MSR) & 0xf0, 0x90);
	wr(MCR, 0);

	/* A 16550A: FIFOs that work. */
	set_lcr_then(0xbf, 2, 0);
	set_lcr_then(0, FCR, SPEC_FCR_ON);
	ck_assert_uint_eq(rd(IIR) >> 6, 3);

	/* Not a 16650: no register behind offset 2 with DLAB or with LCR = bf. */
	wr(LCR, SPEC_LCR_DLAB);
	ck_assert_uint_ne(rd(2), 0);
	wr(LCR, 0xbf);
	ck_assert_uint_ne(rd(2), 0);

	/* Not National's SuperIO: bit 4 of offset 2 in bank 2 does not follow MCR's. */
	wr(LCR, 0xe0);
	ck_assert_uint_eq(rd(2) & SPEC_MCR_LOOP, 0);
	set_lcr_then(0, MCR, SPEC_MCR_LOOP);
	wr(LCR, 0xe0);
	ck_assert_uint_eq(rd(2) & SPEC_MCR_LOOP, 0);
	set_lcr_then(0, MCR, 0);

	/* Not a 16750: the 64-byte bit does nothing, with DLAB or without. */
	wr(FCR, SPEC_FCR_ON | 0x20);
	iir_plain = rd(IIR) >> 5;
	wr(FCR, SPEC_FCR_ON);
	set_lcr_then(SPEC_LCR_DLAB, FCR, SPEC_FCR_ON | 0x20);
	iir_dlab = rd(IIR) >> 5;
	wr(FCR, SPEC_FCR_ON);
	wr(LCR, 0);
	ck_assert_uint_eq(iir_plain, 6);
	ck_assert_uint_eq(iir_dlab, 6);

	/* Not an XScale: IER bit 6 does not stick. Not a U6: 16 bytes, not 64. */
	wr(IER, 0x40);
	ck_assert_uint_eq(rd(IER) & 0x40, 0);
	wr(IER, 0);
	ck_assert_uint_eq(count_fifo(), SPEC_FIFO_BYTES);
	ck_assert_uint_eq(sent_bytes, 0);
	ck_assert_uint_eq(irq_rises, 0);
}
END_TEST

/* What it does when the port is opened (serial8250_do_startup), and the first input after it. */
START_TEST(linux_starts_the_port)
{
	unsigned first, again;

	wr(FCR, SPEC_FCR_ON);
	wr(FCR, SPEC_FCR_ON | SPEC_FCR_CLEAR_RX | SPEC_FCR_CLEAR_TX);
	wr(FCR, 0);
	rd(LSR), rd(RBR), rd(IIR), rd(MSR);
	ck_assert_uint_ne(rd(LSR), 0xff);

	/* Is THR empty told again after it has been acknowledged? */
	ck_assert_uint_eq(rd(LSR) & SPEC_LSR_SENT, SPEC_LSR_SENT);
	wr(IER, SPEC_IER_THR_EMPTY);
	first = rd(IIR);
	wr(IER, 0);
	wr(IER, SPEC_IER_THR_EMPTY);
	again = rd(IIR);
	wr(IER, 0);
	ck_assert_uint_eq(first & SPEC_IIR_NONE, 0);
	ck_assert_uint_eq(again & SPEC_IIR_NONE, 0);

	/* Is it told when only the enable was written? */
	wr(LCR, SPEC_LCR_8N1);
	wr(MCR, SPEC_MCR_OUT2);
	wr(IER, SPEC_IER_THR_EMPTY);
	ck_assert_uint_eq(rd(LSR) & SPEC_LSR_SENT, SPEC_LSR_SENT);
	ck_assert_uint_eq(rd(IIR) & SPEC_IIR_NONE, 0);
	wr(IER, 0);
	rd(LSR), rd(RBR), rd(IIR), rd(MSR);
	ck_assert(!irq);

	/* Settings, then RTS: only now may the host send, and nothing of it is lost. */
	wr(IER, SPEC_IER_RECEIVED | SPEC_IER_LINE);
	ck_assert_uint_eq(uart16550_rx_room(&uart), 0);
	wr(FCR, SPEC_FCR_ON);
	wr(FCR, SPEC_FCR_ON | 0x80);
	ck_assert_uint_eq(drained, 0);
	wr(MCR, SPEC_MCR_READY);
	ck_assert_uint_eq(drained, 1);
	type("ls\n");
	ck_assert(irq);
	ck_assert_uint_eq(rd(IIR), SPEC_IIR_FIFOS | SPEC_IIR_TIMEOUT);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(rd(RBR), "ls\n"[i]);
	ck_assert(!irq);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		power_on,
		which_bits_exist,
		status_registers_cannot_be_written,
		divisor_latch,
		identification_follows_fifo_enable,
		fcr_needs_its_enable_bit,
		what_is_written_is_sent,
		thr_empty_is_told_on_enabling,
		thr_empty_is_told_after_each_burst,
		thr_write_alone_makes_edges,
		iir_read_clears_only_what_it_told,
		ier_write_looks_at_everything,
		priority,
		out2_lets_the_interrupt_out,
		trigger_levels,
		bytes_come_in_order,
		overrun_with_fifos,
		overrun_without_fifos,
		break_goes_with_its_byte,
		break_without_fifos,
		fcr_clears_and_switching_clears,
		loopback_data,
		loopback_modem_lines,
		modem_deltas,
		room_for_a_driver,
		room_for_a_poller,
		drained_may_send,
		wide_access_is_bytes_in_a_row,
		reset_is_power_on,
		state_is_all_there_is,
		works_without_wires,
		linux_finds_a_16550a,
		linux_starts_the_port,
	};
	Suite *suite = suite_create("uart16550");
	TCase *tcase = tcase_create("uart16550");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
