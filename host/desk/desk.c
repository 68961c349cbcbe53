/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a desk should be (its mode, ending or not) is plain state that any call
 * changes; step() compares it with what the desk is and starts the one job that
 * leads there. One job at a time owns the stages, so the control loop touches
 * them only between jobs. Sound has a job of its own. */
#include "host/desk/desk.h"
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "host/desk/desk_impl.h"
#include "host/registry/apps.h"
#include "host/sys/spawn.h"

/* A program started before the sound's sockets exist may stay mute if it looks for them
 * once; one that waits long shows an empty screen. */
#define SOUND_WAIT_NS (100 * PF_NS_PER_MS)
/* For the first picture: it competes for the processor with all that starts. */
#define SHOWN_WAIT_NS	(100 * PF_NS_PER_MS)
#define PARKED_NS	(60 * PF_NS_PER_S)
#define RESTART_SPAN_NS (60 * PF_NS_PER_S)

/* ---- jobs ---- */

static void open_work(struct pf_job *job)
{
	struct pf_desk *d = (struct pf_desk *)((char *)job - offsetof(struct pf_desk, job));
	struct pf_mode before = d->mode;
	bool was_open = d->stage >= PF_DESK_DISPLAY;
	struct pf_reason why = { 0 };

	if (was_open && d->display->ops->set_mode &&
		!d->display->ops->set_mode(d->display, &d->job_mode, &why)) {
		d->mode = d->job_mode;
		d->display_ns = pf_clock_mono_ns();
		return;
	}
	pf_desk_descend(d, PF_DESK_RUNDIR);
	d->result = pf_desk_climb(d, PF_DESK_DISPLAY, &d->why);
	if (d->result && was_open) {
		/* Better the old picture than none: the holder sees which mode it got. */
		pf_log(PF_LOG_WARN, "desk", "%s: keeps %ux%u: %s", d->name, before.width,
			before.height, d->why.text);
		d->job_mode = before;
		d->result = pf_desk_climb(d, PF_DESK_DISPLAY, &d->why);
	}
}

static void input_work(struct pf_job *job)
{
	struct pf_desk *d = (struct pf_desk *)((char *)job - offsetof(struct pf_desk, job));

	d->result = pf_desk_climb(d, PF_DESK_INPUT, &d->why);
}

static void program_work(struct pf_job *job)
{
	struct pf_desk *d = (struct pf_desk *)((char *)job - offsetof(struct pf_desk, job));

	d->result = pf_desk_climb(d, PF_DESK_PROGRAM, &d->why);
}

static void drop_parked(struct pf_desk *d)
{
	if (d->parked)
		d->parked_drop(d->parked);
	d->parked = NULL;
}

static void drop_work(struct pf_job *job)
{
	drop_parked((struct pf_desk *)((char *)job - offsetof(struct pf_desk, job)));
}

static void close_work(struct pf_job *job)
{
	struct pf_desk *d = (struct pf_desk *)((char *)job - offsetof(struct pf_desk, job));

	drop_parked(d);
	pf_desk_descend(d, PF_DESK_INPUT);
	pf_desk_pads_close(d);
	if (d->audio)
		d->audio->ops->close(d->audio);
	d->audio = NULL;
	pf_desk_descend(d, 0);
}

/* Whoever held it hears nothing more, and is not heard. */
static void hush(struct pf_desk *d)
{
	pf_desk_set_pcm(d, NULL, NULL);
	pf_desk_close_mic(d, NULL);
}

static void open_done(struct pf_job *job)
{
	struct pf_desk *d = (struct pf_desk *)((char *)job - offsetof(struct pf_desk, job));

	d->busy = false;
	/* It may have landed elsewhere; a newer wish still counts. */
	if (pf_mode_equal(&d->want, &d->target))
		d->want = d->mode;
	if (d->result) {
		const struct pf_desk_events *events = d->events;

		d->ending = true;
		d->events = NULL;
		hush(d);
		if (events)
			events->ready(d->user, &d->why);
		else if (d == d->m->spare)
			pf_desk_spare_failed(d, &d->why);
	} else {
		d->up = true;
	}
	pf_desk_kick(d);
}

/* What a holder cannot go on without is gone. */
static void lose(struct pf_desk *d, const struct pf_reason *why)
{
	const struct pf_desk_events *events = d->events;

	d->ending = true;
	pf_timer_stop(&d->keep_alive);
	pf_desk_kick(d);
	if (d == d->m->spare) {
		pf_desk_spare_failed(d, why);
		return;
	}
	pf_log(PF_LOG_ERROR, "desk", "%s: %s", d->name, why->text);
	if (!events)
		return;
	d->lapsed++;
	d->events = NULL;
	hush(d);
	events->died(d->user, why);
}

static void input_done(struct pf_job *job)
{
	struct pf_desk *d = (struct pf_desk *)((char *)job - offsetof(struct pf_desk, job));

	d->busy = false;
	if (d->result && !d->ending)
		lose(d, &d->why);
	pf_desk_kick(d);
}

static const char *title_of(const struct pf_desk *d)
{
	return d->app ? d->app->title : "the session command";
}

/* The app is over: so is what it was for, if it says so. */
static void end_with_app(struct pf_desk *d, const struct pf_reason *why)
{
	if (!d->app || d->app->detached || d->app->exit_policy != PF_APP_EXIT_END)
		return;
	if (!d->events) {
		pf_timer_stop(&d->keep_alive);
		d->ending = true;
		pf_desk_kick(d);
	} else if (d->events->app_ended) {
		d->known = false; /* who comes back at once gets another one */
		d->events->app_ended(d->user, why);
	}
}

static void program_done(struct pf_job *job)
{
	struct pf_desk *d = (struct pf_desk *)((char *)job - offsetof(struct pf_desk, job));

	d->busy = d->program_over = false;
	if (d->result) {
		d->no_program = true;
		pf_log(PF_LOG_ERROR, "desk", "%s: %s does not start: %s", d->name, title_of(d),
			d->why.text);
		end_with_app(d, &d->why);
	} else {
		pf_desk_game(d, true);
	}
	pf_desk_kick(d);
}

static void drop_done(struct pf_job *job)
{
	struct pf_desk *d = (struct pf_desk *)((char *)job - offsetof(struct pf_desk, job));

	d->busy = d->parked_over = false;
	pf_desk_kick(d);
}

static void close_done(struct pf_job *job)
{
	struct pf_desk *d = (struct pf_desk *)((char *)job - offsetof(struct pf_desk, job));

	d->busy = false;
	pf_desk_kick(d);
}

static void on_pcm(void *user, const float *pcm, unsigned channels, uint64_t capture_ns)
{
	struct pf_desk *d = user;

	/* Held by others only to set or clear the two pointers. */
	pthread_mutex_lock(&d->pcm_lock);
	if (d->pcm_fn)
		d->pcm_fn(d->pcm_user, pcm, channels, capture_ns);
	pthread_mutex_unlock(&d->pcm_lock);
}

static void on_audio_error(void *user, int err, const char *text)
{
	struct pf_desk *d = user;

	/* Once per open, and the loop has run the item before it asks for the next. */
	(void)pf_reason_set(&d->audio_end, err, "%s", text);
	pf_loop_post_item(d->m->params.loop, &d->audio_lost_item);
}

static void audio_lost(struct pf_loop_item *item)
{
	struct pf_desk *d =
		(struct pf_desk *)((char *)item - offsetof(struct pf_desk, audio_lost_item));
	uint64_t *slot = &d->restart_ns[d->restarts % PF_DESK_RESTARTS];
	const uint64_t now = pf_clock_mono_ns();

	if (d->ending)
		return;
	if (*slot && now - *slot < RESTART_SPAN_NS) {
		pf_log(PF_LOG_WARN, "desk",
			"%s: sound ended and stays away after %d restarts in a minute, the picture "
			"goes on: %s",
			d->name, PF_DESK_RESTARTS, d->audio_end.text);
		return;
	}
	*slot = now;
	d->restarts++;
	d->audio_due = true;
	pf_log(PF_LOG_WARN, "desk", "%s: sound ended and starts again, the picture goes on: %s",
		d->name, d->audio_end.text);
	pf_desk_kick(d);
}

static void audio_work(struct pf_job *job)
{
	struct pf_desk *d = (struct pf_desk *)((char *)job - offsetof(struct pf_desk, audio_job));
	const struct pf_audio_params p = {
		.channels = d->audio_channels,
		.runtime_dir = d->runtime_dir,
		.log_dir = d->log_dir[0] ? d->log_dir : NULL,
		.on_pcm = on_pcm,
		.on_error = on_audio_error,
		.user = d,
		.options = d->audio_options,
	};

	if (d->audio)
		d->audio->ops->close(d->audio);
	d->audio = NULL;
	d->audio_result = d->m->params.audio->open(&d->audio, &p, &d->audio_why);
}

static void audio_done(struct pf_job *job)
{
	struct pf_desk *d = (struct pf_desk *)((char *)job - offsetof(struct pf_desk, audio_job));

	d->audio_busy = false;
	d->audio_answered = true;
	pf_desk_mic_apply(d);
	if (d->audio_result && d->restarts) {
		d->audio_end = d->audio_why;
		audio_lost(&d->audio_lost_item);
	} else if (d->audio_result)
		pf_log(PF_LOG_WARN, "desk", "%s: no sound, the picture goes on: %s", d->name,
			d->audio_why.text);
	pf_desk_kick(d);
}

/* ---- the loop ---- */

static void submit(struct pf_desk *d, void (*work)(struct pf_job *), void (*done)(struct pf_job *))
{
	sd_event_source_disable_unref(d->death);
	sd_event_source_disable_unref(d->program_end);
	d->death = d->program_end = NULL;
	d->busy = true;
	d->result = 0;
	memset(&d->why, 0, sizeof(d->why));
	d->job.work = work;
	d->job.done = done;
	pf_workers_submit(d->m->params.workers, &d->job);
}

static void free_desk(struct pf_desk *d)
{
	struct pf_desks *m = d->m;
	struct pf_desk **p = &m->first;

	pf_desk_game(d, false);
	while (*p != d)
		p = &(*p)->next;
	*p = d->next;
	if (m->spare == d)
		m->spare = NULL;
	pf_desk_spare_look(m);
	pf_timer_stop(&d->keep_alive);
	pf_timer_stop(&d->sound_wait);
	pf_timer_stop(&d->shown_wait);
	pf_timer_stop(&d->parked_wait);
	pthread_mutex_destroy(&d->input_lock);
	pthread_mutex_destroy(&d->pcm_lock);
	pthread_mutex_destroy(&d->mic_lock);
	pf_desk_pads_free(d);
	pf_app_unref(d->app);
	free(d);
	if (m->shut && !m->first && m->shutdown_done)
		m->shutdown_done(m->shutdown_user);
}

static int on_death(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct pf_desk *d = user;
	struct pf_reason why = { 0 };

	pf_reason_set(&why, -ECONNRESET, "the display ended by itself%s%.150s",
		d->log_dir[0] ? "; its log is in " : "", d->log_dir);
	sd_event_source_disable_unref(d->death);
	d->death = NULL;
	lose(d, &why);
	return 0;
}

static int on_program_end(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct pf_desk *d = user;

	sd_event_source_disable_unref(d->program_end);
	d->program_end = NULL;
	d->program_over = true;
	pf_log(PF_LOG_INFO, "desk", "%s: %s ended", d->name, title_of(d));
	if (!d->app || !d->app->detached)
		pf_desk_game(d, false);
	end_with_app(d, NULL);
	return 0;
}

static void watch(struct pf_desk *d)
{
	struct sd_event *e = pf_loop_event(d->m->params.loop);
	int fd = d->display && d->display->ops->death_fd ? d->display->ops->death_fd(d->display)
							 : -1;

	if (fd >= 0 && !d->death)
		(void)sd_event_add_io(e, &d->death, fd, EPOLLIN | EPOLLHUP, on_death, d);
	/* One that ended before it was watched is readable at once. */
	fd = d->program && !d->program_over ? pf_child_death_fd(d->program) : -1;
	if (fd >= 0 && !d->program_end)
		(void)sd_event_add_io(
			e, &d->program_end, fd, EPOLLIN | EPOLLHUP, on_program_end, d);
}

static void submit_audio(struct pf_desk *d)
{
	d->audio_busy = true;
	d->audio_answered = d->waited = d->audio_due = false;
	d->audio_job.work = audio_work;
	d->audio_job.done = audio_done;
	pf_workers_submit(d->m->params.workers, &d->audio_job);
}

static void sound_waited(void *user)
{
	struct pf_desk *d = user;

	pf_timer_stop(&d->sound_wait);
	d->waited = true;
	pf_desk_kick(d);
}

static void shown_waited(void *user)
{
	pf_desk_shown(user);
}

/* "" = none. */
static const char *command_of(const struct pf_desk *d)
{
	const char *setting = d->m->params.config->session_command;

	if (d->app)
		return d->app->command;

	if (strcmp(setting, "auto"))
		return setting;
	return pf_desk_is_private(d) && pf_program_exists("foot") ? "exec foot" : "";
}

/* Leads the desk one move towards what it should be. */
static void step(struct pf_desk *d)
{
	/* Whoever still captures from the display must let go of it first. */
	if (d->busy || d->lapsed)
		return;
	if (d->ending) {
		if (d->audio_busy)
			return;
		pf_timer_stop(&d->parked_wait);
		/* What is asleep would keep whoever says goodbye waiting. */
		if (d->resting)
			d->display->ops->rest(d->display, false);
		d->resting = false;
		if (d->stage || d->audio)
			submit(d, close_work, close_done);
		else
			free_desk(d);
		return;
	}
	if (d->stage < PF_DESK_DISPLAY || !pf_mode_equal(&d->mode, &d->want)) {
		d->target = d->job_mode = d->want;
		pf_desk_read_settings(d);
		submit(d, open_work, open_done);
		return;
	}
	watch(d);
	if (d->events && !d->told) {
		d->told = true;
		pf_desk_kick(d);
		d->events->ready(d->user, NULL);
		return;
	}
	if (d->parked_over) {
		submit(d, drop_work, drop_done);
		return;
	}
	/* All else is for those who look at a picture already. */
	if (d->events && !d->shown && !d->shown_wait &&
		pf_timer_start(&d->shown_wait, d->m->params.loop, SHOWN_WAIT_NS, shown_waited, d))
		d->shown = true;
	if (d->events && !d->shown)
		return;
	if (d->stage < PF_DESK_INPUT) {
		submit(d, input_work, input_done);
		return;
	}
	if (d == d->m->spare) {
		if (!d->resting)
			d->display->ops->rest(d->display, true);
		d->resting = true;
		return;
	}
	if (d->audio_due && !d->audio_busy)
		submit_audio(d);
	if (d->stage == PF_DESK_PROGRAM || d->no_program || !*command_of(d))
		return;
	if (!d->audio_answered && !d->waited) {
		if (!d->sound_wait)
			(void)pf_timer_start(
				&d->sound_wait, d->m->params.loop, SOUND_WAIT_NS, sound_waited, d);
		return;
	}
	if (!d->app)
		snprintf(d->command, sizeof(d->command), "%s", command_of(d));
	memset(&d->audio_env, 0, sizeof(d->audio_env));
	/* Sound that comes later, or again, is where this says; none came: nothing. */
	if (d->audio_channels && d->m->params.audio->app_env && !(d->audio_answered && !d->audio))
		d->m->params.audio->app_env(d->runtime_dir, &d->audio_env);
	submit(d, program_work, program_done);
}

static void run_kick(struct pf_loop_item *item)
{
	struct pf_desk *d = (struct pf_desk *)((char *)item - offsetof(struct pf_desk, kick_item));

	d->kicked = false;
	step(d);
}

void pf_desk_kick(struct pf_desk *d)
{
	pf_desk_spare_look(d->m);
	if (d->kicked)
		return;
	d->kicked = true;
	d->kick_item.run = run_kick;
	pf_loop_post_item(d->m->params.loop, &d->kick_item);
}

static void keep_alive_over(void *user)
{
	struct pf_desk *d = user;

	pf_log(PF_LOG_INFO, "desk", "%s: nobody came back, it ends", d->name);
	pf_desk_finish(d);
}

void pf_desk_finish(struct pf_desk *d)
{
	pf_timer_stop(&d->keep_alive);
	d->ending = true;
	pf_desk_kick(d);
}

/* ---- calls ---- */

int pf_desks_create(struct pf_desks **out, const struct pf_desks_params *params)
{
	struct pf_desks *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->params = *params;
	m->spare_mode = (struct pf_mode){ 1920, 1080, 60000 };
	pf_desk_sweep();
	pf_desk_spare_look(m);
	*out = m;
	return 0;
}

void pf_desks_shutdown(struct pf_desks *m, void (*done)(void *user), void *user)
{
	m->shut = true;
	m->shutdown_done = done;
	m->shutdown_user = user;
	pf_timer_stop(&m->spare_timer);
	for (struct pf_desk *d = m->first; d; d = d->next) {
		assert(!d->events);
		pf_desk_finish(d);
	}
	if (!m->first)
		done(user);
}

void pf_desks_destroy(struct pf_desks *m)
{
	assert(!m || !m->first);
	if (m) {
		pf_timer_stop(&m->spare_timer);
		pf_timer_stop(&m->look_timer);
	}
	free(m);
}

unsigned pf_desks_count(const struct pf_desks *m)
{
	unsigned n = 0;

	for (const struct pf_desk *d = m->first; d; d = d->next)
		n++;
	return n;
}

static struct pf_desk *find_desk(struct pf_desks *m, const uint8_t key[32])
{
	for (struct pf_desk *d = m->first; d; d = d->next)
		if (d->known && !d->ending && !memcmp(d->key, key, 32))
			return d;
	return NULL;
}

bool pf_desks_has(struct pf_desks *m, const uint8_t key[32])
{
	return find_desk(m, key);
}

const struct pf_app *pf_desks_app(struct pf_desks *m, const uint8_t key[32])
{
	const struct pf_desk *d = find_desk(m, key);

	return d ? d->app : NULL;
}

bool pf_desks_end(struct pf_desks *m, const uint8_t key[32])
{
	struct pf_desk *d = find_desk(m, key);

	if (!d)
		return false;
	if (d->events) {
		d->known = false;
		return true;
	}
	pf_desk_finish(d);
	return true;
}

void pf_desk_read_settings(struct pf_desk *d)
{
	const struct pf_config *c = d->m->params.config;

	snprintf(d->layout, sizeof(d->layout), "%.63s", c->keyboard_layout);
	snprintf(d->display_options, sizeof(d->display_options), "%s", c->display_options);
	d->xwayland = c->xwayland;
}

int pf_desk_make(
	struct pf_desk **out, struct pf_desks *m, const struct pf_mode *mode, struct pf_reason *why)
{
	struct pf_desk *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return pf_reason_set(why, -ENOMEM, "out of memory for a desk");
	d->m = m;
	d->want = *mode;
	d->id = ++m->number;
	snprintf(d->name, sizeof(d->name), "desk %u", d->id);
	pthread_mutex_init(&d->input_lock, NULL);
	pthread_mutex_init(&d->pcm_lock, NULL);
	pthread_mutex_init(&d->mic_lock, NULL);
	/* On the loop: display and sound both need it, and it takes microseconds. */
	r = pf_desk_climb(d, PF_DESK_RUNDIR, why);
	if (r) {
		pthread_mutex_destroy(&d->input_lock);
		pthread_mutex_destroy(&d->pcm_lock);
		pthread_mutex_destroy(&d->mic_lock);
		free(d);
		return r;
	}
	d->next = m->first;
	m->first = d;
	*out = d;
	return 0;
}

void pf_desk_give(struct pf_desk *d, const struct pf_desk_request *rq)
{
	const struct pf_desks *m = d->m;

	d->known = rq->known;
	memcpy(d->key, rq->key, 32);
	snprintf(d->client_name, sizeof(d->client_name), "%.64s",
		rq->client_name ? rq->client_name : "");
	pf_desk_move_logs(d);
	if (rq->app && *rq->app->command)
		d->app = pf_app_ref(rq->app);
	if (m->params.audio && m->params.config->audio)
		d->audio_channels = rq->audio_channels;
	d->audio_answered = !d->audio_channels;
	d->audio_due = d->audio_channels;
	d->audio_lost_item.run = audio_lost;
	snprintf(d->audio_options, sizeof(d->audio_options), "%s", m->params.config->audio_options);
}

int pf_desk_acquire(struct pf_desk **out, struct pf_desks *m, const struct pf_desk_request *rq,
	const struct pf_desk_events *events, void *user, struct pf_reason *why)
{
	struct pf_desk *d = rq->known ? find_desk(m, rq->key) : NULL;

	if (m->shut)
		return pf_reason_set(why, -ESHUTDOWN, "the host is shutting down");
	if (d) {
		const struct pf_desk_events *before = d->events;
		void *before_user = d->user;

		pf_timer_stop(&d->keep_alive);
		d->events = NULL;
		hush(d);
		pf_desk_input_release(d);
		if (before) {
			d->lapsed++;
			before->taken(before_user);
		}
		d->origin = PF_DESK_KEPT;
	} else {
		int r = 0;

		d = pf_desk_spare_take(m);
		if (!d)
			r = pf_desk_make(&d, m, &rq->mode, why);
		if (r)
			return r;
		pf_desk_give(d, rq);
	}
	m->spare_mode = rq->mode;
	m->spare_refused = false;
	d->events = events;
	d->user = user;
	d->want = rq->mode;
	d->told = false;
	pf_desk_look(m);
	/* The first job should not wait for the loop to come round. */
	if (!d->busy && d->stage < PF_DESK_DISPLAY)
		step(d);
	else
		pf_desk_kick(d);
	*out = d;
	return 0;
}

void pf_desk_release(struct pf_desk *d, void *user, bool end_now)
{
	uint64_t keep_ns = (uint64_t)d->m->params.config->desk_keep_alive_s * PF_NS_PER_S;

	pf_desk_kick(d);
	if (!d->events || d->user != user) {
		assert(d->lapsed);
		d->lapsed--;
		return;
	}
	d->events = NULL;
	hush(d);
	pf_desk_input_release(d);
	d->keep_until_ns = pf_clock_mono_ns() + keep_ns;
	if (end_now || !d->known || !keep_ns ||
		pf_timer_start(&d->keep_alive, d->m->params.loop, keep_ns, keep_alive_over, d))
		d->ending = true;
}

void pf_desk_set_mode(struct pf_desk *d, const struct pf_mode *mode)
{
	d->want = *mode;
	d->told = false;
	pf_desk_kick(d);
}

void pf_desk_shown(struct pf_desk *d)
{
	pf_timer_stop(&d->shown_wait);
	if (d->shown)
		return;
	d->shown = true;
	pf_desk_kick(d);
}

static void parked_waited(void *user)
{
	struct pf_desk *d = user;

	pf_timer_stop(&d->parked_wait);
	d->parked_over = d->parked;
	pf_desk_kick(d);
}

bool pf_desk_park(struct pf_desk *d, void *user, void *thing, void (*drop)(void *thing))
{
	if (!d->events || d->user != user || d->ending || d->parked_over || d->parked ||
		pf_timer_start(&d->parked_wait, d->m->params.loop, PARKED_NS, parked_waited, d))
		return false;
	d->parked = thing;
	d->parked_drop = drop;
	return true;
}

void *pf_desk_unpark(struct pf_desk *d)
{
	void *thing;

	/* On its way out already: a worker's. */
	if (d->parked_over || d->ending)
		return NULL;
	thing = d->parked;
	pf_timer_stop(&d->parked_wait);
	d->parked = NULL;
	return thing;
}

const struct pf_source *pf_desk_source(const struct pf_desk *d)
{
	return d->display->ops->source(d->display);
}

const struct pf_mode *pf_desk_mode(const struct pf_desk *d)
{
	return &d->mode;
}

enum pf_desk_origin pf_desk_origin(const struct pf_desk *d)
{
	return d->origin;
}

const char *pf_desk_origin_name(enum pf_desk_origin origin)
{
	static const char *const names[] = { "new", "spare", "kept" };

	return names[origin];
}

uint64_t pf_desk_display_ns(const struct pf_desk *d)
{
	return d->display_ns;
}

const char *pf_desk_name(const struct pf_desk *d)
{
	return d->name;
}

unsigned pf_desk_audio_channels(const struct pf_desk *d)
{
	return d->audio_channels;
}

int pf_desk_input(struct pf_desk *d, const struct pf_input_event *ev)
{
	int r = -ENODEV;

	pthread_mutex_lock(&d->input_lock);
	if (d->input)
		r = d->input->ops->post(d->input, ev);
	pthread_mutex_unlock(&d->input_lock);
	return r;
}

void pf_desk_input_release(struct pf_desk *d)
{
	pthread_mutex_lock(&d->input_lock);
	if (d->input)
		d->input->ops->release_all(d->input);
	pthread_mutex_unlock(&d->input_lock);
	pf_desk_pads_release(d);
}

void pf_desk_set_pcm(struct pf_desk *d,
	void (*fn)(void *user, const float *pcm, unsigned channels, uint64_t capture_ns),
	void *user)
{
	pthread_mutex_lock(&d->pcm_lock);
	d->pcm_fn = fn;
	d->pcm_user = user;
	pthread_mutex_unlock(&d->pcm_lock);
}
