/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/wayland/conn.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "core/base/clock.h"

static void output_geometry(void *user, struct wl_output *proxy, int32_t x, int32_t y, int32_t mm_w,
	int32_t mm_h, int32_t subpixel, const char *make, const char *model, int32_t transform)
{
	struct pf_wl_output *o = user;

	o->rect.x = x;
	o->rect.y = y;
}

static void output_mode(
	void *user, struct wl_output *proxy, uint32_t flags, int32_t w, int32_t h, int32_t refresh)
{
	struct pf_wl_output *o = user;

	if (!(flags & WL_OUTPUT_MODE_CURRENT) || w <= 0 || h <= 0)
		return;
	o->rect.w = w;
	o->rect.h = h;
	o->refresh_mhz = refresh > 0 ? (uint32_t)refresh : 0;
}

static void output_done(void *user, struct wl_output *proxy)
{
	struct pf_wl_output *o = user;

	o->complete = true;
}

static void output_scale(void *user, struct wl_output *proxy, int32_t factor) {}

static void output_name(void *user, struct wl_output *proxy, const char *name)
{
	struct pf_wl_output *o = user;

	snprintf(o->name, sizeof(o->name), "%s", name);
}

static void output_description(void *user, struct wl_output *proxy, const char *text) {}

static const struct wl_output_listener output_listener = {
	.geometry = output_geometry,
	.mode = output_mode,
	.done = output_done,
	.scale = output_scale,
	.name = output_name,
	.description = output_description,
};

static void drop_output(struct pf_wl_output *o)
{
	if (!o->proxy)
		return;
	if (wl_output_get_version(o->proxy) >= WL_OUTPUT_RELEASE_SINCE_VERSION)
		wl_output_release(o->proxy);
	else
		wl_output_destroy(o->proxy);
	memset(o, 0, sizeof(*o));
}

static void add_output(struct pf_wl *wl, uint32_t name, uint32_t version)
{
	for (unsigned i = 0; i < PF_WL_OUTPUTS; i++) {
		struct pf_wl_output *o = &wl->outputs[i];

		if (o->proxy)
			continue;
		o->wl = wl;
		o->global = name;
		/* Below version 2 there is no `done`: it counts as complete at once. */
		o->complete = version < 2;
		o->proxy = wl_registry_bind(
			wl->registry, name, &wl_output_interface, version < 4 ? version : 4);
		if (o->proxy)
			wl_output_add_listener(o->proxy, &output_listener, o);
		return;
	}
}

static void global_added(void *user, struct wl_registry *registry, uint32_t name,
	const char *interface, uint32_t version)
{
	struct pf_wl *wl = user;

	if (!strcmp(interface, wl_output_interface.name)) {
		add_output(wl, name, version);
		return;
	}
	if (wl->global_count == PF_WL_GLOBALS ||
		strlen(interface) >= sizeof(wl->globals->interface))
		return;
	wl->globals[wl->global_count].name = name;
	wl->globals[wl->global_count].version = version;
	strcpy(wl->globals[wl->global_count].interface, interface);
	wl->global_count++;
}

static void global_removed(void *user, struct wl_registry *registry, uint32_t name)
{
	struct pf_wl *wl = user;

	for (unsigned i = 0; i < PF_WL_OUTPUTS; i++)
		if (wl->outputs[i].proxy && wl->outputs[i].global == name)
			drop_output(&wl->outputs[i]);
	for (unsigned i = 0; i < wl->global_count; i++)
		if (wl->globals[i].name == name)
			wl->globals[i].version = 0;
}

static const struct wl_registry_listener registry_listener = {
	.global = global_added,
	.global_remove = global_removed,
};

int pf_wl_connect(const char *path, pid_t *peer, struct pf_reason *why)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int fd, r;

	if (strlen(path) >= sizeof(addr.sun_path))
		return pf_reason_set(
			why, -ENAMETOOLONG, "%s: longer than a socket path may be", path);
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&addr, sizeof(addr)) &&
		!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len)) {
		*peer = cred.pid;
		return fd;
	}
	r = pf_reason_set(
		why, -errno, "cannot reach the compositor at %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return r;
}

int pf_wl_open(struct pf_wl **out, const char *socket, unsigned timeout_ms, struct pf_reason *why)
{
	pid_t peer;
	int fd = pf_wl_connect(socket, &peer, why), r;
	struct pf_wl *wl;

	if (fd < 0)
		return fd;
	wl = calloc(1, sizeof(*wl));
	if (!wl) {
		close(fd);
		return pf_reason_set(why, -ENOMEM, "out of memory");
	}
	wl->peer = peer;
	wl->display = wl_display_connect_to_fd(fd); /* closes fd on failure, too */
	if (wl->display)
		wl->registry = wl_display_get_registry(wl->display);
	if (!wl->registry) {
		r = pf_reason_set(why, -ENOMEM, "out of memory");
		goto fail;
	}
	wl_registry_add_listener(wl->registry, &registry_listener, wl);
	/* The first answer names the globals, the second fills the outputs. */
	r = pf_wl_roundtrip(wl, timeout_ms);
	if (!r)
		r = pf_wl_roundtrip(wl, timeout_ms);
	if (r) {
		pf_reason_set(
			why, r, "the compositor at %s does not answer: %s", socket, strerror(-r));
		goto fail;
	}
	*out = wl;
	return 0;
fail:
	pf_wl_close(wl);
	return r;
}

void pf_wl_close(struct pf_wl *wl)
{
	if (!wl)
		return;
	for (unsigned i = 0; i < PF_WL_OUTPUTS; i++)
		drop_output(&wl->outputs[i]);
	if (wl->registry)
		wl_registry_destroy(wl->registry);
	if (wl->display) {
		wl_display_flush(wl->display);
		wl_display_disconnect(wl->display);
	}
	free(wl);
}

static const struct pf_wl_global *find_global(const struct pf_wl *wl, const char *interface)
{
	for (unsigned i = 0; i < wl->global_count; i++)
		if (wl->globals[i].version && !strcmp(wl->globals[i].interface, interface))
			return &wl->globals[i];
	return NULL;
}

bool pf_wl_has(const struct pf_wl *wl, const char *interface)
{
	return find_global(wl, interface) != NULL;
}

void *pf_wl_bind(struct pf_wl *wl, const struct wl_interface *interface, uint32_t min_version,
	uint32_t version)
{
	const struct pf_wl_global *g = find_global(wl, interface->name);

	if (!g || g->version < min_version)
		return NULL;
	return wl_registry_bind(
		wl->registry, g->name, interface, g->version < version ? g->version : version);
}

struct pf_wl_output *pf_wl_find_output(struct pf_wl *wl, const char *name)
{
	for (unsigned i = 0; i < PF_WL_OUTPUTS; i++) {
		struct pf_wl_output *o = &wl->outputs[i];

		if (o->proxy && o->complete && (!name || !strcmp(o->name, name)))
			return o;
	}
	return NULL;
}

static int fault(struct pf_wl *wl)
{
	int err = wl_display_get_error(wl->display);

	return err == EPROTO ? -EPROTO : -EPIPE;
}

/* Writes all that is queued; the socket may be full for a moment. */
static int flush(struct pf_wl *wl, short *want)
{
	*want = POLLIN;
	if (wl_display_flush(wl->display) >= 0)
		return 0;
	if (errno != EAGAIN)
		return fault(wl);
	*want |= POLLOUT;
	return 0;
}

int pf_wl_flush(struct pf_wl *wl, unsigned timeout_ms)
{
	const uint64_t deadline = pf_clock_mono_ns() + timeout_ms * PF_NS_PER_MS;

	for (;;) {
		struct pollfd p = { .fd = wl_display_get_fd(wl->display) };
		uint64_t now;
		int r = flush(wl, &p.events);

		if (r || !(p.events & POLLOUT))
			return r;
		now = pf_clock_mono_ns();
		if (now >= deadline)
			return -ETIMEDOUT;
		p.events = POLLOUT;
		(void)poll(&p, 1, (int)((deadline - now) / PF_NS_PER_MS) + 1);
	}
}

int pf_wl_wait(struct pf_wl *wl, int extra_fd, int timeout_ms)
{
	struct pollfd p[2] = {
		{ .fd = wl_display_get_fd(wl->display) },
		{ .fd = extra_fd, .events = POLLIN },
	};
	int r;

	if (wl_display_prepare_read(wl->display) < 0) {
		/* Something is queued already: no waiting. */
		if (wl_display_dispatch_pending(wl->display) < 0)
			return fault(wl);
		timeout_ms = 0;
		if (wl_display_prepare_read(wl->display) < 0)
			return 0;
	}
	r = flush(wl, &p[0].events);
	if (!r && poll(p, 2, timeout_ms) < 0 && errno != EINTR)
		r = -errno;
	if (r || !(p[0].revents & (POLLIN | POLLHUP | POLLERR))) {
		wl_display_cancel_read(wl->display);
	} else if (wl_display_read_events(wl->display) < 0) {
		r = fault(wl);
	}
	if (!r && wl_display_dispatch_pending(wl->display) < 0)
		r = fault(wl);
	if (r)
		return r;
	return p[1].revents ? PF_WL_EXTRA : 0;
}

static void sync_done(void *user, struct wl_callback *cb, uint32_t serial)
{
	bool *done = user;

	*done = true;
}

static const struct wl_callback_listener sync_listener = { .done = sync_done };

int pf_wl_roundtrip(struct pf_wl *wl, unsigned timeout_ms)
{
	const uint64_t deadline = pf_clock_mono_ns() + timeout_ms * PF_NS_PER_MS;
	struct wl_callback *cb = wl_display_sync(wl->display);
	bool done = false;
	int r = 0;

	if (!cb)
		return -ENOMEM;
	wl_callback_add_listener(cb, &sync_listener, &done);
	while (!done && r >= 0) {
		uint64_t now = pf_clock_mono_ns();

		if (now >= deadline)
			r = -ETIMEDOUT;
		else
			r = pf_wl_wait(wl, -1, (int)((deadline - now) / PF_NS_PER_MS) + 1);
	}
	wl_callback_destroy(cb);
	return r < 0 ? r : 0;
}

int pf_wl_await_mode(struct pf_wl *wl, const char *name, uint32_t width, uint32_t height,
	uint32_t refresh_mhz, unsigned timeout_ms, struct pf_reason *why)
{
	const uint64_t deadline = pf_clock_mono_ns() + timeout_ms * PF_NS_PER_MS;
	const struct pf_wl_output *o;

	for (;;) {
		uint64_t now = pf_clock_mono_ns();
		int r;

		o = pf_wl_find_output(wl, name);
		if (o && o->rect.w == (int32_t)width && o->rect.h == (int32_t)height &&
			o->refresh_mhz == refresh_mhz)
			return 0;
		if (now >= deadline)
			break;
		r = pf_wl_wait(wl, -1, (int)((deadline - now) / PF_NS_PER_MS) + 1);
		if (r < 0)
			return pf_reason_set(why, r, "the compositor went away");
	}
	if (!o)
		return pf_reason_set(why, -ETIMEDOUT, "the compositor made no output %s", name);
	return pf_reason_set(why, -ETIMEDOUT,
		"output %s stays at %dx%d@%u.%03u instead of %ux%u@%u.%03u", name, o->rect.w,
		o->rect.h, o->refresh_mhz / 1000, o->refresh_mhz % 1000, width, height,
		refresh_mhz / 1000, refresh_mhz % 1000);
}
