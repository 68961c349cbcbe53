/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* client_clip.c - both ends' clipboards at the client.
 *
 * Locks: the clipboard's, then the link's; its events come with neither held. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/clock.h"
#include "core/crypto/secret.h"
#include "core/session/client_impl.h"

_Static_assert(PUNKTFUNK_CLIP_FORMATS == PF_CLIP_FORMATS_MAX, "formats of an offer");
_Static_assert(sizeof(((PunktfunkClipFormat *)0)->mime) > PF_CLIP_MIME_MAX, "names fit");

/* ---- the link's events, on the quic thread ---- */

static void on_asked(void *user, uint32_t id, uint32_t seq, const char *mime)
{
	struct pf_client *c = user;
	PunktfunkEvent e = { .type = PUNKTFUNK_EVENT_CLIP_REQUEST, .a = id, .b = seq };
	enum pf_clip_status status = PF_CLIP_OK;

	pthread_mutex_lock(&c->clip.lock);
	if (seq != c->clip.ours.seq)
		status = PF_CLIP_STALE;
	else if (!pf_clip_offer_has(&c->clip.ours, mime))
		status = PF_CLIP_UNAVAILABLE;
	pthread_mutex_unlock(&c->clip.lock);
	if (status) {
		(void)pf_clip_answer(&c->clip.link, id, status, NULL, 0);
		return;
	}
	/* One of ours, so it fits. */
	strncpy(e.text, mime, sizeof(e.text) - 1);
	pf_client_put_event(c, &e);
}

static void on_withdrawn(void *user, uint32_t id) {}

static void on_fetched(void *user, uint32_t id, int result, uint8_t *data, size_t len)
{
	struct pf_client *c = user;
	struct pf_clip_wait *w;

	pthread_mutex_lock(&c->clip.lock);
	for (w = c->clip.waits; w && w->id != id; w = w->next)
		;
	if (w) {
		w->over = true;
		w->result = result;
		w->data = data;
		w->len = len;
		pthread_cond_broadcast(&c->clip.changed);
	}
	pthread_mutex_unlock(&c->clip.lock);
	if (!w)
		pf_secret_free(data, len);
}

static const struct pf_clip_events clip_events = {
	.asked = on_asked,
	.withdrawn = on_withdrawn,
	.fetched = on_fetched,
};

void pf_client_clip_message(struct pf_client *c, const struct pf_ctl *m)
{
	PunktfunkEvent e = { 0 };
	struct pf_clip_offer o;

	if (m->type == PF_CTL_CLIP_STATE) {
		e.type = PUNKTFUNK_EVENT_CLIP_STATE;
		e.a = m->clip_state.enabled;
		e.b = m->clip_state.policy;
		e.c = m->clip_state.reason;
	} else {
		pf_clip_offer_read(&o, m);
		pthread_mutex_lock(&c->clip.lock);
		/* One that another overtook is news no more. */
		if (!c->clip.offered || pf_clip_newer(o.seq, c->clip.theirs.seq)) {
			c->clip.theirs = o;
			c->clip.offered = true;
			e.type = PUNKTFUNK_EVENT_CLIP_OFFER;
			e.a = o.seq;
			e.b = o.count;
		}
		pthread_mutex_unlock(&c->clip.lock);
	}
	if (e.type)
		pf_client_put_event(c, &e);
}

/* ---- calls ---- */

void pf_client_clip_init(struct pf_client *c)
{
	pthread_condattr_t attr;

	pf_clip_init(&c->clip.link, &clip_events, c);
	pthread_mutex_init(&c->clip.lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->clip.changed, &attr);
	pthread_condattr_destroy(&attr);
}

void pf_client_clip_finish(struct pf_client *c)
{
	pf_clip_finish(&c->clip.link);
	pthread_cond_destroy(&c->clip.changed);
	pthread_mutex_destroy(&c->clip.lock);
}

int pf_client_clip_control(struct pf_client *c, bool enabled)
{
	struct pf_ctl m = { .type = PF_CTL_CLIP_CONTROL };

	m.clip_control.enabled = enabled;
	return pf_client_send_control(c, &m);
}

int pf_client_clip_offered(struct pf_client *c, PunktfunkClipOffer *out)
{
	const struct pf_clip_offer *o = &c->clip.theirs;
	int err = -EAGAIN;

	*out = (PunktfunkClipOffer){ .struct_size = sizeof(*out) };
	pthread_mutex_lock(&c->clip.lock);
	if (c->clip.offered) {
		err = 0;
		out->seq = o->seq;
		out->count = o->count;
		for (unsigned i = 0; i < o->count; i++) {
			memcpy(out->formats[i].mime, o->formats[i].mime,
				sizeof(o->formats[i].mime));
			out->formats[i].size_hint = o->formats[i].size_hint;
		}
	}
	pthread_mutex_unlock(&c->clip.lock);
	return err;
}

static int public_result(int result)
{
	return result == PF_CLIP_STALE	       ? -EINVAL
	       : result == PF_CLIP_UNAVAILABLE ? -ENOTSUP
	       : result == PF_CLIP_DENIED      ? -EACCES
	       : result == -ECANCELED	       ? -EPIPE
					       : result;
}

/* Under the lock. */
static void unlink_wait(struct pf_client *c, struct pf_clip_wait *w)
{
	struct pf_clip_wait **p = &c->clip.waits;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
}

int pf_client_clip_fetch(struct pf_client *c, uint32_t seq, const char *mime, uint32_t timeout_ms,
	uint8_t **data, size_t *len)
{
	uint64_t end = pf_clock_mono_ns() +
		       (timeout_ms ? timeout_ms * PF_NS_PER_MS : (uint64_t)PF_CLIP_TIME_NS);
	struct timespec ts = { .tv_sec = (time_t)(end / PF_NS_PER_S),
		.tv_nsec = (long)(end % PF_NS_PER_S) };
	struct pf_quic_conn *conn = pf_client_conn(c);
	struct pf_clip_wait w = { 0 };
	bool late = false;
	int64_t id;

	if (!conn)
		return -EPIPE;
	pthread_mutex_lock(&c->clip.lock);
	if (!c->clip.offered || seq != c->clip.theirs.seq ||
		!pf_clip_offer_has(&c->clip.theirs, mime))
		id = -EINVAL;
	else
		id = pf_clip_fetch(&c->clip.link, conn, seq, mime);
	if (id > 0) {
		w.id = (uint32_t)id;
		w.next = c->clip.waits;
		c->clip.waits = &w;
		while (!w.over) {
			/* The cancelled fetch still has its outcome, at once. */
			if (late) {
				pthread_cond_wait(&c->clip.changed, &c->clip.lock);
			} else if (pthread_cond_timedwait(&c->clip.changed, &c->clip.lock, &ts) ==
				   ETIMEDOUT) {
				late = true;
				pf_clip_cancel(&c->clip.link, w.id);
			}
		}
		unlink_wait(c, &w);
	}
	pthread_mutex_unlock(&c->clip.lock);
	if (id < 0)
		return id == -EAGAIN ? -EBUSY : (int)id;
	if (w.result)
		return late ? -ETIMEDOUT : public_result(w.result);
	*data = w.data;
	*len = w.len;
	return 0;
}

static bool is_name(const char *mime, size_t cap)
{
	size_t len = strnlen(mime, cap);

	for (size_t i = 0; i < len; i++)
		if (mime[i] <= ' ' || mime[i] > '~')
			return false;
	/* An event has room for 127. */
	return len && len < PF_CLIP_MIME_MAX;
}

int pf_client_clip_offer(struct pf_client *c, const PunktfunkClipOffer *offer)
{
	struct pf_clip_offer *o = &c->clip.ours;
	struct pf_ctl m;
	int err;

	if (offer->count > PF_CLIP_FORMATS_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < offer->count; i++)
		if (!is_name(offer->formats[i].mime, sizeof(offer->formats[i].mime)))
			return -EINVAL;
	pthread_mutex_lock(&c->clip.lock);
	o->seq++;
	o->count = offer->count;
	for (unsigned i = 0; i < offer->count; i++) {
		memcpy(o->formats[i].mime, offer->formats[i].mime, sizeof(o->formats[i].mime));
		o->formats[i].size_hint = offer->formats[i].size_hint;
	}
	pf_clip_offer_message(&m, o);
	err = pf_client_send_control(c, &m);
	pthread_mutex_unlock(&c->clip.lock);
	return err;
}

int pf_client_clip_serve(struct pf_client *c, uint32_t id, const uint8_t *data, size_t len)
{
	uint8_t *copy = NULL;
	int err;

	if (data && len > PF_CLIP_BYTES_MAX)
		return -EMSGSIZE;
	if (data && len) {
		copy = malloc(len);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, data, len);
	}
	err = pf_clip_answer(
		&c->clip.link, id, data ? PF_CLIP_OK : PF_CLIP_UNAVAILABLE, copy, data ? len : 0);
	return err == -ENOENT ? -EINVAL : err;
}
