/* SPDX-License-Identifier: MIT */
/* Samples get names, stacks that are the same become one. */
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/digestparts.h"

struct sampled {
	uint64_t at_ns;
	unsigned int cpu;
	size_t frames, stack;
	const char **frame; /* outermost first */
};

/*
 * The symbol an address is in. A return address points behind its call, which may be the next
 * symbol.
 */
static const char *name_at(struct making *m, uint64_t address, bool returns)
{
	const struct digest_input *in = m->in;
	struct symbol_at at;

	if (in->decompressor && address >= in->kernel_start && address < in->kernel_end)
		return "[decompressor]";
	if (symbols_at(in->symbols, address - returns, &at) && at.size)
		return at.name;
	return digest_text(m, "%#llx", (unsigned long long)address);
}

static void name_frames(struct making *m, struct sampled *s, const uint64_t *address, size_t count)
{
	s->frame = digest_room(m, count, sizeof(*s->frame));
	for (size_t i = 0; !m->failed && i < count; i++)
		s->frame[count - 1 - i] = name_at(m, address[i], i > 0);
	s->frames = count;
}

static void name_alone(struct making *m, struct sampled *s, const char *name)
{
	s->frame = digest_room(m, 1, sizeof(*s->frame));
	if (m->failed)
		return;
	s->frame[0] = name;
	s->frames = 1;
}

static void name_sample(struct making *m, const struct record *record,
			const struct record_sample *from, struct sampled *s)
{
	uint64_t address[UNWIND_FRAMES_MAX] = { from->rip };
	size_t count = 1;

	if (from->user) {
		name_alone(m, s, "[user space]");
		return;
	}
	if (from->halted) {
		name_alone(m, s, "[idle]");
		return;
	}
	if (m->in->unwinder)
		count = unwind(m->in->unwinder, from->rip, from->rsp, from->rbp,
			       record->stack_pool + from->stack, from->stack_bytes, address);
	name_frames(m, s, address, count);
}

static int by_time(const void *a, const void *b)
{
	const struct sampled *left = a, *right = b;

	if (left->at_ns != right->at_ns)
		return left->at_ns < right->at_ns ? -1 : 1;
	return left->cpu < right->cpu ? -1 : left->cpu > right->cpu;
}

static int by_stack(const void *a, const void *b)
{
	const struct sampled *left = *(const struct sampled *const *)a;
	const struct sampled *right = *(const struct sampled *const *)b;

	for (size_t i = 0; i < left->frames && i < right->frames; i++) {
		int order = strcmp(left->frame[i], right->frame[i]);

		if (order)
			return order;
	}
	return left->frames < right->frames ? -1 : left->frames > right->frames;
}

static void merge(struct making *m, struct sampled *samples, size_t count)
{
	struct sampled **order = digest_room(m, count, sizeof(struct sampled *));
	struct report_stack *stack = digest_room(m, count, sizeof(*stack));
	size_t stacks = 0;

	if (m->failed)
		return;
	for (size_t i = 0; i < count; i++)
		order[i] = &samples[i];
	qsort(order, count, sizeof(struct sampled *), by_stack);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || by_stack(&order[i - 1], &order[i]) != 0)
			stack[stacks++] = (struct report_stack){ .frame = order[i]->frame,
								 .frames = order[i]->frames };
		stack[stacks - 1].samples++;
		order[i]->stack = stacks - 1;
	}
	m->report->profile.stack = stack;
	m->report->profile.stacks = stacks;
}

void digest_profile(struct making *m)
{
	struct report_profile *profile = &m->report->profile;
	struct sampled *samples;
	size_t count = 0;

	profile->rate_hz = m->in->profile_hz;
	profile->unwound_by =
		unwind_method_name(m->in->unwinder ? m->in->unwinder->method : UNWIND_NONE);
	for (unsigned int cpu = 0; cpu < m->in->cpus; cpu++) {
		profile->samples += m->in->record[cpu].samples;
		profile->lost += m->in->record[cpu].samples_lost;
	}
	samples = digest_room(m, profile->samples, sizeof(*samples));
	profile->sample = digest_room(m, profile->samples, sizeof(*profile->sample));
	for (unsigned int cpu = 0; cpu < m->in->cpus && !m->failed; cpu++) {
		const struct record *record = &m->in->record[cpu];

		for (size_t i = 0; i < record->samples; i++, count++) {
			samples[count] = (struct sampled){
				.at_ns = record->sample[i].at_ns - m->start_ns,
				.cpu = cpu,
			};
			name_sample(m, record, &record->sample[i], &samples[count]);
		}
	}
	if (m->failed)
		return;
	qsort(samples, count, sizeof(*samples), by_time);
	merge(m, samples, count);
	for (size_t i = 0; i < count && !m->failed; i++) {
		profile->sample[i].at_ns = samples[i].at_ns;
		profile->sample[i].cpu = samples[i].cpu;
		profile->sample[i].stack = samples[i].stack;
	}
}
