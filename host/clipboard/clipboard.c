/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/clipboard/clipboard.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/crypto/secret.h"
#include "host/wayland/conn.h"
#include "host/wayland/data_control.h"

#define OPEN_TIMEOUT_MS 10000
#define PATIENCE_NS	(60 * PF_NS_PER_S) /* with a program that delivers or takes slowly */
#define FIRST_CAP	(64u << 10)
#define COMMANDS_MAX	64
#define FLUSH_MS	100
/* Tells our own offer from a program's; nobody reads it. */
#define MARK "application/x-punktfunk-own-%016llx"

enum what { OFFER, READ, CANCEL, GIVE };

struct command {
	struct command *next;
	enum what what;
	uint32_t id, serial;
	char name[PF_CLIP_LOCAL_NAME];
	struct pf_clip_local local;
	uint8_t *data;
	size_t len;
};

/* A program's offer; its names come one by one. */
struct selection {
	struct pf_data_offer *offer; /* NULL = unused */
	bool own;
	struct pf_clip_local local;
};

/* What comes out of a program, or goes into one. */
struct pipe_end {
	int fd; /* -1 = unused */
	uint32_t id;
	uint64_t deadline_ns;
	bool ready; /* a gift whose data is there */
	uint8_t *data;
	size_t len, cap; /* of a gift, cap bytes in all, len written */
};

struct pf_clipboard {
	const struct pf_clipboard_events *events;
	void *user;
	char socket[512];
	char mark[64];
	int wake, poll;
	pthread_t thread;
	bool started;
	atomic_bool stop;

	pthread_mutex_t lock;
	struct command *first, **last;
	unsigned waiting;

	/* the thread's */
	struct pf_wl *wl;
	struct wl_seat *seat;
	struct pf_data_manager *manager;
	struct pf_data_device *device;
	struct pf_data_source *source; /* NULL = the clipboard is not ours */
	struct selection next, now;
	uint32_t serial, gifts;
	bool finished;
	size_t read_bytes; /* of all reads */
	struct pipe_end reads[PF_CLIPBOARD_READS], writes[PF_CLIPBOARD_GIFTS];
};

/* ---- pipes ---- */

static void watch(struct pf_clipboard *c, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events };

	(void)epoll_ctl(c->poll, EPOLL_CTL_ADD, fd, &e);
}

/* Others may have the file open, too, and then closing alone leaves it watched. */
static void unwatch(struct pf_clipboard *c, int fd)
{
	(void)epoll_ctl(c->poll, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
}

static void end_read(struct pf_clipboard *c, struct pipe_end *p, int result)
{
	uint8_t *data = p->data;
	size_t len = p->len;
	uint32_t id = p->id;

	unwatch(c, p->fd);
	c->read_bytes -= p->cap;
	*p = (struct pipe_end){ .fd = -1 };
	if (result) {
		pf_secret_free(data, len);
		data = NULL;
		len = 0;
	}
	c->events->read(c->user, id, result, data, len);
}

static void end_write(struct pf_clipboard *c, struct pipe_end *p)
{
	unwatch(c, p->fd);
	pf_secret_free(p->data, p->cap);
	*p = (struct pipe_end){ .fd = -1 };
}

static int grow(struct pf_clipboard *c, struct pipe_end *p)
{
	size_t cap = p->cap ? 2 * p->cap : FIRST_CAP;
	uint8_t *data;

	if (cap - p->cap > PF_CLIPBOARD_BYTES_MAX - c->read_bytes)
		return -EMSGSIZE;
	data = pf_secret_grow(p->data, p->len, cap);
	if (!data)
		return -ENOMEM;
	c->read_bytes += cap - p->cap;
	p->data = data;
	p->cap = cap;
	return 0;
}

static void pump_read(struct pf_clipboard *c, struct pipe_end *p)
{
	/* A fast writer must not keep the others waiting. */
	for (unsigned i = 0; i < 16; i++) {
		int err = p->len == p->cap ? grow(c, p) : 0;
		ssize_t n;

		if (err) {
			end_read(c, p, err);
			return;
		}
		n = read(p->fd, p->data + p->len, p->cap - p->len);
		if (n > 0) {
			p->len += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		end_read(c, p, n < 0 ? -errno : 0);
		return;
	}
}

static void pump_write(struct pf_clipboard *c, struct pipe_end *p)
{
	while (p->len < p->cap) {
		ssize_t n = write(p->fd, p->data + p->len, p->cap - p->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			break;
		p->len += (size_t)n;
	}
	end_write(c, p);
}

static void pump(struct pf_clipboard *c)
{
	uint64_t now = pf_clock_mono_ns();

	for (unsigned i = 0; i < PF_CLIPBOARD_READS; i++) {
		struct pipe_end *p = &c->reads[i];

		if (p->fd >= 0)
			pump_read(c, p);
		if (p->fd >= 0 && now >= p->deadline_ns)
			end_read(c, p, -ETIMEDOUT);
	}
	for (unsigned i = 0; i < PF_CLIPBOARD_GIFTS; i++) {
		struct pipe_end *p = &c->writes[i];

		if (p->fd >= 0 && p->ready)
			pump_write(c, p);
		if (p->fd >= 0 && now >= p->deadline_ns)
			end_write(c, p);
	}
}

static int due_ms(const struct pf_clipboard *c)
{
	uint64_t now = pf_clock_mono_ns(), due = UINT64_MAX;

	for (unsigned i = 0; i < PF_CLIPBOARD_READS; i++)
		if (c->reads[i].fd >= 0 && c->reads[i].deadline_ns < due)
			due = c->reads[i].deadline_ns;
	for (unsigned i = 0; i < PF_CLIPBOARD_GIFTS; i++)
		if (c->writes[i].fd >= 0 && c->writes[i].deadline_ns < due)
			due = c->writes[i].deadline_ns;
	if (due == UINT64_MAX)
		return -1;
	return due > now ? (int)((due - now) / PF_NS_PER_MS) + 1 : 0;
}

/* ---- offers of programs ---- */

static void offer_name(void *user, struct pf_data_offer *o, const char *name)
{
	struct pf_clipboard *c = user;
	struct selection *s = &c->next;

	if (s->offer != o)
		return;
	s->own |= !strcmp(name, c->mark);
	/* Names beyond that are of no kind that we know. */
	if (s->local.count < PF_CLIP_LOCAL_MAX && strlen(name) < PF_CLIP_LOCAL_NAME)
		strcpy(s->local.names[s->local.count++], name);
}

static const struct pf_data_offer_listener offer_listener = { .offer = offer_name };

static void drop_selection(struct selection *s)
{
	if (s->offer)
		pf_data_offer_destroy(s->offer);
	*s = (struct selection){ 0 };
}

static void on_data_offer(void *user, struct pf_data_device *d, struct pf_data_offer *o)
{
	struct pf_clipboard *c = user;

	drop_selection(&c->next);
	if (!o)
		return;
	c->next.offer = o;
	pf_data_offer_listen(o, &offer_listener, c);
}

static void on_selection(void *user, struct pf_data_device *d, struct pf_data_offer *o)
{
	struct pf_clipboard *c = user;

	drop_selection(&c->now);
	if (o && o == c->next.offer) {
		c->now = c->next;
		c->next = (struct selection){ 0 };
	}
	if (c->now.own)
		return;
	c->events->selection(c->user, ++c->serial, &c->now.local);
}

static void on_finished(void *user, struct pf_data_device *d)
{
	((struct pf_clipboard *)user)->finished = true;
}

static void on_primary(void *user, struct pf_data_device *d, struct pf_data_offer *o)
{
	struct pf_clipboard *c = user;

	if (o && o == c->next.offer)
		drop_selection(&c->next);
}

static const struct pf_data_device_listener device_listener = {
	.data_offer = on_data_offer,
	.selection = on_selection,
	.finished = on_finished,
	.primary_selection = on_primary,
};

static struct pipe_end *unused(struct pipe_end *p, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (p[i].fd < 0)
			return &p[i];
	return NULL;
}

static void do_read(struct pf_clipboard *c, const struct command *m)
{
	struct pipe_end *p = unused(c->reads, PF_CLIPBOARD_READS);
	int fds[2], err = 0;

	if (!c->now.offer || c->now.own || m->serial != c->serial)
		err = -ESTALE;
	else if (!p)
		err = -EBUSY;
	else if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		err = -errno;
	if (err) {
		c->events->read(c->user, m->id, err, NULL, 0);
		return;
	}
	/* The program's end blocks, as programs expect it. */
	(void)fcntl(fds[1], F_SETFL, 0);
	pf_data_offer_receive(c->now.offer, m->name, fds[1]);
	(void)pf_wl_flush(c->wl, FLUSH_MS);
	close(fds[1]);
	*p = (struct pipe_end){
		.fd = fds[0], .id = m->id, .deadline_ns = pf_clock_mono_ns() + PATIENCE_NS
	};
	watch(c, p->fd, EPOLLIN);
}

/* ---- our offer ---- */

static void on_send(void *user, struct pf_data_source *s, const char *name, int32_t fd)
{
	struct pf_clipboard *c = user;
	struct pipe_end *p = unused(c->writes, PF_CLIPBOARD_GIFTS);

	if (s != c->source || !p || !strcmp(name, c->mark)) {
		close(fd);
		return;
	}
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	*p = (struct pipe_end){
		.fd = fd, .id = ++c->gifts, .deadline_ns = pf_clock_mono_ns() + PATIENCE_NS
	};
	c->events->wanted(c->user, p->id, name);
}

static void on_cancelled(void *user, struct pf_data_source *s)
{
	struct pf_clipboard *c = user;

	if (s == c->source)
		c->source = NULL;
	pf_data_source_destroy(s);
}

static const struct pf_data_source_listener source_listener = {
	.send = on_send,
	.cancelled = on_cancelled,
};

static void do_offer(struct pf_clipboard *c, const struct pf_clip_local *l)
{
	struct pf_data_source *before = c->source;

	/* An offer fits into libwayland's buffer when that is empty; one after the other
	 * would overflow it, which ends the connection. */
	while (pf_wl_flush(c->wl, FLUSH_MS) == -ETIMEDOUT && !atomic_load(&c->stop))
		;
	c->source = NULL;
	if (l->count) {
		c->source = pf_data_source_create(c->manager, &source_listener, c);
		if (c->source) {
			for (unsigned i = 0; i < l->count; i++)
				pf_data_source_offer(c->source, l->names[i]);
			pf_data_source_offer(c->source, c->mark);
			pf_data_device_set_selection(c->device, c->source);
		}
	}
	/* After the new one is in place, so that it is not empty in between. */
	if (before)
		pf_data_source_destroy(before);
}

static void do_give(struct pf_clipboard *c, struct command *m)
{
	for (unsigned i = 0; i < PF_CLIPBOARD_GIFTS; i++) {
		struct pipe_end *p = &c->writes[i];

		if (p->fd < 0 || p->id != m->id || p->ready)
			continue;
		p->ready = true;
		p->data = m->data;
		p->cap = m->len;
		m->data = NULL;
		watch(c, p->fd, EPOLLOUT);
		return;
	}
}

/* ---- the thread ---- */

static void do_cancel(struct pf_clipboard *c, uint32_t id)
{
	for (unsigned i = 0; i < PF_CLIPBOARD_READS; i++)
		if (c->reads[i].fd >= 0 && c->reads[i].id == id)
			end_read(c, &c->reads[i], -ECANCELED);
}

static struct command *take(struct pf_clipboard *c)
{
	struct command *m;

	pthread_mutex_lock(&c->lock);
	m = c->first;
	if (m) {
		c->first = m->next;
		if (!c->first)
			c->last = &c->first;
		c->waiting--;
	}
	pthread_mutex_unlock(&c->lock);
	return m;
}

static void free_command(struct command *m)
{
	pf_secret_free(m->data, m->len);
	free(m);
}

static void obey(struct pf_clipboard *c)
{
	struct command *m;
	uint64_t count;
	ssize_t n = read(c->wake, &count, sizeof(count));

	(void)n; /* empty = nothing new */
	while ((m = take(c))) {
		switch (m->what) {
		case OFFER:
			do_offer(c, &m->local);
			break;
		case READ:
			do_read(c, m);
			break;
		case CANCEL:
			do_cancel(c, m->id);
			break;
		case GIVE:
			do_give(c, m);
			break;
		}
		free_command(m);
	}
}

static int meet(struct pf_clipboard *c, struct pf_reason *why)
{
	int r = pf_wl_open(&c->wl, c->socket, OPEN_TIMEOUT_MS, why);

	if (r)
		return r;
	c->seat = pf_wl_bind(c->wl, &wl_seat_interface, 1, 1);
	c->manager = pf_data_manager_bind(c->wl);
	if (!c->seat || !c->manager)
		return pf_reason_set(why, -ENOTSUP,
			"the compositor lets no program reach the clipboard (no data-control): "
			"sway and labwc do");
	c->device = pf_data_device_get(c->manager, c->seat, &device_listener, c);
	return c->device ? 0 : pf_reason_set(why, -ENOMEM, "out of memory");
}

static void part(struct pf_clipboard *c)
{
	for (unsigned i = 0; i < PF_CLIPBOARD_READS; i++)
		if (c->reads[i].fd >= 0)
			end_read(c, &c->reads[i], -ECANCELED);
	for (unsigned i = 0; i < PF_CLIPBOARD_GIFTS; i++)
		if (c->writes[i].fd >= 0)
			end_write(c, &c->writes[i]);
	if (c->source)
		pf_data_source_destroy(c->source);
	drop_selection(&c->next);
	drop_selection(&c->now);
	if (c->device)
		pf_data_device_destroy(c->device);
	if (c->manager)
		pf_data_manager_destroy(c->manager);
	if (c->seat)
		wl_seat_destroy(c->seat);
	pf_wl_close(c->wl);
}

static void *run(void *arg)
{
	struct pf_clipboard *c = arg;
	struct pf_reason why = { 0 };
	int r = meet(c, &why);

	c->events->state(c->user, r ? &why : NULL);
	while (r >= 0 && !c->finished && !atomic_load(&c->stop)) {
		r = pf_wl_wait(c->wl, c->poll, due_ms(c));
		obey(c);
		pump(c);
	}
	if (!why.code && !atomic_load(&c->stop)) {
		(void)pf_reason_set(&why, -EPIPE, "the compositor closed the clipboard");
		c->events->state(c->user, &why);
	}
	part(c);
	return NULL;
}

/* ---- calls ---- */

/* Of offers only the newest counts: a flood of them must not push that one out. Under
 * the lock. */
static bool replaces(struct pf_clipboard *c, const struct command *m)
{
	struct command *q = m->what == OFFER ? c->first : NULL;

	while (q && q->what != OFFER)
		q = q->next;
	if (q)
		q->local = m->local;
	return q;
}

static void post(struct pf_clipboard *c, struct command *m)
{
	const uint64_t one = 1;
	ssize_t n;

	m->next = NULL;
	pthread_mutex_lock(&c->lock);
	if (!replaces(c, m) && c->waiting < COMMANDS_MAX) {
		*c->last = m;
		c->last = &m->next;
		c->waiting++;
		m = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	if (m)
		free_command(m);
	n = write(c->wake, &one, sizeof(one));
	(void)n; /* full = it is awake */
}

static struct command *command(enum what what, uint32_t id)
{
	struct command *m = calloc(1, sizeof(*m));

	if (m) {
		m->what = what;
		m->id = id;
	}
	return m;
}

void pf_clipboard_offer(struct pf_clipboard *c, const struct pf_clip_local *l)
{
	struct command *m = command(OFFER, 0);

	if (!m)
		return;
	m->local = *l;
	post(c, m);
}

void pf_clipboard_read(struct pf_clipboard *c, uint32_t id, uint32_t serial, const char *name)
{
	struct command *m = command(READ, id);

	if (!m)
		return;
	m->serial = serial;
	snprintf(m->name, sizeof(m->name), "%s", name);
	post(c, m);
}

void pf_clipboard_cancel(struct pf_clipboard *c, uint32_t id)
{
	struct command *m = command(CANCEL, id);

	if (m)
		post(c, m);
}

void pf_clipboard_give(struct pf_clipboard *c, uint32_t gift, uint8_t *data, size_t len)
{
	struct command *m = command(GIVE, gift);

	if (!m) {
		pf_secret_free(data, len);
		return;
	}
	m->data = data;
	m->len = data ? len : 0;
	post(c, m);
}

void pf_clipboard_close(struct pf_clipboard *c)
{
	const uint64_t one = 1;
	struct command *m;
	ssize_t n;

	if (!c)
		return;
	if (c->started) {
		atomic_store(&c->stop, true);
		n = write(c->wake, &one, sizeof(one));
		(void)n;
		pthread_join(c->thread, NULL);
	}
	while ((m = take(c)))
		free_command(m);
	if (c->poll >= 0)
		close(c->poll);
	if (c->wake >= 0)
		close(c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* A program that goes away while it takes our data must not end the host. */
static int start_thread(struct pf_clipboard *c)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&c->thread, NULL, run, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	c->started = !r;
	if (!r)
		pthread_setname_np(c->thread, "pf-clipboard");
	return r;
}

int pf_clipboard_open(struct pf_clipboard **out, const char *socket,
	const struct pf_clipboard_events *events, void *user, struct pf_reason *why)
{
	struct pf_clipboard *c = calloc(1, sizeof(*c));
	unsigned long long mark;
	int r;

	if (!c)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	c->events = events;
	c->user = user;
	c->last = &c->first;
	pthread_mutex_init(&c->lock, NULL);
	for (unsigned i = 0; i < PF_CLIPBOARD_READS; i++)
		c->reads[i].fd = -1;
	for (unsigned i = 0; i < PF_CLIPBOARD_GIFTS; i++)
		c->writes[i].fd = -1;
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->poll = epoll_create1(EPOLL_CLOEXEC);
	if ((size_t)snprintf(c->socket, sizeof(c->socket), "%s", socket) >= sizeof(c->socket)) {
		r = pf_reason_set(why, -ENAMETOOLONG, "%s: longer than a path may be", socket);
		goto fail;
	}
	if (c->wake < 0 || c->poll < 0 || pf_random_bytes((uint8_t *)&mark, sizeof(mark))) {
		r = pf_reason_set(why, -EMFILE, "no clipboard: too many open files");
		goto fail;
	}
	snprintf(c->mark, sizeof(c->mark), MARK, mark);
	watch(c, c->wake, EPOLLIN);
	r = start_thread(c);
	if (r) {
		pf_reason_set(why, r, "cannot start the clipboard's thread: %s", strerror(-r));
		goto fail;
	}
	*out = c;
	return 0;
fail:
	pf_clipboard_close(c);
	return r;
}
