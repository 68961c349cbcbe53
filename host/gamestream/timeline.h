/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* timeline.h - when what a first picture needs was there, for log and status.
 *
 * Plain data of one session. Control loop. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pf_gs_mark {
	PF_GS_MARK_LAUNCH,     /* the launch request came */
	PF_GS_MARK_DISPLAY,    /* the output has its mode */
	PF_GS_MARK_DESK,       /* it can be captured from, and takes input */
	PF_GS_MARK_RTSP,       /* first RTSP message */
	PF_GS_MARK_ANNOUNCE,   /* what the client wants is known */
	PF_GS_MARK_ENCODER,    /* opened */
	PF_GS_MARK_ANSWERED,   /* the ANNOUNCE */
	PF_GS_MARK_CONTROL,    /* the control connection proved its key */
	PF_GS_MARK_PING,       /* first one to the video port */
	PF_GS_MARK_CAPTURE,    /* opened */
	PF_GS_MARK_CAPTURED,   /* first picture */
	PF_GS_MARK_ENCODED,    /* first picture */
	PF_GS_MARK_SENT,       /* first picture, handed to the sender */
	PF_GS_MARK_PING_SOUND, /* first one to the audio port */
	PF_GS_MARK_SENT_SOUND, /* first packet */
	PF_GS_MARKS,
};

struct pf_gs_timeline {
	uint64_t ns[PF_GS_MARKS]; /* monotonic, 0 = not yet */
};

/** One word, as in the status. */
const char *pf_gs_mark_name(enum pf_gs_mark mark);
/** Now; only the first time counts. */
void pf_gs_mark(struct pf_gs_timeline *t, enum pf_gs_mark mark);
/** Sets what is not known yet to `ns`; 0 changes nothing. */
void pf_gs_mark_at(struct pf_gs_timeline *t, enum pf_gs_mark mark, uint64_t ns);
/** ms from launch to `mark`; what was there before the launch is 0. Negative: not
 * yet. */
double pf_gs_timeline_ms(const struct pf_gs_timeline *t, enum pf_gs_mark mark);
/** The way to the first picture in words: "display 34.1, desk 37.0, ...", in ms
 * after the launch and in the order of time. Cut to `cap`. */
void pf_gs_timeline_format(const struct pf_gs_timeline *t, char *out, size_t cap);
