/* SPDX-License-Identifier: MIT */
#include "vmm/hang.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vmm/options.h"

enum {
	TIME_BYTES = 32,
	/* The golden ratio's fraction in 65536ths: its multiples fill the range evenly. */
	GOLDEN = 40503,
	GOLDEN_BITS = 16,
	SPINNERS_TOLD = 2,
};

int hang_parse(const char *text, struct hang_options *options, struct err *e)
{
	size_t length = strcspn(text, ",");
	char time[TIME_BYTES];
	uint64_t ns;
	int rc;

	if (length >= sizeof(time))
		return err_set(e, EINVAL, "-hang: '%s' is not a time; examples: 5s, 500ms,idle",
			       text);
	memcpy(time, text, length);
	time[length] = '\0';
	rc = options_parse_duration("hang", time, &ns, e);
	if (rc < 0)
		return rc;
	if (ns < HANG_MIN_NS)
		return err_set(e, EINVAL, "-hang: '%s' is too short; at least 100ms is needed",
			       time);
	if (text[length] && strcmp(text + length, ",idle") != 0)
		return err_set(e, EINVAL, "-hang: '%s' stands behind the time; only ,idle may",
			       text + length);
	*options = (struct hang_options){ .allowed_ns = ns, .idle = text[length] };
	return 0;
}

void hang_init(struct hang *hang, const struct hang_options *options, struct hang_cpu *cpu,
	       unsigned int cpus)
{
	*hang = (struct hang){ .options = *options, .cpu = cpu, .cpus = cpus };
	memset(cpu, 0, cpus * sizeof(*cpu));
}

static uint64_t interval_ns(const struct hang *hang)
{
	uint64_t ns = hang->options.allowed_ns / HANG_SAMPLES;

	if (ns < HANG_INTERVAL_MIN_NS)
		return HANG_INTERVAL_MIN_NS;
	return ns < HANG_INTERVAL_MAX_NS ? ns : HANG_INTERVAL_MAX_NS;
}

uint64_t hang_wait_ns(const struct hang *hang)
{
	uint64_t ns = interval_ns(hang);
	uint16_t part = (uint16_t)(hang->turn * GOLDEN);

	return ns + (ns / 4 * part >> GOLDEN_BITS);
}

/* ---- one CPU --------------------------------------------------------------------------------- */

static bool known(const struct hang_cpu *cpu, uint64_t rip)
{
	for (unsigned int i = 0; i < cpu->rips; i++) {
		if (cpu->rip[i] == rip)
			return true;
	}
	return false;
}

/* Whether the address is one of the few, or can become one. */
static bool keep_rip(struct hang_cpu *cpu, uint64_t rip)
{
	uint64_t lowest = cpu->rips && cpu->lowest < rip ? cpu->lowest : rip;
	uint64_t highest = cpu->rips && cpu->highest > rip ? cpu->highest : rip;

	if (known(cpu, rip))
		return true;
	if (cpu->rips == HANG_RIPS || highest - lowest >= HANG_SPAN_BYTES)
		return false;
	cpu->rip[cpu->rips++] = rip;
	cpu->lowest = lowest;
	cpu->highest = highest;
	return true;
}

/* s is of a halted CPU. */
static bool timer_wakes(const struct hang_board *board, const struct hang_sample *s)
{
	return s->timer || board->pit_by_io_apic || (board->pit_by_pic && s->pic);
}

static bool nothing_wakes(const struct hang *hang, const struct hang_board *board,
			  const struct hang_sample *s)
{
	if (s->state != HANG_HALTED || hang->options.idle)
		return true;
	return !board->listens && !timer_wakes(board, s);
}

/* False: by this sample the CPU is not stuck. */
static bool take_one(struct hang *hang, struct hang_cpu *cpu, const struct hang_board *board,
		     const struct hang_sample *s)
{
	cpu->last = *s;
	if (s->state == HANG_HALTED)
		cpu->timer = timer_wakes(board, s);
	if (s->state != HANG_RUNS)
		return nothing_wakes(hang, board, s);
	cpu->ran++;
	if (keep_rip(cpu, s->rip))
		cpu->user = s->user;
	else
		cpu->outliers++;
	return (uint64_t)cpu->outliers * HANG_OUTLIERS < (uint64_t)hang->rounds + HANG_OUTLIERS;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool take_all(struct hang *hang, const struct hang_board *board,
		     const struct hang_sample *sample)
{
	bool stuck = true;

	hang->rounds++;
	for (unsigned int cpu = 0; cpu < hang->cpus; cpu++)
		stuck &= take_one(hang, &hang->cpu[cpu], board, &sample[cpu]);
	return stuck;
}

/* What was seen in this round may be the beginning of what goes on for the time allowed. */
static void begin_window(struct hang *hang, const struct hang_board *board,
			 const struct hang_sample *sample)
{
	memset(hang->cpu, 0, hang->cpus * sizeof(*hang->cpu));
	hang->rounds = 0;
	hang->quiet_ns = 0;
	if (!take_all(hang, board, sample))
		hang->rounds = 0;
}

static bool board_moved(const struct hang *hang, const struct hang_board *board)
{
	return board->moves != hang->board.moves ||
	       (board->polls != hang->board.polls && !hang->options.idle);
}

static uint64_t step_ns(const struct hang *hang, uint64_t now_ns)
{
	uint64_t most = interval_ns(hang) + interval_ns(hang) / 2;
	uint64_t ns = now_ns - hang->last_ns;

	return ns < most ? ns : most;
}

bool hang_take(struct hang *hang, uint64_t now_ns, const struct hang_board *board,
	       const struct hang_sample *sample)
{
	bool moved = !hang->rounds || board_moved(hang, board);

	if (moved || !take_all(hang, board, sample))
		begin_window(hang, board, sample);
	else
		hang->quiet_ns += step_ns(hang, now_ns);
	hang->board = *board;
	hang->last_ns = now_ns;
	hang->turn++;
	return hang->quiet_ns >= hang->options.allowed_ns;
}

bool hang_all_off(const struct hang *hang)
{
	for (unsigned int cpu = 0; cpu < hang->cpus; cpu++) {
		enum hang_state state = hang->cpu[cpu].last.state;

		if (state != HANG_HALTED_OFF && state != HANG_UNSTARTED)
			return false;
	}
	return true;
}

/* ---- in words -------------------------------------------------------------------------------- */

struct text {
	char *to;
	size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(text->to + text->used, text->size - text->used, format, arguments);
	va_end(arguments);
	if (n > 0)
		text->used += (size_t)n;
	if (text->used >= text->size)
		text->used = text->size - 1;
}

static bool spins(const struct hang *hang, unsigned int cpu)
{
	return hang->cpu[cpu].ran > hang->rounds / 2;
}

static unsigned int tell_spinners(const struct hang *hang, struct text *text)
{
	unsigned int spinners = 0;

	for (unsigned int cpu = 0; cpu < hang->cpus; cpu++) {
		const struct hang_cpu *c = &hang->cpu[cpu];

		if (!spins(hang, cpu) || spinners++ >= SPINNERS_TOLD)
			continue;
		add(text, "%sCPU %u spins at %#llx%s", spinners > 1 ? ", " : "", cpu,
		    (unsigned long long)c->lowest, c->user ? " (user)" : "");
	}
	if (spinners > SPINNERS_TOLD)
		add(text, " and %u more", spinners - SPINNERS_TOLD);
	return spinners;
}

/* One that a timer wakes all the time may run in the last sample: what it waited for counts. */
static bool any_timer(const struct hang *hang)
{
	bool timer = false;

	for (unsigned int cpu = 0; cpu < hang->cpus; cpu++) {
		const struct hang_cpu *c = &hang->cpu[cpu];

		if (c->last.state == HANG_HALTED || c->last.state == HANG_RUNS)
			timer |= c->timer;
	}
	return timer;
}

void hang_describe(const struct hang *hang, char *text, size_t size)
{
	struct text to = { text, size, 0 };
	unsigned int spinners = tell_spinners(hang, &to);

	if (!spinners)
		add(&to, "%s, %s", hang->cpus > 1 ? "all CPUs are halted" : "the CPU is halted",
		    any_timer(hang) ? "a timer is armed" : "no timer is armed");
	else if (spinners < hang->cpus)
		add(&to, hang->cpus - spinners > 1 ? ", the others do not run"
						   : ", the other one does not run");
	if ((hang->board.listens || hang->board.polls) && hang->options.idle)
		add(&to, ", input is awaited");
}
