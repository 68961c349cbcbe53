/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* parity.h - how many parity packets a block gets (DESIGN decision 6).
 *
 * The smallest m for which more than m of k + m packets are lost with at most
 * the probability that is aimed at, at the estimated loss and mean burst length
 * (docs/data-plane.md). Losses follow Gilbert's two-state chain; a burst of
 * 1 / (1 - loss) is independent loss. Plain data, one thread; choose costs about
 * a microsecond per 600 parity packets and allocates nothing. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/media/loss_estimate.h"

#define PF_PARITY_ADAPTIVE    0xff
#define PF_PARITY_MIN	      2	 /* per block, unless pinned to 0 */
#define PF_PARITY_PERCENT_MAX 90 /* pinned */
#define PF_PARITY_LOSS_MIN    0.02
#define PF_PARITY_LOSS_MAX    0.5
/* Frames that may be lost; the second one where loss is independent and the first
 * takes more than so many packets and this share of the frame. */
#define PF_PARITY_RESIDUAL    1e-5
#define PF_PARITY_LENIENT     1e-4
#define PF_PARITY_CHEAP	      18
#define PF_PARITY_CHEAP_SHARE 0.15
/* Bursts get at most this share of the frame or of the mean one on top of what
 * independent loss needs no more; the larger once they were seen to cost frames. */
#define PF_PARITY_BURST_SHARE	     0.25
#define PF_PARITY_BURST_SHARE_PROVEN 1.0
#define PF_PARITY_BURST_DATA_MIN     8 /* smaller frames count as so many packets */

#define PF_PARITY_ROOM_PAST 4u

/* Whether more packets bring more, or the link is full. In windows between reports. */
struct pf_parity_room {
	double most; /* parity per data that fits, once it was full; 0 = no bound */
	double sent[PF_PARITY_ROOM_PAST], got[PF_PARITY_ROOM_PAST]; /* packets */
	unsigned past, next;					    /* windows of these */
	double full_loss;					    /* when it was found full */
	unsigned left;	   /* windows that the bound stays, or that nothing is looked for */
	unsigned patience; /* windows of the next bound */
	bool fresh;	   /* the bound is to be proven by this window */
};

struct pf_parity {
	uint8_t percent;    /* pinned, or PF_PARITY_ADAPTIVE */
	uint32_t block_cap; /* k + m never above */
	struct pf_loss_estimate est;
	bool told;	  /* choose goes by what it was told, reports do not count */
	double mean_data; /* data packets per frame */

	struct pf_parity_room room;

	/* Since the last report. */
	uint64_t data, total; /* packets sent */
	uint64_t frames, blocks;
	double data_sq; /* sum over blocks of their data packets squared */
	uint32_t frames_lost;

	/* What choose goes by, made anew by each report. */
	double loss, burst, burst_share;
	double newest; /* share of packets that the newest report says were lost */
};

/* What a client told of blocks that lost something, summed up. */
struct pf_parity_missed {
	uint64_t lost;	    /* packets */
	uint64_t lost_sq;   /* squares, block by block */
	uint64_t lost_data; /* times the data packets of the block */
	bool frame_lost;    /* one was beyond repair */
};

/** `percent` 0..90 or PF_PARITY_ADAPTIVE, `welcome_percent` the one in Welcome,
 * which caps k + m (punktfunk1.md 10.4). 0 or -EINVAL. */
int pf_parity_init(
	struct pf_parity *p, uint8_t percent, uint8_t welcome_percent, uint16_t max_data_per_block);
/** m for a block of k >= 1 data shards, one of `blocks` of its frame. */
uint32_t pf_parity_choose(const struct pf_parity *p, uint32_t k, uint32_t blocks);
/** Tells of a frame that was sent: a report counts lost data packets only, against all. */
void pf_parity_sent(struct pf_parity *p, uint32_t data, uint32_t parity, uint32_t blocks);
/** The client asked for help with so many lost frames: the next report has 5 % on
 * top that are no lost packets. */
void pf_parity_frames_lost(struct pf_parity *p, uint32_t frames);
/** A LossReport came. Rises at once, falls slowly. */
void pf_parity_report(struct pf_parity *p, uint32_t loss_ppm);
/** The client missed `m->lost` packets of all that it needed since the last report,
 * recovered or not (GameStream counts so, parity included). As a report. */
void pf_parity_missed(struct pf_parity *p, const struct pf_parity_missed *m);
/** Loss and mean burst length of the link are known: choose goes by these until it is
 * told others; reports do not count. */
void pf_parity_tell(struct pf_parity *p, double loss, double burst);
/** Loss estimate for the statistics. */
uint32_t pf_parity_loss_ppm(const struct pf_parity *p);
/** Loss as the newest report tells it, 0 before the first. */
uint32_t pf_parity_newest_ppm(const struct pf_parity *p);
/** Smallest m <= m_max with P(more than m of k + m lost) <= residual; m_max if
 * none. loss in 0..1, burst >= 1. */
uint32_t pf_parity_solve(uint32_t k, double loss, double burst, double residual, uint32_t m_max);
