/* SPDX-License-Identifier: MIT */
/*
 * Authority: [LINUX] Documentation/filesystems/proc.rst,
 * Documentation/ABI/testing/sysfs-devices-system-cpu, Documentation/admin-guide/mm/transhuge.rst;
 * arch/x86/kernel/cpu/proc.c.
 */
#include "vmm/timing/host.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 512, CPUINFO_BYTES = 16384 };

/* As much of a file as there is room for, as a string; "" when it cannot be read. */
static void read_text(const char *root, const char *path, char *text, size_t text_bytes)
{
	char at[PATH_BYTES];
	FILE *file;
	size_t n = 0;

	(void)snprintf(at, sizeof(at), "%s%s", root, path);
	file = fopen(at, "re");
	if (file) {
		n = fread(text, 1, text_bytes - 1, file);
		(void)fclose(file);
	}
	text[n] = '\0';
}

static void read_line(const char *root, const char *path, char *text, size_t text_bytes)
{
	read_text(root, path, text, text_bytes);
	text[strcspn(text, "\n")] = '\0';
}

/* ---- /proc/cpuinfo --------------------------------------------------------------------------- */

/* What stands behind "name<tabs>: " in a line of the first CPU; "" when no line begins so. */
static void cpuinfo_field(const char *cpuinfo, const char *name, char *text, size_t text_bytes)
{
	size_t length = strlen(name);

	text[0] = '\0';
	for (const char *line = cpuinfo; *line;
	     line += strcspn(line, "\n"), line += *line == '\n') {
		const char *value = line + length;

		if (strncmp(line, name, length) != 0)
			continue;
		value += strspn(value, "\t ");
		if (*value != ':')
			continue;
		value += 1 + strspn(value + 1, " ");
		(void)snprintf(text, text_bytes, "%.*s", (int)strcspn(value, "\n"), value);
		return;
	}
}

static bool has_flag(const char *flags, const char *flag)
{
	size_t length = strlen(flag);

	for (const char *at = flags; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
		if (strcspn(at, " ") == length && strncmp(at, flag, length) == 0)
			return true;
	}
	return false;
}

static bool is_emulated(const char *cpu)
{
	return strstr(cpu, "QEMU TCG") || strstr(cpu, "QEMU Virtual CPU") || strstr(cpu, "TCG CPU");
}

/* What guests run on here, as far as the host's own CPU tells. */
static void judge(struct report_host *host, const char *flags)
{
	bool vmx = has_flag(flags, "vmx"), svm = has_flag(flags, "svm");
	const char *backend = vmx ? "vmx" : svm ? "svm" : "neither vmx nor svm";
	const char *ground = "hardware";

	if (is_emulated(host->cpu))
		ground = "QEMU TCG";
	else if (!vmx && !svm)
		ground = "software KVM";
	else if (has_flag(flags, "hypervisor"))
		ground = "nested in a virtual machine";
	(void)snprintf(host->backend, sizeof(host->backend), "%s", backend);
	(void)snprintf(host->ground, sizeof(host->ground), "%s", ground);
}

static void read_cpuinfo(struct report_host *host, const char *root)
{
	static const char path[] = "/proc/cpuinfo";
	char cpuinfo[CPUINFO_BYTES], flags[CPUINFO_BYTES];

	read_text(root, path, cpuinfo, sizeof(cpuinfo));
	if (!cpuinfo[0])
		return;
	cpuinfo_field(cpuinfo, "model name", host->cpu, sizeof(host->cpu));
	cpuinfo_field(cpuinfo, "flags", flags, sizeof(flags));
	judge(host, flags);
}

/* ---- /sys ------------------------------------------------------------------------------------ */

/* How many numbers there are in "0-3,5,8-9". */
static unsigned int count_of_list(const char *list)
{
	unsigned long count = 0;

	while (*list >= '0' && *list <= '9') {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		count += last >= first ? last - first + 1 : 0;
		list = *end == ',' ? end + 1 : end;
	}
	return (unsigned int)count;
}

/* "always [madvise] never": the word in brackets. */
static void keep_chosen_word(char *text)
{
	char *from = strchr(text, '['), *to = from ? strchr(from, ']') : NULL;

	if (!to)
		return;
	*to = '\0';
	memmove(text, from + 1, (size_t)(to - from));
}

#define VULNERABILITIES "/sys/devices/system/cpu/vulnerabilities"

static void add_mitigation(char *list, size_t list_bytes, const char *root, const char *name)
{
	char path[PATH_BYTES], state[HOST_TEXT_BYTES];
	size_t used = strlen(list);

	(void)snprintf(path, sizeof(path), VULNERABILITIES "/%s", name);
	read_line(root, path, state, sizeof(state));
	if (strncmp(state, "Mitigation", strlen("Mitigation")) == 0 &&
	    strlen(name) + 2 <= list_bytes - used)
		(void)snprintf(list + used, list_bytes - used, "%s%s", used ? " " : "", name);
}

/*
 * The names of the vulnerabilities that the kernel does something about: that costs time at each
 * exit.
 */
static void read_mitigations(const char *root, char *list, size_t list_bytes)
{
	char path[PATH_BYTES];
	struct dirent **entry;
	int entries;

	(void)snprintf(path, sizeof(path), "%s" VULNERABILITIES, root);
	entries = scandir(path, &entry, NULL, alphasort);
	for (int i = 0; i < entries; i++) {
		add_mitigation(list, list_bytes, root, entry[i]->d_name);
		free(entry[i]);
	}
	if (entries >= 0)
		free(entry);
}

void host_read_huge_pages(struct report_host *host, const char *root)
{
	read_line(root, "/sys/kernel/mm/transparent_hugepage/enabled", host->huge_pages,
		  sizeof(host->huge_pages));
	keep_chosen_word(host->huge_pages);
}

void host_read_below(struct report_host *host, const char *root)
{
	char text[HOST_TEXT_BYTES];

	memset(host, 0, sizeof(*host));
	read_cpuinfo(host, root);
	read_line(root, "/sys/devices/system/cpu/online", text, sizeof(text));
	host->cpus = count_of_list(text);
	read_line(root, "/proc/sys/kernel/osrelease", host->kernel, sizeof(host->kernel));
	read_line(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", host->governor,
		  sizeof(host->governor));
	host_read_huge_pages(host, root);
	read_line(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
		  host->clock, sizeof(host->clock));
	read_line(root, "/sys/devices/system/cpu/cpu0/tsc_freq_khz", text, sizeof(text));
	host->tsc_khz = strtoull(text, NULL, 10);
	read_mitigations(root, host->mitigations, sizeof(host->mitigations));
}

void host_read(struct report_host *host)
{
	host_read_below(host, "");
}
