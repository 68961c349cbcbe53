/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* events.h - what happens on the host, kept for a while for those who listen.
 *
 * Each event is formatted once, as the text of server-sent events, and numbered. A
 * reader says where it stands; what it has missed is told to it as "reset". Figures
 * and log lines do not push out the rest. Numbers go on rising after a restart.
 * Published by the control loop, read by any thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t; /* of jansson */
struct pf_event;
struct pf_events;
struct pf_mgmt;

/** Publishes an event: session.started, pairing.changed, log... (see openapi.yaml).
 * Takes `data`, an object. Control loop; accepts NULL for `m` and for `data`, which then is
 * {}. */
void pf_mgmt_event(struct pf_mgmt *m, const char *name, struct json_t *data);

/* What stands before the dot in the name of an event, and a bit of it. */
enum pf_topic {
	PF_TOPIC_SESSION,
	PF_TOPIC_PAIRING,
	PF_TOPIC_ACCESS,
	PF_TOPIC_CLIENTS,
	PF_TOPIC_DISPLAYS,
	PF_TOPIC_GAME,
	PF_TOPIC_APPS,
	PF_TOPIC_SETTINGS,
	PF_TOPIC_DIAGNOSTICS,
	PF_TOPIC_RECORDINGS,
	PF_TOPIC_LOG,
	PF_TOPIC_LIVE,
	PF_TOPICS,
};

#define PF_TOPICS_ALL ((1u << PF_TOPICS) - 1)

/** The bits of a list like "session,live". False: it names something else. */
bool pf_topics_parse(uint32_t *out, const char *list);

/* Of the text of one event, and of what is kept: news, log, figures. */
#define PF_EVENT_BYTES_MAX 65536u
#define PF_EVENTS_BYTES	   262144u
#define PF_EVENTS_COUNT	   512u

/* Where a reader stands; embed it. */
struct pf_event_reader {
	uint32_t topics;
	uint64_t last;		 /* number of the newest event it has, or passed over */
	struct pf_event *flying; /* partly handed out; a reference */
	size_t offset;
};

int pf_events_create(struct pf_events **out);
/** No reader may be left. Accepts NULL. */
void pf_events_destroy(struct pf_events *e);
/** Takes `data` (NULL is {}). Control loop. Its number; 0 when it could not be kept, which
 * readers hear as a reset. */
uint64_t pf_events_publish(struct pf_events *e, const char *name, struct json_t *data);
/** Number of the newest event; never 0. */
uint64_t pf_events_newest(struct pf_events *e);

/** A reader that stands behind the event `after`; 0 = behind the newest. Its first text tells
 * it where it stands. 0 or -ENOMEM. */
int pf_event_reader_init(
	struct pf_event_reader *r, struct pf_events *e, uint32_t topics, uint64_t after);
void pf_event_reader_finish(struct pf_event_reader *r, struct pf_events *e);
/** The next text for it into buf, cut anywhere; 0 = there is none. */
size_t pf_event_read(struct pf_event_reader *r, struct pf_events *e, char *buf, size_t cap);
