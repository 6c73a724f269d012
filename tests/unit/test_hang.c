/* SPDX-License-Identifier: MIT */
/*
 * Hangs: what is one and what is not, typed from the definition at the head of vmm/hang.h; then the
 * round of questions and answers, with CPUs that are not there.
 */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/clock.h"
#include "vmm/hang.h"
#include "vmm/hangwatch.h"
#include "vmm/run.h"

enum {
	SPEC_RIPS = 16,
	SPEC_SPAN_BYTES = 256,
	SPEC_OUTLIERS = 16, /* one sample in so many */
	SPEC_SAMPLES = 32,

	CPUS_MAX = 4,
	FAR = 0x100000, /* away from whatever the CPU does else */
};

#define SPEC_MS     1000000ULL
#define SPEC_SECOND 1000000000ULL
#define KERNEL      0xffffffff81012340ULL

static struct err e;

/* ---- the judge ------------------------------------------------------------------------------- */

static struct hang hang;
static struct hang_cpu cpus[CPUS_MAX];
static struct hang_sample sample[CPUS_MAX];
static struct hang_board board;
static uint64_t now_ns;

static void judge_init(unsigned int count, uint64_t allowed_ns, bool idle)
{
	const struct hang_options options = { allowed_ns, idle };

	memset(sample, 0, sizeof(sample));
	memset(&board, 0, sizeof(board));
	now_ns = 12345 * SPEC_SECOND;
	hang_init(&hang, &options, cpus, count);
}

/* Waits as it is told, then gives what stands in sample and board. */
static bool next_round(void)
{
	now_ns += hang_wait_ns(&hang);
	return hang_take(&hang, now_ns, &board, sample);
}

/* Nanoseconds until the hang, or 0: none within `times` the time allowed. */
static uint64_t until_hang(unsigned int times)
{
	uint64_t start_ns = now_ns;

	while (now_ns - start_ns < times * hang.options.allowed_ns) {
		if (next_round())
			return now_ns - start_ns;
	}
	return 0;
}

static const char *words(void)
{
	static char text[160];

	hang_describe(&hang, text, sizeof(text));
	return text;
}

static const struct hang_sample spinning = { .state = HANG_RUNS, .rip = KERNEL };
static const struct hang_sample halted = { .state = HANG_HALTED };
static const struct hang_sample halted_off = { .state = HANG_HALTED_OFF };
static const struct hang_sample unstarted = { .state = HANG_UNSTARTED };

START_TEST(spinning_at_one_address)
{
	uint64_t took_ns;

	judge_init(1, 5 * SPEC_SECOND, false);
	sample[0] = spinning;
	took_ns = until_hang(3);
	ck_assert_uint_ge(took_ns, 5 * SPEC_SECOND);
	ck_assert_uint_le(took_ns, 6 * SPEC_SECOND);
	ck_assert_str_eq(words(), "CPU 0 spins at 0xffffffff81012340");
}
END_TEST

START_TEST(spinning_in_user_space)
{
	judge_init(1, SPEC_SECOND, false);
	sample[0] = (struct hang_sample){ .state = HANG_RUNS, .user = true, .rip = 0x401234 };
	board.listens = true; /* no matter */
	ck_assert_uint_ne(until_hang(3), 0);
	ck_assert_str_eq(words(), "CPU 0 spins at 0x401234 (user)");
}
END_TEST

/* `addresses` of them, `step` bytes apart, one after the other. */
static bool loop_is_a_hang(unsigned int addresses, uint64_t step)
{
	judge_init(1, SPEC_SECOND, false);
	for (unsigned int i = 0; i < 4 * SPEC_SAMPLES; i++) {
		sample[0] = spinning;
		sample[0].rip += i % addresses * step;
		if (next_round())
			return true;
	}
	return false;
}

START_TEST(as_many_addresses_as_there_may_be)
{
	ck_assert(loop_is_a_hang(SPEC_RIPS, 4));
	/* More of them come too often for outliers. */
	ck_assert(!loop_is_a_hang(SPEC_RIPS + 4, 4));
	ck_assert(!loop_is_a_hang(2 * SPEC_RIPS, 4));
}
END_TEST

/* Had one of the sixteen no place, two in seventeen would be outliers. */
START_TEST(sixteen_and_an_outlier)
{
	bool ended = false;

	judge_init(1, 60 * SPEC_SECOND, false);
	for (unsigned int i = 0; i < 16 * SPEC_SAMPLES && !ended; i++) {
		unsigned int at = i % (SPEC_RIPS + 1);

		sample[0] = spinning;
		sample[0].rip += at < SPEC_RIPS ? at * 4 : FAR;
		ended = next_round();
	}
	ck_assert(ended);
}
END_TEST

START_TEST(as_far_apart_as_they_may_be)
{
	ck_assert(loop_is_a_hang(2, SPEC_SPAN_BYTES - 1));
	ck_assert(!loop_is_a_hang(2, SPEC_SPAN_BYTES));
	ck_assert(!loop_is_a_hang(2, FAR));
}
END_TEST

START_TEST(addresses_may_come_in_any_order)
{
	judge_init(1, SPEC_SECOND, false);
	for (unsigned int i = 0; i < SPEC_SAMPLES / 2; i++) {
		sample[0] = spinning;
		sample[0].rip += i % 2 ? 16 : 200;
		(void)next_round();
	}
	sample[0] = spinning; /* below all others */
	ck_assert_uint_ne(until_hang(1), 0);
	ck_assert_str_eq(words(), "CPU 0 spins at 0xffffffff81012340");
}
END_TEST

/* Every `every`th sample is of an interrupt's code, ever at another place. */
static bool interrupted_loop_is_a_hang(unsigned int every)
{
	judge_init(1, 60 * SPEC_SECOND, false);
	for (unsigned int i = 1; i < 16 * SPEC_SAMPLES; i++) {
		sample[0] = spinning;
		if (i % every == 0)
			sample[0].rip += (i + 1) * FAR;
		if (next_round())
			return true;
	}
	return false;
}

START_TEST(one_outlier_in_sixteen)
{
	ck_assert(interrupted_loop_is_a_hang(SPEC_OUTLIERS));
	ck_assert(!interrupted_loop_is_a_hang(SPEC_OUTLIERS / 2));
	ck_assert(!interrupted_loop_is_a_hang(2));
}
END_TEST

START_TEST(a_window_that_begins_with_an_outlier)
{
	judge_init(1, SPEC_SECOND, false);
	sample[0] = spinning;
	sample[0].rip += FAR;
	(void)next_round();
	sample[0] = spinning;
	ck_assert_uint_ne(until_hang(2), 0);
}
END_TEST

START_TEST(work_that_becomes_a_hang)
{
	uint64_t took_ns;

	judge_init(1, SPEC_SECOND, false);
	for (unsigned int i = 0; i < 100; i++) {
		sample[0] = spinning;
		sample[0].rip += (i + 1) * FAR;
		ck_assert(!next_round());
	}
	sample[0] = spinning;
	took_ns = until_hang(2);
	ck_assert_uint_ge(took_ns, SPEC_SECOND);
	ck_assert_uint_le(took_ns, SPEC_SECOND * 5 / 4);
}
END_TEST

START_TEST(what_moves_begins_anew)
{
	judge_init(1, SPEC_SECOND, false);
	sample[0] = spinning;
	for (unsigned int i = 0; i < 8 * SPEC_SAMPLES; i++) {
		board.moves += i % 20 == 0;
		ck_assert(!next_round());
	}
	ck_assert_uint_ne(until_hang(1), 0);
}
END_TEST

START_TEST(the_time_is_from_the_last_move)
{
	uint64_t took_ns;

	judge_init(1, SPEC_SECOND, false);
	sample[0] = spinning;
	for (unsigned int i = 0; i < 10; i++)
		(void)next_round();
	board.moves++;
	(void)next_round();
	took_ns = until_hang(2);
	ck_assert_uint_ge(took_ns, SPEC_SECOND);
	ck_assert_uint_le(took_ns, SPEC_SECOND * 5 / 4);
}
END_TEST

START_TEST(halted_and_nothing_is_armed)
{
	judge_init(1, SPEC_SECOND, false);
	sample[0] = halted;
	ck_assert_uint_ne(until_hang(2), 0);
	ck_assert_str_eq(words(), "the CPU is halted, no timer is armed");
	judge_init(2, SPEC_SECOND, false);
	sample[0] = sample[1] = halted;
	ck_assert_uint_ne(until_hang(2), 0);
	ck_assert_str_eq(words(), "all CPUs are halted, no timer is armed");
}
END_TEST

/* A CPU that a timer wakes all the time may be seen awake in the end; it waits for a timer all the same. */
START_TEST(seen_awake_in_the_end)
{
	judge_init(1, SPEC_SECOND, true);
	sample[0] = (struct hang_sample){ .state = HANG_HALTED, .pic = true };
	board.pit_by_pic = true;
	ck_assert_uint_ne(until_hang(2), 0);
	sample[0] = spinning;
	board.pit_by_pic = false; /* which nobody looks at when no CPU is halted */
	ck_assert(next_round());
	ck_assert_str_eq(words(), "the CPU is halted, a timer is armed");
	sample[0] = halted_off;
	ck_assert(next_round());
	ck_assert_str_eq(words(), "the CPU is halted, no timer is armed");
}
END_TEST

/* What would wake the second of two halted CPUs. */
static const struct wakes {
	struct hang_sample sample;
	struct hang_board board;
	bool wakes;
	const char *with_idle;
} wakes[] = {
	{ { .state = HANG_HALTED, .timer = true }, { 0 }, true, "a timer is armed" },
	{ { .state = HANG_HALTED }, { .pit_by_io_apic = true }, true, "a timer is armed" },
	{ { .state = HANG_HALTED, .pic = true }, { .pit_by_pic = true }, true, "a timer is armed" },
	{ { .state = HANG_HALTED }, { .pit_by_pic = true }, false, "no timer is armed" },
	{ { .state = HANG_HALTED, .pic = true }, { 0 }, false, "no timer is armed" },
	{ { .state = HANG_HALTED },
	  { .listens = true },
	  true,
	  "no timer is armed, input is awaited" },
	/* Interrupts that are off wake nobody. */
	{ { .state = HANG_HALTED_OFF, .timer = true, .pic = true },
	  { .pit_by_pic = true, .pit_by_io_apic = true, .listens = true },
	  false,
	  "no timer is armed, input is awaited" },
	{ { .state = HANG_UNSTARTED }, { .pit_by_io_apic = true }, false, "no timer is armed" },
};

START_TEST(what_would_wake_a_halted_cpu)
{
	const struct wakes *w = &wakes[_i];

	judge_init(2, SPEC_SECOND, false);
	sample[0] = halted_off;
	sample[1] = w->sample;
	board = w->board;
	ck_assert_int_eq(until_hang(3) == 0, w->wakes);
}
END_TEST

START_TEST(with_idle_nothing_does)
{
	const struct wakes *w = &wakes[_i];

	judge_init(2, SPEC_SECOND, true);
	sample[0] = halted_off;
	sample[1] = w->sample;
	board = w->board;
	ck_assert_uint_ne(until_hang(3), 0);
	ck_assert_ptr_nonnull(strstr(words(), w->with_idle));
}
END_TEST

START_TEST(a_timer_that_was_armed_in_one_sample)
{
	judge_init(1, SPEC_SECOND, false);
	for (unsigned int i = 0; i < 8 * SPEC_SAMPLES; i++) {
		sample[0] = halted;
		sample[0].timer = i % 20 == 0;
		ck_assert(!next_round());
	}
}
END_TEST

START_TEST(with_idle_what_moves_still_counts)
{
	judge_init(1, SPEC_SECOND, true);
	sample[0] = halted;
	for (unsigned int i = 0; i < 8 * SPEC_SAMPLES; i++) {
		board.moves += i % 20 == 0;
		ck_assert(!next_round());
	}
}
END_TEST

START_TEST(polling_for_input)
{
	bool ended = false;

	judge_init(1, SPEC_SECOND, false);
	sample[0] = spinning;
	for (unsigned int i = 0; i < 4 * SPEC_SAMPLES; i++) {
		board.polls += 1000;
		ck_assert(!next_round());
	}
	/* It did once, and does something else now. */
	ck_assert_uint_ne(until_hang(2), 0);

	judge_init(1, SPEC_SECOND, true);
	sample[0] = spinning;
	for (unsigned int i = 0; i < 2 * SPEC_SAMPLES && !ended; i++) {
		board.polls += 1000;
		ended = next_round();
	}
	ck_assert(ended);
	ck_assert_str_eq(words(), "CPU 0 spins at 0xffffffff81012340, input is awaited");
}
END_TEST

START_TEST(each_cpu_has_to_be_stuck)
{
	judge_init(3, SPEC_SECOND, false);
	for (unsigned int i = 0; i < 4 * SPEC_SAMPLES; i++) {
		sample[0] = halted_off;
		sample[1] = spinning;
		sample[1].rip += i * FAR;
		sample[2] = spinning;
		ck_assert(!next_round());
	}
	sample[1] = unstarted;
	ck_assert_uint_ne(until_hang(2), 0);
	ck_assert_str_eq(words(), "CPU 2 spins at 0xffffffff81012340, the others do not run");
}
END_TEST

START_TEST(a_mixture_of_both)
{
	judge_init(1, SPEC_SECOND, false);
	for (unsigned int i = 0; i < SPEC_SAMPLES; i++) {
		sample[0] = i % 2 ? spinning : halted;
		(void)next_round();
	}
	ck_assert_uint_ne(until_hang(1), 0);
}
END_TEST

START_TEST(words_for_several_cpus)
{
	judge_init(2, SPEC_SECOND, false);
	sample[0] = spinning;
	sample[1] = spinning;
	sample[1].rip += FAR;
	ck_assert_uint_ne(until_hang(2), 0);
	ck_assert_str_eq(words(), "CPU 0 spins at 0xffffffff81012340, "
				  "CPU 1 spins at 0xffffffff81112340");
	judge_init(4, SPEC_SECOND, false);
	sample[0] = sample[1] = sample[2] = sample[3] = spinning;
	ck_assert_uint_ne(until_hang(2), 0);
	ck_assert_str_eq(words(), "CPU 0 spins at 0xffffffff81012340, "
				  "CPU 1 spins at 0xffffffff81012340 and 2 more");
	judge_init(2, SPEC_SECOND, false);
	sample[0] = unstarted;
	sample[1] = spinning;
	ck_assert_uint_ne(until_hang(2), 0);
	ck_assert_str_eq(words(), "CPU 1 spins at 0xffffffff81012340, the other one does not run");
}
END_TEST

START_TEST(words_that_do_not_fit_are_cut)
{
	char small[24];

	judge_init(4, SPEC_SECOND, false);
	sample[0] = sample[1] = sample[2] = sample[3] = spinning;
	ck_assert_uint_ne(until_hang(2), 0);
	memset(small, 'x', sizeof(small));
	hang_describe(&hang, small, 16);
	ck_assert_str_eq(small, "CPU 0 spins at ");
	ck_assert_int_eq(small[16], 'x');
}
END_TEST

/* "a 32nd of the time allowed, within ... and up to a quarter more" */
START_TEST(how_often)
{
	static const struct {
		uint64_t allowed_ns, least_ns;
	} spec[] = {
		{ 100 * SPEC_MS, 10 * SPEC_MS },       { 320 * SPEC_MS, 10 * SPEC_MS },
		{ 640 * SPEC_MS, 20 * SPEC_MS },       { 16 * SPEC_SECOND, 500 * SPEC_MS },
		{ 3600 * SPEC_SECOND, 500 * SPEC_MS },
	};

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		uint64_t least_ns = UINT64_MAX, most_ns = 0;

		judge_init(1, spec[i].allowed_ns, false);
		for (int round = 0; round < 100; round++) {
			uint64_t ns = hang_wait_ns(&hang);

			least_ns = ns < least_ns ? ns : least_ns;
			most_ns = ns > most_ns ? ns : most_ns;
			(void)next_round();
		}
		ck_assert_uint_ge(least_ns, spec[i].least_ns);
		ck_assert_uint_lt(most_ns, spec[i].least_ns * 5 / 4);
		/* Never in step. */
		ck_assert_uint_gt(most_ns - least_ns, spec[i].least_ns / 5);
	}
}
END_TEST

START_TEST(the_shortest_time)
{
	uint64_t took_ns;

	judge_init(1, 100 * SPEC_MS, false);
	sample[0] = spinning;
	took_ns = until_hang(3);
	ck_assert_uint_ge(took_ns, 100 * SPEC_MS);
	ck_assert_uint_le(took_ns, 140 * SPEC_MS);
}
END_TEST

START_TEST(a_host_that_stood_still)
{
	judge_init(1, SPEC_SECOND, false);
	sample[0] = spinning;
	for (unsigned int i = 0; i < 10; i++)
		ck_assert(!next_round());
	now_ns += 3600 * SPEC_SECOND;
	ck_assert(!next_round());
	ck_assert_uint_ge(until_hang(2), SPEC_SECOND / 2);
}
END_TEST

START_TEST(all_off)
{
	judge_init(2, SPEC_SECOND, false);
	ck_assert(!hang_all_off(&hang));
	sample[0] = halted_off;
	sample[1] = unstarted;
	(void)next_round();
	ck_assert(hang_all_off(&hang));
	sample[0] = halted;
	(void)next_round();
	ck_assert(!hang_all_off(&hang));
	sample[0] = halted_off;
	sample[1] = spinning;
	(void)next_round();
	ck_assert(!hang_all_off(&hang));
}
END_TEST

/* ---- the option ------------------------------------------------------------------------------ */

START_TEST(values)
{
	static const struct {
		const char *text;
		uint64_t ns;
		bool idle;
	} spec[] = {
		{ "5s", 5 * SPEC_SECOND, false },     { "5", 5 * SPEC_SECOND, false },
		{ "5s,idle", 5 * SPEC_SECOND, true }, { "100ms", 100 * SPEC_MS, false },
		{ "0.1,idle", 100 * SPEC_MS, true },  { "1h", 3600 * SPEC_SECOND, false },
	};

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		struct hang_options options = { 0 };

		ck_assert_int_eq(hang_parse(spec[i].text, &options, &e), 0);
		ck_assert_uint_eq(options.allowed_ns, spec[i].ns);
		ck_assert_int_eq(options.idle, spec[i].idle);
	}
}
END_TEST

START_TEST(values_that_are_none)
{
	static const struct {
		const char *text, *told;
	} spec[] = {
		{ "", "-hang: '' is not a time" },
		{ "idle", "'idle'" },
		{ "99ms", "at least 100ms" },
		{ "0", "out of range" },
		{ "5s,", "only ,idle may" },
		{ "5s,idler", "',idler'" },
		{ "5s,idle,idle", "',idle,idle'" },
		{ "5s idle", "not a time" },
		{ ",idle", "not a time" },
		{ "1000000000000000000000000000000000000000s", "not a time" },
		{ "999999999d", "out of range" },
	};

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		struct hang_options options = { .allowed_ns = 7 };

		ck_assert_int_eq(hang_parse(spec[i].text, &options, &e), -EINVAL);
		ck_assert_msg(strstr(e.text, spec[i].told) != NULL, "%s: %s", spec[i].text, e.text);
		ck_assert_uint_eq(options.allowed_ns, 7);
	}
}
END_TEST

/* ---- questions and answers ------------------------------------------------------------------- */

static struct run runs[CPUS_MAX];
static struct machine machine;
static struct control control;
static struct console console;
static struct chardev dev;
static struct marks marks;
static struct record_shared record;
static struct hangwatch watch;

/* A CPU that answers as soon as it is kicked, unless something keeps it outside of the guest. */
static struct fake {
	unsigned int number, kicked, taken;
	bool held_up, fails;
	struct hang_sample sample;
} fakes[CPUS_MAX];

static int fake_sample(void *ctx, struct hang_sample *to)
{
	struct fake *fake = ctx;

	fake->taken++;
	if (fake->fails)
		return -EIO;
	*to = fake->sample;
	return 0;
}

static void comes_out(struct fake *fake)
{
	hangwatch_answer(runs[fake->number].slot, fake_sample, fake);
}

static void fake_kick(void *ctx)
{
	struct fake *fake = ctx;

	fake->kicked++;
	if (!fake->held_up)
		comes_out(fake);
}

static void watch_setup(unsigned int count, bool idle)
{
	const struct hang_options options = { SPEC_SECOND, idle };
	const struct hangwatch_of of = { runs, count, &control, &console, &machine };

	memset(fakes, 0, sizeof(fakes));
	memset(&record, 0, sizeof(record));
	dev.out_fd = dev.in_fd = dev.listen_fd = -1;
	marks = (struct marks){ 0 };
	ck_assert_int_eq(control_init(&control, &marks, &e), 0);
	memset(&console, 0, sizeof(console));
	console_init(&console, &dev, &control, &marks, NULL);
	ck_assert_int_eq(machine_init(&machine, NULL, &control,
				      (struct byte_sink){ console_put, &console },
				      &(struct debugexit_config){ 0 }, &e),
			 0);
	for (unsigned int cpu = 0; cpu < count; cpu++) {
		fakes[cpu] = (struct fake){ .number = cpu, .sample = spinning };
		runs[cpu] = (struct run){
			.cpu = cpu,
			.entry = { .ctx = &fakes[cpu], .kick = fake_kick, .sample = fake_sample }
		};
	}
	ck_assert_int_eq(hangwatch_init(&watch, &options, &of, &e), 0);
}

static void watch_finish(void)
{
	hangwatch_finish(&watch);
	machine_finish(&machine);
	console_finish(&console);
	control_finish(&control);
}

/* Turns of the supervisor until the run has ended; how many, or 0: more than max. */
static unsigned int turns_to_the_end(unsigned int max)
{
	for (unsigned int turn = 1; turn <= max; turn++) {
		hangwatch_turn(&watch, watch.next_ns);
		if (control_stopped(&control))
			return turn;
	}
	return 0;
}

START_TEST(a_hang_ends_the_run)
{
	uint64_t start_ns;

	watch_setup(2, false);
	start_ns = watch.next_ns;
	ck_assert_uint_ne(turns_to_the_end(2 * SPEC_SAMPLES), 0);
	ck_assert_int_eq(control.ending.kind, ENDING_HANG);
	ck_assert_uint_eq(control.ending.detail, SPEC_SECOND);
	ck_assert_str_eq(control.ending.text, "CPU 0 spins at 0xffffffff81012340, "
					      "CPU 1 spins at 0xffffffff81012340");
	ck_assert_uint_ge(watch.next_ns - start_ns, SPEC_SECOND);
	ck_assert_uint_eq(fakes[0].kicked, fakes[1].kicked);
	watch_finish();
}
END_TEST

START_TEST(nobody_asks_before_it_is_time)
{
	uint64_t before_ns = clock_now_ns();

	watch_setup(1, false);
	ck_assert_uint_ge(watch.next_ns, before_ns + SPEC_SECOND / SPEC_SAMPLES);
	ck_assert_uint_eq(fakes[0].kicked, 0);
	comes_out(&fakes[0]); /* by itself, or for another reason */
	ck_assert_uint_eq(fakes[0].taken, 0);
	hangwatch_turn(&watch, watch.next_ns);
	ck_assert_uint_eq(fakes[0].taken, 1);
	ck_assert_uint_eq(watch.hang.turn, 0); /* nothing to be judged yet */
	comes_out(&fakes[0]);
	ck_assert_uint_eq(fakes[0].taken, 1);
	watch_finish();
}
END_TEST

START_TEST(a_cpu_that_is_held_up)
{
	watch_setup(2, false);
	fakes[1].held_up = true;
	ck_assert_uint_eq(turns_to_the_end(8 * SPEC_SAMPLES), 0);
	/* Nobody asks again meanwhile, nor kicks. */
	ck_assert_uint_eq(fakes[0].kicked, 1);
	ck_assert_uint_eq(fakes[1].kicked, 1);
	fakes[1].held_up = false;
	comes_out(&fakes[1]);
	ck_assert_uint_ge(turns_to_the_end(2 * SPEC_SAMPLES), SPEC_SAMPLES * 3 / 4);
	watch_finish();
}
END_TEST

START_TEST(a_cpu_that_kvm_tells_nothing_of)
{
	watch_setup(1, false);
	fakes[0].fails = true;
	ck_assert_uint_eq(turns_to_the_end(8 * SPEC_SAMPLES), 0);
	watch_finish();
}
END_TEST

/* All that moves, each after half of the time. */
static void console_byte(void)
{
	console_put(&console, (const uint8_t *)"x", 1);
}

static void port_write(uint64_t port, uint8_t value)
{
	bus_write(&machine.ports, port, 1, &value);
}

static void typed_byte_taken(void)
{
	port_write(0x3f8 + 4, 0x02); /* MCR: RTS */
	port_write(0x3f8 + 1, 0x01); /* IER: received data */
	machine_input(&machine, (const uint8_t *)"x", 1);
	ck_assert_uint_eq(machine.input.count, 0);
	port_write(0x3f8 + 1, 0x00);
}

static void typed_byte_left(void)
{
	machine_input(&machine, (const uint8_t *)"x", 1);
}

static void breakpoint(void)
{
	record.hits++;
}

static void initcall(void)
{
	record.initcalls++;
}

static void mark(void)
{
	record.marks++;
}

static void mark_without_room(void)
{
	record.marks_lost++;
}

static void nothing(void)
{
}

static void port_of_nobody(void)
{
	port_write(0x1234, 1);
}

static const struct moves {
	void (*happens)(void);
	bool moves;
} moves[] = {
	{ console_byte, true },
	{ typed_byte_taken, true },
	{ breakpoint, true },
	{ initcall, true },
	{ mark, true },
	{ mark_without_room, true },
	{ typed_byte_left, false },
	{ nothing, false },
	{ port_of_nobody, false },
};

START_TEST(what_moves)
{
	unsigned int still;

	watch_setup(1, false);
	console.record = &record;
	ck_assert_uint_eq(turns_to_the_end(SPEC_SAMPLES / 2), 0);
	moves[_i].happens();
	still = turns_to_the_end(2 * SPEC_SAMPLES);
	ck_assert_uint_ne(still, 0);
	ck_assert_int_eq(still > SPEC_SAMPLES * 3 / 4, moves[_i].moves);
	watch_finish();
}
END_TEST

START_TEST(waits_for_input_by_interrupt)
{
	watch_setup(1, false);
	fakes[0].sample = halted;
	port_write(0x3f8 + 1, 0x01);
	ck_assert_uint_eq(turns_to_the_end(4 * SPEC_SAMPLES), 0);
	port_write(0x3f8 + 1, 0x00);
	ck_assert_uint_ne(turns_to_the_end(2 * SPEC_SAMPLES), 0);
	ck_assert_str_eq(control.ending.text, "the CPU is halted, no timer is armed");
	watch_finish();

	watch_setup(1, true);
	fakes[0].sample = halted;
	port_write(0x3f8 + 1, 0x01);
	ck_assert_uint_ne(turns_to_the_end(2 * SPEC_SAMPLES), 0);
	watch_finish();
}
END_TEST

static void poll_for_input(unsigned int times)
{
	uint8_t status;

	for (unsigned int i = 0; i < times; i++)
		bus_read(&machine.ports, 0x3f8 + 5, 1, &status);
}

START_TEST(waits_for_input_by_polling)
{
	watch_setup(1, false);
	for (unsigned int i = 0; i < 4 * SPEC_SAMPLES; i++) {
		poll_for_input(100);
		ck_assert_uint_eq(turns_to_the_end(1), 0);
	}
	/* It no longer does. */
	ck_assert_uint_ne(turns_to_the_end(2 * SPEC_SAMPLES), 0);
	watch_finish();
}
END_TEST

START_TEST(looking_at_the_uart_is_not_polling)
{
	bool ended = false;

	watch_setup(1, false);
	for (unsigned int i = 0; i < 2 * SPEC_SAMPLES && !ended; i++) {
		poll_for_input(1);
		port_write(0x3f8 + 7, 0); /* scratch */
		ended = turns_to_the_end(1) != 0;
	}
	ck_assert(ended);
	watch_finish();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("hang");
	TCase *judge = tcase_create("judge"), *option = tcase_create("option"),
	      *questions = tcase_create("questions");

	tcase_add_test(judge, spinning_at_one_address);
	tcase_add_test(judge, spinning_in_user_space);
	tcase_add_test(judge, as_many_addresses_as_there_may_be);
	tcase_add_test(judge, sixteen_and_an_outlier);
	tcase_add_test(judge, as_far_apart_as_they_may_be);
	tcase_add_test(judge, addresses_may_come_in_any_order);
	tcase_add_test(judge, one_outlier_in_sixteen);
	tcase_add_test(judge, a_window_that_begins_with_an_outlier);
	tcase_add_test(judge, work_that_becomes_a_hang);
	tcase_add_test(judge, what_moves_begins_anew);
	tcase_add_test(judge, the_time_is_from_the_last_move);
	tcase_add_test(judge, halted_and_nothing_is_armed);
	tcase_add_test(judge, seen_awake_in_the_end);
	tcase_add_loop_test(judge, what_would_wake_a_halted_cpu, 0,
			    sizeof(wakes) / sizeof(wakes[0]));
	tcase_add_loop_test(judge, with_idle_nothing_does, 0, sizeof(wakes) / sizeof(wakes[0]));
	tcase_add_test(judge, a_timer_that_was_armed_in_one_sample);
	tcase_add_test(judge, with_idle_what_moves_still_counts);
	tcase_add_test(judge, polling_for_input);
	tcase_add_test(judge, each_cpu_has_to_be_stuck);
	tcase_add_test(judge, a_mixture_of_both);
	tcase_add_test(judge, words_for_several_cpus);
	tcase_add_test(judge, words_that_do_not_fit_are_cut);
	tcase_add_test(judge, how_often);
	tcase_add_test(judge, the_shortest_time);
	tcase_add_test(judge, a_host_that_stood_still);
	tcase_add_test(judge, all_off);
	tcase_add_test(option, values);
	tcase_add_test(option, values_that_are_none);
	tcase_add_test(questions, a_hang_ends_the_run);
	tcase_add_test(questions, nobody_asks_before_it_is_time);
	tcase_add_test(questions, a_cpu_that_is_held_up);
	tcase_add_test(questions, a_cpu_that_kvm_tells_nothing_of);
	tcase_add_loop_test(questions, what_moves, 0, sizeof(moves) / sizeof(moves[0]));
	tcase_add_test(questions, waits_for_input_by_interrupt);
	tcase_add_test(questions, waits_for_input_by_polling);
	tcase_add_test(questions, looking_at_the_uart_is_not_polling);
	suite_add_tcase(s, judge);
	suite_add_tcase(s, option);
	suite_add_tcase(s, questions);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
