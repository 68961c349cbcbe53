/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/events.h"
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"

/* How long a browser waits before it connects anew. */
#define RETRY_MS 2000

enum shelf_kind {
	NEWS,
	LOG,
	FIGURES,
	SHELVES,
};

struct pf_event {
	uint64_t id;
	uint32_t topic; /* a bit */
	unsigned refs;	/* under lock */
	size_t len;
	char text[];
};

struct shelf {
	struct pf_event *ring[PF_EVENTS_COUNT];
	unsigned first, count;
	size_t bytes;
	uint64_t gone; /* number of the newest event that is not kept any more */
};

struct pf_events {
	pthread_mutex_t lock;
	struct shelf shelves[SHELVES];
	uint64_t newest;
};

static const char *const topics[PF_TOPICS] = { "session", "pairing", "access", "clients",
	"displays", "game", "apps", "settings", "diagnostics", "recordings", "log", "live" };

static int find_topic(const char *name, size_t len)
{
	for (int i = 0; i < PF_TOPICS; i++)
		if (strlen(topics[i]) == len && !memcmp(topics[i], name, len))
			return i;
	return -1;
}

bool pf_topics_parse(uint32_t *out, const char *list)
{
	uint32_t bits = 0;

	for (;;) {
		size_t len = strcspn(list, ",");
		int i = find_topic(list, len);

		if (i < 0)
			return false;
		bits |= 1u << i;
		if (!list[len])
			break;
		list += len + 1;
	}
	*out = bits;
	return true;
}

static struct shelf *shelf_of(struct pf_events *e, uint32_t topic)
{
	return &e->shelves[topic == 1u << PF_TOPIC_LOG	  ? LOG
			   : topic == 1u << PF_TOPIC_LIVE ? FIGURES
							  : NEWS];
}

static bool wants(const struct pf_event_reader *r, enum shelf_kind kind)
{
	const uint32_t own[SHELVES] = {
		[LOG] = 1u << PF_TOPIC_LOG,
		[FIGURES] = 1u << PF_TOPIC_LIVE,
		[NEWS] = PF_TOPICS_ALL & ~(1u << PF_TOPIC_LOG | 1u << PF_TOPIC_LIVE),
	};

	return r->topics & own[kind];
}

int pf_events_create(struct pf_events **out)
{
	struct pf_events *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	pthread_mutex_init(&e->lock, NULL);
	/* Above all numbers of the process before, which are those of a thousand events
	 * a second at most; and exact in a browser's numbers. */
	e->newest = pf_clock_unix_ns() / PF_NS_PER_MS;
	for (unsigned i = 0; i < SHELVES; i++)
		e->shelves[i].gone = e->newest;
	*out = e;
	return 0;
}

static void unref(struct pf_event *v)
{
	if (v && !--v->refs)
		free(v);
}

static void drop_first(struct shelf *s)
{
	struct pf_event *v = s->ring[s->first];

	s->first = (s->first + 1) % PF_EVENTS_COUNT;
	s->count--;
	s->bytes -= v->len;
	s->gone = v->id;
	unref(v);
}

void pf_events_destroy(struct pf_events *e)
{
	if (!e)
		return;
	for (unsigned i = 0; i < SHELVES; i++)
		while (e->shelves[i].count)
			drop_first(&e->shelves[i]);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static struct pf_event *make(uint64_t id, uint32_t topic, const char *name, const char *data)
{
	size_t cap = strlen(name) + strlen(data) + 64;
	struct pf_event *v = cap > PF_EVENT_BYTES_MAX ? NULL : malloc(sizeof(*v) + cap);

	if (!v)
		return NULL;
	*v = (struct pf_event){ .id = id, .topic = topic, .refs = 1 };
	v->len = (size_t)snprintf(v->text, cap, "id: %llu\nevent: %s\ndata: %s\n\n",
		(unsigned long long)id, name, data);
	return v;
}

uint64_t pf_events_publish(struct pf_events *e, const char *name, json_t *data)
{
	int topic = find_topic(name, strcspn(name, "."));
	struct pf_event *v = NULL;
	char *text = NULL;
	struct shelf *s;
	uint64_t id;

	if (topic < 0) {
		json_decref(data);
		return 0;
	}
	if (data)
		text = json_dumps(data, JSON_COMPACT | JSON_REAL_PRECISION(9));
	/* Only this thread counts it up. */
	id = e->newest + 1;
	if (!data || text)
		v = make(id, 1u << topic, name, text ? text : "{}");
	free(text);
	json_decref(data);
	pthread_mutex_lock(&e->lock);
	e->newest = id;
	s = shelf_of(e, 1u << topic);
	if (v) {
		while (s->count == PF_EVENTS_COUNT ||
			(s->count && s->bytes + v->len > PF_EVENTS_BYTES))
			drop_first(s);
		s->ring[(s->first + s->count++) % PF_EVENTS_COUNT] = v;
		s->bytes += v->len;
	} else {
		while (s->count)
			drop_first(s);
		s->gone = id;
	}
	pthread_mutex_unlock(&e->lock);
	return v ? id : 0;
}

uint64_t pf_events_newest(struct pf_events *e)
{
	uint64_t id;

	pthread_mutex_lock(&e->lock);
	id = e->newest;
	pthread_mutex_unlock(&e->lock);
	return id;
}

int pf_event_reader_init(
	struct pf_event_reader *r, struct pf_events *e, uint32_t bits, uint64_t after)
{
	struct pf_event *v = malloc(sizeof(*v) + 64);

	if (!v)
		return -ENOMEM;
	pthread_mutex_lock(&e->lock);
	*r = (struct pf_event_reader){
		.topics = bits, .last = after ? after : e->newest, .flying = v
	};
	/* A number without an event moves the place from which a browser resumes. One that
	 * claims more than there is shall keep its own until it is told to reset. */
	*v = (struct pf_event){ .refs = 1 };
	v->len = (size_t)snprintf(
		v->text, 64, "retry: %d\nid: %llu\n\n", RETRY_MS, (unsigned long long)r->last);
	pthread_mutex_unlock(&e->lock);
	return 0;
}

void pf_event_reader_finish(struct pf_event_reader *r, struct pf_events *e)
{
	pthread_mutex_lock(&e->lock);
	unref(r->flying);
	r->flying = NULL;
	pthread_mutex_unlock(&e->lock);
}

/* The first event on a shelf behind `last`. */
static struct pf_event *behind(const struct shelf *s, uint64_t last)
{
	unsigned low = 0, high = s->count;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (s->ring[(s->first + mid) % PF_EVENTS_COUNT]->id > last)
			high = mid;
		else
			low = mid + 1;
	}
	return low < s->count ? s->ring[(s->first + low) % PF_EVENTS_COUNT] : NULL;
}

/* Whether the reader has not got all that it wanted; figures of the past are no loss. */
static bool has_missed(const struct pf_event_reader *r, const struct pf_events *e)
{
	if (r->last > e->newest)
		return true;
	for (enum shelf_kind k = NEWS; k < FIGURES; k++)
		if (wants(r, k) && r->last < e->shelves[k].gone)
			return true;
	return false;
}

/* Takes the next event that the reader wants into r->flying, if there is one. */
static void take_next(struct pf_event_reader *r, struct pf_events *e)
{
	struct pf_event *next = NULL;

	if (has_missed(r, e)) {
		next = make(e->newest, 0, "reset", "{}");
		if (!next)
			return; /* it is told the next time */
		r->flying = next;
		r->last = e->newest;
		return;
	}
	for (;;) {
		next = NULL;
		for (enum shelf_kind k = NEWS; k < SHELVES; k++) {
			struct pf_event *v = wants(r, k) ? behind(&e->shelves[k], r->last) : NULL;

			if (v && (!next || v->id < next->id))
				next = v;
		}
		if (!next) {
			r->last = e->newest;
			return;
		}
		r->last = next->id;
		if (next->topic & r->topics) {
			next->refs++;
			r->flying = next;
			return;
		}
	}
}

size_t pf_event_read(struct pf_event_reader *r, struct pf_events *e, char *buf, size_t cap)
{
	size_t len = 0;

	pthread_mutex_lock(&e->lock);
	while (len < cap) {
		size_t n;

		if (!r->flying) {
			r->offset = 0;
			take_next(r, e);
		}
		if (!r->flying)
			break;
		n = r->flying->len - r->offset;
		if (n > cap - len)
			n = cap - len;
		memcpy(buf + len, r->flying->text + r->offset, n);
		len += n;
		r->offset += n;
		if (r->offset == r->flying->len) {
			unref(r->flying);
			r->flying = NULL;
		}
	}
	pthread_mutex_unlock(&e->lock);
	return len;
}
