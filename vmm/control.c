/* SPDX-License-Identifier: MIT */
#include "vmm/control.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/run.h"

/* A CPU that was asked and has not answered for so long is held up, by a full console say. */
#define ANSWER_NS 50000000ULL

static _Thread_local unsigned int this_cpu;

int control_init(struct control *control, struct marks *marks, struct err *e)
{
	memset(control, 0, sizeof(*control));
	control->marks = marks;
	control->turn = CONTROL_NOBODY;
	(void)pthread_mutex_init(&control->lock, NULL);
	(void)pthread_cond_init(&control->over, NULL);
	control->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (control->wake_fd < 0)
		return err_sys(e, errno, "no event descriptor can be had");
	return 0;
}

void control_finish(struct control *control)
{
	if (control->wake_fd >= 0)
		(void)close(control->wake_fd);
	control->wake_fd = -1;
	(void)pthread_cond_destroy(&control->over);
	(void)pthread_mutex_destroy(&control->lock);
}

void control_is_cpu(unsigned int cpu)
{
	this_cpu = cpu;
}

static void kick(const struct control *control, unsigned int cpu)
{
	const struct run_entry *entry = &control->runs[cpu].entry;

	if (entry->kick)
		entry->kick(entry->ctx);
}

void control_end(struct control *control, const struct ending *ending)
{
	(void)pthread_mutex_lock(&control->lock);
	if (control->ending.kind == ENDING_NONE) {
		mark_now(control->marks, MARK_END);
		control->ending = *ending;
		control->ending.cpu = this_cpu;
		__atomic_store_n(&control->stop, true, __ATOMIC_RELEASE);
		(void)pthread_cond_broadcast(&control->over);
	}
	(void)pthread_mutex_unlock(&control->lock);
	for (unsigned int cpu = 0; cpu < control->cpus; cpu++)
		kick(control, cpu);
	control_wake(control);
}

void control_end_kind(struct control *control, enum ending_kind kind)
{
	control_end(control, &(struct ending){ .kind = kind });
}

/* What follows is called with the lock held. */

static void give_turn(struct control *control, unsigned int cpu)
{
	control->turn_ns = clock_now_ns();
	__atomic_store_n(&control->turn, (int)cpu, __ATOMIC_SEQ_CST);
	kick(control, cpu);
}

static void end_round(struct control *control)
{
	__atomic_store_n(&control->turn, CONTROL_NOBODY, __ATOMIC_SEQ_CST);
	control->round++;
	(void)pthread_cond_broadcast(&control->over);
}

static bool halted_for_good(struct control *control, unsigned int cpu)
{
	const struct run_entry *entry = &control->runs[cpu].entry;
	bool halted = entry->halted_for_good(entry->ctx);

	if (!halted)
		control->first = cpu;
	return halted;
}

static bool all_halted_for_good(struct control *control)
{
	for (unsigned int cpu = 0; cpu < control->cpus; cpu++) {
		if (!halted_for_good(control, cpu))
			return false;
	}
	return true;
}

static void wait_for_end_of_round(struct control *control)
{
	uint64_t round = control->round;

	while (control->round == round && !control_stopped(control))
		(void)pthread_cond_wait(&control->over, &control->lock);
}

static bool take_turn(struct control *control, unsigned int cpu)
{
	bool halted = halted_for_good(control, cpu);
	unsigned int next = (cpu + 1) % control->cpus;

	if (halted && next != control->first) {
		give_turn(control, next);
		wait_for_end_of_round(control);
		return false;
	}
	/* A single CPU has just said it; of several the first one has said it a while ago. */
	if (halted && control->cpus > 1)
		halted = all_halted_for_good(control);
	end_round(control);
	return halted;
}

void control_ask_to_look(struct control *control)
{
	(void)pthread_mutex_lock(&control->lock);
	if (control->cpus && !control_looking(control))
		give_turn(control, control->first);
	else if (control->cpus && clock_now_ns() - control->turn_ns > ANSWER_NS)
		end_round(control);
	(void)pthread_mutex_unlock(&control->lock);
}

bool control_look(struct control *control, unsigned int cpu)
{
	bool all_halted = false;

	if (__atomic_load_n(&control->turn, __ATOMIC_SEQ_CST) != (int)cpu)
		return false;
	(void)pthread_mutex_lock(&control->lock);
	if (control->turn == (int)cpu)
		all_halted = take_turn(control, cpu);
	(void)pthread_mutex_unlock(&control->lock);
	return all_halted;
}

void control_wake(struct control *control)
{
	uint64_t one = 1;

	(void)!write(control->wake_fd, &one, sizeof(one)); /* full means: it is awake already */
}

void control_clear_wake(struct control *control)
{
	uint64_t count;

	(void)!read(control->wake_fd, &count, sizeof(count));
}
