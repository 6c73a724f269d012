/* SPDX-License-Identifier: MIT */
/*
 * unpack_size() and unpack_payload(): each of the seven formats comes back as it was packed, and
 * nothing in a payload makes the unpackers write a byte too many, read past the end or crash. The
 * payload ends right before a page that faults, and so does the room for what comes out.
 *
 * Authority: [LINUX] scripts/Makefile.lib, size_append; lib/decompress_*.c.
 */
#include <check.h>
#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <zlib.h>

#include "boot/unpack.h"
#include "tests/common/bootspec.h"
#include "tests/common/image.h"
#include "tests/common/payload.h"
#include "vmm/base/must.h"

#define MIB ((size_t)1 << 20)

enum {
	PAGE_BYTES = 4096,
	SETUP_BYTES = 16,
	FRONT_BYTES = 32, /* of the protected-mode part, before the payload */
	CANARY = 0xa5,
};

static struct err error;
static uint64_t spent_ns; /* of processor time, by the last unpack_payload() */

/* Memory that faults behind its last byte, and is watched before its first. */
struct fence {
	uint8_t *map, *at;
	size_t map_bytes, size_bytes;
};

static void fence_init(struct fence *fence, size_t size_bytes)
{
	size_t inner = (size_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES + PAGE_BYTES;

	fence->size_bytes = size_bytes;
	fence->map_bytes = inner + PAGE_BYTES;
	fence->map = mmap(NULL, fence->map_bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(fence->map != MAP_FAILED);
	must(mprotect(fence->map + inner, PAGE_BYTES, PROT_NONE) == 0);
	fence->at = fence->map + inner - size_bytes;
	memset(fence->map, CANARY, (size_t)(fence->at - fence->map));
}

static void fence_finish(struct fence *fence)
{
	const uint8_t *p = fence->map;

	while (p < fence->at && *p == CANARY)
		p++;
	ck_assert_msg(p == fence->at, "written %zu bytes before the front",
		      (size_t)(fence->at - p));
	must(munmap(fence->map, fence->map_bytes) == 0);
}

/* A kernel that has nothing but a payload, in memory: its file and what its header says. */
struct kernel {
	struct fence memory;
	struct input_file file;
	struct bzimage image;
};

static void kernel_init(struct kernel *kernel, enum unpack_format format,
			const struct payload *payload)
{
	size_t size_bytes = SETUP_BYTES + FRONT_BYTES + payload->size_bytes;

	fence_init(&kernel->memory, size_bytes);
	memset(kernel->memory.at, 0, SETUP_BYTES + FRONT_BYTES);
	memcpy(kernel->memory.at + SETUP_BYTES + FRONT_BYTES, payload->bytes, payload->size_bytes);
	file_of_memory(&kernel->file, "kernel", "some/bzImage", kernel->memory.at, size_bytes);
	kernel->image = (struct bzimage){
		.setup_bytes = SETUP_BYTES,
		.kernel_bytes = size_bytes - SETUP_BYTES,
		.file_bytes = size_bytes,
		.init_size = UINT32_MAX,
		.payload_offset = FRONT_BYTES,
		.payload_length = (uint32_t)payload->size_bytes,
		.payload_format = format,
	};
}

static void kernel_finish(struct kernel *kernel)
{
	fence_finish(&kernel->memory);
}

/* A refusal is one line that begins with the file; the code is one that unpack.h tells. */
static void check_refusal(int rc)
{
	ck_assert_int_eq(rc, -error.code);
	ck_assert_msg(error.code == EBADMSG || error.code == EFBIG, "%s", error.text);
	ck_assert_msg(strncmp(error.text, "kernel some/bzImage: payload", 28) == 0, "%s",
		      error.text);
	ck_assert_msg(strchr(error.text, '\n') == NULL, "%s", error.text);
	ck_assert_msg(strlen(error.text) < 300, "long: %s", error.text);
}

static uint64_t processor_ns(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Unpacks into room->at, all of which is promised. */
static int unpack_into(enum unpack_format format, const struct payload *payload,
		       const struct fence *room)
{
	struct kernel kernel;
	int rc;

	kernel_init(&kernel, format, payload);
	memset(&error, 0, sizeof(error));
	spent_ns = processor_ns();
	rc = unpack_payload(&kernel.file, &kernel.image, room->at, (uint32_t)room->size_bytes,
			    &error);
	spent_ns = processor_ns() - spent_ns;
	kernel_finish(&kernel);
	if (rc < 0)
		check_refusal(rc);
	return rc;
}

/* The same, for what came out is only to be compared: 0 and equal, 1 and different, or -errno. */
static int unpack_and_compare(enum unpack_format format, const struct payload *payload,
			      const uint8_t *expected, size_t size_bytes)
{
	struct fence room;
	int rc;

	fence_init(&room, size_bytes);
	rc = unpack_into(format, payload, &room);
	if (rc == 0 && memcmp(room.at, expected, size_bytes) != 0)
		rc = 1;
	fence_finish(&room);
	return rc;
}

static void unpacks_to(enum unpack_format format, const struct payload *payload,
		       const uint8_t *expected, size_t size_bytes)
{
	int rc = unpack_and_compare(format, payload, expected, size_bytes);

	ck_assert_msg(rc >= 0, "%s: %s", unpack_format_name(format), error.text);
	ck_assert_msg(rc == 0, "%s: other bytes came out", unpack_format_name(format));
}

static void refused(enum unpack_format format, const struct payload *payload, size_t promised_bytes,
		    int code, const char *what)
{
	struct fence room;
	int rc;

	fence_init(&room, promised_bytes);
	rc = unpack_into(format, payload, &room);
	fence_finish(&room);
	ck_assert_msg(rc == -code, "%s: %d, expected %d: %s", unpack_format_name(format), rc, -code,
		      rc ? error.text : "accepted");
	ck_assert_msg(strstr(error.text, what) != NULL, "no \"%s\" in: %s", what, error.text);
}

/* A line of text, and what the tools that Linux's build calls (scripts/Makefile.lib) make of it. */
static const uint8_t text[] = { 'u', 'n', 'p', 'a', 'c', 'k', 'e', 'd', ' ', 'o', 'n',
				' ', 't', 'h', 'e', ' ', 'h', 'o', 's', 't', '\n' };
static const uint8_t tool_gzip[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x2b, 0xcd, 0x2b, 0x48,
	0x4c, 0xce, 0x4e, 0x4d, 0x51, 0xc8, 0xcf, 0x53, 0x28, 0xc9, 0x48, 0x55, 0xc8, 0xc8,
	0x2f, 0x2e, 0xe1, 0x02, 0x00, 0x81, 0x1c, 0x7e, 0xe6, 0x15, 0x00, 0x00, 0x00,
};
static const uint8_t tool_bzip2[] = {
	0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, 0x5a, 0xc9, 0x66, 0x49, 0x00,
	0x00, 0x0a, 0x51, 0x80, 0x00, 0x10, 0x40, 0x00, 0x2e, 0x49, 0xce, 0x00, 0x20, 0x00, 0x31,
	0x00, 0x00, 0x0a, 0x0f, 0x42, 0x79, 0x27, 0xa9, 0xe9, 0x93, 0x74, 0x0a, 0xa2, 0xad, 0xf2,
	0x50, 0x61, 0xfc, 0x5d, 0xc9, 0x14, 0xe1, 0x42, 0x41, 0x6b, 0x25, 0x99, 0x24,
};
static const uint8_t tool_lzma[] = {
	0x5d, 0x00, 0x00, 0x00, 0x04, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x3a,
	0x9b, 0x8a, 0x66, 0x9a, 0xd4, 0x2e, 0x85, 0xe8, 0xd6, 0x21, 0x07, 0xaf, 0x37, 0x2e, 0x20,
	0x9e, 0x5d, 0xc4, 0x57, 0x3c, 0x85, 0x98, 0xad, 0xbc, 0xff, 0xff, 0xec, 0x8b, 0x80, 0x00,
};
static const uint8_t tool_xz[] = {
	0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x01, 0x69, 0x22, 0xde, 0x36, 0x02,
	0x01, 0x04, 0x00, 0x21, 0x01, 0x1a, 0x00, 0x01, 0xc9, 0x80, 0xb3, 0x01, 0x00,
	0x14, 0x75, 0x6e, 0x70, 0x61, 0x63, 0x6b, 0x65, 0x64, 0x20, 0x6f, 0x6e, 0x20,
	0x74, 0x68, 0x65, 0x20, 0x68, 0x6f, 0x73, 0x74, 0x0a, 0x00, 0x00, 0x00, 0x00,
	0x81, 0x1c, 0x7e, 0xe6, 0x00, 0x01, 0x29, 0x15, 0x2b, 0xce, 0x1d, 0x09, 0x90,
	0x42, 0x99, 0x0d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x59, 0x5a,
};
static const uint8_t tool_lzo[] = {
	0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a, 0x10, 0x40, 0x20, 0xa0, 0x09, 0x40,
	0x03, 0x09, 0x03, 0x00, 0x00, 0x0d, 0x00, 0x00, 0x00, 0x00, 0x6b, 0x03, 0x4d, 0xe7, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x2b, 0x2a, 0x03, 0x18, 0x00, 0x00, 0x00, 0x15, 0x00, 0x00, 0x00,
	0x15, 0x57, 0xc2, 0x07, 0x92, 0x75, 0x6e, 0x70, 0x61, 0x63, 0x6b, 0x65, 0x64, 0x20, 0x6f,
	0x6e, 0x20, 0x74, 0x68, 0x65, 0x20, 0x68, 0x6f, 0x73, 0x74, 0x0a, 0x00, 0x00, 0x00, 0x00,
};
static const uint8_t tool_lz4[] = {
	0x02, 0x21, 0x4c, 0x18, 0x17, 0x00, 0x00, 0x00, 0xf0, 0x06, 0x75,
	0x6e, 0x70, 0x61, 0x63, 0x6b, 0x65, 0x64, 0x20, 0x6f, 0x6e, 0x20,
	0x74, 0x68, 0x65, 0x20, 0x68, 0x6f, 0x73, 0x74, 0x0a,
};
static const uint8_t tool_zstd[] = {
	0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x88, 0xa9, 0x00, 0x00, 0x75, 0x6e, 0x70,
	0x61, 0x63, 0x6b, 0x65, 0x64, 0x20, 0x6f, 0x6e, 0x20, 0x74, 0x68, 0x65,
	0x20, 0x68, 0x6f, 0x73, 0x74, 0x0a, 0x8f, 0xc1, 0xaa, 0x56,
};
static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Bytes like a kernel's: calls (for xz's filter), repeats, zeros, and what cannot be packed. */
static uint8_t *make_contents(size_t size_bytes)
{
	uint8_t *bytes = malloc(size_bytes + 1);
	uint32_t state = 1;

	must(bytes != NULL);
	for (size_t i = 0; i < size_bytes;) {
		uint32_t kind = next_random(&state) % 4, run = next_random(&state) % 3000;

		for (uint32_t k = 0; k < run && i < size_bytes; k++, i++) {
			uint8_t call = (uint8_t)(k % 5 ? k % 5 == 4 ? 0 : i >> 7 : 0xe8);

			bytes[i] = kind == 0   ? (uint8_t)next_random(&state)
				   : kind == 1 ? call
				   : kind == 2 ? (uint8_t)(i >> 4)
					       : 0;
		}
	}
	return bytes;
}

/* Do the bytes that such a stream holds carry a checksum which is checked? */
static bool has_checksum(enum unpack_format format)
{
	return format != UNPACK_LZMA && format != UNPACK_LZ4;
}

START_TEST(names)
{
	static const char *const SPEC_names[] = {
		"unknown format", "gzip", "bzip2", "lzma", "xz", "lzo", "lz4", "zstd"
	};

	for (size_t i = 0; i < sizeof(SPEC_names) / sizeof(SPEC_names[0]); i++)
		ck_assert_str_eq(unpack_format_name((enum unpack_format)i), SPEC_names[i]);
}
END_TEST

/* Every prefix of a magic number says nothing, whatever lies behind it in memory. */
START_TEST(magic_numbers)
{
	static const struct {
		size_t length;
		const char *bytes;
		enum unpack_format format;
	} SPEC_magics[] = {
		{ 2, "\x1f\x8b----", UNPACK_GZIP },
		{ 2, "\x1f\x9e----", UNPACK_GZIP },
		{ 3, "BZh---", UNPACK_BZIP2 },
		{ 3, "\x5d\0\0---", UNPACK_LZMA },
		{ 6,
		  "\xfd"
		  "7zXZ\0",
		  UNPACK_XZ },
		{ 4, "\x89LZO--", UNPACK_LZO },
		{ 4, "\x02\x21\x4c\x18--", UNPACK_LZ4 },
		{ 4, "\x28\xb5\x2f\xfd--", UNPACK_ZSTD },
	};

	for (size_t i = 0; i < sizeof(SPEC_magics) / sizeof(SPEC_magics[0]); i++) {
		const uint8_t *head = (const uint8_t *)SPEC_magics[i].bytes;

		for (size_t n = 0; n <= UNPACK_HEAD_BYTES; n++)
			ck_assert_int_eq(unpack_format_of(head, n),
					 n < SPEC_magics[i].length ? UNPACK_UNKNOWN
								   : SPEC_magics[i].format);
	}
	ck_assert_int_eq(unpack_format_of((const uint8_t *)"\x04\x22\x4d\x18--", 6),
			 UNPACK_UNKNOWN);
}
END_TEST

START_TEST(streams_of_the_tools)
{
	static const struct {
		enum unpack_format format;
		const uint8_t *stream;
		size_t size_bytes;
	} streams[] = {
		{ UNPACK_GZIP, tool_gzip, sizeof(tool_gzip) },
		{ UNPACK_BZIP2, tool_bzip2, sizeof(tool_bzip2) },
		{ UNPACK_LZMA, tool_lzma, sizeof(tool_lzma) },
		{ UNPACK_XZ, tool_xz, sizeof(tool_xz) },
		{ UNPACK_LZO, tool_lzo, sizeof(tool_lzo) },
		{ UNPACK_LZ4, tool_lz4, sizeof(tool_lz4) },
		{ UNPACK_ZSTD, tool_zstd, sizeof(tool_zstd) },
	};
	struct payload payload;

	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		payload_of_stream(&payload, streams[i].format, streams[i].stream,
				  streams[i].size_bytes, sizeof(text));
		unpacks_to(streams[i].format, &payload, text, sizeof(text));
		payload_free(&payload);
	}
}
END_TEST

/* A wrong bit in each checksum, and in what says which format it is. */
START_TEST(checksums)
{
	static const struct {
		enum unpack_format format;
		const uint8_t *stream;
		size_t size_bytes, at;
		const char *says;
	} cases[] = {
		{ UNPACK_GZIP, tool_gzip, sizeof(tool_gzip), sizeof(tool_gzip) - 8, "is wrong" },
		{ UNPACK_BZIP2, tool_bzip2, sizeof(tool_bzip2), 10, "its checksum is wrong" },
		{ UNPACK_XZ, tool_xz, sizeof(tool_xz), 52, "its checksum is wrong" },
		{ UNPACK_LZO, tool_lzo, sizeof(tool_lzo), 46, "its checksum is wrong" },
		{ UNPACK_ZSTD, tool_zstd, sizeof(tool_zstd), sizeof(tool_zstd) - 1,
		  "its checksum is wrong" },
		{ UNPACK_GZIP, tool_gzip, sizeof(tool_gzip), 1, "is wrong" },
		{ UNPACK_BZIP2, tool_bzip2, sizeof(tool_bzip2), 2, "is wrong" },
		{ UNPACK_LZMA, tool_lzma, sizeof(tool_lzma), 0, "is damaged" },
		{ UNPACK_XZ, tool_xz, sizeof(tool_xz), 5, "its header is wrong" },
		{ UNPACK_LZO, tool_lzo, sizeof(tool_lzo), 8, "its header is wrong" },
		{ UNPACK_LZ4, tool_lz4, sizeof(tool_lz4), 3, "its header is wrong" },
		{ UNPACK_ZSTD, tool_zstd, sizeof(tool_zstd), 3, "its header is wrong" },
	};
	struct payload payload;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		payload_of_stream(&payload, cases[i].format, cases[i].stream, cases[i].size_bytes,
				  sizeof(text));
		payload.bytes[cases[i].at] ^= 0x80;
		refused(cases[i].format, &payload, sizeof(text), EBADMSG, cases[i].says);
		payload_free(&payload);
	}
}
END_TEST

/* Sizes round the formats' blocks, and some MiB. */
START_TEST(round_trips)
{
	static const size_t sizes[] = {
		1,      2,      3,      5,      17,     255,     256,     4095,    4096,
		4097,   65535,  65536,  65537,  131071, 131072,  131073,  262143,  262144,
		262145, 524288, 899981, 900000, 900001, 1048575, 1048576, 1048577, 5000001,
	};
	struct payload payload;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *contents = make_contents(sizes[i]);

		payload_pack(&payload, (enum unpack_format)_i, contents, sizes[i]);
		unpacks_to((enum unpack_format)_i, &payload, contents, sizes[i]);
		payload_free(&payload);
		free(contents);
	}
}
END_TEST

/* Several blocks of 8 MiB. */
START_TEST(lz4_blocks)
{
	static const size_t sizes[] = { 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 16 * MIB, 17 * MIB + 3 };
	struct payload payload;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *contents = make_contents(sizes[i]);

		payload_pack(&payload, UNPACK_LZ4, contents, sizes[i]);
		unpacks_to(UNPACK_LZ4, &payload, contents, sizes[i]);
		refused(UNPACK_LZ4, &payload, sizes[i] - 1, EFBIG, "unpacks to more than");
		payload_free(&payload);
		free(contents);
	}
}
END_TEST

/* All the way: a file on a descriptor, its header parsed, its size asked for. */
START_TEST(from_a_file)
{
	enum { BYTES = 100000 };
	uint8_t *contents = make_contents(BYTES), *to = malloc(BYTES);
	struct payload payload;
	struct image image;
	struct input_file file;
	struct bzimage facts;
	uint32_t size_bytes = 0, paragraphs;

	must(to != NULL);
	payload_pack(&payload, (enum unpack_format)_i, contents, BYTES);
	image_init(&image);
	paragraphs = (uint32_t)(IMAGE_PAYLOAD_OFFSET + payload.size_bytes) / SPEC_PARAGRAPH + 1;
	image_resize(&image, IMAGE_SETUP_BYTES + paragraphs * SPEC_PARAGRAPH);
	image_put(&image, SPEC_SYSSIZE, 4, paragraphs);
	image_put(&image, SPEC_PAYLOAD_LENGTH, 4, payload.size_bytes);
	memcpy(image.bytes + IMAGE_SETUP_BYTES + IMAGE_PAYLOAD_OFFSET, payload.bytes,
	       payload.size_bytes);
	image_open(&image, "kernel", "some/bzImage", &file);
	ck_assert_int_eq(bzimage_parse(&file, &facts, &error), 0);
	ck_assert_int_eq(facts.payload_format, _i);
	ck_assert_int_eq(unpack_size(&file, &facts, &size_bytes, &error), 0);
	ck_assert_uint_eq(size_bytes, BYTES);
	ck_assert_int_eq(unpack_payload(&file, &facts, to, size_bytes, &error), 0);
	ck_assert_mem_eq(to, contents, BYTES);
	file_close(&file);
	image_free(&image);
	payload_free(&payload);
	free(contents);
	free(to);
}
END_TEST

/* A file that is not what it was when it was opened: what reading says is what is told. */
START_TEST(shrinking_file)
{
	static const uint8_t bytes[100] = { 0 };
	struct bzimage image = {
		.setup_bytes = 16,
		.payload_offset = 16,
		.payload_length = 1000,
		.payload_format = (enum unpack_format)_i,
	};
	struct input_file file;
	uint32_t size_bytes;
	uint8_t to[16];

	image_open_bytes(bytes, sizeof(bytes), "kernel", "some/bzImage", &file);
	ck_assert_int_eq(unpack_size(&file, &image, &size_bytes, &error), -EIO);
	ck_assert_int_eq(unpack_payload(&file, &image, to, sizeof(to), &error), -EIO);
	file_close(&file);
	file_of_memory(&file, "kernel", "some/bzImage", bytes, sizeof(bytes));
	ck_assert_int_eq(unpack_size(&file, &image, &size_bytes, &error), -EIO);
	ck_assert_int_eq(unpack_payload(&file, &image, to, sizeof(to), &error), -EIO);
	image.payload_offset = 200; /* begins behind the end */
	ck_assert_int_eq(unpack_size(&file, &image, &size_bytes, &error), -EIO);
	ck_assert_int_eq(unpack_payload(&file, &image, to, sizeof(to), &error), -EIO);
}
END_TEST

/* The last four bytes against init_size, and what they are for. */
START_TEST(size_that_is_told)
{
	static const struct {
		uint32_t told, init_size;
		int code;
		const char *says;
	} cases[] = {
		{ 1, 0x800000, 0, NULL },
		{ 0x800001, 0xffffffff, EFBIG, "is 0x800001, more than 100 times" },
		{ 0x800000, 0x800000, 0, NULL },
		{ 0xffffffff, 0xffffffff, EFBIG, "no kernel packs like that" },
		{ 0, 0x800000, EBADMSG, "is 0; it must be at least 1" },
		{ 0x800001, 0x800000, EFBIG, "is 0x800001; it must be at most 0x800000" },
		{ 0xffffffff, 0x800000, EFBIG, "is 0xffffffff; it must be at most 0x800000" },
	};
	static const uint8_t stream[64] = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct payload payload;
		struct kernel kernel;
		uint32_t size_bytes = 0;
		int rc;

		payload_of_stream(&payload, UNPACK_XZ, stream, sizeof(stream), cases[i].told);
		kernel_init(&kernel, (enum unpack_format)_i, &payload);
		kernel.image.init_size = cases[i].init_size;
		rc = unpack_size(&kernel.file, &kernel.image, &size_bytes, &error);
		ck_assert_int_eq(rc, -cases[i].code);
		if (rc < 0) {
			check_refusal(rc);
			ck_assert_msg(strstr(error.text, cases[i].says) != NULL, "%s", error.text);
		} else {
			ck_assert_uint_eq(size_bytes, cases[i].told);
		}
		kernel_finish(&kernel);
		payload_free(&payload);
	}
}
END_TEST

static void both_refuse(struct kernel *kernel, int code, const char *what)
{
	uint32_t size_bytes;
	uint8_t to[16];

	ck_assert_int_eq(unpack_size(&kernel->file, &kernel->image, &size_bytes, &error), -code);
	ck_assert_msg(strstr(error.text, what) != NULL, "%s", error.text);
	ck_assert_int_eq(unpack_payload(&kernel->file, &kernel->image, to, sizeof(to), &error),
			 -code);
	ck_assert_msg(strstr(error.text, what) != NULL, "%s", error.text);
}

START_TEST(nothing_to_unpack)
{
	struct payload payload;
	struct kernel kernel;

	payload_pack(&payload, UNPACK_GZIP, text, sizeof(text));
	kernel_init(&kernel, UNPACK_UNKNOWN, &payload);
	both_refuse(&kernel, ENOTSUP, "only the guest can unpack it");
	kernel.image.payload_format = UNPACK_GZIP;
	kernel.image.payload_offset = 0;
	both_refuse(&kernel, ENOTSUP, "payload_offset at 0x248 is 0");
	kernel.image.payload_offset = FRONT_BYTES;
	for (uint32_t n = 0; n < UNPACK_HEAD_BYTES + 4; n++) {
		kernel.image.payload_length = n;
		both_refuse(&kernel, EBADMSG, "payload_length at 0x24c is 0x");
	}
	kernel_finish(&kernel);
	payload_free(&payload);
}
END_TEST

/* What is packed is never much more than what is unpacked: a payload of 4 GiB is not read for 1 MiB. */
START_TEST(more_packed_than_unpacked)
{
	enum { PROMISE = 1 << 20, MAX = PROMISE + PROMISE / 8 + (64 << 10) };
	static uint8_t bytes[16 + MAX + 1];
	struct bzimage image = {
		.init_size = UINT32_MAX,
		.payload_offset = 16,
		.payload_length = MAX,
		.payload_format = UNPACK_GZIP,
	};
	struct input_file file;
	uint32_t size_bytes;

	memcpy(bytes + MAX + 16 - 4, "\0\0\x10\0", 4);
	file_of_memory(&file, "kernel", "some/bzImage", bytes, sizeof(bytes));
	ck_assert_int_eq(unpack_size(&file, &image, &size_bytes, &error), 0);
	ck_assert_uint_eq(size_bytes, PROMISE);
	memmove(bytes + 1, bytes, MAX + 16);
	image.payload_length = MAX + 1;
	ck_assert_int_eq(unpack_size(&file, &image, &size_bytes, &error), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(error.text, "payload_length at 0x24c is 0x130001"));
}
END_TEST

/* More comes out than was promised, or less; the last promise is as much as can be written down. */
START_TEST(wrong_promises)
{
	static const size_t sizes[] = { 1, 21, 4096, 262144, 300000, 1000001 };
	enum unpack_format format = (enum unpack_format)_i;
	struct payload payload;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i];
		uint8_t *contents = make_contents(n);

		payload_pack(&payload, format, contents, n);
		if (n > 1)
			refused(format, &payload, 1, EFBIG, "more than the 1 bytes");
		refused(format, &payload, 0, EFBIG, "more than the 0 bytes");
		refused(format, &payload, n - 1, EFBIG, "unpacks to more than the ");
		refused(format, &payload, n / 2, EFBIG, "unpacks to more than the ");
		refused(format, &payload, n + 1, EBADMSG, "unpacks to ");
		refused(format, &payload, n + 100000, EBADMSG, "unpacks to ");
		refused(format, &payload, 0xffffffff, EBADMSG, "but promises 4294967295");
		payload_free(&payload);
		free(contents);
	}
}
END_TEST

/* A stream with nothing in it. */
START_TEST(nothing_inside)
{
	enum unpack_format format = (enum unpack_format)_i;
	struct payload payload;

	payload_pack(&payload, format, "", 0);
	if (payload.size_bytes >= UNPACK_HEAD_BYTES + 4)
		refused(format, &payload, 1, EBADMSG, "unpacks to 0 bytes, but promises 1");
	payload_free(&payload);
}
END_TEST

/* gzip's library reads zeros behind the end, and may find too much in them. */
static void refused_when_cut(enum unpack_format format, const struct payload *whole,
			     size_t cut_bytes, const uint8_t *contents, size_t size_bytes)
{
	struct payload payload;
	int rc;

	payload_of_stream(&payload, format, whole->bytes, cut_bytes, (uint32_t)size_bytes);
	rc = unpack_and_compare(format, &payload, contents, size_bytes);
	ck_assert_msg(rc == -EBADMSG || (format == UNPACK_GZIP && rc == -EFBIG),
		      "%s, cut to %zu: %d: %s", unpack_format_name(format), cut_bytes, rc,
		      rc < 0 ? error.text : "accepted");
	payload_free(&payload);
}

START_TEST(cut_streams)
{
	enum { SMALL = 700, BIG = 600000, STEPS = 31 };
	enum unpack_format format = (enum unpack_format)_i;
	uint8_t *contents = make_contents(BIG);
	struct payload payload;

	payload_pack(&payload, format, contents, SMALL);
	for (size_t n = 0; n < payload.stream_bytes; n++)
		refused_when_cut(format, &payload, n, contents, SMALL);
	payload_free(&payload);
	payload_pack(&payload, format, contents, BIG);
	for (size_t i = 0; i < STEPS; i++)
		refused_when_cut(format, &payload, payload.stream_bytes * i / STEPS, contents, BIG);
	refused_when_cut(format, &payload, payload.stream_bytes - 1, contents, BIG);
	payload_free(&payload);
	free(contents);
}
END_TEST

/* Changes a byte: what still unpacks must be right if there is a checksum. */
static void flip(enum unpack_format format, struct payload *payload, size_t at, uint8_t bits,
		 const uint8_t *contents, size_t size_bytes)
{
	int rc;

	payload->bytes[at] ^= bits;
	rc = unpack_and_compare(format, payload, contents, size_bytes);
	ck_assert_msg(rc <= 0 || !has_checksum(format),
		      "%s: wrong bytes after a flip of %#x at %zu", unpack_format_name(format),
		      bits, at);
	payload->bytes[at] ^= bits;
}

START_TEST(flipped_bytes)
{
	enum { SMALL = 700, BIG = 400000, TRIES = 40 };
	enum unpack_format format = (enum unpack_format)_i;
	uint8_t *contents = make_contents(BIG);
	struct payload payload;
	uint32_t state = 7;

	payload_pack(&payload, format, contents, SMALL);
	for (size_t i = 0; i < payload.stream_bytes; i++) {
		for (unsigned int bit = 0; bit < 8; bit++)
			flip(format, &payload, i, (uint8_t)(1u << bit), contents, SMALL);
		flip(format, &payload, i, 0xff, contents, SMALL);
	}
	payload_free(&payload);
	payload_pack(&payload, format, contents, BIG);
	for (size_t i = 0; i < TRIES; i++)
		flip(format, &payload, next_random(&state) % payload.stream_bytes,
		     (uint8_t)(1 + next_random(&state) % 255), contents, BIG);
	payload_free(&payload);
	free(contents);
}
END_TEST

/* Any bytes behind a stream's first ones, and any format's stream taken for any other's. */
START_TEST(nonsense)
{
	enum { STREAM = 3000, TO = 20000, TRIES = 400 };
	enum unpack_format format = (enum unpack_format)_i;
	uint8_t *contents = make_contents(TO);
	struct payload payload, random;
	uint32_t state = 3;

	for (int other = 1; other < UNPACK_FORMATS; other++) {
		payload_pack(&payload, (enum unpack_format)other, contents, TO);
		if (other != (int)format)
			ck_assert_int_lt(unpack_and_compare(format, &payload, contents, TO), 0);
		payload_free(&payload);
	}
	payload_pack(&payload, format, contents, TO);
	for (int i = 0; i < TRIES; i++) {
		size_t keep = next_random(&state) % 40;

		payload_of_stream(&random, format, payload.bytes, STREAM, TO);
		for (size_t k = keep; k < STREAM; k++)
			random.bytes[k] = (uint8_t)next_random(&state);
		ck_assert_int_ne(unpack_and_compare(format, &random, contents, TO), 0);
		payload_free(&random);
	}
	payload_free(&payload);
	free(contents);
}
END_TEST

/* What follows the stream inside the payload is not looked at, in lz4 as far as it can be. */
START_TEST(bytes_behind_the_end)
{
	enum { BYTES = 5000, BEHIND = 100 };
	enum unpack_format format = (enum unpack_format)_i;
	uint8_t *contents = make_contents(BYTES);
	uint8_t *stream;
	struct payload whole, payload;

	payload_pack(&whole, format, contents, BYTES);
	stream = calloc(1, whole.stream_bytes + BEHIND);
	must(stream != NULL);
	memcpy(stream, whole.bytes, whole.stream_bytes);
	payload_of_stream(&payload, format, stream, whole.stream_bytes + BEHIND, BYTES);
	unpacks_to(format, &payload, contents, BYTES);
	payload_free(&payload);
	/* The same stream once more. */
	memcpy(stream + whole.stream_bytes, whole.bytes,
	       whole.stream_bytes < BEHIND ? whole.stream_bytes : BEHIND);
	payload_of_stream(&payload, format, stream, whole.stream_bytes + BEHIND, BYTES);
	if (format == UNPACK_LZ4)
		refused(format, &payload, BYTES, EFBIG, "more than the 5000 bytes");
	else
		unpacks_to(format, &payload, contents, BYTES);
	payload_free(&payload);
	payload_free(&whole);
	free(stream);
	free(contents);
}
END_TEST

/* Refused before more than the promised is made of it. */
static void bomb(enum unpack_format format, const struct payload *payload, size_t promised_bytes)
{
	enum { SPEC_MAX_NS = 50000000 };

	refused(format, payload, promised_bytes, EFBIG, "unpacks to more than the ");
	ck_assert_msg(spent_ns < SPEC_MAX_NS, "%s: %llu ns of processor time",
		      unpack_format_name(format), (unsigned long long)spent_ns);
}

START_TEST(bombs)
{
	enum unpack_format format = (enum unpack_format)_i;
	uint8_t *zeros = calloc(1, 32 * MIB);
	struct payload payload;

	must(zeros != NULL);
	payload_pack(&payload, format, zeros, 32 * MIB);
	bomb(format, &payload, 65536);
	bomb(format, &payload, 1);
	payload_free(&payload);
	free(zeros);
}
END_TEST

/* 1 GiB of zeros: 1024 times the same MiB, packed so that it does not look back. */
START_TEST(bomb_gzip)
{
	enum { TIMES = 1024, HEAD = 10, TAIL = 2 + 8 };
	uint8_t *zeros = calloc(1, MIB), *packed = calloc(1, HEAD + TIMES * 2048 + TAIL);
	z_stream z = {
		.next_in = zeros, .avail_in = MIB, .next_out = packed + HEAD, .avail_out = 2048
	};
	struct payload payload;
	size_t piece, at;

	must(zeros != NULL && packed != NULL);
	ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	ck_assert_int_eq(deflate(&z, Z_FULL_FLUSH), Z_OK);
	piece = z.total_out;
	(void)deflateEnd(&z);
	memcpy(packed, tool_gzip, HEAD);
	for (at = HEAD + piece; at < HEAD + TIMES * piece; at += piece)
		memcpy(packed + at, packed + HEAD, piece);
	packed[at] = 3; /* the last block, empty; the size is the last four bytes */
	packed[at + 2 + 7] = 0x40;
	payload_of_stream(&payload, UNPACK_GZIP, packed, at + TAIL, 0);
	bomb(UNPACK_GZIP, &payload, MIB);
	bomb(UNPACK_GZIP, &payload, 12345);
	payload_free(&payload);
	free(packed);
	free(zeros);
}
END_TEST

/* RFC 8878, "RLE_Block": 1 GiB in 32 KiB. */
START_TEST(bomb_zstd)
{
	enum { TIMES = 8192 };
	static uint8_t packed[6 + TIMES * 4] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58 };
	static const uint8_t block[] = { 0x02, 0x00, 0x10, 0x00 }; /* 128 KiB of 0 */
	struct payload payload;

	for (size_t i = 0; i < TIMES; i++)
		memcpy(packed + 6 + i * sizeof(block), block, sizeof(block));
	packed[6 + (TIMES - 1) * sizeof(block)] |= 1; /* the last */
	payload_of_stream(&payload, UNPACK_ZSTD, packed, sizeof(packed), 0x40000000);
	bomb(UNPACK_ZSTD, &payload, MIB);
	bomb(UNPACK_ZSTD, &payload, 12345);
	payload_free(&payload);
}
END_TEST

/* A small file costs little memory, whatever its header asks for. */
static void accepted_in_16_mib(enum unpack_format format, const uint8_t *stream,
			       size_t stream_bytes)
{
	struct rusage before, after;
	struct payload payload;

	payload_of_stream(&payload, format, stream, stream_bytes, sizeof(text));
	must(getrusage(RUSAGE_SELF, &before) == 0);
	unpacks_to(format, &payload, text, sizeof(text));
	must(getrusage(RUSAGE_SELF, &after) == 0);
#ifndef __SANITIZE_ADDRESS__
	ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 16 << 10);
#endif
	payload_free(&payload);
}

static void refused_stream(enum unpack_format format, const uint8_t *stream, size_t stream_bytes,
			   size_t promised_bytes, int code, const char *what)
{
	struct payload payload;

	payload_of_stream(&payload, format, stream, stream_bytes, (uint32_t)promised_bytes);
	refused(format, &payload, promised_bytes, code, what);
	payload_free(&payload);
}

/* Changes the dictionary in the xz stream's block header, and the checksum of that. */
static void put_xz_dictionary(uint8_t *stream, uint8_t dictionary)
{
	enum { BLOCK_HEADER = 12, DICTIONARY = 18, CHECKSUM = 20 };
	uint32_t sum;

	stream[DICTIONARY] = dictionary;
	sum = lzma_crc32(stream + BLOCK_HEADER, CHECKSUM - BLOCK_HEADER, 0);
	for (size_t i = 0; i < sizeof(sum); i++)
		stream[CHECKSUM + i] = (uint8_t)(sum >> 8 * i);
}

/* The .xz file format 1.0.4, 5.3.1: 30 is 128 MiB, 31 is 192 MiB, 40 is 4 GiB. */
START_TEST(xz_dictionaries)
{
	uint8_t stream[sizeof(tool_xz)];

	memcpy(stream, tool_xz, sizeof(stream));
	put_xz_dictionary(stream, 30);
	accepted_in_16_mib(UNPACK_XZ, stream, sizeof(stream));
	put_xz_dictionary(stream, 31);
	refused_stream(UNPACK_XZ, stream, sizeof(stream), sizeof(text), EBADMSG,
		       "a dictionary of more than 128 MiB");
	put_xz_dictionary(stream, 40);
	refused_stream(UNPACK_XZ, stream, sizeof(stream), sizeof(text), EBADMSG,
		       "a dictionary of more than 128 MiB");
	put_xz_dictionary(stream, 41);
	refused_stream(UNPACK_XZ, stream, sizeof(stream), sizeof(text), EBADMSG,
		       "its header is wrong");
}
END_TEST

START_TEST(lzma_dictionaries)
{
	static const uint8_t dictionaries[][4] = {
		{ 0, 0, 0, 0 },
		{ 0, 0, 1, 0 },
		{ 0, 0, 0, 2 },
		{ 0, 0, 0, 8 },
	};
	uint8_t stream[sizeof(tool_lzma)];

	memcpy(stream, tool_lzma, sizeof(stream));
	for (size_t i = 0; i < sizeof(dictionaries) / sizeof(dictionaries[0]); i++) {
		memcpy(stream + 1, dictionaries[i], sizeof(dictionaries[i]));
		accepted_in_16_mib(UNPACK_LZMA, stream, sizeof(stream));
	}
	memcpy(stream + 1, "\0\0\0\x10", 4);
	refused_stream(UNPACK_LZMA, stream, sizeof(stream), sizeof(text), EBADMSG,
		       "a dictionary of more than 128 MiB");
}
END_TEST

/* The header of an lzma stream may tell the size, and then there need be no end mark. */
START_TEST(lzma_that_tells_its_size)
{
	enum { HEADER = 13, BYTES = 100000 };
	uint8_t *contents = make_contents(BYTES), *stream = calloc(1, 2 * BYTES);
	lzma_options_lzma options;
	lzma_filter filters[] = { { LZMA_FILTER_LZMA1EXT, &options }, { LZMA_VLI_UNKNOWN, NULL } };
	struct payload payload;
	size_t used = HEADER;

	must(stream != NULL && !lzma_lzma_preset(&options, 1));
	options.ext_flags = 0;
	options.ext_size_low = BYTES;
	options.ext_size_high = 0;
	ck_assert_int_eq(lzma_raw_buffer_encode(filters, NULL, contents, BYTES, stream, &used,
						2 * BYTES),
			 LZMA_OK);
	memcpy(stream, "\x5d\0\0\x10\0\xa0\x86\x01\0\0\0\0\0", HEADER); /* 1 MiB, 100000 */
	payload_of_stream(&payload, UNPACK_LZMA, stream, used, BYTES);
	unpacks_to(UNPACK_LZMA, &payload, contents, BYTES);
	refused(UNPACK_LZMA, &payload, BYTES - 1, EFBIG, "more than the 99999 bytes");
	refused(UNPACK_LZMA, &payload, BYTES + 1, EBADMSG, "unpacks to 100000 bytes");
	payload_free(&payload);
	refused_stream(UNPACK_LZMA, stream, used - 20, BYTES, EBADMSG, "it ends early");
	stream[12] = 1; /* 2^56 and some more bytes */
	refused_stream(UNPACK_LZMA, stream, used, BYTES, EFBIG, "more than the 100000 bytes");
	free(stream);
	free(contents);
}
END_TEST

/* RFC 8878, "Frame_Header": a window of 2 GiB; a size in the header, right and wrong; two frames. */
START_TEST(zstd_headers)
{
	static const uint8_t window[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0xa9, 0x00, 0x00 };
	static const uint8_t sized[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x20, 21, 0xa9, 0x00, 0x00 };
	uint8_t stream[2 * (sizeof(sized) + sizeof(text))];
	size_t n = sizeof(sized) + sizeof(text);

	memcpy(stream, window, sizeof(window));
	memcpy(stream + sizeof(window), text, sizeof(text));
	accepted_in_16_mib(UNPACK_ZSTD, stream, n);
	memcpy(stream, sized, sizeof(sized));
	accepted_in_16_mib(UNPACK_ZSTD, stream, n);
	memcpy(stream + n, stream, n);
	accepted_in_16_mib(UNPACK_ZSTD, stream, 2 * n);
	refused_stream(UNPACK_ZSTD, stream, n, 20, EFBIG, "more than the 20 bytes");
	stream[5] = 22;
	refused_stream(UNPACK_ZSTD, stream, n, 22, EBADMSG, "data or its checksum is wrong");
	stream[5] = 20;
	refused_stream(UNPACK_ZSTD, stream, n, sizeof(text), EBADMSG, "is damaged");
}
END_TEST

/* A file of lzop with one block, as [LINUX] lib/decompress_unlzo.c reads it. */
struct lzop {
	bool old; /* before version 0x0940: no level, no high half of the time */
	bool filter;
	uint8_t flags_low; /* Adler-32 of the data: 1 */
	uint8_t name_bytes;
	uint32_t unpacked_bytes, packed_bytes, checksum;
};

static uint8_t *put_big32(uint8_t *at, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*at++ = (uint8_t)(v >> shift);
	return at;
}

static size_t make_lzop(const struct lzop *lzop, uint8_t *stream)
{
	uint8_t *at = stream;

	memcpy(at, tool_lzo, 15); /* magic and three versions */
	at[9] = lzop->old ? 0x09 : 0x10;
	at[10] = lzop->old ? 0x3f : 0x40;
	at += 15;
	*at++ = 3;
	if (!lzop->old)
		*at++ = 9;
	at = put_big32(at, 0x03000000u | (lzop->filter ? 0x800 : 0) | lzop->flags_low);
	at += (lzop->filter ? 4 : 0) + 4 + 4 + (lzop->old ? 0 : 4);
	*at++ = lzop->name_bytes;
	at += lzop->name_bytes + 4;
	at = put_big32(at, lzop->unpacked_bytes);
	at = put_big32(at, lzop->packed_bytes);
	at = put_big32(at, lzop->checksum);
	memcpy(at, text, sizeof(text));
	at = put_big32(at + sizeof(text), 0);
	return (size_t)(at - stream);
}

START_TEST(lzop_headers)
{
	enum { SUM = 0x57c20792 }; /* of the text, as lzop put it */
	static const struct {
		struct lzop lzop;
		const char *refusal;
	} cases[] = {
		{ { false, false, 1, 0, 21, 21, SUM }, NULL },
		{ { true, false, 1, 0, 21, 21, SUM }, NULL },
		{ { false, true, 1, 0, 21, 21, SUM }, NULL },
		{ { true, true, 1, 7, 21, 21, SUM }, NULL },
		{ { false, false, 1, 255, 21, 21, SUM }, NULL },
		{ { false, false, 0, 0, 21, 21, 0 }, NULL },
		{ { false, false, 1, 0, 21, 21, SUM + 1 }, "checksum is wrong" },
		{ { false, false, 1, 0, 21, 22, SUM }, "data or its checksum is wrong" },
		{ { false, false, 1, 0, 21, 0, SUM }, "data or its checksum is wrong" },
		{ { false, false, 1, 0, 21, 20, SUM }, "data or its checksum is wrong" },
		{ { false, false, 1, 0, 0x40001, 21, SUM }, "more than 256 KiB" },
		{ { false, false, 1, 0, 0xffffffff, 21, SUM }, "more than 256 KiB" },
	};
	uint8_t stream[400];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n;

		memset(stream, 0, sizeof(stream));
		n = make_lzop(&cases[i].lzop, stream);
		if (cases[i].refusal)
			refused_stream(UNPACK_LZO, stream, n, sizeof(text), EBADMSG,
				       cases[i].refusal);
		else
			accepted_in_16_mib(UNPACK_LZO, stream, n);
	}
}
END_TEST

/* A block with fewer bytes in it than it says, and no checksum to tell. */
START_TEST(lzop_block_too_short)
{
	enum { BYTES = 1000, FLAGS_LOW = 20, UNPACKED_LOW = 41 };
	static const uint8_t zeros[BYTES];
	struct payload payload;

	payload_pack(&payload, UNPACK_LZO, zeros, BYTES);
	payload.bytes[FLAGS_LOW] = 0;
	unpacks_to(UNPACK_LZO, &payload, zeros, BYTES);
	payload.bytes[UNPACKED_LOW]++;
	refused(UNPACK_LZO, &payload, BYTES + 1, EBADMSG, "data or its checksum is wrong");
	payload_free(&payload);
}
END_TEST

START_TEST(lz4_frames)
{
	static const uint8_t end[] = { 0, 0, 0, 0, 1, 2, 3, 4, 5 };
	uint8_t stream[3 * sizeof(tool_lz4)] = { 0 };
	uint8_t *big = calloc(1, 10 * MIB), *packed = calloc(1, 10 * MIB);
	size_t n = sizeof(tool_lz4);
	struct payload payload;

	must(big != NULL && packed != NULL);
	memcpy(stream, tool_lz4, 4); /* an empty frame, and another */
	memcpy(stream + 4, tool_lz4, n);
	accepted_in_16_mib(UNPACK_LZ4, stream, 4 + n);
	for (size_t behind = 1; behind < 4; behind++)
		accepted_in_16_mib(UNPACK_LZ4, stream, 4 + n + behind);
	memcpy(stream + 4 + n, end, sizeof(end));
	accepted_in_16_mib(UNPACK_LZ4, stream, 4 + n + sizeof(end));
	stream[4 + n] = 1;
	refused_stream(UNPACK_LZ4, stream, 4 + n + 5, sizeof(text), EFBIG, "more than the 21");
	/* One block with more in it than Linux makes room for, and one longer than that can be. */
	payload_pack(&payload, UNPACK_LZ4, big, 8 * MIB);
	memcpy(packed, payload.bytes, 4);
	payload_free(&payload);
	memcpy(packed + 4, "\x98\x89\x98\0", 4); /* 0x988998: 9.5 MiB */
	refused_stream(UNPACK_LZ4, packed, 10 * MIB, 10 * MIB, EBADMSG, "more than 8 MiB");
	free(packed);
	free(big);
}
END_TEST

/* No memory is told as that. */
START_TEST(no_memory)
{
#ifndef __SANITIZE_ADDRESS__
	uint8_t stream[sizeof(tool_xz)];
	struct payload payload;
	struct kernel kernel;
	struct rlimit limit = { 64 * MIB, 64 * MIB };
	uint8_t to[sizeof(text)];

	memcpy(stream, tool_xz, sizeof(stream));
	put_xz_dictionary(stream, 30);
	payload_of_stream(&payload, UNPACK_XZ, stream, sizeof(stream), sizeof(text));
	kernel_init(&kernel, UNPACK_XZ, &payload);
	must(setrlimit(RLIMIT_AS, &limit) == 0);
	ck_assert_int_eq(unpack_payload(&kernel.file, &kernel.image, to, sizeof(to), &error),
			 -ENOMEM);
	ck_assert_msg(strstr(error.text, "no memory for unpacking it") != NULL, "%s", error.text);
	kernel_finish(&kernel);
	payload_free(&payload);
#endif
}
END_TEST

static void add_for_each_format(TCase *tc)
{
	tcase_add_loop_test(tc, round_trips, 1, UNPACK_FORMATS);
	tcase_add_loop_test(tc, from_a_file, 1, UNPACK_FORMATS);
	tcase_add_loop_test(tc, shrinking_file, 1, UNPACK_FORMATS);
	tcase_add_loop_test(tc, size_that_is_told, 1, UNPACK_FORMATS);
	tcase_add_loop_test(tc, wrong_promises, 1, UNPACK_FORMATS);
	tcase_add_loop_test(tc, nothing_inside, 1, UNPACK_FORMATS);
	tcase_add_loop_test(tc, cut_streams, 1, UNPACK_FORMATS);
	tcase_add_loop_test(tc, flipped_bytes, 1, UNPACK_FORMATS);
	tcase_add_loop_test(tc, nonsense, 1, UNPACK_FORMATS);
	tcase_add_loop_test(tc, bytes_behind_the_end, 1, UNPACK_FORMATS);
	tcase_add_loop_test(tc, bombs, 1, UNPACK_FORMATS);
}

int main(void)
{
	Suite *s = suite_create("unpack");
	TCase *tc = tcase_create("payload");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 300); /* under sanitizers, beside other work */
	tcase_add_test(tc, names);
	tcase_add_test(tc, magic_numbers);
	tcase_add_test(tc, streams_of_the_tools);
	tcase_add_test(tc, checksums);
	tcase_add_test(tc, nothing_to_unpack);
	tcase_add_test(tc, more_packed_than_unpacked);
	tcase_add_test(tc, bomb_gzip);
	tcase_add_test(tc, bomb_zstd);
	tcase_add_test(tc, xz_dictionaries);
	tcase_add_test(tc, lzma_dictionaries);
	tcase_add_test(tc, lzma_that_tells_its_size);
	tcase_add_test(tc, zstd_headers);
	tcase_add_test(tc, lzop_headers);
	tcase_add_test(tc, lzop_block_too_short);
	tcase_add_test(tc, lz4_blocks);
	tcase_add_test(tc, lz4_frames);
	tcase_add_test(tc, no_memory);
	add_for_each_format(tc);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
