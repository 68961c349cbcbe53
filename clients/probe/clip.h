/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* clip.h - the clipboard, as a script has it.
 *
 *     clip on|off
 *     clip offer FORMAT FILE [FORMAT FILE]...    ours from now on; without any: none
 *     clip fetch FORMAT FILE [MS]                the host's, as soon as it has one
 * A fetch waits MS (10000) for an offer of that format, then again as long for the
 * data. The event and the input thread share it. */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include "punktfunk_core.h"

#define PF_PROBE_FETCHES 32

struct pf_probe_clip {
	pthread_mutex_t lock;
	int state[3]; /* enabled, policy, reason; -1 = never heard */
	unsigned offers, served, refused;
	PunktfunkClipOffer theirs;
	unsigned count;
	struct {
		char format[128];
		uint8_t *data;
		size_t size;
	} ours[PUNKTFUNK_CLIP_FORMATS];
	unsigned fetches;
	struct {
		int32_t error;
		size_t size;
	} fetched[PF_PROBE_FETCHES];
};

void pf_probe_clip_init(struct pf_probe_clip *c);
void pf_probe_clip_finish(struct pf_probe_clip *c);
/** Whether these words, behind `clip`, can be done at all. */
bool pf_probe_clip_check(const char *words);
/** Does them; blocks for a fetch until `stop`. Faults are told to standard error. */
void pf_probe_clip_do(struct pf_probe_clip *c, PunktfunkConnection *conn, const char *words,
	const _Atomic bool *stop);
void pf_probe_clip_event(
	struct pf_probe_clip *c, PunktfunkConnection *conn, const PunktfunkEvent *e);
/** One JSON value. */
void pf_probe_clip_json(struct pf_probe_clip *c, FILE *out);
