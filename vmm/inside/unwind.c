/* SPDX-License-Identifier: MIT */
#include "vmm/inside/unwind.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/base/le.h"
#include "vmm/inside/unwind_steps.h"

enum { WORD_BYTES = 8 };

bool unwind_word(const struct unwind_stack *stack, uint64_t at, uint64_t *word)
{
	uint64_t offset = at - stack->at; /* of what is below, more than any size */

	if (stack->size_bytes < WORD_BYTES || offset > stack->size_bytes - WORD_BYTES)
		return false;
	*word = get_le64(stack->bytes + offset);
	return true;
}

bool unwind_is_code(const struct unwinder *unwinder, uint64_t address)
{
	struct symbol_at at;

	return symbols_at(unwinder->symbols, address, &at) && strchr("TtWw", at.kind) != NULL;
}

void unwinder_init(struct unwinder *unwinder, const struct space *space,
		   const struct symbols *symbols, const char *banner)
{
	*unwinder = (struct unwinder){ .method = UNWIND_NONE, .symbols = symbols };
	if (unwind_find_orc(unwinder, space, banner))
		unwinder->method = UNWIND_ORC;
	else if (unwind_find_frame_pointers(unwinder, space))
		unwinder->method = UNWIND_FRAME_POINTERS;
}

void unwinder_finish(struct unwinder *unwinder)
{
	free(unwinder->ip);
	free(unwinder->entry);
	*unwinder = (struct unwinder){ 0 };
}

const char *unwind_method_name(enum unwind_method method)
{
	static const char *const names[] = {
		[UNWIND_NONE] = "none",
		[UNWIND_FRAME_POINTERS] = "frame pointers",
		[UNWIND_ORC] = "ORC",
	};

	return names[method];
}

size_t unwind(const struct unwinder *unwinder, uint64_t rip, uint64_t rsp, uint64_t rbp,
	      const uint8_t *stack, size_t stack_bytes, uint64_t frame[UNWIND_FRAMES_MAX])
{
	static unwind_step *const steps[] = {
		[UNWIND_FRAME_POINTERS] = unwind_step_frame_pointers,
		[UNWIND_ORC] = unwind_step_orc,
	};
	const struct unwind_stack copy = { .at = rsp, .bytes = stack, .size_bytes = stack_bytes };
	struct unwind_state state = { .ip = rip, .sp = rsp, .bp = rbp, .is_exact = true };
	size_t frames = 0;

	frame[frames++] = rip;
	if (unwinder->method == UNWIND_NONE || !unwind_is_code(unwinder, rip))
		return frames;
	while (frames < UNWIND_FRAMES_MAX && steps[unwinder->method](unwinder, &copy, &state) &&
	       unwind_is_code(unwinder, state.is_exact ? state.ip : state.ip - 1))
		frame[frames++] = state.ip;
	return frames;
}
