/* SPDX-License-Identifier: MIT */
/*
 * What a check's guest left behind -> passed or failed -> verdict and exit status. Knows nothing of
 * KVM. The rule: an ordinary Linux guest needs everything but breakpoints.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "vmm/probe.h"

enum {
	STATUS_GUESTS_RUN = 0,
	STATUS_GUESTS_FAIL = 1,
	STATUS_NO_KVM = 125,

	GROUP_READ_WRITE = 0060,
};

/* What probe_guest.S computes. */
enum {
	MAGIC = 0x74766d6d,
	SUM_BY_X87 = 2,
	PRODUCT_BY_SSE = 9,
};

static void decide(struct probe_check *check, bool passed, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void decide(struct probe_check *check, bool passed, const char *fmt, ...)
{
	va_list ap;

	check->outcome = passed ? PROBE_PASSED : PROBE_FAILED;
	va_start(ap, fmt);
	(void)vsnprintf(check->detail, sizeof(check->detail), fmt, ap);
	va_end(ap);
}

/* [SDM] volume 3, "Protected-Mode Exceptions and Interrupts". */
static const char *exception_name(unsigned int vector)
{
	static const char names[][4] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "",    "#TS",
		"#NP", "#SS", "#GP", "#PF", "",    "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
	};

	return vector < sizeof(names) / sizeof(names[0]) ? names[vector] : "";
}

static void judge_values(enum probe_check_id id, const struct probe_seen *seen,
			 struct probe_check *check)
{
	uint32_t a = seen->value[0], b = seen->value[1];

	switch (id) {
	case PROBE_LONG_MODE:
		if (a == MAGIC && b == MAGIC)
			decide(check, true, "64-bit code runs");
		else
			decide(check, false, "64-bit code gives %#x and %#x for %#x", a, b, MAGIC);
		break;
	case PROBE_FPU:
		if (a == SUM_BY_X87 && b == PRODUCT_BY_SSE)
			decide(check, true, "x87 and SSE calculate");
		else
			decide(check, false, "x87 gives %u for 1 + 1, SSE gives %u for 3 * 3", a,
			       b);
		break;
	case PROBE_USER_MODE:
		decide(check, (a & 3) == 3 && (seen->handler_cs & 3) == 0,
		       "a program runs in CPL %u, its page fault arrives in CPL %u", a & 3,
		       seen->handler_cs & 3);
		break;
	case PROBE_SYSCALL:
		decide(check, (a & 3) == 3 && (b & 3) == 0,
		       "from CPL %u, syscall arrives in CPL %u", a & 3, b & 3);
		break;
	case PROBE_TIMER:
		decide(check, true, "the local APIC's timer interrupts a halted CPU (%s)",
		       b ? "TSC deadline" : "one-shot");
		break;
	case PROBE_BREAKPOINT:
	case PROBE_CHECKS:
		decide(check, false, "the guest ran past it");
		break;
	}
}

/*
 * A syscall that stays in user mode arrives where LSTAR points to all the same and fails at the
 * first privileged instruction there: its CS is known, and says more than the exception.
 */
static void judge_fault(enum probe_check_id id, const struct probe_seen *seen,
			struct probe_check *check)
{
	if (id == PROBE_SYSCALL && (seen->value[1] & 3) == 3)
		judge_values(id, seen, check);
	else
		decide(check, false, "exception %u %s at RIP %#llx, CPL %u", seen->vector,
		       exception_name(seen->vector), (unsigned long long)seen->rip, seen->cpl);
}

static void judge_ending(enum probe_check_id id, const struct probe_seen *seen,
			 struct probe_check *check)
{
	if (id == PROBE_TIMER && seen->ending.kind == ENDING_TIMEOUT) {
		decide(check, false, "no interrupt came in %d ms", PROBE_CHECK_MS);
		return;
	}
	check->outcome = PROBE_FAILED;
	ending_describe(&seen->ending, check->detail, sizeof(check->detail));
}

void probe_judge(enum probe_check_id id, const struct probe_seen *seen, struct probe_check *check)
{
	switch (seen->how) {
	case PROBE_REPORTED:
		judge_values(id, seen, check);
		break;
	case PROBE_FAULTED:
		judge_fault(id, seen, check);
		break;
	case PROBE_BROKE:
		decide(check, id == PROBE_BREAKPOINT && seen->rip == seen->breakpoint,
		       "stopped at RIP %#llx, breakpoint at %#llx", (unsigned long long)seen->rip,
		       (unsigned long long)seen->breakpoint);
		break;
	case PROBE_ENDED:
		judge_ending(id, seen, check);
		break;
	case PROBE_NOT_POSSIBLE:
		decide(check, false, "KVM refuses: %s", strerror((int)seen->ending.detail));
		break;
	}
}

bool probe_needs(enum probe_check_id id)
{
	return id != PROBE_BREAKPOINT;
}

int probe_status(const struct probe_result *result)
{
	if (result->err.code)
		return STATUS_NO_KVM;
	for (int id = 0; id < PROBE_CHECKS; id++) {
		if (probe_needs((enum probe_check_id)id) &&
		    result->check[id].outcome != PROBE_PASSED)
			return STATUS_GUESTS_FAIL;
	}
	return STATUS_GUESTS_RUN;
}

static bool failed(const struct probe_result *result, enum probe_check_id id)
{
	return result->check[id].outcome != PROBE_PASSED;
}

static void explain_no_kvm(const struct probe_result *result, char *text, size_t size)
{
	const struct probe_device *device = &result->device;
	bool denied = result->err.code == EACCES || result->err.code == EPERM;

	if (!denied || !device->present)
		(void)snprintf(text, size, "There is no usable KVM here: %s", result->err.text);
	else if (device->gid == 0 || (device->mode & GROUP_READ_WRITE) != GROUP_READ_WRITE)
		(void)snprintf(
			text, size,
			"There is no usable KVM for this user: only user id %u may open "
			"/dev/kvm (mode %04o); run as that user, or have the device given to "
			"a group",
			device->uid, device->mode);
	else if (device->group[0])
		(void)snprintf(text, size,
			       "There is no usable KVM for this user: /dev/kvm is for group %s; "
			       "`sudo usermod -aG %s USER`, then log in again",
			       device->group, device->group);
	else
		(void)snprintf(text, size,
			       "There is no usable KVM for this user: /dev/kvm is for group id %u, "
			       "which has no name here; have it given to a group of this user's",
			       device->gid);
}

/* Names every needed check that failed, in the order of the checks. */
static void explain_failures(const struct probe_result *result, char *text, size_t size)
{
	static const char *const reason[PROBE_CHECKS] = {
		[PROBE_LONG_MODE] = "64-bit code does not run",
		[PROBE_FPU] = "the FPU does not work",
		[PROBE_USER_MODE] = "user mode does not work",
		[PROBE_SYSCALL] = "syscall does not arrive in kernel mode",
		[PROBE_TIMER] = "no timer interrupt comes",
	};
	bool kernel = failed(result, PROBE_LONG_MODE) || failed(result, PROBE_TIMER);
	const char *separator = "";
	size_t used;

	(void)snprintf(text, size, "This host's KVM cannot run %sordinary Linux guests (",
		       kernel ? "" : "the user space of ");
	for (int id = 0; id < PROBE_CHECKS; id++) {
		used = strlen(text);
		if (!reason[id] || !failed(result, (enum probe_check_id)id))
			continue;
		(void)snprintf(text + used, size - used, "%s%s", separator, reason[id]);
		separator = "; ";
	}
	used = strlen(text);
	(void)snprintf(text + used, size - used, "): boot them in the lab instead (make lab)");
}

void probe_verdict(const struct probe_result *result, char *text, size_t size)
{
	switch (probe_status(result)) {
	case STATUS_NO_KVM:
		explain_no_kvm(result, text, size);
		break;
	case STATUS_GUESTS_FAIL:
		explain_failures(result, text, size);
		break;
	default:
		(void)snprintf(text, size, "This host can run ordinary Linux guests%s",
			       failed(result, PROBE_BREAKPOINT)
				       ? ", but without hardware breakpoints: what happens when "
					 "inside a kernel is told by its console alone"
				       : "");
		break;
	}
}
