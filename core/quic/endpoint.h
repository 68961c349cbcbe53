/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* endpoint.h - QUIC for punktfunk/1, both ends.
 *
 * An endpoint owns one UDP socket and one thread: a host's serves many
 * connections, a client's has exactly one. Each connection has the one control
 * stream the client opens, carrying `len u16` messages, datagrams, and streams for
 * bulk (stream.h). Events come on the quic thread and must not block; their
 * pointers are borrowed for the call. Calls marked "any thread" copy and wake the thread at once. A
 * connection handle lives until its last unref, also after `closed` and after
 * the endpoint is gone. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "core/quic/stream.h"

#define PF_QUIC_DEFAULT_PORT	     9777
#define PF_QUIC_HALF_OPEN_PER_ADDR   8
#define PF_QUIC_HALF_OPEN_MAX	     64
#define PF_QUIC_CONNECTIONS_MAX	     128
#define PF_QUIC_CLOSE_TEXT_MAX	     256
#define PF_QUIC_ETHERNET_BYTES	     1472
#define PF_QUIC_CODE_LOST	     0xffffffffu
#define PF_QUIC_STREAM_CANCELLED     0x70
#define PF_QUIC_STREAM_LATE	     0xfffffffeu /* its deadline passed; not of the wire */
#define PF_QUIC_DEFAULT_HANDSHAKE_MS 10000

struct pf_wire;
struct pf_identity;
struct pf_quic;
struct pf_quic_conn;

struct pf_quic_peer {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	bool has_certificate;
	uint8_t fingerprint[32]; /* SHA-256 of its leaf's DER */
};

/* Why a connection ended. */
struct pf_quic_close {
	uint32_t code; /* application close code, or PF_QUIC_CODE_LOST */
	bool local;    /* closed by pf_quic_conn_close or pf_quic_destroy */
	int err;       /* 0 after an application close, else a negative errno:
			* -ETIMEDOUT silence, -ECONNREFUSED, -EHOSTUNREACH,
			* -EACCES wrong fingerprint, -ECONNRESET the host
			* restarted, -EPROTO everything else */
	char text[PF_QUIC_CLOSE_TEXT_MAX + 1];
};

/* Every slot may be NULL. */
struct pf_quic_events {
	/* The handshake is done. At a client this is not acceptance: the host may
	 * still refuse the certificate. */
	void (*opened)(void *user, struct pf_quic_conn *c);
	/* One whole control message. */
	void (*message)(void *user, struct pf_quic_conn *c, const uint8_t *msg, size_t len);
	/* The peer finished or reset the control stream. */
	void (*stream_end)(void *user, struct pf_quic_conn *c);
	void (*datagram)(void *user, struct pf_quic_conn *c, const uint8_t *data, size_t len);
	/* The peer opened a stream beside control, to be given a deadline.
	 * Without this slot such streams are reset with 0x71. */
	void (*stream_opened)(void *user, struct pf_quic_conn *c, struct pf_quic_stream *st);
	/* Bytes of such a stream, or of one of ours; `fin`: the last ones. */
	void (*stream_data)(void *user, struct pf_quic_conn *c, struct pf_quic_stream *st,
		const uint8_t *data, size_t len, bool fin);
	/* Its last event. `code` is 0 when all went both ways, that of the reset,
	 * PF_QUIC_STREAM_LATE after its deadline, PF_QUIC_CODE_LOST with the connection. */
	void (*stream_closed)(
		void *user, struct pf_quic_conn *c, struct pf_quic_stream *st, uint64_t code);
	/* The deadline of pf_quic_conn_set_timer passed; it is disarmed. */
	void (*timer)(void *user, struct pf_quic_conn *c);
	/* After pf_quic_conn_notify; several may fold into one. */
	void (*notified)(void *user, struct pf_quic_conn *c);
	/* The last event of a connection. A host's connection that never opened has
	 * none at all. */
	void (*closed)(void *user, struct pf_quic_conn *c, const struct pf_quic_close *why);
};

struct pf_quic_params {
	const struct pf_identity *identity; /* the host needs one; a client may go without */
	const struct pf_quic_events *events;
	void *user;
	uint32_t idle_ms;      /* 0 = 8000; clamped to 1 s .. 1 h */
	bool jumbo;	       /* looks whether the path carries more than Ethernet's 1500 */
	uint32_t handshake_ms; /* 0 = 10000 */
	/* One ALPN; NULL = a host takes all that this build speaks, a client offers pkf1. */
	const char *alpn;

	/* host */
	const char *bind_address; /* NULL = 0.0.0.0 */
	uint16_t port;		  /* 0 = any */

	/* client */
	struct sockaddr_storage remote;
	socklen_t remote_len;
	const uint8_t *pin; /* 32 bytes, or NULL = take any host and report it */
};

struct pf_quic_stats {
	uint64_t accepted; /* handshakes begun */
	uint64_t refused;  /* first packets dropped by a limit */
	uint64_t packets_in, packets_out;
	uint64_t resets;  /* stateless resets sent */
	uint64_t retries; /* newcomers sent back to prove their address */
	uint64_t ignored; /* datagrams that are no QUIC or of no connection */
};

/** Binds and starts the thread. 0, -EADDRINUSE, -EADDRNOTAVAIL, -EINVAL, -ENOMEM,
 * -EIO. */
int pf_quic_listen(
	struct pf_quic **out, const struct pf_quic_params *params, struct pf_reason *why);
/** Starts one connection to params->remote; `opened` or `closed` tells. */
int pf_quic_dial(struct pf_quic **out, const struct pf_quic_params *params, struct pf_reason *why);
/** Closes what is open with code 0, lets the close frames leave (at most some 30
 * ms), stops the thread. Not from the quic thread. Accepts NULL. */
void pf_quic_destroy(struct pf_quic *q);
uint16_t pf_quic_port(const struct pf_quic *q);
/** Any thread. */
void pf_quic_stats(struct pf_quic *q, struct pf_quic_stats *out);

/** Any thread. */
struct pf_quic_conn *pf_quic_conn_ref(struct pf_quic_conn *c);
void pf_quic_conn_unref(struct pf_quic_conn *c);
/** The owner's pointer; quic thread only. */
void pf_quic_conn_set_user(struct pf_quic_conn *c, void *user);
void *pf_quic_conn_user(const struct pf_quic_conn *c);
/** Who is at the other end; constant from `opened` on. Any thread from then on. */
const struct pf_quic_peer *pf_quic_conn_peer(const struct pf_quic_conn *c);
/** The wire that both ends agreed on; constant from `opened` on. */
const struct pf_wire *pf_quic_conn_wire(const struct pf_quic_conn *c);
/** Quic thread. Keying material of this connection, the same at both ends and nowhere
 * else. 0, -EPIPE after the end, -EIO. */
int pf_quic_conn_export(struct pf_quic_conn *c, const char *label, const uint8_t *context,
	size_t len, uint8_t out[32]);
/** Our address on this connection's path; constant from `opened` on. */
const struct sockaddr_storage *pf_quic_conn_local(const struct pf_quic_conn *c);
/** Any thread. Queues one control message. 0, -EAGAIN (queue full), -EMSGSIZE,
 * -ENOMEM, -EPIPE. */
int pf_quic_conn_send(struct pf_quic_conn *c, const uint8_t *msg, size_t len);
/** Any thread; no allocation. Queues a datagram, at most PF_DGRAM_MAX_LEN bytes;
 * the oldest waiting ones give way and are counted. 0, -EMSGSIZE, -EPIPE. */
int pf_quic_conn_datagram(struct pf_quic_conn *c, const uint8_t *data, size_t len);
/** Any thread. Ends the connection with an application code; the first call wins.
 * `text` (may be NULL) is cut to 256 bytes. `closed` follows. */
void pf_quic_conn_close(struct pf_quic_conn *c, uint32_t code, const char *text);
/** Any thread. Ends our side of the control stream after what is queued; further
 * sends give -EPIPE. */
void pf_quic_conn_finish(struct pf_quic_conn *c);
/** Quic thread, host. The client said what it wants: its connection no longer
 * counts against the limits on half-open ones. */
void pf_quic_conn_settle(struct pf_quic_conn *c);
/** Any thread. Makes the quic thread call `notified`. */
void pf_quic_conn_notify(struct pf_quic_conn *c);
/** Quic thread. `deadline_ns` monotonic; 0 disarms. One timer per connection. */
void pf_quic_conn_set_timer(struct pf_quic_conn *c, uint64_t deadline_ns);
/** Any thread. The smoothed round trip; 0 = not known yet. */
uint64_t pf_quic_conn_rtt_ns(const struct pf_quic_conn *c);
/** Quic thread. The largest UDP payload that the path was shown to carry;
 * PF_QUIC_ETHERNET_BYTES when the largest probe below came through. More only with
 * `jumbo`, and where the library (ngtcp2 1.11) can be told what to try. */
unsigned pf_quic_conn_path_bytes(const struct pf_quic_conn *c);
/** Datagrams dropped before they left. Any thread. */
uint64_t pf_quic_conn_dropped(struct pf_quic_conn *c);
