/* SPDX-License-Identifier: MIT */
/*
 * The host's fingerprint: what has to be equal before two runs may be compared. Read from /proc and
 * /sys, after the run; what cannot be read is "".
 */
#ifndef TVMM_TIMING_HOST_H
#define TVMM_TIMING_HOST_H

#include <stdint.h>

enum { HOST_TEXT_BYTES = 128 };

struct report_host {
	char cpu[HOST_TEXT_BYTES];        /* "model name" of /proc/cpuinfo */
	unsigned int cpus;                /* online */
	char kernel[HOST_TEXT_BYTES];     /* uname -r */
	char governor[HOST_TEXT_BYTES];   /* of cpu0 */
	char huge_pages[HOST_TEXT_BYTES]; /* transparent: always, madvise, never */
	char clock[HOST_TEXT_BYTES];      /* current_clocksource */
	char backend[HOST_TEXT_BYTES];    /* "vmx", "svm", "neither vmx nor svm" */
	char ground
		[HOST_TEXT_BYTES]; /* "hardware", "nested in a virtual machine", "QEMU TCG" , "software KVM" */
	char mitigations
		[HOST_TEXT_BYTES]; /* vulnerabilities that are mitigated, as /sys calls them */
	uint64_t tsc_khz;          /* 0: the kernel does not tell */
};

void host_read(struct report_host *host);

/* Only huge_pages. */
void host_read_huge_pages(struct report_host *host, const char *root);

/* host_read() below another root folder than "": for tests. */
void host_read_below(struct report_host *host, const char *root);

#endif
