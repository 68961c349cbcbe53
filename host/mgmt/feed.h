/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* feed.h - all that the management API tells without being asked anew: events and
 * who listens to them.
 *
 * Private to host/mgmt; control loop. */
#pragma once
#include "host/mgmt/events.h"
#include "host/mgmt/live.h"
#include "host/mgmt/mgmt.h"
#include "host/mgmt/recordings.h"
#include "host/mgmt/sse.h"
#include "host/sys/logbook.h"

struct pf_feed {
	struct pf_events *events;
	struct pf_sse *sse;
	struct pf_clients_watch watch;
	struct pf_mgmt_params p;
	struct pf_live *live;
	struct pf_recordings *recordings; /* NULL = none are kept */
	struct pf_timer *second;	  /* figures are due */
	struct pf_timer *look;		  /* who pairs and who asks is looked at */
	uint64_t pairing, access;	  /* how that was told last, as hashes */
	struct pf_loop_item log_item;
	struct pf_timer *log_wait; /* lines are told together */
	uint64_t log_last;
	uint64_t since_ns, published;
	bool stopped;
};

/** Borrows what `p` points to. -ENOMEM. */
int pf_feed_create(struct pf_feed **out, const struct pf_mgmt_params *p);
/** As pf_mgmt_event. */
void pf_feed_publish(struct pf_feed *f, const char *name, struct json_t *data);
/** Tells if who pairs and who asks for access, or how far that is, is another. */
void pf_feed_look(struct pf_feed *f);
/** Before the HTTP server ends: nothing is published any more. Accepts NULL. */
void pf_feed_stop(struct pf_feed *f);
/** After all streams were closed. Accepts NULL. */
void pf_feed_destroy(struct pf_feed *f);
/** Lines as GET logs answers them; NULL when out of memory. */
json_t *pf_feed_lines_json(const struct pf_log_line *lines, const struct pf_logbook_range *found);
/** Of this API; NULL for NULL. */
struct pf_feed *pf_mgmt_feed(struct pf_mgmt *m);
