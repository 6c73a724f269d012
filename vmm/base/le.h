/* SPDX-License-Identifier: MIT */
/* Little-endian numbers at any alignment: what x86 images and tables are made of. */
#ifndef TVMM_BASE_LE_H
#define TVMM_BASE_LE_H

#include <stdint.h>

static inline uint16_t get_le16(const void *at)
{
	const uint8_t *b = at;

	return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t get_le32(const void *at)
{
	const uint8_t *b = at;

	return (uint32_t)get_le16(b) | (uint32_t)get_le16(b + 2) << 16;
}

static inline uint64_t get_le64(const void *at)
{
	const uint8_t *b = at;

	return (uint64_t)get_le32(b) | (uint64_t)get_le32(b + 4) << 32;
}

static inline void put_le16(void *at, uint16_t v)
{
	uint8_t *b = at;

	b[0] = (uint8_t)v;
	b[1] = (uint8_t)(v >> 8);
}

static inline void put_le32(void *at, uint32_t v)
{
	put_le16(at, (uint16_t)v);
	put_le16((uint8_t *)at + 2, (uint16_t)(v >> 16));
}

static inline void put_le64(void *at, uint64_t v)
{
	put_le32(at, (uint32_t)v);
	put_le32((uint8_t *)at + 4, (uint32_t)(v >> 32));
}

#endif
