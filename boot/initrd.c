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
