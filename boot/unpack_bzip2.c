/* SPDX-License-Identifier: MIT */
/* bzip2: one stream; its blocks' checksums are checked by the library. */
#include <bzlib.h>

#include "boot/unpackers.h"
#include "vmm/base/must.h"

int unpack_bzip2(struct unpack_stream *s)
{
	bz_stream bz = {
		.next_in = (char *)(uintptr_t)s->packed, /* only read, whatever the type says */
		.avail_in = (unsigned int)s->packed_bytes,
		.next_out = (char *)s->to,
		.avail_out = (unsigned int)s->to_bytes,
	};
	int rc = BZ2_bzDecompressInit(&bz, 0, 0);

	if (rc == BZ_MEM_ERROR)
		return -ENOMEM;
	must(rc == BZ_OK);
	rc = BZ2_bzDecompress(&bz);
	(void)BZ2_bzDecompressEnd(&bz);
	s->made_bytes = s->to_bytes - bz.avail_out;
	s->read_bytes = s->packed_bytes - bz.avail_in;
	if (rc == BZ_STREAM_END)
		return 0;
	if (rc == BZ_MEM_ERROR)
		return -ENOMEM;
	if (rc != BZ_OK)
		return unpack_damaged(s, UNPACK_WRONG);
	return bz.avail_in > 0 ? -EFBIG : unpack_damaged(s, UNPACK_CUT);
}
