/* SPDX-License-Identifier: MIT */
/*
 * PM1a: the registers that ACPI cannot do without.
 *
 * Authority: [ACPI] "PM1 Event Grouping", "PM1 Control Grouping".
 *
 * Every byte can be had alone; a wider access is that many of one byte, at once.
 *
 * Departures:
 *   - No event ever comes: no timer, no button, no alarm, no bus master. So there is nothing to
 *     clear in the status, and no interrupt (SCI). The enable bits are kept all the same: a kernel
 *     that does not find the one it set (GBL_EN) takes the hardware to be broken.
 *   - ACPI is always on. SCI_EN cannot be cleared; on hardware the firmware does that.
 *   - Releasing the global lock (GBL_RLS) tells nobody: there is no firmware that waits for it.
 *   - Other sleeps than S5 do not happen. The tables name none; a guest that tries nevertheless
 *     stays awake.
 */
#include "devices/acpipm.h"

#include <string.h>

#include "vmm/base/must.h"

enum {
	PM1_EN = 2, /* offset of the enable register */

	EN_TMR = 1 << 0,
	EN_GBL = 1 << 5,
	EN_PWRBTN = 1 << 8,
	EN_SLPBTN = 1 << 9,
	EN_RTC = 1 << 10,
	EN_KEPT = EN_TMR | EN_GBL | EN_PWRBTN | EN_SLPBTN | EN_RTC,

	CNT_SCI_EN = 1 << 0,
	CNT_BM_RLD = 1 << 1,
	CNT_SLP_TYP_SHIFT = 10,
	CNT_SLP_TYP = 7 << CNT_SLP_TYP_SHIFT,
	CNT_SLP_EN = 1 << 13,
	CNT_KEPT = CNT_BM_RLD | CNT_SLP_TYP,
};

static struct acpipm_event *event_of(struct device *device)
{
	return (struct acpipm_event *)device;
}

static struct acpipm_control *control_of(struct device *device)
{
	return (struct acpipm_control *)device;
}

/* Byte 0 or 1 of a register, of which all other bytes are kept. */
static uint16_t with_byte(uint16_t value, uint64_t byte, uint8_t data)
{
	return byte ? (uint16_t)((value & 0x00ff) | data << 8)
		    : (uint16_t)((value & 0xff00) | data);
}

static uint8_t byte_of(uint16_t value, uint64_t byte)
{
	return (uint8_t)(value >> (8 * byte));
}

static void event_read(struct device *device, uint64_t offset, uint32_t size, uint8_t *data)
{
	for (uint64_t i = 0, at = offset; i < size; i++, at++)
		data[i] = at < PM1_EN ? 0 : byte_of(event_of(device)->state.enable, at - PM1_EN);
}

static void event_write(struct device *device, uint64_t offset, uint32_t size, const uint8_t *data)
{
	struct acpipm_event_state *state = &event_of(device)->state;

	for (uint64_t i = 0, at = offset; i < size; i++, at++) {
		if (at >= PM1_EN)
			state->enable = EN_KEPT & with_byte(state->enable, at - PM1_EN, data[i]);
	}
}

static void event_reset(struct device *device)
{
	event_of(device)->state = (struct acpipm_event_state){ 0 };
}

static void *event_state(struct device *device, size_t *size_bytes)
{
	*size_bytes = sizeof(struct acpipm_event_state);
	return &event_of(device)->state;
}

static void control_read(struct device *device, uint64_t offset, uint32_t size, uint8_t *data)
{
	uint16_t value = control_of(device)->state.control | CNT_SCI_EN;

	for (uint64_t i = 0; i < size; i++)
		data[i] = byte_of(value, offset + i);
}

static void control_write(struct device *device, uint64_t offset, uint32_t size,
			  const uint8_t *data)
{
	struct acpipm_control *control = control_of(device);
	uint16_t value = control->state.control; /* SLP_EN is clear in it */

	for (uint64_t i = 0; i < size; i++)
		value = with_byte(value, offset + i, data[i]);
	control->state.control = value & CNT_KEPT;
	if ((value & CNT_SLP_EN) &&
	    (value & CNT_SLP_TYP) >> CNT_SLP_TYP_SHIFT == control->sleep_type_s5)
		line_pulse(&control->power_off);
}

static void control_reset(struct device *device)
{
	control_of(device)->state = (struct acpipm_control_state){ 0 };
}

static void *control_state(struct device *device, size_t *size_bytes)
{
	*size_bytes = sizeof(struct acpipm_control_state);
	return &control_of(device)->state;
}

static const struct device_ops event_ops = {
	.name = "acpi-pm1-event",
	.read = event_read,
	.write = event_write,
	.reset = event_reset,
	.state = event_state,
};

static const struct device_ops control_ops = {
	.name = "acpi-pm1-control",
	.read = control_read,
	.write = control_write,
	.reset = control_reset,
	.state = control_state,
};

void acpipm_init(struct acpipm *acpipm, struct line power_off, uint8_t sleep_type_s5)
{
	must(sleep_type_s5 <= CNT_SLP_TYP >> CNT_SLP_TYP_SHIFT);
	memset(acpipm, 0, sizeof(*acpipm));
	acpipm->event.device.ops = &event_ops;
	acpipm->control.device.ops = &control_ops;
	acpipm->control.power_off = power_off;
	acpipm->control.sleep_type_s5 = sleep_type_s5;
}
