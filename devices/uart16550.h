/* SPDX-License-Identifier: MIT */
/*
 * A 16550A serial port: eight byte-wide registers, two FIFOs of 16, one interrupt.
 *
 *   offset   read            write           with LCR bit 7 (DLAB) set
 *   0        RBR received    THR to send     DLL divisor, low byte   (both ways)
 *   1        IER             IER             DLM divisor, high byte  (both ways)
 *   2        IIR             FCR
 *   3        LCR             LCR
 *   4        MCR             MCR
 *   5        LSR             -
 *   6        MSR             -
 *   7        SCR             SCR
 *
 * The other end of the line is a terminal that is always there (DCD, DSR and CTS are asserted),
 * always ready to receive, and that sends when the guest is ready: see uart16550_rx_room().
 */
#ifndef TVMM_DEVICES_UART16550_H
#define TVMM_DEVICES_UART16550_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/device.h"

enum {
	UART16550_REGISTERS = 8, /* the length of its range on a bus */
	UART16550_FIFO_BYTES = 16,
};

/* All that a guest can observe. Registers are as they read, unless told otherwise. */
struct uart16550_state {
	uint8_t dll, dlm;     /* stored, never computed with */
	uint8_t ier;          /* bits 0-3 */
	uint8_t fcr;          /* bits 0, 3, 6, 7; write-only for the guest */
	uint8_t lcr;          /* all bits */
	uint8_t mcr;          /* bits 0-4 */
	uint8_t line_errors;  /* LSR's OE, PE, FE, BI: held until LSR is read */
	uint8_t msr;          /* all bits */
	uint8_t scr;          /* all bits */
	uint8_t thre_pending; /* 1: THR became empty and nobody has been told yet */
	uint8_t idle_polls;   /* LSR reads without data since the last write: see rx_room */

	/*
	 * The receive FIFO is a ring; without FIFOs it holds one byte at most, as the receive
	 * buffer. An error goes with its byte until the byte is first in line.
	 */
	uint8_t rx_first, rx_count;
	uint8_t rx_byte[UART16550_FIFO_BYTES];
	uint8_t rx_error[UART16550_FIFO_BYTES]; /* LSR's PE, FE, BI */
	uint8_t last_read;                      /* what RBR gives while nothing is waiting */
};

struct uart16550 {
	struct device device;
	struct line irq;     /* the level, told after every access, changed or not */
	struct byte_sink tx; /* one byte at a time, within the guest's write */

	/*
	 * Optional, unconnected after uart16550_init(): set to true (never to false) at the end
	 * of each access and each reset that made uart16550_rx_room() larger than it was. It may
	 * call uart16550_rx().
	 */
	struct line rx_drained;

	struct uart16550_state state;
};

/* Connects the wires and powers on; drives no wire. */
void uart16550_init(struct uart16550 *uart, struct line irq, struct byte_sink tx);

/*
 * How many bytes can be sent to the guest now so that it gets them all: the free part of the
 * receive FIFO (16 in all, or 1 while FIFOs are off), and 0 as long as it does not listen.
 *
 * It listens when receive interrupts are enabled (IER bit 0) and RTS is up (MCR bit 1), which a
 * driver does last, after it has thrown away what it found; or when it keeps polling LSR without
 * writing anything. In loopback it never listens. So what was typed or piped in before the guest
 * was ready waits outside and is not lost.
 */
size_t uart16550_rx_room(const struct uart16550 *uart);

/* It has kept polling LSR for input, and has written nothing since. */
bool uart16550_polled(const struct uart16550 *uart);

/*
 * How many bytes a driver may send that has just read in LSR or IIR that the transmitter is empty: 16,
 * or 1 while FIFOs are off. 0 where bytes do not go out: in loopback, and behind the divisor latch.
 */
size_t uart16550_tx_room(const struct uart16550 *uart);

/* It wants an interrupt when the transmitter is empty: IER bit 1. */
bool uart16550_tx_interrupts(const struct uart16550 *uart);

/* It wants an interrupt when a byte is received: IER bit 0. */
bool uart16550_rx_interrupts(const struct uart16550 *uart);

/*
 * count bytes arrive on the line. Those that find no place are lost as on the chip: overrun (LSR
 * bit 1) is set, and with FIFOs the new byte is lost, without FIFOs the old one. In loopback the
 * line is cut off and nothing arrives. Does not ask whether the guest listens.
 */
void uart16550_rx(struct uart16550 *uart, const uint8_t *bytes, size_t count);

/* A break arrives: a NUL with break (BI) and, since it has no stop bit, framing error (FE). */
void uart16550_rx_break(struct uart16550 *uart);

#endif
