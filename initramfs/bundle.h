/* SPDX-License-Identifier: MIT */
/*
 * The archive that runs a program: tvmm's own first process, the program as it is found on the
 * host, the loader and the libraries that it needs, what --add names; see protocol.h for where
 * in it they are. Not packed: unpacking would cost the guest more than the copy costs us.
 *
 * A file lies in the guest at the path by which it is named here; links at that path's end are
 * kept, links to folders on the way become folders. The working directory is the same.
 *
 * --add comes first: the program, its loader and libraries may be what it brings. A source that is
 * a link is followed, links within a folder stay links; devices and FIFOs stay what they are, a
 * socket is an error. ELF files that it brings get their libraries too; one that is not found is an
 * error for a file that is named itself, but not for a program somewhere in a folder. Scripts that
 * it brings do not get their interpreters.
 *
 * The program's environment: PATH, HOME=/, TERM if the host has it, and LD_LIBRARY_PATH if its
 * loader would not find the libraries otherwise (libraries.h).
 */
#ifndef TVMM_INITRAMFS_BUNDLE_H
#define TVMM_INITRAMFS_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

struct bundle_add {
	const char *source; /* as it was typed */
	const char *
		target; /* its path in the guest, absolute; NULL: the source's own, made absolute */
};

struct bundle_request {
	char *const *argument; /* the program and its arguments, as they were typed */
	size_t arguments;      /* 1 at least */
	const struct bundle_add *add;
	size_t adds;
	bool has_initrd; /* a program that is not on the host may be in there: the guest will tell */
};

struct bundle {
	int fd; /* of the archive, in memory; to be closed by bundle_finish(); -1: none */
	uint64_t size_bytes;
	size_t files; /* in it, the program and libraries included */
};

/*
 * Makes the archive. 0, or -errno with *e telling which file stands in the way and how; nothing
 * is to be finished then.
 */
int bundle_make(struct bundle *bundle, const struct bundle_request *request, struct err *e);
void bundle_finish(struct bundle *bundle);

/*
 * "SRC" or "SRC:DST": fills add; the strings are cut out of text, which must outlive it. DST
 * begins behind the last colon if a slash follows there, so that a colon may be in a name. Where it
 * ends with a slash, the last part of SRC is put behind it, unless that is a dot: SRC/. is what is
 * in SRC. 0, or -EINVAL or -ENAMETOOLONG with *e.
 */
int bundle_parse_add(char *text, struct bundle_add *add, struct err *e);

#endif
