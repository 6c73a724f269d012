/* SPDX-License-Identifier: MIT */
/*
 * Makes payloads as Linux's build makes them, with the formats' own libraries: a packed stream, and
 * behind it (gzip: as its end) the size of what is in it. Any trouble aborts.
 */
#ifndef TVMM_TESTS_COMMON_PAYLOAD_H
#define TVMM_TESTS_COMMON_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "boot/unpackformat.h"

struct payload {
	uint8_t *bytes;
	size_t size_bytes;
	size_t stream_bytes; /* size_bytes, or without the size behind the stream */
};

/* Packs size_bytes of from. payload_free() when done. */
void payload_pack(struct payload *payload, enum unpack_format format, const void *from,
		  size_t size_bytes);

/* A stream that was made elsewhere, with size_bytes behind it unless it is gzip. */
void payload_of_stream(struct payload *payload, enum unpack_format format, const void *stream,
		       size_t stream_bytes, uint32_t size_bytes);

void payload_free(struct payload *payload);

#endif
