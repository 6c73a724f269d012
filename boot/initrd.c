/* SPDX-License-Identifier: MIT */
#include "boot/initrd.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const struct {
	size_t offset;
	const char *magic;
	const char *what;
} others[] = {
	{ 0x202, "HdrS", "a bzImage" }, /* [BOOT] "The Real-Mode Kernel Header" */
	{ 0, "\177ELF", "an ELF file" },
	{ 0, "#!", "a script" },
};

enum { HEAD_BYTES = 0x206 };

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
			return err_set(e, EINVAL,
				       "initrd %s: is %s; a cpio archive is needed, packed or not",
				       file->path, others[i].what);
	}
	return 0;
}
