/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share. A target is LLVMFuzzerTestOneInput() in tests/fuzz/fuzz_NAME.c: it
 * takes numbers from the front of its input, does something with the rest, and says with hold()
 * what must be so. Input that has ended gives zeros, so that short inputs are whole.
 *
 * A line `libFuzzer: -option...` in a target's head comment is handed to libFuzzer.
 */
#ifndef TVMM_TESTS_FUZZ_FUZZ_H
#define TVMM_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

/* Ends the run with a finding unless condition is true. */
#define hold(condition, ...)                                                                    \
	do {                                                                                    \
		if (__builtin_expect(!(condition), 0)) {                                        \
			(void)fprintf(stderr, "%s:%d: does not hold: %s: ", __FILE__, __LINE__, \
				      #condition);                                              \
			(void)fprintf(stderr, __VA_ARGS__);                                     \
			(void)fputc('\n', stderr);                                              \
			abort();                                                                \
		}                                                                               \
	} while (0)

struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t fuzz_u8(struct fuzz_input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

/* Little-endian. */
static inline uint64_t fuzz_bytes(struct fuzz_input *in, unsigned int count)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < count; i++)
		value |= (uint64_t)fuzz_u8(in) << 8 * i;
	return value;
}

/*
 * A number where something ends or begins, often: one byte chooses an edge of x86 memory, or one
 * of the caller's, and a signed distance follows, in bytes or pages; or eight bytes follow.
 */
uint64_t fuzz_edge(struct fuzz_input *in, const uint64_t *own, size_t own_count);

/*
 * A copy of bytes that ends where a page that cannot be touched begins: for code that no sanitizer
 * looks into. Stays until the next call; size_bytes is at most FUZZ_GUARDED_MAX_BYTES.
 */
enum { FUZZ_GUARDED_MAX_BYTES = 1 << 20 };
uint8_t *fuzz_guarded(const void *bytes, size_t size_bytes);

#endif
