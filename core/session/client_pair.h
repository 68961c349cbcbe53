/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* client_pair.h - the client's end of the PIN ceremony over the network, behind
 * punktfunk_pair. */
#pragma once
#include "core/base/reason.h"
#include "punktfunk_core.h"

struct pf_identity;

/** Blocks up to options->timeout_ms. On success *host_fp is the host's, proven by the
 * PIN. Any thread. */
int pf_client_pair(uint8_t host_fp[32], const PunktfunkPairOptions *options,
	const struct pf_identity *identity, struct pf_reason *why);
