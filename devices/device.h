/* SPDX-License-Identifier: MIT */
/*
 * What every device is. A device sees an offset into its own range, a size and bytes; it holds
 * wires (struct line, struct byte_sink, ...) and nothing else: no address, no vCPU, no file
 * descriptor, no KVM. A guest's nonsense is never an error of the host.
 *
 * What a guest can observe of a device sits in one pointer-free `struct x_state`, apart from its
 * wiring, so that a snapshot is a copy of it.
 *
 * Devices do no locking: the machine holds its lock around every call into them.
 */
#ifndef TVMM_DEVICES_DEVICE_H
#define TVMM_DEVICES_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device;

struct device_ops {
	const char *name; /* as a report calls it: "uart16550" */

	/*
	 * Mandatory. offset + size stays within the range that was attached; size is 1, 2, 4
	 * or 8. read() finds data filled with 0xff (open bus) and overwrites what it answers.
	 */
	void (*read)(struct device *device, uint64_t offset, uint32_t size, uint8_t *data);
	void (*write)(struct device *device, uint64_t offset, uint32_t size, const uint8_t *data);

	/* Optional: back to the state after power-on. */
	void (*reset)(struct device *device);

	/* Optional: where the guest-visible state is and how long, for a snapshot. */
	void *(*state)(struct device *device, size_t *size_bytes);
};

/* Embedded as the first member of each device. */
struct device {
	const struct device_ops *ops;
};

/* A wire that carries a level: an interrupt request, a reset request. */
struct line {
	void (*set)(void *ctx, bool level); /* may be called again with the same level */
	void *ctx;
};

static inline void line_set(const struct line *line, bool level)
{
	if (line->set)
		line->set(line->ctx, level);
}

static inline void line_pulse(const struct line *line)
{
	line_set(line, true);
	line_set(line, false);
}

/* A wire that carries bytes out of a device. put() takes all of them. */
struct byte_sink {
	void (*put)(void *ctx, const uint8_t *bytes, size_t count);
	void *ctx;
};

static inline void byte_sink_put(const struct byte_sink *sink, const uint8_t *bytes, size_t count)
{
	if (sink->put)
		sink->put(sink->ctx, bytes, count);
}

#endif
