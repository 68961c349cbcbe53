/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* null.c - an encoder without pictures, for tests of what stands around it.
 *
 * Every access unit looks like H.264 to a parser of NAL headers (delimiter,
 * parameter sets before an IDR, one slice) and carries its number, big endian in
 * seven-bit digits, in the slice. The preset string turns knobs: fail-open=1,
 * bytes=N (size of an access unit), latency-us=N (time taken), fail-at=N (the
 * N-th picture from 0 fails), hold=1 (nothing ever comes out), invalidate=1 (it
 * can leave out lost pictures), max-width=N (wider ones do not open). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/clock.h"
#include "host/encode/backends.h"
#include "host/sys/knobs.h"

#define MIN_BYTES 64
#define MAX_BYTES (8u << 20)

struct null_encoder {
	struct pf_encoder base;
	uint32_t width, height;
	uint64_t count;
	uint64_t fail_at; /* UINT64_MAX = never */
	uint64_t latency_ns;
	size_t bytes;
	bool fixed; /* bytes came from the knob, not the bitrate */
	bool hold, can_invalidate;
	uint32_t fps_mhz;
	uint8_t *buf;
	size_t cap;
};

static size_t mean_bytes(uint32_t kbps, uint32_t fps_mhz)
{
	uint64_t bytes = (uint64_t)kbps * 125000 / fps_mhz;

	return bytes < MIN_BYTES ? MIN_BYTES : bytes > MAX_BYTES ? MAX_BYTES : (size_t)bytes;
}

static void null_close(struct pf_encoder *enc)
{
	struct null_encoder *n = (struct null_encoder *)enc;

	if (!n)
		return;
	free(n->buf);
	free(n);
}

static int null_open(
	struct pf_encoder **out, const struct pf_encoder_params *params, struct pf_reason *why)
{
	const char *knobs = params->preset;
	struct null_encoder *n;

	if (pf_knob_number(knobs, "fail-open", 0))
		return pf_reason_set(why, -ENODEV, "the null encoder was told to fail");
	if (params->width > pf_knob_number(knobs, "max-width", UINT32_MAX))
		return pf_reason_set(why, -EINVAL, "the null encoder was told to stay narrow");
	n = calloc(1, sizeof(*n));
	if (!n)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	n->base.ops = &null_encoder_ops;
	n->width = params->width;
	n->height = params->height;
	n->fps_mhz = params->fps_mhz;
	n->fail_at = pf_knob_number(knobs, "fail-at", UINT64_MAX);
	n->latency_ns = pf_knob_number(knobs, "latency-us", 0) * PF_NS_PER_US;
	n->hold = pf_knob_number(knobs, "hold", 0) != 0;
	n->can_invalidate = pf_knob_number(knobs, "invalidate", 0) != 0;
	n->fixed = pf_knob_number(knobs, "bytes", 0) != 0;
	n->bytes = n->fixed ? (size_t)pf_knob_number(knobs, "bytes", 0)
			    : mean_bytes(params->bitrate_kbps, params->fps_mhz);
	n->bytes = n->bytes < MIN_BYTES ? MIN_BYTES : n->bytes > MAX_BYTES ? MAX_BYTES : n->bytes;
	n->cap = n->bytes;
	n->buf = malloc(n->cap);
	if (!n->buf) {
		null_close(&n->base);
		return pf_reason_set(why, -ENOMEM, "out of memory");
	}
	*out = &n->base;
	return 0;
}

static int null_encode(
	struct pf_encoder *enc, const struct pf_frame *in, uint32_t flags, struct pf_packet *out)
{
	static const uint8_t head[] = { 0, 0, 0, 1, 0x09, 0xf0 };
	static const uint8_t sets[] = { 0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0xd9, 0, 0, 0, 1, 0x68,
		0xcb, 0x83, 0xcb, 0x20 };
	struct null_encoder *n = (struct null_encoder *)enc;
	uint64_t begin = pf_clock_mono_ns();
	uint64_t number = n->count++;
	bool idr = !number || flags & PF_ENCODE_IDR;
	uint8_t *p = n->buf;

	if (in->width != n->width || in->height != n->height)
		return -EINVAL;
	if (n->latency_ns) {
		uint64_t until = begin + n->latency_ns;
		struct timespec ts = { .tv_sec = (time_t)(until / PF_NS_PER_S),
			.tv_nsec = (long)(until % PF_NS_PER_S) };

		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
			;
	}
	if (number == n->fail_at)
		return -EIO;
	memcpy(p, head, sizeof(head));
	p += sizeof(head);
	if (idr) {
		memcpy(p, sets, sizeof(sets));
		p += sizeof(sets);
	}
	memcpy(p, (const uint8_t[]){ 0, 0, 0, 1, idr ? 0x65 : 0x41, 0xb8 }, 6);
	p += 6;
	/* No zero bytes: nothing that could look like another start code. */
	for (int shift = 56; shift >= 0; shift -= 7)
		*p++ = 0x80 | (number >> shift & 0x7f);
	memset(p, 0xcc, n->bytes - (size_t)(p - n->buf));
	*out = (struct pf_packet){ .data = n->buf,
		.size = n->hold ? 0 : n->bytes,
		.idr = idr,
		.encode_ns = pf_clock_mono_ns() - begin };
	return 0;
}

static int null_set_bitrate(struct pf_encoder *enc, uint32_t kbps)
{
	struct null_encoder *n = (struct null_encoder *)enc;
	size_t bytes = mean_bytes(kbps, n->fps_mhz);

	if (n->fixed)
		return 0;
	if (bytes > n->cap) {
		uint8_t *grown = realloc(n->buf, bytes);

		if (!grown)
			return -ENOMEM;
		n->buf = grown;
		n->cap = bytes;
	}
	n->bytes = bytes;
	return 0;
}

static int null_invalidate(struct pf_encoder *enc, uint64_t first, uint64_t last)
{
	const struct null_encoder *n = (const struct null_encoder *)enc;

	if (!n->can_invalidate)
		return -ENOTSUP;
	return first <= last && last < n->count ? 0 : -EINVAL;
}

const struct pf_encoder_ops null_encoder_ops = {
	.name = "null",
	.codecs = PF_CODEC_H264 | PF_CODEC_HEVC | PF_CODEC_AV1,
	.memory = PF_MEM_CPU | PF_MEM_DMABUF | PF_MEM_GPU,
	.synthetic = true,
	.open = null_open,
	.close = null_close,
	.encode = null_encode,
	.set_bitrate = null_set_bitrate,
	.invalidate = null_invalidate,
};
