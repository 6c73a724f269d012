/* SPDX-License-Identifier: MIT */
#include "vmm/ending.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* 120 and above have meanings of their own. */
static int guest_status(uint64_t status)
{
	return status < ENDING_GUEST_STATUS_MAX ? (int)status : ENDING_GUEST_STATUS_MAX;
}

int ending_status(const struct ending *ending)
{
	switch (ending->kind) {
	case ENDING_POWERED_OFF:
	case ENDING_POWERED_OFF_ACPI:
	case ENDING_HALTED:
	case ENDING_RESET_I8042:
	case ENDING_RESET_PORT_CF9:
	case ENDING_RESET_PORT_92:
	case ENDING_RESET_TRIPLE_FAULT:
	case ENDING_UNTIL:
	case ENDING_QUIT:
		return STATUS_OK;
	case ENDING_DEBUG_EXIT:
		return (int)(ending->detail & 0xff);
	case ENDING_TRIPLE_FAULT:
	case ENDING_KVM_INTERNAL_ERROR:
	case ENDING_KVM_FAIL_ENTRY:
	case ENDING_KVM_UNKNOWN_EXIT:
		return STATUS_CRASHED;
	case ENDING_TIMEOUT:
		return STATUS_TIMEOUT;
	case ENDING_HANG:
		return STATUS_HANG;
	case ENDING_FAIL_ON:
	case ENDING_DIALOGUE:
	case ENDING_TESTS_FAILED:
		return STATUS_BUDGET;
	case ENDING_GUEST_LEFT:
		return STATUS_CRASHED;
	case ENDING_GUEST_EXITED:
		return guest_status(ending->detail);
	case ENDING_GUEST_SIGNALED:
		return guest_status(ENDING_GUEST_SIGNAL + ending->detail);
	case ENDING_PANIC:
		return STATUS_PANIC;
	case ENDING_SIGNAL:
		return STATUS_SIGNAL + (int)ending->detail;
	case ENDING_KVM_RUN_FAILED:
	case ENDING_OUTPUT_LOST:
	case ENDING_GUEST_CANNOT_RUN:
	case ENDING_FRAMES_DAMAGED:
	case ENDING_NONE:
	case ENDING_KINDS:
		break;
	}
	return STATUS_TROUBLE;
}

/* [KVM] KVM_EXIT_INTERNAL_ERROR, suberror. */
static const char *internal_error_name(uint64_t suberror)
{
	switch (suberror) {
	case KVM_INTERNAL_ERROR_EMULATION:
		return "an instruction that it cannot emulate";
	case KVM_INTERNAL_ERROR_SIMUL_EX:
		return "simultaneous exceptions";
	case KVM_INTERNAL_ERROR_DELIVERY_EV:
		return "a failed event delivery";
	case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
		return "an unexpected exit reason";
	default:
		return "an error without a name";
	}
}

/* The exits that can reach an unknown-exit ending, by KVM's names for them. */
const char *ending_exit_name(uint64_t reason)
{
	static const char *const names[] = {
		[KVM_EXIT_UNKNOWN] = "UNKNOWN",
		[KVM_EXIT_EXCEPTION] = "EXCEPTION",
		[KVM_EXIT_IO] = "IO",
		[KVM_EXIT_HYPERCALL] = "HYPERCALL",
		[KVM_EXIT_DEBUG] = "DEBUG",
		[KVM_EXIT_HLT] = "HLT",
		[KVM_EXIT_MMIO] = "MMIO",
		[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
		[KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
		[KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
		[KVM_EXIT_INTR] = "INTR",
		[KVM_EXIT_SET_TPR] = "SET_TPR",
		[KVM_EXIT_TPR_ACCESS] = "TPR_ACCESS",
		[KVM_EXIT_NMI] = "NMI",
		[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
		[KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
		[KVM_EXIT_IOAPIC_EOI] = "IOAPIC_EOI",
		[KVM_EXIT_HYPERV] = "HYPERV",
		[KVM_EXIT_X86_RDMSR] = "X86_RDMSR",
		[KVM_EXIT_X86_WRMSR] = "X86_WRMSR",
		[KVM_EXIT_DIRTY_RING_FULL] = "DIRTY_RING_FULL",
		[KVM_EXIT_AP_RESET_HOLD] = "AP_RESET_HOLD",
		[KVM_EXIT_X86_BUS_LOCK] = "X86_BUS_LOCK",
		[KVM_EXIT_XEN] = "XEN",
		[KVM_EXIT_NOTIFY] = "NOTIFY",
	};
	const char *name = reason < sizeof(names) / sizeof(names[0]) ? names[reason] : NULL;

	return name ? name : "without a name here";
}

const char *ending_word(const struct ending *ending)
{
	static const char *const word[ENDING_KINDS] = {
		[ENDING_NONE] = "none",
		[ENDING_POWERED_OFF] = "power-off",
		[ENDING_POWERED_OFF_ACPI] = "power-off",
		[ENDING_HALTED] = "halt",
		[ENDING_RESET_I8042] = "reset",
		[ENDING_RESET_PORT_CF9] = "reset",
		[ENDING_RESET_PORT_92] = "reset",
		[ENDING_RESET_TRIPLE_FAULT] = "reset",
		[ENDING_UNTIL] = "until",
		[ENDING_QUIT] = "quit",
		[ENDING_DEBUG_EXIT] = "debug-exit",
		[ENDING_TRIPLE_FAULT] = "triple-fault",
		[ENDING_KVM_INTERNAL_ERROR] = "kvm-internal-error",
		[ENDING_KVM_FAIL_ENTRY] = "kvm-fail-entry",
		[ENDING_KVM_UNKNOWN_EXIT] = "kvm-unknown-exit",
		[ENDING_KVM_RUN_FAILED] = "kvm-run-failed",
		[ENDING_TIMEOUT] = "timeout",
		[ENDING_OUTPUT_LOST] = "output-lost",
		[ENDING_PANIC] = "panic",
		[ENDING_SIGNAL] = "signal",
		[ENDING_HANG] = "hang",
		[ENDING_FAIL_ON] = "fail-on",
		[ENDING_DIALOGUE] = "dialogue",
		[ENDING_TESTS_FAILED] = "tests-failed",
		[ENDING_GUEST_EXITED] = "exit",
		[ENDING_GUEST_SIGNALED] = "killed",
		[ENDING_GUEST_CANNOT_RUN] = "cannot-run",
		[ENDING_GUEST_LEFT] = "left",
		[ENDING_FRAMES_DAMAGED] = "damaged",
	};

	return ending->kind < ENDING_KINDS ? word[ending->kind] : "none";
}

static int describe_instruction(const struct ending *ending, char *text, size_t size)
{
	int used = 0;

	if (ending->instruction_bytes)
		used = snprintf(text, size, ", instruction bytes");
	for (unsigned int i = 0; i < ending->instruction_bytes && (size_t)used < size; i++)
		used += snprintf(text + used, size - (size_t)used, " %02x", ending->instruction[i]);
	return used;
}

static void describe_program(const struct ending *ending, char *text, size_t size)
{
	bool killed = ending->kind == ENDING_GUEST_SIGNALED;
	uint64_t status = (killed ? ENDING_GUEST_SIGNAL : 0) + ending->detail;
	const char *name = killed ? sigabbrev_np((int)ending->detail) : NULL;
	int used;

	if (killed)
		used = snprintf(text, size, "the program was killed by signal %llu%s%s",
				(unsigned long long)ending->detail, name ? " SIG" : "",
				name ? name : "");
	else
		used = snprintf(text, size, "the program exited with status %llu",
				(unsigned long long)ending->detail);
	if (status > ENDING_GUEST_STATUS_MAX && used > 0 && (size_t)used < size)
		(void)snprintf(text + used, size - (size_t)used, ", told as %d",
			       ENDING_GUEST_STATUS_MAX);
}

/* What KVM could not go on with. */
static void describe_kvm(const struct ending *ending, char *text, size_t size)
{
	unsigned long long detail = ending->detail;
	int used;

	switch (ending->kind) {
	case ENDING_KVM_INTERNAL_ERROR:
		used = snprintf(text, size, "guest crashed: KVM met %s (internal error %llu)",
				internal_error_name(detail), detail);
		if (used > 0 && (size_t)used < size)
			(void)describe_instruction(ending, text + used, size - (size_t)used);
		break;
	case ENDING_KVM_FAIL_ENTRY:
		(void)snprintf(text, size,
			       "guest crashed: the CPU refused to enter it (reason %#llx)", detail);
		break;
	case ENDING_KVM_UNKNOWN_EXIT:
		(void)snprintf(text, size,
			       "guest crashed: KVM exit %llu (%s), which nothing here asks for",
			       detail, ending_exit_name(detail));
		break;
	case ENDING_KVM_RUN_FAILED:
		(void)snprintf(text, size, "KVM could not run the vCPU: %s", strerror((int)detail));
		break;
	default:
		break;
	}
}

/* The whole sentence, or what stands before a text. */
static const char *const plain[ENDING_KINDS] = {
	[ENDING_NONE] = "the run has not ended",
	[ENDING_POWERED_OFF] = "guest powered off",
	[ENDING_POWERED_OFF_ACPI] = "guest powered off (ACPI)",
	[ENDING_HALTED] = "guest halted for good (interrupts off)",
	[ENDING_RESET_I8042] = "guest rebooted (reset through the keyboard controller)",
	[ENDING_RESET_PORT_CF9] = "guest rebooted (reset through port 0xcf9)",
	[ENDING_RESET_PORT_92] = "guest rebooted (reset through port 0x92)",
	[ENDING_RESET_TRIPLE_FAULT] = "guest rebooted (triple fault, as it announced)",
	[ENDING_UNTIL] = "a console line matched -until",
	[ENDING_QUIT] = "ended from the keyboard",
	[ENDING_TRIPLE_FAULT] = "guest crashed: triple fault",
	/* The text stands behind these. */
	[ENDING_FAIL_ON] = "-fail-on matched: ",
	[ENDING_DIALOGUE] = "the dialogue was not finished: ",
	[ENDING_TESTS_FAILED] = "tests failed: ",
	[ENDING_GUEST_CANNOT_RUN] = "the guest could not start the program: ",
	[ENDING_GUEST_LEFT] = "the guest ended before the program did: ",
	[ENDING_FRAMES_DAMAGED] = "what the guest sent of the program's output is damaged: ",
};

static void describe_kind(const struct ending *ending, char *text, size_t size)
{
	unsigned long long detail = ending->detail;

	switch (ending->kind) {
	case ENDING_DEBUG_EXIT:
		(void)snprintf(text, size,
			       "guest ended the run through isa-debug-exit, status %llu", detail);
		break;
	case ENDING_KVM_INTERNAL_ERROR:
	case ENDING_KVM_FAIL_ENTRY:
	case ENDING_KVM_UNKNOWN_EXIT:
	case ENDING_KVM_RUN_FAILED:
		describe_kvm(ending, text, size);
		break;
	case ENDING_TIMEOUT:
		(void)snprintf(text, size, "timeout: no end within %.3f s", (double)detail / 1e9);
		break;
	case ENDING_OUTPUT_LOST:
		(void)snprintf(text, size, "%s could not be written: %s; the rest of it is lost",
			       ending->text[0] ? ending->text : "console output",
			       strerror((int)detail));
		break;
	case ENDING_SIGNAL:
		(void)snprintf(text, size, "ended by signal %llu (%s)", detail,
			       strsignal((int)detail));
		break;
	case ENDING_PANIC:
		(void)snprintf(text, size, "guest kernel panicked%s%s", ending->text[0] ? ": " : "",
			       ending->text);
		break;
	case ENDING_HANG:
		(void)snprintf(text, size, "hang: nothing moved for %.3f s: %s",
			       (double)detail / 1e9, ending->text);
		break;
	case ENDING_GUEST_EXITED:
	case ENDING_GUEST_SIGNALED:
		describe_program(ending, text, size);
		break;
	default:
		(void)snprintf(text, size, "%s%s", plain[ending->kind], ending->text);
		break;
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void ending_quote(char *to, size_t size, const char *text, size_t bytes)
{
	size_t used;

	while (bytes && is_blank(text[0]))
		text++, bytes--;
	while (bytes && is_blank(text[bytes - 1]))
		bytes--;
	used = bytes < size ? bytes : size - 1;
	for (size_t i = 0; i < used; i++)
		to[i] = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
	to[used] = '\0';
	if (used < bytes && used >= 3)
		memcpy(to + used - 3, "...", 3);
}

void ending_describe(const struct ending *ending, char *text, size_t size)
{
	size_t used;

	describe_kind(ending, text, size);
	used = strlen(text);
	if (ending->rip)
		(void)snprintf(text + used, size - used, ", at RIP %#llx",
			       (unsigned long long)ending->rip);
	used = strlen(text);
	if (ending->cpus > 1)
		(void)snprintf(text + used, size - used, "%s on CPU %u", ending->rip ? "" : ",",
			       ending->cpu);
}
