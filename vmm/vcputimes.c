/* SPDX-License-Identifier: MIT */
#include "vmm/vcputimes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/vm.h"

enum { STATS_MAX = 1024, NAME_MAX_BYTES = 256, SCHEDSTAT_BYTES = 96 };

static const char *const stat_name[VCPUTIMES_STATS] = {
	[VCPUTIMES_EXITS] = "exits",
	[VCPUTIMES_HALT_WAIT] = "halt_wait_ns",
	[VCPUTIMES_HALT_POLL_SUCCESS] = "halt_poll_success_ns",
	[VCPUTIMES_HALT_POLL_FAIL] = "halt_poll_fail_ns",
};

static void note_if_wanted(struct vcputimes *times, const struct kvm_stats_header *header,
			   const struct kvm_stats_desc *desc, const char *name)
{
	for (int i = 0; i < VCPUTIMES_STATS; i++) {
		if (strcmp(name, stat_name[i]) == 0 && desc->size == 1)
			times->offset[i] = (int64_t)header->data_offset + desc->offset;
	}
}

/* A header, then descriptors of one size, each with its name behind it. [KVM] KVM_GET_STATS_FD. */
static void find_stats(struct vcputimes *times)
{
	struct kvm_stats_header header;
	size_t desc_bytes;
	char *desc;

	if (pread(times->stats_fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    header.num_desc > STATS_MAX || !header.name_size || header.name_size > NAME_MAX_BYTES)
		return;
	desc_bytes = sizeof(struct kvm_stats_desc) + header.name_size;
	desc = malloc(desc_bytes);
	for (uint32_t i = 0; desc && i < header.num_desc; i++) {
		off_t at = (off_t)(header.desc_offset + i * desc_bytes);

		if (pread(times->stats_fd, desc, desc_bytes, at) != (ssize_t)desc_bytes)
			break;
		desc[desc_bytes - 1] = '\0';
		note_if_wanted(times, &header, (const struct kvm_stats_desc *)(void *)desc,
			       desc + sizeof(struct kvm_stats_desc));
	}
	free(desc);
}

void vcputimes_open(struct vcputimes *times, const struct vcpu *vcpu)
{
	for (int i = 0; i < VCPUTIMES_STATS; i++)
		times->offset[i] = -1;
	times->schedstat_fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	times->stats_fd = kvm_ioctl(vcpu->fd, KVM_GET_STATS_FD, NULL);
	if (times->stats_fd >= 0)
		find_stats(times);
}

void vcputimes_close(struct vcputimes *times)
{
	if (times->stats_fd >= 0)
		(void)close(times->stats_fd);
	if (times->schedstat_fd >= 0)
		(void)close(times->schedstat_fd);
	times->stats_fd = times->schedstat_fd = -1;
}

static uint64_t stat_of(const struct vcputimes *times, enum vcputimes_stat stat)
{
	uint64_t value = 0;

	if (times->offset[stat] < 0 || pread(times->stats_fd, &value, sizeof(value),
					     times->offset[stat]) != (ssize_t)sizeof(value))
		return 0;
	return value;
}

static uint64_t ns_of(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000000ULL + (uint64_t)time->tv_usec * 1000ULL;
}

/* The second number: time runnable, but not running. */
static uint64_t waited_ns(const struct vcputimes *times)
{
	unsigned long long on_cpu, waiting;
	char text[SCHEDSTAT_BYTES];
	ssize_t n;

	if (times->schedstat_fd < 0)
		return 0;
	n = pread(times->schedstat_fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return sscanf(text, "%llu %llu", &on_cpu, &waiting) == 2 ? waiting : 0;
}

void vcputimes_read(const struct vcputimes *times, struct record_times *now)
{
	struct rusage usage = { 0 };

	(void)getrusage(RUSAGE_THREAD, &usage);
	now->cpu_ns = clock_thread_cpu_ns();
	now->user_ns = ns_of(&usage.ru_utime);
	now->system_ns = ns_of(&usage.ru_stime);
	now->waiting_ns = waited_ns(times);
	now->kvm_exits = stat_of(times, VCPUTIMES_EXITS);
	now->halted_ns = stat_of(times, VCPUTIMES_HALT_WAIT) +
			 stat_of(times, VCPUTIMES_HALT_POLL_SUCCESS) +
			 stat_of(times, VCPUTIMES_HALT_POLL_FAIL);
}
