/* SPDX-License-Identifier: MIT */
/*
 * Stacks and ORC tables that are written here by hand, as [LINUX] arch/x86/include/asm/orc_types.h has
 * their entries in 6.1, 6.3 and 6.4; chains of frame pointers; and what of them ends a walk.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/le.h"
#include "vmm/inside/unwind.h"

/* Virtual, where a kernel is; physical addresses are as much lower. */
#define AT_IPS      (SYMBOLS_KERNEL_MAP + 0x10000)
#define AT_ENTRIES  (SYMBOLS_KERNEL_MAP + 0x20000)
#define OUTER       (SYMBOLS_KERNEL_MAP + 0x80000)
#define MIDDLE      (SYMBOLS_KERNEL_MAP + 0x80100)
#define INNER       (SYMBOLS_KERNEL_MAP + 0x80200)
#define ENTRY       (SYMBOLS_KERNEL_MAP + 0x80300)
#define END_OF_CODE (SYMBOLS_KERNEL_MAP + 0x80400)

enum {
	RAM_BYTES = 1 << 20,
	ENTRIES_MAX = 16,
	/* Code: four functions of 256 bytes, and where it ends. */
	STACK = 0x90000,
	STACK_BYTES = 1024,
	/* enum of registers: ORC_REG_* */
	SPEC_UNDEFINED = 0,
	SPEC_PREV_SP = 1,
	SPEC_DX = 2,
	SPEC_BP = 4,
	SPEC_SP = 5,
	SPEC_R10 = 6,
	SPEC_BP_INDIRECT = 8,
	SPEC_SP_INDIRECT = 9,
	/* struct pt_regs: 21 words; bp is the fifth, ip, cs, flags, sp, ss the last five. */
	SPEC_REGS_BP = 4 * 8,
	SPEC_REGS_IP = 16 * 8,
	SPEC_REGS_SP = 19 * 8,
};

enum type { CALL, REGS, REGS_PARTIAL };

/* UNWIND_HINT_TYPE_*, or ORC_TYPE_*, and the bit "signal". */
static const struct version {
	const char *banner;
	unsigned int type[3];
	unsigned int signal;
} versions[] = {
	{ "Linux version 6.1.0-18-cloud-amd64 (gcc)", { 0, 1, 2 }, 0 },
	{ "Linux version 6.3.0", { 0, 1, 2 }, 1 << 10 },
	{ "Linux version 6.4.0", { 2, 3, 4 }, 1 << 11 },
	{ "Linux version 7.0.0-rc1", { 2, 3, 4 }, 1 << 11 },
	{ "Linux version 4.14.0", { 0, 1, 2 }, 0 },
};

static uint8_t *ram;
static struct guest_memory memory;
static struct space space;
static struct unwinder unwinder;
static const struct version *version;
static size_t entries;
static uint8_t stack[STACK_BYTES];
static uint64_t frame[UNWIND_FRAMES_MAX];

static char names[] =
	"__start_orc_unwind_ip\0__stop_orc_unwind_ip\0__start_orc_unwind\0__stop_orc_unwind\0"
	"outer\0middle\0inner\0entry\0_end";
static struct symbol by_address[] = {
	{ AT_IPS, 0, 'R' }, { 0, 22, 'R' },     { AT_ENTRIES, 43, 'R' },
	{ 0, 62, 'R' },     { OUTER, 80, 'T' }, { MIDDLE, 86, 't' },
	{ INNER, 93, 'W' }, { ENTRY, 99, 't' }, { END_OF_CODE, 105, 'B' },
};
static uint32_t by_name[] = { 2, 0, 3, 1, 8, 7, 6, 5, 4 };
static const struct symbols symbols = {
	.by_address = by_address,
	.by_name = by_name,
	.count = 9,
	.names = names,
	.names_bytes = sizeof(names),
};

static void setup(void)
{
	ram = calloc(1, RAM_BYTES);
	ck_assert_ptr_nonnull(ram);
	memory = (struct guest_memory){ .region[0] = { 0, RAM_BYTES, ram } };
	space = (struct space){ .memory = &memory, .linear = true };
	version = &versions[0];
	entries = 0;
	memset(stack, 0, sizeof(stack));
}

static void teardown(void)
{
	unwinder_finish(&unwinder);
	free(ram);
}

/* The next entry of both tables. */
static void orc(uint64_t ip, int sp_reg, int sp_offset, int bp_reg, int bp_offset,
		unsigned int flags)
{
	uint8_t *entry = ram + (AT_ENTRIES - SYMBOLS_KERNEL_MAP) + 6 * entries;
	uint64_t ip_at = AT_IPS + 4 * entries;

	put_le32(ram + (ip_at - SYMBOLS_KERNEL_MAP), (uint32_t)(ip - ip_at));
	put_le16(entry, (uint16_t)sp_offset);
	put_le16(entry + 2, (uint16_t)bp_offset);
	put_le16(entry + 4, (uint16_t)(sp_reg | bp_reg << 4 | flags));
	entries++;
	by_address[1].address = AT_IPS + 4 * entries;
	by_address[3].address = AT_ENTRIES + 6 * entries;
}

static unsigned int type_of(enum type type)
{
	return version->type[type] << 8 | (type == CALL ? 0 : version->signal);
}

static void call_orc(uint64_t ip, int sp_offset)
{
	orc(ip, SPEC_SP, sp_offset, SPEC_UNDEFINED, 0, type_of(CALL));
}

static void end_orc(uint64_t ip)
{
	orc(ip, SPEC_UNDEFINED, 0, SPEC_UNDEFINED, 0, 0);
}

static void start(void)
{
	unwinder_init(&unwinder, &space, &symbols, version->banner);
	ck_assert_int_eq(unwinder.method, UNWIND_ORC);
}

static void push(unsigned int offset, uint64_t value)
{
	put_le64(stack + offset, value);
}

/* The walk from there, rsp being STACK, must give these, 0 behind the last. */
static void walks(uint64_t rip, uint64_t rbp, const uint64_t *expected)
{
	size_t count = 0;
	size_t got = unwind(&unwinder, rip, STACK, rbp, stack, sizeof(stack), frame);

	while (expected[count] != 0)
		count++;
	ck_assert_uint_eq(got, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_uint_eq(frame[i], expected[i]);
}

#define WALKS(rip, rbp, ...) walks(rip, rbp, (const uint64_t[]){ rip, ##__VA_ARGS__, 0 })

/* --- ORC ------------------------------------------------------------------------------------- */

START_TEST(calls_in_each_version)
{
	version = &versions[_i];
	end_orc(OUTER);
	call_orc(MIDDLE, 24);
	call_orc(INNER, 8);
	end_orc(ENTRY);
	start();
	ck_assert_str_eq(unwind_method_name(unwinder.method), "ORC");
	push(0, MIDDLE + 0x20);
	push(8, 0x1111);
	push(24, OUTER + 0x30); /* at STACK + 8 + 24 - 8 */
	push(32, INNER + 1);    /* but outer is the last */
	WALKS(INNER + 0x10, 0, MIDDLE + 0x20, OUTER + 0x30);
}
END_TEST

/* An interrupted instruction counts as it is; behind a call, the call counts. */
START_TEST(the_entry_of_the_call_counts)
{
	call_orc(OUTER, 8);
	call_orc(MIDDLE, 16);
	call_orc(INNER, 8);
	call_orc(INNER + 1, 16);
	call_orc(INNER + 0x20, 8);
	end_orc(ENTRY);
	start();
	push(0, INNER);      /* the last instruction of middle was a call */
	push(16, OUTER + 5); /* middle's frame is 16: STACK + 8 + 16 - 8 */
	push(24, 0);
	WALKS(INNER, 0, INNER, OUTER + 5);
	push(8, MIDDLE + 5); /* behind a push: one more word */
	push(24, OUTER + 5);
	push(32, 0);
	WALKS(INNER + 1, 0, MIDDLE + 5, OUTER + 5);
	WALKS(INNER + 0x1f, 0, MIDDLE + 5, OUTER + 5);
	push(0, MIDDLE + 5);
	push(16, OUTER + 5);
	push(24, 0);
	WALKS(INNER + 0x20, 0, MIDDLE + 5, OUTER + 5);
}
END_TEST

START_TEST(of_entries_for_one_address_the_last_counts)
{
	end_orc(OUTER);
	end_orc(INNER);
	end_orc(INNER);
	call_orc(INNER, 8);
	end_orc(ENTRY);
	start();
	push(0, OUTER + 5);
	WALKS(INNER, 0, OUTER + 5);
	WALKS(OUTER + 1, 0);
}
END_TEST

START_TEST(code_before_the_table_is_not_known)
{
	call_orc(MIDDLE, 8);
	start();
	push(0, MIDDLE + 5);
	WALKS(MIDDLE - 1, 0);
	WALKS(MIDDLE, 0, MIDDLE + 5);
}
END_TEST

/* middle uses rbp for its frame; inner saves it, or does not touch it. */
START_TEST(frames_by_rbp)
{
	end_orc(OUTER);
	orc(MIDDLE, SPEC_BP, 16, SPEC_PREV_SP, -16, type_of(CALL));
	orc(INNER, SPEC_SP, 24, SPEC_PREV_SP, -24, type_of(CALL));
	call_orc(INNER + 0x20, 8);
	orc(INNER + 0x30, SPEC_SP, 8, SPEC_BP, 8, type_of(CALL));
	end_orc(ENTRY);
	start();
	push(0, STACK + 0x40); /* saved by inner */
	push(16, MIDDLE + 5);
	push(0x48, OUTER + 5);
	WALKS(INNER, 0x1234, MIDDLE + 5, OUTER + 5);
	push(0, MIDDLE + 5);
	WALKS(INNER + 0x20, STACK + 0x40, MIDDLE + 5, OUTER + 5);
	push(0x28, STACK + 0x40); /* rbp was saved at 8(%rbp) */
	WALKS(INNER + 0x30, STACK + 0x20, MIDDLE + 5, OUTER + 5);
}
END_TEST

START_TEST(frames_behind_a_pointer)
{
	end_orc(OUTER);
	orc(MIDDLE, SPEC_SP_INDIRECT, 8, SPEC_UNDEFINED, 0, type_of(CALL));
	orc(INNER, SPEC_BP_INDIRECT, -8, SPEC_UNDEFINED, 0, type_of(CALL));
	end_orc(ENTRY);
	start();
	push(0, STACK + 0x100);
	push(0x100, OUTER + 5); /* *rsp + 8, less 8 */
	WALKS(MIDDLE + 1, 0, OUTER + 5);
	push(0x38, STACK + 0x80); /* -8(%rbp) */
	push(0x78, OUTER + 6);
	WALKS(INNER + 1, STACK + 0x40, OUTER + 6);
}
END_TEST

/* An interrupt at middle's first instruction: its entry counts, not that of what is before it. */
START_TEST(interrupts_leave_registers)
{
	version = &versions[_i];
	end_orc(OUTER);
	orc(MIDDLE, SPEC_SP, 8, SPEC_UNDEFINED, 0, type_of(CALL));
	orc(INNER, SPEC_BP, 16, SPEC_UNDEFINED, 0, type_of(CALL));
	orc(ENTRY, SPEC_SP, 16, SPEC_UNDEFINED, 0, type_of(REGS));
	orc(ENTRY + 0x80, SPEC_SP, 8, SPEC_UNDEFINED, 0, type_of(REGS_PARTIAL));
	start();
	push(16 + SPEC_REGS_IP, MIDDLE);
	push(16 + SPEC_REGS_SP, STACK + 0x200);
	push(16 + SPEC_REGS_BP, STACK + 0x210);
	push(0x200, INNER + 5);
	push(0x218, OUTER + 5); /* inner's frame by the rbp that was saved */
	WALKS(ENTRY + 5, 0, MIDDLE, INNER + 5, OUTER + 5);
	push(8, MIDDLE); /* ip, cs, flags, sp, ss */
	push(32, STACK + 0x200);
	WALKS(ENTRY + 0x85, STACK + 0x210, MIDDLE, INNER + 5, OUTER + 5);
	push(32, STACK - 0x1000); /* on another stack, that was not copied */
	WALKS(ENTRY + 0x85, STACK + 0x210, MIDDLE);
}
END_TEST

/* Since 6.3 the table says it itself: a call's frame can be one that was interrupted. */
START_TEST(signal_is_told_by_the_table)
{
	version = &versions[_i];
	end_orc(OUTER);
	orc(MIDDLE, SPEC_SP, 8, SPEC_UNDEFINED, 0, type_of(CALL));
	orc(INNER, SPEC_SP, 8, SPEC_UNDEFINED, 0, type_of(CALL) | version->signal);
	end_orc(ENTRY);
	start();
	push(0, MIDDLE);
	push(8, OUTER + 5);
	WALKS(INNER + 5, 0, MIDDLE, OUTER + 5);
}
END_TEST

START_TEST(what_is_not_known_ends_it)
{
	version = &versions[_i];
	end_orc(OUTER);
	orc(INNER, SPEC_R10, 8, SPEC_UNDEFINED, 0, type_of(CALL));
	orc(INNER + 1, SPEC_DX, 8, SPEC_UNDEFINED, 0, type_of(CALL));
	orc(INNER + 2, SPEC_PREV_SP, 8, SPEC_UNDEFINED, 0, type_of(CALL));
	orc(INNER + 3, SPEC_SP, 8, SPEC_DX, 0, type_of(CALL));
	orc(INNER + 4, SPEC_SP, 8, SPEC_UNDEFINED, 0, (version->type[REGS_PARTIAL] + 1) << 8);
	call_orc(INNER + 5, 8);
	start();
	push(0, OUTER + 5);
	for (uint64_t rip = INNER; rip < INNER + 5; rip++)
		WALKS(rip, 0);
	WALKS(INNER + 5, 0, OUTER + 5);
}
END_TEST

START_TEST(only_code_is_returned_to)
{
	static const uint64_t elsewhere[] = {
		0, 1, STACK, 0x7f1234567890, END_OF_CODE + 1, AT_ENTRIES + 5
	};

	call_orc(OUTER, 8);
	start();
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		push(0, elsewhere[i]);
		WALKS(OUTER + 5, 0);
	}
	push(0, END_OF_CODE); /* the last call of all */
	WALKS(OUTER + 5, 0, END_OF_CODE);
	push(0, OUTER + 6);
	WALKS(STACK, 0);
	WALKS(0x7f1234567890, 0);
}
END_TEST

START_TEST(only_the_copy_is_read)
{
	call_orc(OUTER, 8);
	call_orc(MIDDLE, STACK_BYTES);
	call_orc(INNER, STACK_BYTES + 1);
	orc(ENTRY, SPEC_SP, -8, SPEC_UNDEFINED, 0, type_of(CALL));
	orc(ENTRY + 1, SPEC_BP, 8, SPEC_UNDEFINED, 0, type_of(CALL));
	start();
	push(STACK_BYTES - 8, OUTER + 5);
	WALKS(MIDDLE, 0, OUTER + 5);
	WALKS(INNER, 0);
	WALKS(ENTRY, 0);
	WALKS(ENTRY + 1, UINT64_MAX - 7);
	WALKS(ENTRY + 1, UINT64_MAX - 15);
	ck_assert_uint_eq(unwind(&unwinder, OUTER, STACK, 0, stack, 7, frame), 1);
	ck_assert_uint_eq(unwind(&unwinder, OUTER, STACK, 0, stack, 0, frame), 1);
	ck_assert_uint_eq(unwind(&unwinder, OUTER, UINT64_MAX - 3, 0, stack, 8, frame), 1);
}
END_TEST

START_TEST(a_stack_goes_one_way)
{
	orc(OUTER, SPEC_BP, 16, SPEC_UNDEFINED, 0, type_of(CALL));
	start();
	push(0x48, OUTER + 5);
	WALKS(OUTER + 5, STACK + 0x40, OUTER + 5);
}
END_TEST

START_TEST(frames_are_bounded)
{
	call_orc(OUTER, 8);
	start();
	for (unsigned int i = 0; i < STACK_BYTES; i += 8)
		push(i, OUTER + 5);
	ck_assert_uint_eq(unwind(&unwinder, OUTER, STACK, 0, stack, sizeof(stack), frame), 64);
}
END_TEST

static void has_none(const char *banner)
{
	unwinder_init(&unwinder, &space, &symbols, banner);
	ck_assert_int_eq(unwinder.method, UNWIND_NONE);
	push(0, OUTER + 5);
	WALKS(OUTER + 5, 0);
	unwinder_finish(&unwinder);
}

START_TEST(tables_that_are_none)
{
	uint64_t stop;

	call_orc(OUTER, 8);
	call_orc(MIDDLE, 8);
	has_none("");
	has_none("Linux version six");
	has_none("Linux version 4.13.99");
	has_none("BSD version 6.1");
	call_orc(MIDDLE - 1, 8); /* not in order */
	has_none(version->banner);
	entries--;
	call_orc(INNER, 8);
	start();
	unwinder_finish(&unwinder);
	stop = by_address[1].address;
	by_address[1].address = stop - 4; /* one less of ip */
	has_none(version->banner);
	by_address[1].address = stop + 1;
	has_none(version->banner);
	by_address[1].address = stop;
	by_address[3].address -= 6; /* one less of entries */
	has_none(version->banner);
	by_address[1].address = AT_IPS;
	by_address[3].address = AT_ENTRIES;
	has_none(version->banner);
	by_address[1].address = AT_IPS + 4ull * RAM_BYTES; /* more than there is */
	by_address[3].address = AT_ENTRIES + 6ull * RAM_BYTES;
	has_none(version->banner);
}
END_TEST

/* --- frame pointers -------------------------------------------------------------------------- */

static const char endbr[] = "\xf3\x0f\x1e\xfa", nop[] = "\x0f\x1f\x44\x00\x00",
		  call[] = "\xe8\x12\x34\x56\x78", copy[] = "\x55\x48\x89\xe5";

static char fp_names[] = "function\0part.cold\0__pfx_function\0_end";
static struct symbol fp_by_address[101];
static uint32_t fp_by_name[101];
static struct symbols fp_symbols;

/* 100 functions from OUTER on, 16 bytes each, of which so many copy rsp to rbp. */
static void make_functions(unsigned int count, unsigned int with)
{
	for (unsigned int i = 0; i < count; i++) {
		uint8_t *code = ram + (OUTER - SYMBOLS_KERNEL_MAP) + 16 * i;

		fp_by_address[i] = (struct symbol){ OUTER + 16 * i, 0, i & 8 ? 'T' : 't' };
		fp_by_name[i + 1] = i;
		memset(code, 0x90, 16);
		if (i >= with)
			continue;
		if (i & 1)
			code = mempcpy(code, endbr, 4);
		if (i & 6)
			code = mempcpy(code, i & 2 ? nop : call, 5);
		memcpy(code, copy, 4);
	}
	fp_by_address[count] = (struct symbol){ OUTER + 16 * count, 34, 'B' };
	fp_by_name[0] = count;
	fp_symbols = (struct symbols){ .by_address = fp_by_address,
				       .by_name = fp_by_name,
				       .count = count + 1,
				       .names = fp_names,
				       .names_bytes = sizeof(fp_names) };
}

static bool has_frame_pointers(void)
{
	unwinder_init(&unwinder, &space, &fp_symbols, version->banner);
	return unwinder.method == UNWIND_FRAME_POINTERS;
}

START_TEST(prologues_tell_frame_pointers)
{
	make_functions(100, 61);
	ck_assert(has_frame_pointers());
	ck_assert_str_eq(unwind_method_name(unwinder.method), "frame pointers");
	make_functions(100, 60);
	ck_assert(!has_frame_pointers());
	ck_assert_str_eq(unwind_method_name(unwinder.method), "none");
	make_functions(31, 31);
	ck_assert(!has_frame_pointers());
	make_functions(32, 32);
	ck_assert(has_frame_pointers());
	make_functions(100, 61);
	memory.region[0].size_bytes = OUTER - SYMBOLS_KERNEL_MAP;
	ck_assert(!has_frame_pointers());
}
END_TEST

START_TEST(what_has_no_prologue_does_not_count)
{
	make_functions(100, 40);
	for (unsigned int i = 40; i < 100; i++) {
		fp_by_address[i].name = i & 1 ? 9 : 19;
		fp_by_address[i].kind = i & 2 ? 't' : 'T';
	}
	ck_assert(has_frame_pointers());
	for (unsigned int i = 40; i < 100; i++)
		fp_by_address[i] = (struct symbol){ OUTER + 16 * i, 0, 'd' };
	ck_assert(has_frame_pointers());
}
END_TEST

START_TEST(frame_pointers_are_followed)
{
	make_functions(100, 100);
	ck_assert(has_frame_pointers());
	push(0x20, STACK + 0x40);
	push(0x28, OUTER + 0x21);
	push(0x40, STACK + 0x80);
	push(0x48, OUTER + 0x31);
	push(0x80, 0); /* the first frame of all */
	push(0x88, OUTER + 0x41);
	push(8, OUTER + 0x51);
	WALKS(OUTER + 15, STACK + 0x20, OUTER + 0x21, OUTER + 0x31, OUTER + 0x41);
	push(0x40, STACK + 0x20); /* round and round */
	WALKS(OUTER + 15, STACK + 0x20, OUTER + 0x21, OUTER + 0x31);
	push(0x40, STACK + STACK_BYTES - 8); /* [rbp + 8] is not in the copy */
	WALKS(OUTER + 15, STACK + 0x20, OUTER + 0x21, OUTER + 0x31);
	push(0x48, 0x7f1234567890);
	WALKS(OUTER + 15, STACK + 0x20, OUTER + 0x21);
	WALKS(OUTER + 15, STACK - 8);
	WALKS(OUTER + 15, 0);
	WALKS(OUTER + 15, UINT64_MAX - 7);
}
END_TEST

/* Before push: rsp leads to the return address. Before mov: to the caller's rbp. */
START_TEST(prologues_are_left_by_rsp)
{
	make_functions(100, 100);
	ck_assert(has_frame_pointers());
	push(0x40, 0);
	push(0x48, OUTER + 0x31);
	push(0, OUTER + 0x21);
	WALKS(OUTER, STACK + 0x40, OUTER + 0x21, OUTER + 0x31);
	WALKS(OUTER + 9, STACK + 0x40, OUTER + 0x21, OUTER + 0x31);
	push(0, STACK + 0x40);
	push(8, OUTER + 0x21);
	WALKS(OUTER + 10, STACK + 0x40, OUTER + 0x21, OUTER + 0x31);
	WALKS(OUTER + 13, STACK + 0x40, OUTER + 0x31);
	WALKS(OUTER + 4, STACK, OUTER + 0x21, OUTER + 0x31); /* a short one, behind its mov */
}
END_TEST

/* rbp is where struct pt_regs are, plus 1; what they tell was interrupted, in a prologue here. */
START_TEST(interrupts_stay_in_the_chain)
{
	make_functions(100, 100);
	ck_assert(has_frame_pointers());
	push(0x20, STACK + 0x40 + 1);
	push(0x28, OUTER + 0x21);
	push(0x40 + SPEC_REGS_IP, OUTER + 0x30);
	push(0x40 + SPEC_REGS_SP, STACK + 0x200);
	push(0x40 + SPEC_REGS_BP, STACK + 0x240);
	push(0x200, OUTER + 0x41);
	push(0x248, OUTER + 0x51);
	WALKS(OUTER + 15, STACK + 0x20, OUTER + 0x21, OUTER + 0x30, OUTER + 0x41, OUTER + 0x51);
	push(0x20, STACK + STACK_BYTES - SPEC_REGS_SP + 1); /* sp is not in the copy */
	WALKS(OUTER + 15, STACK + 0x20, OUTER + 0x21);
}
END_TEST

/* --- nonsense -------------------------------------------------------------------------------- */

static uint32_t random_state = 1;

static uint32_t random32(void)
{
	random_state = random_state * 1664525 + 1013904223; /* any will do; always the same */
	return random_state >> 8;
}

static uint64_t random_word(void)
{
	switch (random32() % 4) {
	case 0:
		return OUTER + random32() % 0x400;
	case 1:
		return STACK + random32() % STACK_BYTES;
	case 2:
		return random32() % 64;
	default:
		return (uint64_t)random32() << 40 ^ random32();
	}
}

START_TEST(nonsense_is_survived)
{
	make_functions(100, 100);
	for (unsigned int round = 0; round < 20000; round++) {
		const struct symbols *those = round & 1 ? &symbols : &fp_symbols;
		size_t frames;

		version = &versions[random32() % 4];
		for (entries = 0; entries < ENTRIES_MAX;)
			orc(OUTER + 0x40 * entries, (int)random32() % 10, (int)random32() % 64,
			    (int)random32() % 6, (int)random32() % 64 - 32, (random32() & 15) << 8);
		for (unsigned int i = 0; i < STACK_BYTES; i += 8)
			push(i, random_word());
		unwinder_init(&unwinder, &space, those, version->banner);
		ck_assert_int_ne(unwinder.method, UNWIND_NONE);
		frames = unwind(&unwinder, OUTER + random32() % 0x400, STACK, random_word(), stack,
				random32() % STACK_BYTES, frame);
		ck_assert(frames >= 1 && frames <= UNWIND_FRAMES_MAX);
		unwinder_finish(&unwinder);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unwind");
	TCase *by_orc = tcase_create("ORC");
	TCase *by_fp = tcase_create("frame pointers");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(by_orc, setup, teardown);
	tcase_add_loop_test(by_orc, calls_in_each_version, 0, 5);
	tcase_add_test(by_orc, the_entry_of_the_call_counts);
	tcase_add_test(by_orc, of_entries_for_one_address_the_last_counts);
	tcase_add_test(by_orc, code_before_the_table_is_not_known);
	tcase_add_test(by_orc, frames_by_rbp);
	tcase_add_test(by_orc, frames_behind_a_pointer);
	tcase_add_loop_test(by_orc, interrupts_leave_registers, 0, 5);
	tcase_add_loop_test(by_orc, signal_is_told_by_the_table, 1, 4);
	tcase_add_loop_test(by_orc, what_is_not_known_ends_it, 0, 5);
	tcase_add_test(by_orc, only_code_is_returned_to);
	tcase_add_test(by_orc, only_the_copy_is_read);
	tcase_add_test(by_orc, a_stack_goes_one_way);
	tcase_add_test(by_orc, frames_are_bounded);
	tcase_add_test(by_orc, tables_that_are_none);
	suite_add_tcase(suite, by_orc);
	tcase_add_checked_fixture(by_fp, setup, teardown);
	tcase_add_test(by_fp, prologues_tell_frame_pointers);
	tcase_add_test(by_fp, what_has_no_prologue_does_not_count);
	tcase_add_test(by_fp, frame_pointers_are_followed);
	tcase_add_test(by_fp, prologues_are_left_by_rsp);
	tcase_add_test(by_fp, interrupts_stay_in_the_chain);
	tcase_add_test(by_fp, nonsense_is_survived);
	suite_add_tcase(suite, by_fp);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
