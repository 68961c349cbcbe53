/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Xbox pads as the kernel's xpad driver presents them: games and SDL's mapping
 * table know these ids, names and ranges. Share button and paddles are not part
 * of these two models; impulse triggers have no force-feedback effect in Linux. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/pads/device.h"
#include "host/pads/rumble.h"
#include "host/pads/uinput.h"

static const struct {
	uint32_t bit;
	uint16_t key;
} buttons[] = {
	{ PF_PAD_A, BTN_A },
	{ PF_PAD_B, BTN_B },
	{ PF_PAD_X, BTN_X },
	{ PF_PAD_Y, BTN_Y },
	{ PF_PAD_LB, BTN_TL },
	{ PF_PAD_RB, BTN_TR },
	{ PF_PAD_BACK, BTN_SELECT },
	{ PF_PAD_START, BTN_START },
	{ PF_PAD_GUIDE, BTN_MODE },
	{ PF_PAD_L3, BTN_THUMBL },
	{ PF_PAD_R3, BTN_THUMBR },
};

static const uint16_t keys[] = { BTN_A, BTN_B, BTN_X, BTN_Y, BTN_TL, BTN_TR, BTN_SELECT, BTN_START,
	BTN_MODE, BTN_THUMBL, BTN_THUMBR, 0 };

#define STICK(axis)                                                                                \
	{                                                                                          \
		axis, -32768, 32767, 16, 128, 0                                                    \
	}
#define HAT(axis)                                                                                  \
	{                                                                                          \
		axis, -1, 1, 0, 0, 0                                                               \
	}
#define AXES(trigger)                                                                              \
	STICK(ABS_X), STICK(ABS_Y), { ABS_Z, 0, trigger, 0, 0, 0 }, STICK(ABS_RX), STICK(ABS_RY),  \
		{ ABS_RZ, 0, trigger, 0, 0, 0 }, HAT(ABS_HAT0X), HAT(ABS_HAT0Y),                   \
	{                                                                                          \
		0                                                                                  \
	}

static const struct pf_uinput_axis axes_360[] = { AXES(255) };
static const struct pf_uinput_axis axes_one[] = { AXES(1023) };

/* What the kernel's memoryless effects offer where there are two motors. */
static const uint16_t effects[] = { FF_RUMBLE, FF_PERIODIC, FF_SQUARE, FF_TRIANGLE, FF_SINE,
	FF_GAIN, 0 };

static const struct pf_uinput_desc desc_360 = {
	.name = "Microsoft X-Box 360 pad",
	.id = { BUS_USB, 0x045e, 0x028e, 0x0110 },
	.property = -1,
	.keys = keys,
	.axes = axes_360,
	.effects = effects,
	.effects_max = PF_RUMBLE_EFFECTS,
};

static const struct pf_uinput_desc desc_one = {
	.name = "Microsoft X-Box One S pad",
	.id = { BUS_USB, 0x045e, 0x02ea, 0x0301 },
	.property = -1,
	.keys = keys,
	.axes = axes_one,
	.effects = effects,
	.effects_max = PF_RUMBLE_EFFECTS,
};

struct uinput_pad {
	struct pf_pad_device base;
	struct pf_uinput dev;
	struct pf_pad_state now;
	struct pf_rumble rumble;
	uint16_t low, high; /* as last told */
	uint8_t pad;
	bool one;
	void (*feedback)(void *user, const struct pf_pad_feedback *fb);
	void *user;
};

static void pad_close(struct pf_pad_device *d)
{
	struct uinput_pad *p = (struct uinput_pad *)d;

	if (!p)
		return;
	pf_uinput_close(&p->dev);
	free(p);
}

static int pad_open(struct pf_pad_device **out, const struct pf_pad_device_params *params,
	struct pf_reason *why)
{
	struct uinput_pad *p = calloc(1, sizeof(*p));
	char part[16];
	int r;

	if (!p)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	p->base.ops = &pf_uinput_pad_ops;
	p->pad = params->pad;
	p->one = params->kind == PF_PAD_XBOX_ONE;
	p->feedback = params->feedback;
	p->user = params->user;
	pf_rumble_init(&p->rumble);
	snprintf(part, sizeof(part), "pad%u", params->pad + 1u);
	r = pf_uinput_open(&p->dev, p->one ? &desc_one : &desc_360, params->name, part, why);
	if (r) {
		pad_close(&p->base);
		return r;
	}
	p->base.fd = p->dev.fd;
	*out = &p->base;
	return 0;
}

static void pad_tick(struct pf_pad_device *d, uint64_t now_ns)
{
	struct uinput_pad *p = (struct uinput_pad *)d;
	struct pf_pad_feedback fb = { .kind = PF_PAD_FB_RUMBLE, .pad = p->pad };

	d->due_ns = pf_rumble_levels(&p->rumble, now_ns, &fb.rumble.low, &fb.rumble.high);
	if (fb.rumble.low == p->low && fb.rumble.high == p->high)
		return;
	p->low = fb.rumble.low;
	p->high = fb.rumble.high;
	p->feedback(p->user, &fb);
}

static void answer_upload(struct uinput_pad *p, uint32_t request, uint64_t now_ns)
{
	struct uinput_ff_upload u = { .request_id = request };

	if (ioctl(p->dev.fd, UI_BEGIN_FF_UPLOAD, &u))
		return; /* the program gave up on it */
	u.retval = pf_rumble_upload(&p->rumble, &u.effect, now_ns);
	(void)ioctl(p->dev.fd, UI_END_FF_UPLOAD, &u);
}

static void answer_erase(struct uinput_pad *p, uint32_t request)
{
	struct uinput_ff_erase e = { .request_id = request };

	if (ioctl(p->dev.fd, UI_BEGIN_FF_ERASE, &e))
		return;
	pf_rumble_erase(&p->rumble, e.effect_id);
	e.retval = 0;
	(void)ioctl(p->dev.fd, UI_END_FF_ERASE, &e);
}

static void pad_readable(struct pf_pad_device *d)
{
	struct uinput_pad *p = (struct uinput_pad *)d;
	struct input_event ev[16];
	ssize_t n;

	while ((n = read(p->dev.fd, ev, sizeof(ev))) > 0) {
		uint64_t now_ns = pf_clock_mono_ns();

		for (size_t i = 0; i < (size_t)n / sizeof(ev[0]); i++) {
			uint32_t value = (uint32_t)ev[i].value;

			if (ev[i].type == EV_UINPUT && ev[i].code == UI_FF_UPLOAD)
				answer_upload(p, value, now_ns);
			else if (ev[i].type == EV_UINPUT && ev[i].code == UI_FF_ERASE)
				answer_erase(p, value);
			else if (ev[i].type == EV_FF && ev[i].code == FF_GAIN)
				p->rumble.gain = value > 0xffff ? 0xffff : (uint16_t)value;
			else if (ev[i].type == EV_FF)
				pf_rumble_play(&p->rumble, ev[i].code, ev[i].value, now_ns);
		}
	}
	pad_tick(d, pf_clock_mono_ns());
}

static void axis(struct uinput_pad *p, uint16_t code, int was, int is)
{
	if (was != is)
		pf_uinput_add(&p->dev, EV_ABS, code, is);
}

/* Evdev counts down as positive. Both ends and the centre stay exact. */
static int down(int16_t up)
{
	return up ? ~up : 0;
}

static int hat(uint32_t b, uint32_t less, uint32_t more)
{
	return ((b & more) != 0) - ((b & less) != 0);
}

static int trigger(const struct uinput_pad *p, uint8_t pulled)
{
	return p->one ? pulled * 1023 / 255 : pulled;
}

static void pad_state(struct pf_pad_device *d, const struct pf_pad_state *s)
{
	struct uinput_pad *p = (struct uinput_pad *)d;
	struct pf_pad_state was = p->now;
	uint32_t a = was.buttons, b = s->buttons;

	for (size_t i = 0; i < sizeof(buttons) / sizeof(buttons[0]); i++)
		if ((a ^ b) & buttons[i].bit)
			pf_uinput_add(&p->dev, EV_KEY, buttons[i].key, (b & buttons[i].bit) != 0);
	axis(p, ABS_HAT0X, hat(a, PF_PAD_LEFT, PF_PAD_RIGHT), hat(b, PF_PAD_LEFT, PF_PAD_RIGHT));
	axis(p, ABS_HAT0Y, hat(a, PF_PAD_UP, PF_PAD_DOWN), hat(b, PF_PAD_UP, PF_PAD_DOWN));
	axis(p, ABS_X, was.lx, s->lx);
	axis(p, ABS_Y, down(was.ly), down(s->ly));
	axis(p, ABS_RX, was.rx, s->rx);
	axis(p, ABS_RY, down(was.ry), down(s->ry));
	axis(p, ABS_Z, trigger(p, was.lt), trigger(p, s->lt));
	axis(p, ABS_RZ, trigger(p, was.rt), trigger(p, s->rt));
	pf_uinput_send(&p->dev);
	p->now = *s;
}

static void pad_release(struct pf_pad_device *d)
{
	pad_state(d, &(struct pf_pad_state){ 0 });
}

const struct pf_pad_device_ops pf_uinput_pad_ops = {
	.name = "uinput",
	.kinds = 1u << PF_PAD_XBOX_360 | 1u << PF_PAD_XBOX_ONE,
	.open = pad_open,
	.close = pad_close,
	.readable = pad_readable,
	.state = pad_state,
	.release = pad_release,
	.tick = pad_tick,
};
