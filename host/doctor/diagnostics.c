/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/doctor/diagnostics.h"
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/registry/config.h"
#include "host/sys/spawn.h"
#include "host/sys/worker.h"

#define LIMIT_MS 60000 /* each check has its own, shorter one */
#define GRACE_MS 500

struct pf_diagnostics {
	struct pf_diagnostics_params p;
	struct pf_job job;
	bool running;
	int stop; /* an eventfd: set once, for good */
	json_t *last;
	void (*fn)(void *user, int r, const struct pf_reason *why);
	void *user;
	/* The worker's while it runs. */
	struct pf_config config;
	json_t *found;
	struct pf_reason why;
	int r;
};

int pf_diagnostics_create(struct pf_diagnostics **out, const struct pf_diagnostics_params *params)
{
	struct pf_diagnostics *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->p = *params;
	d->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->stop < 0) {
		int err = -errno;

		free(d);
		return err;
	}
	*out = d;
	return 0;
}

void pf_diagnostics_stop(struct pf_diagnostics *d)
{
	if (d)
		(void)!write(d->stop, &(uint64_t){ 1 }, sizeof(uint64_t));
}

void pf_diagnostics_destroy(struct pf_diagnostics *d)
{
	if (!d)
		return;
	close(d->stop);
	json_decref(d->last);
	json_decref(d->found);
	free(d);
}

const json_t *pf_diagnostics_last(const struct pf_diagnostics *d)
{
	return d->last;
}

bool pf_diagnostics_running(const struct pf_diagnostics *d)
{
	return d->running;
}

/* ---- on the worker ---- */

/* "nice -n 10 PROGRAM doctor --json --set KEY=VALUE ...": what runs already goes first. */
static char **make_argv(const struct pf_config *c)
{
	char program[PATH_MAX] = "";
	/* One that was replaced since has no path any more. */
	const bool by_path = readlink("/proc/self/exe", program, sizeof(program) - 1) > 0 &&
			     !access(program, X_OK);
	const char *const begin[] = { "nice", "-n", "10", by_path ? program : "/proc/self/exe",
		"doctor", "--json" };
	const size_t first = sizeof(begin) / sizeof(begin[0]);
	char value[PF_CONFIG_TEXT_BYTES];
	const struct pf_config_key *keys;
	size_t count, n = 0;
	char **argv;

	keys = pf_config_keys(&count);
	argv = calloc(first + 2 * count + 1, sizeof(*argv));
	if (!argv)
		return NULL;
	for (size_t i = by_path && pf_program_exists("nice") ? 0 : 3; i < first; i++)
		argv[n++] = strdup(begin[i]);
	for (size_t i = 0; i < count; i++) {
		/* Who the host is has been decided. */
		if (!strcmp(keys[i].name, "user"))
			continue;
		pf_config_format(c, &keys[i], value, sizeof(value));
		argv[n++] = strdup("--set");
		if (asprintf(&argv[n], "%s=%s", keys[i].name, value) < 0)
			argv[n] = NULL;
		n++;
	}
	return argv;
}

static void free_argv(char **argv)
{
	for (char **a = argv; a && *a; a++)
		free(*a);
	free(argv);
}

/* Until the child has ended; -ECANCELED when the host ends, -ETIMEDOUT. */
static int await(const struct pf_diagnostics *d, const struct pf_child *child)
{
	const uint64_t deadline = pf_clock_mono_ns() + LIMIT_MS * PF_NS_PER_MS;

	for (;;) {
		struct pollfd p[2] = {
			{ .fd = pf_child_death_fd(child), .events = POLLIN },
			{ .fd = d->stop, .events = POLLIN },
		};
		uint64_t now = pf_clock_mono_ns();

		if (now >= deadline)
			return -ETIMEDOUT;
		if (poll(p, 2, (int)((deadline - now) / PF_NS_PER_MS) + 1) < 0 && errno != EINTR)
			return -errno;
		if (p[1].revents)
			return -ECANCELED;
		if (p[0].revents)
			return 0;
	}
}

static int ask(struct pf_diagnostics *d)
{
	int fd = memfd_create("pf-doctor", MFD_CLOEXEC), r;
	char **argv = make_argv(&d->config), path[32];
	struct pf_child *child = NULL;

	if (fd < 0 || !argv) {
		r = pf_reason_set(&d->why, -ENOMEM, "out of memory");
		goto out;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = pf_child_start(&child,
		&(struct pf_child_params){ .argv = (const char *const *)argv,
			.log_path = path,
			.stdin_fd = -1,
			.pass_fd = -1 },
		&d->why);
	if (r)
		goto out;
	r = await(d, child);
	pf_child_stop(&child, GRACE_MS);
	if (r == -ECANCELED)
		r = pf_reason_set(&d->why, r, "the host ends");
	else if (r)
		r = pf_reason_set(
			&d->why, r, "the checks did not end within %d s", LIMIT_MS / 1000);
	if (r || lseek(fd, 0, SEEK_SET))
		goto out;
	d->found = json_loadfd(fd, 0, NULL);
	if (!json_is_array(json_object_get(d->found, "checks")))
		r = pf_reason_set(
			&d->why, -EIO, "the checks did not run; `punktfunk-host doctor` says why");
out:
	if (fd >= 0)
		close(fd);
	free_argv(argv);
	return r;
}

static void work(struct pf_job *job)
{
	struct pf_diagnostics *d =
		(struct pf_diagnostics *)((char *)job - offsetof(struct pf_diagnostics, job));

	d->r = ask(d);
}

/* ---- on the control loop ---- */

static void done(struct pf_job *job)
{
	struct pf_diagnostics *d =
		(struct pf_diagnostics *)((char *)job - offsetof(struct pf_diagnostics, job));

	d->running = false;
	if (!d->r) {
		json_decref(d->last);
		d->last = d->found;
	} else {
		json_decref(d->found);
	}
	d->found = NULL;
	d->fn(d->user, d->r, &d->why);
	if (d->p.changed)
		d->p.changed(d->p.user);
}

int pf_diagnostics_refresh(struct pf_diagnostics *d,
	void (*fn)(void *user, int r, const struct pf_reason *why), void *user)
{
	if (d->running)
		return -EBUSY;
	d->running = true;
	d->fn = fn;
	d->user = user;
	d->config = *d->p.config;
	d->why = (struct pf_reason){ 0 };
	d->job = (struct pf_job){ .work = work, .done = done };
	pf_workers_submit(d->p.workers, &d->job);
	if (d->p.changed)
		d->p.changed(d->p.user);
	return 0;
}
