/* SPDX-License-Identifier: MIT */
#include "vmm/program.h"

#include <stdio.h>
#include <string.h>

#include "vmm/base/le.h"
#include "vmm/base/must.h"

enum { STATUS_MAX = 255, SIGNAL_MAX = 64, LENGTH_BYTES = 2 };

void program_init(struct program *program)
{
	memset(program, 0, sizeof(*program));
	frames_init(&program->frames);
}

static enum program_took end(struct program *program, struct ending *ending, enum ending_kind kind,
			     uint64_t detail, const char *text, size_t bytes)
{
	*ending = (struct ending){ .kind = kind, .detail = detail };
	ending_quote(ending->text, sizeof(ending->text), text, bytes);
	program->over = true;
	return PROGRAM_OVER;
}

static enum program_took damaged(struct program *program, struct ending *ending, const char *why)
{
	return end(program, ending, ENDING_FRAMES_DAMAGED, 0, why, strlen(why));
}

static enum program_took ended(struct program *program, struct ending *ending,
			       enum ending_kind kind, long number)
{
	if (number < 0)
		return damaged(program, ending, "a status that is none");
	return end(program, ending, kind, (uint64_t)number, "", 0);
}

/* More than the greatest credit is the guest's lie: input is held back by the line then. */
static enum program_took take_credit(struct program *program)
{
	long more = frames_number(&program->frames, PROGRAM_CREDIT_MAX);
	unsigned int now = __atomic_load_n(&program->credit, __ATOMIC_RELAXED);

	if (more > 0 && now + (unsigned int)more <= PROGRAM_CREDIT_MAX)
		(void)__atomic_add_fetch(&program->credit, (unsigned int)more, __ATOMIC_RELEASE);
	return PROGRAM_CREDIT;
}

static enum program_took take_note(struct program *program)
{
	const struct frames *frames = &program->frames;

	if (program->notes < PROGRAM_NOTES_MAX)
		ending_quote(program->note[program->notes++], PROGRAM_NOTE_BYTES,
			     (const char *)frames->payload, frames->payload_bytes);
	return PROGRAM_NOTHING;
}

static enum program_took take_frame(struct program *program, struct ending *ending)
{
	const struct frames *frames = &program->frames;

	switch (frames->type) {
	case PROTOCOL_STDOUT:
		program->stdout_bytes += frames->payload_bytes;
		return PROGRAM_STDOUT;
	case PROTOCOL_STDERR:
		program->stderr_bytes += frames->payload_bytes;
		return PROGRAM_STDERR;
	case PROTOCOL_CREDIT:
		return take_credit(program);
	case PROTOCOL_NOTE:
		return take_note(program);
	case PROTOCOL_EXIT:
		return ended(program, ending, ENDING_GUEST_EXITED,
			     frames_number(frames, STATUS_MAX));
	case PROTOCOL_SIGNAL:
		return ended(program, ending, ENDING_GUEST_SIGNALED,
			     frames_number(frames, SIGNAL_MAX));
	case PROTOCOL_FAILED:
		return end(program, ending, ENDING_GUEST_CANNOT_RUN, 0,
			   (const char *)frames->payload, frames->payload_bytes);
	case PROTOCOL_HELLO:
		break;
	}
	return PROGRAM_NOTHING;
}

enum program_took program_take(struct program *program, uint8_t byte, struct ending *ending)
{
	if (program->over)
		return PROGRAM_NOTHING;
	switch (frames_take(&program->frames, byte)) {
	case FRAMES_PASSING:
		return PROGRAM_TEXT;
	case FRAMES_COMPLETE:
		return take_frame(program, ending);
	case FRAMES_DAMAGED:
		return damaged(program, ending, program->frames.why);
	case FRAMES_HELD:
		break;
	}
	return PROGRAM_NOTHING;
}

void program_end(struct program *program)
{
	(void)frames_end(&program->frames);
}

size_t program_input_room(const struct program *program, size_t line_room)
{
	size_t room = __atomic_load_n(&program->credit, __ATOMIC_ACQUIRE);

	if (program->input_over || line_room < LENGTH_BYTES)
		return 0;
	room = room < line_room - LENGTH_BYTES ? room : line_room - LENGTH_BYTES;
	return room < PROGRAM_INPUT_CHUNK_BYTES ? room : PROGRAM_INPUT_CHUNK_BYTES;
}

size_t program_wrap_input(struct program *program, uint8_t wire[PROGRAM_WIRE_BYTES],
			  const uint8_t *bytes, size_t count)
{
	must(count <= PROGRAM_INPUT_CHUNK_BYTES);
	put_le16(wire, (uint16_t)count);
	if (count)
		memcpy(wire + LENGTH_BYTES, bytes, count);
	(void)__atomic_sub_fetch(&program->credit, (unsigned int)count, __ATOMIC_ACQ_REL);
	program->input_over = count == 0;
	return LENGTH_BYTES + count;
}
