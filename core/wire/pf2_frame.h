/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pf2_frame.h - frames and fields of punktfunk/2 (punktfunk1.md 20).
 *
 * A frame is `type | length | body`, a body `tag | length | value` again and again, the
 * first two of each QUIC variable-length integers. A message is a whole frame. Pure, any
 * thread. */
#pragma once
#include <stdbool.h>
#include "core/base/bytes.h"
#include "core/wire/framing.h"

#define PF_PF2_VARINT_MAX (((uint64_t)1 << 62) - 1)
#define PF_PF2_CONTROL	  0 /* what a control stream begins with */
#define PF_PF2_FRAME_MAX  (128 * 1024 + 8)

enum pf_pf2_type {
	PF_PF2_CLIENT_HELLO = 0x01,
	PF_PF2_SERVER_HELLO = 0x02,
	PF_PF2_READY = 0x03,
	PF_PF2_PENDING = 0x04,
	PF_PF2_REDIRECT = 0x05,
	PF_PF2_REFUSED = 0x06,
	PF_PF2_PAIR_REQUEST = 0x10,
	PF_PF2_CURSOR_SHAPE = 0x30,
	PF_PF2_CLOCK_PROBE = 0x3a,
	PF_PF2_CLOCK_ECHO = 0x3b,
	PF_PF2_PAD_IDENTITY = 0x51,
};

extern const struct pf_framing pf_pf2_framing;

/** RFC 9000 16; err when it does not fit. */
uint64_t pf_pf2_varint_read(struct pf_reader *r);
/** In its shortest form; err above PF_PF2_VARINT_MAX. */
void pf_pf2_varint_write(struct pf_writer *w, uint64_t v);

/** The type of a whole frame, its body in *body. -EPROTO when it is not whole. */
int pf_pf2_frame_open(const uint8_t *msg, size_t len, uint64_t *type, struct pf_reader *body);
/** Writes a frame around `body`. */
int pf_pf2_frame_build(
	uint64_t type, const uint8_t *body, size_t body_len, uint8_t *buf, size_t cap);

/* One walk over the fields of a body. */
struct pf_pf2_fields {
	struct pf_reader r;
	uint64_t single; /* in: tags below 64 that may come once, a bit each */
	uint64_t seen;	 /* which of them came */
	uint64_t tag;
	const uint8_t *value;
	size_t len;
};

/** 1 and the next field, 0 at the end, -EPROTO when it is cut, or is one of `single`
 * and came before. */
int pf_pf2_fields_next(struct pf_pf2_fields *f);
/** The field as an integer of at most `bytes`, *out untouched otherwise: 0, -EPROTO for
 * another length than 1 to 8 or a value that does not fit. */
int pf_pf2_field_uint(const struct pf_pf2_fields *f, unsigned bytes, uint64_t *out);

void pf_pf2_put(struct pf_writer *w, uint64_t tag, const void *value, size_t len);
/** In the fewest bytes. */
void pf_pf2_put_uint(struct pf_writer *w, uint64_t tag, uint64_t v);
