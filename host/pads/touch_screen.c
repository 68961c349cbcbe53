/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A touch screen of 16 fingers (slots, "protocol B"). It has no size that anyone
 * could know; a resolution is given since programs compute speeds from it. */
#include <errno.h>
#include <stdlib.h>
#include "host/pads/device.h"
#include "host/pads/uinput.h"

#define FINGERS	     16
#define POSITION_MAX 32767
#define PRESSURE_MAX 1023

#define X_RES 64 /* of a screen of 51 by 29 cm */
#define Y_RES 113

static const uint16_t keys[] = { BTN_TOUCH, 0 };
static const struct pf_uinput_axis axes[] = {
	{ ABS_X, 0, POSITION_MAX, 0, 0, X_RES },
	{ ABS_Y, 0, POSITION_MAX, 0, 0, Y_RES },
	{ ABS_PRESSURE, 0, PRESSURE_MAX, 0, 0, 0 },
	{ ABS_MT_SLOT, 0, FINGERS - 1, 0, 0, 0 },
	{ ABS_MT_TOUCH_MAJOR, 0, POSITION_MAX, 0, 0, X_RES },
	{ ABS_MT_TOUCH_MINOR, 0, POSITION_MAX, 0, 0, X_RES },
	{ ABS_MT_ORIENTATION, -90, 90, 0, 0, 0 },
	{ ABS_MT_POSITION_X, 0, POSITION_MAX, 0, 0, X_RES },
	{ ABS_MT_POSITION_Y, 0, POSITION_MAX, 0, 0, Y_RES },
	{ ABS_MT_TOOL_TYPE, 0, MT_TOOL_PALM, 0, 0, 0 },
	{ ABS_MT_TRACKING_ID, 0, 65535, 0, 0, 0 },
	{ ABS_MT_PRESSURE, 0, PRESSURE_MAX, 0, 0, 0 },
	{ 0 },
};
static const struct pf_uinput_desc desc = {
	.name = PF_PADS_TOUCH_NAME,
	.id = { BUS_VIRTUAL, PF_PADS_VENDOR, PF_PADS_TOUCH_PRODUCT, 1 },
	.property = INPUT_PROP_DIRECT,
	.keys = keys,
	.axes = axes,
};

struct touch_screen {
	struct pf_pad_device base;
	struct pf_uinput dev;
	struct finger {
		bool down;
		uint32_t id, order;
		int32_t x, y, pressure;
	} fingers[FINGERS];
	uint32_t order; /* of the latest finger; its low half is the tracking id */
};

static void screen_close(struct pf_pad_device *d)
{
	struct touch_screen *s = (struct touch_screen *)d;

	if (!s)
		return;
	pf_uinput_close(&s->dev);
	free(s);
}

static int screen_open(struct pf_pad_device **out, const struct pf_pad_device_params *params,
	struct pf_reason *why)
{
	struct touch_screen *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	s->base.ops = &pf_touch_screen_ops;
	r = pf_uinput_open(&s->dev, &desc, params->name, "touch", why);
	if (r) {
		screen_close(&s->base);
		return r;
	}
	s->base.fd = s->dev.fd;
	*out = &s->base;
	return 0;
}

/* It has no lights and no effects: nothing that it says needs an answer. */
static void screen_readable(struct pf_pad_device *d)
{
	pf_uinput_discard(&((struct touch_screen *)d)->dev);
}

static struct finger *find(struct touch_screen *s, uint32_t id)
{
	for (unsigned i = 0; i < FINGERS; i++)
		if (s->fingers[i].down && s->fingers[i].id == id)
			return &s->fingers[i];
	return NULL;
}

static void abs_event(struct touch_screen *s, uint16_t code, int32_t value)
{
	pf_uinput_add(&s->dev, EV_ABS, code, value);
}

static void select_slot(struct touch_screen *s, const struct finger *f)
{
	abs_event(s, ABS_MT_SLOT, (int32_t)(f - s->fingers));
}

/* What programs see that know of one finger only: the one that is down longest. */
static void send(struct touch_screen *s)
{
	const struct finger *oldest = NULL;

	for (unsigned i = 0; i < FINGERS; i++) {
		const struct finger *f = &s->fingers[i];

		if (f->down && (!oldest || (int32_t)(f->order - oldest->order) < 0))
			oldest = f;
	}
	if (oldest) {
		abs_event(s, ABS_X, oldest->x);
		abs_event(s, ABS_Y, oldest->y);
	}
	abs_event(s, ABS_PRESSURE, oldest ? oldest->pressure : 0);
	pf_uinput_add(&s->dev, EV_KEY, BTN_TOUCH, oldest != NULL);
	pf_uinput_send(&s->dev);
}

/* An ellipse looks the same half a turn on. */
static int32_t orientation(int deg)
{
	deg %= 180;
	return deg > 90 ? deg - 180 : deg;
}

static void down_or_move(struct touch_screen *s, const struct pf_touch *t)
{
	struct finger *f = find(s, t->id);

	if (!f && t->phase == PF_TOUCH_MOVE)
		return; /* lifted or cancelled here already, or one too many */
	for (unsigned i = 0; i < FINGERS && !f; i++)
		if (!s->fingers[i].down)
			f = &s->fingers[i];
	if (!f)
		return;
	select_slot(s, f);
	if (!f->down) {
		*f = (struct finger){ .down = true, .id = t->id, .order = ++s->order };
		abs_event(s, ABS_MT_TRACKING_ID, (int32_t)(f->order & 0xffff));
		abs_event(s, ABS_MT_TOOL_TYPE, MT_TOOL_FINGER);
	}
	f->x = pf_uinput_scale(t->x, POSITION_MAX);
	f->y = pf_uinput_scale(t->y, POSITION_MAX);
	f->pressure = t->pressure < 0 ? PRESSURE_MAX : pf_uinput_scale(t->pressure, PRESSURE_MAX);
	abs_event(s, ABS_MT_POSITION_X, f->x);
	abs_event(s, ABS_MT_POSITION_Y, f->y);
	abs_event(s, ABS_MT_PRESSURE, f->pressure);
	abs_event(s, ABS_MT_TOUCH_MAJOR, pf_uinput_scale(t->major, POSITION_MAX));
	abs_event(s, ABS_MT_TOUCH_MINOR, pf_uinput_scale(t->minor, POSITION_MAX));
	abs_event(s, ABS_MT_ORIENTATION, t->rotation_deg < 0 ? 0 : orientation(t->rotation_deg));
	send(s);
}

static void lift(struct touch_screen *s, struct finger *f)
{
	f->down = false;
	select_slot(s, f);
	abs_event(s, ABS_MT_TRACKING_ID, -1);
}

/* Programs must undo a touch that becomes a palm, where a lifted one is a tap. */
static void cancel(struct touch_screen *s, const uint32_t *id)
{
	for (unsigned i = 0; i < FINGERS; i++)
		if (s->fingers[i].down && (!id || s->fingers[i].id == *id)) {
			select_slot(s, &s->fingers[i]);
			abs_event(s, ABS_MT_TOOL_TYPE, MT_TOOL_PALM);
		}
	pf_uinput_send(&s->dev);
	for (unsigned i = 0; i < FINGERS; i++)
		if (s->fingers[i].down && (!id || s->fingers[i].id == *id))
			lift(s, &s->fingers[i]);
	send(s);
}

static void screen_touch(struct pf_pad_device *d, uint8_t surface, const struct pf_touch *t)
{
	struct touch_screen *s = (struct touch_screen *)d;
	struct finger *f;

	switch (t->phase) {
	case PF_TOUCH_DOWN:
	case PF_TOUCH_MOVE:
		down_or_move(s, t);
		break;
	case PF_TOUCH_UP:
		f = find(s, t->id);
		if (f) {
			lift(s, f);
			send(s);
		}
		break;
	case PF_TOUCH_CANCEL:
		cancel(s, &t->id);
		break;
	case PF_TOUCH_CANCEL_ALL:
		cancel(s, NULL);
		break;
	case PF_TOUCH_HOVER: /* touch screens feel only what touches */
	case PF_TOUCH_LEAVE:
		break;
	}
}

static void screen_release(struct pf_pad_device *d)
{
	cancel((struct touch_screen *)d, NULL);
}

const struct pf_pad_device_ops pf_touch_screen_ops = {
	.name = "touch-screen",
	.open = screen_open,
	.close = screen_close,
	.readable = screen_readable,
	.touch = screen_touch,
	.release = screen_release,
};
