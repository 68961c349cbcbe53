/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* session.h - one client of the native plane; native.c makes and feeds it.
 *
 * Desk, encoder and connection come up side by side; step() in session.c looks
 * at what is there and makes the next move. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include "core/media/relief.h"
#include "host/audio/mic.h"
#include "host/native/native.h"
#include "host/sys/loop.h"

struct pf_native_clip;
struct pf_sound;

/* What a client may do. */
struct pf_native_access {
	uint32_t grants;
	int64_t expires_s; /* Unix time, 0 = never */
};

struct pf_native {
	struct pf_native_params params;
	struct pf_listener *listener;
	struct pf_native_session *wire;	    /* quic thread: connections by `wire_next` */
	struct pf_native_session *sessions; /* loop: by `next` */
	unsigned bad_lines_told;
	unsigned refusals; /* in the minute that began at: */
	uint64_t refusals_since_ns;
	void (*shutdown_done)(void *user);
	void *shutdown_user;
	bool shut;
	struct pf_loop_item shut_item;
	struct pf_clients_watch watch;
	struct pf_session_hearer hearer;
	uint64_t arming_id;
	struct pf_knocks knocks;
	struct pf_timer *knock_timer;
	struct pf_pair_outcome last_pair; /* arming_id 0 = none yet */
};

struct pf_native_session {
	struct pf_native *n;
	struct pf_host_session *s;   /* one reference */
	struct pf_native_clip *clip; /* from admission on */
	struct pf_hello hello;
	struct pf_peer peer;
	uint64_t id;
	char name[24]; /* "session 3" */

	/* quic thread */
	struct pf_native_session *wire_next;
	struct pf_loop_item hello_item, started_item, closed_item;
	uint32_t closed_code;
	char closed_text[128];
	_Atomic unsigned waiting; /* control messages on their way to the loop */
	_Atomic uint64_t input_events, input_denied;
	_Atomic uint64_t audio_packets, audio_errors; /* sound thread */
	_Atomic uint64_t mic_denied;
	struct pf_sent_meters sent; /* sender's thread */
	_Atomic bool playing;

	/* Encode thread, until first_item is posted. */
	_Atomic bool first_sent;
	struct pf_frame_stamps first_stamps;
	uint64_t first_sent_ns;
	struct pf_loop_item first_item;

	/* What quic thread and loop share. */
	pthread_mutex_t gate;
	struct pf_desk *gate_desk; /* NULL = input goes nowhere */
	uint32_t gate_grants;
	struct pf_native_session_pads *pads; /* from its desk on; then the same */
	struct pf_mic *mic;		     /* written by the loop only; NULL = none */
	bool mic_asked;			     /* the loop was told of a first packet */

	/* loop */
	struct pf_native_session *next;
	uint32_t grants;
	int64_t expires_s;	     /* Unix time, 0 = never */
	struct pf_timer *mark_timer; /* to the next warning */
	uint32_t limit_kbps;	     /* the operator's; 0 = none */
	uint32_t asked_kbps;	     /* the client's newest word, granted; 0 = the Welcome's */
	struct pf_relief relief;
	struct pf_timer *relief_timer; /* to its end */
	struct pf_welcome welcome;
	struct pf_mode mode, want_mode; /* in force (or coming up), asked for */
	struct pf_mode good_mode;	/* the last that streamed; width 0 = none */
	struct pf_app *app;		/* that the Hello names; a reference, or NULL */
	struct pf_desk *desk;
	char desk_name[24];
	enum pf_desk_origin desk_origin;
	struct pf_stream *stream;
	struct pf_parked *parked;      /* its encoder, once it is stopped */
	struct pf_sound *sound;	       /* NULL = no sound; closed last */
	struct pf_mic_stats mic_stats; /* of the one before */
	bool knocking;		       /* waits for approval */
	bool accepted, started, desk_ready, stream_up, attached, busy, ending, wire_closed;
	bool drop_desk;	  /* end the desk with the session */
	bool change_mode; /* want_mode is to come */
	bool landed;	  /* the display has another mode than asked for */
	bool told_to_end; /* by the other side */
	bool reverts;	  /* goes back to good_mode; the client is to hear of it */
	bool kicked, finished;
	uint64_t mode_changed_ns;
	uint64_t paused_ns; /* the stream is down since, to come back; 0 = it is not */
	struct pf_loop_item kick_item;
	struct pf_job job;
	struct pf_source source; /* for the attach job; strings are the desk's */
	struct pf_mode job_mode; /* for the start job */
	int result;
	struct pf_reason why;
	struct pf_timeline timeline, change; /* of the start, of the newest mode */
	uint64_t ended_ns;
	double cpu_start_ms, cpu_ms;
	uint32_t close_code;
	char close_text[128];
};

/** Loop: a Hello came; admits or refuses. */
void pf_native_session_begin(struct pf_native_session *ns);
/** Loop: the data plane is open. */
void pf_native_session_started(struct pf_native_session *ns);
/** Loop: a control message. */
void pf_native_session_control(struct pf_native_session *ns, const struct pf_ctl *msg);
/** Loop: the connection is gone. */
void pf_native_session_closed(struct pf_native_session *ns, uint32_t code, const char *text);
/** Loop: ends it from our side, once; later calls are ignored. */
void pf_native_session_end(struct pf_native_session *ns, uint32_t code, const char *text);
/** Loop: a client that waited for approval is known now; goes on, or refuses. */
void pf_native_session_resume(struct pf_native_session *ns);
/** Loop: what the client may do from now on, and until when. */
void pf_native_session_set_access(
	struct pf_native_session *ns, const struct pf_native_access *access);
/** Quic thread: an input event. */
void pf_native_session_input(struct pf_native_session *ns, const struct pf_input_event *ev);
/** Loop: looks anew at what is there, soon. */
void pf_native_session_kick(struct pf_native_session *ns);
/** Loop: tells whoever hears of sessions. */
void pf_native_session_tell(struct pf_native_session *ns, enum pf_session_news news);
/** Loop, requests.c: this bitrate is in force, and the client knows. */
void pf_native_apply_bitrate(struct pf_native_session *ns, uint32_t kbps);
/** Loop: tells the client the mode in force. */
void pf_native_tell_mode(struct pf_native_session *ns, bool accepted, const struct pf_mode *mode);
void pf_native_session_report(struct pf_native_session *ns, struct pf_session_report *out);
/** Loop, trust.c: a ceremony ended; `outcome` is a struct pf_pair_outcome. */
void pf_native_paired(void *native, void *outcome);
/** Loop, trust.c: what this client may do. -ENOKEY when it is not known and may ask;
 * else a refusal with its close code. */
int pf_native_admit(struct pf_native *n, const struct pf_peer *peer,
	struct pf_native_access *access, struct pf_reason *why);
/** Loop: logs a line about a client that is not in, unless there are too many. */
void pf_native_log_knock(struct pf_native_session *ns, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** Loop, trust.c: an unknown client waits for approval from now on. */
void pf_native_knock(struct pf_native_session *ns);
/** Loop, trust.c: its connection is gone or about to be. */
void pf_native_knock_left(struct pf_native_session *ns);
/** Loop, trust.c: the client with this fingerprint is known now. */
void pf_native_knock_known(struct pf_native *n, const uint8_t fingerprint[32]);
