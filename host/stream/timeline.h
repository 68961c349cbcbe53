/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* timeline.h - when what a first picture needs was there, for log and status.
 *
 * Plain data of one session. Control loop. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pf_mark {
	PF_MARK_BEGIN,	    /* the launch request, the Hello, the wish for a mode came */
	PF_MARK_STOPPED,    /* the stream in the mode before is down */
	PF_MARK_DISPLAY,    /* the output has its mode */
	PF_MARK_DESK,	    /* it can be captured from, and takes input */
	PF_MARK_RTSP,	    /* first RTSP message */
	PF_MARK_ANNOUNCE,   /* what the client wants is known */
	PF_MARK_ENCODER,    /* opened */
	PF_MARK_ANSWERED,   /* the ANNOUNCE, or the Hello by a Welcome */
	PF_MARK_CONTROL,    /* the control connection proved its key */
	PF_MARK_PING,	    /* first one to the video port; the way to the client is open */
	PF_MARK_CAPTURE,    /* opened */
	PF_MARK_CAPTURED,   /* first picture */
	PF_MARK_ENCODED,    /* first picture */
	PF_MARK_SENT,	    /* first picture, handed to the sender */
	PF_MARK_PING_SOUND, /* first one to the audio port */
	PF_MARK_SENT_SOUND, /* first packet */
	PF_MARKS,
};

struct pf_timeline {
	uint64_t ns[PF_MARKS]; /* monotonic, 0 = not yet */
};

/** One word, as in the status. */
const char *pf_mark_name(enum pf_mark mark);
/** Now; only the first time counts. */
void pf_mark(struct pf_timeline *t, enum pf_mark mark);
/** Sets what is not known yet to `ns`; 0 changes nothing. */
void pf_mark_at(struct pf_timeline *t, enum pf_mark mark, uint64_t ns);
/** ms from the begin to `mark`; what was there before is 0. Negative: not yet. */
double pf_timeline_ms(const struct pf_timeline *t, enum pf_mark mark);
/** The way to the first picture in words: "display 34.1, desk 37.0, ...", in ms
 * after the begin and in the order of time. Cut to `cap`. */
void pf_timeline_format(const struct pf_timeline *t, char *out, size_t cap);
