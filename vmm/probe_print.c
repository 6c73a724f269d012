/* SPDX-License-Identifier: MIT */
/* The probe's result, for a person and for a program ([JSON] RFC 8259). */
#include <string.h>

#include "vmm/probe.h"

enum {
	VERDICT_BYTES = ERR_TEXT_BYTES + 128,
	NS_PER_US = 1000,
};

static const struct {
	const char *name, *key;
} names[PROBE_CHECKS] = {
	[PROBE_LONG_MODE] = { "long mode", "long_mode" },
	[PROBE_FPU] = { "FPU", "fpu" },
	[PROBE_USER_MODE] = { "user mode", "user_mode" },
	[PROBE_SYSCALL] = { "syscall", "syscall" },
	[PROBE_TIMER] = { "timer interrupt", "timer" },
	[PROBE_BREAKPOINT] = { "hardware breakpoint", "breakpoint" },
};

static void print_device(const struct probe_device *device, FILE *out)
{
	if (!device->present)
		(void)fprintf(out, "/dev/kvm          missing\n");
	else if (device->group[0])
		(void)fprintf(out, "/dev/kvm          mode %04o, user id %u, group %s (%u)\n",
			      device->mode, device->uid, device->group, device->gid);
	else
		(void)fprintf(out, "/dev/kvm          mode %04o, user id %u, group id %u\n",
			      device->mode, device->uid, device->gid);
}

static void print_capability(const struct probe_capability *capability, FILE *out)
{
	char value[16];

	if (capability->value < 0)
		(void)snprintf(value, sizeof(value), "?");
	else if (capability->kind == PROBE_NUMBER)
		(void)snprintf(value, sizeof(value), "%d", capability->value);
	else
		(void)snprintf(value, sizeof(value), "%s", capability->value ? "yes" : "no");
	(void)fprintf(out, "  %-34s %7s  %s%s\n", capability->name, value, capability->meaning,
		      capability->kind == PROBE_NEEDED ? " (needed)" : "");
}

static const char *outcome_word(const struct probe_result *result, enum probe_check_id id)
{
	switch (result->check[id].outcome) {
	case PROBE_PASSED:
		return "ok";
	case PROBE_FAILED:
		return probe_needs(id) ? "FAILED" : "no";
	default:
		return "not run";
	}
}

static void print_check(const struct probe_result *result, enum probe_check_id id, FILE *out)
{
	const struct probe_check *check = &result->check[id];

	(void)fprintf(out, "  %-20s %-7s", names[id].name, outcome_word(result, id));
	if (check->outcome != PROBE_NOT_RUN)
		(void)fprintf(out, " %7.1f ms  %s", (double)check->took_ns / 1e6, check->detail);
	(void)fputc('\n', out);
}

void probe_print(const struct probe_result *result, FILE *out)
{
	char verdict[VERDICT_BYTES];

	print_device(&result->device, out);
	if (result->api_version) {
		(void)fprintf(out, "KVM API           version %d\n", result->api_version);
		if (result->tsc_khz)
			(void)fprintf(out, "guest's TSC       %d.%03d MHz\n",
				      result->tsc_khz / 1000, result->tsc_khz % 1000);
		(void)fprintf(out, "\nWhat KVM offers\n");
		for (size_t i = 0; i < result->capabilities; i++)
			print_capability(&result->capability[i], out);
		(void)fprintf(out, "\nWhat a guest finds\n");
		for (int id = 0; id < PROBE_CHECKS; id++)
			print_check(result, (enum probe_check_id)id, out);
	}
	probe_verdict(result, verdict, sizeof(verdict));
	(void)fprintf(out, "\n%s.\n", verdict);
}

void probe_print_json_text(const char *text, FILE *out)
{
	if (!text) {
		(void)fputs("null", out);
		return;
	}
	(void)fputc('"', out);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			(void)fprintf(out, "\\%c", *p);
		else if (*p < 0x20)
			(void)fprintf(out, "\\u%04x", *p);
		else
			(void)fputc(*p < 0x7f ? *p : '?', out);
	}
	(void)fputc('"', out);
}

/* null for what is not known. */
static void json_number(bool known, long long value, FILE *out)
{
	if (known)
		(void)fprintf(out, "%lld", value);
	else
		(void)fputs("null", out);
}

static void json_device(const struct probe_device *device, FILE *out)
{
	char mode[8];

	(void)snprintf(mode, sizeof(mode), "%04o", device->mode);
	(void)fprintf(out, "  \"device\": {\"path\": \"/dev/kvm\", \"present\": %s, \"mode\": ",
		      device->present ? "true" : "false");
	probe_print_json_text(device->present ? mode : NULL, out);
	(void)fputs(", \"uid\": ", out);
	json_number(device->present, device->uid, out);
	(void)fputs(", \"gid\": ", out);
	json_number(device->present, device->gid, out);
	(void)fputs(", \"group\": ", out);
	probe_print_json_text(device->group[0] ? device->group : NULL, out);
	(void)fputs("},\n", out);
}

static void json_capabilities(const struct probe_result *result, FILE *out)
{
	(void)fputs("  \"capabilities\": {", out);
	for (size_t i = 0; i < result->capabilities; i++) {
		const struct probe_capability *capability = &result->capability[i];

		(void)fprintf(out, "%s\n    \"%s\": ", i ? "," : "", capability->name);
		json_number(capability->value >= 0, capability->value, out);
	}
	(void)fputs("\n  },\n", out);
}

static void json_check(const struct probe_result *result, enum probe_check_id id, FILE *out)
{
	static const char *const outcomes[] = {
		[PROBE_NOT_RUN] = "not run",
		[PROBE_PASSED] = "passed",
		[PROBE_FAILED] = "failed",
	};
	const struct probe_check *check = &result->check[id];
	bool run = check->outcome != PROBE_NOT_RUN;

	(void)fprintf(out, "    \"%s\": {\"result\": \"%s\", \"needed\": %s, \"took_us\": ",
		      names[id].key, outcomes[check->outcome], probe_needs(id) ? "true" : "false");
	json_number(run, (long long)(check->took_ns / NS_PER_US), out);
	(void)fputs(", \"detail\": ", out);
	probe_print_json_text(run ? check->detail : NULL, out);
	(void)fprintf(out, "}%s\n", id + 1 < PROBE_CHECKS ? "," : "");
}

void probe_print_json(const struct probe_result *result, FILE *out)
{
	char verdict[VERDICT_BYTES];
	int status = probe_status(result);

	probe_verdict(result, verdict, sizeof(verdict));
	(void)fprintf(out,
		      "{\n  \"status\": %d,\n  \"kvm_usable\": %s,\n  \"ordinary_guests\": %s,\n",
		      status, result->err.code ? "false" : "true", status == 0 ? "true" : "false");
	(void)fputs("  \"verdict\": ", out);
	probe_print_json_text(verdict, out);
	(void)fputs(",\n  \"error\": ", out);
	probe_print_json_text(result->err.code ? result->err.text : NULL, out);
	(void)fputs(",\n", out);
	json_device(&result->device, out);
	(void)fputs("  \"api_version\": ", out);
	json_number(result->api_version != 0, result->api_version, out);
	(void)fputs(",\n  \"tsc_khz\": ", out);
	json_number(result->tsc_khz != 0, result->tsc_khz, out);
	(void)fputs(",\n", out);
	json_capabilities(result, out);
	(void)fputs("  \"checks\": {\n", out);
	for (int id = 0; id < PROBE_CHECKS; id++)
		json_check(result, (enum probe_check_id)id, out);
	(void)fprintf(out, "  },\n  \"took_us\": %llu\n}\n",
		      (unsigned long long)(result->took_ns / NS_PER_US));
}
