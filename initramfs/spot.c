/* SPDX-License-Identifier: MIT */
#include "initramfs/spot.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/must.h"

static bool join(char path[PATH_MAX], const char *folder, const char *name)
{
	char joined[PATH_MAX];
	const char *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";
	int n = name[0] == '/' ? snprintf(joined, sizeof(joined), "%s", name)
			       : snprintf(joined, sizeof(joined), "%s%s%s", folder, slash, name);

	if (n >= (int)sizeof(joined))
		return false;
	strcpy(path, joined);
	return true;
}

int spot_in(struct spot *spot, const struct spot *folder, const char *name, struct err *e)
{
	must(folder->host[0] == '/' && folder->guest[0] == '/');
	if (!join(spot->host, folder->host, name) || !join(spot->guest, folder->guest, name))
		return err_set(e, ENAMETOOLONG,
			       "%.60s...: with its folder it has more than %d bytes", name,
			       PATH_MAX - 1);
	return 0;
}

static void cut(char *path)
{
	char *slash;

	must(path[0] == '/');
	slash = strrchr(path, '/');
	slash[slash == path] = '\0';
}

void spot_folder(struct spot *folder, const struct spot *file)
{
	if (folder != file)
		*folder = *file;
	cut(folder->host);
	cut(folder->guest);
}

int spot_normal(char to[PATH_MAX], const char *path)
{
	size_t used = 0, n;
	int rc = 0;

	must(path[0] == '/' && strlen(path) < PATH_MAX);
	for (; *path; path += n) {
		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 0 || (n == 1 && path[0] == '.'))
			continue;
		if (n == 2 && path[0] == '.' && path[1] == '.') {
			if (used == 0)
				rc = -EINVAL;
			while (used > 0 && to[--used] != '/')
				;
			continue;
		}
		to[used++] = '/';
		memcpy(to + used, path, n);
		used += n;
	}
	if (used == 0)
		to[used++] = '/';
	to[used] = '\0';
	return rc;
}
