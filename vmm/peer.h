/* SPDX-License-Identifier: MIT */
/*
 * The same guest under another VMM, to be compared with: QEMU with KVM, as somebody would start it
 * who wants a serial console and nothing else. Its console is read through a pipe as it comes, and
 * tells what there is to know (vmm/bootsigns.h). It is ended when the run's last line has come.
 *
 * Left out: SMP beyond a number of CPUs, QEMU's other machines, its own devices.
 */
#ifndef TVMM_PEER_H
#define TVMM_PEER_H

#include <limits.h>
#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/bootsigns.h"
#include "vmm/child.h"

enum peer_machine { PEER_PC, PEER_MICROVM };

struct peer {
	enum peer_machine machine;
	char program[PATH_MAX];
	char words[256]; /* its version, and its options but for those of the guest */
};

/*
 * what: "qemu", "qemu:pc", "qemu:microvm"; program: its name or path, NULL: qemu-system-x86_64. Looks
 * for it and asks for its version, by a run in the group. 0; the number of a signal that asked to stop; or
 * -errno with *e saying what is missing.
 */
int peer_find(struct peer *peer, const char *what, const char *program, struct child_group *group,
	      struct err *e);

struct peer_guest {
	const char *kernel, *initrd, *append; /* initrd NULL: none */
	uint64_t ram_bytes;
	unsigned int cpus;
	uint64_t limit_ns;
	const regex_t *uptime, *until; /* as of bootsigns_init() */
};

struct peer_result {
	int interrupted;  /* the signal that asked to stop; all else is nothing then */
	bool ended_well;  /* `until` matched */
	char ending[512]; /* if not: how it ended, in words */
	struct bootsigns signs;
	uint64_t started_ns;
};

/* 0 however it ended, or -errno with *e if it could not be run. */
int peer_run(const struct peer *peer, const struct peer_guest *guest, struct child_group *group,
	     struct peer_result *result, struct err *e);

#endif
