/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/feed.h"
#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "core/crypto/secret.h"
#include "host/desk/desk.h"
#include "host/gamestream/gamestream.h"
#include "host/registry/apps.h"
#include "host/sys/files.h"

/* Log lines are told together, so many at once at most. */
#define LOG_LINES   32
#define LOG_WAIT_NS (200 * PF_NS_PER_MS)

static void on_client(
	struct pf_clients_watch *w, enum pf_client_change change, const struct pf_client *client)
{
	struct pf_feed *f = (struct pf_feed *)((char *)w - offsetof(struct pf_feed, watch));

	pf_feed_publish(f, "clients.changed", NULL);
}

/* ---- who pairs, who asks ---- */

/* FNV-1a. */
static uint64_t mix(uint64_t h, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++, v >>= 8)
		h = (h ^ (v & 0xff)) * 0x100000001b3ull;
	return h;
}

static void mix_pair(void *user, const struct pf_mgmt_pair *pair)
{
	uint64_t *h = user;

	*h = mix(mix(*h, pair->id), pair->has_pin);
}

static void mix_knock(void *user, const struct pf_knock *k)
{
	uint64_t *h = user;

	*h = mix(mix(mix(*h, k->id), k->since_ns), k->parked != NULL);
}

void pf_feed_look(struct pf_feed *f)
{
	const struct pf_mgmt_hooks *k = &f->p.hooks;
	uint64_t pairing = 0xcbf29ce484222325ull, access = pairing;
	struct pf_native_pairing now;

	if (k->pairing) {
		k->pairing(k->user, &now);
		pairing = mix(
			mix(mix(mix(pairing, now.armed), now.running), now.arming_id), now.last_id);
		pf_secret_wipe(&now, sizeof(now));
	}
	if (k->pair_each)
		k->pair_each(k->user, mix_pair, &pairing);
	if (k->knock_each)
		k->knock_each(k->user, mix_knock, &access);
	if (pairing != f->pairing)
		pf_feed_publish(f, "pairing.changed", NULL);
	if (access != f->access)
		pf_feed_publish(f, "access.changed", NULL);
	f->pairing = pairing;
	f->access = access;
}

static void on_look(void *user)
{
	struct pf_feed *f = user;

	pf_timer_stop(&f->look);
	pf_feed_look(f);
}

/* From within what changes it. */
static void on_trust(void *user)
{
	struct pf_feed *f = user;

	if (!f->look && !f->stopped)
		(void)pf_timer_start(&f->look, f->p.loop, 0, on_look, f);
}

/* ---- sessions, desks ---- */

static void tell_session(
	struct pf_feed *f, const char *plane, enum pf_session_news news, uint64_t id)
{
	static const char *const names[] = {
		[PF_SESSION_STARTED] = "session.started",
		[PF_SESSION_CHANGED] = "session.changed",
		[PF_SESSION_ENDED] = "session.ended",
	};

	pf_feed_publish(
		f, names[news], json_pack("{s:s, s:I}", "plane", plane, "id", (json_int_t)id));
}

static void on_native(void *user, enum pf_session_news news, uint64_t id)
{
	tell_session(user, "native", news, id);
}

static void on_gamestream(void *user, enum pf_session_news news, uint64_t id)
{
	tell_session(user, "gamestream", news, id);
}

static void on_desks(void *user)
{
	pf_feed_publish(user, "displays.changed", NULL);
}

static void on_game(void *user, const struct pf_desk_info *d, bool started)
{
	if (d->app)
		pf_feed_publish(user, started ? "game.started" : "game.ended",
			json_pack("{s:s, s:I, s:s}", "desk", d->name, "id", (json_int_t)d->app->id,
				"title", d->app->title));
}

/* With NULL nobody hears any more. */
static void hear(const struct pf_mgmt_params *p, struct pf_feed *f)
{
	struct pf_session_hearer hearer = { .user = f };
	const struct pf_desks_watch desks = { .changed = on_desks, .game = on_game, .user = f };

	if (p->desks)
		pf_desks_watch(p->desks, f ? &desks : NULL);
	if (f)
		hearer.trust = on_trust;
	if (p->native) {
		hearer.fn = f ? on_native : NULL;
		pf_native_hear(p->native, &hearer);
	}
	if (p->gamestream) {
		hearer.fn = f ? on_gamestream : NULL;
		pf_gamestream_hear(p->gamestream, &hearer);
	}
}

/* ---- figures ---- */

static void on_second(void *user)
{
	struct pf_feed *f = user;
	unsigned before = pf_live_count(f->live);
	json_t *o;

	pf_timer_stop(&f->second);
	(void)pf_timer_start(&f->second, f->p.loop, PF_LIVE_NS, on_second, f);
	o = pf_live_sample(f->live, f->p.native, f->p.gamestream);
	/* That the last session is gone is told, too. */
	if (o && (before || pf_live_count(f->live)))
		pf_feed_publish(f, "live", json_incref(o));
	if (o && pf_recordings_running(f->recordings) && pf_recordings_sample(f->recordings, o))
		pf_feed_publish(f, "recordings.changed", NULL);
	json_decref(o);
	/* An arming that ran out, or a ceremony that began, comes with no word. */
	pf_feed_look(f);
}

/* ---- log lines ---- */

json_t *pf_feed_lines_json(const struct pf_log_line *lines, const struct pf_logbook_range *found)
{
	json_t *list = json_array();
	char at[32], text[3 * PF_LOGBOOK_TEXT];

	for (size_t i = 0; list && i < found->count; i++) {
		const struct pf_log_line *l = &lines[i];

		pf_live_time(l->unix_ns, at);
		/* A line may have been cut inside a character. */
		(void)pf_utf8_repair(text, sizeof(text), l->text, strlen(l->text));
		(void)json_array_append_new(
			list, json_pack("{s:I, s:s, s:s, s:s, s:s}", "id", (json_int_t)l->id, "at",
				      at, "level", pf_log_level_to_string(l->level), "topic",
				      l->topic, "text", text));
	}
	return list ? json_pack("{s:o, s:I}", "lines", list, "missed", (json_int_t)found->missed)
		    : NULL;
}

/* What telling them may log itself would be told in turn. */
static size_t drop_own(struct pf_log_line *lines, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (lines[i].level < PF_LOG_DEBUG || strcmp(lines[i].topic, "mgmt") != 0)
			lines[n++] = lines[i];
	return n;
}

static void on_log_wait(void *user)
{
	struct pf_log_line lines[LOG_LINES];
	struct pf_logbook_range found;
	struct pf_feed *f = user;

	pf_timer_stop(&f->log_wait);
	pf_logbook_watch(f->p.logbook, f->p.loop, &f->log_item);
	pf_logbook_read(f->p.logbook, f->log_last, PF_LOG_DEBUG, lines, LOG_LINES, &found);
	if (!found.count)
		return;
	f->log_last = lines[found.count - 1].id;
	found.count = drop_own(lines, found.count);
	if (found.count || found.missed)
		pf_feed_publish(f, "log", pf_feed_lines_json(lines, &found));
	if (f->log_last < found.newest)
		(void)pf_timer_start(&f->log_wait, f->p.loop, LOG_WAIT_NS, on_log_wait, f);
}

static void on_log(struct pf_loop_item *item)
{
	struct pf_feed *f = (struct pf_feed *)((char *)item - offsetof(struct pf_feed, log_item));

	if (!f->stopped && !f->log_wait)
		(void)pf_timer_start(&f->log_wait, f->p.loop, LOG_WAIT_NS, on_log_wait, f);
}

static void follow_log(struct pf_feed *f)
{
	struct pf_logbook_range found;

	if (!f->p.logbook)
		return;
	pf_logbook_read(f->p.logbook, 0, PF_LOG_DEBUG, NULL, 0, &found);
	f->log_last = found.newest;
	f->log_item.run = on_log;
	pf_logbook_watch(f->p.logbook, f->p.loop, &f->log_item);
}

/* ---- life ---- */

static int open_recordings(struct pf_feed *f, const char *state_dir)
{
	char dir[PF_PATH_BYTES];

	if ((size_t)snprintf(dir, sizeof(dir), "%s/recordings", state_dir) >= sizeof(dir))
		return 0;
	return pf_recordings_open(&f->recordings, dir);
}

int pf_feed_create(struct pf_feed **out, const struct pf_mgmt_params *p)
{
	struct pf_feed *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	if (pf_events_create(&f->events) || pf_sse_create(&f->sse, f->events, p->loop) ||
		pf_live_create(&f->live) ||
		pf_timer_start(&f->second, p->loop, PF_LIVE_NS, on_second, f)) {
		pf_feed_destroy(f);
		return -ENOMEM;
	}
	f->p = *p;
	f->since_ns = pf_clock_mono_ns();
	if (p->state_dir && open_recordings(f, p->state_dir)) {
		pf_feed_destroy(f);
		return -ENOMEM;
	}
	if (p->clients) {
		f->watch.changed = on_client;
		pf_clients_watch(p->clients, &f->watch);
	}
	hear(p, f);
	pf_feed_look(f);
	follow_log(f);
	*out = f;
	return 0;
}

void pf_feed_publish(struct pf_feed *f, const char *name, json_t *data)
{
	if (f->stopped) {
		json_decref(data);
		return;
	}
	f->published++;
	(void)pf_events_publish(f->events, name, data);
	pf_sse_news(f->sse);
}

void pf_feed_stop(struct pf_feed *f)
{
	if (!f)
		return;
	if (f->stopped)
		return;
	f->stopped = true;
	pf_timer_stop(&f->look);
	pf_timer_stop(&f->second);
	pf_timer_stop(&f->log_wait);
	if (!f->p.loop)
		return;
	if (f->p.logbook)
		pf_logbook_watch(f->p.logbook, NULL, NULL);
	if (f->p.clients)
		pf_clients_unwatch(f->p.clients, &f->watch);
	hear(&f->p, NULL);
	pf_sse_stop(f->sse);
}

void pf_feed_destroy(struct pf_feed *f)
{
	if (!f)
		return;
	pf_feed_stop(f);
	pf_sse_destroy(f->sse);
	pf_live_destroy(f->live);
	pf_recordings_close(f->recordings);
	pf_events_destroy(f->events);
	free(f);
}
