/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pairing.h - the host's side of GameStream pairing (gamestream.md 2.4).
 *
 * A pure state machine: time is an argument, parsed requests in, answers out.
 * One pending request per (uniqueid, peer address); phases in order, each once;
 * any error deletes it. The first phase waits for the operator's PIN, which goes
 * to one named request. A PIN is good for one attempt: it is never accepted
 * again, and a failure after it drops every pending request. A client is trusted
 * only after both checks of phase 4. When all places are taken, a newcomer takes
 * one of an address that has more than its own, or the one that waited longest,
 * after PF_GS_PAIR_HOLD_NS. Control loop. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/clock.h"
#include "core/base/reason.h"
#include "host/gamestream/query.h"

#define PF_GS_PAIR_PENDING    8u /* in all */
#define PF_GS_PAIR_PER_IP     2u
#define PF_GS_PAIR_LIFE_NS    (180 * PF_NS_PER_S)
#define PF_GS_PAIR_HOLD_NS    (60 * PF_NS_PER_S) /* no newcomer takes its place before */
#define PF_GS_PAIR_PHASE_NS   (30 * PF_NS_PER_S) /* for the client's next phase */
#define PF_GS_PAIR_NAME_BYTES 65
#define PF_GS_PAIR_HEX_BYTES  8192

struct pf_gs_pairing;
struct pf_identity;

/* What a request is answered with. */
struct pf_gs_pair_answer {
	uint32_t status;     /* status_code */
	const char *message; /* constant text, NULL with 200 */
	bool paired;
	const char *element; /* name of the element that holds `hex`, or NULL */
	char hex[PF_GS_PAIR_HEX_BYTES];
};

/* What the operator sees. */
struct pf_gs_pair_pending {
	uint32_t id; /* never 0 */
	char peer[46];
	char name[PF_GS_PAIR_NAME_BYTES]; /* devicename, fit to print; may be "" */
	uint8_t fingerprint[32];	  /* of the certificate that would be trusted */
	uint64_t since_ns;
	bool has_pin; /* the PIN was given, the exchange runs */
};

struct pf_gs_pair_params {
	const struct pf_identity *identity; /* RSA; outlives this */
	/* Phase 4 passed: remember who->fingerprint. A failure fails the pairing. */
	int (*trust)(void *user, const struct pf_gs_pair_pending *who, struct pf_reason *why);
	/* The answer to a held first phase. `held` is what the request gave. */
	void (*answer)(void *user, void *held, const struct pf_gs_pair_answer *a);
	/* Optional: a pairing ended. `error` 0 or a negative errno, `text` constant. */
	void (*ended)(
		void *user, const struct pf_gs_pair_pending *who, int error, const char *text);
	void *user;
};

int pf_gs_pairing_create(
	struct pf_gs_pairing **out, const struct pf_gs_pair_params *params, struct pf_reason *why);
/** Drops all pending requests, with answers. Accepts NULL. */
void pf_gs_pairing_destroy(struct pf_gs_pairing *p);

/** Phases 1 to 4. True: *out holds the answer. False: `held` waits for the PIN, and
 * params.answer will get it. */
bool pf_gs_pairing_request(struct pf_gs_pairing *p, uint64_t now_ns, const struct pf_gs_query *q,
	const uint8_t peer_ip[16], const char *peer, void *held, struct pf_gs_pair_answer *out);
/** /unpair: drops what is pending for this uniqueid and address; the paired stay. */
void pf_gs_pairing_unpair(
	struct pf_gs_pairing *p, const struct pf_gs_query *q, const uint8_t peer_ip[16]);
/** The client of a held first phase hung up: dropped, with an answer. */
void pf_gs_pairing_gone(struct pf_gs_pairing *p, void *held);
/** When pf_gs_pairing_expire wants to be called, or UINT64_MAX. */
uint64_t pf_gs_pairing_next_ns(const struct pf_gs_pairing *p);
/** Drops what is too old. */
void pf_gs_pairing_expire(struct pf_gs_pairing *p, uint64_t now_ns);

/** Calls fn for each pending request, oldest first. */
void pf_gs_pair_each(struct pf_gs_pairing *p,
	void (*fn)(void *user, const struct pf_gs_pair_pending *r), void *user);
/** Gives the PIN to request `id`, or to the only one when `id` is 0. 0; -ENOENT
 * (nothing pending, or not this one), -EEXIST (several: name one), -EALREADY (it
 * has one), -EINVAL (not 4 digits), -EKEYREJECTED (used before), with the words. */
int pf_gs_pair_pin(struct pf_gs_pairing *p, uint64_t now_ns, uint32_t id, const char *pin,
	struct pf_reason *why);
/** Refuses a pending request. 0 or -ENOENT. */
int pf_gs_pair_drop(struct pf_gs_pairing *p, uint32_t id);
