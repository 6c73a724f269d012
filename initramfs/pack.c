/* SPDX-License-Identifier: MIT */
#include "initramfs/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "initramfs/cpio.h"
#include "initramfs/nodes.h"
#include "initramfs/output.h"
#include "initramfs/tree.h"

enum { COPY_BYTES = 65536 };

struct packer {
	struct tree tree;
	struct output out;
	uint32_t mtime_s;
	char copy[COPY_BYTES];
};

int pack_mtime(const char *source_date_epoch, uint32_t *mtime_s, struct err *e)
{
	const char *text = source_date_epoch && *source_date_epoch ? source_date_epoch : "0";
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || v > UINT32_MAX)
		return err_set(e, EINVAL,
			       "SOURCE_DATE_EPOCH is '%s'; a number of seconds up to %u is needed",
			       text, UINT32_MAX);
	*mtime_s = (uint32_t)v;
	return 0;
}

static int put_padding(struct packer *p, size_t multiple, struct err *e)
{
	static const char zeros[CPIO_BLOCK_BYTES];

	return output_write(&p->out, zeros, cpio_padding_bytes(p->out.in_bytes, multiple), e);
}

static int put_header(struct packer *p, const char *name, struct cpio_header *header, struct err *e)
{
	char bytes[CPIO_HEADER_BYTES];
	int rc;

	header->namesize_bytes = (uint32_t)strlen(name) + 1;
	cpio_header_build(bytes, header);
	rc = output_write(&p->out, bytes, sizeof(bytes), e);
	if (rc == 0)
		rc = output_write(&p->out, name, header->namesize_bytes, e);
	if (rc == 0)
		rc = put_padding(p, 4, e);
	return rc;
}

static int changed(const struct tree *tree, const struct tree_entry *entry, struct err *e)
{
	return err_set(e, EBUSY,
		       "%s%s%s: changed while it was packed; try again when nobody writes to it",
		       entry->list_line ? "" : tree->directory, entry->list_line ? "" : "/",
		       entry->source);
}

static int unreadable(const struct tree *tree, const struct tree_entry *entry, struct err *e)
{
	return err_sys(e, errno, "%s%s%s: cannot be read", entry->list_line ? "" : tree->directory,
		       entry->list_line ? "" : "/", entry->source);
}

static bool same_state(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Copies until the file ends; more or fewer bytes than the header has promised are a change. */
static int copy_all(struct packer *p, const struct tree_entry *entry, int fd, struct err *e)
{
	uint64_t left = (uint64_t)entry->found.st_size;

	for (;;) {
		ssize_t n = read(fd, p->copy, sizeof(p->copy));
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return unreadable(&p->tree, entry, e);
		if ((uint64_t)n > left || (n == 0 && left))
			return changed(&p->tree, entry, e);
		if (n == 0)
			return 0;
		left -= (uint64_t)n;
		rc = output_write(&p->out, p->copy, (size_t)n, e);
		if (rc < 0)
			return rc;
	}
}

static int copy_checked(struct packer *p, const struct tree_entry *entry, int fd, struct err *e)
{
	struct stat now;
	int rc;

	if (fstat(fd, &now) < 0)
		return unreadable(&p->tree, entry, e);
	if (!same_state(&now, &entry->found))
		return changed(&p->tree, entry, e);
	rc = copy_all(p, entry, fd, e);
	if (rc < 0)
		return rc;
	if (fstat(fd, &now) < 0)
		return unreadable(&p->tree, entry, e);
	return same_state(&now, &entry->found) ? 0 : changed(&p->tree, entry, e);
}

static int put_contents(struct packer *p, const struct tree_entry *entry, struct err *e)
{
	/* O_NONBLOCK: a FIFO may have taken the file's place since it was examined. */
	int fd = openat(entry->list_line ? AT_FDCWD : p->tree.fd, entry->source,
			O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	if (fd < 0)
		return unreadable(&p->tree, entry, e);
	rc = copy_checked(p, entry, fd, e);
	(void)close(fd);
	return rc;
}

static uint32_t data_bytes(const struct tree_entry *entry)
{
	if (S_ISLNK(entry->mode))
		return (uint32_t)strlen(entry->target);
	return entry->carries_data ? (uint32_t)entry->found.st_size : 0;
}

static int put_entry(struct packer *p, const struct tree_entry *entry, struct err *e)
{
	struct cpio_header header = {
		.ino = entry->ino,
		.mode = entry->mode,
		.uid = entry->uid,
		.gid = entry->gid,
		.nlink = entry->nlink,
		.mtime_s = p->mtime_s,
		.filesize_bytes = data_bytes(entry),
		.rdev_major = entry->rdev_major,
		.rdev_minor = entry->rdev_minor,
	};
	int rc = put_header(p, entry->name, &header, e);

	if (rc == 0 && S_ISLNK(entry->mode))
		rc = output_write(&p->out, entry->target, header.filesize_bytes, e);
	else if (rc == 0 && entry->carries_data)
		rc = put_contents(p, entry, e);
	return rc == 0 ? put_padding(p, 4, e) : rc;
}

static int put_archive(struct packer *p, struct err *e)
{
	struct cpio_header trailer = { .nlink = 1 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < p->tree.count; i++)
		rc = put_entry(p, &p->tree.entry[i], e);
	if (rc == 0)
		rc = put_header(p, CPIO_TRAILER_NAME, &trailer, e);
	return rc == 0 ? put_padding(p, CPIO_BLOCK_BYTES, e) : rc;
}

static int gather(struct packer *p, const struct pack_request *request, struct err *e)
{
	struct tree_forbidden forbidden;
	int rc = output_examine(&p->out, request->output, e);

	if (rc < 0)
		return rc;
	forbidden = (struct tree_forbidden){ p->out.folder_dev, p->out.folder_ino, p->out.name };
	rc = tree_scan(&p->tree, request->directory, &forbidden, e);
	if (rc == 0 && request->nodes)
		rc = nodes_read(&p->tree, request->nodes, e);
	return rc == 0 ? tree_arrange(&p->tree, e) : rc;
}

static int write_out(struct packer *p, struct err *e)
{
	int rc = output_open(&p->out, e);

	if (rc == 0)
		rc = put_archive(p, e);
	if (rc == 0)
		rc = output_close(&p->out, e);
	if (rc < 0)
		output_abandon(&p->out);
	return rc;
}

int pack_run(const struct pack_request *request, struct pack_result *result, struct err *e)
{
	struct packer *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return err_set(e, ENOMEM, "%s: no memory to pack it", request->directory);
	p->tree.fd = -1;
	p->mtime_s = request->mtime_s;
	rc = gather(p, request, e);
	if (rc == 0)
		rc = write_out(p, e);
	if (rc == 0) {
		result->entries = p->tree.count;
		result->archive_bytes = p->out.in_bytes;
		result->output_bytes = p->out.out_bytes;
	}
	tree_finish(&p->tree);
	free(p);
	return rc;
}
