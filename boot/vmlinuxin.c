/* SPDX-License-Identifier: MIT */
#include "boot/vmlinuxin.h"

#include <errno.h>
#include <stdlib.h>

#include "boot/bzimage.h"
#include "boot/elfimage.h"
#include "boot/unpack.h"

int vmlinuxin_read(const struct input_file *image, struct vmlinuxin *inner, struct err *e)
{
	struct bzimage header;
	uint32_t bytes = 0;
	int rc;

	*inner = (struct vmlinuxin){ .file = *image };
	if (elfimage_is_elf(image))
		return 0;
	rc = bzimage_parse(image, &header, e);
	if (rc == 0)
		rc = unpack_size(image, &header, &bytes, e);
	if (rc < 0)
		return rc;
	if (bytes > VMLINUXIN_MAX_BYTES)
		return err_set(e, EFBIG, "%s %s: unpacks to %u bytes; at most %d are accepted",
			       image->what, image->path, bytes, VMLINUXIN_MAX_BYTES);
	inner->memory = malloc(bytes);
	if (!inner->memory)
		return err_set(e, ENOMEM, "%s %s: no memory for what it unpacks to, %u bytes",
			       image->what, image->path, bytes);
	rc = unpack_payload(image, &header, inner->memory, bytes, e);
	if (rc < 0)
		vmlinuxin_finish(inner);
	else
		file_of_memory(&inner->file, image->what, image->path, inner->memory, bytes);
	return rc;
}

void vmlinuxin_finish(struct vmlinuxin *inner)
{
	free(inner->memory);
	inner->memory = NULL;
}
