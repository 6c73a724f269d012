/* SPDX-License-Identifier: MIT */
/*
 * The zoo's payloads (U): bzImages whose headers are in order and whose payloads are not, in each
 * of the seven formats that Linux packs itself in.
 *
 * The host unpacks a payload whose format it knows, and refuses the image when what comes out is
 * not, to the byte, what the image promises: a size in the payload's last four bytes, and an ELF
 * kernel. With --unpack=guest it does not look at it, and with a format that it does not know it
 * leaves it to the guest as well.
 *
 * Where a format has a checksum, a byte that was changed must be found; lzma and lz4 have none, so
 * that such a change may end either way, but in order.
 *
 * Authority: [BOOT] "Details of Header Fields", payload_offset, payload_length; [LINUX]
 * scripts/Makefile.lib, size_append; the formats' own documents.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/common/bootspec.h"
#include "tests/common/payload.h"
#include "tests/malformed/zoo_elf.h"
#include "vmm/base/le.h"
#include "vmm/base/must.h"

typedef unsigned long long ull;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	PAYLOAD_AT = 0x400, /* of the protected-mode part */
	SIZE_BYTES = 4,
	BOMB_BYTES = 32 << 20,
	BOMB_PROMISE = 1 << 20,
	/* Where no format has bytes any more that nobody checks: names, times, flags. */
	HEADER_BYTES = 48,
};

/* A format, and the good kernel packed in it. */
struct format {
	enum unpack_format format;
	const char *name;
	bool has_checksum;
	struct payload good;
};

static struct format formats[] = {
	{ .format = UNPACK_GZIP, .name = "gzip", .has_checksum = true },
	{ .format = UNPACK_BZIP2, .name = "bzip2", .has_checksum = true },
	{ .format = UNPACK_LZMA, .name = "lzma" },
	{ .format = UNPACK_XZ, .name = "xz", .has_checksum = true },
	{ .format = UNPACK_LZO, .name = "lzo", .has_checksum = true },
	{ .format = UNPACK_LZ4, .name = "lz4" },
	{ .format = UNPACK_ZSTD, .name = "zstd", .has_checksum = true },
};

/* A bzImage with these bytes as its payload. */
static void make_image(struct image *image, const uint8_t *payload, size_t size)
{
	size_t kernel_bytes = (PAYLOAD_AT + size + 15) & ~(size_t)15;

	image_init(image);
	memset(image->bytes + IMAGE_SETUP_BYTES + PAYLOAD_AT, 0, IMAGE_KERNEL_BYTES - PAYLOAD_AT);
	image_resize(image, IMAGE_SETUP_BYTES + kernel_bytes);
	memcpy(image->bytes + IMAGE_SETUP_BYTES + PAYLOAD_AT, payload, size);
	image_put(image, SPEC_SYSSIZE, 4, kernel_bytes / SPEC_PARAGRAPH);
	image_put(image, SPEC_PAYLOAD_OFFSET, 4, PAYLOAD_AT);
	image_put(image, SPEC_PAYLOAD_LENGTH, 4, size);
}

static void end_image(struct zoo *zoo, struct image *image, enum zoo_class class, const char *words)
{
	zoo_kernel(zoo, image->bytes, image->size_bytes);
	zoo_end(zoo, class, words);
	image_free(image);
}

static void end_payload(struct zoo *zoo, const uint8_t *payload, size_t size, enum zoo_class class,
			const char *words)
{
	struct image image;

	make_image(&image, payload, size);
	end_image(zoo, &image, class, words);
}

/* A payload that the host refuses; the guest, if it is left to it, has to see for itself. */
static void end_damaged(struct zoo *zoo, const char *name, const uint8_t *payload, size_t size,
			const char *words)
{
	zoo_begin(zoo, "%s", name);
	end_payload(zoo, payload, size, ZOO_REFUSED, words);
	zoo_begin(zoo, "%s-for-the-guest", name);
	zoo_argument(zoo, "--unpack=guest");
	end_payload(zoo, payload, size, ZOO_GUEST, NULL);
}

/* The stream of a payload, changed, with its size behind it where the format wants it there. */
static void end_stream(struct zoo *zoo, const struct format *f, const uint8_t *stream, size_t size,
		       enum zoo_class class)
{
	struct payload payload;

	payload_of_stream(&payload, f->format, stream, size, ZOO_ELF_BYTES);
	end_payload(zoo, payload.bytes, payload.size_bytes, class,
		    class == ZOO_REFUSED ? "payload" : NULL);
	payload_free(&payload);
}

static void good_ones(struct zoo *zoo, const struct format *f)
{
	static const char *const modes[] = { "auto", "host", "guest" };

	for (size_t i = 0; i < COUNT(modes); i++) {
		zoo_begin(zoo, "U01-%s-%s", f->name, modes[i]);
		zoo_argument(zoo, "--unpack=%s", modes[i]);
		end_payload(zoo, f->good.bytes, f->good.size_bytes, ZOO_ACCEPTED, NULL);
	}
	zoo_begin(zoo, "U01-%s-run", f->name);
	zoo_argument(zoo, "--unpack=host");
	zoo_argument(zoo, "-timeout");
	zoo_argument(zoo, "1");
	end_payload(zoo, f->good.bytes, f->good.size_bytes, ZOO_RUN, "0");
}

/* U02: the stream ends early, anywhere. */
static void cut(struct zoo *zoo, const struct format *f)
{
	static const size_t fewer[] = { 1, 2, 4, 5, 8, 12 };
	size_t all = f->good.stream_bytes;

	for (size_t i = 1; i < 24; i++) {
		zoo_begin(zoo, "U02-%s-cut-%zu-of-24", f->name, i);
		end_stream(zoo, f, f->good.bytes, all * i / 24, ZOO_REFUSED);
	}
	for (size_t i = 0; i < COUNT(fewer); i++) {
		zoo_begin(zoo, "U02-%s-cut-by-%zu", f->name, fewer[i]);
		end_stream(zoo, f, f->good.bytes, all - fewer[i], ZOO_REFUSED);
	}
}

/* U03: a byte of the stream is another. */
static void changed(struct zoo *zoo, const struct format *f)
{
	enum { PLACES = 40 };
	size_t all = f->good.stream_bytes;

	for (size_t i = 0; i < PLACES + HEADER_BYTES; i++) {
		size_t at =
			i < PLACES ? HEADER_BYTES + (all - HEADER_BYTES) * i / PLACES : i - PLACES;
		bool must_be_found = f->has_checksum && at >= HEADER_BYTES;

		f->good.bytes[at] ^= 0x55;
		zoo_begin(zoo, "U03-%s-byte-%zu", f->name, at);
		end_stream(zoo, f, f->good.bytes, all, must_be_found ? ZOO_REFUSED : ZOO_EITHER);
		f->good.bytes[at] ^= 0x55;
	}
}

/* U04: the size that is promised, beside the size that comes out. The header grants 8 MiB. */
static void promises(struct zoo *zoo, const struct format *f)
{
	static const struct {
		const char *name;
		uint32_t size;
		const char *words;
	} cases[] = {
		{ "0", 0, "payload" },
		{ "1", 1, "payload" },
		{ "one-less", ZOO_ELF_BYTES - 1, "payload" },
		{ "one-more", ZOO_ELF_BYTES + 1, "payload" },
		{ "64-KiB", 65536, "payload" },
		{ "init_size", IMAGE_INIT_SIZE, "payload" },
		{ "beyond-init_size", IMAGE_INIT_SIZE + 1, "payload|init_size" },
		{ "2-GiB", 0x80000000, "payload|init_size" },
		{ "all-ones", 0xffffffff, "payload|init_size" },
	};
	struct image image;
	char name[64];

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t *last = f->good.bytes + f->good.size_bytes - SIZE_BYTES;

		(void)snprintf(name, sizeof(name), "U04-%s-promises-%s", f->name, cases[i].name);
		put_le32(last, cases[i].size);
		end_damaged(zoo, name, f->good.bytes, f->good.size_bytes, cases[i].words);
		put_le32(last, ZOO_ELF_BYTES);
	}
	/* A header that grants as much as is promised: nothing is touched that does not come out. */
	make_image(&image, f->good.bytes, f->good.size_bytes);
	image_put(&image, IMAGE_SETUP_BYTES + PAYLOAD_AT + f->good.size_bytes - SIZE_BYTES, 4,
		  2 * GIB);
	image_put(&image, SPEC_INIT_SIZE, 4, 2 * GIB);
	zoo_begin(zoo, "U04-%s-promises-2-GiB-and-init_size-too", f->name);
	zoo_argument(zoo, "-m");
	zoo_argument(zoo, "4G");
	end_image(zoo, &image, ZOO_REFUSED, "payload");
}

/* U05: 32 MiB of zeros in a few bytes, behind the promise of 1 MiB; and an honest one. */
static void bomb(struct zoo *zoo, const struct format *f)
{
	uint8_t *zeros = calloc(1, BOMB_BYTES);
	struct payload payload;
	char name[64];

	must(zeros != NULL);
	payload_pack(&payload, f->format, zeros, BOMB_BYTES);
	(void)snprintf(name, sizeof(name), "U05-%s-bomb-beyond-init_size", f->name);
	end_damaged(zoo, name, payload.bytes, payload.size_bytes, "payload|init_size");
	put_le32(payload.bytes + payload.size_bytes - SIZE_BYTES, BOMB_PROMISE);
	(void)snprintf(name, sizeof(name), "U05-%s-bomb", f->name);
	end_damaged(zoo, name, payload.bytes, payload.size_bytes, "payload");
	payload_free(&payload);
	free(zeros);
}

/*
 * U05: a zstd frame of 2 GiB in 64 KiB, blocks of 128 KiB that are one byte many times over, and the
 * header says so: in 128 MiB of RAM there is no room for that, which can be told without unpacking.
 */
static void honest_bomb(struct zoo *zoo)
{
	static const uint8_t front[] = { 0x28, 0xb5, 0x2f, 0xfd, 0, 0x58 };
	enum { BLOCK_BYTES = 128 << 10, BLOCKS = (2 << 20) / 128, RLE = 1 };
	static uint8_t bytes[sizeof(front) + 4 * BLOCKS + SIZE_BYTES];
	static const char *const modes[] = { "auto", "host", "guest" };

	memcpy(bytes, front, sizeof(front));
	for (size_t i = 0; i < BLOCKS; i++)
		put_le32(bytes + sizeof(front) + 4 * i,
			 BLOCK_BYTES << 3 | RLE << 1 | (i == BLOCKS - 1));
	put_le32(bytes + sizeof(bytes) - SIZE_BYTES, 2 * GIB);
	for (size_t i = 0; i < COUNT(modes); i++) {
		struct image image;

		make_image(&image, bytes, sizeof(bytes));
		image_put(&image, SPEC_INIT_SIZE, 4, 2 * GIB);
		zoo_begin(zoo, "U05-zstd-bomb-of-2-GiB-%s", modes[i]);
		zoo_argument(zoo, "--unpack=%s", modes[i]);
		end_image(zoo, &image, ZOO_REFUSED, "init_size|-m 2064M");
	}
}

/* U05: a payload of 2 GiB that is not there (a hole in the file), and unpacks to 1 MiB, or to 2 GiB. */
static void hollow(struct zoo *zoo)
{
	static const uint64_t promises[] = { MIB, 2 * GIB };
	const uint64_t kernel_bytes = 2 * GIB;

	for (size_t i = 0; i < COUNT(promises) * COUNT(formats); i++) {
		const struct format *f = &formats[i / COUNT(promises)];
		uint64_t promise = promises[i % COUNT(promises)];
		uint8_t size[SIZE_BYTES];
		struct image image;

		make_image(&image, f->good.bytes, f->good.size_bytes);
		image_put(&image, SPEC_SYSSIZE, 4, kernel_bytes / SPEC_PARAGRAPH);
		image_put(&image, SPEC_PAYLOAD_LENGTH, 4, kernel_bytes - PAYLOAD_AT);
		image_put(&image, SPEC_INIT_SIZE, 4, kernel_bytes);
		put_le32(size, (uint32_t)promise);
		zoo_begin(zoo, "U05-%s-hollow-%llx", f->name, (ull)promise);
		must(zoo_sparse(zoo, "", IMAGE_SETUP_BYTES + kernel_bytes));
		zoo_write(zoo, "", 0, image.bytes, image.size_bytes);
		zoo_write(zoo, "", IMAGE_SETUP_BYTES + kernel_bytes - SIZE_BYTES, size,
			  sizeof(size));
		zoo_names_file(zoo, "");
		zoo_argument(zoo, "-kernel");
		zoo_argument(zoo, "%s", zoo->name);
		zoo_argument(zoo, "-m");
		zoo_argument(zoo, promise == MIB ? "4G" : "128");
		zoo_end(zoo, ZOO_REFUSED, promise == MIB ? "payload_length" : "init_size");
		image_free(&image);
	}
}

/* U06: a bad ELF kernel inside. */
static void inside(struct zoo *zoo, const struct format *f, const char *name, const void *bytes,
		   size_t size, const char *words)
{
	struct payload payload;
	char full[80];

	payload_pack(&payload, f->format, bytes, size);
	(void)snprintf(full, sizeof(full), "U06-%s-%s", f->name, name);
	end_damaged(zoo, full, payload.bytes, payload.size_bytes, words);
	payload_free(&payload);
}

/* U06: nothing inside that could be entered at 64 bits. The guest's own code may know it. */
static void foreign(struct zoo *zoo, const struct format *f, const char *name, const void *bytes,
		    size_t size, const char *words)
{
	struct payload payload;

	payload_pack(&payload, f->format, bytes, size);
	zoo_begin(zoo, "U06-%s-%s", f->name, name);
	end_payload(zoo, payload.bytes, payload.size_bytes, ZOO_GUEST, NULL);
	zoo_begin(zoo, "U06-%s-%s-for-the-host", f->name, name);
	zoo_argument(zoo, "--unpack=host");
	end_payload(zoo, payload.bytes, payload.size_bytes, ZOO_REFUSED, words);
	payload_free(&payload);
}

static void insides(struct zoo *zoo, const struct format *f)
{
	static const struct {
		const char *name;
		size_t offset, width; /* of a field of the good ELF kernel */
		uint64_t value;
		const char *words;
	} fields[] = {
		{ "of-32-bits", 4, 1, 1, "32-bit" },
		{ "big-endian", 5, 1, 2, "EI_DATA" },
		{ "of-arm64", 18, 2, 183, "arm64" },
		{ "module", 16, 2, 1, "e_type" },
		{ "without-headers", 56, 2, 0, "e_phnum" },
		{ "headers-beyond-the-end", 32, 8, UINT64_MAX - 55, "e_phoff" },
		{ "segment-beyond-the-end", 64 + 8, 8, ZOO_ELF_BYTES, "p_offset" },
		{ "segment-wraps", 64 + 8, 8, UINT64_MAX - 0xfff, "p_offset" },
		{ "segments-overlap", 64 + 56 + 24, 8, 16 * MIB, "overlap" },
		{ "segment-beyond-RAM", 64 + 56 + 24, 8, 128 * MIB, "p_paddr" },
		{ "segment-in-the-hole", 64 + 56 + 24, 8, 0xfee00000, "p_paddr" },
		{ "segment-in-low-memory", 64 + 56 + 24, 8, 0x7000, "p_paddr" },
		{ "memory-beyond-RAM", 64 + 56 + 40, 8, GIB, "p_memsz" },
	};
	static const uint8_t zeros[4096], magic[] = { 0x7f, 'E', 'L', 'F' };
	uint8_t elf[ZOO_ELF_BYTES];
	struct image image;

	for (size_t i = 0; i < COUNT(fields); i++) {
		zoo_elf(elf);
		zoo_elf_put(elf, fields[i].offset, fields[i].width, fields[i].value);
		inside(zoo, f, fields[i].name, elf, sizeof(elf), fields[i].words);
	}
	zoo_elf(elf);
	inside(zoo, f, "half-an-elf", elf, sizeof(elf) / 2, "p_offset");
	inside(zoo, f, "elf-header", elf, 63, "ELF");
	inside(zoo, f, "elf-magic", magic, sizeof(magic), "ELF");
	zoo_elf(elf);
	zoo_elf_put(elf, 24, 8, 0);
	foreign(zoo, f, "only-pvh", elf, sizeof(elf), "64-bit");
	foreign(zoo, f, "zeros", zeros, sizeof(zeros), "ELF");
	foreign(zoo, f, "a-byte", "x", 1, "ELF");
	zoo_image(&image);
	foreign(zoo, f, "bzImage", image.bytes, image.size_bytes, "ELF");
	image_free(&image);
}

/* U07: a payload of a few bytes; shorter than its magic number, it is of no known format. */
static void short_ones(struct zoo *zoo, const struct format *f)
{
	for (size_t n = 0; n <= 24; n++) {
		zoo_begin(zoo, "U07-%s-%zu-bytes", f->name, n);
		end_payload(zoo, f->good.bytes, n, n < 6 ? ZOO_EITHER : ZOO_REFUSED,
			    n < 6 ? NULL : "payload");
	}
}

/* U08: what is wanted of the host, and cannot be had. */
static void modes(struct zoo *zoo)
{
	static const uint8_t unknown[64] = "no format that anybody knows";
	static const char *const modes[] = { "auto", "guest", "host" };

	for (size_t i = 0; i < COUNT(modes); i++) {
		bool host = strcmp(modes[i], "host") == 0;
		struct image image;

		zoo_begin(zoo, "U08-unknown-format-%s", modes[i]);
		zoo_argument(zoo, "--unpack=%s", modes[i]);
		end_payload(zoo, unknown, sizeof(unknown), host ? ZOO_REFUSED : ZOO_GUEST,
			    host ? "payload|format" : NULL);
		zoo_begin(zoo, "U08-no-payload-%s", modes[i]);
		zoo_argument(zoo, "--unpack=%s", modes[i]);
		zoo_image(&image);
		image_put(&image, SPEC_PAYLOAD_OFFSET, 4, 0);
		end_image(zoo, &image, host ? ZOO_REFUSED : ZOO_GUEST, host ? "payload" : NULL);
	}
	zoo_begin(zoo, "U08-no-such-mode");
	zoo_argument(zoo, "-kernel");
	zoo_argument(zoo, ZOO_GOOD_KERNEL);
	zoo_argument(zoo, "--unpack=both");
	zoo_end(zoo, ZOO_REFUSED, "-unpack|both");
}

/* A stream with a field changed, of the good kernel: must be refused, or may be. */
static void with_field(struct zoo *zoo, const struct format *f, const char *name, size_t at,
		       const uint8_t *bytes, size_t size, enum zoo_class class)
{
	uint8_t saved[16];

	must(size <= sizeof(saved));
	memcpy(saved, f->good.bytes + at, size);
	memcpy(f->good.bytes + at, bytes, size);
	zoo_begin(zoo, "U09-%s-%s", f->name, name);
	end_stream(zoo, f, f->good.bytes, f->good.stream_bytes, class);
	memcpy(f->good.bytes + at, saved, size);
}

/*
 * U09: headers that ask for memory. lzma: 1 byte of properties, 4 of dictionary size, 8 of unpacked
 * size. xz: 12 bytes of stream header, then a block header: its size / 4 - 1, flags, by the flags two
 * sizes, the filters x86 (04 00) and LZMA2 (21 01 and the dictionary's size), padding, CRC32. zstd: 4 bytes of magic, a
 * descriptor, the window's size.
 */
static void memory_hogs(struct zoo *zoo)
{
	const struct format *lzma = &formats[2], *xz = &formats[3], *zstd = &formats[6];
	static const uint32_t dictionaries[] = { 0, 1, 4096, 0x10000000, 0x60000000, 0xffffffff };
	static const uint64_t sizes[] = {
		0, 1, ZOO_ELF_BYTES - 1, ZOO_ELF_BYTES + 1, 1ULL << 63, UINT64_MAX - 1
	};
	uint8_t bytes[8], *header = xz->good.bytes + 12, saved[64], *filters = header + 2;
	size_t header_bytes = (header[0] + 1u) * 4;
	char name[64];

	for (size_t i = 0; i < COUNT(dictionaries); i++) {
		put_le32(bytes, dictionaries[i]);
		(void)snprintf(name, sizeof(name), "dictionary-%x", dictionaries[i]);
		with_field(zoo, lzma, name, 1, bytes, 4, ZOO_EITHER);
	}
	for (size_t i = 0; i < COUNT(sizes); i++) {
		put_le64(bytes, sizes[i]);
		(void)snprintf(name, sizeof(name), "size-%llx", (ull)sizes[i]);
		with_field(zoo, lzma, name, 5, bytes, 8, ZOO_REFUSED);
	}
	for (unsigned int flag = 0x40; flag <= 0x80; flag *= 2) {
		while (header[1] & flag && *filters++ & 0x80)
			; /* a size, 7 bits in each byte */
	}
	must(header_bytes < sizeof(saved) && memcmp(filters, "\x04\0\x21\x01", 4) == 0);
	memcpy(saved, header, header_bytes);
	for (uint8_t dictionary = 0; dictionary <= 41; dictionary++) {
		filters[4] = dictionary;
		put_le32(header + header_bytes - 4,
			 (uint32_t)crc32(0, header, (uInt)header_bytes - 4));
		zoo_begin(zoo, "U09-xz-dictionary-%u", dictionary);
		end_stream(zoo, xz, xz->good.bytes, xz->good.stream_bytes,
			   dictionary > 40 ? ZOO_REFUSED : ZOO_EITHER);
	}
	memcpy(header, saved, header_bytes);
	for (unsigned int window = 0; window < 256; window += 8) {
		bytes[0] = (uint8_t)window;
		(void)snprintf(name, sizeof(name), "window-%02x", window);
		with_field(zoo, zstd, name, 5, bytes, 1, ZOO_EITHER);
	}
}

/* U09: sizes of blocks that lie. lz4: at 4, little-endian; lzo: two at 38, big-endian. */
static void block_sizes(struct zoo *zoo)
{
	const struct format *lzo = &formats[4], *lz4 = &formats[5];
	static const uint32_t sizes[] = { 0,          1,          0x100,      0x10000,
					  0x40000,    0x40001,    0x800000,   0x808080,
					  0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };

	for (size_t i = 0; i < COUNT(sizes); i++) {
		uint8_t bytes[4];
		char name[64];

		(void)snprintf(name, sizeof(name), "block-size-%x", sizes[i]);
		put_le32(bytes, sizes[i]);
		with_field(zoo, lz4, name, 4, bytes, 4, ZOO_REFUSED);
		put_le32(bytes, __builtin_bswap32(sizes[i]));
		with_field(zoo, lzo, name, 38, bytes, 4, ZOO_REFUSED);
		(void)snprintf(name, sizeof(name), "block-packed-size-%x", sizes[i]);
		with_field(zoo, lzo, name, 42, bytes, 4, ZOO_REFUSED);
	}
}

void zoo_payloads(struct zoo *zoo)
{
	uint8_t elf[ZOO_ELF_BYTES];

	zoo_elf(elf);
	for (struct format *f = formats; f < formats + COUNT(formats); f++) {
		payload_pack(&f->good, f->format, elf, sizeof(elf));
		good_ones(zoo, f);
		cut(zoo, f);
		changed(zoo, f);
		promises(zoo, f);
		bomb(zoo, f);
		insides(zoo, f);
		short_ones(zoo, f);
	}
	honest_bomb(zoo);
	hollow(zoo);
	modes(zoo);
	memory_hogs(zoo);
	block_sizes(zoo);
	for (struct format *f = formats; f < formats + COUNT(formats); f++)
		payload_free(&f->good);
}
