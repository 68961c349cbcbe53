/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* connect.h - punktfunk-probe connect. */
#pragma once
#include "clients/probe/options.h"

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

/** The exit that fits a PUNKTFUNK_E... code. */
int pf_probe_exit_of(int32_t code);
int pf_probe_connect(const struct pf_probe_options *options);
