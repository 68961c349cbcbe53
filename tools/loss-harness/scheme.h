/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* scheme.h - ways to protect a frame, and what becomes of it on a trace.
 *
 * The blocks of a frame by the rules of the formats, beside the packetizers: real.h
 * holds one against the other. Plain data, one thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/media/parity.h"
#include "tools/loss-harness/trace.h"

#define PF_LH_PACKETS_MAX 4096u /* of data in a frame: one block of punktfunk/1 */
#define PF_LH_BLOCKS_MAX  4u
#define PF_LH_TOTAL_MAX	  (4u * PF_LH_PACKETS_MAX)
#define PF_LH_MIN_PARITY  2 /* what a GameStream client asks for */

enum pf_lh_format {
	PF_LH_GF8,  /* GameStream: up to four blocks of 255 packets */
	PF_LH_GF16, /* punktfunk/1: one block */
};

struct pf_lh_scheme {
	const char *name;
	const char *label;
	enum pf_lh_format format;
	uint8_t percent; /* or PF_PARITY_ADAPTIVE */
	bool told;	 /* the policy is told loss and burst length, it need not find out */
};

#define PF_LH_SCHEMES 6u
extern const struct pf_lh_scheme pf_lh_schemes[PF_LH_SCHEMES];

struct pf_lh_plan {
	uint32_t blocks;
	uint32_t k[PF_LH_BLOCKS_MAX], m[PF_LH_BLOCKS_MAX];
	uint32_t packets, parity;
};

struct pf_lh_fate {
	bool lost;	   /* the frame */
	uint32_t received; /* packets */
	uint32_t rebuilt;  /* data packets that parity gave back; 0 if the frame is lost */
	struct pf_parity_missed missed; /* what a GameStream client tells */
};

/** The policy of a scheme on a link; `told` is the link's. */
void pf_lh_policy(
	const struct pf_lh_scheme *s, const struct pf_lh_channel *told, struct pf_parity *out);
/** Largest frame of a format that has place for it. */
uint32_t pf_lh_packets_max(enum pf_lh_format format);
void pf_lh_plan(const struct pf_lh_scheme *s, const struct pf_parity *p, uint32_t packets,
	struct pf_lh_plan *out);
/** In the order of the wire, which for one block does not matter. */
struct pf_lh_fate pf_lh_fate(const struct pf_lh_plan *plan, const struct pf_lh_trace *t);
/** P(the frame is lost), exactly; < 0 for want of memory. */
double pf_lh_exact(const struct pf_lh_plan *plan, const struct pf_lh_channel *c);
