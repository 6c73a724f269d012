/* SPDX-License-Identifier: MIT */
#include "vmm/settle.h"

#include <stdio.h>
#include <string.h>

#include "vmm/inside/lastwords.h"

/* So much of a guest's memory is looked through where its kernel may be anywhere. */
#define LAST_WORDS_RAM_BYTES (256ULL << 20)

/*
 * What a kernel has in its log about its end. One that the host unpacked stays where it is; one that
 * unpacks itself may have moved anywhere.
 */
static void find_last_words(const struct session *session, struct lastwords *words)
{
	const struct plan_range *kernel = &session->plan.kernel;
	const struct guest_memory *memory = &session->vm.memory;

	if (session->kernel.elf == NULL)
		lastwords_find(words, memory, 0, LAST_WORDS_RAM_BYTES);
	if (words->kind == LASTWORDS_NONE &&
	    (session->kernel.elf || kernel->gpa + kernel->size_bytes > LAST_WORDS_RAM_BYTES))
		lastwords_find(words, memory, kernel->gpa, kernel->size_bytes);
}

static bool may_have_died(enum ending_kind kind)
{
	switch (kind) {
	case ENDING_HALTED:
	case ENDING_RESET_I8042:
	case ENDING_RESET_PORT_CF9:
	case ENDING_RESET_PORT_92:
	case ENDING_TRIPLE_FAULT:
	case ENDING_TIMEOUT:
	case ENDING_HANG:
		return true;
	default:
		return false;
	}
}

/*
 * Registers are the end only where nothing came after them but a halt: what
 * arch/x86/mm/extable.c does with an early exception.
 */
static enum announced announced_in(const struct lastwords *words, const struct ending *ending)
{
	switch (words->kind) {
	case LASTWORDS_PANIC:
		return ANNOUNCED_PANIC;
	case LASTWORDS_REGISTERS:
		return ending->kind == ENDING_HALTED ? ANNOUNCED_PANIC : ANNOUNCED_NOTHING;
	case LASTWORDS_RESTARTS:
		return ANNOUNCED_RESTART;
	case LASTWORDS_POWERS_DOWN:
		return ANNOUNCED_POWER_DOWN;
	case LASTWORDS_HALTS:
		return ANNOUNCED_HALT;
	case LASTWORDS_NONE:
		break;
	}
	return ANNOUNCED_NOTHING;
}

static bool is_orderly(enum lastwords_kind kind)
{
	return kind == LASTWORDS_RESTARTS || kind == LASTWORDS_POWERS_DOWN ||
	       kind == LASTWORDS_HALTS;
}

static void tell_panic(struct ending *ending, const struct lastwords *words, bool silent)
{
	const char *source = silent ? " (said in its log only)" : "";
	size_t used;

	ending->kind = ENDING_PANIC;
	if (words->kind != LASTWORDS_PANIC && !silent)
		return;
	ending_quote(ending->text, sizeof(ending->text) - strlen(source), words->text,
		     strlen(words->text));
	used = strlen(ending->text);
	(void)snprintf(ending->text + used, sizeof(ending->text) - used, "%s", source);
}

/*
 * What the kernel announced on its console, or else in its log, decides between endings that look
 * alike to the CPU. A kernel that panicked resets or halts as well, but without announcing that.
 * Where a console shows a panic its log is asked too: somebody may have quoted one.
 */
static void settle_kind(struct session *session, struct ending *ending)
{
	enum announced announced = console_announced(&session->console);
	bool is_late = ending->kind == ENDING_TIMEOUT || ending->kind == ENDING_HANG;
	bool silent = announced == ANNOUNCED_NOTHING;
	struct lastwords words = { .kind = LASTWORDS_NONE };

	if (silent || is_late || announced == ANNOUNCED_PANIC)
		find_last_words(session, &words);
	if (silent || is_late || is_orderly(words.kind))
		announced = announced_in(&words, ending);
	if (announced == ANNOUNCED_PANIC)
		tell_panic(ending, &words, silent);
	else if (announced == ANNOUNCED_POWER_DOWN && ending->kind == ENDING_HALTED)
		ending->kind = ENDING_POWERED_OFF;
	else if (announced == ANNOUNCED_RESTART && ending->kind == ENDING_TRIPLE_FAULT)
		ending->kind = ENDING_RESET_TRIPLE_FAULT;
}

/*
 * A decompressor that gives up halts for good, and has no console unless it is given one
 * ([LINUX] arch/x86/boot/early_serial_console.c). It runs where it was loaded, or moved itself to,
 * while a kernel runs at the top of all addresses.
 */
static bool gave_up_unpacking(const struct session *session, const struct ending *ending)
{
	const struct kernel *kernel = &session->kernel;

	return ending->kind == ENDING_HALTED && kernel->elf == NULL && kernel->bzimage &&
	       kernel->bzimage->payload_format != UNPACK_UNKNOWN && ending->rip < PLAN_HOLE_END;
}

/*
 * The kernel's own reason, and what it means when it did not find its first process. [LINUX]
 * init/main.c, init/do_mounts.c.
 */
static void explain_panic(const struct session *session, struct ending *ending)
{
	static const char *const known[] = { "VFS: Unable to mount root fs",
					     "No working init found" };

	if (!ending->text[0])
		(void)snprintf(ending->text, sizeof(ending->text), "%s", session->console.panic);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (session->plan.initrd.size_bytes && strstr(ending->text, known[i]))
			(void)snprintf(
				ending->text, sizeof(ending->text),
				"%s (it took no initramfs, or cannot start what is in it: are "
				"CONFIG_BLK_DEV_INITRD and CONFIG_BINFMT_ELF in it?)",
				known[i]);
	}
}

/* A guest that is over in good order, but before the program was, has told no status. */
static void settle_program(struct ending *ending)
{
	bool said = ending->kind == ENDING_GUEST_EXITED || ending->kind == ENDING_UNTIL ||
		    ending->kind == ENDING_QUIT;
	struct ending before = *ending;

	if (said || ending_status(ending) != 0)
		return;
	ending->kind = ENDING_GUEST_LEFT;
	ending_describe(&before, ending->text, sizeof(ending->text));
}

static void fail(struct ending *ending, enum ending_kind kind, const char *text)
{
	*ending = (struct ending){ .kind = kind };
	(void)snprintf(ending->text, sizeof(ending->text), "%s", text);
}

/*
 * A run that ended well, unless something that was to be checked did not hold. What the kernel
 * complained of counts whatever the program says.
 */
static void settle_checks(const struct session *session, struct ending *ending)
{
	const struct account *account = &session->account;
	const struct console *console = &session->console;
	bool program = ending->kind == ENDING_GUEST_EXITED || ending->kind == ENDING_GUEST_SIGNALED;
	bool well = ending_status(ending) == 0;
	char text[ENDING_TEXT_BYTES];

	if ((well || program) && console->trouble_end_ns) {
		fail(ending, ENDING_FAIL_ON, console->trouble_text);
	} else if (well && account->looks_for_tests &&
		   ktap_verdict(&account->tests, text, sizeof(text)) != KTAP_PASSED) {
		fail(ending, ENDING_TESTS_FAILED, text);
	} else if (well && ending->kind != ENDING_QUIT && !dialogue_done(&session->dialogue)) {
		dialogue_waiting(&session->dialogue, text, sizeof(text));
		fail(ending, ENDING_DIALOGUE, text);
	}
}

/* Whether it matters where a CPU was. */
static bool has_a_place(enum ending_kind kind)
{
	switch (kind) {
	case ENDING_FAIL_ON:
	case ENDING_DIALOGUE:
	case ENDING_TESTS_FAILED:
	case ENDING_GUEST_EXITED:
	case ENDING_GUEST_SIGNALED:
	case ENDING_GUEST_CANNOT_RUN:
	case ENDING_GUEST_LEFT:
	case ENDING_FRAMES_DAMAGED:
		return false;
	default:
		return true;
	}
}

void settle_ending(struct session *session, struct ending *ending)
{
	if (ending->kind == ENDING_HALTED)
		ending->cpu = 0; /* all of them were; chance decides which one finds it out */
	ending->rip = vcpu_rip(&session->vcpus[ending->cpu]);
	if (may_have_died(ending->kind) || ending->kind == ENDING_PANIC)
		settle_kind(session, ending);
	if (gave_up_unpacking(session, ending)) {
		ending->kind = ENDING_PANIC;
		(void)snprintf(ending->text, sizeof(ending->text),
			       "it could not unpack itself (earlyprintk=ttyS0 may let it say why)");
	}
	if (ending->kind == ENDING_PANIC)
		explain_panic(session, ending);
	if (session->options->program.argument)
		settle_program(ending);
	settle_checks(session, ending);
	ending->cpus = has_a_place(ending->kind) ? session->options->cpus : 0;
	if (!has_a_place(ending->kind))
		ending->rip = 0;
}
