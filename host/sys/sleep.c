/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/sys/sleep.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>
#include "core/base/log.h"
#include "host/sys/loop.h"

#define LOGIND	"org.freedesktop.login1"
#define PATH	"/org/freedesktop/login1"
#define MANAGER "org.freedesktop.login1.Manager"

struct lock {
	const char *what, *why, *mode;
	sd_bus_slot *asked; /* the call under way */
	int fd;		    /* -1 = not held */
	bool wanted;
};

struct pf_sleep {
	struct pf_sleep_events events;
	void *user;
	sd_bus *bus;
	struct lock delay, idle;
};

static void let_go(struct lock *l)
{
	l->wanted = false;
	l->asked = sd_bus_slot_unref(l->asked);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static int on_lock(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct lock *l = user;
	int fd;

	(void)error;
	l->asked = sd_bus_slot_unref(l->asked);
	if (sd_bus_message_is_method_error(m, NULL)) {
		pf_log(PF_LOG_DEBUG, "sleep", "no lock on %s: %s", l->what,
			sd_bus_message_get_error(m)->name);
		return 0;
	}
	if (sd_bus_message_read(m, "h", &fd) < 0 || !l->wanted || l->fd >= 0)
		return 0;
	/* The message owns its descriptor. */
	l->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return 0;
}

static void take(struct pf_sleep *s, struct lock *l)
{
	if (!s->bus || l->fd >= 0 || l->asked)
		return;
	l->wanted = true;
	(void)sd_bus_call_method_async(s->bus, &l->asked, LOGIND, PATH, MANAGER, "Inhibit", on_lock,
		l, "ssss", l->what, "punktfunk", l->why, l->mode);
}

static int on_sleep(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct pf_sleep *s = user;
	int starts;

	(void)error;
	if (sd_bus_message_read(m, "b", &starts) < 0)
		return 0;
	if (starts) {
		s->events.before(s->user);
	} else {
		take(s, &s->delay);
		s->events.after(s->user);
	}
	return 0;
}

int pf_sleep_watch(struct pf_sleep **out, struct pf_loop *loop,
	const struct pf_sleep_events *events, void *user)
{
	struct pf_sleep *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->events = *events;
	s->user = user;
	s->delay = (struct lock){ "sleep", "streams say goodbye first", "delay", NULL, -1, false };
	s->idle = (struct lock){ "idle", "somebody watches a stream", "block", NULL, -1, false };
	r = sd_bus_open_system(&s->bus);
	if (r >= 0)
		r = sd_bus_attach_event(s->bus, pf_loop_event(loop), SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = sd_bus_match_signal_async(
			s->bus, NULL, LOGIND, PATH, MANAGER, "PrepareForSleep", on_sleep, NULL, s);
	if (r < 0) {
		pf_log(PF_LOG_DEBUG, "sleep", "no system bus (%s): sleep is not noticed",
			strerror(-r));
		s->bus = sd_bus_close_unref(s->bus);
	}
	take(s, &s->delay);
	*out = s;
	return 0;
}

void pf_sleep_unwatch(struct pf_sleep *s)
{
	if (!s)
		return;
	let_go(&s->delay);
	let_go(&s->idle);
	/* Unflushed: that would wait for a bus that does not answer. */
	sd_bus_close_unref(s->bus);
	free(s);
}

void pf_sleep_ready(struct pf_sleep *s)
{
	let_go(&s->delay);
}

void pf_sleep_set_busy(struct pf_sleep *s, bool busy)
{
	if (busy)
		take(s, &s->idle);
	else
		let_go(&s->idle);
}
