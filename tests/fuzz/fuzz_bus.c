/* SPDX-License-Identifier: MIT */
/*
 * Any sequence of accesses, of any size, to a bus with all devices of the machine on it: a read
 * fills exactly its bytes; who claims an access, and when a device pulls a wire, is as the port map
 * and the devices' heads say; the clock's RAM keeps what was written; and a second set of devices,
 * made anew from copies of the first one's state now and then, does the same at every step.
 *
 * The same input attaches devices at any ranges to another bus, beside a list of ranges here that
 * says which of them must be refused.
 *
 * Input: operations: one byte that says which, and what it takes.
 *
 * libFuzzer: -max_len=192
 */
#include "devices/acpipm.h"
#include "devices/bus.h"
#include "devices/cmos.h"
#include "devices/debugexit.h"
#include "devices/i8042.h"
#include "devices/pciconf.h"
#include "devices/port92.h"
#include "devices/uart16550.h"
#include "tests/common/refusal.h"
#include "tests/fuzz/fuzz.h"

enum {
	SPEC_KBD_DATA = 0x60,
	SPEC_KBD_COMMAND = 0x64,
	SPEC_CMOS = 0x70,
	SPEC_PORT92 = 0x92,
	SPEC_DEBUGEXIT = 0xf4,
	SPEC_COM1 = 0x3f8,
	SPEC_PM1_EVENT = 0x600,
	SPEC_PM1_CONTROL = 0x604,
	SPEC_SLEEP_TYPE_S5 = 5, /* any will do */
	SPEC_PCI = 0xcf8,
	SPEC_RESET_CONTROL = 0xcf9,

	DATA_BYTES = 32,
	UNTOUCHED = 0x5a,
	CMOS_RAM = 0x0e, /* from here on all is RAM, but for the century */
	CMOS_CENTURY = 0x32,
};

/* A host's clock shows years from 1824 to 2116. */
#define HOST_NS_END (1LL << 62)

/* What a board's wires saw. */
struct wires {
	unsigned int resets, resets_ended, power_offs, exits;
	uint32_t exit_value;
	unsigned int sent;
};

struct board {
	struct bus bus;
	struct uart16550 uart;
	struct cmos cmos;
	struct i8042 i8042;
	struct pciconf pciconf;
	struct port92 port92;
	struct acpipm acpipm;
	struct debugexit debugexit;
	struct wires wires;
};

static const struct {
	uint64_t port, length;
} spec_map[] = {
	{ SPEC_KBD_DATA, 1 }, { SPEC_KBD_COMMAND, 1 }, { SPEC_CMOS, 2 },
	{ SPEC_PORT92, 1 },   { SPEC_DEBUGEXIT, 4 },   { SPEC_COM1, 8 },
	{ SPEC_PCI, 8 },      { SPEC_PM1_EVENT, 4 },   { SPEC_PM1_CONTROL, 2 },
};

static struct board first, second;
static int64_t host_ns;
static struct {
	uint8_t index, ram[CMOS_BYTES];
	uint16_t pm1_enable, pm1_control;
} shadow;

static void on_reset(void *ctx, bool level)
{
	struct wires *wires = ctx;

	wires->resets += level;
	wires->resets_ended += !level;
	hold(wires->resets - wires->resets_ended == level, "not a pulse");
}

static void on_power_off(void *ctx, bool level)
{
	((struct wires *)ctx)->power_offs += level;
}

static void on_exit_port(void *ctx, uint32_t value)
{
	struct wires *wires = ctx;

	wires->exits++;
	wires->exit_value = value;
}

static void on_byte(void *ctx, const uint8_t *bytes, size_t count)
{
	(void)bytes;
	((struct wires *)ctx)->sent += (unsigned int)count;
}

static int64_t now(void *ctx)
{
	(void)ctx;
	return host_ns;
}

static void board_init(struct board *b)
{
	const struct line reset = { on_reset, &b->wires };
	struct device *const devices[] = {
		&b->i8042.data.device, &b->i8042.command.device, &b->cmos.device,
		&b->port92.device,     &b->debugexit.device,     &b->uart.device,
		&b->pciconf.device,    &b->acpipm.event.device,  &b->acpipm.control.device,
	};
	struct err e;

	bus_init(&b->bus, "port");
	uart16550_init(&b->uart, (struct line){ 0 }, (struct byte_sink){ on_byte, &b->wires });
	cmos_init(&b->cmos, (struct wall_clock){ now, NULL });
	i8042_init(&b->i8042, reset);
	pciconf_init(&b->pciconf, reset);
	port92_init(&b->port92, reset);
	acpipm_init(&b->acpipm, (struct line){ on_power_off, &b->wires }, SPEC_SLEEP_TYPE_S5);
	debugexit_init(&b->debugexit, (struct exit_wire){ on_exit_port, &b->wires });
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		hold(bus_attach(&b->bus, spec_map[i].port, spec_map[i].length, devices[i], &e) == 0,
		     "%s", e.text);
}

/* A board whose devices have the states of another's: all that a guest can observe. */
static void board_restore(struct board *to, struct board *from)
{
	board_init(to);
	for (size_t i = 0; i < from->bus.slots; i++) {
		struct device *source = from->bus.slot[i].device;
		struct device *target = to->bus.slot[i].device;
		size_t bytes = 0;

		if (source->ops->state)
			memcpy(target->ops->state(target, &bytes),
			       source->ops->state(source, &bytes), bytes);
	}
}

/* Who answers, and what must come of it. */

static bool claimed(uint64_t address, uint32_t size)
{
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return false;
	for (size_t i = 0; i < sizeof(spec_map) / sizeof(spec_map[0]); i++) {
		uint64_t offset = address - spec_map[i].port;

		if (address >= spec_map[i].port && offset < spec_map[i].length &&
		    size <= spec_map[i].length - offset)
			return true;
	}
	return false;
}

/* A claimed write that resets. */
static bool resets(uint64_t address, uint32_t size, const uint8_t *data)
{
	switch (address) {
	case SPEC_KBD_COMMAND:
		return data[0] >= 0xf0 && !(data[0] & 1);
	case SPEC_PORT92:
		return data[0] & 1;
	case SPEC_RESET_CONTROL:
		return size == 1 && (data[0] & 4);
	default:
		return false;
	}
}

static uint32_t exit_value(uint32_t size, const uint8_t *data)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < size; i++)
		value |= (uint32_t)data[i] << 8 * i;
	return value;
}

static bool is_cmos_ram(uint8_t index)
{
	return index >= CMOS_RAM && index != CMOS_CENTURY;
}

static void note_cmos_write(uint64_t address, uint32_t size, const uint8_t *data)
{
	for (uint32_t i = 0; i < size; i++) {
		if (address + i == SPEC_CMOS)
			shadow.index = data[i] & 0x7f;
		else if (address + i == SPEC_CMOS + 1 && is_cmos_ram(shadow.index))
			shadow.ram[shadow.index] = data[i];
	}
}

/* [ACPI] "PM1 Control Grouping", and the table in devices/acpipm.h. Does it power off? */
static bool note_pm1_write(uint64_t address, uint32_t size, const uint8_t *data)
{
	uint16_t control = shadow.pm1_control;

	for (uint32_t i = 0; i < size; i++) {
		unsigned int shift = 8 * ((unsigned int)(address + i) & 1);
		uint16_t keep = (uint16_t) ~(0xff << shift), byte = (uint16_t)(data[i] << shift);

		if (address + i >= SPEC_PM1_CONTROL)
			control = (control & keep) | byte;
		else if (address + i >= SPEC_PM1_EVENT + 2)
			shadow.pm1_enable = ((shadow.pm1_enable & keep) | byte) & 0x0721;
	}
	shadow.pm1_control = control & 0x1c02;
	return (control & 0x2000) && (control >> 10 & 7) == SPEC_SLEEP_TYPE_S5;
}

static uint8_t pm1_byte(uint64_t port)
{
	if (port < SPEC_PM1_EVENT + 2)
		return 0;
	if (port < SPEC_PM1_CONTROL)
		return (uint8_t)(shadow.pm1_enable >> 8 * (port & 1));
	return (uint8_t)((shadow.pm1_control | 1) >> 8 * (port & 1));
}

static bool is_pm1(uint64_t port)
{
	return port >= SPEC_PM1_EVENT && port < SPEC_PM1_CONTROL + 2;
}

/* [146818] "Time, Calendar, and Alarm Locations": what a clock that runs can show. */
static bool can_be_shown(uint8_t index, uint8_t status_b, uint8_t value)
{
	static const struct {
		uint8_t index, first, last;
	} ranges[] = { { 0, 0, 59 }, { 2, 0, 59 }, { 6, 1, 7 },  { 7, 1, 31 },
		       { 8, 1, 12 }, { 9, 0, 99 }, { 4, 0, 23 }, { CMOS_CENTURY, 0, 99 } };
	bool binary = status_b & 4, twelve = index == 4 && !(status_b & 2);
	uint8_t low = twelve ? value & 0x7f : value;
	unsigned int number = binary ? low : (low >> 4) * 10U + (low & 15);

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (ranges[i].index != index)
			continue;
		if (!binary && ((low >> 4) > 9 || (low & 15) > 9))
			return false;
		if (twelve)
			return number >= 1 && number <= 12;
		return number >= ranges[i].first && number <= ranges[i].last;
	}
	return true; /* an alarm, a status */
}

static void check_cmos_byte(uint8_t value)
{
	const struct cmos_state *s = &first.cmos.state;
	uint8_t index = shadow.index, a = s->byte[0x0a], b = s->byte[0x0b];
	bool runs = !(b & 0x80) && (a & 0x60) != 0x60;

	hold(s->phase_ns >= 0 && s->phase_ns < 1000000000, "phase");
	if (is_cmos_ram(index))
		hold(value == shadow.ram[index], "RAM %02x", index);
	else if (index == 0x0c || index == 0x0d)
		hold(value == (index == 0x0d ? 0x80 : 0), "status %02x", index);
	else if (runs)
		hold(can_be_shown(index, b, value), "byte %02x: %02x", index, value);
}

/* What is known of a byte that was read from a device. */
static void check_byte(uint64_t port, uint8_t value)
{
	if (is_pm1(port))
		hold(value == pm1_byte(port), "port %llx", (unsigned long long)port);
	switch (port) {
	case SPEC_KBD_DATA:
	case SPEC_CMOS:
	case SPEC_PCI:
		hold(value == 0xff, "port %llx", (unsigned long long)port);
		break;
	case SPEC_KBD_COMMAND:
		hold(value == 0xfd, "port 64");
		break;
	case SPEC_PORT92:
		hold(value == 0x02, "port 92");
		break;
	case SPEC_CMOS + 1:
		check_cmos_byte(value);
		break;
	default:
		break;
	}
}

static void read_both(uint64_t address, uint32_t size)
{
	uint64_t misses = first.bus.read_misses;
	uint8_t a[DATA_BYTES], b[DATA_BYTES];

	memset(a, UNTOUCHED, sizeof(a));
	memset(b, (uint8_t)~UNTOUCHED, sizeof(b));
	bus_read(&first.bus, address, size, a);
	bus_read(&second.bus, address, size, b);
	hold(first.bus.read_misses == misses + !claimed(address, size), "misses");
	hold(memcmp(a, b, size) == 0, "the two boards differ at %llx, %u bytes",
	     (unsigned long long)address, size);
	for (uint32_t i = 0; i < DATA_BYTES; i++) {
		if (i >= size)
			hold(a[i] == UNTOUCHED, "byte %u of a read of %u is touched", i, size);
		else if (!claimed(address, size))
			hold(a[i] == 0xff, "open bus reads %02x", a[i]);
		else
			check_byte(address + i, a[i]);
	}
}

static void write_both(uint64_t address, uint32_t size, const uint8_t *data)
{
	struct wires before = first.wires;
	uint64_t misses = first.bus.write_misses;
	bool hit = claimed(address, size);
	bool exits = hit && address - SPEC_DEBUGEXIT < 4, powers_off = false;

	bus_write(&first.bus, address, size, data);
	bus_write(&second.bus, address, size, data);
	hold(first.bus.write_misses == misses + !hit, "misses");
	hold(first.wires.resets == before.resets + (hit && resets(address, size, data)),
	     "reset at %llx", (unsigned long long)address);
	hold(first.wires.exits == before.exits + exits, "exit at %llx",
	     (unsigned long long)address);
	hold(!exits || first.wires.exit_value == exit_value(size, data), "exit value");
	if (hit)
		note_cmos_write(address, size, data);
	if (hit && is_pm1(address))
		powers_off = note_pm1_write(address, size, data);
	hold(first.wires.power_offs == before.power_offs + powers_off, "power off at %llx",
	     (unsigned long long)address);
}

/* Another bus, to which anything may be attached. */

static void say_who(struct device *device, uint64_t offset, uint32_t size, uint8_t *data)
{
	(void)device;
	memset(data, (int)(0x10 + offset % 0x10), size);
}

static void ignore(struct device *device, uint64_t offset, uint32_t size, const uint8_t *data)
{
	(void)device, (void)offset, (void)size, (void)data;
}

static const struct device_ops stub_ops = { .name = "stub", .read = say_who, .write = ignore };
static struct device stub = { &stub_ops };
static struct bus spare;
static struct {
	uint64_t base, last;
} ranges[BUS_SLOTS];
static size_t range_count;

static bool may_attach(uint64_t base, uint64_t length)
{
	if (length == 0 || length - 1 > UINT64_MAX - base || range_count == BUS_SLOTS)
		return false;
	for (size_t i = 0; i < range_count; i++) {
		if (base <= ranges[i].last && base + (length - 1) >= ranges[i].base)
			return false;
	}
	return true;
}

static void attach_somewhere(struct fuzz_input *in)
{
	uint64_t base = fuzz_edge(in, NULL, 0), length = fuzz_edge(in, &base, 1);
	bool may = may_attach(base, length);
	struct err e = { 0 };
	int rc = bus_attach(&spare, base, length, &stub, &e);

	hold((rc == 0) == may, "%s", e.text);
	if (rc < 0) {
		hold(!refusal_flaw(rc, &e), "%s", e.text);
		return;
	}
	ranges[range_count].base = base;
	ranges[range_count++].last = base + (length - 1);
	hold(spare.slots == range_count, "%zu slots", spare.slots);
}

static void read_somewhere(struct fuzz_input *in)
{
	uint64_t address = fuzz_edge(in, &ranges[0].base, range_count ? 1 : 0);
	uint8_t data[8], want = 0xff;

	for (size_t i = 0; i < range_count; i++) {
		if (address >= ranges[i].base && address <= ranges[i].last)
			want = (uint8_t)(0x10 + (address - ranges[i].base) % 0x10);
	}
	bus_read(&spare, address, 1, data);
	hold(data[0] == want, "%02x at %llx", data[0], (unsigned long long)address);
}

/* Operations. */

/* A port: bits 0-3 choose a range of the map, bits 4-7 go beyond or before it; or any number. */
static uint64_t port_of(struct fuzz_input *in)
{
	uint8_t which = fuzz_u8(in);
	size_t count = sizeof(spec_map) / sizeof(spec_map[0]);

	if (which == 0xff)
		return fuzz_edge(in, NULL, 0);
	return spec_map[(which & 15) % count].port + (which >> 4) - 2;
}

static uint32_t size_of(uint8_t operation)
{
	static const uint8_t sizes[] = { 1, 1, 1, 2, 2, 4, 8, 3 };

	return sizes[operation >> 5];
}

static void operate(struct fuzz_input *in)
{
	uint8_t operation = fuzz_u8(in), data[8];
	uint32_t size = size_of(operation);
	uint64_t port;

	switch (operation & 0x0f) {
	case 0:
		host_ns = (host_ns + (int64_t)fuzz_bytes(in, 5)) % HOST_NS_END;
		break;
	case 1:
		host_ns = (int64_t)fuzz_bytes(in, 8) % HOST_NS_END;
		break;
	case 2:
		bus_reset(&first.bus);
		bus_reset(&second.bus);
		shadow.index = 0;
		shadow.pm1_enable = shadow.pm1_control = 0;
		break;
	case 3:
		board_restore(&second, &first);
		break;
	case 4:
		attach_somewhere(in);
		break;
	case 5:
		read_somewhere(in);
		break;
	case 6:
		uart16550_rx(&first.uart, (const uint8_t *)"input", 5);
		uart16550_rx(&second.uart, (const uint8_t *)"input", 5);
		break;
	case 7:
	case 8:
	case 9:
	case 10:
		read_both(port_of(in), size);
		break;
	default:
		port = port_of(in);
		for (uint32_t i = 0; i < size; i++)
			data[i] = fuzz_u8(in);
		write_both(port, size, data);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input in = { bytes, size_bytes };

	first.wires = second.wires = (struct wires){ 0 };
	memset(&shadow, 0, sizeof(shadow));
	host_ns = 1000000000LL * 1700000000;
	board_init(&first);
	board_init(&second);
	bus_init(&spare, "spare");
	range_count = 0;
	while (in.left)
		operate(&in);
	return 0;
}
