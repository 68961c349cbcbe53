/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* parity.h - how many parity packets a block gets (DESIGN decision 6).
 *
 * The smallest m for which more than m of k + m packets are lost with
 * probability at most 10^-5, at the estimated loss rate and mean burst length.
 * Losses follow Gilbert's two-state chain; a burst of 1 / (1 - loss) is
 * independent loss. Plain data, one thread; choose costs about a microsecond
 * per ten parity packets at most and allocates nothing. */
#pragma once
#include <stdint.h>

#define PF_PARITY_ADAPTIVE    0xff
#define PF_PARITY_MIN	      2	 /* per block, unless pinned to 0 */
#define PF_PARITY_PERCENT_MAX 90 /* pinned */
#define PF_PARITY_LOSS_MIN    0.02
#define PF_PARITY_LOSS_MAX    0.5
#define PF_PARITY_RESIDUAL    1e-5

struct pf_parity {
	uint8_t percent;      /* pinned, or PF_PARITY_ADAPTIVE */
	uint32_t block_cap;   /* k + m never above */
	double loss;	      /* estimate, 0..PF_PARITY_LOSS_MAX */
	double burst;	      /* mean packets per loss burst, >= 1 */
	uint64_t data, total; /* packets sent since the last report */
};

/** `percent` 0..90 or PF_PARITY_ADAPTIVE, `welcome_percent` the one in Welcome,
 * which caps k + m (punktfunk1.md 10.4). 0 or -EINVAL. */
int pf_parity_init(
	struct pf_parity *p, uint8_t percent, uint8_t welcome_percent, uint16_t max_data_per_block);
/** m for a block of k >= 1 data shards. */
uint32_t pf_parity_choose(const struct pf_parity *p, uint32_t k);
/** Tells what was sent: a report counts lost data packets only, against all. */
void pf_parity_sent(struct pf_parity *p, uint32_t data, uint32_t parity);
/** A LossReport came. Rises at once, falls slowly. */
void pf_parity_report(struct pf_parity *p, uint32_t loss_ppm);
/** The client missed `lost` packets of all that it needed since the last report,
 * recovered or not (GameStream counts so, parity included). As a report. */
void pf_parity_missed(struct pf_parity *p, uint64_t lost);
/** The link's mean burst length became known. */
void pf_parity_set_burst(struct pf_parity *p, double mean_packets);
/** Loss estimate for the statistics. */
uint32_t pf_parity_loss_ppm(const struct pf_parity *p);
/** Smallest m <= m_max with P(more than m of k + m lost) <= residual; m_max if
 * none. loss in 0..1, burst >= 1. */
uint32_t pf_parity_solve(uint32_t k, double loss, double burst, double residual, uint32_t m_max);
