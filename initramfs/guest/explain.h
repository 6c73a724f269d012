/* SPDX-License-Identifier: MIT */
/*
 * Why a program did not start, in words: what execve(2) refuses is looked at, and what the kernel
 * or the guest lacks is named.
 *
 * Authority: execve(2) "ERRORS", "Interpreter scripts"; elf(5); [LINUX] fs/binfmt_elf.c,
 * fs/binfmt_script.c, fs/Kconfig.binfmt, arch/x86/Kconfig.
 */
#ifndef TVMM_INITRAMFS_GUEST_EXPLAIN_H
#define TVMM_INITRAMFS_GUEST_EXPLAIN_H

#include "initramfs/guest/text.h"

/* error is execve's, positive. Adds a sentence to *why. */
void explain_exec(struct text *why, const char *path, long error);

#endif
