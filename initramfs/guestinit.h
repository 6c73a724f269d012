/* SPDX-License-Identifier: MIT */
/*
 * The guest's first process, built from initramfs/guest/ and linked into tvmm: a static x86-64
 * ELF program, which becomes /.tvmm/init of the archive that runs a program (bundle.h).
 */
#ifndef TVMM_INITRAMFS_GUESTINIT_H
#define TVMM_INITRAMFS_GUESTINIT_H

/* Its bytes, from the first up to but not including guestinit_end[0]. */
extern const unsigned char guestinit_start[], guestinit_end[];

#endif
