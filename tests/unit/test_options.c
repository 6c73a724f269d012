/* SPDX-License-Identifier: MIT */
/*
 * The command line, against the design's list: QEMU's spellings with one dash or two, defaults,
 * what is accepted without effect, and an error that names the word for everything else.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/options.h"

#define MIB 0x100000ULL
#define GIB 0x40000000ULL
#define MS  1000000ULL
#define S   1000000000ULL

enum { ARGS_MAX = 16 };

#define SPEC_DEFAULT_APPEND "console=ttyS0 reboot=k panic=-1"

static struct options o;
static struct err e;

static void setup(void)
{
	memset(&o, 0xa5, sizeof(o)); /* nothing may be taken from what was there before */
	memset(&e, 0, sizeof(e));
	o.until_set = false;
	o.account.marks = 0;
	o.program.adds = 0;
	o.program.append = NULL;
	memset(&o.trouble, 0, sizeof(o.trouble));
	memset(&o.dialogue, 0, sizeof(o.dialogue));
}

static void teardown(void)
{
	options_finish(&o);
}

/* Parses "tvmm WORD WORD ...": the words are given with spaces between them. */
static int parse(const char *words)
{
	static char text[4096];
	static char name[] = "tvmm";
	static char *argv[ARGS_MAX]; /* borrowed by what comes out */
	int argc = 1;

	argv[0] = name;

	ck_assert_uint_lt(strlen(words), sizeof(text));
	strcpy(text, words);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
		ck_assert_int_lt(argc, ARGS_MAX - 1);
		argv[argc++] = word;
	}
	return options_parse(&o, argc, argv, &e);
}

static void accept(const char *words)
{
	int rc = parse(words);

	ck_assert_msg(rc == 0, "%s: %d %s", words, rc, e.text);
}

/* Refused, in one line that has `names` and, if that is given, `hint` in it. */
static void refuse(const char *words, const char *names, const char *hint)
{
	int rc = parse(words);

	ck_assert_msg(rc < 0, "'%s' is accepted", words);
	ck_assert_int_eq(rc, -e.code);
	ck_assert_msg(strstr(e.text, names) != NULL, "%s: '%s' does not name %s", words, e.text,
		      names);
	if (hint)
		ck_assert_msg(strstr(e.text, hint) != NULL, "%s: '%s' does not tell %s", words,
			      e.text, hint);
	ck_assert_ptr_null(strchr(e.text, '\n'));
}

START_TEST(defaults)
{
	accept("-kernel bz");
	ck_assert_int_eq(o.action, OPTIONS_BOOT);
	ck_assert_str_eq(o.kernel, "bz");
	ck_assert_ptr_null(o.initrd);
	ck_assert_str_eq(o.append, SPEC_DEFAULT_APPEND);
	ck_assert(!o.fast_append);
	ck_assert_uint_eq(o.ram_bytes, 128 * MIB);
	ck_assert_int_eq(o.serial.kind, CHARDEV_MON_STDIO);
	ck_assert_uint_eq(o.escape_key, 1);
	ck_assert_uint_eq(o.timeout_ns, 0);
	ck_assert(!o.until_set);
	ck_assert(!o.quiet);
	ck_assert_uint_eq(o.debugexit.iosize, 0);
	for (size_t i = 0; i < CPU_FEATURES_MAX; i++)
		ck_assert_int_eq(o.cpu.change[i], 0);
}
END_TEST

/* Behind "--" all is the program's. The kernel is quiet unless somebody wants to hear it. */
START_TEST(a_program)
{
	accept("-kernel bz");
	ck_assert_ptr_null(o.program.argument);
	accept("-kernel bz -- prog -kernel x -- --help");
	ck_assert_uint_eq(o.program.arguments, 5);
	ck_assert_str_eq(o.program.argument[0], "prog");
	ck_assert_str_eq(o.program.argument[4], "--help");
	ck_assert_int_eq(o.action, OPTIONS_BOOT);
	ck_assert_str_eq(o.append, SPEC_DEFAULT_APPEND " quiet rdinit=/.tvmm/init");
	ck_assert_int_eq(o.serial.kind, CHARDEV_STDIO);
	ck_assert_uint_eq(o.escape_key, 0);
	ck_assert(o.brief && !o.quiet); /* stderr is the program's */
	options_finish(&o);
	accept("-kernel bz -v -- prog");
	ck_assert_str_eq(o.append, SPEC_DEFAULT_APPEND " rdinit=/.tvmm/init");
	ck_assert(!o.brief);
	options_finish(&o);
	accept("-kernel bz -log f -- prog");
	ck_assert_str_eq(o.append, SPEC_DEFAULT_APPEND " rdinit=/.tvmm/init");
	ck_assert_str_eq(o.log, "f");
	options_finish(&o);
	accept("-kernel bz -append x=y -- prog");
	ck_assert_str_eq(o.append, "x=y rdinit=/.tvmm/init");
	/* What stands behind "--" is init's, and so would rdinit= be there. */
	options_finish(&o);
	accept("-kernel bz -append x=y\t--\tz -- prog");
	ck_assert_str_eq(o.append, "x=y\trdinit=/.tvmm/init --\tz");
}
END_TEST

START_TEST(a_program_and_its_files)
{
	accept("-kernel bz -add a -add b/c:/d:/e -- prog");
	ck_assert_uint_eq(o.program.adds, 2);
	ck_assert_str_eq(o.program.add[0].source, "a");
	ck_assert_ptr_null(o.program.add[0].target);
	ck_assert_str_eq(o.program.add[1].source, "b/c:/d");
	ck_assert_str_eq(o.program.add[1].target, "/e");
	options_finish(&o);
	ck_assert_uint_eq(o.program.adds, 0);
	refuse("-kernel bz --", "--", "program");
	refuse("-kernel bz -add x", "-add", "-- PROGRAM");
	options_finish(&o);
	refuse("-kernel bz -v", "-v", "-- PROGRAM");
	refuse("-kernel bz -serial null -- prog", "-serial", "-log");
	refuse("-- prog", "no kernel", NULL);
	refuse("-kernel bz -log - -- prog", "-log", "file name");
}
END_TEST

START_TEST(the_recipes_lines)
{
	static char name[] = "tvmm", k[] = "-kernel", kv[] = "a/bzImage", i[] = "-initrd",
		    iv[] = "b/x.cpio.gz", n[] = "-nographic", a[] = "-append",
		    av[] = "console=ttyS0", kvm[] = "-enable-kvm";
	char *argv[] = { name, k, kv, i, iv, n, a, av, kvm, NULL };

	for (int argc = 8; argc <= 9; argc++) {
		ck_assert_int_eq(options_parse(&o, argc, argv, &e), 0);
		ck_assert_str_eq(o.kernel, "a/bzImage");
		ck_assert_str_eq(o.initrd, "b/x.cpio.gz");
		ck_assert_str_eq(o.append, "console=ttyS0");
	}
}
END_TEST

START_TEST(one_dash_two_dashes_and_equals)
{
	static const char *const forms[] = { "-timeout 5 -kernel bz", "--timeout 5 --kernel bz",
					     "-timeout=5 -kernel=bz", "--timeout=5 --kernel=bz" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		accept(forms[i]);
		ck_assert_str_eq(o.kernel, "bz");
		ck_assert_uint_eq(o.timeout_ns, 5 * S);
	}
	accept("-kernel bz -append=root=/dev/ram0"); /* only the first = divides */
	ck_assert_str_eq(o.append, "root=/dev/ram0");
	accept("-kernel bz -append x=y --fast-append"); /* the words come when the kernel is known */
	ck_assert_str_eq(o.append, "x=y");
	ck_assert(o.fast_append);
	accept("-kernel bz --append=");
	ck_assert_str_eq(o.append, "");
	accept("-kernel bz -append -x"); /* a value may look like an option, as for QEMU */
	ck_assert_str_eq(o.append, "-x");
	accept("-kernel one -kernel two"); /* the last one counts */
	ck_assert_str_eq(o.kernel, "two");
}
END_TEST

START_TEST(sizes)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "16", 16 * MIB },
		{ "256", 256 * MIB },
		{ "256M", 256 * MIB },
		{ "256m", 256 * MIB },
		{ "size=256M", 256 * MIB },
		{ "1G", GIB },
		{ "1g", GIB },
		{ "3G", 3 * GIB },
		{ "16384K", 16 * MIB },
		{ "16388k", 16 * MIB + 4096 },
		{ "1T", 1024 * GIB },
		{ "0128", 128 * MIB }, /* decimal, whatever it starts with */
	};
	static const char *const bad[] = {
		"",
		"x",
		"M",
		"-1",
		"-256",
		"+256",
		"0x100",
		"1.5G",
		"256MB",
		"256Q",
		"256MM",
		"0",
		"15",
		"15M",
		"16385K1",
		"16385K",
		"size=",
		"size=x",
		"256,slots=2",
		"18446744073709551616",
		"18446744073709551615",
		"17592186044416M",
		"16777216T",
		"99999999999999999999999999",
		"\xff",
	};
	char words[128];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		(void)snprintf(words, sizeof(words), "-kernel bz -m=%s", good[i].text);
		accept(words);
		ck_assert_uint_eq(o.ram_bytes, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(words, sizeof(words), "-kernel bz -m=%s", bad[i]);
		refuse(words, "-m", NULL);
	}
	refuse("-kernel bz -m 15", "15", "16 MiB");
	refuse("-kernel bz -m 256Q", "256Q", "K, M, G or T");
	refuse("-kernel bz -m lots", "lots", "256M");
}
END_TEST

/* No size that is accepted was wrapped: dividing gives the number back. */
START_TEST(sizes_never_wrap)
{
	static const char suffixes[] = "KMGT";
	uint64_t bytes;

	for (unsigned int s = 0; s < 4; s++) {
		for (unsigned int bit = 0; bit < 64; bit++) {
			unsigned long long number = 1ULL << bit;
			unsigned int shift = 10 * (s + 1);
			char text[40];

			(void)snprintf(text, sizeof(text), "%llu%c", number, suffixes[s]);
			if (options_parse_size("m", text, &bytes, &e) == 0)
				ck_assert_uint_eq(bytes >> shift, number);
			else
				ck_assert_uint_ge(bit + shift, 64);
		}
	}
}
END_TEST

START_TEST(durations)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "30", 30 * S },     { "30s", 30 * S },    { "500ms", 500 * MS },
		{ "1.5", 1500 * MS }, { "0.5s", 500 * MS }, { ".5s", 500 * MS },
		{ "2m", 120 * S },    { "1h", 3600 * S },   { "1d", 86400 * S },
		{ "1ms", MS },
	};
	static const char *const bad[] = {
		"",    "x",        "s",  "-1", "-1s", "+1",    "1x",    "1 s",    "1sec",
		"1us", "1s2",      "ms", "0",  "0s",  "0.0ms", "1e400", "1e300d", "nan",
		"inf", "infinity", ".",  ".s", "1..", "--",    "1e10d", "\xff",   "1m30s",
	};
	uint64_t ns;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(options_parse_duration("timeout", good[i].text, &ns, &e) == 0, "%s",
			      good[i].text);
		ck_assert_uint_eq(ns, good[i].ns);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(options_parse_duration("timeout", bad[i], &ns, &e) == -EINVAL, "%s",
			      bad[i]);
		ck_assert_ptr_nonnull(strstr(e.text, "-timeout"));
		/* What is no character is never shown. */
		ck_assert_ptr_nonnull(strstr(e.text, bad[i][0] == '\xff' ? "'?'" : bad[i]));
	}
	refuse("-kernel bz -timeout soon", "soon", "30s");
}
END_TEST

START_TEST(until)
{
	accept("-kernel bz -until ^login:");
	ck_assert(o.until_set);
	ck_assert_int_eq(regexec(&o.until, "login: ", 0, NULL, 0), 0);
	ck_assert_int_ne(regexec(&o.until, "no login: ", 0, NULL, 0), 0);
	options_finish(&o);
	ck_assert(!o.until_set);
	options_finish(&o); /* once more does nothing */

	accept("-kernel bz -until a -until b|c"); /* extended; the last one counts */
	ck_assert_int_eq(regexec(&o.until, "c", 0, NULL, 0), 0);
	ck_assert_int_ne(regexec(&o.until, "a", 0, NULL, 0), 0);
	options_finish(&o);

	refuse("-kernel bz -until (", "'('", "-until");
	refuse("-kernel bz -until a -until [", "'['", "-until");
	refuse("-kernel bz -until a{2,1}", "a{2,1}", NULL);
}
END_TEST

/* glibc takes them, but may then need hours for a line of the guest's: nothing would end the run. */
START_TEST(until_without_back_references)
{
	refuse("-kernel bz -until (a)\\1", "'(a)\\1'", "back-reference");
	refuse("-kernel bz -until \\.(.*)\\9", "back-reference", NULL);
	accept("-kernel bz -until \\\\1"); /* a backslash and a 1 */
	options_finish(&o);
	accept("-kernel bz -until [$]\\.\\(1");
}
END_TEST

START_TEST(serial_and_escape)
{
	accept("-kernel bz -serial null");
	ck_assert_int_eq(o.serial.kind, CHARDEV_NULL);
	accept("-kernel bz -serial stdio -echr 2");
	ck_assert_int_eq(o.serial.kind, CHARDEV_STDIO);
	ck_assert_uint_eq(o.escape_key, 2);
	accept("-kernel bz -echr 0");
	ck_assert_uint_eq(o.escape_key, 0);
	accept("-kernel bz -echr 31");
	ck_assert_uint_eq(o.escape_key, 31);
	accept("-kernel bz -echr 0x14");
	ck_assert_uint_eq(o.escape_key, 0x14);
	refuse("-kernel bz -serial tty", "'tty'", "stdio");
	refuse("-kernel bz -serial stdo", "'stdo'", "'stdio'?");
	refuse("-kernel bz -echr 32", "-echr", "'32'");
	refuse("-kernel bz -echr -1", "-echr", NULL);
	refuse("-kernel bz -echr a", "-echr", NULL);
	refuse("-kernel bz -echr=", "-echr", NULL);
	refuse("-kernel bz -echr 257", "-echr", NULL); /* 257 & 0xff would be Ctrl-a */
	refuse("-kernel bz -echr 4294967297", "-echr", NULL);
}
END_TEST

/* What the words mean is test_topology.c's. */
START_TEST(number_of_cpus)
{
	accept("-kernel bz");
	ck_assert_uint_eq(o.cpus, 1);
	accept("-kernel bz -smp 1");
	ck_assert_uint_eq(o.cpus, 1);
	accept("-kernel bz -smp cpus=4,sockets=1");
	ck_assert_uint_eq(o.cpus, 4);
	accept("-kernel bz -smp 2 --smp=255");
	ck_assert_uint_eq(o.cpus, 255);
	refuse("-kernel bz -smp 256", "-smp", "255");
	refuse("-kernel bz -smp 4294967297", "-smp", NULL); /* 1 in 32 bits */
	refuse("-kernel bz -smp 0", "-smp", "'0'");
	refuse("-kernel bz -smp x", "-smp", "'x'");
	refuse("-kernel bz -smp 1x", "-smp", "'1x'");
	refuse("-kernel bz -smp -1", "-smp", "'-1'");
	refuse("-kernel bz -smp 2,threads=2", "-smp", "threads=2");
	refuse("-kernel bz -smp=", "-smp", NULL);
}
END_TEST

START_TEST(cpu)
{
	accept("-kernel bz -cpu host");
	accept("-kernel bz -cpu host,-avx2,+vmx");
	refuse("-kernel bz -cpu qemu64", "'qemu64'", "host");
	refuse("-kernel bz -cpu host,-avx22", "'avx22'", "'avx2'?");
}
END_TEST

START_TEST(debug_exit)
{
	accept("-kernel bz -device isa-debug-exit"); /* QEMU's defaults */
	ck_assert_uint_eq(o.debugexit.iobase, 0x501);
	ck_assert_uint_eq(o.debugexit.iosize, 2);
	accept("-kernel bz -device isa-debug-exit,iobase=0xf4,iosize=0x04");
	ck_assert_uint_eq(o.debugexit.iobase, 0xf4);
	ck_assert_uint_eq(o.debugexit.iosize, 4);
	accept("-kernel bz -device isa-debug-exit,iosize=1");
	ck_assert_uint_eq(o.debugexit.iobase, 0x501);
	ck_assert_uint_eq(o.debugexit.iosize, 1);
	refuse("-kernel bz -device e1000", "'e1000'", "isa-debug-exit");
	refuse("-kernel bz -device isa-debug-exi", "'isa-debug-exi'", NULL);
	refuse("-kernel bz -device isa-debug-exits", "'isa-debug-exits'", NULL);
	refuse("-kernel bz -device isa-debug-exit,", "-device", NULL);
	refuse("-kernel bz -device isa-debug-exit,irq=1", "'irq=1'", "iobase");
	refuse("-kernel bz -device isa-debug-exit,iobase=0x10000", "iobase=0x10000", NULL);
	refuse("-kernel bz -device isa-debug-exit,iobase=x", "iobase=x", NULL);
	refuse("-kernel bz -device isa-debug-exit,iobase=", "iobase=", NULL);
	refuse("-kernel bz -device isa-debug-exit,iobase=-1", "iobase=-1", NULL);
	refuse("-kernel bz -device isa-debug-exit,iobase=0xf4x,iosize=4", "iobase=0xf4x", NULL);
	refuse("-kernel bz -device isa-debug-exit,iosize=0", "iosize=0", NULL);
	refuse("-kernel bz -device isa-debug-exit,iosize=5", "iosize=5", NULL);
	refuse("-kernel bz -device isa-debug-exit,iosize=0x104", "iosize=0x104", NULL);
}
END_TEST

START_TEST(accepted_without_effect)
{
	static const char *const words[] = {
		"-enable-kvm",        "-accel kvm",      "-M pc",
		"-machine q35",       "-M microvm",      "-machine pc,accel=kvm",
		"-machine accel=kvm", "-M type=pc",      "-M q35,acpi=off",
		"-nodefaults",        "-no-user-config", "-display none",
		"-vga none",          "-monitor none",   "-no-shutdown",
		"-no-reboot",         "-nographic",      "-accel kvm,thread=single",
		"-accel=kvm",
	};
	struct options plain;
	char line[128];

	accept("-kernel bz");
	plain = o;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		(void)snprintf(line, sizeof(line), "-kernel bz %s", words[i]);
		accept(line);
		o.kernel = plain.kernel; /* another copy of the same word */
		ck_assert_mem_eq(&o, &plain, sizeof(o));
	}
}
END_TEST

START_TEST(not_to_be_had)
{
	refuse("-kernel bz -accel tcg", "-accel", "'tcg'");
	refuse("-kernel bz -accel=", "-accel", NULL);
	refuse("-kernel bz -accel kvmm", "'kvmm'", NULL);
	refuse("-kernel bz -machine accel=tcg", "tcg", "kvm");
	refuse("-kernel bz -machine pc,accel=tcg", "tcg", "kvm");
	refuse("-kernel bz -M virt", "'virt'", "microvm");
	refuse("-kernel bz -M pcx", "'pcx'", NULL);
	refuse("-kernel bz -M=", "-machine", NULL);
	refuse("-kernel bz -display gtk", "-display", "'gtk'");
	refuse("-kernel bz -vga std", "-vga", "'std'");
	refuse("-kernel bz -monitor stdio", "-monitor", "'stdio'");
}
END_TEST

/* The name of an accelerator is a word, not the beginning of one. */
START_TEST(half_an_accelerator)
{
	refuse("-kernel bz -accel k", "'k'", NULL);
	refuse("-kernel bz -accel kv", "'kv'", NULL);
	refuse("-kernel bz -machine accel=k", "k", NULL);
}
END_TEST

/* What goes wrong in the guest, and a dialogue with it. */
START_TEST(checks_and_a_dialogue)
{
	accept("-kernel bz");
	ck_assert(!trouble_wanted(&o.trouble));
	ck_assert_uint_eq(o.dialogue.steps, 0);
	ck_assert_uint_eq(o.hang.allowed_ns, 0);
	accept("-kernel bz -fail-on oops,warn -fail-on /x/ -hang 2s,idle -tap -junit j -summary s");
	ck_assert(trouble_wanted(&o.trouble));
	ck_assert_uint_eq(o.trouble.expressions, 1);
	ck_assert_uint_eq(o.hang.allowed_ns, 2 * S);
	ck_assert(o.hang.idle);
	ck_assert(o.account.tap);
	ck_assert_str_eq(o.account.junit, "j");
	ck_assert_str_eq(o.account.summary, "s");
	options_finish(&o);
	accept("-kernel bz -after login: -send root\\n -after # -send x");
	ck_assert_uint_eq(o.dialogue.steps, 2);
	options_finish(&o);
	accept("-kernel bz -fail-on oops -- prog"); /* the kernel is heard, so it is not quiet */
	ck_assert_str_eq(o.append, SPEC_DEFAULT_APPEND " rdinit=/.tvmm/init");
	options_finish(&o);
	refuse("-kernel bz -fail-on opps", "-fail-on", "oops");
	options_finish(&o);
	refuse("-kernel bz -after x", "-after", "-send");
	options_finish(&o);
	refuse("-kernel bz -hang 1ms", "-hang", "100ms");
	refuse("-kernel bz -send x -- prog", "-send", "--");
	options_finish(&o);
	refuse("-kernel bz -control -- prog", "-control", "twice");
}
END_TEST

START_TEST(unknown_options)
{
	refuse("-kernal bz", "-kernal", "did you mean -kernel?");
	refuse("--intird x", "--intird", "did you mean -initrd?");
	refuse("-kernel bz -apend x", "-apend", "did you mean -append?");
	refuse("-kernel bz --time-out 3", "--time-out", "did you mean -timeout?");
	refuse("-kernel bz -noreboot", "-noreboot", "did you mean -no-reboot?");
	refuse("-kernel bz -drive file=x", "-drive", "--help");
	refuse("-kernel bz -netdev=user", "-netdev=user", "--help");
	refuse("-kernel bz --=x", "--=x", NULL);
	refuse("-kernel bz ---m 5", "---m", NULL);
	refuse("-kernel bz -\n", "-?", NULL); /* one line, whatever was typed */
}
END_TEST

START_TEST(very_long_words)
{
	static char word[2000];

	memset(word, 'x', sizeof(word) - 1);
	word[0] = '-';
	refuse(word, "-xxx", NULL);
	memcpy(word, "-m=", 3);
	refuse(word, "-m", NULL);
	memcpy(word, "-cpu=host,+", 11);
	refuse(word, "-cpu", NULL);
	memcpy(word, "-timeout=", 9);
	refuse(word, "-timeout", NULL);
	memcpy(word, "-serial=", 8);
	refuse(word, "-serial", NULL);
}
END_TEST

START_TEST(missing_and_unwanted_values)
{
	static const char *const take[] = { "kernel", "initrd",  "append",  "m",       "smp",
					    "cpu",    "serial",  "echr",    "timeout", "until",
					    "device", "accel",   "M",       "machine", "display",
					    "vga",    "monitor", "fail-on", "hang",    "log",
					    "add",    "send",    "after",   "junit",   "summary" };
	static const char *const take_none[] = { "enable-kvm",     "nographic", "nodefaults",
						 "no-user-config", "no-reboot", "no-shutdown",
						 "quiet",          "q",         "explain",
						 "fast-append",    "help",      "h",
						 "version" };
	char words[64], name[32];

	for (size_t i = 0; i < sizeof(take) / sizeof(take[0]); i++) {
		(void)snprintf(words, sizeof(words), "-kernel bz -%s", take[i]);
		(void)snprintf(name, sizeof(name), "-%s", take[i]);
		refuse(words, name, "value");
	}
	for (size_t i = 0; i < sizeof(take_none) / sizeof(take_none[0]); i++) {
		(void)snprintf(words, sizeof(words), "-kernel bz -%s=1", take_none[i]);
		(void)snprintf(name, sizeof(name), "-%s", take_none[i]);
		refuse(words, name, "no value");
	}
}
END_TEST

START_TEST(words_that_are_no_options)
{
	refuse("bzImage", "'bzImage'", "-kernel bzImage");
	refuse("-kernel bz rootfs.gz", "'rootfs.gz'", NULL);
	refuse("-kernel bz -", "'-'", NULL);
	refuse("", "kernel", "--help");
	refuse("-m 256", "kernel", NULL);
}
END_TEST

START_TEST(actions)
{
	accept("-help");
	ck_assert_int_eq(o.action, OPTIONS_HELP);
	accept("--help -nonsense"); /* whoever asks for help gets it */
	ck_assert_int_eq(o.action, OPTIONS_HELP);
	accept("-h");
	ck_assert_int_eq(o.action, OPTIONS_HELP);
	accept("--version");
	ck_assert_int_eq(o.action, OPTIONS_VERSION);
	accept("--explain -kernel bz");
	ck_assert_int_eq(o.action, OPTIONS_EXPLAIN);
	refuse("--explain", "kernel", NULL);
	accept("-kernel bz -quiet");
	ck_assert(o.quiet);
	accept("-kernel bz -q");
	ck_assert(o.quiet);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		defaults,
		the_recipes_lines,
		a_program,
		a_program_and_its_files,
		one_dash_two_dashes_and_equals,
		sizes,
		sizes_never_wrap,
		durations,
		until,
		until_without_back_references,
		serial_and_escape,
		number_of_cpus,
		cpu,
		debug_exit,
		accepted_without_effect,
		not_to_be_had,
		half_an_accelerator,
		checks_and_a_dialogue,
		unknown_options,
		very_long_words,
		missing_and_unwanted_values,
		words_that_are_no_options,
		actions,
	};
	Suite *suite = suite_create("options");
	TCase *tcase = tcase_create("options");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
