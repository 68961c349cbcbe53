/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* framing.h - how one wire of the protocol cuts its control stream into messages.
 *
 * One constant table per wire; pure, any thread. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PF_FRAMING_HEAD_MAX 2 /* bytes that any wire writes before a message */

struct pf_framing {
	/* What the client writes first of all on the stream it opens; may be empty. */
	const uint8_t *preamble;
	size_t preamble_len;
	size_t message_max; /* longest that a reader takes */
	/* What begins at `p`, of which `have` bytes came: 1 with the bytes that belong to
	 * the framing and to the message, 0 when more are needed to tell, -EMSGSIZE when
	 * it is longer than its kind may be. */
	int (*measure)(const uint8_t *p, size_t have, size_t *head, size_t *len);
	/* Writes what goes before a message of `len` bytes; its size. */
	size_t (*head)(uint8_t out[PF_FRAMING_HEAD_MAX], size_t len);
};
