/* SPDX-License-Identifier: MIT */
/*
 * Any payload in any of the seven formats, between pages that cannot be touched: exactly the bytes
 * that were promised come out, the same ones twice, or it is refused in one line; nothing is read
 * before or behind the file or written before or behind the place for it; and what unpacks to one
 * size unpacks to no other.
 *
 * The unpackers behind boot/unpackers.h are also called by themselves, so that nothing, not even the
 * size, lies between the stream and the page.
 *
 * Input: a byte that says how the size is meant and who is called; init_size (fuzz_edge()); the
 * payload, its unpacked size in the last four bytes.
 *
 * libFuzzer: -max_len=2048
 */
#include <errno.h>
#include <sys/mman.h>

#include "boot/unpack.h"
#include "boot/unpackers.h"
#include "tests/common/refusal.h"
#include "tests/fuzz/fuzz.h"

enum {
	SIZE_BYTES = 4,
	UNPACKED_MAX_BYTES = 1 << 20, /* more is not unpacked here: this is no test of speed */
	FRONT_BYTES = 16,             /* before the payload, and before what comes out of it */
	PAGE_BYTES = 4096,

	/* Bits of the first byte. */
	SMALL = 1,
	DIRECTLY = 2,
};

/* Where a file may promise many bytes, most inputs shall promise few. */
static void bound_size(uint8_t *size, uint8_t how)
{
	if (how & SMALL)
		size[2] = size[3] = 0;
}

/* Room of that size in front of a page that cannot be touched, filled with one byte. */
static uint8_t *room_for(size_t size_bytes, uint8_t fill)
{
	static uint8_t *end;

	if (!end) {
		uint8_t *all = mmap(NULL, UNPACKED_MAX_BYTES + 2 * PAGE_BYTES,
				    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		hold(all != MAP_FAILED, "no memory");
		end = all + UNPACKED_MAX_BYTES + PAGE_BYTES;
		hold(mprotect(end, PAGE_BYTES, PROT_NONE) == 0, "no guard page");
	}
	memset(end - size_bytes - FRONT_BYTES, fill, size_bytes + FRONT_BYTES);
	return end - size_bytes;
}

static void check_refusal(int rc, const struct err *e)
{
	hold(!refusal_flaw(rc, e), "%s: %s", refusal_flaw(rc, e), e->text);
	hold(rc == -EBADMSG || rc == -EFBIG || rc == -ENOMEM || rc == -ENOTSUP, "%s", e->text);
}

/* Unpacks to a room full of one byte; what lies before it stays. */
static int unpack(const struct input_file *file, const struct bzimage *image, uint32_t size_bytes,
		  uint8_t fill, uint8_t **to)
{
	struct err e = { 0 };
	int rc;

	*to = room_for(size_bytes, fill);
	rc = unpack_payload(file, image, *to, size_bytes, &e);
	if (rc < 0)
		check_refusal(rc, &e);
	hold(rc <= 0, "%d", rc);
	for (size_t i = 1; i <= FRONT_BYTES; i++)
		hold((*to)[-(long)i] == fill, "%zu before the room", i);
	return rc;
}

/* A byte that nobody wrote would differ, because the rooms were filled with different ones. */
static void unpack_again(const struct input_file *file, const struct bzimage *image,
			 const uint8_t *made, uint32_t size_bytes)
{
	static uint8_t first[UNPACKED_MAX_BYTES];
	uint8_t *to;

	memcpy(first, made, size_bytes);
	hold(unpack(file, image, size_bytes, 0xa5, &to) == 0, "not a second time");
	hold(memcmp(first, to, size_bytes) == 0, "other bytes the second time");
	if (size_bytes > 1)
		hold(unpack(file, image, size_bytes - 1, 0, &to) < 0, "one byte fewer will do too");
	if (size_bytes < UNPACKED_MAX_BYTES)
		hold(unpack(file, image, size_bytes + 1, 0, &to) < 0, "one byte more will do too");
}

static void check_payload(const struct input_file *file, const struct bzimage *image)
{
	uint32_t size_bytes = 0;
	struct err e = { 0 };
	int rc = unpack_size(file, image, &size_bytes, &e);
	uint8_t *to;

	if (rc < 0) {
		check_refusal(rc, &e);
		return;
	}
	hold(rc == 0 && size_bytes > 0 && size_bytes <= image->init_size, "%u bytes", size_bytes);
	if (size_bytes > UNPACKED_MAX_BYTES)
		size_bytes = UNPACKED_MAX_BYTES; /* more will come out, or it is damaged */
	if (unpack(file, image, size_bytes, 0x5a, &to) == 0)
		unpack_again(file, image, to, size_bytes);
}

/* One stream, which ends at the page; what it promises is in the four bytes behind it. */
static void call_unpacker(const uint8_t *bytes, size_t size_bytes, uint8_t how)
{
	static unpacker *const unpackers[UNPACK_FORMATS] = {
		[UNPACK_GZIP] = unpack_gzip, [UNPACK_BZIP2] = unpack_bzip2,
		[UNPACK_LZMA] = unpack_lzma, [UNPACK_XZ] = unpack_xz,
		[UNPACK_LZO] = unpack_lzo,   [UNPACK_LZ4] = unpack_lz4,
		[UNPACK_ZSTD] = unpack_zstd,
	};
	unpacker *unpack = unpackers[unpack_format_of(bytes, size_bytes)];
	uint8_t size[SIZE_BYTES];
	struct fuzz_input in = { size, SIZE_BYTES };
	struct unpack_stream s = { .packed_bytes = size_bytes - SIZE_BYTES };
	int rc;

	if (!unpack)
		return;
	memcpy(size, bytes + s.packed_bytes, SIZE_BYTES);
	bound_size(size, how);
	s.to_bytes = fuzz_bytes(&in, SIZE_BYTES) % UNPACKED_MAX_BYTES + 1;
	s.to = room_for(s.to_bytes, 0);
	s.packed = fuzz_guarded(bytes, s.packed_bytes);
	rc = unpack(&s);
	hold(rc == 0 || rc == -EBADMSG || rc == -EFBIG || rc == -ENOMEM, "%d", rc);
	hold(rc != 0 || s.made_bytes <= s.to_bytes, "%zu bytes", s.made_bytes);
	hold(rc != -EBADMSG || (s.damage && *s.damage), "damaged, but how?");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static uint8_t front[FRONT_BYTES + FUZZ_GUARDED_MAX_BYTES / 2];
	struct fuzz_input in = { bytes, size_bytes };
	uint8_t how = fuzz_u8(&in), *payload;
	struct bzimage image = { .init_size = (uint32_t)fuzz_edge(&in, NULL, 0) };
	struct input_file file;

	if (in.left > sizeof(front) - FRONT_BYTES)
		return -1;
	if ((how & DIRECTLY) && in.left > SIZE_BYTES) {
		call_unpacker(in.at, in.left, how);
		return 0;
	}
	if (in.left)
		memcpy(front + FRONT_BYTES, in.at, in.left);
	if (in.left >= SIZE_BYTES)
		bound_size(front + FRONT_BYTES + in.left - SIZE_BYTES, how);
	payload = fuzz_guarded(front, FRONT_BYTES + in.left) + FRONT_BYTES;
	file_of_memory(&file, "kernel", "kernel", payload - FRONT_BYTES, FRONT_BYTES + in.left);
	image.payload_offset = FRONT_BYTES;
	image.payload_length = (uint32_t)in.left;
	image.payload_format = unpack_format_of(payload, in.left);
	check_payload(&file, &image);
	return 0;
}
