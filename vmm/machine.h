/* SPDX-License-Identifier: MIT */
/*
 * The board: which device sits where, and what its wires lead to; machine.c's attach_devices()
 * is the port map. One lock serves all devices.
 */
#ifndef TVMM_MACHINE_H
#define TVMM_MACHINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/board.h"
#include "devices/acpipm.h"
#include "devices/bus.h"
#include "devices/cmos.h"
#include "devices/debugexit.h"
#include "devices/device.h"
#include "devices/i8042.h"
#include "devices/pciconf.h"
#include "devices/port92.h"
#include "devices/postcode.h"
#include "devices/uart16550.h"
#include "vmm/base/err.h"
#include "vmm/control.h"
#include "vmm/timing/record.h"
#include "vmm/vm.h"

/* What was typed and the guest has not taken yet: bytes, and breaks at their place among them. */
enum { MACHINE_INPUT_BYTES = 4096, MACHINE_INPUT_BREAK = 0x100 };

/* Where the UART is, as on a PC. */
enum { MACHINE_COM1_PORT = 0x3f8 };

struct machine_input {
	uint16_t item[MACHINE_INPUT_BYTES];
	size_t first, count;
};

/* -device isa-debug-exit; iosize 0: the machine has none. */
struct debugexit_config {
	uint16_t iobase;
	uint8_t iosize;
};

/* Where marks go that a guest makes at a port: console_mark(), which has the lock for them. */
struct mark_wire {
	void (*mark)(void *ctx, enum record_mark_source source, const char *name);
	void *ctx;
};

struct machine {
	struct control *control;
	const struct vm *vm; /* NULL: interrupt lines lead nowhere (a machine under test) */

	pthread_mutex_t lock; /* everything below */
	struct bus ports;
	struct bus mmio;
	struct uart16550 uart;
	struct cmos cmos;
	struct i8042 i8042;
	struct pciconf pciconf;
	struct port92 port92;
	struct acpipm acpipm;
	struct debugexit debugexit;
	struct postcode postcode;
	bool uart_irq_level;
	struct mark_wire marks; /* {NULL}: nobody records */
	bool post_code_told[256];
	struct machine_input input;
	uint64_t input_taken;    /* of it, bytes and breaks so far */
	uint64_t input_taken_ns; /* when the guest last took a byte, or there was none */
};

/*
 * Wires the machine. Everything is borrowed and must outlive it. Fails only when debugexit's
 * ports are taken: -errno with *e filled.
 */
int machine_init(struct machine *machine, const struct vm *vm, struct control *control,
		 struct byte_sink console, const struct debugexit_config *debugexit, struct err *e);
void machine_finish(struct machine *machine);

/*
 * Before the run, if at all: lets the guest mark by POST codes and by isa-debug-exit. The wire is
 * borrowed and called with the machine locked. Port 80 is attached only then, unless isa-debug-exit
 * has it; a guest reads ones there with and without it.
 */
void machine_record(struct machine *machine, struct mark_wire marks);

/* The same board as the tables tell it, with that many CPUs (1 to BOARD_CPUS_MAX). */
void machine_board(unsigned int cpus, struct board *board);

/*
 * Input for the guest's serial line: how much is taken now, bytes (at most that), a break (which
 * is dropped when there is no room for it).
 */
size_t machine_input_room(struct machine *machine);
void machine_input(struct machine *machine, const uint8_t *bytes, size_t count);
void machine_input_break(struct machine *machine);

/* What the guest does about input, for who wonders whether it waits for some. */
struct machine_input_state {
	uint64_t taken; /* bytes and breaks that went into the UART so far */
	uint64_t polls; /* while it polls for input: how often the UART was read so far; else 0 */
	bool listens;   /* the UART is to interrupt it when a byte is received */
};
void machine_input_state(struct machine *machine, struct machine_input_state *state);

/* Nanoseconds for which the guest has left a full input untouched; 0 while there is room. */
uint64_t machine_input_stalled_ns(struct machine *machine);

#endif
