/* SPDX-License-Identifier: MIT */
/*
 * Where a file is, twice: on the host, and in the guest to be. Both paths are absolute and as
 * somebody names them, `.`, `..` and links included. They are the same but for what --add
 * puts elsewhere, and what is found from there ($ORIGIN/../lib).
 */
#ifndef TVMM_INITRAMFS_SPOT_H
#define TVMM_INITRAMFS_SPOT_H

#include <limits.h>

#include "vmm/base/err.h"

struct spot {
	char host[PATH_MAX];
	char guest[PATH_MAX];
};

/*
 * What name means in folder: name itself if it is absolute, on both sides. 0, or -ENAMETOOLONG
 * with *e. spot may be folder.
 */
int spot_in(struct spot *spot, const struct spot *folder, const char *name, struct err *e);

/* The folder that holds the file. */
void spot_folder(struct spot *folder, const struct spot *file);

/*
 * path, which is absolute, without `.`, `..`, and more slashes than needed, as if no part of it
 * were a link. 0, or -EINVAL when a `..` leads above the root; `to` has the rest then.
 */
int spot_normal(char to[PATH_MAX], const char *path);

#endif
