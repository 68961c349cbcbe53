/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gs_seal.h - sealed messages of the GameStream plane: control (gamestream.md
 * 6.3) and RTSP (3.2), both AES-128-GCM under the launch's key.
 *
 * Each end holds one struct per stream; it seals as itself and opens what the
 * other end made. A sequence number is never used twice: sealing ends with an
 * error before the counter would wrap. Opening refuses what was seen before; only
 * messages that authenticated move the window. One thread. Never set up two
 * structs of the same end with the same key: their nonces would meet. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/crypto/aead.h"
#include "core/crypto/block.h"
#include "core/media/replay.h"
#include "core/wire/gs_control.h"
#include "core/wire/gs_rtsp.h"

#define PF_GS_CTL_SEAL_BYTES  24 /* in front of a sealed control message */
#define PF_GS_CTL_PACKET_MAX  (PF_GS_CTL_SEAL_BYTES + PF_GS_CTL_MSG_MAX)
#define PF_GS_RTSP_PACKET_MAX (PF_GS_RTSP_SEAL_BYTES + PF_GS_RTSP_MAX)

enum pf_gs_scheme {
	PF_GS_SCHEME_V2,
	/* Of clients before 2024. Repeats nonces after 256 messages and between the
	 * directions, and leaves most of the sequence number unprotected: only where
	 * the operator allowed it by name. */
	PF_GS_SCHEME_OLD,
};

struct pf_gs_ctl_seal {
	struct pf_aead *aead;		  /* V2 */
	uint8_t key[PF_AES128_KEY_BYTES]; /* OLD */
	enum pf_gs_scheme scheme;
	enum pf_gs_origin self;
	uint64_t next; /* sequence of the next sealed message */
	struct pf_replay seen;
};

/** `self` is who seals with it. Errors of pf_aead_create. */
int pf_gs_ctl_seal_init(struct pf_gs_ctl_seal *s, const uint8_t key[PF_AES128_KEY_BYTES],
	enum pf_gs_origin self, enum pf_gs_scheme scheme);
/** Wipes; accepts a zeroed struct. */
void pf_gs_ctl_seal_finish(struct pf_gs_ctl_seal *s);
/** Seals a message (as pf_gs_ctl_build makes it) into an ENet packet. Bytes
 * written, -ENOBUFS, -EMSGSIZE above PF_GS_CTL_MSG_MAX, -EOVERFLOW when all
 * sequence numbers are used: end the session. `out` and `msg` do not overlap. */
int pf_gs_ctl_seal(
	struct pf_gs_ctl_seal *s, const uint8_t *msg, size_t len, uint8_t *out, size_t cap);
/** Opens an ENet packet of the other end. Bytes of the message in `out`, which
 * holds PF_GS_CTL_MSG_MAX bytes; -EPROTO: not framed so; -EBADMSG: forged;
 * -EEXIST: seen before or too old to tell. Drop and count all three. */
int pf_gs_ctl_open(struct pf_gs_ctl_seal *s, const uint8_t *packet, size_t len,
	uint8_t out[PF_GS_CTL_MSG_MAX]);

/** True: the other end made this packet after all that were opened so far. It stays
 * unopened. */
bool pf_gs_ctl_is_newest(struct pf_gs_ctl_seal *s, const uint8_t *packet, size_t len);

struct pf_gs_rtsp_seal {
	struct pf_aead *aead;
	enum pf_gs_origin self;
	uint64_t next; /* sequence of the next sealed message, from 1 */
	uint32_t last; /* newest opened */
};

/** `self` is who seals with it. Errors of pf_aead_create. */
int pf_gs_rtsp_seal_init(
	struct pf_gs_rtsp_seal *s, const uint8_t key[PF_AES128_KEY_BYTES], enum pf_gs_origin self);
/** Wipes; accepts a zeroed struct. */
void pf_gs_rtsp_seal_finish(struct pf_gs_rtsp_seal *s);
/** Bytes written, -ENOBUFS, -EMSGSIZE (empty or above PF_GS_RTSP_MAX),
 * -EOVERFLOW. `out` and `msg` do not overlap. */
int pf_gs_rtsp_seal(
	struct pf_gs_rtsp_seal *s, const void *msg, size_t len, uint8_t *out, size_t cap);
/** Opens one whole message (pf_gs_rtsp_sealed_bytes long) of the other end: bytes
 * of text in `out`, -ENOBUFS if it does not fit, -EPROTO, -EBADMSG: another key or
 * forged (a host tries those of its pending launches), -EEXIST: not newer than the
 * last one. */
int pf_gs_rtsp_open(
	struct pf_gs_rtsp_seal *s, const uint8_t *packet, size_t len, void *out, size_t cap);
