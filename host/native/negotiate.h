/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* negotiate.h - from what a client wishes to what it gets (punktfunk1.md 4.2).
 *
 * Pure: a Hello, the settings and what this machine can encode go in, a Welcome
 * or a typed refusal comes out. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "core/wire/pf1_handshake.h"
#include "host/display/display.h"
#include "host/registry/config.h"

#define PF_NATIVE_SIDE_MAX 8192u /* pixels: above, no decoder takes it */

/** Checks a mode of the wire, makes it as small as the settings want it, in the same
 * shape, and rounds it to what displays make (even sizes). 0, or -EINVAL with the
 * words and close code. */
int pf_negotiate_mode(struct pf_mode *out, const struct pf_config *c, uint32_t width,
	uint32_t height, uint32_t refresh_hz, struct pf_reason *why);
#define PF_NATIVE_KBPS_MIN 500u
/** kbps that a client gets for its wish; 0 = the default. */
uint32_t pf_negotiate_bitrate(const struct pf_config *c, uint32_t wish_kbps);
/** Fills a Welcome but for what the listener fills. `codecs` are the pf_codec bits
 * that encode here, `hardware` those of them that hardware does: these come
 * first, as HEVC, AV1, H.264; software prefers H.264. why->close is set on
 * failure. */
int pf_negotiate(struct pf_welcome *out, struct pf_mode *mode, const struct pf_hello *hello,
	const struct pf_config *c, uint8_t codecs, uint8_t hardware, struct pf_reason *why);
/** The grant that an input event of the wire needs; 0 = unknown kind, drop it. */
uint32_t pf_input_grant(uint8_t kind);
