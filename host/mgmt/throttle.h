/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* throttle.h - how often something may be done, by each address and by all.
 *
 * A bucket holds `burst` tries and gets one more every `refill_ns`. It is kept as the time
 * at which it will be full. Of many addresses the fullest are forgotten first. Plain data
 * without a lock. */
#pragma once
#include <stdint.h>
#include <sys/socket.h>

#define PF_THROTTLE_ADDRESSES 64

struct pf_rate {
	unsigned burst;
	uint64_t refill_ns;
};

/** Nanoseconds until one is there, 0 = now. */
uint64_t pf_bucket_wait(uint64_t full_ns, struct pf_rate rate, uint64_t now_ns);
/** The bucket with one less. */
uint64_t pf_bucket_take(uint64_t full_ns, struct pf_rate rate, uint64_t now_ns);

struct pf_throttle { /* all 0 at first */
	struct {
		uint8_t key[16];
		uint64_t full_ns; /* 0 = free */
	} at[PF_THROTTLE_ADDRESSES];
};

/** What is counted as one address: of IPv6 the network, as one has many to change to. */
void pf_throttle_key(uint8_t out[16], const struct sockaddr *sa);
/** The same of a numeric text, with or without interface; NULL and others are one. */
void pf_throttle_key_text(uint8_t out[16], const char *address);
/** The bucket of an address, valid until the next call. */
uint64_t *pf_throttle_bucket(struct pf_throttle *t, const uint8_t key[16]);
