/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/pf1_frame.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/crypto/secret.h"

#define STREAM_MAGIC "PKFs"

int pf_deframer_init(struct pf_deframer *d, size_t max_message)
{
	uint8_t *buf;

	if (!max_message || max_message > UINT16_MAX)
		return -EINVAL;
	buf = malloc(PF_FRAME_HEAD_BYTES + max_message);
	if (!buf)
		return -ENOMEM;
	*d = (struct pf_deframer){ .buf = buf, .cap = PF_FRAME_HEAD_BYTES + max_message };
	return 0;
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
	const uint8_t *p = d->buf + d->start;
	size_t have = d->end - d->start, want;

	if (have < PF_FRAME_HEAD_BYTES)
		return 0;
	want = (size_t)(p[0] | p[1] << 8);
	if (want > d->cap - PF_FRAME_HEAD_BYTES)
		return -EMSGSIZE;
	if (have - PF_FRAME_HEAD_BYTES < want)
		return 0;
	d->start += PF_FRAME_HEAD_BYTES + want;
	*msg = p + PF_FRAME_HEAD_BYTES;
	*len = want;
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
