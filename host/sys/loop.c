/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/sys/loop.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <systemd/sd-event.h>
#include <unistd.h>
#include "core/base/clock.h"

struct pf_loop {
	struct sd_event *event;
	sd_event_source *wake;
	int wake_fd;
	pthread_mutex_t lock;
	struct pf_loop_item *first, **last; /* under lock */
};

struct message {
	struct pf_loop_item item;
	void (*fn)(void *user, void *msg);
	void *user;
	_Alignas(max_align_t) unsigned char body[];
};

static int on_wake(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct pf_loop *l = user;
	struct pf_loop_item *item;
	uint64_t count;

	/* Cleared before the list is taken: a post in between wakes us again. */
	(void)!read(fd, &count, sizeof(count));
	pthread_mutex_lock(&l->lock);
	item = l->first;
	l->first = NULL;
	l->last = &l->first;
	pthread_mutex_unlock(&l->lock);
	while (item) {
		struct pf_loop_item *next = item->next;

		item->run(item);
		item = next;
	}
	return 0;
}

int pf_loop_create(struct pf_loop **out)
{
	struct pf_loop *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	l->last = &l->first;
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake_fd < 0) {
		r = -errno;
		goto fail;
	}
	r = sd_event_new(&l->event);
	if (r < 0)
		goto fail;
	r = sd_event_add_io(l->event, &l->wake, l->wake_fd, 1 /* EPOLLIN */, on_wake, l);
	if (r < 0)
		goto fail;
	*out = l;
	return 0;
fail:
	pf_loop_destroy(l);
	return r;
}

static void run_message(struct pf_loop_item *item)
{
	struct message *m = (struct message *)item;

	m->fn(m->user, m->body);
	free(m);
}

void pf_loop_destroy(struct pf_loop *l)
{
	if (!l)
		return;
	while (l->first) {
		struct pf_loop_item *item = l->first;

		l->first = item->next;
		if (item->run == run_message)
			free(item);
	}
	sd_event_source_disable_unref(l->wake);
	sd_event_unref(l->event);
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

int pf_loop_run(struct pf_loop *l)
{
	return sd_event_loop(l->event);
}

void pf_loop_quit(struct pf_loop *l, int code)
{
	(void)sd_event_exit(l->event, code);
}

struct sd_event *pf_loop_event(struct pf_loop *l)
{
	return l->event;
}

void pf_loop_post_item(struct pf_loop *l, struct pf_loop_item *item)
{
	uint64_t one = 1;
	int wake;

	item->next = NULL;
	pthread_mutex_lock(&l->lock);
	wake = !l->first;
	*l->last = item;
	l->last = &item->next;
	pthread_mutex_unlock(&l->lock);
	if (wake)
		(void)!write(l->wake_fd, &one, sizeof(one));
}

int pf_loop_post(struct pf_loop *l, void (*fn)(void *user, void *msg), void *user, const void *msg,
	size_t len)
{
	struct message *m = malloc(sizeof(*m) + len);

	if (!m)
		return -ENOMEM;
	m->item.run = run_message;
	m->fn = fn;
	m->user = user;
	if (len)
		memcpy(m->body, msg, len);
	pf_loop_post_item(l, &m->item);
	return 0;
}

struct pf_timer {
	sd_event_source *source;
	void (*fn)(void *user);
	void *user;
};

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct pf_timer *t = user;

	t->fn(t->user); /* may stop and free the timer */
	return 0;
}

int pf_timer_start(struct pf_timer **out, struct pf_loop *l, uint64_t delay_ns,
	void (*fn)(void *user), void *user)
{
	struct pf_timer *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->fn = fn;
	t->user = user;
	r = sd_event_add_time(l->event, &t->source, CLOCK_MONOTONIC,
		(pf_clock_mono_ns() + delay_ns) / PF_NS_PER_US, PF_NS_PER_MS / PF_NS_PER_US,
		on_timer, t);
	if (r < 0) {
		free(t);
		return r;
	}
	*out = t;
	return 0;
}

void pf_timer_stop(struct pf_timer **tp)
{
	struct pf_timer *t = *tp;

	*tp = NULL;
	if (!t)
		return;
	sd_event_source_disable_unref(t->source);
	free(t);
}
