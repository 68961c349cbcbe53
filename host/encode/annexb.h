/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* annexb.h - what stands before the picture in an H.264 or HEVC access unit.
 *
 * Moonlight shows nothing of a key frame whose first slice does not start in the
 * frame's first packet, and asks for no other (gamestream.md 4.3). Parameter sets
 * are small; an encoder's letter about itself is not. Pure functions. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/wire/pf1_handshake.h" /* pf_codec */

/** Takes SEI messages out of what precedes the first slice of `data` and moves
 * the rest up to that slice. Returns how many bytes at the start of `data` are no
 * part of the access unit any more; 0 when there was nothing to drop, for what is
 * not Annex B, and for AV1. */
size_t pf_annexb_drop_sei(enum pf_codec codec, uint8_t *data, size_t len);
/** Where the first slice's start code is; `len` when there is none. */
size_t pf_annexb_first_slice(enum pf_codec codec, const uint8_t *data, size_t len);
