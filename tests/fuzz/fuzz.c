/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>

enum { PAGE_BYTES = 4096, RAW = 0x1f, IN_PAGES = 0x40, DELTA = 0x80 };

uint64_t fuzz_edge(struct fuzz_input *in, const uint64_t *own, size_t own_count)
{
	static const uint64_t edges[] = {
		0,
		PAGE_BYTES,
		0xa0000,
		1ULL << 20,
		2ULL << 20,
		16ULL << 20,
		128ULL << 20,
		1ULL << 30,
		1ULL << 31,
		3ULL << 30,
		1ULL << 32,
		6ULL << 30,
		1ULL << 52,
		(1ULL << 52) - (1ULL << 30),
		1ULL << 63,
	};
	size_t count = sizeof(edges) / sizeof(edges[0]);
	uint8_t how = fuzz_u8(in);
	size_t which = how & RAW;
	uint64_t value, delta = 0;

	if (which == RAW)
		return fuzz_bytes(in, 8);
	which %= count + own_count;
	value = which < count ? edges[which] : own[which - count];
	if (how & DELTA)
		delta = (uint64_t)(int64_t)(int8_t)fuzz_u8(in);
	return value + (how & IN_PAGES ? delta * PAGE_BYTES : delta);
}

uint8_t *fuzz_guarded(const void *bytes, size_t size_bytes)
{
	static uint8_t *end;

	if (!end) {
		uint8_t *all = mmap(NULL, FUZZ_GUARDED_MAX_BYTES + PAGE_BYTES,
				    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		hold(all != MAP_FAILED, "no memory");
		end = all + FUZZ_GUARDED_MAX_BYTES;
		hold(mprotect(end, PAGE_BYTES, PROT_NONE) == 0, "no guard page");
	}
	hold(size_bytes <= FUZZ_GUARDED_MAX_BYTES, "%zu bytes", size_bytes);
	if (size_bytes)
		memcpy(end - size_bytes, bytes, size_bytes);
	return end - size_bytes;
}
