/* SPDX-License-Identifier: MIT */
/* Exits by what they were, and by step. */
#include <stdlib.h>

#include "vmm/timing/digestparts.h"

enum { CLASSES_MAX = 1024, SLOTS = 4 * CLASSES_MAX };

/*
 * Classes by a hash of kind, address and direction; 0 is an empty slot, else the class's number +
 * 1. When there are more than a report is read for, those that come late are one class for each
 * kind and direction.
 */
struct classes {
	struct report_exit_class *list;
	struct report_exit_class *late[RECORD_EXIT_KINDS][2]; /* in list; NULL: none yet */
	uint16_t *slot;
	size_t count;
};

/* Of our own exits only the kind counts. */
static uint64_t address_of(const struct record_exit *exit)
{
	return exit->kind == RECORD_EXIT_DEBUG || exit->kind == RECORD_EXIT_KICK ? 0
										 : exit->address;
}

static size_t hash_of(const struct record_exit *exit)
{
	uint64_t key = address_of(exit) * 16 + exit->kind * 2ULL + exit->out;

	return (size_t)(key * 0x9e3779b97f4a7c15ULL >> 32) % SLOTS;
}

static bool is_of(const struct report_exit_class *class, const struct record_exit *exit)
{
	return class->kind == (enum record_exit_kind)exit->kind &&
	       class->address == address_of(exit) && class->out == (exit->out != 0);
}

static struct report_exit_class *add_class(struct making *m, struct classes *classes,
					   const struct record_exit *exit)
{
	struct report_exit_class *class = &classes->list[classes->count];

	class->in_step = digest_room(m, m->report->steps, sizeof(*class->in_step));
	if (!class->in_step)
		return NULL;
	classes->count++;
	class->kind = (enum record_exit_kind)exit->kind;
	class->out = exit->out;
	return class;
}

static struct report_exit_class *late_class(struct making *m, struct classes *classes,
					    const struct record_exit *exit)
{
	struct report_exit_class **late = &classes->late[exit->kind][exit->out];

	if (!*late) {
		*late = add_class(m, classes, exit);
		if (*late)
			(*late)->owner = "all other addresses";
	}
	return *late;
}

/* NULL when there is no memory. */
static struct report_exit_class *class_of(struct making *m, struct classes *classes,
					  const struct record_exit *exit)
{
	size_t at = hash_of(exit);
	struct report_exit_class *class;
	const char *owner;

	for (; classes->slot[at]; at = (at + 1) % SLOTS) {
		class = &classes->list[classes->slot[at] - 1];
		if (is_of(class, exit))
			return class;
	}
	if (classes->count >= CLASSES_MAX)
		return late_class(m, classes, exit);
	class = add_class(m, classes, exit);
	if (!class)
		return NULL;
	class->address = address_of(exit);
	owner = m->in->owner ? m->in->owner(m->in->owner_ctx, class->kind, class->address) : NULL;
	class->owner = owner ? owner : "nobody";
	classes->slot[at] = (uint16_t)classes->count;
	return class;
}

static bool is_the_guests(const struct record_exit *exit)
{
	return exit->kind != RECORD_EXIT_DEBUG && exit->kind != RECORD_EXIT_KICK;
}

static void count(struct making *m, struct classes *classes, const struct record_exit *exit)
{
	struct report_exit_class *class = class_of(m, classes, exit);
	size_t at = digest_step_at(m, exit->left_ns);
	struct report_step *step = &m->step[at];

	if (class) {
		class->exits++;
		class->accesses += exit->count;
		class->ns += exit->served_ns;
		class->in_step[at]++;
	}
	if (is_the_guests(exit)) {
		m->report->exits++;
		step->exits++;
		step->exits_ns += exit->served_ns;
	}
	if (digest_is_the_consoles(m->in, exit)) {
		m->report->console.exits++;
		m->report->console.served_ns += exit->served_ns;
		step->console_exits++;
		step->console_ns += exit->served_ns;
	}
}

static int most_expensive_first(const void *a, const void *b)
{
	const struct report_exit_class *left = a, *right = b;

	if (left->ns != right->ns)
		return left->ns > right->ns ? -1 : 1;
	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	if (left->address != right->address)
		return left->address < right->address ? -1 : 1;
	return left->out - right->out;
}

/* A run that kept none has none that were lost. */
static bool were_kept(const struct digest_input *in)
{
	for (unsigned int cpu = 0; cpu < in->cpus; cpu++) {
		if (in->record[cpu].exits)
			return true;
	}
	return false;
}

void digest_exits(struct making *m)
{
	struct classes classes;

	if (!were_kept(m->in))
		return;
	classes = (struct classes){
		.list = digest_room(m, CLASSES_MAX + 2 * RECORD_EXIT_KINDS, sizeof(*classes.list)),
		.slot = digest_room(m, SLOTS, sizeof(*classes.slot)),
	};
	for (unsigned int cpu = 0; cpu < m->in->cpus; cpu++) {
		const struct record *record = &m->in->record[cpu];

		m->report->exits_lost += record->exits_lost;
		for (size_t i = 0; !m->failed && m->report->steps && i < record->exits; i++)
			count(m, &classes, &record->exit[i]);
	}
	if (m->failed)
		return;
	qsort(classes.list, classes.count, sizeof(*classes.list), most_expensive_first);
	m->report->exit_class = classes.list;
	m->report->exit_classes = classes.count;
}
