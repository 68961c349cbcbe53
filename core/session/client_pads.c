/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/client_pads.h"
#include <errno.h>
#include <math.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/session/client_impl.h"

#define GYRO_PER_DEG_S 20
#define ACCEL_PER_G    10000

/* ---- out ---- */

static int send_rich(struct pf_client *c, const struct pf_rich *r)
{
	uint8_t buf[1 + PF_RICH_MAX_BYTES];
	int n = pf_rich_build(r, buf + 1, sizeof(buf) - 1);

	if (n < 0)
		return n;
	buf[0] = PF_DGRAM_RICH_INPUT;
	return pf_client_send_datagram(c, buf, (size_t)n + 1);
}

/* Under the lock. What does not leave is said again, or the session is over. */
static void emit(void *user, const struct pf_dgram *input, const struct pf_rich *rich)
{
	struct pf_client *c = user;
	uint8_t buf[32];
	int n;

	if (rich) {
		(void)send_rich(c, rich);
		return;
	}
	n = pf_dgram_build(input, buf, sizeof(buf));
	if (n > 0)
		(void)pf_client_send_datagram(c, buf, (size_t)n);
}

void pf_client_pads_init(struct pf_client *c)
{
	pthread_mutex_init(&c->pads.lock, NULL);
	c->pads.refresh.emit = emit;
	c->pads.refresh.user = c;
}

void pf_client_pads_finish(struct pf_client *c)
{
	pthread_mutex_destroy(&c->pads.lock);
}

void pf_client_pads_open(struct pf_client *c, uint8_t host_caps)
{
	pthread_mutex_lock(&c->pads.lock);
	c->pads.refresh.snapshots = host_caps & PF_HOST_CAP_PAD_SNAPSHOTS;
	pthread_mutex_unlock(&c->pads.lock);
}

/* ---- calls of the application ---- */

static bool begin(struct pf_client *c)
{
	bool open;

	pthread_mutex_lock(&c->lock);
	open = c->state == PF_CLIENT_OPEN;
	pthread_mutex_unlock(&c->lock);
	if (open)
		pthread_mutex_lock(&c->pads.lock);
	return open;
}

/* The quic thread's timer knows nothing yet of what began to tick. */
static void end(struct pf_client *c, uint64_t ticked_ns)
{
	const bool begins = !ticked_ns && c->pads.refresh.tick_ns;

	pthread_mutex_unlock(&c->pads.lock);
	if (begins)
		pf_client_notify(c);
}

int pf_client_pad_arrive(struct pf_client *c, uint32_t pad, uint32_t kind)
{
	uint64_t ticked_ns;

	if (pad >= PF_PADS_MAX || kind > UINT8_MAX)
		return -EINVAL;
	if (!begin(c))
		return -EPIPE;
	ticked_ns = c->pads.refresh.tick_ns;
	pf_refresh_arrive(&c->pads.refresh, pad, (uint8_t)kind, pf_clock_mono_ns());
	end(c, ticked_ns);
	return 0;
}

int pf_client_pad_remove(struct pf_client *c, uint32_t pad)
{
	uint64_t ticked_ns;

	if (pad >= PF_PADS_MAX)
		return -EINVAL;
	if (!begin(c))
		return -EPIPE;
	ticked_ns = c->pads.refresh.tick_ns;
	pf_refresh_remove(&c->pads.refresh, pad, pf_clock_mono_ns());
	end(c, ticked_ns);
	return 0;
}

int pf_client_send_pad(struct pf_client *c, const PunktfunkPadState *s)
{
	const struct pf_pad_snapshot state = {
		.pad = s->pad,
		.buttons = s->buttons,
		.lx = s->lx,
		.ly = s->ly,
		.rx = s->rx,
		.ry = s->ry,
		.lt = s->left_trigger,
		.rt = s->right_trigger,
	};
	uint64_t ticked_ns;

	if (s->pad >= PF_PADS_MAX)
		return -EINVAL;
	if (!begin(c))
		return -EPIPE;
	ticked_ns = c->pads.refresh.tick_ns;
	pf_refresh_state(&c->pads.refresh, &state, pf_clock_mono_ns());
	end(c, ticked_ns);
	return 0;
}

/* A plain touch takes the older form, unless the pad needed the longer one before: only
 * that one can say that a click ended. */
static bool takes_ext(struct pf_client *c, const PunktfunkPadTouch *t)
{
	const uint16_t pad = (uint16_t)(1u << t->pad);
	bool ext;

	pthread_mutex_lock(&c->pads.lock);
	if (t->surface || t->pressure || t->state & PUNKTFUNK_PAD_TOUCH_CLICK)
		c->pads.ext |= pad;
	ext = c->pads.ext & pad;
	pthread_mutex_unlock(&c->pads.lock);
	return ext;
}

int pf_client_send_pad_touch(struct pf_client *c, const PunktfunkPadTouch *t)
{
	struct pf_rich r;

	if (t->pad >= PF_PADS_MAX)
		return -EINVAL;
	memset(&r, 0, sizeof(r));
	r.pad = t->pad;
	if (!takes_ext(c, t)) {
		r.kind = PF_RICH_TOUCHPAD;
		r.touchpad.finger = t->finger;
		r.touchpad.active = t->state & PUNKTFUNK_PAD_TOUCH_DOWN;
		r.touchpad.x = t->x;
		r.touchpad.y = t->y;
	} else {
		r.kind = PF_RICH_TOUCHPAD_EXT;
		r.ext.surface = t->surface;
		r.ext.finger = t->finger;
		r.ext.touch = t->state & PUNKTFUNK_PAD_TOUCH_DOWN;
		r.ext.click = t->state & PUNKTFUNK_PAD_TOUCH_CLICK;
		r.ext.x = (int16_t)(t->x - 32768);
		r.ext.y = (int16_t)(t->y - 32768);
		r.ext.pressure = t->pressure;
	}
	return send_rich(c, &r);
}

static bool to_i16(int16_t *out, float v, float per_unit)
{
	const float raw = v * per_unit;

	if (!isfinite(raw))
		return false;
	*out = raw >= 32767 ? 32767 : raw <= -32768 ? -32768 : (int16_t)lrintf(raw);
	return true;
}

int pf_client_send_pad_motion(struct pf_client *c, const PunktfunkPadMotion *m)
{
	struct pf_rich r;

	memset(&r, 0, sizeof(r));
	r.kind = PF_RICH_MOTION;
	r.pad = m->pad;
	for (unsigned i = 0; i < 3; i++)
		if (!to_i16(&r.motion.gyro[i], m->gyro_deg_s[i], GYRO_PER_DEG_S) ||
			!to_i16(&r.motion.accel[i], m->accel_g[i], ACCEL_PER_G))
			return -EINVAL;
	return send_rich(c, &r);
}

int pf_client_send_pen(struct pf_client *c, const PunktfunkPenSample *samples, uint32_t count)
{
	struct pf_pen_sample own[PF_PEN_SAMPLES];
	uint64_t ticked_ns;
	bool takes;
	int err;

	if (!count || count > PF_PEN_SAMPLES)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++)
		own[i] = (struct pf_pen_sample){
			.state = samples[i].state,
			.tool = samples[i].tool,
			.x = samples[i].x,
			.y = samples[i].y,
			.pressure = samples[i].pressure,
			.distance = samples[i].distance,
			.tilt = samples[i].tilt,
			.azimuth = samples[i].azimuth,
			.roll = samples[i].roll,
			.dt_us = samples[i].dt_us,
		};
	pthread_mutex_lock(&c->lock);
	takes = c->info.host_caps & PF_HOST_CAP_PEN;
	pthread_mutex_unlock(&c->lock);
	if (!takes)
		return -ENOTSUP;
	if (!begin(c))
		return -EPIPE;
	ticked_ns = c->pads.refresh.tick_ns;
	err = pf_refresh_pen(&c->pads.refresh, own, count, pf_clock_mono_ns());
	end(c, ticked_ns);
	return err;
}

/* ---- in ---- */

static void tell_rumble(struct pf_client *c, unsigned pad, const struct pf_rumble_level *l)
{
	PunktfunkEvent e = { .type = PUNKTFUNK_EVENT_RUMBLE,
		.a = pad,
		.b = l->low,
		.c = l->high,
		.d = (uint32_t)l->left_trigger << 16 | l->right_trigger };

	pf_client_put_event(c, &e);
}

void pf_client_pads_rumble(struct pf_client *c, const struct pf_dgram *d, uint64_t now_ns)
{
	const struct pf_rumble_msg m = {
		.pad = (uint8_t)d->rumble.pad,
		.level = { d->rumble.low, d->rumble.high, d->rumble.left_trigger,
			d->rumble.right_trigger },
		.has_lease = d->rumble.has_lease,
		.seq = d->rumble.seq,
		.ttl_ms = d->rumble.ttl_ms,
	};
	struct pf_rumble_level now;

	if (pf_rumble_hear(&c->pads.rumble, &m, now_ns, &now))
		tell_rumble(c, m.pad, &now);
}

static void silence(struct pf_client *c, uint64_t now_ns)
{
	const struct pf_rumble_level none = { 0 };
	uint8_t pad;

	while (pf_rumble_expire(&c->pads.rumble, now_ns, &pad))
		tell_rumble(c, pad, &none);
}

void pf_client_pads_end(struct pf_client *c)
{
	silence(c, UINT64_MAX);
}

uint64_t pf_client_pads_poll(struct pf_client *c, uint64_t now_ns)
{
	uint64_t due_ns, expiry_ns;

	silence(c, now_ns);
	expiry_ns = pf_rumble_expiry_ns(&c->pads.rumble);
	pthread_mutex_lock(&c->pads.lock);
	due_ns = pf_refresh_poll(&c->pads.refresh, now_ns);
	pthread_mutex_unlock(&c->pads.lock);
	return due_ns < expiry_ns ? due_ns : expiry_ns;
}

void pf_client_pads_hid(struct pf_client *c, const struct pf_dgram *d)
{
	PunktfunkEvent e = { 0 };
	struct pf_hid h;

	if (pf_hid_parse(&h, d->raw.data, d->raw.len))
		return;
	e.a = h.pad;
	switch (h.kind) {
	case PF_HID_LED:
		e.type = PUNKTFUNK_EVENT_PAD_LIGHT;
		e.b = (uint32_t)h.led.r << 16 | (uint32_t)h.led.g << 8 | h.led.b;
		break;
	case PF_HID_PLAYER_LEDS:
		e.type = PUNKTFUNK_EVENT_PAD_PLAYER;
		e.b = h.player;
		break;
	case PF_HID_TRIGGER_EFFECT:
		e.type = PUNKTFUNK_EVENT_PAD_TRIGGER;
		e.b = h.trigger.which;
		e.data_size = h.trigger.len;
		memcpy(e.data, h.trigger.data, h.trigger.len);
		break;
	case PF_HID_RAW:
		e.type = PUNKTFUNK_EVENT_PAD_REPORT;
		e.b = h.raw.kind;
		e.data_size = h.raw.len;
		memcpy(e.data, h.raw.data, h.raw.len);
		break;
	case PF_HID_HAPTIC:
	case PF_HID_AUDIO_CONTROL: /* of a pad's sound, which this client does not take */
		return;
	}
	pf_client_put_event(c, &e);
}
