/* SPDX-License-Identifier: MIT */
/*
 * Techniques that make a boot faster and that the guest should not notice. Each is on by default,
 * and has a word with which -without turns it off: to find out whether it is to blame for
 * something, or what it gives. docs/performance.md has their figures.
 *
 * Left out: what has an option of its own (-no-cache, -no-huge-pages, -unpack), because it is for
 * users too.
 */
#ifndef TVMM_TECHNIQUE_H
#define TVMM_TECHNIQUE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum technique {
	TECHNIQUE_MP_TABLE,      /* a guest with one CPU gets an MP table as well */
	TECHNIQUE_PARALLEL_FILL, /* guest memory is filled while KVM makes the VM */
	TECHNIQUE_TOUCH_AHEAD,   /* memory that the guest will touch is touched meanwhile */
	TECHNIQUE_SMALL_START, /* without an initrd: no huge page below 2 MiB, nor under a tiny kernel */
	TECHNIQUE_TSC_LEAVES,  /* CPUID tells the rates of TSC and CPU */
	TECHNIQUE_RNG_SEED,    /* a guest without RDRAND gets random bytes */
	TECHNIQUE_CACHE_NOTES, /* what earlier runs read and checked is not read or checked again */
	TECHNIQUE_COALESCED_CONSOLE, /* writes to the UART go into a ring (coalesce.h) */
	TECHNIQUE_UNPACKED_INITRD,   /* the host unpacks the initrd, once */
	TECHNIQUE_EARLY_EXIT, /* another process or the kernel closes the VM (vmm/reaper.h) */
	TECHNIQUES,
};

/* Those that are off: bit 1 << technique. */
typedef uint32_t technique_set;

static inline bool technique_on(technique_set off, enum technique technique)
{
	return !(off & 1U << technique);
}

/* Adds the words of a list ("mp-table,parallel-fill") to *off. -EINVAL when one is unknown. */
int technique_parse(const char *list, technique_set *off, struct err *e);

#endif
