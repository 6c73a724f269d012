/* SPDX-License-Identifier: MIT */
/*
 * The 16550A: how its registers behave. What each is for is in uart16550.h.
 *
 * Authority: [16550] "Registers", "FIFO Interrupt Mode Operation", "FIFO Polled Mode Operation";
 * for what a PC adds (OUT2 lets the interrupt out), [PC/AT] "Serial/Parallel Adapter".
 *
 * Departures from the chip:
 *   - There is no time on the line. A byte that is written has been sent when the write ends, so
 *     THRE and TEMT always read 1 and the transmit FIFO is always empty. The divisor, the word
 *     length, parity and stop bits are stored and change nothing; so is the break bit (LCR bit 6):
 *     the sink knows no break, and bytes written during one are sent.
 *   - The character time-out needs a timer that is not here: it is reported at once whenever the
 *     FIFO holds something below its trigger level.
 *   - The divisor latch is 12 (9600 Bd) after power-on, where the chip's is undefined.
 *   - Writes to LSR and MSR (factory tests) are dropped. DMA mode (FCR bit 3) drives no pins.
 *   - None of the later chips' registers and bits: IER, MCR and FCR have only the 16550A's.
 *
 * An access of 2, 4 or 8 bytes is that many accesses of one byte at rising offsets, as the bridge
 * to an 8-bit ISA card makes of it.
 */
#include "devices/uart16550.h"

#include <string.h>

#include <linux/serial_reg.h>

enum {
	IER_BITS = UART_IER_RDI | UART_IER_THRI | UART_IER_RLSI | UART_IER_MSI,
	FCR_BITS = UART_FCR_ENABLE_FIFO | UART_FCR_DMA_SELECT | UART_FCR_TRIGGER_MASK,
	MCR_BITS = UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT1 | UART_MCR_OUT2 | UART_MCR_LOOP,
	LSR_BYTE_ERRORS = UART_LSR_PE | UART_LSR_FE | UART_LSR_BI,
	IIR_CHARACTER_TIMEOUT = 0x0c,
	IIR_FIFOS_ENABLED = 0xc0,
	TERMINAL = UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS,
	POWER_ON_DIVISOR = 12,

	/* More than a driver that waits for THRE ever does, little for one that waits for input. */
	LISTENING_POLLS = 8,
};

static struct uart16550 *uart_of(struct device *device)
{
	return (struct uart16550 *)device;
}

static bool fifos_on(const struct uart16550_state *s)
{
	return s->fcr & UART_FCR_ENABLE_FIFO;
}

static bool looped(const struct uart16550_state *s)
{
	return s->mcr & UART_MCR_LOOP;
}

static bool divisor_shown(const struct uart16550_state *s)
{
	return s->lcr & UART_LCR_DLAB;
}

/* The interrupt. */

static uint8_t rx_trigger(const struct uart16550_state *s)
{
	static const uint8_t bytes[] = { 1, 4, 8, 14 };

	return fifos_on(s) ? bytes[s->fcr >> UART_FCR_R_TRIG_SHIFT] : 1;
}

/* Why the chip wants to interrupt: the highest of its enabled reasons, as IIR bits 0-3 say it. */
static uint8_t irq_reason(const struct uart16550_state *s)
{
	if ((s->ier & UART_IER_RLSI) && s->line_errors)
		return UART_IIR_RLSI;
	if ((s->ier & UART_IER_RDI) && s->rx_count >= rx_trigger(s))
		return UART_IIR_RDI;
	if ((s->ier & UART_IER_RDI) && s->rx_count)
		return IIR_CHARACTER_TIMEOUT;
	if ((s->ier & UART_IER_THRI) && s->thre_pending)
		return UART_IIR_THRI;
	if ((s->ier & UART_IER_MSI) && (s->msr & UART_MSR_ANY_DELTA))
		return UART_IIR_MSI;
	return UART_IIR_NO_INT;
}

/* A PC lets the interrupt out while OUT2 is on; loopback turns the chip's OUT2 pin off. */
static void drive_irq(struct uart16550 *uart)
{
	const struct uart16550_state *s = &uart->state;
	bool let_out = (s->mcr & UART_MCR_OUT2) && !looped(s);

	line_set(&uart->irq, let_out && irq_reason(s) != UART_IIR_NO_INT);
}

/* The receiver. */

static uint8_t rx_capacity(const struct uart16550_state *s)
{
	return fifos_on(s) ? UART16550_FIFO_BYTES : 1;
}

static bool polled(const struct uart16550_state *s)
{
	return s->idle_polls >= LISTENING_POLLS;
}

static bool listens(const struct uart16550_state *s)
{
	bool by_interrupt = (s->ier & UART_IER_RDI) && (s->mcr & UART_MCR_RTS);

	return !looped(s) && (by_interrupt || polled(s));
}

/* A byte's errors show in LSR from the moment when it is the next to be read. */
static void show_errors_of_first(struct uart16550_state *s)
{
	if (s->rx_count)
		s->line_errors |= s->rx_error[s->rx_first];
}

static void receive(struct uart16550_state *s, uint8_t byte, uint8_t error)
{
	uint8_t at;

	if (s->rx_count == rx_capacity(s)) {
		s->line_errors |= UART_LSR_OE;
		if (fifos_on(s))
			return;
		s->rx_count = 0;
	}
	at = (s->rx_first + s->rx_count) % UART16550_FIFO_BYTES;
	s->rx_byte[at] = byte;
	s->rx_error[at] = error;
	s->rx_count++;
	if (s->rx_count == 1)
		show_errors_of_first(s);
}

static void clear_rx(struct uart16550_state *s)
{
	s->rx_first = 0;
	s->rx_count = 0;
}

static uint8_t read_rbr(struct uart16550_state *s)
{
	if (s->rx_count) {
		s->last_read = s->rx_byte[s->rx_first];
		s->rx_first = (uint8_t)((s->rx_first + 1) % UART16550_FIFO_BYTES);
		s->rx_count--;
		show_errors_of_first(s);
	}
	return s->last_read;
}

static bool error_in_fifo(const struct uart16550_state *s)
{
	uint8_t errors = s->line_errors & LSR_BYTE_ERRORS;

	for (uint8_t i = 0; i < s->rx_count; i++)
		errors |= s->rx_error[(s->rx_first + i) % UART16550_FIFO_BYTES];
	return errors;
}

/* Reading clears the errors, also those of the byte at hand. Waiting in vain is counted. */
static uint8_t read_lsr(struct uart16550_state *s)
{
	uint8_t lsr = UART_LSR_THRE | UART_LSR_TEMT | s->line_errors;

	if (s->rx_count)
		lsr |= UART_LSR_DR;
	else if (s->idle_polls < LISTENING_POLLS)
		s->idle_polls++;
	if (fifos_on(s) && error_in_fifo(s))
		lsr |= UART_LSR_FIFOE;
	s->line_errors = 0;
	s->rx_error[s->rx_first] = 0;
	return lsr;
}

/* The transmitter. */

/*
 * Without FIFOs the request for the next byte falls and rises again around each byte, so that a
 * driver that only writes THR gets an edge each time. With FIFOs it stays up while one burst of
 * bytes is written: the chip too delays it there until the burst is out.
 */
static void write_thr(struct uart16550 *uart, uint8_t byte)
{
	struct uart16550_state *s = &uart->state;

	if (!fifos_on(s)) {
		s->thre_pending = 0;
		drive_irq(uart);
	}
	if (looped(s))
		receive(s, byte, 0);
	else
		byte_sink_put(&uart->tx, &byte, 1);
	s->thre_pending = 1;
}

/* Modem lines. */

/* In loopback each input is fed by an output: CTS by RTS, DSR by DTR, RI by OUT1, DCD by OUT2. */
static uint8_t modem_inputs(const struct uart16550_state *s)
{
	uint8_t inputs = 0;

	if (!looped(s))
		return TERMINAL;
	if (s->mcr & UART_MCR_RTS)
		inputs |= UART_MSR_CTS;
	if (s->mcr & UART_MCR_DTR)
		inputs |= UART_MSR_DSR;
	if (s->mcr & UART_MCR_OUT1)
		inputs |= UART_MSR_RI;
	if (s->mcr & UART_MCR_OUT2)
		inputs |= UART_MSR_DCD;
	return inputs;
}

/* Any change of CTS, DSR and DCD is noted, of RI only its end. */
static void write_mcr(struct uart16550_state *s, uint8_t value)
{
	uint8_t before = s->msr, changed, now;

	s->mcr = value & MCR_BITS;
	now = modem_inputs(s);
	changed = before ^ now;

	s->msr = now | (before & UART_MSR_ANY_DELTA);
	if (changed & UART_MSR_CTS)
		s->msr |= UART_MSR_DCTS;
	if (changed & UART_MSR_DSR)
		s->msr |= UART_MSR_DDSR;
	if (changed & before & UART_MSR_RI)
		s->msr |= UART_MSR_TERI;
	if (changed & UART_MSR_DCD)
		s->msr |= UART_MSR_DDCD;
}

static uint8_t read_msr(struct uart16550_state *s)
{
	uint8_t msr = s->msr;

	s->msr &= (uint8_t)~UART_MSR_ANY_DELTA;
	return msr;
}

/* Interrupt and FIFO control. */

/* Reading tells about an empty THR once; every other reason stays until its cause is gone. */
static uint8_t read_iir(struct uart16550_state *s)
{
	uint8_t reason = irq_reason(s);

	if (reason == UART_IIR_THRI)
		s->thre_pending = 0;
	return reason | (fifos_on(s) ? IIR_FIFOS_ENABLED : 0);
}

/* THR is always empty: asking to be told so (bit 1 from 0 to 1) is answered at once. */
static void write_ier(struct uart16550_state *s, uint8_t value)
{
	if (value & ~s->ier & UART_IER_THRI)
		s->thre_pending = 1;
	s->ier = value & IER_BITS;
}

/*
 * Without bit 0 the other bits count for nothing. Turning FIFOs on or off empties them, and the
 * first transmitter interrupt after it is immediate.
 */
static void write_fcr(struct uart16550_state *s, uint8_t value)
{
	if (!(value & UART_FCR_ENABLE_FIFO))
		value = 0;
	if ((value ^ s->fcr) & UART_FCR_ENABLE_FIFO) {
		clear_rx(s);
		s->thre_pending = 1;
	}
	if (value & UART_FCR_CLEAR_RCVR)
		clear_rx(s);
	s->fcr = value & FCR_BITS;
}

/* One register. */

static uint8_t read_register(struct uart16550_state *s, uint64_t offset)
{
	switch (offset) {
	case UART_RX:
		return divisor_shown(s) ? s->dll : read_rbr(s);
	case UART_IER:
		return divisor_shown(s) ? s->dlm : s->ier;
	case UART_IIR:
		return read_iir(s);
	case UART_LCR:
		return s->lcr;
	case UART_MCR:
		return s->mcr;
	case UART_LSR:
		return read_lsr(s);
	case UART_MSR:
		return read_msr(s);
	default:
		return s->scr;
	}
}

static void write_divisor(struct uart16550_state *s, uint64_t offset, uint8_t value)
{
	if (offset == UART_DLL)
		s->dll = value;
	else
		s->dlm = value;
}

static void write_register(struct uart16550 *uart, uint64_t offset, uint8_t value)
{
	struct uart16550_state *s = &uart->state;

	s->idle_polls = 0;
	if (divisor_shown(s) && offset <= UART_DLM) {
		write_divisor(s, offset, value);
		return;
	}
	switch (offset) {
	case UART_TX:
		write_thr(uart, value);
		break;
	case UART_IER:
		write_ier(s, value);
		break;
	case UART_FCR:
		write_fcr(s, value);
		break;
	case UART_LCR:
		s->lcr = value;
		break;
	case UART_MCR:
		write_mcr(s, value);
		break;
	case UART_SCR:
		s->scr = value;
		break;
	default: /* LSR, MSR */
		break;
	}
}

/* After every access: the line follows from the reason, and the host hears of new room. */
static void settle(struct uart16550 *uart, size_t room_before)
{
	drive_irq(uart);
	if (uart16550_rx_room(uart) > room_before)
		line_set(&uart->rx_drained, true);
}

static void uart_read(struct device *device, uint64_t offset, uint32_t size, uint8_t *data)
{
	struct uart16550 *uart = uart_of(device);

	for (uint32_t i = 0; i < size; i++) {
		size_t room = uart16550_rx_room(uart);

		data[i] = read_register(&uart->state, offset + i);
		settle(uart, room);
	}
}

static void uart_write(struct device *device, uint64_t offset, uint32_t size, const uint8_t *data)
{
	struct uart16550 *uart = uart_of(device);

	for (uint32_t i = 0; i < size; i++) {
		size_t room = uart16550_rx_room(uart);

		write_register(uart, offset + i, data[i]);
		settle(uart, room);
	}
}

static void power_on(struct uart16550_state *s)
{
	memset(s, 0, sizeof(*s));
	s->dll = POWER_ON_DIVISOR;
	s->msr = modem_inputs(s);
}

static void uart_reset(struct device *device)
{
	struct uart16550 *uart = uart_of(device);
	size_t room = uart16550_rx_room(uart);

	power_on(&uart->state);
	settle(uart, room);
}

static void *uart_state(struct device *device, size_t *size_bytes)
{
	*size_bytes = sizeof(struct uart16550_state);
	return &uart_of(device)->state;
}

static const struct device_ops uart16550_ops = {
	.name = "uart16550",
	.read = uart_read,
	.write = uart_write,
	.reset = uart_reset,
	.state = uart_state,
};

void uart16550_init(struct uart16550 *uart, struct line irq, struct byte_sink tx)
{
	memset(uart, 0, sizeof(*uart));
	uart->device.ops = &uart16550_ops;
	uart->irq = irq;
	uart->tx = tx;
	power_on(&uart->state);
}

bool uart16550_polled(const struct uart16550 *uart)
{
	return polled(&uart->state);
}

bool uart16550_rx_interrupts(const struct uart16550 *uart)
{
	return uart->state.ier & UART_IER_RDI;
}

size_t uart16550_tx_room(const struct uart16550 *uart)
{
	const struct uart16550_state *s = &uart->state;

	if (looped(s) || divisor_shown(s))
		return 0;
	return fifos_on(s) ? UART16550_FIFO_BYTES : 1;
}

bool uart16550_tx_interrupts(const struct uart16550 *uart)
{
	return uart->state.ier & UART_IER_THRI;
}

size_t uart16550_rx_room(const struct uart16550 *uart)
{
	const struct uart16550_state *s = &uart->state;

	return listens(s) ? (size_t)(rx_capacity(s) - s->rx_count) : 0;
}

void uart16550_rx(struct uart16550 *uart, const uint8_t *bytes, size_t count)
{
	if (looped(&uart->state))
		return;
	for (size_t i = 0; i < count; i++)
		receive(&uart->state, bytes[i], 0);
	drive_irq(uart);
}

void uart16550_rx_break(struct uart16550 *uart)
{
	if (looped(&uart->state))
		return;
	receive(&uart->state, 0, UART_LSR_BI | UART_LSR_FE);
	drive_irq(uart);
}
