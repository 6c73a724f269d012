/* SPDX-License-Identifier: MIT */
#include "vmm/timing/lines.h"

void lines_init(struct lines *lines, struct record_shared *record)
{
	*lines = (struct lines){ .record = record };
}

static void begin(struct lines *lines, uint64_t now_ns)
{
	struct record_shared *record = lines->record;

	lines->open = true;
	lines->kept =
		record->lines < RECORD_LINES && record->line_text_bytes < RECORD_LINE_TEXT_BYTES;
	if (lines->kept)
		record->line[record->lines] = (struct record_line){
			.first_byte_ns = now_ns,
			.text = (uint32_t)record->line_text_bytes,
		};
}

static void keep_byte(struct record_shared *record, uint8_t byte)
{
	struct record_line *line = &record->line[record->lines];

	if (record->line_text_bytes == RECORD_LINE_TEXT_BYTES)
		return;
	record->line_text[record->line_text_bytes++] = (char)byte;
	line->text_bytes++;
}

/* Of "\r\n", which a terminal makes of "\n". */
static void drop_carriage_return(struct record_shared *record)
{
	struct record_line *line = &record->line[record->lines];

	if (line->text_bytes && record->line_text[line->text + line->text_bytes - 1] == '\r') {
		line->text_bytes--;
		record->line_text_bytes--;
	}
}

void lines_byte(struct lines *lines, uint8_t byte, uint64_t now_ns)
{
	struct record_shared *record = lines->record;

	if (!record)
		return;
	if (!lines->open)
		begin(lines, now_ns);
	if (lines->kept) {
		record->line[record->lines].last_byte_ns = now_ns;
		if (byte == '\n')
			drop_carriage_return(record);
		else
			keep_byte(record, byte);
	}
	if (byte == '\n')
		lines_end(lines);
}

void lines_end(struct lines *lines)
{
	if (!lines->open)
		return;
	if (lines->kept)
		lines->record->lines++;
	else
		lines->record->lines_lost++;
	lines->open = false;
}
