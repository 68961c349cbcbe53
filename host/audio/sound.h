/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* sound.h - blocks of a desk's sound become the datagram payloads of one stream.
 *
 * push() copies a block into a ring and wakes the stream's own thread, which
 * encodes and hands out packets: the desk's audio thread waits for neither
 * encoder nor network. A full ring refuses the block, counted.
 *
 * A steady stream gives packets from the start to the end at their own cadence:
 * silence as long as the desk has no sound yet or plays nothing. A block goes out
 * as soon as it comes; one that stays away for 20 ms is taken for the end of what
 * played. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"

/* The most an Opus packet takes: with its head it fits QUIC's smallest packet. */
#define PF_SOUND_PACKET_BYTES 1100
/* The same for `params.opus`: several streams in one packet. */
#define PF_SOUND_PACKET_MAX 1400

struct pf_opus_config;

struct pf_sound_packet {
	uint32_t seq;	 /* counts packets, wraps */
	uint64_t pts_ns; /* monotonic time of the first sample */
	const uint8_t *data;
	size_t len;
	/* The packet before, for the redundant datagram; NULL on the first one and
	 * after a gap. */
	const uint8_t *previous;
	size_t previous_len;
};

struct pf_sound_params {
	unsigned channels; /* 2, 6 or 8 */
	/* Not steady: of the blocks that come, mixed if it is another number; 0 = the same. */
	unsigned in_channels;
	uint32_t kbps;
	/* Digital silence of so many milliseconds ends the packets until something
	 * sounds again; 0 = never. */
	uint32_t quiet_ms;
	/* NULL = as punktfunk/1 has it, by `channels` and `kbps`; else those do not
	 * count. Packets of more than 5 ms must be steady. Copied. */
	const struct pf_opus_config *opus;
	bool steady; /* as above; blocks with other channels are mixed, not refused */
	/* Sound thread. The packet is valid during the call. */
	void (*on_packet)(void *user, const struct pf_sound_packet *packet);
	void *user;
};

struct pf_sound_stats {
	uint64_t packets, bytes;
	uint64_t silent;    /* blocks not sent for silence */
	uint64_t repeated;  /* steady: packets of silence that needed no encoding */
	uint64_t refused;   /* ring full, wrong channels */
	uint64_t filled;    /* steady: blocks of silence put in */
	uint64_t late;	    /* steady: blocks whose time had gone out as silence */
	uint64_t encode_ns; /* in all */
};

struct pf_sound;

/** Starts the thread. 0, or a negative errno with the words. */
int pf_sound_open(
	struct pf_sound **out, const struct pf_sound_params *params, struct pf_reason *why);
/** Ends the thread; no packet comes after. Clears; accepts NULL inside. */
void pf_sound_close(struct pf_sound **s);
/** One block of `in_channels` as at open, else refused (steady: 2, 6 or 8). Any one
 * thread; no lock, no allocation. */
void pf_sound_push(struct pf_sound *s, const float *pcm, unsigned channels, uint64_t capture_ns);
/** Counts so far. Any thread. */
void pf_sound_get_stats(const struct pf_sound *s, struct pf_sound_stats *out);
