/* SPDX-License-Identifier: MIT */
/*
 * bzImage: bytes -> facts. Reads the real-mode kernel header of an x86 Linux image, checks every
 * number in it against the file before anybody uses it, and touches nothing else.
 *
 * Authority: [BOOT] "The Real-Mode Kernel Header", "Details of Header Fields".
 * Left out: protocols before 2.12, zImage, entry points other than the 64-bit one; min_alignment,
 * handover_offset and kernel_info_offset, which nobody here uses.
 */
#ifndef TVMM_BOOT_BZIMAGE_H
#define TVMM_BOOT_BZIMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/unpackformat.h"
#include "vmm/base/err.h"
#include "vmm/base/file.h"

enum {
	/* The header starts at 0x1f1 in the file and in the zero page. */
	BZIMAGE_HEADER_OFFSET = 0x1f1,
	/*
	 * It ends at 0x202 + the byte at 0x201. That byte is the distance of a short forward
	 * jump, 0x7f at most: a header never reaches past the 144 bytes that [BOOT]
	 * "The kernel_info" grants it, nor into the zero page's next field at 0x290.
	 */
	BZIMAGE_HEADER_MAX_BYTES = 0x202 + 0x7f - BZIMAGE_HEADER_OFFSET,
};

struct bzimage {
	uint16_t version;      /* boot protocol, 0x020f for 2.15; the burnt 2.14 is told as 2.13 */
	uint64_t setup_bytes;  /* boot sector and setup code; the protected-mode part follows */
	uint64_t kernel_bytes; /* protected-mode part: syssize * 16, or what the file has of it */
	uint64_t file_bytes;
	uint8_t loadflags;
	uint16_t xloadflags;
	bool relocatable;
	uint32_t kernel_alignment; /* bytes; a power of two, 4 KiB to 1 GiB, if relocatable */
	uint64_t pref_address;     /* guest-physical; 0 when the image prefers none */
	uint32_t init_size;        /* bytes of RAM the kernel needs from where it runs */
	uint32_t initrd_addr_max;  /* highest address the last byte of an initrd may have */
	uint32_t cmdline_size;     /* longest command line, without its terminating NUL */
	uint32_t payload_offset;   /* into the protected-mode part; 0 when the image tells none */
	uint32_t payload_length;   /* bytes */
	enum unpack_format payload_format;

	/* The header as the file has it, to be copied into the zero page. */
	uint8_t header[BZIMAGE_HEADER_MAX_BYTES];
	size_t header_bytes;
};

/*
 * Reads and checks the header of an open file. Returns 0, or -errno with *e naming the file, the
 * field, its value and what is allowed; *image is unspecified then. A file that is something else
 * (ELF, gzip, arm64 Image, PE, script, ...) is told for what it looks like: -ENOEXEC.
 */
int bzimage_parse(const struct input_file *file, struct bzimage *image, struct err *e);

#endif
