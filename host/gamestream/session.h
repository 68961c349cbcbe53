/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* session.h - one launch of one Moonlight client; gamestream.c makes and feeds it.
 *
 * Launch, RTSP, control connection and the first ping come in that order; desk
 * and encoder come up beside them. step() in session.c looks at what is there
 * and makes the next move. Control loop, except what says otherwise. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include "core/media/gs_seal.h"
#include "core/net/sender.h"
#include "core/wire/gs_sdp.h"
#include "host/encode/fit.h"
#include "host/gamestream/audio.h"
#include "host/gamestream/control.h"
#include "host/gamestream/gamestream.h"
#include "host/gamestream/input.h"
#include "host/gamestream/launch.h"
#include "host/gamestream/pads.h"
#include "host/gamestream/ports.h"
#include "host/gamestream/routes.h"
#include "host/gamestream/rtsp_server.h"
#include "host/stream/timeline.h"
#include "host/registry/apps.h"
#include "host/registry/clients.h"
#include "host/stream/stream.h"

/* A client's app: it runs as long as the client's desk does. */
struct pf_gs_running {
	struct pf_gs_running *next;
	uint8_t fingerprint[32];
	struct pf_app *app;
};

struct pf_gamestream {
	struct pf_gamestream_params params;
	uint16_t base;
	uint32_t modes; /* pf_gs_mode bits */
	struct pf_gs_routes *routes;
	struct pf_gs_rtsp_server *rtsp;
	struct pf_gs_control *control;
	struct pf_gs_port *video, *audio;
	struct pf_gs_session *sessions;
	struct pf_gs_running *running;
	uint64_t number; /* of the newest session */
	uint64_t bad_pings, bad_rtsp;
	void (*shutdown_done)(void *user);
	void *shutdown_user;
	bool shut;
	uint64_t shut_ns;	   /* when it began */
	struct pf_timer *farewell; /* looks whether the last words arrived */
	struct pf_clients_watch watch;
	struct pf_session_hearer hearer;
};

struct pf_gs_session {
	struct pf_gamestream *g;
	struct pf_gs_session *next;
	uint64_t id;
	char name[32]; /* "moonlight 3" */
	char client_name[65];
	struct pf_gs_launch launch; /* holds the key: wiped at the end */
	struct pf_app *app;

	/* RTSP */
	struct pf_gs_rtsp_seal rtsp_seal; /* when launch.corever */
	struct pf_gs_rtsp_conn *waiting;  /* ANNOUNCE, not yet answered */
	uint32_t waiting_cseq;
	char rtsp_session[17];
	char ping_id[PF_GS_PING_CHARS + 1];
	uint32_t connect_data;
	bool host_any, announced;
	struct pf_gs_announce announce;
	uint32_t encoder_kbps; /* asked of the encoder */
	uint32_t limit_kbps;   /* the operator's word for it; 0 = the client's holds */

	/* control */
	struct pf_gs_link *link; /* NULL = not connected (any more) */
	bool connected;		 /* was, once */
	uint32_t last_words;	 /* PF_GS_TERM_* that the client will hear when it connects */
	struct pf_timer *farewell;
	struct pf_gs_ctl_seal seal;
	uint64_t control_ns; /* of the newest good message */
	uint64_t control_dropped;
	struct pf_gs_input_map input;
	struct pf_gs_pads pads;
	struct pf_timer *feedback_wait; /* the link is busy */

	/* media */
	struct pf_sender *sender;
	struct pf_sent_meters sent;	       /* sender's thread */
	struct pf_gs_audio *sound;	       /* NULL = no sound */
	uint32_t video_counter, audio_counter; /* of the newest ping */
	struct pf_gs_path video_path, audio_path;
	struct pf_gs_ear *video_ear, *audio_ear;
	bool sound_bound; /* it has a socket */

	/* desk and stream, as host/native/session.h */
	struct pf_mode mode, want_mode;
	struct pf_fit fit; /* where the display's picture lies in the client's */
	struct pf_desk *desk;
	char desk_name[24];
	enum pf_desk_origin desk_origin;
	struct pf_stream *stream;
	struct pf_parked *parked; /* its encoder, once it is stopped */
	bool desk_ready, stream_up, attached, busy, ending, kicked, finished, playing;
	bool change_mode; /* want_mode is to come */
	bool drop_desk;	  /* end the desk with the session */
	bool told;	  /* who hears of sessions knows it */
	struct pf_loop_item kick_item;
	struct pf_job job;
	struct pf_source source; /* for the attach job; strings are the desk's */
	struct pf_mode job_mode; /* for the start job */
	int result;
	struct pf_reason why;
	struct pf_timer *tick;
	/* The encode thread's until first_sent is set, then the loop's. */
	struct pf_frame_stamps first_stamps;
	uint64_t first_sent_ns;
	_Atomic bool first_sent;
	struct pf_loop_item first_item;
	struct pf_timeline timeline;
	uint64_t ended_ns;
	char close_text[128];
};

/** A launch or resume: makes a session and answers `r`. */
void pf_gs_session_launch(
	struct pf_gamestream *g, const struct pf_gs_launch *l, struct pf_gs_request *r);
/** Ends it, once; `code` is told to the client if it is not 0 (PF_GS_TERM_*). */
void pf_gs_session_end(struct pf_gs_session *s, uint32_t code, const char *text);
/** Tells whoever hears of sessions. */
void pf_gs_session_tell(struct pf_gs_session *s, enum pf_session_news news);
/** What the encoder makes of the rate that the client announced. */
uint32_t pf_gs_session_wish_kbps(const struct pf_gs_session *s);
/** What it may do from now on. */
void pf_gs_session_set_grants(struct pf_gs_session *s, uint32_t grants);
/** Looks anew at what is there, soon. */
void pf_gs_session_kick(struct pf_gs_session *s);
/** The ANNOUNCE of `conn` is in s->announce: brings the stream up, then answers. */
void pf_gs_session_announced(struct pf_gs_session *s, struct pf_gs_rtsp_conn *conn, uint32_t cseq);
/** A message on a link that knows this session's connect data; the first one that
 * proves the key makes it the control connection. False: end the link. */
bool pf_gs_session_message(
	struct pf_gs_session *s, struct pf_gs_link *link, const uint8_t *data, size_t len);
/** Only this session's client can have made this message, and just now. */
bool pf_gs_session_moved(
	struct pf_gs_session *s, const struct pf_gs_link *link, const uint8_t *data, size_t len);
/** A link of this session's ended. */
void pf_gs_session_gone(struct pf_gs_session *s, struct pf_gs_link *link);
/** A ping with this session's payload came to the video or the audio port. */
void pf_gs_session_video_ping(
	struct pf_gs_session *s, uint32_t counter, const struct pf_gs_path *path);
void pf_gs_session_audio_ping(
	struct pf_gs_session *s, uint32_t counter, const struct pf_gs_path *path);
/* session_report.c */
/** As people write it. */
const char *pf_gs_codec_name(enum pf_gs_codec codec);
void pf_gs_session_report(struct pf_gs_session *s, struct pf_gs_session_report *out);

/** Seals and sends a message, reliably. 0 or a negative errno. */
int pf_gs_session_send(struct pf_gs_session *s, const struct pf_gs_ctl *m);

/* session_pads.c: between the desk's pads and the client */
void pf_gs_session_pads_begin(struct pf_gs_session *s);
/** It has its desk: that one may have pads of the session before. */
void pf_gs_session_pads_desk(struct pf_gs_session *s);
void pf_gs_session_pads_input(void *user, const struct pf_gs_input *in);
/** The desk's programs have news for the pads: tells the client as its link allows. */
void pf_gs_session_pads_feedback(void *user);
/** No feedback from now on; what rumbles is told to stop while there is a link. */
void pf_gs_session_pads_end(struct pf_gs_session *s);
void pf_gs_session_pads_revoke(struct pf_gs_session *s, uint32_t lost_grants);

/** The bit that says so to clients; 0 for what they have no word for. */
uint32_t pf_gs_mode_of(enum pf_gs_codec codec, enum pf_encoder_shape shape);
/** What the client asked for. */
enum pf_encoder_shape pf_gs_shape_of(const struct pf_gs_announce *a);

/* running.c */
/** The app of this client whose desk lives, or NULL. */
struct pf_app *pf_gs_running_find(struct pf_gamestream *g, const uint8_t fingerprint[32]);
/** Remembers it (takes a reference), or forgets it when `app` is NULL. 0, -ENOMEM. */
int pf_gs_running_set(struct pf_gamestream *g, const uint8_t fingerprint[32], struct pf_app *app);

/* rtsp.c */
extern const struct pf_gs_rtsp_events pf_gs_rtsp_handlers;
/** Answers the held ANNOUNCE with a status and forgets it. */
void pf_gs_rtsp_finish_announce(struct pf_gs_session *s, unsigned status);
