/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pair.h - the probe becomes known to a host. */
#pragma once
#include "clients/probe/options.h"

/** Runs the PIN ceremony, keeps the host's fingerprint, says what happened. A
 * pf_probe_exit. */
int pf_probe_pair(const struct pf_probe_options *o);
/** Asks for access and waits until a person at the host answered; keeps the host's
 * fingerprint. A pf_probe_exit. */
int pf_probe_request(const struct pf_probe_options *o);
