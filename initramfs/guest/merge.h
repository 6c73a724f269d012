/* SPDX-License-Identifier: MIT */
/*
 * Moves what tvmm has packed to where it belongs, into a tree that -initrd may have filled before.
 *
 * A directory that the tree does not have is moved as a whole. One that it has, itself or behind a
 * link, is gone into. Anything else replaces what the tree has under its name, but for a
 * directory. Nothing is copied: both are on the root file system, and nothing is mounted yet.
 *
 * Authority: rename(2), getdents(2) and its example of struct linux_dirent64, openat(2).
 */
#ifndef TVMM_INITRAMFS_GUEST_MERGE_H
#define TVMM_INITRAMFS_GUEST_MERGE_H

#include <stdbool.h>

#include "initramfs/guest/text.h"

/*
 * Empties the directory `from` into `to` and removes it; that it is not there is no error. True,
 * or false with a sentence in *why.
 */
bool merge_into(const char *from, const char *to, struct text *why);

#endif
