/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* connect.h - punktfunk-probe connect. */
#pragma once
#include "clients/probe/options.h"

int pf_probe_connect(const struct pf_probe_options *options);
