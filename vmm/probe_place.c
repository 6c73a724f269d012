/* SPDX-License-Identifier: MIT */
/*
 * Where the probe runs. What cannot be read counts as not being so: it only chooses among pieces of
 * advice.
 *
 * Authority: [PROC] /proc/cpuinfo, /proc/misc, /proc/[pid]/status "Seccomp"; the variables that CI
 * systems and Kubernetes set for what runs in them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vmm/probe_ci.h"

enum { PATH_BYTES = 512 };

static FILE *open_below(const char *root, const char *path)
{
	char all[PATH_BYTES];

	return snprintf(all, sizeof(all), "%s%s", root, path) < (int)sizeof(all) ? fopen(all, "re")
										 : NULL;
}

static bool is_there(const char *root, const char *path)
{
	FILE *file = open_below(root, path);

	if (file)
		(void)fclose(file);
	return file != NULL;
}

/* "container" is what systemd and LXC set for what runs in one. */
static enum probe_container find_container(const char *root)
{
	if (getenv("KUBERNETES_SERVICE_HOST"))
		return PROBE_KUBERNETES;
	if (is_there(root, "/.dockerenv") || is_there(root, "/run/.containerenv"))
		return PROBE_DOCKER;
	return getenv("container") || is_there(root, "/run/systemd/container")
		       ? PROBE_OTHER_CONTAINER
		       : PROBE_NO_CONTAINER;
}

static enum probe_runner find_runner(void)
{
	return getenv("GITHUB_ACTIONS") ? PROBE_GITHUB
	       : getenv("GITLAB_CI")    ? PROBE_GITLAB
	       : getenv("CI")           ? PROBE_OTHER_RUNNER
					: PROBE_NO_RUNNER;
}

static bool has_word(const char *line, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(line, word); at; at = strstr(at + 1, word)) {
		if (at > line && strchr(" \t", at[-1]) && strchr(" \n", at[length]))
			return true;
	}
	return false;
}

/* Of the first processor. */
static void look_at_processor(struct probe_place *place, const char *root)
{
	FILE *file = open_below(root, "/proc/cpuinfo");
	char *line = NULL;
	size_t room = 0;

	while (file && getline(&line, &room, file) > 0) {
		if (strncmp(line, "vendor_id", strlen("vendor_id")) == 0)
			place->maker = has_word(line, "AuthenticAMD")   ? PROBE_AMD
				       : has_word(line, "GenuineIntel") ? PROBE_INTEL
									: PROBE_OTHER_MAKER;
		if (strncmp(line, "flags", strlen("flags")) != 0)
			continue;
		place->virtualizes = has_word(line, "vmx") || has_word(line, "svm");
		place->in_vm = has_word(line, "hypervisor");
		break;
	}
	free(line);
	if (file)
		(void)fclose(file);
}

/* "NUMBER NAME" */
static bool is_registered(const char *root)
{
	FILE *file = open_below(root, "/proc/misc");
	char line[128], name[64];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%*u %63s", name) == 1 && strcmp(name, "kvm") == 0;
	if (file)
		(void)fclose(file);
	return found;
}

static int seccomp_mode(const char *root)
{
	FILE *file = open_below(root, "/proc/self/status");
	char line[256];
	int mode = -1;

	while (file && mode < 0 && fgets(line, sizeof(line), file))
		(void)sscanf(line, "Seccomp: %d", &mode);
	if (file)
		(void)fclose(file);
	return mode;
}

static bool is_in_group(uint32_t gid)
{
	gid_t groups[256];
	int count = getgroups(sizeof(groups) / sizeof(groups[0]), groups);

	for (int i = 0; i < count; i++) {
		if (groups[i] == gid)
			return true;
	}
	return getegid() == gid;
}

static void read_limits(uint64_t *limits)
{
	static const int numbers[PROBE_LIMITS] = {
		[PROBE_LIMIT_AS] = RLIMIT_AS,         [PROBE_LIMIT_DATA] = RLIMIT_DATA,
		[PROBE_LIMIT_FSIZE] = RLIMIT_FSIZE,   [PROBE_LIMIT_CPU] = RLIMIT_CPU,
		[PROBE_LIMIT_NOFILE] = RLIMIT_NOFILE,
	};
	struct rlimit limit;

	for (size_t i = 0; i < PROBE_LIMITS; i++)
		limits[i] = getrlimit((__rlimit_resource_t)numbers[i], &limit) == 0 &&
					    limit.rlim_cur != RLIM_INFINITY
				    ? limit.rlim_cur
				    : UINT64_MAX;
}

void probe_place_look(struct probe_place *place, const struct probe_device *device,
		      const char *root)
{
	*place = (struct probe_place){ 0 };
	place->container = find_container(root);
	place->runner = find_runner();
	look_at_processor(place, root);
	place->kvm_registered = is_registered(root);
	place->seccomp = seccomp_mode(root);
	place->uid = geteuid();
	place->in_group = device->present && is_in_group(device->gid);
	read_limits(place->limit);
	hostmem_read(&place->memory, root);
}
