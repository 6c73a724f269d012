/* SPDX-License-Identifier: MIT */
/*
 * The vmlinux that is in a bzImage, unpacked into memory, as a file to be read; a vmlinux is that
 * file itself.
 *
 * Authority and what is left out: boot/unpack.h.
 */
#ifndef BOOT_VMLINUXIN_H
#define BOOT_VMLINUXIN_H

#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/base/file.h"

enum { VMLINUXIN_MAX_BYTES = 1 << 30 }; /* unpacked; a debug kernel's loses its DWARF before */

struct vmlinuxin {
	struct input_file file; /* valid until vmlinuxin_finish(); never to be closed */
	uint8_t *memory;        /* owned; NULL: file is the caller's */
};

/*
 * image stays the caller's and must stay open. 0, or -errno with *e: not a bzImage (-ENOEXEC), its
 * payload damaged, in an unknown format, or larger than it may be; -ENOMEM. vmlinuxin_finish() is
 * due after success only.
 */
int vmlinuxin_read(const struct input_file *image, struct vmlinuxin *inner, struct err *e);
void vmlinuxin_finish(struct vmlinuxin *inner);

#endif
