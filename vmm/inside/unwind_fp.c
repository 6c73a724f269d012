/* SPDX-License-Identifier: MIT */
/*
 * Frame pointers (CONFIG_UNWINDER_FRAME_POINTER): functions begin with push %rbp; mov %rsp,%rbp, so
 * that rbp leads to the caller's rbp with the return address above it, and so on. Interrupts keep
 * the chain together with a pointer to their struct pt_regs, plus 1 (ENCODE_FRAME_POINTER).
 */
#include <string.h>

#include "vmm/inside/unwind_steps.h"

enum {
	SAMPLES = 2048, /* symbols looked at, of which functions are some */
	FUNCTIONS_MIN = 32,
	PERCENT = 60,
	ENDBR_BYTES = 4,
	TRACE_BYTES = 5,
	COPY_BYTES = 4, /* push, mov */
	PROLOGUE_BYTES = ENDBR_BYTES + TRACE_BYTES + COPY_BYTES,
	WORD_BYTES = 8,
	REGS_BIT = 1,
};

static bool is_prologue(const uint8_t code[PROLOGUE_BYTES])
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	static const uint8_t nop[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	static const uint8_t copy[] = { 0x55, 0x48, 0x89, 0xe5 };

	if (memcmp(code, endbr, sizeof(endbr)) == 0)
		code += sizeof(endbr);
	/* ftrace's call, or what it becomes when nothing is traced. */
	if (code[0] == 0xe8 || memcmp(code, nop, sizeof(nop)) == 0)
		code += TRACE_BYTES;
	return memcmp(code, copy, sizeof(copy)) == 0;
}

/* Parts of functions that were put elsewhere, and padding before them, have no prologue. */
static bool is_function(const struct symbols *symbols, const struct symbol *symbol)
{
	const char *name = symbols->names + symbol->name;

	return (symbol->kind == 'T' || symbol->kind == 't') && strstr(name, ".cold") == NULL &&
	       strncmp(name, "__pfx_", strlen("__pfx_")) != 0;
}

bool unwind_find_frame_pointers(struct unwinder *unwinder, const struct space *space)
{
	const struct symbols *symbols = unwinder->symbols;
	size_t functions = 0, with = 0;

	for (size_t i = 0; i < symbols->count; i += symbols->count / SAMPLES + 1) {
		const struct symbol *symbol = &symbols->by_address[i];
		uint8_t code[PROLOGUE_BYTES];

		if (!is_function(symbols, symbol) ||
		    !space_read(space, symbol->address, code, sizeof(code)))
			continue;
		functions++;
		with += is_prologue(code);
	}
	return functions >= FUNCTIONS_MIN && with * 100 > functions * PERCENT;
}

/*
 * In a prologue, rbp is still the caller's: rsp leads to the return address, or to the pushed rbp.
 */
static bool leave_prologue(const struct unwinder *unwinder, const struct unwind_stack *stack,
			   struct unwind_state *state)
{
	struct symbol_at at;
	uint64_t top, ip;

	if (!symbols_at(unwinder->symbols, state->ip, &at) || at.offset >= PROLOGUE_BYTES ||
	    !unwind_word(stack, state->sp, &top))
		return false;
	if (unwind_is_code(unwinder, top - 1)) {
		state->ip = top;
		return true;
	}
	if (top != state->bp || !unwind_word(stack, state->sp + WORD_BYTES, &ip))
		return false;
	state->ip = ip;
	return true;
}

/* Interrupted there: all registers are on the stack. */
static bool leave_interrupt(const struct unwind_stack *stack, uint64_t regs,
			    struct unwind_state *state)
{
	return unwind_word(stack, regs + PT_REGS_IP, &state->ip) &&
	       unwind_word(stack, regs + PT_REGS_SP, &state->sp) &&
	       unwind_word(stack, regs + PT_REGS_BP, &state->bp);
}

bool unwind_step_frame_pointers(const struct unwinder *unwinder, const struct unwind_stack *stack,
				struct unwind_state *state)
{
	uint64_t frame = state->bp;
	bool was_exact = state->is_exact;

	state->is_exact = false;
	if (was_exact && leave_prologue(unwinder, stack, state))
		return true;
	if (frame & REGS_BIT) {
		state->is_exact = true;
		frame -= REGS_BIT;
		if (!leave_interrupt(stack, frame, state))
			return false;
	} else if (!unwind_word(stack, frame + WORD_BYTES, &state->ip) ||
		   !unwind_word(stack, frame, &state->bp)) {
		return false;
	}
	if (state->bp <= frame)
		state->bp = 0; /* the last one, or a chain that goes the wrong way: no next step */
	return true;
}
