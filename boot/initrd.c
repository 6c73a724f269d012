/* SPDX-License-Identifier: MIT */
#include "boot/initrd.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "boot/filekind.h"

#define NEEDED    "-initrd takes a cpio archive, packed or not"
#define AS_KERNEL "a kernel goes to -kernel, and " NEEDED

/* In order: an EFI stub kernel has both HdrS and MZ. */
static const struct {
	size_t offset;
	const char *magic;
	const char *what;
} others[] = {
	{ 0x202, "HdrS", "a bzImage; " AS_KERNEL }, /* [BOOT] "The Real-Mode Kernel Header" */
	{ 0, "\177ELF", "an ELF file; " AS_KERNEL },
	{ 0x38, "ARM\x64", "an arm64 Image; " AS_KERNEL },
	{ 0, "MZ", "a PE (EFI or DOS) program; " NEEDED },
	{ 0, "\x27\x05\x19\x56",
	  "a U-Boot uImage, which Linux cannot read; the archive in it begins at byte 64" },
	{ 0, "#!", "a script; " NEEDED },
	{ 0, "!<arch>", "an archive (a Debian package?); " NEEDED },
};

/* The others need 0x206 bytes; what is packed is looked into. */
enum { HEAD_BYTES = FILEKIND_HEAD_BYTES };

int initrd_check(const struct input_file *file, struct err *e)
{
	char head[HEAD_BYTES] = { 0 };
	size_t bytes = file->size_bytes < sizeof(head) ? file->size_bytes : sizeof(head);
	int rc = file_read(file, 0, head, bytes, e);

	if (rc < 0)
		return rc;
	if (bytes == 0)
		return err_set(
			e, EINVAL,
			"initrd %s: is empty; a cpio archive is needed, or no -initrd at all",
			file->path);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (memcmp(head + others[i].offset, others[i].magic, strlen(others[i].magic)) == 0)
			return err_set(e, EINVAL, "initrd %s: is %s", file->path, others[i].what);
	}
	if (filekind_is_packed_elf((const uint8_t *)head, bytes))
		return err_set(e, EINVAL, "initrd %s: is a compressed vmlinux; " AS_KERNEL,
			       file->path);
	return 0;
}

/* [INITRAMFS] "initramfs buffer format": a header's fields are 8 hexadecimal digits each. */
enum {
	NEWC_MAGIC_BYTES = 6,
	NEWC_DIGITS = 8,
	NEWC_FIELDS = 13,
	NEWC_FILESIZE = 6, /* of the fields */
	NEWC_NAMESIZE = 11,
	NEWC_HEADER_BYTES = NEWC_MAGIC_BYTES + NEWC_FIELDS * NEWC_DIGITS,
	NEWC_NAME_MAX_BYTES = 4096, /* PATH_MAX, which init/initramfs.c skips files beyond */
};

static bool read_field(const uint8_t *digits, uint32_t *value)
{
	*value = 0;
	for (size_t i = 0; i < NEWC_DIGITS; i++) {
		uint8_t c = digits[i];
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (c | 0x20) - 'a' + 10u;
		else
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

static uint64_t align_4(uint64_t offset)
{
	return (offset + INITRD_ALIGN_BYTES - 1) / INITRD_ALIGN_BYTES * INITRD_ALIGN_BYTES;
}

/* Moves *at behind a file of an archive, the end's too; false if there is none, or not all of it. */
static bool pass_file(const uint8_t *bytes, size_t size_bytes, uint64_t *at, bool *is_end)
{
	static const char end[] = "TRAILER!!!";
	const uint8_t *header = bytes + *at, *name = header + NEWC_HEADER_BYTES;
	uint32_t field[NEWC_FIELDS];
	uint64_t behind;

	if (size_bytes - *at < NEWC_HEADER_BYTES || memcmp(header, "070701", NEWC_MAGIC_BYTES) != 0)
		return false;
	for (size_t i = 0; i < NEWC_FIELDS; i++)
		if (!read_field(header + NEWC_MAGIC_BYTES + i * NEWC_DIGITS, &field[i]))
			return false;
	if (field[NEWC_NAMESIZE] == 0 || field[NEWC_NAMESIZE] > NEWC_NAME_MAX_BYTES ||
	    field[NEWC_NAMESIZE] > size_bytes - *at - NEWC_HEADER_BYTES ||
	    name[field[NEWC_NAMESIZE] - 1] != 0)
		return false;
	*is_end = strcmp((const char *)name, end) == 0;
	behind = align_4(*at + NEWC_HEADER_BYTES + field[NEWC_NAMESIZE]) + field[NEWC_FILESIZE];
	if (*is_end && field[NEWC_FILESIZE] != 0)
		return false;
	/* Nothing need be behind the last name but its padding, and that may be left away. */
	if (behind > align_4(size_bytes) || (field[NEWC_FILESIZE] && behind > size_bytes))
		return false;
	*at = align_4(behind) < size_bytes ? align_4(behind) : size_bytes;
	return true;
}

bool initrd_is_archives(const uint8_t *bytes, size_t size_bytes)
{
	bool is_end = false;
	uint64_t at = 0;

	while (pass_file(bytes, size_bytes, &at, &is_end)) {
		if (!is_end)
			continue;
		while (at < size_bytes && bytes[at] == 0)
			at++;
		if (at == size_bytes)
			return true;
		if (at % INITRD_ALIGN_BYTES)
			return false;
	}
	return false;
}
