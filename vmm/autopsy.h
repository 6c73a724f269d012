/* SPDX-License-Identifier: MIT */
/*
 * Takes the autopsy of a guest that came to a bad end: asks KVM about CPUs and interrupt
 * controllers, and guest memory about code, stacks and the kernel's log. After all vCPUs' threads
 * are gone, before the VM is closed. Nothing of it happens in a run that ends well.
 *
 * Left out: 32-bit paging (no code bytes there), user space's stacks, stacks that were switched from
 * (IST), modules' names.
 */
#ifndef TVMM_AUTOPSY_H
#define TVMM_AUTOPSY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/account.h"
#include "vmm/ending.h"
#include "vmm/timing/autopsy.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

/* Is it an end that an autopsy explains? */
bool autopsy_explains(const struct ending *ending);

/* All is borrowed. what, account and its report have to outlive the autopsy. */
struct autopsy_request {
	const char *what;        /* the ending's sentence */
	struct account *account; /* settled; looks for symbols and log late, if it has none */
	const struct account_run *run;
	const struct vm *vm;
	const struct vcpu *vcpus;
	unsigned int cpus;
	const char *last_line; /* of the console: last_line_bytes of it */
	size_t last_line_bytes;
	uint64_t last_line_at_ns; /* when its first byte came; 0: there was none */
};

/*
 * Asks KVM first, and then looks for what explains it, which may take some 50 ms. Never fails: what is not to be had is told as
 * such. autopsy_finish() is due.
 */
void autopsy_take(struct autopsy *autopsy, const struct autopsy_request *request);

/* An autopsy of zeros needs none. */
void autopsy_finish(struct autopsy *autopsy);

#endif
