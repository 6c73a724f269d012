/* SPDX-License-Identifier: MIT */
/*
 * Several CPUs on a KVM that is not there: each has a thread in the run loop, and enter() plays a
 * guest that can be kicked, sleeps (halted with interrupts off) and is woken by other CPUs. What is
 * looked at: the run has ended exactly when all sleep, who ended it is told, and no byte and no wake-up
 * is lost where CPUs meet. Meant to be built with -fsanitize=thread too.
 *
 * Authority: [KVM] KVM_RUN, KVM_EXIT_IO; exit numbers are those of <linux/kvm.h>.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/hangwatch.h"
#include "vmm/run.h"

enum {
	SPEC_PIO_OFFSET = 4096, /* where KVM puts a string instruction's data */
	SPEC_PIO_BYTES = 4096,
	SPEC_COM1 = 0x3f8,
	SPEC_COM1_IER = SPEC_COM1 + 1,
	SPEC_COM1_LSR = SPEC_COM1 + 5,
	SPEC_PORT_RESET = 0xcf9,
	SPEC_IO_IN = 0,
	SPEC_IO_OUT = 1,

	CPUS_MAX = 64,
	PASSES = 400,
	OUTS = 200,
};

#define HOUR_NS 3600000000000ULL

struct fake;

/* What the guest of a test does when it runs on a CPU: KVM_RUN's value. */
typedef int (*guest_code)(struct fake *cpu);

struct fake {
	unsigned int number;
	bool kicked; /* under world.lock, like work */
	int work;    /* what other CPUs have given it to do, or itself; 0: asleep */
	unsigned int entered;
	unsigned int step; /* the guest's own */
	union {
		struct kvm_run run;
		uint8_t bytes[SPEC_PIO_OFFSET + SPEC_PIO_BYTES];
	} page;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	guest_code guest;
	unsigned int cpus;
	int passes; /* of the token, still to come */
} world;

static struct fake fakes[CPUS_MAX];
static struct run runs[CPUS_MAX];
static struct machine machine;
static struct control control;
static struct console console;
static struct chardev dev;
static struct marks marks;
static struct hangwatch watch;
static struct err e;

/* The fake KVM. */

static int fake_enter(void *ctx)
{
	struct fake *cpu = ctx;
	bool kicked;

	(void)pthread_mutex_lock(&world.lock);
	cpu->entered++;
	while (!cpu->work && !cpu->kicked)
		(void)pthread_cond_wait(&world.changed, &world.lock);
	kicked = cpu->kicked;
	(void)pthread_mutex_unlock(&world.lock);
	return kicked ? -EINTR : world.guest(cpu);
}

static void set_kicked(struct fake *cpu, bool value)
{
	(void)pthread_mutex_lock(&world.lock);
	cpu->kicked = value;
	(void)pthread_cond_broadcast(&world.changed);
	(void)pthread_mutex_unlock(&world.lock);
}

static void fake_kick(void *ctx)
{
	set_kicked(ctx, true);
}

static void fake_unkick(void *ctx)
{
	set_kicked(ctx, false);
}

static bool fake_halted(void *ctx)
{
	const struct fake *cpu = ctx;
	bool asleep;

	(void)pthread_mutex_lock(&world.lock);
	asleep = !cpu->work;
	(void)pthread_mutex_unlock(&world.lock);
	(void)usleep(1); /* a system call, in which the others run on if they can */
	return asleep;
}

static int fake_sample(void *ctx, struct hang_sample *sample)
{
	*sample = (struct hang_sample){ .state = fake_halted(ctx) ? HANG_HALTED_OFF : HANG_RUNS,
					.rip = 0x1000 };
	return 0;
}

static void add_work(struct fake *cpu, int items)
{
	(void)pthread_mutex_lock(&world.lock);
	cpu->work += items;
	(void)pthread_cond_broadcast(&world.changed);
	(void)pthread_mutex_unlock(&world.lock);
}

static void fall_asleep(struct fake *cpu)
{
	add_work(cpu, -1);
}

static void wake(struct fake *cpu)
{
	add_work(cpu, 1);
}

/* Guests. */

static int spins(struct fake *cpu)
{
	(void)cpu;
	(void)usleep(20);
	return -EINTR;
}

static int exits(struct fake *cpu, uint8_t direction, uint16_t port, uint32_t count)
{
	cpu->page.run.exit_reason = KVM_EXIT_IO;
	cpu->page.run.io.direction = direction;
	cpu->page.run.io.size = 1;
	cpu->page.run.io.port = port;
	cpu->page.run.io.count = count;
	cpu->page.run.io.data_offset = SPEC_PIO_OFFSET;
	return 0;
}

/* The harness. */

static void setup(void)
{
	const struct debugexit_config none = { 0, 0 };

	memset(fakes, 0, sizeof(fakes));
	memset(&world, 0, sizeof(world));
	for (unsigned int i = 0; i < CPUS_MAX; i++)
		fakes[i].work = 1;
	(void)pthread_mutex_init(&world.lock, NULL);
	(void)pthread_cond_init(&world.changed, NULL);
	marks = (struct marks){ 0 };
	dev = (struct chardev){ .kind = CHARDEV_FILE,
				.in_fd = -1,
				.out_fd = open("/dev/null", O_WRONLY),
				.listen_fd = -1,
				.close_out = true };
	ck_assert_int_eq(control_init(&control, &marks, &e), 0);
	memset(&console, 0, sizeof(console));
	console_init(&console, &dev, &control, &marks, NULL);
	ck_assert_int_eq(machine_init(&machine, NULL, &control,
				      (struct byte_sink){ console_put, &console }, &none, &e),
			 0);
}

static void teardown(void)
{
	machine_finish(&machine);
	console_finish(&console);
	control_finish(&control);
	chardev_close(&dev);
}

static void *cpu_thread(void *argument)
{
	(void)run_until_end(argument);
	return NULL;
}

static void *asker(void *pause_us)
{
	while (!control_stopped(&control)) {
		control_ask_to_look(&control);
		(void)usleep(*(unsigned int *)pause_us);
	}
	return NULL;
}

static void *ends_from_outside(void *unused)
{
	(void)usleep(20000);
	control_end(&control, &(struct ending){ .kind = ENDING_TIMEOUT, .detail = 1 });
	return unused;
}

static void wire(unsigned int cpus, guest_code guest)
{
	world.cpus = cpus;
	world.guest = guest;
	for (unsigned int i = 0; i < cpus; i++) {
		fakes[i].number = i;
		runs[i] = (struct run){
			.cpu = i,
			.kvm = &fakes[i].page.run,
			.entry = { fake_enter, fake_unkick, fake_halted, &fakes[i], fake_kick, NULL,
				   fake_sample },
			.machine = &machine,
			.control = &control,
			.console = &console,
		};
	}
	control.runs = runs;
	control.cpus = cpus;
}

/*
 * Runs the guest on so many CPUs until it ends, asked every so often whether it is halted, with
 * another thread beside it, or NULL.
 */
static struct ending run_wired(unsigned int cpus, unsigned int ask_every_us,
			       void *(*beside)(void *))
{
	pthread_t threads[CPUS_MAX], asking, other;

	for (unsigned int i = 0; i < cpus; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, cpu_thread, &runs[i]), 0);
	ck_assert_int_eq(pthread_create(&asking, NULL, asker, &ask_every_us), 0);
	if (beside)
		ck_assert_int_eq(pthread_create(&other, NULL, beside, NULL), 0);
	for (unsigned int i = 0; i < cpus; i++)
		(void)pthread_join(threads[i], NULL);
	(void)pthread_join(asking, NULL);
	if (beside)
		(void)pthread_join(other, NULL);
	ck_assert(control_stopped(&control));
	return control.ending;
}

static struct ending run_all(unsigned int cpus, guest_code guest, unsigned int ask_every_us,
			     void *(*beside)(void *))
{
	wire(cpus, guest);
	return run_wired(cpus, ask_every_us, beside);
}

/* Halted for good. */

/*
 * One CPU is at work, wakes the next and goes to sleep: they are never all asleep, though each of them
 * nearly always is, before the token has been passed on often enough.
 */
static int passes_the_token(struct fake *cpu)
{
	struct fake *next = &fakes[(cpu->number * 5 + 1) % world.cpus];
	bool wakes;

	if (next == cpu)
		next = &fakes[(cpu->number + 1) % world.cpus];

	(void)usleep(cpu->number % 3 * 30);
	(void)pthread_mutex_lock(&world.lock);
	wakes = world.passes-- > 0;
	(void)pthread_mutex_unlock(&world.lock);
	if (wakes)
		wake(next);
	fall_asleep(cpu);
	return -EINTR; /* for nothing, as KVM may */
}

/* Samples are taken as often as they can be. */
static void *watches_for_hangs(void *unused)
{
	while (!control_stopped(&control)) {
		hangwatch_turn(&watch, clock_now_ns());
		(void)usleep(50);
	}
	return unused;
}

static struct ending run_all_watched(unsigned int cpus, guest_code guest, unsigned int ask_every_us,
				     uint64_t allowed_ns)
{
	const struct hangwatch_of of = { runs, cpus, &control, &console, &machine };
	struct ending ending;

	wire(cpus, guest);
	ck_assert_int_eq(
		hangwatch_init(&watch, &(struct hang_options){ allowed_ns, false }, &of, &e), 0);
	ending = run_wired(cpus, ask_every_us, watches_for_hangs);
	hangwatch_finish(&watch);
	return ending;
}

static void check_token(unsigned int cpus, unsigned int ask_every_us, bool watched)
{
	struct ending ending;

	world.passes = PASSES;
	for (unsigned int i = 1; i < cpus; i++)
		fakes[i].work = 0;
	if (watched)
		ending = run_all_watched(cpus, passes_the_token, ask_every_us, HOUR_NS);
	else
		ending = run_all(cpus, passes_the_token, ask_every_us, NULL);
	ck_assert_int_eq(ending.kind, ENDING_HALTED);
	ck_assert_msg(world.passes < 0, "%u CPUs: halted with %d passes to come", cpus,
		      world.passes);
	for (unsigned int i = 0; i < cpus; i++)
		ck_assert_int_eq(fakes[i].work, 0);
	teardown();
	setup();
}

START_TEST(halted_when_all_are_and_not_before)
{
	check_token(1, 10, false);
	for (unsigned int ask_every_us = 0; ask_every_us <= 100; ask_every_us += 50) {
		check_token(2, ask_every_us, false);
		check_token(3, ask_every_us, false);
		check_token(8, ask_every_us, false);
		check_token(40, ask_every_us, false);
	}
}
END_TEST

START_TEST(samples_do_not_disturb_the_question)
{
	check_token(1, 10, true);
	check_token(2, 10, true);
	check_token(8, 50, true);
}
END_TEST

START_TEST(a_hang_is_found_while_cpus_are_asked)
{
	struct ending ending = run_all_watched(3, spins, 50, 100000000);

	ck_assert_int_eq(ending.kind, ENDING_HANG);
	ck_assert_str_eq(ending.text, "CPU 0 spins at 0x1000, CPU 1 spins at 0x1000 and 1 more");
}
END_TEST

/* Asleep all but one, which can be awake as long as it likes. */
static int one_stays_awake(struct fake *cpu)
{
	if (cpu->number != 2)
		fall_asleep(cpu);
	else if (cpu->entered > 200)
		control_end_kind(&control, ENDING_QUIT);
	(void)usleep(100);
	return -EINTR;
}

START_TEST(one_awake_is_enough)
{
	ck_assert_int_eq(run_all(4, one_stays_awake, 10, NULL).kind, ENDING_QUIT);
	/* The one that said no is asked first, and the others are left alone. */
	ck_assert_uint_lt(fakes[0].entered + fakes[1].entered + fakes[3].entered, fakes[2].entered);
}
END_TEST

/*
 * CPU 1 does not come out when it is asked, as one that waits for room in the console; CPU 2 wakes
 * CPU 0, which must not have to wait for CPU 1. Then CPU 0 ends the run.
 */
static int wakes_beside_a_deaf_one(struct fake *cpu)
{
	static bool woken;

	if (cpu->number == 1) {
		for (int ms = 0; ms < 5000 && !control_stopped(&control); ms++)
			(void)usleep(1000);
		return -EINTR;
	}
	if (cpu->number == 2) {
		(void)usleep(200000);
		__atomic_store_n(&woken, true, __ATOMIC_SEQ_CST);
		wake(&fakes[0]);
		fall_asleep(cpu);
		return -EINTR;
	}
	if (__atomic_load_n(&woken, __ATOMIC_SEQ_CST))
		control_end_kind(&control, ENDING_QUIT);
	else
		fall_asleep(cpu);
	return -EINTR;
}

START_TEST(one_that_does_not_answer_holds_up_nobody)
{
	struct timespec begin, end;
	double s;

	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	ck_assert_int_eq(run_all(3, wakes_beside_a_deaf_one, 1000, NULL).kind, ENDING_QUIT);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	s = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
	ck_assert_msg(s < 2, "%.3f s", s);
}
END_TEST

/* CPU 0 stays outside, because CPU 1 does not answer before the run is over. */
static int deaf_beside_a_sleeper(struct fake *cpu)
{
	if (cpu->number == 0)
		fall_asleep(cpu);
	while (cpu->number == 1 && !control_stopped(&control))
		(void)usleep(100);
	return -EINTR;
}

START_TEST(an_end_reaches_one_that_waits_for_another)
{
	ck_assert_int_eq(run_all(2, deaf_beside_a_sleeper, 100, ends_from_outside).kind,
			 ENDING_TIMEOUT);
}
END_TEST

/* Who ended it. */

static int third_faults(struct fake *cpu)
{
	if (cpu->number != 2 || cpu->entered < 10)
		return spins(cpu);
	cpu->page.run.exit_reason = KVM_EXIT_SHUTDOWN;
	return 0;
}

START_TEST(the_ending_tells_the_cpu)
{
	struct ending ending = run_all(4, third_faults, 100, NULL);

	ck_assert_int_eq(ending.kind, ENDING_TRIPLE_FAULT);
	ck_assert_uint_eq(ending.cpu, 2);
}
END_TEST

static int fourth_resets(struct fake *cpu)
{
	if (cpu->number != 3 || cpu->entered < 10)
		return spins(cpu);
	cpu->page.bytes[SPEC_PIO_OFFSET] = 0x06;
	return exits(cpu, SPEC_IO_OUT, SPEC_PORT_RESET, 1);
}

START_TEST(also_when_a_device_ends_it)
{
	struct ending ending = run_all(4, fourth_resets, 100, NULL);

	ck_assert_int_eq(ending.kind, ENDING_RESET_PORT_CF9);
	ck_assert_uint_eq(ending.cpu, 3);
}
END_TEST

START_TEST(an_end_from_outside_reaches_all)
{
	struct ending ending;

	for (unsigned int i = 0; i < 20; i++)
		fakes[i].work = i % 2;
	ending = run_all(20, spins, 1000, ends_from_outside);
	ck_assert_int_eq(ending.kind, ENDING_TIMEOUT);
	ck_assert_uint_eq(ending.cpu, 0);
}
END_TEST

/* All end it at once: the first one wins, and is the only one. */
static int all_fault(struct fake *cpu)
{
	cpu->page.run.exit_reason = cpu->number % 2 ? KVM_EXIT_SHUTDOWN : KVM_EXIT_INTERNAL_ERROR;
	return 0;
}

START_TEST(one_ending_of_many)
{
	struct ending ending = run_all(32, all_fault, 100, NULL);

	ck_assert_int_eq(ending.kind,
			 ending.cpu % 2 ? ENDING_TRIPLE_FAULT : ENDING_KVM_INTERNAL_ERROR);
}
END_TEST

/* The serial port. */

/* Reads what comes and types, until the end. */
static void *user(void *unused)
{
	while (!control_stopped(&control)) {
		(void)console_flush(&console);
		if (machine_input_room(&machine))
			machine_input(&machine, (const uint8_t *)"x", 1);
		machine_input_break(&machine);
	}
	return unused;
}

/* Sends its own letter, with other registers touched in between, then sleeps. */
static int hammers(struct fake *cpu)
{
	static const uint32_t lengths[] = { 1, 16, 100, SPEC_PIO_BYTES };
	unsigned int turn = cpu->step / 3;

	if (turn == OUTS) {
		fall_asleep(cpu);
		return -EINTR;
	}
	switch (cpu->step++ % 3) {
	case 0:
		memset(cpu->page.bytes + SPEC_PIO_OFFSET, 'a' + (int)cpu->number, SPEC_PIO_BYTES);
		return exits(cpu, SPEC_IO_OUT, SPEC_COM1, lengths[turn % 4]);
	case 1:
		return exits(cpu, SPEC_IO_IN, SPEC_COM1_LSR, 16);
	default:
		cpu->page.bytes[SPEC_PIO_OFFSET] = turn % 2 ? 0x03 : 0x00;
		return exits(cpu, SPEC_IO_OUT, SPEC_COM1_IER, 1);
	}
}

START_TEST(four_on_one_serial_port)
{
	ck_assert_int_eq(run_all(4, hammers, 200, user).kind, ENDING_HALTED);
	ck_assert_uint_eq(console_bytes(&console), 4ULL * (OUTS / 4) * (1 + 16 + 100 + 4096));
}
END_TEST

/* Each exit brings as much as there can be, and nobody reads: all are held, none goes beyond. */
static int floods(struct fake *cpu)
{
	return exits(cpu, SPEC_IO_OUT, SPEC_COM1, SPEC_PIO_BYTES);
}

static void await_full_console(void)
{
	for (int ms = 0; ms < 10000 && console_has_room(&console); ms++)
		(void)usleep(1000);
}

static void *ends_when_full(void *unused)
{
	await_full_console();
	return ends_from_outside(unused);
}

START_TEST(a_full_console_holds_all)
{
	ck_assert_int_eq(run_all(CPUS_MAX, floods, 1000, ends_when_full).kind, ENDING_TIMEOUT);
	ck_assert_uint_eq(console_bytes(&console),
			  OUTLET_RING_BYTES - CONSOLE_ROOM_BYTES + SPEC_PIO_BYTES);
}
END_TEST

/* The reader makes room for all at once while each of them waits for the machine. */
static void *makes_room(void *unused)
{
	for (int i = 0; i < 3; i++) {
		await_full_console();
		(void)pthread_mutex_lock(&machine.lock);
		ck_assert_int_eq(console_flush(&console), CONSOLE_EMPTY);
		(void)usleep(50000);
		(void)pthread_mutex_unlock(&machine.lock);
	}
	return ends_when_full(unused);
}

START_TEST(room_for_one_is_not_room_for_all)
{
	ck_assert_int_eq(run_all(CPUS_MAX, floods, 1000, makes_room).kind, ENDING_TIMEOUT);
	ck_assert_uint_eq(console_bytes(&console),
			  4 * (OUTLET_RING_BYTES - CONSOLE_ROOM_BYTES + SPEC_PIO_BYTES));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		halted_when_all_are_and_not_before,
		samples_do_not_disturb_the_question,
		a_hang_is_found_while_cpus_are_asked,
		one_awake_is_enough,
		one_that_does_not_answer_holds_up_nobody,
		an_end_reaches_one_that_waits_for_another,
		the_ending_tells_the_cpu,
		also_when_a_device_ends_it,
		an_end_from_outside_reaches_all,
		one_ending_of_many,
		four_on_one_serial_port,
		a_full_console_holds_all,
		room_for_one_is_not_room_for_all,
	};
	Suite *suite = suite_create("smp");
	TCase *tcase = tcase_create("smp");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
