/* SPDX-License-Identifier: MIT */
#include "initramfs/output.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/must.h"

enum {
	GZIP_WINDOW_BITS = 15 + 16, /* zlib: 15 is the largest window, +16 asks for gzip's frame */
	GZIP_MEMORY_LEVEL = 8,      /* zlib's usual one; 9 made busybox larger */
};

int output_examine(struct output *out, const char *name, struct err *e)
{
	memset(out, 0, sizeof(*out));
	return newfile_examine(&out->file, "output", name, e);
}

int output_open(struct output *out, struct err *e)
{
	int rc = newfile_open(&out->file, e);

	if (rc < 0)
		return rc;
	if (deflateInit2(&out->z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW_BITS,
			 GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
		output_abandon(out);
		return err_set(e, ENOMEM, "output %s: no memory for the compressor",
			       out->file.name);
	}
	return 0;
}

static int write_all(struct output *out, size_t size_bytes, struct err *e)
{
	size_t done = 0;

	while (done < size_bytes) {
		ssize_t n = write(out->file.fd, out->buffer + done, size_bytes - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "output %s: cannot be written after %llu bytes",
				       out->file.name, (unsigned long long)out->out_bytes);
		done += (size_t)n;
		out->out_bytes += (uint64_t)n;
	}
	return 0;
}

/* Feeds what z.next_in holds to the compressor, writing as its output comes. */
static int squeeze(struct output *out, int flush, struct err *e)
{
	int state;
	int rc;

	do {
		out->z.next_out = out->buffer;
		out->z.avail_out = sizeof(out->buffer);
		state = deflate(&out->z, flush);
		must(state != Z_STREAM_ERROR);
		rc = write_all(out, sizeof(out->buffer) - out->z.avail_out, e);
		if (rc < 0)
			return rc;
	} while (out->z.avail_out == 0);
	must(flush != Z_FINISH || state == Z_STREAM_END);
	return 0;
}

int output_write(struct output *out, const void *bytes, size_t size_bytes, struct err *e)
{
	must(size_bytes <= UINT_MAX);
	out->z.next_in = bytes;
	out->z.avail_in = (uInt)size_bytes;
	out->in_bytes += size_bytes;
	return squeeze(out, Z_NO_FLUSH, e);
}

int output_close(struct output *out, struct err *e)
{
	int rc;

	out->z.next_in = NULL;
	out->z.avail_in = 0;
	rc = squeeze(out, Z_FINISH, e);
	if (rc == 0)
		rc = newfile_close(&out->file, e);
	if (rc == 0)
		output_abandon(out);
	return rc;
}

void output_abandon(struct output *out)
{
	(void)deflateEnd(&out->z); /* an empty z_stream is refused without harm */
	memset(&out->z, 0, sizeof(out->z));
	newfile_abandon(&out->file);
}
