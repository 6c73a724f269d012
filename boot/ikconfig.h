/* SPDX-License-Identifier: MIT */
/*
 * The .config that a kernel was built with, as CONFIG_IKCONFIG keeps it in its .rodata:
 *
 *	| IKCFG_ST | gzip of .config | IKCFG_ED |
 *
 * Authority: [LINUX] kernel/configs.c, scripts/extract-ikconfig.
 * Left out: CONFIG_IKCONFIG=m, where it is in the module configs.ko.
 */
#ifndef BOOT_IKCONFIG_H
#define BOOT_IKCONFIG_H

#include <stddef.h>

#include "vmm/base/err.h"
#include "vmm/base/file.h"

enum {
	IKCONFIG_PACKED_MAX_BYTES = 1 << 20, /* a distribution's has 60 KiB */
	IKCONFIG_TEXT_MAX_BYTES = 4 << 20,   /* a distribution's has 280 KiB */
};

/*
 * Looks for it in a vmlinux (boot/vmlinuxin.h has that of a bzImage). 0: *text has *text_bytes, a
 * NUL behind them, and is the caller's to free(). Or -errno with *e, and *text is NULL: -ENODATA,
 * there is none; -EBADMSG, it is damaged; -ENOMEM; or what reading gave.
 */
int ikconfig_read(const struct input_file *vmlinux, char **text, size_t *text_bytes, struct err *e);

#endif
