/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "tools/loss-harness/report.h"

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

struct options {
	struct pf_lh_sweep sweep;
	struct pf_lh_run run;
	uint32_t real; /* frames per point as packets */
	const char *csv, *svg;
	bool help;
};

static const char help_text[] =
	"usage: pf-loss-harness [options]\n"
	"\n"
	"Frames of one size over a lossy link under several schemes of parity, all with the\n"
	"same losses: how many cannot be repaired, and what it costs.\n"
	"\n"
	"  --loss LIST      per cent of packets (0.5,1,2,3,5,7,10,15,20)\n"
	"  --burst LIST     mean packets per burst of Gilbert's chain, 1 = independent (1,8)\n"
	"  --packets LIST   of data per frame, 1..4096 (15,60,212,520,1000)\n"
	"  --schemes LIST   of those below (all)\n"
	"  --frames N       that count, per point (20000)\n"
	"  --warm N         frames before these, for adaptive schemes to learn (7200)\n"
	"  --report N       frames per loss report of the client (45: 750 ms at 60 Hz)\n"
	"  --real N         also send N frames per point as real packets and compare bytes\n"
	"                   and fates with the model (0); these learn from the first one on\n"
	"  --seed N         of all losses (1)\n"
	"  --csv FILE       one line per point and scheme\n"
	"  --svg FILE       the same as a plot\n"
	"  --help\n"
	"\n"
	"Of each scheme the table shows frames lost, the exact probability that a frame is\n"
	"lost (mean over the blocks as they were sent), and parity per data.\n"
	"\n"
	"schemes:\n";

/* All of LIST, each within bounds; 0 if it is none. */
static uint32_t numbers(const char *list, double least, double most, double *out)
{
	uint32_t n = 0;

	for (;;) {
		char *end;
		double v = strtod(list, &end);

		if (end == list || n == PF_LH_LIST_MAX || !(v >= least && v <= most))
			return 0;
		out[n++] = v;
		if (!*end)
			return n;
		if (*end != ',')
			return 0;
		list = end + 1;
	}
}

static bool number(const char *word, double least, double most, uint32_t *out)
{
	double v[PF_LH_LIST_MAX];

	if (numbers(word, least, most, v) != 1)
		return false;
	*out = (uint32_t)v[0];
	return true;
}

static const struct pf_lh_scheme *scheme_named(const char *name, size_t len)
{
	for (uint32_t i = 0; i < PF_LH_SCHEMES; i++)
		if (strlen(pf_lh_schemes[i].name) == len &&
			!memcmp(pf_lh_schemes[i].name, name, len))
			return &pf_lh_schemes[i];
	return NULL;
}

static bool schemes(const char *list, struct pf_lh_sweep *s)
{
	s->scheme_count = 0;
	for (;;) {
		size_t len = strcspn(list, ",");
		const struct pf_lh_scheme *found = scheme_named(list, len);

		if (!found || s->scheme_count == PF_LH_SCHEMES)
			return false;
		s->schemes[s->scheme_count++] = found;
		if (!list[len])
			return true;
		list += len + 1;
	}
}

static bool rising(const double *v, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (v[i] <= v[i - 1])
			return false;
	return true;
}

static void set_defaults(struct options *o)
{
	static const struct pf_lh_sweep all = {
		.losses = { 0.5, 1, 2, 3, 5, 7, 10, 15, 20 },
		.loss_count = 9,
		.bursts = { 1, 8 },
		.burst_count = 2,
		.packets = { 15, 60, 212, 520, 1000 },
		.packets_count = 5,
		.scheme_count = PF_LH_SCHEMES,
	};

	*o = (struct options){
		.sweep = all,
		.run = { .seed = 1, .frames = 20000, .warm = 7200, .report = 45 },
	};
	for (uint32_t i = 0; i < PF_LH_SCHEMES; i++)
		o->sweep.schemes[i] = &pf_lh_schemes[i];
}

static bool take_option(struct options *o, int opt, const char *arg)
{
	struct pf_lh_sweep *s = &o->sweep;
	double v[PF_LH_LIST_MAX];
	uint32_t n;

	switch (opt) {
	case 'l':
		s->loss_count = numbers(arg, 0.001, 90, s->losses);
		return s->loss_count && rising(s->losses, s->loss_count);
	case 'b':
		s->burst_count = numbers(arg, 1, 1000, s->bursts);
		return s->burst_count;
	case 'p':
		s->packets_count = numbers(arg, 1, PF_LH_PACKETS_MAX, v);
		for (uint32_t i = 0; i < s->packets_count; i++)
			s->packets[i] = (uint32_t)v[i];
		return s->packets_count;
	case 's':
		return schemes(arg, s);
	case 'f':
		return number(arg, 1, 1e8, &o->run.frames);
	case 'w':
		return number(arg, 0, 1e8, &o->run.warm);
	case 'r':
		return number(arg, 1, 1e6, &o->run.report);
	case 'R':
		return number(arg, 0, 1e6, &o->real);
	case 'S':
		if (!number(arg, 0, UINT32_MAX, &n))
			return false;
		o->run.seed = n;
		return true;
	case 'c':
		o->csv = arg;
		return true;
	case 'v':
		o->svg = arg;
		return true;
	case 'h':
		o->help = true;
		return true;
	default:
		return false;
	}
}

static bool parse(struct options *o, int argc, char **argv)
{
	static const struct option table[] = {
		{ "loss", required_argument, NULL, 'l' },
		{ "burst", required_argument, NULL, 'b' },
		{ "packets", required_argument, NULL, 'p' },
		{ "schemes", required_argument, NULL, 's' },
		{ "frames", required_argument, NULL, 'f' },
		{ "warm", required_argument, NULL, 'w' },
		{ "report", required_argument, NULL, 'r' },
		{ "real", required_argument, NULL, 'R' },
		{ "seed", required_argument, NULL, 'S' },
		{ "csv", required_argument, NULL, 'c' },
		{ "svg", required_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int opt, at = 0;

	set_defaults(o);
	while ((opt = getopt_long(argc, argv, "", table, &at)) >= 0) {
		if (opt == '?') /* it has said why */
			return false;
		if (!take_option(o, opt, optarg)) {
			fprintf(stderr, "pf-loss-harness: --%s does not take '%s'\n",
				table[at].name, optarg);
			return false;
		}
	}
	if (optind < argc)
		fprintf(stderr, "pf-loss-harness: '%s' is no option\n", argv[optind]);
	return optind == argc;
}

/* All schemes on one point. */
static int one_point(const struct options *o, struct pf_lh_cell *cells,
	const struct pf_lh_point *at, struct pf_reason *why)
{
	const struct pf_lh_sweep *s = &o->sweep;
	const struct pf_lh_scheme *with[PF_LH_SCHEMES];
	struct pf_lh_result results[PF_LH_SCHEMES];
	uint32_t cell[PF_LH_SCHEMES], n = 0;
	int r;

	for (uint32_t i = 0; i < s->scheme_count; i++) {
		cells[i].done = at->packets <= pf_lh_packets_max(s->schemes[i]->format);
		if (!cells[i].done)
			continue;
		with[n] = s->schemes[i];
		cell[n++] = i;
	}
	r = n ? pf_lh_model(&o->run, at, with, n, results) : 0;
	if (r)
		return pf_reason_set(why, r, "no memory for frames of %u packets", at->packets);
	for (uint32_t i = 0; !r && i < n; i++) {
		struct pf_lh_run run = o->run;

		cells[cell[i]].model = results[i];
		run.warm = 0;
		run.frames = o->real;
		if (o->real)
			r = pf_lh_real(&run, at, with[i], &cells[cell[i]].real, why);
	}
	return r;
}

static int sweep(const struct options *o, struct pf_lh_cell *cells, struct pf_reason *why)
{
	const struct pf_lh_sweep *s = &o->sweep;
	int r = 0;

	for (uint32_t b = 0; b < s->burst_count; b++)
		for (uint32_t p = 0; p < s->packets_count; p++)
			for (uint32_t l = 0; !r && l < s->loss_count; l++) {
				struct pf_lh_point at = {
					.channel = { s->losses[l] / 100, s->bursts[b] },
					.packets = s->packets[p],
				};

				r = one_point(o, pf_lh_cell(s, cells, b, p, l, 0), &at, why);
			}
	return r;
}

static int write_file(const char *path, const struct options *o, struct pf_lh_cell *cells,
	void (*write)(const struct pf_lh_sweep *, struct pf_lh_cell *, FILE *))
{
	FILE *f;

	if (!path)
		return 0;
	f = fopen(path, "we");
	if (f)
		write(&o->sweep, cells, f);
	if (f && !fclose(f))
		return 0;
	fprintf(stderr, "pf-loss-harness: cannot write %s: %s\n", path, strerror(errno));
	return -1;
}

static bool as_the_model_says(const struct pf_lh_cell *cells, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (cells[i].real.different || cells[i].real.wrong)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	static struct options o;
	struct pf_lh_cell *cells;
	struct pf_reason why = { 0 };
	uint32_t n;
	int failed;

	if (!parse(&o, argc, argv))
		return EXIT_USAGE;
	if (o.help) {
		fputs(help_text, stdout);
		for (uint32_t i = 0; i < PF_LH_SCHEMES; i++)
			printf("  %-14s %s\n", pf_lh_schemes[i].name, pf_lh_schemes[i].label);
		return EXIT_OK;
	}
	n = o.sweep.burst_count * o.sweep.packets_count * o.sweep.loss_count * o.sweep.scheme_count;
	cells = calloc(n, sizeof(*cells));
	if (!cells || sweep(&o, cells, &why)) {
		fprintf(stderr, "pf-loss-harness: %s\n", cells ? why.text : "no memory");
		free(cells);
		return EXIT_FAILED;
	}
	pf_lh_write_table(&o.sweep, cells, stdout);
	failed = write_file(o.csv, &o, cells, pf_lh_write_csv);
	failed |= write_file(o.svg, &o, cells, pf_lh_write_svg);
	if (!as_the_model_says(cells, n)) {
		fprintf(stderr,
			"pf-loss-harness: real packets fared otherwise than the model says\n");
		failed = -1;
	}
	free(cells);
	return failed ? EXIT_FAILED : EXIT_OK;
}
