/* SPDX-License-Identifier: MIT */
#include "boot/ikconfig.h"

#include <errno.h>
#include <libdeflate.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	WINDOW_BYTES = 1 << 20,
	MARK_BYTES = 8,
	/* With gzip's magic number and its only method, as scripts/extract-ikconfig looks for it. */
	START_BYTES = MARK_BYTES + 3,
};

static const char START[] = "IKCFG_ST\x1f\x8b\x08", END[] = "IKCFG_ED";

#define refuse(f, code, fmt, ...) \
	err_set(e, code, "%s %s: " fmt, (f)->what, (f)->path, ##__VA_ARGS__)

/* Where the gzip member begins. The window moves so that no start lies across its edge. */
static int find_start(const struct input_file *f, char *window, uint64_t *at, struct err *e)
{
	for (uint64_t offset = 0; f->size_bytes - offset >= START_BYTES;
	     offset += WINDOW_BYTES - START_BYTES + 1) {
		uint64_t left = f->size_bytes - offset;
		size_t n = left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
		int rc = file_read(f, offset, window, n, e);
		const char *found = rc == 0 ? memmem(window, n, START, START_BYTES) : NULL;

		if (rc < 0)
			return rc;
		if (found) {
			*at = offset + (size_t)(found - window) + MARK_BYTES;
			return 0;
		}
		if (n < WINDOW_BYTES)
			break;
	}
	return refuse(f, ENODATA,
		      "has no configuration inside; build it with CONFIG_IKCONFIG=y, or give its "
		      ".config");
}

static int unpack(const struct input_file *f, const char *packed, size_t packed_bytes, char *to,
		  size_t *made_bytes, struct err *e)
{
	struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
	enum libdeflate_result rc;

	if (!inflater)
		return refuse(f, ENOMEM, "no memory to unpack its configuration");
	rc = libdeflate_gzip_decompress(inflater, packed, packed_bytes, to, IKCONFIG_TEXT_MAX_BYTES,
					made_bytes);
	libdeflate_free_decompressor(inflater);
	if (rc == LIBDEFLATE_INSUFFICIENT_SPACE)
		return refuse(f, EBADMSG,
			      "the configuration inside has more than %d bytes, or is damaged",
			      IKCONFIG_TEXT_MAX_BYTES);
	if (rc != LIBDEFLATE_SUCCESS)
		return refuse(f, EBADMSG,
			      "the configuration inside is damaged; give its .config instead");
	return 0;
}

/* packed has room for IKCONFIG_PACKED_MAX_BYTES and the mark behind them. */
static int read_packed(const struct input_file *f, char *packed, char *to, size_t *made_bytes,
		       struct err *e)
{
	size_t n = IKCONFIG_PACKED_MAX_BYTES + MARK_BYTES;
	uint64_t at = 0;
	const char *end;
	int rc = find_start(f, packed, &at, e);

	if (rc < 0)
		return rc;
	if (f->size_bytes - at < n)
		n = (size_t)(f->size_bytes - at);
	rc = file_read(f, at, packed, n, e);
	if (rc < 0)
		return rc;
	end = memmem(packed, n, END, MARK_BYTES);
	if (!end)
		return refuse(f, EBADMSG,
			      "the configuration inside, at 0x%llx, has no end (%s) within %d "
			      "bytes; give its .config instead",
			      (unsigned long long)at, END, IKCONFIG_PACKED_MAX_BYTES);
	return unpack(f, packed, (size_t)(end - packed), to, made_bytes, e);
}

int ikconfig_read(const struct input_file *vmlinux, char **text, size_t *text_bytes, struct err *e)
{
	char *packed = malloc(IKCONFIG_PACKED_MAX_BYTES + MARK_BYTES);
	char *to = malloc(IKCONFIG_TEXT_MAX_BYTES + 1);
	int rc;

	*text = NULL;
	*text_bytes = 0;
	if (packed && to)
		rc = read_packed(vmlinux, packed, to, text_bytes, e);
	else
		rc = err_set(e, ENOMEM, "%s %s: no memory to look for its configuration",
			     vmlinux->what, vmlinux->path);
	free(packed);
	if (rc < 0) {
		free(to);
		return rc;
	}
	to[*text_bytes] = '\0';
	*text = to;
	return 0;
}
