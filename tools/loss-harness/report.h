/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* report.h - what a sweep came to, as table, CSV and plot. One thread. */
#pragma once
#include <stdio.h>
#include "tools/loss-harness/real.h"

#define PF_LH_LIST_MAX 24u

struct pf_lh_sweep {
	double losses[PF_LH_LIST_MAX], bursts[PF_LH_LIST_MAX];
	uint32_t packets[PF_LH_LIST_MAX];
	const struct pf_lh_scheme *schemes[PF_LH_SCHEMES];
	uint32_t loss_count, burst_count, packets_count, scheme_count;
};

struct pf_lh_cell {
	bool done; /* the format has place for such a frame */
	struct pf_lh_result model;
	struct pf_lh_real_result real; /* frames 0 = not run */
};

/** Cells lie by burst, packets, loss, scheme, the last one fastest. */
struct pf_lh_cell *pf_lh_cell(const struct pf_lh_sweep *s, struct pf_lh_cell *cells, uint32_t burst,
	uint32_t packets, uint32_t loss, uint32_t scheme);
void pf_lh_write_table(const struct pf_lh_sweep *s, struct pf_lh_cell *cells, FILE *f);
void pf_lh_write_csv(const struct pf_lh_sweep *s, struct pf_lh_cell *cells, FILE *f);
/** A column per frame size, a row per burst length: frames lost over loss, and below it
 * the parity that was sent. */
void pf_lh_write_svg(const struct pf_lh_sweep *s, struct pf_lh_cell *cells, FILE *f);
