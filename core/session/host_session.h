/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* host_session.h - one client at the host; private to core/session.
 *
 * Two owners: the connection (until `closed`) and the receiver of `hello`. The
 * lock guards the control state; the frame path takes none. Functions here run
 * on the quic thread. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include "core/net/sender.h"
#include "core/quic/endpoint.h"
#include "core/session/clip.h"
#include "core/session/ignored.h"
#include "core/session/listener.h"
#include "core/session/pair_conn.h"
#include "core/session/shard_fit.h"
#include "core/wire/wire.h"

enum pf_host_state {
	PF_HOST_DECIDING, /* hello given out, no answer yet */
	PF_HOST_WELCOMED, /* waiting for Start */
	PF_HOST_OPENING,  /* Start came: clock rounds, hole punch */
	PF_HOST_RUNNING,
	PF_HOST_CLOSED,
};

struct pf_held;

struct pf_host_session {
	atomic_uint refs;
	uint64_t id;
	struct pf_listener *listener; /* quic thread, while the connection lives */
	struct pf_quic_conn *conn;
	const struct pf_wire *wire;
	int64_t unix_offset_ns;
	struct pf_hello hello;

	pthread_mutex_t lock;
	enum pf_host_state state;
	bool released; /* the receiver of `hello` let go */
	bool start_timer_wanted;
	struct pf_sender_params data; /* what accept agreed on; keys wiped at Start */
	unsigned echoes;
	bool holding; /* own control messages wait for the clock rounds */
	struct pf_held *held, **held_tail;
	unsigned held_count;
	uint64_t probed_ns; /* newest capacity probe, 0 = none */
	uint32_t probe_max_kbps;
	struct pf_shard_fit shards;
	unsigned path_looks; /* left */
	/* Of pf_accept; the same from before there is a sender on. */
	void (*sent)(void *user, const struct pf_frame_stamps *stamps, uint64_t sent_ns);
	void *sent_user;

	_Atomic(struct pf_sender *) sender;
	atomic_bool ready; /* the sender knows where to send */
	atomic_bool closed;
	atomic_uint audio_seq;
	struct pf_clip clip;
	struct pf_ignored ignored;
};

/** Who is at the other end of `c`. */
void pf_peer_of(struct pf_peer *out, const struct pf_quic_conn *c);
/** For a Hello that came on `c`; takes a reference to `c`. NULL = out of memory. */
struct pf_host_session *pf_host_session_create(
	struct pf_listener *l, uint64_t id, struct pf_quic_conn *c, const struct pf_hello *hello);
/** Before `hello`: what a client hears while nothing is decided. */
void pf_host_session_await(struct pf_host_session *s);
/** A message after Hello. Nonzero: forward *msg to the `control` event. */
bool pf_host_session_message(
	struct pf_host_session *s, const uint8_t *buf, size_t len, struct pf_ctl *msg);
/** The connection's timer. */
void pf_host_session_timer(struct pf_host_session *s);
/** The connection's notification; true = the `started` event is due. */
bool pf_host_session_notified(struct pf_host_session *s);
/** host_clip.c: what the clipboard's streams tell goes on to the listener's events. */
void pf_host_clip_init(struct pf_host_session *s);
/** The connection ended; its reference goes with this call. */
void pf_host_session_ended(struct pf_host_session *s);
/** quic thread: the client said Start; nothing more must come on its stream. */
bool pf_host_session_begun(struct pf_host_session *s);

/* What sessions need of their listener. */
struct pf_listener {
	struct pf_quic *quic;
	struct pf_listener_events events;
	void *user;
	uint16_t data_port;
	bool jumbo;
	unsigned max_sessions, sessions;
	uint64_t step_ns; /* patience with each step of the handshake */
	uint64_t next_id;
	uint8_t fingerprint[32];      /* ours */
	struct pf_pair_conn *pairing; /* by `next`, in pair_conn.c */
	atomic_uint ceremonies;	      /* of them, without outcome */
	pthread_mutex_t gate_lock;
	struct pf_pair_gate gate; /* under gate_lock */
};
