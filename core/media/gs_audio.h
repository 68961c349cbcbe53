/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gs_audio.h - Opus packets in order become GameStream's sound datagrams.
 *
 * Each packet gives one data datagram, each fourth one also the two parity
 * datagrams of its block (gamestream.md 5.3 to 5.5). Encryption is AES-128-CBC
 * and carries no authentication, and its IV repeats after 65536 packets: that is
 * the protocol's, take it as privacy only. Plain data, one owner, one thread; no
 * allocation, no clock. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/crypto/block.h"
#include "core/wire/gs_audio.h"

/* Parity datagrams are the longest. As ciphertext: a whole number of blocks. */
#define PF_GS_AUDIO_PAYLOAD_MAX (PF_GS_AUDIO_DATAGRAM_MAX - PF_GS_AUDIO_PARITY_HDR_BYTES)
/* The longest Opus packet that fits with and without encryption. */
#define PF_GS_AUDIO_OPUS_MAX (PF_GS_AUDIO_PAYLOAD_MAX - 1)

struct pf_gs_audio_params {
	unsigned packet_ms; /* 5 or 10 */
	bool encrypt;
	uint8_t key[PF_AES128_KEY_BYTES]; /* rikey */
	uint32_t key_id;		  /* rikeyid */
};

struct pf_gs_audio_packer {
	struct pf_gs_audio_params params;
	uint32_t count;	   /* packets so far; the sequence is its low half */
	size_t opus_bytes; /* what every packet has; 0 before the first */
	uint8_t data[4][PF_GS_AUDIO_DATA_HDR_BYTES + PF_GS_AUDIO_PAYLOAD_MAX];
	uint8_t parity[2][PF_GS_AUDIO_DATAGRAM_MAX];
};

struct pf_gs_audio_datagrams {
	unsigned count; /* 1, or 3 after a block's last packet */
	struct {
		const uint8_t *data;
		size_t len;
	} at[3]; /* the packer's memory, until its next call */
};

/** 0, or -EINVAL: packets of neither 5 nor 10 ms. Copies `params`. */
int pf_gs_audio_packer_init(struct pf_gs_audio_packer *p, const struct pf_gs_audio_params *params);
/** Wipes the key. */
void pf_gs_audio_packer_finish(struct pf_gs_audio_packer *p);
/** The next packet. -EMSGSIZE when it is empty, too long or not as long as the
 * first (clients would turn recovery off for good); it then takes no number. */
int pf_gs_audio_packer_put(struct pf_gs_audio_packer *p, const uint8_t *opus, size_t len,
	struct pf_gs_audio_datagrams *out);
