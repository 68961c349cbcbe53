/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* rate_control.h - which bitrate the client asks for (punktfunk1.md 13).
 *
 * For sessions that asked for bitrate 0. Fed once per loss report window with
 * what the window saw, with every BitrateChanged and with the result of the
 * capacity probe; answers with the rate to ask for. A pure function of these:
 * the times are the caller's. Plain data, one thread at a time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PF_RATE_FLOOR_KBPS	 5000u
#define PF_RATE_SPACING_NS	 1500000000ull /* between two requests */
#define PF_RATE_BASELINE_WINDOWS 40u	       /* that a minimum is taken of */
#define PF_RATE_BASELINE_MIN	 4u	       /* before it counts */
#define PF_RATE_UNANSWERED_MAX	 3u	       /* requests, then no more are made */
#define PF_RATE_PATIENCE_MIN	 16u /* clean windows below a cap before it is tried again */
#define PF_RATE_PATIENCE_MAX	 128u
/* The capacity probe. */
#define PF_RATE_PROBE_AT_NS	  2000000000ull /* into the session */
#define PF_RATE_PROBE_KBPS	  2000000u
#define PF_RATE_PROBE_MS	  800u
#define PF_RATE_PROBE_PATIENCE_NS 6000000000ull /* behind the probe itself */

/* One window. Durations are means over its frames; the constant part of
 * delay_ns does not matter, so the two clocks need not agree. */
struct pf_rate_window {
	uint64_t end_ns, span_ns;
	uint64_t frame_bytes; /* of complete frames */
	uint32_t loss_ppm;    /* as reported to the host */
	uint32_t frames_lost; /* beyond repair */
	uint32_t flushes;     /* frames the client threw away: it was too slow */
	uint32_t keyframe_asks;
	bool has_delay, has_decode, has_encode;
	int64_t delay_ns; /* capture to first packet */
	int64_t decode_ns, encode_ns;
};

/* The smallest of the last windows. */
struct pf_rate_baseline {
	int64_t values[PF_RATE_BASELINE_WINDOWS];
	unsigned count, next;
};

/* A limit found on the way; 0 = none. */
struct pf_rate_cap {
	uint32_t kbps;
	unsigned patience; /* clean windows before it is tried again */
	unsigned clean;	   /* since it was found or tried */
};

/* A lower rate on trial, because of loss that parity repaired: a link that loses as
 * much at the lower one is not crowded. What was before comes back then. kbps 0 =
 * none. */
struct pf_rate_trial {
	uint32_t kbps, proven_kbps;
	bool doubling;
	uint32_t loss_ppm; /* that began it */
	unsigned windows;
	uint32_t sum_ppm; /* of their losses */
};

struct pf_rate_control {
	uint32_t target_kbps; /* in force */
	uint32_t start_kbps, floor_kbps, pixel_kbps;
	uint32_t link_kbps;   /* what the probe grants, 0 = not probed */
	uint32_t proven_kbps; /* most that a clean window delivered */
	bool disabled;	      /* the host answers no requests */
	bool doubling;	      /* until the first bad window */
	bool doubled;	      /* the same before the newest bad windows */
	unsigned clean, bad;  /* windows in a row that count */

	bool asked; /* a request was made: the two below are valid */
	bool pending;
	uint64_t asked_ns;
	uint32_t asked_kbps;
	unsigned unanswered;

	uint32_t short_kbps; /* newest answer below what was asked */
	unsigned shorts;     /* the same one in a row */
	struct pf_rate_cap host, decoder;
	uint32_t decoder_kbps; /* where the decoder gave up last, 0 = never */
	struct pf_rate_baseline delay, decode, encode;

	/* Where this differs from punktfunk1.md 13: loss that no lower rate avoids. */
	struct pf_rate_trial trial;
	uint32_t own_loss_ppm; /* of the link, not held against the rate */
	unsigned floor_bad;
};

/** `start_kbps` is Welcome's, the ceiling until the capacity is known;
 * `pixel_kbps` is pf_rate_pixel_kbps of the mode. */
void pf_rate_control_init(struct pf_rate_control *r, uint32_t start_kbps, uint32_t pixel_kbps);
/** The rate to ask for now, 0 = none. Windows that a probe or a gap of the host's
 * pipeline fell into are left out. */
uint32_t pf_rate_control_window(struct pf_rate_control *r, const struct pf_rate_window *w);
/** BitrateChanged came, asked for or not; 0 is ignored. */
void pf_rate_control_answer(struct pf_rate_control *r, uint32_t kbps);
/** Of filler at `asked_kbps` so much arrived; 0 = nothing was measured. A test that
 * asked for less than a probe does, and got it, can only raise what is known. */
void pf_rate_control_capacity(struct pf_rate_control *r, uint32_t kbps, uint32_t asked_kbps);
/** The highest rate that may be asked for, caps that were found aside. */
uint32_t pf_rate_control_ceiling(const struct pf_rate_control *r);
/** Another mode is in force: other pictures, other times. */
void pf_rate_control_mode(struct pf_rate_control *r, uint32_t pixel_kbps);
/** More than this is no better picture. `codec` is a pf_codec bit. */
uint32_t pf_rate_pixel_kbps(uint32_t width, uint32_t height, uint32_t refresh_hz, uint8_t codec,
	uint8_t bit_depth, uint8_t chroma_format_idc);
/** What the capacity probe must push through to show that pixel_kbps fit; at most
 * PF_RATE_PROBE_KBPS. */
uint32_t pf_rate_probe_kbps(uint32_t pixel_kbps);
