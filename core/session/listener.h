/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* listener.h - the host's end of punktfunk/1.
 *
 * One listener = one QUIC endpoint on its own thread and the data planes of its
 * sessions. Events come on the quic thread, must not block, and their pointers
 * are borrowed for the call: copy and post to the control loop. The calls on a
 * pf_host_session may come from any thread; a session handle stays valid from
 * its `hello` until pf_host_session_unref, also after `closed`. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "core/session/pairing.h"
#include "core/wire/pf1_control.h"
#include "core/wire/pf1_dgram.h"
#include "core/wire/pf1_handshake.h"
#include "punktfunk_core.h"

struct pf_listener;
struct pf_host_session;
struct pf_identity;

/* Who knocks. */
struct pf_peer {
	struct sockaddr_storage addr;
	bool has_certificate;
	uint8_t fingerprint[32]; /* SHA-256 of its leaf's DER */
};

enum pf_pair_result {
	PF_PAIR_DONE,	   /* paired: keep the client */
	PF_PAIR_WRONG_PIN, /* the PIN is used up */
	PF_PAIR_LEFT,	   /* the client went away in the middle; used up too */
};

/* How a ceremony ended. */
struct pf_pair_outcome {
	enum pf_pair_result result;
	struct pf_peer peer;
	char name[PF_CTL_NAME_MAX + 1]; /* as it came: perhaps no UTF-8 */
	bool has_terms;			/* of the arming */
	uint32_t grants;
	int64_t expires_s;
	uint64_t arming_id;
};

struct pf_listener_events {
	/* A Hello arrived. The receiver owns one reference to `s` from now on and
	 * answers, now or later, with accept or reject. */
	void (*hello)(void *user, struct pf_host_session *s, const struct pf_hello *hello,
		const struct pf_peer *peer);
	/* Start came, the clock rounds ran and the data plane is open: frames may be
	 * submitted. */
	void (*started)(void *user, struct pf_host_session *s);
	/* A control message that the session layer does not answer itself (it does
	 * clock probes, loss reports and capacity probes): keyframe, RFI, mode, bitrate... From
	 * Start on, so perhaps before `started`. */
	void (*control)(void *user, struct pf_host_session *s, const struct pf_ctl *msg);
	/* Input, mic, rich input datagrams; from Start on, as control messages. */
	void (*datagram)(void *user, struct pf_host_session *s, const struct pf_dgram *d);
	/* Optional, all three or none. The client wants the host's clipboard as offer
	 * `seq` named it: to be answered by pf_host_session_clip_answer. Without these
	 * slots the answer is "unavailable". */
	void (*clip_asked)(
		void *user, struct pf_host_session *s, uint32_t id, uint32_t seq, const char *mime);
	/* It does not wait for that any more. */
	void (*clip_withdrawn)(void *user, struct pf_host_session *s, uint32_t id);
	/* pf_host_session_clip_fetch is over: 0 and `data`, the receiver's to free; 1..3 as
	 * the client's status (punktfunk1.md 6, message 44), or a negative errno. */
	void (*clip_fetched)(void *user, struct pf_host_session *s, uint32_t id, int result,
		uint8_t *data, size_t len);
	/* The connection is gone; code 0xffffffff = lost without a close. No event
	 * for this session comes after it. Only after a hello. */
	void (*closed)(void *user, struct pf_host_session *s, uint32_t code, const char *text);
	/* A pairing ceremony that took a PIN ended. */
	void (*paired)(void *user, const struct pf_pair_outcome *o);
};

struct pf_listener_params {
	const char *bind_address;	    /* NULL = 0.0.0.0 */
	uint16_t port;			    /* 0 = any; see pf_listener_port */
	const struct pf_identity *identity; /* borrowed while the listener lives */
	const struct pf_listener_events *events;
	void *user;
	uint16_t data_port;    /* fixed data port, 0 = random per session */
	bool jumbo;	       /* packets may grow to what the path carries */
	uint32_t idle_ms;      /* lost after this much silence; 0 = 8000 */
	uint32_t max_sessions; /* further Hellos are closed as busy; 0 = 32 */
	uint32_t step_ms;      /* patience for the first message, for Start; 0 = 10000 */
};

/* When a submitted frame went through the host, for HOST_TIMING; monotonic ns. */
struct pf_frame_stamps {
	uint64_t capture_ns;	  /* picture complete */
	uint64_t encode_start_ns; /* taken up by the encode thread */
	uint64_t encode_end_ns;	  /* access unit ready */
};

/* How an accepted session streams; keys, data port, clock are the listener's. */
struct pf_accept {
	struct pf_welcome welcome; /* mode, codec, colour, bitrate, caps...; key, salt,
				      data_port, shard_payload, max_data are filled in */
	uint8_t fec_percent;	   /* 0..90 pinned or PUNKTFUNK_FEC_ADAPTIVE */
	uint32_t probe_max_kbps;   /* of capacity probes; 0 = none is run */
	uint8_t delivery;	   /* pf_delivery */
	uint8_t dscp;		   /* that video packets carry, 0..63 */
	/* Optional. Sender's thread, when a frame's last packet has left; must not block. */
	void (*sent)(void *user, const struct pf_frame_stamps *stamps, uint64_t sent_ns);
	void *sent_user; /* until the session's reference is given up */
};

/* What came to the QUIC port; all but `accepted` is of no use to anybody. */
struct pf_listener_stats {
	uint64_t accepted; /* handshakes begun */
	uint64_t refused;  /* newcomers dropped: too many unfinished handshakes */
	uint64_t retries;  /* newcomers sent back to prove their address */
	uint64_t ignored;  /* datagrams that are no QUIC or of no connection */
	uint64_t resets;   /* answers to them: this connection is gone */
};

int pf_listener_create(
	struct pf_listener **out, const struct pf_listener_params *params, struct pf_reason *why);
/** Closes every session with 0, stops the threads. Accepts NULL. */
void pf_listener_destroy(struct pf_listener *l);
uint16_t pf_listener_port(const struct pf_listener *l);
/** Any thread. */
void pf_listener_stats(struct pf_listener *l, struct pf_listener_stats *out);

/** Lets one client pair; replaces the PIN there was. Any thread, as the next two. */
void pf_listener_arm(struct pf_listener *l, const struct pf_arming *a);
void pf_listener_disarm(struct pf_listener *l);
/** Whether a PIN waits to be used; it goes to *out, which may be NULL. */
bool pf_listener_armed(struct pf_listener *l, struct pf_arming *out);
/** Ceremonies whose outcome is not known yet. Any thread. */
unsigned pf_listener_ceremonies(const struct pf_listener *l);

/** Sends Welcome and opens the data socket. 0; -EPIPE after the end, -EALREADY
 * when answered before, else why the socket did not open: close the session. */
int pf_host_session_accept(struct pf_host_session *s, const struct pf_accept *a);
/** Closes with a typed code before or after accept; `text` is cut to 256 bytes. */
void pf_host_session_close(struct pf_host_session *s, uint32_t code, const char *text);
/** Gives up the one reference of `hello`, after the last call of every thread.
 * Closes a live session with 0; may wait some 100 ms for the sender to stop. Not
 * from an event once the session was accepted. */
void pf_host_session_unref(struct pf_host_session *s);

/** Encode thread, from `started` on. Copies the access unit into the send ring;
 * -EAGAIN when it is full (dropped, counted), -EMSGSIZE, -EPIPE after close. */
int pf_host_session_submit(struct pf_host_session *s, const uint8_t *data, size_t len,
	uint32_t user_flags, const struct pf_frame_stamps *stamps);
/** Frames waiting in the send ring: encode skips the raw picture at 2. */
unsigned pf_host_session_queued(const struct pf_host_session *s);
/** Re-paces for a new encoder rate. */
void pf_host_session_set_bitrate(struct pf_host_session *s, uint32_t kbps);
/** Audio thread. Opus frame -> C9 datagram. `capture_ns` monotonic. */
int pf_host_session_audio(
	struct pf_host_session *s, const uint8_t *opus, size_t len, uint64_t capture_ns);
/** The same in a session that agreed on copies: a D2 datagram with the frame before it,
 * `previous_len` 0 = none. A copy that makes the datagram too long for the narrowest
 * path is left out. */
int pf_host_session_audio_redundant(struct pf_host_session *s, const uint8_t *opus, size_t len,
	const uint8_t *previous, size_t previous_len, uint64_t capture_ns);
/** Sends a control message or datagram; copied. -EAGAIN when the queue is full. */
int pf_host_session_control(struct pf_host_session *s, const struct pf_ctl *msg);
int pf_host_session_datagram(struct pf_host_session *s, const struct pf_dgram *d);
/** Any thread. Fetches a format of the client's clipboard offer `seq`. The id that
 * clip_fetched will name, or -EAGAIN, -EINVAL, -ENOMEM, -EPIPE. */
int64_t pf_host_session_clip_fetch(struct pf_host_session *s, uint32_t seq, const char *mime);
/** Any thread. Gives it up; clip_fetched follows. */
void pf_host_session_clip_cancel(struct pf_host_session *s, uint32_t id);
/** Any thread. `status` as in message 44; takes `data` over in any case. 0, -ENOENT
 * when the client does not wait any more, -EMSGSIZE, -ENOMEM. */
int pf_host_session_clip_answer(
	struct pf_host_session *s, uint32_t id, uint8_t status, uint8_t *data, size_t len);
/** Any thread. Counts a control message that the receiver of `control` has no use for. */
void pf_host_session_ignore(struct pf_host_session *s, uint8_t type);
/** Any thread. The `index`-th kind of what was ignored; false: there are no more. */
bool pf_host_session_ignored(struct pf_host_session *s, unsigned index, PunktfunkIgnored *out);
int pf_host_session_stats(struct pf_host_session *s, PunktfunkStats *out);
/** Any thread. The smoothed round trip of its connection; 0 = not known yet. */
uint64_t pf_host_session_rtt_ns(const struct pf_host_session *s);
/** What the sender has to tell; all zero before there is one. */
struct pf_sender_stats;
void pf_host_session_sender_stats(struct pf_host_session *s, struct pf_sender_stats *out);
/** What it asked for, while the session is held. */
const struct pf_hello *pf_host_session_hello(const struct pf_host_session *s);
void pf_host_session_peer(const struct pf_host_session *s, struct pf_peer *out);
/** Number unique within the listener, for logs. */
uint64_t pf_host_session_id(const struct pf_host_session *s);
