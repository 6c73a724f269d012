/* SPDX-License-Identifier: MIT */
/*
 * mkimage CODE IMAGE: puts a flat binary at the 64-bit entry point of a minimal bzImage.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/common/bootspec.h"
#include "tests/common/image.h"

int main(int argc, char **argv)
{
	uint8_t code[IMAGE_CODE_MAX_BYTES + 1];
	struct image image;
	size_t size_bytes;
	FILE *f;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: mkimage CODE IMAGE\n");
		return 2;
	}
	f = fopen(argv[1], "rbe");
	if (!f) {
		(void)fprintf(stderr, "mkimage: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	size_bytes = fread(code, 1, sizeof(code), f);
	(void)fclose(f);
	if (size_bytes == 0 || size_bytes > IMAGE_CODE_MAX_BYTES) {
		(void)fprintf(stderr, "mkimage: %s: has %s bytes; 1 to %d fit\n", argv[1],
			      size_bytes ? "more" : "no", IMAGE_CODE_MAX_BYTES);
		return 1;
	}
	image_init(&image);
	image_code(&image, code, size_bytes);
	image_put(&image, SPEC_PAYLOAD_OFFSET, 4, 0); /* nothing is packed in it */
	image_save(&image, argv[2]);
	image_free(&image);
	return 0;
}
