/* SPDX-License-Identifier: MIT */
#include "vmm/timing/phases.h"

#include <string.h>

#define FUNCTION(name)                                            \
	{                                                         \
		name, { name }, false, "breakpoint at " name "()" \
	}
#define LEVEL(name)                                                       \
	{                                                                 \
		"initcalls: " name, { NULL }, false,                      \
			"breakpoint at the first initcall of level " name \
	}

const struct phase_info phase_info[PHASES] = {
	[PHASE_STARTUP_64] = FUNCTION("startup_64"),
	[PHASE_X86_64_START_KERNEL] = FUNCTION("x86_64_start_kernel"),
	[PHASE_START_KERNEL] = FUNCTION("start_kernel"),
	[PHASE_SETUP_ARCH] = FUNCTION("setup_arch"),
	/*
	 * mm_core_init() since Linux 6.4. Before it the compiler may have made mm_init() a part of
	 * its caller, and kernel/fork.c always has another function of that name.
	 */
	[PHASE_MM_INIT] = { "mm_init",
			    { "mm_core_init", "mm_init" },
			    true,
			    "breakpoint at mm_init()" },
	[PHASE_SCHED_INIT] = FUNCTION("sched_init"),
	[PHASE_INIT_IRQ] = FUNCTION("init_IRQ"),
	[PHASE_TIME_INIT] = FUNCTION("time_init"),
	[PHASE_CONSOLE_INIT] = FUNCTION("console_init"),
	[PHASE_CALIBRATE_DELAY] = FUNCTION("calibrate_delay"),
	[PHASE_VFS_CACHES_INIT] = FUNCTION("vfs_caches_init"),
	[PHASE_REST_INIT] = FUNCTION("rest_init"),
	[PHASE_KERNEL_INIT] = FUNCTION("kernel_init"),
	[PHASE_INITCALLS_EARLY] = LEVEL("early"),
	[PHASE_SMP_INIT] = FUNCTION("smp_init"),
	[PHASE_INITCALLS_PURE] = LEVEL("pure"),
	[PHASE_INITCALLS_CORE] = LEVEL("core"),
	[PHASE_INITCALLS_POSTCORE] = LEVEL("postcore"),
	[PHASE_INITCALLS_ARCH] = LEVEL("arch"),
	[PHASE_INITCALLS_SUBSYS] = LEVEL("subsys"),
	[PHASE_INITCALLS_FS] = LEVEL("fs"),
	[PHASE_INITCALLS_ROOTFS] = LEVEL("rootfs"),
	[PHASE_INITCALLS_DEVICE] = LEVEL("device"),
	[PHASE_INITCALLS_LATE] = LEVEL("late"),
	[PHASE_FREE_INITMEM] = FUNCTION("free_initmem"),
	[PHASE_RUN_INIT_PROCESS] = FUNCTION("run_init_process"),
	/* do_execve() before Linux 5.9. */
	[PHASE_KERNEL_EXECVE] = { "kernel_execve",
				  { "kernel_execve", "do_execve" },
				  false,
				  "breakpoint at kernel_execve()" },
	[PHASE_FIRST_USER] = { "first user-mode instruction",
			       { NULL },
			       false,
			       "breakpoint where start_thread() was told to begin" },
	/* Until Linux 5.12 one function did it all, and had the second name. */
	[PHASE_POPULATE_ROOTFS] = { "populate_rootfs",
				    { "do_populate_rootfs", "populate_rootfs" },
				    false,
				    "breakpoint at do_populate_rootfs()" },
	[PHASE_POPULATE_ROOTFS_END] = { "populate_rootfs done",
					{ NULL },
					false,
					"breakpoint where do_populate_rootfs() returns to" },
};

/*
 * The compiler's copies of a function are called NAME.constprop.0 and so on; its cold parts are not
 * it.
 */
static bool is_called(const char *symbol, const char *name)
{
	size_t length = strlen(name);

	return strncmp(symbol, name, length) == 0 &&
	       (!symbol[length] || (symbol[length] == '.' && !strstr(symbol + length, ".cold") &&
				    !strstr(symbol + length, ".part")));
}

static uint64_t find_in_init_text(const struct symbols *symbols, const char *name)
{
	uint64_t start = symbols_find(symbols, "_sinittext"),
		 end = symbols_find(symbols, "_einittext");

	for (size_t i = 0; i < symbols->count; i++) {
		const struct symbol *symbol = &symbols->by_address[i];

		if (symbol->address >= start && symbol->address < end &&
		    is_called(symbols->names + symbol->name, name))
			return symbol->address;
	}
	return 0;
}

uint64_t phase_find(const struct symbols *symbols, enum phase phase)
{
	const struct phase_info *info = &phase_info[phase];
	uint64_t address = 0;

	for (int i = 0; !address && i < PHASE_SYMBOLS_MAX && info->symbol[i]; i++)
		address = info->init_text ? find_in_init_text(symbols, info->symbol[i])
					  : symbols_find_function(symbols, info->symbol[i]);
	return address;
}
