/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pacer.h - spreads a frame's packets over its send window.
 *
 * Three deliveries. Burst: all at once. Capped: the head of a frame leaves at once, the
 * rest at three times the encoder's rate (punktfunk1.md 13), but not above nine tenths of
 * the smallest Ethernet that carries the stream: a switch that steps down to it then drops
 * nothing. A frame that comes before such a link is done with those before it has that much
 * less of a head. Smooth: the whole frame evenly over three quarters of the time between
 * frames. Packets go in trains: a wake-up costs more than sending a dozen packets.
 *
 * While frames get lost a gentle pacer, whatever the delivery except burst, sends only 10 ms
 * of its rate at once, and the rest in small trains at one and a quarter times the rate or
 * what else it is told: little more than the link is known to carry. A keyframe's head alone can be
 * more than the queue of a narrow link holds, and then every keyframe is lost.
 *
 * One pacer belongs to one send thread; no locks inside. The caller supplies the time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PF_PACER_HEAD_BYTES	(128u * 1024)
#define PF_PACER_HEAD_MAX_BYTES (160u * 1024) /* of a quarter of a large frame */
#define PF_PACER_SPAN_MAX_NS	100000000ull
#define PF_PACER_STEP_NS	500000ull /* a train is worth this much time or more */
#define PF_PACER_EARLY_NS	250000ull /* a train may leave so early: two for one wake-up */
#define PF_PACER_LATE_MAX_NS	500000ull /* what is made up for after a stall */
#define PF_PACER_PILE		4u
#define PF_PACER_TRAIN_MIN	16u
#define PF_PACER_TRAIN_MAX	64u
/* Of a gentle one. */
#define PF_PACER_GENTLE_HEAD_MS	    10u
#define PF_PACER_GENTLE_HEAD_BYTES  6000u  /* at least, */
#define PF_PACER_GENTLE_HEAD_MAX    32768u /* and at most */
#define PF_PACER_GENTLE_SPAN_MAX_NS 250000000ull
#define PF_PACER_GENTLE_TRAIN_MIN   4u
/* Of a smooth one: bounds of the time between frames that it believes. */
#define PF_PACER_INTERVAL_MIN_NS 2000000ull
#define PF_PACER_INTERVAL_MAX_NS 20000000ull

enum pf_delivery {
	PF_DELIVERY_CAPPED,
	PF_DELIVERY_BURST,
	PF_DELIVERY_SMOOTH,
	PF_DELIVERIES,
};

struct pf_pacer {	   /* plain data: embed it, zeroed; nothing to free */
	uint64_t rate_bps; /* of the encoder; 0 = unpaced */
	enum pf_delivery delivery;
	bool gentle;	  /* frames get lost; from the next begin on */
	uint32_t percent; /* of the rate, for what a gentle one does not send at once; 0 = 125 */
	uint64_t interval_ns; /* between frames, as pf_pacer_frame_at saw it; 0 = unknown */
	uint64_t last_pts_ns;
	uint64_t drained_ns; /* when a link of the cap would have carried all so far */
	uint64_t start_ns;   /* of the frame under way */
	uint64_t bytes;
	/* From `head_bytes` on, bytes leave at `rest_bps` since `rest_ns`; 0 = at once. */
	uint64_t head_bytes;
	uint64_t rest_ns;
	uint64_t rest_bps;
};

/** The next frame's capture time: smooth delivery learns the frame rate from it. */
void pf_pacer_frame_at(struct pf_pacer *p, uint64_t pts_ns);
/** A frame of `bytes` on the wire begins to leave at `now_ns`. */
void pf_pacer_begin(struct pf_pacer *p, uint64_t bytes, uint64_t now_ns);
/** `waiting` frames are behind the one under way: what is left of it behind `sent_bytes` goes
 * as fast as capped delivery has it, and from PF_PACER_PILE frames on at three times the
 * encoder's rate, whatever the link. Not if gentle. */
void pf_pacer_hurry(struct pf_pacer *p, unsigned waiting, uint64_t sent_bytes, uint64_t now_ns);
/** When the packet behind the first `sent_bytes` of the frame may leave. */
uint64_t pf_pacer_due_ns(const struct pf_pacer *p, uint64_t sent_bytes);
/** The packet behind `sent_bytes` leaves at `now_ns`: what was due long before that is not
 * made up for, a stall must not become a flood. */
void pf_pacer_leaves(struct pf_pacer *p, uint64_t sent_bytes, uint64_t now_ns);
/** Packets of `packet_bytes` to send in one go after `sent_bytes`. */
uint32_t pf_pacer_train(const struct pf_pacer *p, uint64_t sent_bytes, uint32_t packet_bytes);
/* Whether to be gentle. Frames that get lost make it so for some reports; then pacing goes
 * up by a sixteenth per report, and down again when that brings loss. Plain data, zeroed. */
#define PF_GENTLE_REPORTS 8u /* after a report of a lost frame */
#define PF_GENTLE_ALARM	  3u /* after a client's cry between the reports */
#define PF_GENTLE_PERCENT 125u

struct pf_gentle {
	uint32_t percent; /* of the encoder's rate; 0 = not gentle */
	unsigned hold;	  /* reports before it goes up */
	uint32_t loss_ppm;
};

/** A frame was lost: gentle for at least `reports`. */
void pf_gentle_lost(struct pf_gentle *g, unsigned reports);
/** 750 ms are over, with so much loss that parity repaired. */
void pf_gentle_report(struct pf_gentle *g, uint32_t loss_ppm);
/** "capped", "burst", "smooth"; NULL for others. */
const char *pf_delivery_name(enum pf_delivery d);
