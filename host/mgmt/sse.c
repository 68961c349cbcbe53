/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/sse.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"

#define BEAT ":\n\n"

struct stream {
	struct pf_mgmt_stream base;
	struct pf_sse *s;
	struct stream *next, **link; /* under lock */
	struct pf_event_reader reader;
	uint64_t beats; /* the newest that it has heard */
};

struct pf_sse {
	struct pf_events *events;
	struct pf_loop *loop;
	uint64_t woken_ns;
	struct pf_timer *gap, *beat;
	pthread_mutex_t lock;
	/* Under lock. */
	struct stream *streams;
	unsigned count;
	uint64_t opened;
	uint64_t beats;
};

/* ---- HTTP thread ---- */

static ssize_t read_news(struct pf_mgmt_stream *base, char *buf, size_t cap)
{
	struct stream *st = (struct stream *)base;
	struct pf_sse *s = st->s;
	uint64_t beats;
	size_t n;

	pthread_mutex_lock(&s->lock);
	beats = s->beats;
	pthread_mutex_unlock(&s->lock);
	n = pf_event_read(&st->reader, s->events, buf, cap);
	if (!n && st->beats != beats && cap >= strlen(BEAT)) {
		n = strlen(BEAT);
		memcpy(buf, BEAT, n);
	}
	st->beats = beats;
	return (ssize_t)n;
}

static void close_stream(struct pf_mgmt_stream *base)
{
	struct stream *st = (struct stream *)base;
	struct pf_sse *s = st->s;

	pthread_mutex_lock(&s->lock);
	*st->link = st->next;
	if (st->next)
		st->next->link = st->link;
	s->count--;
	pthread_mutex_unlock(&s->lock);
	pf_event_reader_finish(&st->reader, s->events);
	free(st);
}

/* ---- control loop ---- */

int pf_sse_open(struct pf_mgmt_stream **out, struct pf_sse *s, uint32_t topics, uint64_t after)
{
	struct stream *st;
	bool room;

	pthread_mutex_lock(&s->lock);
	room = s->count < PF_SSE_STREAMS_MAX;
	pthread_mutex_unlock(&s->lock);
	if (!room)
		return -EBUSY;
	st = calloc(1, sizeof(*st));
	if (!st || pf_event_reader_init(&st->reader, s->events, topics, after)) {
		free(st);
		return -ENOMEM;
	}
	st->base.read = read_news;
	st->base.close = close_stream;
	st->s = s;
	pthread_mutex_lock(&s->lock);
	s->count++;
	s->opened++;
	st->beats = s->beats;
	st->next = s->streams;
	st->link = &s->streams;
	if (st->next)
		st->next->link = &st->next;
	s->streams = st;
	pthread_mutex_unlock(&s->lock);
	*out = &st->base;
	return 0;
}

/* Under lock, so that none of them closes meanwhile. */
static void wake(struct pf_sse *s)
{
	for (struct stream *st = s->streams; st; st = st->next)
		pf_mgmt_stream_wake(&st->base);
}

static void wake_all(struct pf_sse *s)
{
	s->woken_ns = pf_clock_mono_ns();
	pthread_mutex_lock(&s->lock);
	wake(s);
	pthread_mutex_unlock(&s->lock);
}

static void on_gap(void *user)
{
	struct pf_sse *s = user;

	pf_timer_stop(&s->gap);
	wake_all(s);
}

void pf_sse_news(struct pf_sse *s)
{
	uint64_t since_ns = pf_clock_mono_ns() - s->woken_ns;

	if (s->gap)
		return;
	if (since_ns < PF_SSE_GAP_NS &&
		!pf_timer_start(&s->gap, s->loop, PF_SSE_GAP_NS - since_ns, on_gap, s))
		return;
	wake_all(s);
}

static void on_beat(void *user)
{
	struct pf_sse *s = user;

	pf_timer_stop(&s->beat);
	pthread_mutex_lock(&s->lock);
	s->beats++;
	wake(s);
	pthread_mutex_unlock(&s->lock);
	(void)pf_timer_start(&s->beat, s->loop, PF_SSE_BEAT_NS, on_beat, s);
}

void pf_sse_recheck(struct pf_sse *s)
{
	wake_all(s);
}

void pf_sse_count(struct pf_sse *s, unsigned *open, uint64_t *opened)
{
	pthread_mutex_lock(&s->lock);
	*open = s->count;
	*opened = s->opened;
	pthread_mutex_unlock(&s->lock);
}

/* ---- life ---- */

int pf_sse_create(struct pf_sse **out, struct pf_events *events, struct pf_loop *loop)
{
	struct pf_sse *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->events = events;
	s->loop = loop;
	pthread_mutex_init(&s->lock, NULL);
	if (pf_timer_start(&s->beat, loop, PF_SSE_BEAT_NS, on_beat, s)) {
		pf_sse_destroy(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void pf_sse_stop(struct pf_sse *s)
{
	if (!s)
		return;
	pf_timer_stop(&s->gap);
	pf_timer_stop(&s->beat);
}

void pf_sse_destroy(struct pf_sse *s)
{
	if (!s)
		return;
	pf_sse_stop(s);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
