/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/gs_input.h"
#include <errno.h>
#include <math.h>
#include "core/base/bytes.h"
#include "core/base/utf8.h"
#include "core/wire/gs_control.h"

#define KEY_HIGH     0x80 /* high byte of a key code */
#define KEY_RAW	     1
#define MODIFIERS    0x0f
#define PEN_BUTTONS  0x07
#define PAD_HEAD     0x001a /* fixed words of a pad's state */
#define PAD_MIDDLE   0x0014
#define PAD_TAIL_A   0x009c
#define PAD_TAIL_B   0x0055
#define ROTATION_MAX 359
#define TILT_MAX     90
#define PERCENT_MAX  100
#define SIZE_BYTES   4 /* not counted in the size */
#define EXACTLY(n)   (n), (n)

/* Bytes of whole packets. KEY and BUTTON have a second magic, one above: up. */
static const struct {
	uint32_t magic;
	uint16_t min, max;
} rows[PF_GS_INPUT_KINDS] = {
	[PF_GS_INPUT_KEY] = { 0x03, EXACTLY(14) },
	[PF_GS_INPUT_MOUSE_ABS] = { 0x05, EXACTLY(18) },
	[PF_GS_INPUT_MOUSE_REL] = { 0x07, EXACTLY(12) },
	[PF_GS_INPUT_BUTTON] = { 0x08, EXACTLY(9) },
	[PF_GS_INPUT_SCROLL] = { 0x0a, EXACTLY(14) },
	[PF_GS_INPUT_HSCROLL] = { 0x55000001, EXACTLY(10) },
	[PF_GS_INPUT_TEXT] = { 0x17, PF_GS_INPUT_HEAD_BYTES + 1,
		PF_GS_INPUT_HEAD_BYTES + PF_GS_TEXT_MAX },
	[PF_GS_INPUT_TOUCH] = { 0x55000002, EXACTLY(36) },
	[PF_GS_INPUT_PEN] = { 0x55000003, EXACTLY(36) },
	[PF_GS_INPUT_HAPTICS] = { 0x0d, EXACTLY(10) },
	[PF_GS_INPUT_PAD_STATE] = { 0x0c, EXACTLY(34) },
	[PF_GS_INPUT_PAD_ARRIVAL] = { 0x55000004, EXACTLY(16) },
	[PF_GS_INPUT_PAD_TOUCH] = { 0x55000005, EXACTLY(28) },
	[PF_GS_INPUT_PAD_MOTION] = { 0x55000006, EXACTLY(24) },
	[PF_GS_INPUT_PAD_BATTERY] = { 0x55000007, EXACTLY(12) },
};

static bool has_up_magic(unsigned kind)
{
	return kind == PF_GS_INPUT_KEY || kind == PF_GS_INPUT_BUTTON;
}

static int16_t rd_s16be(struct pf_reader *r)
{
	return (int16_t)pf_rd_u16be(r);
}

static int16_t rd_s16le(struct pf_reader *r)
{
	return (int16_t)pf_rd_u16le(r);
}

static float rd_f32(struct pf_reader *r)
{
	uint32_t bits = pf_rd_u32le(r);
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static void wr_f32(struct pf_writer *w, float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	pf_wr_u32le(w, bits);
}

static bool is_unit(float f)
{
	return f >= 0.0f && f <= 1.0f;
}

/* Moves a finite number into 0-1; leaves others for is_valid to refuse. */
static void clamp_unit(float *f)
{
	if (!isfinite(*f))
		return;
	*f = *f > 0.0f ? (*f < 1.0f ? *f : 1.0f) : 0.0f;
}

static int16_t clamp_to(int16_t v, int16_t max)
{
	return v < 0 ? 0 : v > max ? max : v;
}

/* A number below, or the one that says unknown. */
static bool is_known_or(unsigned v, unsigned max, unsigned unknown)
{
	return v <= max || v == unknown;
}

static bool text_is_valid(const char *text, size_t len)
{
	return len && len <= PF_GS_TEXT_MAX && !memchr(text, 0, len) && pf_utf8_valid(text, len);
}

/* All that parse gives out and build accepts. */
static bool is_valid(const struct pf_gs_input *in)
{
	switch (in->kind) {
	case PF_GS_INPUT_KEY:
		return !(in->key.modifiers & ~MODIFIERS);
	case PF_GS_INPUT_MOUSE_ABS:
		return in->mouse_abs.x_max > 0 && in->mouse_abs.y_max > 0 && in->mouse_abs.x >= 0 &&
		       in->mouse_abs.x <= in->mouse_abs.x_max && in->mouse_abs.y >= 0 &&
		       in->mouse_abs.y <= in->mouse_abs.y_max;
	case PF_GS_INPUT_BUTTON:
		return in->button.button >= PF_GS_BUTTON_LEFT &&
		       in->button.button <= PF_GS_BUTTON_X2;
	case PF_GS_INPUT_TEXT:
		return text_is_valid(in->text.text, in->text.len);
	case PF_GS_INPUT_TOUCH:
		return in->touch.event <= PF_GS_TOUCH_CANCEL_ALL && is_unit(in->touch.x) &&
		       is_unit(in->touch.y) && is_unit(in->touch.pressure) &&
		       is_unit(in->touch.major) && is_unit(in->touch.minor) &&
		       is_known_or(in->touch.rotation_deg, ROTATION_MAX, PF_GS_ROTATION_UNKNOWN);
	case PF_GS_INPUT_PEN:
		return in->pen.event <= PF_GS_TOUCH_CANCEL_ALL &&
		       in->pen.tool <= PF_GS_TOOL_ERASER && !(in->pen.buttons & ~PEN_BUTTONS) &&
		       is_unit(in->pen.x) && is_unit(in->pen.y) && is_unit(in->pen.pressure) &&
		       is_unit(in->pen.major) && is_unit(in->pen.minor) &&
		       is_known_or(in->pen.rotation_deg, ROTATION_MAX, PF_GS_ROTATION_UNKNOWN) &&
		       is_known_or(in->pen.tilt_deg, TILT_MAX, PF_GS_TILT_UNKNOWN);
	case PF_GS_INPUT_PAD_STATE:
		return in->pad_state.pad < PF_GS_PADS;
	case PF_GS_INPUT_PAD_ARRIVAL:
		return in->pad_arrival.pad < PF_GS_PADS;
	case PF_GS_INPUT_PAD_TOUCH:
		return in->pad_touch.pad < PF_GS_PADS &&
		       in->pad_touch.event <= PF_GS_TOUCH_CANCEL_ALL &&
		       in->pad_touch.touchpad <= 1 && is_unit(in->pad_touch.x) &&
		       is_unit(in->pad_touch.y) && is_unit(in->pad_touch.pressure);
	case PF_GS_INPUT_PAD_MOTION:
		return in->pad_motion.pad < PF_GS_PADS &&
		       (in->pad_motion.type == PF_GS_MOTION_ACCEL ||
			       in->pad_motion.type == PF_GS_MOTION_GYRO) &&
		       isfinite(in->pad_motion.x) && isfinite(in->pad_motion.y) &&
		       isfinite(in->pad_motion.z);
	case PF_GS_INPUT_PAD_BATTERY:
		return in->pad_battery.pad < PF_GS_PADS &&
		       in->pad_battery.state <= PF_GS_BATTERY_FULL &&
		       is_known_or(in->pad_battery.percent, PERCENT_MAX, PF_GS_PERCENT_UNKNOWN);
	default:
		return (unsigned)in->kind < PF_GS_INPUT_KINDS;
	}
}

/* What a sloppy but honest client may send is moved into its bounds. */
static void normalise(struct pf_gs_input *in)
{
	switch (in->kind) {
	case PF_GS_INPUT_KEY:
		in->key.modifiers &= MODIFIERS;
		break;
	case PF_GS_INPUT_MOUSE_ABS:
		in->mouse_abs.x = clamp_to(in->mouse_abs.x, in->mouse_abs.x_max);
		in->mouse_abs.y = clamp_to(in->mouse_abs.y, in->mouse_abs.y_max);
		break;
	case PF_GS_INPUT_TOUCH:
		clamp_unit(&in->touch.x);
		clamp_unit(&in->touch.y);
		clamp_unit(&in->touch.pressure);
		clamp_unit(&in->touch.major);
		clamp_unit(&in->touch.minor);
		if (in->touch.rotation_deg > ROTATION_MAX)
			in->touch.rotation_deg = PF_GS_ROTATION_UNKNOWN;
		break;
	case PF_GS_INPUT_PEN:
		clamp_unit(&in->pen.x);
		clamp_unit(&in->pen.y);
		clamp_unit(&in->pen.pressure);
		clamp_unit(&in->pen.major);
		clamp_unit(&in->pen.minor);
		if (in->pen.tool > PF_GS_TOOL_ERASER)
			in->pen.tool = PF_GS_TOOL_UNKNOWN;
		in->pen.buttons &= PEN_BUTTONS;
		if (in->pen.rotation_deg > ROTATION_MAX)
			in->pen.rotation_deg = PF_GS_ROTATION_UNKNOWN;
		if (in->pen.tilt_deg > TILT_MAX)
			in->pen.tilt_deg = PF_GS_TILT_UNKNOWN;
		break;
	case PF_GS_INPUT_PAD_TOUCH:
		clamp_unit(&in->pad_touch.x);
		clamp_unit(&in->pad_touch.y);
		clamp_unit(&in->pad_touch.pressure);
		break;
	default:
		break;
	}
}

static void read_pad_state(struct pf_gs_input *in, struct pf_reader *r)
{
	uint16_t pad;

	pf_rd_bytes(r, 2);
	pad = pf_rd_u16le(r);
	in->pad_state.pad = pad < PF_GS_PADS ? (uint8_t)pad : PF_GS_PADS;
	in->pad_state.active = pf_rd_u16le(r);
	pf_rd_bytes(r, 2);
	in->pad_state.buttons = pf_rd_u16le(r);
	in->pad_state.left_trigger = pf_rd_u8(r);
	in->pad_state.right_trigger = pf_rd_u8(r);
	in->pad_state.lx = rd_s16le(r);
	in->pad_state.ly = rd_s16le(r);
	in->pad_state.rx = rd_s16le(r);
	in->pad_state.ry = rd_s16le(r);
	pf_rd_bytes(r, 2);
	in->pad_state.buttons |= (uint32_t)pf_rd_u16le(r) << 16;
}

static void write_pad_state(const struct pf_gs_input *in, struct pf_writer *w)
{
	pf_wr_u16le(w, PAD_HEAD);
	pf_wr_u16le(w, in->pad_state.pad);
	pf_wr_u16le(w, in->pad_state.active);
	pf_wr_u16le(w, PAD_MIDDLE);
	pf_wr_u16le(w, (uint16_t)in->pad_state.buttons);
	pf_wr_u8(w, in->pad_state.left_trigger);
	pf_wr_u8(w, in->pad_state.right_trigger);
	pf_wr_u16le(w, (uint16_t)in->pad_state.lx);
	pf_wr_u16le(w, (uint16_t)in->pad_state.ly);
	pf_wr_u16le(w, (uint16_t)in->pad_state.rx);
	pf_wr_u16le(w, (uint16_t)in->pad_state.ry);
	pf_wr_u16le(w, PAD_TAIL_A);
	pf_wr_u16le(w, (uint16_t)(in->pad_state.buttons >> 16));
	pf_wr_u16le(w, PAD_TAIL_B);
}

static void read_touch(struct pf_gs_input *in, struct pf_reader *r)
{
	in->touch.event = pf_rd_u8(r);
	pf_rd_u8(r);
	in->touch.rotation_deg = pf_rd_u16le(r);
	in->touch.pointer = pf_rd_u32le(r);
	in->touch.x = rd_f32(r);
	in->touch.y = rd_f32(r);
	in->touch.pressure = rd_f32(r);
	in->touch.major = rd_f32(r);
	in->touch.minor = rd_f32(r);
}

static void write_touch(const struct pf_gs_input *in, struct pf_writer *w)
{
	pf_wr_u8(w, in->touch.event);
	pf_wr_u8(w, 0);
	pf_wr_u16le(w, in->touch.rotation_deg);
	pf_wr_u32le(w, in->touch.pointer);
	wr_f32(w, in->touch.x);
	wr_f32(w, in->touch.y);
	wr_f32(w, in->touch.pressure);
	wr_f32(w, in->touch.major);
	wr_f32(w, in->touch.minor);
}

static void read_pen(struct pf_gs_input *in, struct pf_reader *r)
{
	in->pen.event = pf_rd_u8(r);
	in->pen.tool = pf_rd_u8(r);
	in->pen.buttons = pf_rd_u8(r);
	pf_rd_u8(r);
	in->pen.x = rd_f32(r);
	in->pen.y = rd_f32(r);
	in->pen.pressure = rd_f32(r);
	in->pen.rotation_deg = pf_rd_u16le(r);
	in->pen.tilt_deg = pf_rd_u8(r);
	pf_rd_u8(r);
	in->pen.major = rd_f32(r);
	in->pen.minor = rd_f32(r);
}

static void write_pen(const struct pf_gs_input *in, struct pf_writer *w)
{
	pf_wr_u8(w, in->pen.event);
	pf_wr_u8(w, in->pen.tool);
	pf_wr_u8(w, in->pen.buttons);
	pf_wr_u8(w, 0);
	wr_f32(w, in->pen.x);
	wr_f32(w, in->pen.y);
	wr_f32(w, in->pen.pressure);
	pf_wr_u16le(w, in->pen.rotation_deg);
	pf_wr_u8(w, in->pen.tilt_deg);
	pf_wr_u8(w, 0);
	wr_f32(w, in->pen.major);
	wr_f32(w, in->pen.minor);
}

static void read_key(struct pf_gs_input *in, struct pf_reader *r)
{
	in->key.raw = pf_rd_u8(r) & KEY_RAW;
	in->key.vk = pf_rd_u8(r);
	pf_rd_u8(r);
	in->key.modifiers = pf_rd_u8(r);
}

/* `up`: the second of two magics. */
static void read_body(struct pf_gs_input *in, bool up, struct pf_reader *r)
{
	switch (in->kind) {
	case PF_GS_INPUT_KEY:
		in->key.down = !up;
		read_key(in, r);
		break;
	case PF_GS_INPUT_MOUSE_ABS:
		in->mouse_abs.x = rd_s16be(r);
		in->mouse_abs.y = rd_s16be(r);
		pf_rd_bytes(r, 2);
		in->mouse_abs.x_max = rd_s16be(r);
		in->mouse_abs.y_max = rd_s16be(r);
		break;
	case PF_GS_INPUT_MOUSE_REL:
		in->mouse_rel.dx = rd_s16be(r);
		in->mouse_rel.dy = rd_s16be(r);
		break;
	case PF_GS_INPUT_BUTTON:
		in->button.down = !up;
		in->button.button = pf_rd_u8(r);
		break;
	case PF_GS_INPUT_SCROLL:
	case PF_GS_INPUT_HSCROLL:
		in->scroll.amount = rd_s16be(r);
		break;
	case PF_GS_INPUT_TEXT:
		in->text.len = r->left;
		in->text.text = (const char *)pf_rd_bytes(r, r->left);
		break;
	case PF_GS_INPUT_TOUCH:
		read_touch(in, r);
		break;
	case PF_GS_INPUT_PEN:
		read_pen(in, r);
		break;
	case PF_GS_INPUT_HAPTICS:
		in->haptics.on = pf_rd_u16le(r);
		break;
	case PF_GS_INPUT_PAD_STATE:
		read_pad_state(in, r);
		break;
	case PF_GS_INPUT_PAD_ARRIVAL:
		in->pad_arrival.pad = pf_rd_u8(r);
		in->pad_arrival.type = pf_rd_u8(r);
		in->pad_arrival.capabilities = pf_rd_u16le(r);
		in->pad_arrival.buttons = pf_rd_u32le(r);
		break;
	case PF_GS_INPUT_PAD_TOUCH:
		in->pad_touch.pad = pf_rd_u8(r);
		in->pad_touch.event = pf_rd_u8(r);
		pf_rd_u8(r);
		in->pad_touch.touchpad = pf_rd_u8(r);
		in->pad_touch.pointer = pf_rd_u32le(r);
		in->pad_touch.x = rd_f32(r);
		in->pad_touch.y = rd_f32(r);
		in->pad_touch.pressure = rd_f32(r);
		break;
	case PF_GS_INPUT_PAD_MOTION:
		in->pad_motion.pad = pf_rd_u8(r);
		in->pad_motion.type = pf_rd_u8(r);
		pf_rd_bytes(r, 2);
		in->pad_motion.x = rd_f32(r);
		in->pad_motion.y = rd_f32(r);
		in->pad_motion.z = rd_f32(r);
		break;
	case PF_GS_INPUT_PAD_BATTERY:
		in->pad_battery.pad = pf_rd_u8(r);
		in->pad_battery.state = pf_rd_u8(r);
		in->pad_battery.percent = pf_rd_u8(r);
		break;
	case PF_GS_INPUT_KINDS:
		break;
	}
}

static void write_body(const struct pf_gs_input *in, struct pf_writer *w)
{
	switch (in->kind) {
	case PF_GS_INPUT_KEY:
		pf_wr_u8(w, in->key.raw ? KEY_RAW : 0);
		pf_wr_u8(w, in->key.vk);
		pf_wr_u8(w, KEY_HIGH);
		pf_wr_u8(w, in->key.modifiers);
		pf_wr_u16le(w, 0);
		break;
	case PF_GS_INPUT_MOUSE_ABS:
		pf_wr_u16be(w, (uint16_t)in->mouse_abs.x);
		pf_wr_u16be(w, (uint16_t)in->mouse_abs.y);
		pf_wr_u16be(w, 0);
		pf_wr_u16be(w, (uint16_t)in->mouse_abs.x_max);
		pf_wr_u16be(w, (uint16_t)in->mouse_abs.y_max);
		break;
	case PF_GS_INPUT_MOUSE_REL:
		pf_wr_u16be(w, (uint16_t)in->mouse_rel.dx);
		pf_wr_u16be(w, (uint16_t)in->mouse_rel.dy);
		break;
	case PF_GS_INPUT_BUTTON:
		pf_wr_u8(w, in->button.button);
		break;
	case PF_GS_INPUT_SCROLL:
		pf_wr_u16be(w, (uint16_t)in->scroll.amount);
		pf_wr_u16be(w, (uint16_t)in->scroll.amount);
		pf_wr_u16be(w, 0);
		break;
	case PF_GS_INPUT_HSCROLL:
		pf_wr_u16be(w, (uint16_t)in->scroll.amount);
		break;
	case PF_GS_INPUT_TEXT:
		pf_wr_bytes(w, in->text.text, in->text.len);
		break;
	case PF_GS_INPUT_TOUCH:
		write_touch(in, w);
		break;
	case PF_GS_INPUT_PEN:
		write_pen(in, w);
		break;
	case PF_GS_INPUT_HAPTICS:
		pf_wr_u16le(w, in->haptics.on);
		break;
	case PF_GS_INPUT_PAD_STATE:
		write_pad_state(in, w);
		break;
	case PF_GS_INPUT_PAD_ARRIVAL:
		pf_wr_u8(w, in->pad_arrival.pad);
		pf_wr_u8(w, in->pad_arrival.type);
		pf_wr_u16le(w, in->pad_arrival.capabilities);
		pf_wr_u32le(w, in->pad_arrival.buttons);
		break;
	case PF_GS_INPUT_PAD_TOUCH:
		pf_wr_u8(w, in->pad_touch.pad);
		pf_wr_u8(w, in->pad_touch.event);
		pf_wr_u8(w, 0);
		pf_wr_u8(w, in->pad_touch.touchpad);
		pf_wr_u32le(w, in->pad_touch.pointer);
		wr_f32(w, in->pad_touch.x);
		wr_f32(w, in->pad_touch.y);
		wr_f32(w, in->pad_touch.pressure);
		break;
	case PF_GS_INPUT_PAD_MOTION:
		pf_wr_u8(w, in->pad_motion.pad);
		pf_wr_u8(w, in->pad_motion.type);
		pf_wr_u16le(w, 0);
		wr_f32(w, in->pad_motion.x);
		wr_f32(w, in->pad_motion.y);
		wr_f32(w, in->pad_motion.z);
		break;
	case PF_GS_INPUT_PAD_BATTERY:
		pf_wr_u8(w, in->pad_battery.pad);
		pf_wr_u8(w, in->pad_battery.state);
		pf_wr_u8(w, in->pad_battery.percent);
		pf_wr_u8(w, 0);
		break;
	case PF_GS_INPUT_KINDS:
		break;
	}
}

static int kind_of(uint32_t magic, bool *up)
{
	for (int k = 0; k < PF_GS_INPUT_KINDS; k++) {
		*up = has_up_magic((unsigned)k) && magic == rows[k].magic + 1;
		if (magic == rows[k].magic || *up)
			return k;
	}
	return -1;
}

int pf_gs_input_parse(struct pf_gs_input *out, const uint8_t *buf, size_t len)
{
	struct pf_reader r = pf_reader(buf, len);
	uint32_t size = pf_rd_u32be(&r);
	uint32_t magic = pf_rd_u32le(&r);
	struct pf_gs_input in;
	bool up;
	int kind;

	if (r.err || size != len - SIZE_BYTES)
		return -EPROTO;
	kind = kind_of(magic, &up);
	if (kind < 0)
		return -ENOTSUP;
	if (len < rows[kind].min || len > rows[kind].max)
		return -EPROTO;
	memset(&in, 0, sizeof(in));
	in.kind = (enum pf_gs_input_kind)kind;
	read_body(&in, up, &r);
	if (r.err)
		return -EPROTO;
	normalise(&in);
	if (!is_valid(&in))
		return -EPROTO;
	*out = in;
	return 0;
}

int pf_gs_input_build(const struct pf_gs_input *in, uint8_t *buf, size_t cap)
{
	struct pf_writer w = pf_writer(buf, cap);
	uint32_t magic;
	size_t total;

	if (!is_valid(in))
		return -EINVAL;
	magic = rows[in->kind].magic;
	if (in->kind == PF_GS_INPUT_KEY)
		magic += !in->key.down;
	else if (in->kind == PF_GS_INPUT_BUTTON)
		magic += !in->button.down;
	total = in->kind == PF_GS_INPUT_TEXT ? PF_GS_INPUT_HEAD_BYTES + in->text.len
					     : rows[in->kind].max;
	pf_wr_u32be(&w, (uint32_t)(total - SIZE_BYTES));
	pf_wr_u32le(&w, magic);
	write_body(in, &w);
	return w.err ? -ENOBUFS : (int)w.len;
}

uint8_t pf_gs_input_channel(const struct pf_gs_input *in)
{
	switch (in->kind) {
	case PF_GS_INPUT_KEY:
		return PF_GS_CHANNEL_KEYBOARD;
	case PF_GS_INPUT_MOUSE_ABS:
	case PF_GS_INPUT_MOUSE_REL:
	case PF_GS_INPUT_BUTTON:
	case PF_GS_INPUT_SCROLL:
	case PF_GS_INPUT_HSCROLL:
		return PF_GS_CHANNEL_MOUSE;
	case PF_GS_INPUT_TEXT:
		return PF_GS_CHANNEL_TEXT;
	case PF_GS_INPUT_TOUCH:
		return PF_GS_CHANNEL_TOUCH;
	case PF_GS_INPUT_PEN:
		return PF_GS_CHANNEL_PEN;
	case PF_GS_INPUT_PAD_STATE:
		return (uint8_t)(PF_GS_CHANNEL_PAD + in->pad_state.pad);
	case PF_GS_INPUT_PAD_ARRIVAL:
		return (uint8_t)(PF_GS_CHANNEL_PAD + in->pad_arrival.pad);
	case PF_GS_INPUT_PAD_TOUCH:
		return (uint8_t)(PF_GS_CHANNEL_PAD + in->pad_touch.pad);
	case PF_GS_INPUT_PAD_BATTERY:
		return (uint8_t)(PF_GS_CHANNEL_PAD + in->pad_battery.pad);
	case PF_GS_INPUT_PAD_MOTION:
		return (uint8_t)(PF_GS_CHANNEL_SENSOR + in->pad_motion.pad);
	default:
		return PF_GS_CHANNEL_GENERIC;
	}
}
