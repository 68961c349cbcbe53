/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* clip.h - the data of clipboards, both ways (punktfunk1.md 15).
 *
 * Either end fetches what the other offered: a stream for each fetch, bounded to
 * PF_CLIP_BYTES_MAX in all and PF_CLIP_TIME_NS each. Offers themselves are control
 * messages and not of concern here. Events come on the quic thread with no lock
 * held, calls from any thread. */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/quic/endpoint.h"
#include "core/wire/pf1_control.h"
#include "core/wire/pf1_frame.h"

#define PF_CLIP_BYTES_MAX (64u << 20)
#define PF_CLIP_TIME_NS	  (60ull * 1000000000)
#define PF_CLIP_EXCHANGES (2 * PF_QUIC_STREAMS)

/* What message 44 says. */
enum pf_clip_status {
	PF_CLIP_OK = 0,
	PF_CLIP_STALE = 1,	 /* another offer has replaced it */
	PF_CLIP_UNAVAILABLE = 2, /* no such format, or its owner does not deliver */
	PF_CLIP_DENIED = 3,
};

struct pf_clip_events {
	/* The peer wants what offer `seq` said; to be answered with pf_clip_answer. */
	void (*asked)(void *user, uint32_t id, uint32_t seq, const char *mime);
	/* An asker does not wait any more. */
	void (*withdrawn)(void *user, uint32_t id);
	/* A fetch of ours is over: 0 and `data`, the receiver's to free; a
	 * pf_clip_status; or -EMSGSIZE, -EPROTO, -ECANCELED, -ETIMEDOUT, -EPIPE. */
	void (*fetched)(void *user, uint32_t id, int result, uint8_t *data, size_t len);
};

struct pf_clip_exchange {
	uint32_t id; /* 0 = free slot */
	struct pf_quic_stream *st;
	bool ours;	   /* a fetch of ours */
	bool headed, told; /* the head was read; its event was given */
	uint8_t head[512]; /* what came before the data */
	size_t head_len;
	uint64_t total; /* as the peer announced it, 0 = it did not */
	uint8_t *data;
	size_t len, cap;
	size_t answer; /* bytes of ours on their way */
};

struct pf_clip {
	pthread_mutex_t lock;
	const struct pf_clip_events *events;
	void *user;
	uint32_t next_id;
	size_t max_bytes;     /* PF_CLIP_BYTES_MAX, but for tests */
	size_t coming, going; /* bytes of all exchanges */
	struct pf_clip_exchange exchanges[PF_CLIP_EXCHANGES];
};

void pf_clip_init(struct pf_clip *clip, const struct pf_clip_events *events, void *user);
/** Once no stream is left. */
void pf_clip_finish(struct pf_clip *clip);
/** Fetches a format of the peer's offer `seq`; the id of it, or -EAGAIN (too many at
 * once), -EINVAL, -ENOMEM, -EPIPE. */
int64_t pf_clip_fetch(struct pf_clip *clip, struct pf_quic_conn *c, uint32_t seq, const char *mime);
/** Gives up a fetch; `fetched` follows, unless it came. */
void pf_clip_cancel(struct pf_clip *clip, uint32_t id);
/** Answers; takes `data` over in any case, which is sent only with PF_CLIP_OK. 0,
 * -ENOENT when nobody waits any more, -EMSGSIZE (then it was answered with
 * PF_CLIP_UNAVAILABLE), -ENOMEM. */
int pf_clip_answer(
	struct pf_clip *clip, uint32_t id, enum pf_clip_status status, uint8_t *data, size_t len);

/* The endpoint's events. */
void pf_clip_stream_opened(struct pf_clip *clip, struct pf_quic_stream *st);
void pf_clip_stream_data(
	struct pf_clip *clip, struct pf_quic_stream *st, const uint8_t *data, size_t len, bool fin);
void pf_clip_stream_closed(struct pf_clip *clip, struct pf_quic_stream *st, uint64_t code);

/* ---- offers ---- */

struct pf_clip_format {
	char mime[PF_CLIP_MIME_MAX + 1];
	uint64_t size_hint; /* 0 = not known */
};

/* An offer that borrows nothing. */
struct pf_clip_offer {
	uint32_t seq;
	unsigned count;
	struct pf_clip_format formats[PF_CLIP_FORMATS_MAX];
};

/** Copies message 42; what is no printable ASCII is left out, so is what came before. */
void pf_clip_offer_read(struct pf_clip_offer *out, const struct pf_ctl *m);
/** The message for it; borrows its strings. */
void pf_clip_offer_message(struct pf_ctl *out, const struct pf_clip_offer *o);
bool pf_clip_offer_has(const struct pf_clip_offer *o, const char *mime);
/** Whether an offer with `seq` replaces one with `before`; sequences wrap. */
static inline bool pf_clip_newer(uint32_t seq, uint32_t before)
{
	return (int32_t)(seq - before) > 0;
}
