/* SPDX-License-Identifier: MIT */
/*
 * The kernel's log before Linux 5.10: records one behind the other in log_buf, from log_first_idx
 * to log_next_idx, each with a struct printk_log before its text:
 *
 *   0  u64 ts_nsec
 *   8  u16 len        of all, a multiple of 4; 0: go on at the beginning of log_buf
 *   10 u16 text_len
 *   12 u16 dict_len
 *   14 u8 facility
 *   15 u8 flags:5, level:3
 *   [16 u32 caller_id]    from 5.1 on with CONFIG_PRINTK_CALLER; len tells whether it is there
 *
 * Not tried: the very first of these kernels, 3.5, may have had something else in the last two
 * bytes.
 */
#include <errno.h>

#include "vmm/base/le.h"
#include "vmm/inside/klog_formats.h"

enum {
	HEAD_BYTES = 16,
	CALLER_BYTES = 4,
	ALIGN_BYTES = 4,
	LOG_BUF_MAX_BYTES = 1 << 30,
	LEVEL_SHIFT = 5,
};

struct log_buf {
	const struct space *space;
	uint64_t at;
	uint32_t bytes, index;
	uint64_t first, next; /* sequence numbers */
};

static bool read_variable(const struct space *space, const struct symbols *symbols,
			  const char *name, void *to, size_t size_bytes)
{
	uint64_t at = symbols_find(symbols, name);

	return at != 0 && space_read(space, at, to, size_bytes);
}

static bool parse_log_buf(struct log_buf *log, const struct space *space,
			  const struct symbols *symbols)
{
	uint8_t at[8], bytes[4], index[4], first[8], next[8];

	if (!read_variable(space, symbols, "log_buf", at, sizeof(at)) ||
	    !read_variable(space, symbols, "log_buf_len", bytes, sizeof(bytes)) ||
	    !read_variable(space, symbols, "log_first_idx", index, sizeof(index)) ||
	    !read_variable(space, symbols, "log_first_seq", first, sizeof(first)) ||
	    !read_variable(space, symbols, "log_next_seq", next, sizeof(next)))
		return false;
	*log = (struct log_buf){ .space = space,
				 .at = get_le64(at),
				 .bytes = get_le32(bytes),
				 .index = get_le32(index),
				 .first = get_le64(first),
				 .next = get_le64(next) };
	return log->bytes <= LOG_BUF_MAX_BYTES && log->next - log->first <= log->bytes / HEAD_BYTES;
}

/* The head at the index; false when that is not in log_buf. */
static bool read_head(const struct log_buf *log, uint8_t head[HEAD_BYTES])
{
	return log->index <= log->bytes &&
	       space_read(log->space, log->at + log->index, head, HEAD_BYTES);
}

/* How long struct printk_log is in front of this record; 0: its lengths contradict each other. */
static uint32_t head_bytes(const uint8_t head[HEAD_BYTES])
{
	uint32_t len = get_le16(head + 8);
	uint32_t inside = (uint32_t)get_le16(head + 10) + get_le16(head + 12);

	for (uint32_t bytes = HEAD_BYTES; bytes <= HEAD_BYTES + CALLER_BYTES; bytes += CALLER_BYTES)
		if (len == (bytes + inside + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES)
			return bytes;
	return 0;
}

/* Takes the record at the index and goes on to the next. 1: it is none, and no way leads on. */
static int take(struct klog *klog, struct log_buf *log, uint64_t sequence, struct err *e)
{
	struct klog_record record = { .sequence = sequence };
	uint8_t head[HEAD_BYTES];
	uint32_t begin, len;
	int rc;

	if (!read_head(log, head))
		return 1;
	if (get_le16(head + 8) == 0) {
		log->index = 0;
		if (!read_head(log, head))
			return 1;
	}
	begin = head_bytes(head);
	len = get_le16(head + 8);
	if (begin == 0 || len > log->bytes - log->index)
		return 1;
	record.at_ns = get_le64(head);
	record.text_bytes = get_le16(head + 10);
	record.facility = head[14];
	record.level = head[15] >> LEVEL_SHIFT;
	rc = klog_add(klog, log->space, &record, log->at + log->index + begin, e);
	log->index += len;
	return rc;
}

int klog_read_log_buf(struct klog *klog, const struct space *space, const struct symbols *symbols,
		      struct err *e)
{
	struct log_buf log;
	uint64_t sequence;
	int rc = 0;

	if (!parse_log_buf(&log, space, symbols))
		return err_set(e, EBADMSG,
			       "kernel log: log_buf, log_buf_len, log_first_idx, log_first_seq and "
			       "log_next_seq (%s) do not hold together; are these the symbols of "
			       "the kernel that ran?",
			       symbols->source);
	klog->format = "log_buf";
	klog->lost = log.first;
	for (sequence = log.first; sequence != log.next; sequence++) {
		rc = take(klog, &log, sequence, e);
		if (rc != 0)
			break;
	}
	if (rc < 0)
		return rc;
	klog->damaged += log.next - sequence;
	if (klog->records == 0 && klog->damaged > 0)
		return err_set(e, EBADMSG,
			       "kernel log: log_buf at 0x%llx holds no record at index 0x%x; are "
			       "these the symbols of the kernel that ran?",
			       (unsigned long long)log.at, log.index);
	return 0;
}
