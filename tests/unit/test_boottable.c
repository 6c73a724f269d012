/* SPDX-License-Identifier: MIT */
/*
 * tvmm table from the command line to what is printed, with shell scripts in tvmm's and QEMU's place. The
 * printers are here as well: they keep what they are given.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/common/folder.h"
#include "tests/common/image.h"
#include "tests/common/vmlinux.h"
#include "vmm/boottable.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * In tvmm's place. Each timed run takes the next line of the file "values", nanoseconds to init, if there
 * are any. How it goes depends on the kernel's name. The words of all runs are in "calls".
 */
static const char PROGRAM[] =
	"#!/bin/sh\n"
	"all=$*\n"
	"cd \"$(dirname \"$0\")\" || exit 99\n"
	"ram=128 account= small= ns=4000000 metrics= entered='ELF file'\n"
	"while [ $# -gt 0 ]; do\n"
	"	case $1 in\n"
	"	--) break ;;\n"
	"	-kernel) name=$(basename \"$2\"); shift ;;\n"
	"	-m) case $2 in *K) ram=$((${2%K} / 1024)) ;; *) ram=$2 ;; esac; shift ;;\n"
	"	-account) account=$2; shift ;;\n"
	"	--report) report=$2; shift ;;\n"
	"	-no-huge-pages) small=1 ;;\n"
	"	esac\n"
	"	shift\n"
	"done\n"
	"echo \"$name $all\" >>calls\n"
	"if [ \"$account\" = marks ] && [ ! \"$small\" ] && [ -s values ]; then\n"
	"	read -r ns <values\n"
	"	sed -i 1d values\n"
	"fi\n"
	"end() { # status, kind, sentence\n"
	"	cat >$report <<EOF\n"
	"{\"schema\":\"tvmm-report\",\"version\":1,\"host\":{\"cpu\":\"x\",\"cpus\":1,\"ground\":"
	"\"y\"},\n"
	"\"guest\":{\"entered\":\"$entered\"},\n"
	"$initcalls\"ending\":{\"status\":$1,\"kind\":\"$2\",\"sentence\":\"$3\"},\"metrics\":[\n"
	"$metrics{\"name\":\"host\",\"unit\":\"ns\",\"value\":$((ns / 4))},\n"
	"$marks{\"name\":\"total\",\"unit\":\"ns\",\"value\":$((ns * 2))}]}\n"
	"EOF\n"
	"	exit $1\n"
	"}\n"
	"[ \"$account\" != all ] || "
	"metrics='{\"name\":\"console.tax\",\"unit\":\"ns\",\"value\":5000},\n"
	"{\"name\":\"initcalls\",\"unit\":\"ns\",\"value\":7000},\n"
	"{\"name\":\"at.first_guest_instruction\",\"unit\":\"ns\",\"value\":100},\n"
	"{\"name\":\"at.startup_64\",\"unit\":\"ns\",\"value\":3100},'\n"
	"[ ! \"$small\" ] || "
	"metrics='{\"name\":\"memory.touched\",\"unit\":\"count\",\"value\":777},'\n"
	"marks='{\"name\":\"at.mark:shell\",\"unit\":\"ns\",\"value\":'$((ns * 3 / 2))'},\n"
	"{\"name\":\"at.mark:init\",\"unit\":\"ns\",\"value\":'$ns'},'\n"
	"case $name in\n"
	"blind) metrics='{\"name\":\"console.tax\",\"unit\":\"ns\",\"value\":5000},'\n"
	"	initcalls='\"initcalls\":{\"taken\":false,\"why_not\":\"nothing fires\"},' ;;\n"
	"unmarked) marks='{\"name\":\"at.run_init\",\"unit\":\"ns\",\"value\":3000},' ;;\n"
	"mute) marks= ;;\n"
	"signals) kill -TERM $PPID; exec sleep 100 ;;\n"
	"refused) echo 'tvmm: it is too large' >&2; exit 125 ;;\n"
	"dies) end 255 panic 'it panicked' ;;\n"
	"leaves) end 0 power-off 'it powered off' ;;\n"
	"late) [ $(grep -c ^late calls) -lt 4 ] || end 121 triple-fault 'it fell over' ;;\n"
	"hungry) [ $ram -ge 45 ] || end 255 panic 'no memory' ;;\n"
	"traced) [ \"$account\" != all ] || end 121 triple-fault 'it fell over' ;;\n"
	"small) [ ! \"$small\" ] || end 255 panic 'it panicked' ;;\n"
	"packed) entered='bzImage, which unpacks itself' ;;\n"
	"esac\n"
	"printf '\\033]8866;mark:init\\007Up since 12.5 s\\r\\nBoot took 0.36 seconds\\r\\n'\n"
	"end 0 until 'it said so'\n";

/* In QEMU's place. */
static const char QEMU[] =
	"#!/bin/sh\n"
	"cd \"$(dirname \"$0\")\" || exit 99\n"
	"[ \"$1\" != --version ] || { echo 'QEMU emulator version 7.2.9 (x)'; echo more; exit 0; "
	"}\n"
	"echo \"qemu $*\" >>calls\n"
	"case \"$*\" in\n"
	"*dies*) echo 'qemu: one' >&2; echo 'qemu: it is no good' >&2; exit 3 ;;\n"
	"*hangs*) exec sleep 100 ;;\n"
	"*signals*) kill -TERM $PPID; exec sleep 100 ;;\n"
	"esac\n"
	"printf 'Run /init as init process\\r\\n'\n"
	"[ ! -e slow ] || sleep 0.2\n"
	"printf '\\033]8866;mark:init\\007\\r\\nBoot took 0.48 seconds\\r\\n'\n"
	"exec sleep 100\n";

static struct err e;
static struct boottable seen; /* what was to be printed */
static unsigned int printed;
static char text[65536];

/* --- the printers ------------------------------------------------------------------------------- */

int boottable_print(const struct boottable *table, size_t width, FILE *out, struct err *why)
{
	(void)width;
	(void)out;
	(void)why;
	seen = *table;
	printed++;
	return 0;
}

static int print_word(const char *word, FILE *out, struct err *why)
{
	if (folder_has(folder_at("cannot")))
		return err_set(why, EIO, "it cannot be");
	return fputs(word, out) < 0 ? -EIO : 0;
}

int boottable_print_markdown(const struct boottable *table, FILE *out, struct err *why)
{
	(void)table;
	return print_word("markdown", out, why);
}

int boottable_print_csv(const struct boottable *table, FILE *out, struct err *why)
{
	(void)table;
	return print_word("csv", out, why);
}

int boottable_print_json(const struct boottable *table, FILE *out, struct err *why)
{
	(void)table;
	return print_word("json", out, why);
}

int boottable_print_chart(const struct boottable *table, FILE *out, struct err *why)
{
	(void)table;
	return print_word("chart", out, why);
}

/* --- a folder with programs and kernels --------------------------------------------------------- */

static void put_script(const char *name, const char *script)
{
	folder_put(folder_at(name), script, strlen(script));
	ck_assert_int_eq(chmod(folder_at(name), 0700), 0);
}

static void put_kernel(const char *name)
{
	struct image image;

	image_init(&image);
	image_save(&image, folder_at(name));
	image_free(&image);
}

static void put_vmlinux(const char *name)
{
	struct vmlinux v;

	vmlinux_init(&v, "Linux version 1", 7);
	/* e_shstrndx: all sections are called "" there. [ELF] "ELF Header" */
	image_put(&v.image, 62, 2, VMLINUX_S_STRTAB);
	image_save(&v.image, folder_at(name));
	image_free(&v.image);
}

static void setup(void)
{
	static const char *const kernels[] = { "good",   "other",   "dies",    "leaves", "late",
					       "hungry", "packed",  "refused", "hangs",  "unmarked",
					       "mute",   "signals", "traced",  "small",  "blind" };

	folder_make();
	put_script("program", PROGRAM);
	put_script("qemu", QEMU);
	for (size_t i = 0; i < COUNT(kernels); i++)
		put_kernel(kernels[i]);
}

/* Runs the command; words that begin with '@' are names in the folder, "x=@f,@g" as well. */
static int table(const char *values, const char *const *words)
{
	static char word[32][512];
	static char *argv[32]; /* the table keeps pointers into it */
	int argc = 0;

	for (; words[argc]; argc++) {
		const char *from = words[argc];
		size_t used = 0;

		word[argc][0] = '\0';
		for (; *from; from++) {
			if (*from == '@')
				used += (size_t)snprintf(word[argc] + used,
							 sizeof(word[argc]) - used, "%s/",
							 folder_at(""));
			else
				word[argc][used++] = *from;
			word[argc][used] = '\0';
		}
		argv[argc] = word[argc];
	}
	argv[argc] = NULL;
	if (values)
		folder_put(folder_at("values"), values, strlen(values));
	return boottable_program(folder_at("program"), argc, argv, &e);
}

#define TABLE(values, ...) table(values, (const char *const[]){ "table", __VA_ARGS__, NULL })

/* The words of all runs so far, one run on a line. */
static const char *calls(void)
{
	text[folder_has(folder_at("calls")) ? folder_get(folder_at("calls"), text, sizeof(text) - 1)
					    : 0] = '\0';
	return text;
}

/* How many runs had these words among theirs. */
static size_t count_calls(const char *words)
{
	size_t count = 0;
	char *line = NULL, *rest = NULL;

	(void)calls();
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		count += strstr(line, words) != NULL;
	return count;
}

static void is_measure(const struct boottable_measure *m, size_t runs, double median)
{
	ck_assert_uint_eq(m->runs, runs);
	if (runs)
		ck_assert_double_eq(m->median, median);
}

/* --- runs --------------------------------------------------------------------------------------- */

/* The first run only warms up. 1 2 3 ms: the median is 2. */
START_TEST(times_and_parts)
{
	const struct boottable_row *row = seen.row;

	ck_assert_int_eq(TABLE("9000000\n1000000\n3000000\n2000000\n", "-r", "3", "--seed=1",
			       "x=@good", "--", "-m", "64"),
			 0);
	ck_assert_uint_eq(printed, 1);
	ck_assert(seen.rows == 1 && seen.runs == 3 && seen.warmup == 1 && seen.seed == 1);
	ck_assert(!seen.qemu);
	ck_assert_str_eq(seen.option[0], "-m");
	ck_assert_str_eq(seen.host, "1 CPU x; ground: y");
	ck_assert_str_eq(row->name, "x");
	ck_assert(row->tvmm.asked && !row->tvmm.failed && !row->qemu.asked);
	is_measure(&row->tvmm.init, 3, 2000000);
	ck_assert_double_ge(row->tvmm.init.ci95.low, 1000000);
	ck_assert_double_le(row->tvmm.init.ci95.high, 3000000);
	is_measure(&row->tvmm.uptime, 3, 360000000);
	is_measure(&row->part[BOOTTABLE_HOST], 3, 500000);
	is_measure(&row->part[BOOTTABLE_USER_SPACE], 3, 2000000);
	is_measure(&row->part[BOOTTABLE_CONSOLE], 1, 5000);
	is_measure(&row->part[BOOTTABLE_INITCALLS], 1, 7000);
	is_measure(&row->part[BOOTTABLE_UNPACKING], 1, 0);
	ck_assert(row->touched_pages.known && row->touched_pages.value == 777);
	ck_assert(!row->least_ram_bytes.known && !boottable_ratio(row).known);
	/* Four that are timed or warm up, one for the parts, one for the pages. */
	ck_assert_uint_eq(count_calls(""), 6);
	ck_assert_uint_eq(count_calls("-account all"), 1);
	ck_assert_uint_eq(count_calls("-no-huge-pages"), 1);
}
END_TEST

/* first_guest_instruction to startup_64 of the fake's report. */
START_TEST(a_guest_that_unpacks_itself)
{
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "-w", "0", "x=@packed"), 0);
	is_measure(&seen.row[0].part[BOOTTABLE_UNPACKING], 1, 3000);
}
END_TEST

/* The init's first mark, else the kernel's line, else what ended the run. */
START_TEST(signs_of_the_init)
{
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "-w", "0", "a=@good", "b=@unmarked", "c=@mute"), 0);
	is_measure(&seen.row[0].tvmm.init, 1, 4000000);
	is_measure(&seen.row[1].tvmm.init, 1, 3000);
	is_measure(&seen.row[2].tvmm.init, 1, 8000000);
}
END_TEST

/* In each round both have one run, and not always the same one first. */
START_TEST(rounds)
{
	unsigned int good_first = 0;
	const char *line;

	ck_assert_int_eq(TABLE(NULL, "-r", "20", "-w", "0", "--seed", "5", "@good", "@other"),
			 -EINVAL);
	ck_assert_int_eq(TABLE(NULL, "-r", "20", "-w", "0", "--seed", "5", "a=@good", "b=@other"),
			 0);
	line = calls();
	for (size_t round = 0; round < 20; round++) {
		bool first = *line == 'g', second;

		line = strchr(line, '\n') + 1;
		second = *line == 'g';
		line = strchr(line, '\n') + 1;
		ck_assert(first != second);
		good_first += first;
	}
	/* 20 throws of a coin: 10, within four standard deviations (2.2). */
	ck_assert_msg(good_first > 1 && good_first < 19, "%u", good_first);
	ck_assert_uint_eq(seen.row[0].tvmm.init.runs, 20);
	ck_assert_uint_eq(seen.row[1].tvmm.init.runs, 20);
}
END_TEST

START_TEST(options_of_a_run)
{
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "-w", "0", "x=@good", "--", "-m", "64", "-append",
			       "a b"),
			 0);
	ck_assert_uint_eq(count_calls("good -kernel /"), 3);
	ck_assert_uint_eq(count_calls("-until Boot took [0-9.]+ seconds -account marks -m 64 "
				      "-append a b -timeout 60000ms "),
			  3);
	ck_assert_int_eq(remove(folder_at("calls")), 0);
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "-w", "0", "x=@good", "--", "-until", "y",
			       "-timeout", "5", "-account", "phases"),
			 0);
	ck_assert_uint_eq(count_calls("/good -until y -timeout 5 -account phases "), 3);
	ck_assert_uint_eq(count_calls("60000ms"), 0);
	ck_assert_int_eq(remove(folder_at("calls")), 0);
	/* A program's run ends with it, and what is behind "--" stays there. */
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "-w", "0", "x=@leaves", "--", "-m", "64", "--",
			       "./p", "-x"),
			 0);
	ck_assert_uint_eq(count_calls("-until"), 0);
	ck_assert_uint_eq(count_calls(" -- ./p -x"), 3);
	ck_assert_uint_eq(count_calls("-no-huge-pages -without early-exit -q"), 1);
}
END_TEST

START_TEST(uptime_as_others_say_it)
{
	ck_assert_int_eq(TABLE(NULL, "-r", "2", "--uptime", "^Up since ([0-9.]+) s$", "x=@good"),
			 0);
	is_measure(&seen.row[0].tvmm.uptime, 2, 12500000000.0);
	ck_assert_int_eq(TABLE(NULL, "-r", "2", "--uptime=(Up) since", "x=@good"), 0);
	is_measure(&seen.row[0].tvmm.uptime, 0, 0);
	ck_assert_int_eq(TABLE(NULL, "-r", "2", "--uptime=nothing(x)", "x=@good"), 0);
	is_measure(&seen.row[0].tvmm.uptime, 0, 0);
}
END_TEST

/* --- kernels that do not boot ------------------------------------------------------------------- */

START_TEST(others_go_on)
{
	folder_put(folder_at("text"), "hello\n", 6);
	ck_assert_int_eq(TABLE(NULL, "-r", "2", "a=@dies", "b=@text", "c=@good", "d=@leaves",
			       "e=@refused", "--least-memory"),
			 0);
	ck_assert(seen.row[0].tvmm.failed && seen.row[1].tvmm.failed && !seen.row[2].tvmm.failed);
	ck_assert_str_eq(seen.row[0].tvmm.ending, "it panicked; exit status 255");
	ck_assert_ptr_nonnull(strstr(seen.row[1].tvmm.ending, "text"));
	is_measure(&seen.row[2].tvmm.init, 2, 4000000);
	ck_assert_str_eq(seen.row[3].tvmm.ending, "it powered off; -until never matched");
	ck_assert_str_eq(seen.row[4].tvmm.ending, "it is too large; exit status 125");
	ck_assert_uint_eq(seen.row[0].tvmm.init.runs, 0);
	ck_assert(seen.row[1].kernel_bytes == 6 && seen.row[1].tvmm.asked);
	ck_assert_str_eq(seen.row[1].format, "unknown");
	/* One run was enough for each, and there is no other of any kind. */
	ck_assert_uint_eq(count_calls("dies -kernel"), 1);
	ck_assert_uint_eq(count_calls("text -kernel"), 0);
	ck_assert_uint_eq(count_calls("leaves -kernel"), 1);
	ck_assert_uint_eq(count_calls("refused -kernel"), 1);
}
END_TEST

START_TEST(nothing_boots)
{
	ck_assert_int_eq(TABLE(NULL, "a=@dies", "b=@leaves"), -ENOEXEC);
	ck_assert_ptr_nonnull(strstr(e.text, "no kernel booted under tvmm"));
	ck_assert_uint_eq(printed, 1);
}
END_TEST

/* The fourth run fails: one to warm up, two that count. */
START_TEST(one_that_fails_late)
{
	ck_assert_int_eq(TABLE(NULL, "-r", "5", "a=@late", "b=@good"), 0);
	ck_assert(seen.row[0].tvmm.failed);
	ck_assert_str_eq(seen.row[0].tvmm.ending, "it fell over; exit status 121");
	is_measure(&seen.row[0].tvmm.init, 2, 4000000);
	ck_assert(!seen.row[0].touched_pages.known);
	is_measure(&seen.row[1].tvmm.init, 5, 4000000);
}
END_TEST

/* A host without breakpoints: why there are no initcalls is in the row, and no failure. */
START_TEST(initcalls_that_nobody_sees)
{
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "-w", "0", "a=@good", "b=@blind"), 0);
	ck_assert_str_eq(e.text, "");
	ck_assert_str_eq(seen.row[0].no_initcalls, "");
	ck_assert_uint_eq(seen.row[0].part[BOOTTABLE_INITCALLS].runs, 1);
	ck_assert_str_eq(seen.row[1].no_initcalls, "nothing fires");
	ck_assert_uint_eq(seen.row[1].part[BOOTTABLE_INITCALLS].runs, 0);
	ck_assert_uint_eq(seen.row[1].part[BOOTTABLE_CONSOLE].runs, 1);
}
END_TEST

/* Rows are what they are without it, but it is said: once, and in the table. */
START_TEST(runs_for_parts_and_pages_that_fail)
{
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "-w", "0", "a=@good", "b=@traced", "c=@small"), 0);
	ck_assert_str_eq(e.text,
			 "table: b boots, but its parts are not known, because the run for them "
			 "failed: it fell over; exit status 121; so it was with 1 more, the "
			 "table says how");
	ck_assert_str_eq(seen.row[0].no_parts, "");
	ck_assert_str_eq(seen.row[0].no_pages, "");
	ck_assert(!seen.row[1].tvmm.failed && !seen.row[2].tvmm.failed);
	ck_assert_str_eq(seen.row[1].no_parts, "it fell over; exit status 121");
	ck_assert_str_eq(seen.row[1].no_pages, "");
	ck_assert_uint_eq(seen.row[1].part[BOOTTABLE_CONSOLE].runs, 0);
	ck_assert(seen.row[1].touched_pages.known && !seen.row[2].touched_pages.known);
	ck_assert_str_eq(seen.row[2].no_parts, "");
	ck_assert_str_eq(seen.row[2].no_pages, "it panicked; exit status 255");
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "-w", "0", "c=@small"), 0);
	ck_assert_str_eq(e.text,
			 "table: c boots, but its touched pages are not known, because the run "
			 "for them failed: it panicked; exit status 255");
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "-w", "0", "a=@good"), 0);
	ck_assert_int_eq(e.code, 0);
}
END_TEST

/* --- the least memory --------------------------------------------------------------------------- */

START_TEST(least_memory)
{
	ck_assert_int_eq(
		TABLE(NULL, "-r", "1", "-w", "0", "--least-memory", "a=@hungry", "b=@good"), 0);
	ck_assert(seen.row[0].least_ram_bytes.known && seen.row[1].least_ram_bytes.known);
	ck_assert_double_eq(seen.row[0].least_ram_bytes.value, 45 << 20);
	ck_assert_double_eq(seen.row[1].least_ram_bytes.value, 16 << 20);
	/* 113 numbers from 16 to 128: by halves 7 at most, and 3 other runs. */
	ck_assert_uint_le(count_calls("hungry -kernel"), 10);
	/* Ten times what its run took is less than 2 s. */
	ck_assert_uint_eq(count_calls("-timeout 2000ms -m 46080K"), 1);
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "--least-memory", "b=@good", "--", "-m", "16"), 0);
	ck_assert_double_eq(seen.row[0].least_ram_bytes.value, 16 << 20);
	/* Not a whole number of MiB, and never more than that is tried. */
	ck_assert_int_eq(remove(folder_at("calls")), 0);
	ck_assert_int_eq(
		TABLE(NULL, "-r", "1", "--least-memory", "b=@hungry", "--", "-m", "46592K"), 0);
	ck_assert_double_eq(seen.row[0].least_ram_bytes.value, 45 << 20);
	ck_assert_uint_eq(count_calls("-m 47104K"), 0);
}
END_TEST

/* --- QEMU beside it ----------------------------------------------------------------------------- */

START_TEST(against_qemu)
{
	const struct boottable_row *row = seen.row;

	folder_put(folder_at("slow"), "", 0);
	ck_assert_int_eq(TABLE("5000000\n5000000\n5000000\n5000000\n", "-r", "2", "--against",
			       "qemu", "--qemu", "@qemu", "x=@good", "y=@dies", "--", "-m", "64",
			       "-initrd", "/i", "-append", "a b", "-smp", "2"),
			 0);
	ck_assert_str_eq(seen.qemu, "QEMU 7.2.9: -M pc -nographic -nic none -enable-kvm -cpu host");
	ck_assert(row->qemu.asked && !row->qemu.failed);
	is_measure(&row->qemu.uptime, 2, 480000000);
	/* Its mark counts, not the line of the kernel's before it. */
	ck_assert(row->qemu.init.runs == 2 && row->qemu.init.median > 0.2e9);
	ck_assert_double_eq(boottable_ratio(row).value, row->qemu.init.median / 5000000);
	ck_assert_uint_eq(count_calls("qemu -M pc -nographic -nic none -enable-kvm -cpu host -m "
				      "65536K -smp 2 -kernel /"),
			  4);
	ck_assert_uint_eq(count_calls("/good -initrd /i -append a b -no-reboot"), 3);
	ck_assert(seen.row[1].qemu.failed && seen.row[1].tvmm.failed);
	ck_assert_str_eq(seen.row[1].qemu.ending,
			 "QEMU ended with status 3 before -until matched: qemu: it is no good");
}
END_TEST

START_TEST(other_machines_and_time_limits)
{
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "-w", "0", "--against=qemu:microvm", "--qemu=@qemu",
			       "x=@good", "y=@hangs", "--", "-timeout", "500ms"),
			 0);
	ck_assert_ptr_nonnull(strstr(seen.qemu, "-M microvm,acpi=off -nodefaults"));
	ck_assert_uint_eq(count_calls("qemu -M microvm,acpi=off -nodefaults "), 2);
	ck_assert(seen.row[1].qemu.failed && !seen.row[1].tvmm.failed);
	ck_assert_str_eq(seen.row[1].qemu.ending, "not there after 0.5 s, the time limit");
	ck_assert_uint_eq(seen.row[0].qemu.init.runs, 1);
}
END_TEST

/* [ECMA-48]: CSI as a byte and as a character, a colour, a bell. */
START_TEST(a_version_that_a_terminal_would_obey)
{
	put_script("loud",
		   "#!/bin/sh\n"
		   "[ \"$1\" = --version ] || exit 3\n"
		   "printf 'QEMU emulator version 7\\2332J\\302\\2332J\\033[1m\\007 (x)\\n'\n");
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "-w", "0", "--against", "qemu", "--qemu", "@loud",
			       "x=@good"),
			 0);
	ck_assert_ptr_nonnull(strstr(seen.qemu, "QEMU 7\xef\xbf\xbd"
						"2J\xef\xbf\xbd\xef\xbf\xbd"
						"2J"));
	ck_assert_ptr_null(strchr(seen.qemu, '\033'));
}
END_TEST

START_TEST(no_qemu)
{
	ck_assert_int_eq(TABLE(NULL, "--against", "qemu", "--qemu", "@nothing", "x=@good"),
			 -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "Debian's package qemu-system-x86 has"));
	folder_put(folder_at("nothing"), "#!/bin/sh\necho no >&2; exit 1\n", 28);
	ck_assert_int_eq(TABLE(NULL, "--against", "qemu", "--qemu", "@nothing", "x=@good"),
			 -ENOENT);
	ck_assert_int_eq(chmod(folder_at("nothing"), 0700), 0);
	ck_assert_int_eq(TABLE(NULL, "--against", "qemu", "--qemu", "@nothing", "x=@good"),
			 -ENOEXEC);
	put_script("nothing", "#!/bin/sh\nexec sleep 100\n");
	ck_assert_int_eq(TABLE(NULL, "--against", "qemu", "--qemu", "@nothing", "x=@good"),
			 -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(e.text, "/nothing --version has told no version after 5 s"));
	ck_assert_int_eq(TABLE(NULL, "--against", "bochs", "x=@good"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "'bochs' is not known"));
	ck_assert_int_eq(TABLE(NULL, "--qemu", "@qemu", "x=@good"), -EINVAL);
	ck_assert_int_eq(TABLE(NULL, "--against", "qemu", "--qemu", "@qemu", "x=@good", "--", "--",
			       "p"),
			 -EINVAL);
	ck_assert_int_eq(TABLE(NULL, "--against", "qemu", "--qemu", "@qemu", "x=@good", "--",
			       "-after", "a", "-send", "b"),
			 -EINVAL);
	ck_assert_uint_eq(count_calls(""), 0);
}
END_TEST

/* --- files -------------------------------------------------------------------------------------- */

static void holds(const char *name, const char *what)
{
	text[folder_get(folder_at(name), text, sizeof(text) - 1)] = '\0';
	ck_assert_str_eq(text, what);
}

START_TEST(exports)
{
	folder_put(folder_at("m"), "old", 3);
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "--export-markdown", "@m", "--export-csv=@c",
			       "--export-json", "@j", "--export-chart", "@s", "x=@good"),
			 0);
	holds("m", "markdown");
	holds("c", "csv");
	holds("j", "json");
	holds("s", "chart");
}
END_TEST

/* What cannot be written is told before the first run; what stood there stays. */
START_TEST(exports_that_fail)
{
	folder_put(folder_at("m"), "old", 3);
	ck_assert_int_lt(TABLE(NULL, "--export-chart", "/nowhere/f", "x=@good"), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "--export-chart"));
	ck_assert_int_eq(TABLE(NULL, "--export-csv", "@m", "--export-json", "@m", "x=@good"),
			 -EINVAL);
	ck_assert_int_eq(TABLE(NULL, "--export-csv", "@good", "x=@good"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "/good', the kernel; "));
	ck_assert_int_eq(TABLE(NULL, "--export-csv", "@m", "x=@good,@m"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "/m', the vmlinux; "));
	ck_assert_int_eq(TABLE(NULL, "--export-csv", "@m", "x=@good", "--", "-initrd", "@m"),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "/m', the initrd; "));
	ck_assert_int_eq(TABLE(NULL, "--export-csv", "@qemu", "x=@good", "--against", "qemu",
			       "--qemu", "@qemu"),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "/qemu', the program of --qemu; "));
	ck_assert_uint_eq(count_calls(""), 0);
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "--export-markdown", "@m", "x=@signals"),
			 128 + SIGTERM);
	ck_assert_ptr_nonnull(strstr(e.text, "table: signal 15 (Terminated) asked to stop"));
	ck_assert_ptr_nonnull(strstr(e.text, "exit status 143"));
	ck_assert_uint_eq(printed, 0);
	holds("m", "old");
	folder_put(folder_at("cannot"), "", 0);
	ck_assert_int_lt(TABLE(NULL, "-r", "1", "--export-markdown", "@m", "x=@good"), 0);
	holds("m", "old");
}
END_TEST

/* In the midst of a QEMU's run. */
START_TEST(a_signal_ends_qemu)
{
	put_script("program", "#!/bin/sh\nexit 1\n");
	ck_assert_int_eq(TABLE(NULL, "--against", "qemu", "--qemu", "@qemu", "x=@signals"),
			 128 + SIGTERM);
	ck_assert_uint_eq(printed, 0);
}
END_TEST

/* --- rows --------------------------------------------------------------------------------------- */

START_TEST(names)
{
	ck_assert_int_eq(mkdir(folder_at("tiny"), 0700), 0);
	put_kernel("tiny/bzImage");
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "-w0", "@tiny/bzImage"), -EINVAL);
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "@tiny/bzImage", "a.b_c+d-1=@good"), 0);
	ck_assert_str_eq(seen.row[0].name, "tiny");
	ck_assert_str_eq(seen.row[1].name, "a.b_c+d-1");
	for (size_t i = 0; i < 2; i++) {
		ck_assert_str_eq(seen.row[i].format, "bzImage");
		ck_assert_uint_eq(seen.row[i].kernel_bytes, IMAGE_BYTES);
	}
	ck_assert_str_eq(seen.row[0].packing, "gzip");
}
END_TEST

/* du -B1, and sections of [ELF] names: .text, .rodata, .notes, .data, .bss of the test's vmlinux. */
START_TEST(sizes)
{
	struct stat st;

	put_vmlinux("vmlinux");
	st = folder_look(folder_at("vmlinux"));
	ck_assert_int_eq(TABLE(NULL, "-r", "1", "a=@good,@vmlinux", "b=@vmlinux", "c=@good"), 0);
	for (size_t i = 0; i < 2; i++) {
		const struct boottable_row *row = &seen.row[i];

		ck_assert(row->vmlinux_du.known && row->sizes_known);
		ck_assert_double_eq(row->vmlinux_du.value, (double)st.st_blocks * 512);
		ck_assert_uint_eq(row->sizes.bytes[ELFSIZES_BSS], 0x1000);
		ck_assert_uint_eq(
			row->sizes.total_bytes,
			row->sizes.bytes[ELFSIZES_TEXT] + row->sizes.bytes[ELFSIZES_RODATA] +
				row->sizes.bytes[ELFSIZES_DATA] + row->sizes.bytes[ELFSIZES_BSS] +
				row->sizes.bytes[ELFSIZES_INIT]);
	}
	ck_assert_str_eq(seen.row[0].format, "bzImage");
	ck_assert_str_eq(seen.row[1].format, "vmlinux");
	ck_assert_str_eq(seen.row[1].packing, "");
	ck_assert_ptr_null(seen.row[1].vmlinux);
	/* The payload of the test's bzImage is no vmlinux. */
	ck_assert(!seen.row[2].sizes_known && !seen.row[2].vmlinux_du.known);
}
END_TEST

START_TEST(bad_words)
{
	static const struct {
		const char *word[4], *said;
	} spec[] = {
		{ { NULL }, "table needs a kernel" },
		{ { "--", "-m", "64" }, "table needs a kernel" },
		{ { "a=@good", "a=@other" }, "two rows are called 'a'" },
		{ { "a b=@good" }, "'a b' is no name" },
		{ { "=@good" }, "'' is no name" },
		{ { "-x", "a=@good" }, "'-x' is not known" },
		{ { "-j", "2", "a=@good" }, "there is no -j" },
		{ { "-r", "0", "a=@good" }, "'0' is not a whole number from 1" },
		{ { "a=" }, "a file's name is missing" },
		{ { "a=@good," }, "a file's name is missing" },
		{ { "a=@nothing" }, "nothing" },
		{ { "a=@good,@nothing" }, "nothing" },
		{ { "a=@good,@dies" }, "dies" },
		{ { "--uptime", "Boot took", "a=@good" }, "has 0 groups" },
		{ { "--uptime", "(a)(b)", "a=@good" }, "has 2 groups" },
		{ { "--uptime", "(", "a=@good" }, "is not a regular expression" },
		{ { "a=@good", "--uptime" }, "--uptime needs a value" },
		{ { "a=@good", "--", "-kernel", "k" }, "-kernel k is not for the options" },
		{ { "a=@good", "--", "-nonsense" }, "there is no such option" },
		{ { "a=@good", "--", "-explain" }, "-explain" },
		{ { "a=@good", "--", "-report", "f" }, "-report of a run" },
		{ { "a=@good", "--", "-html", "f" }, "each run would write its -html anew" },
		{ { "a=@good", "--", "-until", "(" }, "is not a regular expression" },
		{ { "--read" }, "--read needs a value" },
		{ { "--read", "@nothing" }, "nothing" },
		{ { "--read", "@good" }, "is not JSON" },
		{ { "--read", "f", "a=@good" }, "--read prints what has been measured" },
		{ { "--read", "f", "-r", "2" }, "--read prints what has been measured" },
		{ { "--read", "f", "--against", "qemu" }, "--read prints what has been measured" },
		{ { "--read", "f", "--", "-quiet" }, "--read prints what has been measured" },
	};

	for (size_t i = 0; i < COUNT(spec); i++) {
		const char *const words[] = { "table",         spec[i].word[0], spec[i].word[1],
					      spec[i].word[2], spec[i].word[3], NULL };

		ck_assert_msg(table(NULL, words) < 0, "%zu: it was taken", i);
		ck_assert_msg(strstr(e.text, spec[i].said) != NULL, "%zu: '%s'", i, e.text);
	}
	ck_assert_uint_eq(count_calls(""), 0);
	ck_assert_uint_eq(printed, 0);
}
END_TEST

START_TEST(too_many_rows)
{
	static char word[BOOTTABLE_ROWS_MAX + 1][16];
	const char *words[BOOTTABLE_ROWS_MAX + 3] = { "table" };

	ck_assert_uint_eq(BOOTTABLE_ROWS_MAX, 32);
	for (size_t i = 0; i <= BOOTTABLE_ROWS_MAX; i++) {
		char *argv[] = { word[i], NULL };

		(void)snprintf(word[i], sizeof(word[i]), "r%zu=k", i);
		words[i + 1] = argv[0];
	}
	ck_assert_int_eq(boottable_program("/bin/false", BOOTTABLE_ROWS_MAX + 2,
					   (char **)(uintptr_t)words, &e),
			 -E2BIG);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { times_and_parts,
				       a_guest_that_unpacks_itself,
				       signs_of_the_init,
				       rounds,
				       options_of_a_run,
				       uptime_as_others_say_it,
				       others_go_on,
				       nothing_boots,
				       one_that_fails_late,
				       initcalls_that_nobody_sees,
				       runs_for_parts_and_pages_that_fail,
				       least_memory,
				       against_qemu,
				       other_machines_and_time_limits,
				       a_version_that_a_terminal_would_obey,
				       no_qemu,
				       exports,
				       exports_that_fail,
				       a_signal_ends_qemu,
				       names,
				       sizes,
				       bad_words,
				       too_many_rows };
	Suite *suite = suite_create("boottable");
	TCase *tcase = tcase_create("boottable");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, folder_remove);
	for (size_t i = 0; i < COUNT(tests); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
