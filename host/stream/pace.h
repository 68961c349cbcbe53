/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pace.h - when a picture may be encoded, and when an old one is sent again.
 *
 * Damage starts an encode at once; a token bucket holds back what comes faster
 * than the client wants. It forgives jitter: a picture may come up to half an
 * interval early. And it refills 1/15 faster than the client's rate, because a
 * compositor's timer is some per cent off (wlroots: 62.5 Hz for 60): at exactly
 * the client's rate each picture of such a source would wait for most of an
 * interval, forever (11.9 ms measured), and a picture lost now and then. A picture that stopped
 * changing is repeated a few times, then nothing is sent. The caller supplies the time; plain data.
 */
#pragma once
#include <stdint.h>

#define PF_PACE_NEVER UINT64_MAX

struct pf_pace {
	uint64_t refill_ns; /* a token each */
	uint64_t slack_ns;  /* how early a picture may come */
	uint64_t due_ns;    /* when the next one is expected */
	unsigned repeats;   /* after a change */
	uint64_t repeat_delay_ns;
	unsigned repeats_left;
	uint64_t repeat_ns; /* valid while repeats_left */
};

/** `rate_mhz` thousandths of Hz, not 0. */
void pf_pace_init(struct pf_pace *p, uint32_t rate_mhz, unsigned repeats, uint64_t repeat_delay_ns);
/** The earliest time for the next encode; at or before now = at once. */
uint64_t pf_pace_ready_ns(const struct pf_pace *p);
/** A picture was encoded at `now_ns`; `changed` = not the one before. */
void pf_pace_encoded(struct pf_pace *p, uint64_t now_ns, int changed);
/** When the picture is to be sent again, or PF_PACE_NEVER. */
uint64_t pf_pace_repeat_ns(const struct pf_pace *p);
