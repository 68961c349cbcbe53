/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A private sway per display: headless, software-rendered, with sockets in the
 * desk's own runtime directory. The mode stands in the generated config, so that
 * the output has it from the start; wl_output is asked whether it is true, since
 * sway 1.7 reports success for commands that failed. sway 1.7 cannot take an
 * output away: the display lives and ends with the process. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "host/display/backends.h"
#include "host/display/sway_output.h"
#include "host/sys/spawn.h"
#include "host/wayland/conn.h"

#define OUTPUT	      "HEADLESS-1"
#define STOP_GRACE_MS 1000
/* Room for the longest socket name below the runtime directory. */
#define RUNTIME_DIR_MAX 80
#define ENV_MAX		10

struct wlroots_display {
	struct pf_display base;
	struct pf_source source;
	struct pf_input_target target;
	struct pf_child *sway;
	char *wayland_socket, *ipc_socket, *config, *log;
	char *env[ENV_MAX];
	unsigned env_count;
};

static int wlroots_probe(const struct pf_display_params *params, struct pf_reason *why)
{
	if (geteuid() == 0)
		return pf_reason_set(why, -EPERM,
			"sway does not run as root: run punktfunk-host as an ordinary user or with "
			"--user NAME");
	if (!pf_program_exists("sway"))
		return pf_reason_set(
			why, -ENOENT, "sway is not installed: apt-get install sway, or set PATH");
	return 0;
}

static void wlroots_close(struct pf_display *display)
{
	struct wlroots_display *d = (struct wlroots_display *)display;

	if (!d)
		return;
	pf_child_stop(&d->sway, STOP_GRACE_MS);
	if (d->config)
		(void)unlink(d->config);
	for (unsigned i = 0; i < d->env_count; i++)
		free(d->env[i]);
	free(d->wayland_socket);
	free(d->ipc_socket);
	free(d->config);
	free(d->log);
	free(d);
}

static int write_config(
	const char *path, bool xwayland, const struct pf_mode *mode, struct pf_reason *why)
{
	char command[192];
	FILE *f = fopen(path, "we");
	int r = 0;

	if (!f)
		return pf_reason_set(why, -errno, "cannot write %s: %s", path, strerror(errno));
	pf_sway_mode_command(command, sizeof(command), OUTPUT, mode);
	fprintf(f,
		"xwayland %s\n"
		"default_border none\n"
		"default_floating_border none\n"
		"focus_on_window_activation focus\n"
		"swaynag_command -\n"
		"%s\n",
		xwayland ? "enable" : "disable", command);
	if (ferror(f))
		r = -EIO;
	if (fclose(f) && !r)
		r = -errno;
	if (r)
		pf_reason_set(why, r, "cannot write %s: %s", path, strerror(-r));
	return r;
}

static int start_sway(
	struct wlroots_display *d, const struct pf_display_params *params, struct pf_reason *why)
{
	char runtime[RUNTIME_DIR_MAX + 32], ipc[160];
	const char *argv[] = { "sway", "-c", d->config, NULL };
	const char *env[] = { runtime, ipc, "WLR_BACKENDS=headless", "WLR_RENDERER=pixman",
		"WLR_LIBINPUT_NO_DEVICES=1", "WLR_HEADLESS_OUTPUTS=1", "XDG_SESSION_TYPE=wayland",
		"XDG_CURRENT_DESKTOP=sway", NULL };
	const char *unset[] = { "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DISPLAY", "I3SOCK",
		"WLR_RENDERER_ALLOW_SOFTWARE", "WLR_DRM_DEVICES", NULL };

	snprintf(runtime, sizeof(runtime), "XDG_RUNTIME_DIR=%s", params->runtime_dir);
	snprintf(ipc, sizeof(ipc), "SWAYSOCK=%s", d->ipc_socket);
	/* sway takes our name for its socket only if no file is there. */
	(void)unlink(d->ipc_socket);
	return pf_child_start(&d->sway,
		&(struct pf_child_params){
			.argv = argv,
			.env = env,
			.unset = unset,
			.log_path = d->log,
			.stdin_fd = -1,
			.pass_fd = -1,
		},
		why);
}

static int sway_ended(struct wlroots_display *d, struct pf_reason *why)
{
	int status;

	if (!pf_child_wait_status(d->sway, &status) && WIFEXITED(status))
		return pf_reason_set(why, -ECHILD, "sway ended with status %d; see %s",
			WEXITSTATUS(status), d->log ? d->log : "its log (no log directory set)");
	return pf_reason_set(why, -ECHILD, "sway was killed while it started");
}

/* Connects to our sway's Wayland socket if it is there by now: sway picks the
 * first free wayland-N itself. -EAGAIN = not yet; `refused`: one is there, but nobody
 * listens. */
static int try_connect(struct wlroots_display *d, const char *dir, struct pf_wl **wl, bool *refused)
{
	DIR *list = opendir(dir);
	struct dirent *e;
	int r = -EAGAIN;

	if (!list)
		return -errno;
	while (r && (e = readdir(list))) {
		char *path;
		pid_t peer;
		int fd;

		if (strncmp(e->d_name, "wayland-", 8) || strstr(e->d_name, ".lock"))
			continue;
		if (asprintf(&path, "%s/%s", dir, e->d_name) < 0)
			break;
		fd = pf_wl_connect(path, &peer, NULL);
		*refused |= fd == -ECONNREFUSED;
		if (fd >= 0)
			close(fd);
		if (fd >= 0 && peer == pf_child_pid(d->sway) &&
			!pf_wl_open(wl, path, PF_SWAY_TIMEOUT_MS, NULL)) {
			free(d->wayland_socket);
			d->wayland_socket = path;
			r = 0;
		} else {
			free(path);
		}
	}
	closedir(list);
	return r;
}

/* Waits for the compositor without sleeping past it: inotify says when a socket
 * appears; should it refuse, being bound but not listened on yet, a tick tries again. */
static int await_sway(struct wlroots_display *d, const char *dir, int watch, struct pf_wl **wl,
	struct pf_reason *why)
{
	const uint64_t deadline = pf_clock_mono_ns() + PF_SWAY_TIMEOUT_MS * PF_NS_PER_MS;
	bool refused = false;

	while (pf_clock_mono_ns() < deadline) {
		struct pollfd p[2] = {
			{ .fd = watch, .events = POLLIN },
			{ .fd = pf_child_death_fd(d->sway), .events = POLLIN },
		};
		_Alignas(struct inotify_event) char events[1024];
		int r;

		if (poll(p, 2, refused ? 1 : 100) < 0 && errno != EINTR)
			return pf_reason_set(why, -errno, "poll: %s", strerror(errno));
		if (p[1].revents)
			return sway_ended(d, why);
		if (p[0].revents)
			(void)!read(watch, events, sizeof(events));
		refused = false;
		r = try_connect(d, dir, wl, &refused);
		if (r != -EAGAIN)
			return r ? pf_reason_set(why, r, "cannot read %s: %s", dir, strerror(-r))
				 : 0;
	}
	return pf_reason_set(why, -ETIMEDOUT, "sway made no Wayland socket within %d s",
		PF_SWAY_TIMEOUT_MS / 1000);
}

/* The X display whose lock file names our sway, or -1. */
static int x_display_of(pid_t sway)
{
	for (int n = 0; n < 64; n++) {
		char path[32], text[16] = "";
		ssize_t len;
		int fd;

		snprintf(path, sizeof(path), "/tmp/.X%d-lock", n);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd < 0)
			continue;
		len = read(fd, text, sizeof(text) - 1);
		close(fd);
		if (len > 0 && strtol(text, NULL, 10) == sway)
			return n;
	}
	return -1;
}

static int add_env(struct wlroots_display *d, const char *key, const char *value)
{
	char *entry = pf_env_entry(key, value);

	if (!entry || d->env_count + 1 >= ENV_MAX) {
		free(entry);
		return -ENOMEM;
	}
	d->env[d->env_count++] = entry;
	return 0;
}

static int make_env(struct wlroots_display *d, const struct pf_display_params *params)
{
	char text[16];
	int x = params->xwayland ? x_display_of(pf_child_pid(d->sway)) : -1;

	if (add_env(d, "XDG_RUNTIME_DIR", params->runtime_dir) ||
		add_env(d, "WAYLAND_DISPLAY", strrchr(d->wayland_socket, '/') + 1) ||
		add_env(d, "SWAYSOCK", d->ipc_socket) ||
		add_env(d, "XDG_SESSION_TYPE", "wayland") ||
		add_env(d, "XDG_CURRENT_DESKTOP", "sway"))
		return -ENOMEM;
	if (x < 0) {
		if (params->xwayland)
			pf_log(PF_LOG_WARN, "display",
				"sway opened no X11 display: X11 programs cannot run here. Is "
				"xwayland "
				"installed, and /tmp/.X11-unix writable?");
		return 0;
	}
	snprintf(text, sizeof(text), ":%d", x);
	return add_env(d, "DISPLAY", text);
}

static void describe(struct wlroots_display *d, const struct pf_mode *mode)
{
	d->source = (struct pf_source){ .kind = PF_SOURCE_WAYLAND,
		.wayland_socket = d->wayland_socket,
		.output_name = OUTPUT,
		.pipewire_fd = -1,
		.mode = *mode };
	d->target = (struct pf_input_target){ .kind = PF_INPUT_WAYLAND,
		.wayland_socket = d->wayland_socket,
		.output_name = OUTPUT,
		.eis_fd = -1,
		.rect = { 0, 0, (int32_t)mode->width, (int32_t)mode->height } };
}

static int wlroots_open(
	struct pf_display **out, const struct pf_display_params *params, struct pf_reason *why)
{
	struct pf_mode mode = params->mode;
	const char *dir = params->runtime_dir;
	struct wlroots_display *d = NULL;
	struct pf_wl *wl = NULL;
	int watch = -1, r;

	r = pf_mode_check(&mode, why);
	if (!r)
		r = wlroots_probe(params, why);
	if (r)
		return r;
	if (!dir || dir[0] != '/' || strlen(dir) > RUNTIME_DIR_MAX)
		return pf_reason_set(why, -EINVAL,
			"the desk's runtime directory must be an absolute path of at most %d bytes",
			RUNTIME_DIR_MAX);
	d = calloc(1, sizeof(*d));
	if (!d)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	d->base.ops = &wlroots_display_ops;
	if (asprintf(&d->ipc_socket, "%s/sway.sock", dir) < 0)
		d->ipc_socket = NULL;
	if (asprintf(&d->config, "%s/sway.conf", dir) < 0)
		d->config = NULL;
	if (params->log_dir && asprintf(&d->log, "%s/sway.log", params->log_dir) < 0)
		d->log = NULL;
	if (!d->ipc_socket || !d->config || (params->log_dir && !d->log)) {
		r = pf_reason_set(why, -ENOMEM, "out of memory");
		goto fail;
	}
	r = write_config(d->config, params->xwayland, &mode, why);
	if (r)
		goto fail;
	watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch < 0 || inotify_add_watch(watch, dir, IN_CREATE) < 0) {
		r = pf_reason_set(why, -errno, "cannot watch %s: %s", dir, strerror(errno));
		goto fail;
	}
	r = start_sway(d, params, why);
	if (!r)
		r = await_sway(d, dir, watch, &wl, why);
	if (!r)
		r = pf_wl_await_mode(wl, OUTPUT, mode.width, mode.height, mode.refresh_mhz,
			PF_SWAY_TIMEOUT_MS, why);
	if (r)
		goto fail;
	if (make_env(d, params)) {
		r = pf_reason_set(why, -ENOMEM, "out of memory");
		goto fail;
	}
	describe(d, &mode);
	pf_wl_close(wl);
	close(watch);
	*out = &d->base;
	return 0;
fail:
	pf_wl_close(wl);
	if (watch >= 0)
		close(watch);
	wlroots_close(&d->base);
	return r;
}

static int wlroots_set_mode(
	struct pf_display *display, const struct pf_mode *asked, struct pf_reason *why)
{
	struct wlroots_display *d = (struct wlroots_display *)display;
	struct pf_mode mode = *asked;
	int r = pf_mode_check(&mode, why);

	if (!r)
		r = pf_sway_set_mode(d->ipc_socket, d->wayland_socket, OUTPUT, &mode, why);
	if (!r)
		describe(d, &mode);
	return r;
}

static const struct pf_source *wlroots_source(struct pf_display *display)
{
	return &((struct wlroots_display *)display)->source;
}

static const struct pf_input_target *wlroots_input_target(struct pf_display *display)
{
	return &((struct wlroots_display *)display)->target;
}

static const char *const *wlroots_app_env(struct pf_display *display)
{
	return (const char *const *)((struct wlroots_display *)display)->env;
}

static int wlroots_death_fd(struct pf_display *display)
{
	return pf_child_death_fd(((struct wlroots_display *)display)->sway);
}

/* An idle sway wakes sixty times a second, and its outputs cannot be told not to. */
static void wlroots_rest(struct pf_display *display, bool rest)
{
	pf_child_pause(((struct wlroots_display *)display)->sway, rest);
}

static uint64_t wlroots_memory_kib(struct pf_display *display)
{
	return pf_child_memory_kib(((struct wlroots_display *)display)->sway);
}

const struct pf_display_ops wlroots_display_ops = {
	.name = "wlroots",
	.probe = wlroots_probe,
	.open = wlroots_open,
	.close = wlroots_close,
	.set_mode = wlroots_set_mode,
	.source = wlroots_source,
	.input_target = wlroots_input_target,
	.app_env = wlroots_app_env,
	.death_fd = wlroots_death_fd,
	.rest = wlroots_rest,
	.memory_kib = wlroots_memory_kib,
};
