/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* desk_impl.h - a desk from inside; for desk.c and stages.c only.
 *
 * Whoever runs a desk's job owns what the job works on; between jobs it is the
 * control loop's. */
#pragma once
#include <pthread.h>
#include "host/desk/desk.h"
#include "host/sys/files.h"

/* So often within a minute does a desk's sound that ended by itself start again: one
 * that cannot live does not keep the machine busy. */
#define PF_DESK_RESTARTS 3

struct sd_event_source;
struct pf_child;
struct pf_desk_pads;

enum pf_desk_stage {
	PF_DESK_RUNDIR = 1,
	PF_DESK_DISPLAY,
	PF_DESK_INPUT,
	PF_DESK_PROGRAM,
};

struct pf_desks {
	struct pf_desks_params params;
	struct pf_desk *first;
	unsigned number;       /* of the newest desk */
	struct pf_desk *spare; /* in the list, too; NULL = none */
	struct pf_timer *spare_timer;
	struct pf_mode spare_mode; /* what was asked for last */
	uint64_t changed_ns;	   /* newest move of any desk */
	uint64_t spare_after_ns;   /* not before, as it failed */
	unsigned spare_failures;   /* in a row */
	bool spare_refused;	   /* the operator released it */
	struct pf_desks_watch watch;
	struct pf_timer *look_timer; /* the watch is due */
	uint64_t looked;	     /* what it was told last, as a hash */
	void (*shutdown_done)(void *user);
	void *shutdown_user;
	bool shut;
};

struct pf_desk {
	struct pf_desks *m;
	struct pf_desk *next;
	char name[24];
	unsigned id;
	bool known;
	enum pf_desk_origin origin;
	uint8_t key[32];
	unsigned audio_channels; /* 0 = no sound */

	/* The job's while `busy`, else the loop's. */
	unsigned stage; /* stages up */
	struct pf_mode mode;
	uint64_t display_ns; /* when the display had it */
	char *runtime_dir;
	int lock_fd;		     /* of a file in it: while it is locked, the desk lives */
	char log_dir[PF_PATH_BYTES]; /* "" = none */
	struct pf_display *display;
	struct pf_child *program;
	struct pf_app *app;		 /* what it is, NULL = session_command; set once */
	unsigned prepared;		 /* commands of the app that were done before it */
	struct pf_mode target, job_mode; /* asked of the job; what it tries */
	struct pf_audio_env audio_env;
	struct pf_reason why;
	int result;
	char layout[64];
	char command[PF_CONFIG_TEXT_BYTES]; /* without an app */
	char display_options[PF_CONFIG_TEXT_BYTES];
	bool xwayland;

	pthread_mutex_t input_lock;
	struct pf_input *input; /* set and cleared under input_lock */

	/* The sound job's while audio_busy, else the loop's. */
	struct pf_audio *audio;
	char audio_options[PF_CONFIG_TEXT_BYTES];
	struct pf_reason audio_why;
	int audio_result;
	/* Set by the sound's thread before it posts audio_lost_item. */
	struct pf_reason audio_end;
	struct pf_loop_item audio_lost_item;
	pthread_mutex_t pcm_lock;
	void (*pcm_fn)(void *user, const float *pcm, unsigned channels, uint64_t capture_ns);
	void *pcm_user;
	pthread_mutex_t mic_lock;
	void (*mic_fn)(void *user, float *pcm, unsigned samples); /* NULL = no microphone */
	void *mic_user;
	char mic_name[96];

	char client_name[65];

	/* The loop's. */
	const struct pf_desk_events *events; /* NULL = nobody holds it */
	void *user;
	struct pf_desk_pads *pads; /* NULL = none yet; its devices are the job's once `ending` */
	unsigned lapsed;	   /* former holders that did not release it yet */
	struct pf_mode want;
	bool program_over; /* it ended, and that was told */
	bool busy, audio_busy, audio_answered, told, ending, kicked, no_program, waited;
	bool audio_due;			       /* its sound should start (again) */
	bool has_mic;			       /* its sound was told of one */
	bool resting;			       /* its display is */
	bool up;			       /* its display was, once */
	bool plays;			       /* the watch was told that its app started */
	uint64_t keep_until_ns;		       /* while keep_alive runs */
	uint64_t restart_ns[PF_DESK_RESTARTS]; /* the sound's latest, as a ring; 0 = none */
	unsigned restarts;
	struct pf_job job, audio_job;
	struct pf_loop_item kick_item;
	struct pf_timer *keep_alive, *sound_wait, *shown_wait;
	bool shown;   /* all else may start */
	void *parked; /* the job's once `ending`, and while parked_over is busy */
	void (*parked_drop)(void *thing);
	struct pf_timer *parked_wait;
	bool parked_over;
	struct sd_event_source *death, *program_end;
};

/** Tells the sound of the microphone, or that there is none. The loop's, any time. */
void pf_desk_mic_apply(struct pf_desk *d);
/** A desk that nobody holds yet, not even known to whom it will belong. */
int pf_desk_make(struct pf_desk **out, struct pf_desks *m, const struct pf_mode *mode,
	struct pf_reason *why);
/** Says whose it is, and what it runs. */
void pf_desk_give(struct pf_desk *d, const struct pf_desk_request *rq);
/** Looks anew at what it should be, soon. */
void pf_desk_kick(struct pf_desk *d);
/** It ends, once nobody uses it. */
void pf_desk_finish(struct pf_desk *d);
/** The settings that a display takes with it, as they are now. */
void pf_desk_read_settings(struct pf_desk *d);
/** Gives its logs the folder of its client. */
void pf_desk_move_logs(struct pf_desk *d);

/** list.c: something may be worth telling the watch, soon. */
void pf_desk_look(struct pf_desks *m);
/** Its app started or ended; tells the watch once each. */
void pf_desk_game(struct pf_desk *d, bool started);

/** spare.c: something changed, time to see whether there should be a spare desk. */
void pf_desk_spare_look(struct pf_desks *m);
/** A spare that can be used as it is becomes an ordinary desk; else NULL. */
struct pf_desk *pf_desk_spare_take(struct pf_desks *m);
/** Of the spare one: it waits for somebody. */
bool pf_desk_spare_is_ready(const struct pf_desk *d);
/** The spare did not come up, or its display ended. */
void pf_desk_spare_failed(struct pf_desk *d, const struct pf_reason *why);

/** Up to and including `target`; on failure what this call brought up is down. */
int pf_desk_climb(struct pf_desk *d, unsigned target, struct pf_reason *why);
/** Once the display is up: is it a desktop of its own, with nothing in it yet? */
bool pf_desk_is_private(const struct pf_desk *d);
/** Removes the runtime directories of desks whose host died without a word. */
void pf_desk_sweep(void);
/** The program stage. */
int pf_desk_program_up(struct pf_desk *d, struct pf_reason *why);
void pf_desk_program_down(struct pf_desk *d);
/** Down to `target`, in exact reverse. */
void pf_desk_descend(struct pf_desk *d, unsigned target);
/** Removes its gamepads. The closing job's. */
void pf_desk_pads_close(struct pf_desk *d);
/** After it, when the loop has run what they posted. */
void pf_desk_pads_free(struct pf_desk *d);
/** Lets go what they hold; they stay. */
void pf_desk_pads_release(struct pf_desk *d);
