/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* speed.h - punktfunk-probe speed-test. */
#pragma once
#include "clients/probe/options.h"

/** Returns the exit code. */
int pf_probe_speed_test(const struct pf_probe_options *options);
