/* SPDX-License-Identifier: MIT */
/*
 * A folder of a test's own, with what it takes to spoil the files in it; a process of a test's own,
 * for limits and users that cannot be taken back; and mounts of that process's own, for disks that
 * are full or read-only. Any trouble aborts: a test that cannot have its input has not run.
 */
#ifndef TVMM_TESTS_COMMON_FOLDER_H
#define TVMM_TESTS_COMMON_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum { FOLDER_SOMEBODY = 65534 }; /* a user that owns nothing */

/* Makes the folder, or removes it and all that is in it. There is one at a time. */
void folder_make(void);
void folder_remove(void);

/* The path of a name in the folder, of the folder itself for ""; the last 8 stay valid. */
const char *folder_at(const char *name);

/* A new file with these bytes and mode 0600, in place of one that is there. */
void folder_put(const char *path, const void *bytes, size_t size_bytes);

/* Up to room bytes of a file; returns how many there were. */
size_t folder_get(const char *path, void *to, size_t room);

/* lstat() of what is there. */
struct stat folder_look(const char *path);
bool folder_has(const char *path);

/* Sets the modification time to that many seconds ago; a link's own. */
void folder_age(const char *path, long seconds);

/* How many names a directory has, without . and .. */
size_t folder_count(const char *path);

/*
 * Runs fn in a process of its own. Returns what it returned: 0, or the line where something was not
 * as it should be (see NEED); -1 if the process ended in another way.
 */
int folder_in_child(int (*fn)(void));

#define NEED(condition)                  \
	do {                             \
		if (!(condition))        \
			return __LINE__; \
	} while (0)

/*
 * Takes this process's mounts apart from everybody's, as root or as whoever may be root in a user
 * namespace. For use in a child. False where the host does not let it.
 */
bool folder_own_mounts(void);

/* True if a child could mount a tmpfs after folder_own_mounts(). */
bool folder_can_mount(void);

#endif
