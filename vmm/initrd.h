/* SPDX-License-Identifier: MIT */
/*
 * The initrd of a run: the file that -initrd names, or what is packed in it, so that the guest need
 * not unpack it: the host does so once, and keeps it as it keeps kernels (vmm/cached.h).
 *
 * The guest must not be able to tell, but by the time and by the initrd's size. So a file is
 * unpacked only if it is one packed stream from its first byte to its last, whole by its sums and with
 * a header that Linux reads, and what comes out is newc archives and nothing else. All that is odd
 * is the guest's as it is: what its kernel says of it is what its user needs to know. Left packed,
 * too:
 *
 *   - what leaves the guest too little room: kernel and unpacked archive may have a quarter of RAM;
 *   - what is too big for the cache, or promises a hundred times its size: a bomb's work is bounded
 *     by that;
 *   - what somebody may look at in the guest: with retain_initrd, keepinitrd or noinitrd among the
 *     kernel's words;
 *   - an initrd for a kernel that unpacks itself, with -unpack=guest.
 *
 * A kernel that was built without support for the packing boots as well then; -without
 * unpacked-initrd tells.
 *
 * Authority: [LINUX] init/initramfs.c, unpack_to_rootfs(); [INITRAMFS].
 * Left out: several archives of which some are packed, as Debian makes them with microcode in front.
 */
#ifndef TVMM_INITRD_H
#define TVMM_INITRD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "boot/unpackformat.h"
#include "vmm/base/err.h"
#include "vmm/base/file.h"
#include "vmm/cached.h"

enum initrd_origin { INITRD_AS_IT_IS, INITRD_UNPACKED, INITRD_FROM_CACHE };

struct initrd_request {
	const char *path;          /* NULL: there is none */
	struct kernelcache *cache; /* borrowed until initrd_finish(); opened when it is needed */
	bool no_notes;
	bool leave_packed;
	const char *cmdline;
	uint64_t ram_bytes, kernel_bytes;
};

struct initrd {
	struct input_file file; /* what -initrd names; closed: there is none */
	enum initrd_origin origin;
	bool no_memory;            /* left packed for want of it */
	enum unpack_format format; /* of the file, when it was unpacked */

	/* Private to initrd.c. */
	struct cached cached;
	struct input_file unpacked; /* in memory */
	void *memory;               /* its, mapped; NULL: none */
	size_t mapped_bytes;
	uint64_t unpacked_bytes; /* what the plan has room for */
};

void initrd_init(struct initrd *initrd);

/*
 * Opens, checks and, if it is to be so, unpacks. 0, or -errno with *e: the file cannot be read, or is
 * none. initrd_finish() is due either way.
 */
int initrd_open(struct initrd *initrd, const struct initrd_request *request, struct err *e);

/* What is placed in guest memory. */
const struct input_file *initrd_image(const struct initrd *initrd);

/* Before anything is placed: the packed file, after all. False if that it is already. */
bool initrd_leave_packed(struct initrd *initrd);

/*
 * Brings the image to `to`, where there is room for it, and compares what came from the cache with its
 * hash there, unless that was done since the host started. A damaged entry is thrown out, and
 * the file unpacked anew into its place. 0, or -errno with *e.
 */
int initrd_place(struct initrd *initrd, uint8_t *to, struct err *e);

/* Puts what was unpacked into the cache. */
void initrd_keep(struct initrd *initrd);

/* "gzip, unpacked on the host now", "... before", or "" for a file that is left as it is. */
const char *initrd_how(const struct initrd *initrd, char *to, size_t size);

/* Prints the same, and where it is kept, for -explain; nothing if it was not to be unpacked. */
void initrd_explain(const struct initrd *initrd, FILE *out);

void initrd_finish(struct initrd *initrd);

#endif
