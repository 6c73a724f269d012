/* SPDX-License-Identifier: MIT */
#include "vmm/inside/klog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/inside/klog_formats.h"

enum {
	ROOM_AT_FIRST = 256, /* records; of text, 64 times as much */
	TEXT_AT_FIRST_BYTES = 64 * ROOM_AT_FIRST,
	FACILITY_SHIFT = 3, /* <facility * 8 + level> */
	NS_PER_S = 1000000000,
	NS_PER_US = 1000,
};

/* NULL: no memory, and the old array is as it was. */
static void *widen(void *old, size_t *room, size_t need, size_t first, size_t unit_bytes)
{
	size_t more = *room ? *room : first;
	void *wide;

	if (need <= *room)
		return old;
	while (more < need)
		more *= 2;
	wide = realloc(old, more * unit_bytes);
	if (wide != NULL)
		*room = more;
	return wide;
}

static int make_room(struct klog *klog, size_t text_bytes, struct err *e)
{
	struct klog_record *record = widen(klog->record, &klog->record_room, klog->records + 1,
					   ROOM_AT_FIRST, sizeof(*record));
	char *text;

	if (record == NULL)
		return err_sys(e, ENOMEM, "kernel log: %zu records", klog->records + 1);
	klog->record = record;
	text = widen(klog->text, &klog->text_room, klog->text_bytes + text_bytes,
		     TEXT_AT_FIRST_BYTES, 1);
	if (text == NULL)
		return err_sys(e, ENOMEM, "kernel log: %zu bytes of text",
			       klog->text_bytes + text_bytes);
	klog->text = text;
	return 0;
}

int klog_add(struct klog *klog, const struct space *space, const struct klog_record *record,
	     uint64_t text_at, struct err *e)
{
	size_t text_bytes = (size_t)record->text_bytes + 1;
	int rc;

	if (klog->records == KLOG_RECORDS_MAX ||
	    text_bytes > KLOG_TEXT_MAX_BYTES - klog->text_bytes) {
		klog->damaged++;
		return 0;
	}
	rc = make_room(klog, text_bytes, e);
	if (rc < 0)
		return rc;
	if (!space_read(space, text_at, klog->text + klog->text_bytes, record->text_bytes)) {
		klog->damaged++;
		return 0;
	}
	klog->record[klog->records] = *record;
	klog->record[klog->records].text = klog->text_bytes;
	klog->records++;
	klog->text_bytes += text_bytes;
	klog->text[klog->text_bytes - 1] = '\0';
	return 0;
}

int klog_read(struct klog *klog, const struct space *space, const struct symbols *symbols,
	      struct err *e)
{
	klog_reader *read = NULL;
	int rc;

	*klog = (struct klog){ 0 };
	if (symbols_find(symbols, "log_first_idx"))
		read = klog_read_log_buf;
	else if (symbols_find(symbols, "prb") || symbols_find(symbols, "printk_rb_static"))
		read = klog_read_ring;
	if (read == NULL)
		return err_set(e, ENOENT,
			       "kernel log: none of prb, printk_rb_static and log_first_idx is "
			       "among the symbols (%s); the kernel was built without "
			       "CONFIG_PRINTK, is older than 3.5, or its data has no symbols",
			       symbols->source);
	rc = read(klog, space, symbols, e);
	if (rc < 0)
		klog_finish(klog);
	return rc;
}

void klog_finish(struct klog *klog)
{
	free(klog->record);
	free(klog->text);
	*klog = (struct klog){ 0 };
}

static void print_text(const char *text, size_t text_bytes, int indent, FILE *out)
{
	for (size_t i = 0; i < text_bytes; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n')
			fprintf(out, "\n%*s", indent, "");
		else if (c == '\t' || (c >= ' ' && c < 0x7f))
			putc(c, out);
		else
			fprintf(out, "\\x%02x", c);
	}
}

void klog_print(const struct klog *klog, FILE *out)
{
	for (size_t i = 0; i < klog->records; i++) {
		const struct klog_record *record = &klog->record[i];
		const char *text = klog->text + record->text;
		size_t text_bytes = record->text_bytes;
		int indent =
			fprintf(out, "<%d>[%5" PRIu64 ".%06" PRIu64 "] ",
				record->facility << FACILITY_SHIFT | record->level,
				record->at_ns / NS_PER_S, record->at_ns % NS_PER_S / NS_PER_US);

		if (text_bytes > 0 && text[text_bytes - 1] == '\n')
			text_bytes--;
		print_text(text, text_bytes, indent, out);
		putc('\n', out);
	}
}
