/* SPDX-License-Identifier: MIT */
/* Between unwind.c and the two ways that it knows. */
#ifndef TVMM_INSIDE_UNWIND_STEPS_H
#define TVMM_INSIDE_UNWIND_STEPS_H

#include "vmm/inside/unwind.h"

/* struct pt_regs, as an interrupt leaves it on the stack: where in it are which. */
enum {
	PT_REGS_BP = 32,
	PT_REGS_IP = 128,
	PT_REGS_SP = 152,
};

struct unwind_stack {
	uint64_t at; /* address of the first byte */
	const uint8_t *bytes;
	size_t size_bytes;
};

struct unwind_state {
	uint64_t ip, sp, bp;
	bool is_exact; /* ip was interrupted there, it is not behind a call */
};

/* The 8 bytes at an address of the stack; false when they are not all in the copy. */
bool unwind_word(const struct unwind_stack *stack, uint64_t at, uint64_t *word);

/* Is it kernel code? */
bool unwind_is_code(const struct unwinder *unwinder, uint64_t address);

/* Fills unwinder's method and tables; false, and nothing to finish, when the kernel has it not. */
bool unwind_find_orc(struct unwinder *unwinder, const struct space *space, const char *banner);
bool unwind_find_frame_pointers(struct unwinder *unwinder, const struct space *space);

/* One frame out. False: it ends here, or is not known; *state is unspecified then. */
typedef bool unwind_step(const struct unwinder *unwinder, const struct unwind_stack *stack,
			 struct unwind_state *state);
unwind_step unwind_step_orc, unwind_step_frame_pointers;

#endif
