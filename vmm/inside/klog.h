/* SPDX-License-Identifier: MIT */
/*
 * The kernel's log as it lies in guest memory: printk's ring buffer, read when the guest stands
 * still, whether or not it ever had a console.
 *
 *   klog.c          which format it is, collecting records, printing them
 *   klog_ring.c     the ring of descriptors of Linux 5.10 and later: struct printk_ringbuffer at prb
 *   klog_logbuf.c   log_buf of the kernels before, with a struct printk_log before each record
 *
 * How structs are laid out in that very version is found out by trying: a layout counts when what
 * it points to holds together. A guest may have written anything there: all is bounded, nothing
 * crashes. Left out: who called printk() (caller_id), and of which device (dev_info, dictionaries).
 *
 * Authority: [LINUX] kernel/printk/printk_ringbuffer.h, kernel/printk/printk_ringbuffer.c; of 5.9,
 * kernel/printk/printk.c.
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
	size_t record_room, text_room; /* of the two, allocated */
	uint64_t lost;      /* records that the ring had already overwritten, or had no room for */
	uint64_t damaged;   /* records that do not hold together or are beyond KLOG_*: left out */
	const char *format; /* "printk_ringbuffer", "log_buf": static */
};

/* 0, or -errno with *e saying what is missing or does not hold together; nothing to finish then. */
int klog_read(struct klog *klog, const struct space *space, const struct symbols *symbols,
	      struct err *e);
void klog_finish(struct klog *klog);

/*
 * As dmesg --raw prints it: "<6>[    0.123456] text", lines of one record indented below its first.
 * Bytes that are neither printable ASCII nor a tab are shown as \x1b: a log may be a terminal's enemy.
 */
void klog_print(const struct klog *klog, FILE *out);

#endif
