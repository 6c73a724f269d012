/* SPDX-License-Identifier: MIT */
/*
 * The moments of a Linux boot that have a symbol: where the kernel's start-up comes by, in the
 * order in which it does. Authority: [LINUX] arch/x86/kernel/head_64.S, init/main.c,
 * init/initramfs.c.
 */
#ifndef TVMM_TIMING_PHASES_H
#define TVMM_TIMING_PHASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/symbols.h"

enum phase {
	PHASE_STARTUP_64, /* at its physical address: paging is still the loader's */
	PHASE_X86_64_START_KERNEL,
	PHASE_START_KERNEL,
	PHASE_SETUP_ARCH,
	PHASE_MM_INIT,
	PHASE_SCHED_INIT,
	PHASE_INIT_IRQ,
	PHASE_TIME_INIT,
	PHASE_CONSOLE_INIT,
	PHASE_CALIBRATE_DELAY,
	PHASE_VFS_CACHES_INIT,
	PHASE_REST_INIT,
	PHASE_KERNEL_INIT,
	PHASE_INITCALLS_EARLY, /* the first function of each level */
	PHASE_SMP_INIT,
	PHASE_INITCALLS_PURE,
	PHASE_INITCALLS_CORE,
	PHASE_INITCALLS_POSTCORE,
	PHASE_INITCALLS_ARCH,
	PHASE_INITCALLS_SUBSYS,
	PHASE_INITCALLS_FS,
	PHASE_INITCALLS_ROOTFS,
	PHASE_INITCALLS_DEVICE,
	PHASE_INITCALLS_LATE,
	PHASE_FREE_INITMEM,
	PHASE_RUN_INIT_PROCESS,
	PHASE_KERNEL_EXECVE,
	PHASE_FIRST_USER, /* the address that start_thread() was given */
	/* Not in that order: unpacking may be another thread's work, beside the initcalls. */
	PHASE_POPULATE_ROOTFS,
	PHASE_POPULATE_ROOTFS_END,
	PHASES
};

enum { PHASE_SYMBOLS_MAX = 3 };

struct phase_info {
	const char *name;                      /* as reports call it */
	const char *symbol[PHASE_SYMBOLS_MAX]; /* of functions, the first that there is */
	bool init_text;                        /* counts only among the functions of __init */
	const char *taken;                     /* in words */
};

extern const struct phase_info phase_info[PHASES];

/*
 * The virtual address of the phase's function; 0: this kernel has none, or the phase is no
 * function.
 */
uint64_t phase_find(const struct symbols *symbols, enum phase phase);

#endif
