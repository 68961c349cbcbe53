/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/display/display.h"
#include "host/doctor/check.h"
#include "host/sys/files.h"
#include "host/sys/rundir.h"
#include "host/sys/spawn.h"
#include "host/sys/user.h"
#include "pf_config.h"

#ifdef PF_HAVE_WAYLAND
#include "host/wayland/conn.h"

#define TIMEOUT_MS 2000
#define PORTAL	   "org.freedesktop.portal.Desktop"

static bool wanted(const struct pf_config *c, enum pf_config_display backend)
{
	return c->display_backend == PF_CONFIG_DISPLAY_AUTO || c->display_backend == backend;
}

static const char *backend_word(const struct pf_config *c)
{
	static char word[32];

	pf_config_format(c, pf_config_find("display_backend"), word, sizeof(word));
	return word;
}

/* A compositor that listens in this user's runtime directory, though nothing names
 * it; NULL = none. */
static const char *find_listening(pid_t *peer)
{
	const char *dirs[] = { getenv("XDG_RUNTIME_DIR"), pf_text("/run/user/%u", geteuid()) };

	for (unsigned i = 0; i < 2; i++) {
		const char *found = NULL;
		glob_t g;

		if (!dirs[i] || dirs[i][0] != '/' ||
			glob(pf_text("%s/wayland-[0-9]*", dirs[i]), 0, NULL, &g))
			continue;
		for (size_t k = 0; k < g.gl_pathc && !found; k++) {
			const char *path = g.gl_pathv[k];
			int fd = strstr(path, ".lock") ? -1 : pf_wl_connect(path, peer, NULL);

			if (fd >= 0) {
				close(fd);
				found = pf_text("%s", path);
			}
		}
		globfree(&g);
		if (found)
			return found;
	}
	return NULL;
}

/* The socket that the host would take as the user's session; NULL = nothing names one,
 * or no directory to look for it in (*lost). */
static const char *named_socket(const struct pf_config *c, const char **origin, bool *lost)
{
	const char *name = *c->session_socket ? c->session_socket : getenv("WAYLAND_DISPLAY");
	const char *dir = getenv("XDG_RUNTIME_DIR");

	*origin = *c->session_socket ? "session_socket" : "WAYLAND_DISPLAY";
	*lost = false;
	if (!name || !*name)
		return NULL;
	if (*name == '/')
		return name;
	*lost = !dir || *dir != '/';
	return *lost ? NULL : pf_text("%s/%s", dir, name);
}

static bool is_family(struct pf_wl *wl)
{
	return pf_wl_has(wl, "zwlr_screencopy_manager_v1");
}

static void nothing_names_it(struct pf_exam *x, enum pf_doctor_state bad)
{
	const bool must = pf_exam_config(x)->display_backend == PF_CONFIG_DISPLAY_SESSION;
	pid_t peer = 0;
	const char *path = find_listening(&peer);
	struct pf_wl *wl = NULL;

	if (path && !pf_wl_open(&wl, path, TIMEOUT_MS, NULL) && is_family(wl)) {
		pf_say(x, bad,
			pf_text("WAYLAND_DISPLAY is not set here, but %s (process %d) listens at "
				"%s: whoever started the host did not pass the session's variables",
				pf_process_name(peer), (int)peer, path),
			"Services and ssh start without the variables of the desktop: name its "
			"socket in the settings.",
			pf_set_command(x, "session_socket", path));
	} else if (must) {
		pf_say(x, PF_DOCTOR_FAIL,
			getenv("DISPLAY") ? "display_backend is session, but this is an X11 "
					    "session: there is "
					    "no Wayland compositor"
					  : "display_backend is session, but no compositor runs: "
					    "WAYLAND_DISPLAY is not set and no socket is there",
			"Start sway, or give each client a desk of its own.",
			pf_set_command(x, "display_backend", "auto"));
	} else {
		pf_say(x, PF_DOCTOR_SKIP,
			"no desktop session runs here; clients get desks of their own", NULL, NULL);
	}
	pf_wl_close(wl);
}

static void not_reached(struct pf_exam *x, enum pf_doctor_state bad, const char *path,
	const char *origin, const struct pf_reason *why)
{
	pid_t peer;
	const char *other = find_listening(&peer);

	if (why->code == -EACCES)
		pf_say(x, bad,
			pf_text("%s names %s, which user %s may not open", origin, path,
				pf_user_here()),
			"The session is another user's: run the host as the user who sits there.",
			pf_set_command(x, "display_backend", "wlroots"));
	else if (other && strcmp(other, path))
		pf_say(x, bad,
			pf_text("%s names %s, where nobody answers (%s), while %s listens at %s",
				origin, path, why->text, pf_process_name(peer), other),
			"The variables are of a session that has ended.",
			pf_set_command(x, "session_socket", other));
	else
		pf_say(x, bad, pf_text("%s names %s, but %s", origin, path, why->text),
			"The session has ended, or hangs: start it again, or give each client a "
			"desk of its own.",
			pf_set_command(x, "display_backend", "wlroots"));
}

static void say_protocols(struct pf_exam *x, const char *id, struct pf_wl *wl, const char *whose)
{
	static const struct {
		const char *name, *lost;
	} rows[] = {
		{ "zwlr_screencopy_manager_v1", "no picture" },
		{ "zwlr_virtual_pointer_manager_v1", "no pointer" },
		{ "zwp_virtual_keyboard_manager_v1", "no keyboard" },
		{ "zwlr_data_control_manager_v1", "no clipboard" },
	};
	const char *lacks = "";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!pf_wl_has(wl, rows[i].name))
			lacks = pf_text("%s%s%s (%s)", lacks, *lacks ? ", " : "", rows[i].name,
				rows[i].lost);
	if (*lacks)
		pf_say_of(x, id, "Protocols of the compositor",
			is_family(wl) ? PF_DOCTOR_WARN : PF_DOCTOR_FAIL,
			pf_text("%s lacks %s", whose, lacks), "Use sway 1.7 or newer, or labwc.",
			"sudo apt-get install sway");
	else
		pf_say_of(x, id, "Protocols of the compositor", PF_DOCTOR_OK,
			pf_text("%s has screencopy, virtual pointer, virtual keyboard, clipboard",
				whose),
			NULL, NULL);
}

static void check_session(struct pf_exam *x, const char *arg)
{
	const struct pf_config *c = pf_exam_config(x);
	const enum pf_doctor_state bad =
		c->display_backend == PF_CONFIG_DISPLAY_SESSION ? PF_DOCTOR_FAIL : PF_DOCTOR_WARN;
	const char *origin, *path, *name;
	struct pf_reason why = { 0 };
	struct pf_wl *wl = NULL;
	struct pf_wl_output *output;
	bool lost;

	if (!wanted(c, PF_CONFIG_DISPLAY_SESSION)) {
		pf_say(x, PF_DOCTOR_SKIP,
			pf_text("display_backend is %s: a running session is not used",
				backend_word(c)),
			NULL, NULL);
		return;
	}
	path = named_socket(c, &origin, &lost);
	if (lost) {
		pf_say(x, bad,
			pf_text("%s is set, but XDG_RUNTIME_DIR is not: the socket cannot be found",
				origin),
			"The session's variables did not come along: set this where the host is "
			"started.",
			"export XDG_RUNTIME_DIR=/run/user/$(id -u)");
		return;
	}
	if (!path) {
		nothing_names_it(x, bad);
		return;
	}
	if (pf_wl_open(&wl, path, TIMEOUT_MS, &why)) {
		not_reached(x, bad, path, origin, &why);
		return;
	}
	name = pf_text("%s (process %d)", pf_process_name(wl->peer), (int)wl->peer);
	if (!is_family(wl)) {
		/* GNOME, KDE: their ways of capturing are not ours yet. */
		pf_say(x, bad,
			pf_text("the compositor at %s, %s, is not of the wlroots family: it has no "
				"wlr-screencopy",
				path, name),
			"Log in to sway or labwc, or give each client a desk of its own.",
			pf_program_exists("sway") ? pf_set_command(x, "display_backend", "wlroots")
						  : "sudo apt-get install sway");
		say_protocols(x, "protocols", wl, name);
		return;
	}
	pf_say(x, PF_DOCTOR_OK, pf_text("%s at %s", name, path), NULL, NULL);
	say_protocols(x, "protocols", wl, name);
	output = pf_wl_find_output(wl, NULL);
	if (!strcmp(pf_process_name(wl->peer), "sway"))
		pf_say_of(x, "output", "Virtual output of the session", PF_DOCTOR_OK,
			"sway adds an output for each client", NULL, NULL);
	else if (output)
		pf_say_of(x, "output", "Virtual output of the session", PF_DOCTOR_OK,
			pf_text("%s makes no outputs on request: %s is shown as it is",
				pf_process_name(wl->peer), output->name),
			NULL, NULL);
	else
		pf_say_of(x, "output", "Virtual output of the session", bad,
			pf_text("%s has no output and makes none on request",
				pf_process_name(wl->peer)),
			"Switch a monitor on, or give each client a desk of its own.",
			pf_set_command(x, "display_backend", "wlroots"));
}

static const char *last_line(const char *path)
{
	static char text[16384];
	char *end, *line;

	if (!pf_slurp(path, text, sizeof(text)) || !*text)
		return "it wrote nothing";
	end = text + strlen(text);
	while (end > text && (end[-1] == '\n' || end[-1] == ' '))
		*--end = 0;
	line = strrchr(text, '\n');
	return line ? line + 1 : text;
}

/* Is there a session to use instead? */
static bool session_works(const struct pf_config *c)
{
	const struct pf_display_params p = {
		.mode = { 1280, 720, 60000 },
		.session_socket = *c->session_socket ? c->session_socket : NULL,
	};

	return !pf_display_find("session")->probe(&p, NULL);
}

static void desk_refused(
	struct pf_exam *x, enum pf_doctor_state bad, const char *dir, const struct pf_reason *why)
{
	if (why->code == -EPERM && !geteuid())
		pf_say(x, bad, why->text, "Start the host as an ordinary user.",
			"sudo punktfunk-host serve --user $USER");
	else
		pf_say(x, bad,
			pf_text("a private sway does not come up: %s. Its last words: %.200s",
				why->text, last_line(pf_text("%s/sway.log", dir))),
			"Install it anew, and see what the other groups say of the runtime "
			"directory and the disk.",
			"sudo apt-get install --reinstall sway");
}

static void check_desk(struct pf_exam *x, const char *arg)
{
	const struct pf_config *c = pf_exam_config(x);
	const struct pf_display_ops *ops = pf_display_find("wlroots");
	struct pf_display_params p = { .mode = { 1280, 720, 60000 }, .xwayland = c->xwayland };
	struct pf_display *d = NULL;
	struct pf_reason why = { 0 };
	struct pf_wl *wl = NULL;
	enum pf_doctor_state bad;
	uint64_t begin_ns;
	char *dir;

	if (!wanted(c, PF_CONFIG_DISPLAY_WLROOTS)) {
		pf_say(x, PF_DOCTOR_SKIP,
			pf_text("display_backend is %s: no private desks", backend_word(c)), NULL,
			NULL);
		return;
	}
	bad = c->display_backend == PF_CONFIG_DISPLAY_AUTO && session_works(c) ? PF_DOCTOR_WARN
									       : PF_DOCTOR_FAIL;
	if (!pf_program_exists("sway")) {
		pf_say(x, bad, "no compositor: the program sway is not in PATH",
			"Desks of their own need sway.", "sudo apt-get install sway");
		return;
	}
	if (pf_user_runtime_dir(&why) || pf_trial_dir(&dir, &why)) {
		pf_say(x, bad, why.text, "Desks need a directory for their sockets.",
			"export XDG_RUNTIME_DIR=$(mktemp -d)");
		return;
	}
	p.runtime_dir = p.log_dir = dir;
	begin_ns = pf_clock_mono_ns();
	if (ops->open(&d, &p, &why)) {
		desk_refused(x, bad, dir, &why);
	} else {
		pf_say(x, PF_DOCTOR_OK,
			pf_text("a sway of our own with an output of 1280x720 at 60 Hz was there "
				"after %u ms",
				(unsigned)((pf_clock_mono_ns() - begin_ns) / PF_NS_PER_MS)),
			NULL, NULL);
		if (!pf_wl_open(&wl, ops->source(d)->wayland_socket, TIMEOUT_MS, NULL))
			say_protocols(x, "desk_protocols", wl, "the private sway");
		pf_wl_close(wl);
		ops->close(d);
	}
	(void)pf_rundir_remove(dir);
}

static void check_program(struct pf_exam *x, const char *arg)
{
	const struct pf_config *c = pf_exam_config(x);

	if (!wanted(c, PF_CONFIG_DISPLAY_WLROOTS))
		pf_say(x, PF_DOCTOR_SKIP, "no private desks", NULL, NULL);
	else if (strcmp(c->session_command, "auto"))
		pf_say(x, PF_DOCTOR_OK,
			*c->session_command
				? pf_text("session_command is \"%.100s\"", c->session_command)
				: "the settings want a bare desk",
			NULL, NULL);
	else if (pf_program_exists("foot"))
		pf_say(x, PF_DOCTOR_OK, "a fresh desk starts with a terminal (foot)", NULL, NULL);
	else
		pf_say(x, PF_DOCTOR_WARN,
			"a fresh desk stays empty and grey: the terminal foot is not installed",
			"Install it, or name another program in session_command.",
			"sudo apt-get install foot");
}

static void check_xwayland(struct pf_exam *x, const char *arg)
{
	if (!pf_exam_config(x)->xwayland)
		pf_say(x, PF_DOCTOR_SKIP, "the setting xwayland is off", NULL, NULL);
	else if (!pf_program_exists("Xwayland"))
		pf_say(x, PF_DOCTOR_FAIL,
			"the setting xwayland is on, but the program Xwayland is not installed",
			"X11 programs cannot run on a desk without it.",
			"sudo apt-get install xwayland");
	else if (pf_exists("/tmp/.X11-unix") && access("/tmp/.X11-unix", W_OK))
		pf_say(x, PF_DOCTOR_FAIL,
			"/tmp/.X11-unix cannot be written: Xwayland cannot make its socket there",
			"Give it the rights that it has on a fresh system.",
			"sudo chmod 1777 /tmp/.X11-unix");
	else
		pf_say(x, PF_DOCTOR_OK, "Xwayland is installed", NULL, NULL);
}

static const char *portal_package(void)
{
	const char *desktop = getenv("XDG_CURRENT_DESKTOP");

	if (desktop && strstr(desktop, "GNOME"))
		return "xdg-desktop-portal-gnome";
	if (desktop && strstr(desktop, "KDE"))
		return "xdg-desktop-portal-kde";
	return "xdg-desktop-portal-wlr";
}

/* Our own backends need none; programs of the session do, and users look for it. */
static void check_portal(struct pf_exam *x, const char *arg)
{
	const struct pf_config *c = pf_exam_config(x);
	const char *why = "", *origin, *path;
	struct sd_bus *bus;
	uint32_t version = 0;
	bool lost;

	path = named_socket(c, &origin, &lost);
	if (!path || !pf_exists(path)) {
		pf_say(x, PF_DOCTOR_SKIP, "no desktop session; private desks need no portal", NULL,
			NULL);
		return;
	}
	bus = pf_bus(false, &why);
	if (!bus) {
		pf_say(x, PF_DOCTOR_WARN, pf_text("the session has no D-Bus (%s)", why),
			"Programs of the session cannot reach a portal; the stream itself needs "
			"none.",
			"sudo apt-get install dbus-user-session");
		return;
	}
	if (!pf_bus_has(bus, PORTAL) && !pf_bus_starts(bus, PORTAL)) {
		pf_say(x, PF_DOCTOR_WARN,
			"no portal: nobody offers " PORTAL " on the session's bus",
			"Programs of the session that share screens or choose files need it; "
			"punktfunk takes the picture without.",
			pf_text("sudo apt-get install xdg-desktop-portal %s", portal_package()));
		return;
	}
	if (sd_bus_get_property_trivial(bus, PORTAL, "/org/freedesktop/portal/desktop",
		    "org.freedesktop.portal.ScreenCast", "version", NULL, 'u', &version) < 0) {
		pf_say(x, PF_DOCTOR_WARN,
			"the portal does not answer, or has no part for sharing screens",
			"It needs one that fits the desktop.",
			pf_text("sudo apt-get install %s", portal_package()));
		return;
	}
	pf_say(x, PF_DOCTOR_OK, pf_text("a portal with ScreenCast version %u", version), NULL,
		NULL);
}

const struct pf_check pf_checks_display[] = {
	{ "session", "Running desktop session", check_session, .limit_ms = 10000 },
	{ "desk", "Private desk (sway)", check_desk, .limit_ms = 25000 },
	{ "program", "First program on a desk", check_program, .limit_ms = 5000 },
	{ "xwayland", "X11 programs", check_xwayland, .limit_ms = 5000 },
	{ "portal", "Desktop portal", check_portal, .limit_ms = 5000,
		.hang_cause = "the session's D-Bus does not answer",
		.hang_command = "systemctl --user restart dbus" },
	{ 0 },
};

#else

static void check_none(struct pf_exam *x, const char *arg)
{
	pf_say(x, PF_DOCTOR_FAIL, "this build has no Wayland: only test pictures can be streamed",
		"Build it with libwayland-dev installed.",
		"sudo apt-get install libwayland-dev libwayland-bin wayland-protocols");
}

const struct pf_check pf_checks_display[] = {
	{ "wayland", "Wayland", check_none, .limit_ms = 5000 },
	{ 0 },
};

#endif
