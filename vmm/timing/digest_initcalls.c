/* SPDX-License-Identifier: MIT */
/*
 * Initcalls: whose function it was, of which level, how long it took without our two exits; and
 * which never ended.
 */
#include <stdlib.h>

#include "vmm/timing/digestparts.h"

static const char *const level_name[DIGEST_LEVELS] = { "early",  "pure",   "core", "postcore",
						       "arch",   "subsys", "fs",   "rootfs",
						       "device", "late" };

/* The levels' tables in one, by address. */
struct leveled {
	uint64_t function;
	const char *level;
};

struct levels {
	struct leveled *list;
	size_t count;
	bool known;
};

static int by_function(const void *a, const void *b)
{
	const struct leveled *left = a, *right = b;

	return left->function < right->function ? -1 : left->function > right->function;
}

static void sort_levels(struct making *m, struct levels *levels)
{
	const struct digest_levels *in = m->in->levels;

	if (!in)
		return;
	levels->list = digest_room(m, in->first[DIGEST_LEVELS], sizeof(*levels->list));
	if (!levels->list)
		return;
	levels->known = true;
	for (int level = 0; level < DIGEST_LEVELS; level++) {
		for (size_t i = in->first[level]; i < in->first[level + 1]; i++)
			levels->list[levels->count++] =
				(struct leveled){ in->function[i], level_name[level] };
	}
	qsort(levels->list, levels->count, sizeof(*levels->list), by_function);
}

static const char *level_of(const struct levels *levels, uint64_t function)
{
	const struct leveled key = { .function = function };
	const struct leveled *found;

	if (!levels->known)
		return "";
	found = bsearch(&key, levels->list, levels->count, sizeof(key), by_function);
	return found ? found->level : "module";
}

static const char *name_of(struct making *m, uint64_t function)
{
	struct symbol_at at;

	if (symbols_at(m->in->symbols, function, &at) && at.offset == 0)
		return at.name;
	return digest_text(m, "%#llx", (unsigned long long)function);
}

static bool has_returned(const struct record_initcall *call)
{
	return call->enter_ns && call->return_ns >= call->enter_ns;
}

/* A guest that panics or hangs does so in one of these: the last is the innermost. */
static void note_unreturned(struct making *m, const struct record_initcall *call)
{
	m->report->initcalls_unreturned++;
	m->report->initcall_unreturned = name_of(m, call->function);
}

void digest_initcalls(struct making *m)
{
	const struct record_shared *shared = m->in->shared;
	struct report_initcall *made = digest_room(m, shared->initcalls, sizeof(*made));
	struct levels levels = { .known = false };

	m->report->initcalls_lost = shared->initcalls_lost;
	sort_levels(m, &levels);
	for (size_t i = 0; !m->failed && i < shared->initcalls; i++) {
		const struct record_initcall *call = &shared->initcall[i];

		if (!has_returned(call)) {
			note_unreturned(m, call);
			continue;
		}
		made[m->report->initcalls++] = (struct report_initcall){
			.name = name_of(m, call->function),
			.level = level_of(&levels, call->function),
			.at_ns = digest_less(call->enter_ns, m->start_ns),
			.ns = digest_less(call->return_ns - call->enter_ns, m->in->round_trip_ns),
			.result = call->result,
			.cpu = call->cpu,
		};
	}
	m->report->initcall = made;
}
