/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/registry/clients.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/utf8.h"
#include "host/registry/access.h"
#include "host/registry/json_file.h"
#include "host/sys/files.h"
#include "host/sys/loop.h"
#include "host/sys/worker.h"

#define FILE_BYTES	 (1u << 20)
#define SEEN_INTERVAL_NS (60 * PF_NS_PER_S)
#define FILE_VERSION	 1

struct pf_clients {
	char *path;
	int lock_fd;
	struct pf_workers *workers;
	struct pf_clients_watch *watches;
	struct sd_event *event; /* NULL = nobody looks at the time */
	sd_event_source *expiry;
	int64_t looked_s; /* who expired by then was told of */
	struct pf_client list[PF_CLIENTS_MAX];
	unsigned count;
	uint64_t generation; /* of `list`; counts what was handed to be written */
	bool seen_dirty;     /* dates not yet written */
	bool seen_written;
	uint64_t seen_written_ns;

	/* A file that is older than the newest written one is not written any more. */
	pthread_mutex_t save_lock;
	uint64_t saved_generation; /* under save_lock */

	struct pf_job job; /* writes job_text */
	bool job_busy;
	char *job_text;
	uint64_t job_generation;
	struct pf_reason job_why;
};

static const char *const planes[] = {
	[PF_PLANE_NATIVE] = "native",
	[PF_PLANE_GAMESTREAM] = "gamestream",
};

const char *pf_client_plane_to_string(enum pf_client_plane plane)
{
	return (unsigned)plane < sizeof(planes) / sizeof(planes[0]) ? planes[plane] : "?";
}

int pf_client_plane_parse(enum pf_client_plane *out, const char *text)
{
	for (unsigned i = 0; i < sizeof(planes) / sizeof(planes[0]); i++) {
		if (!strcmp(planes[i], text)) {
			*out = (enum pf_client_plane)i;
			return 0;
		}
	}
	return -EINVAL;
}

static void clean_name(char out[PF_CLIENT_NAME_BYTES], const char *name)
{
	(void)pf_utf8_printable(
		out, PF_CLIENT_NAME_BYTES, name, strnlen(name, PF_CLIENT_NAME_BYTES));
}

/* ---- the file ---- */

static int bad_field(struct pf_reason *why, const char *words)
{
	return pf_reason_set(why, -EBADMSG, "%s", words);
}

static int client_from_json(struct pf_client *out, json_t *o, struct pf_reason *why)
{
	const char *plane = json_string_value(json_object_get(o, "plane"));
	const char *fp = json_string_value(json_object_get(o, "fingerprint"));
	const char *grants = json_string_value(json_object_get(o, "grants"));
	static const char *const times[] = { "paired", "seen", "expires" };
	struct pf_client c = { 0 };
	int64_t *const to[] = { &c.paired_s, &c.seen_s, &c.expires_s };
	json_t *name = json_object_get(o, "name");

	if (!json_is_object(o))
		return bad_field(why, "a client must be an object, { ... }");
	if (!plane || pf_client_plane_parse(&c.plane, plane))
		return bad_field(why, "\"plane\" must be \"native\" or \"gamestream\"");
	if (!fp || pf_access_fingerprint_parse(c.fingerprint, fp))
		return bad_field(why, "\"fingerprint\" must be 64 hex digits");
	if (!grants || pf_access_grants_parse(&c.grants, grants, NULL))
		return bad_field(why, "\"grants\" must be \"all\", \"none\" or a list such as "
				      "\"pointer,keyboard\"");
	if (name && !json_is_string(name))
		return bad_field(why, "\"name\" must be text");
	clean_name(c.name, name ? json_string_value(name) : "");
	for (unsigned i = 0; i < 3; i++) {
		json_t *t = json_object_get(o, times[i]);

		if (t && (!json_is_string(t) || !pf_json_time_parse(to[i], json_string_value(t))))
			return pf_reason_set(why, -EBADMSG,
				"\"%s\" must be a time such as \"2026-01-31T12:00:00Z\"", times[i]);
	}
	*out = c;
	return 0;
}

static int find_index(
	const struct pf_clients *c, enum pf_client_plane plane, const uint8_t fingerprint[32])
{
	for (unsigned i = 0; i < c->count; i++)
		if (c->list[i].plane == plane && !memcmp(c->list[i].fingerprint, fingerprint, 32))
			return (int)i;
	return -1;
}

static int parse(struct pf_clients *c, const char *text, size_t len, struct pf_reason *why)
{
	struct pf_reason one = { 0 };
	unsigned line = 1;
	json_t *o = NULL, *list, *item;
	size_t i;
	int r = pf_json_parse(&o, text, len, &line, &one);

	if (r)
		goto out;
	list = json_object_get(o, "clients");
	if (!json_is_array(list) ||
		json_integer_value(json_object_get(o, "version")) != FILE_VERSION)
		r = bad_field(&one, "the file must hold \"version\": 1 and a list \"clients\"");
	else if (json_array_size(list) > PF_CLIENTS_MAX)
		r = bad_field(&one, "the file lists too many clients");
	if (r)
		goto out;
	json_array_foreach(list, i, item)
	{
		struct pf_client *e = &c->list[c->count];

		r = client_from_json(e, item, &one);
		if (!r && find_index(c, e->plane, e->fingerprint) >= 0)
			r = bad_field(&one, "this client is listed twice");
		if (r) {
			line = pf_json_line_of(text, len, "clients", i);
			goto out;
		}
		c->count++;
	}
out:
	json_decref(o);
	if (r)
		pf_reason_set(why, -EBADMSG,
			"%.100s:%u: %.90s; mend it, or move it away and pair all clients anew",
			c->path, line, one.text);
	return r ? -EBADMSG : 0;
}

/* The list as the file's text, malloc'ed, or NULL. */
static char *to_text(const struct pf_clients *c)
{
	json_t *list = json_array(), *o;
	char *text = NULL;

	for (unsigned i = 0; i < c->count; i++) {
		const struct pf_client *e = &c->list[i];
		char fp[65], grants[PF_ACCESS_GRANTS_BYTES], time[3][32];

		pf_access_format(e->fingerprint, fp);
		pf_access_grants_format(e->grants, grants);
		pf_json_time(e->paired_s, time[0]);
		pf_json_time(e->seen_s, time[1]);
		pf_json_time(e->expires_s, time[2]);
		if (json_array_append_new(
			    list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "name", e->name,
					  "plane", pf_client_plane_to_string(e->plane),
					  "fingerprint", fp, "grants", grants, "paired", time[0],
					  "seen", time[1], "expires", time[2])))
			goto out;
	}
	o = json_pack("{s:i, s:O}", "version", FILE_VERSION, "clients", list);
	if (o)
		text = pf_json_text(o);
	json_decref(o);
out:
	json_decref(list);
	return text;
}

/* Any thread. */
static int save_text(
	struct pf_clients *c, const char *text, uint64_t generation, struct pf_reason *why)
{
	int r = 0;

	pthread_mutex_lock(&c->save_lock);
	if (generation > c->saved_generation) {
		r = pf_json_write(c->path, 0600, text, why);
		if (!r)
			c->saved_generation = generation;
	}
	pthread_mutex_unlock(&c->save_lock);
	return r;
}

static int save(struct pf_clients *c, struct pf_reason *why)
{
	char *text = to_text(c);
	int r;

	if (!text)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	r = save_text(c, text, ++c->generation, why);
	free(text);
	if (!r)
		c->seen_dirty = false;
	return r;
}

/* ---- dates in the background ---- */

static void write_job(struct pf_job *job)
{
	struct pf_clients *c =
		(struct pf_clients *)((char *)job - offsetof(struct pf_clients, job));

	c->job_why.code = save_text(c, c->job_text, c->job_generation, &c->job_why);
}

static void job_done(struct pf_job *job)
{
	struct pf_clients *c =
		(struct pf_clients *)((char *)job - offsetof(struct pf_clients, job));

	if (c->job_why.code)
		pf_log(PF_LOG_WARN, "registry", "when clients were last seen is not kept: %s",
			c->job_why.text);
	free(c->job_text);
	c->job_text = NULL;
	c->job_busy = false;
}

void pf_clients_seen(
	struct pf_clients *c, enum pf_client_plane plane, const uint8_t fingerprint[32])
{
	uint64_t now = pf_clock_mono_ns();
	int i = find_index(c, plane, fingerprint);

	if (i < 0)
		return;
	c->list[i].seen_s = time(NULL);
	c->seen_dirty = true;
	if (c->job_busy || (c->seen_written && now - c->seen_written_ns < SEEN_INTERVAL_NS))
		return;
	c->seen_written = true;
	c->seen_written_ns = now;
	if (!c->workers) {
		struct pf_reason why = { 0 };

		if (save(c, &why))
			pf_log(PF_LOG_WARN, "registry",
				"when clients were last seen is not kept: %s", why.text);
		return;
	}
	c->job_text = to_text(c);
	if (!c->job_text)
		return;
	c->job_generation = ++c->generation;
	c->job_busy = true;
	c->seen_dirty = false;
	c->job.work = write_job;
	c->job.done = job_done;
	pf_workers_submit(c->workers, &c->job);
}

/* ---- calls ---- */

int pf_clients_open(struct pf_clients **out, const char *path, struct pf_workers *workers,
	struct pf_reason *why)
{
	struct pf_clients *c = calloc(1, sizeof(*c));
	uint8_t *text = NULL;
	size_t len;
	int r;

	if (!c)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	c->lock_fd = -1;
	c->workers = workers;
	pthread_mutex_init(&c->save_lock, NULL);
	c->path = strdup(path);
	if (!c->path) {
		r = pf_reason_set(why, -ENOMEM, "out of memory");
		goto fail;
	}
	r = pf_json_lock(&c->lock_fd, path, why);
	if (r)
		goto fail;
	r = pf_file_read(path, FILE_BYTES, &text, &len, why);
	if (!r)
		r = parse(c, (const char *)text, len, why);
	else if (r == -ENOENT)
		r = 0;
	free(text);
	if (r)
		goto fail;
	*out = c;
	return 0;
fail:
	pf_clients_close(c);
	return r;
}

void pf_clients_close(struct pf_clients *c)
{
	struct pf_reason why = { 0 };

	if (!c)
		return;
	if (c->seen_dirty && save(c, &why))
		pf_log(PF_LOG_WARN, "registry", "%s", why.text);
	if (c->lock_fd >= 0)
		close(c->lock_fd);
	pthread_mutex_destroy(&c->save_lock);
	free(c->job_text);
	free(c->path);
	free(c);
}

const struct pf_client *pf_clients_find(
	const struct pf_clients *c, enum pf_client_plane plane, const uint8_t fingerprint[32])
{
	int i = find_index(c, plane, fingerprint);

	if (i < 0 || (c->list[i].expires_s && c->list[i].expires_s <= time(NULL)))
		return NULL;
	return &c->list[i];
}

const struct pf_client *pf_clients_entry(
	const struct pf_clients *c, enum pf_client_plane plane, const uint8_t fingerprint[32])
{
	int i = find_index(c, plane, fingerprint);

	return i < 0 ? NULL : &c->list[i];
}

unsigned pf_clients_count(const struct pf_clients *c)
{
	return c->count;
}

void pf_clients_each(const struct pf_clients *c,
	void (*fn)(void *user, const struct pf_client *client), void *user)
{
	for (unsigned i = 0; i < c->count; i++)
		fn(user, &c->list[i]);
}

static void tell(struct pf_clients *c, enum pf_client_change change, const struct pf_client *client)
{
	for (struct pf_clients_watch *w = c->watches, *next; w; w = next) {
		next = w->next;
		w->changed(w, change, client);
	}
}

/* ---- time ---- */

static int on_expiry(sd_event_source *source, uint64_t usec, void *user);

/* Waits for the next one to expire. The wall clock may be set meanwhile: the timer
 * follows it. */
static void arm(struct pf_clients *c)
{
	const int64_t now_s = time(NULL);
	int64_t next_s = 0;

	if (c->looked_s > now_s) /* the clock was set back */
		c->looked_s = now_s;
	c->expiry = sd_event_source_disable_unref(c->expiry);
	for (unsigned i = 0; i < c->count; i++) {
		const int64_t at = c->list[i].expires_s;

		if (at > c->looked_s && (!next_s || at < next_s))
			next_s = at;
	}
	if (c->event && next_s && next_s < INT64_MAX / 1000000 &&
		sd_event_add_time(c->event, &c->expiry, CLOCK_REALTIME, (uint64_t)next_s * 1000000,
			100000, on_expiry, c) < 0)
		pf_log(PF_LOG_WARN, "clients", "no timer: access that runs out ends no session");
}

static int on_expiry(sd_event_source *source, uint64_t usec, void *user)
{
	struct pf_clients *c = user;
	const int64_t now_s = time(NULL), before_s = c->looked_s;

	c->looked_s = now_s;
	for (unsigned i = 0; i < c->count; i++) {
		const struct pf_client one = c->list[i];

		if (one.expires_s > before_s && one.expires_s <= now_s)
			tell(c, PF_CLIENT_EXPIRED, &one);
	}
	arm(c);
	return 0;
}

void pf_clients_run(struct pf_clients *c, struct pf_loop *loop)
{
	c->event = loop ? pf_loop_event(loop) : NULL;
	c->looked_s = time(NULL);
	arm(c);
}

/* ---- changes ---- */

int pf_clients_add(struct pf_clients *c, const struct pf_client *client, struct pf_reason *why)
{
	int i = find_index(c, client->plane, client->fingerprint), r;
	unsigned at = i < 0 ? c->count : (unsigned)i;
	struct pf_client old;

	if (at == PF_CLIENTS_MAX)
		return pf_reason_set(why, -ENOSPC,
			"%u clients are paired, which is the most; remove one with punktfunk-host "
			"unpair",
			PF_CLIENTS_MAX);
	old = c->list[at];
	c->list[at] = *client;
	clean_name(c->list[at].name, client->name);
	c->count += i < 0;
	r = save(c, why);
	if (r) {
		c->list[at] = old;
		c->count -= i < 0;
		return r;
	}
	old = c->list[at];
	arm(c);
	tell(c, i < 0 ? PF_CLIENT_ADDED : PF_CLIENT_UPDATED, &old);
	return 0;
}

int pf_clients_update(struct pf_clients *c, const struct pf_client *client, struct pf_reason *why)
{
	int i = find_index(c, client->plane, client->fingerprint), r;
	struct pf_client *e = i < 0 ? NULL : &c->list[i];
	struct pf_client old;

	if (!e)
		return pf_reason_set(why, -ENOENT, "no such client is paired");
	old = *e;
	clean_name(e->name, client->name);
	e->grants = client->grants;
	e->expires_s = client->expires_s;
	r = save(c, why);
	if (r) {
		*e = old;
		return r;
	}
	old = *e;
	arm(c);
	tell(c, PF_CLIENT_UPDATED, &old);
	return 0;
}

int pf_clients_remove(struct pf_clients *c, enum pf_client_plane plane,
	const uint8_t fingerprint[32], struct pf_reason *why)
{
	int i = find_index(c, plane, fingerprint), r;
	struct pf_client *e = i < 0 ? NULL : &c->list[i];
	struct pf_client old;
	size_t tail;

	if (!e)
		return pf_reason_set(why, -ENOENT, "no such client is paired");
	old = *e;
	tail = (c->count - (unsigned)i - 1) * sizeof(*e);
	memmove(e, e + 1, tail);
	c->count--;
	r = save(c, why);
	if (r) {
		memmove(e + 1, e, tail);
		*e = old;
		c->count++;
		return r;
	}
	tell(c, PF_CLIENT_REMOVED, &old);
	return 0;
}

void pf_clients_watch(struct pf_clients *c, struct pf_clients_watch *w)
{
	w->next = c->watches;
	c->watches = w;
}

void pf_clients_unwatch(struct pf_clients *c, struct pf_clients_watch *w)
{
	struct pf_clients_watch **p = &c->watches;

	while (*p && *p != w)
		p = &(*p)->next;
	if (*p)
		*p = w->next;
}
