/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* rumble_lease.h - motor levels over a link that loses datagrams (punktfunk1.md 8.1).
 *
 * A message authorizes its levels for a time only. The sender says a change at once
 * and renews what is not zero; a stop is said at once and repeated. The receiver
 * silences what was not renewed. Plain data, no lock; the caller supplies the
 * monotonic time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PF_RUMBLE_PADS	   16
#define PF_RUMBLE_TTL_MS   400
#define PF_RUMBLE_RENEW_NS 120000000ull
#define PF_RUMBLE_STOPS	   2 /* repeats of a stop */
/* A program may change a motor a thousand times a second: what comes sooner after a
 * message waits, and the newest wins. A stop never waits. */
#define PF_RUMBLE_APART_NS     10000000ull
#define PF_RUMBLE_LEASE_MAX_MS 5000	     /* of what a receiver grants */
#define PF_RUMBLE_OLD_NS       1000000000ull /* lease of senders that name none */

struct pf_rumble_level {
	uint16_t low, high, left_trigger, right_trigger;
};

struct pf_rumble_msg {
	uint8_t pad;
	struct pf_rumble_level level;
	bool has_lease; /* of seq and ttl; a sender's always has */
	uint8_t seq;
	uint16_t ttl_ms;
};

/* ---- sender ---- */

struct pf_rumble_sender {
	struct pf_rumble_lease {
		struct pf_rumble_level level;
		uint8_t seq;
		uint8_t stops;	  /* repeats still to come */
		uint64_t said_ns; /* the newest message; 0 = none yet */
		uint64_t due_ns;  /* 0 = nothing to say */
	} pads[PF_RUMBLE_PADS];
};

/** The motors of a pad (below PF_RUMBLE_PADS) do this from now on. */
void pf_rumble_set(struct pf_rumble_sender *s, unsigned pad, const struct pf_rumble_level *level,
	uint64_t now_ns);
/** Nothing more is said of this pad: it is gone, or nobody may hear of it. */
void pf_rumble_forget(struct pf_rumble_sender *s, unsigned pad);
/** One message that is due; false = none. Call until then. */
bool pf_rumble_next(struct pf_rumble_sender *s, uint64_t now_ns, struct pf_rumble_msg *out);
/** When the next one is due; UINT64_MAX = not. */
uint64_t pf_rumble_due_ns(const struct pf_rumble_sender *s);

/* ---- receiver ---- */

struct pf_rumble_receiver {
	struct pf_rumble_heard {
		struct pf_rumble_level level;
		bool known; /* a message with a lease came */
		uint8_t seq;
		uint64_t until_ns; /* 0 = silent */
	} pads[PF_RUMBLE_PADS];
};

/** Takes a message (pad below PF_RUMBLE_PADS). True: the motors change, to *now. */
bool pf_rumble_hear(struct pf_rumble_receiver *r, const struct pf_rumble_msg *m, uint64_t now_ns,
	struct pf_rumble_level *now);
/** One pad whose lease is over and that is silent from now on; false = none (any more). */
bool pf_rumble_expire(struct pf_rumble_receiver *r, uint64_t now_ns, uint8_t *pad);
/** When the next lease is over; UINT64_MAX = there is none. */
uint64_t pf_rumble_expiry_ns(const struct pf_rumble_receiver *r);
