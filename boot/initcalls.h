/* SPDX-License-Identifier: MIT */
/*
 * The tables of initcalls in a kernel's image: which functions its start-up calls, level by level.
 *
 *   __initcall_start   __initcall0_start  __initcall1_start ...          __initcall7_start  __initcall_end
 *   v                  v                  v                              v                  v
 *   | early            | pure             | core | ... | rootfs | device | late             |
 *
 * An entry is an address, or since Linux 4.19 the distance from the entry to it, in 32 bits.
 * Authority: [LINUX] include/linux/init.h, include/asm-generic/vmlinux.lds.h (INIT_CALLS).
 */
#ifndef TVMM_BOOT_INITCALLS_H
#define TVMM_BOOT_INITCALLS_H

#include <stddef.h>
#include <stdint.h>

#include "boot/elfimage.h"
#include "boot/symbols.h"
#include "vmm/base/err.h"
#include "vmm/base/file.h"

enum {
	INITCALLS_LEVELS = 10, /* early pure core postcore arch subsys fs rootfs device late */
	INITCALLS_MAX = 1 << 16,
};

struct initcalls {
	uint64_t *function;                 /* addresses, as they are called; owned */
	size_t first[INITCALLS_LEVELS + 1]; /* level i: function[first[i] .. first[i + 1]) */
};

/*
 * 0, or -errno with *e and nothing to finish: -ENOENT when the kernel has no such symbols, -EBADMSG
 * when what is there leads nowhere.
 */
int initcalls_read(struct initcalls *initcalls, const struct symbols *symbols,
		   const struct input_file *file, const struct elfimage *image, struct err *e);
void initcalls_finish(struct initcalls *initcalls);

#endif
