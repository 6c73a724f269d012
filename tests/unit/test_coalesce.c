/* SPDX-License-Identifier: MIT */
/*
 * The ring of coalesced writes, filled by a KVM of the test's: when it has room, what comes out of it
 * and in which order, with other writers at work.
 *
 * Authority: [KVM] "KVM_(UN)REGISTER_COALESCED_MMIO"; [LINUX] virt/kvm/coalesced_mmio.c: `last` is
 * where the next entry goes, and there is no room when `first` stands right behind it; [16550] for
 * what the registers hold.
 */
#include <check.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/coalesce.h"

enum {
	SPEC_ENTRIES = (4096 - 8) / 24,
	SPEC_COM1 = 0x3f8,
	SPEC_IER = 1,
	SPEC_FCR = 2,
	SPEC_LCR = 3,
	SPEC_MCR = 4,
	SPEC_IER_THRE = 2,
	SPEC_FCR_ENABLE = 1,
	SPEC_LCR_DLAB = 0x80,
	SPEC_MCR_LOOP = 0x10,
	SPEC_FIFO_BYTES = 16,
	ALL = 1000,
	RACE_BYTES = 200000,
};

static union {
	struct kvm_coalesced_mmio_ring ring;
	uint8_t page[4096];
} kvm;

static struct coalesce coalesce;
static struct machine machine;
static struct control control;
static struct marks marks;
static struct err e;
static uint8_t sent[1 << 20];
static size_t sent_count;

/* As KVM does: false is an exit. */
static bool guest_writes(uint8_t byte)
{
	uint32_t last = kvm.ring.last;
	struct kvm_coalesced_mmio *entry = &kvm.ring.coalesced_mmio[last];

	if ((last + 1) % SPEC_ENTRIES == __atomic_load_n(&kvm.ring.first, __ATOMIC_SEQ_CST))
		return false;
	entry->phys_addr = SPEC_COM1;
	entry->len = 1;
	entry->pio = 1;
	entry->data[0] = byte;
	__atomic_store_n(&kvm.ring.last, (last + 1) % SPEC_ENTRIES, __ATOMIC_SEQ_CST);
	return true;
}

/* How many writes are no exits. */
static int room(int most)
{
	int count = 0;

	while (count < most && guest_writes((uint8_t)('a' + count % 26)))
		count++;
	return count;
}

static void write_register(uint16_t offset, uint8_t value)
{
	bus_write(&machine.ports, SPEC_COM1 + offset, 1, &value);
}

static void keep(void *ctx, const uint8_t *bytes, size_t count)
{
	(void)ctx;
	for (size_t i = 0; i < count && sent_count < sizeof(sent); i++)
		sent[sent_count++] = bytes[i];
}

static void setup(void)
{
	memset(&kvm, 0, sizeof(kvm));
	sent_count = 0;
	marks = (struct marks){ 0 };
	ck_assert_int_eq(control_init(&control, &marks, &e), 0);
	ck_assert_int_eq(machine_init(&machine, NULL, &control, (struct byte_sink){ keep, NULL },
				      &(struct debugexit_config){ 0 }, &e),
			 0);
	coalesce_init(&coalesce, &kvm.ring, SPEC_ENTRIES);
}

static void teardown(void)
{
	machine_finish(&machine);
	control_finish(&control);
}

START_TEST(without_a_ring)
{
	struct coalesce none = { 0 };

	ck_assert(!coalesce_waiting(&none));
	coalesce_drain(&none, &machine);
	ck_assert_uint_eq(sent_count, 0);
}
END_TEST

START_TEST(no_room_unless_somebody_looks)
{
	ck_assert_int_eq(room(ALL), 0);
	coalesce_told(&coalesce, &machine);
	ck_assert_int_eq(room(ALL), 0);
	ck_assert(coalesce_watch(&coalesce, true));
	ck_assert_int_eq(room(ALL), 0); /* it has not been told yet */
	ck_assert(!coalesce_waiting(&coalesce));
}
END_TEST

START_TEST(as_much_as_the_transmitter_takes)
{
	(void)coalesce_watch(&coalesce, true);
	coalesce_told(&coalesce, &machine);
	ck_assert_int_eq(room(ALL), 1);
	ck_assert(coalesce_waiting(&coalesce));
	coalesce_drain(&coalesce, &machine);
	ck_assert(!coalesce_waiting(&coalesce));
	ck_assert_int_eq(room(ALL), 0); /* not before it looks again */
	write_register(SPEC_FCR, SPEC_FCR_ENABLE);
	coalesce_told(&coalesce, &machine);
	ck_assert_int_eq(room(ALL), SPEC_FIFO_BYTES);
	coalesce_drain(&coalesce, &machine);
	ck_assert_uint_eq(sent_count, 1 + SPEC_FIFO_BYTES);
	ck_assert_mem_eq(sent, "aabcdefghijklmnop", sent_count);
	ck_assert_uint_eq(coalesce.bytes, sent_count);
}
END_TEST

START_TEST(what_is_not_to_be_sent_is_an_exit)
{
	(void)coalesce_watch(&coalesce, true);
	write_register(SPEC_MCR, SPEC_MCR_LOOP);
	coalesce_told(&coalesce, &machine);
	ck_assert_int_eq(room(ALL), 0);
	write_register(SPEC_MCR, 0);
	write_register(SPEC_LCR, SPEC_LCR_DLAB);
	coalesce_told(&coalesce, &machine);
	ck_assert_int_eq(room(ALL), 0);
}
END_TEST

/* Told before DLAB was set: the divisor comes by the ring, and is one when it is drained. */
START_TEST(the_divisor_by_the_ring)
{
	(void)coalesce_watch(&coalesce, true);
	coalesce_told(&coalesce, &machine);
	write_register(SPEC_LCR, SPEC_LCR_DLAB);
	ck_assert_int_eq(room(ALL), 1);
	coalesce_drain(&coalesce, &machine);
	write_register(SPEC_LCR, 0);
	ck_assert_uint_eq(sent_count, 0);
	ck_assert_uint_eq(machine.uart.state.dll, 'a');
}
END_TEST

START_TEST(who_waits_for_an_interrupt_leaves_for_the_last_byte)
{
	(void)coalesce_watch(&coalesce, true);
	write_register(SPEC_FCR, SPEC_FCR_ENABLE);
	coalesce_found(&coalesce, &machine); /* no interrupt is wanted: it does not wait */
	write_register(SPEC_IER, SPEC_IER_THRE);
	coalesce_told(&coalesce, &machine);
	ck_assert_int_eq(room(ALL), SPEC_FIFO_BYTES);
	coalesce_found(&coalesce, &machine);
	coalesce_drain(&coalesce, &machine);
	coalesce_told(&coalesce, &machine);
	ck_assert_int_eq(room(ALL), SPEC_FIFO_BYTES); /* once is no habit */
	coalesce_drain(&coalesce, &machine);
	write_register(SPEC_IER, 0); /* what the kernel's console sends meanwhile tells nothing */
	coalesce_told(&coalesce, &machine);
	ck_assert_int_eq(room(1), 1);
	coalesce_drain(&coalesce, &machine);
	coalesce_told(&coalesce, &machine);
	write_register(SPEC_IER, SPEC_IER_THRE);
	coalesce_found(&coalesce, &machine);
	coalesce_drain(&coalesce, &machine);
	coalesce_told(&coalesce, &machine);
	ck_assert_int_eq(room(ALL), SPEC_FIFO_BYTES - 1);
	coalesce_drain(&coalesce, &machine);
	write_register(SPEC_IER, 0); /* the kernel's console does that */
	coalesce_told(&coalesce, &machine);
	ck_assert_int_eq(room(ALL), SPEC_FIFO_BYTES);
}
END_TEST

/* It looks behind its bytes by itself, and whoever looks comes between now and then. */
START_TEST(who_looks_by_itself_does_not_wait)
{
	(void)coalesce_watch(&coalesce, true);
	write_register(SPEC_FCR, SPEC_FCR_ENABLE);
	write_register(SPEC_IER, SPEC_IER_THRE);
	coalesce_told(&coalesce, &machine);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(room(ALL), SPEC_FIFO_BYTES);
		coalesce_found(&coalesce, &machine);
		coalesce_drain(&coalesce, &machine);
		coalesce_told(&coalesce, &machine);
		ck_assert_int_eq(room(ALL), SPEC_FIFO_BYTES);
		coalesce_drain(&coalesce, &machine);
		coalesce_told(&coalesce, &machine);
	}
	ck_assert(!coalesce.waits);
}
END_TEST

START_TEST(the_room_is_taken_back)
{
	(void)coalesce_watch(&coalesce, true);
	write_register(SPEC_FCR, SPEC_FCR_ENABLE);
	coalesce_told(&coalesce, &machine);
	ck_assert_int_eq(room(3), 3);
	ck_assert(!coalesce_watch(&coalesce, false)); /* not over what is in it */
	ck_assert(coalesce.watched);
	coalesce_drain(&coalesce, &machine);
	ck_assert_uint_eq(sent_count, 3);
	ck_assert(coalesce_watch(&coalesce, false));
	ck_assert_int_eq(room(ALL), 0);
	ck_assert(!coalesce_waiting(&coalesce));
	coalesce_told(&coalesce, &machine);
	ck_assert_int_eq(room(ALL), 0);
}
END_TEST

/* The room is closed behind a byte that the guest has just sent: KVM takes the ring for an empty one. */
START_TEST(all_the_way_round)
{
	(void)coalesce_watch(&coalesce, true);
	write_register(SPEC_FCR, SPEC_FCR_ENABLE);
	coalesce_told(&coalesce, &machine);
	ck_assert_int_eq(room(1), 1);
	kvm.ring.first = (coalesce.taken + 1) % SPEC_ENTRIES;
	ck_assert_int_eq(room(ALL), SPEC_ENTRIES - 1);
	ck_assert_uint_eq(kvm.ring.last, coalesce.taken);
	ck_assert(coalesce_waiting(&coalesce));
	ck_assert(!coalesce_watch(&coalesce, false));
	coalesce_drain(&coalesce, &machine);
	ck_assert_uint_eq(sent_count, SPEC_ENTRIES);
	ck_assert(!coalesce_waiting(&coalesce));
	ck_assert(coalesce_watch(&coalesce, false));
	ck_assert_int_eq(room(ALL), 0);
}
END_TEST

START_TEST(round_and_round)
{
	size_t wanted = 0;

	(void)coalesce_watch(&coalesce, true);
	write_register(SPEC_FCR, SPEC_FCR_ENABLE);
	for (int i = 0; i < 3 * SPEC_ENTRIES; i++) {
		int bytes = 1 + i % SPEC_FIFO_BYTES;

		coalesce_told(&coalesce, &machine);
		ck_assert_int_eq(room(bytes), bytes);
		coalesce_drain(&coalesce, &machine);
		for (int b = 0; b < bytes; b++, wanted++)
			ck_assert_int_eq(sent[wanted], 'a' + b);
		ck_assert_uint_eq(sent_count, wanted);
	}
}
END_TEST

/* KVM's memory is believed, but not its numbers. */
START_TEST(a_number_that_is_none)
{
	kvm.ring.last = SPEC_ENTRIES;
	coalesce_drain(&coalesce, &machine);
	ck_assert_uint_eq(sent_count, 0);
}
END_TEST

/* The writer wants the lock: who takes it again and again lets it go first, which no mutex does by itself. */
static bool writer_waits;

/* A guest CPU that writes all the time, whatever the others' threads do with the ring. */
static void *write_all(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < RACE_BYTES;) {
		if (guest_writes((uint8_t)i)) {
			i++;
			continue;
		}
		__atomic_store_n(&writer_waits, true, __ATOMIC_SEQ_CST);
		(void)pthread_mutex_lock(&machine.lock);
		__atomic_store_n(&writer_waits, false, __ATOMIC_SEQ_CST);
		coalesce_drain(&coalesce, &machine);
		write_register(0, (uint8_t)i++);
		coalesce_told(&coalesce, &machine);
		(void)pthread_mutex_unlock(&machine.lock);
	}
	return NULL;
}

START_TEST(nothing_is_lost_when_room_comes_and_goes)
{
	pthread_t writer;

	write_register(SPEC_FCR, SPEC_FCR_ENABLE);
	(void)coalesce_watch(&coalesce, true);
	ck_assert_int_eq(pthread_create(&writer, NULL, write_all, NULL), 0);
	while (__atomic_load_n(&coalesce.bytes, __ATOMIC_RELAXED) == 0)
		(void)sched_yield();
	for (bool watched = false; __atomic_load_n(&sent_count, __ATOMIC_RELAXED) < RACE_BYTES;
	     watched = !watched) {
		while (__atomic_load_n(&writer_waits, __ATOMIC_SEQ_CST))
			(void)sched_yield();
		(void)pthread_mutex_lock(&machine.lock);
		coalesce_drain(&coalesce, &machine);
		(void)coalesce_watch(&coalesce, watched);
		(void)pthread_mutex_unlock(&machine.lock);
	}
	(void)pthread_join(writer, NULL);
	ck_assert_uint_eq(sent_count, RACE_BYTES);
	for (size_t i = 0; i < RACE_BYTES; i++)
		ck_assert_uint_eq(sent[i], (uint8_t)i);
	ck_assert_uint_gt(coalesce.bytes, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("coalesce");
	TCase *tcase = tcase_create("coalesce");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, without_a_ring);
	tcase_add_test(tcase, no_room_unless_somebody_looks);
	tcase_add_test(tcase, as_much_as_the_transmitter_takes);
	tcase_add_test(tcase, what_is_not_to_be_sent_is_an_exit);
	tcase_add_test(tcase, the_divisor_by_the_ring);
	tcase_add_test(tcase, who_waits_for_an_interrupt_leaves_for_the_last_byte);
	tcase_add_test(tcase, who_looks_by_itself_does_not_wait);
	tcase_add_test(tcase, the_room_is_taken_back);
	tcase_add_test(tcase, all_the_way_round);
	tcase_add_test(tcase, round_and_round);
	tcase_add_test(tcase, a_number_that_is_none);
	tcase_add_test(tcase, nothing_is_lost_when_room_comes_and_goes);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
