/* SPDX-License-Identifier: MIT */
/*
 * A second 16550A for tests, told from [16550] alone and as plainly as it goes: what waits is a
 * list, each register is worked out when it is asked for. It shares no line, table or constant
 * with devices/uart16550.c, so that both have to make the same mistake to agree in it.
 *
 * Authority: [16550] "Registers", "FIFO Interrupt Mode Operation", "FIFO Polled Mode Operation",
 * the table of summary of registers and the one of reset functions.
 *
 * Where devices/uart16550.c confesses a departure from the data sheet, the model follows it:
 *   - a byte is sent at the moment when it is written: LSR reads THRE and TEMT, always; LCR changes
 *     nothing but DLAB, and the divisor nothing at all;
 *   - the character time-out comes at once, whenever less than the trigger level waits;
 *   - the divisor latch holds 12 after power-on;
 *   - writes to LSR and MSR are dropped; DMA mode is nothing that can be seen;
 *   - the interrupt leaves the card through OUT2 ([PC/AT] "Serial/Parallel Adapter"), whose pin is
 *     off in loopback;
 *   - with FIFOs on, THRE's request does not fall while THR is written; without, it falls and
 *     rises with each byte;
 *   - what is not the chip's: a guest listens (uart16550_rx_room()) when IER bit 0 and RTS are on,
 *     or when it has read LSR eight times without a byte and without writing; not in loopback.
 */
#ifndef TVMM_TESTS_COMMON_UART_MODEL_H
#define TVMM_TESTS_COMMON_UART_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	UART_MODEL_REGISTERS = 8,
	UART_MODEL_FIFO_BYTES = 16,
	UART_MODEL_SENDS_NOTHING = -1,
};

struct uart_model_byte {
	uint8_t byte, errors; /* LSR's PE, FE, BI */
};

struct uart_model {
	uint8_t divisor[2], ier, lcr, mcr, scr;
	uint8_t trigger; /* 1, 4, 8 or 14 */
	bool fifos;

	struct uart_model_byte waiting[UART_MODEL_FIFO_BYTES]; /* [0] is the next to be read */
	unsigned int count;
	uint8_t receiver;   /* what RBR gives while nothing waits */
	uint8_t errors;     /* OE, PE, FE, BI that LSR has not told yet */
	uint8_t changes;    /* MSR bits 0-3 */
	bool empty_untold;  /* THR became empty, and IIR has not told it */
	unsigned int looks; /* at LSR, in vain */

	bool line;          /* the interrupt, as it leaves the card */
	unsigned int rises; /* how often it has risen */
};

/* After power-on. */
void uart_model_init(struct uart_model *m);

/* The guest reads one register. */
uint8_t uart_model_read(struct uart_model *m, unsigned int reg);

/* The guest writes one register. The byte that goes out, or UART_MODEL_SENDS_NOTHING. */
int uart_model_write(struct uart_model *m, unsigned int reg, uint8_t value);

/* A byte arrives on the line; a break does. */
void uart_model_rx(struct uart_model *m, uint8_t byte);
void uart_model_rx_break(struct uart_model *m);

/* What uart16550_rx_room() has to say. */
size_t uart_model_room(const struct uart_model *m);

#endif
