/* SPDX-License-Identifier: MIT */
#include "boot/filekind.h"

#include <string.h>

struct magic {
	uint8_t offset;
	uint8_t length;
	const char *bytes;
	const char *text;
};

/* In order: what is more exact comes before what is more general ("MZ" is the start of many). */
static const struct magic kinds[] = {
	{ 0, 4,
	  "\x7f"
	  "ELF",
	  "an ELF file, not a bzImage; vmlinux is not supported in this version, use "
	  "arch/x86/boot/bzImage of the same build" },
	{ 0x38, 4, "ARM\x64",
	  "an arm64 Image, not an x86 bzImage; build the kernel with ARCH=x86_64" },
	{ 0x38, 4, "RSC\x05",
	  "a RISC-V Image, not an x86 bzImage; build the kernel with ARCH=x86_64" },
	{ 4, 4, "zimg", "an EFI zboot image, not a bzImage; use arch/x86/boot/bzImage" },
	{ 0, 2, "MZ", "a PE (EFI or DOS) program without the Linux header \"HdrS\" at 0x202" },
	{ 0, 2, "\x1f\x8b",
	  "gzip data, not a bzImage; an initramfs goes to -initrd, a packed kernel must be "
	  "unpacked" },
	{ 0, 6,
	  "\xfd"
	  "7zXZ\0",
	  "xz data, not a bzImage; an initramfs goes to -initrd, a packed kernel must be "
	  "unpacked" },
	{ 0, 4, "\x28\xb5\x2f\xfd",
	  "zstd data, not a bzImage; an initramfs goes to -initrd, a packed kernel must be "
	  "unpacked" },
	{ 0, 4, "\x02\x21\x4c\x18", "lz4 data, not a bzImage; unpack it first" },
	{ 0, 4, "\x04\x22\x4d\x18", "lz4 data, not a bzImage; unpack it first" },
	{ 0, 3, "BZh", "bzip2 data, not a bzImage (the name only sounds alike); unpack it first" },
	{ 0, 4, "\x89LZO", "lzo data, not a bzImage; unpack it first" },
	{ 0, 4, "\x27\x05\x19\x56",
	  "a U-Boot uImage, not a bzImage; use arch/x86/boot/bzImage of the same build" },
	{ 0, 4, "\xd0\x0d\xfe\xed",
	  "a device tree or U-Boot FIT image, not a bzImage; use arch/x86/boot/bzImage" },
	{ 0, 6, "070701", "a cpio archive, not a bzImage; an initramfs goes to -initrd" },
	{ 0, 6, "070702", "a cpio archive, not a bzImage; an initramfs goes to -initrd" },
	{ 0, 6, "070707", "a cpio archive, not a bzImage; an initramfs goes to -initrd" },
	{ 0, 2, "#!", "a script, not a bzImage; give the file that the script would boot" },
};

static const struct magic packers[] = {
	{ 0, 2, "\x1f\x8b", "gzip" },
	{ 0, 2, "\x1f\x9e", "gzip" },
	{ 0, 3, "BZh", "bzip2" },
	{ 0, 3, "\x5d\0\0", "lzma" },
	{ 0, 6,
	  "\xfd"
	  "7zXZ\0",
	  "xz" },
	{ 0, 4, "\x89LZO", "lzo" },
	{ 0, 4, "\x02\x21\x4c\x18", "lz4" },
	{ 0, 4, "\x28\xb5\x2f\xfd", "zstd" },
	{ 0, 4,
	  "\x7f"
	  "ELF",
	  "ELF" },
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

const char *filekind_describe(const uint8_t *head, size_t size_bytes)
{
	return match(kinds, sizeof(kinds) / sizeof(kinds[0]), head, size_bytes);
}

const char *filekind_packer(const uint8_t *head, size_t size_bytes)
{
	return match(packers, sizeof(packers) / sizeof(packers[0]), head, size_bytes);
}
