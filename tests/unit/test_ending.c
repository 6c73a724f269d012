/* SPDX-License-Identifier: MIT */
/*
 * Endings: the exit status of each, typed from the design's table "Exit status", and the promise
 * that two different endings never share a sentence.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/ending.h"

enum {
	SPEC_OK = 0,        /* powered off, halted for good, rebooted as asked, --until matched */
	SPEC_CHECK = 120,   /* --fail-on matched, or a budget was broken */
	SPEC_CRASHED = 121, /* triple fault, KVM internal error, failed entry */
	SPEC_HANG = 122,
	SPEC_TIMEOUT = 124,
	SPEC_TROUBLE = 125, /* tvmm could not do it */
	SPEC_SIGNAL = 128,  /* plus its number */
	SPEC_PANIC = 255,

	TEXT_BYTES = 256, /* what main gives */
};

static const struct spec {
	struct ending ending;
	int status;
	const char *says; /* a word that the sentence must have */
} spec[] = {
	{ { .kind = ENDING_POWERED_OFF }, SPEC_OK, "powered off" },
	{ { .kind = ENDING_POWERED_OFF_ACPI }, SPEC_OK, "powered off (ACPI)" },
	{ { .kind = ENDING_HALTED }, SPEC_OK, "halted" },
	{ { .kind = ENDING_RESET_I8042 }, SPEC_OK, "keyboard controller" },
	{ { .kind = ENDING_RESET_PORT_CF9 }, SPEC_OK, "0xcf9" },
	{ { .kind = ENDING_RESET_PORT_92 }, SPEC_OK, "0x92" },
	{ { .kind = ENDING_RESET_TRIPLE_FAULT }, SPEC_OK, "rebooted" },
	{ { .kind = ENDING_UNTIL }, SPEC_OK, "until" },
	{ { .kind = ENDING_QUIT }, SPEC_OK, "keyboard" },
	{ { .kind = ENDING_DEBUG_EXIT, .detail = 1 }, 1, "isa-debug-exit" },
	{ { .kind = ENDING_DEBUG_EXIT, .detail = 33 }, 33, "33" },
	{ { .kind = ENDING_DEBUG_EXIT, .detail = 255 }, 255, "255" },
	{ { .kind = ENDING_TRIPLE_FAULT }, SPEC_CRASHED, "triple fault" },
	{ { .kind = ENDING_KVM_INTERNAL_ERROR, .detail = 1 }, SPEC_CRASHED, "emulate" },
	{ { .kind = ENDING_KVM_INTERNAL_ERROR, .detail = 2 }, SPEC_CRASHED, "simultaneous" },
	{ { .kind = ENDING_KVM_INTERNAL_ERROR, .detail = 3 }, SPEC_CRASHED, "delivery" },
	{ { .kind = ENDING_KVM_INTERNAL_ERROR, .detail = 4 }, SPEC_CRASHED, "unexpected exit" },
	{ { .kind = ENDING_KVM_INTERNAL_ERROR, .detail = 5 }, SPEC_CRASHED, "5" },
	{ { .kind = ENDING_KVM_FAIL_ENTRY, .detail = 0x80000021 }, SPEC_CRASHED, "0x80000021" },
	{ { .kind = ENDING_KVM_UNKNOWN_EXIT, .detail = 37 }, SPEC_CRASHED, "NOTIFY" },
	{ { .kind = ENDING_KVM_UNKNOWN_EXIT, .detail = 255 }, SPEC_CRASHED, "255" },
	{ { .kind = ENDING_KVM_RUN_FAILED, .detail = EFAULT }, SPEC_TROUBLE, "Bad address" },
	{ { .kind = ENDING_TIMEOUT, .detail = 1500000000 }, SPEC_TIMEOUT, "1.500 s" },
	{ { .kind = ENDING_OUTPUT_LOST, .detail = ENOSPC }, SPEC_TROUBLE, "No space left" },
	{ { .kind = ENDING_OUTPUT_LOST, .detail = EPIPE }, SPEC_TROUBLE, "Broken pipe" },
	{ { .kind = ENDING_PANIC }, SPEC_PANIC, "panic" },
	{ { .kind = ENDING_PANIC, .text = "VFS: x" }, SPEC_PANIC, "panicked: VFS: x" },
	{ { .kind = ENDING_OUTPUT_LOST, .detail = EIO, .text = "the log" },
	  SPEC_TROUBLE,
	  "the log" },
	{ { .kind = ENDING_SIGNAL, .detail = SIGINT }, SPEC_SIGNAL + 2, "signal 2 " },
	{ { .kind = ENDING_SIGNAL, .detail = SIGTERM }, SPEC_SIGNAL + 15, "signal 15 " },
	{ { .kind = ENDING_SIGNAL, .detail = SIGHUP }, SPEC_SIGNAL + 1, "signal 1 " },
	{ { .kind = ENDING_HANG, .detail = 5000000000, .text = "CPU 0 spins" },
	  SPEC_HANG,
	  "5.000 s: CPU 0 spins" },
	{ { .kind = ENDING_FAIL_ON, .text = "oops: BUG: x" }, SPEC_CHECK, "-fail-on" },
	{ { .kind = ENDING_DIALOGUE, .text = "login:" }, SPEC_CHECK, "login:" },
	{ { .kind = ENDING_TESTS_FAILED, .text = "2 of 30" }, SPEC_CHECK, "2 of 30" },
	/* "the guest's own exit status", 1-119; larger values saturate, and are told. */
	{ { .kind = ENDING_GUEST_EXITED, .detail = 0 }, SPEC_OK, "exited with status 0" },
	{ { .kind = ENDING_GUEST_EXITED, .detail = 1 }, 1, "status 1" },
	{ { .kind = ENDING_GUEST_EXITED, .detail = 119 }, 119, "status 119" },
	{ { .kind = ENDING_GUEST_EXITED, .detail = 120 }, 119, "status 120, told as 119" },
	{ { .kind = ENDING_GUEST_EXITED, .detail = 255 }, 119, "status 255, told as 119" },
	{ { .kind = ENDING_GUEST_SIGNALED, .detail = SIGKILL }, 109, "killed by signal 9 SIGKILL" },
	{ { .kind = ENDING_GUEST_SIGNALED, .detail = SIGSEGV }, 111, "SIGSEGV" },
	{ { .kind = ENDING_GUEST_SIGNALED, .detail = SIGXCPU }, 119, "SIGXCPU, told as 119" },
	{ { .kind = ENDING_GUEST_SIGNALED, .detail = 64 }, 119, "signal 64, told as 119" },
	{ { .kind = ENDING_GUEST_CANNOT_RUN, .text = "no such file" }, SPEC_TROUBLE, "no such" },
	{ { .kind = ENDING_GUEST_LEFT, .text = "it powered off" }, SPEC_CRASHED, "powered off" },
	{ { .kind = ENDING_FRAMES_DAMAGED, .text = "checksum" }, SPEC_TROUBLE, "damaged" },
};

enum { SPECS = sizeof(spec) / sizeof(spec[0]) };

START_TEST(statuses_of_the_table)
{
	for (int i = 0; i < SPECS; i++)
		ck_assert_msg(ending_status(&spec[i].ending) == spec[i].status, "row %d: status %d",
			      i, ending_status(&spec[i].ending));
}
END_TEST

/* What a guest printed stands in a sentence: no control characters, no more than there is room. */
START_TEST(quotes_are_tame)
{
	char text[12];

	ending_quote(text, sizeof(text), " \033[2Jhi\xff\r\n", 10);
	ck_assert_str_eq(text, "?[2Jhi?");
	ending_quote(text, sizeof(text), "0123456789abcdef", 16);
	ck_assert_str_eq(text, "01234567...");
	ending_quote(text, sizeof(text), "0123456789a", 11);
	ck_assert_str_eq(text, "0123456789a");
	ending_quote(text, sizeof(text), "  ", 2);
	ck_assert_str_eq(text, "");
	ending_quote(text, 1, "x", 1);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(no_kind_is_forgotten)
{
	bool seen[ENDING_KINDS] = { [ENDING_NONE] = true };

	for (int i = 0; i < SPECS; i++)
		seen[spec[i].ending.kind] = true;
	for (int kind = 0; kind < ENDING_KINDS; kind++)
		ck_assert_msg(seen[kind], "kind %d has no row here", kind);
}
END_TEST

START_TEST(sentences_say_what_happened)
{
	char text[TEXT_BYTES];

	for (int i = 0; i < SPECS; i++) {
		ending_describe(&spec[i].ending, text, sizeof(text));
		ck_assert_msg(strstr(text, spec[i].says) != NULL, "row %d: %s", i, text);
		ck_assert_ptr_null(strchr(text, '\n'));
		ck_assert_int_ne(text[strlen(text) - 1], '.');
	}
}
END_TEST

START_TEST(no_two_share_a_sentence)
{
	static char text[SPECS + 1][TEXT_BYTES];

	for (int i = 0; i < SPECS; i++)
		ending_describe(&spec[i].ending, text[i], TEXT_BYTES);
	ending_describe(&(struct ending){ .kind = ENDING_NONE }, text[SPECS], TEXT_BYTES);
	for (int i = 0; i <= SPECS; i++) {
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(text[i], text[j]);
	}
}
END_TEST

/* Every reason has words of its own, those without a name by their number. */
START_TEST(every_exit_reason_differs)
{
	static char text[256][TEXT_BYTES];

	for (unsigned int reason = 0; reason < 256; reason++) {
		struct ending ending = { .kind = ENDING_KVM_UNKNOWN_EXIT, .detail = reason };

		ending_describe(&ending, text[reason], TEXT_BYTES);
		for (unsigned int other = 0; other < reason; other++)
			ck_assert_str_ne(text[reason], text[other]);
	}
}
END_TEST

START_TEST(rip_and_instruction)
{
	struct ending ending = {
		.kind = ENDING_KVM_INTERNAL_ERROR,
		.detail = 1,
		.rip = 0xffffffff81000123,
		.instruction = { 0xf0, 0x48, 0x0f, 0xc7, 0x4d, 0x20 },
		.instruction_bytes = 6,
	};
	char text[TEXT_BYTES];

	ending_describe(&ending, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "f0 48 0f c7 4d 20"));
	ck_assert_ptr_nonnull(strstr(text, "RIP 0xffffffff81000123"));
	ending.rip = 0;
	ending.instruction_bytes = 0;
	ending_describe(&ending, text, sizeof(text));
	ck_assert_ptr_null(strstr(text, "RIP"));
	ck_assert_ptr_null(strstr(text, "bytes"));
}
END_TEST

START_TEST(the_cpu_where_there_are_several)
{
	struct ending ending = { .kind = ENDING_TRIPLE_FAULT, .rip = 0x8010 };
	char text[TEXT_BYTES];

	ending_describe(&ending, text, sizeof(text));
	ck_assert_ptr_null(strstr(text, "CPU"));
	ending.cpus = 1;
	ending_describe(&ending, text, sizeof(text));
	ck_assert_ptr_null(strstr(text, "CPU"));
	ending.cpus = 2;
	ending_describe(&ending, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, ", at RIP 0x8010 on CPU 0"));
	ending.cpu = 1;
	ending.rip = 0;
	ending_describe(&ending, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, ", on CPU 1"));
}
END_TEST

/* The longest sentence there can be fits into what main gives; in less it is cut, not overrun. */
START_TEST(every_length_of_text)
{
	struct ending ending = {
		.kind = ENDING_KVM_INTERNAL_ERROR,
		.detail = UINT64_MAX,
		.rip = UINT64_MAX,
		.cpu = 254,
		.cpus = 255,
		.instruction_bytes = ENDING_BYTES_MAX,
	};
	char whole[TEXT_BYTES];

	memset(ending.instruction, 0xff, sizeof(ending.instruction));
	ending_describe(&ending, whole, sizeof(whole));
	ck_assert_ptr_nonnull(strstr(whole, "RIP 0xffffffffffffffff on CPU 254"));
	for (size_t size = 1; size <= sizeof(whole); size++) {
		char *text = malloc(size); /* exact, so that a sanitizer sees each byte beyond */

		ck_assert_ptr_nonnull(text);
		ending_describe(&ending, text, size);
		ck_assert_uint_lt(strlen(text), size);
		ck_assert_int_eq(strncmp(text, whole, strlen(text)), 0);
		free(text);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { statuses_of_the_table,   no_kind_is_forgotten,
				       quotes_are_tame,         sentences_say_what_happened,
				       no_two_share_a_sentence, every_exit_reason_differs,
				       rip_and_instruction,     the_cpu_where_there_are_several,
				       every_length_of_text };
	Suite *suite = suite_create("ending");
	TCase *tcase = tcase_create("ending");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
