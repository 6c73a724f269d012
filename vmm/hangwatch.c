/* SPDX-License-Identifier: MIT */
#include "vmm/hangwatch.h"

#include <errno.h>
#include <stdlib.h>

#include "vmm/base/clock.h"
#include "vmm/run.h"
#include "vmm/vcpusample.h"

int hangwatch_init(struct hangwatch *watch, const struct hang_options *options,
		   const struct hangwatch_of *of, struct err *e)
{
	*watch = (struct hangwatch){
		.of = *of,
		.cpu = calloc(of->cpus, sizeof(*watch->cpu)),
		.slot = calloc(of->cpus, sizeof(*watch->slot)),
		.sample = calloc(of->cpus, sizeof(*watch->sample)),
	};
	if (!watch->cpu || !watch->slot || !watch->sample) {
		hangwatch_finish(watch);
		return err_sys(e, ENOMEM, "-hang: the samples of %u CPUs", of->cpus);
	}
	hang_init(&watch->hang, options, watch->cpu, of->cpus);
	for (unsigned int cpu = 0; cpu < of->cpus; cpu++)
		of->runs[cpu].slot = &watch->slot[cpu];
	watch->next_ns = clock_now_ns() + hang_wait_ns(&watch->hang);
	return 0;
}

void hangwatch_finish(struct hangwatch *watch)
{
	free(watch->cpu);
	free(watch->slot);
	free(watch->sample);
	watch->cpu = NULL;
	watch->slot = NULL;
	watch->sample = NULL;
}

void hangwatch_answer(struct hang_slot *slot, int (*take)(void *ctx, struct hang_sample *sample),
		      void *ctx)
{
	unsigned int asked = __atomic_load_n(&slot->asked, __ATOMIC_ACQUIRE);

	if (asked != slot->answered && take(ctx, &slot->sample) == 0)
		__atomic_store_n(&slot->answered, asked, __ATOMIC_RELEASE);
}

static void ask(struct hangwatch *watch)
{
	watch->asked++;
	for (unsigned int cpu = 0; cpu < watch->of.cpus; cpu++) {
		const struct run_entry *entry = &watch->of.runs[cpu].entry;

		__atomic_store_n(&watch->slot[cpu].asked, watch->asked, __ATOMIC_RELEASE);
		if (entry->kick)
			entry->kick(entry->ctx);
	}
}

static bool all_have_answered(const struct hangwatch *watch)
{
	for (unsigned int cpu = 0; cpu < watch->of.cpus; cpu++) {
		if (__atomic_load_n(&watch->slot[cpu].answered, __ATOMIC_ACQUIRE) != watch->asked)
			return false;
	}
	return true;
}

/* What is written down under other locks is only compared here, and the next round looks again. */
static uint64_t marks(const struct record_shared *record)
{
	if (!record)
		return 0;
	return __atomic_load_n(&record->hits, __ATOMIC_RELAXED) +
	       __atomic_load_n(&record->marks, __ATOMIC_RELAXED) +
	       __atomic_load_n(&record->marks_lost, __ATOMIC_RELAXED) +
	       __atomic_load_n(&record->initcalls, __ATOMIC_RELAXED) +
	       __atomic_load_n(&record->initcalls_lost, __ATOMIC_RELAXED);
}

static bool pit_matters(const struct hangwatch *watch)
{
	for (unsigned int cpu = 0; cpu < watch->of.cpus; cpu++) {
		if (watch->sample[cpu].state == HANG_HALTED)
			return watch->of.machine->vm != NULL;
	}
	return false;
}

/* Each part only grows, so that the sum changes with each of them. */
static struct hang_board look_at_board(const struct hangwatch *watch)
{
	struct hang_board board = { 0 };
	struct machine_input_state input;

	machine_input_state(watch->of.machine, &input);
	board.moves =
		console_bytes(watch->of.console) + marks(watch->of.console->record) + input.taken;
	board.polls = input.polls;
	board.listens = input.listens;
	if (pit_matters(watch))
		vcpusample_pit(watch->of.machine->vm, &board);
	return board;
}

static void judge(struct hangwatch *watch, uint64_t now_ns)
{
	struct ending ending = { .kind = ENDING_HANG, .detail = watch->hang.options.allowed_ns };
	struct hang_board board;

	for (unsigned int cpu = 0; cpu < watch->of.cpus; cpu++)
		watch->sample[cpu] = watch->slot[cpu].sample;
	board = look_at_board(watch);
	if (!hang_take(&watch->hang, now_ns, &board, watch->sample))
		return;
	hang_describe(&watch->hang, ending.text, sizeof(ending.text));
	control_end(watch->of.control, &ending);
}

void hangwatch_turn(struct hangwatch *watch, uint64_t now_ns)
{
	if (all_have_answered(watch)) {
		if (watch->asked)
			judge(watch, now_ns);
		ask(watch);
	}
	watch->next_ns = now_ns + hang_wait_ns(&watch->hang);
}
