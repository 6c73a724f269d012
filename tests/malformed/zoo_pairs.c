/* SPDX-License-Identifier: MIT */
/*
 * The zoo's pairs: numbers of a bzImage that are right by themselves and have to agree with each
 * other, with the file's length, with the RAM, the initrd or the command line. Each pair on a grid
 * of edges; what has to come of it follows from [BOOT] "Details of Header Fields".
 */
#include <string.h>

#include "tests/common/bootspec.h"
#include "tests/malformed/zoo.h"
#include "vmm/base/must.h"

typedef unsigned long long ull;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define RAM_BYTES    (128 * MIB)

/* Writes the image as the case's kernel and ends the case. */
static void end_with(struct zoo *zoo, struct image *image, bool right, const char *word)
{
	zoo_kernel(zoo, image->bytes, image->size_bytes);
	zoo_end(zoo, right ? ZOO_ACCEPTED : ZOO_REFUSED, right ? NULL : word);
	image_free(image);
}

/* An initrd of that many zeros. */
static void with_initrd(struct zoo *zoo, uint64_t size)
{
	must(zoo_sparse(zoo, ".rd", size));
	zoo_argument(zoo, "-initrd");
	zoo_argument(zoo, "%s.rd", zoo->name);
}

static uint64_t page_up(uint64_t value)
{
	return (value + 0xfff) & ~0xfffULL;
}

/* P01: setup_sects and syssize with the file's length; up to 15 bytes may be missing. */
static void file_lengths(struct zoo *zoo)
{
	static const unsigned int sectors[] = { 1, 4, 63, 64, 127, 128, 255 };
	static const unsigned int paragraphs[] = { 0x21, 0x100, 0x101, 0x1000 };
	static const int differences[] = { -17, -16, -15, -1, 0, 1, 16 };

	for (size_t i = 0; i < COUNT(sectors) * COUNT(paragraphs) * COUNT(differences); i++) {
		unsigned int s = sectors[i / COUNT(differences) / COUNT(paragraphs)];
		unsigned int p = paragraphs[i / COUNT(differences) % COUNT(paragraphs)];
		int d = differences[i % COUNT(differences)];
		struct image image;

		zoo_image(&image);
		image_put(&image, SPEC_SETUP_SECTS, 1, s);
		image_put(&image, SPEC_SYSSIZE, 4, p);
		image_put(&image, SPEC_PAYLOAD_OFFSET, 4, 0);
		image_resize(&image,
			     (size_t)((int)((s + 1) * SPEC_SECTOR + p * SPEC_PARAGRAPH) + d));
		zoo_begin(zoo, "P01-sects-%u-syssize-%x%+d", s, p, d);
		end_with(zoo, &image, d > -16, "syssize");
	}
}

/* P02: where it runs and how much it needs there, with the RAM. */
static void room(struct zoo *zoo)
{
	static const uint64_t prefs[] = { 2 * MIB, 16 * MIB, 64 * MIB, 120 * MIB, 126 * MIB };
	static const uint32_t inits[] = { 0x1000,    2 * MIB,    2 * MIB + 1,   8 * MIB,
					  64 * MIB,  112 * MIB,  112 * MIB + 1, 126 * MIB,
					  128 * MIB, 0xffffffffU };

	for (size_t i = 0; i < COUNT(prefs) * COUNT(inits); i++) {
		uint64_t pref = prefs[i / COUNT(inits)];
		uint32_t init = inits[i % COUNT(inits)];
		struct image image;

		zoo_image(&image);
		image_put(&image, SPEC_PREF_ADDRESS, 8, pref);
		image_put(&image, SPEC_INIT_SIZE, 4, init);
		zoo_begin(zoo, "P02-pref-%llx-init-%x", (ull)pref, init);
		end_with(zoo, &image, init <= RAM_BYTES - pref, "init_size");
	}
}

/* P03: -m with the end of what the kernel needs: the message names the least that will do. */
static void ram(struct zoo *zoo)
{
	static const unsigned int mib[] = { 16, 17, 23, 24, 25, 64, 128, 3071, 3072, 4096 };
	static const uint32_t inits[] = { 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 47 * MIB };

	for (size_t i = 0; i < COUNT(mib) * COUNT(inits); i++) {
		unsigned int m = mib[i / COUNT(inits)];
		uint32_t init = inits[i % COUNT(inits)];
		unsigned int need = (unsigned int)((IMAGE_PREF_ADDRESS + init + MIB - 1) / MIB);
		char word[32];
		struct image image;

		zoo_image(&image);
		image_put(&image, SPEC_INIT_SIZE, 4, init);
		zoo_begin(zoo, "P03-m-%u-init-%x", m, init);
		zoo_argument(zoo, "-m");
		zoo_argument(zoo, "%u", m);
		(void)snprintf(word, sizeof(word), "-m %uM", need);
		end_with(zoo, &image, need <= m, word);
	}
}

/* P04: pref_address, kernel_alignment and whether it is relocatable. */
static void alignments(struct zoo *zoo)
{
	static const uint64_t prefs[] = { MIB,      MIB + 0x800,     2 * MIB,  3 * MIB,
					  16 * MIB, 16 * MIB + 4096, 64 * MIB, 64 * MIB + 1 };
	static const uint32_t alignments[] = { 0x1000, 2 * MIB, 16 * MIB, 64 * MIB };

	for (size_t i = 0; i < COUNT(prefs) * COUNT(alignments) * 2; i++) {
		uint64_t pref = prefs[i / 2 / COUNT(alignments)];
		uint32_t alignment = alignments[i / 2 % COUNT(alignments)];
		bool relocatable = i & 1;
		struct image image;

		zoo_image(&image);
		image_put(&image, SPEC_PREF_ADDRESS, 8, pref);
		image_put(&image, SPEC_KERNEL_ALIGNMENT, 4, alignment);
		image_put(&image, SPEC_RELOCATABLE_KERNEL, 1, relocatable);
		zoo_begin(zoo, "P04-pref-%llx-alignment-%x-%s", (ull)pref, alignment,
			  relocatable ? "relocatable" : "fixed");
		end_with(zoo, &image, pref % (relocatable ? alignment : 0x1000) == 0,
			 "pref_address");
	}
}

/* P05: the initrd's last byte with initrd_addr_max, its first with the kernel's end. */
static void initrd_room(struct zoo *zoo)
{
	const uint64_t end = IMAGE_PREF_ADDRESS + IMAGE_INIT_SIZE;
	const uint32_t max[] = { 0,
				 0xfffff,
				 (uint32_t)end - 1,
				 (uint32_t)end,
				 (uint32_t)end + 0xffe,
				 (uint32_t)end + 0xfff,
				 32 * MIB - 1,
				 RAM_BYTES - 1,
				 RAM_BYTES,
				 0x7fffffff,
				 0xffffffff };
	static const uint64_t sizes[] = { 1, 2, 4095, 4096, 4097, 8 * MIB, 8 * MIB + 1, 104 * MIB };

	for (size_t i = 0; i < COUNT(max) * COUNT(sizes); i++) {
		uint32_t last = max[i / COUNT(sizes)];
		uint64_t size = sizes[i % COUNT(sizes)];
		uint64_t top = last < RAM_BYTES ? last + 1ULL : RAM_BYTES;
		struct image image;

		zoo_image(&image);
		image_put(&image, SPEC_INITRD_ADDR_MAX, 4, last);
		zoo_begin(zoo, "P05-addr_max-%x-initrd-%llu", last, (ull)size);
		with_initrd(zoo, size);
		end_with(zoo, &image, end <= top && size <= top - end, "initrd_addr_max");
	}
}

/* P06: the kernel's end with the initrd's size, in RAM. */
static void initrd_above_kernel(struct zoo *zoo)
{
	static const uint32_t inits[] = { 8 * MIB,       64 * MIB,         111 * MIB,
					  111 * MIB + 1, 112 * MIB - 4096, 112 * MIB - 4095,
					  112 * MIB };
	static const uint64_t sizes[] = { 1,       4096,     4097,      MIB,
					  MIB + 1, 48 * MIB, 104 * MIB, 104 * MIB + 1 };

	for (size_t i = 0; i < COUNT(inits) * COUNT(sizes); i++) {
		uint32_t init = inits[i / COUNT(sizes)];
		uint64_t size = sizes[i % COUNT(sizes)];
		uint64_t bottom = page_up(IMAGE_PREF_ADDRESS + (uint64_t)init);
		struct image image;

		zoo_image(&image);
		image_put(&image, SPEC_INIT_SIZE, 4, init);
		zoo_begin(zoo, "P06-init-%x-initrd-%llu", init, (ull)size);
		with_initrd(zoo, size);
		end_with(zoo, &image, bottom <= RAM_BYTES && size <= RAM_BYTES - bottom,
			 "the kernel's end");
	}
}

/* P07: payload_offset and payload_length with what the kernel has. Offset 0: there is none. */
static void payloads(struct zoo *zoo)
{
	static const uint32_t values[] = { 0,          1,          0x800,     0xffc,
					   0xfff,      0x1000,     0x1001,    0x7fffffff,
					   0x80000000, 0xfffff000, 0xffffffff };

	for (size_t i = 0; i < COUNT(values) * COUNT(values); i++) {
		uint32_t offset = values[i / COUNT(values)], bytes = values[i % COUNT(values)];
		struct image image;

		zoo_image(&image);
		image_put(&image, SPEC_PAYLOAD_OFFSET, 4, offset);
		image_put(&image, SPEC_PAYLOAD_LENGTH, 4, bytes);
		zoo_begin(zoo, "P07-payload-%x-%x", offset, bytes);
		end_with(zoo, &image,
			 offset == 0 || (offset <= IMAGE_KERNEL_BYTES &&
					 bytes <= IMAGE_KERNEL_BYTES - offset),
			 "payload");
	}
}

/* P08: cmdline_size with the line, which is never cut. 0 can hold no line, not even an empty one. */
static void command_lines(struct zoo *zoo)
{
	static const uint32_t sizes[] = { 0, 1, 7, 8, 9, 255, 2047, 2048, 4095, 65536, 0xffffffff };
	static const unsigned int lengths[] = { 0, 1, 2, 8, 9, 255, 256, 2047, 2048, 4096, 65536 };
	static char line[65537];

	for (size_t i = 0; i < COUNT(sizes) * COUNT(lengths); i++) {
		uint32_t size = sizes[i / COUNT(lengths)];
		unsigned int length = lengths[i % COUNT(lengths)];
		struct image image;

		memset(line, 'x', length);
		line[length] = '\0';
		zoo_image(&image);
		image_put(&image, SPEC_CMDLINE_SIZE, 4, size);
		zoo_begin(zoo, "P08-cmdline_size-%x-line-%u", size, length);
		zoo_argument(zoo, "-append");
		zoo_argument(zoo, "%s", line);
		end_with(zoo, &image, size > 0 && length <= size, "cmdline_size");
	}
}

/* P09: the version with the header's end and with the flag that came with it. */
static void header_ends(struct zoo *zoo)
{
	for (unsigned int version = 0x20a; version <= 0x210; version++) {
		for (unsigned int distance = 0x60; distance <= 0x6b; distance++) {
			struct image image;

			zoo_image(&image);
			image_put(&image, SPEC_VERSION, 2, version);
			image_put(&image, SPEC_JUMP + 1, 1, distance);
			zoo_begin(zoo, "P09-version-%04x-jump-%02x", version, distance);
			end_with(zoo, &image, version >= 0x20c && distance >= 0x62,
				 version < 0x20c ? "boot protocol" : "jump");
		}
	}
}

void zoo_pairs(struct zoo *zoo)
{
	file_lengths(zoo);
	room(zoo);
	ram(zoo);
	alignments(zoo);
	initrd_room(zoo);
	initrd_above_kernel(zoo);
	payloads(zoo);
	command_lines(zoo);
	header_ends(zoo);
}
