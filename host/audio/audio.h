/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* audio.h - the sound of one desk.
 *
 * open() makes a sink of the desk's own that its applications play to, and
 * hands what they play to on_pcm in blocks of 5 ms. While nothing plays no blocks
 * come: a gap in capture_ns. It needs nothing of the machine's own sound. A desk
 * without sound goes on without it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/base/reason.h"

#define PF_AUDIO_RATE  48000
#define PF_AUDIO_BLOCK 240 /* samples per channel in 5 ms */

struct pf_audio_params {
	unsigned channels;	 /* 2, 6 or 8: FL FR FC LFE RL RR SL SR */
	const char *runtime_dir; /* the desk's private XDG_RUNTIME_DIR */
	const char *log_dir;	 /* children's output, NULL = /dev/null */
	/* Audio thread: PF_AUDIO_BLOCK interleaved float samples per channel;
	 * `capture_ns` is the monotonic time of the first and always increases. Must
	 * not block. */
	void (*on_pcm)(void *user, const float *pcm, unsigned channels, uint64_t capture_ns);
	/* Once: sound ended by itself; after close, open may be tried again. Any thread. */
	void (*on_error)(void *user, int err, const char *text);
	void *user;
	const char *options; /* the backend's own, for tests; NULL */
};

/* NULL-ended list of "K=V"; it points into the struct itself. */
struct pf_audio_env {
	const char *list[4];
	char text[3][160]; /* a path to a socket is at most 107 bytes long */
};

/* A microphone that the desk's applications can record from. */
struct pf_audio_mic {
	const char *name; /* for people; copied */
	/* Audio thread: `samples` of it, mono; only while somebody records. Must not
	 * block. */
	void (*pull)(void *user, float *pcm, unsigned samples);
	void *user;
};

struct pf_audio;

struct pf_audio_ops {
	const char *name;
	int (*probe)(const struct pf_audio_params *params, struct pf_reason *why);
	/* Mandatory. May block for some 100 ms (starts daemons): call on a worker. */
	int (*open)(
		struct pf_audio **out, const struct pf_audio_params *params, struct pf_reason *why);
	/* Mandatory. Accepts NULL and half-built objects; children are gone after. */
	void (*close)(struct pf_audio *a);
	/* Optional, with NULL = there are no microphones here. There is one from now on, in
	 * place of the one before; NULL removes it, and `pull` does not run any more when
	 * this returns. Takes some milliseconds at most; any one thread. */
	int (*set_mic)(struct pf_audio *a, const struct pf_audio_mic *mic, struct pf_reason *why);
	/* Optional: environment that applications of a desk need, the same before, while
	 * and after it has sound: who starts early finds the sound when it is there. */
	void (*app_env)(const char *runtime_dir, struct pf_audio_env *out);
};

struct pf_audio {
	const struct pf_audio_ops *ops;
};

/** NULL-ended, best first. */
const struct pf_audio_ops *const *pf_audio_backends(void);
/** The named backend, or NULL. */
const struct pf_audio_ops *pf_audio_find(const char *name);
