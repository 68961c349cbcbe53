/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* framing.h - `len u16 | payload` messages on a byte stream (punktfunk1.md 3).
 *
 * Bytes come in pieces of any size; each whole message goes to the callback. A
 * message that lies whole inside one piece is not copied; memory is taken for a
 * split one only, at most 65535 bytes. One thread at a time. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PF_FRAMING_HDR_BYTES 2
#define PF_FRAMING_MAX	     65535

struct pf_framing {
	uint8_t *buf; /* payload of a message that came in pieces */
	uint32_t cap;
	uint32_t have; /* bytes of the current message seen, header included */
	uint8_t hdr[PF_FRAMING_HDR_BYTES];
};

/** `msg` is borrowed for the call. Nonzero stops the push. */
typedef int (*pf_framing_fn)(void *user, const uint8_t *msg, size_t len);

/** Feeds `len` bytes. 0, -ENOMEM, or what `fn` returned; after a nonzero result
 * the stream is over: only pf_framing_finish may follow. */
int pf_framing_push(
	struct pf_framing *f, const uint8_t *data, size_t len, pf_framing_fn fn, void *user);
/** Frees; accepts a zeroed struct, which is also the initial state. */
void pf_framing_finish(struct pf_framing *f);
