/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* opus.h - Opus as punktfunk/1 (punktfunk1.md 14) and GameStream (gamestream.md
 * 5.2) carry it.
 *
 * 48 kHz, restricted low delay, channels in the order FL FR FC LFE RL RR SL SR
 * with the identity mapping: coupled pairs are FL/FR, FC/LFE and, with eight
 * channels, RL/RR. punktfunk/1: 5 ms, constrained variable rate. GameStream: 5 or
 * 10 ms, hard constant rate, in its high quality without coupling. One thread per
 * encoder; no allocation after open. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"

enum pf_opus_tier {
	PF_OPUS_LOW,
	PF_OPUS_STANDARD,
	PF_OPUS_HIGH,
};

struct pf_opus_layout {
	uint8_t streams, coupled;
	uint8_t mapping[8];
	uint16_t kbps[3]; /* by tier */
};

/* Decided once per session. */
struct pf_opus_plan {
	uint32_t kbps;
	bool redundant; /* each datagram repeats the frame before (D2) */
};

/* An encoder. */
struct pf_opus_config {
	uint8_t channels, streams, coupled;
	uint8_t mapping[8];
	uint8_t packet_ms; /* 5 or 10 */
	bool cbr;	   /* all packets have the same size */
	uint32_t kbps;
};

struct pf_opus;

/** The layout of 2, 6 or 8 channels, else NULL. */
const struct pf_opus_layout *pf_opus_layout(unsigned channels);
/** What fits the budget of max(96 kbit/s, 5 % of the video), best first, not above
 * `tier`; redundancy only if `both_redundant` (both ends can). `channels` as
 * pf_opus_layout takes them. */
struct pf_opus_plan pf_opus_plan(
	unsigned channels, uint32_t video_kbps, enum pf_opus_tier tier, bool both_redundant);

/** An encoder for `channels` at `kbps`. -EINVAL or -ENOMEM with the words. */
int pf_opus_open(struct pf_opus **out, unsigned channels, uint32_t kbps, struct pf_reason *why);
/** What GameStream's clients decode for 2, 6 or 8 channels, 5 or 10 ms; the rate
 * is held where a packet still fits a datagram. -EINVAL with the words. */
int pf_opus_gamestream(struct pf_opus_config *out, unsigned channels, bool high_quality,
	unsigned packet_ms, struct pf_reason *why);
/** As pf_opus_open, for any configuration. */
int pf_opus_open_config(
	struct pf_opus **out, const struct pf_opus_config *config, struct pf_reason *why);
/** Frees and clears; accepts NULL inside. */
void pf_opus_close(struct pf_opus **o);
/** Encodes a packet's interleaved samples (PF_AUDIO_BLOCK per channel in 5 ms) into
 * at most `cap` bytes: the size, or -EINVAL. A small `cap` lowers the quality of a
 * loud block. */
int pf_opus_encode(struct pf_opus *o, const float *pcm, uint8_t *out, size_t cap);
