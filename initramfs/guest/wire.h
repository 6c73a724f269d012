/* SPDX-License-Identifier: MIT */
/*
 * The guest's end of the wire: ttyS0, and the frames of protocol.h on it.
 *
 * Authority: ioctl_tty(2); termios(3) "Raw mode", "Canonical and noncanonical mode"; [LINUX]
 * drivers/tty/serial/serial_core.c for what CRTSCTS does with RTS.
 */
#ifndef TVMM_INITRAMFS_GUEST_WIRE_H
#define TVMM_INITRAMFS_GUEST_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "initramfs/guest/text.h"
#include "initramfs/protocol.h"

/*
 * Opens ttyS0 and makes a clear line of it: all bytes of 8 bits, no echo, no signals, RTS down
 * while the kernel has no room for more input. Its speed stays. The descriptor, or -errno.
 */
long wire_open(void);

/* Sends a frame, waiting for room. count is at most PROTOCOL_PAYLOAD_MAX. */
void wire_send(enum protocol_frame type, const void *payload, size_t count);
void wire_send_text(enum protocol_frame type, const struct text *text);
void wire_send_number(enum protocol_frame type, unsigned long number);

/* Until the last byte has left. */
void wire_drain(void);

#endif
