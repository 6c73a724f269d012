/* SPDX-License-Identifier: MIT */
/*
 * The chain of breakpoints on a kernel that is not there: stops come from a list. Addresses are free
 * inventions; the order of a kernel's landmarks is Linux's init/main.c.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/le.h"
#include "vmm/tracer.h"

enum { RAM_BYTES = 0x10000, STACK = 0x8000, CALLER = 0x4321, CPU = 3 };

static uint8_t ram[RAM_BYTES];
static const struct guest_memory memory = { .region = { { 0, RAM_BYTES, ram } } };
static struct record_shared record;
static struct tracer_plan plan;
static struct tracer tracer;
static struct err e;
static uint64_t now_ns;

static uint64_t address_of(enum phase phase)
{
	return 0xffffffff81000000 + 0x100 * (uint64_t)phase;
}

static void setup(void)
{
	memset(&plan, 0, sizeof(plan));
	ck_assert_int_eq(record_shared_init(&record, false, &e), 0);
	now_ns = 1000;
	plan.entry = 0x1000000;
	put_le64(ram + STACK, CALLER);
}

static void teardown(void)
{
	tracer_finish(&tracer);
	record_shared_finish(&record);
}

static void begin(void)
{
	tracer_init(&tracer, &plan, &record, &memory);
}

static bool stop_with(uint64_t pc, const struct vcpu_registers *registers)
{
	struct tracer_stop stop = { .cpu = CPU, .pc = pc, .registers = registers };
	bool ours;

	stop.entered_ns = now_ns;
	now_ns += 10; /* an entry and an exit */
	stop.left_ns = now_ns;
	ours = tracer_stopped(&tracer, &stop);
	now_ns += 3; /* to serve it */
	if (ours)
		tracer_goes_on(&tracer, now_ns, 3);
	return ours;
}

static bool stop_at(uint64_t pc)
{
	const struct vcpu_registers registers = { .rip = pc, .rsp = STACK };

	return stop_with(pc, &registers);
}

/* What the trial takes: the entry once, and then as often as it is measured. */
static void come_in(void)
{
	begin();
	for (int i = 0; i <= TRACER_TRIALS; i++)
		ck_assert(stop_at(plan.entry));
}

static bool is_armed(uint64_t pc)
{
	uint64_t address[VCPUDEBUG_BREAKPOINTS];
	unsigned int generation;
	size_t count = tracer_armed(&tracer, address, &generation);

	for (size_t i = 0; i < count; i++) {
		if (address[i] == pc)
			return true;
	}
	return false;
}

static size_t armed(void)
{
	uint64_t address[VCPUDEBUG_BREAKPOINTS];
	unsigned int generation;

	return tracer_armed(&tracer, address, &generation);
}

static void give(enum phase phase)
{
	plan.phase[phase] = address_of(phase);
}

static void check_hit(size_t i, enum phase phase)
{
	ck_assert_uint_lt(i, record.hits);
	ck_assert_uint_eq(record.hit[i].phase, phase);
	ck_assert_uint_eq(record.hit[i].cpu, CPU);
}

/* The first instruction. */

START_TEST(nothing_but_the_entry_at_first)
{
	give(PHASE_START_KERNEL);
	begin();
	ck_assert_uint_eq(armed(), 1);
	ck_assert(is_armed(plan.entry));
}
END_TEST

START_TEST(the_entry_measures_an_exit)
{
	come_in();
	ck_assert(!is_armed(plan.entry));
	ck_assert_uint_eq(tracer_round_trip_ns(&tracer), 10);
	ck_assert_uint_eq(record.hits, 0); /* startup_64 is elsewhere */
}
END_TEST

START_TEST(the_entry_is_startup_64)
{
	plan.phase[PHASE_STARTUP_64] = plan.entry;
	come_in();
	ck_assert_uint_eq(record.hits, 1);
	check_hit(0, PHASE_STARTUP_64);
	ck_assert_uint_eq(record.hit[0].at_ns, 1010);
}
END_TEST

START_TEST(nothing_fires_here)
{
	give(PHASE_START_KERNEL);
	begin();
	tracer_left_otherwise(&tracer);
	ck_assert_int_eq(tracer.state, TRACER_NOTHING_FIRES);
	ck_assert_uint_eq(armed(), 0);
	ck_assert_uint_eq(tracer_round_trip_ns(&tracer), 0);
}
END_TEST

/* A host where a breakpoint that stays does not fire again: the chain goes on, unmeasured. */
START_TEST(the_entry_fires_once)
{
	give(PHASE_START_KERNEL);
	begin();
	ck_assert(stop_at(plan.entry));
	tracer_left_otherwise(&tracer);
	ck_assert_int_eq(tracer.state, TRACER_WORKING);
	ck_assert(is_armed(address_of(PHASE_START_KERNEL)));
	ck_assert_uint_eq(tracer_round_trip_ns(&tracer), 0);
}
END_TEST

/* The chain. */

START_TEST(each_when_the_one_before_has_fired)
{
	for (unsigned int phase = PHASE_X86_64_START_KERNEL; phase <= PHASE_REST_INIT; phase++)
		give((enum phase)phase);
	come_in();
	for (unsigned int phase = PHASE_X86_64_START_KERNEL; phase <= PHASE_REST_INIT; phase++) {
		ck_assert(is_armed(address_of((enum phase)phase)));
		ck_assert(stop_at(address_of((enum phase)phase)));
		ck_assert(!is_armed(address_of((enum phase)phase)));
		check_hit(record.hits - 1, (enum phase)phase);
	}
	ck_assert_uint_eq(record.hits, PHASE_REST_INIT);
	ck_assert_uint_eq(armed(), 0);
}
END_TEST

START_TEST(one_that_never_comes_stops_nothing)
{
	give(PHASE_START_KERNEL);
	give(PHASE_CALIBRATE_DELAY);
	give(PHASE_VFS_CACHES_INIT);
	give(PHASE_REST_INIT);
	come_in();
	ck_assert(stop_at(address_of(PHASE_START_KERNEL)));
	ck_assert(stop_at(address_of(PHASE_REST_INIT)));
	ck_assert_uint_eq(record.hits, 2);
	check_hit(1, PHASE_REST_INIT);
	ck_assert(!is_armed(address_of(PHASE_CALIBRATE_DELAY)));
}
END_TEST

START_TEST(one_that_fired_on_a_cpu_that_was_late_is_ours)
{
	give(PHASE_START_KERNEL);
	come_in();
	ck_assert(stop_at(address_of(PHASE_START_KERNEL)));
	ck_assert(stop_at(address_of(PHASE_START_KERNEL)));
	ck_assert_uint_eq(record.hits, 1);
}
END_TEST

START_TEST(the_guests_own)
{
	give(PHASE_START_KERNEL);
	come_in();
	ck_assert(!stop_at(0xffffffff81abcdef));
	ck_assert_uint_eq(tracer.exits, TRACER_TRIALS + 1);
}
END_TEST

START_TEST(all_that_breakpoints_cost)
{
	give(PHASE_START_KERNEL);
	give(PHASE_REST_INIT);
	come_in();
	ck_assert(stop_at(address_of(PHASE_START_KERNEL)));
	ck_assert(stop_at(address_of(PHASE_REST_INIT)));
	tracer_settle(&tracer);
	/* Nine at the entry before the first, ten before the second; 10 there and back, 3 here. */
	ck_assert_uint_eq(record.hit[0].overhead_ns, 9 * 13);
	ck_assert_uint_eq(record.hit[1].overhead_ns, 10 * 13);
}
END_TEST

/* Initcalls. */

static const uint64_t DO_ONE_INITCALL = 0xffffffff81500000;

static bool call_initcall(uint64_t function)
{
	const struct vcpu_registers at = { .rip = DO_ONE_INITCALL, .rsp = STACK, .rdi = function };

	return stop_with(DO_ONE_INITCALL, &at);
}

static bool return_from_initcall(uint64_t rsp, uint64_t rax)
{
	const struct vcpu_registers at = { .rip = CALLER, .rsp = rsp, .rax = rax };

	return stop_with(CALLER, &at);
}

START_TEST(an_initcall_from_entry_to_return)
{
	plan.do_one_initcall = DO_ONE_INITCALL;
	come_in();
	ck_assert(is_armed(DO_ONE_INITCALL));
	ck_assert(call_initcall(0x1234));
	ck_assert(!is_armed(DO_ONE_INITCALL));
	ck_assert(is_armed(CALLER));
	now_ns += 500;
	ck_assert(return_from_initcall(STACK + 8, 0xffffffed)); /* -19 as an int */
	ck_assert(is_armed(DO_ONE_INITCALL));
	ck_assert_uint_eq(record.initcalls, 1);
	ck_assert_uint_eq(record.initcall[0].function, 0x1234);
	ck_assert_int_eq(record.initcall[0].result, -19);
	ck_assert_uint_eq(record.initcall[0].return_ns - record.initcall[0].enter_ns, 510);
}
END_TEST

START_TEST(a_return_on_another_stack_is_another_threads)
{
	plan.do_one_initcall = DO_ONE_INITCALL;
	come_in();
	ck_assert(call_initcall(0x1234));
	ck_assert(return_from_initcall(STACK + 0x1008, 0));
	ck_assert_uint_eq(record.initcall[0].return_ns, 0);
	ck_assert(is_armed(DO_ONE_INITCALL)); /* it goes on with the next one */
}
END_TEST

START_TEST(a_stack_that_is_not_there)
{
	const struct vcpu_registers at = { .rsp = RAM_BYTES, .rdi = 0x1234 };

	plan.do_one_initcall = DO_ONE_INITCALL;
	come_in();
	ck_assert(stop_with(DO_ONE_INITCALL, &at));
	ck_assert_uint_eq(record.initcalls, 0);
	ck_assert(!is_armed(DO_ONE_INITCALL));
}
END_TEST

START_TEST(more_initcalls_than_there_is_room_for)
{
	plan.do_one_initcall = DO_ONE_INITCALL;
	come_in();
	record.initcalls = RECORD_INITCALLS;
	ck_assert(call_initcall(0x1234));
	ck_assert_uint_eq(record.initcalls, RECORD_INITCALLS);
	ck_assert_uint_eq(record.initcalls_lost, 1);
	ck_assert(!is_armed(DO_ONE_INITCALL));
}
END_TEST

/* The first of a level begins it; with all of them watched that takes no breakpoint more. */
START_TEST(levels_come_with_the_initcalls)
{
	plan.do_one_initcall = DO_ONE_INITCALL;
	give(PHASE_INITCALLS_CORE);
	give(PHASE_INITCALLS_LATE);
	come_in();
	ck_assert(!is_armed(address_of(PHASE_INITCALLS_CORE)));
	ck_assert(call_initcall(address_of(PHASE_INITCALLS_CORE)));
	check_hit(0, PHASE_INITCALLS_CORE);
}
END_TEST

START_TEST(levels_without_the_initcalls)
{
	give(PHASE_INITCALLS_CORE);
	come_in();
	ck_assert(is_armed(address_of(PHASE_INITCALLS_CORE)));
	ck_assert(stop_at(address_of(PHASE_INITCALLS_CORE)));
	check_hit(0, PHASE_INITCALLS_CORE);
}
END_TEST

/* Unpacking, beside the chain. */

START_TEST(the_initramfs_from_begin_to_end)
{
	give(PHASE_KERNEL_INIT);
	give(PHASE_POPULATE_ROOTFS);
	give(PHASE_FREE_INITMEM);
	come_in();
	ck_assert(!is_armed(address_of(PHASE_POPULATE_ROOTFS)));
	ck_assert(stop_at(address_of(PHASE_KERNEL_INIT)));
	ck_assert(is_armed(address_of(PHASE_POPULATE_ROOTFS)));
	ck_assert(stop_at(address_of(PHASE_POPULATE_ROOTFS)));
	ck_assert(is_armed(CALLER));
	ck_assert(is_armed(address_of(PHASE_FREE_INITMEM)));
	ck_assert(stop_at(CALLER));
	check_hit(1, PHASE_POPULATE_ROOTFS);
	check_hit(2, PHASE_POPULATE_ROOTFS_END);
	ck_assert(!is_armed(CALLER));
}
END_TEST

/* User space: the address comes with start_thread(). */

START_TEST(the_first_instruction_of_user_space)
{
	const struct vcpu_registers at = { .rsp = STACK, .rsi = 0x401000 };

	plan.start_thread = 0xffffffff81600000;
	give(PHASE_KERNEL_EXECVE);
	come_in();
	ck_assert(!is_armed(plan.start_thread)); /* a helper's program is not the first process */
	ck_assert(stop_at(address_of(PHASE_KERNEL_EXECVE)));
	ck_assert(is_armed(plan.start_thread));
	ck_assert(stop_with(plan.start_thread, &at));
	ck_assert(!is_armed(plan.start_thread));
	ck_assert(is_armed(0x401000));
	ck_assert(stop_at(0x401000));
	check_hit(1, PHASE_FIRST_USER);
	ck_assert_uint_eq(armed(), 0);
}
END_TEST

START_TEST(never_more_than_there_are_registers)
{
	for (unsigned int phase = 1; phase < PHASES; phase++)
		give((enum phase)phase);
	plan.do_one_initcall = DO_ONE_INITCALL;
	plan.start_thread = 0xffffffff81600000;
	come_in();
	for (unsigned int phase = 1; phase < PHASES; phase++) {
		ck_assert_uint_le(armed(), VCPUDEBUG_BREAKPOINTS);
		ck_assert(stop_at(address_of((enum phase)phase)));
	}
}
END_TEST

START_TEST(a_change_is_told)
{
	unsigned int before;

	give(PHASE_START_KERNEL);
	come_in();
	before = tracer_generation(&tracer);
	ck_assert(stop_at(address_of(PHASE_START_KERNEL)));
	ck_assert_uint_ne(tracer_generation(&tracer), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tracer");
	TCase *tcase = tcase_create("tracer");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, nothing_but_the_entry_at_first);
	tcase_add_test(tcase, the_entry_measures_an_exit);
	tcase_add_test(tcase, the_entry_is_startup_64);
	tcase_add_test(tcase, nothing_fires_here);
	tcase_add_test(tcase, the_entry_fires_once);
	tcase_add_test(tcase, each_when_the_one_before_has_fired);
	tcase_add_test(tcase, one_that_never_comes_stops_nothing);
	tcase_add_test(tcase, one_that_fired_on_a_cpu_that_was_late_is_ours);
	tcase_add_test(tcase, the_guests_own);
	tcase_add_test(tcase, all_that_breakpoints_cost);
	tcase_add_test(tcase, an_initcall_from_entry_to_return);
	tcase_add_test(tcase, a_return_on_another_stack_is_another_threads);
	tcase_add_test(tcase, a_stack_that_is_not_there);
	tcase_add_test(tcase, more_initcalls_than_there_is_room_for);
	tcase_add_test(tcase, levels_come_with_the_initcalls);
	tcase_add_test(tcase, levels_without_the_initcalls);
	tcase_add_test(tcase, the_initramfs_from_begin_to_end);
	tcase_add_test(tcase, the_first_instruction_of_user_space);
	tcase_add_test(tcase, never_more_than_there_are_registers);
	tcase_add_test(tcase, a_change_is_told);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
