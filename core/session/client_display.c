/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* client_display.c - what belongs on the screen beside the picture: the host's pointer
 * and how bright its pictures are meant. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/session/client_impl.h"

/* The same picture again needs no bytes: the host names shapes that it sent. */
static struct pf_cursor_shape *slot_for(struct pf_client_display *d, uint32_t serial)
{
	struct pf_cursor_shape *oldest = &d->shapes[0];

	for (unsigned i = 0; i < PF_CURSOR_SHAPES; i++) {
		struct pf_cursor_shape *s = &d->shapes[i];

		if (s->rgba && s->serial == serial)
			return s;
		if (!s->rgba || s->used < oldest->used)
			oldest = s;
		if (!oldest->rgba)
			break;
	}
	return oldest;
}

void pf_client_cursor_shape(struct pf_client *c, const struct pf_ctl *m)
{
	struct pf_client_display *d = &c->display;
	PunktfunkEvent e = { .type = PUNKTFUNK_EVENT_CURSOR_SHAPE,
		.a = m->cursor_shape.serial,
		.b = (uint32_t)m->cursor_shape.w | (uint32_t)m->cursor_shape.h << 16,
		.c = (uint32_t)m->cursor_shape.hot_x | (uint32_t)m->cursor_shape.hot_y << 16 };
	uint8_t *rgba = malloc(m->cursor_shape.rgba.len);
	struct pf_cursor_shape *s;

	if (!rgba)
		return;
	memcpy(rgba, m->cursor_shape.rgba.p, m->cursor_shape.rgba.len);
	pthread_mutex_lock(&c->lock);
	s = slot_for(d, m->cursor_shape.serial);
	free(s->rgba);
	*s = (struct pf_cursor_shape){ .serial = m->cursor_shape.serial,
		.used = ++d->uses,
		.w = m->cursor_shape.w,
		.h = m->cursor_shape.h,
		.hot_x = m->cursor_shape.hot_x,
		.hot_y = m->cursor_shape.hot_y,
		.rgba = rgba };
	pthread_mutex_unlock(&c->lock);
	pf_client_put_event(c, &e);
}

void pf_client_cursor_state(struct pf_client *c, const struct pf_dgram *m)
{
	struct pf_client_display *d = &c->display;
	PunktfunkEvent e = { .type = PUNKTFUNK_EVENT_CURSOR_STATE,
		.a = m->cursor.serial,
		.b = (m->cursor.visible ? PUNKTFUNK_CURSOR_VISIBLE : 0) |
		     (m->cursor.relative ? PUNKTFUNK_CURSOR_RELATIVE : 0),
		.c = (uint32_t)m->cursor.x,
		.d = (uint32_t)m->cursor.y };

	/* It comes with every frame; news is only what changes. */
	if (d->stated && e.a == d->state.a && e.b == d->state.b && e.c == d->state.c &&
		e.d == d->state.d)
		return;
	d->stated = true;
	d->state = e;
	pf_client_put_event(c, &e);
}

void pf_client_hdr(struct pf_client *c, const struct pf_dgram *m)
{
	PunktfunkEvent e = { .type = PUNKTFUNK_EVENT_HDR };
	PunktfunkHdrMetadata h = { .struct_size = sizeof(h) };
	struct pf_hdr_meta w;
	bool news;

	pf_hdr_meta_read(&w, m->raw.data);
	memcpy(h.primaries, w.primaries, sizeof(h.primaries));
	memcpy(h.white, w.white, sizeof(h.white));
	h.max_luminance = w.max_luminance;
	h.min_luminance = w.min_luminance;
	h.max_cll = w.max_cll;
	h.max_fall = w.max_fall;
	pthread_mutex_lock(&c->lock);
	news = !c->display.has_hdr || memcmp(&h, &c->display.hdr, sizeof(h));
	c->display.hdr = h;
	c->display.has_hdr = true;
	pthread_mutex_unlock(&c->lock);
	if (news)
		pf_client_put_event(c, &e);
}

int pf_client_cursor(
	struct pf_client *c, uint32_t serial, PunktfunkCursorShape *out, uint8_t *rgba, size_t cap)
{
	struct pf_cursor_shape *s;
	size_t len;
	int err = 0;

	pthread_mutex_lock(&c->lock);
	s = slot_for(&c->display, serial);
	if (!s->rgba || s->serial != serial) {
		err = -EAGAIN;
	} else {
		len = (size_t)s->w * s->h * 4;
		s->used = ++c->display.uses;
		*out = (PunktfunkCursorShape){ .struct_size = sizeof(*out),
			.serial = serial,
			.width = s->w,
			.height = s->h,
			.hot_x = s->hot_x,
			.hot_y = s->hot_y };
		if (rgba && cap < len)
			err = -EMSGSIZE;
		else if (rgba)
			memcpy(rgba, s->rgba, len);
	}
	pthread_mutex_unlock(&c->lock);
	return err;
}

int pf_client_cursor_render(struct pf_client *c, bool client_draws)
{
	struct pf_ctl m = { .type = PF_CTL_CURSOR_RENDER_MODE, .client_draws = client_draws };

	return pf_client_send_control(c, &m);
}

int pf_client_hdr_metadata(struct pf_client *c, PunktfunkHdrMetadata *out)
{
	int err = -EAGAIN;

	pthread_mutex_lock(&c->lock);
	if (c->display.has_hdr) {
		*out = c->display.hdr;
		err = 0;
	}
	pthread_mutex_unlock(&c->lock);
	return err;
}

void pf_client_display_finish(struct pf_client *c)
{
	for (unsigned i = 0; i < PF_CURSOR_SHAPES; i++)
		free(c->display.shapes[i].rgba);
}
