/* SPDX-License-Identifier: MIT */
/*
 * The folders that /etc/ld.so.conf names, in its order, those of the files that it includes
 * among them. The loader itself reads a cache made of them, which the guest has not.
 *
 * Authority: ldconfig(8). Nothing in such a file is an error: what cannot be read names no
 * folders, and what is too much is left out.
 * Left out: `hwcap` lines; the type behind a folder's name (`/lib=libc6`) is cut off.
 */
#ifndef TVMM_INITRAMFS_LDCONF_H
#define TVMM_INITRAMFS_LDCONF_H

#include <stddef.h>

#include "vmm/base/err.h"

enum {
	LDCONF_FOLDERS_MAX = 256,
	LDCONF_FILES_MAX = 64, /* read in all */
	LDCONF_DEPTH_MAX = 4,  /* of files that include files */
	LDCONF_FILE_MAX_BYTES = 64 * 1024,
};

struct ldconf {
	char *folder[LDCONF_FOLDERS_MAX]; /* absolute */
	size_t folders;
	size_t files; /* that were read or tried */
};

/* 0, or -ENOMEM with *e. To be given to ldconf_finish() in both cases. */
int ldconf_read(struct ldconf *conf, const char *path, struct err *e);
void ldconf_finish(struct ldconf *conf);

#endif
