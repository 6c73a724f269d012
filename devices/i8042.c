/* SPDX-License-Identifier: MIT */
/*
 * The keyboard controller that is not there, but for its reset pulse.
 *
 * Authority: [8042] "Status Register", "Commands"; [PC/AT] "Keyboard Controller".
 *
 * Status reads FD, which is open bus but for one bit:
 *
 *   bit 0 (output buffer full) = 1   A driver that looks for the controller first empties its
 *                                    output buffer, finds after 16 bytes that it never gets
 *                                    empty, and leaves: in less than a millisecond, where a
 *                                    controller that accepts commands and never answers would
 *                                    cost it half a second for each.
 *   bit 1 (input buffer full) = 0    A kernel that resets waits for this bit to be clear before
 *                                    each command; all ones would keep it waiting, ten times
 *                                    over, and a loader that waits without end would hang.
 *
 * Departures: there is no keyboard, mouse, password, or A20 gate. Of all commands only the pulse
 * exists; also its output lines 1 to 3 lead nowhere. Writing the output port (D1) cannot reset.
 */
#include "devices/i8042.h"

#include <string.h>

enum {
	STATUS_NOBODY = 0xfd,
	COMMAND_PULSE = 0xf0,       /* F0..FF pulse low each line whose bit is 0 */
	PULSE_KEEPS_RESET = 1 << 0, /* the line that resets the processor is left alone */
};

static bool pulses_reset(uint8_t command)
{
	return command >= COMMAND_PULSE && !(command & PULSE_KEEPS_RESET);
}

/* Open bus: the bus has filled in ones. */
static void data_read(struct device *device, uint64_t offset, uint32_t size, uint8_t *data)
{
	(void)device, (void)offset, (void)size, (void)data;
}

static void data_write(struct device *device, uint64_t offset, uint32_t size, const uint8_t *data)
{
	(void)device, (void)offset, (void)size, (void)data;
}

static void command_read(struct device *device, uint64_t offset, uint32_t size, uint8_t *data)
{
	(void)device, (void)offset, (void)size;
	data[0] = STATUS_NOBODY;
}

static void command_write(struct device *device, uint64_t offset, uint32_t size,
			  const uint8_t *data)
{
	struct i8042_command *command = (struct i8042_command *)device;

	(void)offset, (void)size;
	if (pulses_reset(data[0]))
		line_pulse(&command->reset);
}

static const struct device_ops data_ops = {
	.name = "i8042-data",
	.read = data_read,
	.write = data_write,
};

static const struct device_ops command_ops = {
	.name = "i8042-command",
	.read = command_read,
	.write = command_write,
};

void i8042_init(struct i8042 *i8042, struct line reset)
{
	memset(i8042, 0, sizeof(*i8042));
	i8042->data.device.ops = &data_ops;
	i8042->command.device.ops = &command_ops;
	i8042->command.reset = reset;
}
