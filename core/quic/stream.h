/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* stream.h - streams of a connection beside its control stream.
 *
 * Either end may open PF_QUIC_STREAMS of them at a time. They are for bulk: they
 * leave after control messages and datagrams, and no faster than
 * PF_QUIC_STREAM_BYTES_PER_S together, so that a picture beside them hardly
 * notices. What arrives is handed on at once; bounding it is the receiver's
 * part. Events come on the quic thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PF_QUIC_STREAMS 4
/* What one end may have queued or not acknowledged: a stream that was reset keeps what
 * left until the peer says that it knows. */
#define PF_QUIC_STREAM_BYTES_MAX   (65u << 20)
#define PF_QUIC_STREAM_BYTES_PER_S (4 * 1024 * 1024)

struct pf_quic_conn;
struct pf_quic_stream;

/** Any thread. A stream to the peer, which hears of it with the first bytes; its
 * events name it. It is reset when `deadline_ns` (monotonic, 0 = never) passes. The
 * caller has a reference until pf_quic_stream_unref. 0, -EAGAIN (as many as may be are
 * open), -ENOMEM, -EPIPE. */
int pf_quic_stream_open(struct pf_quic_stream **out, struct pf_quic_conn *c, uint64_t deadline_ns);
/** Any thread. Queues `data`, which malloc made and the stream frees, also on
 * failure; with `fin` nothing follows. 0, -ENOBUFS above
 * PF_QUIC_STREAM_BYTES_MAX in all, -ENOMEM, -EPIPE after the end. */
int pf_quic_stream_send(struct pf_quic_stream *st, uint8_t *data, size_t len, bool fin);
/** Any thread. Ends it both ways at once; `stream_closed` follows unless it came. */
void pf_quic_stream_reset(struct pf_quic_stream *st, uint32_t code);
/** Quic thread, for a stream of the peer's: as at open. */
void pf_quic_stream_set_deadline(struct pf_quic_stream *st, uint64_t deadline_ns);
/** Any thread. */
struct pf_quic_stream *pf_quic_stream_ref(struct pf_quic_stream *st);
/** Any thread; accepts NULL. */
void pf_quic_stream_unref(struct pf_quic_stream *st);
