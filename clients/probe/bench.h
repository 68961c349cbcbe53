/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bench.h - punktfunk-probe bench-connect and bench-mode. */
#pragma once
#include "clients/probe/options.h"

/** How long it takes from the call to the first frame, again and again. Returns the
 * exit code. */
int pf_probe_bench_connect(const struct pf_probe_options *options);
/** The same from asking for a mode to its first frame. */
int pf_probe_bench_mode(const struct pf_probe_options *options);
