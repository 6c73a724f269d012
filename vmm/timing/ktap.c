/* SPDX-License-Identifier: MIT */
/* Lines -> results. ktap_verdict.c has what is made of them. */
#include "vmm/timing/ktap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/base/must.h"
#include "vmm/timing/ktapline.h"

#define RESULTS_BYTES (KTAP_RESULTS_MAX * sizeof(struct ktap_result))

_Static_assert(RESULTS_BYTES + KTAP_TEXT_BYTES <= 16 << 20, "what the header promises");

enum { LEFT_OUT_BYTES = 64, LINE_BYTES = 1000, INDENTATION_MAX = 16 };

_Static_assert(LINE_BYTES + INDENTATION_MAX + 1 <= KTAP_OUTPUT_HALF_BYTES, "a line fits");
_Static_assert(2 * KTAP_OUTPUT_HALF_BYTES + LEFT_OUT_BYTES < KTAP_OUTPUT_BYTES, "both fit");

static void *reserve(size_t bytes)
{
	void *table = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (table == MAP_FAILED)
		return NULL;
	(void)madvise(table, bytes, MADV_NOHUGEPAGE); /* see record.c */
	return table;
}

int ktap_init(struct ktap *ktap, struct err *e)
{
	memset(ktap, 0, sizeof(*ktap));
	ktap->first_failed = ktap->last = KTAP_NOBODY;
	ktap->result = reserve(RESULTS_BYTES);
	ktap->text = reserve(KTAP_TEXT_BYTES);
	if (!ktap->result || !ktap->text)
		return err_sys(e, ENOMEM, "no address space for the results of tests");
	ktap->text_bytes = 1;
	return 0;
}

void ktap_finish(struct ktap *ktap)
{
	if (ktap->result)
		(void)munmap(ktap->result, RESULTS_BYTES);
	if (ktap->text)
		(void)munmap(ktap->text, KTAP_TEXT_BYTES);
	memset(ktap, 0, sizeof(*ktap));
}

static uint64_t since(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* A NUL would end it. */
static void copy(char *to, const char *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (char)(from[i] ? from[i] : ' ');
}

static uint32_t keep_text(struct ktap *ktap, const struct ktapline_text *text)
{
	size_t bytes = text->bytes < KTAP_NAME_BYTES ? text->bytes : KTAP_NAME_BYTES - 1;
	uint32_t at = (uint32_t)ktap->text_bytes;

	if (!bytes)
		return 0;
	if (bytes >= KTAP_TEXT_BYTES - ktap->text_bytes) {
		ktap->text_lost++;
		return 0;
	}
	copy(ktap->text + at, text->at, bytes);
	ktap->text[at + bytes] = '\0';
	ktap->text_bytes += bytes + 1;
	return at;
}

const char *ktap_text(const struct ktap *ktap, uint32_t text)
{
	return text < ktap->text_bytes ? ktap->text + text : "";
}

static bool is_text(const struct ktap *ktap, uint32_t at, const struct ktapline_text *text)
{
	const char *kept = ktap_text(ktap, at);

	return strlen(kept) == text->bytes && memcmp(kept, text->at, text->bytes) == 0;
}

/* ---- output ---------------------------------------------------------------------------------- */

static void clear_output(struct ktap *ktap)
{
	struct ktap_output *output = &ktap->output;

	output->head_bytes = output->tail_bytes = 0;
	output->left_out_bytes = 0;
	output->head_full = false;
}

/* The tail loses its oldest lines. */
static void make_room(struct ktap_output *output, size_t bytes)
{
	size_t drop = 0;

	while (output->tail_bytes - drop + bytes > sizeof(output->tail)) {
		const char *from = output->tail + drop;
		const char *end = memchr(from, '\n', output->tail_bytes - drop);

		must(end);
		drop += (size_t)(end - from) + 1;
	}
	output->left_out_bytes += drop;
	output->tail_bytes -= drop;
	memmove(output->tail, output->tail + drop, output->tail_bytes);
}

/* Room for a line of so many bytes, its end included. */
static char *output_room(struct ktap_output *output, size_t bytes)
{
	char *room;

	if (!output->head_full && bytes <= sizeof(output->head) - output->head_bytes) {
		room = output->head + output->head_bytes;
		output->head_bytes += bytes;
		return room;
	}
	output->head_full = true;
	make_room(output, bytes);
	room = output->tail + output->tail_bytes;
	output->tail_bytes += bytes;
	return room;
}

/* Whether the outermost plan is fulfilled, so that nothing that comes belongs to a test. */
static bool is_complete(const struct ktap *ktap)
{
	const struct ktap_level *outermost = &ktap->level[0];

	return ktap->levels == 0 ||
	       (ktap->levels == 1 && outermost->has_plan && outermost->came >= outermost->planned);
}

static void keep_line(struct ktap *ktap, const struct ktapline *fact)
{
	unsigned int level = ktap->levels ? ktap->level[ktap->levels - 1].column : 0;
	size_t indentation = fact->column > level ? fact->column - level : 0;
	size_t bytes = fact->all.bytes < LINE_BYTES ? fact->all.bytes : LINE_BYTES;
	char *to;

	if (is_complete(ktap) || !bytes)
		return;
	if (indentation > INDENTATION_MAX)
		indentation = INDENTATION_MAX;
	to = output_room(&ktap->output, indentation + bytes + 1);
	memset(to, ' ', indentation);
	copy(to + indentation, fact->all.at, bytes);
	to[indentation + bytes] = '\n';
}

/* Into KTAP_OUTPUT_BYTES. Returns the length. */
static size_t print_output(const struct ktap_output *output, char *to)
{
	size_t used = output->head_bytes;

	memcpy(to, output->head, used);
	if (output->left_out_bytes)
		used += (size_t)snprintf(to + used, LEFT_OUT_BYTES, "... %llu bytes left out ...\n",
					 (unsigned long long)output->left_out_bytes);
	memcpy(to + used, output->tail, output->tail_bytes);
	used += output->tail_bytes;
	to[used] = '\0';
	return used;
}

static uint32_t keep_output(struct ktap *ktap)
{
	uint32_t at = (uint32_t)ktap->text_bytes;

	if (!ktap->output.head_bytes)
		return 0;
	if (KTAP_TEXT_BYTES - ktap->text_bytes < KTAP_OUTPUT_BYTES) {
		ktap->text_lost++;
		return 0;
	}
	ktap->text_bytes += print_output(&ktap->output, ktap->text + at) + 1;
	return at;
}

void ktap_last_output(const struct ktap *ktap, char *to, size_t size)
{
	char text[KTAP_OUTPUT_BYTES];
	size_t bytes = print_output(&ktap->output, text);

	if (!size)
		return;
	if (bytes >= size)
		bytes = size - 1;
	memcpy(to, text, bytes);
	to[bytes] = '\0';
}

/* ---- levels ---------------------------------------------------------------------------------- */

static struct ktap_level *top(struct ktap *ktap)
{
	return &ktap->level[ktap->levels - 1];
}

/* A place in the table, or KTAP_NOBODY. */
static uint32_t add(struct ktap *ktap, const struct ktap_level *in, uint64_t at_ns)
{
	uint32_t index = (uint32_t)ktap->results;
	struct ktap_result *result = &ktap->result[index];

	if (index == KTAP_RESULTS_MAX)
		return KTAP_NOBODY;
	*result = (struct ktap_result){ .at_ns = at_ns, .parent = in->group };
	result->depth = in->group == KTAP_NOBODY ? 0 : ktap->result[in->group].depth + 1;
	ktap->results++;
	return index;
}

static void note_gap(struct ktap *ktap, const struct ktap_level *level, uint64_t expected)
{
	ktap->missing += expected - level->came;
	if (ktap->gap.known)
		return;
	ktap->gap = (struct ktap_gap){ true, level->group, level->came, expected };
}

static void close_level(struct ktap *ktap)
{
	const struct ktap_level *level = top(ktap);
	uint64_t expected = level->has_plan ? level->planned : level->highest;

	if (expected > level->came)
		note_gap(ktap, level, expected);
	else if (level->has_plan)
		ktap->surplus += level->came - expected;
	if (ktap->levels == 1 && !level->has_plan && level->came)
		ktap->planless++;
	ktap->levels--;
}

/* Of a group whose own result never comes. */
static void abandon_level(struct ktap *ktap)
{
	if (ktap->levels > 1) {
		ktap->unfinished++;
		ktap->level[ktap->levels - 2].failed |= top(ktap)->failed;
	}
	close_level(ktap);
}

static void abandon_deeper_than(struct ktap *ktap, unsigned int column, unsigned int but)
{
	while (ktap->levels > but && top(ktap)->column > column)
		abandon_level(ktap);
}

static void name_group(struct ktap *ktap, uint32_t group, uint32_t name)
{
	if (group != KTAP_NOBODY && name)
		ktap->result[group].name = name;
}

/* False: it would be too deep. */
static bool open_level(struct ktap *ktap, const struct ktapline *fact, uint64_t at_ns)
{
	struct ktap_level level = {
		.column = fact->column,
		.hashes = fact->hashes,
		.group = KTAP_NOBODY,
		.began_ns = at_ns,
	};

	if (ktap->levels == KTAP_LEVELS_MAX)
		return false;
	if (ktap->levels) {
		level.group = add(ktap, top(ktap), at_ns);
		if (level.group != KTAP_NOBODY)
			ktap->result[level.group].group = true;
		name_group(ktap, level.group, ktap->next_name);
	} else {
		ktap->streams++;
	}
	ktap->next_name = 0;
	ktap->level[ktap->levels++] = level;
	return true;
}

static bool is_fresh(const struct ktap_level *level)
{
	return !level->has_plan && !level->came;
}

static void begin_stream(struct ktap *ktap, const struct ktapline *fact, uint64_t at_ns)
{
	abandon_deeper_than(ktap, fact->column, 0);
	if (ktap->levels && top(ktap)->column == fact->column) {
		if (is_fresh(top(ktap)))
			return; /* KUnit of some versions names it first */
		abandon_level(ktap);
	}
	if (!ktap->levels)
		clear_output(ktap);
	(void)open_level(ktap, fact, at_ns);
}

/*
 * KUnit says the name inside the level, at first with a tab before it and without a version line;
 * TAP 14 says it before the level, in the column of the result that will come.
 */
static void name_level(struct ktap *ktap, const struct ktapline *fact, uint64_t at_ns)
{
	uint32_t name = keep_text(ktap, &fact->text);

	if (fact->column > top(ktap)->column)
		(void)open_level(ktap, fact, at_ns);
	if (ktap->levels > 1 && fact->column == top(ktap)->column && is_fresh(top(ktap)))
		name_group(ktap, top(ktap)->group, name);
	else
		ktap->next_name = name;
}

/* The level of a plan or a result, which need not have a header. NULL: it would be too deep. */
static struct ktap_level *level_of(struct ktap *ktap, const struct ktapline *fact, uint64_t at_ns)
{
	if (top(ktap)->column >= fact->column)
		return top(ktap);
	return open_level(ktap, fact, at_ns) ? top(ktap) : NULL;
}

/* ---- results --------------------------------------------------------------------------------- */

static enum ktap_status status_of(const struct ktapline *fact)
{
	switch (fact->directive) {
	case KTAPLINE_SKIP:
		return KTAP_SKIP;
	case KTAPLINE_TODO:
	case KTAPLINE_XFAIL:
		return KTAP_TODO;
	case KTAPLINE_NONE:
		break;
	}
	return fact->ok ? KTAP_PASS : KTAP_FAIL;
}

static void count(struct ktap *ktap, enum ktap_status status)
{
	ktap->tests++;
	ktap->count[status]++;
}

/* What is known of a result beside its line. */
struct coming {
	uint32_t index; /* its group's place, which was taken when that began; or KTAP_NOBODY */
	bool closed;    /* a level below it; the result belongs to the one around that */
	bool group, test;
	uint64_t began_ns;
};

/* Closes the levels below a result: what was in them belongs to it. */
static struct coming close_below(struct ktap *ktap, const struct ktapline *fact)
{
	struct coming coming = { KTAP_NOBODY, false, false, true, ktap->last_ns };
	bool failed;

	while (ktap->levels > 2 && ktap->level[ktap->levels - 2].column > fact->column)
		abandon_level(ktap);
	if (ktap->levels < 2 || top(ktap)->column <= fact->column)
		return coming;
	coming.index = top(ktap)->group;
	coming.closed = true;
	coming.group = top(ktap)->came > 0;
	coming.began_ns = top(ktap)->began_ns;
	failed = top(ktap)->failed;
	coming.test = !coming.group || (status_of(fact) == KTAP_FAIL && !failed);
	close_level(ktap);
	top(ktap)->failed |= failed;
	return coming;
}

static void check_number(struct ktap *ktap, struct ktap_level *level, uint32_t number)
{
	if (number != level->came + 1)
		ktap->out_of_order++;
	if (number > level->highest)
		level->highest = number;
	level->came++;
}

static void fill(struct ktap *ktap, struct ktap_result *result, const struct ktapline *fact,
		 const struct coming *coming)
{
	enum ktap_status status = status_of(fact);

	result->took_ns = since(coming->began_ns, result->at_ns);
	result->number = fact->number;
	if (fact->text.bytes && !is_text(ktap, result->name, &fact->text))
		result->name = keep_text(ktap, &fact->text);
	result->reason = keep_text(ktap, &fact->reason);
	if (status == KTAP_FAIL)
		result->output = keep_output(ktap);
	result->status = (uint8_t)status;
	result->group = coming->group;
	result->test = coming->test;
}

static void keep_result(struct ktap *ktap, const struct ktap_level *level,
			const struct ktapline *fact, const struct coming *coming, uint64_t at_ns)
{
	uint32_t index = coming->index;

	if (index == KTAP_NOBODY)
		index = add(ktap, level, at_ns);
	if (index == KTAP_NOBODY) {
		ktap->lost++;
		return;
	}
	ktap->result[index].at_ns = at_ns;
	fill(ktap, &ktap->result[index], fact, coming);
	ktap->last = index;
	if (coming->test && status_of(fact) == KTAP_FAIL && ktap->first_failed == KTAP_NOBODY)
		ktap->first_failed = index;
}

static void take_result(struct ktap *ktap, const struct ktapline *fact, uint64_t at_ns)
{
	struct coming coming = close_below(ktap, fact);
	struct ktap_level *level = coming.closed ? top(ktap) : level_of(ktap, fact, at_ns);

	if (level)
		check_number(ktap, level, fact->number);
	if (coming.test)
		count(ktap, status_of(fact));
	if (status_of(fact) == KTAP_FAIL)
		top(ktap)->failed = true;
	if (level)
		keep_result(ktap, level, fact, &coming, at_ns);
	else
		ktap->lost++;
	ktap->next_name = 0;
	clear_output(ktap);
}

static void take_plan(struct ktap *ktap, const struct ktapline *fact, uint64_t at_ns)
{
	struct ktap_level *level;

	abandon_deeper_than(ktap, fact->column, 1);
	level = level_of(ktap, fact, at_ns);
	if (!level || level->has_plan)
		return;
	level->has_plan = true;
	level->planned = fact->number;
	/* All of it was skipped: that is a result, and the only one. */
	if (fact->number == 0 && fact->directive == KTAPLINE_SKIP && ktap->levels == 1) {
		struct ktapline skip = { .directive = KTAPLINE_SKIP, .reason = fact->reason };
		struct coming coming = { .index = KTAP_NOBODY,
					 .test = true,
					 .began_ns = level->began_ns };

		count(ktap, KTAP_SKIP);
		keep_result(ktap, level, &skip, &coming, at_ns);
	}
}

static void bail_out(struct ktap *ktap, const struct ktapline *fact)
{
	if (!ktap->bailed_out)
		ktap->bail_reason = keep_text(ktap, &fact->reason);
	ktap->bailed_out = true;
}

void ktap_line(struct ktap *ktap, const char *line, size_t bytes, uint64_t at_ns)
{
	struct ktapline fact;

	ktapline_parse(&fact, line, bytes, ktap->levels ? top(ktap)->hashes : 0);
	if (!ktap->levels && fact.kind != KTAPLINE_VERSION)
		return;
	switch (fact.kind) {
	case KTAPLINE_VERSION:
		begin_stream(ktap, &fact, at_ns);
		break;
	case KTAPLINE_SUBTEST:
		name_level(ktap, &fact, at_ns);
		break;
	case KTAPLINE_PLAN:
		take_plan(ktap, &fact, at_ns);
		break;
	case KTAPLINE_RESULT:
		take_result(ktap, &fact, at_ns);
		break;
	case KTAPLINE_BAIL_OUT:
		bail_out(ktap, &fact);
		break;
	case KTAPLINE_OTHER:
		keep_line(ktap, &fact);
		return;
	}
	ktap->last_ns = at_ns;
}

void ktap_end(struct ktap *ktap)
{
	if (is_complete(ktap))
		clear_output(ktap);
	while (ktap->levels)
		abandon_level(ktap);
}
