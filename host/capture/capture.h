/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* capture.h - pictures from a display source.
 *
 * A capture owns one thread and its own connection to the source. Each new
 * picture goes to on_frame with one reference, which the receiver owns; damage
 * drives it: nothing changes, nothing comes. The receiver must be quick (put it
 * into a mailbox). Buffers come from a fixed pool: a receiver that sits on
 * frames starves the capture, never memory. */
#pragma once
#include "core/base/reason.h"
#include "host/display/display.h"
#include "host/frame.h"

struct pf_capture_params {
	const struct pf_source *source; /* borrowed for open only */
	bool cursor;			/* draw the pointer into the picture */
	/* Capture thread. Takes over one reference. */
	void (*on_frame)(void *user, struct pf_frame *frame);
	/* Capture thread, at most once: no more frames will come. */
	void (*on_error)(void *user, int err, const char *text);
	void *user;
};

struct pf_capture;

struct pf_capture_ops {
	const char *name;
	/* Mandatory: source kinds it can take (bit per pf_source_kind). */
	uint32_t source_kinds;
	enum pf_mem_kind memory; /* what it delivers */
	/* Mandatory. Returns once the source answered; frames may come before it
	 * returns. On failure leaves *out alone. */
	int (*open)(struct pf_capture **out, const struct pf_capture_params *params,
		struct pf_reason *why);
	/* Mandatory. Accepts NULL and half-built. No callback runs after it; frames
	 * still referenced stay valid until their last unref. */
	void (*close)(struct pf_capture *c);
	/* Optional: deliver the current picture again although nothing changed
	 * (a new client needs its first frame). Any thread. */
	void (*refresh)(struct pf_capture *c);
};

struct pf_capture {
	const struct pf_capture_ops *ops;
};

const struct pf_capture_ops *const *pf_capture_backends(void);
const struct pf_capture_ops *pf_capture_find(const char *name);
/** The backend for a source kind, or NULL. */
const struct pf_capture_ops *pf_capture_for(enum pf_source_kind kind);
