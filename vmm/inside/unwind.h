/* SPDX-License-Identifier: MIT */
/*
 * From a stopped CPU's registers and a copy of its stack to return addresses, when all is over: by
 * ORC where the kernel has its tables, by frame pointers where it was built with them, by guessing
 * (every word of the stack that is the address behind a call) nowhere: a wrong frame is worse than
 * none.
 *
 *   unwind.c       what a kernel offers; from frame to frame
 *   unwind_orc.c   the ORC tables: copying, looking up, one step
 *   unwind_fp.c    frame pointers: telling them by prologues, one step
 *
 * Left out: modules and code made at run time (their frames end the walk), stacks behind the end of
 * the copy, and frames whose caller is told by a register that is not here (ORC_REG_R10, ..._DX).
 *
 * Authority: [LINUX] arch/x86/include/asm/orc_types.h, arch/x86/kernel/unwind_orc.c,
 * arch/x86/include/asm/frame.h.
 */
#ifndef TVMM_INSIDE_UNWIND_H
#define TVMM_INSIDE_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/symbols.h"
#include "vmm/inside/space.h"

enum { UNWIND_FRAMES_MAX = 64 };

enum unwind_method { UNWIND_NONE, UNWIND_FRAME_POINTERS, UNWIND_ORC };

struct unwinder {
	enum unwind_method method;
	const struct symbols *symbols; /* borrowed */
	/* ORC: copied out of guest memory; owned. */
	int32_t *ip;    /* ascending, each relative to its own address */
	uint8_t *entry; /* 6 bytes each */
	size_t entries;
	uint64_t ip_base; /* address of the first of the ip words */
	int version;      /* which layout of struct orc_entry: see unwind_orc.c */
};

/*
 * Finds out what this kernel offers: ORC tables between __start_orc_unwind_ip and
 * __stop_orc_unwind_ip, else frame pointers when enough function prologues push rbp and copy rsp to
 * it, else none. Reads the guest's memory now. Never fails: none is an answer. banner is
 * linux_banner's text, "Linux version 6.1...", which tells the layout of the tables; without it
 * they are not used.
 */
void unwinder_init(struct unwinder *unwinder, const struct space *space,
		   const struct symbols *symbols, const char *banner);
void unwinder_finish(struct unwinder *unwinder);

/* "none", "frame pointers", "ORC" */
const char *unwind_method_name(enum unwind_method method);

/*
 * Fills frame[] with rip and the return addresses above it, innermost first; returns how many, 1 at
 * least. stack holds stack_bytes of memory from rsp on. Return addresses point behind their calls.
 */
size_t unwind(const struct unwinder *unwinder, uint64_t rip, uint64_t rsp, uint64_t rbp,
	      const uint8_t *stack, size_t stack_bytes, uint64_t frame[UNWIND_FRAMES_MAX]);

#endif
