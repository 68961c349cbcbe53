/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pf1_frame.h - messages on the streams of punktfunk/1 (punktfunk1.md 3).
 *
 * Every message is `len u16 | payload`. The deframer, which serves other framings as
 * well, takes bytes in whatever pieces the transport has and gives whole messages back;
 * it holds at most one buffer of the size set at init. Messages may carry keys: the buffer is wiped
 * at finish. Caller embeds the struct; one thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/wire/framing.h"

#define PF_FRAME_HEAD_BYTES  2
#define PF_STREAM_HEAD_BYTES 5

/* Kind byte behind PKFs at the head of an extra stream. */
enum pf_stream_kind {
	PF_STREAM_CLIP_FETCH = 1,
};

struct pf_deframer {
	const struct pf_framing *framing;
	uint8_t *buf;
	size_t cap;
	size_t start, end; /* unread bytes lie between them */
	size_t preamble;   /* bytes of the framing's that are still to come */
};

extern const struct pf_framing pf_pf1_framing;

/** Prepares for messages of up to `max_message` bytes (1 .. 65535). 0, -EINVAL,
 * -ENOMEM. */
int pf_deframer_init(struct pf_deframer *d, size_t max_message);
/** The same for any framing, with its own limit; `opened` tells whether the other side
 * opened the stream, so that its preamble comes first. */
int pf_deframer_init_as(struct pf_deframer *d, const struct pf_framing *framing, bool opened);
/** Wipes and frees; accepts a zeroed struct. */
void pf_deframer_finish(struct pf_deframer *d);
/** Takes as many bytes as fit and returns how many. Ends what next() lent. After
 * next() gave 0 at least one byte fits. */
size_t pf_deframer_push(struct pf_deframer *d, const uint8_t *data, size_t len);
/** 1 and the next whole message (may be empty; lent until the next push or finish),
 * 0 when more bytes are needed, -EMSGSIZE when the announced length is above the
 * limit, -EPROTO for another preamble: the stream is then beyond repair. */
int pf_deframer_next(struct pf_deframer *d, const uint8_t **msg, size_t *len);

/** Writes the head of a message whose `len` payload bytes follow. */
void pf_frame_head_build(uint8_t head[PF_FRAME_HEAD_BYTES], uint16_t len);

/** Reads `PKFs | kind` at the start of an extra stream. 0, -EAGAIN (fewer than 5
 * bytes, good so far), -EPROTO. Whether the kind is known is the caller's matter. */
int pf_stream_head_parse(uint8_t *kind, const uint8_t *buf, size_t len);
void pf_stream_head_build(uint8_t head[PF_STREAM_HEAD_BYTES], uint8_t kind);
