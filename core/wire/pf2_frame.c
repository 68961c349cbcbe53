/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/pf2_frame.h"
#include <errno.h>

#define BODY_MAX	 256
#define BODY_MAX_HELLO	 (16 * 1024)
#define BODY_MAX_PAIR	 (8 * 1024)
#define BODY_MAX_CURSOR	 (128 * 1024)
#define BODY_MAX_UNKNOWN (64 * 1024)

uint64_t pf_pf2_varint_read(struct pf_reader *r)
{
	unsigned more;
	uint64_t v;

	if (!r->left) {
		r->err = true;
		return 0;
	}
	more = (1u << (*r->p >> 6)) - 1;
	v = pf_rd_u8(r) & 0x3f;
	return v << (8 * more) | pf_rd_be(r, more);
}

void pf_pf2_varint_write(struct pf_writer *w, uint64_t v)
{
	const unsigned power = v < 0x40 ? 0 : v < 0x4000 ? 1 : v < 0x40000000 ? 2 : 3;

	if (v > PF_PF2_VARINT_MAX)
		w->err = true;
	else
		pf_wr_be(w, v | (uint64_t)power << (8 * (1u << power) - 2), 1u << power);
}

/* The longest body of a type. Lists of formats and of files' names are as long as in
 * punktfunk/1: what is known of the type's limit is "most 256". */
static size_t body_max(uint64_t type)
{
	switch (type) {
	case PF_PF2_CLIENT_HELLO:
	case PF_PF2_SERVER_HELLO:
		return BODY_MAX_HELLO;
	case PF_PF2_PAIR_REQUEST:
	case PF_PF2_PAD_IDENTITY:
		return BODY_MAX_PAIR;
	case PF_PF2_CURSOR_SHAPE:
		return BODY_MAX_CURSOR;
	case PF_PF2_READY:
	case PF_PF2_PENDING:
	case PF_PF2_CLOCK_PROBE:
	case PF_PF2_CLOCK_ECHO:
		return BODY_MAX;
	default:
		return BODY_MAX_UNKNOWN;
	}
}

static int measure(const uint8_t *p, size_t have, size_t *head, size_t *len)
{
	struct pf_reader r = pf_reader(p, have);
	const uint64_t type = pf_pf2_varint_read(&r), body = pf_pf2_varint_read(&r);

	if (r.err)
		return 0;
	if (body > body_max(type))
		return -EMSGSIZE;
	*head = 0;
	*len = have - r.left + (size_t)body;
	return 1;
}

/* Messages are whole frames already. */
static size_t head(uint8_t out[PF_FRAMING_HEAD_MAX], size_t len)
{
	return 0;
}

static const uint8_t preamble[] = { PF_PF2_CONTROL };

const struct pf_framing pf_pf2_framing = {
	.preamble = preamble,
	.preamble_len = sizeof(preamble),
	.message_max = PF_PF2_FRAME_MAX,
	.measure = measure,
	.head = head,
};

int pf_pf2_frame_open(const uint8_t *msg, size_t len, uint64_t *type, struct pf_reader *body)
{
	struct pf_reader r = pf_reader(msg, len);
	const uint64_t t = pf_pf2_varint_read(&r), n = pf_pf2_varint_read(&r);

	if (r.err || n != r.left)
		return -EPROTO;
	*type = t;
	*body = r;
	return 0;
}

int pf_pf2_frame_build(
	uint64_t type, const uint8_t *body, size_t body_len, uint8_t *buf, size_t cap)
{
	struct pf_writer w = pf_writer(buf, cap);

	pf_pf2_varint_write(&w, type);
	pf_pf2_varint_write(&w, body_len);
	pf_wr_bytes(&w, body, body_len);
	return w.err ? -ENOBUFS : (int)w.len;
}

int pf_pf2_fields_next(struct pf_pf2_fields *f)
{
	uint64_t tag, len;

	if (!f->r.left)
		return 0;
	tag = pf_pf2_varint_read(&f->r);
	len = pf_pf2_varint_read(&f->r);
	if (f->r.err || len > f->r.left)
		return -EPROTO;
	if (tag < 64 && f->single & (uint64_t)1 << tag) {
		if (f->seen & (uint64_t)1 << tag)
			return -EPROTO;
		f->seen |= (uint64_t)1 << tag;
	}
	f->tag = tag;
	f->len = (size_t)len;
	f->value = pf_rd_bytes(&f->r, f->len);
	return 1;
}

int pf_pf2_field_uint(const struct pf_pf2_fields *f, unsigned bytes, uint64_t *out)
{
	struct pf_reader r = pf_reader(f->value, f->len);
	uint64_t v;

	if (!f->len || f->len > 8)
		return -EPROTO;
	v = pf_rd_le(&r, (unsigned)f->len);
	if (bytes < 8 && v >> (8 * bytes))
		return -EPROTO;
	*out = v;
	return 0;
}

void pf_pf2_put(struct pf_writer *w, uint64_t tag, const void *value, size_t len)
{
	pf_pf2_varint_write(w, tag);
	pf_pf2_varint_write(w, len);
	pf_wr_bytes(w, value, len);
}

void pf_pf2_put_uint(struct pf_writer *w, uint64_t tag, uint64_t v)
{
	unsigned n = 1;

	while (n < 8 && v >> (8 * n))
		n++;
	pf_pf2_varint_write(w, tag);
	pf_pf2_varint_write(w, n);
	pf_wr_le(w, v, n);
}
