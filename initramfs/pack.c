/* SPDX-License-Identifier: MIT */
#include "initramfs/pack.h"

#include <errno.h>
#include <stdlib.h>

#include "initramfs/archive.h"
#include "initramfs/nodes.h"
#include "initramfs/output.h"
#include "initramfs/tree.h"

struct packer {
	struct tree tree;
	struct output out;
	uint32_t mtime_s;
};

int pack_mtime(const char *source_date_epoch, uint32_t *mtime_s, struct err *e)
{
	const char *text = source_date_epoch && *source_date_epoch ? source_date_epoch : "0";
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || v > UINT32_MAX)
		return err_set(e, EINVAL,
			       "SOURCE_DATE_EPOCH is '%s'; a number of seconds up to %u is needed",
			       text, UINT32_MAX);
	*mtime_s = (uint32_t)v;
	return 0;
}

static int write_to_output(void *to, const void *bytes, size_t size_bytes, struct err *e)
{
	return output_write(to, bytes, size_bytes, e);
}

static int gather(struct packer *p, const struct pack_request *request, struct err *e)
{
	struct tree_forbidden forbidden;
	int rc = output_examine(&p->out, request->output, e);

	if (rc < 0)
		return rc;
	forbidden = (struct tree_forbidden){ p->out.file.folder_dev, p->out.file.folder_ino,
					     p->out.file.name };
	rc = tree_scan(&p->tree, request->directory, &forbidden, e);
	if (rc == 0 && request->nodes)
		rc = nodes_read(&p->tree, request->nodes, e);
	return rc == 0 ? tree_arrange(&p->tree, e) : rc;
}

static int write_out(struct packer *p, struct err *e)
{
	struct archive archive = {
		.tree = &p->tree,
		.mtime_s = p->mtime_s,
		.write = write_to_output,
		.to = &p->out,
	};
	int rc = output_open(&p->out, e);

	if (rc == 0)
		rc = archive_write(&archive, e);
	if (rc == 0)
		rc = output_close(&p->out, e);
	if (rc < 0)
		output_abandon(&p->out);
	return rc;
}

int pack_run(const struct pack_request *request, struct pack_result *result, struct err *e)
{
	struct packer *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return err_set(e, ENOMEM, "%s: no memory to pack it", request->directory);
	p->tree.fd = -1;
	p->mtime_s = request->mtime_s;
	rc = gather(p, request, e);
	if (rc == 0)
		rc = write_out(p, e);
	if (rc == 0) {
		result->entries = p->tree.count;
		result->archive_bytes = p->out.in_bytes;
		result->output_bytes = p->out.out_bytes;
	}
	tree_finish(&p->tree);
	free(p);
	return rc;
}
