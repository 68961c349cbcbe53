/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* options.h - the command line of punktfunk-probe.
 *
 * One table feeds the parser and --help; the man page names the same. Strings
 * are borrowed from argv, except host. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Bits: options name the commands that take them. */
enum pf_probe_command {
	PF_PROBE_CMD_CONNECT = 1,
	PF_PROBE_CMD_PAIR = 2,
	PF_PROBE_CMD_SPEED = 4,
	PF_PROBE_CMD_REQUEST = 8,
	PF_PROBE_CMD_BENCH_CONNECT = 16,
	PF_PROBE_CMD_BENCH_MODE = 32,
	PF_PROBE_CMD_DISCOVER = 64,
};

struct pf_probe_options {
	enum pf_probe_command command;
	char host[256];
	uint16_t port; /* 0 = the default */
	uint32_t width, height, refresh_hz;
	uint32_t to_width, to_height, to_refresh_hz; /* bench-mode: the other mode */
	uint32_t bitrate_kbps;
	uint8_t codec;
	uint8_t channels;
	double seconds; /* after the first picture; 0 = no limit */
	uint64_t frames;
	double timeout; /* seconds, of the connect and of the first picture */
	bool pinned, trust_first;
	uint8_t fingerprint[32];
	const char *identity, *name, *launch, *pin;
	char own_identity[4096]; /* where identity points by default */
	const char *dump, *png, *mp4, *wav;
	double png_at; /* seconds after the first picture, negative = the last one */
	bool expect_content;
	bool skip_held, even_out, no_audio_copies;
	bool verify, json, quiet, quit;
	int64_t max_not_shown; /* -1 = any */
	const char *type;
	const char *input_script;
	bool pointer_path;
	double expect_tone[8], reject_tone; /* Hz by channel, 0 = none */
	double mic_tone;		    /* Hz that our microphone hears, 0 = we have none */
	uint32_t target_kbps, duration_ms;  /* of a speed test; 0 = the core's choice */
	uint32_t rounds;		    /* of a bench, 0 = its choice */
	double pause;			    /* seconds between them, negative = its choice */
	bool reconnect;
};

/** Fills `o` from the words after the command's name. Connecting without a word on
 * trust takes what pairing kept: the host's fingerprint and our identity. 0, or -1
 * after writing one line to `err` that names the fault. */
int pf_probe_options_parse(struct pf_probe_options *o, enum pf_probe_command command, int argc,
	char **argv, FILE *err);
/** One line per option. */
void pf_probe_options_help(FILE *out);
