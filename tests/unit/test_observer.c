/* SPDX-License-Identifier: MIT */
/*
 * Who looks on, in a run loop without KVM: exits come from a list, debug registers are an array. What has to
 * be noted of each exit is what <linux/kvm.h> says that it is.
 */
#include <check.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/run.h"

enum { PIO_OFFSET = 4096, COM1 = 0x3f8, ENTRY = 0x1000000, STEPS_MAX = 32 };

static union {
	struct kvm_run run;
	uint8_t bytes[PIO_OFFSET + 64];
} page;

struct step {
	int rc;
	uint32_t reason;
	uint64_t pc; /* KVM_EXIT_DEBUG */
	uint16_t port;
	uint8_t size, out;
};

static struct {
	struct step step[STEPS_MAX];
	int steps, at;
	uint64_t set[VCPUDEBUG_BREAKPOINTS];
	size_t sets;
	int reinjected, int3s;
	uint64_t rip;
} fake;

static struct run run;
static struct machine machine;
static struct control control;
static struct marks marks;
static struct observer observer;
static struct record record;
static struct record_shared shared;
static struct tracer tracer;
static struct err e;
static uint8_t ram[4096];
static const struct guest_memory memory = { .region = { { 0, sizeof(ram), ram } } };

static int fake_enter(void *ctx)
{
	const struct step *s = &fake.step[fake.at];

	(void)ctx;
	if (fake.at == fake.steps) {
		control_end_kind(&control, ENDING_QUIT);
		return -EINTR;
	}
	fake.at++;
	page.run.exit_reason = s->reason;
	if (s->reason == KVM_EXIT_DEBUG)
		page.run.debug.arch.pc = s->pc;
	if (s->reason == KVM_EXIT_IO) {
		page.run.io.port = s->port;
		page.run.io.size = s->size;
		page.run.io.count = 1;
		page.run.io.direction = s->out ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
		page.run.io.data_offset = PIO_OFFSET;
	}
	if (s->reason == KVM_EXIT_INTERNAL_ERROR) {
		page.run.internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
		page.run.emulation_failure.ndata = 3;
		page.run.emulation_failure.flags =
			KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
		page.run.emulation_failure.insn_size = 1;
		page.run.emulation_failure.insn_bytes[0] = (uint8_t)s->pc;
	}
	return s->rc;
}

static void fake_unkick(void *ctx)
{
	(void)ctx;
}

static bool fake_halted(void *ctx)
{
	(void)ctx;
	return false;
}

static int fake_set(void *ctx, const uint64_t *address, size_t count, bool reinject)
{
	(void)ctx;
	memcpy(fake.set, address, count * sizeof(*address));
	fake.sets = count;
	fake.reinjected += reinject;
	return 0;
}

static int fake_registers(void *ctx, struct vcpu_registers *registers)
{
	(void)ctx;
	*registers = (struct vcpu_registers){ .rip = fake.rip, .rsp = 0x800 };
	return 0;
}

static int fake_int3(void *ctx)
{
	(void)ctx;
	fake.int3s++;
	return 0;
}

static const struct observer_cpu fake_cpu = { fake_set, fake_registers, fake_int3 };

static void setup(void)
{
	memset(&page, 0, sizeof(page));
	memset(&fake, 0, sizeof(fake));
	fake.rip = 0x1234;
	marks = (struct marks){ 0 };
	ck_assert_int_eq(control_init(&control, &marks, &e), 0);
	ck_assert_int_eq(machine_init(&machine, NULL, &control, (struct byte_sink){ NULL, NULL },
				      &(struct debugexit_config){ 0 }, &e),
			 0);
	ck_assert_int_eq(record_init(&record, true, true, true, &e), 0);
	ck_assert_int_eq(record_shared_init(&shared, false, &e), 0);
	tracer_init(&tracer,
		    &(struct tracer_plan){ .entry = ENTRY,
					   .phase[PHASE_START_KERNEL] = 0xffffffff81000100 },
		    &shared, &memory);
	observer = (struct observer){ .record = &record,
				      .shared = &shared,
				      .marks = &marks,
				      .tracer = &tracer,
				      .memory = &memory,
				      .debug = &fake_cpu };
	run = (struct run){ .kvm = &page.run,
			    .entry = { fake_enter, fake_unkick, fake_halted, NULL, NULL,
				       &fake_cpu },
			    .machine = &machine,
			    .control = &control,
			    .observer = &observer };
	control.runs = &run;
	control.cpus = 1;
}

static void teardown(void)
{
	tracer_finish(&tracer);
	record_finish(&record);
	record_shared_finish(&shared);
	machine_finish(&machine);
	control_finish(&control);
}

static void add(struct step step)
{
	ck_assert_int_lt(fake.steps, STEPS_MAX);
	fake.step[fake.steps++] = step;
}

static void add_io(uint16_t port, uint8_t out)
{
	add((struct step){ .reason = KVM_EXIT_IO, .port = port, .size = 1, .out = out });
}

static void go(void)
{
	observer_begin(&observer, NULL);
	(void)run_until_end(&run);
	observer_end(&observer);
}

START_TEST(an_exit_is_noted_as_it_was)
{
	const struct record_exit *exit = record.exit;

	add_io(COM1, 1);
	add_io(COM1 + 5, 0);
	go();
	ck_assert_uint_eq(record.exits, 3); /* the last one is the end's kick */
	ck_assert_uint_eq(exit[0].kind, RECORD_EXIT_PIO);
	ck_assert_uint_eq(exit[0].address, COM1);
	ck_assert_uint_eq(exit[0].out, 1);
	ck_assert_uint_eq(exit[0].size, 1);
	ck_assert_uint_eq(exit[1].address, COM1 + 5);
	ck_assert_uint_eq(exit[1].out, 0);
	ck_assert_uint_eq(exit[2].kind, RECORD_EXIT_KICK);
	ck_assert_uint_ge(exit[1].left_ns, exit[0].left_ns + exit[0].served_ns);
	ck_assert_uint_gt(exit[0].served_ns, 0);
}
END_TEST

START_TEST(a_full_table_counts_on)
{
	record.exits = RECORD_EXITS;
	add_io(COM1, 1);
	add_io(COM1, 1);
	go();
	ck_assert_uint_eq(record.exits, RECORD_EXITS);
	ck_assert_uint_eq(record.exits_lost, 3);
}
END_TEST

START_TEST(the_first_breakpoint_is_set_before_the_first_entry)
{
	add((struct step){ .reason = KVM_EXIT_DEBUG, .pc = ENTRY });
	fake.steps = 0;
	go();
	ck_assert_uint_eq(fake.sets, 1);
	ck_assert_uint_eq(fake.set[0], ENTRY);
}
END_TEST

START_TEST(breakpoints_follow_the_chain)
{
	for (int i = 0; i <= TRACER_TRIALS; i++)
		add((struct step){ .reason = KVM_EXIT_DEBUG, .pc = ENTRY });
	add((struct step){ .reason = KVM_EXIT_DEBUG, .pc = 0xffffffff81000100 });
	go();
	ck_assert_uint_eq(shared.hits, 1);
	ck_assert_uint_eq(shared.hit[0].phase, PHASE_START_KERNEL);
	ck_assert_uint_eq(fake.sets, 0); /* nothing is left to wait for */
	ck_assert_int_eq(fake.reinjected, 0);
	ck_assert_uint_eq(run.exits, TRACER_TRIALS + 2);
}
END_TEST

START_TEST(where_nothing_fires_nothing_stays_set)
{
	add_io(COM1, 1);
	add_io(COM1, 1);
	go();
	ck_assert_int_eq(tracer.state, TRACER_NOTHING_FIRES);
	ck_assert_uint_eq(fake.sets, 0);
}
END_TEST

/* A kick says nothing of breakpoints: the guest may not have got to its first instruction. */
START_TEST(a_kick_at_first_is_no_answer)
{
	fake.rip = ENTRY;
	add((struct step){ .rc = -EINTR });
	add((struct step){ .reason = KVM_EXIT_DEBUG, .pc = ENTRY });
	go();
	ck_assert_int_eq(tracer.state, TRACER_MEASURING);
}
END_TEST

/* Unless the guest has run on. */
START_TEST(a_kick_behind_the_entry_is)
{
	add((struct step){ .rc = -EINTR });
	go();
	ck_assert_int_eq(tracer.state, TRACER_NOTHING_FIRES);
}
END_TEST

/* [KVM] KVM_SET_GUEST_DEBUG: with breakpoints of ours, the guest's debug exceptions come here. */
START_TEST(the_guests_own_goes_back_to_it)
{
	add((struct step){ .reason = KVM_EXIT_DEBUG, .pc = 0xffffffff81abcdef });
	add_io(COM1, 1);
	go();
	ck_assert_int_eq(fake.reinjected, 1);
}
END_TEST

START_TEST(int3_that_kvm_cannot_do)
{
	add((struct step){ .reason = KVM_EXIT_INTERNAL_ERROR, .pc = 0xcc });
	add_io(COM1, 1);
	go();
	ck_assert_int_eq(fake.int3s, 1);
	ck_assert_int_eq(control.ending.kind, ENDING_QUIT);
}
END_TEST

START_TEST(another_instruction_that_kvm_cannot_do)
{
	add((struct step){ .reason = KVM_EXIT_INTERNAL_ERROR, .pc = 0x0f });
	go();
	ck_assert_int_eq(fake.int3s, 0);
	ck_assert_int_eq(control.ending.kind, ENDING_KVM_INTERNAL_ERROR);
}
END_TEST

START_TEST(a_sample_that_is_due)
{
	add((struct step){ .rc = -EINTR });
	observer.sample_due = 1;
	go();
	ck_assert_uint_eq(record.samples, 1);
	ck_assert_uint_eq(record.sample[0].rip, 0x1234);
	ck_assert_uint_eq(record.sample[0].stack_bytes, RECORD_STACK_BYTES);
}
END_TEST

START_TEST(a_kick_without_a_sample)
{
	add((struct step){ .rc = -EINTR });
	go();
	ck_assert_uint_eq(record.samples, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("observer");
	TCase *tcase = tcase_create("run loop");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_exit_is_noted_as_it_was);
	tcase_add_test(tcase, a_full_table_counts_on);
	tcase_add_test(tcase, the_first_breakpoint_is_set_before_the_first_entry);
	tcase_add_test(tcase, breakpoints_follow_the_chain);
	tcase_add_test(tcase, where_nothing_fires_nothing_stays_set);
	tcase_add_test(tcase, a_kick_at_first_is_no_answer);
	tcase_add_test(tcase, a_kick_behind_the_entry_is);
	tcase_add_test(tcase, the_guests_own_goes_back_to_it);
	tcase_add_test(tcase, int3_that_kvm_cannot_do);
	tcase_add_test(tcase, another_instruction_that_kvm_cannot_do);
	tcase_add_test(tcase, a_sample_that_is_due);
	tcase_add_test(tcase, a_kick_without_a_sample);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
