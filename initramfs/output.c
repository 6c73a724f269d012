/* SPDX-License-Identifier: MIT */
#include "initramfs/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/must.h"

enum {
	GZIP_WINDOW_BITS = 15 + 16, /* zlib: 15 is the largest window, +16 asks for gzip's frame */
	GZIP_MEMORY_LEVEL = 8,      /* zlib's usual one; 9 made busybox larger */
	TEMPORARY_TRIES = 100,
};

/* The length of path's folder, its last slash included; 0 for the current one. */
static int folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (int)(slash - path + 1) : 0;
}

static int examine_folder(struct output *out, struct err *e)
{
	char folder[PATH_MAX];
	int length = folder_length(out->path);
	struct stat st;

	(void)snprintf(folder, sizeof(folder), "%.*s", length ? length : 1,
		       length ? out->path : ".");
	if (stat(folder, &st) < 0)
		return err_sys(e, errno, "output %s: its folder %s cannot be used", out->name,
			       folder);
	out->folder_dev = st.st_dev;
	out->folder_ino = st.st_ino;
	return 0;
}

static bool is_direct(mode_t mode)
{
	return S_ISCHR(mode) || S_ISFIFO(mode);
}

int output_examine(struct output *out, const char *name, struct err *e)
{
	struct stat st;

	memset(out, 0, sizeof(*out));
	out->name = name;
	out->fd = -1;
	if (!*name)
		return err_set(e, EINVAL, "output: the name is empty; say which file to write");
	if (strlen(name) >= sizeof(out->path))
		return err_set(e, ENAMETOOLONG,
			       "output %.40s...: the name has %zu bytes; at most %d", name,
			       strlen(name), PATH_MAX - 1);
	strcpy(out->path, name);
	if (lstat(name, &st) == 0 && S_ISLNK(st.st_mode) && stat(name, &st) == 0 &&
	    !is_direct(st.st_mode) && !realpath(name, out->path))
		return err_sys(e, errno, "output %s: the link cannot be followed", name);
	if (stat(out->path, &st) == 0 && !S_ISREG(st.st_mode) && !is_direct(st.st_mode))
		return err_set(e, S_ISDIR(st.st_mode) ? EISDIR : EINVAL,
			       "output %s: exists and is %s; name a file", name,
			       S_ISDIR(st.st_mode) ? "a directory" : "no regular file");
	return examine_folder(out, e);
}

static int open_temporary(struct output *out, struct err *e)
{
	for (int i = 0; i < TEMPORARY_TRIES; i++) {
		int n = snprintf(out->temporary, sizeof(out->temporary), "%.*s.tvmm-%ld-%d.tmp",
				 folder_length(out->path), out->path, (long)getpid(), i);

		if (n >= (int)sizeof(out->temporary)) {
			errno = ENAMETOOLONG;
			break;
		}
		out->fd = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (out->fd >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	out->temporary[0] = '\0';
	return err_sys(e, errno, "output %s: no file can be created in its folder", out->name);
}

static int open_direct(struct output *out, struct err *e)
{
	out->fd = open(out->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	return out->fd < 0 ? err_sys(e, errno, "output %s: cannot be opened", out->name) : 0;
}

int output_open(struct output *out, struct err *e)
{
	struct stat st;
	int rc;

	if (stat(out->path, &st) == 0 && is_direct(st.st_mode))
		rc = open_direct(out, e);
	else
		rc = open_temporary(out, e);
	if (rc < 0)
		return rc;
	if (deflateInit2(&out->z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW_BITS,
			 GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
		output_abandon(out);
		return err_set(e, ENOMEM, "output %s: no memory for the compressor", out->name);
	}
	return 0;
}

static int write_all(struct output *out, size_t size_bytes, struct err *e)
{
	size_t done = 0;

	while (done < size_bytes) {
		ssize_t n = write(out->fd, out->buffer + done, size_bytes - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "output %s: cannot be written after %llu bytes",
				       out->name, (unsigned long long)out->out_bytes);
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

static int give_name(struct output *out, struct err *e)
{
	int fd = out->fd;

	if (fsync(fd) < 0)
		return err_sys(e, errno, "output %s: cannot be brought to the disk", out->name);
	out->fd = -1;
	if (close(fd) < 0)
		return err_sys(e, errno, "output %s: cannot be closed", out->name);
	if (rename(out->temporary, out->path) < 0)
		return err_sys(e, errno, "output %s: cannot be given its name", out->name);
	out->temporary[0] = '\0';
	return 0;
}

int output_close(struct output *out, struct err *e)
{
	int rc;

	out->z.next_in = NULL;
	out->z.avail_in = 0;
	rc = squeeze(out, Z_FINISH, e);
	if (rc == 0 && out->temporary[0])
		rc = give_name(out, e);
	if (rc == 0)
		output_abandon(out);
	return rc;
}

void output_abandon(struct output *out)
{
	(void)deflateEnd(&out->z); /* an empty z_stream is refused without harm */
	memset(&out->z, 0, sizeof(out->z));
	if (out->fd >= 0)
		(void)close(out->fd);
	out->fd = -1;
	if (out->temporary[0])
		(void)unlink(out->temporary);
	out->temporary[0] = '\0';
}
