/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The desks as others see them: list, release, and word of what changes. */
#include <errno.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "host/desk/desk_impl.h"
#include "host/registry/apps.h"

static enum pf_desk_state state_of(const struct pf_desk *d)
{
	if (d->ending)
		return PF_DESK_IS_CLOSING;
	if (d == d->m->spare)
		return pf_desk_spare_is_ready(d) ? PF_DESK_IS_SPARE : PF_DESK_IS_OPENING;
	if (!d->events)
		return PF_DESK_IS_KEPT;
	return d->up ? PF_DESK_IS_LIVE : PF_DESK_IS_OPENING;
}

static struct pf_desk_info info_of(const struct pf_desk *d)
{
	const uint64_t now = pf_clock_mono_ns();
	struct pf_desk_info o = {
		.id = d->id,
		.name = d->name,
		.state = state_of(d),
		.mode = d->want,
		.known = d->known,
		.client_name = d->client_name,
		.app = d->app,
	};

	memcpy(o.key, d->key, sizeof(o.key));
	if (o.state == PF_DESK_IS_KEPT && d->keep_until_ns > now)
		o.left_s = (uint32_t)((d->keep_until_ns - now + PF_NS_PER_S - 1) / PF_NS_PER_S);
	/* A job may be at work on the display. */
	if (!d->busy && !d->ending && d->stage >= PF_DESK_DISPLAY && d->display->ops->memory_kib)
		o.memory_kib = d->display->ops->memory_kib(d->display);
	return o;
}

const char *pf_desk_state_name(enum pf_desk_state state)
{
	static const char *const names[] = { "opening", "live", "kept", "spare", "closing" };

	return names[state];
}

void pf_desks_each(
	struct pf_desks *m, void (*fn)(void *user, const struct pf_desk_info *d), void *user)
{
	/* The list is newest first, and short. */
	for (unsigned id = 0;;) {
		const struct pf_desk *next = NULL;
		struct pf_desk_info o;

		for (const struct pf_desk *d = m->first; d; d = d->next)
			if (d->id > id && (!next || d->id < next->id))
				next = d;
		if (!next)
			return;
		id = next->id;
		o = info_of(next);
		fn(user, &o);
	}
}

int pf_desks_release(struct pf_desks *m, unsigned id, struct pf_reason *why)
{
	struct pf_desk *d = m->first;

	while (d && d->id != id)
		d = d->next;
	if (!d || d->ending)
		return pf_reason_set(why, -ENOENT, "there is no such desk (any more)");
	if (d->events)
		return pf_reason_set(
			why, -EBUSY, "somebody streams %s: stop the session first", d->name);
	pf_log(PF_LOG_INFO, "desk", "%s: released by the operator", d->name);
	if (d == m->spare)
		m->spare_refused = true;
	pf_desk_finish(d);
	return 0;
}

const struct pf_display_ops *pf_desks_display(const struct pf_desks *m)
{
	return m->params.display;
}

/* ---- the watch ---- */

/* FNV-1a; which desks there are and in what state. */
static uint64_t hash_of(const struct pf_desks *m)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (const struct pf_desk *d = m->first; d; d = d->next) {
		const uint64_t words[] = { d->id, state_of(d), d->want.width, d->want.height,
			d->want.refresh_mhz };

		for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			h = (h ^ words[i]) * 0x100000001b3ull;
	}
	return h;
}

void pf_desks_watch(struct pf_desks *m, const struct pf_desks_watch *watch)
{
	m->watch = watch ? *watch : (struct pf_desks_watch){ 0 };
	m->looked = hash_of(m);
}

static void on_look(void *user)
{
	struct pf_desks *m = user;
	const uint64_t h = hash_of(m);

	pf_timer_stop(&m->look_timer);
	if (h == m->looked || !m->watch.changed)
		return;
	m->looked = h;
	m->watch.changed(m->watch.user);
}

void pf_desk_look(struct pf_desks *m)
{
	/* Out of memory: the next change is told, and this one with it. */
	if (m->watch.changed && !m->look_timer)
		(void)pf_timer_start(&m->look_timer, m->params.loop, 0, on_look, m);
}

void pf_desk_game(struct pf_desk *d, bool started)
{
	struct pf_desk_info o;

	if (!d->app || d->plays == started)
		return;
	d->plays = started;
	if (!d->m->watch.game)
		return;
	o = info_of(d);
	d->m->watch.game(d->m->watch.user, &o, started);
}
