/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* script.h - input to send and wishes to make, by the time they are due.
 *
 * A script is text, one event a line, `#` begins a comment:
 *     MS move X Y            pointer to a place, in pixels of the video
 *     MS rel DX DY           pointer by so much
 *     MS button N down|up    1 left, 2 middle, 3 right, 4, 5
 *     MS click N
 *     MS scroll V [H]        1/120 detents, positive = up, right
 *     MS key CODE down|up|tap    Windows virtual key, 0x41 or 65
 *     MS text WORDS          typed as keys of a US layout, \n \t \\ are escapes
 *     MS mode WxH@HZ         ask for another mode
 *     MS bitrate KBPS        ask for another bit rate
 *     MS keyframe            ask for a key frame
 *     MS clip WORDS          see clip.h
 *     MS pad, touch, pen     see pads.h
 * MS counts from the first picture. Plain data, one thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "clients/probe/pads.h"
#include "punktfunk_core.h"

#define PF_SCRIPT_MAX 100000 /* events */

enum pf_script_what {
	PF_SCRIPT_INPUT,
	PF_SCRIPT_MODE,
	PF_SCRIPT_BITRATE,
	PF_SCRIPT_KEYFRAME,
	PF_SCRIPT_CLIP,
	PF_SCRIPT_PAD,
};

struct pf_script_event {
	uint64_t at_ns; /* after the first picture */
	uint32_t order; /* of adding, to keep it among equals */
	enum pf_script_what what;
	PunktfunkInputEvent input;
	uint32_t width, height, refresh_hz; /* MODE */
	uint32_t kbps;			    /* BITRATE */
	char *words;			    /* CLIP; the script's */
	struct pf_pad_act pad;		    /* PAD */
};

struct pf_script {
	struct pf_script_event *events;
	size_t count, cap;
	uint32_t width, height; /* of the video, for absolute places; set by the player */
};

/** Appends the events of a text; `line` gets the number of the faulty one.
 * -EINVAL, -ENOMEM, -E2BIG. */
int pf_script_parse(struct pf_script *s, const char *text, size_t len, unsigned *line);
/** Appends key events that type UTF-8 `text` from `at_ns` on, a key every `step_ns`. */
int pf_script_type(struct pf_script *s, uint64_t at_ns, uint64_t step_ns, const char *text);
/** Appends a pointer that runs around the middle of a width x height picture from
 * `at_ns` for `span_ns`, a move every `step_ns`. */
int pf_script_circle(struct pf_script *s, uint64_t at_ns, uint64_t span_ns, uint64_t step_ns,
	uint32_t width, uint32_t height);
/** Brings the events into the order of time. */
void pf_script_sort(struct pf_script *s);
/** Accepts a zeroed one. */
void pf_script_finish(struct pf_script *s);
