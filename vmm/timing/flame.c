/* SPDX-License-Identifier: MIT */
/*
 * The profile's stacks, folded and as a flame graph. The graph's frames are written outermost
 * first, what a frame calls behind it in order of name; names say what they are, colours only tell
 * neighbours apart. Zoom and search are vmm/timing/page/flame.js; without scripts the picture is
 * whole.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/markup.h"
#include "vmm/timing/page.h"
#include "vmm/timing/report.h"

enum {
	WIDTH = 1200, /* all lengths are pixels */
	MARGIN = 10,
	HEAD = 62,
	ROW = 18,
	DEPTH_MAX = 512,       /* what is called deeper is not drawn */
	SHARE_MIN = 1000,      /* frames with less than 1/1000 of the samples are not drawn */
	LETTER_MILLIPX = 7300, /* of the widest font that the style names */
};

struct flame {
	FILE *out; /* NULL: only measure */
	const struct report_stack **stack;
	uint64_t total, left_out;
	size_t depth; /* of the deepest frame that is drawn */
};

static int by_frames(const void *left, const void *right)
{
	const struct report_stack *a = *(const struct report_stack *const *)left;
	const struct report_stack *b = *(const struct report_stack *const *)right;

	for (size_t i = 0; i < a->frames && i < b->frames; i++) {
		int order = strcmp(a->frame[i], b->frame[i]);

		if (order != 0)
			return order;
	}
	return (a->frames > b->frames) - (a->frames < b->frames);
}

static double in_pixels(const struct flame *flame, uint64_t samples)
{
	return (double)samples * (WIDTH - 2 * MARGIN) / (double)flame->total;
}

/* Of eight warm tints, always the same for a name. */
static const char *tint(const char *name)
{
	static const char *const tints[] = { "#f6c667", "#f0b13c", "#f5d08a", "#eda55f",
					     "#f2bd85", "#e9b04a", "#f7d9a3", "#efa94f" };
	uint32_t hash = 2166136261U; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619U;
	return tints[(hash >> 16) % (sizeof(tints) / sizeof(tints[0]))];
}

/*
 * As much of the name as the frame is wide; the script does it again, on letters instead of bytes.
 */
static void print_label(const struct flame *flame, const char *name, double width)
{
	size_t letters = width < 6 ? 0 : (size_t)((width - 6) * 1000 / LETTER_MILLIPX);
	char label[WIDTH * 1000 / LETTER_MILLIPX + 1];

	if (letters < 3)
		return;
	if (strlen(name) <= letters) {
		markup_text(flame->out, name);
		return;
	}
	(void)snprintf(label, sizeof(label), "%.*s", (int)letters - 1, name);
	for (size_t end = strlen(label); end > 0 && (label[end - 1] & 0x80); end--)
		label[end - 1] = '\0'; /* no half characters */
	markup_text(flame->out, label);
	(void)fputs("…", flame->out);
}

static void print_frame(const struct flame *flame, const char *name, uint64_t before,
			uint64_t samples, size_t depth)
{
	double x = MARGIN + in_pixels(flame, before), width = in_pixels(flame, samples);
	size_t y = HEAD + (flame->depth - depth) * ROW;

	(void)fprintf(
		flame->out,
		"<g tabindex=\"%d\" data-x=\"%llu\" data-w=\"%llu\" data-d=\"%zu\" data-name=\"",
		depth == 0 ? 0 : -1, (unsigned long long)before, (unsigned long long)samples,
		depth);
	markup_text(flame->out, name);
	(void)fputs("\"><title>", flame->out);
	markup_text(flame->out, name);
	(void)fprintf(flame->out,
		      "\n%llu samples, %.1f %%</title><rect x=\"%.2f\" y=\"%zu\" width=\"%.2f\" "
		      "height=\"%d\" rx=\"2\" fill=\"%s\"/><text x=\"%.2f\" y=\"%zu\">",
		      (unsigned long long)samples, 100.0 * (double)samples / (double)flame->total,
		      x, y, width, ROW - 1, tint(name), x + 3, y + ROW - 5);
	print_label(flame, name, width);
	(void)fputs("</text></g>\n", flame->out);
}

/* stack[from .. to) are equal up to `depth` frames; draws what those frames call. */
static void visit(struct flame *flame, size_t from, size_t to, size_t depth, uint64_t before)
{
	while (from < to && flame->stack[from]->frames <= depth)
		before += flame->stack[from++]->samples; /* the shorter come first */
	while (from < to) {
		const char *name = flame->stack[from]->frame[depth];
		uint64_t samples = 0;
		size_t next = from;

		for (; next < to && strcmp(flame->stack[next]->frame[depth], name) == 0; next++)
			samples += flame->stack[next]->samples;
		if (depth >= DEPTH_MAX || samples < (flame->total + SHARE_MIN - 1) / SHARE_MIN) {
			flame->left_out++;
		} else {
			if (flame->out)
				print_frame(flame, name, before, samples, depth + 1);
			else if (flame->depth < depth + 1)
				flame->depth = depth + 1;
			visit(flame, from, next, depth + 1, before);
		}
		before += samples;
		from = next;
	}
}

static void print_head(const struct flame *flame, const struct report_profile *profile)
{
	size_t height = HEAD + (flame->depth + 1) * ROW + MARGIN;

	(void)fprintf(flame->out,
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"flame\" "
		      "viewBox=\"0 0 %d %zu\" width=\"100%%\" role=\"group\" "
		      "aria-label=\"flame graph\">\n<style>%s</style>\n"
		      "<rect class=\"ground\" width=\"%d\" height=\"%zu\"/>\n",
		      WIDTH, height, page_flame_css, WIDTH, height);
	(void)fprintf(flame->out,
		      "<text class=\"title\" x=\"%d\" y=\"22\">Where the guest was: %llu "
		      "samples, %llu a second</text>\n<text class=\"note\" x=\"%d\" y=\"42\">",
		      MARGIN, (unsigned long long)flame->total,
		      (unsigned long long)profile->rate_hz, MARGIN);
	(void)fputs("stacks by ", flame->out);
	markup_text(flame->out, profile->unwound_by ? profile->unwound_by : "none");
	(void)fprintf(
		flame->out,
		"; %llu samples lost; %llu frames not drawn: less than 0.1 %%, or deeper than "
		"%d</text>\n",
		(unsigned long long)profile->lost, (unsigned long long)flame->left_out, DEPTH_MAX);
	(void)fprintf(flame->out,
		      "<foreignObject x=\"%d\" y=\"6\" width=\"236\" height=\"30\"><input "
		      "xmlns=\"http://www.w3.org/1999/xhtml\" type=\"search\" placeholder=\"search "
		      "functions\" aria-label=\"search functions\"/></foreignObject>\n"
		      "<text class=\"note said\" x=\"%d\" y=\"48\" text-anchor=\"end\"></text>\n",
		      WIDTH - MARGIN - 236, WIDTH - MARGIN);
}

static void print_graph(struct flame *flame, const struct report_profile *profile, FILE *out)
{
	visit(flame, 0, profile->stacks, 0, 0);
	flame->out = out;
	print_head(flame, profile);
	print_frame(flame, "all", 0, flame->total, 0);
	visit(flame, 0, profile->stacks, 0, 0);
	(void)fprintf(out, "<script><![CDATA[\n%s]]></script>\n</svg>\n", page_flame_js);
}

static void print_nothing(FILE *out)
{
	(void)fprintf(
		out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"flame\" "
		"viewBox=\"0 0 %d %d\" width=\"100%%\">\n<style>%s</style>\n"
		"<text class=\"title\" x=\"%d\" y=\"22\">No samples were taken</text>\n</svg>\n",
		WIDTH, HEAD, page_flame_css, MARGIN);
}

int report_print_flame(const struct report *report, FILE *out)
{
	const struct report_profile *profile = &report->profile;
	struct flame flame = { .out = NULL };

	markup_begin(out);
	for (size_t i = 0; i < profile->stacks; i++)
		flame.total += profile->stack[i].samples;
	if (flame.total == 0) {
		print_nothing(out);
		return markup_end(out);
	}
	flame.stack = calloc(profile->stacks, sizeof(const struct report_stack *));
	if (!flame.stack)
		return -ENOMEM;
	for (size_t i = 0; i < profile->stacks; i++)
		flame.stack[i] = &profile->stack[i];
	qsort(flame.stack, profile->stacks, sizeof(const struct report_stack *), by_frames);
	print_graph(&flame, profile, out);
	free(flame.stack);
	return markup_end(out);
}

/* ';' and blanks are the format's own. */
static void print_folded_name(FILE *out, const char *name)
{
	for (; *name; name++) {
		uint8_t byte = (uint8_t)*name;

		(void)fputc(byte <= ' ' || byte == 0x7f || byte == ';' ? '_' : byte, out);
	}
}

int report_print_folded(const struct report *report, FILE *out)
{
	markup_begin(out);
	for (size_t i = 0; i < report->profile.stacks; i++) {
		const struct report_stack *stack = &report->profile.stack[i];

		if (stack->frames == 0)
			continue;
		for (size_t j = 0; j < stack->frames; j++) {
			if (j > 0)
				(void)fputc(';', out);
			print_folded_name(out, stack->frame[j]);
		}
		(void)fprintf(out, " %llu\n", (unsigned long long)stack->samples);
	}
	return markup_end(out);
}
