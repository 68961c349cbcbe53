/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* rate_link.h - a simulated host, link and client for tests of rate control.
 *
 * Frame by frame: the host encodes what it is told to, unless the content needs
 * less; the link drains a queue of bounded size at a capacity that may change,
 * and drops what does not fit; parity of 10 % repairs small losses. Time is
 * simulated, random numbers are reproducible. */
#pragma once
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "core/media/rate_control.h"
#include "tests/unit/rng.h"

#define LINK_HZ		 60u
#define LINK_FRAME_NS	 (1000000000ull / LINK_HZ)
#define LINK_WINDOW	 45u /* frames: 750 ms */
#define LINK_PARITY	 0.10
#define LINK_HISTORY_MAX 1024u

struct link {
	/* what the test sets, at any time */
	double capacity_kbps;
	double queue_ms;	/* bytes it holds, as time at the capacity of the start */
	double loss;		/* share of packets lost at random */
	double content_kbps;	/* the encoder needs no more; 0 = takes all it may */
	uint32_t host_max_kbps; /* asked for more, the host grants this */
	double decoder_kbps;	/* above, decoding takes long */
	bool deaf;		/* the host answers no requests */
	double (*capacity)(struct link *l, double seconds); /* NULL = constant */

	double queue_bits, start_kbps;
	uint64_t frame, rng;
	uint32_t rate_kbps; /* of the encoder */

	/* what came out, by window */
	struct pf_rate_control rc;
	unsigned windows, requests, backoffs;
	uint32_t rate[LINK_HISTORY_MAX];
	double delay_ms[LINK_HISTORY_MAX], lost[LINK_HISTORY_MAX];
};

static inline void link_init(struct link *l, double capacity_kbps, double queue_ms)
{
	memset(l, 0, sizeof(*l));
	l->capacity_kbps = l->start_kbps = capacity_kbps;
	l->queue_ms = queue_ms;
	l->rng = rng_seed();
}

static inline void link_start(struct link *l, uint32_t start_kbps, uint32_t pixel_kbps)
{
	l->rate_kbps = start_kbps;
	pf_rate_control_init(&l->rc, start_kbps, pixel_kbps);
}

static inline double link_random(struct link *l)
{
	return (double)(rng_next(&l->rng) >> 11) * 0x1p-53;
}

static inline void link_ask(struct link *l, uint32_t kbps)
{
	uint32_t granted = kbps;

	l->requests++;
	l->backoffs += kbps < l->rate_kbps;
	if (l->deaf)
		return;
	if (l->host_max_kbps && granted > l->host_max_kbps)
		granted = l->host_max_kbps;
	l->rate_kbps = granted;
	pf_rate_control_answer(&l->rc, granted);
}

/* One window of frames, then the decision. */
static inline void link_window(struct link *l)
{
	struct pf_rate_window w = { .has_delay = true, .has_decode = true, .has_encode = true };
	double lost = 0, all = 0, delay = 0;

	for (unsigned i = 0; i < LINK_WINDOW; i++, l->frame++) {
		double seconds = (double)l->frame / LINK_HZ;
		double now = l->capacity ? l->capacity(l, seconds) : l->capacity_kbps;
		double rate = l->content_kbps && l->content_kbps < l->rate_kbps ? l->content_kbps
										: l->rate_kbps;
		/* kbps / Hz = kbit of a frame; sizes vary by a fifth */
		double frame = rate * 1000 / LINK_HZ * (0.8 + 0.4 * link_random(l));
		double bits = frame * (1 + LINK_PARITY), room, drop, share;

		l->queue_bits = fmax(0, l->queue_bits - now * 1000 / LINK_HZ);
		room = l->queue_ms * l->start_kbps - l->queue_bits;
		drop = bits > room ? bits - fmax(0, room) : 0;
		l->queue_bits += bits - drop;
		share = drop / bits + l->loss * (0.5 + link_random(l));
		delay += l->queue_bits / (now * 1000) * 1e9 + 5e6;
		all += bits;
		if (share > LINK_PARITY / (1 + LINK_PARITY)) {
			w.frames_lost++;
		} else {
			w.frame_bytes += (uint64_t)(frame / 8);
			lost += share * bits;
		}
	}
	w.span_ns = LINK_WINDOW * LINK_FRAME_NS;
	w.end_ns = 1000000000ull + l->frame * LINK_FRAME_NS;
	w.loss_ppm = (uint32_t)(lost / all * 1e6) + (w.frames_lost ? 50000 : 0);
	w.keyframe_asks = w.frames_lost ? 1 : 0;
	w.delay_ns = (int64_t)(delay / LINK_WINDOW);
	w.encode_ns = 3000000 + (int64_t)(link_random(l) * 1e6);
	w.decode_ns = 4000000 + (int64_t)(link_random(l) * 1e6);
	if (l->decoder_kbps && l->rate_kbps > l->decoder_kbps)
		w.decode_ns += (int64_t)(60e6 * (l->rate_kbps / l->decoder_kbps - 1) + 20e6);
	if (l->windows < LINK_HISTORY_MAX) {
		l->rate[l->windows] = l->rate_kbps;
		l->delay_ms[l->windows] = (double)w.delay_ns / 1e6;
		l->lost[l->windows] = w.frames_lost;
	}
	l->windows++;
	{
		uint32_t wish = pf_rate_control_window(&l->rc, &w);

		if (wish)
			link_ask(l, wish);
	}
}

static inline void link_run(struct link *l, unsigned windows)
{
	while (windows--)
		link_window(l);
}

/* What the capacity probe would find: what drains in its 800 ms and the queue. */
static inline void link_probe(struct link *l)
{
	uint32_t kbps = pf_rate_probe_kbps(l->rc.pixel_kbps);
	double now = l->capacity ? l->capacity(l, (double)l->frame / LINK_HZ) : l->capacity_kbps;

	pf_rate_control_capacity(&l->rc, now < kbps ? (uint32_t)now : kbps, kbps);
}
