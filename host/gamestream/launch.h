/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* launch.h - the arguments of launch and resume, typed and bounded
 * (gamestream.md 2.6), and the memory of session keys.
 *
 * Pure, any thread; the key memory belongs to one thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "host/gamestream/query.h"

struct pf_gs_launch {
	bool resume;
	/* who, from the TLS session and the registry */
	uint8_t fingerprint[32];
	uint32_t grants; /* pf_grants bits */
	char peer[46];
	/* what */
	uint32_t app_id;		     /* 0 = not given (resume) */
	uint32_t width, height, refresh_mhz; /* 0 = not given (resume) */
	uint8_t rikey[16];
	int32_t rikeyid;
	uint32_t corever; /* 0 = plain RTSP only */
	bool hdr, sops, local_audio, continuous_audio;
	uint32_t channels, channel_mask; /* 0 = not given */
	uint32_t gamepads;		 /* bit mask of attached ones */
	bool gamepads_persist;
	bool virtual_display;	/* Artemis: asked for */
	uint32_t scale_percent; /* Artemis: 100 = none */
};

/** Parses; `fingerprint`, `grants` and `peer` stay as they are. -EINVAL with the
 * words when a required argument is missing or one is out of range. */
int pf_gs_launch_parse(
	struct pf_gs_launch *out, const struct pf_gs_query *q, bool resume, struct pf_reason *why);

/* Keys that were used: the last PF_GS_KEYS_MAX, as hashes. */
#define PF_GS_KEYS_MAX 4096u
struct pf_gs_keys;
int pf_gs_keys_create(struct pf_gs_keys **out);
void pf_gs_keys_destroy(struct pf_gs_keys *k);
/** Remembers a key. 0, or -EEXIST: it was seen before and must be refused, since
 * nonces would repeat. */
int pf_gs_keys_take(struct pf_gs_keys *k, const uint8_t rikey[16]);
