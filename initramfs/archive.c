/* SPDX-License-Identifier: MIT */
#include "initramfs/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "initramfs/cpio.h"

enum { COPY_BYTES = 64 << 10 };

static int put(struct archive *a, const void *bytes, size_t size_bytes, struct err *e)
{
	int rc = size_bytes ? a->write(a->to, bytes, size_bytes, e) : 0;

	if (rc == 0)
		a->bytes += size_bytes;
	return rc;
}

static int put_padding(struct archive *a, size_t multiple, struct err *e)
{
	static const char zeros[CPIO_BLOCK_BYTES];

	return put(a, zeros, cpio_padding_bytes(a->bytes, multiple), e);
}

static int put_header(struct archive *a, const char *name, struct cpio_header *header,
		      struct err *e)
{
	char bytes[CPIO_HEADER_BYTES];
	int rc;

	header->namesize_bytes = (uint32_t)strlen(name) + 1;
	cpio_header_build(bytes, header);
	rc = put(a, bytes, sizeof(bytes), e);
	if (rc == 0)
		rc = put(a, name, header->namesize_bytes, e);
	if (rc == 0)
		rc = put_padding(a, CPIO_ALIGN_BYTES, e);
	return rc;
}

/* A source that is found without the tree's folder. */
static bool by_itself(const struct tree_entry *entry)
{
	return entry->list_line || entry->source[0] == '/';
}

static int changed(const struct tree *tree, const struct tree_entry *entry, struct err *e)
{
	return err_set(e, EBUSY,
		       "%s%s%s: changed while it was packed; try again when nobody writes to it",
		       by_itself(entry) ? "" : tree->directory, by_itself(entry) ? "" : "/",
		       entry->source);
}

static int unreadable(const struct tree *tree, const struct tree_entry *entry, struct err *e)
{
	return err_sys(e, errno, "%s%s%s: cannot be read", by_itself(entry) ? "" : tree->directory,
		       by_itself(entry) ? "" : "/", entry->source);
}

static bool same_state(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Copies until the file ends; more or fewer bytes than the header has promised are a change. */
static int copy_all(struct archive *a, const struct tree_entry *entry, int fd, struct err *e)
{
	uint64_t left = (uint64_t)entry->found.st_size;

	for (;;) {
		ssize_t n = read(fd, a->copy, COPY_BYTES);
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return unreadable(a->tree, entry, e);
		if ((uint64_t)n > left || (n == 0 && left))
			return changed(a->tree, entry, e);
		if (n == 0)
			return 0;
		left -= (uint64_t)n;
		rc = put(a, a->copy, (size_t)n, e);
		if (rc < 0)
			return rc;
	}
}

static int copy_checked(struct archive *a, const struct tree_entry *entry, int fd, struct err *e)
{
	struct stat now;
	int rc;

	if (fstat(fd, &now) < 0)
		return unreadable(a->tree, entry, e);
	if (!same_state(&now, &entry->found))
		return changed(a->tree, entry, e);
	rc = copy_all(a, entry, fd, e);
	if (rc < 0)
		return rc;
	if (fstat(fd, &now) < 0)
		return unreadable(a->tree, entry, e);
	return same_state(&now, &entry->found) ? 0 : changed(a->tree, entry, e);
}

static int put_contents(struct archive *a, const struct tree_entry *entry, struct err *e)
{
	int fd, rc;

	if (entry->bytes)
		return put(a, entry->bytes, (size_t)entry->found.st_size, e);
	/* O_NONBLOCK: a FIFO may have taken the file's place since it was examined. */
	fd = openat(entry->list_line ? AT_FDCWD : a->tree->fd, entry->source,
		    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return unreadable(a->tree, entry, e);
	rc = copy_checked(a, entry, fd, e);
	(void)close(fd);
	return rc;
}

static uint32_t data_bytes(const struct tree_entry *entry)
{
	if (S_ISLNK(entry->mode))
		return (uint32_t)strlen(entry->target);
	return entry->carries_data ? (uint32_t)entry->found.st_size : 0;
}

static int put_entry(struct archive *a, const struct tree_entry *entry, struct err *e)
{
	struct cpio_header header = {
		.ino = entry->ino,
		.mode = entry->mode,
		.uid = entry->uid,
		.gid = entry->gid,
		.nlink = entry->nlink,
		.mtime_s = a->mtime_s,
		.filesize_bytes = data_bytes(entry),
		.rdev_major = entry->rdev_major,
		.rdev_minor = entry->rdev_minor,
	};
	int rc = put_header(a, entry->name, &header, e);

	if (rc == 0 && S_ISLNK(entry->mode))
		rc = put(a, entry->target, header.filesize_bytes, e);
	else if (rc == 0 && entry->carries_data)
		rc = put_contents(a, entry, e);
	return rc == 0 ? put_padding(a, CPIO_ALIGN_BYTES, e) : rc;
}

static int put_all(struct archive *a, struct err *e)
{
	struct cpio_header trailer = { .nlink = 1 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < a->tree->count; i++)
		rc = put_entry(a, &a->tree->entry[i], e);
	if (rc == 0)
		rc = put_header(a, CPIO_TRAILER_NAME, &trailer, e);
	return rc == 0 ? put_padding(a, CPIO_BLOCK_BYTES, e) : rc;
}

int archive_write(struct archive *archive, struct err *e)
{
	int rc;

	archive->copy = malloc(COPY_BYTES);
	if (!archive->copy)
		return err_set(e, ENOMEM, "%s: no memory to copy its files",
			       archive->tree->directory);
	rc = put_all(archive, e);
	free(archive->copy);
	archive->copy = NULL;
	return rc;
}

static bool grow(uint64_t *bytes, uint64_t more, size_t multiple)
{
	return !__builtin_add_overflow(*bytes, more, bytes) &&
	       !__builtin_add_overflow(*bytes, cpio_padding_bytes(*bytes, multiple), bytes);
}

int archive_size(const struct tree *tree, uint64_t *size_bytes)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < tree->count; i++) {
		const struct tree_entry *entry = &tree->entry[i];

		if (!grow(&bytes, CPIO_HEADER_BYTES + strlen(entry->name) + 1, CPIO_ALIGN_BYTES) ||
		    !grow(&bytes, data_bytes(entry), CPIO_ALIGN_BYTES))
			return -EOVERFLOW;
	}
	if (!grow(&bytes, CPIO_HEADER_BYTES + sizeof(CPIO_TRAILER_NAME), CPIO_ALIGN_BYTES) ||
	    !grow(&bytes, 0, CPIO_BLOCK_BYTES))
		return -EOVERFLOW;
	*size_bytes = bytes;
	return 0;
}
