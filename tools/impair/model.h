/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* model.h - decides what a bad network does to each datagram.
 *
 * Pure and seeded: time and size in, fate out; no socket, no clock, no
 * allocation. A path is one direction of one flow and draws from a stream of
 * its own, the same number of draws for every datagram, so that datagram n of a
 * path meets the same luck for the same seed whatever the timing. A link is the
 * bottleneck that all flows of one direction share. One thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* What the rate counts beside the payload: IPv4 and UDP headers. */
#define PF_IMPAIR_HEADER_BYTES 28

enum pf_impair_cause {
	PF_IMPAIR_PASS,
	PF_IMPAIR_MTU,	 /* larger than the path carries */
	PF_IMPAIR_QUEUE, /* bottleneck's queue is full */
	PF_IMPAIR_LOSS,	 /* independent loss */
	PF_IMPAIR_BURST, /* Gilbert-Elliott loss */
	PF_IMPAIR_CAUSES,
};

enum pf_impair_jitter {
	PF_IMPAIR_UNIFORM, /* delay ± jitter */
	PF_IMPAIR_NORMAL,  /* sigma = jitter, cut at three sigma */
};

/* All probabilities 0..1; all zero = a perfect wire. */
struct pf_impair_rules {
	double loss;
	double burst_enter, burst_leave; /* good to bad, bad to good, per datagram */
	double burst_loss_bad, burst_loss_good;
	double duplicate;
	double reorder; /* held back by reorder_ns, later ones overtake */
	uint64_t reorder_ns;
	uint64_t delay_ns;
	uint64_t jitter_ns;
	/* The delay wanders from one random value to the next in this time and keeps
	 * the order; 0 = each datagram draws its own and may overtake. */
	uint64_t jitter_slot_ns;
	enum pf_impair_jitter jitter;
	uint64_t rate_bps;    /* 0 = no bottleneck */
	uint32_t queue_bytes; /* of the bottleneck, headers counted */
	uint32_t mtu_bytes;   /* largest payload, 0 = any */
};

/* Shared by the flows of one direction. */
struct pf_impair_link {
	uint64_t free_ns; /* the bottleneck is idle from here on */
};

struct pf_impair_path {
	const struct pf_impair_rules *rules;
	uint64_t rng[4];
	uint64_t slot_seed; /* of the wandering delay */
	uint64_t start_ns;  /* first datagram: slot 0 begins */
	uint64_t last_due_ns;
	bool started;
	bool bad; /* Gilbert-Elliott state */
};

struct pf_impair_fate {
	unsigned copies; /* 0 = lost, 2 = duplicated; all leave at due_ns */
	enum pf_impair_cause cause;
	bool held;	 /* by the reorder rule */
	uint64_t due_ns; /* never before `now_ns` */
};

/** Starts a path. `stream` tells paths of the same seed apart. Borrows `rules`. */
void pf_impair_path_init(struct pf_impair_path *p, const struct pf_impair_rules *rules,
	uint64_t seed, uint64_t stream);
/** The fate of `bytes` of payload that arrived at `now_ns`. `link` may be NULL:
 * no bottleneck. Times must not step back by more than a packet train. */
void pf_impair_decide(struct pf_impair_path *p, struct pf_impair_link *link, uint64_t now_ns,
	uint32_t bytes, struct pf_impair_fate *out);
const char *pf_impair_cause_to_string(enum pf_impair_cause cause);
