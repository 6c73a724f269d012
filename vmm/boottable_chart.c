/* SPDX-License-Identifier: MIT */
/*
 * A table of kernels as a picture (SVG): size to the right, time from process start to init upwards,
 * a point for each kernel and VMM, with the interval of the median as a bar. The points of a kernel
 * under tvmm and under QEMU are joined. An axis whose values are far apart is logarithmic, and says
 * so.
 *
 * The size is the first of these that all points know: vmlinux as du tells it, all sections
 * together, the file that is booted. Names take the first free place around their point; a name
 * without one is left to the point's <title>. Lengths of text are estimated from the widest letters
 * that a sans-serif font has on the average: nothing here can measure.
 *
 * Left out: scripts, fonts of its own, and kernels without a time; those are named below.
 */
#include "vmm/boottable.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "vmm/timing/cleantext.h"
#include "vmm/timing/markup.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	WIDTH = 800, /* all lengths are pixels */
	HEIGHT = 520,
	LEFT = 76,
	RIGHT = WIDTH - 24,
	TOP = 70,
	BOTTOM = HEIGHT - 84,
	LETTER_WIDTH = 8,
	LETTER_HEIGHT = 14,
	LABEL_LETTERS = 20,
	MARK = 6, /* half of a point's width, and a little */
	SERIES = 2,
	TICKS_MAX = 40,
	NOTE_BYTES = 112,
};

/* Above this largest / smallest, an axis is logarithmic. */
static const double FAR_APART = 12;

struct box {
	double left, top, right, bottom;
};

struct axis {
	bool logarithmic;
	double low, high, from, to; /* values, and their pixels */
	double tick[TICKS_MAX];
	size_t ticks;
};

struct point {
	const struct boottable_row *row;
	int series;
	double size, time, low, high, x, y; /* MiB, ms */
};

struct chart {
	const struct boottable *table;
	FILE *out;
	const char *size_name;
	struct axis x, y;
	struct point point[BOOTTABLE_ROWS_MAX * SERIES];
	size_t points;
	struct box taken[BOOTTABLE_ROWS_MAX * (SERIES + 1)]; /* by points and names */
	size_t boxes;
};

static const char *const SERIES_NAMES[SERIES] = { "tvmm", "QEMU" };

static const char STYLE[] =
	"svg{--paper:#fff;--ink:#1d2330;--soft:#5d6675;--grid:#e4e7ec;--s0:#0072b2;--s1:#c2570c;"
	"font:13px system-ui,-apple-system,\"DejaVu Sans\",sans-serif}"
	"@media (prefers-color-scheme:dark){svg{--paper:#12161f;--ink:#e4e8f0;--soft:#a3acbb;"
	"--grid:#2a303c;--s0:#56b4e9;--s1:#f0a04b}}"
	".paper{fill:var(--paper)}text{fill:var(--ink)}.title{font-size:16px;font-weight:600}"
	".soft{fill:var(--soft);font-size:12px}.grid{stroke:var(--grid);fill:none}"
	".axis{stroke:var(--soft);fill:none}.join{stroke:var(--soft);stroke-dasharray:2 4}"
	".lead{stroke:var(--soft);stroke-width:.8}"
	".s0{stroke:var(--s0);fill:var(--s0)}"
	".s1{stroke:var(--s1);fill:var(--paper)}"
	".s0,.s1{stroke-width:1.8}.name{paint-order:stroke;stroke:var(--paper);stroke-width:3px;"
	"stroke-linejoin:round}";

/*
 * --- axes ---------------------------------------------------------------------------------------
 */

static double place(const struct axis *axis, double value)
{
	double part = axis->logarithmic ? log(value / axis->low) / log(axis->high / axis->low)
					: (value - axis->low) / (axis->high - axis->low);

	return axis->from + part * (axis->to - axis->from);
}

/* 1, 2 or 5 times a power of ten, not below value. */
static double round_up(double value)
{
	double power = pow(10, floor(log10(value)));
	double digits = value / power;

	return power * (digits <= 1.0001 ? 1 : digits <= 2.0001 ? 2 : digits <= 5.0001 ? 5 : 10);
}

static double round_down(double value)
{
	double power = pow(10, floor(log10(value)));
	double digits = value / power;

	return power * (digits >= 5 ? 5 : digits >= 2 ? 2 : 1);
}

static void add_tick(struct axis *axis, double value)
{
	if (axis->ticks < TICKS_MAX)
		axis->tick[axis->ticks++] = value;
}

static void scale_logarithmic(struct axis *axis, double low, double high)
{
	axis->low = round_down(low / 1.08);
	axis->high = round_up(high * 1.08);
	for (double tick = axis->low; tick < axis->high * 1.001; tick = round_up(tick * 1.5))
		add_tick(axis, tick);
}

static void scale_linear(struct axis *axis, double high)
{
	double step = round_up(high / 7);

	axis->low = 0;
	axis->high = ceil(high * 1.06 / step) * step;
	for (int i = 0; i * step < axis->high + step / 2; i++)
		add_tick(axis, i * step);
}

static void scale(struct axis *axis, double low, double high, double from, double to)
{
	*axis = (struct axis){ .from = from, .to = to };
	axis->logarithmic = high / low > FAR_APART;
	if (axis->logarithmic)
		scale_logarithmic(axis, low, high);
	else
		scale_linear(axis, high);
}

/*
 * --- points -------------------------------------------------------------------------------------
 */

static const struct boottable_boots *boots_of(const struct boottable_row *row, int series)
{
	return series == 0 ? &row->tvmm : &row->qemu;
}

static bool has_time(const struct boottable_row *row, int series)
{
	const struct boottable_boots *boots = boots_of(row, series);

	return !boots->failed && boots->init.runs && boots->init.median >= 1;
}

static bool is_drawn(const struct boottable_row *row)
{
	return has_time(row, 0) || has_time(row, 1);
}

enum size { BY_DU, BY_SECTIONS, BY_FILE, BY_NOTHING };

static double size_bytes(const struct boottable_row *row, enum size by)
{
	switch (by) {
	case BY_DU:
		return row->vmlinux_du.known ? row->vmlinux_du.value : 0;
	case BY_SECTIONS:
		return row->sizes_known ? (double)row->sizes.total_bytes : 0;
	default:
		return (double)row->kernel_bytes;
	}
}

static enum size choose_size(const struct boottable *table)
{
	enum size by = BY_DU;

	for (; by < BY_NOTHING; by++) {
		bool all = true;

		for (size_t i = 0; i < table->rows; i++)
			all = all &&
			      (!is_drawn(&table->row[i]) || size_bytes(&table->row[i], by) >= 1);
		if (all)
			return by;
	}
	return by;
}

static void add_point(struct chart *chart, const struct boottable_row *row, int series,
		      enum size by)
{
	const struct boottable_measure *init = &boots_of(row, series)->init;
	struct point *point = &chart->point[chart->points];

	if (!has_time(row, series))
		return;
	chart->points++;
	*point = (struct point){ .row = row,
				 .series = series,
				 .size = size_bytes(row, by) / (1024 * 1024),
				 .time = init->median / 1e6,
				 .low = init->ci95.low / 1e6,
				 .high = init->ci95.high / 1e6 };
	if (!(point->low > 0 && point->low <= point->time))
		point->low = point->time;
	if (!(point->high >= point->time))
		point->high = point->time;
}

static void scale_axes(struct chart *chart)
{
	double small = INFINITY, large = 0, fast = INFINITY, slow = 0;

	for (size_t i = 0; i < chart->points; i++) {
		const struct point *p = &chart->point[i];

		small = fmin(small, p->size);
		large = fmax(large, p->size);
		fast = fmin(fast, p->low);
		slow = fmax(slow, p->high);
	}
	scale(&chart->x, small, large, LEFT, RIGHT);
	scale(&chart->y, fast, slow, BOTTOM, TOP);
}

static void take(struct chart *chart, struct box box)
{
	if (chart->boxes < COUNT(chart->taken))
		chart->taken[chart->boxes++] = box;
}

static bool plan(struct chart *chart)
{
	static const char *const names[] = { "vmlinux on the disk (du)", "vmlinux, all sections",
					     "kernel image" };
	const struct boottable *table = chart->table;
	enum size by = choose_size(table);

	if (by == BY_NOTHING)
		return false;
	chart->size_name = names[by];
	for (size_t i = 0; i < table->rows; i++)
		for (int series = 0; series < SERIES; series++)
			add_point(chart, &table->row[i], series, by);
	if (!chart->points)
		return false;
	scale_axes(chart);
	for (size_t i = 0; i < chart->points; i++) {
		struct point *p = &chart->point[i];

		p->x = place(&chart->x, p->size);
		p->y = place(&chart->y, p->time);
		take(chart,
		     (struct box){ p->x - MARK, fmin(p->y - MARK, place(&chart->y, p->high)),
				   p->x + MARK, fmax(p->y + MARK, place(&chart->y, p->low)) });
	}
	return true;
}

/*
 * --- drawing ------------------------------------------------------------------------------------
 */

static void draw_line(FILE *out, const char *class, double x1, double y1, double x2, double y2)
{
	(void)fprintf(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
		      class, x1, y1, x2, y2);
}

static void draw_axes(const struct chart *chart)
{
	FILE *out = chart->out;

	for (size_t i = 0; i < chart->y.ticks; i++) {
		double y = place(&chart->y, chart->y.tick[i]);

		draw_line(out, "grid", LEFT, y, RIGHT, y);
		(void)fprintf(out,
			      "<text class=\"soft\" x=\"%d\" y=\"%.1f\" "
			      "text-anchor=\"end\">%.6g</text>\n",
			      LEFT - 9, y + 4, chart->y.tick[i]);
	}
	for (size_t i = 0; i < chart->x.ticks; i++) {
		double x = place(&chart->x, chart->x.tick[i]);

		draw_line(out, "grid", x, TOP, x, BOTTOM);
		draw_line(out, "axis", x, BOTTOM, x, BOTTOM + 5);
		(void)fprintf(out,
			      "<text class=\"soft\" x=\"%.1f\" y=\"%d\" "
			      "text-anchor=\"middle\">%.6g</text>\n",
			      x, BOTTOM + 20, chart->x.tick[i]);
	}
	draw_line(out, "axis", LEFT, BOTTOM, RIGHT, BOTTOM);
	draw_line(out, "axis", LEFT, TOP, LEFT, BOTTOM);
	(void)fprintf(out,
		      "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s, MiB%s</text>\n"
		      "<text transform=\"translate(20 %d) rotate(-90)\" text-anchor=\"middle\">"
		      "process start to init, ms%s</text>\n",
		      (LEFT + RIGHT) / 2, BOTTOM + 44, chart->size_name,
		      chart->x.logarithmic ? " (logarithmic)" : "", (TOP + BOTTOM) / 2,
		      chart->y.logarithmic ? " (logarithmic)" : "");
}

static void draw_sign(FILE *out, int series, double x, double y)
{
	if (series == 0)
		(void)fprintf(out, "<circle class=\"s0\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", x, y);
	else
		(void)fprintf(out,
			      "<rect class=\"s1\" x=\"%.1f\" y=\"%.1f\" width=\"8\" height=\"8\"/>",
			      x - 4, y - 4);
}

static void draw_point(const struct chart *chart, const struct point *p)
{
	double low = place(&chart->y, p->low), high = place(&chart->y, p->high);
	const char *class = p->series ? "s1" : "s0";

	(void)fputs("<g>", chart->out);
	if (low - high >= 2) {
		draw_line(chart->out, class, p->x, low, p->x, high);
		draw_line(chart->out, class, p->x - 4, low, p->x + 4, low);
		draw_line(chart->out, class, p->x - 4, high, p->x + 4, high);
	}
	draw_sign(chart->out, p->series, p->x, p->y);
	(void)fputs("<title>", chart->out);
	markup_text(chart->out, p->row->name);
	(void)fprintf(chart->out, ", %s: %.4g MiB, %.3f ms (95 %% interval %.3f to %.3f)",
		      SERIES_NAMES[p->series], p->size, p->time, p->low, p->high);
	(void)fputs("</title></g>\n", chart->out);
}

static void draw_joins(const struct chart *chart)
{
	for (size_t i = 1; i < chart->points; i++) {
		const struct point *a = &chart->point[i - 1], *b = &chart->point[i];

		if (a->row == b->row)
			draw_line(chart->out, "join", a->x, a->y, b->x, b->y);
	}
}

/*
 * --- names --------------------------------------------------------------------------------------
 */

static bool is_free(const struct chart *chart, const struct box *box)
{
	if (box->left < LEFT + 3 || box->right > RIGHT || box->top < TOP ||
	    box->bottom > BOTTOM - 2)
		return false;
	for (size_t i = 0; i < chart->boxes; i++) {
		const struct box *t = &chart->taken[i];

		if (box->left < t->right && t->left < box->right && box->top < t->bottom &&
		    t->top < box->bottom)
			return false;
	}
	return true;
}

/* Around the point, nearest first: to the right, to the left, above, below, and between. */
static bool find_place(const struct chart *chart, const struct point *p, double width,
		       struct box *box)
{
	static const struct {
		double x, y;
	} way[] = { { 1, 0 },  { -1, 0 }, { 0, -1 },  { 0, 1 },
		    { 1, -1 }, { 1, 1 },  { -1, -1 }, { -1, 1 } };

	for (double far = MARK + 2; far < 150; far += 6) {
		for (size_t i = 0; i < COUNT(way); i++) {
			double x = p->x + way[i].x * (far + width / 2);
			double y = p->y + way[i].y * (far + LETTER_HEIGHT / 2.0);

			*box = (struct box){ x - width / 2, y - LETTER_HEIGHT / 2.0, x + width / 2,
					     y + LETTER_HEIGHT / 2.0 };
			if (is_free(chart, box))
				return true;
		}
	}
	return false;
}

/* A name that stands apart from its point is led to it. */
static void draw_lead(const struct chart *chart, const struct point *p, const struct box *box)
{
	double x = fmin(fmax(p->x, box->left), box->right);
	double y = fmin(fmax(p->y, box->top), box->bottom);
	double length = hypot(x - p->x, y - p->y);

	if (length > 2 * MARK + 4)
		draw_line(chart->out, "lead", p->x + (x - p->x) * MARK / length,
			  p->y + (y - p->y) * MARK / length, x, y);
}

static void draw_name(struct chart *chart, const struct point *p)
{
	char name[BOOTTABLE_NAME_BYTES], cut[LABEL_LETTERS + 1];
	struct box box;

	(void)cleantext_copy(name, sizeof(name), p->row->name, false);
	(void)cleantext_copy(cut, sizeof(cut), name, false);
	if (!find_place(chart, p, (double)strlen(cut) * LETTER_WIDTH, &box))
		return;
	take(chart, box);
	draw_lead(chart, p, &box);
	(void)fprintf(chart->out, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">",
		      box.left >= p->x    ? box.left
		      : box.right <= p->x ? box.right
					  : (box.left + box.right) / 2,
		      box.bottom - 3,
		      box.left >= p->x    ? "start"
		      : box.right <= p->x ? "end"
					  : "middle");
	markup_text(chart->out, cut);
	(void)fputs("</text>\n", chart->out);
}

/* At a kernel's first point: tvmm's, if it has one. */
static void draw_names(struct chart *chart)
{
	for (size_t i = 0; i < chart->points; i++) {
		if (i == 0 || chart->point[i - 1].row != chart->point[i].row)
			draw_name(chart, &chart->point[i]);
	}
}

/*
 * --- around it ----------------------------------------------------------------------------------
 */

static void draw_legend(const struct chart *chart)
{
	bool present[SERIES] = { false, false };
	double x = LEFT;

	for (size_t i = 0; i < chart->points; i++)
		present[chart->point[i].series] = true;
	for (int series = 0; series < SERIES; series++) {
		if (!present[series])
			continue;
		draw_sign(chart->out, series, x + 5, 50);
		(void)fprintf(chart->out, "<text x=\"%.0f\" y=\"54.5\">%s</text>\n", x + 16,
			      SERIES_NAMES[series]);
		x += 80;
	}
	(void)fprintf(chart->out,
		      "<text class=\"soft\" x=\"%d\" y=\"54.5\" text-anchor=\"end\">medians of %zu "
		      "run%s; bars: 95 %% interval</text>\n",
		      RIGHT, chart->table->runs, chart->table->runs == 1 ? "" : "s");
}

static void draw_left_out(const struct chart *chart)
{
	const struct boottable *table = chart->table;
	char note[BOOTTABLE_ROWS_MAX * (BOOTTABLE_NAME_BYTES + 2) + 32], cut[NOTE_BYTES];
	size_t used = 0;

	for (size_t i = 0; i < table->rows; i++) {
		if (is_drawn(&table->row[i]))
			continue;
		used += (size_t)snprintf(note + used, sizeof(note) - used, "%s%s",
					 used ? ", " : "without a time: ", table->row[i].name);
	}
	if (!used)
		return;
	(void)cleantext_copy(cut, sizeof(cut), note, false);
	(void)fprintf(chart->out, "<text class=\"soft\" x=\"%d\" y=\"%d\">", LEFT, HEIGHT - 14);
	markup_text(chart->out, cut);
	(void)fputs("</text>\n", chart->out);
}

static void draw_frame(FILE *out)
{
	(void)fprintf(out,
		      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		      "width=\"%d\" height=\"%d\" role=\"img\" "
		      "aria-label=\"kernels: size against time of boot\">\n<style>%s</style>\n"
		      "<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n"
		      "<text class=\"title\" x=\"%d\" y=\"28\">Kernels: size and time of boot"
		      "</text>\n",
		      WIDTH, HEIGHT, WIDTH, HEIGHT, STYLE, WIDTH, HEIGHT, LEFT);
}

int boottable_print_chart(const struct boottable *table, FILE *out, struct err *e)
{
	struct chart chart = { .table = table, .out = out };
	int rc;

	markup_begin(out);
	draw_frame(out);
	if (plan(&chart)) {
		draw_axes(&chart);
		draw_legend(&chart);
		draw_joins(&chart);
		for (size_t i = 0; i < chart.points; i++)
			draw_point(&chart, &chart.point[i]);
		draw_names(&chart);
	} else {
		(void)fprintf(out,
			      "<text x=\"%d\" y=\"%d\">No kernel has a size and a time."
			      "</text>\n",
			      LEFT, TOP + 30);
	}
	draw_left_out(&chart);
	(void)fputs("</svg>\n", out);
	rc = markup_end(out);
	return rc < 0 ? err_sys(e, -rc, "the chart cannot be written") : 0;
}
