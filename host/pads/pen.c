/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A pen on a screen: tip and eraser, three barrel buttons, pressure, distance, tilt. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include "host/pads/device.h"
#include "host/pads/uinput.h"

#define POSITION_MAX 32767
#define PRESSURE_MAX 4095
#define DISTANCE_MAX 255

static const uint16_t keys[] = { BTN_TOOL_PEN, BTN_TOOL_RUBBER, BTN_TOUCH, BTN_STYLUS, BTN_STYLUS2,
	BTN_STYLUS3, 0 };
/* Without a resolution of the place libinput refuses the tablet; that of the tilt is
 * in units a radian. */
static const struct pf_uinput_axis axes[] = {
	{ ABS_X, 0, POSITION_MAX, 0, 0, 64 },
	{ ABS_Y, 0, POSITION_MAX, 0, 0, 113 },
	{ ABS_PRESSURE, 0, PRESSURE_MAX, 0, 0, 0 },
	{ ABS_DISTANCE, 0, DISTANCE_MAX, 0, 0, 0 },
	{ ABS_TILT_X, -90, 90, 0, 0, 57 },
	{ ABS_TILT_Y, -90, 90, 0, 0, 57 },
	{ 0 },
};
static const struct pf_uinput_desc desc = {
	.name = PF_PADS_PEN_NAME,
	.id = { BUS_VIRTUAL, PF_PADS_VENDOR, PF_PADS_PEN_PRODUCT, 1 },
	.property = INPUT_PROP_DIRECT,
	.keys = keys,
	.axes = axes,
};

struct pen {
	struct pf_pad_device base;
	struct pf_uinput dev;
	bool in_range, eraser;
};

static void pen_close(struct pf_pad_device *d)
{
	struct pen *p = (struct pen *)d;

	if (!p)
		return;
	pf_uinput_close(&p->dev);
	free(p);
}

static int pen_open(struct pf_pad_device **out, const struct pf_pad_device_params *params,
	struct pf_reason *why)
{
	struct pen *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	p->base.ops = &pf_pen_ops;
	r = pf_uinput_open(&p->dev, &desc, params->name, "pen", why);
	if (r) {
		pen_close(&p->base);
		return r;
	}
	p->base.fd = p->dev.fd;
	*out = &p->base;
	return 0;
}

static void pen_readable(struct pf_pad_device *d)
{
	pf_uinput_discard(&((struct pen *)d)->dev);
}

static void key(struct pen *p, uint16_t code, bool down)
{
	pf_uinput_add(&p->dev, EV_KEY, code, down);
}

static void abs_event(struct pen *p, uint16_t code, int32_t value)
{
	pf_uinput_add(&p->dev, EV_ABS, code, value);
}

static void leave(struct pen *p)
{
	if (!p->in_range)
		return;
	key(p, BTN_TOUCH, false);
	key(p, BTN_STYLUS, false);
	key(p, BTN_STYLUS2, false);
	key(p, BTN_STYLUS3, false);
	abs_event(p, ABS_PRESSURE, 0);
	key(p, p->eraser ? BTN_TOOL_RUBBER : BTN_TOOL_PEN, false);
	pf_uinput_send(&p->dev);
	p->in_range = false;
}

/* From how far it leans, and where its tip points to, to an angle for each axis:
 * positive leans to the right and towards the user. */
static void tilt(struct pen *p, int tilt_deg, int rotation_deg)
{
	const double rad = 3.14159265358979323846 / 180;
	double lean, up, turn;

	if (tilt_deg < 0 || rotation_deg < 0)
		tilt_deg = rotation_deg = 0;
	lean = sin((tilt_deg > 90 ? 90 : tilt_deg) * rad);
	up = cos((tilt_deg > 90 ? 90 : tilt_deg) * rad);
	turn = rotation_deg * rad;
	abs_event(p, ABS_TILT_X, (int32_t)lround(atan2(-sin(turn) * lean, up) / rad));
	abs_event(p, ABS_TILT_Y, (int32_t)lround(atan2(cos(turn) * lean, up) / rad));
}

static int32_t pressure(const struct pf_pen *s)
{
	if (s->phase != PF_TOUCH_DOWN && s->phase != PF_TOUCH_MOVE)
		return 0;
	/* Programs take the tip as down by its pressure: unknown is some. */
	return s->pressure < 0 ? PRESSURE_MAX / 2 : pf_uinput_scale(s->pressure, PRESSURE_MAX);
}

static int32_t distance(const struct pf_pen *s)
{
	if (s->phase != PF_TOUCH_HOVER)
		return 0;
	return s->distance < 0 ? DISTANCE_MAX / 2
			       : 1 + pf_uinput_scale(s->distance, DISTANCE_MAX - 1);
}

static void pen_pen(struct pf_pad_device *d, const struct pf_pen *s)
{
	struct pen *p = (struct pen *)d;

	if (s->phase >= PF_TOUCH_LEAVE) {
		leave(p);
		return;
	}
	/* One tool goes before the other comes. */
	if (p->eraser != s->eraser)
		leave(p);
	p->eraser = s->eraser;
	p->in_range = true;
	key(p, p->eraser ? BTN_TOOL_RUBBER : BTN_TOOL_PEN, true);
	abs_event(p, ABS_X, pf_uinput_scale(s->x, POSITION_MAX));
	abs_event(p, ABS_Y, pf_uinput_scale(s->y, POSITION_MAX));
	tilt(p, s->tilt_deg, s->rotation_deg);
	abs_event(p, ABS_DISTANCE, distance(s));
	abs_event(p, ABS_PRESSURE, pressure(s));
	key(p, BTN_TOUCH, s->phase == PF_TOUCH_DOWN || s->phase == PF_TOUCH_MOVE);
	key(p, BTN_STYLUS, s->buttons & 1);
	key(p, BTN_STYLUS2, s->buttons & 2);
	key(p, BTN_STYLUS3, s->buttons & 4);
	pf_uinput_send(&p->dev);
}

static void pen_release(struct pf_pad_device *d)
{
	leave((struct pen *)d);
}

const struct pf_pad_device_ops pf_pen_ops = {
	.name = "pen",
	.open = pen_open,
	.close = pen_close,
	.readable = pen_readable,
	.pen = pen_pen,
	.release = pen_release,
};
