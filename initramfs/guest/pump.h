/* SPDX-License-Identifier: MIT */
/*
 * While the program runs: its output to the wire, its input from there, and what process 1 has to
 * do, wait for the orphans.
 *
 * When it has ended, what is in its pipes at that moment is sent; nobody waits for those that it
 * left behind.
 */
#ifndef TVMM_INITRAMFS_GUEST_PUMP_H
#define TVMM_INITRAMFS_GUEST_PUMP_H

#include "initramfs/guest/start.h"

/* To be called before the program is started: its end interrupts a wait. */
void pump_prepare(void);

/* Until the program has ended. Returns its status as wait4(2) gives it. */
int pump(const struct started *started, int wire);

#endif
