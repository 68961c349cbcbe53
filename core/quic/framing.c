/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/quic/framing.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int reserve(struct pf_framing *f, uint32_t need)
{
	uint8_t *buf;

	if (need <= f->cap)
		return 0;
	buf = realloc(f->buf, need);
	if (!buf)
		return -ENOMEM;
	f->buf = buf;
	f->cap = need;
	return 0;
}

int pf_framing_push(
	struct pf_framing *f, const uint8_t *data, size_t len, pf_framing_fn fn, void *user)
{
	while (len) {
		uint32_t want, got, n;
		int err;

		if (f->have < PF_FRAMING_HDR_BYTES) {
			f->hdr[f->have++] = *data++;
			len--;
			if (f->have < PF_FRAMING_HDR_BYTES)
				continue;
		}
		want = (uint32_t)f->hdr[0] | (uint32_t)f->hdr[1] << 8;
		got = f->have - PF_FRAMING_HDR_BYTES;
		if (!got && len >= want) {
			f->have = 0;
			err = fn(user, data, want);
			if (err)
				return err;
			data += want;
			len -= want;
			continue;
		}
		if (!len)
			break;
		err = reserve(f, want);
		if (err)
			return err;
		n = want - got < len ? want - got : (uint32_t)len;
		memcpy(f->buf + got, data, n);
		f->have += n;
		data += n;
		len -= n;
		if (got + n == want) {
			f->have = 0;
			err = fn(user, f->buf, want);
			if (err)
				return err;
		}
	}
	return 0;
}

void pf_framing_finish(struct pf_framing *f)
{
	free(f->buf);
	*f = (struct pf_framing){ 0 };
}
