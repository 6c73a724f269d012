/* SPDX-License-Identifier: MIT */
/*
 * Makes bzImages for tests: a small valid one, to be changed byte by byte and handed over as an
 * open file that exists in memory only.
 *
 *   0x0000  boot sector, its header from 0x1f1 on
 *   0x0200  setup: three more sectors
 *   0x0800  protected-mode part, 0x1000 bytes: the 64-bit entry at +0x200, a gzip payload at +0x800
 *
 * Any trouble aborts: a test that cannot have its input has not run.
 */
#ifndef TVMM_TESTS_COMMON_IMAGE_H
#define TVMM_TESTS_COMMON_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/file.h"

enum {
	IMAGE_SETUP_SECTS = 3,
	IMAGE_SETUP_BYTES = 4 * 512,
	IMAGE_KERNEL_BYTES = 0x1000,
	IMAGE_BYTES = IMAGE_SETUP_BYTES + IMAGE_KERNEL_BYTES,
	IMAGE_PAYLOAD_OFFSET = 0x800,
	IMAGE_PAYLOAD_LENGTH = 0x400,
	IMAGE_ENTRY_OFFSET = 0x200,
	IMAGE_CODE_MAX_BYTES = IMAGE_PAYLOAD_OFFSET - IMAGE_ENTRY_OFFSET,

	/* What the header says; everything else in it is 0. */
	IMAGE_VERSION = 0x020f,
	IMAGE_ALIGNMENT = 0x200000,
	IMAGE_PREF_ADDRESS = 0x1000000,
	IMAGE_INIT_SIZE = 0x800000,
	IMAGE_INITRD_ADDR_MAX = 0x7fffffff,
	IMAGE_CMDLINE_SIZE = 2047,
};

struct image {
	uint8_t *bytes;
	size_t size_bytes;
};

/* A valid, relocatable image. Its code is `1: cli; hlt; jmp 1b`. image_free() when done. */
void image_init(struct image *image);
void image_free(struct image *image);

/* Little-endian numbers of 1, 2, 4 or 8 bytes; the image must have those bytes. */
void image_put(struct image *image, size_t offset, size_t width, uint64_t value);
uint64_t image_get(const struct image *image, size_t offset, size_t width);

/* Puts code at the 64-bit entry point: at most IMAGE_CODE_MAX_BYTES. */
void image_code(struct image *image, const void *code, size_t size_bytes);

/* Cuts the image or grows it with zeros. */
void image_resize(struct image *image, size_t size_bytes);

/*
 * The image as an open file without a name in the file system; file_close() it. what and path are
 * only what messages will say.
 */
void image_open(const struct image *image, const char *what, const char *path,
		struct input_file *file);

/* Any bytes as such a file. */
void image_open_bytes(const void *bytes, size_t size_bytes, const char *what, const char *path,
		      struct input_file *file);

/* Writes the image to path, for those who need a file with a name. */
void image_save(const struct image *image, const char *path);

#endif
