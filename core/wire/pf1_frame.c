/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/pf1_frame.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/crypto/secret.h"

#define STREAM_MAGIC "PKFs"

static int measure(const uint8_t *p, size_t have, size_t *head, size_t *len)
{
	if (have < PF_FRAME_HEAD_BYTES)
		return 0;
	*head = PF_FRAME_HEAD_BYTES;
	*len = (size_t)(p[0] | p[1] << 8);
	return 1;
}

static size_t head(uint8_t out[PF_FRAMING_HEAD_MAX], size_t len)
{
	pf_frame_head_build(out, (uint16_t)len);
	return PF_FRAME_HEAD_BYTES;
}

const struct pf_framing pf_pf1_framing = {
	.message_max = UINT16_MAX,
	.measure = measure,
	.head = head,
};

static int init(struct pf_deframer *d, const struct pf_framing *framing, size_t cap)
{
	uint8_t *buf = malloc(cap);

	if (!buf)
		return -ENOMEM;
	*d = (struct pf_deframer){ .framing = framing, .buf = buf, .cap = cap };
	return 0;
}

int pf_deframer_init(struct pf_deframer *d, size_t max_message)
{
	if (!max_message || max_message > UINT16_MAX)
		return -EINVAL;
	return init(d, &pf_pf1_framing, PF_FRAME_HEAD_BYTES + max_message);
}

int pf_deframer_init_as(struct pf_deframer *d, const struct pf_framing *framing, bool opened)
{
	int r = init(d, framing, PF_FRAMING_HEAD_MAX + framing->message_max);

	if (!r && opened)
		d->preamble = framing->preamble_len;
	return r;
}

void pf_deframer_finish(struct pf_deframer *d)
{
	pf_secret_wipe(d->buf, d->cap);
	free(d->buf);
	*d = (struct pf_deframer){ 0 };
}

size_t pf_deframer_push(struct pf_deframer *d, const uint8_t *data, size_t len)
{
	if (d->start) {
		memmove(d->buf, d->buf + d->start, d->end - d->start);
		d->end -= d->start;
		d->start = 0;
	}
	if (len > d->cap - d->end)
		len = d->cap - d->end;
	if (len)
		memcpy(d->buf + d->end, data, len);
	d->end += len;
	return len;
}

int pf_deframer_next(struct pf_deframer *d, const uint8_t **msg, size_t *len)
{
	const struct pf_framing *f = d->framing;
	size_t head, want;
	int r;

	for (; d->preamble; d->preamble--, d->start++) {
		if (d->start == d->end)
			return 0;
		if (d->buf[d->start] != f->preamble[f->preamble_len - d->preamble])
			return -EPROTO;
	}
	r = f->measure(d->buf + d->start, d->end - d->start, &head, &want);
	if (r <= 0)
		return r;
	if (want > d->cap - head)
		return -EMSGSIZE;
	if (d->end - d->start - head < want)
		return 0;
	*msg = d->buf + d->start + head;
	*len = want;
	d->start += head + want;
	return 1;
}

void pf_frame_head_build(uint8_t head[PF_FRAME_HEAD_BYTES], uint16_t len)
{
	head[0] = (uint8_t)len;
	head[1] = (uint8_t)(len >> 8);
}

int pf_stream_head_parse(uint8_t *kind, const uint8_t *buf, size_t len)
{
	size_t magic = len < 4 ? len : 4;

	if (magic && memcmp(buf, STREAM_MAGIC, magic) != 0)
		return -EPROTO;
	if (len < PF_STREAM_HEAD_BYTES)
		return -EAGAIN;
	*kind = buf[4];
	return 0;
}

void pf_stream_head_build(uint8_t head[PF_STREAM_HEAD_BYTES], uint8_t kind)
{
	memcpy(head, STREAM_MAGIC, 4);
	head[4] = kind;
}
