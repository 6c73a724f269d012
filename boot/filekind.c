/* SPDX-License-Identifier: MIT */
#include "boot/filekind.h"

#include <stdbool.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include "boot/unpackers.h"
#include "boot/unpackformat.h"
#include "vmm/base/le.h"

struct magic {
	uint16_t offset;
	uint8_t length;
	const char *bytes;
	const char *text;
};

#define USE_BZIMAGE "use arch/x86/boot/bzImage of the same build"
#define AS_INITRD   "give it with -initrd, and the kernel with -kernel"
#define PACKED      "a compressed vmlinux must be unpacked first, an initramfs goes to -initrd"
#define A_DISK      "a direct boot takes a kernel, not a disk"

enum { INNER_BYTES = 0x206 }; /* of what is packed: up to HdrS */

/* In order: what is more exact comes before what is more general ("MZ" is the start of many). */
static const struct magic kinds[] = {
	{ 0, 4,
	  "\x7f"
	  "ELF",
	  "an ELF file, not a bzImage" },
	{ 0x38, 4, "ARM\x64", "an arm64 Image, not an x86 kernel; build it with ARCH=x86_64" },
	{ 0x38, 4, "RSC\x05", "a RISC-V Image, not an x86 kernel; build it with ARCH=x86_64" },
	{ 4, 4, "zimg", "an EFI zboot image, not a bzImage; " USE_BZIMAGE },
	{ 0, 2, "MZ", "a PE (EFI or DOS) program without the Linux header \"HdrS\" at 0x202" },
	{ 0, 2, "\x1f\x8b", "gzip data; " PACKED },
	{ 0, 3, "BZh", "bzip2 data, not a bzImage (the name only sounds alike); " PACKED },
	{ 0, 3, "\x5d\0\0", "lzma data; " PACKED },
	{ 0, 6,
	  "\xfd"
	  "7zXZ\0",
	  "xz data; " PACKED },
	{ 0, 4, "\x89LZO", "lzo data; " PACKED },
	{ 0, 4, "\x02\x21\x4c\x18", "lz4 data; " PACKED },
	{ 0, 4, "\x04\x22\x4d\x18", "lz4 data; " PACKED },
	{ 0, 4, "\x28\xb5\x2f\xfd", "zstd data; " PACKED },
	{ 0, 4, "\x27\x05\x19\x56", "a U-Boot uImage, not a bzImage; " USE_BZIMAGE },
	{ 0, 4, "\xd0\x0d\xfe\xed",
	  "a device tree or U-Boot FIT image, not a bzImage; " USE_BZIMAGE },
	{ 0, 8, "ANDROID!", "an Android boot image, not a bzImage; take the kernel out of it" },
	{ 0, 6, "070701", "a cpio archive, which is an initramfs; " AS_INITRD },
	{ 0, 6, "070702", "a cpio archive, which is an initramfs; " AS_INITRD },
	{ 0, 6, "070707", "a cpio archive, which is an initramfs; " AS_INITRD },
	{ 0, 2, "#!", "a script; give the file that the script would boot" },
	{ 0, 7, "!<arch>", "an archive (a Debian package?); give the kernel that is in it" },
	{ 0, 4, "\xed\xab\xee\xdb", "an RPM package; give the kernel that is in it" },
	{ 0x101, 5, "ustar", "a tar archive; give the kernel that is in it" },
	{ 0, 4, "hsqs", "a squashfs image; " A_DISK },
	{ 0, 4, "QFI\xfb", "a qcow2 disk image; " A_DISK },
	{ 0, 4, "QEVM", "a saved state of QEMU; give the kernel that it was started with" },
};

/* The same for what is packed. */
static const struct magic packed_kinds[] = {
	{ 0, 4,
	  "\x7f"
	  "ELF",
	  "a compressed vmlinux (an ELF file, packed); unpack it first, or " USE_BZIMAGE },
	{ 0x38, 4, "ARM\x64",
	  "an arm64 Image, packed, not an x86 kernel; build it with ARCH=x86_64" },
	{ 0x202, 4, "HdrS", "a bzImage, packed once more; unpack it first" },
	{ 0, 5, "07070", "an initramfs (a cpio archive, packed); " AS_INITRD },
	{ 0x101, 5, "ustar", "a tar archive, packed; give the kernel that is in it" },
};

static const char *match(const struct magic *list, size_t count, const uint8_t *head, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		const struct magic *m = &list[i];

		if (m->offset <= size && m->length <= size - m->offset &&
		    memcmp(head + m->offset, m->bytes, m->length) == 0)
			return m->text;
	}
	return NULL;
}

/* gzip and zstd by their own streams, because boot/unpackers.h wants them whole. */
static size_t gunzip_front(const uint8_t *head, size_t size, uint8_t *inner, size_t inner_bytes)
{
	z_stream z = { .next_in = head,
		       .avail_in = (uInt)size,
		       .next_out = inner,
		       .avail_out = (uInt)inner_bytes };

	if (inflateInit2(&z, MAX_WBITS + 16) != Z_OK)
		return 0;
	(void)inflate(&z, Z_SYNC_FLUSH);
	(void)inflateEnd(&z);
	return inner_bytes - z.avail_out;
}

static size_t unzstd_front(const uint8_t *head, size_t size, uint8_t *inner, size_t inner_bytes)
{
	ZSTD_inBuffer in = { head, size, 0 };
	ZSTD_outBuffer out = { inner, inner_bytes, 0 };
	ZSTD_DStream *stream = ZSTD_createDStream();

	if (stream)
		(void)ZSTD_decompressStream(stream, &out, &in);
	(void)ZSTD_freeDStream(stream);
	return out.pos;
}

/* The first bytes of what is packed: how many there are, 0 when they cannot be had. */
static size_t unpack_front(const uint8_t *head, size_t size, uint8_t *inner, size_t inner_bytes)
{
	struct unpack_stream s = {
		.packed = head, .packed_bytes = size, .to = inner, .to_bytes = inner_bytes
	};

	switch (unpack_format_of(head, size)) {
	case UNPACK_GZIP:
		return gunzip_front(head, size, inner, inner_bytes);
	case UNPACK_LZMA:
		(void)unpack_lzma(&s);
		return s.made_bytes;
	case UNPACK_XZ:
		(void)unpack_xz(&s);
		return s.made_bytes;
	case UNPACK_ZSTD:
		return unzstd_front(head, size, inner, inner_bytes);
	default:
		return 0;
	}
}

/* [PE] "COFF File Header", "Section Table": has a PE program a section of this name? */
static bool has_pe_section(const uint8_t *head, size_t size, const char name[8])
{
	enum { LFANEW = 0x3c, HEADERS = 24, SECTIONS = 6, OPTIONAL_BYTES = 20, SECTION_BYTES = 40 };
	size_t pe = size < LFANEW + 4 ? size : get_le32(head + LFANEW);
	unsigned int count;

	if (size < HEADERS || pe > size - HEADERS || memcmp(head + pe, "PE\0\0", 4) != 0)
		return false;
	count = get_le16(head + pe + SECTIONS);
	pe += HEADERS + (size_t)get_le16(head + pe + OPTIONAL_BYTES);
	for (; count > 0 && pe <= size && SECTION_BYTES <= size - pe;
	     count--, pe += SECTION_BYTES) {
		if (memcmp(head + pe, name, 8) == 0)
			return true;
	}
	return false;
}

const char *filekind_describe(const uint8_t *head, size_t size_bytes)
{
	uint8_t inner[INNER_BYTES];
	const char *text;

	if (size_bytes > FILEKIND_HEAD_BYTES)
		size_bytes = FILEKIND_HEAD_BYTES;
	if (size_bytes >= 2 && memcmp(head, "MZ", 2) == 0 &&
	    has_pe_section(head, size_bytes, ".linux\0"))
		return "a UKI (a unified kernel image: a PE program with the kernel in its section "
		       ".linux); take it out: objcopy -O binary -j .linux UKI bzImage";
	text = match(packed_kinds, sizeof(packed_kinds) / sizeof(packed_kinds[0]), inner,
		     unpack_front(head, size_bytes, inner, sizeof(inner)));
	if (!text)
		text = match(kinds, sizeof(kinds) / sizeof(kinds[0]), head, size_bytes);
	return text;
}

bool filekind_is_packed_elf(const uint8_t *head, size_t size_bytes)
{
	uint8_t inner[INNER_BYTES];
	size_t n;

	if (size_bytes > FILEKIND_HEAD_BYTES)
		size_bytes = FILEKIND_HEAD_BYTES;
	n = unpack_front(head, size_bytes, inner, sizeof(inner));
	return n >= 4 && memcmp(inner, "\177ELF", 4) == 0;
}
