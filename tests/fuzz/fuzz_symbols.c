/* SPDX-License-Identifier: MIT */
/*
 * Symbols in files that anybody may have made: an ELF file or a System.map as the input has it, and kallsyms in a
 * kernel's image that is the input. Taken or refused in one line; what was taken is in order, finds itself
 * by name and by address, and is the same when it is read again.
 *
 * libFuzzer: -max_len=65536
 */
#include "boot/initcalls.h"
#include "boot/symbols.h"
#include "tests/common/refusal.h"
#include "tests/fuzz/fuzz.h"

#define KERNEL_GPA 0x1000000ULL

static void hold_refused(int rc, const struct err *e)
{
	const char *flaw = refusal_flaw(rc, e);

	hold(flaw == NULL, "%s", flaw);
}

static const char *name_of(const struct symbols *symbols, size_t i)
{
	hold(symbols->by_address[i].name < symbols->names_bytes, "symbol %zu", i);
	return symbols->names + symbols->by_address[i].name;
}

static void hold_in_order(const struct symbols *symbols)
{
	hold(symbols->count > 0 && symbols->count <= SYMBOLS_MAX, "%zu symbols", symbols->count);
	for (size_t i = 0; i < symbols->count; i++) {
		struct symbol_at at;

		hold(i == 0 || symbols->by_address[i - 1].address <= symbols->by_address[i].address,
		     "symbol %zu", i);
		hold(symbols->by_name[i] < symbols->count, "rank %zu", i);
		if (symbols_at(symbols, symbols->by_address[i].address, &at))
			hold(at.offset <= symbols->by_address[i].address, "symbol %zu", i);
	}
	for (size_t i = 1; i < symbols->count; i++)
		hold(strcmp(name_of(symbols, symbols->by_name[i - 1]),
			    name_of(symbols, symbols->by_name[i])) <= 0,
		     "rank %zu", i);
}

static void hold_same(const struct symbols *a, const struct symbols *b)
{
	hold(a->count == b->count, "%zu and %zu", a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		hold(a->by_address[i].address == b->by_address[i].address, "symbol %zu", i);
		hold(strcmp(name_of(a, i), name_of(b, i)) == 0, "symbol %zu", i);
	}
}

static void use(const struct symbols *symbols, const struct input_file *image,
		const struct elfimage *facts)
{
	struct initcalls calls = { 0 };
	struct err e;

	if (symbols_check(symbols, "symbols", image, facts, &e) < 0)
		hold_refused(-e.code, &e);
	if (initcalls_read(&calls, symbols, image, facts, &e) == 0)
		initcalls_finish(&calls);
	else
		hold_refused(-e.code, &e);
	(void)symbols_find_function(symbols, "mm_init");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input in = { bytes, size_bytes };
	bool kallsyms = fuzz_u8(&in) & 1;
	struct elfimage facts = {
		.segments = 1,
		.start_gpa = KERNEL_GPA,
		.entry_gpa = KERNEL_GPA,
		.segment = { { 0, in.left, KERNEL_GPA, in.left } },
	};
	struct symbols symbols, again;
	struct input_file file;
	struct err e;
	int rc;

	file_of_memory(&file, "symbols", "input", in.at, in.left);
	rc = kallsyms ? symbols_of_kallsyms(&symbols, &file, &facts, &e)
		      : symbols_read(&symbols, &file, &e);
	if (rc < 0) {
		hold_refused(rc, &e);
		return 0;
	}
	hold_in_order(&symbols);
	use(&symbols, &file, &facts);
	rc = kallsyms ? symbols_of_kallsyms(&again, &file, &facts, &e)
		      : symbols_read(&again, &file, &e);
	hold(rc == 0, "%s", e.text);
	hold_same(&symbols, &again);
	symbols_finish(&symbols);
	symbols_finish(&again);
	return 0;
}
