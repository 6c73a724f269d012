/* SPDX-License-Identifier: MIT */
/*
 * The loader and libraries of a program: found as the loader would find them, brought to where it
 * will look for them in the guest.
 *
 * The order is ld.so(8)'s: a name that a loaded object has already; DT_RPATH of the object that
 * needs it, of the one that needed that, and so on (unless the first has a DT_RUNPATH);
 * LD_LIBRARY_PATH of the host; DT_RUNPATH; the folders of ld.so.conf, whose cache the guest has
 * not; the usual ones. Files for another machine are passed over. What --add has put somewhere is
 * found there.
 *
 * The guest's loader would not look everywhere by itself. libraries_environment() tells what
 * LD_LIBRARY_PATH it needs: folders of LD_LIBRARY_PATH and ld.so.conf, unless the loader has them
 * compiled in; $ORIGIN of the program itself, which it learns from /proc, and a small kernel has
 * none; $LIB and $PLATFORM, whose values are a loader's secret.
 *
 * Left out: glibc-hwcaps and other variants for newer processors, which lie beside the plain
 * library; DF_1_NODEFLIB; /etc/ld.so.preload; what dlopen() asks for.
 */
#ifndef TVMM_INITRAMFS_LIBRARIES_H
#define TVMM_INITRAMFS_LIBRARIES_H

#include <stdbool.h>
#include <stddef.h>

#include "initramfs/elfneeds.h"
#include "initramfs/ldconf.h"
#include "initramfs/manifest.h"

enum {
	LIBRARIES_MAX = 1024, /* of one program */
	LIBRARIES_LOADERS_MAX = 8,
	LIBRARIES_FOLDERS_MAX = 64, /* of the guest's LD_LIBRARY_PATH */
};

struct libraries_loader {
	char *path; /* as a program names it */
	unsigned int machine;
	bool is_musl;
	char *bytes; /* the file */
	size_t size_bytes;
};

struct libraries {
	struct manifest *manifest;
	const struct spot *here;   /* the working directory, the same in the guest */
	const char *environment;   /* LD_LIBRARY_PATH of the host, or NULL */
	const char *configuration; /* the path of ld.so.conf */

	/* Private to libraries.c. */
	struct ldconf conf;
	bool conf_is_read;
	struct libraries_loader loader[LIBRARIES_LOADERS_MAX];
	size_t loaders;
	char *folder[LIBRARIES_FOLDERS_MAX];
	size_t folders;
};

/* All pointers are borrowed. */
void libraries_init(struct libraries *libraries, struct manifest *manifest, const struct spot *here,
		    const char *environment, const char *configuration);
void libraries_finish(struct libraries *libraries);

/*
 * Brings what the ELF file needs to the manifest. file is where it is and will be (its last part no
 * link). *needs becomes this function's. 0, or -errno with *e; -ELIBACC when the loader or a
 * library is not to be found.
 */
int libraries_pack(struct libraries *libraries, const struct spot *file, struct elfneeds *needs,
		   struct err *e);

/* The value for LD_LIBRARY_PATH in the guest, "" when it needs none. -E2BIG with *e if too long. */
int libraries_environment(const struct libraries *libraries, char *text, size_t room,
			  struct err *e);

#endif
