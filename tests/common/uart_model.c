/* SPDX-License-Identifier: MIT */
#include "tests/common/uart_model.h"

#include <string.h>

/* [16550], the table "Summary of Registers". */
enum {
	SPEC_IER_DATA = 0x01,
	SPEC_IER_EMPTY = 0x02,
	SPEC_IER_ERROR = 0x04,
	SPEC_IER_MODEM = 0x08,

	SPEC_IIR_NOTHING = 0x01,
	SPEC_IIR_ERROR = 0x06,
	SPEC_IIR_DATA = 0x04,
	SPEC_IIR_TIMEOUT = 0x0c,
	SPEC_IIR_EMPTY = 0x02,
	SPEC_IIR_MODEM = 0x00,
	SPEC_IIR_FIFOS = 0xc0,

	SPEC_MCR_DTR = 0x01,
	SPEC_MCR_RTS = 0x02,
	SPEC_MCR_OUT1 = 0x04,
	SPEC_MCR_OUT2 = 0x08,
	SPEC_MCR_LOOP = 0x10,

	SPEC_LSR_DATA = 0x01,
	SPEC_LSR_OVERRUN = 0x02,
	SPEC_LSR_FRAMING = 0x08,
	SPEC_LSR_BREAK = 0x10,
	SPEC_LSR_OF_A_BYTE = 0x1c, /* parity, framing, break */
	SPEC_LSR_SENT = 0x60,
	SPEC_LSR_IN_FIFO = 0x80,

	SPEC_MSR_CTS = 0x10,
	SPEC_MSR_DSR = 0x20,
	SPEC_MSR_RI = 0x40,
	SPEC_MSR_DCD = 0x80,

	SPEC_DLAB = 0x80,

	LOOKS_OF_A_LISTENER = 8,
};

static bool loop(const struct uart_model *m)
{
	return (m->mcr & SPEC_MCR_LOOP) != 0;
}

static unsigned int places(const struct uart_model *m)
{
	return m->fifos ? UART_MODEL_FIFO_BYTES : 1;
}

/* "Interrupt Identification Register": the table's rows, from its top. */
static uint8_t identification(const struct uart_model *m)
{
	unsigned int enough = m->fifos ? m->trigger : 1;

	if ((m->ier & SPEC_IER_ERROR) && m->errors != 0)
		return SPEC_IIR_ERROR;
	if ((m->ier & SPEC_IER_DATA) && m->count >= enough)
		return SPEC_IIR_DATA;
	if ((m->ier & SPEC_IER_DATA) && m->count > 0)
		return SPEC_IIR_TIMEOUT;
	if ((m->ier & SPEC_IER_EMPTY) && m->empty_untold)
		return SPEC_IIR_EMPTY;
	if ((m->ier & SPEC_IER_MODEM) && m->changes != 0)
		return SPEC_IIR_MODEM;
	return SPEC_IIR_NOTHING;
}

static void drive(struct uart_model *m)
{
	bool out2 = (m->mcr & SPEC_MCR_OUT2) && !loop(m);
	bool level = out2 && identification(m) != SPEC_IIR_NOTHING;

	if (level && !m->line)
		m->rises++;
	m->line = level;
}

/* The receiver. */

static void arrive(struct uart_model *m, uint8_t byte, uint8_t errors)
{
	if (m->count == places(m)) {
		m->errors |= SPEC_LSR_OVERRUN;
		if (m->fifos)
			return; /* "the character in the shift register is overwritten" */
		m->count = 0;   /* "destroying the previous character" */
	}
	if (m->count == 0)
		m->errors |= errors; /* it is "at the top of the FIFO" */
	m->waiting[m->count++] = (struct uart_model_byte){ byte, errors };
}

static uint8_t take(struct uart_model *m)
{
	if (m->count == 0)
		return m->receiver;
	m->receiver = m->waiting[0].byte;
	m->count--;
	memmove(&m->waiting[0], &m->waiting[1], m->count * sizeof(m->waiting[0]));
	if (m->count > 0)
		m->errors |= m->waiting[0].errors;
	return m->receiver;
}

static bool errors_in_fifo(const struct uart_model *m)
{
	uint8_t any = m->errors;

	for (unsigned int i = 0; i < m->count; i++)
		any |= m->waiting[i].errors;
	return m->fifos && (any & SPEC_LSR_OF_A_BYTE);
}

static uint8_t line_status(struct uart_model *m)
{
	uint8_t status = (uint8_t)(SPEC_LSR_SENT | m->errors);

	if (errors_in_fifo(m))
		status |= SPEC_LSR_IN_FIFO;
	if (m->count > 0) {
		status |= SPEC_LSR_DATA;
		m->waiting[0].errors = 0; /* told now */
	} else {
		m->looks++;
	}
	m->errors = 0;
	return status;
}

/* Modem lines. */

/* A terminal that is always there; in loopback the four outputs come back as the four inputs. */
static uint8_t inputs(const struct uart_model *m)
{
	uint8_t in = 0;

	if (!loop(m))
		return SPEC_MSR_DCD | SPEC_MSR_DSR | SPEC_MSR_CTS;
	in |= m->mcr & SPEC_MCR_DTR ? SPEC_MSR_DSR : 0;
	in |= m->mcr & SPEC_MCR_RTS ? SPEC_MSR_CTS : 0;
	in |= m->mcr & SPEC_MCR_OUT1 ? SPEC_MSR_RI : 0;
	in |= m->mcr & SPEC_MCR_OUT2 ? SPEC_MSR_DCD : 0;
	return in;
}

/* DCTS, DDSR, TERI ("from a low to a high state" of the pin, which is active low), DDCD. */
static void set_modem_control(struct uart_model *m, uint8_t value)
{
	uint8_t before = inputs(m), now;
	uint8_t rose, fell;

	m->mcr = value & 0x1f;
	now = inputs(m);
	rose = now & (uint8_t)~before;
	fell = before & (uint8_t)~now;
	m->changes |= (uint8_t)((fell >> 4) | ((rose & (uint8_t)~SPEC_MSR_RI) >> 4));
}

static uint8_t modem_status(struct uart_model *m)
{
	uint8_t status = inputs(m) | m->changes;

	m->changes = 0;
	return status;
}

/* FIFO control. */

static void set_fifo_control(struct uart_model *m, uint8_t value)
{
	static const uint8_t triggers[4] = { 1, 4, 8, 14 };
	bool on = value & 1;

	if (on != m->fifos) {
		m->count = 0;
		m->empty_untold = true; /* "the first transmitter interrupt ... immediate" */
	}
	if (on && (value & 2))
		m->count = 0;
	if (on)
		m->trigger = triggers[value >> 6];
	m->fifos = on;
}

/* The transmitter. */

static int send(struct uart_model *m, uint8_t byte)
{
	if (!m->fifos) {
		m->empty_untold = false;
		drive(m);
	}
	m->empty_untold = true;
	if (!loop(m))
		return byte;
	arrive(m, byte, 0);
	return UART_MODEL_SENDS_NOTHING;
}

/* Registers. */

static uint8_t read_register(struct uart_model *m, unsigned int reg)
{
	uint8_t id;

	if (reg <= 1 && (m->lcr & SPEC_DLAB))
		return m->divisor[reg];
	switch (reg) {
	case 0:
		return take(m);
	case 1:
		return m->ier;
	case 2:
		id = identification(m);
		if (id == SPEC_IIR_EMPTY)
			m->empty_untold = false;
		return m->fifos ? id | SPEC_IIR_FIFOS : id;
	case 3:
		return m->lcr;
	case 4:
		return m->mcr;
	case 5:
		return line_status(m);
	case 6:
		return modem_status(m);
	default:
		return m->scr;
	}
}

static int write_register(struct uart_model *m, unsigned int reg, uint8_t value)
{
	if (reg <= 1 && (m->lcr & SPEC_DLAB)) {
		m->divisor[reg] = value;
		return UART_MODEL_SENDS_NOTHING;
	}
	switch (reg) {
	case 0:
		return send(m, value);
	case 1:
		if ((value & SPEC_IER_EMPTY) && !(m->ier & SPEC_IER_EMPTY))
			m->empty_untold = true; /* it is empty, and that is asked for now */
		m->ier = value & 0x0f;
		break;
	case 2:
		set_fifo_control(m, value);
		break;
	case 3:
		m->lcr = value;
		break;
	case 4:
		set_modem_control(m, value);
		break;
	case 7:
		m->scr = value;
		break;
	default:
		break;
	}
	return UART_MODEL_SENDS_NOTHING;
}

void uart_model_init(struct uart_model *m)
{
	memset(m, 0, sizeof(*m));
	m->divisor[0] = 12;
	m->trigger = 1;
}

uint8_t uart_model_read(struct uart_model *m, unsigned int reg)
{
	uint8_t value = read_register(m, reg);

	drive(m);
	return value;
}

int uart_model_write(struct uart_model *m, unsigned int reg, uint8_t value)
{
	int sent;

	m->looks = 0;
	sent = write_register(m, reg, value);
	drive(m);
	return sent;
}

void uart_model_rx(struct uart_model *m, uint8_t byte)
{
	if (loop(m))
		return;
	arrive(m, byte, 0);
	drive(m);
}

void uart_model_rx_break(struct uart_model *m)
{
	if (loop(m))
		return;
	arrive(m, 0, SPEC_LSR_BREAK | SPEC_LSR_FRAMING);
	drive(m);
}

size_t uart_model_room(const struct uart_model *m)
{
	bool by_interrupt = (m->ier & SPEC_IER_DATA) && (m->mcr & SPEC_MCR_RTS);

	if (loop(m) || !(by_interrupt || m->looks >= LOOKS_OF_A_LISTENER))
		return 0;
	return places(m) - m->count;
}
