/* SPDX-License-Identifier: MIT */
#include "vmm/timing/marks.h"

#include <stddef.h>

#include "vmm/base/clock.h"

static const struct {
	const char *name, *measured_from;
} described[MARKS] = {
	[MARK_PROCESS_START] = { "process start", "the kernel began with this process" },
	[MARK_MAIN] = { "program loaded", "main() begins" },
	[MARK_PLANNED] = { "planned", "files opened and checked, addresses chosen" },
	[MARK_PLACED] = { "placed", "VM made, kernel and initrd in its memory" },
	[MARK_FIRST_RUN] = { "first guest instruction", "the first KVM_RUN is entered" },
	[MARK_CONSOLE_BYTE] = { "first console byte", "the first byte out of the UART" },
	[MARK_KERNEL_BANNER] = { "kernel banner", "console line \"Linux version\"" },
	[MARK_RUN_INIT] = { "Run /init", "console line \"Run ... as init process\"" },
	[MARK_INIT_LINE] = { "init's own line", "console line \"Boot took\"" },
	[MARK_END] = { "end", NULL },
};

void mark_at(struct marks *marks, enum mark mark, uint64_t ns)
{
	if (!marks->at_ns[mark])
		marks->at_ns[mark] = ns;
}

void mark_now(struct marks *marks, enum mark mark)
{
	mark_at(marks, mark, clock_now_ns());
}

const char *mark_name(enum mark mark)
{
	return described[mark].name;
}

const char *mark_taken(enum mark mark)
{
	return described[mark].measured_from;
}
