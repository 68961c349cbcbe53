/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <math.h>
#include "tools/loss-harness/report.h"

/* Pixels. */
#define LEFT	   64
#define TOP	   46
#define PANEL_W	   230
#define PANEL_GAP  26
#define LOSS_H	   210
#define PARITY_H   84
#define INNER_GAP  14
#define ROW_GAP	   58
#define LEGEND_ROW 20

#define DECADES	   6 /* 10^-6 .. 1 */
#define PARITY_MAX 100.0

static const struct {
	const char *colour, *dash;
} styles[PF_LH_SCHEMES] = {
	{ "#c0392b", "" },
	{ "#e67e22", "6 3" },
	{ "#7f8c8d", "2 3" },
	{ "#2980b9", "8 3 2 3" },
	{ "#16803c", "" },
	{ "#000000", "1 3" },
};

struct panel {
	const struct pf_lh_sweep *s;
	FILE *f;
	double x, y, h; /* left upper corner */
};

static unsigned style_of(const struct pf_lh_scheme *s)
{
	return (unsigned)(s - pf_lh_schemes);
}

static double x_at(const struct panel *p, double loss)
{
	double least = p->s->losses[0], most = p->s->losses[p->s->loss_count - 1];

	return p->x + (most > least ? PANEL_W * log(loss / least) / log(most / least) : 0);
}

static double y_of_share(const struct panel *p, double share)
{
	double decade = share > 0 ? -log10(share) : DECADES;

	return p->y + p->h * (decade < DECADES ? decade : DECADES) / DECADES;
}

static double y_of_percent(const struct panel *p, double percent)
{
	return p->y + p->h * (1 - (percent < PARITY_MAX ? percent : PARITY_MAX) / PARITY_MAX);
}

static void text(FILE *f, double x, double y, const char *anchor, const char *words)
{
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
		words);
}

static void rule(FILE *f, double x1, double y1, double x2, double y2)
{
	fprintf(f, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", x1,
		y1, x2, y2);
}

static void frame(const struct panel *p, bool labels)
{
	char buf[32];

	for (uint32_t l = 0; l < p->s->loss_count; l++) {
		double x = x_at(p, p->s->losses[l]);

		rule(p->f, x, p->y, x, p->y + p->h);
		if (!labels)
			continue;
		snprintf(buf, sizeof(buf), "%g", p->s->losses[l]);
		text(p->f, x, p->y + p->h + 14, "middle", buf);
	}
	fprintf(p->f,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" fill=\"none\" "
		"stroke=\"#444\"/>\n",
		p->x, p->y, PANEL_W, p->h);
}

static void loss_axis(const struct panel *p, bool labels)
{
	for (int d = 0; d <= DECADES; d++) {
		double y = p->y + p->h * d / DECADES;

		rule(p->f, p->x, y, p->x + PANEL_W, y);
		if (labels && d)
			fprintf(p->f,
				"<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">10<tspan "
				"dy=\"-4\" "
				"font-size=\"8\">-%d</tspan></text>\n",
				p->x - 6, y + 4, d);
		else if (labels)
			text(p->f, p->x - 6, y + 4, "end", "1");
	}
}

static void parity_axis(const struct panel *p, bool labels)
{
	for (int percent = 0; percent <= 100; percent += 50) {
		double y = y_of_percent(p, percent);
		char buf[16];

		rule(p->f, p->x, y, p->x + PANEL_W, y);
		snprintf(buf, sizeof(buf), "%d %%", percent);
		if (labels)
			text(p->f, p->x - 6, y + 4, "end", buf);
	}
}

/* Lines go by what is computed exactly, dots are frames that were counted. */
static void curve(const struct panel *p, struct pf_lh_cell *cells, uint32_t burst, uint32_t packets,
	uint32_t scheme, bool parity)
{
	unsigned style = style_of(p->s->schemes[scheme]);
	bool any = false;

	for (uint32_t l = 0; l < p->s->loss_count; l++) {
		const struct pf_lh_cell *c = pf_lh_cell(p->s, cells, burst, packets, l, scheme);
		const struct pf_lh_result *r = &c->model;
		double percent = r->data ? 100.0 * (double)r->parity / (double)r->data : 0;

		if (!c->done)
			continue;
		if (!any)
			fprintf(p->f,
				"<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\" "
				"stroke-dasharray=\"%s\" points=\"",
				styles[style].colour, styles[style].dash);
		any = true;
		fprintf(p->f, "%.1f,%.1f ", x_at(p, p->s->losses[l]),
			parity ? y_of_percent(p, percent) : y_of_share(p, r->exact));
	}
	if (any)
		fputs("\"/>\n", p->f);
	for (uint32_t l = 0; any && !parity && l < p->s->loss_count; l++) {
		const struct pf_lh_cell *c = pf_lh_cell(p->s, cells, burst, packets, l, scheme);

		if (c->done && c->model.lost)
			fprintf(p->f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\" fill=\"%s\"/>\n",
				x_at(p, p->s->losses[l]),
				y_of_share(p, (double)c->model.lost / c->model.frames),
				styles[style].colour);
	}
}

static void one_column(
	struct panel p, struct pf_lh_cell *cells, uint32_t burst, uint32_t packets, double top)
{
	char title[80];

	snprintf(title, sizeof(title), "%u packets", p.s->packets[packets]);
	fputs("<g font-weight=\"bold\">", p.f);
	text(p.f, p.x + PANEL_W / 2.0, top - 8, "middle", title);
	fputs("</g>\n", p.f);
	p.y = top;
	p.h = LOSS_H;
	loss_axis(&p, packets == 0);
	frame(&p, false);
	for (uint32_t i = 0; i < p.s->scheme_count; i++)
		curve(&p, cells, burst, packets, i, false);
	p.y = top + LOSS_H + INNER_GAP;
	p.h = PARITY_H;
	parity_axis(&p, packets == 0);
	frame(&p, true);
	for (uint32_t i = 0; i < p.s->scheme_count; i++)
		curve(&p, cells, burst, packets, i, true);
}

static void turned(FILE *f, double y, const char *words)
{
	fprintf(f,
		"<text transform=\"translate(16 %.1f) rotate(-90)\" text-anchor=\"middle\">%s"
		"</text>\n",
		y, words);
}

static void row_words(const struct pf_lh_sweep *s, uint32_t burst, double top, FILE *f)
{
	double mid = LEFT + (s->packets_count * (PANEL_W + PANEL_GAP) - PANEL_GAP) / 2.0;
	char words[80];

	turned(f, top + LOSS_H / 2.0, "frames lost");
	turned(f, top + LOSS_H + INNER_GAP + PARITY_H / 2.0, "parity");
	if (s->bursts[burst] > 1)
		snprintf(words, sizeof(words), "packets lost, in bursts of %g on average, %%",
			s->bursts[burst]);
	else
		snprintf(words, sizeof(words), "packets lost independently, %%");
	text(f, mid, top + LOSS_H + INNER_GAP + PARITY_H + 30, "middle", words);
}

static void legend(const struct pf_lh_sweep *s, double y, FILE *f)
{
	for (uint32_t i = 0; i < s->scheme_count; i++, y += LEGEND_ROW) {
		unsigned style = style_of(s->schemes[i]);

		fprintf(f,
			"<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"%s\" "
			"stroke-width=\"1.8\" stroke-dasharray=\"%s\"/>\n",
			LEFT, y - 4, LEFT + 44, y - 4, styles[style].colour, styles[style].dash);
		text(f, LEFT + 54, y, "start", s->schemes[i]->label);
	}
	text(f, LEFT, y, "start",
		"Lines: computed for the blocks that were sent; dots: frames counted. Parity in "
		"per cent of the data.");
}

void pf_lh_write_svg(const struct pf_lh_sweep *s, struct pf_lh_cell *cells, FILE *f)
{
	int row = LOSS_H + INNER_GAP + PARITY_H + ROW_GAP;
	int width = LEFT + (int)s->packets_count * (PANEL_W + PANEL_GAP);
	int legend_top = TOP + (int)s->burst_count * row;
	int height = legend_top + ((int)s->scheme_count + 1) * LEGEND_ROW;

	fprintf(f,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"11\" "
		"fill=\"#222\">\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
		width, height, width, height, width, height);
	for (uint32_t b = 0; b < s->burst_count; b++) {
		double top = TOP + (double)b * row;

		row_words(s, b, top, f);
		for (uint32_t p = 0; p < s->packets_count; p++) {
			struct panel panel = { .s = s, .f = f };

			panel.x = LEFT + p * (double)(PANEL_W + PANEL_GAP);
			one_column(panel, cells, b, p, top);
		}
	}
	legend(s, legend_top, f);
	fputs("</svg>\n", f);
}
