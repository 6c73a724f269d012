/* SPDX-License-Identifier: MIT */
#include "vmm/inside/guess.h"

#include <string.h>

#include "vmm/base/le.h"

enum {
	WORD_BYTES = 8,
	THREAD_BYTES = 16 << 10, /* of a kernel's stack, which begins at a multiple of it */
	CALL_MAX_BYTES = 7,
	CALL_RELATIVE = 0xe8,
	CALL_RELATIVE_BYTES = 5,
	CALL_INDIRECT = 0xff,
	MODRM_REG = 0x38,
	MODRM_CALL = 2 << 3,
};

static bool is_code(const struct symbols *symbols, uint64_t address, struct symbol_at *at)
{
	return address >= SYMBOLS_KERNEL_MAP && symbols_at(symbols, address, at) &&
	       strchr("TtWw", at->kind) != NULL;
}

/* code has the bytes before a return address: is a call rel32 of a function the last of them? */
static bool is_direct(const struct symbols *symbols, uint64_t address, const uint8_t *code)
{
	const uint8_t *call = code + CALL_MAX_BYTES - CALL_RELATIVE_BYTES;
	uint64_t target = address + (uint64_t)(int64_t)(int32_t)get_le32(call + 1);
	struct symbol_at at;

	return call[0] == CALL_RELATIVE && is_code(symbols, target, &at) && at.offset == 0;
}

/* The same for a call through a register or memory: ff /2, without SIB or with disp32 alone. */
static bool is_indirect(const uint8_t *code)
{
	static const uint8_t lengths[] = { 2, 3, 6, 7 };

	for (size_t i = 0; i < sizeof(lengths); i++) {
		const uint8_t *call = code + CALL_MAX_BYTES - lengths[i];

		if (call[0] == CALL_INDIRECT && (call[1] & MODRM_REG) == MODRM_CALL)
			return true;
	}
	return false;
}

static bool is_behind_call(const struct space *space, const struct symbols *symbols,
			   uint64_t address)
{
	uint8_t code[CALL_MAX_BYTES];
	struct symbol_at at;

	return is_code(symbols, address - 1, &at) &&
	       space_read(space, address - sizeof(code), code, sizeof(code)) &&
	       (is_direct(symbols, address, code) || is_indirect(code));
}

size_t guess_frames(const struct space *space, const struct symbols *symbols, uint64_t rsp,
		    const uint8_t *stack, size_t stack_bytes, uint64_t *frame, size_t most)
{
	size_t on_stack = THREAD_BYTES - rsp % THREAD_BYTES, frames = 0;

	if (stack_bytes > on_stack)
		stack_bytes = on_stack;
	for (size_t at = -rsp % WORD_BYTES; frames < most && at < stack_bytes; at += WORD_BYTES) {
		uint64_t word;

		if (stack_bytes - at < WORD_BYTES)
			break;
		word = get_le64(stack + at);
		if (is_behind_call(space, symbols, word))
			frame[frames++] = word;
	}
	return frames;
}
