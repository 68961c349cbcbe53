/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* dial.h - how a client finds and tries a host's addresses (punktfunk1.md 2).
 *
 * Silence is tried again at the same place until the time is over; a refusal is
 * final. Caller's thread; blocks. */
#pragma once
#include "core/base/reason.h"
#include "core/quic/endpoint.h"

struct pf_dial {
	const char *host;
	uint16_t port;	     /* 0 = 9777 */
	uint32_t timeout_ms; /* 0 = 10000 */
	/* One attempt with `params`, whose remote and time are filled in. 0 ends the
	 * dialling, and so does a failure unless *again is set: another attempt may do
	 * better, from a fresh start. */
	int (*attempt)(void *user, struct pf_quic_params *params, uint64_t end_ns, bool *again,
		struct pf_reason *why);
	void *user;
};

/** Until an attempt succeeds or nothing is left to try. */
int pf_dial_run(const struct pf_dial *d, struct pf_quic_params *params, struct pf_reason *why);
/** Why a connection to `host` ended early, in words, with the host's close code. */
int pf_dial_explain(const char *host, const struct pf_quic_close *end, struct pf_reason *why);
/** Whether a failed attempt that met nobody is worth another. */
bool pf_dial_is_silence(int err);
