/* SPDX-License-Identifier: MIT */
#include "vmm/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE = 0666 };

static bool is_stdout(const char *path)
{
	return strcmp(path, "-") == 0;
}

int outfile_open(struct outfile *out, const char *what, const char *path, struct err *e)
{
	*out = (struct outfile){ .what = what, .path = path, .fd = -1 };
	if (!path)
		return 0;
	if (is_stdout(path)) {
		out->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		/* O_NONBLOCK: a FIFO without a reader must be refused, not waited for. */
		const int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

		out->fd = open(path, flags | O_CREAT | O_EXCL, MODE);
		out->made = out->fd >= 0;
		if (out->fd < 0 && errno == EEXIST)
			out->fd = open(path, flags | O_CREAT, MODE);
	}
	if (out->fd < 0)
		return err_sys(e, errno, "%s %s: cannot be written", what, path);
	(void)fcntl(out->fd, F_SETFL, 0);
	return 0;
}

bool outfile_is(const struct outfile *out, int fd)
{
	struct stat a, b;

	return out->fd >= 0 && fd >= 0 && fstat(out->fd, &a) == 0 && fstat(fd, &b) == 0 &&
	       S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool outfile_same(const struct outfile *a, const struct outfile *b)
{
	bool both_stdout = a->fd >= 0 && b->fd >= 0 && is_stdout(a->path) && is_stdout(b->path);

	return both_stdout || outfile_is(a, b->fd);
}

static int empty(const struct outfile *out)
{
	struct stat st;

	if (is_stdout(out->path) || fstat(out->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return ftruncate(out->fd, 0) < 0 ? -errno : 0;
}

int outfile_write(struct outfile *out, int (*print)(const void *ctx, FILE *file), const void *ctx,
		  struct err *e)
{
	FILE *file;
	int rc;

	if (out->fd < 0)
		return 0;
	rc = empty(out);
	file = rc == 0 ? fdopen(out->fd, "w") : NULL;
	if (file) {
		errno = 0;
		rc = print(ctx, file);
		if ((fflush(file) != 0 || ferror(file)) && (rc == 0 || rc == -EIO))
			rc = errno ? -errno : -EIO;
		(void)fclose(file);
	} else {
		rc = rc < 0 ? rc : -errno;
		(void)close(out->fd);
	}
	out->fd = -1;
	return rc < 0 ? err_sys(e, -rc, "%s %s: cannot be written", out->what, out->path) : 0;
}

void outfile_abandon(struct outfile *out)
{
	if (out->fd < 0)
		return;
	(void)close(out->fd);
	out->fd = -1;
	if (out->made)
		(void)unlink(out->path);
}
