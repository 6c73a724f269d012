/* SPDX-License-Identifier: MIT */
/* Between klog.c and the two formats that it reads. */
#ifndef TVMM_INSIDE_KLOG_FORMATS_H
#define TVMM_INSIDE_KLOG_FORMATS_H

#include "vmm/inside/klog.h"

/*
 * Fills a klog that is empty; 0, or -errno with *e, and what is in it then is still to be finished.
 */
typedef int klog_reader(struct klog *klog, const struct space *space, const struct symbols *symbols,
			struct err *e);
klog_reader klog_read_ring, klog_read_log_buf;

/*
 * Appends a record whose text lies at a virtual address; record->text is set here. A text that is
 * not there, or a record too many, counts as damaged. 0, or -ENOMEM with *e.
 */
int klog_add(struct klog *klog, const struct space *space, const struct klog_record *record,
	     uint64_t text_at, struct err *e);

#endif
