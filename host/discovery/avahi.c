/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <avahi-client/client.h>
#include <avahi-client/publish.h>
#include <avahi-common/error.h>
#include <avahi-common/simple-watch.h>
#include "core/base/log.h"
#include "host/discovery/discovery.h"

#define TOPIC	   "discovery"
#define RETRY_MS   15000 /* while there is no bus */
#define SETTLE_MS  500	 /* between a loss and the next try */
#define RENAME_MAX 20	 /* names tried until one is free */

struct service {
	char *type;
	uint16_t port;
	AvahiStringList *txt;
};

struct pf_discovery {
	pthread_t thread;
	bool started;
	atomic_bool stop;
	AvahiSimplePoll *poll;
	struct service *services;
	size_t count;
	/* the thread's */
	AvahiClient *client;
	AvahiEntryGroup *group;
	char wish[PF_DISCOVERY_NAME_BYTES], name[PF_DISCOVERY_NAME_BYTES];
	unsigned renames; /* since the wish */
	bool broken;	  /* make the client anew */
	bool said_no;	  /* that the daemon is not there */
};

static void say_absent(struct pf_discovery *d, const char *text)
{
	if (!d->said_no)
		pf_log(PF_LOG_INFO, TOPIC,
			"no avahi-daemon (%s): clients do not find this host by themselves; type "
			"its address there",
			text);
	d->said_no = true;
}

static void publish(struct pf_discovery *d, AvahiClient *client);

/* "desk" becomes "desk-2", then "desk-3". */
static void rename_services(struct pf_discovery *d)
{
	snprintf(d->name, sizeof(d->name), "%.*s-%u", PF_DISCOVERY_NAME_BYTES - 5, d->wish,
		++d->renames + 1);
}

static void on_group(AvahiEntryGroup *group, AvahiEntryGroupState state, void *user)
{
	struct pf_discovery *d = user;
	AvahiClient *client = avahi_entry_group_get_client(group);

	d->group = group; /* the first call comes before the maker returns */
	if (state == AVAHI_ENTRY_GROUP_ESTABLISHED) {
		pf_log(PF_LOG_INFO, TOPIC, "clients find this host as \"%s\"", d->name);
		d->said_no = false;
	} else if (state == AVAHI_ENTRY_GROUP_COLLISION && d->renames < RENAME_MAX) {
		rename_services(d);
		publish(d, client);
	} else if (state == AVAHI_ENTRY_GROUP_COLLISION || state == AVAHI_ENTRY_GROUP_FAILURE) {
		pf_log(PF_LOG_WARN, TOPIC, "cannot be found by clients: %s",
			avahi_strerror(avahi_client_errno(client)));
	}
}

static int add_all(struct pf_discovery *d)
{
	int r = 0;

	for (size_t i = 0; i < d->count && r >= 0; i++)
		r = avahi_entry_group_add_service_strlst(d->group, AVAHI_IF_UNSPEC,
			AVAHI_PROTO_UNSPEC, 0, d->name, d->services[i].type, NULL, NULL,
			d->services[i].port, d->services[i].txt);
	return r < 0 ? r : avahi_entry_group_commit(d->group);
}

static void publish(struct pf_discovery *d, AvahiClient *client)
{
	int r;

	if (!d->group)
		d->group = avahi_entry_group_new(client, on_group, d);
	if (!d->group) {
		r = avahi_client_errno(client);
	} else {
		/* Our own daemon knows some conflicts at once. */
		for (;;) {
			avahi_entry_group_reset(d->group);
			r = add_all(d);
			if (r != AVAHI_ERR_COLLISION || d->renames >= RENAME_MAX)
				break;
			rename_services(d);
		}
	}
	if (r < 0 && r != AVAHI_ERR_DISCONNECTED)
		pf_log(PF_LOG_WARN, TOPIC, "cannot be found by clients: %s", avahi_strerror(r));
}

static void on_client(AvahiClient *client, AvahiClientState state, void *user)
{
	struct pf_discovery *d = user;

	switch (state) {
	case AVAHI_CLIENT_S_RUNNING:
		publish(d, client);
		break;
	case AVAHI_CLIENT_S_COLLISION:
	case AVAHI_CLIENT_S_REGISTERING:
		/* The machine's own name changes: publish again once it is settled. */
		if (d->group)
			avahi_entry_group_reset(d->group);
		break;
	case AVAHI_CLIENT_CONNECTING:
		say_absent(d, "not running");
		break;
	case AVAHI_CLIENT_FAILURE:
		d->broken = true;
		say_absent(d, avahi_strerror(avahi_client_errno(client)));
		break;
	}
}

static void drop_client(struct pf_discovery *d)
{
	if (d->client)
		avahi_client_free(d->client); /* and its group */
	d->client = NULL;
	d->group = NULL;
	d->broken = false;
}

static void *run(void *arg)
{
	struct pf_discovery *d = arg;

	while (!atomic_load(&d->stop)) {
		int error = 0;

		if (d->broken)
			drop_client(d);
		if (!d->client) {
			/* Each daemon is asked for the name that was wished for. */
			strcpy(d->name, d->wish);
			d->renames = 0;
			d->client = avahi_client_new(avahi_simple_poll_get(d->poll),
				AVAHI_CLIENT_NO_FAIL, on_client, d, &error);
		}
		if (!d->client)
			say_absent(d, avahi_strerror(error));
		/* The new client waits for the daemon by itself; without a bus there is
		 * none, and only the clock wakes this. */
		if (!d->broken)
			(void)avahi_simple_poll_iterate(d->poll, d->client ? -1 : RETRY_MS);
		else
			(void)avahi_simple_poll_iterate(d->poll, SETTLE_MS);
	}
	drop_client(d);
	return NULL;
}

int pf_discovery_create(struct pf_discovery **out, const char *name,
	const struct pf_discovery_service *services, size_t count, struct pf_reason *why)
{
	struct pf_discovery *d = calloc(1, sizeof(*d));

	if (!d)
		goto fail;
	snprintf(d->wish, sizeof(d->wish), "%s", name);
	d->services = calloc(count, sizeof(*d->services));
	if (!d->services)
		goto fail;
	for (; d->count < count; d->count++) {
		struct service *s = &d->services[d->count];

		s->port = services[d->count].port;
		s->type = strdup(services[d->count].type);
		if (!s->type)
			goto fail;
		for (const char *const *t = services[d->count].txt; t && *t; t++) {
			AvahiStringList *longer = avahi_string_list_add(s->txt, *t);

			if (!longer) {
				d->count++; /* what it has is freed */
				goto fail;
			}
			s->txt = longer;
		}
	}
	d->poll = avahi_simple_poll_new();
	if (!d->poll || pthread_create(&d->thread, NULL, run, d))
		goto fail;
	d->started = true;
	*out = d;
	return 0;
fail:
	pf_discovery_destroy(d);
	return pf_reason_set(why, -ENOMEM, "out of memory");
}

void pf_discovery_destroy(struct pf_discovery *d)
{
	if (!d)
		return;
	if (d->started) {
		atomic_store(&d->stop, true);
		avahi_simple_poll_wakeup(d->poll);
		pthread_join(d->thread, NULL);
	}
	if (d->poll)
		avahi_simple_poll_free(d->poll);
	for (size_t i = 0; i < d->count; i++) {
		free(d->services[i].type);
		avahi_string_list_free(d->services[i].txt);
	}
	free(d->services);
	free(d);
}
