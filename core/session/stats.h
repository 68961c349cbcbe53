/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* stats.h - the counters of the data plane as the ABI shows them. Any thread. */
#pragma once
#include "core/net/receiver.h"
#include "core/net/sender.h"
#include "punktfunk_core.h"

/** Fills *out whole, struct_size included. */
void pf_stats_of_sender(const struct pf_sender *s, PunktfunkStats *out);
void pf_stats_of_receiver(struct pf_receiver *r, PunktfunkStats *out);
