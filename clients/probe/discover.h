/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* discover.h - the command that lists the hosts of the local network. */
#pragma once
#include "clients/probe/options.h"

/** Asks for options->timeout seconds, then prints what is there, by name. The exit
 * code: unreachable when there is none. */
int pf_probe_discover(const struct pf_probe_options *options);
