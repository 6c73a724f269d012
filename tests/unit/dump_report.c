/* SPDX-License-Identifier: MIT */
/*
 * Writes what a report looks like, to stdout:
 *
 *   dump_report html|flame full|bare|hostile
 *
 * full has something of everything, bare has only what the console told, hostile is full with
 * strings that attack whoever takes them for more than text. For test_page.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/report.h"

enum { US = 1000, COUNT = 64 };

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define ATTACK                                                                                   \
	"<img src=x onerror=document.documentElement.dataset.attacked=1>"                        \
	"</title></script></svg><img src=x onerror=document.documentElement.dataset.attacked=1>" \
	"<script>document.documentElement.dataset.attacked=1</"                                  \
	"script>]]>\"'&\x1b[31m\x07\xff<!--<script>"

static const char *const command[] = { "tvmm", "-kernel", "bzImage", "--html", "boot.html" };
static const char *const left_out[] = { "mm_init", "calibrate_delay" };
static const char *const not_reached[] = { "smp_init" };

static struct report_mark all_marks[] = {
	{ "process start", "the kernel began with this process", REPORT_BY_TVMM, 0, 0, 0 },
	{ "placed", "VM made, kernel and initrd in its memory", REPORT_BY_TVMM, 2800 * US, 0, 0 },
	{ "first guest instruction", "the first KVM_RUN is entered", REPORT_BY_TVMM, 3000 * US, 0,
	  0 },
	{ "startup_64", "breakpoint at startup_64()", REPORT_BY_BREAKPOINT, 3010 * US, 2 * US, 0 },
	{ "x86_64_start_kernel", "breakpoint at x86_64_start_kernel()", REPORT_BY_BREAKPOINT,
	  3300 * US, 4 * US, 0 },
	{ "start_kernel", "breakpoint at start_kernel()", REPORT_BY_BREAKPOINT, 3310 * US, 6 * US,
	  0 },
	{ "setup_arch", "breakpoint at setup_arch()", REPORT_BY_BREAKPOINT, 3320 * US, 8 * US, 0 },
	{ "kernel banner", "console line \"Linux version\"", REPORT_BY_CONSOLE, 6000 * US, 8 * US,
	  0 },
	{ "rest_init", "breakpoint at rest_init()", REPORT_BY_BREAKPOINT, 12000 * US, 10 * US, 0 },
	{ "initcalls: core", "breakpoint at the first initcall of level core", REPORT_BY_BREAKPOINT,
	  12500 * US, 12 * US, 0 },
	{ "initcalls: device", "breakpoint at the first initcall of level device",
	  REPORT_BY_BREAKPOINT, 15000 * US, 14 * US, 0 },
	{ "Run /init", "console line \"Run ... as init process\"", REPORT_BY_CONSOLE, 24000 * US,
	  16 * US, 0 },
	{ "first user-mode instruction", "breakpoint where start_thread() was told to begin",
	  REPORT_BY_BREAKPOINT, 24100 * US, 18 * US, 0 },
	{ "mark:shell", "escape sequence of the guest", REPORT_BY_GUEST, 28000 * US, 18 * US, 0 },
	{ "end", "the guest asked for a reset", REPORT_BY_TVMM, 30000 * US, 18 * US, 0 },
};

static struct report_step steps[LENGTH(all_marks) - 1];
static struct report_initcall initcalls[COUNT];
static struct report_line lines[COUNT];
static struct report_log_line log_lines[COUNT];
static uint64_t of_uart[LENGTH(steps)], of_nobody[LENGTH(steps)];
static char names[COUNT][32], texts[COUNT][80];

static struct report_exit_class classes[] = {
	{ RECORD_EXIT_PIO, 0x3f8, "uart16550", true, 2600, 2600, 4100 * US, of_uart },
	{ RECORD_EXIT_PIO, 0x80, "nobody", true, 26, 26, 30 * US, of_nobody },
};

static const char *frames[][4] = {
	{ "secondary_startup_64", "start_kernel", "setup_arch", "e820__memory_setup" },
	{ "secondary_startup_64", "start_kernel", "setup_arch", "init_mem_mapping" },
	{ "secondary_startup_64", "start_kernel", "rest_init", "cpu_startup_entry" },
	{ "ret_from_fork", "kernel_init", "do_one_initcall", "serial8250_init" },
	{ "ret_from_fork", "kernel_init", "do_one_initcall", "populate_rootfs" },
};
static struct report_stack stacks[] = {
	{ frames[0], 4, 2 }, { frames[1], 4, 5 },  { frames[2], 4, 1 },
	{ frames[3], 4, 9 }, { frames[4], 4, 13 },
};

static const struct report_metric metrics[] = {
	{ "total", REPORT_NS, 30000 * US, "process start", "end" },
	{ "kernel", REPORT_NS, 21100 * US, "first guest instruction",
	  "first user-mode instruction" },
	{ "user", REPORT_NS, 3900 * US, "first user-mode instruction", "mark:shell" },
	{ "console.bytes", REPORT_BYTES, 2600, "", "" },
	{ "exits", REPORT_COUNT, 2650, "", "" },
};

/* A step for each two marks, with something of everything in it. */
static void make_steps(size_t marks, bool detailed)
{
	for (size_t i = 0; i + 1 < marks; i++) {
		uint64_t ns = all_marks[i + 1].at_ns - all_marks[i].at_ns;

		steps[i] = (struct report_step){ .from = i, .to = i + 1, .ns = ns };
		if (!detailed)
			continue;
		of_uart[i] = i * 30;
		of_nobody[i] = i % 3;
		steps[i].overhead_ns = all_marks[i + 1].overhead_ns - all_marks[i].overhead_ns;
		steps[i].ns -= steps[i].overhead_ns;
		steps[i].exits = of_uart[i] + of_nobody[i];
		steps[i].split = (struct report_split){ .known = true,
							.wall_ns = ns,
							.guest_ns = ns / 2,
							.kvm_ns = ns / 8,
							.tvmm_ns = ns / 4,
							.idle_ns = ns / 4 };
	}
}

static void make_lists(void)
{
	for (size_t i = 0; i < COUNT; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%s_init_%zu", i % 2 ? "net" : "tty", i);
		(void)snprintf(texts[i], sizeof(texts[i]), "[    0.%06zu] line %zu of the console",
			       i * 171, i);
		initcalls[i] = (struct report_initcall){ .name = names[i],
							 .level = i < 24 ? "core" : "device",
							 .at_ns = (12500 + 180 * i) * US,
							 .ns = (1 + i * 53 % 170) * US,
							 .result = i % 9 ? 0 : -19 };
		lines[i] = (struct report_line){ .at_ns = (6000 + 350 * i) * US,
						 .end_ns = (6000 + 350 * i + 60) * US,
						 .text = texts[i] };
		log_lines[i] = (struct report_log_line){ .at_ns = 171 * US * i,
							 .level = (uint8_t)(i % 8),
							 .text = texts[i] };
	}
}

static struct report bare_report(void)
{
	static struct report_mark told[LENGTH(all_marks)];
	struct report report = {
		.version = "0",
		.command = command,
		.words = LENGTH(command),
		.host = { .cpu = "a CPU", .cpus = 2, .kernel = "6.1.0", .ground = "software KVM" },
		.guest = { .kernel = "bzImage",
			   .initrd = "rootfs.cpio.gz",
			   .cmdline = "quiet",
			   .banner = "",
			   .build_id = "",
			   .entered = "bzImage",
			   .symbols = "",
			   .ram_bytes = 128 << 20,
			   .cpus = 1 },
		.ending = { .status = 0,
			    .kind = "reset",
			    .sentence = "the guest asked for a reset" },
		.mark = told,
		.step = steps,
		.no_phases = "the kernel has no symbols; --symbols F gives them",
		.no_initcalls = "no symbols",
		.no_exits = "not asked for",
		.no_log = "no symbols",
		.console = { .bytes = 2600, .line = lines, .lines = COUNT },
	};
	size_t kept = 0;

	for (size_t i = 0; i < LENGTH(all_marks); i++)
		if (all_marks[i].source != REPORT_BY_BREAKPOINT)
			all_marks[kept++] = all_marks[i];
	memcpy(told, all_marks, kept * sizeof(told[0]));
	report.marks = kept;
	report.steps = kept - 1;
	report.first_run = 2;
	report.end = kept - 1;
	make_steps(kept, false);
	return report;
}

static const struct report_host hardware = { .cpu = "a CPU",
					     .cpus = 2,
					     .kernel = "6.1.0",
					     .governor = "performance",
					     .huge_pages = "madvise",
					     .clock = "tsc",
					     .backend = "vmx",
					     .ground = "hardware",
					     .mitigations = "retbleed: Not affected",
					     .tsc_khz = 2445000 };

static const struct report_split whole = { .known = true,
					   .wall_ns = 27000 * US,
					   .guest_ns = 15000 * US,
					   .kvm_ns = 3000 * US,
					   .tvmm_ns = 4200 * US,
					   .idle_ns = 7000 * US,
					   .stolen_ns = 800 * US,
					   .kvm_exits = 5100 };

static const struct report_console console = { .bytes = 2600,
					       .exits = 2600,
					       .served_ns = 4100 * US,
					       .round_trip_ns = 1500,
					       .round_trip_by = "measured in this run",
					       .tax_ns = 8000 * US,
					       .line = lines,
					       .lines = COUNT };

static const struct report_profile profile = { .rate_hz = 1000,
					       .samples = 30,
					       .unwound_by = "ORC",
					       .stack = stacks,
					       .stacks = LENGTH(stacks) };

static struct report full_report(void)
{
	struct report report = {
		.version = "0",
		.command = command,
		.words = LENGTH(command),
		.host = hardware,
		.ending = { .status = 0,
			    .kind = "reset",
			    .sentence = "the guest asked for a reset" },
		.mark = all_marks,
		.marks = LENGTH(all_marks),
		.step = steps,
		.steps = LENGTH(steps),
		.first_run = 2,
		.end = LENGTH(all_marks) - 1,
		.left_out = left_out,
		.lefts_out = LENGTH(left_out),
		.not_reached = not_reached,
		.not_reacheds = LENGTH(not_reached),
		.breakpoints = { .exits = 9, .round_trip_ns = 2 * US, .total_ns = 18 * US },
		.initcall = initcalls,
		.initcalls = COUNT,
		.exit_class = classes,
		.exit_classes = LENGTH(classes),
		.exits = 2626,
		.split = whole,
		.console = console,
		.profile = profile,
		.log = log_lines,
		.log_lines = COUNT,
		.control = { .done = true,
			     .quiet_ns = 20000 * US,
			     .noisy_ns = 28000 * US,
			     .mark = "mark:shell" },
		.metric = metrics,
		.metrics = LENGTH(metrics),
	};

	report.guest.kernel = "bzImage";
	report.guest.initrd = "rootfs.cpio.gz";
	report.guest.cmdline = "quiet";
	report.guest.banner = "Linux version 6.1.76 (us@here) #1";
	report.guest.build_id = "9f3c2a77";
	report.guest.entered = "vmlinux in the bzImage, unpacked now";
	report.guest.symbols = "kallsyms in the payload";
	report.guest.ram_bytes = 128 << 20;
	report.guest.cpus = 1;
	make_steps(LENGTH(all_marks), true);
	return report;
}

static struct report hostile_report(void)
{
	struct report report = full_report();

	report.guest.banner = "Linux version " ATTACK;
	report.guest.cmdline = ATTACK;
	report.ending.sentence = ATTACK;
	all_marks[7].name = ATTACK;
	all_marks[7].taken = ATTACK;
	initcalls[3].name = ATTACK;
	initcalls[3].level = ATTACK;
	lines[4].text = ATTACK;
	log_lines[5].text = ATTACK;
	log_lines[5].at_ns = UINT64_MAX;
	classes[0].owner = ATTACK;
	frames[3][3] = ATTACK;
	report.no_phases = ATTACK;
	return report;
}

int main(int argc, char **argv)
{
	struct report report;
	int rc;

	if (argc != 3) {
		(void)fputs("usage: dump_report html|flame full|bare|hostile\n", stderr);
		return EXIT_FAILURE;
	}
	make_lists();
	report = strcmp(argv[2], "bare") == 0      ? bare_report()
		 : strcmp(argv[2], "hostile") == 0 ? hostile_report()
						   : full_report();
	rc = strcmp(argv[1], "flame") == 0 ? report_print_flame(&report, stdout)
					   : report_print_html(&report, stdout);
	if (rc < 0)
		(void)fprintf(stderr, "dump_report: %s\n", strerror(-rc));
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
