/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/pattern/window.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "tools/pattern/strip.h"
#include "xdg-shell-client-protocol.h"

static void buffer_released(void *user, struct wl_buffer *proxy)
{
	struct pf_window_buffer *b = user;

	b->busy = false;
}

static const struct wl_buffer_listener buffer_listener = { .release = buffer_released };

static void drop_buffer(struct pf_window_buffer *b)
{
	if (b->proxy)
		wl_buffer_destroy(b->proxy);
	if (b->px)
		munmap(b->px, b->bytes);
	memset(b, 0, sizeof(*b));
}

static int make_buffer(struct pf_window *w, struct pf_window_buffer *b)
{
	const int32_t stride = (int32_t)w->picture.width * 4;
	struct wl_shm_pool *pool;
	int fd = memfd_create("pf-pattern", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	b->bytes = (size_t)stride * w->picture.height;
	if (ftruncate(fd, (off_t)b->bytes) < 0) {
		close(fd);
		return -ENOSPC;
	}
	b->px = mmap(NULL, b->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (b->px == MAP_FAILED) {
		b->px = NULL;
		close(fd);
		return -ENOMEM;
	}
	pool = wl_shm_create_pool(w->shm, fd, (int32_t)b->bytes);
	b->proxy = wl_shm_pool_create_buffer(pool, 0, (int32_t)w->picture.width,
		(int32_t)w->picture.height, stride, WL_SHM_FORMAT_XRGB8888);
	wl_shm_pool_destroy(pool);
	close(fd);
	wl_buffer_add_listener(b->proxy, &buffer_listener, b);
	return 0;
}

static int resize(struct pf_window *w, uint32_t width, uint32_t height)
{
	int r;

	for (int i = 0; i < PF_WINDOW_BUFFERS; i++)
		drop_buffer(&w->buffers[i]);
	pf_pattern_finish(&w->picture);
	r = pf_pattern_init(&w->picture, w->params.content, width, height);
	for (int i = 0; i < PF_WINDOW_BUFFERS && !r; i++)
		r = make_buffer(w, &w->buffers[i]);
	w->report->width = width;
	w->report->height = height;
	w->resized = true;
	return r;
}

static void toplevel_configure(void *user, struct xdg_toplevel *toplevel, int32_t width,
	int32_t height, struct wl_array *states)
{
	struct pf_window *w = user;

	w->want_width = width > 0 ? (uint32_t)width : 1280;
	w->want_height = height > 0 ? (uint32_t)height : 720;
	if (w->params.width && w->want_width > w->params.width)
		w->want_width = w->params.width;
	if (w->params.height && w->want_height > w->params.height)
		w->want_height = w->params.height;
}

static void toplevel_close(void *user, struct xdg_toplevel *toplevel)
{
	struct pf_window *w = user;

	w->closed = true;
}

static const struct xdg_toplevel_listener toplevel_listener = {
	.configure = toplevel_configure,
	.close = toplevel_close,
};

static void surface_configure(void *user, struct xdg_surface *surface, uint32_t serial)
{
	struct pf_window *w = user;

	xdg_surface_ack_configure(surface, serial);
	if (w->configured && w->want_width == w->picture.width &&
		w->want_height == w->picture.height)
		return;
	if (resize(w, w->want_width, w->want_height)) {
		fprintf(stderr, "pf-pattern: no memory for %ux%u\n", w->want_width, w->want_height);
		w->closed = true;
		return;
	}
	w->configured = true;
	w->may_draw = true;
}

static const struct xdg_surface_listener surface_listener = { .configure = surface_configure };

static void ping(void *user, struct xdg_wm_base *base, uint32_t serial)
{
	xdg_wm_base_pong(base, serial);
}

static const struct xdg_wm_base_listener wm_base_listener = { .ping = ping };

static void surface_enter(void *user, struct wl_surface *surface, struct wl_output *output)
{
	struct pf_window *w = user;

	w->on = output;
}

static void surface_leave(void *user, struct wl_surface *surface, struct wl_output *output)
{
	struct pf_window *w = user;

	if (w->on == output)
		w->on = NULL;
}

static const struct wl_surface_listener wl_surface_listener = {
	.enter = surface_enter,
	.leave = surface_leave,
};

static void frame_done(void *user, struct wl_callback *callback, uint32_t time_ms)
{
	struct pf_window *w = user;

	wl_callback_destroy(callback);
	w->callback = NULL;
	w->may_draw = true;
}

static const struct wl_callback_listener frame_listener = { .done = frame_done };

static struct pf_window_buffer *free_buffer(struct pf_window *w)
{
	for (int i = 0; i < PF_WINDOW_BUFFERS; i++)
		if (!w->buffers[i].busy)
			return &w->buffers[i];
	return NULL;
}

bool pf_window_draw(struct pf_window *w)
{
	struct pf_window_buffer *b = free_buffer(w);
	struct pf_pattern_rect damage[PF_PATTERN_DAMAGE];
	const uint32_t number = w->number;
	unsigned n;

	if (!b)
		return false;
	pf_pattern_draw(&w->picture, b->px, number, b->number, !b->drawn);
	b->number = number;
	b->drawn = true;
	if (!w->callback) {
		w->callback = wl_surface_frame(w->surface);
		wl_callback_add_listener(w->callback, &frame_listener, w);
	}
	wl_surface_attach(w->surface, b->proxy, 0, 0);
	n = pf_pattern_damage(&w->picture, number, number ? number - 1 : 0, damage);
	if (w->resized)
		wl_surface_damage_buffer(w->surface, 0, 0, INT32_MAX, INT32_MAX);
	else
		for (unsigned i = 0; i < n; i++)
			wl_surface_damage_buffer(
				w->surface, damage[i].x, damage[i].y, damage[i].w, damage[i].h);
	if (pf_pattern_has_strip(&w->picture))
		pf_strip_draw(b->px, w->picture.width, pf_clock_unix_ns(), number);
	wl_surface_commit(w->surface);
	wl_display_flush(w->wl->display);
	b->busy = true;
	w->resized = false;
	w->may_draw = false;
	w->number++;
	w->report->frames_drawn++;
	return true;
}

void pf_window_report_mode(struct pf_window *w)
{
	for (unsigned i = 0; i < PF_WL_OUTPUTS; i++) {
		const struct pf_wl_output *o = &w->wl->outputs[i];

		if (!o->proxy || o->proxy != w->on)
			continue;
		snprintf(w->report->output, sizeof(w->report->output), "%s", o->name);
		w->report->mode_width = (uint32_t)o->rect.w;
		w->report->mode_height = (uint32_t)o->rect.h;
		w->report->mode_mhz = o->refresh_mhz;
	}
}

int pf_window_open(struct pf_window *w, struct pf_wl *wl, const struct pf_window_params *params,
	struct pf_report *report, struct pf_reason *why)
{
	struct pf_wl_output *output = NULL;

	memset(w, 0, sizeof(*w));
	w->wl = wl;
	w->params = *params;
	w->report = report;
	if (params->output) {
		output = pf_wl_find_output(wl, params->output);
		if (!output)
			return pf_reason_set(why, -ENODEV, "no output %s", params->output);
	}
	w->compositor = pf_wl_bind(wl, &wl_compositor_interface, 4, 4);
	w->shm = pf_wl_bind(wl, &wl_shm_interface, 1, 1);
	w->wm_base = pf_wl_bind(wl, &xdg_wm_base_interface, 1, 2);
	if (!w->compositor || !w->shm || !w->wm_base)
		return pf_reason_set(why, -ENOTSUP,
			"the compositor lacks wl_compositor 4, wl_shm or xdg_wm_base");
	xdg_wm_base_add_listener(w->wm_base, &wm_base_listener, w);
	w->surface = wl_compositor_create_surface(w->compositor);
	wl_surface_add_listener(w->surface, &wl_surface_listener, w);
	w->xdg_surface = xdg_wm_base_get_xdg_surface(w->wm_base, w->surface);
	xdg_surface_add_listener(w->xdg_surface, &surface_listener, w);
	w->toplevel = xdg_surface_get_toplevel(w->xdg_surface);
	xdg_toplevel_add_listener(w->toplevel, &toplevel_listener, w);
	xdg_toplevel_set_title(w->toplevel, "punktfunk pattern");
	xdg_toplevel_set_app_id(w->toplevel, "pf-pattern");
	if (!params->width)
		xdg_toplevel_set_fullscreen(w->toplevel, output ? output->proxy : NULL);
	wl_surface_commit(w->surface);
	return 0;
}

void pf_window_close(struct pf_window *w)
{
	for (int i = 0; i < PF_WINDOW_BUFFERS; i++)
		drop_buffer(&w->buffers[i]);
	if (w->callback)
		wl_callback_destroy(w->callback);
	if (w->toplevel)
		xdg_toplevel_destroy(w->toplevel);
	if (w->xdg_surface)
		xdg_surface_destroy(w->xdg_surface);
	if (w->surface)
		wl_surface_destroy(w->surface);
	if (w->wm_base)
		xdg_wm_base_destroy(w->wm_base);
	if (w->shm)
		wl_shm_destroy(w->shm);
	if (w->compositor)
		wl_compositor_destroy(w->compositor);
	pf_pattern_finish(&w->picture);
}
