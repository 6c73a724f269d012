/* SPDX-License-Identifier: MIT */
/*
 * Where a kernel's symbols are, when all that is known is the kernel's file. The first that belong
 * to it (boot/symbols.h, symbols_check()) are taken:
 *
 *   1. the file that was named: it must be right;
 *   2. the symbol table in the kernel itself;
 *   3. `vmlinux` and `System.map` in the kernel's folder;
 *      for .../arch/x86/boot/bzImage the same in the folder of the build;
 *      for .../vmlinuz-RELEASE also System.map-RELEASE beside it,
 *      /usr/lib/debug/boot/vmlinux-RELEASE, /lib/modules/RELEASE/build/vmlinux;
 *   4. the kallsyms in the kernel.
 *
 * What is there under 3 but does not belong is passed over, and told. Without an image, when the
 * guest is to unpack its kernel, the bzImage's version string takes its place; it can be compared
 * with a vmlinux's banner, but a System.map cannot be checked then: it must be named.
 *
 * When a run is over and the kernel's files are closed, what lies in guest memory takes the image's
 * place: symbols_for_placed().
 *
 * Authority: [BOOT] "Details of Header Fields", kernel_version; Debian's package layout for the
 * names with a release. Left out: separate debug files by build id, symbols of modules.
 */
#ifndef TVMM_BOOT_SYMBOLSOURCE_H
#define TVMM_BOOT_SYMBOLSOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "boot/elfimage.h"
#include "boot/symbols.h"
#include "vmm/base/err.h"
#include "vmm/base/file.h"
#include "vmm/base/guestmem.h"

enum { SYMBOLS_TOLD_BYTES = 512 };

/* All of it is borrowed, for the call. */
struct symbols_request {
	const char *named;       /* -symbols F, or NULL */
	const char *kernel_path; /* -kernel F */
	const struct input_file
		*image;             /* the ELF file that is loaded; NULL: the guest unpacks it */
	const struct elfimage *elf; /* its facts; NULL with image */
};

/*
 * Finds them. 0: symbols is filled, to be finished by the caller, and told has in words where they
 * come from ("System.map beside the kernel") and what was passed over. Or -errno with *e, and
 * nothing to finish: what is wrong with the named file (-ESTALE: another kernel's), or -ENOENT.
 */
int symbols_for_kernel(struct symbols *symbols, const struct symbols_request *request,
		       char told[SYMBOLS_TOLD_BYTES], struct err *e);

/* All of it is borrowed, for the call. */
struct symbols_placed {
	const char *kernel_path; /* -kernel F; opened again, and compared */
	const struct guest_memory *memory;
	uint64_t start_gpa, end_gpa; /* where the kernel is, or is to be; end > start */
	bool guest_unpacks;
};

/*
 * The same for a kernel as it lies in guest memory, which is believed as little as a file is. Its
 * build id is not there: the banner and where its code begins tell whether symbols belong to it.
 */
int symbols_for_placed(struct symbols *symbols, const struct symbols_placed *placed,
		       char told[SYMBOLS_TOLD_BYTES], struct err *e);

#endif
