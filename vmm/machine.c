/* SPDX-License-Identifier: MIT */
#include "vmm/machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/clock.h"
#include "vmm/base/must.h"

enum {
	PORT_I8042_DATA = 0x60,
	PORT_I8042_COMMAND = 0x64,
	PORT_CMOS = 0x70,
	PORT_POST_CODE = 0x80, /* see machine_record() */
	PORT_SYSTEM_CONTROL_A = 0x92,
	PORT_PM1_EVENT = 0x600,
	PORT_PM1_CONTROL = 0x604,
	PORT_PCI_CONFIG = 0xcf8,
	PORT_RESET_CONTROL = 0xcf9, /* in the midst of it: see devices/pciconf.h */
	IRQ_COM1 = 4,
	IRQ_SCI = 9,

	/* Bit 2 resets, bit 1 the whole machine. */
	RESET_HARD_NOW = 0x06,

	/*
	 * With this one and PM1 at 600, `outw(0x2000, 0x604)` powers off here as in QEMU, on
	 * which small kernels rely that know nothing else.
	 */
	SLEEP_TYPE_S5 = 0,

	/* KVM's own: [LINUX] arch/x86/kvm/lapic.c, ioapic.h. */
	LOCAL_APIC_GPA = 0xfee00000,
	LOCAL_APIC_VERSION = 0x14,
	IO_APIC_GPA = 0xfec00000,
	IO_APIC_VERSION = 0x11,

	CMOS_CENTURY = 0x32, /* see devices/cmos.h */
};

static void uart_irq(void *ctx, bool level)
{
	struct machine *machine = ctx;

	if (level == machine->uart_irq_level)
		return;
	machine->uart_irq_level = level;
	if (machine->vm)
		vm_set_irq(machine->vm, IRQ_COM1, level);
}

static void send_to_uart(struct machine *machine, uint16_t item)
{
	uint8_t byte = (uint8_t)item;

	if (item == MACHINE_INPUT_BREAK)
		uart16550_rx_break(&machine->uart);
	else
		uart16550_rx(&machine->uart, &byte, 1);
}

/* Moves what was typed into the UART, as much as its FIFO takes. */
static void feed_uart(struct machine *machine)
{
	struct machine_input *input = &machine->input;
	bool was_full = input->count == MACHINE_INPUT_BYTES;

	while (input->count && uart16550_rx_room(&machine->uart) > 0) {
		uint16_t item = input->item[input->first];

		input->first = (input->first + 1) % MACHINE_INPUT_BYTES;
		input->count--;
		machine->input_taken++;
		machine->input_taken_ns = clock_now_ns();
		send_to_uart(machine, item);
	}
	if (was_full && input->count < MACHINE_INPUT_BYTES)
		control_wake(machine->control); /* it may read on */
}

static void uart_drained(void *ctx, bool level)
{
	(void)level;
	feed_uart(ctx);
}

static void reset_by_i8042(void *ctx, bool level)
{
	if (level)
		control_end_kind(ctx, ENDING_RESET_I8042);
}

static void reset_by_port_cf9(void *ctx, bool level)
{
	if (level)
		control_end_kind(ctx, ENDING_RESET_PORT_CF9);
}

static void reset_by_port_92(void *ctx, bool level)
{
	if (level)
		control_end_kind(ctx, ENDING_RESET_PORT_92);
}

static void power_off_by_acpi(void *ctx, bool level)
{
	if (level)
		control_end_kind(ctx, ENDING_POWERED_OFF_ACPI);
}

static void make_mark(struct machine *machine, enum record_mark_source source, const char *name)
{
	if (machine->marks.mark)
		machine->marks.mark(machine->marks.ctx, source, name);
}

static void exit_by_debugexit(void *ctx, uint32_t value)
{
	struct machine *machine = ctx;

	if (!control_stopped(machine->control))
		make_mark(machine, RECORD_MARK_EXIT, "debug-exit");
	control_end(machine->control, &(struct ending){ .kind = ENDING_DEBUG_EXIT,
							.detail = debugexit_status(value) });
}

/*
 * With CONFIG_IO_DELAY_0X80 Linux passes the time by writing whatever AL holds to this port: noise
 * that nobody can tell from codes. So that it does not drown them, each value counts once.
 */
static void show_post_code(void *ctx, uint8_t code)
{
	struct machine *machine = ctx;
	char name[3];

	if (machine->post_code_told[code])
		return;
	machine->post_code_told[code] = true;
	(void)snprintf(name, sizeof(name), "%02x", code);
	make_mark(machine, RECORD_MARK_POST, name);
}

static int64_t wall_clock_ns(void *ctx)
{
	(void)ctx;
	return clock_unix_ns();
}

/*
 * KVM itself answers at these ports, and in memory at fec00000 (I/O APIC) and fee00000 (local
 * APIC): a device of ours would never be asked there.
 */
static int refuse_ports_of_kvm(const struct debugexit_config *debugexit, struct err *e)
{
	static const struct {
		uint16_t first, last;
		const char *owner;
	} owned[] = {
		{ 0x20, 0x21, "the interrupt controller" },
		{ 0x40, 0x43, "the timer" },
		{ 0x61, 0x61, "the speaker" },
		{ 0xa0, 0xa1, "the interrupt controller" },
		{ 0x4d0, 0x4d1, "the interrupt controller" },
	};
	uint32_t end = (uint32_t)debugexit->iobase + debugexit->iosize;

	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]) && debugexit->iosize; i++) {
		if (debugexit->iobase <= owned[i].last && end > owned[i].first)
			return err_set(e, EBUSY, "-device isa-debug-exit: port %#x belongs to %s",
				       owned[i].first, owned[i].owner);
	}
	return 0;
}

/* The port map. All that neither stands here nor belongs to KVM is open bus. */
static int attach_devices(struct machine *m, const struct debugexit_config *debugexit,
			  struct err *e)
{
	const struct {
		uint64_t port, length;
		struct device *device;
	} map[] = {
		{ PORT_I8042_DATA, I8042_PORTS, &m->i8042.data.device },
		{ PORT_I8042_COMMAND, I8042_PORTS, &m->i8042.command.device },
		{ PORT_CMOS, CMOS_PORTS, &m->cmos.device },
		{ PORT_SYSTEM_CONTROL_A, PORT92_PORTS, &m->port92.device },
		{ MACHINE_COM1_PORT, UART16550_REGISTERS, &m->uart.device },
		{ PORT_PM1_EVENT, ACPIPM_EVENT_PORTS, &m->acpipm.event.device },
		{ PORT_PM1_CONTROL, ACPIPM_CONTROL_PORTS, &m->acpipm.control.device },
		{ PORT_PCI_CONFIG, PCICONF_PORTS, &m->pciconf.device },
		{ debugexit->iobase, debugexit->iosize, &m->debugexit.device },
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		int rc;

		if (!map[i].length)
			continue;
		rc = bus_attach(&m->ports, map[i].port, map[i].length, map[i].device, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int machine_init(struct machine *machine, const struct vm *vm, struct control *control,
		 struct byte_sink console, const struct debugexit_config *debugexit, struct err *e)
{
	memset(machine, 0, sizeof(*machine));
	machine->control = control;
	machine->vm = vm;
	(void)pthread_mutex_init(&machine->lock, NULL);
	bus_init(&machine->ports, "port");
	bus_init(&machine->mmio, "mmio");

	uart16550_init(&machine->uart, (struct line){ uart_irq, machine }, console);
	machine->uart.rx_drained = (struct line){ uart_drained, machine };
	cmos_init(&machine->cmos, (struct wall_clock){ wall_clock_ns, NULL });
	i8042_init(&machine->i8042, (struct line){ reset_by_i8042, control });
	pciconf_init(&machine->pciconf, (struct line){ reset_by_port_cf9, control });
	port92_init(&machine->port92, (struct line){ reset_by_port_92, control });
	acpipm_init(&machine->acpipm, (struct line){ power_off_by_acpi, control }, SLEEP_TYPE_S5);
	debugexit_init(&machine->debugexit, (struct exit_wire){ exit_by_debugexit, machine });
	if (refuse_ports_of_kvm(debugexit, e) < 0)
		return -EBUSY;
	return attach_devices(machine, debugexit, e);
}

/*
 * The I/O APIC's id is the first one that no CPU has. Its own register has room for 15 only, but
 * ids matter only where APICs talk over a bus of their own, which went out with the P6.
 */
void machine_board(unsigned int cpus, struct board *board)
{
	must(cpus >= 1 && cpus <= BOARD_CPUS_MAX);
	*board = (struct board){
		.cpus = cpus,
		.local_apic_gpa = LOCAL_APIC_GPA,
		.local_apic_version = LOCAL_APIC_VERSION,
		.io_apic_gpa = IO_APIC_GPA,
		.io_apic_id = (uint8_t)cpus,
		.io_apic_version = IO_APIC_VERSION,
		.com1_port = MACHINE_COM1_PORT,
		.com1_irq = IRQ_COM1,
		.pm1_event_port = PORT_PM1_EVENT,
		.pm1_control_port = PORT_PM1_CONTROL,
		.sci_irq = IRQ_SCI,
		.sleep_type_s5 = SLEEP_TYPE_S5,
		.reset_port = PORT_RESET_CONTROL,
		.reset_value = RESET_HARD_NOW,
		.cmos_century = CMOS_CENTURY,
	};
}

void machine_record(struct machine *machine, struct mark_wire marks)
{
	struct err taken; /* by isa-debug-exit, which was asked for by name */

	machine->marks = marks;
	postcode_init(&machine->postcode, (struct code_wire){ show_post_code, machine });
	(void)bus_attach(&machine->ports, PORT_POST_CODE, POSTCODE_PORTS, &machine->postcode.device,
			 &taken);
}

void machine_finish(struct machine *machine)
{
	(void)pthread_mutex_destroy(&machine->lock);
}

size_t machine_input_room(struct machine *machine)
{
	size_t room;

	(void)pthread_mutex_lock(&machine->lock);
	room = MACHINE_INPUT_BYTES - machine->input.count;
	(void)pthread_mutex_unlock(&machine->lock);
	return room;
}

/* With the lock held. */
static void append_input(struct machine *machine, uint16_t item)
{
	struct machine_input *input = &machine->input;

	if (input->count == MACHINE_INPUT_BYTES)
		return;
	if (!input->count)
		machine->input_taken_ns = clock_now_ns();
	input->item[(input->first + input->count++) % MACHINE_INPUT_BYTES] = item;
}

void machine_input(struct machine *machine, const uint8_t *bytes, size_t count)
{
	(void)pthread_mutex_lock(&machine->lock);
	for (size_t i = 0; i < count; i++)
		append_input(machine, bytes[i]);
	feed_uart(machine);
	(void)pthread_mutex_unlock(&machine->lock);
}

void machine_input_break(struct machine *machine)
{
	(void)pthread_mutex_lock(&machine->lock);
	append_input(machine, MACHINE_INPUT_BREAK);
	feed_uart(machine);
	(void)pthread_mutex_unlock(&machine->lock);
}

/* With the lock held. */
static uint64_t uart_reads(const struct machine *machine)
{
	uint64_t reads = 0;

	for (size_t i = 0; i < machine->ports.slots; i++) {
		if (machine->ports.slot[i].device == &machine->uart.device)
			reads += machine->ports.slot[i].reads;
	}
	return reads;
}

void machine_input_state(struct machine *machine, struct machine_input_state *state)
{
	(void)pthread_mutex_lock(&machine->lock);
	*state = (struct machine_input_state){
		.taken = machine->input_taken,
		.polls = uart16550_polled(&machine->uart) ? uart_reads(machine) : 0,
		.listens = uart16550_rx_interrupts(&machine->uart),
	};
	(void)pthread_mutex_unlock(&machine->lock);
}

uint64_t machine_input_stalled_ns(struct machine *machine)
{
	uint64_t ns = 0;

	(void)pthread_mutex_lock(&machine->lock);
	if (machine->input.count == MACHINE_INPUT_BYTES)
		ns = clock_now_ns() - machine->input_taken_ns;
	(void)pthread_mutex_unlock(&machine->lock);
	return ns;
}
