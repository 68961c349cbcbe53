/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pw_linker.h - the session manager of a graph with one sink and, at times, one
 * microphone.
 *
 * Every application stream that asks to be connected gets the channel layout of
 * the other side on its ports (its own converter mixes up or down) and a link per
 * channel: playback to the sink, recording from the sink's monitor if it asks for
 * that, else from the microphone, now or when it comes. It names both as the
 * defaults for PulseAudio applications and lets sandboxed ones
 * in: nothing else lives in this graph. All calls on the loop's thread or under
 * its lock. */
#pragma once
#include <stdint.h>

struct pf_pw_linker;
struct pw_core;

struct pf_pw_linker_params {
	struct pw_core *core;
	const char *sink; /* node.name; literal */
	const char *mic;  /* the microphone's, whenever there is one; literal */
	unsigned channels;
	const uint32_t *position; /* SPA_AUDIO_CHANNEL_*, literal */
	/* The sink can be played to from now on; once. */
	void (*ready)(void *user);
	void *user;
};

/** 0 or a negative errno. */
int pf_pw_linker_create(struct pf_pw_linker **out, const struct pf_pw_linker_params *params);
/** Takes down its links; before the core is disconnected. Accepts NULL. */
void pf_pw_linker_destroy(struct pf_pw_linker *l);
