/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* sound.h - Opus packets to samples, to a WAV file and to the tone detectors.
 *
 * One thread. A missing packet is concealed for at most 50 ms in a row. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "clients/probe/tone.h"

struct pf_sound;

struct pf_sound_stats {
	uint64_t packets;   /* decoded */
	uint64_t lost;	    /* gaps in seq */
	uint64_t duplicate; /* or older than what was there */
	uint64_t broken;    /* not decodable */
};

/** `channels` 2, 6 or 8; `wav_path` NULL = none. -errno. */
int pf_sound_open(struct pf_sound **out, unsigned channels, const char *wav_path);
/** Accepts NULL. Returns -errno when the WAV file could not be finished. */
int pf_sound_close(struct pf_sound *s);
void pf_sound_packet(struct pf_sound *s, uint32_t seq, const uint8_t *opus, size_t len);
/** What the tone detectors of the first two channels (0 left, 1 right) heard. */
const struct pf_tone *pf_sound_tone(const struct pf_sound *s, unsigned channel);
struct pf_sound_stats pf_sound_stats(const struct pf_sound *s);
