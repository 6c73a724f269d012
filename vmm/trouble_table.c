/* SPDX-License-Identifier: MIT */
#include "vmm/trouble_table.h"

/* clang-format off */
#define BEGINS(words)          { TROUBLE_BEGINS, words, NULL }
#define BEGINS_ALSO(words, by) { TROUBLE_BEGINS, words, by }
#define HAS(words)             { TROUBLE_ANYWHERE, words, NULL }
#define HAS_ALSO(words, by)    { TROUBLE_ANYWHERE, words, by }
#define DIES(words)            { TROUBLE_DIES, words, NULL }
/* clang-format on */

enum {
	CRASH = TROUBLE_CRASH | TROUBLE_KERNEL,
	LOCKUP = TROUBLE_LOCKUP | TROUBLE_KERNEL,
	SANITIZER = TROUBLE_SANITIZER | TROUBLE_KERNEL,
	KERNEL = TROUBLE_KERNEL,
	OTHER = 0,
};

/*
 * Behind each text the file of Linux 6.1 that prints it. The particular comes before the general:
 * "BUG: KASAN: " is kasan's where both are looked for.
 */
const struct trouble_name trouble_table[] = {
	{ "panic",
	  "the kernel gave up",
	  CRASH,
	  { HAS("Kernel panic - not syncing") } }, /* kernel/panic.c */
	{ "kasan",
	  "KASAN: use after free, out of bounds ...",
	  SANITIZER,
	  { BEGINS("BUG: KASAN: ") } }, /* mm/kasan/report.c */
	{ "kmsan",
	  "KMSAN: memory used without a value",
	  SANITIZER,
	  { BEGINS("BUG: KMSAN: ") } }, /* mm/kmsan/report.c */
	{ "kcsan",
	  "KCSAN: data races",
	  SANITIZER,
	  { BEGINS("BUG: KCSAN: ") } }, /* kernel/kcsan/report.c */
	{ "kfence",
	  "KFENCE: memory errors, by sampling",
	  SANITIZER,
	  { BEGINS("BUG: KFENCE: ") } }, /* mm/kfence/report.c */
	{ "ubsan",
	  "UBSAN: undefined behaviour",
	  SANITIZER,
	  { BEGINS("UBSAN: ") } }, /* lib/ubsan.c */
	{ "softlockup",
	  "a CPU that does not schedule",
	  LOCKUP,
	  { HAS("BUG: soft lockup - CPU#") } }, /* kernel/watchdog.c */
	{ "hardlockup",
	  "a CPU that takes no interrupts",
	  LOCKUP,
	  { HAS("Watchdog detected hard LOCKUP on cpu") } }, /* kernel/watchdog_hld.c */
	{ "workqueue",
	  "a pool of workers that is stuck, or work that keeps a lock",
	  LOCKUP,
	  { BEGINS("BUG: workqueue lockup - pool"), /* kernel/workqueue.c */
	    BEGINS("BUG: workqueue leaked ") } },
	{ "hung-task",
	  "a task that is blocked for minutes",
	  LOCKUP,
	  { BEGINS_ALSO("INFO: task ", " blocked for more than ") } }, /* kernel/hung_task.c */
	{ "rcu",
	  "RCU stalls, a grace-period thread that does not run",
	  LOCKUP,
	  { HAS_ALSO("INFO: rcu_", " stall"), /* kernel/rcu/tree_stall.h, tree_exp.h, tasks.h */
	    HAS_ALSO("rcu_", " kthread starved for ") } },
	{ "lockdep",
	  "locking that can deadlock, and RCU used without its lock",
	  KERNEL,
	  { /* kernel/locking/lockdep.c */
	    BEGINS("WARNING: possible circular locking dependency detected"),
	    BEGINS("WARNING: possible recursive locking detected"),
	    BEGINS("WARNING: possible irq lock inversion dependency detected"),
	    BEGINS_ALSO("WARNING: ", "-unsafe lock order detected"),
	    BEGINS("WARNING: inconsistent lock state"),
	    BEGINS("WARNING: Nested lock was not taken"),
	    BEGINS("WARNING: bad unlock balance detected"),
	    BEGINS("WARNING: bad contention detected"),
	    BEGINS("WARNING: held lock freed"),
	    BEGINS_ALSO("WARNING: ", " still has locks held"),
	    BEGINS("WARNING: lock held when returning to user space"),
	    BEGINS("WARNING: suspicious RCU usage"),
	    BEGINS("WARNING: chain_key collision"),
	    BEGINS("[ BUG: "), /* "Invalid wait context"; before 4.12 others too, with "[ INFO: " */
	    BEGINS_ALSO("[ INFO: ", " ]"),
	    BEGINS("INFO: trying to register non-static key"),
	    BEGINS("BUG: looking up invalid subclass"),
	    BEGINS_ALSO("BUG: key ", " has not been registered!"),
	    BEGINS_ALSO("BUG: MAX_", " too low!"),
	    BEGINS("DEBUG_LOCKS_WARN_ON(") } }, /* include/linux/debug_locks.h */
	{ "atomic",
	  "sleeping, or counting on one CPU, where that is forbidden",
	  KERNEL,
	  { /* kernel/sched/core.c */
	    BEGINS("BUG: sleeping function called from invalid context"),
	    BEGINS("BUG: scheduling while atomic"),
	    BEGINS("BUG: scheduling in a non-blocking section"),
	    BEGINS("BUG: assuming atomic context"), BEGINS("BUG: assuming non migratable context"),
	    BEGINS_ALSO("BUG: using ", " in preemptible "),  /* lib/smp_processor_id.c */
	    BEGINS_ALSO("initcall ", " returned with ") } }, /* init/main.c */
	{ "spinlock",
	  "spinlocks and rwlocks that are damaged or held too long",
	  KERNEL,
	  { BEGINS("BUG: spinlock "), /* kernel/locking/spinlock_debug.c */
	    BEGINS("BUG: rwlock ") } },
	{ "slab",
	  "damaged objects of the slab allocators",
	  KERNEL,
	  { BEGINS_ALSO("BUG ", "): "), /* mm/slub.c */
	    BEGINS("slab error in "),   /* mm/slab.c */
	    BEGINS("Slab corruption ("),
	    BEGINS("BUG: mempool element poison mismatch") } }, /* mm/mempool.c */
	{ "bad-page",
	  "pages and page tables in a state that cannot be",
	  KERNEL,
	  { BEGINS("BUG: Bad page state"),        /* mm/page_alloc.c */
	    BEGINS("BUG: Bad page map"),          /* mm/memory.c */
	    BEGINS("BUG: Bad page cache"),        /* mm/filemap.c */
	    BEGINS("BUG: Bad rss-counter state"), /* kernel/fork.c */
	    BEGINS("BUG: non-zero pgtables_bytes") } },
	{ "list",
	  "linked lists whose neighbours disagree",
	  KERNEL,
	  { BEGINS("list_add corruption"), /* lib/list_debug.c */
	    BEGINS("list_del corruption") } },
	{ "refcount",
	  "reference counters that overflow or underflow",
	  KERNEL,
	  { BEGINS("refcount_t: ") } }, /* lib/refcount.c */
	{ "odebug",
	  "objects that are used, or freed, in the wrong state",
	  KERNEL,
	  { BEGINS_ALSO("ODEBUG: ", " object type: ") } }, /* lib/debugobjects.c */
	{ "usercopy",
	  "copies between kernel and user that go too far",
	  KERNEL,
	  { HAS("Kernel memory exposure attempt detected"), /* mm/usercopy.c */
	    HAS("Kernel memory overwrite attempt detected") } },
	{ "fortify",
	  "FORTIFY_SOURCE: strings and copies beyond their buffer",
	  KERNEL,
	  { HAS("detected buffer overflow"),          /* lib/string_helpers.c */
	    HAS("detected field-spanning write") } }, /* include/linux/fortify-string.h */
	{ "memleak",
	  "kmemleak: memory that nobody refers to",
	  KERNEL,
	  { HAS("new suspected memory leaks") } }, /* mm/kmemleak.c */
	{ "double-fault",
	  "a fault while a fault was delivered",
	  CRASH,
	  { DIES("double fault"), /* arch/x86/kernel/traps.c */
	    BEGINS("PANIC: double fault") } },
	{ "stack",
	  "a kernel stack that is full or overwritten",
	  CRASH,
	  { BEGINS_ALSO("BUG: ", "stack guard page was hit"), /* arch/x86/kernel/traps.c */
	    DIES("stack guard page"),
	    HAS("stack-protector: Kernel stack is corrupted in"), /* kernel/panic.c */
	    HAS("corrupted stack end detected inside scheduler"), /* kernel/sched/core.c */
	    BEGINS("Thread overran stack, or stack corrupted") } },
	{ "page-fault",
	  "the kernel touched what is not mapped, or not its own",
	  CRASH,
	  { BEGINS("BUG: kernel NULL pointer dereference"), /* arch/x86/mm/fault.c */
	    BEGINS("BUG: unable to handle "),               /* "page fault"; before 5.1 "kernel" */
	    BEGINS("kernel tried to execute NX-protected page"),
	    BEGINS("unable to execute userspace code (SMEP?)") } },
	{ "gpf",
	  "general protection faults in the kernel",
	  CRASH,
	  { DIES("general protection fault") } }, /* arch/x86/kernel/traps.c */
	{ "divide",
	  "divisions by zero in the kernel",
	  CRASH,
	  { DIES("divide error") } }, /* arch/x86/kernel/traps.c */
	{ "oops",
	  "every oops, whatever its cause",
	  CRASH,
	  { DIES(""),                              /* arch/x86/kernel/dumpstack.c */
	    BEGINS("PANIC: early exception ") } }, /* arch/x86/mm/extable.c */
	{ "bug",
	  "BUG() and every line that begins with \"BUG:\"",
	  CRASH,
	  { BEGINS("kernel BUG at "), /* lib/bug.c */
	    BEGINS("Kernel BUG at "), BEGINS("BUG: "),
	    BEGINS("watchdog: BUG: "), /* kernel/watchdog.c */
	    BEGINS("[ BUG: ") } },     /* kernel/locking/lockdep.c */
	{ "warn",
	  "WARN_ON() and its kin",
	  KERNEL,
	  { BEGINS("WARNING: CPU: "), /* kernel/panic.c */
	    BEGINS_ALSO("WARNING: ",
			", CPU#") } }, /* since 6.18: "at FILE:LINE, CPU#0: comm/pid" */
	{ "irq",
	  "interrupts that no driver takes",
	  KERNEL,
	  { BEGINS_ALSO("irq ", ": nobody cared") } }, /* kernel/irq/spurious.c */
	{ "msr",
	  "model-specific registers that are not there",
	  KERNEL,
	  { HAS("unchecked MSR access error: ") } }, /* arch/x86/mm/extable.c */
	{ "mce",
	  "machine checks and other errors of the hardware",
	  OTHER,
	  { HAS("[Hardware Error]: ") } }, /* include/linux/printk.h: HW_ERR */
	{ "oom",
	  "memory ran out and something was killed",
	  OTHER,
	  { /* mm/oom_kill.c */
	    BEGINS_ALSO("Out of memory", ": Kill"),
	    BEGINS("Out of memory and no killable processes"),
	    BEGINS("Memory cgroup out of memory"), HAS("invoked oom-killer: ") } },
	{ "alloc",
	  "allocations that failed",
	  OTHER,
	  { HAS("page allocation failure: order:"), /* mm/page_alloc.c */
	    HAS("vmalloc error: size ") } },        /* mm/vmalloc.c */
	{ "module",
	  "modules that do not fit the kernel",
	  OTHER,
	  { HAS("Unknown symbol "), /* kernel/module/main.c */
	    HAS_ALSO("version magic '", "should be '"),
	    HAS("disagrees about version of symbol ") } }, /* kernel/module/version.c */
	{ "taint",
	  "what taints the kernel: foreign or unsigned modules",
	  OTHER,
	  { /* kernel/module/main.c */
	    HAS("taints kernel"), HAS("kernel tainted."), HAS("tainting kernel"),
	    BEGINS("Disabling lock debugging due to kernel taint") } }, /* kernel/panic.c */
	{ "initramfs",
	  "an initramfs that could not be unpacked",
	  OTHER,
	  { BEGINS("Initramfs unpacking failed"), /* init/initramfs.c */
	    BEGINS("rootfs image is not initramfs (") } },
	{ "segfault",
	  "programs of the guest that crashed",
	  OTHER,
	  { HAS_ALSO("segfault at ", " ip "),   /* arch/x86/mm/fault.c */
	    BEGINS_ALSO("traps: ", " ip:") } }, /* arch/x86/kernel/traps.c */
};

const size_t trouble_table_rows = sizeof(trouble_table) / sizeof(trouble_table[0]);

const struct trouble_group_name trouble_groups[] = {
	{ "crash", "what ends the kernel, or the task that it was in", TROUBLE_CRASH },
	{ "lockup", "what does not move on", TROUBLE_LOCKUP },
	{ "sanitizer", "what the kernel's sanitizers report", TROUBLE_SANITIZER },
	{ "kernel", "all that is a fault of the kernel's own", TROUBLE_KERNEL },
	{ "all", "all names", TROUBLE_ALL },
};

const size_t trouble_groups_count = sizeof(trouble_groups) / sizeof(trouble_groups[0]);
