/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* audio_order.h - which frames of sound a datagram brings.
 *
 * punktfunk1.md 8 (C9, D2) and 14: a datagram has a frame and perhaps a copy of the
 * one before, which counts only if that one did not arrive. Frames come out in order
 * at once: nothing waits for what is late, and what is late is dropped. A hole in the
 * numbers is a loss, to be concealed by whoever plays. Plain data, no clock; one
 * thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PF_AUDIO_FRAME_NS 5000000 /* how much earlier a copy's time is */

struct pf_audio_datagram {
	uint32_t seq;
	uint64_t pts_ns;
	const uint8_t *data;
	size_t len;
	const uint8_t *copy; /* of seq - 1 */
	size_t copy_len;     /* 0 = none */
};

struct pf_audio_frame {
	uint32_t seq;
	uint64_t pts_ns;
	const uint8_t *data; /* borrowed from the datagram */
	size_t len;
	bool from_copy;
};

struct pf_audio_order {
	bool started;
	uint32_t last; /* newest frame handed out */
	uint64_t frames;
	uint64_t recovered; /* of these, from copies */
	uint64_t lost;	    /* neither they nor their copies came in time */
	uint64_t late;	    /* duplicates and older ones, dropped */
};

/** The frames that are due now, in order: 0, 1 or 2. `o` starts zeroed. */
unsigned pf_audio_order_take(
	struct pf_audio_order *o, const struct pf_audio_datagram *d, struct pf_audio_frame out[2]);
