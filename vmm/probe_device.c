/* SPDX-License-Identifier: MIT */
/* /dev/kvm as a file: who may open it. Left out: access control lists; open() has the last word. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vmm/probe.h"

/* NAME:PASSWORD:GID:MEMBERS. Lines that are cut or foreign (NIS) do not match. */
static bool line_names_group(char *line, uint32_t gid, const char **name)
{
	char *rest = line, *number, *end;
	unsigned long value;

	*name = strsep(&rest, ":");
	(void)strsep(&rest, ":");
	number = strsep(&rest, ":");
	if (!rest || *number < '0' || *number > '9')
		return false;
	value = strtoul(number, &end, 10);
	return !*end && value == gid;
}

void probe_device_group(FILE *groups, uint32_t gid, char *name)
{
	char *line = NULL;
	const char *found;
	size_t room = 0;

	name[0] = '\0';
	while (!name[0] && getline(&line, &room, groups) > 0) {
		if (line_names_group(line, gid, &found))
			(void)snprintf(name, PROBE_NAME_BYTES, "%s", found);
	}
	free(line);
}

void probe_device_look(struct probe_device *device, const char *path)
{
	struct stat st;
	FILE *groups;

	memset(device, 0, sizeof(*device));
	if (stat(path, &st) < 0)
		return;
	device->present = true;
	device->is_other = !S_ISCHR(st.st_mode);
	device->mode = st.st_mode & 07777;
	device->uid = st.st_uid;
	device->gid = st.st_gid;
	groups = fopen("/etc/group", "re");
	if (!groups)
		return;
	probe_device_group(groups, device->gid, device->group);
	(void)fclose(groups);
}
