/* SPDX-License-Identifier: MIT */
/*
 * What the CPUs' time went to, step by step. Between two readings of a thread's counters each of
 * them is taken for a straight line; where one was taken at a mark, what is told of it is exact.
 *
 * The time to serve exits is known to the nanosecond, waiting is what schedstat says. A thread that
 * neither ran nor waited was idle: halted, or not started by the guest yet. KVM also polls for a
 * while when a guest halts, on the CPU; where it tells its own times of halts, these count if they
 * are more. The rest is the guest's. One after the other takes what is left of the wall's time, so
 * that they always add up to it.
 */
#include <string.h>

#include "vmm/timing/digestparts.h"

/* ---- counters at a moment -------------------------------------------------------------------- */

static uint64_t between(uint64_t low, uint64_t high, double share)
{
	return low + (uint64_t)(share * (double)digest_less(high, low));
}

/* The last reading at or before a moment, but not the last of all: there is one behind it. */
static const struct record_times *reading_before(const struct record *record, uint64_t ns)
{
	size_t low = 0, high = record->times_taken - 1;

	while (low + 1 < high) {
		size_t middle = low + (high - low) / 2;

		if (record->times[middle].at_ns <= ns)
			low = middle;
		else
			high = middle;
	}
	return &record->times[low];
}

/*
 * At a moment that is not behind the last reading. Before the first one the thread had done
 * nothing.
 */
static struct record_times counters_at(const struct record *record, uint64_t ns)
{
	const struct record_times *low = reading_before(record, ns), *high = low + 1;
	double share = 0;

	if (ns > low->at_ns)
		share = (double)(ns - low->at_ns) / (double)(high->at_ns - low->at_ns);
	return (struct record_times){
		.at_ns = ns,
		.cpu_ns = between(low->cpu_ns, high->cpu_ns, share),
		.system_ns = between(low->system_ns, high->system_ns, share),
		.waiting_ns = between(low->waiting_ns, high->waiting_ns, share),
		.halted_ns = between(low->halted_ns, high->halted_ns, share),
		.kvm_exits = between(low->kvm_exits, high->kvm_exits, share),
	};
}

static const struct record_times *last_reading(const struct record *record)
{
	return &record->times[record->times_taken - 1];
}

/* Every CPU has readings up to the end of the step. */
static bool is_known(const struct making *m, size_t step)
{
	for (unsigned int cpu = 0; cpu < m->in->cpus; cpu++) {
		const struct record *record = &m->in->record[cpu];

		if (record->times_taken < 2 ||
		    last_reading(record)->at_ns < m->start_ns + m->mark[step + 1].at_ns)
			return false;
	}
	return m->in->cpus > 0;
}

/* ---- one CPU, one step ----------------------------------------------------------------------- */

static uint64_t take(uint64_t *left_ns, uint64_t ns)
{
	uint64_t taken_ns = ns < *left_ns ? ns : *left_ns;

	*left_ns -= taken_ns;
	return taken_ns;
}

/* How much of each the thread did in a step. */
static struct record_times spent(const struct record *record, uint64_t from_ns, uint64_t to_ns)
{
	struct record_times from = counters_at(record, from_ns), to = counters_at(record, to_ns);

	return (struct record_times){
		.cpu_ns = digest_less(to.cpu_ns, from.cpu_ns),
		.system_ns = digest_less(to.system_ns, from.system_ns),
		.waiting_ns = digest_less(to.waiting_ns, from.waiting_ns),
		.halted_ns = digest_less(to.halted_ns, from.halted_ns),
		.kvm_exits = digest_less(to.kvm_exits, from.kvm_exits),
	};
}

/*
 * The thread neither ran nor waited for off_ns. Where KVM tells of halts, an exit's service may
 * have slept in it, on a slow console say; where it does not, that cannot be told from a halt.
 */
static uint64_t idle_of(const struct record *record, const struct record_times *in,
			uint64_t wall_ns, uint64_t served_ns)
{
	uint64_t off_ns = digest_less(wall_ns, in->cpu_ns + in->waiting_ns);

	if (!last_reading(record)->halted_ns)
		return off_ns;
	off_ns = digest_less(off_ns, served_ns);
	return in->halted_ns > off_ns ? in->halted_ns : off_ns;
}

static void add_cpu(struct report_split *split, const struct record *record,
		    const struct record_times *in, uint64_t wall_ns, uint64_t served_ns)
{
	uint64_t left_ns = wall_ns, guest_ns;

	split->wall_ns += wall_ns;
	split->tvmm_ns += take(&left_ns, served_ns);
	split->idle_ns += take(&left_ns, idle_of(record, in, wall_ns, served_ns));
	split->stolen_ns += take(&left_ns, in->waiting_ns);
	guest_ns = left_ns;
	split->guest_ns += guest_ns;
	split->kvm_ns += in->system_ns < guest_ns ? in->system_ns : guest_ns;
	split->kvm_exits += in->kvm_exits;
}

/* ---- all CPUs, all steps --------------------------------------------------------------------- */

/* Time spent on one CPU's exits, ours among them, by step. */
static void sum_served(const struct making *m, const struct record *record, uint64_t *served_ns)
{
	memset(served_ns, 0, m->report->steps * sizeof(*served_ns));
	for (size_t i = 0; i < record->exits; i++)
		served_ns[digest_step_at(m, record->exit[i].left_ns)] += record->exit[i].served_ns;
}

static void split_cpu(struct making *m, const struct record *record, uint64_t *served_ns)
{
	sum_served(m, record, served_ns);
	for (size_t i = m->report->first_run; i < m->report->steps; i++) {
		uint64_t from_ns = m->start_ns + m->mark[i].at_ns;
		uint64_t to_ns = m->start_ns + m->mark[i + 1].at_ns;
		struct record_times in;

		if (!m->step[i].split.known)
			continue;
		in = spent(record, from_ns, to_ns);
		add_cpu(&m->step[i].split, record, &in, to_ns - from_ns, served_ns[i]);
	}
}

static void add_up(struct report_split *sum, const struct report_split *part)
{
	if (!part->known)
		return;
	sum->known = true;
	sum->wall_ns += part->wall_ns;
	sum->guest_ns += part->guest_ns;
	sum->kvm_ns += part->kvm_ns;
	sum->tvmm_ns += part->tvmm_ns;
	sum->idle_ns += part->idle_ns;
	sum->stolen_ns += part->stolen_ns;
	sum->kvm_exits += part->kvm_exits;
}

void digest_splits(struct making *m)
{
	uint64_t *served_ns = digest_room(m, m->report->steps, sizeof(*served_ns));

	if (!served_ns || !m->report->first_run)
		return;
	for (size_t i = m->report->first_run; i < m->report->steps; i++)
		m->step[i].split.known = is_known(m, i);
	for (unsigned int cpu = 0; cpu < m->in->cpus; cpu++)
		split_cpu(m, &m->in->record[cpu], served_ns);
	for (size_t i = m->report->first_run; i < m->report->steps; i++)
		add_up(&m->report->split, &m->step[i].split);
}
