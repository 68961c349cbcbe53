/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The user's own running session. On sway an output is added for us, beside the
 * user's screens; on another wlroots compositor (labwc) the first output is
 * mirrored as it is, and source()->mode says what that is.
 *
 * sway 1.10 removes the output again. sway 1.7 cannot: it stays, and the
 * next display takes it over. A locked file beside the Wayland socket marks an
 * output as ours, and as taken; it survives a crash of the host unlocked. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/display/backends.h"
#include "host/display/sway_ipc.h"
#include "host/display/sway_output.h"
#include "host/wayland/conn.h"
#include "host/wayland/wlr_protocols.h"

#define ENV_MAX	       8
#define UNPLUG_WAIT_MS 1000

struct session_display {
	struct pf_display base;
	struct pf_source source;
	struct pf_input_target target;
	char *wayland_socket;
	char *ipc_socket; /* NULL: not sway, mirror only */
	char output[64];
	bool added; /* the output is ours */
	int lock;
	char *lock_path;
	int watch; /* a silent connection: it ends when the compositor does */
	char *env[ENV_MAX];
	unsigned env_count;
};

/* A malloc'ed path of the session's Wayland socket, or NULL. */
static char *find_wayland_socket(const struct pf_display_params *params)
{
	const char *name = params->session_socket, *dir = getenv("XDG_RUNTIME_DIR");
	char *path;

	if (!name)
		name = getenv("WAYLAND_DISPLAY");
	if (!name || !*name)
		return NULL;
	if (name[0] == '/')
		return strdup(name);
	if (!dir || dir[0] != '/' || asprintf(&path, "%s/%s", dir, name) < 0)
		return NULL;
	return path;
}

static bool served_by(const char *ipc_socket, pid_t server)
{
	pid_t pid = 0;
	int fd;

	if (pf_sway_connect(ipc_socket, PF_SWAY_TIMEOUT_MS, &fd, &pid, NULL))
		return false;
	close(fd);
	return pid == server;
}

/* The IPC socket of the process behind the Wayland socket; NULL = it is no sway.
 * $SWAYSOCK may be of another session, so the process decides. */
static char *find_ipc_socket(const char *wayland_socket, pid_t server)
{
	const char *env = getenv("SWAYSOCK");
	char *pattern, *found = NULL;
	glob_t g;

	if (env && served_by(env, server))
		return strdup(env);
	if (asprintf(&pattern, "%.*s/sway*.sock",
		    (int)(strrchr(wayland_socket, '/') - wayland_socket), wayland_socket) < 0)
		return NULL;
	if (!glob(pattern, GLOB_NOSORT, NULL, &g)) {
		for (size_t i = 0; i < g.gl_pathc && !found; i++)
			if (served_by(g.gl_pathv[i], server))
				found = strdup(g.gl_pathv[i]);
		globfree(&g);
	}
	free(pattern);
	return found;
}

static int connect_session(const struct pf_display_params *params, struct pf_wl **wl, char **socket,
	struct pf_reason *why)
{
	char *path = find_wayland_socket(params);
	int r;

	if (!path)
		return pf_reason_set(
			why, -ENOENT, "no running Wayland session: WAYLAND_DISPLAY is not set");
	r = pf_wl_open(wl, path, PF_SWAY_TIMEOUT_MS, why);
	if (!r && !pf_wl_has(*wl, pf_screencopy_manager_interface.name)) {
		pf_wl_close(*wl);
		*wl = NULL;
		r = pf_reason_set(why, -ENOTSUP,
			"the compositor at %s is not of the wlroots family (no wlr-screencopy)",
			path);
	}
	if (r)
		free(path);
	else
		*socket = path;
	return r;
}

static int session_probe(const struct pf_display_params *params, struct pf_reason *why)
{
	struct pf_wl *wl = NULL;
	char *socket;
	int r = connect_session(params, &wl, &socket, why);

	if (r)
		return r;
	pf_wl_close(wl);
	free(socket);
	return 0;
}

static int command(struct session_display *d, const char *text, struct pf_reason *why)
{
	int fd, r = pf_sway_connect(d->ipc_socket, PF_SWAY_TIMEOUT_MS, &fd, NULL, why);

	if (r)
		return r;
	r = pf_sway_command(fd, text, why);
	close(fd);
	return r;
}

/* True if the output went away. */
static bool unplug(struct session_display *d)
{
	const uint64_t deadline = pf_clock_mono_ns() + UNPLUG_WAIT_MS * PF_NS_PER_MS;
	struct pf_wl *wl = NULL;
	char text[96];
	bool gone = false;

	if (pf_wl_open(&wl, d->wayland_socket, PF_SWAY_TIMEOUT_MS, NULL))
		return true;
	snprintf(text, sizeof(text), "output %s unplug", d->output);
	if (!command(d, text, NULL)) {
		while (!gone && pf_clock_mono_ns() < deadline) {
			if (pf_wl_wait(wl, -1, 50) < 0)
				gone = true;
			gone |= !pf_wl_find_output(wl, d->output);
		}
	}
	pf_wl_close(wl);
	return gone;
}

static void session_close(struct pf_display *display)
{
	struct session_display *d = (struct session_display *)display;

	if (!d)
		return;
	/* The file stays where the output does: the next display looks for it. */
	if (d->added && unplug(d) && d->lock_path)
		(void)unlink(d->lock_path);
	if (d->lock >= 0)
		close(d->lock);
	if (d->watch >= 0)
		close(d->watch);
	for (unsigned i = 0; i < d->env_count; i++)
		free(d->env[i]);
	free(d->lock_path);
	free(d->wayland_socket);
	free(d->ipc_socket);
	free(d);
}

/* Takes the mark of an output: -EBUSY if another display holds it, -ENOENT if
 * it is not ours and `create` is false. */
static int take_mark(struct session_display *d, pid_t server, const char *output, bool create)
{
	char *path;
	int fd, r;

	if (asprintf(&path, "%.*s/punktfunk.%d.%s",
		    (int)(strrchr(d->wayland_socket, '/') - d->wayland_socket), d->wayland_socket,
		    (int)server, output) < 0)
		return -ENOMEM;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
		if (fd >= 0)
			close(fd);
		free(path);
		return r;
	}
	d->lock = fd;
	d->lock_path = path;
	snprintf(d->output, sizeof(d->output), "%s", output);
	return 0;
}

static bool known(const uint32_t *globals, unsigned count, uint32_t global)
{
	for (unsigned i = 0; i < count; i++)
		if (globals[i] == global)
			return true;
	return false;
}

/* Waits for an output that was not there before and marks it. */
static int await_new_output(struct session_display *d, struct pf_wl *wl, const uint32_t *before,
	unsigned count, struct pf_reason *why)
{
	const uint64_t deadline = pf_clock_mono_ns() + PF_SWAY_TIMEOUT_MS * PF_NS_PER_MS;

	while (pf_clock_mono_ns() < deadline) {
		int r;

		for (unsigned i = 0; i < PF_WL_OUTPUTS; i++) {
			const struct pf_wl_output *o = &wl->outputs[i];

			if (!o->proxy || !o->complete || known(before, count, o->global))
				continue;
			r = take_mark(d, wl->peer, o->name, true);
			return r == 0 ? 0
				      : pf_reason_set(why, r, "cannot mark output %s as ours: %s",
						o->name, strerror(-r));
		}
		r = pf_wl_wait(wl, -1, 100);
		if (r < 0)
			return pf_reason_set(why, r, "the compositor went away");
	}
	return pf_reason_set(why, -ETIMEDOUT, "sway added no output, though it said so");
}

static int add_output(struct session_display *d, struct pf_wl *wl, struct pf_reason *why)
{
	uint32_t before[PF_WL_OUTPUTS];
	unsigned count = 0;
	int r;

	for (unsigned i = 0; i < PF_WL_OUTPUTS; i++) {
		const struct pf_wl_output *o = &wl->outputs[i];

		if (!o->proxy)
			continue;
		before[count++] = o->global;
		if (!take_mark(d, wl->peer, o->name, false)) {
			d->added = true;
			return 0;
		}
	}
	r = command(d, "create_output", why);
	if (!r)
		r = await_new_output(d, wl, before, count, why);
	d->added = !r;
	return r;
}

static int add_env(struct session_display *d, const char *key, const char *value)
{
	char *entry;

	if (!value)
		return 0;
	entry = pf_env_entry(key, value);
	if (!entry || d->env_count + 1 >= ENV_MAX) {
		free(entry);
		return -ENOMEM;
	}
	d->env[d->env_count++] = entry;
	return 0;
}

static void describe(struct session_display *d, const struct pf_mode *mode, struct pf_rect rect)
{
	d->source = (struct pf_source){ .kind = PF_SOURCE_WAYLAND,
		.wayland_socket = d->wayland_socket,
		.output_name = d->output,
		.pipewire_fd = -1,
		.mode = *mode };
	d->target = (struct pf_input_target){ .kind = PF_INPUT_WAYLAND,
		.wayland_socket = d->wayland_socket,
		.output_name = d->output,
		.eis_fd = -1,
		.rect = rect };
}

/* Reads place and mode of our output from a fresh look at the compositor. */
static int look_up(struct session_display *d, struct pf_reason *why)
{
	const struct pf_wl_output *o;
	struct pf_wl *wl = NULL;
	struct pf_mode mode;
	int r = pf_wl_open(&wl, d->wayland_socket, PF_SWAY_TIMEOUT_MS, why);

	if (r)
		return r;
	o = pf_wl_find_output(wl, d->output[0] ? d->output : NULL);
	if (!o) {
		r = pf_reason_set(why, -ENODEV, "the session has no output");
	} else {
		snprintf(d->output, sizeof(d->output), "%s", o->name);
		mode = (struct pf_mode){ (uint32_t)o->rect.w, (uint32_t)o->rect.h, o->refresh_mhz };
		describe(d, &mode, o->rect);
	}
	pf_wl_close(wl);
	return r;
}

static int session_set_mode(
	struct pf_display *display, const struct pf_mode *asked, struct pf_reason *why)
{
	struct session_display *d = (struct session_display *)display;
	struct pf_mode mode = *asked;
	int r = pf_mode_check(&mode, why);

	if (r)
		return r;
	if (!d->added)
		return pf_reason_set(why, -ENOTSUP,
			"output %s belongs to the user: its mode is not changed", d->output);
	r = pf_sway_set_mode(d->ipc_socket, d->wayland_socket, d->output, &mode, why);
	return r ? r : look_up(d, why);
}

static int session_open(
	struct pf_display **out, const struct pf_display_params *params, struct pf_reason *why)
{
	struct session_display *d = calloc(1, sizeof(*d));
	struct pf_mode mode = params->mode;
	struct pf_wl *wl = NULL;
	char text[96];
	pid_t peer;
	int r;

	if (!d)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	d->base.ops = &session_display_ops;
	d->lock = d->watch = -1;
	r = pf_mode_check(&mode, why);
	if (!r)
		r = connect_session(params, &wl, &d->wayland_socket, why);
	if (r)
		goto fail;
	d->watch = pf_wl_connect(d->wayland_socket, &peer, why);
	if (d->watch < 0) {
		r = d->watch;
		goto fail;
	}
	d->ipc_socket = find_ipc_socket(d->wayland_socket, wl->peer);
	if (d->ipc_socket) {
		r = add_output(d, wl, why);
		if (!r)
			r = session_set_mode(&d->base, &mode, why);
		/* What is started for the client shall appear where it looks. */
		snprintf(text, sizeof(text), "focus output %s", d->output);
		if (!r)
			r = command(d, text, why);
	} else {
		r = look_up(d, why);
	}
	if (r)
		goto fail;
	if (add_env(d, "WAYLAND_DISPLAY", d->wayland_socket) ||
		add_env(d, "SWAYSOCK", d->ipc_socket) ||
		add_env(d, "DISPLAY", params->xwayland ? getenv("DISPLAY") : NULL) ||
		add_env(d, "XDG_SESSION_TYPE", "wayland")) {
		r = pf_reason_set(why, -ENOMEM, "out of memory");
		goto fail;
	}
	pf_wl_close(wl);
	*out = &d->base;
	return 0;
fail:
	pf_wl_close(wl);
	session_close(&d->base);
	return r;
}

static const struct pf_source *session_source(struct pf_display *display)
{
	return &((struct session_display *)display)->source;
}

static const struct pf_input_target *session_input_target(struct pf_display *display)
{
	return &((struct session_display *)display)->target;
}

static const char *const *session_app_env(struct pf_display *display)
{
	return (const char *const *)((struct session_display *)display)->env;
}

/* Others than sway have no such command: there such devices span all outputs. */
static int session_map_device(struct pf_display *display, uint16_t vendor, uint16_t product,
	const char *name, struct pf_reason *why)
{
	struct session_display *d = (struct session_display *)display;
	char id[64], text[192];

	if (!d->added)
		return 0;
	snprintf(id, sizeof(id), "%u:%u:%s", vendor, product, name);
	for (char *c = id; *c; c++)
		if (*c == ' ')
			*c = '_'; /* as sway spells it */
	snprintf(text, sizeof(text), "input \"%s\" map_to_output \"%s\"", id, d->output);
	return command(d, text, why);
}

static int session_death_fd(struct pf_display *display)
{
	return ((struct session_display *)display)->watch;
}

const struct pf_display_ops session_display_ops = {
	.name = "session",
	.probe = session_probe,
	.open = session_open,
	.close = session_close,
	.set_mode = session_set_mode,
	.source = session_source,
	.input_target = session_input_target,
	.app_env = session_app_env,
	.map_device = session_map_device,
	.death_fd = session_death_fd,
};
