/* SPDX-License-Identifier: MIT */
/*
 * Unpacks a bzImage's payload on the host: the vmlinux inside (an ELF file), and behind it in
 * relocatable kernels the table of their relocations. What can be packed how is in
 * boot/unpackformat.h.
 *
 *   payload_offset                                         payload_offset + payload_length
 *   v                                                      v
 *   | packed stream                      | unpacked size   |
 *   |                                    | u32, LE         |
 *
 * A gzip member ends with that size anyway; behind every other stream the kernel's build puts it.
 * As in Linux's own decompressors, what lies between the end of the stream and the end of the
 * payload is not looked at. Unlike some of them, checksums that a stream carries are checked.
 *
 * Authority: [BOOT] "Details of Header Fields", payload_offset, payload_length; [LINUX]
 * scripts/Makefile.lib, size_append; lib/decompress_*.c for how each stream is read.
 * Left out: applying the relocations; an lz4 stream in anything but the legacy frame.
 */
#ifndef TVMM_BOOT_UNPACK_H
#define TVMM_BOOT_UNPACK_H

#include <stdint.h>

#include "boot/bzimage.h"
#include "boot/unpackformat.h"
#include "vmm/base/err.h"
#include "vmm/base/file.h"

/*
 * How many bytes the payload says it unpacks to. Checked: there is a payload in a known format,
 * it is long enough to tell, the number is not 0, not beyond the header's init_size, not much
 * less than the payload itself, so that it bounds what is read, too, and not a hundred times more.
 * 0, or -errno with *e: -ENOTSUP for no payload or an unknown format (only the guest can unpack
 * it), -EBADMSG and -EFBIG for numbers that cannot be. *size_bytes is unspecified then.
 */
int unpack_size(const struct input_file *kernel, const struct bzimage *image, uint32_t *size_bytes,
		struct err *e);

/*
 * Unpacks the payload into to[0..size_bytes): exactly that many bytes come out, or it is an error:
 * -EBADMSG (damaged, or fewer), -EFBIG (more), -ENOMEM, -ENOTSUP as above, or what reading the file
 * gave. Never writes beyond to, whose contents are unspecified after an error.
 *
 * The packed bytes are read into memory that is given back before returning, or used where they
 * are when the file is in memory. Beside them and to, at most 4 MiB are used, but for lzma and xz:
 * their dictionary fills up to what was unpacked so far, 128 MiB at most.
 */
int unpack_payload(const struct input_file *kernel, const struct bzimage *image, uint8_t *to,
		   uint32_t size_bytes, struct err *e);

/*
 * Unpacks one stream that begins and ends with packed[0 .. packed_bytes), into at most to_bytes.
 * Returns 0 with *made_bytes, or -errno: -EBADMSG for damage and for bytes behind the stream, -EFBIG
 * for more than to_bytes, -ENOMEM. A header that Linux does not read, as a gzip file's with a comment
 * or an xz file's with a CRC64, is -ENOTSUP. What is in `to` is unspecified then.
 */
int unpack_stream_alone(const uint8_t *packed, size_t packed_bytes, uint8_t *to, size_t to_bytes,
			size_t *made_bytes);

#endif
