/* SPDX-License-Identifier: MIT */
/* Starts the program: a process of its own, in a session of its own, with pipes at 0, 1 and 2. */
#ifndef TVMM_INITRAMFS_GUEST_START_H
#define TVMM_INITRAMFS_GUEST_START_H

#include "initramfs/guest/run.h"

/* Our ends of its pipes; none of them waits. */
struct started {
	long pid;
	int in, out, err;
};

/* True, or false with a sentence in *why. */
bool start(struct started *started, const struct run *run, struct text *why);

#endif
