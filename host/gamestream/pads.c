/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/pads.h"
#include <errno.h>
#include <string.h>
#include "core/wire/gs_sdp.h"
#include "host/registry/config.h"

#define MOTION	 (PF_GS_PAD_CAP_ACCEL | PF_GS_PAD_CAP_GYRO)
#define SURFACES (PF_GS_PAD_CAP_TOUCHPAD | PF_GS_PAD_CAP_SECOND_TOUCHPAD)

static uint16_t bit(unsigned pad)
{
	return (uint16_t)(1u << pad);
}

/* ---- choices ---- */

uint32_t pf_gs_pads_features(unsigned can, bool screen)
{
	/* Only the pads of uhid have sensors and a surface. */
	return (can & PF_PADS_CAN_UHID ? PF_GS_FEATURE_PAD_TOUCH_MOTION : 0) |
	       (can & PF_PADS_CAN_UINPUT && screen ? PF_GS_FEATURE_PEN_TOUCH : 0);
}

static enum pf_pad_kind wanted_kind(uint32_t setting, uint8_t type, uint16_t capabilities)
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
	if (type == PF_GS_PAD_TYPE_PLAYSTATION || capabilities & (MOTION | SURFACES))
		return PF_PAD_DUALSENSE;
	if (type == PF_GS_PAD_TYPE_XBOX || capabilities & PF_GS_PAD_CAP_TRIGGER_RUMBLE)
		return PF_PAD_XBOX_ONE;
	/* What every game knows. */
	return PF_PAD_XBOX_360;
}

enum pf_pad_kind pf_gs_pads_kind(
	uint32_t setting, unsigned can, uint8_t type, uint16_t capabilities)
{
	const enum pf_pad_kind kind = wanted_kind(setting, type, capabilities);
	const bool sony = kind == PF_PAD_DUALSENSE || kind == PF_PAD_DUALSHOCK4;

	if (sony && !(can & PF_PADS_CAN_UHID))
		return PF_PAD_XBOX_ONE;
	return !sony && !(can & PF_PADS_CAN_UINPUT) ? PF_PAD_DUALSENSE : kind;
}

/* ---- pads ---- */

static void post_state(struct pf_gs_pads *p, unsigned pad)
{
	const struct pf_pad_event ev = {
		.kind = PF_PAD_STATE,
		.pad = (uint8_t)pad,
		.state = p->pad[pad].state,
	};

	/* The newest is what comes again: one in between may be lost, no button sticks. */
	if (p->post(p->user, &ev) == -EAGAIN)
		p->late_states |= bit(pad);
	else
		p->late_states &= (uint16_t)~bit(pad);
}

static void arrive(struct pf_gs_pads *p, unsigned pad, uint64_t now_ns)
{
	const enum pf_pad_kind kind =
		pf_gs_pads_kind(p->setting, p->can, p->pad[pad].type, p->pad[pad].capabilities);
	const struct pf_pad_event ev = {
		.kind = PF_PAD_ARRIVE,
		.pad = (uint8_t)pad,
		.arrive = kind,
	};

	p->late_leaves &= (uint16_t)~bit(pad);
	if (p->there & p->ours & bit(pad) && p->pad[pad].kind == kind)
		return;
	/* Refused: its next state tries again. */
	if (p->post(p->user, &ev))
		return;
	p->pad[pad].kind = kind;
	p->pad[pad].since_ns = now_ns;
	p->there |= bit(pad);
	p->ours |= bit(pad);
	p->again(p->user, pad);
}

static void leave(struct pf_gs_pads *p, unsigned pad)
{
	const struct pf_pad_event ev = { .kind = PF_PAD_LEAVE, .pad = (uint8_t)pad };

	p->ours &= (uint16_t)~bit(pad);
	p->rumbling &= (uint16_t)~bit(pad);
	p->rumbling_triggers &= (uint16_t)~bit(pad);
	p->late_states &= (uint16_t)~bit(pad);
	p->late_leaves &= (uint16_t)~bit(pad);
	if (p->post(p->user, &ev) == -EAGAIN)
		p->late_leaves |= bit(pad);
	else
		p->there &= (uint16_t)~bit(pad);
}

/* Another pad's state does not know this one. */
static bool believes(const struct pf_gs_pads *p, unsigned pad, uint64_t now_ns)
{
	const uint64_t since = p->ours & bit(pad) ? p->pad[pad].since_ns : p->first_ns;

	return now_ns - since > PF_GS_PADS_LATE_NS;
}

static void take_state(struct pf_gs_pads *p, const struct pf_gs_input *in, uint64_t now_ns)
{
	const unsigned pad = in->pad_state.pad;

	for (unsigned i = 0; i < PF_PADS_MAX; i++)
		if (p->there & ~in->pad_state.active & bit(i) &&
			(i == pad || believes(p, i, now_ns)))
			leave(p, i);
	if (!(in->pad_state.active & bit(pad)))
		return;
	/* Older clients announce a pad by its first state alone. */
	if (!(p->there & bit(pad)))
		arrive(p, pad, now_ns);
	if (!(p->there & bit(pad)))
		return;
	if (!(p->ours & bit(pad))) {
		p->ours |= bit(pad);
		p->pad[pad].since_ns = now_ns;
		p->again(p->user, pad);
	}
	p->pad[pad].state = (struct pf_pad_state){
		.buttons = in->pad_state.buttons,
		.lt = in->pad_state.left_trigger,
		.rt = in->pad_state.right_trigger,
		.lx = in->pad_state.lx,
		.ly = in->pad_state.ly,
		.rx = in->pad_state.rx,
		.ry = in->pad_state.ry,
	};
	post_state(p, pad);
}

static void take_arrival(struct pf_gs_pads *p, const struct pf_gs_input *in, uint64_t now_ns)
{
	const unsigned pad = in->pad_arrival.pad;

	p->pad[pad].type = in->pad_arrival.type;
	p->pad[pad].capabilities = in->pad_arrival.capabilities;
	p->told |= bit(pad);
	arrive(p, pad, now_ns);
}

/* ---- touch and pen ---- */

static enum pf_touch_phase phase_of(uint8_t event)
{
	switch (event) {
	case PF_GS_TOUCH_DOWN:
		return PF_TOUCH_DOWN;
	case PF_GS_TOUCH_UP:
		return PF_TOUCH_UP;
	case PF_GS_TOUCH_MOVE:
		return PF_TOUCH_MOVE;
	case PF_GS_TOUCH_CANCEL:
		return PF_TOUCH_CANCEL;
	case PF_GS_TOUCH_HOVER_LEAVE:
		return PF_TOUCH_LEAVE;
	case PF_GS_TOUCH_CANCEL_ALL:
		return PF_TOUCH_CANCEL_ALL;
	default:
		return PF_TOUCH_HOVER;
	}
}

/* On the wire 0 is unknown, and while hovering it is no pressure at all. */
static float pressure_of(enum pf_touch_phase phase, float pressure)
{
	return phase == PF_TOUCH_HOVER || pressure <= 0 ? -1 : pressure;
}

static int degrees(uint16_t deg)
{
	return deg == PF_GS_ROTATION_UNKNOWN ? -1 : deg;
}

static void take_pad_touch(struct pf_gs_pads *p, const struct pf_gs_input *in)
{
	const enum pf_touch_phase phase = phase_of(in->pad_touch.event);
	const struct pf_pad_event ev = {
		.kind = PF_PAD_TOUCH,
		.pad = in->pad_touch.pad,
		.touch = {
			.surface = in->pad_touch.touchpad,
			.touch = {
				.phase = phase,
				.id = in->pad_touch.pointer,
				.x = in->pad_touch.x,
				.y = in->pad_touch.y,
				.pressure = pressure_of(phase, in->pad_touch.pressure),
				.rotation_deg = -1,
			},
		},
	};

	/* The click is a button of the pad. */
	if (p->there & bit(ev.pad) && in->pad_touch.event != PF_GS_TOUCH_BUTTON_ONLY)
		(void)p->post(p->user, &ev);
}

static void take_touch(struct pf_gs_pads *p, const struct pf_gs_input *in)
{
	const enum pf_touch_phase phase = phase_of(in->touch.event);
	const struct pf_pad_event ev = {
		.kind = PF_PAD_SCREEN_TOUCH,
		.screen = {
			.phase = phase,
			.id = in->touch.pointer,
			.x = in->touch.x,
			.y = in->touch.y,
			.pressure = pressure_of(phase, in->touch.pressure),
			.major = in->touch.major,
			.minor = in->touch.minor,
			.rotation_deg = degrees(in->touch.rotation_deg),
		},
	};

	if (p->screen && in->touch.event != PF_GS_TOUCH_BUTTON_ONLY)
		(void)p->post(p->user, &ev);
}

static void take_pen(struct pf_gs_pads *p, const struct pf_gs_input *in)
{
	const enum pf_touch_phase phase = phase_of(in->pen.event);
	struct pf_pad_event ev = { .kind = PF_PAD_PEN };

	if (!p->screen || (in->pen.event == PF_GS_TOUCH_BUTTON_ONLY && !p->pen_known))
		return;
	p->pen_known = true;
	if (in->pen.event == PF_GS_TOUCH_BUTTON_ONLY) {
		/* Says nothing of the place: it stays where it was. */
		if (p->pen.phase == PF_TOUCH_DOWN)
			p->pen.phase = PF_TOUCH_MOVE;
	} else {
		p->pen = (struct pf_pen){
			.phase = phase,
			.eraser = in->pen.tool == PF_GS_TOOL_ERASER,
			.x = in->pen.x,
			.y = in->pen.y,
			.pressure = pressure_of(phase, in->pen.pressure),
			.distance = phase == PF_TOUCH_HOVER ? in->pen.pressure : -1,
			.tilt_deg = in->pen.tilt_deg == PF_GS_TILT_UNKNOWN ? -1 : in->pen.tilt_deg,
			.rotation_deg = degrees(in->pen.rotation_deg),
		};
	}
	p->pen.buttons = in->pen.buttons;
	ev.pen = p->pen;
	(void)p->post(p->user, &ev);
}

/* ---- sensors ---- */

static void take_motion(struct pf_gs_pads *p, const struct pf_gs_input *in)
{
	const struct pf_pad_event ev = {
		.kind = PF_PAD_MOTION,
		.pad = in->pad_motion.pad,
		.motion = {
			.gyro = in->pad_motion.type == PF_GS_MOTION_GYRO,
			.x = in->pad_motion.x,
			.y = in->pad_motion.y,
			.z = in->pad_motion.z,
		},
	};

	if (p->there & bit(ev.pad))
		(void)p->post(p->user, &ev);
}

static void take_battery(struct pf_gs_pads *p, const struct pf_gs_input *in)
{
	static const enum pf_pad_battery states[] = {
		[PF_GS_BATTERY_UNKNOWN] = PF_PAD_BATTERY_UNKNOWN,
		[PF_GS_BATTERY_ABSENT] = PF_PAD_BATTERY_UNKNOWN,
		[PF_GS_BATTERY_DISCHARGING] = PF_PAD_BATTERY_DISCHARGING,
		[PF_GS_BATTERY_CHARGING] = PF_PAD_BATTERY_CHARGING,
		[PF_GS_BATTERY_NOT_CHARGING] = PF_PAD_BATTERY_NOT_CHARGING,
		[PF_GS_BATTERY_FULL] = PF_PAD_BATTERY_FULL,
	};
	const unsigned state = in->pad_battery.state;
	const struct pf_pad_event ev = {
		.kind = PF_PAD_BATTERY,
		.pad = in->pad_battery.pad,
		.battery = {
			.state = state <= PF_GS_BATTERY_FULL ? states[state]
							     : PF_PAD_BATTERY_UNKNOWN,
			.percent = state == PF_GS_BATTERY_ABSENT ? PF_GS_PERCENT_UNKNOWN
								 : in->pad_battery.percent,
		},
	};

	if (p->there & bit(ev.pad))
		(void)p->post(p->user, &ev);
}

/* ---- in ---- */

void pf_gs_pads_flush(struct pf_gs_pads *p)
{
	for (unsigned i = 0; i < PF_PADS_MAX; i++) {
		if (p->late_leaves & bit(i))
			leave(p, i);
		else if (p->late_states & bit(i))
			post_state(p, i);
	}
}

void pf_gs_pads_input(struct pf_gs_pads *p, const struct pf_gs_input *in, uint64_t now_ns)
{
	/* Nothing can be made: that was said when the host started. */
	if (!p->can)
		return;
	if (p->late_leaves | p->late_states)
		pf_gs_pads_flush(p);
	if (!p->first_ns)
		p->first_ns = now_ns;
	switch (in->kind) {
	case PF_GS_INPUT_HAPTICS:
		p->mute = !in->haptics.on;
		break;
	case PF_GS_INPUT_PAD_ARRIVAL:
		take_arrival(p, in, now_ns);
		break;
	case PF_GS_INPUT_PAD_STATE:
		take_state(p, in, now_ns);
		break;
	case PF_GS_INPUT_PAD_TOUCH:
		take_pad_touch(p, in);
		break;
	case PF_GS_INPUT_PAD_MOTION:
		take_motion(p, in);
		break;
	case PF_GS_INPUT_PAD_BATTERY:
		take_battery(p, in);
		break;
	case PF_GS_INPUT_TOUCH:
		take_touch(p, in);
		break;
	case PF_GS_INPUT_PEN:
		take_pen(p, in);
		break;
	default:
		break;
	}
}

void pf_gs_pads_lift(struct pf_gs_pads *p)
{
	const struct pf_pad_event up = {
		.kind = PF_PAD_SCREEN_TOUCH,
		.screen = { .phase = PF_TOUCH_CANCEL_ALL, .pressure = -1, .rotation_deg = -1 },
	};
	const struct pf_pad_event away = {
		.kind = PF_PAD_PEN,
		.pen = { .phase = PF_TOUCH_LEAVE,
			.pressure = -1,
			.distance = -1,
			.tilt_deg = -1,
			.rotation_deg = -1 },
	};

	if (!p->screen || !(p->can & PF_PADS_CAN_UINPUT))
		return;
	(void)p->post(p->user, &up);
	(void)p->post(p->user, &away);
}

void pf_gs_pads_revoke(struct pf_gs_pads *p)
{
	for (unsigned i = 0; i < PF_PADS_MAX; i++)
		if (p->there & bit(i))
			leave(p, i);
}

/* ---- out ---- */

uint16_t pf_gs_pads_listening(const struct pf_gs_pads *p)
{
	return p->there & p->ours;
}

static bool has(const struct pf_gs_pads *p, unsigned pad, uint16_t capability)
{
	/* A client that announces nothing is one that knows rumble and no more. */
	if (!(p->told & bit(pad)))
		return capability == PF_GS_PAD_CAP_RUMBLE;
	return p->pad[pad].capabilities & capability;
}

static bool triggers_message(
	const struct pf_gs_pads *p, const struct pf_pad_feedback *fb, struct pf_gs_ctl *out)
{
	/* No capability names them: pads of this type have them or ignore it. */
	if (p->pad[fb->pad].type != PF_GS_PAD_TYPE_PLAYSTATION)
		return false;
	out->kind = PF_GS_CTL_ADAPTIVE_TRIGGERS;
	out->adaptive_triggers.pad = fb->pad;
	if (fb->triggers.set_left) {
		out->adaptive_triggers.flags |= PF_GS_TRIGGER_LEFT;
		out->adaptive_triggers.left_type = fb->triggers.left[0];
		memcpy(out->adaptive_triggers.left, fb->triggers.left + 1, 10);
	}
	if (fb->triggers.set_right) {
		out->adaptive_triggers.flags |= PF_GS_TRIGGER_RIGHT;
		out->adaptive_triggers.right_type = fb->triggers.right[0];
		memcpy(out->adaptive_triggers.right, fb->triggers.right + 1, 10);
	}
	return out->adaptive_triggers.flags;
}

static void note(uint16_t *pads, const struct pf_pad_feedback *fb)
{
	if (fb->rumble.low | fb->rumble.high)
		*pads |= bit(fb->pad);
	else
		*pads &= (uint16_t)~bit(fb->pad);
}

bool pf_gs_pads_message(
	struct pf_gs_pads *p, const struct pf_pad_feedback *fb, struct pf_gs_ctl *out)
{
	const unsigned pad = fb->pad;

	memset(out, 0, sizeof(*out));
	switch (fb->kind) {
	case PF_PAD_FB_RUMBLE:
		out->kind = PF_GS_CTL_RUMBLE;
		out->rumble.pad = fb->pad;
		out->rumble.low = fb->rumble.low;
		out->rumble.high = fb->rumble.high;
		if (p->mute || !has(p, pad, PF_GS_PAD_CAP_RUMBLE))
			return false;
		note(&p->rumbling, fb);
		return true;
	case PF_PAD_FB_TRIGGER_RUMBLE:
		out->kind = PF_GS_CTL_TRIGGER_RUMBLE;
		out->trigger_rumble.pad = fb->pad;
		out->trigger_rumble.left = fb->rumble.low;
		out->trigger_rumble.right = fb->rumble.high;
		if (p->mute || !has(p, pad, PF_GS_PAD_CAP_TRIGGER_RUMBLE))
			return false;
		note(&p->rumbling_triggers, fb);
		return true;
	case PF_PAD_FB_LED:
		out->kind = PF_GS_CTL_LED;
		out->led.pad = fb->pad;
		out->led.r = fb->led.r;
		out->led.g = fb->led.g;
		out->led.b = fb->led.b;
		return has(p, pad, PF_GS_PAD_CAP_LED);
	case PF_PAD_FB_TRIGGERS:
		return triggers_message(p, fb, out);
	case PF_PAD_FB_MOTION:
		out->kind = PF_GS_CTL_MOTION_REQUEST;
		out->motion_request.pad = fb->pad;
		out->motion_request.rate_hz = fb->motion.rate_hz;
		out->motion_request.type = fb->motion.gyro ? PF_GS_MOTION_GYRO : PF_GS_MOTION_ACCEL;
		return has(p, pad, fb->motion.gyro ? PF_GS_PAD_CAP_GYRO : PF_GS_PAD_CAP_ACCEL);
	default:
		return false;
	}
}

bool pf_gs_pads_hush(struct pf_gs_pads *p, struct pf_gs_ctl *out)
{
	uint16_t *of = p->rumbling ? &p->rumbling : &p->rumbling_triggers;
	uint16_t pad;

	if (!*of)
		return false;
	pad = (uint16_t)__builtin_ctz(*of);
	*out = of == &p->rumbling
		       ? (struct pf_gs_ctl){ .kind = PF_GS_CTL_RUMBLE, .rumble.pad = pad }
		       : (struct pf_gs_ctl){ .kind = PF_GS_CTL_TRIGGER_RUMBLE,
				 .trigger_rumble.pad = pad };
	*of &= (uint16_t)~bit(pad);
	return true;
}
