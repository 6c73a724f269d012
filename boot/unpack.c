/* SPDX-License-Identifier: MIT */
#include "boot/unpack.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "boot/unpackers.h"
#include "vmm/base/le.h"

enum {
	SIZE_BYTES = 4,
	PACKED_MORE_BYTES = 1 << 16, /* headers, and what may be behind the stream */
	/*
	 * Kernels pack to a third or a twelfth of themselves, gaps of zeros between sections and all.
	 * What promises more than this many times its packed size, and is not small, is a bomb.
	 */
	RATIO_MAX = 100,
	SMALL_BYTES = 8 << 20,
};

/* How each format is read. */
static const struct {
	unpacker *unpack;
	uint32_t
		behind_bytes; /* of the payload, behind the stream: the size, unless it is inside */
} formats[UNPACK_FORMATS] = {
	[UNPACK_GZIP] = { unpack_gzip, 0 },          [UNPACK_BZIP2] = { unpack_bzip2, SIZE_BYTES },
	[UNPACK_LZMA] = { unpack_lzma, SIZE_BYTES }, [UNPACK_XZ] = { unpack_xz, SIZE_BYTES },
	[UNPACK_LZO] = { unpack_lzo, SIZE_BYTES },   [UNPACK_LZ4] = { unpack_lz4, SIZE_BYTES },
	[UNPACK_ZSTD] = { unpack_zstd, SIZE_BYTES },
};

/* The packed bytes in memory: our own, to be given back, or the file's. */
struct packed {
	const uint8_t *bytes;
	uint8_t *own;
	size_t size_bytes;
};

#define refuse(kernel, e, code, fmt, ...) \
	err_set(e, code, "%s %s: " fmt, (kernel)->what, (kernel)->path, ##__VA_ARGS__)

static uint64_t payload_at(const struct bzimage *image)
{
	return image->setup_bytes + image->payload_offset;
}

static int check_payload(const struct input_file *kernel, const struct bzimage *image,
			 struct err *e)
{
	if (image->payload_offset == 0)
		return refuse(kernel, e, ENOTSUP,
			      "payload_offset at 0x248 is 0: the image does not tell where its "
			      "payload is; only the guest can unpack it");
	if (!formats[image->payload_format].unpack)
		return refuse(kernel, e, ENOTSUP,
			      "payload at 0x%llx begins like none of gzip, bzip2, lzma, xz, lzo, "
			      "lz4 and zstd; only the guest can unpack it",
			      (unsigned long long)payload_at(image));
	if (image->payload_length < UNPACK_HEAD_BYTES + SIZE_BYTES)
		return refuse(kernel, e, EBADMSG,
			      "payload_length at 0x24c is 0x%x; %s data and its unpacked size need "
			      "more",
			      image->payload_length, unpack_format_name(image->payload_format));
	return 0;
}

/* More than any packer makes of what cannot be packed; lzo's is the most, a sixteenth. */
static uint64_t packed_max_bytes(uint32_t size_bytes)
{
	return size_bytes + (uint64_t)size_bytes / 8 + PACKED_MORE_BYTES;
}

int unpack_size(const struct input_file *kernel, const struct bzimage *image, uint32_t *size_bytes,
		struct err *e)
{
	uint8_t last[SIZE_BYTES];
	int rc = check_payload(kernel, image, e);

	if (rc == 0)
		rc = file_read(kernel, payload_at(image) + image->payload_length - SIZE_BYTES, last,
			       sizeof(last), e);
	if (rc < 0)
		return rc;
	*size_bytes = get_le32(last);
	if (*size_bytes == 0)
		return refuse(kernel, e, EBADMSG,
			      "payload's unpacked size, its last four bytes, is 0; it must be at "
			      "least 1");
	if (*size_bytes > image->init_size)
		return refuse(
			kernel, e, EFBIG,
			"payload's unpacked size, its last four bytes, is 0x%x; it must be at "
			"most 0x%x, the init_size at 0x260",
			*size_bytes, image->init_size);
	if (*size_bytes > SMALL_BYTES && *size_bytes / RATIO_MAX > image->payload_length)
		return refuse(kernel, e, EFBIG,
			      "payload's unpacked size, its last four bytes, is 0x%x, more than %d "
			      "times its payload_length 0x%x: no kernel packs like that",
			      *size_bytes, RATIO_MAX, image->payload_length);
	if (image->payload_length > packed_max_bytes(*size_bytes))
		return refuse(kernel, e, EBADMSG,
			      "payload_length at 0x24c is 0x%x, but payload's unpacked size, its "
			      "last four bytes, is only 0x%x",
			      image->payload_length, *size_bytes);
	return 0;
}

/* The range was checked when the header was parsed; the file in memory is asked again. */
static int read_packed(const struct input_file *kernel, const struct bzimage *image,
		       struct packed *packed, struct err *e)
{
	uint64_t at = payload_at(image);
	void *own;
	int rc;

	packed->size_bytes = image->payload_length;
	if (kernel->bytes && at <= kernel->size_bytes &&
	    packed->size_bytes <= kernel->size_bytes - at) {
		packed->bytes = kernel->bytes + at;
		return 0;
	}
	own = mmap(NULL, packed->size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
	if (own == MAP_FAILED)
		return refuse(kernel, e, ENOMEM,
			      "no memory for the %zu bytes of its payload, which the host is to "
			      "unpack",
			      packed->size_bytes);
	(void)madvise(own, packed->size_bytes, MADV_HUGEPAGE); /* halves the time to read */
	rc = file_read(kernel, at, own, packed->size_bytes, e);
	if (rc < 0) {
		(void)munmap(own, packed->size_bytes);
		return rc;
	}
	packed->own = own;
	packed->bytes = own;
	return 0;
}

static void free_packed(struct packed *packed)
{
	if (packed->own)
		(void)munmap(packed->own, packed->size_bytes);
}

/* Words for what an unpacker said. */
static int judge(const struct input_file *kernel, const struct bzimage *image,
		 const struct unpack_stream *s, int rc, struct err *e)
{
	const char *format = unpack_format_name(image->payload_format);
	unsigned long long at = payload_at(image);

	if (rc == -EBADMSG)
		return refuse(kernel, e, EBADMSG,
			      "payload at 0x%llx (%s, %u bytes) is damaged: %s; build or copy the "
			      "kernel again",
			      at, format, image->payload_length, s->damage);
	if (rc == -EFBIG)
		return refuse(kernel, e, EFBIG,
			      "payload at 0x%llx (%s, %u bytes) unpacks to more than the %zu bytes "
			      "that it promises, so it is damaged; build or copy the kernel again",
			      at, format, image->payload_length, s->to_bytes);
	if (rc < 0)
		return refuse(kernel, e, -rc,
			      "payload at 0x%llx (%s, %u bytes): no memory for unpacking it on the "
			      "host",
			      at, format, image->payload_length);
	if (s->made_bytes != s->to_bytes)
		return refuse(kernel, e, EBADMSG,
			      "payload at 0x%llx (%s, %u bytes) unpacks to %zu bytes, but promises "
			      "%zu, so it is damaged; build or copy the kernel again",
			      at, format, image->payload_length, s->made_bytes, s->to_bytes);
	return 0;
}

int unpack_payload(const struct input_file *kernel, const struct bzimage *image, uint8_t *to,
		   uint32_t size_bytes, struct err *e)
{
	struct unpack_stream s = { .to = to, .to_bytes = size_bytes };
	struct packed packed = { 0 };
	int rc = check_payload(kernel, image, e);

	if (rc == 0)
		rc = read_packed(kernel, image, &packed, e);
	if (rc < 0)
		return rc;
	s.packed = packed.bytes;
	s.packed_bytes = packed.size_bytes - formats[image->payload_format].behind_bytes;
	rc = formats[image->payload_format].unpack(&s);
	free_packed(&packed);
	return judge(kernel, image, &s, rc, e);
}

/* [LINUX] lib/decompress_inflate.c, lib/xz/xz_dec_stream.c: what they look at and do not take. */
static bool linux_reads_header(enum unpack_format format, const uint8_t *packed,
			       size_t packed_bytes)
{
	enum { GZIP_METHOD = 2, DEFLATE = 8, GZIP_FLAGS = 3, HAS_NAME = 1 << 3 };
	enum { XZ_CHECK = 7, CRC32 = 1 };

	switch (format) {
	case UNPACK_GZIP:
		return packed_bytes > GZIP_FLAGS && packed[1] == 0x8b &&
		       packed[GZIP_METHOD] == DEFLATE && (packed[GZIP_FLAGS] & ~HAS_NAME) == 0;
	case UNPACK_XZ:
		return packed_bytes > XZ_CHECK && packed[XZ_CHECK] <= CRC32;
	default:
		return true;
	}
}

int unpack_stream_alone(const uint8_t *packed, size_t packed_bytes, uint8_t *to, size_t to_bytes,
			size_t *made_bytes)
{
	enum unpack_format format = unpack_format_of(packed, packed_bytes);
	struct unpack_stream s = {
		.packed = packed, .packed_bytes = packed_bytes, .to = to, .to_bytes = to_bytes
	};
	int rc;

	if (!formats[format].unpack || !linux_reads_header(format, packed, packed_bytes))
		return -ENOTSUP;
	rc = formats[format].unpack(&s);
	if (rc < 0)
		return rc;
	*made_bytes = s.made_bytes;
	return s.read_bytes == packed_bytes ? 0 : -EBADMSG;
}
