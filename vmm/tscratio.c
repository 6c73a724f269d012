/* SPDX-License-Identifier: MIT */
#include "vmm/tscratio.h"

#include "vmm/base/must.h"

enum { CRYSTAL_KHZ = TSCRATIO_CRYSTAL_HZ / 1000 };

/*
 * The convergents of the continued fraction of khz / crystal, each nearer than all fractions with
 * a lesser denominator; and, between the last one whose numerator is small enough and the first that
 * is too great, the semiconvergent that is, if it is more than halfway.
 */
struct tscratio tscratio_of(uint32_t khz)
{
	uint64_t n = khz, d = CRYSTAL_KHZ;
	uint64_t before_p = 0, before_q = 1, p = 1, q = 0;

	must(khz > 0);
	while (d != 0) {
		uint64_t a = n / d, rest = n % d;
		uint64_t next_p = a * p + before_p, next_q = a * q + before_q;

		if (next_p > TSCRATIO_NUMERATOR_MAX) {
			uint64_t part = (TSCRATIO_NUMERATOR_MAX - before_p) / p;

			if (2 * part > a) {
				p = part * p + before_p;
				q = part * q + before_q;
			}
			break;
		}
		before_p = p;
		before_q = q;
		p = next_p;
		q = next_q;
		n = d;
		d = rest;
	}
	if (q == 0)
		return (struct tscratio){ 0 };
	return (struct tscratio){ (uint32_t)p, (uint32_t)q };
}
