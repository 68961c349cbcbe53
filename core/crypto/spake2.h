/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* spake2.h - SPAKE2 over the Ed25519 group: a shared key from a short password.
 *
 * Asymmetric, as python-spake2 does it (punktfunk1.md 7.1): the client is side A,
 * the host side B. Whoever guesses gets one guess per exchange. The key is not
 * confirmed: two sides with different passwords or identities get different keys
 * and must find out by a MAC exchange. Pure, any thread; one exchange belongs to one
 * thread at a time. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PF_SPAKE2_MESSAGE_BYTES 33 /* side byte and point */
#define PF_SPAKE2_KEY_BYTES	32

enum pf_spake2_side {
	PF_SPAKE2_A = 'A',
	PF_SPAKE2_B = 'B',
};

struct pf_spake2_text {
	const void *p;
	size_t len;
};

/* One side of one exchange. Holds secrets until finish or wipe. */
struct pf_spake2 {
	enum pf_spake2_side side;
	bool open;	     /* begun and not finished */
	uint8_t scalar[32];  /* ours */
	uint8_t blind[32];   /* the password's scalar */
	uint8_t hashed[96];  /* SHA-256 of password, idA, idB */
	uint8_t message[33]; /* what we send */
};

/** Begins; s->message is then to be sent. `scalar` NULL takes a random one, which
 * is right everywhere but with published test vectors. 0, -EINVAL, -EIO. */
int pf_spake2_start(struct pf_spake2 *s, enum pf_spake2_side side, struct pf_spake2_text password,
	struct pf_spake2_text id_a, struct pf_spake2_text id_b, const uint8_t scalar[32]);
/** Takes the other side's message and ends the exchange; the secrets are wiped in
 * any case. -EINVAL when not begun; -EPROTO for a wrong length or side, and for what is no
 * point of the group's prime-order part: then the key is untouched. */
int pf_spake2_finish(
	struct pf_spake2 *s, const uint8_t *message, size_t len, uint8_t key[PF_SPAKE2_KEY_BYTES]);
/** Forgets everything; also for one that was zeroed and never begun. */
void pf_spake2_wipe(struct pf_spake2 *s);
