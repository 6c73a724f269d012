/* SPDX-License-Identifier: MIT */
/*
 * What a file looks like by its first bytes: only to tell people what they handed over instead of
 * a kernel. What is packed with gzip, xz, lzma or zstd is looked into, because a packed initramfs
 * and a packed vmlinux are the two that people have. Of bzip2, lzo and lz4, whose first block would
 * be needed whole, only the name is told.
 *
 * Authority: the formats' own magic numbers; [PE] "Section Table" and [UKI] "UKI Components" for
 * .linux.
 */
#ifndef TVMM_BOOT_FILEKIND_H
#define TVMM_BOOT_FILEKIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many bytes at the front of a file filekind_describe() looks at, at most. */
enum { FILEKIND_HEAD_BYTES = 4096 };

/*
 * A phrase like "an arm64 Image, not an x86 kernel; ...", with what to do about it, or NULL when
 * the bytes say nothing. Static storage. size_bytes may be anything, 0 included.
 */
const char *filekind_describe(const uint8_t *head, size_t size_bytes);

/* Whether they are a vmlinux that was packed as it is. */
bool filekind_is_packed_elf(const uint8_t *head, size_t size_bytes);

#endif
