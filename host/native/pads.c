/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/pads.h"
#include <errno.h>
#include <string.h>
#include "core/wire/pf1_handshake.h"
#include "host/registry/config.h"

#define GYRO_PER_DEG_S	20.0f
#define ACCEL_PER_G	10000.0f
#define G_M_S2		9.80665f
#define BUTTONS		0x3fffffu
#define FINGERS_SURFACE 8u /* of each touch surface */

static uint16_t bit(unsigned pad)
{
	return (uint16_t)(1u << pad);
}

/* ---- choices ---- */

uint8_t pf_native_pads_caps(unsigned can, bool screen)
{
	return PF_HOST_CAP_PAD_SNAPSHOTS |
	       (can & PF_PADS_CAN_UINPUT && screen ? PF_HOST_CAP_PEN : 0);
}

/* By what a pad has beyond buttons: motion and surfaces only Sony's show. */
static enum pf_pad_kind wanted_kind(uint32_t setting, uint8_t gamepad)
{
	switch (setting) {
	case PF_CONFIG_GAMEPAD_XBOX360:
		return PF_PAD_XBOX_360;
	case PF_CONFIG_GAMEPAD_XBOXONE:
		return PF_PAD_XBOX_ONE;
	case PF_CONFIG_GAMEPAD_DUALSHOCK4:
		return PF_PAD_DUALSHOCK4;
	case PF_CONFIG_GAMEPAD_DUALSENSE:
		return PF_PAD_DUALSENSE;
	default:
		break;
	}
	switch (gamepad) {
	case PF_GAMEPAD_DUALSENSE:
	case PF_GAMEPAD_STEAM_CONTROLLER:
	case PF_GAMEPAD_STEAM_DECK:
	case PF_GAMEPAD_DUALSENSE_EDGE:
	case PF_GAMEPAD_SWITCH_PRO:
	case PF_GAMEPAD_STEAM_CONTROLLER2:
	case PF_GAMEPAD_STEAM_CONTROLLER2_DONGLE:
	case PF_GAMEPAD_HORIPAD_STEAM:
	case PF_GAMEPAD_JOYCONS:
	case PF_GAMEPAD_SWITCH2_PRO:
		return PF_PAD_DUALSENSE;
	case PF_GAMEPAD_DUALSHOCK4:
		return PF_PAD_DUALSHOCK4;
	case PF_GAMEPAD_XBOX_ONE:
	case PF_GAMEPAD_XBOX_ELITE:
		return PF_PAD_XBOX_ONE;
	default:
		/* What every game knows. */
		return PF_PAD_XBOX_360;
	}
}

enum pf_pad_kind pf_native_pads_kind(uint32_t setting, unsigned can, uint8_t gamepad)
{
	const enum pf_pad_kind kind = wanted_kind(setting, gamepad);
	const bool sony = kind == PF_PAD_DUALSENSE || kind == PF_PAD_DUALSHOCK4;

	if (sony && !(can & PF_PADS_CAN_UHID))
		return PF_PAD_XBOX_ONE;
	return !sony && !(can & PF_PADS_CAN_UINPUT) ? PF_PAD_DUALSENSE : kind;
}

uint8_t pf_native_pads_wire_kind(enum pf_pad_kind kind)
{
	static const uint8_t kinds[PF_PAD_KINDS] = {
		[PF_PAD_XBOX_360] = PF_GAMEPAD_XBOX_360,
		[PF_PAD_XBOX_ONE] = PF_GAMEPAD_XBOX_ONE,
		[PF_PAD_DUALSHOCK4] = PF_GAMEPAD_DUALSHOCK4,
		[PF_PAD_DUALSENSE] = PF_GAMEPAD_DUALSENSE,
	};

	return kinds[kind];
}

/* ---- pads ---- */

static void post_state(struct pf_native_pads *p, unsigned pad)
{
	struct pf_pad_event ev = {
		.kind = PF_PAD_STATE,
		.pad = (uint8_t)pad,
		.state = p->pad[pad].state,
	};

	if (p->pad[pad].clicks)
		ev.state.buttons |= PF_PAD_TOUCHPAD;
	/* One that is lost comes again with the client's next word of it. */
	(void)p->post(p->user, &ev);
}

static void take_over(struct pf_native_pads *p, unsigned pad)
{
	struct pf_native_pad *d = &p->pad[pad];

	p->ours |= bit(pad);
	d->led_told = d->player_told = d->effect_told[0] = d->effect_told[1] = false;
	d->rumble = (struct pf_rumble_level){ 0 };
	p->again(p->user, pad);
}

/* False: there is no device, and its next word tries again. */
static bool make(struct pf_native_pads *p, unsigned pad)
{
	struct pf_native_pad *d = &p->pad[pad];
	const uint8_t wire = p->named & bit(pad) && d->wire_kind ? d->wire_kind : p->session_kind;
	const struct pf_pad_event ev = {
		.kind = PF_PAD_ARRIVE,
		.pad = (uint8_t)pad,
		.arrive = pf_native_pads_kind(p->setting, p->can, wire),
	};

	if (d->made && d->kind == ev.arrive)
		return true;
	if (p->post(p->user, &ev))
		return false;
	d->made = true;
	d->kind = ev.arrive;
	p->there |= bit(pad);
	take_over(p, pad);
	return true;
}

static void leave(struct pf_native_pads *p, unsigned pad)
{
	const struct pf_pad_event ev = { .kind = PF_PAD_LEAVE, .pad = (uint8_t)pad };
	struct pf_native_pad *d = &p->pad[pad];

	p->ours &= (uint16_t)~bit(pad);
	p->named &= (uint16_t)~bit(pad);
	p->late_leaves &= (uint16_t)~bit(pad);
	d->made = false;
	d->state = (struct pf_pad_state){ 0 };
	d->fingers = d->clicks = 0;
	pf_rumble_forget(&p->rumble, pad);
	if (!(p->there & bit(pad)))
		return;
	if (p->post(p->user, &ev) == -EAGAIN)
		p->late_leaves |= bit(pad);
	else
		p->there &= (uint16_t)~bit(pad);
}

/* That there is a device for the state that came. */
static bool ready(struct pf_native_pads *p, unsigned pad)
{
	p->late_leaves &= (uint16_t)~bit(pad);
	if (!(p->there & bit(pad)))
		return make(p, pad);
	if (p->ours & bit(pad))
		return true;
	/* Of a session before: its kind holds until the client names one. */
	if (p->named & bit(pad))
		return make(p, pad);
	take_over(p, pad);
	return true;
}

static bool newer(struct pf_native_pads *p, unsigned pad, uint8_t seq)
{
	if (p->numbered & bit(pad) && !pf_seq8_newer(seq, p->pad[pad].seq))
		return false;
	p->numbered |= bit(pad);
	p->pad[pad].seq = seq;
	return true;
}

static void drop_strangers(struct pf_native_pads *p, uint64_t now_ns)
{
	if (!p->first_ns)
		p->first_ns = now_ns;
	if (now_ns - p->first_ns < PF_NATIVE_PADS_LATE_NS)
		return;
	for (unsigned i = 0; i < PF_PADS_MAX; i++)
		if (p->there & ~p->ours & bit(i))
			leave(p, i);
}

static void take_snapshot(
	struct pf_native_pads *p, const struct pf_pad_snapshot *s, uint64_t now_ns)
{
	if (!newer(p, s->pad, s->seq) || !ready(p, s->pad))
		return;
	p->pad[s->pad].state = (struct pf_pad_state){
		.buttons = s->buttons & BUTTONS,
		.lt = s->lt,
		.rt = s->rt,
		.lx = s->lx,
		.ly = s->ly,
		.rx = s->rx,
		.ry = s->ry,
	};
	post_state(p, s->pad);
	drop_strangers(p, now_ns);
}

static void take_button(struct pf_native_pads *p, unsigned pad, uint32_t code, bool down)
{
	if (!ready(p, pad))
		return;
	if (down)
		p->pad[pad].state.buttons |= code & BUTTONS;
	else
		p->pad[pad].state.buttons &= ~code;
	post_state(p, pad);
}

static int16_t stick(int32_t v)
{
	return (int16_t)(v < INT16_MIN ? INT16_MIN : v > INT16_MAX ? INT16_MAX : v);
}

static uint8_t trigger(int32_t v)
{
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static void take_axis(struct pf_native_pads *p, unsigned pad, uint32_t axis, int32_t v)
{
	struct pf_pad_state *s = &p->pad[pad].state;

	if (axis > 5 || !ready(p, pad))
		return;
	switch (axis) {
	case 0:
		s->lx = stick(v);
		break;
	case 1:
		s->ly = stick(v);
		break;
	case 2:
		s->rx = stick(v);
		break;
	case 3:
		s->ry = stick(v);
		break;
	case 4:
		s->lt = trigger(v);
		break;
	default:
		s->rt = trigger(v);
	}
	post_state(p, pad);
}

static void take_arrival(struct pf_native_pads *p, unsigned pad, uint32_t kind)
{
	p->pad[pad].wire_kind = kind <= PF_GAMEPAD_LAST ? (uint8_t)kind : PF_GAMEPAD_AUTO;
	p->named |= bit(pad);
	/* Said too late for the first state, or another pad now. */
	if (p->ours & bit(pad))
		(void)make(p, pad);
}

/* ---- fingers on the picture ---- */

/* One finger is the pointer with its left button held. */
static void point(struct pf_native_pads *p, const struct pf_input_event *ev)
{
	const struct pf_input_event at = {
		.kind = PF_INPUT_MOUSE_ABS, .x = ev->x, .y = ev->y, .flags = ev->flags
	};
	struct pf_input_event press = { .kind = PF_INPUT_BUTTON_DOWN, .code = 1 };

	if (ev->kind == PF_INPUT_TOUCH_DOWN ? p->pointing : !p->pointing || p->finger != ev->code)
		return;
	if (ev->kind == PF_INPUT_TOUCH_UP) {
		p->pointing = false;
		press.kind = PF_INPUT_BUTTON_UP;
		p->pointer(p->user, &press);
		return;
	}
	p->pointer(p->user, &at);
	if (ev->kind == PF_INPUT_TOUCH_DOWN) {
		p->pointing = true;
		p->finger = ev->code;
		p->pointer(p->user, &press);
	}
}

static float share(int32_t v, uint32_t whole)
{
	return v <= 0 ? 0 : (uint32_t)v >= whole ? 1 : (float)v / (float)whole;
}

static void take_finger(struct pf_native_pads *p, const struct pf_input_event *ev)
{
	const uint32_t width = ev->flags >> 16, height = ev->flags & 0xffff;
	struct pf_pad_event out = {
		.kind = PF_PAD_SCREEN_TOUCH,
		.screen = {
			.phase = ev->kind == PF_INPUT_TOUCH_DOWN   ? PF_TOUCH_DOWN
				 : ev->kind == PF_INPUT_TOUCH_MOVE ? PF_TOUCH_MOVE
								   : PF_TOUCH_UP,
			.id = ev->code,
			.pressure = -1,
			.rotation_deg = -1,
		},
	};

	if (ev->kind != PF_INPUT_TOUCH_UP && (!width || !height))
		return;
	if (!p->screen || !(p->can & PF_PADS_CAN_UINPUT)) {
		point(p, ev);
		return;
	}
	if (ev->kind != PF_INPUT_TOUCH_UP) {
		out.screen.x = share(ev->x, width);
		out.screen.y = share(ev->y, height);
	}
	(void)p->post(p->user, &out);
}

/* ---- input ---- */

static void flush(struct pf_native_pads *p)
{
	for (unsigned i = 0; p->late_leaves && i < PF_PADS_MAX; i++)
		if (p->late_leaves & bit(i))
			leave(p, i);
}

void pf_native_pads_input(
	struct pf_native_pads *p, const struct pf_input_event *ev, uint64_t now_ns)
{
	const struct pf_dgram d = { .tag = PF_DGRAM_INPUT,
		.input = { ev->kind, ev->code, ev->x, ev->y, ev->flags } };
	struct pf_pad_snapshot s;

	if (ev->kind >= PF_INPUT_TOUCH_DOWN && ev->kind <= PF_INPUT_TOUCH_UP) {
		take_finger(p, ev);
		return;
	}
	pf_pad_snapshot_read(&s, &d);
	/* Nothing can be made: that was said when the host started. */
	if (!p->can || s.pad >= PF_PADS_MAX)
		return;
	flush(p);
	switch (ev->kind) {
	case PF_INPUT_PAD_BUTTON:
		take_button(p, s.pad, ev->code, ev->x != 0);
		break;
	case PF_INPUT_PAD_AXIS:
		take_axis(p, s.pad, ev->code, ev->x);
		break;
	case PF_INPUT_PAD_SNAPSHOT:
		take_snapshot(p, &s, now_ns);
		break;
	case PF_INPUT_PAD_REMOVED:
		if (newer(p, s.pad, s.seq))
			leave(p, s.pad);
		break;
	case PF_INPUT_PAD_ARRIVED:
		take_arrival(p, s.pad, ev->code);
		break;
	default:
		break;
	}
}

/* A finger on a pad's surface; left and right of two are the halves of ours. */
static void pad_finger(struct pf_native_pads *p, const struct pf_rich *r, unsigned surface,
	unsigned finger, bool active, float x, float y, float pressure)
{
	struct pf_native_pad *d = &p->pad[r->pad];
	const uint32_t mask = 1u << (surface * FINGERS_SURFACE + finger);
	const bool was = d->fingers & mask;
	const struct pf_pad_event ev = {
		.kind = PF_PAD_TOUCH,
		.pad = r->pad,
		.touch.touch = {
			.phase = !active ? PF_TOUCH_UP : was ? PF_TOUCH_MOVE : PF_TOUCH_DOWN,
			.id = surface * FINGERS_SURFACE + finger,
			.x = !surface ? x : (x + (float)(surface - 1)) / 2,
			.y = y,
			.pressure = pressure,
			.rotation_deg = -1,
		},
	};

	if (!was && !active)
		return;
	d->fingers = active ? d->fingers | mask : d->fingers & ~mask;
	(void)p->post(p->user, &ev);
}

static void take_ext(struct pf_native_pads *p, const struct pf_rich *r)
{
	struct pf_native_pad *d = &p->pad[r->pad];
	const uint32_t mask = 1u << (r->ext.surface * FINGERS_SURFACE + r->ext.finger);
	const bool clicked = d->clicks != 0;

	pad_finger(p, r, r->ext.surface, r->ext.finger, r->ext.touch,
		(float)(r->ext.x + 32768) / 65535, (float)(r->ext.y + 32768) / 65535,
		r->ext.pressure ? (float)r->ext.pressure / 65535 : -1);
	d->clicks = r->ext.click ? d->clicks | mask : d->clicks & ~mask;
	if (clicked != (d->clicks != 0))
		post_state(p, r->pad);
}

static void take_motion(struct pf_native_pads *p, const struct pf_rich *r)
{
	const int16_t *g = r->motion.gyro, *a = r->motion.accel;
	struct pf_pad_event ev = { .kind = PF_PAD_MOTION, .pad = r->pad };

	ev.motion.gyro = true;
	ev.motion.x = g[0] / GYRO_PER_DEG_S;
	ev.motion.y = g[1] / GYRO_PER_DEG_S;
	ev.motion.z = g[2] / GYRO_PER_DEG_S;
	(void)p->post(p->user, &ev);
	ev.motion.gyro = false;
	ev.motion.x = a[0] * G_M_S2 / ACCEL_PER_G;
	ev.motion.y = a[1] * G_M_S2 / ACCEL_PER_G;
	ev.motion.z = a[2] * G_M_S2 / ACCEL_PER_G;
	(void)p->post(p->user, &ev);
}

/* ---- pen ---- */

static void pen_away(struct pf_native_pads *p)
{
	const struct pf_pad_event ev = {
		.kind = PF_PAD_PEN,
		.pen = { .phase = PF_TOUCH_LEAVE,
			.pressure = -1,
			.distance = -1,
			.tilt_deg = -1,
			.rotation_deg = -1 },
	};

	p->pen_in = p->pen_down = false;
	p->pen_until_ns = 0;
	(void)p->post(p->user, &ev);
}

static void pen_sample(struct pf_native_pads *p, const struct pf_pen_sample *s)
{
	const bool down = s->state & PF_PEN_TOUCHING;
	const struct pf_pad_event ev = {
		.kind = PF_PAD_PEN,
		.pen = {
			.phase = !down		? PF_TOUCH_HOVER
				 : p->pen_down	? PF_TOUCH_MOVE
						: PF_TOUCH_DOWN,
			.eraser = s->tool == PF_PEN_TOOL_ERASER ||
				  (s->tool != PF_PEN_TOOL_PEN && p->eraser),
			.buttons = (s->state & PF_PEN_BARREL1 ? 1 : 0) |
				   (s->state & PF_PEN_BARREL2 ? 2 : 0),
			.x = s->x,
			.y = s->y,
			/* A pen that touches with no pressure at all does not feel it. */
			.pressure = s->pressure ? (float)s->pressure / 65535 : -1,
			.distance = s->distance == PF_PEN_DISTANCE_UNKNOWN
					    ? -1
					    : (float)s->distance / 65534,
			.tilt_deg = s->tilt == PF_PEN_TILT_UNKNOWN ? -1 : s->tilt,
			.rotation_deg = s->azimuth == PF_PEN_ANGLE_UNKNOWN ? -1 : s->azimuth,
		},
	};

	if (s->state & PF_PEN_PREDICTED)
		return;
	if (!(s->state & PF_PEN_IN_RANGE)) {
		if (p->pen_in)
			pen_away(p);
		return;
	}
	/* One tool goes before the other comes. */
	if (p->pen_in && ev.pen.eraser != p->eraser) {
		pen_away(p);
		pen_sample(p, s);
		return;
	}
	p->pen_in = true;
	p->pen_down = down;
	p->eraser = ev.pen.eraser;
	(void)p->post(p->user, &ev);
}

static void take_pen(struct pf_native_pads *p, const struct pf_rich *r, uint64_t now_ns)
{
	if (!p->screen || !(p->can & PF_PADS_CAN_UINPUT))
		return;
	if (p->pen_numbered && (int16_t)(uint16_t)(r->pen.seq - p->pen_seq) <= 0)
		return;
	p->pen_numbered = true;
	p->pen_seq = r->pen.seq;
	for (unsigned i = 0; i < r->pen.count; i++)
		pen_sample(p, &r->pen.samples[i]);
	p->pen_until_ns = p->pen_in ? now_ns + PF_NATIVE_PEN_NS : 0;
}

void pf_native_pads_rich(struct pf_native_pads *p, const struct pf_rich *r, uint64_t now_ns)
{
	if (r->kind == PF_RICH_PEN) {
		take_pen(p, r, now_ns);
		return;
	}
	/* A pad is there from its first state on. */
	if (!(p->there & p->ours & bit(r->pad)))
		return;
	switch (r->kind) {
	case PF_RICH_TOUCHPAD:
		if (r->touchpad.finger < FINGERS_SURFACE)
			pad_finger(p, r, 0, r->touchpad.finger, r->touchpad.active,
				(float)r->touchpad.x / 65535, (float)r->touchpad.y / 65535, -1);
		break;
	case PF_RICH_TOUCHPAD_EXT:
		if (r->ext.finger < FINGERS_SURFACE)
			take_ext(p, r);
		break;
	case PF_RICH_MOTION:
		take_motion(p, r);
		break;
	default: /* reports of another device's format are of no use to ours */
		break;
	}
}

uint64_t pf_native_pads_tick(struct pf_native_pads *p, uint64_t now_ns)
{
	uint64_t due_ns = pf_rumble_due_ns(&p->rumble);

	if (p->pen_until_ns && p->pen_until_ns <= now_ns)
		pen_away(p);
	return p->pen_until_ns && p->pen_until_ns < due_ns ? p->pen_until_ns : due_ns;
}

void pf_native_pads_lift(struct pf_native_pads *p)
{
	const struct pf_pad_event up = {
		.kind = PF_PAD_SCREEN_TOUCH,
		.screen = { .phase = PF_TOUCH_CANCEL_ALL, .pressure = -1, .rotation_deg = -1 },
	};

	p->pointing = false;
	if (!p->screen || !(p->can & PF_PADS_CAN_UINPUT))
		return;
	(void)p->post(p->user, &up);
	pen_away(p);
}

void pf_native_pads_revoke(struct pf_native_pads *p)
{
	for (unsigned i = 0; i < PF_PADS_MAX; i++)
		if (p->there & bit(i))
			leave(p, i);
}

/* ---- out ---- */

uint16_t pf_native_pads_listening(const struct pf_native_pads *p)
{
	return p->there & p->ours;
}

static bool changed(bool *told, uint8_t *known, const uint8_t *now, size_t len)
{
	if (*told && !memcmp(known, now, len))
		return false;
	*told = true;
	memcpy(known, now, len);
	return true;
}

static unsigned effect(struct pf_native_pad *d, uint8_t pad, uint8_t which, const uint8_t *bytes,
	struct pf_hid *out)
{
	if (!changed(&d->effect_told[which], d->effect[which], bytes, PF_HID_TRIGGER))
		return 0;
	*out = (struct pf_hid){
		.kind = PF_HID_TRIGGER_EFFECT,
		.pad = pad,
		.trigger = { .which = which, .len = PF_HID_TRIGGER },
	};
	memcpy(out->trigger.data, bytes, PF_HID_TRIGGER);
	return 1;
}

unsigned pf_native_pads_feedback(struct pf_native_pads *p, const struct pf_pad_feedback *fb,
	struct pf_hid out[2], uint64_t now_ns)
{
	struct pf_native_pad *d = &p->pad[fb->pad];
	unsigned n = 0;

	switch (fb->kind) {
	case PF_PAD_FB_RUMBLE:
		d->rumble.low = fb->rumble.low;
		d->rumble.high = fb->rumble.high;
		pf_rumble_set(&p->rumble, fb->pad, &d->rumble, now_ns);
		break;
	case PF_PAD_FB_TRIGGER_RUMBLE:
		d->rumble.left_trigger = fb->rumble.low;
		d->rumble.right_trigger = fb->rumble.high;
		pf_rumble_set(&p->rumble, fb->pad, &d->rumble, now_ns);
		break;
	case PF_PAD_FB_LED:
		if (changed(&d->led_told, d->led, (uint8_t[]){ fb->led.r, fb->led.g, fb->led.b },
			    3))
			out[n++] = (struct pf_hid){ .kind = PF_HID_LED,
				.pad = fb->pad,
				.led = { fb->led.r, fb->led.g, fb->led.b } };
		break;
	case PF_PAD_FB_PLAYER:
		if (changed(&d->player_told, &d->player, &fb->player, 1))
			out[n++] = (struct pf_hid){
				.kind = PF_HID_PLAYER_LEDS, .pad = fb->pad, .player = fb->player
			};
		break;
	case PF_PAD_FB_TRIGGERS:
		if (fb->triggers.set_left)
			n += effect(d, fb->pad, 0, fb->triggers.left, &out[n]);
		if (fb->triggers.set_right)
			n += effect(d, fb->pad, 1, fb->triggers.right, &out[n]);
		break;
	case PF_PAD_FB_MOTION: /* clients send it unasked */
		break;
	}
	return n;
}
