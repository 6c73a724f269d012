/* SPDX-License-Identifier: MIT */
#include "vmm/timing/record.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { TOUCHED_BYTES = 256 << 10, PAGE_BYTES = 4096 };

/*
 * Small pages, the first of them there already: a huge page, cleared when the guest has just begun,
 * would be milliseconds of the boot that is measured.
 */
static void *reserve(size_t bytes)
{
	uint8_t *table = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (table == MAP_FAILED)
		return NULL;
	(void)madvise(table, bytes, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < bytes && at < TOUCHED_BYTES; at += PAGE_BYTES)
		*(volatile uint8_t *)(table + at) = 0;
	return table;
}

static void give_back(void *table, size_t bytes)
{
	if (table)
		(void)munmap(table, bytes);
}

static int no_memory(struct err *e)
{
	return err_sys(e, ENOMEM, "no address space for what is written down of the run");
}

int record_init(struct record *record, bool exits, bool times, bool samples, struct err *e)
{
	memset(record, 0, sizeof(*record));
	if (exits)
		record->exit = reserve(RECORD_EXITS * sizeof(*record->exit));
	if (times)
		record->times = reserve(RECORD_TIMES * sizeof(*record->times));
	if (samples) {
		record->sample = reserve(RECORD_SAMPLES * sizeof(*record->sample));
		record->stack_pool = reserve(RECORD_STACK_POOL_BYTES);
	}
	if ((exits && !record->exit) || (times && !record->times) ||
	    (samples && (!record->sample || !record->stack_pool))) {
		record_finish(record);
		return no_memory(e);
	}
	return 0;
}

void record_finish(struct record *record)
{
	give_back(record->exit, RECORD_EXITS * sizeof(*record->exit));
	give_back(record->times, RECORD_TIMES * sizeof(*record->times));
	give_back(record->sample, RECORD_SAMPLES * sizeof(*record->sample));
	give_back(record->stack_pool, RECORD_STACK_POOL_BYTES);
	memset(record, 0, sizeof(*record));
}

int record_shared_init(struct record_shared *shared, bool lines, struct err *e)
{
	memset(shared, 0, sizeof(*shared));
	shared->initcall = reserve(RECORD_INITCALLS * sizeof(*shared->initcall));
	if (lines) {
		shared->line = reserve(RECORD_LINES * sizeof(*shared->line));
		shared->line_text = reserve(RECORD_LINE_TEXT_BYTES);
	}
	if (shared->initcall && (!lines || (shared->line && shared->line_text)))
		return 0;
	record_shared_finish(shared);
	return no_memory(e);
}

void record_shared_finish(struct record_shared *shared)
{
	give_back(shared->initcall, RECORD_INITCALLS * sizeof(*shared->initcall));
	give_back(shared->line, RECORD_LINES * sizeof(*shared->line));
	give_back(shared->line_text, RECORD_LINE_TEXT_BYTES);
	shared->initcall = NULL;
	shared->line = NULL;
	shared->line_text = NULL;
	shared->hits = shared->initcalls = shared->lines = shared->marks = 0;
}

void record_mark(struct record_shared *shared, enum record_mark_source source, const char *name,
		 uint64_t at_ns)
{
	struct record_mark *mark = &shared->mark[shared->marks];

	if (shared->marks == RECORD_USER_MARKS) {
		shared->marks_lost++;
		return;
	}
	mark->at_ns = at_ns;
	mark->source = (uint8_t)source;
	strncpy(mark->name, name, sizeof(mark->name) - 1);
	mark->name[sizeof(mark->name) - 1] = '\0';
	__atomic_store_n(&shared->marks, shared->marks + 1, __ATOMIC_RELEASE);
}
