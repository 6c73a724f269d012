/* SPDX-License-Identifier: MIT */
#include "tests/common/reportspec.h"

#include "tests/common/autopsyspec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- everything ------------------------------------------------------------------------------ */

#define TVMM(name, taken, at)                         \
	{                                             \
		name, taken, REPORT_BY_TVMM, at, 0, 0 \
	}
#define HIT(name, at, overhead, cpu)                                                 \
	{                                                                            \
		name, "breakpoint at " name, REPORT_BY_BREAKPOINT, at, overhead, cpu \
	}
#define LINE(name, taken, at, overhead)                         \
	{                                                       \
		name, taken, REPORT_BY_CONSOLE, at, overhead, 0 \
	}

static const struct report_mark marks[] = {
	TVMM("process start", "the kernel began with this process", 0),
	TVMM("program loaded", "main() begins", 400000),
	TVMM("planned", "files opened and checked, addresses chosen", 900000),
	TVMM("placed", "VM made, kernel and initrd in its memory", 2500000),
	TVMM("first guest instruction", "the first KVM_RUN is entered", 3000001),
	HIT("startup_64", 3100000, 8000, 0),
	HIT("x86_64_start_kernel", 3400000, 16000, 0),
	HIT("start_kernel", 3500000, 24000, 0),
	LINE("first console byte", "the first byte out of the UART", 4000000, 24000),
	LINE("kernel banner", "console line \"Linux version\"", 4000000, 24000),
	HIT("setup_arch", 4600000, 32000, 0),
	HIT("time_init", 9000000, 40000, 0),
	HIT("console_init", 9700000, 48000, 0),
	HIT("rest_init", 14000000, 56000, 0),
	HIT("kernel_init", 14100000, 64000, 1),
	HIT("initcalls: early", 14200000, 72000, 1),
	HIT("initcalls: late", 30000000, 280000, 1),
	HIT("free_initmem", 31000000, 288000, 1),
	LINE("Run /init", "console line \"Run ... as init process\"", 32000000, 288000),
	HIT("first user-mode instruction", 33000000, 296000, 1),
	{ "mark:" REPORTSPEC_HOSTILE, "the guest's escape sequence", REPORT_BY_GUEST, 35000000,
	  296000, 0 },
	LINE("init's own line", "console line \"Boot took\"", 36000000, 296000),
	{ "end", "the run's ending", REPORT_BY_TVMM, 40000000, 304000, 0 },
};

/* from, to, less overhead, overhead; exits; console's bytes, exits, time; split of two CPUs. */
static const struct report_step steps[] = {
	{ 0, 1, 400000, 0, 0, 0, 0, 0, 0, { 0 } },
	{ 1, 2, 500000, 0, 0, 0, 0, 0, 0, { 0 } },
	{ 2, 3, 1600000, 0, 0, 0, 0, 0, 0, { 0 } },
	{ 3, 4, 500001, 0, 0, 0, 0, 0, 0, { 0 } },
	{ 4,
	  5,
	  91999,
	  8000,
	  1,
	  1000,
	  0,
	  0,
	  0,
	  { true, 199998, 147260, 29452, 1000, 49749, 1989, 4 } },
	{ 5,
	  6,
	  292000,
	  8000,
	  2,
	  2000,
	  0,
	  0,
	  0,
	  { true, 600000, 442520, 88504, 2000, 149500, 5980, 5 } },
	{ 6, 7, 92000, 8000, 0, 0, 0, 0, 0, { true, 200000, 148000, 29600, 0, 50000, 2000, 3 } },
	{ 7,
	  8,
	  500000,
	  0,
	  1,
	  1000,
	  0,
	  0,
	  0,
	  { true, 1000000, 739260, 147852, 1000, 249750, 9990, 4 } },
	{ 8, 9, 0, 0, 2, 2000, 0, 0, 0, { true, 0, 0, 0, 0, 0, 0, 5 } },
	{ 9,
	  10,
	  592000,
	  8000,
	  66,
	  99000,
	  64,
	  66,
	  99000,
	  { true, 1200000, 814740, 162948, 99000, 275250, 11010, 69 } },
	{ 10,
	  11,
	  4392000,
	  8000,
	  521,
	  781000,
	  512,
	  520,
	  780000,
	  { true, 8800000, 5934060, 1186812, 781000, 2004750, 80190, 524 } },
	{ 11,
	  12,
	  692000,
	  8000,
	  2,
	  2000,
	  0,
	  0,
	  0,
	  { true, 1400000, 1034520, 206904, 2000, 349500, 13980, 5 } },
	{ 12,
	  13,
	  4292000,
	  8000,
	  0,
	  0,
	  0,
	  0,
	  0,
	  { true, 8600000, 6364000, 1272800, 0, 2150000, 86000, 3 } },
	{ 13,
	  14,
	  92000,
	  8000,
	  1031,
	  1546000,
	  1024,
	  1030,
	  1545000,
	  { true, 200000, 0, 0, 200000, 0, 0, 1034 } },
	{ 14,
	  15,
	  92000,
	  8000,
	  2,
	  2000,
	  0,
	  0,
	  0,
	  { true, 200000, 146520, 29304, 2000, 49500, 1980, 5 } },
	{ 15,
	  16,
	  15592000,
	  208000,
	  0,
	  0,
	  0,
	  0,
	  0,
	  { true, 31600000, 23384000, 4676800, 0, 7900000, 316000, 3 } },
	{ 16,
	  17,
	  992000,
	  8000,
	  303,
	  454000,
	  300,
	  302,
	  453000,
	  { true, 2000000, 1144040, 228808, 454000, 386500, 15460, 306 } },
	{ 17,
	  18,
	  1000000,
	  0,
	  2,
	  2000,
	  0,
	  0,
	  0,
	  { true, 2000000, 1478520, 295704, 2000, 499500, 19980, 5 } },
	{ 18,
	  19,
	  992000,
	  8000,
	  0,
	  0,
	  0,
	  0,
	  0,
	  { true, 2000000, 1480000, 296000, 0, 500000, 20000, 3 } },
	{ 19,
	  20,
	  2000000,
	  0,
	  1,
	  1000,
	  0,
	  0,
	  0,
	  { true, 4000000, 2959260, 591852, 1000, 999750, 39990, 4 } },
	{ 20,
	  21,
	  1000000,
	  0,
	  2,
	  2000,
	  0,
	  0,
	  0,
	  { true, 2000000, 1478520, 295704, 2000, 499500, 19980, 5 } },
	{ 21,
	  22,
	  3992000,
	  8000,
	  100,
	  150000,
	  100,
	  100,
	  150000,
	  { true, 8000000, 5809000, 1161800, 150000, 1962500, 78500, 103 } },
};

static const struct report_initcall initcalls[] = {
	{ "trace_init_flags_sys_enter", "early", 14300000, 2500000, 0, 1 },
	{ "cpu_init_udelay_run", "early", 14900000, 40010, 0, 1 },
	{ "init_hw_perf_events", "early", 15500000, 20, 0, 1 },
	{ "ipc_ns_init", "pure", 16100000, 123486, 0, 1 },
	{ "init_mmap_min_addr", "pure", 16700000, 1040, 0, 1 },
	{ "net_ns_init", "core", 17300000, 57, 0, 1 },
	{ "inet_frag_wq_init", "core", 17900000, 2500060, 0, 1 },
	{ "wq_sysfs_init", "core", 18500000, 40070, 0, 1 },
	{ "ksysfs_init", "postcore", 19100000, 80, 0, 1 },
	{ "bdi_class_init", "postcore", 19700000, 123546, 0, 1 },
	{ "kobject_uevent_init", "arch", 20300000, 1100, 0, 1 },
	{ "acpi_init", "arch", 20900000, 117, -19, 1 },
	{ "pci_arch_init", "arch", 21500000, 2500120, 0, 1 },
	{ "init_vdso", "subsys", 22100000, 40130, 0, 1 },
	{ "topology_init", "subsys", 22700000, 140, 0, 1 },
	{ "mtrr_init_finialize", "fs", 23300000, 123606, 0, 1 },
	{ "uid_cache_init", "fs", 23900000, 1160, 0, 1 },
	{ "param_sysfs_init", "fs", 24500000, 177, 0, 1 },
	{ "default_bdi_init", "rootfs", 25100000, 2500180, 0, 1 },
	{ "chr_dev_init", "rootfs", 25700000, 40190, 0, 1 },
	{ "populate_rootfs", "device", 26300000, 200, 0, 1 },
	{ "pci_iommu_init", "device", 26900000, 123666, 0, 1 },
	{ "serial8250_init", "device", 27500000, 1220, 0, 1 },
	{ "0xffffffff81c0ffee", "module", 28100000, 237, 0, 1 },
	{ "clk_disable_unused", "late", 28700000, 2500240, 0, 1 },
};

static uint64_t in_step[][COUNT(steps)] = {
	{ 0, 0, 0, 0, 1995, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5 },
	{ 0, 0, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5 },
	{ 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5 },
	{ 0, 0, 0, 0, 0, 0, 0, 33, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5 },
	{ 0, 0, 0, 0, 0, 0, 0, 0, 115, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5 },
	{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5 },
};
static const struct report_exit_class classes[] = {
	{ RECORD_EXIT_PIO, 0x3f8, "uart16550", true, 2000, 2001, 3009000, in_step[0] },
	{ RECORD_EXIT_DEBUG, 0, "breakpoints", false, 38, 38, 304000, in_step[3] },
	{ RECORD_EXIT_KICK, 0, "samples", false, 120, 120, 60000, in_step[4] },
	{ RECORD_EXIT_PIO, 0x3fd, "uart16550", false, 18, 19, 18000, in_step[1] },
	{ RECORD_EXIT_MMIO, 0xfee00020, "nobody", false, 7, 7, 9000, in_step[2] },
	{ RECORD_EXIT_OTHER, 10, "HLT", false, 11, 11, 9000, in_step[5] },
};

static struct record_exit exits_of_cpu0[] = {
	{ .left_ns = 1003100123,
	  .address = 0x3f8,
	  .served_ns = 1500,
	  .count = 1,
	  .size = 1,
	  .out = 1 },
	{ .left_ns = 1003500000,
	  .address = 0xffffffff81000040,
	  .served_ns = 8000,
	  .kind = RECORD_EXIT_DEBUG },
	{ .left_ns = 1039999999, .address = 10, .served_ns = 1, .kind = RECORD_EXIT_OTHER },
};
static struct record_exit exits_of_cpu1[] = {
	{ .left_ns = 1020000001,
	  .address = 0xfee00020,
	  .served_ns = 700,
	  .count = 1,
	  .kind = RECORD_EXIT_MMIO,
	  .size = 4 },
};
static const struct record records[] = {
	{ .exit = exits_of_cpu0, .exits = COUNT(exits_of_cpu0) },
	{ .exit = exits_of_cpu1, .exits = COUNT(exits_of_cpu1), .exits_lost = 3 },
};

static const struct report_line lines[] = {
	{ 4000000, 4500000, "Linux version 6.1.0 (me@here) (gcc) #1" },
	{ 4500000, 4500000, "" },
	{ 5000000, 5600001, REPORTSPEC_HOSTILE },
	{ 32000000, 32100000, "Run /init as init process" },
	{ 36000000, 36050000, "Boot took 0.03 seconds" },
};

static const char *const idle[] = { "[idle]" };
static const char *const user[] = { "[user space]" };
static const char *const deep[] = { "start_kernel", "setup_arch", "memset_erms" };
static const char *const other[] = { "start_kernel", "time_init", "memset_erms" };
static const char *const hostile[] = { "kernel_init", REPORTSPEC_HOSTILE };
static const struct report_stack stacks[] = {
	{ idle, 1, 1 }, { user, 1, 2 }, { hostile, 2, 1 }, { deep, 3, 3 }, { other, 3, 1 },
};
static struct report_sample samples[] = {
	{ 5000000, 0, 3 },  { 6000000, 0, 3 },  { 7000000, 0, 3 },  { 9100000, 0, 4 },
	{ 20000000, 1, 2 }, { 33500000, 1, 1 }, { 34500000, 1, 1 }, { 38000000, 0, 0 },
};

static const struct report_log_line log_lines[] = {
	{ 0, 5, "Linux version 6.1.0 (me@here) (gcc) #1" },
	{ 12345678, 4, REPORTSPEC_HOSTILE },
	{ 23456789, 6, "Run /init as init process" },
};

static const struct report_metric metrics[] = {
	{ "total", REPORT_NS, 40000000, "process start", "end" },
	{ "boot", REPORT_NS, 36000000, "process start", "init's own line" },
	{ "kernel", REPORT_NS, 29999999, "first guest instruction", "first user-mode instruction" },
	{ "exits", REPORT_COUNT, 2036, "", "" },
	{ "exits.pio", REPORT_COUNT, 2018, "", "" },
	{ "console.bytes", REPORT_BYTES, 2000, "", "" },
};

static const char *const command[] = { "tvmm", "-kernel", "bzImage", "-append",
				       REPORTSPEC_HOSTILE };
static const char *const left_out[] = {
	"mm_init",         "sched_init",      "init_IRQ",
	"calibrate_delay", "vfs_caches_init", "initcalls: rootfs",
};
static const char *const not_reached[] = { "smp_init", "populate_rootfs", "populate_rootfs done" };

static const char *const fallback[] = {
	"KVM has no TSC-deadline timer: the guest measures its APIC timer",
	"no cache: " REPORTSPEC_HOSTILE,
};

static struct report full = {
	.version = "0.4",
	.command = command,
	.words = COUNT(command),
	.fallback = fallback,
	.fallbacks = COUNT(fallback),
	.host = {
		.cpu = "A CPU @ 3.00GHz",
		.cpus = 8,
		.kernel = "6.5.0-1",
		.governor = "performance",
		.huge_pages = "madvise",
		.clock = "tsc",
		.backend = "vmx",
		.ground = "hardware",
		.mitigations = "Mitigation: Retpolines",
		.tsc_khz = 2999999,
	},
	.guest = {
		.kernel = "bzImage",
		.initrd = "rootfs.cpio.gz",
		.cmdline = REPORTSPEC_HOSTILE,
		.fast_append = "noapic 8250.nr_uarts=1",
		.banner = "Linux version 6.1.0 (me@here) (gcc) #1",
		.build_id = "0123456789abcdef",
		.entered = "vmlinux in the bzImage, unpacked now",
		.symbols = "kallsyms of the kernel itself",
		.ram_bytes = 128 << 20,
		.cpus = 2,
	},
	.ending = { 0, "reset", "the guest reset the machine: " REPORTSPEC_HOSTILE },
	.mark = marks,
	.marks = COUNT(marks),
	.step = steps,
	.steps = COUNT(steps),
	.first_run = 4,
	.end = COUNT(marks) - 1,
	.marks_lost = 2,
	.left_out = left_out,
	.lefts_out = COUNT(left_out),
	.not_reached = not_reached,
	.not_reacheds = COUNT(not_reached),
	.breakpoints = { 38, 8000, 304000 },
	.initcall = initcalls,
	.initcalls = COUNT(initcalls),
	.initcalls_lost = 1,
	.exit_class = classes,
	.exit_classes = COUNT(classes),
	.exits = 2036,
	.exits_lost = 3,
	.record = records,
	.process_start_ns = 1000000000,
	.split = { true, 73999998, 53504220, 10700844, 1697000, 18075749, 723029, 2090 },
	.console = {
		.bytes = 2000,
		.exits = 2018,
		.served_ns = 3027000,
		.round_trip_ns = 2000,
		.round_trip_by = "breakpoints of this run",
		.tax_ns = 7063000,
		.line = lines,
		.lines = COUNT(lines),
		.lines_lost = 4,
	},
	.profile = {
		.rate_hz = 1000,
		.samples = COUNT(samples),
		.lost = 5,
		.unwound_by = "ORC",
		.stack = stacks,
		.stacks = COUNT(stacks),
		.sample = samples,
	},
	.log = log_lines,
	.log_lines = COUNT(log_lines),
	.control = { true, 34000000, 36000000, "init's own line" },
	.metric = metrics,
	.metrics = COUNT(metrics),
};

const struct report *reportspec_full(void)
{
	full.autopsy = autopsyspec();
	return &full;
}

/* ---- next to nothing ------------------------------------------------------------------------- */

static const struct report_mark bare_marks[] = {
	TVMM("process start", "the kernel began with this process", 0),
	TVMM("first guest instruction", "the first KVM_RUN is entered", 2000000),
	LINE("first console byte", "the first byte out of the UART", 5000000, 0),
	LINE("kernel banner", "console line \"Linux version\"", 5000000, 0),
	TVMM("end", "the run's ending", 50000000),
};
static const struct report_step bare_steps[] = {
	{ .from = 0, .to = 1, .ns = 2000000 },
	{ .from = 1, .to = 2, .ns = 3000000 },
	{ .from = 2, .to = 3 },
	{ .from = 3, .to = 4, .ns = 45000000 },
};
static const struct report_metric bare_metrics[] = {
	{ "total", REPORT_NS, 50000000, "process start", "end" },
	{ "console.bytes", REPORT_BYTES, 100, "", "" },
};
static const char *const bare_command[] = { "tvmm", "-kernel", "vmlinux" };

const struct report *reportspec_bare(void)
{
	static const struct report report = {
		.version = "0.4",
		.command = bare_command,
		.words = COUNT(bare_command),
		.guest = {
			.kernel = "vmlinux",
			.initrd = "",
			.cmdline = "",
			.banner = "",
			.build_id = "",
			.entered = "vmlinux",
			.symbols = "",
			.ram_bytes = 64 << 20,
			.cpus = 1,
		},
		.ending = { 124, "timeout", "it did not end in 50 ms" },
		.mark = bare_marks,
		.marks = COUNT(bare_marks),
		.step = bare_steps,
		.steps = COUNT(bare_steps),
		.first_run = 1,
		.end = COUNT(bare_marks) - 1,
		.no_phases = "the kernel has no symbols: build it with CONFIG_KALLSYMS=y, or "
			     "give its vmlinux or System.map with -symbols",
		.no_initcalls = "the kernel has no symbols",
		.no_exits = "not asked for: -report, -trace or -html do",
		.console = { .bytes = 100, .round_trip_by = "" },
		.profile = { .unwound_by = "none" },
		.no_log = "the kernel has no symbols",
		.metric = bare_metrics,
		.metrics = COUNT(bare_metrics),
	};

	return &report;
}
