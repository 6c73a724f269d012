/* SPDX-License-Identifier: MIT */
#include "vmm/hostmem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

enum { TEXT_BYTES = 4096, NUMBER_BYTES = 32 };

static const char V1_FOLDER[] = "/sys/fs/cgroup/memory";
static const char V1_FILE[] = "memory.limit_in_bytes";
static const char V2_FOLDER[] = "/sys/fs/cgroup";
static const char V2_FILE[] = "memory.max";

/* The first bytes of a file as a string; false if there are none. */
static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Whether "memory" is among the words of a list with commas. */
static bool lists_memory(const char *list, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t word = strcspn(list + i, ",:");

		if (word == 6 && strncmp(list + i, "memory", word) == 0)
			return true;
		i += word + 1;
	}
	return false;
}

/*
 * Lines are "NUMBER:CONTROLLERS:PATH". The memory controller is with its own hierarchy (version 1)
 * if there is one that lists it, else with the one that lists nothing (version 2). The path, which
 * ends at a newline, or NULL.
 */
static const char *find_group(const char *text, bool *v1)
{
	const char *v2_path = NULL;

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *list = strchr(line, ':');
		const char *path = list ? strchr(list + 1, ':') : NULL;

		if (!path || path > line + strcspn(line, "\n"))
			continue;
		*v1 = lists_memory(list + 1, (size_t)(path - list - 1));
		if (*v1)
			return path + 1;
		if (path == list + 1)
			v2_path = path + 1;
	}
	return v2_path;
}

static void take_limit(struct hostmem *hostmem, const char *path)
{
	char text[NUMBER_BYTES];
	unsigned long long bytes;
	char *end;

	if (!read_text(path, text, sizeof(text)))
		return;
	bytes = strtoull(text, &end, 10); /* or "max" */
	if (end == text || bytes >= hostmem->group_bytes)
		return;
	hostmem->group_bytes = bytes;
	(void)snprintf(hostmem->group_file, sizeof(hostmem->group_file), "%s", path);
}

/*
 * A group's limit holds for those below it. In a container the upper part of the path may not be
 * there to be seen; the container's own limit is then found at the top.
 */
static void read_group(struct hostmem *hostmem, const char *root)
{
	char text[TEXT_BYTES], path[HOSTMEM_PATH_BYTES];
	bool v1 = false;
	const char *group;
	int length;

	(void)snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	group = read_text(path, text, sizeof(text)) ? find_group(text, &v1) : NULL;
	if (!group)
		return;
	length = (int)strcspn(group, "\n");
	for (;;) {
		while (length > 0 && group[length - 1] == '/')
			length--;
		if (snprintf(path, sizeof(path), "%s%s%.*s/%s", root, v1 ? V1_FOLDER : V2_FOLDER,
			     length, group, v1 ? V1_FILE : V2_FILE) < (int)sizeof(path))
			take_limit(hostmem, path);
		if (length == 0)
			break;
		while (length > 0 && group[length - 1] != '/')
			length--;
	}
}

void hostmem_read(struct hostmem *hostmem, const char *root)
{
	struct sysinfo info = { 0 };

	*hostmem = (struct hostmem){ .group_bytes = UINT64_MAX };
	if (sysinfo(&info) == 0) {
		hostmem->ram_bytes = (uint64_t)info.totalram * info.mem_unit;
		hostmem->swap_bytes = (uint64_t)info.totalswap * info.mem_unit;
	}
	read_group(hostmem, root);
}

static unsigned long long mib(uint64_t bytes)
{
	return (unsigned long long)(bytes >> 20);
}

int hostmem_check(const struct hostmem *hostmem, uint64_t guest_bytes, struct err *e)
{
	uint64_t most;

	if (__builtin_add_overflow(hostmem->ram_bytes, hostmem->swap_bytes, &most))
		most = UINT64_MAX;
	if (hostmem->ram_bytes && guest_bytes > most)
		return err_set(
			e, ENOMEM,
			"-m: the guest is to have %llu MiB of memory; this host has %llu MiB, "
			"and %llu MiB of swap: ask for less",
			mib(guest_bytes), mib(hostmem->ram_bytes), mib(hostmem->swap_bytes));
	if (__builtin_add_overflow(hostmem->group_bytes, hostmem->swap_bytes, &most))
		most = UINT64_MAX;
	if (guest_bytes > most)
		return err_set(
			e, ENOMEM,
			"-m: the guest is to have %llu MiB of memory; the limit in %s is %llu "
			"MiB, and this host has %llu MiB of swap: ask for less",
			mib(guest_bytes), hostmem->group_file, mib(hostmem->group_bytes),
			mib(hostmem->swap_bytes));
	return 0;
}

int hostmem_can_give(uint64_t guest_bytes, struct err *e)
{
	struct hostmem hostmem;

	if (guest_bytes <= HOSTMEM_UNASKED_BYTES)
		return 0;
	hostmem_read(&hostmem, "");
	return hostmem_check(&hostmem, guest_bytes, e);
}

int hostmem_explain(uint64_t guest_bytes, int code, struct err *e)
{
	struct rlimit limit;

	if (code == ENOMEM && getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		return err_set(
			e, code,
			"-m: %llu MiB of guest memory cannot be mapped; this process may have "
			"%llu MiB of address space (ulimit -v): ask for less",
			mib(guest_bytes), mib(limit.rlim_cur));
	return err_sys(e, code,
		       "-m: the host cannot map %llu MiB of guest memory; ask for less, or let it "
		       "promise more (vm.overcommit_memory)",
		       mib(guest_bytes));
}
