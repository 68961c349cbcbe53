/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* native.h - the plane of punktfunk/1: who may connect, what they get.
 *
 * Listens, admits, and joins each session with a desk and a stream. Events of
 * the quic thread are copied and posted to the control loop, where everything
 * else here runs; only input goes straight to the desk's devices. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/net/sender.h"
#include "core/session/listener.h"
#include "host/desk/desk.h"
#include "host/native/knocks.h"
#include "host/registry/apps.h"
#include "host/registry/clients.h"
#include "host/registry/config.h"
#include "host/stream/news.h"
#include "host/stream/stream.h"
#include "host/stream/timeline.h"
#include "host/sys/loop.h"
#include "host/sys/worker.h"

struct pf_native;

/* One session in figures, for the report. Times are monotonic, 0 = not reached. */
struct pf_session_report {
	uint64_t id;
	bool live;
	char client[65]; /* fingerprint, or "" without certificate */
	char name[PF_PF1_NAME_MAX + 1];
	char encoder[32], codec[8], desk[24];
	uint32_t width, height, refresh_mhz;
	enum pf_desk_origin desk_origin;
	struct pf_timeline timeline, change; /* of the newest mode; no begin: none */
	uint64_t ended_ns;
	uint32_t limit_kbps;	/* the operator's; 0 = none */
	double cpu_ms;		/* of the whole host process while the session played */
	uint64_t input_dropped; /* events of pads, touch, pen: the queue was full */
	uint64_t input_events, input_denied, audio_packets, audio_errors;
	/* Of the newest microphone; denied: for want of the grant. */
	uint64_t mic_packets, mic_recovered, mic_concealed, mic_late, mic_denied;
	uint64_t mic_dropped; /* no sound, or faster than it can be heard */
	uint32_t close_code;
	char close_text[128];
	struct pf_stream_stats stream;
	PunktfunkStats wire;
	struct pf_sender_stats sender;
	uint64_t rtt_ns; /* smoothed; 0 = not known */
	/* While the report is handed out; NULL = there is none. */
	const struct pf_stream_meters *meters;
	const struct pf_sent_meters *sent;
	unsigned ignored_count;
	PunktfunkIgnored ignored[16]; /* the first kinds of them */
};

/* How far pairing by PIN is. */
struct pf_native_pairing {
	bool armed;		 /* a PIN waits to be used */
	bool running;		 /* one was used just now, the outcome is due */
	uint64_t arming_id;	 /* of the newest arming; 0 = none yet */
	struct pf_arming arming; /* if armed */
	/* The newest outcome; arming_id 0 = none yet. */
	uint64_t last_id;
	enum pf_pair_result last;
	char last_name[PF_CLIENT_NAME_BYTES];
	uint8_t last_fingerprint[32];
};

struct pf_native_params {
	struct pf_loop *loop;
	struct pf_workers *workers;
	struct pf_desks *desks;
	const struct pf_config *config; /* read at each connection */
	const struct pf_identity *identity;
	const char *allowed_path;   /* file of fingerprints; may not exist; asked first */
	struct pf_clients *clients; /* who paired; NULL = nobody */
	struct pf_apps *apps;	    /* what may be launched; NULL = nothing */
	struct pf_encoders encoders;
	/* NULL = by the kind of the display's source */
	const struct pf_capture_ops *capture;
	/* Of unknown clients; 0 = as knocks.h has them. */
	unsigned knocks_per_address;
	uint64_t knock_wait_ns, knock_keep_ns;
	/* Optional: how many clients other planes serve; they count against max_sessions. */
	unsigned (*elsewhere)(void *user);
	void *elsewhere_user;
	/* Optional: a session ended. */
	void (*ended)(void *user, const struct pf_session_report *r);
	void *user;
};

/** Opens the port. -EADDRINUSE etc. with the words. */
int pf_native_create(
	struct pf_native **out, const struct pf_native_params *params, struct pf_reason *why);
/** Ends all sessions with these words; the plane goes on. */
void pf_native_end_sessions(struct pf_native *n, const char *words);
/** The settings changed: what sessions may share of the clipboard, and whether they
 * may speak. */
void pf_native_reload(struct pf_native *n);
/** Ends all sessions; `done` runs on the loop when they let go of everything. */
void pf_native_shutdown(struct pf_native *n, void (*done)(void *user), void *user);
/** After the shutdown is done. Accepts NULL. */
void pf_native_destroy(struct pf_native *n);
uint16_t pf_native_port(const struct pf_native *n);
/** What came to the QUIC port so far. */
void pf_native_wire(const struct pf_native *n, struct pf_listener_stats *out);
/** Sessions that stream or are about to. */
unsigned pf_native_count(const struct pf_native *n);
/** Calls fn for each session that has not ended; not for those that wait for
 * approval. */
void pf_native_each(
	struct pf_native *n, void (*fn)(void *user, const struct pf_session_report *r), void *user);

/** Who hears of sessions from now on; copied. */
void pf_native_hear(struct pf_native *n, const struct pf_session_hearer *hearer);

/* ---- what the operator does to a session (operate.c) ---- */

/** Ends it as an ordinary end with these words; its desk stays as long as the settings say.
 * -ENOENT when there is no such session, or not any more. */
int pf_native_stop(struct pf_native *n, uint64_t id, const char *words, struct pf_reason *why);
/** Makes its next picture a keyframe. -ENOENT, -EBUSY before it streams. */
int pf_native_keyframe(struct pf_native *n, uint64_t id, struct pf_reason *why);
/** Its bitrate from now on, which the client may go below, but not above. 0 = what the
 * client asked for last, and no limit. -ENOENT, -EINVAL. */
int pf_native_set_bitrate(struct pf_native *n, uint64_t id, uint32_t kbps, struct pf_reason *why);

/* ---- pairing ---- */

/** Lets one client pair within `ttl_s`, 0 = until the PIN is used. The rest of `a` is the
 * caller's, but for the PIN, which is made here, and the id. 0, -EIO. */
int pf_native_arm(struct pf_native *n, const struct pf_arming *a, uint32_t ttl_s);
void pf_native_disarm(struct pf_native *n);
/** The caller wipes it. */
void pf_native_pairing(const struct pf_native *n, struct pf_native_pairing *out);

/* ---- approval of unknown clients ---- */

/** Oldest knock first. */
void pf_native_each_knock(
	struct pf_native *n, void (*fn)(void *user, const struct pf_knock *k), void *user);
/** Keeps the client with these terms (and `name` unless it is NULL); a connection
 * that waits goes on at once. -ENOENT when there is no such knock, others from the
 * registry; then nothing has changed. */
int pf_native_approve(struct pf_native *n, uint32_t id, const char *name, uint32_t grants,
	int64_t expires_s, struct pf_client *out, struct pf_reason *why);
/** Forgets the knock and closes its connection. -ENOENT. */
int pf_native_deny(struct pf_native *n, uint32_t id, struct pf_reason *why);
