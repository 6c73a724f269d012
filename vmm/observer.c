/* SPDX-License-Identifier: MIT */
#include "vmm/observer.h"

#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/inside/space.h"

static _Thread_local struct observer *this_thread;

/* ---- the host's counters --------------------------------------------------------------------- */

/* How many marks there are by now, of all kinds that the guest's progress makes. */
static uint64_t moments(const struct observer *o)
{
	return __atomic_load_n(&o->shared->hits, __ATOMIC_RELAXED) +
	       __atomic_load_n(&o->shared->marks, __ATOMIC_RELAXED) +
	       (o->marks->at_ns[MARK_CONSOLE_BYTE] != 0) + (o->marks->at_ns[MARK_RUN_INIT] != 0) +
	       (o->marks->at_ns[MARK_INIT_LINE] != 0);
}

static void read_times(struct observer *o)
{
	struct record *record = o->record;
	struct record_times *now;

	if (!record->times || !o->times_known || record->times_taken == RECORD_TIMES)
		return;
	now = &record->times[record->times_taken++];
	now->at_ns = clock_now_ns();
	vcputimes_read(&o->times, now);
}

static void read_times_at_marks(struct observer *o)
{
	uint64_t by_now = moments(o);

	if (by_now == o->moments)
		return;
	o->moments = by_now;
	read_times(o);
}

/* ---- samples --------------------------------------------------------------------------------- */

/* A breakpoint on the first instruction fires at once, or never. */
#define TRIAL_NS 1000000ULL

static int sample_signal(void)
{
	return SIGRTMIN + 1;
}

static void on_sample(int signal)
{
	struct observer *o = this_thread;

	(void)signal;
	if (!o)
		return;
	o->sample_due = 1;
	o->wake(o->debug_ctx);
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000ULL),
				  .tv_nsec = (long)(ns % 1000000000ULL) };
}

/* Once after first_ns, and then every every_ns, if that is not 0. */
static void start_timer(struct observer *o, uint64_t first_ns, uint64_t every_ns)
{
	struct sigaction action = { .sa_handler = on_sample, .sa_flags = SA_RESTART };
	struct itimerspec when = { .it_value = timespec_of(first_ns),
				   .it_interval = timespec_of(every_ns) };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = sample_signal() };

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(sample_signal(), &action, NULL);
	event._sigev_un._tid = gettid();
	o->timed = timer_create(CLOCK_MONOTONIC, &event, &o->timer) == 0 &&
		   timer_settime(o->timer, 0, &when, NULL) == 0;
}

/* As much of the stack as there is, for unwinding when all is over. */
static size_t copy_stack(const struct observer *o, const struct vcpu_registers *registers)
{
	const struct space space = {
		.memory = o->memory,
		.cr3 = registers->cr3,
		.paging = registers->paging,
		.five_levels = registers->five_levels,
	};
	struct record *record = o->record;

	if (registers->user ||
	    RECORD_STACK_POOL_BYTES - record->stack_pool_used < RECORD_STACK_BYTES)
		return 0;
	return space_read_some(&space, registers->rsp, record->stack_pool + record->stack_pool_used,
			       RECORD_STACK_BYTES);
}

static void take_sample(struct observer *o)
{
	struct record *record = o->record;
	struct vcpu_registers registers;
	struct record_sample *sample;

	if (record->samples == RECORD_SAMPLES ||
	    o->debug->registers(o->debug_ctx, &registers) < 0) {
		record->samples_lost++;
		return;
	}
	sample = &record->sample[record->samples++];
	*sample = (struct record_sample){
		.at_ns = o->left_ns,
		.rip = registers.rip,
		.rsp = registers.rsp,
		.rbp = registers.rbp,
		.stack = (uint32_t)record->stack_pool_used,
		.user = registers.user,
		.halted = registers.halted,
	};
	sample->stack_bytes = (uint16_t)copy_stack(o, &registers);
	record->stack_pool_used += sample->stack_bytes;
}

/* ---- breakpoints ----------------------------------------------------------------------------- */

static void renew_breakpoints(struct observer *o)
{
	uint64_t address[VCPUDEBUG_BREAKPOINTS];
	size_t count;

	if (tracer_generation(o->tracer) == o->generation && !o->reinject)
		return;
	count = tracer_armed(o->tracer, address, &o->generation);
	/* What cannot be set does not fire, and that is found out where the guest begins. */
	(void)o->debug->set(o->debug_ctx, address, count, o->reinject);
	o->reinject = false;
}

void observer_debug(struct observer *observer, uint64_t pc)
{
	struct vcpu_registers registers = { 0 };
	const struct tracer_stop stop = {
		.cpu = observer->cpu,
		.pc = pc,
		.entered_ns = observer->entered_ns,
		.left_ns = observer->left_ns,
		.tsc = observer->tsc,
		.registers = &registers,
	};

	(void)observer->debug->registers(observer->debug_ctx, &registers);
	if (observer->tracer && tracer_stopped(observer->tracer, &stop))
		observer->at_breakpoint = true;
	else
		observer->reinject = true;
	observer_exit(observer, &(struct record_exit){
					.kind = RECORD_EXIT_DEBUG, .address = pc, .count = 1 });
}

/*
 * A CPU that was taken out somewhere behind its first instruction did not stop at that. Waiting for
 * the first exit instead would have KVM switch debug registers at every entry until then.
 */
static void give_up_trial(struct observer *o)
{
	struct vcpu_registers registers;

	if (tracer_measures(o->tracer) && o->debug->registers(o->debug_ctx, &registers) == 0 &&
	    registers.rip != o->tracer->plan.entry)
		tracer_left_otherwise(o->tracer);
}

/* ---- around each entry ----------------------------------------------------------------------- */

void observer_begin(struct observer *observer, const struct vcpu *vcpu)
{
	this_thread = observer;
	if (vcpu && observer->record->times) {
		vcputimes_open(&observer->times, vcpu);
		observer->times_known = true;
	}
	if (observer->sample_ns && observer->record->sample)
		start_timer(observer, observer->sample_ns, observer->sample_ns);
	else if (observer->tracer && observer->cpu == 0)
		start_timer(observer, TRIAL_NS, 0);
	read_times(observer);
}

void observer_end(struct observer *observer)
{
	if (observer->timed)
		(void)timer_delete(observer->timer);
	this_thread = NULL;
	read_times(observer);
	if (observer->times_known)
		vcputimes_close(&observer->times);
}

/* Reading the clock at every entry is what recording exits costs; breakpoints need it at a few. */
static bool needs_the_time(const struct observer *o)
{
	return observer_wants_exits(o) || o->at_breakpoint ||
	       (o->tracer && tracer_measures(o->tracer));
}

void observer_enters(struct observer *observer)
{
	uint64_t served;

	read_times_at_marks(observer);
	if (observer->tracer)
		renew_breakpoints(observer);
	if (!needs_the_time(observer))
		return;
	observer->entered_ns = clock_now_ns();
	served = observer->entered_ns - observer->left_ns;
	if (observer->serving)
		observer->serving->served_ns = served < UINT32_MAX ? (uint32_t)served : UINT32_MAX;
	observer->serving = NULL;
	if (observer->at_breakpoint)
		tracer_goes_on(observer->tracer, observer->entered_ns, served);
	observer->at_breakpoint = false;
}

void observer_left(struct observer *observer)
{
	observer->left_ns = clock_now_ns();
	observer->tsc = clock_tsc();
}

void observer_exit(struct observer *observer, const struct record_exit *what)
{
	struct record *record = observer->record;

	if (observer->tracer && what->kind != RECORD_EXIT_DEBUG && what->kind != RECORD_EXIT_KICK)
		tracer_left_otherwise(observer->tracer);
	if (!record->exit)
		return;
	if (record->exits == RECORD_EXITS) {
		record->exits_lost++;
		return;
	}
	observer->serving = &record->exit[record->exits++];
	*observer->serving = *what;
	observer->serving->left_ns = observer->left_ns;
}

void observer_kick(struct observer *observer)
{
	observer_exit(observer, &(struct record_exit){ .kind = RECORD_EXIT_KICK, .count = 1 });
	if (observer->tracer && observer->cpu == 0)
		give_up_trial(observer);
	if (observer->sample_due && observer->record->sample)
		take_sample(observer);
	observer->sample_due = 0;
}
