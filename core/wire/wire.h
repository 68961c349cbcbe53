/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* wire.h - one wire of the protocol: how what is said becomes bytes.
 *
 * What is said are the structs of pf1_handshake.h and pf1_control.h; they are the model
 * of both wires. A connection has the wire of the ALPN that its ends agreed on
 * (pf_quic_conn_wire), and the sessions speak through it alone. `pkf2` is there only in
 * builds with -Dpkf2=true. Constant tables, pure functions: any thread. */
#pragma once
#include <stdbool.h>
#include "core/wire/framing.h"
#include "core/wire/pf1_control.h"
#include "core/wire/pf1_handshake.h"

/* What a host answers to a Hello. */
enum pf_answer {
	PF_ANSWER_WELCOME,
	PF_ANSWER_PENDING, /* nothing decided yet; keep waiting */
	PF_ANSWER_REFUSED, /* the close frame says the same */
	PF_ANSWER_IGNORED, /* of a kind that we do not know */
};

struct pf_refusal {
	uint32_t code;
	char text[PF_CTL_REASON_MAX + 1];
};

/* Parsers and builders as in pf1_handshake.h and pf1_control.h: 0 or a negative errno,
 * builders the length. */
struct pf_wire {
	const char *alpn;
	const struct pf_framing *framing;
	/* Media share QUIC's socket and take their keys from TLS: a Welcome has neither
	 * port nor keys, but a session id, and Start means Ready. */
	bool one_socket;

	int (*hello_parse)(struct pf_hello *out, const uint8_t *msg, size_t len);
	int (*hello_build)(const struct pf_hello *h, uint8_t *buf, size_t cap);
	/* Fills what the kind in *kind has: *w or *no. */
	int (*answer_parse)(enum pf_answer *kind, struct pf_welcome *w, struct pf_refusal *no,
		const uint8_t *msg, size_t len);
	int (*welcome_build)(const struct pf_welcome *w, uint8_t *buf, size_t cap);
	/* Both NULL: silence while nothing is decided, a refusal is the close frame alone. */
	int (*pending_build)(uint8_t *buf, size_t cap);
	int (*refused_build)(const struct pf_refusal *no, uint8_t *buf, size_t cap);
	int (*start_parse)(struct pf_start *out, const uint8_t *msg, size_t len);
	int (*start_build)(const struct pf_start *s, uint8_t *buf, size_t cap);
	int (*ctl_parse)(struct pf_ctl *out, const uint8_t *msg, size_t len);
	int (*ctl_build)(const struct pf_ctl *m, uint8_t *buf, size_t cap);
};

extern const struct pf_wire pf_pf1_wire;
#ifdef PF_PKF2
extern const struct pf_wire pf_pf2_wire;
#endif

/* Those of this build, in the order in which a host prefers them. */
extern const struct pf_wire *const pf_wires[];
extern const unsigned pf_wire_count;

/** By its ALPN; NULL when this build does not speak it. */
const struct pf_wire *pf_wire_find(const void *alpn, size_t len);
