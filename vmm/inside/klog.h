/* SPDX-License-Identifier: MIT */
/*
 * The kernel's log as it lies in guest memory: printk's ring buffer, read when the guest stands still,
 * whether or not it ever had a console.
 *
 * Two formats: the ring of descriptors of Linux 5.10 and later (struct printk_ringbuffer at prb), and
 * log_buf with a struct printk_log before each record, of 3.5 to 5.9. Which one it is, and how its
 * structs are laid out in that version, is found out by trying: a layout counts when all that it
 * points to holds together. A guest may have written anything there: all is bounded, nothing crashes.
 *
 * Authority: [LINUX] kernel/printk/printk_ringbuffer.h, kernel/printk/printk.c.
 */
#ifndef TVMM_INSIDE_KLOG_H
#define TVMM_INSIDE_KLOG_H

#include <stdint.h>
#include <stdio.h>

#include "boot/symbols.h"
#include "vmm/base/err.h"
#include "vmm/inside/space.h"

enum {
	KLOG_RECORDS_MAX = 1 << 20,
	KLOG_TEXT_MAX_BYTES = 64 << 20, /* of all records together */
};

struct klog_record {
	uint64_t sequence;
	uint64_t at_ns; /* the kernel's own clock: local_clock() */
	uint8_t level;  /* 0 emergency ... 7 debug */
	uint8_t facility;
	uint32_t text_bytes;
	size_t text; /* where in klog.text; NUL behind it */
};

struct klog {
	struct klog_record *record; /* owned, in order of sequence */
	size_t records;
	char *text; /* owned */
	size_t text_bytes;
	uint64_t lost;      /* records that the ring had already overwritten */
	uint64_t damaged;   /* records that did not hold together and were left out */
	const char *format; /* "printk_ringbuffer", "log_buf": static */
};

/* 0, or -errno with *e saying what is missing or does not hold together; nothing to finish then. */
int klog_read(struct klog *klog, const struct space *space, const struct symbols *symbols,
	      struct err *e);
void klog_finish(struct klog *klog);

/* As dmesg prints it: "<6>[    0.123456] text", lines of one record indented below its first. */
void klog_print(const struct klog *klog, FILE *out);

#endif
