/* SPDX-License-Identifier: MIT */
#include "initramfs/guest/merge.h"

#include <stdint.h>

#include <asm/stat.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#include "initramfs/guest/sys.h"

/* getdents64(2) */
struct entry {
	uint64_t ino;
	int64_t next;
	uint16_t size_bytes;
	uint8_t type;
	char name[];
};

/* Where a walk is; the path is for messages. */
struct walk {
	struct text path;
	struct text *why;
};

static bool fail(struct walk *walk, const char *what)
{
	text_add(walk->why, "what tvmm adds cannot be put into -initrd's tree: ");
	text_add(walk->why, walk->path.bytes);
	text_add(walk->why, what);
	return false;
}

static bool fail_with(struct walk *walk, long error)
{
	fail(walk, ": ");
	text_add_error(walk->why, -error);
	return false;
}

static bool is_directory(long in, const char *name, int flags)
{
	struct stat stat;

	return sys4(newfstatat, in, name, &stat, flags) == 0 && (stat.st_mode & S_IFMT) == S_IFDIR;
}

static bool is_there(long in, const char *name)
{
	struct stat stat;

	return sys4(newfstatat, in, name, &stat, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool empty_into(struct walk *walk, long from, long to);

/* A directory that is on both sides. */
static bool go_into(struct walk *walk, long from, long to, const char *name)
{
	long source = sys4(openat, from, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	long target = sys4(openat, to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	bool done;

	if (source < 0 || target < 0)
		return fail_with(walk, source < 0 ? source : target);
	done = empty_into(walk, source, target);
	(void)sys1(close, source);
	(void)sys1(close, target);
	if (done)
		(void)sys3(unlinkat, from, name, AT_REMOVEDIR);
	return done;
}

static bool move(struct walk *walk, long from, long to, const char *name)
{
	bool directory = is_directory(from, name, AT_SYMLINK_NOFOLLOW);
	bool directory_there = is_directory(to, name, 0);
	long error;

	if (directory && directory_there)
		return go_into(walk, from, to, name);
	if (directory && is_there(to, name))
		return fail(walk, " is a directory here and none there");
	if (!directory && is_directory(to, name, AT_SYMLINK_NOFOLLOW))
		return fail(walk, " is no directory here and one there");
	error = sys4(renameat, from, name, to, name);
	return error < 0 ? fail_with(walk, error) : true;
}

static bool move_named(struct walk *walk, long from, long to, const char *name)
{
	size_t before = walk->path.count;
	bool done;

	text_add(&walk->path, "/");
	text_add(&walk->path, name);
	done = move(walk, from, to, name);
	text_cut(&walk->path, before);
	return done;
}

static bool is_self_or_parent(const char *name)
{
	return text_equal(name, ".") || text_equal(name, "..");
}

/* Each round begins at the front, because all that the round before has seen is gone. */
static bool empty_into(struct walk *walk, long from, long to)
{
	_Alignas(struct entry) char buffer[1024];
	bool any = true;

	while (any) {
		long size = sys3(getdents64, from, buffer, sizeof(buffer));
		struct entry *entry;

		any = false;
		if (size < 0)
			return fail_with(walk, size);
		for (long at = 0; at < size; at += entry->size_bytes) {
			entry = (struct entry *)(buffer + at);
			if (is_self_or_parent(entry->name))
				continue;
			any = true;
			if (!move_named(walk, from, to, entry->name))
				return false;
		}
		(void)sys3(lseek, from, 0, SEEK_SET);
	}
	return true;
}

bool merge_into(const char *from, const char *to, struct text *why)
{
	struct walk walk = { .why = why };
	long source = sys4(openat, AT_FDCWD, from, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	long target = sys4(openat, AT_FDCWD, to, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	bool done;

	if (source == -ENOENT)
		return true;
	if (source < 0 || target < 0)
		return fail_with(&walk, source < 0 ? source : target);
	done = empty_into(&walk, source, target);
	(void)sys1(close, source);
	(void)sys1(close, target);
	if (done)
		(void)sys1(rmdir, from);
	return done;
}
