/* SPDX-License-Identifier: MIT */
/*
 * Any sequence of exits of one CPU, through a KVM that is not there, behind the run loop, with the
 * whole machine, its console and somebody who types: the run ends by the name that the last exit has,
 * no exit is served after it, what a guest reads is filled to the byte and nothing beside it, and
 * the ending has a sentence and a status.
 *
 * Input: one byte of circumstances, then steps: one byte that says which exit, and what it takes.
 *
 * libFuzzer: -max_len=256
 */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "tests/common/refusal.h"
#include "tests/fuzz/fuzz.h"
#include "vmm/run.h"

enum {
	SPEC_PIO_OFFSET = 4096, /* where KVM puts the data of a port exit: a page */
	SPEC_PIO_BYTES = 4096,
	SPEC_IO_IN = 0,
	SPEC_IO_OUT = 1,

	CANARY_BYTES = 64,
	STEPS_MAX = 64,
	EAGAIN_MAX = 4,
	UNTOUCHED = 0x5a,
	DEBUGEXIT_PORT = 0xf4,
};

static union {
	struct kvm_run run;
	uint8_t bytes[SPEC_PIO_OFFSET + SPEC_PIO_BYTES + CANARY_BYTES];
} page;

/* What the step that was served last may end the run with. */
enum allowed { NOTHING, BY_NAME, BY_A_DEVICE, BY_THE_CONSOLE, BY_OTHERS };

static struct {
	struct fuzz_input in;
	int steps;
	bool halted, reads, memory;
	size_t read_bytes;
	struct kvm_run told; /* the exit as it was told */
	enum allowed allowed;
	enum ending_kind kind; /* BY_NAME */
	uint64_t detail;
} fake;

static struct run run;
static struct machine machine;
static struct control control;
static struct console console;
static struct marks marks;

/* Nothing but what the guest reads was written to the page that it shares with KVM. */
static void check_last_read(void)
{
	const uint8_t *canary = page.bytes + SPEC_PIO_OFFSET + SPEC_PIO_BYTES;

	for (size_t i = 0; i < CANARY_BYTES; i++)
		hold(canary[i] == UNTOUCHED, "behind the page, at %zu", i);
	if (fake.memory) { /* eight bytes of data, and nothing beside them */
		memcpy(fake.told.mmio.data, page.run.mmio.data, sizeof(page.run.mmio.data));
		hold(memcmp(&fake.told, &page.run, sizeof(page.run)) == 0, "beside the data");
		fake.memory = false;
	}
	if (!fake.reads)
		return;
	for (size_t i = fake.read_bytes; i < SPEC_PIO_BYTES && i < fake.read_bytes + 16; i++)
		hold(page.bytes[SPEC_PIO_OFFSET + i] == UNTOUCHED, "behind %zu bytes read",
		     fake.read_bytes);
	fake.reads = false;
}

static uint16_t port_of(struct fuzz_input *in)
{
	static const uint16_t ports[] = {
		0x3f8, 0x3f8, 0x3fd, 0x60,  0x64,  0x70,  0x92,
		0xcf8, 0xcf9, 0xcfc, 0x3f9, 0x600, 0x604, DEBUGEXIT_PORT
	};
	uint8_t which = fuzz_u8(in);

	if (which == 0xff)
		return (uint16_t)fuzz_bytes(in, 2);
	return (uint16_t)(ports[(which & 15) % (sizeof(ports) / sizeof(ports[0]))] + (which >> 4));
}

/* Of a string instruction: mostly short, so that there are many in a second. */
static uint32_t count_of(struct fuzz_input *in, uint8_t size)
{
	uint8_t count = fuzz_u8(in);

	if (count < 0xf8)
		return count % 32;
	return (uint32_t)fuzz_bytes(in, 2) % (SPEC_PIO_BYTES / size + 1U);
}

static void port_exit(struct fuzz_input *in, bool out)
{
	static const uint8_t sizes[] = { 1, 1, 2, 4 };
	uint8_t *data = page.bytes + SPEC_PIO_OFFSET;
	uint8_t how = fuzz_u8(in), size = sizes[how & 3];
	uint32_t count = how & 4 ? count_of(in, size) : 1;
	size_t total = (size_t)size * count, given;

	page.run.exit_reason = KVM_EXIT_IO;
	page.run.io.direction = out ? SPEC_IO_OUT : SPEC_IO_IN;
	page.run.io.size = size;
	page.run.io.port = port_of(in);
	page.run.io.count = count;
	page.run.io.data_offset = SPEC_PIO_OFFSET;
	memset(data, UNTOUCHED, SPEC_PIO_BYTES + CANARY_BYTES);
	fake.reads = !out;
	fake.read_bytes = total;
	given = how & 8 ? how >> 4 : total < 4 ? total : 4; /* a word of console output */
	for (size_t i = 0; out && i < given && i < total; i++)
		data[i] = fuzz_u8(in);
	fake.allowed = out ? BY_A_DEVICE : NOTHING;
}

/* A word that the console's watch looks for, sent as a line. */
static void say(struct fuzz_input *in)
{
	static const char *const lines[] = {
		"\nKernel panic - not syncing: VFS\n",
		"\n---[ end Kernel panic - not syncing\n",
		"\nreboot: Power down\n",
		"\nreboot: Restarting system\n",
		"\nRebooting in 1 seconds..",
		"\nlogin: ",
	};
	const char *line = lines[fuzz_u8(in) % (sizeof(lines) / sizeof(lines[0]))];

	page.run.exit_reason = KVM_EXIT_IO;
	page.run.io.direction = SPEC_IO_OUT;
	page.run.io.size = 1;
	page.run.io.port = 0x3f8;
	page.run.io.count = (uint32_t)strlen(line);
	page.run.io.data_offset = SPEC_PIO_OFFSET;
	memset(page.bytes + SPEC_PIO_OFFSET, UNTOUCHED, SPEC_PIO_BYTES + CANARY_BYTES);
	memcpy(page.bytes + SPEC_PIO_OFFSET, line, strlen(line));
	fake.allowed = BY_THE_CONSOLE;
}

static void memory_exit(struct fuzz_input *in)
{
	page.run.exit_reason = KVM_EXIT_MMIO;
	page.run.mmio.phys_addr = fuzz_edge(in, NULL, 0);
	page.run.mmio.len = (uint32_t)fuzz_bytes(in, 1);
	page.run.mmio.is_write = fuzz_u8(in) & 1;
	fake.allowed = NOTHING;
	fake.memory = true;
	memcpy(&fake.told, &page.run, sizeof(page.run));
}

static void by_name(enum ending_kind kind, uint64_t detail)
{
	fake.allowed = BY_NAME;
	fake.kind = kind;
	fake.detail = detail;
}

/* Every other exit there is or may be. */
static void any_exit(struct fuzz_input *in)
{
	uint32_t reason = (uint32_t)fuzz_bytes(in, 1);

	if (reason == 0xff)
		reason = (uint32_t)fuzz_bytes(in, 4);
	/* The union behind the reason: whatever. */
	for (size_t i = 0; i < 48; i++)
		page.bytes[offsetof(struct kvm_run, hw) + i] = fuzz_u8(in);
	page.run.exit_reason = reason;
	switch (reason) {
	case KVM_EXIT_IO:
		port_exit(in, fuzz_u8(in) & 1);
		break;
	case KVM_EXIT_MMIO:
		memory_exit(in);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
	case KVM_EXIT_SET_TPR:
		fake.allowed = NOTHING;
		break;
	case KVM_EXIT_HLT:
		by_name(ENDING_HALTED, 0);
		break;
	case KVM_EXIT_SHUTDOWN:
		by_name(ENDING_TRIPLE_FAULT, 0);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		by_name(ENDING_KVM_FAIL_ENTRY, page.run.fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		by_name(ENDING_KVM_INTERNAL_ERROR, page.run.internal.suberror);
		break;
	default:
		by_name(ENDING_KVM_UNKNOWN_EXIT, reason);
		break;
	}
}

/* KVM_RUN itself comes back with an errno. */
static int no_exit(struct fuzz_input *in)
{
	int code = fuzz_u8(in) % 133 + 1;

	if (code == EAGAIN && run.turned_away > EAGAIN_MAX)
		code = EINTR; /* the loop would begin to nap */
	fake.allowed = NOTHING;
	if (code != EINTR && code != EAGAIN)
		by_name(ENDING_KVM_RUN_FAILED, (uint64_t)code);
	else if (control_looking(&control) && fake.halted)
		by_name(ENDING_HALTED, 0);
	return -code;
}

static void somebody_types(struct fuzz_input *in)
{
	uint8_t bytes[16];
	size_t count = fuzz_u8(in) % sizeof(bytes);

	memset(bytes, 't', sizeof(bytes));
	if (count == 0)
		machine_input_break(&machine);
	else if (machine_input_room(&machine) >= count)
		machine_input(&machine, bytes, count);
}

/* The supervisor's part, and whoever else wants something. */
static void meanwhile(struct fuzz_input *in, uint8_t step)
{
	(void)console_flush(&console);
	if (step & 0x10)
		somebody_types(in);
	if (step & 0x20)
		control_ask_to_look(&control);
	if (step & 0x40)
		(void)console_sleep(&console);
}

static int enter(void *ctx)
{
	struct fuzz_input *in = &fake.in;
	uint8_t step = fuzz_u8(in);

	(void)ctx;
	check_last_read();
	hold(fake.allowed != BY_NAME, "entered again behind an exit that ends the run");
	if (fake.steps++ == STEPS_MAX || !in->left) {
		control_end(&control, &(struct ending){ .kind = ENDING_SIGNAL, .detail = 15 });
		fake.allowed = BY_OTHERS;
		return -EINTR;
	}
	meanwhile(in, step);
	if (control_stopped(&control)) { /* -until, found by the supervisor */
		fake.allowed = BY_OTHERS;
		return -EINTR;
	}
	switch (step & 0x0f) {
	case 0:
		return no_exit(in);
	case 1:
		any_exit(in);
		return 0;
	case 2:
		memory_exit(in);
		return 0;
	case 3:
		say(in);
		return 0;
	default:
		port_exit(in, step & 8);
		return 0;
	}
}

static void unkick(void *ctx)
{
	(void)ctx;
}

static bool halted_for_good(void *ctx)
{
	(void)ctx;
	return fake.halted;
}

static void check_device_ending(enum ending_kind kind)
{
	switch (kind) {
	case ENDING_RESET_I8042:
	case ENDING_RESET_PORT_CF9:
	case ENDING_RESET_PORT_92:
	case ENDING_POWERED_OFF_ACPI:
	case ENDING_DEBUG_EXIT:
		hold(fake.allowed == BY_A_DEVICE, "kind %d", kind);
		break;
	case ENDING_PANIC:
	case ENDING_UNTIL:
		hold(fake.allowed == BY_A_DEVICE || fake.allowed == BY_THE_CONSOLE ||
			     fake.allowed == BY_OTHERS,
		     "kind %d", kind);
		break;
	case ENDING_SIGNAL:
		hold(fake.allowed == BY_OTHERS, "a signal that nobody sent");
		break;
	default:
		hold(false, "kind %d", kind);
	}
}

static void check_ending(const struct ending *ending)
{
	int status = ending_status(ending);
	char text[256];

	hold(ending->kind > ENDING_NONE && ending->kind < ENDING_KINDS, "kind %d", ending->kind);
	hold(control.ending.kind == ending->kind && control_stopped(&control), "two endings");
	if (fake.allowed == BY_NAME)
		hold(ending->kind == fake.kind && ending->detail == fake.detail,
		     "kind %d, detail %llx", ending->kind, (unsigned long long)ending->detail);
	else
		check_device_ending(ending->kind);
	hold(status >= 0 && status <= 255, "status %d", status);
	hold(ending->instruction_bytes <= ENDING_BYTES_MAX, "instruction bytes");
	ending_describe(ending, text, sizeof(text));
	hold(strlen(text) > 10 && !strchr(text, '\n'), "%s", text);
}

/* -device isa-debug-exit anywhere, or nowhere, or at f4. False: refused, as it should be. */
static bool make_machine(struct fuzz_input *in, uint8_t circumstances)
{
	struct debugexit_config debugexit = { DEBUGEXIT_PORT, circumstances >> 4 & 3 };
	struct err e = { 0 };
	int rc;

	if (circumstances & 2)
		debugexit.iobase = (uint16_t)fuzz_bytes(in, 2);
	rc = machine_init(&machine, NULL, &control, (struct byte_sink){ console_put, &console },
			  &debugexit, &e);
	if (rc < 0)
		hold(!refusal_flaw(rc, &e), "%s", e.text);
	return rc == 0;
}

static const regex_t *until(void)
{
	static regex_t expression;
	static bool ready;

	if (!ready)
		hold(regcomp(&expression, "login: *$", REG_EXTENDED | REG_NOSUB) == 0, "regcomp");
	ready = true;
	return &expression;
}

/* A run that is recorded, with a --mark. */
static struct record_shared record;

static void make_record(void)
{
	static struct record_line line[RECORD_LINES];
	static char line_text[RECORD_LINE_TEXT_BYTES];
	static struct watch_mark mark = { .name = "line" };
	static bool ready;

	if (!ready)
		hold(regcomp(&mark.re, "t", REG_EXTENDED | REG_NOSUB) == 0, "regcomp");
	ready = true;
	record = (struct record_shared){ .line = line, .line_text = line_text };
	console_record(&console, &record, &mark, 1);
	machine_record(&machine, (struct mark_wire){ console_mark, &console });
}

static void check_record(void)
{
	size_t text_bytes = 0;

	hold(record.marks <= RECORD_USER_MARKS && record.lines <= RECORD_LINES, "a table's end");
	for (size_t i = 0; i < record.marks; i++)
		hold(record.mark[i].name[0], "a mark without a name");
	for (size_t i = 0; i < record.lines; i++) {
		const struct record_line *line = &record.line[i];

		hold(line->text == text_bytes, "a line's text");
		hold(line->first_byte_ns <= line->last_byte_ns, "a line's times");
		text_bytes += line->text_bytes;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static struct chardev nowhere = {
		.kind = CHARDEV_NULL, .in_fd = -1, .out_fd = -1, .listen_fd = -1
	};
	struct fuzz_input in = { bytes, size_bytes };
	uint8_t circumstances = fuzz_u8(&in);
	struct ending ending;
	struct err e;

	memset(&fake, 0, sizeof(fake));
	memset(page.bytes + SPEC_PIO_OFFSET, UNTOUCHED, SPEC_PIO_BYTES + CANARY_BYTES);
	fake.halted = circumstances & 1;
	marks = (struct marks){ 0 };
	hold(control_init(&control, &marks, &e) == 0, "%s", e.text);
	memset(&console, 0, sizeof(console));
	console_init(&console, &nowhere, &control, &marks, circumstances & 4 ? until() : NULL);
	if (circumstances & 8)
		console_toggle_timestamps(&console);
	if (make_machine(&in, circumstances)) {
		if (circumstances & 0x40)
			make_record();
		fake.in = in;
		run = (struct run){ .kvm = &page.run,
				    .entry = { enter, unkick, halted_for_good, NULL, NULL, NULL },
				    .machine = &machine,
				    .control = &control,
				    .console = &console };
		control.runs = &run;
		control.cpus = 1;
		ending = run_until_end(&run);
		check_last_read();
		check_ending(&ending);
		console_end_of_input(&console);
		if (circumstances & 0x40)
			check_record();
	}
	machine_finish(&machine);
	console_finish(&console);
	control_finish(&control);
	return 0;
}
