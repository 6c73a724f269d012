/* SPDX-License-Identifier: MIT */
/*
 * What a program expects to find around it: /proc, /sys, /dev and what is in it, /tmp, /run.
 * Whatever the kernel does not have is left out without a word.
 *
 * /tmp and /run are plain directories, not mounts: the root file system is in memory already, and
 * what -initrd or --add has put there stays visible. A devtmpfs hides what they put into /dev.
 *
 * Authority: [DEVICES] "Recommended links" and the numbers; mount(2); mknod(2); devpts: [LINUX]
 * Documentation/filesystems/devpts.rst.
 */
#ifndef TVMM_INITRAMFS_GUEST_PLACES_H
#define TVMM_INITRAMFS_GUEST_PLACES_H

/* The device nodes that are missing. */
void places_make_nodes(void);

/* All of it. */
void places_make(void);

#endif
