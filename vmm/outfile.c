/* SPDX-License-Identifier: MIT */
#include "vmm/outfile.h"

#include <errno.h>
#include <unistd.h>

static int open_it(struct outfile *out, const char *what, const char *path,
		   int (*open)(struct newfile *, struct err *), struct err *e)
{
	int rc;

	*out = (struct outfile){ .what = what, .path = path };
	if (!path)
		return 0;
	rc = newfile_examine(&out->file, what, path, e);
	return rc < 0 ? rc : open(&out->file, e);
}

int outfile_open(struct outfile *out, const char *what, const char *path, struct err *e)
{
	return open_it(out, what, path, newfile_open, e);
}

int outfile_open_append(struct outfile *out, const char *what, const char *path, struct err *e)
{
	return open_it(out, what, path, newfile_open_append, e);
}

bool outfile_is(const struct outfile *out, int fd)
{
	return newfile_is(&out->file, fd);
}

bool outfile_same(const struct outfile *a, const struct outfile *b)
{
	return newfile_same(&a->file, &b->file);
}

/* stdio's way to the file: as write(2), but nothing is left half done for a signal's sake. */
static ssize_t put(void *cookie, const char *bytes, size_t count)
{
	const struct outfile *out = cookie;
	size_t done = 0;

	while (done < count) {
		ssize_t n = write(out->file.fd, bytes + done, count - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n < 0 ? errno : EIO;
			break;
		}
		done += (size_t)n;
	}
	return (ssize_t)done; /* less than asked for is an error */
}

static int print_into(FILE *stream, int (*print)(const void *ctx, FILE *file), const void *ctx)
{
	int rc;

	errno = 0;
	rc = print(ctx, stream);
	if ((fflush(stream) != 0 || ferror(stream)) && (rc == 0 || rc == -EIO))
		rc = errno ? -errno : -EIO;
	return rc;
}

int outfile_write(struct outfile *out, int (*print)(const void *ctx, FILE *file), const void *ctx,
		  struct err *e)
{
	FILE *stream;
	int rc;

	if (!out->file.open)
		return 0;
	stream = fopencookie(out, "w", (cookie_io_functions_t){ .write = put });
	rc = stream ? print_into(stream, print, ctx) : -ENOMEM;
	if (stream)
		(void)fclose(stream);
	if (rc == 0)
		return newfile_close(&out->file, e);
	newfile_abandon(&out->file);
	return err_sys(e, -rc, "%s %s: cannot be written", out->what, out->path);
}

void outfile_abandon(struct outfile *out)
{
	newfile_abandon(&out->file);
}
