/* SPDX-License-Identifier: MIT */
/* What `tvmm probe --ci` prints: lines, or one JSON object with the same in it. */
#include <string.h>

#include "vmm/probe_ci.h"

static const char *const states[] = {
	[PROBE_CI_OK] = "ok",
	[PROBE_CI_LIMITED] = "limited",
	[PROBE_CI_MISSING] = "missing",
	[PROBE_CI_UNKNOWN] = "unknown",
};

/* Its lines; more begins each of them. */
static void print_todo(const struct probe_ci_item *item, FILE *out)
{
	(void)fprintf(out, "%s\n", item->name);
	for (const char *line = item->todo; *line; line = strchr(line, '\n') + 1)
		(void)fprintf(out, "  %.*s\n", (int)strcspn(line, "\n"), line);
}

static void print_conclusion(const struct probe_ci *ci, FILE *out)
{
	const char *separator = "";

	if (probe_ci_status(ci) == 0) {
		(void)fputs("\nEverything that guests need is here.\n", out);
		return;
	}
	(void)fputs("\nGuests cannot run here: missing: ", out);
	for (size_t i = 0; i < ci->items; i++) {
		if (ci->item[i].state != PROBE_CI_MISSING)
			continue;
		(void)fprintf(out, "%s%s", separator, ci->item[i].name);
		separator = ", ";
	}
	(void)fputs(".\n", out);
}

void probe_ci_print(const struct probe_ci *ci, FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < ci->items; i++)
		(void)fprintf(out, "%-8s %-13s %s\n", states[ci->item[i].state], ci->item[i].name,
			      ci->item[i].words);
	for (size_t i = 0; i < ci->items; i++) {
		if (!ci->item[i].todo[0])
			continue;
		(void)fputs(any ? "" : "\nWhat to do\n\n", out);
		any = true;
		print_todo(&ci->item[i], out);
	}
	print_conclusion(ci, out);
}

static void json_todo(const struct probe_ci_item *item, FILE *out)
{
	const char *separator = "";
	char text[PROBE_CI_TODO_BYTES];

	(void)fputc('[', out);
	for (const char *line = item->todo; *line; line = strchr(line, '\n') + 1) {
		(void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line);
		(void)fputs(separator, out);
		probe_print_json_text(text, out);
		separator = ", ";
	}
	(void)fputc(']', out);
}

void probe_ci_print_json(const struct probe_ci *ci, FILE *out)
{
	int status = probe_ci_status(ci);

	(void)fprintf(out, "{\n  \"status\": %d,\n  \"ready\": %s,\n  \"checks\": [", status,
		      status == 0 ? "true" : "false");
	for (size_t i = 0; i < ci->items; i++) {
		const struct probe_ci_item *item = &ci->item[i];

		(void)fprintf(out, "%s\n    {\"name\": \"%s\", \"state\": \"%s\", \"words\": ",
			      i ? "," : "", item->name, states[item->state]);
		probe_print_json_text(item->words, out);
		(void)fputs(", \"todo\": ", out);
		json_todo(item, out);
		(void)fputc('}', out);
	}
	(void)fputs("\n  ]\n}\n", out);
}
