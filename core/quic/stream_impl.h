/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* stream_impl.h - what a connection keeps about its extra streams; private to
 * core/quic. Quic thread unless it says otherwise. */
#pragma once
#include <pthread.h>
#include "core/quic/bridge.h"
#include "core/quic/stream.h"

struct pf_quic_streams {
	pthread_mutex_t lock;	     /* what streams.c marks so, and the next five */
	struct pf_quic_stream *made; /* opened by other threads, not taken over yet */
	unsigned local;		     /* of ours that are open */
	bool closed;
	size_t held; /* bytes of all pieces, sent ones until they are acknowledged */
	struct pf_quic_stream *first;
	uint64_t tokens, tokens_ns; /* bytes that may leave, as of then */
	uint64_t next_ns;	    /* when more of them are there; 0 = nothing waits */
};

void pf_streams_init(struct pf_quic_streams *s);
void pf_streams_finish(struct pf_quic_streams *s);
/** Wishes of other threads and deadlines, before anything is written. */
void pf_streams_run(struct pf_quic_conn *c, uint64_t now);
/** When pf_streams_run is due; UINT64_MAX = not. */
uint64_t pf_streams_due(const struct pf_quic_conn *c);
/** A new round of packets. */
void pf_streams_begin(struct pf_quic_conn *c, uint64_t now);
/** The next piece that may leave, or NULL. */
struct pf_quic_stream *pf_streams_next(struct pf_quic_conn *c, ngtcp2_vec *vec, bool *fin);
int64_t pf_stream_id(const struct pf_quic_stream *st);
/** `taken` bytes of that piece were written into a packet, and the end if `fin`. */
void pf_stream_sent(struct pf_quic_conn *c, struct pf_quic_stream *st, size_t taken, bool fin);
/** It takes nothing more in this round, or nothing for ever. */
void pf_stream_blocked(struct pf_quic_stream *st, bool for_ever);

/* The library's callbacks, for all but the control stream. */
void pf_streams_opened(struct pf_quic_conn *c, int64_t id);
void pf_streams_data(struct pf_quic_conn *c, int64_t id, const uint8_t *data, size_t len, bool fin);
void pf_streams_acked(struct pf_quic_conn *c, int64_t id, uint64_t len);
void pf_streams_reset(struct pf_quic_conn *c, int64_t id, uint64_t code);
void pf_streams_closed(struct pf_quic_conn *c, int64_t id, uint64_t code);
/** The connection is over and the library's state gone. */
void pf_streams_lost(struct pf_quic_conn *c);
