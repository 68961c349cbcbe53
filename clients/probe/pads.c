/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/pads.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 9

/* ---- words ---- */

static unsigned split(char *text, char *words[WORDS_MAX])
{
	unsigned n = 0;
	char *at = NULL;

	for (char *w = strtok_r(text, " \t", &at); w; w = strtok_r(NULL, " \t", &at)) {
		if (n == WORDS_MAX)
			return WORDS_MAX + 1;
		words[n++] = w;
	}
	return n;
}

static bool whole(const char *word, long low, long high, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(word, &end, 0);
	return !errno && end != word && !*end && *out >= low && *out <= high;
}

static bool real(const char *word, float low, float high, float *out)
{
	char *end;

	*out = strtof(word, &end);
	return end != word && !*end && isfinite(*out) && *out >= low && *out <= high;
}

static bool share(const char *word, uint16_t *out)
{
	float v;

	if (!real(word, 0, 1, &v))
		return false;
	*out = (uint16_t)lrintf(v * 65535);
	return true;
}

/* ---- lines ---- */

static int parse_arrive(struct pf_pad_act *a, const char *word)
{
	static const struct {
		const char *name;
		uint32_t kind;
	} kinds[] = {
		{ "xbox360", PUNKTFUNK_GAMEPAD_XBOX_360 },
		{ "xboxone", PUNKTFUNK_GAMEPAD_XBOX_ONE },
		{ "dualsense", PUNKTFUNK_GAMEPAD_DUALSENSE },
		{ "ds4", PUNKTFUNK_GAMEPAD_DUALSHOCK4 },
	};
	long v;

	a->what = PF_ACT_ARRIVE;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(word, kinds[i].name)) {
			a->gamepad = kinds[i].kind;
			return 0;
		}
	if (!whole(word, 0, 255, &v))
		return -EINVAL;
	a->gamepad = (uint32_t)v;
	return 0;
}

static int parse_state(struct pf_pad_act *a, char **words, unsigned n)
{
	PunktfunkPadState *s = &a->state;
	long v[7] = { 0 };

	if (n != 1 && n != 7)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++)
		if (!whole(words[i], i < 3 ? 0 : -32768,
			    !i	    ? INT32_MAX
			    : i < 3 ? 255
				    : 32767,
			    &v[i]))
			return -EINVAL;
	a->what = PF_ACT_STATE;
	*s = (PunktfunkPadState){ .struct_size = sizeof(*s),
		.pad = (uint8_t)a->pad,
		.buttons = (uint32_t)v[0],
		.left_trigger = (uint8_t)v[1],
		.right_trigger = (uint8_t)v[2],
		.lx = (int16_t)v[3],
		.ly = (int16_t)v[4],
		.rx = (int16_t)v[5],
		.ry = (int16_t)v[6] };
	return 0;
}

static int parse_touch(struct pf_pad_act *a, char **words, unsigned n, bool down)
{
	PunktfunkPadTouch *t = &a->touch;
	long finger;

	a->what = PF_ACT_TOUCH;
	*t = (PunktfunkPadTouch){ .struct_size = sizeof(*t), .pad = (uint8_t)a->pad };
	if (n != (down ? 3 : 1) || !whole(words[0], 0, 255, &finger))
		return -EINVAL;
	t->finger = (uint8_t)finger;
	t->state = down ? PUNKTFUNK_PAD_TOUCH_DOWN : 0;
	return down && (!share(words[1], &t->x) || !share(words[2], &t->y)) ? -EINVAL : 0;
}

static int parse_motion(struct pf_pad_act *a, char **words, unsigned n)
{
	PunktfunkPadMotion *m = &a->motion;

	a->what = PF_ACT_MOTION;
	*m = (PunktfunkPadMotion){ .struct_size = sizeof(*m), .pad = (uint8_t)a->pad };
	if (n != 6)
		return -EINVAL;
	for (unsigned i = 0; i < 6; i++)
		if (!real(words[i], -10000, 10000, i < 3 ? &m->gyro_deg_s[i] : &m->accel_g[i - 3]))
			return -EINVAL;
	return 0;
}

static int parse_pad(struct pf_pad_act *a, char **words, unsigned n)
{
	long pad;

	if (n < 2 || !whole(words[0], 0, PF_PROBE_PADS - 1, &pad))
		return -EINVAL;
	a->pad = (uint32_t)pad;
	if (!strcmp(words[1], "arrive") && n == 3)
		return parse_arrive(a, words[2]);
	if (!strcmp(words[1], "state"))
		return parse_state(a, words + 2, n - 2);
	if (!strcmp(words[1], "touch") || !strcmp(words[1], "lift"))
		return parse_touch(a, words + 2, n - 2, words[1][0] == 't');
	if (!strcmp(words[1], "motion"))
		return parse_motion(a, words + 2, n - 2);
	a->what = PF_ACT_LEAVE;
	return !strcmp(words[1], "leave") && n == 2 ? 0 : -EINVAL;
}

static int parse_finger(struct pf_pad_act *a, char **words, unsigned n)
{
	static const char *const phases[] = { "down", "move", "up" };
	PunktfunkInputEvent *e = &a->finger;
	long id, x = 0, y = 0;

	a->what = PF_ACT_FINGER;
	*e = (PunktfunkInputEvent){ .struct_size = sizeof(*e) };
	if ((n != 4 && n != 2) || !whole(words[0], 0, INT32_MAX, &id))
		return -EINVAL;
	for (uint8_t i = 0; i < 3; i++)
		if (!strcmp(words[1], phases[i]))
			e->kind = PUNKTFUNK_INPUT_TOUCH_DOWN + i;
	if (!e->kind || (n == 2) != (e->kind == PUNKTFUNK_INPUT_TOUCH_UP))
		return -EINVAL;
	if (n == 4 && (!whole(words[2], -65536, 65536, &x) || !whole(words[3], -65536, 65536, &y)))
		return -EINVAL;
	e->code = (uint32_t)id;
	e->x = (int32_t)x;
	e->y = (int32_t)y;
	return 0;
}

static int parse_pen(struct pf_pad_act *a, char **words, unsigned n)
{
	PunktfunkPenSample *s = &a->pen;

	a->what = PF_ACT_PEN;
	*s = (PunktfunkPenSample){ .struct_size = sizeof(*s),
		.tilt = 0xff,
		.distance = 0xffff,
		.azimuth = 0xffff,
		.roll = 0xffff };
	if (n < 3 || n > 5 || !real(words[1], 0, 1, &s->x) || !real(words[2], 0, 1, &s->y))
		return -EINVAL;
	if (!strcmp(words[0], "over"))
		s->state = PUNKTFUNK_PEN_IN_RANGE;
	else if (!strcmp(words[0], "down"))
		s->state = PUNKTFUNK_PEN_IN_RANGE | PUNKTFUNK_PEN_TOUCHING;
	else if (strcmp(words[0], "out") != 0)
		return -EINVAL;
	if (n > 3 && !share(words[3], &s->pressure))
		return -EINVAL;
	if (n > 4 && strcmp(words[4], "eraser") != 0)
		return -EINVAL;
	s->tool = n > 4 ? PUNKTFUNK_PEN_TOOL_ERASER : PUNKTFUNK_PEN_TOOL_PEN;
	return 0;
}

int pf_pads_parse(struct pf_pad_act *out, const char *verb, const char *words)
{
	int (*parse)(struct pf_pad_act *, char **, unsigned) = !strcmp(verb, "pad") ? parse_pad
							       : !strcmp(verb, "touch")
								       ? parse_finger
							       : !strcmp(verb, "pen") ? parse_pen
										      : NULL;
	char copy[512], *list[WORDS_MAX];
	unsigned n;

	if (!parse)
		return 1;
	if (strlen(words) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, words);
	n = split(copy, list);
	memset(out, 0, sizeof(*out));
	return n > WORDS_MAX ? -EINVAL : parse(out, list, n);
}

int pf_pads_do(
	const struct pf_pad_act *a, PunktfunkConnection *conn, uint32_t width, uint32_t height)
{
	PunktfunkInputEvent finger;

	switch (a->what) {
	case PF_ACT_ARRIVE:
		return punktfunk_pad_arrive(conn, a->pad, a->gamepad);
	case PF_ACT_STATE:
		return punktfunk_send_pad(conn, &a->state);
	case PF_ACT_TOUCH:
		return punktfunk_send_pad_touch(conn, &a->touch);
	case PF_ACT_MOTION:
		return punktfunk_send_pad_motion(conn, &a->motion);
	case PF_ACT_LEAVE:
		return punktfunk_pad_remove(conn, a->pad);
	case PF_ACT_FINGER:
		finger = a->finger;
		finger.flags = width << 16 | height;
		return punktfunk_send_input(conn, &finger);
	case PF_ACT_PEN:
		return punktfunk_send_pen(conn, &a->pen, 1);
	}
	return -EINVAL;
}

/* ---- what came back ---- */

void pf_pads_event(struct pf_pads_heard *h, const PunktfunkEvent *e)
{
	if (e->type < PUNKTFUNK_EVENT_PAD_LIGHT && e->type != PUNKTFUNK_EVENT_RUMBLE)
		return;
	if (e->a >= PF_PROBE_PADS)
		return;
	switch (e->type) {
	case PUNKTFUNK_EVENT_RUMBLE: {
		const uint32_t levels[4] = { e->b, e->c, e->d >> 16, e->d & 0xffff };

		h->pad[e->a].rumbles++;
		for (unsigned i = 0; i < 4; i++) {
			h->pad[e->a].rumble[i] = (uint16_t)levels[i];
			if (levels[i] > h->pad[e->a].rumble_max[i])
				h->pad[e->a].rumble_max[i] = (uint16_t)levels[i];
		}
		break;
	}
	case PUNKTFUNK_EVENT_PAD_LIGHT:
		h->pad[e->a].lights++;
		h->pad[e->a].light = e->b & 0xffffff;
		break;
	case PUNKTFUNK_EVENT_PAD_PLAYER:
		h->pad[e->a].players++;
		h->pad[e->a].player = (uint8_t)e->b;
		break;
	case PUNKTFUNK_EVENT_PAD_TRIGGER:
		if (e->b > 1 || e->data_size > sizeof(h->pad[0].effect[0]))
			return;
		h->pad[e->a].effects++;
		h->pad[e->a].effect_len[e->b] = (uint8_t)e->data_size;
		memcpy(h->pad[e->a].effect[e->b], e->data, e->data_size);
		break;
	case PUNKTFUNK_EVENT_PAD_REPORT:
		h->pad[e->a].reports++;
		break;
	default:
		break;
	}
}

static bool told(const struct pf_pads_heard *h, unsigned pad)
{
	return h->pad[pad].rumbles || h->pad[pad].lights || h->pad[pad].players ||
	       h->pad[pad].effects || h->pad[pad].reports;
}

static void json_effect(const struct pf_pads_heard *h, unsigned pad, unsigned which, FILE *out)
{
	fprintf(out, ", \"%s\": ", which ? "effect_r2" : "effect_l2");
	if (!h->pad[pad].effect_len[which]) {
		fputs("null", out);
		return;
	}
	fputc('"', out);
	for (unsigned i = 0; i < h->pad[pad].effect_len[which]; i++)
		fprintf(out, "%02x", h->pad[pad].effect[which][i]);
	fputc('"', out);
}

void pf_pads_json(const struct pf_pads_heard *h, FILE *out)
{
	const char *comma = "";

	fputc('[', out);
	for (unsigned i = 0; i < PF_PROBE_PADS; i++) {
		const uint16_t *now = h->pad[i].rumble, *max = h->pad[i].rumble_max;

		if (!told(h, i))
			continue;
		fprintf(out,
			"%s{\"pad\": %u, \"rumbles\": %u, \"rumble\": [%u, %u, %u, %u], "
			"\"rumble_max\": [%u, %u, %u, %u]",
			comma, i, h->pad[i].rumbles, now[0], now[1], now[2], now[3], max[0], max[1],
			max[2], max[3]);
		if (h->pad[i].lights)
			fprintf(out, ", \"light\": \"%06x\"", h->pad[i].light);
		else
			fputs(", \"light\": null", out);
		if (h->pad[i].players)
			fprintf(out, ", \"player\": %u", h->pad[i].player);
		else
			fputs(", \"player\": null", out);
		json_effect(h, i, 0, out);
		json_effect(h, i, 1, out);
		fprintf(out, ", \"reports\": %u}", h->pad[i].reports);
		comma = ", ";
	}
	fputc(']', out);
}

void pf_pads_print(const struct pf_pads_heard *h, FILE *out)
{
	for (unsigned i = 0; i < PF_PROBE_PADS; i++)
		if (told(h, i))
			fprintf(out,
				"pad %u: %u rumbles (strongest %u, %u), %u lights, %u player "
				"lights, %u trigger effects\n",
				i, h->pad[i].rumbles, h->pad[i].rumble_max[0],
				h->pad[i].rumble_max[1], h->pad[i].lights, h->pad[i].players,
				h->pad[i].effects);
}
