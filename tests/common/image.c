/* SPDX-License-Identifier: MIT */
#include "tests/common/image.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/common/bootspec.h"
#include "vmm/base/must.h"

struct field {
	size_t offset, width;
	uint64_t value;
};

static const struct field header[] = {
	{ SPEC_SETUP_SECTS, 1, IMAGE_SETUP_SECTS },
	{ SPEC_SYSSIZE, 4, IMAGE_KERNEL_BYTES / SPEC_PARAGRAPH },
	{ SPEC_BOOT_FLAG, 2, SPEC_BOOT_FLAG_VALUE },
	{ SPEC_JUMP, 1, SPEC_JUMP_OPCODE },
	{ SPEC_JUMP + 1, 1, SPEC_HEADER_END_2_15 - SPEC_HEADER },
	{ SPEC_HEADER, 4, SPEC_HDRS },
	{ SPEC_VERSION, 2, IMAGE_VERSION },
	{ SPEC_LOADFLAGS, 1, SPEC_LOADED_HIGH },
	{ SPEC_CODE32_START, 4, 0x100000 },
	{ SPEC_INITRD_ADDR_MAX, 4, IMAGE_INITRD_ADDR_MAX },
	{ SPEC_KERNEL_ALIGNMENT, 4, IMAGE_ALIGNMENT },
	{ SPEC_RELOCATABLE_KERNEL, 1, 1 },
	{ SPEC_MIN_ALIGNMENT, 1, 21 },
	{ SPEC_XLOADFLAGS, 2, SPEC_XLF_KERNEL_64 | SPEC_XLF_CAN_BE_LOADED_ABOVE_4G },
	{ SPEC_CMDLINE_SIZE, 4, IMAGE_CMDLINE_SIZE },
	{ SPEC_PAYLOAD_OFFSET, 4, IMAGE_PAYLOAD_OFFSET },
	{ SPEC_PAYLOAD_LENGTH, 4, IMAGE_PAYLOAD_LENGTH },
	{ SPEC_PREF_ADDRESS, 8, IMAGE_PREF_ADDRESS },
	{ SPEC_INIT_SIZE, 4, IMAGE_INIT_SIZE },
};

void image_init(struct image *image)
{
	static const uint8_t halt[] = { 0xfa, 0xf4, 0xeb, 0xfc };
	static const uint8_t gzip[] = { 0x1f, 0x8b, 0x08 };

	image->bytes = calloc(1, IMAGE_BYTES);
	image->size_bytes = IMAGE_BYTES;
	must(image->bytes != NULL);
	for (size_t i = 0; i < sizeof(header) / sizeof(header[0]); i++)
		image_put(image, header[i].offset, header[i].width, header[i].value);
	/* Every byte of the protected-mode part tells its place, for those who check a copy. */
	for (size_t i = 0; i < IMAGE_KERNEL_BYTES; i++)
		image->bytes[IMAGE_SETUP_BYTES + i] = (uint8_t)(i ^ i >> 8 ^ 0x5a);
	memcpy(image->bytes + IMAGE_SETUP_BYTES + IMAGE_PAYLOAD_OFFSET, gzip, sizeof(gzip));
	image_code(image, halt, sizeof(halt));
}

void image_free(struct image *image)
{
	free(image->bytes);
	image->bytes = NULL;
	image->size_bytes = 0;
}

void image_put(struct image *image, size_t offset, size_t width, uint64_t value)
{
	must(width <= image->size_bytes && offset <= image->size_bytes - width);
	for (size_t i = 0; i < width; i++)
		image->bytes[offset + i] = (uint8_t)(value >> 8 * i);
}

uint64_t image_get(const struct image *image, size_t offset, size_t width)
{
	uint64_t value = 0;

	must(width <= image->size_bytes && offset <= image->size_bytes - width);
	for (size_t i = 0; i < width; i++)
		value |= (uint64_t)image->bytes[offset + i] << 8 * i;
	return value;
}

void image_code(struct image *image, const void *code, size_t size_bytes)
{
	must(size_bytes <= IMAGE_CODE_MAX_BYTES);
	memcpy(image->bytes + IMAGE_SETUP_BYTES + IMAGE_ENTRY_OFFSET, code, size_bytes);
}

void image_resize(struct image *image, size_t size_bytes)
{
	uint8_t *bytes = realloc(image->bytes, size_bytes ? size_bytes : 1);

	must(bytes != NULL);
	image->bytes = bytes;
	if (size_bytes > image->size_bytes)
		memset(bytes + image->size_bytes, 0, size_bytes - image->size_bytes);
	image->size_bytes = size_bytes;
}

static void write_all(int fd, const uint8_t *bytes, size_t size_bytes)
{
	size_t done = 0;

	while (done < size_bytes) {
		ssize_t n = write(fd, bytes + done, size_bytes - done);

		must(n > 0);
		done += (size_t)n;
	}
}

void image_open_bytes(const void *bytes, size_t size_bytes, const char *what, const char *path,
		      struct input_file *file)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	must(fd >= 0);
	write_all(fd, bytes, size_bytes);
	*file = (struct input_file){
		.path = path, .what = what, .fd = fd, .size_bytes = size_bytes
	};
}

void image_open(const struct image *image, const char *what, const char *path,
		struct input_file *file)
{
	image_open_bytes(image->bytes, image->size_bytes, what, path, file);
}

void image_save(const struct image *image, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	must(fd >= 0);
	write_all(fd, image->bytes, image->size_bytes);
	must(close(fd) == 0);
}
