/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gamestream.h - the plane that stock Moonlight clients speak.
 *
 * Off unless the operator asks for it: its PIN pairing and its audio encryption
 * are weak by design, so it is for trusted networks. HTTP(S) for pairing and
 * launch, RTSP to negotiate, ENet for control and input, RTP for picture and
 * sound; desks, streams and the sender are those of the native plane. Control
 * loop. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "core/net/sender.h"
#include "host/desk/desk.h"
#include "host/encode/encode.h"
#include "host/stream/news.h"
#include "host/stream/timeline.h"
#include "host/registry/config.h"
#include "host/sys/loop.h"
#include "host/sys/worker.h"

struct pf_apps;
struct pf_clients;
struct pf_gamestream;
struct pf_gs_routes;
struct pf_sent_meters;
struct pf_stream_meters;
struct pf_identity;

/* Ports are fixed offsets from the base (gamestream.md 1.1). */
#define PF_GS_HTTPS_OFFSET   (-5)
#define PF_GS_VIDEO_OFFSET   9
#define PF_GS_CONTROL_OFFSET 10
#define PF_GS_AUDIO_OFFSET   11
#define PF_GS_RTSP_OFFSET    21
#define PF_GS_BASE_MIN	     1029u
#define PF_GS_BASE_MAX	     65514u

struct pf_gamestream_params {
	struct pf_loop *loop;
	struct pf_workers *workers;
	struct pf_desks *desks;
	const struct pf_config *config;	    /* read at each launch */
	const struct pf_identity *identity; /* RSA (rsa_identity.h) */
	struct pf_clients *clients;
	struct pf_apps *apps;
	struct pf_encoders encoders;
	const struct pf_capture_ops *capture; /* NULL = by the kind of the display's source */
	const char *hostname;
	const char *unique_id; /* never changes: clients know the host by it */
	/* Optional: how many clients other planes serve; they count against max_sessions. */
	unsigned (*elsewhere)(void *user);
	void *user;
};

/* One session in figures. */
struct pf_gs_session_report {
	uint64_t id;
	bool live;
	char client[65]; /* fingerprint */
	char name[65], app[129], encoder[32], codec[8], desk[24], close_text[128];
	uint32_t width, height, refresh_mhz, bitrate_kbps;
	uint32_t target_kbps; /* of the encoder, in force */
	uint32_t limit_kbps;  /* the operator's; 0 = none */
	struct pf_timeline timeline;
	uint64_t ended_ns;
	uint64_t input_events, input_denied;
	uint64_t control_dropped; /* forged, replayed or malformed messages */
	uint64_t frames_sent, frames_dropped, packets, packets_parity, bytes, idrs;
	uint64_t audio_packets;
	bool encoder_kept; /* from the client's session before */
	unsigned rtt_ms;
	struct pf_sender_stats sender;
	/* While the report is handed out; meters NULL = there is none. */
	const struct pf_stream_meters *meters;
	const struct pf_sent_meters *sent;
};

/* What came to the ports and was no use, since the start. */
struct pf_gamestream_totals {
	uint64_t bad_pings;	     /* to the media ports, with no session's payload */
	uint64_t bad_rtsp;	     /* requests of no launch */
	uint64_t refused_connects;   /* control connections that no session waits for */
	uint64_t oversized_messages; /* of control connections */
	uint64_t moves;		     /* control connections that followed their client */
};

/** Opens all ports. -EADDRINUSE etc. with the words. */
int pf_gamestream_create(struct pf_gamestream **out, const struct pf_gamestream_params *params,
	struct pf_reason *why);
/** Ends all sessions with these words; the plane goes on. */
void pf_gamestream_end_sessions(struct pf_gamestream *g, const char *words);
/** Ends all sessions; `done` runs on the loop when they let go of everything. */
void pf_gamestream_shutdown(struct pf_gamestream *g, void (*done)(void *user), void *user);
/** After the shutdown is done. Accepts NULL. */
void pf_gamestream_destroy(struct pf_gamestream *g);
uint16_t pf_gamestream_port(const struct pf_gamestream *g);
/** For the management of pairing. */
struct pf_gs_routes *pf_gamestream_routes(struct pf_gamestream *g);
/** Sessions that stream or are about to. */
unsigned pf_gamestream_count(const struct pf_gamestream *g);
void pf_gamestream_totals(const struct pf_gamestream *g, struct pf_gamestream_totals *out);
/** Calls fn for each session that has not ended. */
void pf_gamestream_each(struct pf_gamestream *g,
	void (*fn)(void *user, const struct pf_gs_session_report *r), void *user);
/** Who hears of sessions from now on; copied. */
void pf_gamestream_hear(struct pf_gamestream *g, const struct pf_session_hearer *hearer);

/* ---- what the operator does to a session (operate.c) ---- */

/** Ends it with these words in the log, and as a clean end for the client; its desk stays as
 * long as the settings say. -ENOENT when there is no such session, or not any more. */
int pf_gamestream_stop(
	struct pf_gamestream *g, uint64_t id, const char *words, struct pf_reason *why);
/** Makes its next picture a keyframe. -ENOENT, -EBUSY before it streams. */
int pf_gamestream_keyframe(struct pf_gamestream *g, uint64_t id, struct pf_reason *why);
/** Its bitrate from now on; 0 = what the client asked for. -ENOENT, -EBUSY before the client
 * said what it wants, -EINVAL. */
int pf_gamestream_set_bitrate(
	struct pf_gamestream *g, uint64_t id, uint32_t kbps, struct pf_reason *why);
