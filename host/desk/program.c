/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The last stage of a desk: what runs inside it. An app of the catalogue comes
 * with commands before and after it; whatever was done is undone, in reverse. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "host/desk/desk_impl.h"
#include "host/registry/apps.h"
#include "host/sys/spawn.h"

#define PROGRAM_GRACE_MS 500
#define PREP_MS		 30000 /* for one command before or after an app */
#define PREP_ALL_MS	 60000 /* for all before, and for all after */
#define PREP_LEAST_MS	 1000  /* what each gets, however long the others took */
#define ENV_MAX		 (64 + PF_APP_ENV_MAX)

/* How a command of this desk starts; `env` and `log` are the caller's memory. */
struct frame {
	const char *env[ENV_MAX];
	char log[PF_PATH_BYTES + 16];
	struct pf_child_params params;
};

static size_t append_env(const char **env, size_t count, const char *const *more)
{
	for (; more && *more && count + 1 < ENV_MAX; more++)
		env[count++] = *more;
	env[count] = NULL;
	return count;
}

bool pf_desk_is_private(const struct pf_desk *d)
{
	const char *const *env =
		d->display->ops->app_env ? d->display->ops->app_env(d->display) : NULL;

	for (; env && *env; env++)
		if (!strncmp(*env, "XDG_RUNTIME_DIR=", 16))
			return true;
	return false;
}

static void make_frame(struct frame *f, const struct pf_desk *d)
{
	static const char *const unset_private[] = { "WAYLAND_DISPLAY", "DISPLAY", "SWAYSOCK",
		"I3SOCK", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", NULL };
	const struct pf_app *app = d->app;
	const char *home = getenv("HOME");
	size_t n = 0;

	f->params = (struct pf_child_params){ .env = f->env, .stdin_fd = -1, .pass_fd = -1 };
	if (app && *app->workdir)
		f->params.cwd = app->workdir;
	/* Where a session begins, not where the host was started. */
	else if (home && !access(home, X_OK))
		f->params.cwd = home;
	/* A display of the user's own session keeps that session's bus. */
	if (pf_desk_is_private(d))
		f->params.unset = unset_private;
	if (d->display->ops->app_env)
		n = append_env(f->env, n, d->display->ops->app_env(d->display));
	n = append_env(f->env, n, d->audio_env.list);
	for (unsigned i = 0; app && i < app->env_count; i++)
		n = append_env(f->env, n, (const char *const[]){ app->env[i], NULL });
	if (d->log_dir[0]) {
		snprintf(f->log, sizeof(f->log), "%s/program.log", d->log_dir);
		f->params.log_path = f->log;
	}
}

static int start(struct pf_child **out, struct frame *f, const char *command, struct pf_reason *why)
{
	const char *const argv[] = { "/bin/sh", "-c", command, NULL };

	f->params.argv = argv;
	return pf_child_start(out, &f->params, why);
}

/* Runs a command to its end; `until_ns` is when all of its kind should be over. */
static int run(struct frame *f, const char *command, uint64_t until_ns, struct pf_reason *why)
{
	struct pf_child *child = NULL;
	struct pollfd p = { .events = POLLIN };
	uint64_t now_ns = pf_clock_mono_ns();
	uint64_t ms = until_ns > now_ns ? (until_ns - now_ns) / PF_NS_PER_MS : 0;
	int status = 0, r = start(&child, f, command, why);

	if (r)
		return r;
	ms = ms > PREP_MS ? PREP_MS : ms < PREP_LEAST_MS ? PREP_LEAST_MS : ms;
	p.fd = pf_child_death_fd(child);
	if (poll(&p, 1, (int)ms) <= 0)
		r = pf_reason_set(why, -ETIMEDOUT, "\"%.80s\" did not end within %u s", command,
			(unsigned)ms / 1000);
	else if (pf_child_wait_status(child, &status) || !WIFEXITED(status) || WEXITSTATUS(status))
		r = pf_reason_set(why, -ECANCELED, "\"%.80s\" failed with status %d", command,
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	pf_child_stop(&child, PROGRAM_GRACE_MS);
	return r;
}

static void undo(struct pf_desk *d, struct frame *f)
{
	uint64_t until_ns = pf_clock_mono_ns() + PREP_ALL_MS * PF_NS_PER_MS;
	struct pf_reason why = { 0 };

	while (d->prepared) {
		const char *command = d->app->prep[--d->prepared].undo_command;

		if (*command && run(f, command, until_ns, &why))
			pf_log(PF_LOG_WARN, "desk", "%s: %s", d->name, why.text);
	}
}

int pf_desk_program_up(struct pf_desk *d, struct pf_reason *why)
{
	uint64_t until_ns = pf_clock_mono_ns() + PREP_ALL_MS * PF_NS_PER_MS;
	const struct pf_app *app = d->app;
	struct frame f;
	int r = 0;

	make_frame(&f, d);
	while (app && !r && d->prepared < app->prep_count) {
		const char *command = app->prep[d->prepared].do_command;

		r = *command ? run(&f, command, until_ns, why) : 0;
		d->prepared += !r;
	}
	if (!r)
		r = start(&d->program, &f, app ? app->command : d->command, why);
	if (r)
		undo(d, &f);
	return r;
}

void pf_desk_program_down(struct pf_desk *d)
{
	struct frame f;

	pf_child_stop(&d->program, d->app ? d->app->exit_timeout_ms : PROGRAM_GRACE_MS);
	if (!d->prepared)
		return;
	make_frame(&f, d);
	undo(d, &f);
}
