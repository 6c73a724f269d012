/* SPDX-License-Identifier: MIT */
/*
 * Where a CPU may have come from, when its kernel offers nothing to unwind by: each word of the
 * stack that is the address behind a call. The way up is among them, and so is what earlier calls
 * have left there; whoever shows them says so, as the kernel does with a '?' (CONFIG_UNWINDER_GUESS).
 *
 * A direct call has to lead to the beginning of a function, which leaves few by chance. Authority:
 * [SDM] "CALL"; [LINUX] arch/x86/kernel/unwind_guess.c.
 */
#ifndef TVMM_INSIDE_GUESS_H
#define TVMM_INSIDE_GUESS_H

#include <stddef.h>
#include <stdint.h>

#include "boot/symbols.h"
#include "vmm/inside/space.h"

/*
 * Fills frame[], of most, innermost first; returns how many. stack holds stack_bytes of memory from
 * rsp on, of which what is on the same stack is looked at.
 */
size_t guess_frames(const struct space *space, const struct symbols *symbols, uint64_t rsp,
		    const uint8_t *stack, size_t stack_bytes, uint64_t *frame, size_t most);

#endif
