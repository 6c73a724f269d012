/* SPDX-License-Identifier: MIT */
/*
 * What will lie where in the guest: the entries below /.tvmm/root (protocol.h), found by their
 * paths in the guest. Nothing is written here and no file's contents are read.
 *
 * Paths lead through the links that --add has brought, as they will in the guest. Folders on the
 * way that nobody has brought are made, with the permissions that they have on the host. A path
 * has one file: two that differ are an error, unless --add brought one of them and the program's
 * needs the other; then --add's is taken, for the user has named it.
 */
#ifndef TVMM_INITRAMFS_MANIFEST_H
#define TVMM_INITRAMFS_MANIFEST_H

#include <limits.h>
#include <stddef.h>

#include "initramfs/spot.h"
#include "initramfs/tree.h"

enum { MANIFEST_LINKS_MAX = 40 }; /* on the way to one file; Linux's own limit */

struct manifest {
	struct tree tree; /* entries are only ever added, at its end */
	void *index;      /* private to manifest.c */
};

/* what is how messages call the whole; borrowed. */
void manifest_init(struct manifest *manifest, const char *what);
void manifest_finish(struct manifest *manifest);

/* Makes folders of all parts of a path in the guest. 0, or -errno with *e. */
int manifest_folder(struct manifest *manifest, const char *guest, struct err *e);

/*
 * What --add wants: the file at source, or the folder with all that is in it, at target in the
 * guest. source is absolute, a link is followed; links in a folder stay links. 0, or -errno with
 * *e naming what stands in the way.
 */
int manifest_add(struct manifest *manifest, const char *source, const char *target, struct err *e);

/*
 * Brings a regular file of the host to its place in the guest, with the links that lead to it if
 * its path's last part is one. On success *file is where the file itself is and will be. role is
 * what messages call it ("program"). 0, or -errno with *e.
 */
int manifest_place(struct manifest *manifest, struct spot *file, const char *role, struct err *e);

/*
 * Which file of the host a path of the guest means if manifest_place() is called for file: its
 * own, or the one that --add has put there. 0, or -1: none can be there.
 */
int manifest_see(struct manifest *manifest, const struct spot *file, char host[PATH_MAX]);

/* An entry's path in the guest. */
const char *manifest_guest(const struct tree_entry *entry);

#endif
