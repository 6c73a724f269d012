/* SPDX-License-Identifier: MIT */
/*
 * ACPI's fixed power management registers, as far as they power the machine off: PM1a.
 *
 * The event registers and the control register may lie apart, so it is two devices:
 *
 *   device    offset   register      what it has
 *   event     0        PM1_STS       reads 0: nothing ever happens
 *             2        PM1_EN        bits 0, 5, 8, 9, 10 are kept
 *   control   0        PM1_CNT       bit 0 (SCI_EN) reads 1; bits 1 (BM_RLD) and 10-12 (SLP_TYP)
 *                                    are kept; bits 2 (GBL_RLS) and 13 (SLP_EN) read 0
 *
 * A write of SLP_EN together with the SLP_TYP of S5 powers off.
 */
#ifndef TVMM_DEVICES_ACPIPM_H
#define TVMM_DEVICES_ACPIPM_H

#include <stdint.h>

#include "devices/device.h"

enum { /* the lengths of their ranges on a bus */
       ACPIPM_EVENT_PORTS = 4,
       ACPIPM_CONTROL_PORTS = 2,
};

struct acpipm_event_state {
	uint16_t enable;
};

struct acpipm_event {
	struct device device;
	struct acpipm_event_state state;
};

struct acpipm_control_state {
	uint16_t control; /* the bits that are kept */
};

struct acpipm_control {
	struct device device;
	struct line power_off; /* pulsed: true, then false */
	uint8_t sleep_type_s5;
	struct acpipm_control_state state;
};

struct acpipm {
	struct acpipm_event event;
	struct acpipm_control control;
};

/*
 * Connects the wire and powers on. sleep_type_s5 is the SLP_TYP that the DSDT gives to S5, 0 to 7.
 * Attach &acpipm->event.device and &acpipm->control.device.
 */
void acpipm_init(struct acpipm *acpipm, struct line power_off, uint8_t sleep_type_s5);

#endif
