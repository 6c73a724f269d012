/* SPDX-License-Identifier: MIT */
/*
 * The report as one page that needs nothing else: vmm/timing/page/page.html, with the style, the
 * script, the report as JSON and the flame graph in it. The script draws from the JSON; what is
 * written here in HTML is for readers without scripts. Authority: [HTML] "Restrictions for contents
 * of script elements".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/must.h"
#include "vmm/timing/markup.h"
#include "vmm/timing/page.h"
#include "vmm/timing/report.h"

static int write_css(const struct report *report, FILE *out)
{
	(void)report;
	(void)fputs(page_css, out);
	return 0;
}

static int write_js(const struct report *report, FILE *out)
{
	(void)report;
	(void)fputs(page_js, out);
	return 0;
}

/*
 * A script element ends at "</script", wherever it stands, and "<!--" changes where that is. In
 * JSON '<' occurs in strings only, where it may be written in another way.
 */
static void write_without_tags(const char *json, size_t size_bytes, FILE *out)
{
	const char *end = json + size_bytes;

	while (json < end) {
		const char *tag = memchr(json, '<', (size_t)(end - json));

		(void)fwrite(json, 1, (size_t)((tag ? tag : end) - json), out);
		if (!tag)
			return;
		(void)fputs("\\u003c", out);
		json = tag + 1;
	}
}

static int write_json(const struct report *report, FILE *out)
{
	char *json = NULL;
	size_t size_bytes = 0;
	FILE *memory = open_memstream(&json, &size_bytes);
	int rc;

	if (!memory)
		return -ENOMEM;
	rc = report_print_json(report, memory);
	if (fclose(memory) == EOF && rc == 0)
		rc = -ENOMEM;
	if (rc == 0)
		write_without_tags(json, size_bytes, out);
	free(json);
	return rc;
}

static int write_flame(const struct report *report, FILE *out)
{
	return report->profile.stacks > 0 ? report_print_flame(report, out) : 0;
}

static void write_ms(FILE *out, uint64_t ns)
{
	(void)fprintf(out, "<td class=\"n\">%.3f</td>", (double)ns / 1e6);
}

static void write_text(FILE *out, const char *element, const char *text)
{
	(void)fprintf(out, "<%s>", element);
	markup_text(out, text ? text : "");
	(void)fprintf(out, "</%s>\n", element);
}

static void write_marks(const struct report *report, FILE *out)
{
	(void)fputs(
		"<table>\n<tr><th>mark</th><th class=\"n\">at, ms</th><th class=\"n\">until the "
		"next, ms</th><th>taken</th></tr>\n",
		out);
	for (size_t i = 0; i < report->marks; i++) {
		(void)fputs("<tr>", out);
		write_text(out, "td", report->mark[i].name);
		write_ms(out, report->mark[i].at_ns);
		if (i < report->steps)
			write_ms(out, report->step[i].ns);
		else
			(void)fputs("<td></td>", out);
		write_text(out, "td", report->mark[i].taken);
		(void)fputs("</tr>\n", out);
	}
	(void)fputs("</table>\n", out);
}

static void write_initcalls(const struct report *report, FILE *out)
{
	(void)fputs("<table>\n<tr><th>initcall</th><th>level</th><th class=\"n\">at, ms</th>"
		    "<th class=\"n\">took, ms</th></tr>\n",
		    out);
	for (size_t i = 0; i < report->initcalls; i++) {
		(void)fputs("<tr>", out);
		write_text(out, "td", report->initcall[i].name);
		write_text(out, "td", report->initcall[i].level);
		write_ms(out, report->initcall[i].at_ns);
		write_ms(out, report->initcall[i].ns);
		(void)fputs("</tr>\n", out);
	}
	(void)fputs("</table>\n", out);
}

static int write_tables(const struct report *report, FILE *out)
{
	(void)fputs("<section>\n<h2>How it ended</h2>\n", out);
	write_text(out, "p", report->ending.sentence);
	(void)fputs("<p>The pictures need scripts, which are off here; the times do not.</p>\n"
		    "</section>\n<section>\n<h2>Marks</h2>\n",
		    out);
	write_marks(report, out);
	(void)fputs("</section>\n", out);
	if (report->initcalls > 0) {
		(void)fputs("<section>\n<h2>Initcalls</h2>\n", out);
		write_initcalls(report, out);
		(void)fputs("</section>\n", out);
	}
	return 0;
}

/* What stands in page.html where something else is to be. */
static const struct place {
	const char *name;
	int (*write)(const struct report *report, FILE *out);
} places[] = {
	{ "<!--@css-->", write_css },     { "<!--@tables-->", write_tables },
	{ "<!--@flame-->", write_flame }, { "<!--@report-->", write_json },
	{ "<!--@js-->", write_js },
};

static const struct place *place_at(const char *text)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strncmp(text, places[i].name, strlen(places[i].name)) == 0)
			return &places[i];
	return NULL;
}

int report_print_html(const struct report *report, FILE *out)
{
	const char *rest = page_html;

	markup_begin(out);
	for (const char *at = strstr(rest, "<!--@"); at; at = strstr(rest, "<!--@")) {
		const struct place *place = place_at(at);
		int rc;

		must(place != NULL);
		(void)fwrite(rest, 1, (size_t)(at - rest), out);
		rc = place->write(report, out);
		if (rc < 0)
			return rc;
		rest = at + strlen(place->name);
	}
	(void)fputs(rest, out);
	return markup_end(out);
}
