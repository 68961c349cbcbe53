/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* dial.h - connecting, for all commands of the probe. */
#pragma once
#include "clients/probe/options.h"
#include "punktfunk_core.h"

/* Exit codes; docs/man/punktfunk-probe.1 lists them. */
enum pf_probe_exit {
	PF_PROBE_OK = 0,
	PF_PROBE_USAGE = 1,
	PF_PROBE_UNREACHABLE = 2,
	PF_PROBE_REFUSED = 3,
	PF_PROBE_BROKEN = 4, /* protocol error, or the connection ended early */
	PF_PROBE_UNVERIFIED = 5,
	PF_PROBE_LOCAL = 6, /* a file or decoder of this machine */
};

/** Our identity, as the options say. Words go to standard error. */
int pf_probe_identity(const struct pf_probe_options *o, PunktfunkIdentity **out);
/** Connects and prints a fingerprint that is trusted unseen. */
int pf_probe_dial(const struct pf_probe_options *o, const PunktfunkIdentity *identity,
	PunktfunkConnection **out, PunktfunkConnectionInfo *info);
/** The exit code of an error of the core. */
int pf_probe_exit_of(int32_t code);
