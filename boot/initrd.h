/* SPDX-License-Identifier: MIT */
/*
 * The initrd: the guest unpacks it and decides what it takes (cpio, packed or not, or the image of
 * a RAM disk). Refused here is only what it cannot be: nothing, or a file that was meant for
 * another option.
 */
#ifndef TVMM_BOOT_INITRD_H
#define TVMM_BOOT_INITRD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/base/file.h"

/* Where an archive behind another one may begin: [INITRAMFS], "a multiple of 4". */
enum { INITRD_ALIGN_BYTES = 4 };

/* Looks at the first bytes of an open file. 0, or -errno with *e telling what it is instead. */
int initrd_check(const struct input_file *file, struct err *e);

/*
 * Whether all of bytes is what Linux unpacks without a word: newc archives one behind the other, each
 * whole and with its end, and zeros between and behind them. False for whatever is odd.
 */
bool initrd_is_archives(const uint8_t *bytes, size_t size_bytes);

#endif
