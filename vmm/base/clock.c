/* SPDX-License-Identifier: MIT */
#include "vmm/base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
	NS_PER_S = 1000000000,
	/* Loading takes no longer; a process that is older was another program before. */
	LOADING_MAX_NS = 50000000,
};

static int64_t read_ns(clockid_t clock)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

uint64_t clock_now_ns(void)
{
	return (uint64_t)read_ns(CLOCK_MONOTONIC_RAW);
}

int64_t clock_unix_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

uint64_t clock_thread_cpu_ns(void)
{
	return (uint64_t)read_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* On-CPU plus runqueue time of this thread, from /proc/thread-self/schedstat; 0 if unknown. */
static uint64_t schedstat_ns(void)
{
	unsigned long long on_cpu, waiting;
	char text[96];
	ssize_t n;
	int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (sscanf(text, "%llu %llu", &on_cpu, &waiting) != 2)
		return 0;
	return on_cpu + waiting;
}

uint64_t clock_process_start_ns(void)
{
	uint64_t now = clock_now_ns();
	uint64_t cpu = (uint64_t)read_ns(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t sched = schedstat_ns();
	uint64_t before = sched > cpu ? sched : cpu;

	return before > LOADING_MAX_NS ? now : now - before;
}
