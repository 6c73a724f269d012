/* SPDX-License-Identifier: MIT */
/*
 * What the files of a row tell without being run. Sizes are those of the vmlinux, as it was linked: the
 * one that was named, or the one in the bzImage, which is unpacked for it. The cache of unpacked
 * kernels is not asked: what is in there is believed only when it was placed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "boot/bzimage.h"
#include "boot/elfimage.h"
#include "boot/unpack.h"
#include "boot/vmlinuxin.h"
#include "vmm/base/file.h"
#include "vmm/boottable_run.h"

#define FILE_MAX_BYTES \
	(8ULL << 30) /* a vmlinux with all its debugging information is below 1 GiB */

enum { BLOCK_BYTES = 512 }; /* of st_blocks, whatever the file system's are */

static struct boottable_value disk_usage(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct boottable_value){ false, 0 };
	return (struct boottable_value){ true, (double)st.st_blocks * BLOCK_BYTES };
}

/* Of the ELF file in a bzImage. That it cannot be unpacked here, or has no sections, is no failure. */
static bool sizes_in_bzimage(const struct input_file *file, struct elfsizes *sizes)
{
	struct vmlinuxin inner;
	struct err why;
	int rc = vmlinuxin_read(file, &inner, &why);

	if (rc < 0)
		return false;
	rc = elfsizes_read(&inner.file, sizes, &why);
	vmlinuxin_finish(&inner);
	return rc == 0;
}

static int sizes_of_file(struct boottable_row *row, const struct input_file *file, struct err *e)
{
	int rc = elfsizes_read(file, &row->sizes, e);

	row->sizes_known = rc == 0;
	return rc == -ENODATA ? 0 : rc;
}

static int read_vmlinux(struct boottable_row *row, struct err *e)
{
	struct input_file file;
	int rc = file_open(&file, "vmlinux", row->vmlinux, FILE_MAX_BYTES, e);

	if (rc < 0)
		return rc;
	rc = sizes_of_file(row, &file, e);
	row->vmlinux_du = disk_usage(row->vmlinux);
	file_close(&file);
	return rc;
}

static void is_no_kernel(struct boottable_row *row, const struct err *why)
{
	row->tvmm.failed = true;
	(void)snprintf(row->tvmm.ending, sizeof(row->tvmm.ending), "%s", why->text);
}

static void read_elf(struct boottable_row *row, const struct input_file *file)
{
	struct elfimage image;
	struct err why;

	row->packing = "";
	if (!row->vmlinux)
		row->vmlinux_du = disk_usage(row->kernel);
	if (elfimage_parse(file, &image, &why) < 0) {
		is_no_kernel(row, &why);
		return;
	}
	row->format = "vmlinux";
	if (!row->vmlinux)
		(void)sizes_of_file(row, file, &why);
}

static void read_bzimage(struct boottable_row *row, const struct input_file *file)
{
	struct bzimage image;
	struct err why;

	row->packing = "";
	if (bzimage_parse(file, &image, &why) < 0) {
		is_no_kernel(row, &why);
		return;
	}
	row->format = "bzImage";
	if (image.payload_format != UNPACK_UNKNOWN)
		row->packing = unpack_format_name(image.payload_format);
	if (!row->vmlinux)
		row->sizes_known = sizes_in_bzimage(file, &row->sizes);
}

int boottable_read_facts(struct boottable_row *row, struct err *e)
{
	struct input_file file;
	int rc = file_open(&file, "kernel", row->kernel, FILE_MAX_BYTES, e);

	if (rc < 0)
		return rc;
	row->kernel_bytes = file.size_bytes;
	if (elfimage_is_elf(&file))
		read_elf(row, &file);
	else
		read_bzimage(row, &file);
	file_close(&file);
	return row->vmlinux ? read_vmlinux(row, e) : 0;
}
