/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* mic_buffer.h - packets that come when they come, played at an even pace.
 *
 * An adaptive jitter buffer for one speaker. As many packets wait as the newest
 * seconds' jitter needs, at most PF_MIC_DEPTH_MAX: it grows when packets come too late
 * (what is missing is made up and the packet played after all), and shrinks by one
 * packet at a time, blended into the next, when more waits than is needed; when more
 * waits than may, it jumps to what is needed. Time is an
 * argument; no allocation; one thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PF_MIC_PACKET_MAX 1275 /* the most that one Opus packet takes */
#define PF_MIC_DEPTH_MAX  20   /* packets that may wait */
#define PF_MIC_SLOTS	  32

/* What to play for the next packet's time. */
enum pf_mic_step {
	PF_MIC_SILENCE, /* nothing yet */
	PF_MIC_PLAY,	/* decode the data */
	PF_MIC_RECOVER, /* this one is lost: decode what the one after it, the data, says of it */
	PF_MIC_CONCEAL, /* this one is lost, or late: make something up */
	PF_MIC_MERGE,	/* decode the data, then those of the next step, a PLAY, and blend both */
};

struct pf_mic_buffer_stats {
	uint64_t played, recovered, concealed;
	uint64_t late;		/* came after their time */
	uint64_t merged;	/* to shorten the delay; count as played, too */
	uint64_t skipped;	/* more waited than may */
	uint32_t target, depth; /* packets that should wait, that do */
};

struct pf_mic_buffer {
	uint64_t frame_ns;
	bool any; /* a packet is or was there */
	bool playing;
	uint32_t next;	   /* to be played */
	uint32_t end;	   /* one after the newest that came */
	unsigned dry;	   /* steps in a row without anything there */
	unsigned old;	   /* packets in a row from before `next` */
	uint64_t first_ns; /* not playing: when the oldest that waits came */
	/* Jitter: how late packets are against the earliest of the newest seconds. */
	uint64_t base_ns;
	uint32_t base_seq;
	int64_t least_ns[2];			 /* transit: of the window before, of this one */
	unsigned window;			 /* packets in this one */
	int64_t jitter_ns;			 /* a peak that fades */
	unsigned least_depth, most_depth, steps; /* since the last look */
	struct pf_mic_buffer_stats stats;
	struct {
		bool full;
		uint16_t len;
		uint8_t data[PF_MIC_PACKET_MAX];
	} slot[PF_MIC_SLOTS];
};

/** Empties it; each packet holds `frame_ns` of sound. The counts stay. */
void pf_mic_buffer_reset(struct pf_mic_buffer *b, uint64_t frame_ns);
/** A packet came; too long or late ones are dropped, duplicates too. */
void pf_mic_buffer_put(
	struct pf_mic_buffer *b, uint32_t seq, const uint8_t *data, size_t len, uint64_t now_ns);
/** What comes next; `*data` is valid until the next call of put. */
enum pf_mic_step pf_mic_buffer_next(
	struct pf_mic_buffer *b, uint64_t now_ns, const uint8_t **data, size_t *len);
