/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pairing.h - the PIN ceremony of punktfunk/1, both sides, without I/O
 * (punktfunk1.md 7.1).
 *
 * The client proves by SPAKE2 that it knows the PIN that the host shows, and the host
 * the same to the client; each binds the other's certificate. A gate is a host's
 * readiness: one PIN, good for one guess. Messages are pf_ctl structs whose parts are
 * borrowed from the ceremony. Monotonic time is an argument. One thread at a time. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "core/crypto/spake2.h"
#include "core/wire/pf1_control.h"

#define PF_PAIR_PIN_BYTES    17 /* 16 digits and a zero; hosts mint 4 */
#define PF_PAIR_COOL_DOWN_NS 2000000000ull
#define PF_PAIR_PROOF_NS     60000000000ull /* patience for message 3 */
#define PF_PAIR_LEAVE_NS     5000000000ull  /* for the client's close after message 4 */

/* What one PIN is good for. */
struct pf_arming {
	char pin[PF_PAIR_PIN_BYTES];
	uint64_t until_ns; /* 0 = until it is used */
	bool bound;	   /* for `device` alone */
	uint8_t device[32];
	bool has_terms; /* grants and expiry for who pairs; else as before, or all */
	uint32_t grants;
	int64_t expires_s; /* Unix time, 0 = never */
	uint64_t id;	   /* the owner's number for it */
};

struct pf_pair_gate {
	bool armed, tried;
	uint64_t tried_ns; /* newest attempt that was not too early */
	struct pf_arming arming;
};

/** Four random digits. 0, -EIO. */
int pf_pair_mint_pin(char out[PF_PAIR_PIN_BYTES]);
/** Whether `pin` is 1 to 16 digits. */
bool pf_pair_pin_ok(const char *pin);
/** Replaces the PIN there was. */
void pf_pair_gate_arm(struct pf_pair_gate *g, const struct pf_arming *a);
/** Forgets the PIN, not the cool-down. */
void pf_pair_gate_disarm(struct pf_pair_gate *g);
/** Whether a PIN is there at `now_ns`; one past its time is forgotten. */
bool pf_pair_gate_armed(struct pf_pair_gate *g, uint64_t now_ns);

/** What one side shows the other to prove that it knows the PIN. */
void pf_pair_confirm(uint8_t out[32], bool from_host, const uint8_t key[PF_SPAKE2_KEY_BYTES],
	const uint8_t client_fp[32], const uint8_t host_fp[32]);

/* The host's side of one ceremony. Holds secrets until wiped. */
struct pf_pair_host {
	bool open; /* message 2 made, proof due */
	uint8_t client_fp[32];
	char name[PF_CTL_NAME_MAX + 1]; /* as it came: perhaps no UTF-8 */
	bool has_terms;
	uint32_t grants;
	int64_t expires_s;
	uint64_t arming_id;
	uint8_t spake[PF_SPAKE2_MESSAGE_BYTES], proof[32];
};

/** Message 1 -> message 2. The PIN is used up by whoever may use it. A refusal has its
 * words and close code in `why`: no certificate (`client_fp` NULL), too early, not
 * armed, armed for another, malformed; in this order. */
int pf_pair_host_request(struct pf_pair_host *h, struct pf_pair_gate *g, uint64_t now_ns,
	const uint8_t *client_fp, const uint8_t host_fp[32], const struct pf_ctl *request,
	struct pf_ctl *challenge, struct pf_reason *why);
/** Message 3 -> message 4, which says the same as the result: 0, or -EACCES when the
 * client did not know the PIN. -EINVAL out of turn: then there is no message 4. */
int pf_pair_host_proof(struct pf_pair_host *h, const struct pf_ctl *proof, struct pf_ctl *result);
void pf_pair_host_wipe(struct pf_pair_host *h);

/* The client's side. */
struct pf_pair_client {
	bool open; /* message 1 made, message 2 due */
	uint8_t client_fp[32], host_fp[32];
	char name[PF_CTL_NAME_MAX + 1];
	struct pf_spake2 spake;
	uint8_t message[PF_SPAKE2_MESSAGE_BYTES];
};

/** Makes message 1. `name` may be NULL. -EINVAL for a PIN that is not 1 to 16
 * digits, -EIO. */
int pf_pair_client_start(struct pf_pair_client *c, const char *pin, const char *name,
	const uint8_t client_fp[32], const uint8_t host_fp[32], struct pf_ctl *request);
/** Message 2 -> message 3. -EACCES when the host does not know the PIN: send nothing and
 * close with PUNKTFUNK_CLOSE_PAIRING_FAILED; -EPROTO, -EINVAL out of turn. */
int pf_pair_client_challenge(
	struct pf_pair_client *c, const struct pf_ctl *challenge, struct pf_ctl *proof);
void pf_pair_client_wipe(struct pf_pair_client *c);
