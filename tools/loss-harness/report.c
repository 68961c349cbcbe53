/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/loss-harness/report.h"

struct pf_lh_cell *pf_lh_cell(const struct pf_lh_sweep *s, struct pf_lh_cell *cells, uint32_t burst,
	uint32_t packets, uint32_t loss, uint32_t scheme)
{
	return &cells[((burst * s->packets_count + packets) * s->loss_count + loss) *
			      s->scheme_count +
		      scheme];
}

static double parity_percent(const struct pf_lh_result *r)
{
	return r->data ? 100.0 * (double)r->parity / (double)r->data : 0;
}

static void one_table(const struct pf_lh_sweep *s, struct pf_lh_cell *cells, uint32_t burst,
	uint32_t packets, FILE *f)
{
	fprintf(f, "\n%u packets of data, ", s->packets[packets]);
	if (s->bursts[burst] > 1)
		fprintf(f, "loss in bursts of %g\n%-7s", s->bursts[burst], "loss");
	else
		fprintf(f, "independent loss\n%-7s", "loss");
	for (uint32_t i = 0; i < s->scheme_count; i++)
		fprintf(f, "%24s", s->schemes[i]->name);
	fputc('\n', f);
	for (uint32_t l = 0; l < s->loss_count; l++) {
		fprintf(f, "%5.4g %%", s->losses[l]);
		for (uint32_t i = 0; i < s->scheme_count; i++) {
			const struct pf_lh_cell *c = pf_lh_cell(s, cells, burst, packets, l, i);

			if (!c->done)
				fprintf(f, "%24s", "-");
			else
				fprintf(f, "%8u %7.1e %5.1f %%", c->model.lost, c->model.exact,
					parity_percent(&c->model));
		}
		fputc('\n', f);
	}
}

static void real_sums(const struct pf_lh_sweep *s, const struct pf_lh_cell *cells, FILE *f)
{
	uint32_t n = s->burst_count * s->packets_count * s->loss_count * s->scheme_count;
	uint64_t frames = 0, different = 0, wrong = 0;

	for (uint32_t i = 0; i < n; i++) {
		frames += cells[i].real.frames;
		different += cells[i].real.different;
		wrong += cells[i].real.wrong;
	}
	if (frames)
		fprintf(f,
			"\nreal packets: %llu frames, %llu not as the model says, %llu with wrong "
			"bytes\n",
			(unsigned long long)frames, (unsigned long long)different,
			(unsigned long long)wrong);
}

void pf_lh_write_table(const struct pf_lh_sweep *s, struct pf_lh_cell *cells, FILE *f)
{
	fputs("frames lost, P(a frame is lost) for the blocks that were sent, parity per data\n",
		f);
	for (uint32_t b = 0; b < s->burst_count; b++)
		for (uint32_t p = 0; p < s->packets_count; p++)
			one_table(s, cells, b, p, f);
	real_sums(s, cells, f);
}

void pf_lh_write_csv(const struct pf_lh_sweep *s, struct pf_lh_cell *cells, FILE *f)
{
	fputs("burst,packets,loss_percent,scheme,frames,lost,exact,parity_percent,real_frames,"
	      "real_lost,real_different,real_wrong\n",
		f);
	for (uint32_t b = 0; b < s->burst_count; b++)
		for (uint32_t p = 0; p < s->packets_count; p++)
			for (uint32_t l = 0; l < s->loss_count; l++)
				for (uint32_t i = 0; i < s->scheme_count; i++) {
					const struct pf_lh_cell *c =
						pf_lh_cell(s, cells, b, p, l, i);

					if (c->done)
						fprintf(f,
							"%g,%u,%g,%s,%u,%u,%.6e,%.3f,%u,%u,%u,%u\n",
							s->bursts[b], s->packets[p], s->losses[l],
							s->schemes[i]->name, c->model.frames,
							c->model.lost, c->model.exact,
							parity_percent(&c->model), c->real.frames,
							c->real.lost, c->real.different,
							c->real.wrong);
				}
}
