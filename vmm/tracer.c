/* SPDX-License-Identifier: MIT */
#include "vmm/tracer.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/base/le.h"
#include "vmm/inside/space.h"

/* The chain ends before it; what comes behind it in enum phase is not in order. */
#define CHAIN_END ((unsigned int)PHASE_FIRST_USER)

static bool is_level(unsigned int phase)
{
	return phase == PHASE_INITCALLS_EARLY ||
	       (phase >= PHASE_INITCALLS_PURE && phase <= PHASE_INITCALLS_LATE);
}

/* ---- what is watched ------------------------------------------------------------------------- */

static void add(struct tracer *t, uint64_t address)
{
	if (!address || t->arms == VCPUDEBUG_BREAKPOINTS)
		return;
	for (size_t i = 0; i < t->arms; i++) {
		if (t->armed[i] == address)
			return;
	}
	t->armed[t->arms++] = address;
}

/* The initramfs is unpacked behind the level that asks for it, or in a thread from there on. */
static bool rootfs_is_near(const struct tracer *t)
{
	return t->fired[PHASE_KERNEL_INIT] || t->next > PHASE_KERNEL_INIT;
}

static void add_tracks(struct tracer *t)
{
	if (t->in_initcall)
		add(t, t->initcall_return);
	else
		add(t, t->plan.do_one_initcall);
	if (t->rootfs_return)
		add(t, t->rootfs_return);
	else if (!t->fired[PHASE_POPULATE_ROOTFS] && rootfs_is_near(t))
		add(t, t->plan.phase[PHASE_POPULATE_ROOTFS]);
	if (!t->fired[PHASE_FIRST_USER] && t->fired[PHASE_KERNEL_EXECVE])
		add(t, t->user_entry ? t->user_entry : t->plan.start_thread);
}

static void arm(struct tracer *t)
{
	t->arms = 0;
	if (t->state == TRACER_TRYING || t->state == TRACER_MEASURING)
		add(t, t->plan.entry);
	if (t->state == TRACER_WORKING) {
		add_tracks(t);
		for (unsigned int phase = t->next; phase < CHAIN_END; phase++) {
			/* With all initcalls the first of a level is one of them. */
			if (!(t->plan.do_one_initcall && is_level(phase)))
				add(t, t->plan.phase[phase]);
		}
	}
	(void)__atomic_add_fetch(&t->generation, 1, __ATOMIC_RELEASE);
}

void tracer_init(struct tracer *tracer, const struct tracer_plan *plan,
		 struct record_shared *record, const struct guest_memory *memory)
{
	memset(tracer, 0, sizeof(*tracer));
	(void)pthread_mutex_init(&tracer->lock, NULL);
	tracer->plan = *plan;
	tracer->record = record;
	tracer->memory = memory;
	arm(tracer);
}

void tracer_finish(struct tracer *tracer)
{
	(void)pthread_mutex_destroy(&tracer->lock);
}

size_t tracer_armed(struct tracer *tracer, uint64_t address[VCPUDEBUG_BREAKPOINTS],
		    unsigned int *generation)
{
	size_t count;

	(void)pthread_mutex_lock(&tracer->lock);
	count = tracer->arms;
	memcpy(address, tracer->armed, sizeof(tracer->armed));
	*generation = tracer->generation;
	(void)pthread_mutex_unlock(&tracer->lock);
	return count;
}

/* ---- what it means that one fired ------------------------------------------------------------ */

static void record_hit(struct tracer *t, enum phase phase, const struct tracer_stop *stop)
{
	struct record_shared *record = t->record;

	t->fired[phase] = true;
	if ((unsigned int)phase < CHAIN_END)
		t->next = phase + 1;
	if (record->hits == RECORD_HITS)
		return;
	t->exits_before[record->hits] = t->exits;
	record->hit[record->hits] = (struct record_hit){
		.at_ns = stop->left_ns,
		.tsc = stop->tsc,
		.overhead_ns = t->served_ns,
		.phase = (uint16_t)phase,
		.cpu = (uint16_t)stop->cpu,
	};
	__atomic_store_n(&record->hits, record->hits + 1, __ATOMIC_RELEASE);
}

/*
 * At a function's first instruction the stack's top is where it returns to; 0: it cannot be read.
 */
static uint64_t return_address(const struct tracer *t, const struct vcpu_registers *registers)
{
	const struct space space = {
		.memory = t->memory,
		.cr3 = registers->cr3,
		.paging = registers->paging,
		.five_levels = registers->five_levels,
	};
	uint8_t word[8];

	return space_read(&space, registers->rsp, word, sizeof(word)) ? get_le64(word) : 0;
}

static bool at_entry(struct tracer *t, const struct tracer_stop *stop)
{
	if (stop->pc != t->plan.entry || t->state == TRACER_WORKING)
		return false;
	if (t->state == TRACER_TRYING) {
		t->state = TRACER_MEASURING;
		if (stop->pc == t->plan.phase[PHASE_STARTUP_64])
			record_hit(t, PHASE_STARTUP_64, stop);
		return true;
	}
	t->trial_ns[t->trials++] = stop->left_ns - stop->entered_ns;
	if (t->trials == TRACER_TRIALS)
		t->state = TRACER_WORKING;
	return true;
}

static bool at_chain(struct tracer *t, const struct tracer_stop *stop)
{
	for (unsigned int phase = t->next; phase < CHAIN_END; phase++) {
		if (t->plan.phase[phase] == stop->pc && !t->fired[phase]) {
			record_hit(t, (enum phase)phase, stop);
			return true;
		}
	}
	return false;
}

/* The first initcall of a level begins the level. */
static void note_level(struct tracer *t, uint64_t function, const struct tracer_stop *stop)
{
	for (unsigned int phase = t->next; phase < CHAIN_END; phase++) {
		if (is_level(phase) && t->plan.phase[phase] == function) {
			record_hit(t, (enum phase)phase, stop);
			return;
		}
	}
}

static void enter_initcall(struct tracer *t, const struct tracer_stop *stop)
{
	struct record_shared *record = t->record;

	note_level(t, stop->registers->rdi, stop);
	if (record->initcalls == RECORD_INITCALLS) {
		record->initcalls_lost++;
		t->plan.do_one_initcall = 0;
		return;
	}
	t->initcall_return = return_address(t, stop->registers);
	t->initcall_rsp = stop->registers->rsp;
	t->in_initcall = t->initcall_return != 0;
	if (!t->in_initcall) {
		t->plan.do_one_initcall = 0; /* a stack that cannot be read */
		return;
	}
	t->enters_initcall = true;
	record->initcall[record->initcalls++] = (struct record_initcall){
		.function = stop->registers->rdi,
		.cpu = (uint16_t)stop->cpu,
	};
}

/* Another thread that comes to the same place with another stack was never seen entering. */
static void leave_initcall(struct tracer *t, const struct tracer_stop *stop)
{
	struct record_initcall *call = &t->record->initcall[t->record->initcalls - 1];

	t->in_initcall = false;
	if (stop->registers->rsp != t->initcall_rsp + sizeof(uint64_t))
		return;
	call->return_ns = stop->left_ns;
	call->result = (int32_t)stop->registers->rax; /* an int: the upper half is anything */
}

static bool at_initcall(struct tracer *t, const struct tracer_stop *stop)
{
	if (t->in_initcall && stop->pc == t->initcall_return)
		leave_initcall(t, stop);
	else if (!t->in_initcall && t->plan.do_one_initcall && stop->pc == t->plan.do_one_initcall)
		enter_initcall(t, stop);
	else
		return false;
	return true;
}

static bool at_rootfs(struct tracer *t, const struct tracer_stop *stop)
{
	if (t->rootfs_return && stop->pc == t->rootfs_return) {
		t->rootfs_return = 0;
		record_hit(t, PHASE_POPULATE_ROOTFS_END, stop);
		return true;
	}
	if (t->fired[PHASE_POPULATE_ROOTFS] || stop->pc != t->plan.phase[PHASE_POPULATE_ROOTFS])
		return false;
	t->rootfs_return = return_address(t, stop->registers);
	record_hit(t, PHASE_POPULATE_ROOTFS, stop);
	return true;
}

static bool at_user_space(struct tracer *t, const struct tracer_stop *stop)
{
	if (!t->fired[PHASE_KERNEL_EXECVE] || t->fired[PHASE_FIRST_USER])
		return false;
	if (t->user_entry && stop->pc == t->user_entry) {
		record_hit(t, PHASE_FIRST_USER, stop);
		return true;
	}
	if (t->user_entry || stop->pc != t->plan.start_thread)
		return false;
	t->user_entry = stop->registers->rsi; /* start_thread(regs, new_ip, new_sp) */
	return true;
}

/* One that was ours a moment ago, on a CPU that had not been told yet. */
static bool was_ours(const struct tracer *t, uint64_t pc)
{
	for (unsigned int phase = 0; phase < PHASES; phase++) {
		if (t->plan.phase[phase] == pc)
			return true;
	}
	return pc == t->plan.entry || pc == t->plan.start_thread || pc == t->user_entry ||
	       pc == t->plan.do_one_initcall || pc == t->initcall_return;
}

/*
 * An address can be several things at once: a level's first initcall that unpacks the initramfs,
 * say.
 */
static bool serve(struct tracer *t, const struct tracer_stop *stop)
{
	bool entry = at_entry(t, stop);
	bool known = entry;

	if (!entry && t->state == TRACER_MEASURING)
		t->state = TRACER_WORKING;
	if (!entry) {
		known |= at_initcall(t, stop);
		known |= at_rootfs(t, stop);
		known |= at_user_space(t, stop);
		known |= at_chain(t, stop);
	}
	return known || was_ours(t, stop->pc);
}

bool tracer_stopped(struct tracer *tracer, const struct tracer_stop *stop)
{
	bool ours;

	(void)pthread_mutex_lock(&tracer->lock);
	ours = serve(tracer, stop);
	tracer->exits += ours;
	if (ours)
		arm(tracer);
	(void)pthread_mutex_unlock(&tracer->lock);
	return ours;
}

void tracer_goes_on(struct tracer *tracer, uint64_t now_ns, uint64_t served_ns)
{
	(void)pthread_mutex_lock(&tracer->lock);
	tracer->served_ns += served_ns;
	if (tracer->enters_initcall)
		tracer->record->initcall[tracer->record->initcalls - 1].enter_ns = now_ns;
	tracer->enters_initcall = false;
	(void)pthread_mutex_unlock(&tracer->lock);
}

void tracer_left_otherwise(struct tracer *tracer)
{
	if (!tracer_measures(tracer))
		return; /* at nearly every exit: without the lock */
	(void)pthread_mutex_lock(&tracer->lock);
	if (tracer->state == TRACER_TRYING || tracer->state == TRACER_MEASURING) {
		tracer->state =
			tracer->state == TRACER_TRYING ? TRACER_NOTHING_FIRES : TRACER_WORKING;
		arm(tracer);
	}
	(void)pthread_mutex_unlock(&tracer->lock);
}

/* ---- when all is over ------------------------------------------------------------------------ */

static int compare_ns(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

uint64_t tracer_round_trip_ns(const struct tracer *tracer)
{
	uint64_t sorted[TRACER_TRIALS];

	if (!tracer->trials)
		return 0;
	memcpy(sorted, tracer->trial_ns, sizeof(sorted));
	qsort(sorted, tracer->trials, sizeof(sorted[0]), compare_ns);
	return sorted[tracer->trials / 2];
}

void tracer_settle(struct tracer *tracer)
{
	uint64_t round_trip_ns = tracer_round_trip_ns(tracer);

	for (size_t i = 0; i < tracer->record->hits; i++)
		tracer->record->hit[i].overhead_ns += tracer->exits_before[i] * round_trip_ns;
}
