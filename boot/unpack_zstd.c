/* SPDX-License-Identifier: MIT */
/*
 * zstd: one frame. Unpacked in one call, so that what came out is the window: the 128 MiB that
 * `zstd -22 --ultra` asks for are never reserved.
 */
#include <zstd.h>
#include <zstd_errors.h>

#include "boot/unpackers.h"

static int fault(struct unpack_stream *s, size_t rc)
{
	switch (ZSTD_getErrorCode(rc)) {
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	case ZSTD_error_dstSize_tooSmall:
		return -EFBIG;
	case ZSTD_error_srcSize_wrong:
		return unpack_damaged(s, UNPACK_CUT);
	case ZSTD_error_prefix_unknown:
	case ZSTD_error_frameParameter_unsupported:
	case ZSTD_error_frameParameter_windowTooLarge:
		return unpack_damaged(s, UNPACK_HEADER);
	default:
		return unpack_damaged(s, UNPACK_WRONG);
	}
}

/* What is behind the first frame must not be offered: the library would take it for another. */
int unpack_zstd(struct unpack_stream *s)
{
	size_t frame_bytes = ZSTD_findFrameCompressedSize(s->packed, s->packed_bytes);
	ZSTD_DCtx *context;
	size_t made;

	if (ZSTD_isError(frame_bytes))
		return fault(s, frame_bytes);
	context = ZSTD_createDCtx();
	if (!context)
		return -ENOMEM;
	made = ZSTD_decompressDCtx(context, s->to, s->to_bytes, s->packed, frame_bytes);
	(void)ZSTD_freeDCtx(context);
	if (ZSTD_isError(made))
		return fault(s, made);
	s->made_bytes = made;
	s->read_bytes = frame_bytes;
	return 0;
}
