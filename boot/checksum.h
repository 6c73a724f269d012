/* SPDX-License-Identifier: MIT */
/* The checksum of [MP] and [ACPI] tables: a byte that makes all bytes of a table add up to 0. */
#ifndef TVMM_BOOT_CHECKSUM_H
#define TVMM_BOOT_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* What is to be put where a 0 stands now. */
static inline uint8_t checksum(const uint8_t *table, size_t bytes)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < bytes; i++)
		sum = (uint8_t)(sum + table[i]);
	return (uint8_t)-sum;
}

#endif
