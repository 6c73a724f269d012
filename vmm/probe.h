/* SPDX-License-Identifier: MIT */
/*
 * `tvmm probe`: can this host run guests, and what can they do there? The host's CPUID decides
 * nothing: what counts is what /dev/kvm says and what a guest of a few dozen instructions finds.
 *
 *   probe_device.c   what stands at /dev/kvm, and who may open it
 *   probe.c          asks KVM for its capabilities, runs the guest: one check, one fresh vCPU state
 *   probe_guest.S    the guest
 *   probe_judge.c    what was seen in the guest -> passed or failed -> verdict and exit status
 *   probe_print.c    text and JSON
 *   probe_apart.c    all of it in a process of its own, which a filter of system calls may end
 *   probe_place.c    where it runs: container, CI system, processor, limits
 *   probe_ci.c       `tvmm probe --ci`: what is missing, and how it is usually granted
 *
 * Left out: several vCPUs, 32-bit and real mode, speed.
 * Authority: [KVM] KVM_CHECK_EXTENSION, KVM_SET_GUEST_DEBUG.
 */
#ifndef TVMM_PROBE_H
#define TVMM_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/base/err.h"
#include "vmm/ending.h"

enum {
	PROBE_CAPABILITIES_MAX = 32,
	PROBE_DETAIL_BYTES = 256,
	PROBE_NAME_BYTES = 33, /* a Linux user's or group's name and its NUL */
	PROBE_CHECK_MS = 250,  /* a check that takes longer has failed */
};

/* /dev/kvm as a file. */
struct probe_device {
	bool present;
	uint32_t mode; /* permission bits */
	uint32_t uid, gid;
	char group[PROBE_NAME_BYTES]; /* empty: /etc/group does not name it */
	bool is_other;                /* something else than a character device */
};

enum probe_kind {
	PROBE_NEEDED, /* yes or no; tvmm refuses a KVM without it */
	PROBE_YES_NO,
	PROBE_NUMBER,
};

struct probe_capability {
	const char *name, *meaning;
	enum probe_kind kind;
	int value; /* -1: nobody could be asked */
};

enum probe_check_id {
	PROBE_LONG_MODE,
	PROBE_FPU,
	PROBE_USER_MODE,
	PROBE_SYSCALL,
	PROBE_TIMER,
	PROBE_BREAKPOINT,
	PROBE_CHECKS
};

enum probe_outcome {
	PROBE_NOT_RUN,
	PROBE_PASSED,
	PROBE_FAILED,
};

struct probe_check {
	enum probe_outcome outcome;
	uint64_t took_ns;
	char detail[PROBE_DETAIL_BYTES]; /* what was seen, in words; empty when it was not run */
};

/* How far it came. */
enum probe_step {
	PROBE_OPENING,
	PROBE_ASKING, /* API version, needed capabilities */
	PROBE_CREATING,
	PROBE_CHECKING,
	PROBE_DONE,
};

struct probe_result {
	struct err err;       /* code 0: a VM could be made and every check was run */
	enum probe_step step; /* where err was found; PROBE_DONE: there is none */
	int ended_by_signal;  /* of probe_run_apart(): it did not come to its end; 0: it did */
	struct probe_device device;
	int api_version; /* 0: not known; so tsc_khz */
	int tsc_khz;
	struct probe_capability capability[PROBE_CAPABILITIES_MAX];
	size_t capabilities;
	struct probe_check check[PROBE_CHECKS];
	uint64_t took_ns;
};

/* How the guest of one check ended. */
enum probe_how {
	PROBE_REPORTED,     /* came to its end; value[] is what it found */
	PROBE_FAULTED,      /* an exception came; vector, rip and cpl tell which and where */
	PROBE_BROKE,        /* stopped at a breakpoint, at rip */
	PROBE_ENDED,        /* anything else: ending tells */
	PROBE_NOT_POSSIBLE, /* KVM refused to prepare it: ending.detail is the errno */
};

struct probe_seen {
	enum probe_how how;
	uint32_t value[2];   /* by check: see probe_guest.S */
	uint32_t handler_cs; /* CS where an exception arrived */
	unsigned int vector, cpl;
	uint64_t rip;
	uint64_t breakpoint; /* where it was set */
	struct ending ending;
};

/* Looks, asks, runs the checks. Fills all of *result; what went wrong is in result->err. */
void probe_run(struct probe_result *result);

/*
 * The same in a process of its own: one that the kernel ends for a system call that a filter forbids,
 * or for want of memory, says so in result->err and ended_by_signal. So does one that hangs.
 */
void probe_run_apart(struct probe_result *result);

/* What stands at path. */
void probe_device_look(struct probe_device *device, const char *path);

/*
 * The name of group gid in a file with /etc/group's lines; "" if it is not there. Read by hand
 * because a static program cannot count on getgrgid(). name has PROBE_NAME_BYTES.
 */
void probe_device_group(FILE *groups, uint32_t gid, char *name);

/* Decides check id from what was seen: outcome and detail. */
void probe_judge(enum probe_check_id id, const struct probe_seen *seen, struct probe_check *check);

/* Whether ordinary Linux guests cannot do without check id. */
bool probe_needs(enum probe_check_id id);

/* 0 ordinary Linux guests can run; 1 KVM is there, but they cannot; 125 no usable KVM. */
int probe_status(const struct probe_result *result);

/* The same as one sentence, without a newline; at most size bytes with its NUL. */
void probe_verdict(const struct probe_result *result, char *text, size_t size);

/* The result for a person, and as one JSON object whose keys are always the same. */
void probe_print(const struct probe_result *result, FILE *out);
void probe_print_json(const struct probe_result *result, FILE *out);

/* A quoted JSON string, or null if there is none. Bytes beyond ASCII become '?': nothing says they are UTF-8. */
void probe_print_json_text(const char *text, FILE *out);

#endif
