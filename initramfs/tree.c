/* SPDX-License-Identifier: MIT */
#include "initramfs/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "initramfs/cpio.h"
#include "vmm/base/must.h"

enum {
	FIRST_ROOM = 256,
	CONSOLE_MAJOR = 5, /* [DEVICES] 5 char, 1 = /dev/console */
	CONSOLE_MINOR = 1,
};

static int no_memory(const struct tree *tree, struct err *e)
{
	return err_set(e, ENOMEM, "%s: no memory for the list of its %zu files", tree->directory,
		       tree->count);
}

static int make_room(struct tree *tree, struct err *e)
{
	size_t room = tree->room ? tree->room * 2 : FIRST_ROOM;
	struct tree_entry *entry;

	if (tree->count < tree->room)
		return 0;
	entry = reallocarray(tree->entry, room, sizeof(*entry));
	if (!entry)
		return no_memory(tree, e);
	tree->entry = entry;
	tree->room = room;
	return 0;
}

static int check_name(const struct tree *tree, const char *name, struct err *e)
{
	size_t bytes = strlen(name) + 1;

	if (bytes > CPIO_NAME_MAX_BYTES)
		return err_set(e, ENAMETOOLONG,
			       "%s: the name %.60s... has %zu bytes; Linux unpacks at most %d",
			       tree->directory, name, bytes - 1, CPIO_NAME_MAX_BYTES - 1);
	if (strcmp(name, CPIO_TRAILER_NAME) == 0)
		return err_set(e, EINVAL,
			       "%s/%s: this name marks the end of an archive; rename the file",
			       tree->directory, name);
	return 0;
}

struct tree_entry *tree_add(struct tree *tree, const char *name, struct err *e)
{
	struct tree_entry *entry;

	if (check_name(tree, name, e) < 0 || make_room(tree, e) < 0)
		return NULL;
	entry = &tree->entry[tree->count];
	memset(entry, 0, sizeof(*entry));
	entry->name = strdup(name);
	if (!entry->name) {
		(void)no_memory(tree, e);
		return NULL;
	}
	tree->count++;
	return entry;
}

static int read_target(const struct tree *tree, struct tree_entry *entry, struct err *e)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(tree->fd, entry->name, target, sizeof(target));

	if (n < 0)
		return err_sys(e, errno, "%s/%s: the symbolic link cannot be read", tree->directory,
			       entry->name);
	must(n <= PATH_MAX);
	entry->target = strndup(target, (size_t)n);
	return entry->target ? 0 : no_memory(tree, e);
}

/* The size is looked at here too, so that it is told before anything is written. */
static int take_regular(const struct tree *tree, struct tree_entry *entry, struct err *e)
{
	if ((uint64_t)entry->found.st_size > CPIO_FILE_MAX_BYTES)
		return err_set(e, EFBIG,
			       "%s/%s: has %lld bytes; a newc archive holds files of at most %llu",
			       tree->directory, entry->name, (long long)entry->found.st_size,
			       CPIO_FILE_MAX_BYTES);
	entry->source = strdup(entry->name);
	return entry->source ? 0 : no_memory(tree, e);
}

/* A bind mount may show a folder above it once more; hard links to folders do not exist. */
static int refuse_loop(const struct tree *tree, const struct tree_entry *entry, struct err *e)
{
	const struct stat *st = &entry->found;
	const char *same = NULL;

	for (size_t at = entry->folder; at && !same; at = tree->entry[at - 1].folder) {
		const struct stat *above = &tree->entry[at - 1].found;

		if (above->st_dev == st->st_dev && above->st_ino == st->st_ino)
			same = tree->entry[at - 1].name;
	}
	if (!same && tree->top.st_dev == st->st_dev && tree->top.st_ino == st->st_ino)
		same = "";
	if (same)
		return err_set(e, ELOOP,
			       "%s/%s: is a folder loop: the same as %s%s%s, in which it lies; "
			       "unmount it or pack less",
			       tree->directory, entry->name, tree->directory, *same ? "/" : "",
			       same);
	return 0;
}

static int take(const struct tree *tree, struct tree_entry *entry, struct err *e)
{
	const struct stat *st = &entry->found;

	if (fstatat(tree->fd, entry->name, &entry->found, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, errno, "%s/%s: cannot be examined", tree->directory, entry->name);
	entry->mode = st->st_mode;
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return take_regular(tree, entry, e);
	case S_IFLNK:
		return read_target(tree, entry, e);
	case S_IFCHR:
	case S_IFBLK:
		entry->rdev_major = major(st->st_rdev);
		entry->rdev_minor = minor(st->st_rdev);
		return 0;
	case S_IFDIR:
		return refuse_loop(tree, entry, e);
	case S_IFIFO:
		return 0;
	default:
		return err_set(e, EINVAL,
			       "%s/%s: is a socket, which only its program can make; remove it",
			       tree->directory, entry->name);
	}
}

/* A folder that is being read: its name ("": the top), and tree_entry.folder for what is in it. */
struct reading {
	const char *name;
	size_t number;
};

static int add_found(struct tree *tree, const struct reading *folder, const char *name,
		     struct err *e)
{
	struct tree_entry *entry;
	char *path;

	if (asprintf(&path, "%s%s%s", folder->name, *folder->name ? "/" : "", name) < 0)
		return no_memory(tree, e);
	entry = tree_add(tree, path, e);
	free(path);
	if (!entry)
		return -e->code;
	entry->folder = folder->number;
	return take(tree, entry, e);
}

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int read_folder(struct tree *tree, const struct reading *folder, DIR *dir, struct err *e)
{
	const struct dirent *found;
	int rc = 0;

	while (rc == 0) {
		errno = 0;
		found = readdir(dir);
		if (!found)
			break;
		if (!is_dot(found->d_name))
			rc = add_found(tree, folder, found->d_name, e);
	}
	if (rc == 0 && errno)
		rc = err_sys(e, errno, "%s/%s: the folder cannot be read", tree->directory,
			     folder->name);
	return rc;
}

static int refuse_forbidden(const struct tree *tree, int fd, const struct tree_forbidden *forbidden,
			    struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "%s: cannot be examined", tree->directory);
	if (st.st_dev == forbidden->dev && st.st_ino == forbidden->ino)
		return err_set(e, EINVAL,
			       "output %s: lies inside %s and would be packed into itself; write "
			       "it somewhere else",
			       forbidden->name, tree->directory);
	return 0;
}

static int scan_folder(struct tree *tree, const struct reading *folder,
		       const struct tree_forbidden *forbidden, struct err *e)
{
	int fd = openat(tree->fd, *folder->name ? folder->name : ".",
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir;
	int rc;

	if (fd < 0)
		return err_sys(e, errno, "%s/%s: the folder cannot be opened", tree->directory,
			       folder->name);
	rc = forbidden ? refuse_forbidden(tree, fd, forbidden, e) : 0;
	dir = rc == 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		if (rc == 0)
			rc = no_memory(tree, e);
		(void)close(fd);
		return rc;
	}
	rc = read_folder(tree, folder, dir, e);
	(void)closedir(dir);
	return rc;
}

static int open_top(struct tree *tree, const char *directory, struct err *e)
{
	memset(tree, 0, sizeof(*tree));
	tree->directory = directory;
	tree->fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree->fd < 0)
		return err_sys(e, errno, "folder %s: cannot be opened", directory);
	if (fstat(tree->fd, &tree->top) < 0)
		return err_sys(e, errno, "folder %s: cannot be examined", directory);
	return 0;
}

int tree_scan_one(struct tree *tree, const char *directory, const char *name, struct err *e)
{
	int rc = open_top(tree, directory, e);

	return rc == 0 ? add_found(tree, &(struct reading){ .name = "" }, name, e) : rc;
}

int tree_scan(struct tree *tree, const char *directory, const struct tree_forbidden *forbidden,
	      struct err *e)
{
	int rc = open_top(tree, directory, e);

	if (rc == 0)
		rc = scan_folder(tree, &(struct reading){ .name = "" }, forbidden, e);
	/* The entries grow while their folders are read: each folder is reached in its turn. */
	for (size_t i = 0; rc == 0 && i < tree->count; i++) {
		const struct reading folder = { tree->entry[i].name, i + 1 };

		if (S_ISDIR(tree->entry[i].mode))
			rc = scan_folder(tree, &folder, forbidden, e);
	}
	return rc;
}

static void entry_finish(struct tree_entry *entry)
{
	free(entry->name);
	free(entry->source);
	free(entry->target);
}

void tree_finish(struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		entry_finish(&tree->entry[i]);
	free(tree->entry);
	tree->entry = NULL;
	tree->count = 0;
	tree->room = 0;
	if (tree->fd >= 0)
		(void)close(tree->fd);
	tree->fd = -1;
}

/* Of two entries with one name the list's comes last. */
static int by_name(const void *a, const void *b)
{
	const struct tree_entry *x = a;
	const struct tree_entry *y = b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	return (x->list_line > y->list_line) - (x->list_line < y->list_line);
}

static void sort(struct tree *tree)
{
	if (tree->count)
		qsort(tree->entry, tree->count, sizeof(*tree->entry), by_name);
}

/* Two entries of one name: once from the folder and once from the list is right. */
static int check_list(const struct tree *tree, struct err *e)
{
	for (size_t i = 1; i < tree->count; i++) {
		const struct tree_entry *first = &tree->entry[i - 1];
		const struct tree_entry *second = &tree->entry[i];

		if (first->list_line && strcmp(first->name, second->name) == 0)
			return err_set(e, EEXIST, "node list %s:%u: /%s is in line %u already",
				       tree->list, second->list_line, second->name,
				       first->list_line);
	}
	return 0;
}

/* Among sorted entries: drops the folder's where the list has one of the same name. */
static void merge(struct tree *tree)
{
	size_t kept = 0;

	for (size_t i = 0; i < tree->count; i++) {
		if (kept && strcmp(tree->entry[kept - 1].name, tree->entry[i].name) == 0)
			entry_finish(&tree->entry[--kept]);
		tree->entry[kept++] = tree->entry[i];
	}
	tree->count = kept;
}

static const struct tree_entry *find(const struct tree *tree, const char *name)
{
	size_t low = 0;
	size_t high = tree->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(tree->entry[middle].name, name);

		if (order == 0)
			return &tree->entry[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int add_missing_console(struct tree *tree, struct err *e)
{
	bool has_folder = find(tree, "dev");
	bool has_console = find(tree, "dev/console");
	struct tree_entry *entry;

	if (!has_folder) {
		entry = tree_add(tree, "dev", e);
		if (!entry)
			return -e->code;
		entry->mode = S_IFDIR | 0755;
	}
	if (!has_console) {
		entry = tree_add(tree, "dev/console", e);
		if (!entry)
			return -e->code;
		entry->mode = S_IFCHR | 0600;
		entry->rdev_major = CONSOLE_MAJOR;
		entry->rdev_minor = CONSOLE_MINOR;
	}
	if (!has_folder || !has_console)
		sort(tree);
	return 0;
}

static int check_parent(const struct tree *tree, const struct tree_entry *entry, struct err *e)
{
	char folder[CPIO_NAME_MAX_BYTES];
	const char *slash = strrchr(entry->name, '/');
	const struct tree_entry *parent;

	if (!slash)
		return 0;
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - entry->name), entry->name);
	parent = find(tree, folder);
	if (!parent && entry->list_line)
		return err_set(
			e, ENOENT,
			"node list %s:%u: /%s: there is no folder /%s; add 'dir /%s 0755 0 0'",
			tree->list, entry->list_line, entry->name, folder, folder);
	must(parent);
	if (!S_ISDIR(parent->mode))
		return err_set(e, ENOTDIR, "%s: /%s cannot be packed: /%s is not a folder",
			       tree->directory, entry->name, folder);
	return 0;
}

static int check_parents(const struct tree *tree, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < tree->count; i++)
		rc = check_parent(tree, &tree->entry[i], e);
	return rc;
}

/* Linked files side by side, within a group in the archive's order. */
static int by_file(const void *a, const void *b)
{
	const struct tree_entry *x = *(struct tree_entry *const *)a;
	const struct tree_entry *y = *(struct tree_entry *const *)b;

	if (x->found.st_dev != y->found.st_dev)
		return x->found.st_dev < y->found.st_dev ? -1 : 1;
	if (x->found.st_ino != y->found.st_ino)
		return x->found.st_ino < y->found.st_ino ? -1 : 1;
	return (x > y) - (x < y);
}

static bool may_be_linked(const struct tree_entry *entry)
{
	return S_ISREG(entry->mode) && !entry->list_line && entry->found.st_nlink > 1;
}

static bool same_file(const struct tree_entry *x, const struct tree_entry *y)
{
	return x->found.st_dev == y->found.st_dev && x->found.st_ino == y->found.st_ino;
}

static void join_links(struct tree_entry **linked, size_t count)
{
	for (size_t first = 0, i = 0; i < count; i++) {
		size_t next = i + 1;

		linked[i]->ino = linked[first]->ino;
		linked[i]->carries_data = false;
		if (next < count && same_file(linked[first], linked[next]))
			continue;
		linked[i]->carries_data = true;
		for (size_t k = first; k <= i; k++)
			linked[k]->nlink = (uint32_t)(next - first);
		first = next;
	}
}

/*
 * Numbers count entries from 1, so they say nothing about the host's file system. Links are those
 * within the archive: a further name outside the folder doesn't count.
 */
static int number(struct tree *tree, struct err *e)
{
	struct tree_entry **linked = calloc(tree->count + 1, sizeof(struct tree_entry *));
	size_t count = 0;

	if (!linked)
		return no_memory(tree, e);
	for (size_t i = 0; i < tree->count; i++) {
		struct tree_entry *entry = &tree->entry[i];

		entry->ino = (uint32_t)i + 1;
		entry->nlink = S_ISDIR(entry->mode) ? 2 : 1;
		entry->carries_data = S_ISREG(entry->mode);
		if (may_be_linked(entry))
			linked[count++] = entry;
	}
	if (count)
		qsort(linked, count, sizeof(struct tree_entry *), by_file);
	join_links(linked, count);
	free(linked);
	return 0;
}

int tree_arrange(struct tree *tree, struct err *e)
{
	int rc;

	sort(tree);
	rc = check_list(tree, e);
	if (rc < 0)
		return rc;
	merge(tree);
	rc = add_missing_console(tree, e);
	if (rc == 0)
		rc = check_parents(tree, e);
	if (rc == 0)
		rc = number(tree, e);
	return rc;
}
