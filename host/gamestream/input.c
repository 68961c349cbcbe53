/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/input.h"
#include "core/base/utf8.h"
#include "core/wire/pf1_dgram.h"
#include "core/wire/pf1_handshake.h"

/* Windows virtual keys: the sides of each modifier, and the one without a side. */
static const struct {
	uint8_t bit, keys[3];
} modifiers[] = {
	{ PF_GS_MOD_SHIFT, { 0xa0, 0xa1, 0x10 } },
	{ PF_GS_MOD_CTRL, { 0xa2, 0xa3, 0x11 } },
	{ PF_GS_MOD_ALT, { 0xa4, 0xa5, 0x12 } },
	{ PF_GS_MOD_META, { 0x5b, 0x5c, 0x5b } },
};
#define MODIFIERS (sizeof(modifiers) / sizeof(modifiers[0]))

static void post(struct pf_gs_input_map *m, uint8_t kind, uint32_t code, int32_t x, int32_t y,
	uint32_t flags)
{
	const struct pf_input_event ev = { kind, code, x, y, flags };

	m->post(m->user, &ev);
}

static uint8_t modifier_of(uint8_t vk)
{
	for (unsigned i = 0; i < MODIFIERS; i++)
		for (unsigned k = 0; k < 3; k++)
			if (modifiers[i].keys[k] == vk)
				return modifiers[i].bit;
	return 0;
}

static void post_key(struct pf_gs_input_map *m, bool down, uint8_t vk)
{
	post(m, down ? PF_INPUT_KEY_DOWN : PF_INPUT_KEY_UP, vk, 0, 0, 0);
}

static void map_key(struct pf_gs_input_map *m, const struct pf_gs_input *in)
{
	const uint8_t own = modifier_of(in->key.vk);
	uint8_t missing;

	if (own) {
		m->down = in->key.down ? m->down | own : m->down & (uint8_t)~own;
		post_key(m, in->key.down, in->key.vk);
		return;
	}
	/* A soft keyboard names modifiers whose keys never went down: hold them for
	 * this key alone. */
	missing = in->key.down ? in->key.modifiers & (uint8_t)~m->down : 0;
	for (unsigned i = 0; i < MODIFIERS; i++)
		if (missing & modifiers[i].bit)
			post_key(m, true, modifiers[i].keys[0]);
	post_key(m, in->key.down, in->key.vk);
	for (unsigned i = MODIFIERS; i-- > 0;)
		if (missing & modifiers[i].bit)
			post_key(m, false, modifiers[i].keys[0]);
}

static void map_text(struct pf_gs_input_map *m, const struct pf_gs_input *in)
{
	size_t at = 0;
	uint32_t c;

	while (at < in->text.len) {
		size_t n = pf_utf8_decode(in->text.text + at, in->text.len - at, &c);

		if (!n)
			return;
		post(m, PF_INPUT_TEXT, c, 0, 0, 0);
		at += n;
	}
}

static uint32_t grant_of(enum pf_gs_input_kind kind)
{
	switch (kind) {
	case PF_GS_INPUT_KEY:
	case PF_GS_INPUT_TEXT:
		return PF_GRANT_KEYBOARD;
	case PF_GS_INPUT_MOUSE_ABS:
	case PF_GS_INPUT_MOUSE_REL:
	case PF_GS_INPUT_BUTTON:
	case PF_GS_INPUT_SCROLL:
	case PF_GS_INPUT_HSCROLL:
	case PF_GS_INPUT_TOUCH:
	case PF_GS_INPUT_PEN:
		return PF_GRANT_POINTER;
	default:
		return PF_GRANT_GAMEPAD;
	}
}

static void place_float(const struct pf_fit *fit, float *px, float *py)
{
	double x = *px, y = *py;

	pf_fit_place(fit, &x, &y);
	*px = (float)x;
	*py = (float)y;
}

void pf_gs_input_place(const struct pf_fit *fit, struct pf_gs_input *in)
{
	double x, y;

	if ((uint32_t)fit->inner.w == fit->width && (uint32_t)fit->inner.h == fit->height)
		return;
	switch (in->kind) {
	case PF_GS_INPUT_MOUSE_ABS:
		/* From the first pixel to the last one, both included. */
		x = (in->mouse_abs.x + 0.5) / (in->mouse_abs.x_max + 1);
		y = (in->mouse_abs.y + 0.5) / (in->mouse_abs.y_max + 1);
		pf_fit_place(fit, &x, &y);
		in->mouse_abs.x_max = in->mouse_abs.y_max = INT16_MAX - 1;
		in->mouse_abs.x = (int16_t)(x * (INT16_MAX - 1) + 0.5);
		in->mouse_abs.y = (int16_t)(y * (INT16_MAX - 1) + 0.5);
		break;
	case PF_GS_INPUT_TOUCH:
		place_float(fit, &in->touch.x, &in->touch.y);
		break;
	case PF_GS_INPUT_PEN:
		place_float(fit, &in->pen.x, &in->pen.y);
		break;
	default:
		break;
	}
}

void pf_gs_input_map(struct pf_gs_input_map *m, const struct pf_gs_input *in)
{
	if (!(m->grants & grant_of(in->kind))) {
		m->denied++;
		return;
	}
	m->events++;
	switch (in->kind) {
	case PF_GS_INPUT_KEY:
		map_key(m, in);
		break;
	case PF_GS_INPUT_TEXT:
		map_text(m, in);
		break;
	case PF_GS_INPUT_MOUSE_ABS:
		post(m, PF_INPUT_MOUSE_ABS, 0, in->mouse_abs.x, in->mouse_abs.y,
			(uint32_t)(in->mouse_abs.x_max + 1) << 16 |
				(uint32_t)(in->mouse_abs.y_max + 1));
		break;
	case PF_GS_INPUT_MOUSE_REL:
		post(m, PF_INPUT_MOUSE_MOVE, 0, in->mouse_rel.dx, in->mouse_rel.dy, 0);
		break;
	case PF_GS_INPUT_BUTTON:
		post(m, in->button.down ? PF_INPUT_BUTTON_DOWN : PF_INPUT_BUTTON_UP,
			in->button.button, 0, 0, 0);
		break;
	case PF_GS_INPUT_SCROLL:
		post(m, PF_INPUT_SCROLL, 0, in->scroll.amount, 0, 0);
		break;
	case PF_GS_INPUT_HSCROLL:
		post(m, PF_INPUT_SCROLL, 1, in->scroll.amount, 0, 0);
		break;
	default: /* pads, touch and pen */
		m->device(m->user, in);
		break;
	}
}
