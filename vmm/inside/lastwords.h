/* SPDX-License-Identifier: MIT */
/*
 * What a kernel wrote into its log about its own end, found in guest memory without symbols: for
 * runs that ended while the console said nothing, because it was quiet, not there yet, or never
 * there. klog.h reads the whole log, but needs symbols.
 *
 * A record is believed only where it stands as printk leaves it in its ring of text: behind the
 * number of its descriptor, and near the record with the number before it or after it. So neither the
 * format strings in the kernel's image, nor a log in a user's page or in a file of the initramfs
 * is taken for one. The record with the highest number counts.
 *
 * Authority: [LINUX] kernel/printk/printk_ringbuffer.c (struct prb_data_block, to_blk_size()),
 * kernel/printk/printk.c (printk_sprint()); of 5.9, kernel/printk/printk.c (struct printk_log);
 * kernel/panic.c, kernel/reboot.c, arch/x86/mm/extable.c for the words. Left out: logs of kernels before
 * 3.5, and kernels without CONFIG_PRINTK, which keep no log.
 */
#ifndef TVMM_INSIDE_LASTWORDS_H
#define TVMM_INSIDE_LASTWORDS_H

#include <stdint.h>

#include "vmm/base/guestmem.h"

enum { LASTWORDS_TEXT_BYTES = 201 };

enum lastwords_kind {
	LASTWORDS_NONE,
	LASTWORDS_PANIC,     /* "Kernel panic - not syncing: ..." */
	LASTWORDS_REGISTERS, /* "RIP: 0010:...": an oops; the end, if the kernel halted after it */
	LASTWORDS_RESTARTS,  /* "reboot: Restarting system", "reboot: machine restart" */
	LASTWORDS_POWERS_DOWN, /* "reboot: Power down" */
	LASTWORDS_HALTS,       /* "reboot: System halted" */
};

struct lastwords {
	enum lastwords_kind kind;
	/* The panic's reason, or the record's whole text: its first line, printable ASCII. */
	char text[LASTWORDS_TEXT_BYTES];
};

/*
 * Looks through size_bytes of guest memory from gpa on, as far as they are RAM: where the kernel
 * lies with its static data, or all there is. The guest stands still. What is there is the guest's.
 */
void lastwords_find(struct lastwords *words, const struct guest_memory *memory, uint64_t gpa,
		    uint64_t size_bytes);

#endif
