/* SPDX-License-Identifier: MIT */
/*
 * The run loop on a KVM that is not there: enter() takes the next exit from a table. Every exit
 * there can be ends the run by a name or is served, and nothing is retried in the hope that it goes
 * away.
 *
 * Authority: [KVM] "The kvm_run structure" and the section of each exit; exit numbers are those of
 * <linux/kvm.h>.
 */
#include <check.h>
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/run.h"

enum {
	SPEC_PIO_OFFSET = 4096, /* where KVM puts a string instruction's data */
	SPEC_PIO_BYTES = 4096,
	SPEC_COM1 = 0x3f8,
	SPEC_NOBODYS_PORT = 0x1234,
	SPEC_IO_IN = 0,
	SPEC_IO_OUT = 1,

	STEPS_MAX = 16,
};

/* An exit: KVM_RUN's value, and what it leaves in kvm_run. */
struct step {
	int rc;
	uint32_t reason;
	struct {
		uint8_t direction, size;
		uint16_t port;
		uint32_t count;
		const char *data; /* out: what the guest sends */
	} io;
	struct {
		uint64_t address;
		uint32_t length;
		uint8_t is_write;
	} mmio;
};

static union {
	struct kvm_run run;
	uint8_t bytes[SPEC_PIO_OFFSET + SPEC_PIO_BYTES + 64];
} page;

static struct {
	struct step step[STEPS_MAX];
	int steps, at;
	int entered, unkicked, asked;
	bool halted; /* what halted_for_good() answers */
	int look_at; /* the step before which somebody asks to look */
} fake;

static struct run run;
static struct machine machine;
static struct control control;
static struct marks marks;
static struct err e;
static uint8_t sent[8192];
static size_t sent_count;

static void fill_page(const struct step *s)
{
	page.run.exit_reason = s->reason;
	if (s->reason == KVM_EXIT_IO) {
		page.run.io.direction = s->io.direction;
		page.run.io.size = s->io.size;
		page.run.io.port = s->io.port;
		page.run.io.count = s->io.count;
		page.run.io.data_offset = SPEC_PIO_OFFSET;
		if (s->io.data)
			memcpy(page.bytes + SPEC_PIO_OFFSET, s->io.data,
			       (size_t)s->io.size * s->io.count);
	} else if (s->reason == KVM_EXIT_MMIO) {
		page.run.mmio.phys_addr = s->mmio.address;
		page.run.mmio.len = s->mmio.length;
		page.run.mmio.is_write = s->mmio.is_write;
	}
}

/* When the table is over, the run is stopped as by a signal. */
static int fake_enter(void *ctx)
{
	(void)ctx;
	ck_assert_int_lt(__atomic_add_fetch(&fake.entered, 1, __ATOMIC_RELAXED), 100000);
	if (fake.at == fake.look_at)
		control_ask_to_look(&control);
	if (fake.at == fake.steps) {
		control_end(&control, &(struct ending){ .kind = ENDING_SIGNAL, .detail = 15 });
		return -EINTR;
	}
	fill_page(&fake.step[fake.at]);
	return fake.step[fake.at++].rc;
}

static void fake_unkick(void *ctx)
{
	(void)ctx;
	fake.unkicked++;
}

static bool fake_halted(void *ctx)
{
	(void)ctx;
	fake.asked++;
	return fake.halted;
}

static void keep_sent(void *ctx, const uint8_t *bytes, size_t count)
{
	(void)ctx;
	for (size_t i = 0; i < count && sent_count < sizeof(sent); i++)
		sent[sent_count++] = bytes[i];
}

static void setup(void)
{
	const struct debugexit_config at_f4 = { 0xf4, 4 };

	memset(&page, 0, sizeof(page));
	memset(&fake, 0, sizeof(fake));
	fake.look_at = -1;
	sent_count = 0;
	marks = (struct marks){ 0 };
	ck_assert_int_eq(control_init(&control, &marks, &e), 0);
	ck_assert_int_eq(machine_init(&machine, NULL, &control,
				      (struct byte_sink){ keep_sent, NULL }, &at_f4, &e),
			 0);
	run = (struct run){ .kvm = &page.run,
			    .entry = { fake_enter, fake_unkick, fake_halted, NULL, NULL },
			    .machine = &machine,
			    .control = &control };
	control.runs = &run;
	control.cpus = 1;
}

static void teardown(void)
{
	machine_finish(&machine);
	control_finish(&control);
}

static void again(void)
{
	teardown();
	setup();
}

static void add(struct step step)
{
	ck_assert_int_lt(fake.steps, STEPS_MAX);
	fake.step[fake.steps++] = step;
}

static void add_io(uint8_t direction, uint16_t port, uint8_t size, uint32_t count, const char *data)
{
	add((struct step){ .reason = KVM_EXIT_IO, .io = { direction, size, port, count, data } });
}

static struct ending ends(enum ending_kind kind)
{
	struct ending ending = run_until_end(&run);

	ck_assert_msg(ending.kind == kind, "kind %d instead of %d", ending.kind, kind);
	ck_assert_int_eq(control.ending.kind, kind); /* everybody is told the same */
	ck_assert(control_stopped(&control));
	ck_assert_uint_ne(marks.at_ns[MARK_END], 0);
	return ending;
}

/* Every exit reason. */

static bool spec_goes_on(unsigned int reason)
{
	return reason == KVM_EXIT_IO || reason == KVM_EXIT_MMIO || reason == KVM_EXIT_INTR ||
	       reason == KVM_EXIT_IRQ_WINDOW_OPEN || reason == KVM_EXIT_SET_TPR;
}

static enum ending_kind spec_ending(unsigned int reason)
{
	switch (reason) {
	case KVM_EXIT_HLT:
		return ENDING_HALTED;
	case KVM_EXIT_SHUTDOWN:
		return ENDING_TRIPLE_FAULT;
	case KVM_EXIT_FAIL_ENTRY:
		return ENDING_KVM_FAIL_ENTRY;
	case KVM_EXIT_INTERNAL_ERROR:
		return ENDING_KVM_INTERNAL_ERROR;
	default:
		return ENDING_KVM_UNKNOWN_EXIT;
	}
}

static struct step step_of(uint32_t reason)
{
	return (struct step){ .reason = reason,
			      .io = { SPEC_IO_OUT, 1, SPEC_NOBODYS_PORT, 1, "x" },
			      .mmio = { 0xd0000000, 4, 0 } };
}

START_TEST(every_exit_reason)
{
	for (unsigned int reason = 0; reason < 256; reason++) {
		struct ending ending;
		char text[256];

		add(step_of(reason));
		if (spec_goes_on(reason)) {
			(void)ends(ENDING_SIGNAL); /* the table's end */
			ck_assert_int_eq(fake.entered, 2);
		} else {
			ending = ends(spec_ending(reason));
			ck_assert_int_eq(fake.entered, 1);
			if (ending.kind == ENDING_KVM_UNKNOWN_EXIT)
				ck_assert_uint_eq(ending.detail, reason);
			ending_describe(&ending, text, sizeof(text));
			ck_assert_uint_gt(strlen(text), 0);
			ck_assert_int_eq(ending_status(&ending), reason == KVM_EXIT_HLT ? 0 : 121);
		}
		ck_assert_uint_eq(run.exits, 1);
		again();
	}
}
END_TEST

/*
 * What an exit does to the run does not depend on the one before it, and there is none behind one that
 * ends the run. ck_assert() notes each place that it passes, which is too slow for all of them.
 */
static void check_pair(unsigned int first, unsigned int second)
{
	bool both = spec_goes_on(first);
	unsigned int last = both ? second : first;
	enum ending_kind want = spec_goes_on(last) ? ENDING_SIGNAL : spec_ending(last);
	struct ending ending;

	add(step_of(first));
	add(step_of(second));
	ending = run_until_end(&run);
	if (ending.kind != want || run.exits != 1u + both)
		ck_abort_msg("exits %u, %u: kind %d after %llu exits", first, second, ending.kind,
			     (unsigned long long)run.exits);
	if (want == ENDING_KVM_UNKNOWN_EXIT && ending.detail != last)
		ck_abort_msg("exits %u, %u: it says %llu", first, second,
			     (unsigned long long)ending.detail);
}

START_TEST(every_pair_of_exit_reasons)
{
	for (unsigned int pair = 0; pair < 256 * 256; pair++) {
		check_pair(pair / 256, pair % 256);
		teardown();
		setup();
	}
}
END_TEST

START_TEST(exit_reasons_beyond)
{
	static const uint32_t reasons[] = { 256,        257,        0xffff,     0x10000,
					    0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		add((struct step){ .reason = reasons[i] });
		ck_assert_uint_eq(ends(ENDING_KVM_UNKNOWN_EXIT).detail, reasons[i]);
		again();
	}
}
END_TEST

/* KVM_RUN failing with every errno. EINTR and EAGAIN mean "come again". */
START_TEST(every_errno)
{
	for (int code = 1; code < 134; code++) {
		add((struct step){ .rc = -code, .reason = KVM_EXIT_SHUTDOWN });
		if (code == EINTR || code == EAGAIN) {
			(void)ends(ENDING_SIGNAL);
			ck_assert_int_eq(fake.entered, 2);
		} else {
			ck_assert_uint_eq(ends(ENDING_KVM_RUN_FAILED).detail, code);
			ck_assert_int_eq(ending_status(&control.ending), 125);
			ck_assert_int_eq(fake.entered, 1);
		}
		ck_assert_uint_eq(run.exits, 0); /* no exit: kvm_run tells nothing */
		again();
	}
}
END_TEST

/*
 * KVM that wants to be entered again and again, as for a CPU that waits for its start and was sent an
 * NMI, is not asked as fast as the host can.
 */
static int turns_away(void *ctx)
{
	(void)ctx;
	if (++fake.entered == 60)
		control_end_kind(&control, ENDING_TIMEOUT);
	return -EAGAIN;
}

START_TEST(turned_away_again_and_again)
{
	uint64_t begin = clock_now_ns();

	run.entry.enter = turns_away;
	(void)ends(ENDING_TIMEOUT);
	ck_assert_uint_gt(clock_now_ns() - begin, 40 * 1000000ULL);
}
END_TEST

/* A start takes two or three such returns; that is not the time to nap. */
START_TEST(turned_away_a_few_times)
{
	uint64_t shortest = UINT64_MAX;

	for (int i = 0; i < 20; i++) {
		uint64_t begin = clock_now_ns();

		for (int j = 0; j < 4; j++)
			add((struct step){ .rc = -EAGAIN });
		add_io(SPEC_IO_OUT, SPEC_NOBODYS_PORT, 1, 1, "x");
		for (int j = 0; j < 6; j++)
			add((struct step){ .rc = -EAGAIN });
		(void)ends(ENDING_SIGNAL);
		if (clock_now_ns() - begin < shortest)
			shortest = clock_now_ns() - begin;
		again();
	}
	ck_assert_uint_lt(shortest, 1000000);
}
END_TEST

/* Ports. */

START_TEST(rep_outsb)
{
	add_io(SPEC_IO_OUT, SPEC_COM1, 1, 3, "ABC");
	(void)ends(ENDING_SIGNAL);
	ck_assert_uint_eq(sent_count, 3);
	ck_assert_int_eq(memcmp(sent, "ABC", 3), 0);
}
END_TEST

/* The most one exit can bring. */
START_TEST(rep_outsb_a_page)
{
	static char bytes[SPEC_PIO_BYTES];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 13 % 253);
	add_io(SPEC_IO_OUT, SPEC_COM1, 1, sizeof(bytes), bytes);
	(void)ends(ENDING_SIGNAL);
	ck_assert_uint_eq(sent_count, sizeof(bytes));
	ck_assert_int_eq(memcmp(sent, bytes, sizeof(bytes)), 0);
}
END_TEST

/* Two bytes to a register of one: the second goes to the next, here IER. */
START_TEST(rep_outsw_moves_through_memory_not_ports)
{
	add_io(SPEC_IO_OUT, SPEC_COM1, 2, 2,
	       "A\x01"
	       "B\x03");
	(void)ends(ENDING_SIGNAL);
	ck_assert_uint_eq(sent_count, 2);
	ck_assert_int_eq(memcmp(sent, "AB", 2), 0);
	ck_assert_uint_eq(machine.uart.state.ier, 3);
}
END_TEST

/* All that the guest will read is filled: stale bytes of the shared page are another exit's. */
static void check_filled(uint8_t size, uint32_t count)
{
	size_t bytes = (size_t)size * count;

	memset(page.bytes + SPEC_PIO_OFFSET, 0x5a, SPEC_PIO_BYTES + 64);
	add_io(SPEC_IO_IN, SPEC_NOBODYS_PORT, size, count, NULL);
	(void)ends(ENDING_SIGNAL);
	for (size_t i = 0; i < SPEC_PIO_BYTES + 64; i++)
		ck_assert_uint_eq(page.bytes[SPEC_PIO_OFFSET + i], i < bytes ? 0xff : 0x5a);
	again();
}

START_TEST(open_bus_in_every_size)
{
	for (uint8_t size = 1; size <= 4; size = (uint8_t)(size * 2)) {
		check_filled(size, 0);
		check_filled(size, 1);
		check_filled(size, 7);
		check_filled(size, 1024);
		check_filled(size, SPEC_PIO_BYTES / size);
	}
}
END_TEST

START_TEST(rep_insb_from_a_register)
{
	add_io(SPEC_IO_OUT, SPEC_COM1 + 7, 1, 1, "\x42"); /* the scratch register */
	add_io(SPEC_IO_IN, SPEC_COM1 + 7, 1, 1024, NULL);
	(void)ends(ENDING_SIGNAL);
	for (size_t i = 0; i < 1024; i++)
		ck_assert_uint_eq(page.bytes[SPEC_PIO_OFFSET + i], 0x42);
	ck_assert_uint_eq(page.bytes[SPEC_PIO_OFFSET + 1024], 0);
}
END_TEST

START_TEST(rep_insb_drains_the_fifo_in_order)
{
	add_io(SPEC_IO_OUT, SPEC_COM1 + 2, 1, 1, "\x01"); /* FIFOs on */
	add_io(SPEC_IO_OUT, SPEC_COM1 + 4, 1, 1, "\x0b"); /* DTR, RTS, OUT2 */
	add_io(SPEC_IO_OUT, SPEC_COM1 + 1, 1, 1, "\x01"); /* receive interrupts */
	add_io(SPEC_IO_IN, SPEC_COM1, 1, 26, NULL);
	machine_input(&machine, (const uint8_t *)"abcdefghijklmnopqrstuvwxyz", 26);
	(void)ends(ENDING_SIGNAL);
	ck_assert_int_eq(memcmp(page.bytes + SPEC_PIO_OFFSET, "abcdefghijklmnopqrstuvwxyz", 26), 0);
}
END_TEST

/* Memory. */

START_TEST(mmio_reads_ones)
{
	for (uint32_t length = 0; length <= 8; length++) {
		memset(page.run.mmio.data, 0x5a, 8);
		add((struct step){ .reason = KVM_EXIT_MMIO, .mmio = { 0xd0000000, length, 0 } });
		(void)ends(ENDING_SIGNAL);
		for (uint32_t i = 0; i < 8; i++)
			ck_assert_uint_eq(page.run.mmio.data[i], i < length ? 0xff : 0x5a);
		again();
	}
}
END_TEST

START_TEST(mmio_of_any_kind_goes_on)
{
	static const uint64_t addresses[] = { 0, 0xffffffff, 1ULL << 52, UINT64_MAX };

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		add((struct step){ .reason = KVM_EXIT_MMIO, .mmio = { addresses[i], 8, 0 } });
		add((struct step){ .reason = KVM_EXIT_MMIO, .mmio = { addresses[i], 8, 1 } });
		add((struct step){ .reason = KVM_EXIT_MMIO,
				   .mmio = { addresses[i], 0xffffffff, 0 } });
	}
	(void)ends(ENDING_SIGNAL);
	ck_assert_uint_eq(run.exits, 12);
	ck_assert_uint_eq(machine.mmio.read_misses, 8);
	ck_assert_uint_eq(machine.mmio.write_misses, 4);
}
END_TEST

/* Ways out. */

START_TEST(resets_and_debug_exit)
{
	static const struct {
		uint16_t port;
		uint8_t size;
		const char *data;
		enum ending_kind kind;
		uint64_t detail;
	} spec[] = {
		{ 0x64, 1, "\xfe", ENDING_RESET_I8042, 0 },
		{ 0xcf9, 1, "\x06", ENDING_RESET_PORT_CF9, 0 },
		{ 0x92, 1, "\x01", ENDING_RESET_PORT_92, 0 },
		{ 0xf4, 1, "\0", ENDING_DEBUG_EXIT, 1 },
		{ 0xf4, 4, "\x10\0\0\0", ENDING_DEBUG_EXIT, 33 },
		{ 0xf4, 1, "\xff", ENDING_DEBUG_EXIT, 255 },
	};

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		add_io(SPEC_IO_OUT, spec[i].port, spec[i].size, 1, spec[i].data);
		add((struct step){ .reason = KVM_EXIT_SHUTDOWN }); /* not to be reached */
		ck_assert_uint_eq(ends(spec[i].kind).detail, spec[i].detail);
		ck_assert_int_eq(fake.entered, 1);
		again();
	}
}
END_TEST

/* A device that ends the run does so in the middle of a string; the first ending counts. */
START_TEST(the_first_ending_wins)
{
	add_io(SPEC_IO_OUT, 0xf4, 1, 3, "\x05\x06\x07");
	ck_assert_uint_eq(ends(ENDING_DEBUG_EXIT).detail, 11);
	again();
	control_end_kind(&control, ENDING_TIMEOUT);
	add((struct step){ .reason = KVM_EXIT_SHUTDOWN });
	(void)ends(ENDING_TIMEOUT);
}
END_TEST

START_TEST(internal_errors)
{
	for (uint32_t suberror = 0; suberror < 6; suberror++) {
		struct ending ending;

		page.run.internal.suberror = suberror;
		page.run.internal.ndata = 0;
		add((struct step){ .reason = KVM_EXIT_INTERNAL_ERROR });
		ending = ends(ENDING_KVM_INTERNAL_ERROR);
		ck_assert_uint_eq(ending.detail, suberror);
		ck_assert_uint_eq(ending.instruction_bytes, 0);
		ck_assert_int_eq(ending_status(&ending), 121);
		again();
	}
}
END_TEST

static struct ending emulation_failure(uint32_t suberror, uint32_t ndata, uint64_t flags,
				       uint8_t size)
{
	struct ending ending;

	again();
	page.run.emulation_failure.suberror = suberror;
	page.run.emulation_failure.ndata = ndata;
	page.run.emulation_failure.flags = flags;
	page.run.emulation_failure.insn_size = size;
	for (uint8_t i = 0; i < 15; i++)
		page.run.emulation_failure.insn_bytes[i] = (uint8_t)(0xf0 + i);
	add((struct step){ .reason = KVM_EXIT_INTERNAL_ERROR });
	ending = ends(ENDING_KVM_INTERNAL_ERROR);
	for (uint8_t i = 0; i < ending.instruction_bytes; i++)
		ck_assert_uint_eq(ending.instruction[i], 0xf0 + i);
	return ending;
}

/* [KVM] KVM_EXIT_INTERNAL_ERROR: ndata counts the fields, the flag tells that bytes are there. */
START_TEST(instruction_bytes)
{
	const uint64_t flag = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;

	ck_assert_uint_eq(emulation_failure(1, 4, flag, 6).instruction_bytes, 6);
	ck_assert_uint_eq(emulation_failure(1, 4, flag, 15).instruction_bytes, 15);
	ck_assert_uint_eq(emulation_failure(1, 4, flag, 0).instruction_bytes, 0);
	ck_assert_uint_eq(emulation_failure(1, 4, flag, 16).instruction_bytes, 15);
	ck_assert_uint_eq(emulation_failure(1, 4, flag, 255).instruction_bytes, 15);
	ck_assert_uint_eq(emulation_failure(1, 4, 0, 6).instruction_bytes, 0);
	ck_assert_uint_eq(emulation_failure(1, 4, ~flag, 6).instruction_bytes, 0);
	ck_assert_uint_eq(emulation_failure(1, 0, flag, 6).instruction_bytes, 0);
	ck_assert_uint_eq(emulation_failure(3, 4, flag, 6).instruction_bytes, 0);
}
END_TEST

START_TEST(failed_entry)
{
	page.run.fail_entry.hardware_entry_failure_reason = 0x80000021;
	add((struct step){ .reason = KVM_EXIT_FAIL_ENTRY });
	ck_assert_uint_eq(ends(ENDING_KVM_FAIL_ENTRY).detail, 0x80000021);
}
END_TEST

/* Kicks. */

START_TEST(interrupted_for_nothing)
{
	for (int i = 0; i < 5; i++)
		add((struct step){ .rc = -EINTR, .reason = KVM_EXIT_INTR });
	add((struct step){ .reason = KVM_EXIT_SHUTDOWN });
	(void)ends(ENDING_TRIPLE_FAULT);
	ck_assert_int_eq(fake.entered, 6);
	ck_assert_int_eq(fake.unkicked, 5); /* or the guest is never entered again */
	ck_assert_int_eq(fake.asked, 0);
}
END_TEST

START_TEST(halted_when_asked)
{
	fake.halted = true;
	fake.look_at = 1;
	add((struct step){ .rc = -EINTR });
	add((struct step){ .rc = -EINTR });
	add((struct step){ .reason = KVM_EXIT_SHUTDOWN });
	(void)ends(ENDING_HALTED);
	ck_assert_int_eq(fake.asked, 1);
	ck_assert_int_eq(fake.entered, 2);
}
END_TEST

/* Asked and not halted: the question is answered once, and the guest runs on. */
START_TEST(not_halted_when_asked)
{
	fake.look_at = 0;
	add((struct step){ .rc = -EINTR });
	add((struct step){ .rc = -EINTR });
	add((struct step){ .reason = KVM_EXIT_SHUTDOWN });
	(void)ends(ENDING_TRIPLE_FAULT);
	ck_assert_int_eq(fake.asked, 1);
}
END_TEST

/* A stop and a question at once: the stop counts. */
START_TEST(stopped_and_asked)
{
	fake.halted = true;
	control_ask_to_look(&control);
	(void)ends(ENDING_SIGNAL);
	ck_assert_int_eq(fake.asked, 0);
}
END_TEST

/* With a console that nobody reads the loop waits outside the guest, until the run is ended. */
enum { EXITS_OF_A_PAGE = 12, EXITS_UNTIL_FULL = EXITS_OF_A_PAGE + 2 };

static void *end_in_a_moment(void *unused)
{
	(void)unused;
	(void)usleep(50000);
	control_end(&control, &(struct ending){ .kind = ENDING_TIMEOUT, .detail = 1 });
	return NULL;
}

static void *end_when_full(void *unused)
{
	for (int ms = 0; ms < 10000; ms++) {
		if (__atomic_load_n(&fake.entered, __ATOMIC_RELAXED) >= EXITS_UNTIL_FULL)
			break;
		(void)usleep(1000);
	}
	return end_in_a_moment(unused);
}

START_TEST(a_full_console_holds_the_guest)
{
	static struct console console;
	static char bytes[SPEC_PIO_BYTES];
	struct chardev nowhere = {
		.kind = CHARDEV_FILE, .in_fd = -1, .out_fd = -1, .listen_fd = -1
	};
	pthread_t thread;

	memset(&console, 0, sizeof(console));
	console_init(&console, &nowhere, &control, &marks, NULL);
	machine.uart.tx = (struct byte_sink){ console_put, &console };
	run.console = &console;
	for (int i = 0; i < EXITS_OF_A_PAGE; i++) /* 48 KiB: room enough */
		add_io(SPEC_IO_OUT, SPEC_COM1, 1, sizeof(bytes), bytes);
	add_io(SPEC_IO_OUT, SPEC_COM1, 1, 1,
	       "x"); /* leaves less than the room that is waited for */
	add_io(SPEC_IO_OUT, SPEC_COM1, 1, 1, "y");
	add((struct step){ .reason = KVM_EXIT_SHUTDOWN }); /* not to be reached */
	ck_assert_int_eq(pthread_create(&thread, NULL, end_when_full, NULL), 0);
	(void)ends(ENDING_TIMEOUT);
	ck_assert_int_eq(fake.entered, EXITS_UNTIL_FULL);
	ck_assert_uint_eq(console_bytes(&console), EXITS_OF_A_PAGE * sizeof(bytes) + 1);
	(void)pthread_join(thread, NULL);
	console_finish(&console);
}
END_TEST

/* A guest that never stops, and three who want something of it at the same time. */

static int busy_enter(void *ctx)
{
	static const struct step step = { .reason = KVM_EXIT_IO,
					  .io = { SPEC_IO_IN, 1, SPEC_COM1 + 5, 16, NULL } };

	(void)ctx;
	fake.entered++;
	fill_page(&step);
	return fake.entered % 3 ? 0 : -EINTR;
}

static void *typist(void *unused)
{
	(void)unused;
	while (!control_stopped(&control)) {
		if (machine_input_room(&machine))
			machine_input(&machine, (const uint8_t *)"x", 1);
		machine_input_break(&machine);
	}
	return NULL;
}

static void *asker(void *unused)
{
	(void)unused;
	while (!control_stopped(&control))
		control_ask_to_look(&control);
	return NULL;
}

START_TEST(many_at_once)
{
	void *(*const who[])(void *) = { typist, asker, end_in_a_moment };
	pthread_t threads[3];

	run.entry.enter = busy_enter;
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, who[i], NULL), 0);
	(void)ends(ENDING_TIMEOUT);
	for (size_t i = 0; i < 3; i++)
		(void)pthread_join(threads[i], NULL);
	ck_assert_int_gt(fake.asked, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_exit_reason,
		every_pair_of_exit_reasons,
		exit_reasons_beyond,
		every_errno,
		turned_away_again_and_again,
		turned_away_a_few_times,
		rep_outsb,
		rep_outsb_a_page,
		rep_outsw_moves_through_memory_not_ports,
		open_bus_in_every_size,
		rep_insb_from_a_register,
		rep_insb_drains_the_fifo_in_order,
		mmio_reads_ones,
		mmio_of_any_kind_goes_on,
		resets_and_debug_exit,
		the_first_ending_wins,
		internal_errors,
		instruction_bytes,
		failed_entry,
		interrupted_for_nothing,
		halted_when_asked,
		not_halted_when_asked,
		stopped_and_asked,
		a_full_console_holds_the_guest,
		many_at_once,
	};
	Suite *suite = suite_create("run");
	TCase *tcase = tcase_create("run");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
