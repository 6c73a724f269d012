/* SPDX-License-Identifier: MIT */
#include "vmm/base/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/base/leftover.h"

enum {
	MODE = 0666, /* less the umask */
	MODE_BITS = 0777,
	LINKS_MAX = 40, /* Linux follows as many */
	TEMPORARY_TRIES = 100,
	DESCRIPTOR_BYTES = 32,
	TEMPORARY_BYTES = 40, /* ".tvmm-", a process id, "-", 8 digits, ".tmp", NUL */
};

/*
 * ---- what a name means -------------------------------------------------------------------------
 */

/* The number behind prefix, the whole rest of path; -1: it is something else. */
static int number_behind(const char *prefix, const char *path)
{
	size_t length = strlen(prefix);
	int number = 0;

	if (strncmp(path, prefix, length) != 0 || !path[length])
		return -1;
	for (const char *p = path + length; *p; p++) {
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, *p - '0', &number))
			return -1;
	}
	return number;
}

static int descriptor_of(const char *path)
{
	int number = number_behind("/dev/fd/", path);

	if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	return number >= 0 ? number : number_behind("/proc/self/fd/", path);
}

/* The length of path's folder, its last slash included; 0 for the current one. */
static int folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (int)(slash - path + 1) : 0;
}

static void folder_of(const struct newfile *file, char folder[PATH_MAX])
{
	int length = folder_length(file->path);

	(void)snprintf(folder, PATH_MAX, "%.*s", length ? length : 1, length ? file->path : ".");
}

static bool is_direct(mode_t mode)
{
	return S_ISCHR(mode) || S_ISFIFO(mode);
}

/*
 * Leaves in path what the name leads to, be it there or not. The links of /proc lead to what they
 * cannot name; a device or FIFO is opened through its links.
 */
static int follow_links(struct newfile *file)
{
	char target[PATH_MAX], joined[PATH_MAX];
	struct stat st;

	if (stat(file->path, &st) == 0 && is_direct(st.st_mode))
		return 0;
	for (int i = 0; i < LINKS_MAX; i++) {
		ssize_t n = readlink(file->path, target, sizeof(target) - 1);
		int folder = folder_length(file->path);

		if (n < 0) /* EINVAL: no link; what else is wrong shows when it is opened */
			return 0;
		target[n] = '\0';
		if (target[0] == '/')
			folder = 0;
		if (folder + n >= PATH_MAX)
			return -ENAMETOOLONG;
		memcpy(joined, file->path, (size_t)folder);
		memcpy(joined + folder, target, (size_t)n + 1);
		memcpy(file->path, joined, sizeof(file->path));
		file->inherited = descriptor_of(file->path);
		if (file->inherited >= 0)
			return 0;
	}
	return -ELOOP;
}

/* Nobody can put another file in the place of one that something is mounted on. */
static bool is_mount_point(const char *path)
{
	struct statx stx;

	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, &stx) == 0 &&
	       (stx.stx_attributes_mask & stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static int examine_present(struct newfile *file, const struct stat *st, struct err *e)
{
	if (!S_ISREG(st->st_mode))
		return err_set(e, S_ISDIR(st->st_mode) ? EISDIR : EINVAL,
			       "%s %s: exists and is %s; name a file", file->what, file->name,
			       S_ISDIR(st->st_mode) ? "a directory" : "no regular file");
	if (access(file->path, W_OK) < 0)
		return err_sys(e, errno, "%s %s: cannot be written", file->what, file->name);
	if (is_mount_point(file->path))
		return err_set(e, EBUSY,
			       "%s %s: is mounted there by itself, so that no new file can take "
			       "its place; mount its folder, or write to /dev/stdout",
			       file->what, file->name);
	file->mode = (st->st_mode & MODE_BITS) | S_IFREG;
	return 0;
}

/* Its temporary name stands in the same folder, and must not be longer than a path may be. */
static int examine_length(const struct newfile *file, struct err *e)
{
	size_t room = PATH_MAX - (size_t)folder_length(file->path);
	struct stat st;

	if (room <= TEMPORARY_BYTES || (stat(file->path, &st) < 0 && errno == ENAMETOOLONG))
		return err_sys(e, ENAMETOOLONG, "%s %s: cannot be written", file->what, file->name);
	return 0;
}

static int examine_folder(struct newfile *file, struct err *e)
{
	char folder[PATH_MAX];
	struct stat st = { .st_nlink = 1 };

	folder_of(file, folder);
	/* A current folder that was removed is still there, but takes no names. */
	if (stat(folder, &st) < 0 || st.st_nlink == 0)
		return err_sys(e, st.st_nlink == 0 ? ENOENT : errno,
			       "%s %s: its folder %s cannot be used", file->what, file->name,
			       folder);
	file->folder_dev = st.st_dev;
	file->folder_ino = st.st_ino;
	return 0;
}

/* Only what we were started with: a descriptor of our own is closed by exec, theirs was not. */
static int examine_descriptor(struct newfile *file, struct err *e)
{
	int flags = fcntl(file->inherited, F_GETFD);
	int access_mode = fcntl(file->inherited, F_GETFL) & (O_ACCMODE | O_PATH);

	file->direct = true;
	if (flags < 0 || (flags & FD_CLOEXEC) || (access_mode != O_WRONLY && access_mode != O_RDWR))
		return err_set(e, EBADF, "%s %s: descriptor %d is not open for writing", file->what,
			       file->name, file->inherited);
	return 0;
}

int newfile_examine(struct newfile *file, const char *what, const char *name, struct err *e)
{
	struct stat st;
	int rc;

	memset(file, 0, sizeof(*file));
	file->what = what;
	file->name = name;
	file->leftover = -1;
	file->inherited = descriptor_of(name);
	if (file->inherited >= 0)
		return examine_descriptor(file, e);
	if (!*name)
		return err_set(e, EINVAL, "%s: the name is empty; say which file to write", what);
	if (strlen(name) >= sizeof(file->path))
		return err_set(e, ENAMETOOLONG, "%s %.40s...: the name has %zu bytes; at most %d",
			       what, name, strlen(name), PATH_MAX - 1);
	strcpy(file->path, name);
	rc = follow_links(file);
	if (rc < 0)
		return err_sys(e, -rc, "%s %s: the link cannot be followed", what, name);
	if (file->inherited >= 0)
		return examine_descriptor(file, e);
	if (stat(file->path, &st) == 0) {
		file->direct = is_direct(st.st_mode);
		rc = file->direct ? 0 : examine_present(file, &st, e);
	}
	if (rc < 0 || file->direct)
		return rc;
	rc = examine_length(file, e);
	return rc < 0 ? rc : examine_folder(file, e);
}

/*
 * ---- opening -----------------------------------------------------------------------------------
 */

static int open_direct(struct newfile *file)
{
	if (file->inherited >= 0)
		return fcntl(file->inherited, F_DUPFD_CLOEXEC, 3);
	/* O_NONBLOCK: a FIFO without a reader must be refused, not waited for. */
	file->fd = (int)TEMP_FAILURE_RETRY(
		open(file->path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
	if (file->fd >= 0)
		(void)fcntl(file->fd, F_SETFL, 0);
	return file->fd;
}

static void name_descriptor(const struct newfile *file, char name[DESCRIPTOR_BYTES])
{
	(void)snprintf(name, DESCRIPTOR_BYTES, "/proc/self/fd/%d", file->fd);
}

/* Its name comes by way of /proc, so that must be there. */
static int open_nameless(struct newfile *file)
{
	char folder[PATH_MAX], descriptor[DESCRIPTOR_BYTES];

	folder_of(file, folder);
	file->fd = (int)TEMP_FAILURE_RETRY(open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, MODE));
	if (file->fd < 0)
		return -1;
	name_descriptor(file, descriptor);
	if (access(descriptor, F_OK) == 0)
		return file->fd;
	(void)close(file->fd);
	return -1;
}

static void forget_temporary(struct newfile *file)
{
	leftover_forget(file->leftover);
	file->leftover = -1;
	file->temporary[0] = '\0';
}

/* Tries temporary names until make() does not find them taken. 0, or -1 with errno. */
static int with_temporary_name(struct newfile *file, int (*make)(struct newfile *file))
{
	for (int i = 0; i < TEMPORARY_TRIES; i++) {
		/* In a folder that containers share, another process may have our number. */
		int n = snprintf(file->temporary, sizeof(file->temporary), "%.*s.tvmm-%ld-%x.tmp",
				 folder_length(file->path), file->path, (long)getpid(),
				 (unsigned int)clock_tsc());
		int code;

		if (n >= (int)sizeof(file->temporary)) {
			errno = ENAMETOOLONG;
			break;
		}
		file->leftover = leftover_add(file->temporary);
		if (make(file) >= 0)
			return 0;
		code = errno;
		leftover_forget(file->leftover);
		errno = code;
		if (errno != EEXIST)
			break;
	}
	file->leftover = -1;
	file->temporary[0] = '\0';
	return -1;
}

static int make_named(struct newfile *file)
{
	file->fd = (int)TEMP_FAILURE_RETRY(
		open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, MODE));
	return file->fd;
}

static int open_named(struct newfile *file)
{
	return with_temporary_name(file, make_named) < 0 ? -1 : file->fd;
}

int newfile_open(struct newfile *file, struct err *e)
{
	if (file->direct) {
		file->fd = open_direct(file);
		if (file->fd < 0)
			return err_sys(e, errno, "%s %s: cannot be opened", file->what, file->name);
	} else if (open_nameless(file) < 0 && open_named(file) < 0) {
		return err_sys(e, errno, "%s %s: no file can be created in its folder", file->what,
			       file->name);
	}
	file->open = true;
	if (file->mode)
		(void)fchmod(file->fd, file->mode & MODE_BITS);
	return 0;
}

int newfile_open_append(struct newfile *file, struct err *e)
{
	if (file->direct)
		return newfile_open(file, e);
	file->direct = true;
	file->fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, MODE);
	if (file->fd < 0)
		return err_sys(e, errno, "%s %s: cannot be opened", file->what, file->name);
	file->open = true;
	return 0;
}

/*
 * ---- closing -----------------------------------------------------------------------------------
 */

static int make_link(struct newfile *file)
{
	char descriptor[DESCRIPTOR_BYTES];

	name_descriptor(file, descriptor);
	return linkat(AT_FDCWD, descriptor, AT_FDCWD, file->temporary, AT_SYMLINK_FOLLOW);
}

/* EINVAL: a file system that has nothing to bring to. */
static int bring_to_disk(int fd)
{
	int rc = (int)TEMP_FAILURE_RETRY(fsync(fd));

	return rc < 0 && errno != EINVAL ? -1 : 0;
}

static int give_name(struct newfile *file, struct err *e)
{
	if (!file->temporary[0] && with_temporary_name(file, make_link) < 0)
		return err_sys(e, errno, "%s %s: cannot be given a name", file->what, file->name);
	leftover_complete(file->leftover, file->path);
	if (bring_to_disk(file->fd) < 0)
		return err_sys(e, errno, "%s %s: cannot be brought to the disk", file->what,
			       file->name);
	if (rename(file->temporary, file->path) < 0)
		return err_sys(e, errno, "%s %s: cannot be given its name", file->what, file->name);
	forget_temporary(file);
	return 0;
}

int newfile_close(struct newfile *file, struct err *e)
{
	int rc = 0;

	if (!file->open)
		return 0;
	if (!file->direct)
		rc = give_name(file, e);
	if (rc < 0) {
		newfile_abandon(file);
		return rc;
	}
	file->open = false;
	/* What a file system on the network tells only now, it has told the fsync before. */
	if (close(file->fd) < 0 && file->direct && errno != EINTR)
		return err_sys(e, errno, "%s %s: cannot be closed", file->what, file->name);
	return 0;
}

void newfile_abandon(struct newfile *file)
{
	if (!file->open)
		return;
	(void)close(file->fd);
	file->open = false;
	if (file->temporary[0])
		(void)unlink(file->temporary);
	forget_temporary(file);
}

/*
 * ---- comparing ---------------------------------------------------------------------------------
 */

static const char *base_name(const struct newfile *file)
{
	return file->path + folder_length(file->path);
}

static bool same_inode(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool newfile_same(const struct newfile *a, const struct newfile *b)
{
	struct stat x, y;

	if (!a->open || !b->open)
		return false;
	if (a->inherited >= 0 && a->inherited == b->inherited)
		return true;
	if (a->direct && b->direct)
		return fstat(a->fd, &x) == 0 && fstat(b->fd, &y) == 0 && !S_ISCHR(x.st_mode) &&
		       same_inode(&x, &y);
	if (a->direct != b->direct)
		return newfile_is(a->direct ? b : a, a->direct ? a->fd : b->fd);
	return a->folder_dev == b->folder_dev && a->folder_ino == b->folder_ino &&
	       strcmp(base_name(a), base_name(b)) == 0;
}

bool newfile_is(const struct newfile *file, int fd)
{
	struct stat x, y;

	if (!file->open || fd < 0 || fstat(fd, &x) < 0 || !S_ISREG(x.st_mode))
		return false;
	return (file->direct ? fstat(file->fd, &y) : stat(file->path, &y)) == 0 &&
	       same_inode(&x, &y);
}
