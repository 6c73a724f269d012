/* SPDX-License-Identifier: MIT */
/*
 * Last words in memory that is written here as Linux writes it: blocks of the text ring as
 * kernel/printk/printk_ringbuffer.c lays them out (a word with the descriptor's number, the text,
 * up to a multiple of 8 bytes), filled as vprintk_store() and printk_sprint() of
 * kernel/printk/printk.c do since 5.13, or before; records of log_buf as printk.c of 5.9 has them.
 * And what is no record: format strings, logs that somebody copied, what a guest may forge.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "vmm/base/le.h"
#include "vmm/inside/lastwords.h"

enum {
	RAM_BYTES = 1 << 20,
	RAM_GPA = 0x100000,
	RING = 0x40000, /* where the ring begins */
	RING_BYTES = 1 << 17,
	FUZZ_ROUNDS = 20000,
};

#define FIRST_ID ((1ull << 62) - (1u << 12)) /* DESC0_ID(12) + 1 */
#define ID_END   (1ull << 62)
#define PANIC    "Kernel panic - not syncing: "

static uint8_t *ram;
static struct guest_memory memory;
static struct lastwords words;
static uint64_t next_id;
static size_t at; /* where the next block goes */

static void setup(void)
{
	ram = calloc(1, RAM_BYTES);
	ck_assert_ptr_nonnull(ram);
	memory = (struct guest_memory){ .region[0] = { RAM_GPA, RAM_BYTES, ram } };
	next_id = FIRST_ID;
	at = RING;
}

static void teardown(void)
{
	free(ram);
}

/* A block with room for so many bytes; the place of its text. */
static char *reserve(size_t text_bytes)
{
	char *text = (char *)ram + at + 8;

	put_le64(ram + at, next_id);
	next_id = (next_id + 1) % ID_END;
	at += (8 + text_bytes + 7) / 8 * 8;
	return text;
}

/* printk(KERN_xxx "...\n"), since 5.13: level is "\0010" and the like, or "". */
static void say(const char *level, const char *line)
{
	char whole[1200];
	int length = snprintf(whole, sizeof(whole), "%s%s\n", level, line);
	char *text = reserve((size_t)length + 1);

	memcpy(text, whole, (size_t)length + 1); /* vscnprintf() */
	memmove(text, text + strlen(level), (size_t)length - 1 - strlen(level));
}

/* The same from 5.10 to 5.12: formatted elsewhere, the bare text is copied. */
static void say_bare(const char *line)
{
	memcpy(reserve(strlen(line)), line, strlen(line));
}

static void say_usual_things(void)
{
	say("\0015", "Linux version 6.1.0 (gcc (Debian 12.2.0-14) 12.2.0) #1");
	say("\0016", "Command line: console=ttyS0 panic=-1");
	say("\0016", "Booting paravirtualized kernel on KVM");
}

static void look(void)
{
	memset(&words, 0xa5, sizeof(words));
	lastwords_find(&words, &memory, RAM_GPA, RAM_BYTES);
}

static void are(enum lastwords_kind kind, const char *text)
{
	look();
	ck_assert_int_eq(words.kind, kind);
	ck_assert_str_eq(words.text, text);
}

START_TEST(a_panic)
{
	say_usual_things();
	say("\0010", PANIC "VFS: Unable to mount root fs on unknown-block(0,0)");
	are(LASTWORDS_PANIC, "VFS: Unable to mount root fs on unknown-block(0,0)");
}
END_TEST

START_TEST(every_length_of_a_panic)
{
	for (size_t length = 1; length < 64; length++) {
		char line[128] = PANIC, *reason = line + strlen(line);

		for (size_t i = 0; i < length; i++)
			reason[i] = (char)('a' + i % 26);
		memset(ram, 0, RAM_BYTES);
		next_id = FIRST_ID;
		at = RING;
		say_usual_things();
		say("\0010", line);
		say("\0016", "Kernel Offset: disabled");
		are(LASTWORDS_PANIC, reason);
	}
}
END_TEST

/* The same with what an earlier record left in that place, and without a record behind it. */
START_TEST(bare_texts_before_5_13)
{
	for (size_t length = 1; length < 64; length++) {
		char line[128] = PANIC, *reason = line + strlen(line);

		for (size_t i = 0; i < length; i++)
			reason[i] = (char)('a' + i % 26);
		memset(ram, 0, RAM_BYTES);
		next_id = FIRST_ID;
		at = RING;
		say_bare("Linux version 5.10.0");
		say_bare(line);
		are(LASTWORDS_PANIC, reason);
		say_bare("Kernel Offset: disabled");
		are(LASTWORDS_PANIC, reason);
	}
}
END_TEST

/* Numbers that are printable: after 2^12 records they begin with 0. */
START_TEST(a_bare_text_ends_where_the_next_block_begins)
{
	next_id = 0x4142434445464748 % ID_END;
	say_bare("a record");
	say_bare(PANIC "1234");
	say_bare("another");
	are(LASTWORDS_PANIC, "1234");
}
END_TEST

START_TEST(the_first_line_of_a_panic)
{
	say_usual_things();
	say("\0010", PANIC "two\nlines");
	are(LASTWORDS_PANIC, "two");
}
END_TEST

START_TEST(a_panic_without_a_reason)
{
	say_usual_things();
	say("\0010", PANIC);
	are(LASTWORDS_PANIC, "");
}
END_TEST

START_TEST(a_long_panic)
{
	char line[1100] = PANIC, expected[LASTWORDS_TEXT_BYTES];

	memset(line + strlen(line), 'x', 900);
	memset(expected, 'x', sizeof(expected) - 1);
	expected[sizeof(expected) - 1] = '\0';
	say_usual_things();
	say("\0010", line);
	are(LASTWORDS_PANIC, expected);
}
END_TEST

START_TEST(a_panic_right_after_the_first_record)
{
	say("\0015", "Linux version 6.1.0");
	say("\0010", PANIC "early");
	are(LASTWORDS_PANIC, "early");
}
END_TEST

/* The number after the last one of 62 bits is 0. */
START_TEST(a_panic_where_numbers_begin_again)
{
	next_id = ID_END - 1;
	say("\0016", "before");
	say("\0010", PANIC "at zero");
	are(LASTWORDS_PANIC, "at zero");
	say("\0010", "reboot: System halted");
	are(LASTWORDS_HALTS, "reboot: System halted");
}
END_TEST

START_TEST(the_last_number_and_the_first)
{
	next_id = ID_END - 1;
	say("\0010", "reboot: Power down");
	say("\0010", "reboot: System halted");
	are(LASTWORDS_HALTS, "reboot: System halted");
	memset(ram, 0, RAM_BYTES);
	next_id = ID_END - 1;
	say("\0010", PANIC "at the last");
	say("\0016", "more");
	are(LASTWORDS_PANIC, "at the last");
}
END_TEST

/* The two bits above are a descriptor's state, which is not kept here. */
START_TEST(numbers_have_62_bits)
{
	size_t block;

	say("\0016", "before");
	block = at;
	say("\0010", PANIC "no");
	say("\0016", "behind");
	put_le64(ram + block, get_le64(ram + block) | 1ull << 63);
	are(LASTWORDS_NONE, "");
}
END_TEST

START_TEST(orderly_ends)
{
	say_usual_things();
	say("\0010", "reboot: Restarting system");
	are(LASTWORDS_RESTARTS, "reboot: Restarting system");
	say("\0015", "reboot: machine restart");
	are(LASTWORDS_RESTARTS, "reboot: machine restart");
	say("\0010", "reboot: Power down");
	are(LASTWORDS_POWERS_DOWN, "reboot: Power down");
	say("\0010", "reboot: System halted");
	are(LASTWORDS_HALTS, "reboot: System halted");
	say("\0010", PANIC "on the way out");
	are(LASTWORDS_PANIC, "on the way out");
}
END_TEST

/* show_regs() prints with KERN_DEFAULT, which is nothing; an early exception ends with it. */
START_TEST(registers)
{
	say_usual_things();
	say("", "RIP: 0010:start_kernel+0x12/0x6a2");
	say("", "Code: 00 00");
	are(LASTWORDS_REGISTERS, "RIP: 0010:start_kernel+0x12/0x6a2");
	say("\0010", "reboot: Restarting system");
	are(LASTWORDS_RESTARTS, "reboot: Restarting system");
}
END_TEST

START_TEST(registers_around_a_panic)
{
	say_usual_things();
	say("", "RIP: 0010:f+0x1/0x2");
	say("\0010", PANIC "Fatal exception in interrupt");
	are(LASTWORDS_PANIC, "Fatal exception in interrupt");
	say("", "RIP: 0010:g+0x1/0x2");
	are(LASTWORDS_PANIC, "Fatal exception in interrupt");
}
END_TEST

START_TEST(registers_of_a_user_are_not_meant)
{
	say_usual_things();
	say("", "RIP: 0033:0x401126");
	are(LASTWORDS_NONE, "");
}
END_TEST

/* The ring goes round: what was written last may stand first. */
START_TEST(the_latest_counts_wherever_it_stands)
{
	say_usual_things();
	next_id = 5000;
	say("\0010", "reboot: Power down");
	say("\0016", "before");
	at = RING - 0x1000;
	next_id = 6000;
	say("\0010", "reboot: System halted");
	say("\0016", "behind");
	are(LASTWORDS_HALTS, "reboot: System halted");
}
END_TEST

/* --- log_buf --------------------------------------------------------------------------------- */

static void say_in_log_buf(uint64_t at_ns, unsigned int caller_bytes, uint8_t facility,
			   const char *line)
{
	uint8_t *header = ram + at;
	size_t length = strlen(line), all = (16 + caller_bytes + length + 3) / 4 * 4;

	put_le64(header, at_ns);
	put_le16(header + 8, (uint16_t)all);
	put_le16(header + 10, (uint16_t)length);
	put_le16(header + 12, 0);
	header[14] = facility;
	header[15] = 0;
	memcpy(header + 16 + caller_bytes, line, length);
	at += all;
}

START_TEST(a_panic_in_log_buf)
{
	for (unsigned int caller_bytes = 0; caller_bytes <= 4; caller_bytes += 4) {
		memset(ram, 0, RAM_BYTES);
		at = RING;
		say_in_log_buf(0, caller_bytes, 0, "Linux version 4.19.0");
		say_in_log_buf(1000, caller_bytes, 0, PANIC "old\nand gone");
		say_in_log_buf(2000, caller_bytes, 0, "Kernel Offset: disabled");
		are(LASTWORDS_PANIC, "old");
		say_in_log_buf(3000, caller_bytes, 0, "reboot: Restarting system");
		are(LASTWORDS_RESTARTS, "reboot: Restarting system");
	}
}
END_TEST

START_TEST(a_user_s_line_in_log_buf)
{
	say_in_log_buf(1000, 0, 1, PANIC "said a user");
	are(LASTWORDS_NONE, "");
}
END_TEST

/* --- what is no record ------------------------------------------------------------------------ */

static void put_text(size_t where, const char *text)
{
	memcpy(ram + where, text, strlen(text) + 1);
}

START_TEST(format_strings)
{
	/* As they lie in .rodata.str1.8: each on 8 bytes, behind zeros. */
	put_text(0x1000, "\0010" PANIC "%s\n");
	put_text(0x1040, PANIC "%s\n");
	put_text(0x1080, "\0010---[ end Kernel panic - not syncing: %s ]---\n");
	put_text(0x10c0, "reboot: Restarting system");
	put_text(0x1100, "reboot: Power down\n");
	put_text(0x1140, "Linux version 6.1.0");
	say("\0016", "Booting paravirtualized kernel on KVM");
	say("\0016", "Freeing unused kernel image memory");
	are(LASTWORDS_NONE, "");
}
END_TEST

START_TEST(a_log_as_text)
{
	for (size_t shift = 0; shift < 16; shift++) {
		char text[256];

		memset(ram, 0, RAM_BYTES);
		(void)snprintf(text, sizeof(text),
			       "Linux version 6.1.0\nBooting\n" PANIC "f\nreboot: Power down\n");
		put_text(0x2000 + shift, text);
		(void)snprintf(text, sizeof(text), "[    0.000000] " PANIC "in a file of a user\n");
		put_text(0x3000 + shift, text);
		(void)snprintf(text, sizeof(text), "6,1,0,-;" PANIC "as /dev/kmsg shows it\n");
		put_text(0x4000 + shift, text);
		are(LASTWORDS_NONE, "");
	}
}
END_TEST

/* A number before it is not enough: records have neighbours. */
START_TEST(a_lonely_record)
{
	next_id = 77;
	say("\0010", PANIC "lonely");
	are(LASTWORDS_NONE, "");
	say("\0016", "no more");
	are(LASTWORDS_PANIC, "lonely");
}
END_TEST

/* echo ... >/dev/kmsg: facility 1, so nothing is moved to the front. */
START_TEST(what_a_user_writes_to_kmsg)
{
	say_usual_things();
	say("", PANIC "said a user");
	say("", "reboot: Power down");
	say("\0016", "more");
	are(LASTWORDS_NONE, "");
}
END_TEST

START_TEST(text_is_made_printable)
{
	say_usual_things();
	say("\0010", PANIC "tab\there");
	are(LASTWORDS_PANIC, "tab?here");
}
END_TEST

/* --- where it looks --------------------------------------------------------------------------- */

START_TEST(only_in_the_range)
{
	say_usual_things();
	say("\0010", PANIC "here");
	lastwords_find(&words, &memory, RAM_GPA, RING);
	ck_assert_int_eq(words.kind, LASTWORDS_NONE);
	lastwords_find(&words, &memory, RAM_GPA + RING, 4096);
	ck_assert_int_eq(words.kind, LASTWORDS_PANIC);
	lastwords_find(&words, &memory, 0, UINT64_MAX);
	ck_assert_int_eq(words.kind, LASTWORDS_PANIC);
	lastwords_find(&words, &memory, RAM_GPA + 3, UINT64_MAX);
	ck_assert_int_eq(words.kind, LASTWORDS_PANIC);
	lastwords_find(&words, &memory, 0, RAM_GPA);
	ck_assert_int_eq(words.kind, LASTWORDS_NONE);
	lastwords_find(&words, &memory, RAM_GPA + RAM_BYTES, 4096);
	ck_assert_int_eq(words.kind, LASTWORDS_NONE);
	lastwords_find(&words, &memory, RAM_GPA, 0);
	ck_assert_int_eq(words.kind, LASTWORDS_NONE);
}
END_TEST

START_TEST(in_the_second_region)
{
	memory.region[1] = memory.region[0];
	memory.region[0] = (struct guest_memory_region){ 0, 0, NULL };
	say_usual_things();
	say("\0010", PANIC "high up");
	are(LASTWORDS_PANIC, "high up");
}
END_TEST

/* Ranges of every length, in memory of its own: a sanitizer sees what reads beyond it. */
START_TEST(ends_of_memory)
{
	uint8_t *all = ram;
	size_t size;

	say_usual_things();
	say("\0010", PANIC "at the end");
	size = at - RING;
	for (size_t length = 0; length <= size; length++) {
		uint8_t *part = malloc(length + !length);

		ck_assert_ptr_nonnull(part);
		memcpy(part, all + RING, length);
		memory.region[0] = (struct guest_memory_region){ RAM_GPA, length, part };
		look();
		free(part);
	}
	ck_assert_int_eq(words.kind, LASTWORDS_PANIC);
}
END_TEST

/*
 * What the host never gave the guest is not asked for: of 16 MiB some pages are touched, across a
 * boundary of 2 MiB, and the first and the last page of the last 2 MiB.
 */
START_TEST(in_memory_that_is_mostly_untouched)
{
	enum { BYTES = 16 << 20, WINDOW = 2 << 20, PAGE = 4096 };
	static unsigned char resident[BYTES / PAGE];
	uint8_t *all = mmap(NULL, BYTES + WINDOW, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *part = all + WINDOW - (uintptr_t)all % WINDOW;
	size_t touched = 0, size;
	struct sysinfo info;

	ck_assert_ptr_ne(all, MAP_FAILED);
	ck_assert_int_eq(madvise(part, BYTES, MADV_NOHUGEPAGE), 0);
	say_usual_things();
	say("\0010", PANIC "on a boundary");
	say("\0016", "more");
	size = at - RING;
	memory.region[0] = (struct guest_memory_region){ RAM_GPA, BYTES, part };
	for (size_t end = 3 * WINDOW; end < 3 * WINDOW + size; end += 8) {
		memcpy(part + end - size, ram + RING, size);
		lastwords_find(&words, &memory, 0, UINT64_MAX);
		ck_assert_int_eq(words.kind, LASTWORDS_PANIC);
		ck_assert_str_eq(words.text, "on a boundary");
		memset(part + end - size, 0, size);
	}
	part[BYTES - WINDOW] = 1;
	memcpy(part + BYTES - size, ram + RING, size);
	lastwords_find(&words, &memory, RAM_GPA + 8, UINT64_MAX);
	ck_assert_int_eq(words.kind, LASTWORDS_PANIC);
	ck_assert_int_eq(mincore(part, BYTES, resident), 0);
	for (size_t i = 0; i < BYTES / PAGE; i++)
		touched += resident[i] & 1;
	ck_assert_int_eq(sysinfo(&info), 0);
	if (info.freeswap == info.totalswap) /* else all is looked through */
		ck_assert_uint_le(touched, 5);
	ck_assert_int_eq(munmap(all, BYTES + WINDOW), 0);
}
END_TEST

/* Wherever in a block of 64 bytes a phrase begins, one that stands at a multiple of 8 is seen. */
START_TEST(among_other_bytes)
{
	for (size_t shift = 0; shift < 64; shift += 8) {
		memset(ram, 'x', RAM_BYTES);
		at = RING + shift;
		say_usual_things();
		say("\0010", PANIC "in the midst");
		say("\0016", "more");
		are(LASTWORDS_PANIC, "in the midst");
	}
}
END_TEST

/* A guest that fills its memory with the words gets an answer soon, whatever it is. */
START_TEST(memory_full_of_words)
{
	for (size_t i = 0; i + 16 <= RAM_BYTES; i += 16)
		memcpy(ram + i, "RIP: 0010:RIP: 0", 16);
	are(LASTWORDS_NONE, "");
}
END_TEST

START_TEST(flipped_bits)
{
	uint64_t state = 88172645463325252u;

	say_usual_things();
	say("\0010", PANIC "flipped");
	say("\0016", "more");
	for (int i = 0; i < FUZZ_ROUNDS; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		ram[RING + state % (at - RING)] ^= (uint8_t)(1 << (state >> 40) % 8);
		lastwords_find(&words, &memory, RAM_GPA + RING, 4096);
		ck_assert_uint_lt(strlen(words.text), LASTWORDS_TEXT_BYTES);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_panic,
		every_length_of_a_panic,
		bare_texts_before_5_13,
		a_bare_text_ends_where_the_next_block_begins,
		the_first_line_of_a_panic,
		a_panic_without_a_reason,
		a_long_panic,
		a_panic_right_after_the_first_record,
		a_panic_where_numbers_begin_again,
		the_last_number_and_the_first,
		numbers_have_62_bits,
		orderly_ends,
		registers,
		registers_around_a_panic,
		registers_of_a_user_are_not_meant,
		the_latest_counts_wherever_it_stands,
		a_panic_in_log_buf,
		a_user_s_line_in_log_buf,
		format_strings,
		a_log_as_text,
		a_lonely_record,
		what_a_user_writes_to_kmsg,
		text_is_made_printable,
		only_in_the_range,
		in_the_second_region,
		in_memory_that_is_mostly_untouched,
		among_other_bytes,
		ends_of_memory,
		memory_full_of_words,
		flipped_bits,
	};
	Suite *suite = suite_create("lastwords");
	TCase *tcase = tcase_create("lastwords");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
