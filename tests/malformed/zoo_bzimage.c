/* SPDX-License-Identifier: MIT */
/*
 * The zoo's bzImages: the table of headers.h, and each field of the header through all its values
 * or all its edges. What has to come of a value is worked out here from [BOOT] "Details of Header
 * Fields" for the valid image of tests/common/image.h with 128 MiB of RAM.
 */
#include <ctype.h>
#include <string.h>

#include "tests/common/bootspec.h"
#include "tests/malformed/headers.h"
#include "tests/malformed/zoo.h"
#include "vmm/base/must.h"

typedef unsigned long long ull;

#define RAM_BYTES (128 * MIB)

/* [BOOT]: init_size, the last field of 2.10, ends here; a jump reaches 0x7f bytes from 0x202. */
enum { HEADER_END_MIN = 0x264, JUMP_MIN = 0x62, JUMP_MAX = 0x7f };

/* The valid image with one field changed: refused with a word, or accepted if that is NULL. */
static void field(struct zoo *zoo, size_t offset, size_t width, uint64_t value, const char *word)
{
	struct image image;

	zoo_image(&image);
	image_put(&image, offset, width, value);
	zoo_kernel(zoo, image.bytes, image.size_bytes);
	zoo_end(zoo, word ? ZOO_REFUSED : ZOO_ACCEPTED, word);
	image_free(&image);
}

/* "B12 sum wraps, twice" -> "B12-sum-wraps-twice" */
static void begin_by_id(struct zoo *zoo, const char *id)
{
	char name[ZOO_NAME_BYTES] = "";
	size_t length = 0;

	for (; *id; id++) {
		must(length + 1 < sizeof(name));
		if (isalnum((unsigned char)*id) || *id == '.' || *id == '^')
			name[length++] = *id;
		else if (name[length - 1] != '-')
			name[length++] = '-';
	}
	zoo_begin(zoo, "%s", name);
}

static void from_table(struct zoo *zoo, const struct malformed *m)
{
	struct image image;

	if (m->initrd_bytes > 16 * GIB)
		return; /* no file */
	malformed_image(m, &image);
	if (image.size_bytes >= IMAGE_SETUP_BYTES + IMAGE_PAYLOAD_OFFSET + 8)
		memset(image.bytes + IMAGE_SETUP_BYTES + IMAGE_PAYLOAD_OFFSET, 0, 8);
	begin_by_id(zoo, m->id);
	zoo_kernel(zoo, image.bytes, image.size_bytes);
	zoo_argument(zoo, "-append");
	zoo_argument(zoo, "console=ttyS0");
	zoo_argument(zoo, "-m");
	zoo_argument(zoo, "%llu", (ull)(m->ram_bytes ? m->ram_bytes : RAM_BYTES) / MIB);
	if (m->initrd_bytes) {
		must(zoo_sparse(zoo, ".rd", m->initrd_bytes));
		zoo_argument(zoo, "-initrd");
		zoo_argument(zoo, "%s.rd", zoo->name);
	}
	zoo_end(zoo, m->refusal ? ZOO_REFUSED : ZOO_ACCEPTED, m->refusal);
	image_free(&image);
}

static void length(struct zoo *zoo, const char *family, size_t size, const char *word)
{
	struct image image;

	zoo_image(&image);
	image_resize(&image, size);
	zoo_begin(zoo, "%s-%zu-bytes", family, size);
	zoo_kernel(zoo, image.bytes, image.size_bytes);
	zoo_end(zoo, word ? ZOO_REFUSED : ZOO_ACCEPTED, word);
	image_free(&image);
}

/*
 * B01: every length up to where the header of 2.15 and its kernel_info_offset begin. B02: on to the
 * whole file, whose last 15 bytes may be missing: syssize counts paragraphs. B03: more than that.
 */
static void lengths(struct zoo *zoo)
{
	static const size_t edges[] = { 0x26c,
					0x3ff,
					0x400,
					0x7fe,
					0x7ff,
					0x800,
					0x801,
					0x9ff,
					0xa00,
					0xa01,
					0xfff,
					0x1000,
					IMAGE_BYTES - 17,
					IMAGE_BYTES - 16,
					IMAGE_BYTES - 15,
					IMAGE_BYTES - 1 };
	static const size_t more[] = { 1, 15, 16, 17, 511, 512, 513, 1496, 4096, 65536 };
	char word[32];

	for (size_t n = 0; n <= 0x268; n++) {
		(void)snprintf(word, sizeof(word), "%zu bytes", n);
		if (n >= HEADER_END_MIN)
			(void)snprintf(word, sizeof(word), "setup_sects");
		length(zoo, "B01", n, n ? word : "empty");
	}
	for (size_t n = 0x280; n < IMAGE_BYTES - 17; n += 0x70)
		length(zoo, "B02-cut", n, n <= IMAGE_SETUP_BYTES ? "setup_sects" : "syssize");
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		length(zoo, "B02", edges[i],
		       edges[i] <= IMAGE_SETUP_BYTES  ? "setup_sects"
		       : edges[i] <= IMAGE_BYTES - 16 ? "syssize"
						      : NULL);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		length(zoo, "B03", IMAGE_BYTES + more[i], NULL);
}

static void magics(struct zoo *zoo)
{
	for (unsigned int bit = 0; bit < 16; bit++) {
		zoo_begin(zoo, "B04-boot_flag-bit-%u", bit);
		field(zoo, SPEC_BOOT_FLAG, 2, SPEC_BOOT_FLAG_VALUE ^ 1U << bit, "boot_flag");
	}
	for (unsigned int bit = 0; bit < 32; bit++) {
		zoo_begin(zoo, "B04-header-bit-%u", bit);
		field(zoo, SPEC_HEADER, 4, SPEC_HDRS ^ 1U << bit, "HdrS");
	}
}

/* 2.12 is the first with xloadflags, without which nobody knows whether there is a 64-bit entry. */
static void versions(struct zoo *zoo)
{
	for (unsigned int version = 0x200; version <= 0x210; version++) {
		zoo_begin(zoo, "B05-version-%04x", version);
		field(zoo, SPEC_VERSION, 2, version, version < 0x20c ? "boot protocol" : NULL);
	}
	for (unsigned int bit = 0; bit < 16; bit++) {
		zoo_begin(zoo, "B05-version-bit-%u", bit);
		field(zoo, SPEC_VERSION, 2, 1U << bit, 1U << bit < 0x20c ? "boot protocol" : NULL);
	}
}

/* B06: every setup_sects. 0 means 4; the boot sector comes on top. */
static void setup_sectors(struct zoo *zoo)
{
	for (unsigned int sectors = 0; sectors < 256; sectors++) {
		size_t setup = ((sectors ? sectors : 4) + 1) * (size_t)SPEC_SECTOR;
		const char *word = NULL;

		if (setup >= IMAGE_BYTES)
			word = "setup_sects";
		else if (setup > IMAGE_SETUP_BYTES)
			word = "syssize";
		zoo_begin(zoo, "B06-setup_sects-%u", sectors);
		field(zoo, SPEC_SETUP_SECTS, 1, sectors, word);
	}
}

/* B07: syssize at every power of two and beside it; the image tells of no payload. */
static void syssizes(struct zoo *zoo)
{
	for (unsigned int i = 0; i < 32 * 3; i++) {
		uint32_t paragraphs = (1U << i / 3) + i % 3 - 1;
		uint64_t tells = (uint64_t)paragraphs * SPEC_PARAGRAPH;
		bool right = tells > SPEC_ENTRY_64 && tells <= IMAGE_KERNEL_BYTES;
		struct image image;

		zoo_image(&image);
		image_put(&image, SPEC_PAYLOAD_OFFSET, 4, 0);
		image_put(&image, SPEC_SYSSIZE, 4, paragraphs);
		zoo_begin(zoo, "B07-syssize-2^%u%+d", i / 3, (int)(i % 3) - 1);
		zoo_kernel(zoo, image.bytes, image.size_bytes);
		zoo_end(zoo, right ? ZOO_ACCEPTED : ZOO_REFUSED, right ? NULL : "syssize");
		image_free(&image);
	}
}

/* B08, B15: one bit in each decides; every other bit of them is somebody else's. */
static void flags(struct zoo *zoo)
{
	for (unsigned int bit = 0; bit < 8; bit++) {
		zoo_begin(zoo, "B08-loadflags-only-bit-%u", bit);
		field(zoo, SPEC_LOADFLAGS, 1, 1U << bit, bit == 0 ? NULL : "LOADED_HIGH");
		zoo_begin(zoo, "B08-loadflags-all-but-bit-%u", bit);
		field(zoo, SPEC_LOADFLAGS, 1, 0xff ^ 1U << bit, bit != 0 ? NULL : "LOADED_HIGH");
	}
	for (unsigned int bit = 0; bit < 16; bit++) {
		zoo_begin(zoo, "B15-xloadflags-only-bit-%u", bit);
		field(zoo, SPEC_XLOADFLAGS, 2, 1U << bit, bit == 0 ? NULL : "XLF_KERNEL_64");
		zoo_begin(zoo, "B15-xloadflags-all-but-bit-%u", bit);
		field(zoo, SPEC_XLOADFLAGS, 2, 0xffff ^ 1U << bit,
		      bit != 0 ? NULL : "XLF_KERNEL_64");
	}
}

/* B09: the header ends behind init_size at least, and where a short forward jump reaches at most. */
static void header_ends(struct zoo *zoo)
{
	for (unsigned int distance = 0; distance < 256; distance++) {
		zoo_begin(zoo, "B09-jump-%02x", distance);
		field(zoo, SPEC_JUMP + 1, 1, distance,
		      distance < JUMP_MIN || distance > JUMP_MAX ? "jump" : NULL);
	}
	for (unsigned int bit = 0; bit < 8; bit++) {
		zoo_begin(zoo, "B09-opcode-bit-%u", bit);
		field(zoo, SPEC_JUMP, 1, SPEC_JUMP_OPCODE ^ 1U << bit, "jump");
	}
}

/* Does a kernel that wants to run at gpa fit into RAM between 1 MiB and the end? */
static bool fits(uint64_t gpa, uint64_t init_size, uint64_t ram_bytes)
{
	return gpa >= MIB && init_size <= ram_bytes && gpa <= ram_bytes - init_size;
}

/* B10: a power of two, a page at least; pref_address, 16 MiB, has to be a multiple of it. */
static void alignments(struct zoo *zoo)
{
	for (unsigned int i = 0; i < 32 * 3; i++) {
		uint32_t alignment = (1U << i / 3) + i % 3 - 1;
		bool right = i % 3 == 1 && alignment >= 0x1000 && alignment <= IMAGE_PREF_ADDRESS;

		/* 2^0 + 1 and 2^1 - 1 are powers as well, too small ones. */
		zoo_begin(zoo, "B10-alignment-2^%u%+d", i / 3, (int)(i % 3) - 1);
		field(zoo, SPEC_KERNEL_ALIGNMENT, 4, alignment, right ? NULL : "kernel_alignment");
	}
	/* Without a preference the kernel goes to the first multiple from 1 MiB on. */
	for (unsigned int i = 0; i < 32; i++) {
		uint64_t gpa = 1ULL << i < MIB ? MIB : 1ULL << i;
		bool right = i >= 12 && i <= 30;
		bool has_room = fits(gpa, IMAGE_INIT_SIZE, RAM_BYTES);
		struct image image;

		zoo_image(&image);
		image_put(&image, SPEC_PREF_ADDRESS, 8, 0);
		image_put(&image, SPEC_KERNEL_ALIGNMENT, 4, 1ULL << i);
		zoo_begin(zoo, "B10-no-preference-2^%u", i);
		zoo_kernel(zoo, image.bytes, image.size_bytes);
		zoo_end(zoo, right && has_room ? ZOO_ACCEPTED : ZOO_REFUSED,
			right && has_room ? NULL
			: right           ? "init_size"
					  : "kernel_alignment");
		image_free(&image);
	}
	for (unsigned int min = 0; min < 256; min = min < 64 ? min + 7 : 2 * min + 1) {
		zoo_begin(zoo, "B10-min_alignment-%u", min);
		field(zoo, SPEC_MIN_ALIGNMENT, 1, min, NULL);
	}
}

/*
 * B11, B12: pref_address at every power of two and beside it. Below 1 MiB a relocatable kernel
 * goes to the lowest address that suits it, and one that is not has nowhere to go.
 */
static void preferences(struct zoo *zoo)
{
	for (unsigned int i = 0; i < 64 * 3; i++) {
		uint64_t pref = (1ULL << i / 3) + i % 3 - 1;
		bool movable = pref % IMAGE_ALIGNMENT == 0 &&
			       (pref == 0 || fits(pref, IMAGE_INIT_SIZE, RAM_BYTES));
		bool fixed = pref % 0x1000 == 0 && fits(pref, IMAGE_INIT_SIZE, RAM_BYTES);
		struct image image;

		zoo_begin(zoo, "B12-pref_address-2^%u%+d", i / 3, (int)(i % 3) - 1);
		field(zoo, SPEC_PREF_ADDRESS, 8, pref, movable ? NULL : "pref_address");
		if (i % 3 != 1)
			continue;
		zoo_image(&image);
		image_put(&image, SPEC_RELOCATABLE_KERNEL, 1, 0);
		image_put(&image, SPEC_PREF_ADDRESS, 8, pref);
		zoo_begin(zoo, "B11-pref_address-2^%u", i / 3);
		zoo_kernel(zoo, image.bytes, image.size_bytes);
		zoo_end(zoo, fixed ? ZOO_ACCEPTED : ZOO_REFUSED, fixed ? NULL : "pref_address");
		image_free(&image);
	}
}

static void init_sizes(struct zoo *zoo)
{
	for (unsigned int i = 0; i < 32 * 3; i++) {
		uint32_t size = (1U << i / 3) + i % 3 - 1;
		bool right =
			size >= IMAGE_KERNEL_BYTES && fits(IMAGE_PREF_ADDRESS, size, RAM_BYTES);

		zoo_begin(zoo, "B13-init_size-2^%u%+d", i / 3, (int)(i % 3) - 1);
		field(zoo, SPEC_INIT_SIZE, 4, size, right ? NULL : "init_size");
	}
}

/* B17, B18, B21: what the 64-bit protocol does not use, or the loader writes itself. */
static void ignored(struct zoo *zoo)
{
	static const struct {
		const char *name;
		size_t offset, width;
	} fields[] = {
		{ "B17-handover_offset", SPEC_HANDOVER_OFFSET, 4 },
		{ "B17-kernel_info_offset", SPEC_KERNEL_INFO_OFFSET, 4 },
		{ "B18-setup_data", SPEC_SETUP_DATA, 8 },
		{ "B18-ramdisk_image", SPEC_RAMDISK_IMAGE, 4 },
		{ "B18-ramdisk_size", SPEC_RAMDISK_SIZE, 4 },
		{ "B18-cmd_line_ptr", SPEC_CMD_LINE_PTR, 4 },
		{ "B18-type_of_loader", SPEC_TYPE_OF_LOADER, 1 },
		{ "B18-ext_loader_type", SPEC_EXT_LOADER_TYPE, 1 },
		{ "B18-ext_loader_ver", SPEC_EXT_LOADER_VER, 1 },
		{ "B18-heap_end_ptr", SPEC_HEAP_END_PTR, 2 },
		{ "B18-setup_move_size", SPEC_SETUP_MOVE_SIZE, 2 },
		{ "B18-vid_mode", SPEC_VID_MODE, 2 },
		{ "B18-hardware_subarch", SPEC_HARDWARE_SUBARCH, 4 },
		{ "B18-hardware_subarch_data", SPEC_HARDWARE_SUBARCH_DATA, 8 },
		{ "B18-kernel_version", SPEC_KERNEL_VERSION, 2 },
		{ "B21-code32_start", SPEC_CODE32_START, 4 },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint64_t ones = UINT64_MAX >> (64 - 8 * fields[i].width);
		const uint64_t values[] = { 1, ones / 2, ones / 2 + 1, ones };

		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
			zoo_begin(zoo, "%s-%llx", fields[i].name, (ull)values[v]);
			field(zoo, fields[i].offset, fields[i].width, values[v], NULL);
		}
	}
}

/* [BOOT] "The kernel_info": "LToP", its size and its total size, which lie. */
static void kernel_info(struct zoo *zoo)
{
	static const uint32_t sizes[][2] = {
		{ 0, 0 }, { 16, 8 }, { 0xffffffff, 0xffffffff }, { 16, 0xffffffff }
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct image image;

		zoo_image(&image);
		image_put(&image, SPEC_KERNEL_INFO_OFFSET, 4, 0xd00);
		image_put(&image, IMAGE_SETUP_BYTES + 0xd00, 4, 0x506f544c);
		image_put(&image, IMAGE_SETUP_BYTES + 0xd04, 4, sizes[i][0]);
		image_put(&image, IMAGE_SETUP_BYTES + 0xd08, 4, sizes[i][1]);
		zoo_begin(zoo, "B17-kernel_info-%x-%x", sizes[i][0], sizes[i][1]);
		zoo_kernel(zoo, image.bytes, image.size_bytes);
		zoo_end(zoo, ZOO_ACCEPTED, NULL);
		image_free(&image);
	}
}

void zoo_bzimage(struct zoo *zoo)
{
	for (size_t i = 0; i < sizeof(catalogue) / sizeof(catalogue[0]); i++)
		from_table(zoo, &catalogue[i]);
	lengths(zoo);
	magics(zoo);
	versions(zoo);
	setup_sectors(zoo);
	syssizes(zoo);
	flags(zoo);
	header_ends(zoo);
	alignments(zoo);
	preferences(zoo);
	init_sizes(zoo);
	ignored(zoo);
	kernel_info(zoo);
}
