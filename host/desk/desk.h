/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* desk.h - one client's private desktop: display, input devices, sound, program.
 *
 * A desk belongs to one client identity and outlives its streams: it stays for
 * the keep-alive time, and the client that comes back finds its windows where
 * they were. It is brought up in stages on a worker and torn down in exact
 * reverse. Input and sound come up beside and never hold up the picture. Where the
 * display can rest, one desk waits for whoever comes next. Calls are for the control
 * loop unless they say otherwise. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "host/audio/audio.h"
#include "host/display/display.h"
#include "host/input/input.h"
#include "host/pads/pads.h"
#include "host/registry/config.h"
#include "host/sys/loop.h"
#include "host/sys/worker.h"

struct pf_app;
struct pf_desks; /* all desks of the host */
struct pf_desk;

struct pf_desks_params {
	struct pf_loop *loop;
	struct pf_workers *workers;
	const struct pf_config *config; /* read whenever a desk is made */
	const struct pf_display_ops *display;
	const struct pf_audio_ops *audio; /* NULL = no sound */
	const char *log_root;		  /* directory for the children's output, or NULL */
	unsigned fail_stage;		  /* for tests: the stage (from 1) that fails; 0 = none */
	const struct pf_pads_backends *pads; /* for tests: devices; NULL = the kernel's */
	unsigned spare_delay_ms; /* for tests: how long all must be quiet; 0 = as ever */
};

/* Where a desk came from. */
enum pf_desk_origin {
	PF_DESK_NEW,
	PF_DESK_SPARE, /* made before anyone asked */
	PF_DESK_KEPT,  /* the client had it before */
};

/* The desk that is made before anyone asks for one. */
struct pf_desk_spare {
	bool wanted; /* by the settings, and the display can do it */
	bool ready;
	struct pf_mode mode;
	uint64_t memory_kib; /* of its display; 0 = not known */
};

/* Who asks, for what. */
struct pf_desk_request {
	bool known;	 /* false: nobody comes back to this desk */
	uint8_t key[32]; /* fingerprint of the client */
	struct pf_mode mode;
	unsigned audio_channels;
	/* What a new desk runs; referenced. NULL, or without a command of its own: what
	 * the settings say. */
	struct pf_app *app;
	/* The client's, for the names of its gamepads; copied. NULL = unknown. */
	const char *client_name;
};

enum pf_desk_state {
	PF_DESK_IS_OPENING,
	PF_DESK_IS_LIVE,    /* somebody holds it */
	PF_DESK_IS_KEPT,    /* its client may come back */
	PF_DESK_IS_SPARE,   /* ready for whoever comes next */
	PF_DESK_IS_CLOSING, /* on its way out */
};

/* One desk, for those who list them. Strings live as long as the call. */
struct pf_desk_info {
	unsigned id; /* of the name; never used again while the host runs */
	const char *name;
	enum pf_desk_state state;
	struct pf_mode mode; /* that it has or is about to have */
	bool known;	     /* `key` is its client's fingerprint */
	uint8_t key[32];
	const char *client_name;  /* "" = not said */
	const struct pf_app *app; /* NULL = what the settings say */
	uint32_t left_s;	  /* of a kept one: until it ends */
	uint64_t memory_kib;	  /* of its display; 0 = not known (now) */
};

/* What happens to desks, on the control loop, never from within a call. All optional. */
struct pf_desks_watch {
	/* The list or the state of one in it is another. */
	void (*changed)(void *user);
	/* The app of a desk started or ended. */
	void (*game)(void *user, const struct pf_desk_info *d, bool started);
	void *user;
};

/* What the holder of a desk hears, on the control loop, never from within a call
 * of its own to the desk. */
struct pf_desk_events {
	/* The desk has the mode asked for and can be captured from; after acquire and
	 * after set_mode. Input, sound and program follow. Or it failed: then `why` is
	 * not NULL, the desk is gone and must not be released. */
	void (*ready)(void *user, const struct pf_reason *why);
	/* Someone of the same identity took the desk over. Stop using it, then
	 * release it: the successor waits for that. */
	void (*taken)(void *user);
	/* The display ended by itself, or takes no input. Stop using the desk, then
	 * release it. */
	void (*died)(void *user, const struct pf_reason *why);
	/* Optional. The app ended, or did not start (then `why` is not NULL), and its
	 * exit policy is that the session ends with it. */
	void (*app_ended)(void *user, const struct pf_reason *why);
	/* Optional. A program has news for the gamepads: pf_desk_pad_feedback. */
	void (*pad_feedback)(void *user);
};

/** Also removes what desks of hosts that were killed left behind. */
int pf_desks_create(struct pf_desks **out, const struct pf_desks_params *params);
/** Ends every desk; nobody may hold one any more. `done` runs on the loop when
 * all are gone, also when there are none. No acquire after it. */
void pf_desks_shutdown(struct pf_desks *m, void (*done)(void *user), void *user);
/** After the shutdown is done. Accepts NULL. */
void pf_desks_destroy(struct pf_desks *m);
/** Desks that exist, a spare one and closing ones included. */
unsigned pf_desks_count(const struct pf_desks *m);
void pf_desks_spare(const struct pf_desks *m, struct pf_desk_spare *out);
/** The settings changed. */
void pf_desks_reload(struct pf_desks *m);

const char *pf_desk_state_name(enum pf_desk_state state);
/** Oldest first. */
void pf_desks_each(
	struct pf_desks *m, void (*fn)(void *user, const struct pf_desk_info *d), void *user);
/** Ends a kept desk with all that runs in it, or a spare one, which then stays away until
 * somebody comes or the settings are read anew. -ENOENT, or -EBUSY while somebody holds it;
 * with the words. */
int pf_desks_release(struct pf_desks *m, unsigned id, struct pf_reason *why);
/** One at a time; NULL ends it. Copied. */
void pf_desks_watch(struct pf_desks *m, const struct pf_desks_watch *watch);
/** What makes its displays. */
const struct pf_display_ops *pf_desks_display(const struct pf_desks *m);

/** Whether a client has a desk that it would come back to. */
bool pf_desks_has(struct pf_desks *m, const uint8_t key[32]);
/** What the desk that it would come back to runs; NULL = what the settings say. */
const struct pf_app *pf_desks_app(struct pf_desks *m, const uint8_t key[32]);
/** Ends the client's desk, now or when its holder releases it; nobody comes back to
 * it any more. True if there was one. */
bool pf_desks_end(struct pf_desks *m, const uint8_t key[32]);

/** Gets the client's desk: the one that waits for it, the spare one, or a new one.
 * Its opening starts at once; `ready` follows. 0 or -ENOMEM etc. with the words. */
int pf_desk_acquire(struct pf_desk **out, struct pf_desks *m, const struct pf_desk_request *rq,
	const struct pf_desk_events *events, void *user, struct pf_reason *why);
/** The holder `user` goes and uses nothing of the desk any more. If it still held
 * it, the desk stays for the keep-alive time, or ends now. */
void pf_desk_release(struct pf_desk *d, void *user, bool end_now);
/** Asks for another mode; `ready` follows. The holder must have stopped its
 * capture. Programs survive if the display can change in place, else they are
 * started anew. */
void pf_desk_set_mode(struct pf_desk *d, const struct pf_mode *mode);
/** The holder leaves `thing` for the next holder; `drop` (which may block) frees it,
 * on a worker, when the desk ends or nobody came for it within a minute. False: it does
 * not hold the desk any more, and keeps the thing. Nothing else may be parked. */
bool pf_desk_park(struct pf_desk *d, void *user, void *thing, void (*drop)(void *thing));
/** What the holder before left; the caller's from now on. NULL = nothing. */
void *pf_desk_unpark(struct pf_desk *d);
/** The holder's first picture is on its way. What else a fresh desk starts waits
 * for this, though not long: whoever looks at nothing yet needs no sound. */
void pf_desk_shown(struct pf_desk *d);
/** After ready, until release or set_mode. For a worker of the holder, too. */
const struct pf_source *pf_desk_source(const struct pf_desk *d);
const struct pf_mode *pf_desk_mode(const struct pf_desk *d);
/** Channels of its sound: what the first client asked for, fixed for its life; 0
 * when it has no sound. */
unsigned pf_desk_audio_channels(const struct pf_desk *d);
/** Monotonic time at which its display had its mode. After ready. */
uint64_t pf_desk_display_ns(const struct pf_desk *d);
/** Where the newest acquire got it from. */
enum pf_desk_origin pf_desk_origin(const struct pf_desk *d);
/** "new", "spare" or "kept". */
const char *pf_desk_origin_name(enum pf_desk_origin origin);
/** Name for logs, e.g. "desk 3". */
const char *pf_desk_name(const struct pf_desk *d);

/** Any one thread. Hands an event to the desk's devices; dropped when there are
 * none (yet). 0, -EAGAIN or -ENODEV. */
int pf_desk_input(struct pf_desk *d, const struct pf_input_event *ev);
/** A touch screen or a pen of the kernel's reaches what is on its desks. */
bool pf_desks_read_devices(const struct pf_desks *m);
/** pf_pads_can bits. */
unsigned pf_desks_pads_can(const struct pf_desks *m);
/** Everything that is held down goes up, on gamepads, too. */
void pf_desk_input_release(struct pf_desk *d);
/** An event of a gamepad, a touch screen or a pen. Devices come with the first one
 * and stay as long as the desk: a program keeps its pads while its client is away.
 * 0, -EAGAIN (full) or the error of making them. */
int pf_desk_pad(struct pf_desk *d, const struct pf_pad_event *ev);
/** The pads that are there, a bit each. */
uint16_t pf_desk_pads(const struct pf_desk *d);
/** The newest that a program told one of these pads and nobody heard yet; latest wins.
 * False: nothing. */
bool pf_desk_pad_feedback(struct pf_desk *d, uint16_t pads, struct pf_pad_feedback *out);
/** Whoever plays this pad now was not there before: all that holds comes once more. */
void pf_desk_pad_again(struct pf_desk *d, unsigned pad);
/** Sound goes to `fn` (audio thread, as pf_audio_params.on_pcm) from now on; NULL
 * ends it, and `fn` does not run any more when this returns. */
void pf_desk_set_pcm(struct pf_desk *d,
	void (*fn)(void *user, const float *pcm, unsigned channels, uint64_t capture_ns),
	void *user);

/** The holder's microphone, under the name of its client: `fn` gives the next samples,
 * mono (audio thread; as pf_audio_mic.pull). Programs see it as long as the desk has
 * sound. In place of the one before. */
void pf_desk_open_mic(struct pf_desk *d, const char *client,
	void (*fn)(void *user, float *pcm, unsigned samples), void *user);
/** Removes it if it is still the one of `user`, NULL = whosever; `fn` does not run any
 * more when this returns. Release, and whoever takes the desk over, do the same. */
void pf_desk_close_mic(struct pf_desk *d, const void *user);

/** Number of stages, and the name of stage 1..n. For tests and logs. */
unsigned pf_desk_stage_count(void);
const char *pf_desk_stage_name(unsigned stage);
