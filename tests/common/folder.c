/* SPDX-License-Identifier: MIT */
#include "tests/common/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/must.h"

static char folder[64];

void folder_make(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/tvmm-test-XXXXXX");
	must(mkdtemp(folder) != NULL);
}

void folder_remove(void)
{
	char command[100];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	must(folder[0]);
	must(system(command) == 0);
	folder[0] = '\0';
}

const char *folder_at(const char *name)
{
	static char paths[8][256];
	static unsigned int next;
	char *path = paths[next++ % 8];

	must(snprintf(path, sizeof(paths[0]), *name ? "%s/%s" : "%s%s", folder, name) <
	     (int)sizeof(paths[0]));
	return path;
}

/* Unlinked first: ext4 writes to the disk at once what is put over an old file. */
void folder_put(const char *path, const void *bytes, size_t size_bytes)
{
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	must(fd >= 0);
	must(write(fd, bytes, size_bytes) == (ssize_t)size_bytes);
	must(close(fd) == 0);
}

size_t folder_get(const char *path, void *to, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	must(fd >= 0);
	n = read(fd, to, room);
	must(n >= 0);
	(void)close(fd);
	return (size_t)n;
}

struct stat folder_look(const char *path)
{
	struct stat st;

	must(lstat(path, &st) == 0);
	return st;
}

bool folder_has(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

void folder_age(const char *path, long seconds)
{
	struct timespec times[2] = { { time(NULL) - seconds, 0 }, { time(NULL) - seconds, 0 } };

	must(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0);
}

size_t folder_count(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	must(dir != NULL);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	must(n >= 2);
	return n - 2;
}

int folder_in_child(int (*fn)(void))
{
	int status = 0, line = -1, ends[2];
	pid_t pid;

	must(pipe(ends) == 0);
	pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		line = fn();
		_exit(write(ends[1], &line, sizeof(line)) == (ssize_t)sizeof(line) ? 0 : 1);
	}
	(void)close(ends[1]);
	if (read(ends[0], &line, sizeof(line)) != (ssize_t)sizeof(line))
		line = -1;
	(void)close(ends[0]);
	must(waitpid(pid, &status, 0) == pid);
	return status == 0 ? line : -1;
}

static bool write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		(void)close(fd);
	return written;
}

bool folder_own_mounts(void)
{
	unsigned int user = geteuid(), group = getegid();
	char text[32];

	if (unshare(CLONE_NEWNS) < 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			return false;
		(void)snprintf(text, sizeof(text), "%u %u 1", user, user);
		if (!write_to("/proc/self/uid_map", text))
			return false;
		(void)snprintf(text, sizeof(text), "%u %u 1", group, group);
		if (!write_to("/proc/self/setgroups", "deny") ||
		    !write_to("/proc/self/gid_map", text))
			return false;
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static int probe_mounts(void)
{
	NEED(folder_own_mounts());
	NEED(mount("none", "/tmp", "tmpfs", 0, "size=64k") == 0);
	return 0;
}

bool folder_can_mount(void)
{
	return folder_in_child(probe_mounts) == 0;
}
