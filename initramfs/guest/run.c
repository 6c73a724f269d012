/* SPDX-License-Identifier: MIT */
/*
 * The file stays mapped for good, so that its texts need no copies. Authority: mmap(2), execvp(3),
 * environ(7).
 */
#include "initramfs/guest/run.h"

#include <linux/mman.h>
#include <asm/stat.h>
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "initramfs/guest/sys.h"
#include "initramfs/protocol.h"

enum { EXECUTABLE = 1 }; /* X_OK of access(2) */

struct cursor {
	char *at, *end;
	bool damaged;
};

static bool fail(struct text *why, const char *path, const char *what)
{
	text_add(why, path);
	text_add(why, what);
	return false;
}

static void *map(size_t size_bytes, int flags, long fd)
{
	long at = sys6(mmap, 0, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | flags, fd, 0);

	return at < 0 && at > -4096 ? NULL : (void *)at;
}

static char *next_text(struct cursor *cursor)
{
	static char nothing[1];
	char *text = cursor->at;

	while (cursor->at < cursor->end && *cursor->at)
		cursor->at++;
	if (cursor->at == cursor->end) {
		cursor->damaged = true;
		return nothing;
	}
	cursor->at++;
	return text;
}

/* At most as many as there are bytes left: each text has one. */
static size_t next_count(struct cursor *cursor)
{
	size_t left = (size_t)(cursor->end - cursor->at), count = 0;

	for (const char *digit = next_text(cursor); *digit && !cursor->damaged; digit++) {
		count = count * 10 + (size_t)(*digit - '0');
		cursor->damaged = *digit < '0' || *digit > '9' || count > left;
	}
	return cursor->damaged ? 0 : count;
}

/* A number, and so many texts: a vector that ends with NULL; or NULL. */
static char **next_vector(struct cursor *cursor)
{
	size_t count = next_count(cursor);
	char **vector = map((count + 1) * sizeof(*vector), MAP_ANONYMOUS, -1);

	for (size_t i = 0; vector && i < count; i++)
		vector[i] = next_text(cursor);
	return vector;
}

bool run_read(struct run *run, const char *path, struct text *why)
{
	long fd = sys4(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	struct stat stat = { 0 };
	struct cursor cursor;

	if (fd < 0 || sys2(fstat, fd, &stat) < 0 || !stat.st_size)
		return fail(why, path, " cannot be read, so there is nothing to run");
	cursor = (struct cursor){ .at = map((size_t)stat.st_size, 0, fd) };
	(void)sys1(close, fd);
	if (!cursor.at)
		return fail(why, path, " finds no memory; give the guest more with -m");
	cursor.end = cursor.at + stat.st_size;
	if (!text_equal(next_text(&cursor), PROTOCOL_RUN_MAGIC))
		return fail(why, path, " is not of the form " PROTOCOL_RUN_MAGIC);
	run->directory = next_text(&cursor);
	run->path = next_text(&cursor);
	run->argument = next_vector(&cursor);
	run->environment = next_vector(&cursor);
	if (!run->argument || !run->environment)
		return fail(why, path, " finds no memory; give the guest more with -m");
	return cursor.damaged ? fail(why, path, " is damaged") : true;
}

static bool has_slash(const char *path)
{
	while (*path && *path != '/')
		path++;
	return *path;
}

static const char *search_path(const struct run *run)
{
	static const char path[] = "PATH=";

	for (char **entry = run->environment; *entry; entry++) {
		if (text_begins(*entry, path))
			return *entry + sizeof(path) - 1;
	}
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* Folder, slash, name. False when that is too long. */
static bool join(struct run *run, const char *folder, size_t folder_bytes)
{
	size_t name_bytes = text_length(run->path) + 1;

	if (folder_bytes + 1 + name_bytes > sizeof(run->found))
		return false;
	memcpy(run->found, folder, folder_bytes);
	run->found[folder_bytes] = '/';
	memcpy(run->found + folder_bytes + 1, run->path, name_bytes);
	return true;
}

bool run_find(struct run *run, struct text *why)
{
	const char *at = search_path(run);

	if (has_slash(run->path))
		return true;
	while (*at) {
		size_t length = 0;

		while (at[length] && at[length] != ':')
			length++;
		if (length && join(run, at, length) &&
		    sys3(faccessat, AT_FDCWD, run->found, EXECUTABLE) == 0) {
			run->path = run->found;
			return true;
		}
		at += at[length] ? length + 1 : length;
	}
	return fail(why, run->path, ": there is no such program in the guest's PATH");
}
