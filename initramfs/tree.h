/* SPDX-License-Identifier: MIT */
/*
 * What an archive will hold: one entry per name, gathered from a folder and from a node list, then
 * put in order. Nothing is written here and no file's contents are read.
 *
 * Memory grows with the number of names, not with the size of the files. Folders are read one
 * after the other with one descriptor, however deep they are. Symbolic links inside the folder are
 * entries, never followed. A folder that shows one of those above it (a bind mount may) is an
 * error.
 *
 * Left out: extended attributes and ACLs (newc has no place for them), hard links between anything
 * but regular files (each name becomes a file of its own).
 */
#ifndef TVMM_INITRAMFS_TREE_H
#define TVMM_INITRAMFS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "vmm/base/err.h"

struct tree_entry {
	char *name; /* in the archive: no slash in front, "dev/console" */
	/* A regular file: its path, absolute or from tree.fd or, by a list, as openat(AT_FDCWD). */
	char *source;
	const void *bytes; /* instead of source: contents in memory, found.st_size; borrowed */
	char *target;      /* a symbolic link's; NULL otherwise */
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev_major;
	uint32_t rdev_minor;
	struct stat found;  /* as it was when it was examined */
	unsigned list_line; /* the line of the node list it comes from; 0: from the folder */
	size_t folder; /* while scanning: 1 more than the index of its folder's entry; 0: top */
	/* From tree_arrange: */
	uint32_t ino;
	uint32_t nlink;
	bool carries_data; /* of hard links, only the last one in the archive does */
};

struct tree {
	const char *directory; /* as the user called it, for messages; borrowed */
	const char *list;      /* the same of the node list, NULL without; borrowed */
	int fd;                /* the folder, -1 when not open */
	struct stat top;       /* what it is */
	struct tree_entry *entry;
	size_t count;
	size_t room;
};

/* A folder that must not be part of the tree: the one the archive is written to. */
struct tree_forbidden {
	dev_t dev;
	ino_t ino;
	const char *name; /* the output's, for the message */
};

/*
 * Opens directory and makes an entry of everything in it. Owners become 0:0; types, permissions
 * and device numbers are kept. *tree is to be given to tree_finish whatever the answer. directory
 * must outlive it; forbidden may be NULL. 0, or -errno with *e naming what stands in the way.
 */
int tree_scan(struct tree *tree, const char *directory, const struct tree_forbidden *forbidden,
	      struct err *e);

/* The same with one entry: what is called name in directory, which is no folder. */
int tree_scan_one(struct tree *tree, const char *directory, const char *name, struct err *e);

/*
 * A new zeroed entry with a copy of name; the caller fills the rest in before it calls the tree
 * again. The pointer is good until the next one is added. NULL with *e filled when the name is
 * impossible in an archive, or without memory.
 */
struct tree_entry *tree_add(struct tree *tree, const char *name, struct err *e);

/*
 * Puts the entries in order (bytes of the names, so a folder precedes what is in it), lets an
 * entry of the list replace the folder's entry of the same name, adds /dev and /dev/console when
 * they are missing, and counts inode numbers and links. 0, or -errno with *e filled: a name twice
 * in the list, an entry whose folder is missing or not a folder.
 */
int tree_arrange(struct tree *tree, struct err *e);

void tree_finish(struct tree *tree);

#endif
