/* SPDX-License-Identifier: MIT */
/*
 * The packer: a folder (and a node list) in, an initramfs out. Scan, arrange, write.
 *
 * The archive depends on names, types, permissions, contents and links alone. Owners are 0:0
 * unless the list says otherwise, times are the one of the request, order is that of the names'
 * bytes, inode numbers are counted. Equal input gives equal bytes, whoever packs it, wherever.
 *
 * /dev and /dev/console (character device 5:1, mode 0600) are added unless the folder or the list
 * has them: without the console the first process has no input and no output.
 *
 * The folder itself is not an entry; its root keeps the permissions Linux gives it (0755).
 */
#ifndef TVMM_INITRAMFS_PACK_H
#define TVMM_INITRAMFS_PACK_H

#include <stdint.h>

#include "vmm/base/err.h"

struct pack_request {
	const char *directory;
	const char *output;
	const char *nodes; /* a node list (nodes.h), or NULL */
	uint32_t mtime_s;  /* every entry's, seconds since 1970; see pack_mtime */
};

struct pack_result {
	uint64_t entries;       /* names in the archive, the end mark not counted */
	uint64_t archive_bytes; /* before compression */
	uint64_t output_bytes;  /* after it */
};

/*
 * The time for the entries from the text of the environment's SOURCE_DATE_EPOCH; NULL and "" mean
 * 0. 0, or -EINVAL with *e filled when it is no number of seconds that newc can hold (32 bits).
 */
int pack_mtime(const char *source_date_epoch, uint32_t *mtime_s, struct err *e);

/*
 * Packs. 0 with *result filled, or -errno with *e filled; then the output's name holds what it
 * held before. A file that changes while it is packed is an error.
 */
int pack_run(const struct pack_request *request, struct pack_result *result, struct err *e);

#endif
