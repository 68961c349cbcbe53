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
	uint64_t lost;	    /* frames that the core marked as missing */
	uint64_t concealed; /* of these, made up by the decoder */
	uint64_t broken;    /* not decodable */
};

/** `wav_path` NULL = none. -errno. */
int pf_sound_open(struct pf_sound **out, const char *wav_path);
/** Before the first packet: 2, 6 or 8 channels come. -EINVAL, -ENOMEM. */
int pf_sound_start(struct pf_sound *s, unsigned channels);
/** Accepts NULL. Returns -errno when the WAV file could not be finished. */
int pf_sound_close(struct pf_sound *s);
/** A frame, and how many before it are missing. */
void pf_sound_packet(struct pf_sound *s, uint32_t lost, const uint8_t *opus, size_t len);
/** What the tone detector of channel 0..7 heard, by FL FR FC LFE RL RR SL SR. */
const struct pf_tone *pf_sound_tone(const struct pf_sound *s, unsigned channel);
struct pf_sound_stats pf_sound_stats(const struct pf_sound *s);
