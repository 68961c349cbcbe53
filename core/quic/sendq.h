/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* sendq.h - what waits to leave on one connection.
 *
 * pf_streamq: framed control messages, kept until acknowledged, bounded in
 * bytes. pf_dgramq: unreliable datagrams, the oldest dropped when full. Putting
 * is for any thread (one short lock each, control and datagrams apart); all
 * else belongs to the quic thread. */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/wire/framing.h"

/* What the length field can say. */
#define PF_STREAM_MSG_MAX 65535
/* Control bytes that may wait unacknowledged: several full-size messages. */
#define PF_STREAMQ_MAX_BYTES (512 * 1024)
/* punktfunk1.md 2: about 4 KiB; audio older than that is of no use. */
#define PF_DGRAMQ_BYTES	 4096
#define PF_DGRAM_MAX_LEN 1400

struct pf_chunk;

struct pf_streamq {
	const struct pf_framing *framing; /* pf_pf1_framing unless it was changed */
	pthread_mutex_t lock;
	bool closed;
	size_t bytes;			/* waiting or unacknowledged; under the lock */
	struct pf_chunk *in, **in_tail; /* put and not yet taken over; under the lock */
	struct pf_chunk *first, **tail; /* in order; quic thread */
	struct pf_chunk *unsent;	/* the chunk to send from, within the list */
	size_t unsent_off;
	size_t acked_off; /* acknowledged bytes of `first` */
};

void pf_streamq_init(struct pf_streamq *q);
void pf_streamq_finish(struct pf_streamq *q);
/** Before the first put: how messages are framed from now on; `opens`: this side opened
 * the stream, and begins with the preamble. 0, -ENOMEM. */
int pf_streamq_frame(struct pf_streamq *q, const struct pf_framing *framing, bool opens);
/** Any thread. Queues a message with its head. 0, -EMSGSIZE, -EAGAIN (full), -ENOMEM,
 * -EPIPE after pf_streamq_close. */
int pf_streamq_put(struct pf_streamq *q, const uint8_t *msg, size_t len);
/** Takes over what was put; true if there are bytes to send, set in *data, *len. */
bool pf_streamq_peek(struct pf_streamq *q, const uint8_t **data, size_t *len);
/** `n` bytes of the last peek were written into a packet. */
void pf_streamq_sent(struct pf_streamq *q, size_t n);
/** The peer has `n` more bytes, from the front: frees them. */
void pf_streamq_acked(struct pf_streamq *q, uint64_t n);
/** Refuses further puts. Any thread. */
void pf_streamq_close(struct pf_streamq *q);
/** Refuses further puts, wipes and frees what is there. */
void pf_streamq_discard(struct pf_streamq *q);

struct pf_dgramq {
	pthread_mutex_t lock;
	bool closed;
	uint32_t head, used; /* bytes; each entry is len u16 and payload */
	uint64_t dropped;
	uint8_t ring[PF_DGRAMQ_BYTES];
};

void pf_dgramq_init(struct pf_dgramq *q);
void pf_dgramq_finish(struct pf_dgramq *q);
/** Any thread; no allocation. 0 (perhaps after dropping the oldest), -EMSGSIZE,
 * -EPIPE. */
int pf_dgramq_put(struct pf_dgramq *q, const uint8_t *data, size_t len);
/** Copies the oldest into `out` and returns its length; 0 when empty. */
size_t pf_dgramq_take(struct pf_dgramq *q, uint8_t out[PF_DGRAM_MAX_LEN]);
/** Datagrams dropped since the start. Any thread. */
uint64_t pf_dgramq_dropped(struct pf_dgramq *q);
void pf_dgramq_close(struct pf_dgramq *q);
