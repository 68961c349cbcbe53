/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/pf1_pads.h"
#include <errno.h>
#include <math.h>
#include <string.h>
#include "core/base/bytes.h"

#define EXT_TOUCH	 1
#define EXT_CLICK	 2
#define PLAYER_MASK	 0x1f
#define PEN_SAMPLE_BYTES 21u

/* ---- floats as bytes ---- */

static float read_f32(struct pf_reader *r)
{
	const uint32_t bits = pf_rd_u32le(r);
	float v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static void write_f32(struct pf_writer *w, float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	pf_wr_u32le(w, bits);
}

static float clamp01(float v)
{
	/* Not v < 0: a negative zero becomes one without a sign. */
	return v <= 0 ? 0 : v > 1 ? 1 : v;
}

/* ---- rich input ---- */

static void read_sample(struct pf_reader *r, struct pf_pen_sample *s)
{
	s->state = pf_rd_u8(r);
	s->tool = pf_rd_u8(r);
	s->x = read_f32(r);
	s->y = read_f32(r);
	s->pressure = pf_rd_u16le(r);
	s->distance = pf_rd_u16le(r);
	s->tilt = pf_rd_u8(r);
	s->azimuth = pf_rd_u16le(r);
	s->roll = pf_rd_u16le(r);
	s->dt_us = pf_rd_u16le(r);
}

static void write_sample(struct pf_writer *w, const struct pf_pen_sample *s)
{
	pf_wr_u8(w, s->state);
	pf_wr_u8(w, s->tool);
	write_f32(w, s->x);
	write_f32(w, s->y);
	pf_wr_u16le(w, s->pressure);
	pf_wr_u16le(w, s->distance);
	pf_wr_u8(w, s->tilt);
	pf_wr_u16le(w, s->azimuth);
	pf_wr_u16le(w, s->roll);
	pf_wr_u16le(w, s->dt_us);
}

/* Touching implies in range; angles beyond the circle are unknown. */
static bool settle_sample(struct pf_pen_sample *s)
{
	if (!isfinite(s->x) || !isfinite(s->y))
		return false;
	s->x = clamp01(s->x);
	s->y = clamp01(s->y);
	if (s->state & PF_PEN_TOUCHING)
		s->state |= PF_PEN_IN_RANGE;
	if (s->tilt > 90)
		s->tilt = PF_PEN_TILT_UNKNOWN;
	if (s->azimuth > 359)
		s->azimuth = PF_PEN_ANGLE_UNKNOWN;
	if (s->roll > 359)
		s->roll = PF_PEN_ANGLE_UNKNOWN;
	return true;
}

static int read_pen(struct pf_reader *r, struct pf_rich *out)
{
	size_t count;

	(void)pf_rd_u8(r); /* flags: none are defined */
	count = pf_rd_u8(r);
	out->pen.seq = pf_rd_u16le(r);
	if (count > PF_PEN_SAMPLES)
		count = PF_PEN_SAMPLES;
	if (count > r->left / PEN_SAMPLE_BYTES)
		count = r->left / PEN_SAMPLE_BYTES;
	if (!count)
		return -EPROTO;
	out->pen.count = (uint8_t)count;
	for (size_t i = 0; i < count; i++) {
		read_sample(r, &out->pen.samples[i]);
		if (!settle_sample(&out->pen.samples[i]))
			return -EPROTO;
	}
	return 0;
}

int pf_rich_parse(struct pf_rich *out, const uint8_t *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);
	struct pf_rich x;
	uint8_t state;
	size_t n;

	memset(&x, 0, sizeof(x));
	x.kind = pf_rd_u8(&r);
	if (x.kind != PF_RICH_PEN)
		x.pad = pf_rd_u8(&r);
	if (x.pad >= PF_PADS_MAX)
		return -EPROTO;
	switch (x.kind) {
	case PF_RICH_TOUCHPAD:
		x.touchpad.finger = pf_rd_u8(&r);
		x.touchpad.active = pf_rd_u8(&r);
		x.touchpad.x = pf_rd_u16le(&r);
		x.touchpad.y = pf_rd_u16le(&r);
		break;
	case PF_RICH_MOTION:
		for (unsigned i = 0; i < 3; i++)
			x.motion.gyro[i] = (int16_t)pf_rd_u16le(&r);
		for (unsigned i = 0; i < 3; i++)
			x.motion.accel[i] = (int16_t)pf_rd_u16le(&r);
		break;
	case PF_RICH_TOUCHPAD_EXT:
		x.ext.surface = pf_rd_u8(&r);
		x.ext.finger = pf_rd_u8(&r);
		state = pf_rd_u8(&r);
		x.ext.touch = state & EXT_TOUCH;
		x.ext.click = state & EXT_CLICK;
		x.ext.x = (int16_t)pf_rd_u16le(&r);
		x.ext.y = (int16_t)pf_rd_u16le(&r);
		x.ext.pressure = pf_rd_u16le(&r);
		if (x.ext.surface > 2)
			return -EPROTO;
		break;
	case PF_RICH_RAW:
		/* Cut to 64 and to what arrived. */
		n = pf_rd_u8(&r);
		if (n > PF_HID_RAW_MAX)
			n = PF_HID_RAW_MAX;
		if (n > r.left)
			n = r.left;
		if (!n)
			return -EPROTO;
		x.raw.len = (uint8_t)n;
		pf_rd_copy(&r, x.raw.data, n);
		break;
	case PF_RICH_PEN:
		if (read_pen(&r, &x))
			return -EPROTO;
		break;
	default:
		return -EPROTO;
	}
	if (r.err)
		return -EPROTO;
	*out = x;
	return 0;
}

static bool rich_is_valid(const struct pf_rich *r)
{
	struct pf_pen_sample s;

	if (r->kind != PF_RICH_PEN && r->pad >= PF_PADS_MAX)
		return false;
	switch (r->kind) {
	case PF_RICH_TOUCHPAD:
	case PF_RICH_MOTION:
		return true;
	case PF_RICH_TOUCHPAD_EXT:
		return r->ext.surface <= 2;
	case PF_RICH_RAW:
		return r->raw.len && r->raw.len <= PF_HID_RAW_MAX;
	case PF_RICH_PEN:
		if (!r->pen.count || r->pen.count > PF_PEN_SAMPLES)
			return false;
		for (unsigned i = 0; i < r->pen.count; i++) {
			s = r->pen.samples[i];
			if (!settle_sample(&s))
				return false;
		}
		return true;
	default:
		return false;
	}
}

int pf_rich_build(const struct pf_rich *r, uint8_t *buf, size_t cap)
{
	struct pf_writer w = pf_writer(buf, cap);

	if (!rich_is_valid(r))
		return -EINVAL;
	pf_wr_u8(&w, (uint8_t)r->kind);
	if (r->kind != PF_RICH_PEN)
		pf_wr_u8(&w, r->pad);
	switch (r->kind) {
	case PF_RICH_TOUCHPAD:
		pf_wr_u8(&w, r->touchpad.finger);
		pf_wr_u8(&w, r->touchpad.active);
		pf_wr_u16le(&w, r->touchpad.x);
		pf_wr_u16le(&w, r->touchpad.y);
		break;
	case PF_RICH_MOTION:
		for (unsigned i = 0; i < 3; i++)
			pf_wr_u16le(&w, (uint16_t)r->motion.gyro[i]);
		for (unsigned i = 0; i < 3; i++)
			pf_wr_u16le(&w, (uint16_t)r->motion.accel[i]);
		break;
	case PF_RICH_TOUCHPAD_EXT:
		pf_wr_u8(&w, r->ext.surface);
		pf_wr_u8(&w, r->ext.finger);
		pf_wr_u8(&w, (r->ext.touch ? EXT_TOUCH : 0) | (r->ext.click ? EXT_CLICK : 0));
		pf_wr_u16le(&w, (uint16_t)r->ext.x);
		pf_wr_u16le(&w, (uint16_t)r->ext.y);
		pf_wr_u16le(&w, r->ext.pressure);
		break;
	case PF_RICH_RAW:
		pf_wr_u8(&w, r->raw.len);
		pf_wr_bytes(&w, r->raw.data, r->raw.len);
		break;
	case PF_RICH_PEN:
		pf_wr_u8(&w, 0);
		pf_wr_u8(&w, r->pen.count);
		pf_wr_u16le(&w, r->pen.seq);
		for (unsigned i = 0; i < r->pen.count; i++)
			write_sample(&w, &r->pen.samples[i]);
		break;
	}
	return w.err ? -ENOBUFS : (int)w.len;
}

/* ---- HID output ---- */

int pf_hid_parse(struct pf_hid *out, const uint8_t *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);
	struct pf_hid x;
	unsigned pad;
	size_t n;

	memset(&x, 0, sizeof(x));
	x.kind = pf_rd_u8(&r);
	/* The one message whose pad is 16 bits wide. */
	pad = x.kind == PF_HID_AUDIO_CONTROL ? pf_rd_u16le(&r) : pf_rd_u8(&r);
	if (pad >= PF_PADS_MAX)
		return -EPROTO;
	x.pad = (uint8_t)pad;
	switch (x.kind) {
	case PF_HID_LED:
		x.led.r = pf_rd_u8(&r);
		x.led.g = pf_rd_u8(&r);
		x.led.b = pf_rd_u8(&r);
		break;
	case PF_HID_PLAYER_LEDS:
		x.player = pf_rd_u8(&r) & PLAYER_MASK;
		break;
	case PF_HID_TRIGGER_EFFECT:
		x.trigger.which = pf_rd_u8(&r);
		n = r.left < PF_HID_TRIGGER ? r.left : PF_HID_TRIGGER;
		if (x.trigger.which > 1 || !n)
			return -EPROTO;
		x.trigger.len = (uint8_t)n;
		pf_rd_copy(&r, x.trigger.data, n);
		break;
	case PF_HID_HAPTIC:
		x.haptic.side = pf_rd_u8(&r);
		x.haptic.amplitude = pf_rd_u16le(&r);
		x.haptic.period_us = pf_rd_u16le(&r);
		x.haptic.count = pf_rd_u16le(&r);
		break;
	case PF_HID_RAW:
		x.raw.kind = pf_rd_u8(&r);
		n = r.left < PF_HID_RAW_MAX ? r.left : PF_HID_RAW_MAX;
		if (x.raw.kind > 1 || !n)
			return -EPROTO;
		x.raw.len = (uint8_t)n;
		pf_rd_copy(&r, x.raw.data, n);
		break;
	case PF_HID_AUDIO_CONTROL:
		x.audio.flags = pf_rd_u8(&r);
		pf_rd_copy(&r, x.audio.data, sizeof(x.audio.data));
		break;
	default:
		return -EPROTO;
	}
	if (r.err)
		return -EPROTO;
	*out = x;
	return 0;
}

int pf_hid_build(const struct pf_hid *h, uint8_t *buf, size_t cap)
{
	struct pf_writer w = pf_writer(buf, cap);

	if (h->pad >= PF_PADS_MAX)
		return -EINVAL;
	pf_wr_u8(&w, (uint8_t)h->kind);
	pf_wr_u8(&w, h->pad);
	switch (h->kind) {
	case PF_HID_LED:
		pf_wr_u8(&w, h->led.r);
		pf_wr_u8(&w, h->led.g);
		pf_wr_u8(&w, h->led.b);
		break;
	case PF_HID_PLAYER_LEDS:
		pf_wr_u8(&w, h->player & PLAYER_MASK);
		break;
	case PF_HID_TRIGGER_EFFECT:
		if (h->trigger.which > 1 || !h->trigger.len || h->trigger.len > PF_HID_TRIGGER)
			return -EINVAL;
		pf_wr_u8(&w, h->trigger.which);
		pf_wr_bytes(&w, h->trigger.data, h->trigger.len);
		break;
	case PF_HID_HAPTIC:
		pf_wr_u8(&w, h->haptic.side);
		pf_wr_u16le(&w, h->haptic.amplitude);
		pf_wr_u16le(&w, h->haptic.period_us);
		pf_wr_u16le(&w, h->haptic.count);
		break;
	case PF_HID_RAW:
		if (h->raw.kind > 1 || !h->raw.len || h->raw.len > PF_HID_RAW_MAX)
			return -EINVAL;
		pf_wr_u8(&w, h->raw.kind);
		pf_wr_bytes(&w, h->raw.data, h->raw.len);
		break;
	case PF_HID_AUDIO_CONTROL:
		pf_wr_u8(&w, 0); /* the high half of the pad */
		pf_wr_u8(&w, h->audio.flags);
		pf_wr_bytes(&w, h->audio.data, sizeof(h->audio.data));
		break;
	default:
		return -EINVAL;
	}
	return w.err ? -ENOBUFS : (int)w.len;
}

/* ---- snapshots ---- */

void pf_pad_snapshot_read(struct pf_pad_snapshot *out, const struct pf_dgram *d)
{
	const uint32_t x = (uint32_t)d->input.x, y = (uint32_t)d->input.y;
	const uint32_t flags = d->input.flags;

	*out = (struct pf_pad_snapshot){ .pad = (uint8_t)flags, .seq = (uint8_t)(flags >> 24) };
	if (d->input.kind != PF_INPUT_PAD_SNAPSHOT)
		return;
	out->buttons = d->input.code;
	out->lx = (int16_t)(x >> 16);
	out->ly = (int16_t)x;
	out->rx = (int16_t)(y >> 16);
	out->ry = (int16_t)y;
	out->lt = (uint8_t)(flags >> 16);
	out->rt = (uint8_t)(flags >> 8);
}

void pf_pad_snapshot_write(struct pf_dgram *d, const struct pf_pad_snapshot *s)
{
	*d = (struct pf_dgram){ .tag = PF_DGRAM_INPUT };
	d->input.kind = PF_INPUT_PAD_SNAPSHOT;
	d->input.code = s->buttons;
	d->input.x = (int32_t)((uint32_t)(uint16_t)s->lx << 16 | (uint16_t)s->ly);
	d->input.y = (int32_t)((uint32_t)(uint16_t)s->rx << 16 | (uint16_t)s->ry);
	d->input.flags =
		(uint32_t)s->seq << 24 | (uint32_t)s->lt << 16 | (uint32_t)s->rt << 8 | s->pad;
}
