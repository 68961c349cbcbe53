/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* report.h - what the probe found, for people and for programs. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "clients/probe/clip.h"
#include "clients/probe/options.h"
#include "clients/probe/pads.h"
#include "clients/probe/sound.h"
#include "clients/probe/stages.h"
#include "clients/probe/track.h"
#include "punktfunk_core.h"

/* From HOST_TIMING. */
struct pf_host_times {
	uint64_t frames;
	struct pf_samples total, queue, encode, pace;
};

struct pf_probe_report {
	const struct pf_probe_options *options;
	PunktfunkConnectionInfo info;
	PunktfunkStats stats;
	struct pf_track *track;
	struct pf_probe_clip *clip;
	unsigned ignored_count;
	PunktfunkIgnored ignored[32];
	struct pf_host_times *host;
	struct pf_stages *stages;
	struct pf_samples *changes; /* asked for a mode -> its first picture */
	uint64_t changes_not_idr, refused_modes, bitrate_changes, gaps;
	uint64_t received; /* frames out of the core */
	uint64_t received_bytes;
	uint64_t overrun;	 /* frames the decoder had no room for */
	double seconds;		 /* from the first picture to the last */
	double connect_ms;	 /* the connect call */
	double first_picture_ms; /* its start to the first picture; < 0 = none */
	double first_frame_ms;	 /* to the first that is not uniform; < 0 = none */
	struct pf_sound_stats sound;
	double first_sound_ms; /* < 0 = none */
	double tone_hz[8];     /* strongest in each channel; 0 = silence */
	double expect_db[8];   /* share of the channel's energy */
	double reject_db;      /* of the channel that has more */
	uint64_t input_sent;
	const struct pf_pads_heard *pads;
	uint32_t close_code; /* of the host, UINT32_MAX = none */
	char close_text[128];
};

/** Text for a person. */
void pf_probe_report_print(struct pf_probe_report *r, FILE *out);
/** One JSON object. */
void pf_probe_report_json(struct pf_probe_report *r, FILE *out);
/** Holds the report against --verify, --max-not-shown, --expect-tone and
 * --reject-tone: the number of faults, each a line to `err`. */
unsigned pf_probe_report_verify(const struct pf_probe_report *r, FILE *err);
