/* SPDX-License-Identifier: MIT */
/*
 * --fail-on: lines as Linux 6.1 prints them, filled in from its format strings (kernel/panic.c,
 * lib/bug.c, arch/x86/kernel/dumpstack.c and traps.c, arch/x86/mm/fault.c, kernel/locking/lockdep.c
 * ... the table names each), and lines that look like them and are not.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/trouble.h"

static const struct spec {
	const char *name; /* alone, it finds the line; with "all", the line is told by it */
	const char *line;
} SPEC_LINES[] = {
	{ "panic", "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100" },
	{ "panic", "Kernel panic - not syncing: sysrq triggered crash" },
	{ "kasan", "BUG: KASAN: use-after-free in kmalloc_uaf+0x91/0xb2" },
	{ "kmsan", "BUG: KMSAN: uninit-value in test_uninit_kmalloc+0x63/0xd0" },
	{ "kcsan", "BUG: KCSAN: data-race in test_kernel_read / test_kernel_write" },
	{ "kfence", "BUG: KFENCE: out-of-bounds read in test_out_of_bounds_read+0xa6/0x234" },
	{ "kfence", "BUG: KFENCE: memory corruption in test_corruption+0x1a/0x200" },
	{ "ubsan", "UBSAN: array-index-out-of-bounds in drivers/misc/lkdtm/bugs.c:371:16" },
	{ "ubsan", "UBSAN: shift-out-of-bounds in lib/test_ubsan.c:64:12" },
	{ "softlockup", "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [sh:77]" },
	{ "hardlockup", "NMI watchdog: Watchdog detected hard LOCKUP on cpu 1" },
	{ "hardlockup", "watchdog: CPU1: Watchdog detected hard LOCKUP on cpu 1" },
	{ "workqueue",
	  "BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 33s!" },
	{ "workqueue", "BUG: workqueue leaked lock or atomic: kworker/0:1/0x00000000/13" },
	{ "hung-task", "INFO: task cat:83 blocked for more than 120 seconds." },
	{ "rcu", "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:" },
	{ "rcu", "rcu: INFO: rcu_sched self-detected stall on CPU" },
	{ "rcu",
	  "rcu: INFO: rcu_sched detected expedited stalls on CPUs/tasks: { 1-... } 9 jiffies" },
	{ "rcu", "INFO: rcu_tasks detected stalls on tasks:" },
	{ "rcu",
	  "rcu: rcu_sched kthread starved for 2100 jiffies! g-1067 f0x0 RCU_GP_WAIT_FQS(5)" },
	{ "lockdep", "WARNING: possible circular locking dependency detected" },
	{ "lockdep", "WARNING: possible recursive locking detected" },
	{ "lockdep", "WARNING: possible irq lock inversion dependency detected" },
	{ "lockdep", "WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected" },
	{ "lockdep", "WARNING: inconsistent lock state" },
	{ "lockdep", "WARNING: Nested lock was not taken" },
	{ "lockdep", "WARNING: bad unlock balance detected!" },
	{ "lockdep", "WARNING: bad contention detected!" },
	{ "lockdep", "WARNING: held lock freed!" },
	{ "lockdep", "WARNING: sh/77 still has locks held!" },
	{ "lockdep", "WARNING: lock held when returning to user space!" },
	{ "lockdep", "WARNING: suspicious RCU usage" },
	{ "lockdep", "WARNING: chain_key collision" },
	{ "lockdep", "[ BUG: Invalid wait context ]" },
	{ "lockdep", "[ INFO: possible circular locking dependency detected ]" },
	{ "lockdep", "INFO: trying to register non-static key." },
	{ "lockdep", "BUG: looking up invalid subclass: 8" },
	{ "lockdep", "BUG: key ffff888003f0a1b8 has not been registered!" },
	{ "lockdep", "BUG: MAX_LOCKDEP_CHAINS too low!" },
	{ "lockdep", "DEBUG_LOCKS_WARN_ON(lock->magic != lock)" },
	{ "atomic",
	  "BUG: sleeping function called from invalid context at kernel/locking/mutex.c:580" },
	{ "atomic", "BUG: scheduling while atomic: sh/77/0x00000002" },
	{ "atomic", "BUG: scheduling in a non-blocking section: sh/77/1" },
	{ "atomic", "BUG: assuming atomic context at kernel/foo.c:12" },
	{ "atomic", "BUG: assuming non migratable context at kernel/foo.c:12" },
	{ "atomic", "BUG: using smp_processor_id() in preemptible [00000000] code: sh/77" },
	{ "atomic", "initcall foo_init+0x0/0x1a returned with preemption imbalance " },
	{ "spinlock", "BUG: spinlock bad magic on CPU#0, swapper/0" },
	{ "spinlock", "BUG: rwlock wrong owner on CPU#0, sh/77, 00000000f3a1" },
	{ "slab", "BUG kmalloc-64 (Not tainted): Poison overwritten" },
	{ "slab", "slab error in verify_redzone_free(): cache `size-64': double free detected" },
	{ "slab", "Slab corruption (Not tainted): size-64 start=ffff888003f0a1b8, len=64" },
	{ "slab", "BUG: mempool element poison mismatch" },
	{ "bad-page", "BUG: Bad page state in process sh  pfn:03f0a" },
	{ "bad-page", "BUG: Bad page map in process sh  pte:8000000003f0a067 pmd:03f0b067" },
	{ "bad-page", "BUG: Bad page cache in process sh  pfn:03f0a" },
	{ "bad-page", "BUG: Bad rss-counter state mm:00000000f3a1 type:MM_ANONPAGES val:-1" },
	{ "bad-page", "BUG: non-zero pgtables_bytes on freeing mm: 4096" },
	{ "list",
	  "list_add corruption. next->prev should be prev (ffffffff81e0), but was 0000000. " },
	{ "list",
	  "list_del corruption, ffff888003f0a1b8->next is LIST_POISON1 (dead000000000100)" },
	{ "refcount", "refcount_t: underflow; use-after-free." },
	{ "odebug",
	  "ODEBUG: free active (active state 0) object type: timer_list hint: f+0x0/0x10" },
	{ "usercopy",
	  "usercopy: Kernel memory exposure attempt detected from SLUB object 'kmalloc-64'" },
	{ "usercopy",
	  "usercopy: Kernel memory overwrite attempt detected to kernel text (size 8)!" },
	{ "fortify", "detected buffer overflow in strcpy" },
	{ "fortify",
	  "memcpy: detected field-spanning write (size 8) of single field \"a\" (size 4)" },
	{ "memleak", "kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)" },
	{ "double-fault", "double fault: 0000 [#1] PREEMPT SMP" },
	{ "double-fault", "PANIC: double fault, error_code: 0x0" },
	{ "stack", "BUG: TASK stack guard page was hit at 00000000f3a1 (stack is 0000..0000)" },
	{ "stack", "BUG: stack guard page was hit at 00000000f3a1 (stack is 0000..0000)" },
	{ "stack", "stack guard page: 0000 [#1] PREEMPT SMP" },
	{ "stack", "Thread overran stack, or stack corrupted" },
	{ "page-fault", "BUG: kernel NULL pointer dereference, address: 0000000000000010" },
	{ "page-fault", "BUG: unable to handle page fault for address: ffffc90000000000" },
	{ "page-fault", "BUG: unable to handle kernel paging request at ffffc90000000000" },
	{ "page-fault", "kernel tried to execute NX-protected page - exploit attempt? (uid: 0)" },
	{ "page-fault", "unable to execute userspace code (SMEP?) (uid: 0)" },
	{ "gpf", "general protection fault: 0000 [#1] SMP" },
	{ "gpf", "general protection fault, probably for non-canonical address 0xdead000000000100: "
		 "0000 [#1] PREEMPT SMP PTI" },
	{ "gpf", "Oops: general protection fault, probably for non-canonical address "
		 "0xdead000000000100: 0000 [#1] SMP" },
	{ "divide", "divide error: 0000 [#1] SMP" },
	{ "oops", "Oops: 0002 [#1] PREEMPT SMP NOPTI" },
	{ "oops", "Oops: Oops: 0002 [#1] SMP" },
	{ "oops", "invalid opcode: 0000 [#12] SMP" },
	{ "oops", "PANIC: early exception 0x0e IP 10:ffffffff81000123 error 0 cr2 0x8" },
	{ "bug", "kernel BUG at drivers/misc/lkdtm/bugs.c:76!" },
	{ "bug", "Kernel BUG at foo+0x1a/0x20 [verbose debug info unavailable]" },
	{ "bug", "BUG: arch topology borken" },
	{ "warn", "WARNING: CPU: 0 PID: 77 at drivers/misc/lkdtm/bugs.c:83 f+0xa/0x10 [lkdtm]" },
	{ "warn", "WARNING: CPU: 0 PID: 77 at f+0xa/0x10" },
	{ "warn", "WARNING: drivers/misc/lkdtm/bugs.c:83 at f+0xa/0x10, CPU#0: sh/77" },
	{ "irq", "irq 4: nobody cared (try booting with the \"irqpoll\" option)" },
	{ "msr", "unchecked MSR access error: RDMSR from 0xc0000080 at rIP: 0xffff (f+0x0/0x10)" },
	{ "mce", "mce: [Hardware Error]: Machine check events logged" },
	{ "mce", "[Hardware Error]: Machine check: Processor context corrupt" },
	{ "oom", "Out of memory: Killed process 77 (tail) total-vm:4096kB, anon-rss:1024kB" },
	{ "oom", "Out of memory: Kill process 77 (tail) score 900 or sacrifice child" },
	{ "oom", "Out of memory and no killable processes..." },
	{ "oom", "Memory cgroup out of memory: Killed process 77 (tail) total-vm:4096kB" },
	{ "oom", "tail invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER), order=0" },
	{ "alloc",
	  "sh: page allocation failure: order:10, mode:0xcc0(GFP_KERNEL), nodemask=(null)" },
	{ "alloc", "insmod: vmalloc error: size 4096, page order 0, failed to allocate pages" },
	{ "module", "foo: Unknown symbol bar (err -2)" },
	{ "module", "foo: version magic '6.1.0 SMP ' should be '6.2.0 SMP '" },
	{ "module", "foo: disagrees about version of symbol module_layout" },
	{ "taint", "foo: loading out-of-tree module taints kernel." },
	{ "taint", "foo: module verification failed: signature and/or required key missing - "
		   "tainting kernel" },
	{ "taint", "foo: no version for \"bar\" found: kernel tainted." },
	{ "taint", "Disabling lock debugging due to kernel taint" },
	{ "initramfs", "Initramfs unpacking failed: invalid magic at start of compressed archive" },
	{ "initramfs", "rootfs image is not initramfs (no cpio magic); looks like an initrd" },
	{ "segfault", "a.out[77]: segfault at 0 ip 0000000000401126 sp 00007ffc error 6 in a.out" },
	{ "segfault", "traps: a.out[77] trap invalid opcode ip:401106 sp:7ffc error:0 in a.out" },
	{ "segfault", "traps: a.out[77] general protection fault ip:401106 sp:7ffc error:0" },
};

enum { SPEC_COUNT = sizeof(SPEC_LINES) / sizeof(SPEC_LINES[0]) };

/* What "all" finds nothing in. */
static const char *const HARMLESS[] = {
	"",
	"WARNING",
	"WARNING: this tool is old",
	"a WARNING: CPU: 0 PID: 1 that somebody quotes",
	"gcc: WARNING: possible recursive locking detected",
	"DEBUG: BUG-free",
	"DEBUG: kernel BUG at nothing",
	"# BUG: KASAN: in a comment",
	"Oops: something went wrong",
	"Oops: 0002",
	"Oops: zzzz [#1]",
	"see note [12] BUG: of old",
	"xKernel panic - not syncing: y",
	"Oops: 00023 [#1]",
	"Oops: 0002 [#x]",
	"INFO: task scheduler is ready",
	"INFO: lockdep is turned off.",
	"INFO: timekeeping: Cycle offset (1) is larger than the 'tsc' clock's 50% safety margin",
	"rcu: Hierarchical RCU implementation.",
	"rcu: \tRCU restricted CPUs from NR_CPUS=64 to nr_cpu_ids=1.",
	"ODEBUG: selftest passed",
	"initcall foo_init+0x0/0x1a returned 0 after 12 usecs",
	"kmemleak: Kernel memory leak detector initialized (mem pool available: 15679)",
	"Out of memory",
	"general protection fault",
	"divide error: 12",
	"NMI watchdog: Enabled. Permanently consumes one hw-PMU counter.",
	"watchdog: Delayed init of the lockup detector failed: -19",
	"clocksource: refined-jiffies: mask: 0xffffffff max_cycles: 0xffffffff",
	"Kernel panic",
	"kernel panic - not syncing",
	"---[ end trace 0000000000000000 ]---",
	"CPU: 0 PID: 77 Comm: sh Not tainted 6.1.0 #1",
	"Linux version 6.1.0 (gcc) #1 SMP",
	"------------[ cut here ]------------",
};

static const char *const ALL_NAMES[] = {
	"panic",      "kasan",      "kmsan",     "kcsan",     "kfence",       "ubsan",
	"softlockup", "hardlockup", "workqueue", "hung-task", "rcu",          "lockdep",
	"atomic",     "spinlock",   "slab",      "bad-page",  "list",         "refcount",
	"odebug",     "usercopy",   "fortify",   "memleak",   "double-fault", "stack",
	"page-fault", "gpf",        "divide",    "oops",      "bug",          "warn",
	"irq",        "msr",        "mce",       "oom",       "alloc",        "module",
	"taint",      "initramfs",  "segfault",
};

enum { ALL_COUNT = sizeof(ALL_NAMES) / sizeof(ALL_NAMES[0]) };

static struct trouble trouble;
static struct err err;

static void teardown(void)
{
	trouble_finish(&trouble);
}

static void look_for(const char *value)
{
	int rc = trouble_parse(&trouble, value, &err);

	ck_assert_msg(rc == 0, "%s: %s", value, err.text);
}

static const char *found_in(const char *line)
{
	const char *name = "unset";
	bool found = trouble_line(&trouble, line, strlen(line), &name);

	ck_assert_int_eq(found, name != NULL);
	return name;
}

static void finds(const char *line, const char *expected)
{
	const char *name = found_in(line);

	ck_assert_msg(name && strcmp(name, expected) == 0, "'%s': %s, not %s", line,
		      name ? name : "nothing", expected);
}

START_TEST(each_name_finds_its_line)
{
	const struct spec *spec = &SPEC_LINES[_i];

	look_for(spec->name);
	finds(spec->line, spec->name);
}
END_TEST

START_TEST(all_tells_it_by_the_particular_name)
{
	look_for("all");
	finds(SPEC_LINES[_i].line, SPEC_LINES[_i].name);
}
END_TEST

/* Where the kernel's own line begins, whatever stands before it. */
START_TEST(behind_prefixes_and_prompts)
{
	static const char *const before[] = {
		"[    0.412345] ",
		"[   12.345678][    T1] ",
		"[123456.789012][T1234567] ",
		"/ # ",
		"/ # [   12.345678] ",
		"/ # [   T99] ",
		"user@host:~$ ",
		"tvmm login: [   12.345678][  T99] ",
		"Password: ",
		"half a line of a program[   12.345678] ",
		"[1] [   12.345678] ",
	};
	char line[512];

	look_for(SPEC_LINES[_i].name);
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		(void)snprintf(line, sizeof(line), "%s%s", before[i], SPEC_LINES[_i].line);
		finds(line, SPEC_LINES[_i].name);
	}
}
END_TEST

START_TEST(harmless_lines)
{
	const char *line = HARMLESS[_i];

	look_for("all");
	ck_assert_msg(!found_in(line), "'%s' is %s", line, found_in(line));
}
END_TEST

START_TEST(what_is_not_asked_for_is_not_found)
{
	for (size_t i = 0; i < SPEC_COUNT; i++)
		ck_assert_ptr_null(found_in(SPEC_LINES[i].line));
	ck_assert(!trouble_wanted(&trouble));
	look_for("ubsan,irq");
	ck_assert(trouble_wanted(&trouble));
	for (size_t i = 0; i < SPEC_COUNT; i++) {
		const char *name = SPEC_LINES[i].name;

		if (strcmp(name, "ubsan") == 0 || strcmp(name, "irq") == 0)
			finds(SPEC_LINES[i].line, name);
		else
			ck_assert_ptr_null(found_in(SPEC_LINES[i].line));
	}
}
END_TEST

/* An oops is one, and a BUG: line is one, also for somebody who asks for no more than that. */
START_TEST(general_names)
{
	look_for("oops");
	finds("general protection fault, maybe for address 0x10: 0000 [#1] SMP", "oops");
	finds("divide error: 0000 [#1] SMP", "oops");
	trouble_finish(&trouble);
	look_for("bug");
	finds("BUG: KASAN: use-after-free in f+0x1/0x2", "bug");
	finds("watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [sh:77]", "bug");
	finds("BUG: sleeping function called from invalid context at f.c:1", "bug");
	finds("[ BUG: Invalid wait context ]", "bug");
	trouble_finish(&trouble);
	look_for("stack");
	finds("Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: "
	      "f+0x1/0x2",
	      "stack");
	finds("Kernel panic - not syncing: corrupted stack end detected inside scheduler", "stack");
}
END_TEST

START_TEST(groups)
{
	look_for("crash");
	finds("Oops: 0002 [#1] SMP", "oops");
	ck_assert_ptr_null(found_in("WARNING: CPU: 0 PID: 77 at f+0xa/0x10"));
	look_for("lockup");
	finds("INFO: task cat:83 blocked for more than 120 seconds.", "hung-task");
	look_for("sanitizer");
	finds("UBSAN: shift-out-of-bounds in f.c:64:12", "ubsan");
	look_for("kernel");
	finds("WARNING: CPU: 0 PID: 77 at f+0xa/0x10", "warn");
	ck_assert_ptr_null(found_in("Out of memory: Killed process 77 (tail) total-vm:4096kB"));
	ck_assert_ptr_null(found_in("a.out[77]: segfault at 0 ip 0000000000401126 sp 0"));
}
END_TEST

START_TEST(every_name_is_in_the_table_and_has_a_line)
{
	char *text = NULL, wanted[64];
	size_t size = 0, lines = 0;
	FILE *out = open_memstream(&text, &size);

	trouble_names(out);
	ck_assert_int_eq(fclose(out), 0);
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	ck_assert_uint_eq(lines, ALL_COUNT + 5);
	for (size_t i = 0; i < ALL_COUNT; i++) {
		size_t examples = 0;

		(void)snprintf(wanted, sizeof(wanted), "  %-14s ", ALL_NAMES[i]);
		ck_assert_msg(strstr(text, wanted) != NULL, "no %s", ALL_NAMES[i]);
		for (size_t k = 0; k < SPEC_COUNT; k++)
			examples += strcmp(SPEC_LINES[k].name, ALL_NAMES[i]) == 0;
		ck_assert_msg(examples > 0, "no line for %s", ALL_NAMES[i]);
	}
	free(text);
}
END_TEST

START_TEST(expressions)
{
	look_for("/ops$/");
	look_for("Failed with (result|code) ");
	look_for("warn");
	finds("tinytops", "/ops$/");
	finds("x.service: Failed with result 'core-dump'.", "Failed with (result|code) ");
	finds("WARNING: CPU: 0 PID: 77 at f+0xa/0x10", "warn");
	ck_assert_ptr_null(found_in("ops that go on"));
}
END_TEST

/* An expression sees the line as it is, stamp and all. */
START_TEST(expressions_see_the_whole_line)
{
	look_for("^\\[ +0\\.4");
	finds("[    0.412345] ordinary", "^\\[ +0\\.4");
}
END_TEST

START_TEST(small_words_between_slashes_are_expressions)
{
	look_for("/oops/");
	finds("what an oops", "/oops/");
	ck_assert_ptr_null(found_in("Oops: 0002 [#1] SMP"));
}
END_TEST

static void refuses(const char *value, const char *because)
{
	int rc = trouble_parse(&trouble, value, &err);

	ck_assert_msg(rc == -EINVAL, "'%s' gave %d", value, rc);
	ck_assert_msg(strstr(err.text, because) != NULL, "'%s': %s", value, err.text);
}

START_TEST(refusals)
{
	refuses("opps", "there is no 'opps', did you mean 'oops'?; there are: crash ");
	refuses("opps", " segfault; or /RE/");
	refuses("warn,lokdep", "did you mean 'lockdep'?");
	refuses("xyzzy-plugh", "there is no 'xyzzy-plugh'; there are: ");
	refuses("", "there is no ''");
	refuses("oops,,warn", "there is no ''");
	refuses("oops,", "there is no ''");
	refuses("OOPS,Warn", "names are written in small letters");
	refuses("/(/", "-fail-on: '(' is not a regular expression: ");
	refuses("(a)\\1", "back-reference");
	ck_assert(!trouble_wanted(&trouble));
}
END_TEST

START_TEST(what_was_added_before_an_error_stays)
{
	look_for("warn");
	refuses("oops,opps", "opps");
	finds("WARNING: CPU: 0 PID: 77 at f+0xa/0x10", "warn");
	ck_assert_ptr_null(found_in("Oops: 0002 [#1] SMP"));
}
END_TEST

START_TEST(there_is_an_end_to_expressions)
{
	char *endless = malloc(5000);

	for (int i = 0; i < TROUBLE_EXPRESSIONS_MAX; i++)
		look_for("A");
	ck_assert_int_eq(trouble_parse(&trouble, "B", &err), -E2BIG);
	ck_assert_ptr_nonnull(strstr(err.text, "16 expressions"));
	ck_assert_ptr_nonnull(endless);
	memset(endless, 'A', 4999);
	endless[4999] = '\0';
	ck_assert_int_eq(trouble_parse(&trouble, endless, &err), -EINVAL);
	free(endless);
}
END_TEST

static bool over(const char *line)
{
	return trouble_over(line, strlen(line));
}

START_TEST(where_a_report_is_over)
{
	ck_assert(over("---[ end trace 0000000000000000 ]---"));
	ck_assert(over("[   12.345678] ---[ end trace 0123456789abcdef ]---"));
	ck_assert(over("[   12.345678][    T1] ---[ end Kernel panic - not syncing: f ]---"));
	ck_assert(over("Rebooting in 10 seconds.."));
	ck_assert(over("=================================================================="));
	ck_assert(over("[    0.412345] ============================="));
	ck_assert(!over(""));
	ck_assert(!over("[    0.412345] "));
	ck_assert(!over("========="));
	ck_assert(!over("============================= a title"));
	ck_assert(!over("------------[ cut here ]------------"));
	ck_assert(!over(" </TASK>"));
	ck_assert(!over("RIP: 0010:f+0xa/0x10"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trouble");
	TCase *tcase = tcase_create("lines");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_loop_test(tcase, each_name_finds_its_line, 0, SPEC_COUNT);
	tcase_add_loop_test(tcase, all_tells_it_by_the_particular_name, 0, SPEC_COUNT);
	tcase_add_loop_test(tcase, behind_prefixes_and_prompts, 0, SPEC_COUNT);
	tcase_add_loop_test(tcase, harmless_lines, 0, sizeof(HARMLESS) / sizeof(HARMLESS[0]));
	tcase_add_test(tcase, what_is_not_asked_for_is_not_found);
	tcase_add_test(tcase, general_names);
	tcase_add_test(tcase, groups);
	tcase_add_test(tcase, every_name_is_in_the_table_and_has_a_line);
	tcase_add_test(tcase, where_a_report_is_over);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("values");
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, expressions);
	tcase_add_test(tcase, expressions_see_the_whole_line);
	tcase_add_test(tcase, small_words_between_slashes_are_expressions);
	tcase_add_test(tcase, refusals);
	tcase_add_test(tcase, what_was_added_before_an_error_stays);
	tcase_add_test(tcase, there_is_an_end_to_expressions);
	suite_add_tcase(suite, tcase);

	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
