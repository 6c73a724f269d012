/* SPDX-License-Identifier: MIT */
/* From what was written down of a run to its report: small records, results worked out by hand. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/digest.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define START        1000000000ull /* process start, on the record's clock */
#define MS           1000000ull

static struct marks marks;
static struct record record[2];
static struct record_shared shared;
static struct record_exit exit_table[2][4096];
static struct record_times times[2][8];
static struct record_sample sample[16];
static struct record_initcall initcall[16];
static struct record_line line[8];
static char line_text[256];
static struct symbols symbols;
static struct digest_input input;
static struct digest digest;
static struct report report;

/* ---- a run ----------------------------------------------------------------------------------- */

static char names[] = "startup_64\0first_init\0second_init\0do_idle\0memset";
static struct symbol table[] = {
	{ 0xffffffff81000000, 0, 'T' },  { 0xffffffff81001000, 11, 't' },
	{ 0xffffffff81002000, 22, 't' }, { 0xffffffff81003000, 34, 'T' },
	{ 0xffffffff81004000, 42, 'T' },
};

static const char *owner(void *ctx, enum record_exit_kind kind, uint64_t address)
{
	(void)ctx;
	if (kind == RECORD_EXIT_OTHER)
		return "HLT";
	return kind == RECORD_EXIT_PIO && address >= 0x3f8 && address < 0x400 ? "uart16550" : NULL;
}

static void setup(void)
{
	for (int cpu = 0; cpu < 2; cpu++) {
		record[cpu].exit = exit_table[cpu];
		record[cpu].times = times[cpu];
	}
	record[0].sample = sample;
	shared.initcall = initcall;
	shared.line = line;
	shared.line_text = line_text;
	symbols_init(&symbols);
	symbols.by_address = table;
	symbols.names = names;
	symbols.count = COUNT(table);
	mark_at(&marks, MARK_PROCESS_START, START);
	mark_at(&marks, MARK_FIRST_RUN, START + 2 * MS);
	mark_at(&marks, MARK_KERNEL_BANNER, START + 5 * MS);
	mark_at(&marks, MARK_RUN_INIT, START + 8 * MS);
	mark_at(&marks, MARK_END, START + 10 * MS);
	input = (struct digest_input){
		.marks = &marks,
		.record = record,
		.cpus = 2,
		.shared = &shared,
		.symbols = &symbols,
		.uart_port = 0x3f8,
		.uart_ports = 8,
		.owner = owner,
	};
}

static void build(void)
{
	struct err error;

	ck_assert_int_eq(digest_build(&digest, &input, &report, &error), 0);
	ck_assert_ptr_eq(report.record, record);
	ck_assert_uint_eq(report.process_start_ns, START);
}

static void teardown(void)
{
	digest_finish(&digest);
}

static void add_exit(int cpu, enum record_exit_kind kind, uint64_t address, bool out,
		     uint64_t left_ns, uint32_t served_ns)
{
	ck_assert_uint_lt(record[cpu].exits, COUNT(exit_table[cpu]));
	exit_table[cpu][record[cpu].exits++] = (struct record_exit){
		.left_ns = START + left_ns,
		.address = address,
		.served_ns = served_ns,
		.count = 1,
		.kind = (uint8_t)kind,
		.size = 1,
		.out = out,
	};
}

static void add_hit(enum phase phase, uint64_t at_ns, uint64_t overhead_ns)
{
	shared.hit[shared.hits++] = (struct record_hit){
		.at_ns = START + at_ns,
		.overhead_ns = overhead_ns,
		.phase = (uint16_t)phase,
	};
}

static void check_marks(const char *const *expected, size_t count)
{
	ck_assert_uint_eq(report.marks, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_str_eq(report.mark[i].name, expected[i]);
}

/* ---- marks and steps ------------------------------------------------------------------------- */

START_TEST(marks_in_order)
{
	static const char *const expected[] = {
		"process start", "first guest instruction",
		"start_kernel",  "kernel banner",
		"mark:here",     "Run /init",
		"end",
	};

	add_hit(PHASE_START_KERNEL, 3 * MS, 0);
	record_mark(&shared, RECORD_MARK_ESCAPE, "here", START + 6 * MS);
	shared.marks_lost = 7;
	build();
	check_marks(expected, COUNT(expected));
	ck_assert_uint_eq(report.first_run, 1);
	ck_assert_uint_eq(report.end, 6);
	ck_assert_uint_eq(report.steps, 6);
	ck_assert_uint_eq(report.marks_lost, 7);
	for (size_t i = 0; i < report.steps; i++) {
		ck_assert_uint_eq(report.step[i].from, i);
		ck_assert_uint_eq(report.step[i].to, i + 1);
	}
	ck_assert_uint_eq(report.mark[4].at_ns, 6 * MS);
	ck_assert_int_eq(report.mark[2].source, REPORT_BY_BREAKPOINT);
	ck_assert_int_eq(report.mark[3].source, REPORT_BY_CONSOLE);
	ck_assert_int_eq(report.mark[4].source, REPORT_BY_GUEST);
	ck_assert_int_eq(report.mark[6].source, REPORT_BY_TVMM);
}
END_TEST

/* Another CPU came to a breakpoint while the ending was being decided: the end moves behind it. */
START_TEST(a_hit_after_the_end)
{
	static const char *const expected[] = {
		"process start", "first guest instruction",
		"kernel banner", "Run /init",
		"free_initmem",  "end",
	};

	add_hit(PHASE_FREE_INITMEM, 11 * MS, 0);
	build();
	check_marks(expected, COUNT(expected));
	ck_assert_uint_eq(report.mark[5].at_ns, 11 * MS);
	ck_assert_uint_eq(report.step[4].ns, 0);
}
END_TEST

/* The guest may choose a name that looks like the second of another. */
START_TEST(names_are_unique)
{
	static const char *const given[] = { "a#2", "a", "a", "a", "a#2", "b", "b" };
	static const char *const expected[] = { "mark:a#2",   "mark:a", "mark:a#3", "mark:a#4",
						"mark:a#2#2", "mark:b", "mark:b#2" };

	for (size_t i = 0; i < COUNT(given); i++)
		record_mark(&shared, RECORD_MARK_ESCAPE, given[i], START + 9 * MS + i);
	build();
	for (size_t i = 0; i < COUNT(expected); i++)
		ck_assert_str_eq(report.mark[4 + i].name, expected[i]);
}
END_TEST

START_TEST(as_many_marks_as_there_can_be)
{
	for (int i = 0; i < MARKS; i++)
		mark_at(&marks, (enum mark)i, START + (uint64_t)i);
	for (int i = 0; i < RECORD_HITS; i++)
		add_hit(PHASE_STARTUP_64, (uint64_t)i, 0);
	for (int i = 0; i < RECORD_USER_MARKS + 3; i++)
		record_mark(&shared, RECORD_MARK_ESCAPE, "same", START);
	build();
	ck_assert_uint_eq(report.marks, MARKS + RECORD_HITS + RECORD_USER_MARKS);
	ck_assert_uint_eq(report.marks_lost, 3);
	for (size_t i = 0; i < report.marks; i++) {
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(report.mark[i].name, report.mark[j].name);
	}
	ck_assert_str_eq(report.mark[0].name, "process start");
}
END_TEST

START_TEST(nothing_but_the_start)
{
	struct err error;

	memset(&marks, 0, sizeof(marks));
	ck_assert_int_eq(digest_build(&digest, &input, &report, &error), 0);
	ck_assert_uint_eq(report.marks, 1);
	ck_assert_uint_eq(report.steps, 0);
	ck_assert_uint_eq(report.end, 0);
}
END_TEST

/* What breakpoints cost is in no step, but in the moments. */
START_TEST(steps_less_overhead)
{
	add_hit(PHASE_START_KERNEL, 3 * MS, 10000);
	add_hit(PHASE_SETUP_ARCH, 4 * MS, 25000);
	input.breakpoint_ns = 30000;
	input.breakpoint_exits = 3;
	input.round_trip_ns = 5000;
	build();
	ck_assert_uint_eq(report.mark[2].at_ns, 3 * MS);
	ck_assert_uint_eq(report.step[1].ns, MS - 10000);
	ck_assert_uint_eq(report.step[1].overhead_ns, 10000);
	ck_assert_uint_eq(report.step[2].ns, MS - 15000);
	ck_assert_uint_eq(report.step[3].ns, MS); /* to the console's line */
	ck_assert_uint_eq(report.mark[4].overhead_ns, 25000);
	ck_assert_uint_eq(report.step[5].ns, 2 * MS - 5000);
	ck_assert_uint_eq(report.mark[6].overhead_ns, 30000);
	ck_assert_uint_eq(report.breakpoints.exits, 3);
	ck_assert_uint_eq(report.breakpoints.total_ns, 30000);
}
END_TEST

START_TEST(more_overhead_than_time)
{
	add_hit(PHASE_START_KERNEL, 3 * MS, 5 * MS);
	build();
	ck_assert_uint_eq(report.step[1].ns, 0);
	ck_assert_uint_eq(report.step[4].overhead_ns, 0); /* never less than none */
}
END_TEST

START_TEST(phases_left_out)
{
	add_hit(PHASE_START_KERNEL, 3 * MS, 0);
	input.phases_set = 1ull << PHASE_START_KERNEL | 1ull << PHASE_SMP_INIT;
	input.phases_without = 1ull << PHASE_INIT_IRQ;
	build();
	ck_assert_uint_eq(report.lefts_out, 1);
	ck_assert_str_eq(report.left_out[0], "init_IRQ");
	ck_assert_uint_eq(report.not_reacheds, 1);
	ck_assert_str_eq(report.not_reached[0], "smp_init");
}
END_TEST

/* ---- exits and the console ------------------------------------------------------------------- */

static const struct report_exit_class *class_of(enum record_exit_kind kind, uint64_t address,
						bool out)
{
	for (size_t i = 0; i < report.exit_classes; i++) {
		const struct report_exit_class *class = &report.exit_class[i];

		if (class->kind == kind && class->address == address && class->out == out)
			return class;
	}
	ck_abort_msg("no class of kind %d, address %#llx", (int)kind, (unsigned long long)address);
}

START_TEST(exits_by_class_and_step)
{
	const struct report_exit_class *class;

	add_exit(0, RECORD_EXIT_PIO, 0x3f8, true, 2 * MS, 100); /* step 1: from its mark on */
	add_exit(0, RECORD_EXIT_PIO, 0x3f8, true, 5 * MS - 1, 200);
	add_exit(1, RECORD_EXIT_PIO, 0x3f8, true, 5 * MS, 300); /* step 2 */
	add_exit(0, RECORD_EXIT_PIO, 0x3f8, false, 6 * MS, 50);
	add_exit(0, RECORD_EXIT_MMIO, 0x3f8, true, 6 * MS, 70);
	add_exit(0, RECORD_EXIT_DEBUG, 0xffffffff81000000, false, 6 * MS, 8000);
	add_exit(0, RECORD_EXIT_DEBUG, 0xffffffff81001000, false, 6 * MS, 8000);
	add_exit(0, RECORD_EXIT_OTHER, 5, false, 20 * MS, 1); /* behind the end: the last step */
	exit_table[0][2].count = 4;
	record[1].exits_lost = 2;
	build();
	ck_assert_uint_eq(report.exit_classes, 5);
	class = class_of(RECORD_EXIT_PIO, 0x3f8, true);
	ck_assert_uint_eq(class->exits, 3);
	ck_assert_uint_eq(class->ns, 600);
	ck_assert_uint_eq(class->in_step[0], 0);
	ck_assert_uint_eq(class->in_step[1], 2);
	ck_assert_uint_eq(class->in_step[2], 1);
	ck_assert_str_eq(class->owner, "uart16550");
	ck_assert_uint_eq(class_of(RECORD_EXIT_PIO, 0x3f8, false)->accesses, 4);
	ck_assert_str_eq(class_of(RECORD_EXIT_MMIO, 0x3f8, true)->owner, "nobody");
	ck_assert_uint_eq(class_of(RECORD_EXIT_DEBUG, 0, false)->exits, 2); /* wherever */
	ck_assert_uint_eq(class_of(RECORD_EXIT_OTHER, 5, false)->in_step[3], 1);
	ck_assert_int_eq(report.exit_class[0].kind, RECORD_EXIT_DEBUG); /* the most expensive */
	ck_assert_uint_eq(report.exits, 6);                             /* without our own */
	ck_assert_uint_eq(report.exits_lost, 2);
	ck_assert_uint_eq(report.step[1].exits, 2);
	ck_assert_uint_eq(report.step[1].exits_ns, 300);
	ck_assert_uint_eq(report.step[3].exits, 1);
}
END_TEST

/* Which of two that cost the same comes first does not depend on the boot. */
START_TEST(exits_that_cost_the_same)
{
	add_exit(0, RECORD_EXIT_MMIO, 0x70, false, 3 * MS, 100);
	add_exit(0, RECORD_EXIT_PIO, 0x71, false, 3 * MS, 100);
	add_exit(0, RECORD_EXIT_PIO, 0x70, true, 3 * MS, 100);
	add_exit(0, RECORD_EXIT_PIO, 0x70, false, 3 * MS, 100);
	build();
	ck_assert_uint_eq(report.exit_classes, 4);
	ck_assert_uint_eq(report.exit_class[0].address, 0x70);
	ck_assert(!report.exit_class[0].out);
	ck_assert_uint_eq(report.exit_class[1].address, 0x70);
	ck_assert(report.exit_class[1].out);
	ck_assert_uint_eq(report.exit_class[2].address, 0x71);
	ck_assert_int_eq(report.exit_class[3].kind, RECORD_EXIT_MMIO);
}
END_TEST

START_TEST(more_addresses_than_classes)
{
	uint64_t exits = 0, ns = 0;

	for (uint64_t i = 0; i < 4000; i++)
		add_exit(0, i % 2 ? RECORD_EXIT_MMIO : RECORD_EXIT_PIO, 0x1000 + i, false, 6 * MS,
			 3);
	exit_table[0][3999].out = 1;
	exit_table[0][3999].served_ns = 9000;
	build();
	for (size_t i = 0; i < report.exit_classes; i++) {
		exits += report.exit_class[i].exits;
		ns += report.exit_class[i].ns;
	}
	ck_assert_uint_eq(report.exits, 4000);
	ck_assert_uint_eq(exits, 4000);
	ck_assert_uint_eq(ns, 11997 + 9000);
	ck_assert_uint_eq(report_metric_find(&report, "exits.pio")->value, 2000);
	ck_assert_uint_eq(report_metric_find(&report, "exits.mmio")->value, 2000);
	ck_assert_uint_eq(report.exit_classes, 1024 + 3);
	for (size_t i = 0; i < 3; i++) { /* what there is most of comes first */
		ck_assert_str_eq(report.exit_class[i].owner, "all other addresses");
		ck_assert(report.exit_class[i].out == (report.exit_class[i].exits == 1));
	}
}
END_TEST

START_TEST(console_tax)
{
	add_exit(0, RECORD_EXIT_PIO, 0x3f8, true, 6 * MS, 1000);
	add_exit(0, RECORD_EXIT_PIO, 0x3ff, true, 6 * MS, 1000);
	add_exit(0, RECORD_EXIT_PIO, 0x3fd, false, 9 * MS, 500);
	add_exit(0, RECORD_EXIT_PIO, 0x400, true, 9 * MS, 7777);
	add_exit(0, RECORD_EXIT_PIO, 0x3f7, true, 9 * MS, 7777);
	input.exit_round_trip_ns = 2000;
	input.exit_round_trip_by = "as measured";
	input.console_bytes = 42;
	build();
	ck_assert_uint_eq(report.console.bytes, 42);
	ck_assert_uint_eq(report.console.exits, 3);
	ck_assert_uint_eq(report.console.served_ns, 2500);
	ck_assert_uint_eq(report.console.tax_ns, 2500 + 3 * 2000);
	ck_assert_str_eq(report.console.round_trip_by, "as measured");
	ck_assert_uint_eq(report.step[2].console_exits, 2);
	ck_assert_uint_eq(report.step[2].console_ns, 2000);
	ck_assert_uint_eq(report.step[3].console_exits, 1);
}
END_TEST

START_TEST(console_lines)
{
	strcpy(line_text, "Linux versionRun /init");
	line[0] = (struct record_line){ START + 5 * MS, START + 6 * MS, 0, 13 };
	line[1] = (struct record_line){ START + 8 * MS, START + 8 * MS, 13, 9 };
	shared.lines = 2;
	shared.line_text_bytes = 22;
	shared.lines_lost = 5;
	build();
	ck_assert_uint_eq(report.console.lines, 2);
	ck_assert_str_eq(report.console.line[0].text, "Linux version");
	ck_assert_uint_eq(report.console.line[0].at_ns, 5 * MS);
	ck_assert_uint_eq(report.console.line[0].end_ns, 6 * MS);
	ck_assert_str_eq(report.console.line[1].text, "Run /init");
	ck_assert_uint_eq(report.console.lines_lost, 5);
	ck_assert_uint_eq(report.step[2].console_bytes, 15); /* CR LF is the line's */
	ck_assert_uint_eq(report.step[3].console_bytes, 11);
}
END_TEST

/* ---- the CPUs' time -------------------------------------------------------------------------- */

static void check_split(const struct report_split *s, uint64_t wall_ns)
{
	ck_assert(s->known);
	ck_assert_uint_eq(s->wall_ns, wall_ns);
	ck_assert_uint_eq(s->guest_ns + s->tvmm_ns + s->idle_ns + s->stolen_ns, wall_ns);
	ck_assert_uint_le(s->guest_ns, wall_ns); /* none wrapped below zero */
	ck_assert_uint_le(s->tvmm_ns, wall_ns);
	ck_assert_uint_le(s->idle_ns, wall_ns);
	ck_assert_uint_le(s->kvm_ns, s->guest_ns);
}

START_TEST(split_of_two_cpus)
{
	for (int cpu = 0; cpu < 2; cpu++) {
		times[cpu][0] = (struct record_times){ .at_ns = START + 2 * MS };
		record[cpu].times_taken = 2;
	}
	times[0][1] = (struct record_times){ .at_ns = START + 10 * MS,
					     .cpu_ns = 4 * MS,
					     .system_ns = MS,
					     .waiting_ns = 1 * MS,
					     .kvm_exits = 80 };
	times[1][1] = (struct record_times){ .at_ns = START + 10 * MS };
	add_exit(0, RECORD_EXIT_PIO, 0x3f8, true, 3 * MS, 500000);
	build();
	check_split(&report.split, 16 * MS);
	ck_assert_uint_eq(report.split.tvmm_ns, 500000);
	ck_assert_uint_eq(report.split.guest_ns, 4 * MS - 500000);
	ck_assert_uint_eq(report.split.stolen_ns, MS);
	ck_assert_uint_eq(report.split.idle_ns, 8 * MS - 5 * MS + 8 * MS);
	ck_assert_uint_eq(report.split.kvm_exits, 80);
	check_split(&report.step[1].split, 6 * MS);
	ck_assert_uint_eq(report.step[1].split.guest_ns, 4 * MS * 3 / 8 - 500000);
	check_split(&report.step[3].split, 4 * MS);
	ck_assert(!report.step[0].split.known); /* there was no vCPU yet */
}
END_TEST

/* Clocks that disagree: what is served longer than the step is, more CPU time than time. */
START_TEST(split_never_negative)
{
	times[0][0] = (struct record_times){ .at_ns = START + 2 * MS };
	times[0][1] = (struct record_times){ .at_ns = START + 10 * MS,
					     .cpu_ns = 90 * MS,
					     .system_ns = 95 * MS,
					     .waiting_ns = 50 * MS };
	record[0].times_taken = 2;
	add_exit(0, RECORD_EXIT_PIO, 0x3f8, true, 3 * MS, 4000000);
	input.cpus = 1;
	build();
	check_split(&report.split, 8 * MS);
	for (size_t i = 1; i < report.steps; i++)
		check_split(&report.step[i].split, report.mark[i + 1].at_ns - report.mark[i].at_ns);
	ck_assert_uint_eq(report.step[1].split.tvmm_ns, 3 * MS);
	ck_assert_uint_eq(report.split.idle_ns, 0);
}
END_TEST

static void add_reading(int cpu, uint64_t at_ns, struct record_times reading)
{
	reading.at_ns = START + at_ns;
	times[cpu][record[cpu].times_taken++] = reading;
}

/* Of 3 ms for which the guest was halted KVM polled 1, on the CPU. */
START_TEST(split_with_halts_told)
{
	add_reading(0, 2 * MS, (struct record_times){ .at_ns = 0 });
	add_reading(0, 10 * MS, (struct record_times){ .cpu_ns = 6 * MS, .halted_ns = 3 * MS });
	input.cpus = 1;
	build();
	check_split(&report.split, 8 * MS);
	ck_assert_uint_eq(report.split.idle_ns, 3 * MS);
	ck_assert_uint_eq(report.split.guest_ns, 5 * MS);
}
END_TEST

/* A write to a slow pipe sleeps while it serves an exit: the guest was not idle then. */
START_TEST(split_with_a_slow_console)
{
	add_reading(0, 2 * MS, (struct record_times){ .at_ns = 0 });
	add_reading(0, 5 * MS, (struct record_times){ .cpu_ns = MS });
	add_reading(0, 10 * MS, (struct record_times){ .cpu_ns = 5 * MS, .halted_ns = MS });
	add_exit(0, RECORD_EXIT_PIO, 0x3f8, true, 3 * MS, 2000000);
	input.cpus = 1;
	build();
	check_split(&report.split, 8 * MS);
	check_split(&report.step[1].split, 3 * MS);
	ck_assert_uint_eq(report.step[1].split.tvmm_ns, 2 * MS);
	ck_assert_uint_eq(report.step[1].split.idle_ns, 0);
	ck_assert_uint_eq(report.step[1].split.guest_ns, MS);
	ck_assert_uint_eq(report.split.idle_ns, MS);
}
END_TEST

/* A CPU that waits to be started sleeps, and KVM does not count that among its halts. */
START_TEST(split_before_a_cpu_is_started)
{
	for (int cpu = 0; cpu < 2; cpu++)
		add_reading(cpu, 2 * MS, (struct record_times){ .at_ns = 0 });
	add_reading(0, 10 * MS, (struct record_times){ .cpu_ns = 8 * MS });
	add_reading(1, 8 * MS, (struct record_times){ .at_ns = 0 });
	add_reading(1, 10 * MS, (struct record_times){ .cpu_ns = MS, .halted_ns = MS });
	build();
	check_split(&report.split, 16 * MS);
	ck_assert_uint_eq(report.split.idle_ns, 7 * MS);
	ck_assert_uint_eq(report.split.guest_ns, 9 * MS);
}
END_TEST

/* The table was full: of what came later nobody knows. */
START_TEST(split_up_to_the_last_reading)
{
	for (int cpu = 0; cpu < 2; cpu++)
		add_reading(cpu, 2 * MS, (struct record_times){ .at_ns = 0 });
	add_reading(0, 10 * MS, (struct record_times){ .cpu_ns = 8 * MS });
	add_reading(1, 9 * MS, (struct record_times){ .cpu_ns = 7 * MS });
	build();
	ck_assert(report.step[2].split.known);
	ck_assert(!report.step[3].split.known);
	check_split(&report.split, 2 * 6 * MS);
	ck_assert_uint_eq(report.split.guest_ns, 2 * 6 * MS);
}
END_TEST

/* One reading of one CPU is no split, nor are readings of the other alone. */
START_TEST(no_split_without_readings)
{
	add_reading(0, 20 * MS, (struct record_times){ .at_ns = 0 });
	add_reading(1, 2 * MS, (struct record_times){ .at_ns = 0 });
	add_reading(1, 20 * MS, (struct record_times){ .at_ns = 0 });
	build();
	ck_assert(!report.split.known);
	ck_assert_ptr_null(report_metric_find(&report, "time.guest"));
}
END_TEST

/* ---- initcalls ------------------------------------------------------------------------------- */

START_TEST(initcalls_that_returned)
{
	/* Tables need not be in order of address. */
	static const uint64_t functions[] = { 0xffffffff81001000, 0xffffffff81003000,
					      0xffffffff81000100, 0xffffffff81002000 };
	static const struct digest_levels levels = {
		functions,
		{ 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 4 },
	};

	initcall[0] = (struct record_initcall){ 0xffffffff81001000, START + 3 * MS, START + 4 * MS,
						-19, 0 };
	initcall[1] = (struct record_initcall){ 0xffffffff81002000, START + 5 * MS,
						START + 5 * MS + 10, 0, 1 };
	initcall[2] = (struct record_initcall){ 0xffffffff81002000, START + 6 * MS, 0, 0, 1 };
	initcall[3] = (struct record_initcall){ 0xffffffffc0000040, START + 7 * MS,
						START + 7 * MS + 8000, 0, 1 };
	shared.initcalls = 4;
	shared.initcalls_lost = 9;
	input.levels = &levels;
	input.round_trip_ns = 3000;
	build();
	ck_assert_uint_eq(report.initcalls, 3);
	ck_assert_uint_eq(report.initcalls_unreturned, 1);
	ck_assert_str_eq(report.initcall_unreturned, "second_init");
	ck_assert_uint_eq(report.initcalls_lost, 9);
	ck_assert_str_eq(report.initcall[0].name, "first_init");
	ck_assert_str_eq(report.initcall[0].level, "early");
	ck_assert_uint_eq(report.initcall[0].at_ns, 3 * MS);
	ck_assert_uint_eq(report.initcall[0].ns, MS - 3000);
	ck_assert_int_eq(report.initcall[0].result, -19);
	ck_assert_str_eq(report.initcall[1].level, "late");
	ck_assert_uint_eq(report.initcall[1].ns, 0);
	ck_assert_str_eq(report.initcall[2].name, "0xffffffffc0000040");
	ck_assert_str_eq(report.initcall[2].level, "module");
	ck_assert_uint_eq(report_metric_find(&report, "initcalls")->value, MS - 3000 + 5000);
	ck_assert_uint_eq(report_metric_find(&report, "initcalls.count")->value, 3);
	ck_assert_uint_eq(report_metric_find(&report, "initcall.first_init")->value, MS - 3000);
}
END_TEST

/* Static functions of two files may have one name. */
START_TEST(initcalls_of_one_name)
{
	for (int i = 0; i < 3; i++)
		initcall[i] = (struct record_initcall){ 0xffffffff81001000, START + 3 * MS,
							START + 3 * MS + 1 + (uint64_t)i, 0, 0 };
	shared.initcalls = 3;
	build();
	ck_assert_uint_eq(report_metric_find(&report, "initcall.first_init")->value, 1);
	ck_assert_uint_eq(report_metric_find(&report, "initcall.first_init~2")->value, 2);
	ck_assert_uint_eq(report_metric_find(&report, "initcall.first_init~3")->value, 3);
	ck_assert_str_eq(report.initcall[0].level, ""); /* not known */
}
END_TEST

/* ---- profile and log ------------------------------------------------------------------------- */

static void add_sample(uint64_t at_ns, uint64_t rip, bool user, bool halted)
{
	sample[record[0].samples++] = (struct record_sample){
		.at_ns = START + at_ns, .rip = rip, .user = user, .halted = halted
	};
}

static uint64_t samples_of(const char *frame)
{
	for (size_t i = 0; i < report.profile.stacks; i++) {
		ck_assert_uint_eq(report.profile.stack[i].frames, 1);
		if (strcmp(report.profile.stack[i].frame[0], frame) == 0)
			return report.profile.stack[i].samples;
	}
	return 0;
}

START_TEST(profile_by_names)
{
	const struct report_profile *p = &report.profile;

	add_sample(4 * MS, 0xffffffff81003456, false, false);
	add_sample(3 * MS, 0x1000200, false, false);
	add_sample(5 * MS, 0xffffffff81003001, false, false);
	add_sample(6 * MS, 0xffffffff81003001, false, true);
	add_sample(7 * MS, 0x400123, true, false);
	add_sample(8 * MS, 0xdead, false, false);
	input.profile_hz = 1000;
	input.decompressor = true;
	input.kernel_start = 0x1000000;
	input.kernel_end = 0x2000000;
	record[1].samples_lost = 3;
	build();
	ck_assert_uint_eq(p->rate_hz, 1000);
	ck_assert_uint_eq(p->samples, 6);
	ck_assert_uint_eq(p->lost, 3);
	ck_assert_str_eq(p->unwound_by, "none");
	ck_assert_uint_eq(p->stacks, 5);
	ck_assert_uint_eq(samples_of("do_idle"), 2);
	ck_assert_uint_eq(samples_of("[decompressor]"), 1);
	ck_assert_uint_eq(samples_of("[idle]"), 1);
	ck_assert_uint_eq(samples_of("[user space]"), 1);
	ck_assert_uint_eq(samples_of("0xdead"), 1);
	ck_assert_uint_eq(p->sample[0].at_ns, 3 * MS); /* in order of time */
	ck_assert_str_eq(p->stack[p->sample[0].stack].frame[0], "[decompressor]");
	ck_assert_str_eq(p->stack[p->sample[1].stack].frame[0], "do_idle");
}
END_TEST

/* The return address is the first byte of the next function: the call does not come back. */
START_TEST(profile_of_stacks)
{
	static uint64_t stack[] = { 0, 0xffffffff81003000 };
	const struct unwinder unwinder = { .method = UNWIND_FRAME_POINTERS, .symbols = &symbols };
	const struct report_profile *p = &report.profile;

	for (uint64_t i = 0; i < 3; i++) {
		add_sample((3 + i) * MS, 0xffffffff81003100 + i, false, false);
		sample[i].rsp = sample[i].rbp = 0xffffc90000000000;
		sample[i].stack_bytes = sizeof(stack);
	}
	sample[2].stack_bytes = 8; /* not all of the frame */
	record[0].stack_pool = (uint8_t *)stack;
	input.profile_hz = 1000;
	input.unwinder = &unwinder;
	build();
	ck_assert_str_eq(p->unwound_by, "frame pointers");
	ck_assert_uint_eq(p->stacks, 2);
	ck_assert_uint_eq(p->stack[0].frames, 1);
	ck_assert_str_eq(p->stack[0].frame[0], "do_idle");
	ck_assert_uint_eq(p->stack[1].frames, 2);
	ck_assert_uint_eq(p->stack[1].samples, 2);
	ck_assert_str_eq(p->stack[1].frame[0], "second_init"); /* outermost first */
	ck_assert_str_eq(p->stack[1].frame[1], "do_idle");
}
END_TEST

START_TEST(log_lines)
{
	static struct klog_record lines[] = {
		{ .at_ns = 0, .level = 5, .text = 0, .text_bytes = 3 },
		{ .at_ns = 12, .level = 6, .text = 4, .text_bytes = 3 },
	};
	static char text[] = "one\0two";
	static const struct klog klog = { .record = lines, .records = 2, .text = text };

	input.klog = &klog;
	build();
	ck_assert_uint_eq(report.log_lines, 2);
	ck_assert_uint_eq(report.log[1].at_ns, 12);
	ck_assert_uint_eq(report.log[1].level, 6);
	ck_assert_str_eq(report.log[1].text, "two");
	ck_assert_uint_eq(report_metric_find(&report, "log.lines")->value, 2);
}
END_TEST

/* ---- numbers by name ------------------------------------------------------------------------- */

static void check_metric(const char *name, enum report_unit unit, uint64_t value, const char *from,
			 const char *to)
{
	const struct report_metric *metric = report_metric_find(&report, name);

	ck_assert_msg(metric != NULL, "no metric %s", name);
	ck_assert_int_eq(metric->unit, unit);
	ck_assert_msg(metric->value == value, "%s is %llu", name,
		      (unsigned long long)metric->value);
	ck_assert_str_eq(metric->from, from);
	ck_assert_str_eq(metric->to, to);
}

START_TEST(stages)
{
	mark_at(&marks, MARK_INIT_LINE, START + 9 * MS);
	build();
	check_metric("total", REPORT_NS, 10 * MS, "process start", "end");
	check_metric("boot", REPORT_NS, 9 * MS, "process start", "init's own line");
	check_metric("host", REPORT_NS, 2 * MS, "process start", "first guest instruction");
	check_metric("kernel", REPORT_NS, 6 * MS, "first guest instruction", "Run /init");
	check_metric("user", REPORT_NS, 1 * MS, "Run /init", "init's own line");
	check_metric("at.run_init", REPORT_NS, 8 * MS, "process start", "Run /init");
	check_metric("step.kernel_banner", REPORT_NS, 3 * MS, "kernel banner", "Run /init");
	check_metric("at.init_s_own_line", REPORT_NS, 9 * MS, "process start", "init's own line");
}
END_TEST

/* The first instruction in user mode is nearer than the console's line; a guest's mark is its "ready". */
START_TEST(nearer_stages)
{
	add_hit(PHASE_FIRST_USER, 8 * MS + 500, 0);
	record_mark(&shared, RECORD_MARK_ESCAPE, "up", START + 9 * MS);
	build();
	check_metric("kernel", REPORT_NS, 6 * MS + 500, "first guest instruction",
		     "first user-mode instruction");
	check_metric("user", REPORT_NS, MS - 500, "first user-mode instruction", "mark:up");
	check_metric("boot", REPORT_NS, 9 * MS, "process start", "mark:up");
}
END_TEST

START_TEST(absent_metrics)
{
	report.no_phases = "no symbols";
	report.no_initcalls = "no symbols";
	report.no_exits = "not asked for";
	build();
	ck_assert_ptr_nonnull(report_metric_find(&report, "total"));
	ck_assert_ptr_nonnull(report_metric_find(&report, "console.bytes"));
	ck_assert_ptr_null(report_metric_find(&report, "user"));
	ck_assert_ptr_null(report_metric_find(&report, "exits"));
	ck_assert_ptr_null(report_metric_find(&report, "console.tax"));
	ck_assert_ptr_null(report_metric_find(&report, "initcalls"));
	ck_assert_ptr_null(report_metric_find(&report, "breakpoints.time"));
	ck_assert_ptr_null(report_metric_find(&report, "profile.samples"));
	ck_assert_ptr_null(report_metric_find(&report, "log.lines"));
	ck_assert_ptr_null(report_metric_find(&report, "time.guest"));
}
END_TEST

/* Names that become the same when they are made fit for a command line. */
START_TEST(slugs)
{
	record_mark(&shared, RECORD_MARK_ESCAPE, "Net Up", START + 9 * MS);
	record_mark(&shared, RECORD_MARK_ESCAPE, "net<=up", START + 9 * MS + 1);
	record_mark(&shared, RECORD_MARK_ESCAPE, "net_up", START + 9 * MS + 2);
	build();
	check_metric("at.mark:net_up", REPORT_NS, 9 * MS, "process start", "mark:Net Up");
	check_metric("at.mark:net_up~2", REPORT_NS, 9 * MS + 1, "process start", "mark:net<=up");
	check_metric("at.mark:net_up~3", REPORT_NS, 9 * MS + 2, "process start", "mark:net_up");
	check_metric("step.mark:net_up", REPORT_NS, 1, "mark:Net Up", "mark:net<=up");
	for (size_t i = 0; i < report.metrics; i++) {
		ck_assert_ptr_eq(report_metric_find(&report, report.metric[i].name),
				 &report.metric[i]);
		ck_assert_uint_eq(strcspn(report.metric[i].name, " <>=\t"),
				  strlen(report.metric[i].name));
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		marks_in_order,
		a_hit_after_the_end,
		names_are_unique,
		as_many_marks_as_there_can_be,
		nothing_but_the_start,
		steps_less_overhead,
		more_overhead_than_time,
		phases_left_out,
		exits_by_class_and_step,
		exits_that_cost_the_same,
		more_addresses_than_classes,
		console_tax,
		console_lines,
		split_of_two_cpus,
		split_never_negative,
		split_with_halts_told,
		split_with_a_slow_console,
		split_before_a_cpu_is_started,
		split_up_to_the_last_reading,
		no_split_without_readings,
		initcalls_that_returned,
		initcalls_of_one_name,
		profile_by_names,
		profile_of_stacks,
		log_lines,
		stages,
		nearer_stages,
		absent_metrics,
		slugs,
	};
	Suite *suite = suite_create("digest");
	TCase *tcase = tcase_create("digest");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < COUNT(tests); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
