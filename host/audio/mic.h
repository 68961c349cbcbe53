/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* mic.h - the Opus packets of a client's microphone become the samples of a desk's.
 *
 * put() copies a packet into a ring; pull(), on the sound server's thread, decodes what
 * its time has come for (host/audio/mic_buffer.h decides), with Opus' redundancy for
 * what was lost and made-up sound for what stays away up to 50 ms. Between the two
 * threads there is the ring alone. Packets of 2.5 to 60 ms, mono or stereo, become mono
 * at 48 kHz. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"

struct pf_mic;

struct pf_mic_stats {
	uint64_t packets; /* taken */
	uint64_t invalid; /* no Opus packet, or too long; dropped */
	uint64_t refused; /* nobody listens: the ring was full */
	uint64_t played, recovered, concealed, late;
	uint32_t delay_ms; /* what waited when the newest was played */
};

/** -ENOMEM, -EINVAL with the words. */
int pf_mic_open(struct pf_mic **out, struct pf_reason *why);
/** Neither put nor pull may be running. Clears; accepts NULL inside. */
void pf_mic_close(struct pf_mic **m);
/** A packet that came at `now_ns`, monotonic. Any one thread; no lock, no allocation. */
void pf_mic_put(struct pf_mic *m, uint32_t seq, const uint8_t *opus, size_t len, uint64_t now_ns);
/** The next `samples` of the microphone, mono. One thread; no lock, no allocation. What
 * came while nobody pulled is forgotten. */
void pf_mic_pull(struct pf_mic *m, float *pcm, unsigned samples, uint64_t now_ns);
/** Counts so far. Any thread. */
void pf_mic_get_stats(const struct pf_mic *m, struct pf_mic_stats *out);
