/* SPDX-License-Identifier: MIT */
/*
 * `tvmm probe --ci`: for each thing that guests need whether it is here, and if not, how it is usually
 * granted: by a container's options, a CI system's configuration, a udev rule, the firmware. What to do
 * depends on where this runs, which probe_place.c finds out.
 *
 * One line for each check, "STATE NAME WORDS". Names and states stay as they are; words may change.
 *
 *   state     ok       it is there
 *             limited  it is there, with less than it could be
 *             missing  it is not there, and guests need it
 *             unknown  it could not be asked for; another line says why
 *
 *   name      device permission driver api capabilities vm kernel user-space breakpoints memory limits
 *             seccomp
 *
 * Left out: whether there is room for many guests at the same time, and how fast they are.
 */
#ifndef TVMM_PROBE_CI_H
#define TVMM_PROBE_CI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/hostmem.h"
#include "vmm/probe.h"

enum probe_container {
	PROBE_NO_CONTAINER,
	PROBE_DOCKER, /* or what works like it */
	PROBE_KUBERNETES,
	PROBE_OTHER_CONTAINER,
};

enum probe_runner { PROBE_NO_RUNNER, PROBE_GITHUB, PROBE_GITLAB, PROBE_OTHER_RUNNER };

enum probe_maker { PROBE_OTHER_MAKER, PROBE_AMD, PROBE_INTEL };

enum probe_limit {
	PROBE_LIMIT_AS,
	PROBE_LIMIT_DATA,
	PROBE_LIMIT_FSIZE,
	PROBE_LIMIT_CPU,
	PROBE_LIMIT_NOFILE,
	PROBE_LIMITS
};

/* Where it runs. */
struct probe_place {
	enum probe_container container;
	enum probe_runner runner;
	enum probe_maker maker; /* of the processor */
	bool virtualizes;       /* the processor says that it can: VMX or SVM */
	bool in_vm;             /* it says that it is itself one of a virtual machine */
	bool kvm_registered;    /* the kernel has a KVM, whatever stands in /dev */
	int seccomp;            /* 0 none, 1 strict, 2 a filter; -1: nobody tells */
	uint32_t uid;
	bool in_group;                /* this process is in the group of the device */
	uint64_t limit[PROBE_LIMITS]; /* bytes, seconds, descriptors; UINT64_MAX: none */
	struct hostmem memory;
};

enum probe_ci_state { PROBE_CI_OK, PROBE_CI_LIMITED, PROBE_CI_MISSING, PROBE_CI_UNKNOWN };

enum { PROBE_CI_ITEMS = 12, PROBE_CI_WORDS_BYTES = 512, PROBE_CI_TODO_BYTES = 1536 };

struct probe_ci_item {
	const char *name;
	enum probe_ci_state state;
	char words[PROBE_CI_WORDS_BYTES];
	char todo[PROBE_CI_TODO_BYTES]; /* lines with their ends; "": nothing is to be done */
};

struct probe_ci {
	struct probe_ci_item item[PROBE_CI_ITEMS];
	size_t items;
};

/* Looks around: files below root ("", or a tree that stands for /), the environment, this process. */
void probe_place_look(struct probe_place *place, const struct probe_device *device,
		      const char *root);

/* From both to all items, in the order in which one needs the other. */
void probe_ci_judge(const struct probe_result *result, const struct probe_place *place,
		    struct probe_ci *ci);

/* 0: nothing is missing; 125. */
int probe_ci_status(const struct probe_ci *ci);

void probe_ci_print(const struct probe_ci *ci, FILE *out);
void probe_ci_print_json(const struct probe_ci *ci, FILE *out);

#endif
