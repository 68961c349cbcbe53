/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "host/desk/desk_impl.h"
#include "host/sys/rundir.h"
#include "host/sys/spawn.h"

#define RUNDIR_PREFIX "punktfunk-"
/* A directory without a lock may be one that is just being made. */
#define UNLOCKED_AGE_S 60

static int open_lock(const char *dir, int flags)
{
	char path[PF_PATH_BYTES + 8];

	snprintf(path, sizeof(path), "%s/lock", dir);
	return open(path, flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static bool is_abandoned(const char *dir)
{
	int fd = open_lock(dir, 0);
	struct stat st;
	bool free;

	if (fd < 0)
		return !lstat(dir, &st) && S_ISDIR(st.st_mode) &&
		       time(NULL) - st.st_mtime > UNLOCKED_AGE_S;
	free = !flock(fd, LOCK_EX | LOCK_NB);
	close(fd);
	return free;
}

void pf_desk_sweep(void)
{
	const char *parent = getenv("XDG_RUNTIME_DIR");
	DIR *d = parent ? opendir(parent) : NULL;
	char path[PF_PATH_BYTES];
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (strncmp(e->d_name, RUNDIR_PREFIX, strlen(RUNDIR_PREFIX)) ||
			(size_t)snprintf(path, sizeof(path), "%s/%s", parent, e->d_name) >=
				sizeof(path))
			continue;
		if (is_abandoned(path))
			(void)pf_rundir_remove(path);
	}
	if (d)
		closedir(d);
}

/* One directory per client, emptied for each new desk: it cannot grow. */
static void name_log_dir(struct pf_desk *d)
{
	char id[20];

	if (d == d->m->spare)
		snprintf(id, sizeof(id), "spare");
	else if (d->known)
		snprintf(id, sizeof(id), "%02x%02x%02x%02x", d->key[0], d->key[1], d->key[2],
			d->key[3]);
	else
		snprintf(id, sizeof(id), "unknown-%u", d->m->number % 8);
	if ((size_t)snprintf(d->log_dir, sizeof(d->log_dir), "%s/%s", d->m->params.log_root, id) >=
			sizeof(d->log_dir) ||
		pf_rundir_remove(d->log_dir))
		d->log_dir[0] = 0;
}

void pf_desk_move_logs(struct pf_desk *d)
{
	char before[PF_PATH_BYTES];

	if (!d->m->params.log_root)
		return;
	memcpy(before, d->log_dir, sizeof(before));
	name_log_dir(d);
	if (*d->log_dir && !(*before && !rename(before, d->log_dir)) && pf_mkdirs(d->log_dir, 0700))
		d->log_dir[0] = 0;
}

static int rundir_up(struct pf_desk *d, struct pf_reason *why)
{
	int r = pf_rundir_create(NULL, RUNDIR_PREFIX, &d->runtime_dir, why);

	if (r)
		return r;
	d->lock_fd = open_lock(d->runtime_dir, O_CREAT | O_EXCL);
	if (d->lock_fd < 0 || flock(d->lock_fd, LOCK_EX | LOCK_NB)) {
		r = pf_reason_set(
			why, -errno, "cannot lock %.150s: %s", d->runtime_dir, strerror(errno));
		if (d->lock_fd >= 0)
			close(d->lock_fd);
		(void)pf_rundir_remove(d->runtime_dir);
		free(d->runtime_dir);
		d->runtime_dir = NULL;
		return r;
	}
	return 0;
}

static void rundir_down(struct pf_desk *d)
{
	(void)pf_rundir_remove(d->runtime_dir);
	close(d->lock_fd);
	free(d->runtime_dir);
	d->runtime_dir = NULL;
}

static void map_devices(struct pf_desk *d)
{
	static const struct {
		uint16_t product;
		const char *name;
	} rows[] = {
		{ PF_PADS_TOUCH_PRODUCT, PF_PADS_TOUCH_NAME },
		{ PF_PADS_PEN_PRODUCT, PF_PADS_PEN_NAME },
	};
	struct pf_reason why = { 0 };

	for (unsigned i = 0; i < 2 && d->display->ops->map_device; i++)
		if (d->display->ops->map_device(
			    d->display, PF_PADS_VENDOR, rows[i].product, rows[i].name, &why))
			pf_log(PF_LOG_WARN, "desk", "%s: touch and pen may land elsewhere: %s",
				d->name, why.text);
}

static int display_up(struct pf_desk *d, struct pf_reason *why)
{
	const struct pf_config *c = d->m->params.config;
	const struct pf_display_params p = {
		.mode = d->job_mode,
		.runtime_dir = d->runtime_dir,
		.log_dir = d->log_dir[0] ? d->log_dir : NULL,
		.session_socket = *c->session_socket ? c->session_socket : NULL,
		.xwayland = d->xwayland,
		.options = d->display_options,
	};
	int r = d->m->params.display->open(&d->display, &p, why);

	if (!r) {
		d->mode = d->job_mode;
		d->display_ns = pf_clock_mono_ns();
		map_devices(d);
	}
	return r;
}

static void display_down(struct pf_desk *d)
{
	d->display->ops->close(d->display);
	d->display = NULL;
}

static int input_up(struct pf_desk *d, struct pf_reason *why)
{
	const struct pf_input_target *target = d->display->ops->input_target(d->display);
	const struct pf_input_params p = {
		.target = target,
		.keymap_layout = *d->layout ? d->layout : NULL,
	};
	const struct pf_input_ops *ops;
	struct pf_input *in;
	int r;

	if (!target || target->kind == PF_INPUT_NONE)
		return 0; /* a display that takes no input */
	ops = pf_input_for(target->kind);
	if (!ops)
		return pf_reason_set(why, -ENOTSUP,
			"this build cannot send input to such a display (kind %d)",
			(int)target->kind);
	r = ops->open(&in, &p, why);
	if (r)
		return r;
	pthread_mutex_lock(&d->input_lock);
	d->input = in;
	pthread_mutex_unlock(&d->input_lock);
	return 0;
}

static void input_down(struct pf_desk *d)
{
	struct pf_input *in;

	pthread_mutex_lock(&d->input_lock);
	in = d->input;
	d->input = NULL;
	pthread_mutex_unlock(&d->input_lock);
	if (in)
		in->ops->close(in);
}

static const struct {
	const char *name;
	int (*up)(struct pf_desk *d, struct pf_reason *why);
	void (*down)(struct pf_desk *d);
} stages[] = {
	{ "runtime directory", rundir_up, rundir_down },
	{ "display", display_up, display_down },
	{ "input", input_up, input_down },
	{ "program", pf_desk_program_up, pf_desk_program_down },
};
unsigned pf_desk_stage_count(void)
{
	return sizeof(stages) / sizeof(stages[0]);
}

const char *pf_desk_stage_name(unsigned stage)
{
	return stages[stage - 1].name;
}

void pf_desk_descend(struct pf_desk *d, unsigned target)
{
	while (d->stage > target)
		stages[--d->stage].down(d);
}

int pf_desk_climb(struct pf_desk *d, unsigned target, struct pf_reason *why)
{
	unsigned from = d->stage;
	int r = 0;

	while (!r && d->stage < target) {
		if (d->m->params.fail_stage == d->stage + 1)
			r = pf_reason_set(why, -ECANCELED, "stage \"%s\" is told to fail",
				stages[d->stage].name);
		else
			r = stages[d->stage].up(d, why);
		if (!r)
			d->stage++;
	}
	if (r)
		pf_desk_descend(d, from);
	return r;
}
