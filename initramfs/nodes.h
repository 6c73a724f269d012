/* SPDX-License-Identifier: MIT */
/*
 * The node list: entries that a folder cannot give without root's rights, one a line, in the form
 * that the kernel's usr/gen_init_cpio reads:
 *
 *   dir   NAME MODE UID GID
 *   file  NAME HOSTFILE MODE UID GID
 *   slink NAME TARGET MODE UID GID
 *   nod   NAME MODE UID GID c|b MAJOR MINOR
 *   pipe  NAME MODE UID GID
 *
 * Words are separated by blanks, so no name holds one. MODE is octal, the other numbers are
 * decimal. A line that begins with # and an empty line say nothing. HOSTFILE is found from the
 * current folder, links followed.
 *
 * Left out of gen_init_cpio's form: sock, several names behind file, ${variables} in HOSTFILE.
 */
#ifndef TVMM_INITRAMFS_NODES_H
#define TVMM_INITRAMFS_NODES_H

#include "initramfs/tree.h"

/*
 * Adds the entries of the list to the tree, which is scanned and not yet arranged. list must
 * outlive the tree. 0, or -errno with *e naming the line and what would be right in it.
 */
int nodes_read(struct tree *tree, const char *list, struct err *e);

#endif
