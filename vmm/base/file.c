/* SPDX-License-Identifier: MIT */
#include "vmm/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFCHR:
		return "a character device";
	case S_IFBLK:
		return "a block device";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "not a regular file";
	}
}

int file_open(struct input_file *file, const char *what, const char *path, uint64_t max_bytes,
	      struct err *e)
{
	struct stat st;
	int rc;

	file->path = path;
	file->what = what;
	file->size_bytes = 0;
	file->bytes = NULL;
	file->sparse = false;
	if (!*path) {
		file->fd = -1;
		return err_sys(e, ENOENT, "%s '': cannot be opened", what);
	}
	/* O_NONBLOCK: a FIFO without a writer must be refused, not waited for. */
	file->fd =
		(int)TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
	if (file->fd < 0)
		return err_sys(e, errno, "%s %s: cannot be opened", what, path);
	if (fstat(file->fd, &st) < 0)
		rc = err_sys(e, errno, "%s %s: cannot be examined", what, path);
	else if (!S_ISREG(st.st_mode))
		rc = err_set(e, EINVAL, "%s %s: is %s; a regular file is needed", what, path,
			     kind_of(st.st_mode));
	else if ((uint64_t)st.st_size > max_bytes)
		rc = err_set(e, EFBIG, "%s %s: has %llu bytes; at most %llu are accepted", what,
			     path, (unsigned long long)st.st_size, (unsigned long long)max_bytes);
	else
		rc = 0;
	if (rc < 0) {
		file_close(file);
		return rc;
	}
	file->size_bytes = (uint64_t)st.st_size;
	file->sparse = file_is_sparse(&st);
	return 0;
}

void file_of_memory(struct input_file *file, const char *what, const char *path, const void *bytes,
		    uint64_t size_bytes)
{
	*file = (struct input_file){
		.path = path,
		.what = what,
		.fd = -1,
		.size_bytes = size_bytes,
		.bytes = bytes,
	};
}

static int read_memory(const struct input_file *file, uint64_t offset, void *to, size_t size_bytes,
		       struct err *e)
{
	if (offset > file->size_bytes || size_bytes > file->size_bytes - offset)
		return err_set(e, EIO, "%s %s: ends at offset %llu", file->what, file->path,
			       (unsigned long long)file->size_bytes);
	if (size_bytes)
		memcpy(to, file->bytes + offset, size_bytes);
	return 0;
}

int file_read(const struct input_file *file, uint64_t offset, void *to, size_t size_bytes,
	      struct err *e)
{
	uint8_t *at = to;
	size_t done = 0;

	if (file->bytes)
		return read_memory(file, offset, to, size_bytes, e);
	while (done < size_bytes) {
		ssize_t n = pread(file->fd, at + done, size_bytes - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "%s %s: cannot be read at offset %llu", file->what,
				       file->path, (unsigned long long)(offset + done));
		if (n == 0)
			return err_set(e, EIO,
				       "%s %s: ends at offset %llu, had %llu bytes when it was "
				       "opened; is it being written?",
				       file->what, file->path, (unsigned long long)(offset + done),
				       (unsigned long long)file->size_bytes);
		done += (size_t)n;
	}
	return 0;
}

bool file_is_sparse(const struct stat *st)
{
	const uint64_t unit = 512; /* of st_blocks: stat(2) */

	return (uint64_t)st->st_blocks < ((uint64_t)st->st_size + unit - 1) / unit;
}

/*
 * The next piece to read from *at on, up to end: [*at, the result). Where a file system does not tell
 * (lseek(2), SEEK_DATA), or tells nonsense, as one in user space may, all is to be read. Where only
 * a hole is left, or the file has become shorter, it is the last byte: reading that tells which.
 */
static uint64_t next_piece(int fd, uint64_t *at, uint64_t end)
{
	off_t data = lseek(fd, (off_t)*at, SEEK_DATA), hole;

	if (data < 0) {
		if (errno == ENXIO)
			*at = end - 1;
		return end;
	}
	if ((uint64_t)data < *at)
		return end;
	*at = (uint64_t)data < end ? (uint64_t)data : end;
	hole = lseek(fd, (off_t)*at, SEEK_HOLE);
	return hole < 0 || (uint64_t)hole > end || (uint64_t)hole <= *at ? end : (uint64_t)hole;
}

int file_read_to_zeros(const struct input_file *file, uint64_t offset, void *to, size_t size_bytes,
		       struct err *e)
{
	uint64_t at = offset, end = offset + size_bytes, next;
	int rc = 0;

	if (!file->sparse)
		return file_read(file, offset, to, size_bytes, e);
	for (; rc == 0 && at < end; at = next) {
		next = next_piece(file->fd, &at, end);
		rc = file_read(file, at, (uint8_t *)to + (at - offset), next - at, e);
	}
	return rc;
}

void file_close(struct input_file *file)
{
	if (file->fd >= 0)
		(void)close(file->fd);
	file->fd = -1;
	file->bytes = NULL;
}
