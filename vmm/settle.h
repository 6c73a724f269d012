/* SPDX-License-Identifier: MIT */
/*
 * From how the vCPUs' run ended to how the run is told to have ended. What a CPU did last looks alike
 * for a reboot and a panic, for a halt and a power-off; the kernel's words, on the console or in its
 * log, a program's status and what was to be checked decide.
 */
#ifndef TVMM_SETTLE_H
#define TVMM_SETTLE_H

#include "vmm/ending.h"
#include "vmm/session.h"

/* When no vCPU runs any more and all of the console's bytes have been taken. */
void settle_ending(struct session *session, struct ending *ending);

#endif
