/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pacer.h - spreads a frame's packets over its send window (punktfunk1.md 13).
 *
 * The head of a frame leaves at once; the rest is spread over the time it takes
 * at three times the encoder's rate, at most 100 ms. Packets go in trains: a
 * wake-up costs more than sending a dozen packets. A keyframe's head alone can be
 * more than the queue of a narrow link holds: then every keyframe is lost, and the
 * client asks for the next one. So, while frames get lost, a gentle pacer sends only
 * 10 ms of its rate at once, and the rest in small trains at one and a quarter times the
 * rate: little more than the link is known to carry. One pacer belongs to one send
 * thread; no locks inside. The caller supplies the time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PF_PACER_HEAD_BYTES   (128u * 1024)
#define PF_PACER_SPAN_MAX_NS  100000000ull
#define PF_PACER_SLEEP_MIN_NS 500000ull /* shorter waits are not worth a sleep */
#define PF_PACER_TRAIN_MIN    16u
#define PF_PACER_TRAIN_MAX    64u
/* Of a gentle one. */
#define PF_PACER_GENTLE_HEAD_MS	    10u
#define PF_PACER_GENTLE_HEAD_BYTES  6000u /* at least */
#define PF_PACER_GENTLE_SPAN_MAX_NS 250000000ull
#define PF_PACER_GENTLE_TRAIN_MIN   4u

struct pf_pacer {	     /* plain data: embed it, nothing to free */
	uint64_t rate_bps;   /* of the encoder; 0 = unpaced */
	bool gentle;	     /* frames get lost; from the next begin on */
	uint64_t start_ns;   /* of the frame under way */
	uint64_t head_bytes; /* leave at start_ns */
	uint64_t rest_bytes; /* leave over span_ns */
	uint64_t span_ns;
};

/** A frame of `bytes` on the wire begins to leave at `now_ns`. */
void pf_pacer_begin(struct pf_pacer *p, uint64_t bytes, uint64_t now_ns);
/** When the packet behind the first `sent_bytes` of the frame may leave. */
uint64_t pf_pacer_due_ns(const struct pf_pacer *p, uint64_t sent_bytes);
/** Packets of `packet_bytes` to send in one go after `sent_bytes`. */
uint32_t pf_pacer_train(const struct pf_pacer *p, uint64_t sent_bytes, uint32_t packet_bytes);
