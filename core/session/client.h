/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* client.h - the client's end of punktfunk/1, behind the connection calls of
 * punktfunk_core.h.
 *
 * A client owns a QUIC endpoint (its thread runs the handshake, clock rounds and
 * events) and a receiver (its thread makes frames). Frames, audio and events
 * wait in bounded queues and may be pulled by three threads; the calls marked so
 * may come from any. Structs arrive in full size: abi.c fits the caller's. */
#pragma once
#include <stdbool.h>
#include "core/base/reason.h"
#include "punktfunk_core.h"

/* Offers pkf2 instead of pkf1. Not of the public interface: there are no media. */
#define PF_CONNECT_PKF2 0x10000u

struct pf_client;
struct pf_identity;

/** Blocks up to options->timeout_ms. `identity` may be NULL. */
int pf_client_connect(struct pf_client **out, const PunktfunkConnectOptions *options,
	const struct pf_identity *identity, struct pf_reason *why);
/** Accepts NULL. No other call may be running. */
void pf_client_close(struct pf_client *c, uint32_t code);
/** Any thread. */
void pf_client_info(struct pf_client *c, PunktfunkConnectionInfo *out);
void pf_client_stats(struct pf_client *c, PunktfunkStats *out);
int pf_client_fd(const struct pf_client *c);
/** 0, -EAGAIN, -EPIPE. */
int pf_client_next_frame(struct pf_client *c, PunktfunkFrame *out, uint32_t timeout_ms);
int pf_client_next_audio(struct pf_client *c, PunktfunkAudio *out, uint32_t timeout_ms);
int pf_client_next_event(struct pf_client *c, PunktfunkEvent *out, uint32_t timeout_ms);
/** Any thread. 0, -EPIPE, -EINVAL, -EAGAIN. */
int pf_client_send_input(struct pf_client *c, const PunktfunkInputEvent *e);
int pf_client_send_mic(struct pf_client *c, const uint8_t *opus, size_t len, uint64_t pts_unix_ns);
int pf_client_request_keyframe(struct pf_client *c);
int pf_client_request_bitrate(struct pf_client *c, uint32_t kbps);
/** Any thread. Blocks; 0, -EBUSY, -ENOTSUP, -ETIMEDOUT, -EPIPE. */
int pf_client_speed_test(
	struct pf_client *c, uint32_t kbps, uint32_t duration_ms, PunktfunkSpeedTest *out);
/** Any thread. */
void pf_client_decoded(struct pf_client *c, const PunktfunkDecoded *d);
/* Pointer, HDR, what was ignored; as punktfunk_core.h has them. */
int pf_client_cursor(
	struct pf_client *c, uint32_t serial, PunktfunkCursorShape *out, uint8_t *rgba, size_t cap);
int pf_client_cursor_render(struct pf_client *c, bool client_draws);
int pf_client_hdr_metadata(struct pf_client *c, PunktfunkHdrMetadata *out);
bool pf_client_ignored(struct pf_client *c, unsigned index, PunktfunkIgnored *out);
/* The clipboard; as punktfunk_core.h has them. */
int pf_client_clip_control(struct pf_client *c, bool enabled);
int pf_client_clip_offered(struct pf_client *c, PunktfunkClipOffer *out);
int pf_client_clip_fetch(struct pf_client *c, uint32_t seq, const char *mime, uint32_t timeout_ms,
	uint8_t **data, size_t *len);
int pf_client_clip_offer(struct pf_client *c, const PunktfunkClipOffer *offer);
int pf_client_clip_serve(struct pf_client *c, uint32_t id, const uint8_t *data, size_t len);
int pf_client_request_mode(
	struct pf_client *c, uint32_t width, uint32_t height, uint32_t refresh_hz);
