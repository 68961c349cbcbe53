/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* knocks.h - unknown clients that ask for access, while a person decides
 * (punktfunk1.md 7.2).
 *
 * One entry per device. While its connection waits the entry is parked with an owner,
 * which is the caller's; the entry outlives it for a while, so that a late approval is
 * there when the client comes again. An owner that a call hands out is no longer
 * listed. No I/O; monotonic time is an argument. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "host/registry/clients.h"

#define PF_KNOCKS_MAX	      32
#define PF_KNOCKS_PER_ADDRESS 4
#define PF_KNOCK_WAIT_NS      (180 * 1000000000ull)
#define PF_KNOCK_KEEP_NS      (600 * 1000000000ull)

struct pf_knock {
	uint32_t id; /* never 0; stays when the same device knocks again */
	uint8_t fingerprint[32];
	char name[PF_CLIENT_NAME_BYTES]; /* what it calls itself */
	char address[64];
	uint64_t since_ns; /* its newest knock */
	void *parked;	   /* NULL = its connection is gone */
	uint8_t source[16];
};

struct pf_knocks {
	struct pf_knock list[PF_KNOCKS_MAX]; /* oldest first */
	unsigned count;
	uint32_t last_id;
	/* 0 = the values above */
	unsigned per_address;
	uint64_t wait_ns, keep_ns;
};

/** Lists a knock. *superseded is the owner of an older connection of the same
 * device, *dropped that of an entry that had to make room, each NULL when there is
 * none. Returns the entry's id. */
uint32_t pf_knocks_add(struct pf_knocks *k, const uint8_t fingerprint[32], const char *name,
	const struct sockaddr_storage *from, void *parked, uint64_t now_ns, void **superseded,
	void **dropped);
/** The owner's connection is gone; false when no entry is parked with it. */
bool pf_knocks_left(struct pf_knocks *k, const void *parked);
/** The entry, valid until the next call, or NULL. */
const struct pf_knock *pf_knocks_find(const struct pf_knocks *k, uint32_t id);
const struct pf_knock *pf_knocks_find_device(
	const struct pf_knocks *k, const uint8_t fingerprint[32]);
/** Removes an entry. Its owner, or NULL. */
void *pf_knocks_remove(struct pf_knocks *k, uint32_t id);
/** An owner that waited long enough, or NULL when there is no more; forgets entries
 * that are too old. */
void *pf_knocks_expired(struct pf_knocks *k, uint64_t now_ns);
/** When pf_knocks_expired has something to do; UINT64_MAX = never. */
uint64_t pf_knocks_deadline(const struct pf_knocks *k);
