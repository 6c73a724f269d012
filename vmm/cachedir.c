/* SPDX-License-Identifier: MIT */
#include "vmm/cachedir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/base/leftover.h"
#include "vmm/base/must.h"

enum {
	TEMPORARY_DIGITS = 16,
	LEFTOVER_AFTER_S = 60,
	NS_PER_S = 1000000000,
	HOLE_BYTES = 64 << 10, /* the least that is left out of a file: more than any block */
};

#define TEMPORARY_PREFIX "tmp-"

/* [XDG] "Environment variables": unset, empty and relative ones count for nothing. */
static int choose_path(struct cachedir *dir, struct err *e)
{
	const char *base = getenv("XDG_CACHE_HOME"), *below = "tvmm";
	int n;

	if (!base || base[0] != '/') {
		base = getenv("HOME");
		below = ".cache/tvmm";
	}
	if (!base || base[0] != '/')
		return err_set(e, ENOENT, "neither XDG_CACHE_HOME nor HOME is an absolute path");
	n = snprintf(dir->path, sizeof(dir->path), "%s/%s", base, below);
	if (n > 0 && (size_t)n < sizeof(dir->path))
		return 0;
	dir->path[0] = '\0';
	return err_set(e, ENAMETOOLONG, "%.40s...: a path of %d bytes; at most %zu are possible",
		       base, n, sizeof(dir->path) - 1);
}

/*
 * Makes one directory, if it is missing. Not in somebody else's: with another user's HOME in the
 * environment, as sudo may leave it, root would make one there that this user cannot use. A
 * directory of root's, as /tmp is, will do. *owner: of the one above, then of this one.
 */
static int make_one(const char *path, uid_t *owner, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == 0) {
		*owner = st.st_uid;
		return 0;
	}
	if (errno != ENOENT)
		return err_sys(e, errno, "%s: cannot be examined", path);
	if (*owner != geteuid() && *owner != 0)
		return err_set(e, EPERM, "%s: is missing, and the directory above is user %u's",
			       path, *owner);
	if (mkdir(path, S_IRWXU) < 0 && errno != EEXIST)
		return err_sys(e, errno, "%s: cannot be made", path);
	*owner = geteuid();
	return 0;
}

/* A home that is not there is not made: build systems name one to have nothing in it. */
static int check_home(struct err *e)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if ((cache && cache[0] == '/') || access(home, F_OK) == 0)
		return 0;
	return err_sys(e, errno, "%s: the home directory", home);
}

static int make_with_parents(const struct cachedir *dir, struct err *e)
{
	char path[PATH_MAX];
	uid_t owner = 0;
	int rc = check_home(e);

	memcpy(path, dir->path, sizeof(path));
	for (char *at = path + 1; rc == 0 && *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		rc = make_one(path, &owner, e);
		*at = '/';
	}
	return rc < 0 ? rc : make_one(path, &owner, e);
}

static int check(const struct cachedir *dir, struct err *e)
{
	struct stat st;

	if (fstat(dir->fd, &st) < 0)
		return err_sys(e, errno, "%s: cannot be examined", dir->path);
	if (st.st_uid != geteuid())
		return err_set(e, EPERM, "%s: belongs to user %u, not to user %u", dir->path,
			       st.st_uid, geteuid());
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, EPERM, "%s: others may write into it (mode %04o); chmod go-w it",
			       dir->path, st.st_mode & 07777u);
	return 0;
}

int cachedir_open(struct cachedir *dir, struct err *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int rc;

	dir->fd = -1;
	dir->path[0] = '\0';
	rc = choose_path(dir, e);
	if (rc < 0)
		return rc;
	dir->fd = open(dir->path, flags);
	if (dir->fd < 0 && errno == ENOENT) {
		rc = make_with_parents(dir, e);
		if (rc < 0)
			return rc;
		dir->fd = open(dir->path, flags);
	}
	if (dir->fd < 0)
		return err_sys(e, errno, "%s: cannot be opened", dir->path);
	rc = check(dir, e);
	if (rc < 0)
		cachedir_close(dir);
	return rc;
}

void cachedir_close(struct cachedir *dir)
{
	if (dir->fd >= 0)
		(void)close(dir->fd);
	dir->fd = -1;
}

/* --- files -------------------------------------------------------------------------------- */

void cachedir_discard(const struct cachedir *dir, const char *name)
{
	if (unlinkat(dir->fd, name, 0) < 0 && errno == EISDIR)
		(void)unlinkat(dir->fd, name, AT_REMOVEDIR);
}

/* O_NONBLOCK: a FIFO is refused, not waited for. */
int cachedir_open_file(const struct cachedir *dir, const char *name, struct stat *st)
{
	int fd = openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc = 0;

	if (fd < 0) {
		bool odd = errno == ELOOP || errno == ENXIO || errno == ENODEV || errno == EACCES ||
			   errno == EPERM;

		return odd ? -EBADMSG : -errno;
	}
	if (fstat(fd, st) < 0)
		rc = -errno;
	else if (!S_ISREG(st->st_mode) || st->st_uid != geteuid() ||
		 (st->st_mode & (S_IWGRP | S_IWOTH)))
		rc = -EBADMSG;
	if (rc == 0)
		return fd;
	(void)close(fd);
	return rc;
}

static int write_all(int fd, const uint8_t *at, size_t left)
{
	while (left) {
		ssize_t n = write(fd, at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		left -= (size_t)n;
	}
	return 0;
}

static bool is_zero(const uint8_t *at, size_t bytes)
{
	return bytes == 0 || (*at == 0 && memcmp(at, at + 1, bytes - 1) == 0);
}

/* How many of the bytes, from the first on, are in pieces that are all zeros, or all are not. */
static size_t same_kind(const uint8_t *at, size_t left, bool zero)
{
	size_t done = 0;

	while (done < left) {
		size_t piece = left - done < HOLE_BYTES ? left - done : HOLE_BYTES;

		if (is_zero(at + done, piece) != zero)
			break;
		done += piece;
	}
	return done;
}

/* A new file's first part. Zeros become holes, so that whoever reads it can leave them out. */
static int write_sparse(int fd, const struct iovec *part)
{
	const uint8_t *bytes = part->iov_base;
	size_t done = 0;
	int rc = 0;

	while (rc == 0 && done < part->iov_len) {
		size_t hole = same_kind(bytes + done, part->iov_len - done, true), data;

		done += hole;
		if (hole &&
		    (ftruncate(fd, (off_t)done) < 0 || lseek(fd, (off_t)done, SEEK_SET) < 0))
			return -errno;
		data = same_kind(bytes + done, part->iov_len - done, false);
		rc = write_all(fd, bytes + done, data);
		done += data;
	}
	return rc;
}

static int write_temporary(const struct cachedir *dir, const char *name, const struct iovec *head,
			   const struct iovec *tail)
{
	int fd = openat(dir->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			S_IRUSR | S_IWUSR);
	int rc;

	if (fd < 0)
		return -errno;
	rc = write_sparse(fd, head);
	if (rc == 0)
		rc = write_all(fd, tail->iov_base, tail->iov_len);
	/* A file system on the network may tell only now that the disk is full. */
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc < 0)
		cachedir_discard(dir, name);
	return rc;
}

static int give_name(const struct cachedir *dir, const char *temporary, const char *name,
		     bool new_only)
{
	int rc = new_only ? linkat(dir->fd, temporary, dir->fd, name, 0)
			  : renameat(dir->fd, temporary, dir->fd, name);

	if (rc < 0)
		rc = -errno;
	if (rc < 0 || new_only)
		cachedir_discard(dir, temporary);
	return rc;
}

int cachedir_put(const struct cachedir *dir, const char *name, const struct iovec *head,
		 const struct iovec *tail, bool new_only)
{
	char temporary[CACHEDIR_NAME_BYTES], path[PATH_MAX + CACHEDIR_NAME_BYTES];
	struct rlimit limit;
	uint64_t number;
	int leftover, rc;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && head->iov_len + tail->iov_len > limit.rlim_cur)
		return -EFBIG;
	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != (ssize_t)sizeof(number))
		return -EAGAIN;
	(void)snprintf(temporary, sizeof(temporary), TEMPORARY_PREFIX "%016" PRIx64, number);
	(void)snprintf(path, sizeof(path), "%s/%s", dir->path, temporary);
	leftover = leftover_add(path);
	rc = write_temporary(dir, temporary, head, tail);
	if (rc == 0)
		rc = give_name(dir, temporary, name, new_only);
	leftover_forget(leftover);
	return rc;
}

bool cachedir_is_further(const struct timespec *then, int64_t limit_s)
{
	int64_t now_s = clock_unix_ns() / NS_PER_S, away_s;

	if (__builtin_sub_overflow(now_s, (int64_t)then->tv_sec, &away_s))
		return true;
	return away_s > limit_s || away_s < -limit_s;
}

/* --- the bound ---------------------------------------------------------------------------- */

struct listed {
	char name[CACHEDIR_NAME_BYTES];
	uint64_t size_bytes;
	struct timespec used;
};

struct listing {
	struct listed *at; /* from malloc() */
	size_t count, room;
	uint64_t total_bytes;
};

static int listing_add(struct listing *listing, const char *name, const struct stat *st,
		       uint64_t max_bytes)
{
	uint64_t size_bytes = (uint64_t)st->st_size;
	struct listed *listed;

	if (listing->count == listing->room) {
		size_t room = listing->room ? 2 * listing->room : 128;
		struct listed *at = reallocarray(listing->at, room, sizeof(*at));

		if (!at)
			return -ENOMEM;
		listing->at = at;
		listing->room = room;
	}
	listed = &listing->at[listing->count++];
	(void)snprintf(listed->name, sizeof(listed->name), "%.*s", CACHEDIR_NAME_BYTES - 1, name);
	/* Capped, so that the sum cannot wrap: files with holes can have any size. */
	listed->size_bytes = size_bytes < max_bytes ? size_bytes : max_bytes;
	listed->used = st->st_mtim;
	listing->total_bytes += listed->size_bytes;
	return 0;
}

static bool is_temporary(const char *name)
{
	const size_t prefix_bytes = sizeof(TEMPORARY_PREFIX) - 1;

	return strncmp(name, TEMPORARY_PREFIX, prefix_bytes) == 0 &&
	       strspn(name + prefix_bytes, "0123456789abcdef") == TEMPORARY_DIGITS &&
	       name[prefix_bytes + TEMPORARY_DIGITS] == '\0';
}

static int list_name(const struct cachedir *dir, const struct cachedir_bound *bound,
		     const char *name, struct listing *listing)
{
	bool temporary = is_temporary(name);
	struct stat st;

	if (!temporary && !bound->counts(name))
		return 0;
	if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!temporary)
		return listing_add(listing, name, &st, bound->max_bytes);
	if (cachedir_is_further(&st.st_mtim, LEFTOVER_AFTER_S))
		cachedir_discard(dir, name);
	return 0;
}

/* All that counts but `except`. The listing is the caller's to free, also after a failure. */
static int list_all(const struct cachedir *dir, const struct cachedir_bound *bound,
		    const char *except, struct listing *listing)
{
	int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *dirent;
	int rc = 0;

	if (!stream) {
		rc = -errno;
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	while (rc == 0) {
		errno = 0;
		dirent = readdir(stream);
		if (!dirent) {
			rc = -errno;
			break;
		}
		if (strcmp(dirent->d_name, except) != 0)
			rc = list_name(dir, bound, dirent->d_name, listing);
	}
	(void)closedir(stream);
	return rc;
}

static int by_use(const void *a, const void *b)
{
	const struct timespec *x = &((const struct listed *)a)->used;
	const struct timespec *y = &((const struct listed *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

int cachedir_make_room(const struct cachedir *dir, const struct cachedir_bound *bound,
		       const char *name, uint64_t size_bytes)
{
	struct listing listing = { 0 };
	int rc = list_all(dir, bound, name, &listing);

	must(size_bytes <= bound->max_bytes);
	if (rc == 0 && listing.count)
		qsort(listing.at, listing.count, sizeof(*listing.at), by_use);
	for (size_t i = 0; rc == 0 && i < listing.count; i++) {
		if (listing.count - i < bound->max_files &&
		    listing.total_bytes <= bound->max_bytes - size_bytes)
			break;
		cachedir_discard(dir, listing.at[i].name);
		listing.total_bytes -= listing.at[i].size_bytes;
	}
	free(listing.at);
	return rc;
}
