/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One desk without an owner: display and input are up and at rest, nothing runs
 * in it. It is made when every desk has been left alone for a while, so that it
 * never takes the processor from a stream, and it costs no launch anything: what
 * is not ready yet, or stands for other settings, is passed over. */
#include <string.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "host/desk/desk_impl.h"

#define QUIET_NS (2 * PF_NS_PER_S)
/* After the nth failure in a row it is left alone for n times this long, */
#define FAILED_NS (60 * PF_NS_PER_S)
/* and after this many for good, until the settings change. */
#define FAILURES_MAX 5

static uint64_t quiet_ns(const struct pf_desks *m)
{
	return m->params.spare_delay_ms ? m->params.spare_delay_ms * PF_NS_PER_MS : QUIET_NS;
}

static bool is_wanted(const struct pf_desks *m)
{
	return m->params.config->spare_desk && m->params.display->rest && !m->shut;
}

/* Would a new desk be the same? */
static bool is_current(const struct pf_desk *d)
{
	const struct pf_config *c = d->m->params.config;

	return !strncmp(d->layout, c->keyboard_layout, sizeof(d->layout) - 1) &&
	       !strcmp(d->display_options, c->display_options) && d->xwayland == c->xwayland;
}

bool pf_desk_spare_is_ready(const struct pf_desk *d)
{
	return !d->busy && !d->ending && d->stage == PF_DESK_INPUT;
}

static bool is_busy(const struct pf_desk *d)
{
	return d->events || d->lapsed || d->busy || d->audio_busy || d->ending;
}

static void make_spare(struct pf_desks *m)
{
	struct pf_reason why = { 0 };
	struct pf_desk *d;

	if (pf_desk_make(&d, m, &m->spare_mode, &why)) {
		pf_log(PF_LOG_WARN, "desk", "no spare desk: %s", why.text);
		m->spare_after_ns = pf_clock_mono_ns() + FAILED_NS;
		return;
	}
	m->spare = d;
	d->origin = PF_DESK_SPARE;
	pf_desk_move_logs(d);
	pf_desk_kick(d);
}

static void start_timer(struct pf_desks *m, uint64_t delay_ns);

static void on_quiet(void *user)
{
	struct pf_desks *m = user;
	const uint64_t now = pf_clock_mono_ns(), due = m->changed_ns + quiet_ns(m);

	pf_timer_stop(&m->spare_timer);
	if (now < due) {
		start_timer(m, due - now);
		return;
	}
	if (m->spare) {
		if (!is_wanted(m) || !is_current(m->spare))
			pf_desk_finish(m->spare);
		return;
	}
	if (!is_wanted(m) || m->spare_refused || m->spare_failures >= FAILURES_MAX)
		return;
	/* Whoever is busy will be heard of again. */
	for (const struct pf_desk *d = m->first; d; d = d->next)
		if (is_busy(d))
			return;
	if (now < m->spare_after_ns)
		start_timer(m, m->spare_after_ns - now);
	else
		make_spare(m);
}

static void start_timer(struct pf_desks *m, uint64_t delay_ns)
{
	/* Out of memory: the next change tries again. */
	(void)pf_timer_start(&m->spare_timer, m->params.loop, delay_ns, on_quiet, m);
}

void pf_desk_spare_look(struct pf_desks *m)
{
	m->changed_ns = pf_clock_mono_ns();
	pf_desk_look(m);
	if (!m->spare_timer && !m->shut && m->params.display->rest)
		start_timer(m, quiet_ns(m));
}

struct pf_desk *pf_desk_spare_take(struct pf_desks *m)
{
	struct pf_desk *d = m->spare;

	if (!d || !is_wanted(m) || !pf_desk_spare_is_ready(d) || !is_current(d))
		return NULL;
	m->spare = NULL;
	m->spare_failures = 0;
	if (d->resting)
		d->display->ops->rest(d->display, false);
	d->resting = false;
	return d;
}

void pf_desk_spare_failed(struct pf_desk *d, const struct pf_reason *why)
{
	struct pf_desks *m = d->m;

	m->spare_failures++;
	m->spare_after_ns = pf_clock_mono_ns() + m->spare_failures * FAILED_NS;
	pf_log(PF_LOG_WARN, "desk", "the spare desk ended%s: %s",
		m->spare_failures < FAILURES_MAX ? "" : " and stays away until the settings change",
		why->text);
}

void pf_desks_reload(struct pf_desks *m)
{
	m->spare_failures = 0;
	m->spare_after_ns = 0;
	m->spare_refused = false;
	pf_timer_stop(&m->spare_timer);
	pf_desk_spare_look(m);
}

void pf_desks_spare(const struct pf_desks *m, struct pf_desk_spare *out)
{
	struct pf_desk *d = m->spare;

	*out = (struct pf_desk_spare){ .wanted = is_wanted(m) };
	if (!d || !pf_desk_spare_is_ready(d))
		return;
	out->ready = true;
	out->mode = d->mode;
	if (d->display->ops->memory_kib)
		out->memory_kib = d->display->ops->memory_kib(d->display);
}
