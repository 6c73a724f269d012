/* SPDX-License-Identifier: MIT */
/*
 * The zoo's initrds. The guest unpacks its initrd and decides what it takes, so that a damaged one
 * is its business; what tvmm owes is to hand over the bytes without looking into them, in constant
 * memory, and to refuse what has no room ([BOOT] "Details of Header Fields", initrd_addr_max).
 *
 * Authority: [INITRAMFS] for archives; RFC 1952 for gzip.
 */
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#include "tests/common/bootspec.h"
#include "tests/malformed/zoo.h"
#include "vmm/base/must.h"

typedef unsigned long long ull;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { ENTRY_MAX_BYTES = 512, GZIP_MAX_BYTES = 1 << 16 };

static void guest_decides(struct zoo *zoo, const char *name, const void *bytes, size_t size)
{
	zoo_begin(zoo, "I01-%s", name);
	zoo_initrd(zoo, bytes, size);
	zoo_end(zoo, ZOO_GUEST, NULL);
}

/* A gzip member, as small as it gets; returns its size. */
static size_t gzip(const void *bytes, size_t size, uint8_t *to, size_t room)
{
	z_stream z = {
		.next_in = bytes, .avail_in = (uInt)size, .next_out = to, .avail_out = (uInt)room
	};

	must(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK);
	must(deflate(&z, Z_FINISH) == Z_STREAM_END);
	must(deflateEnd(&z) == Z_OK);
	return z.total_out;
}

/* [INITRAMFS]: "070701" and 13 numbers of 8 hex digits, the name behind them. */
enum cpio_field {
	INO,
	MODE,
	UID,
	GID,
	NLINK,
	MTIME,
	FILESIZE,
	MAJ,
	MIN,
	RMAJ,
	RMIN,
	NAMESIZE,
	CHKSUM
};

static size_t cpio(uint8_t *to, enum cpio_field field, uint32_t value)
{
	uint32_t numbers[13] = { 1, 0100644, 0, 0, 1, 0, 4, 0, 0, 0, 0, 5, 0 };
	char *at = (char *)to;

	numbers[field] = value;
	memset(to, 0, ENTRY_MAX_BYTES);
	at += sprintf(at, "070701");
	for (size_t i = 0; i < COUNT(numbers); i++)
		at += sprintf(at, "%08X", numbers[i]);
	(void)sprintf(at, "init");
	return ENTRY_MAX_BYTES;
}

static void archives(struct zoo *zoo)
{
	static const uint32_t values[] = { 0, 1, 0x7fffffff, 0xffffffff };
	static const enum cpio_field fields[] = { MODE, NLINK, FILESIZE, NAMESIZE, RMAJ };
	uint8_t entry[ENTRY_MAX_BYTES], packed[2 * GZIP_MAX_BYTES];
	size_t size;

	for (size_t i = 0; i < COUNT(fields) * COUNT(values); i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "cpio-field-%d-%x", fields[i / COUNT(values)],
			       values[i % COUNT(values)]);
		size = cpio(entry, fields[i / COUNT(values)], values[i % COUNT(values)]);
		guest_decides(zoo, name, entry, size);
	}
	size = cpio(entry, INO, 1);
	guest_decides(zoo, "cpio-without-trailer", entry, size);
	guest_decides(zoo, "cpio-header-cut", entry, 60);
	guest_decides(zoo, "cpio-magic-only", entry, 6);
	entry[20] = 'x';
	guest_decides(zoo, "cpio-no-hex", entry, size);
	size = gzip(entry, size, packed, GZIP_MAX_BYTES);
	guest_decides(zoo, "gzip", packed, size);
	guest_decides(zoo, "gzip-cut", packed, size / 2);
	guest_decides(zoo, "gzip-header-cut", packed, 4);
	packed[size - 5] ^= 1;
	guest_decides(zoo, "gzip-bad-crc", packed, size);
	packed[size - 1] ^= 0x80;
	guest_decides(zoo, "gzip-bad-size", packed, size);
	size += gzip(entry, sizeof(entry), packed + size, GZIP_MAX_BYTES);
	guest_decides(zoo, "gzip-twice", packed, size);
	memcpy(packed + size, entry, sizeof(entry));
	guest_decides(zoo, "gzip-then-cpio", packed, size + sizeof(entry));
}

static void junk(struct zoo *zoo)
{
	static const char *const fronts[] = { "\x28\xb5\x2f\xfd",
					      "\xfd"
					      "7zXZ",
					      "BZh9",
					      "\x5d",
					      "\x89LZO",
					      "\x02\x21\x4c\x18",
					      "hsqs",
					      "-rom1fs-" };
	uint8_t bytes[4096];
	uint32_t state = 1;
	char name[32];

	for (size_t i = 0; i < sizeof(bytes); i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(state >> 24);
	}
	guest_decides(zoo, "junk", bytes, sizeof(bytes));
	guest_decides(zoo, "one-byte", bytes, 1);
	guest_decides(zoo, "0x205-bytes", bytes, 0x205);
	guest_decides(zoo, "0x206-bytes", bytes, 0x206);
	for (size_t i = 0; i < COUNT(fronts); i++) {
		memcpy(bytes, fronts[i], strlen(fronts[i]));
		(void)snprintf(name, sizeof(name), "front-%zu", i);
		guest_decides(zoo, name, bytes, sizeof(bytes));
	}
	memset(bytes, 0, sizeof(bytes));
	guest_decides(zoo, "zeros", bytes, sizeof(bytes));
}

/* I02: 512 MiB of zeros, packed: members of a MiB, one behind the other. */
static void bomb(struct zoo *zoo)
{
	enum { MEMBERS = 512 };
	uint8_t *zeros = calloc(1, MIB), *packed = malloc(GZIP_MAX_BYTES), *all;
	size_t size;

	must(zeros && packed);
	size = gzip(zeros, MIB, packed, GZIP_MAX_BYTES);
	all = malloc(MEMBERS * size);
	must(all != NULL);
	for (size_t i = 0; i < MEMBERS; i++)
		memcpy(all + i * size, packed, size);
	zoo_begin(zoo, "I02-gzip-bomb");
	zoo_initrd(zoo, all, MEMBERS * size);
	zoo_end(zoo, ZOO_GUEST, NULL);
	free(zeros);
	free(packed);
	free(all);
}

/*
 * I03, I04: sizes on the edge. The good kernel ends at 24 MiB and takes an initrd up to 2 GiB, or
 * above 4 GiB (XLF_CAN_BE_LOADED_ABOVE_4G), where all RAM beyond the first 3 GiB is.
 */
static void sizes(struct zoo *zoo)
{
	static const struct {
		const char *name;
		uint64_t size;
		const char *m;
		const char *words; /* NULL: there is room */
	} cases[] = {
		{ "I03-file-RAM-1", 128 * MIB - 1, "128", "-m 152M" },
		{ "I03-file-RAM", 128 * MIB, "128", "-m 152M" },
		{ "I03-file-RAM+1", 128 * MIB + 1, "128", "-m 153M" },
		{ "I03-file-least-RAM", 1, "24", "-m 25M" },
		{ "I03-file-one-more-MiB", 1, "25", NULL },
		{ "I03-file-2-GiB-below-addr_max", 2024 * MIB, "3072", NULL },
		{ "I03-file-2-GiB-beyond-addr_max", 2024 * MIB + 1, "3072", "initrd_addr_max" },
		{ "I03-file-4-GiB", 4 * GIB, "128", "-m 7168M" },
		{ "I03-file-4-GiB-and-a-byte", 4 * GIB + 1, "128", "-m 7169M" },
		{ "I03-file-4-GiB-above-the-hole", 4 * GIB, "7168", NULL },
		{ "I03-file-4-GiB-a-byte-short", 4 * GIB + 1, "7168", "-m 7169M" },
		{ "I03-file-2-GiB-above-the-hole", 2024 * MIB + 1, "5097", NULL },
		{ "I03-file-2-GiB-a-MiB-short", 2024 * MIB + 1, "5096", "-m 5097M" },
		{ "I03-file-1-TiB-above-the-hole", 1024 * GIB, "1051648", NULL },
		{ "I03-file-1-TiB-a-MiB-short", 1024 * GIB, "1051647", "-m 1051648M" },
		{ "I03-file-1-TiB", 1024 * GIB, "128", "1099511627776" },
		{ "I03-file-1-TiB-and-a-byte", 1024 * GIB + 1, "128", "at most" },
		{ "I03-file-2^63-1", INT64_MAX, "128", "at most" },
		{ "I04-file-up-to-the-end-of-RAM", 104 * MIB, "128", NULL },
		{ "I04-file-a-byte-more", 104 * MIB + 1, "128", "-m 129M" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		bool made;

		zoo_begin(zoo, "%s", cases[i].name);
		made = zoo_sparse(zoo, "", cases[i].size);
		zoo_names_file(zoo, "");
		zoo_argument(zoo, "-kernel");
		zoo_argument(zoo, ZOO_GOOD_KERNEL);
		zoo_argument(zoo, "-initrd");
		zoo_argument(zoo, "%s", zoo->name);
		zoo_argument(zoo, "-m");
		zoo_argument(zoo, "%s", cases[i].m);
		if (!made)
			zoo_end(zoo, ZOO_SKIPPED, "this file system has no such files");
		else
			zoo_end(zoo, cases[i].words ? ZOO_REFUSED : ZOO_ACCEPTED, cases[i].words);
	}
}

/* I04: up to the hole, for a kernel that takes its initrd anywhere below 4 GiB. */
static void below_the_hole(struct zoo *zoo)
{
	static const int over[] = { -1, 0, 1 };

	for (size_t i = 0; i < COUNT(over); i++) {
		struct image image;

		zoo_image(&image);
		image_put(&image, SPEC_XLOADFLAGS, 2, SPEC_XLF_KERNEL_64);
		image_put(&image, SPEC_INITRD_ADDR_MAX, 4, 0xffffffff);
		zoo_begin(zoo, "I04-hole%+d", over[i]);
		zoo_kernel(zoo, image.bytes, image.size_bytes);
		must(zoo_sparse(zoo, ".rd", 3 * GIB - 24 * MIB + over[i]));
		zoo_argument(zoo, "-initrd");
		zoo_argument(zoo, "%s.rd", zoo->name);
		zoo_argument(zoo, "-m");
		zoo_argument(zoo, "4G");
		zoo_end(zoo, over[i] > 0 ? ZOO_REFUSED : ZOO_ACCEPTED,
			over[i] > 0 ? "no -m makes room" : NULL);
		image_free(&image);
	}
}

void zoo_initrds(struct zoo *zoo)
{
	archives(zoo);
	junk(zoo);
	bomb(zoo);
	sizes(zoo);
	below_the_hole(zoo);
}
