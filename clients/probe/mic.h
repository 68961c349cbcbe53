/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* mic.h - a microphone that hears a sine, sent as hosts expect it: mono, VoIP mode,
 * 48 kbit/s, 10 ms, with redundancy against 10 % loss. A thread of its own. */
#pragma once
#include "punktfunk_core.h"

#define PF_PROBE_MIC_GAIN 0.4

struct pf_probe_mic;

/** Speaks from now on. -errno. */
int pf_probe_mic_start(struct pf_probe_mic **out, PunktfunkConnection *conn, double hz);
/** Ends the thread; before the connection closes. Accepts NULL. */
void pf_probe_mic_stop(struct pf_probe_mic *m);
