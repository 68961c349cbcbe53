/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/pads/pads.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/ring.h"
#include "core/base/utf8.h"
#include "host/pads/node.h"
#include "host/pads/pads_impl.h"

/* A client sends up to 1,000 events a second; the thread falls behind only while
 * the kernel makes a device. */
#define RING_EVENTS 512
/* Udev and a compositor need a moment for a new touch screen or pen, commonly below
 * 100 ms, and would never see what it said before: the first tap. */
#define SETTLE_NS   (300 * PF_NS_PER_MS)
#define HELD_EVENTS 128

enum slot {
	SLOT_SCREEN = PF_PADS_MAX, /* before it the pads */
	SLOT_PEN,
	SLOTS,
	SLOT_WAKE = SLOTS, /* in epoll only */
};

struct pf_pads {
	struct pf_ring ring;
	int wake, epoll;
	pthread_t thread;
	bool started;
	atomic_bool stop;
	atomic_uint dropped;
	unsigned dropped_seen; /* thread's, as all below */
	const struct pf_pads_backends *backends;
	char name[64];
	void (*feedback)(void *user, const struct pf_pad_feedback *fb);
	void *user;
	struct {
		struct pf_pad_device *dev;
		bool arrived; /* or tried, with or without success */
		enum pf_pad_kind asked;
	} slots[SLOTS];
	/* For screen and pen, until then. */
	uint64_t settled_ns;
	unsigned held_count;
	struct pf_pad_event held[HELD_EVENTS];
	uint32_t told; /* bit per slot or asked kind: its failure was logged */
};

static const struct pf_pad_device_ops *const pad_backends[] = {
	&pf_uinput_pad_ops,
	&pf_uhid_pad_ops,
	NULL,
};

static const struct pf_pads_backends kernel_backends = {
	.pads = pad_backends,
	.screen = &pf_touch_screen_ops,
	.pen = &pf_pen_ops,
};

/* What comes nearest, by buttons first: a pad beats none. */
static const enum pf_pad_kind nearest[PF_PAD_KINDS][PF_PAD_KINDS] = {
	[PF_PAD_XBOX_360] = { PF_PAD_XBOX_360, PF_PAD_XBOX_ONE, PF_PAD_DUALSHOCK4,
		PF_PAD_DUALSENSE },
	[PF_PAD_XBOX_ONE] = { PF_PAD_XBOX_ONE, PF_PAD_XBOX_360, PF_PAD_DUALSENSE,
		PF_PAD_DUALSHOCK4 },
	[PF_PAD_DUALSHOCK4] = { PF_PAD_DUALSHOCK4, PF_PAD_DUALSENSE, PF_PAD_XBOX_ONE,
		PF_PAD_XBOX_360 },
	[PF_PAD_DUALSENSE] = { PF_PAD_DUALSENSE, PF_PAD_DUALSHOCK4, PF_PAD_XBOX_ONE,
		PF_PAD_XBOX_360 },
};

static const char *kind_name(enum pf_pad_kind kind)
{
	static const char *const names[PF_PAD_KINDS] = {
		[PF_PAD_XBOX_360] = "Xbox 360",
		[PF_PAD_XBOX_ONE] = "Xbox One",
		[PF_PAD_DUALSHOCK4] = "DualShock 4",
		[PF_PAD_DUALSENSE] = "DualSense",
	};

	return names[kind];
}

unsigned pf_pads_can(struct pf_reason *why)
{
	static const struct {
		const char *path, *module;
		unsigned bit;
	} rows[] = {
		{ "/dev/uinput", "uinput", PF_PADS_CAN_UINPUT },
		{ "/dev/uhid", "uhid", PF_PADS_CAN_UHID },
	};
	struct pf_reason one;
	unsigned can = 0;

	if (why)
		*why = (struct pf_reason){ 0 };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = pf_pad_node_open(rows[i].path, rows[i].module, &one);

		if (fd >= 0) {
			close(fd);
			can |= rows[i].bit;
		} else if (why && why->code) {
			size_t len = strlen(why->text);

			snprintf(why->text + len, sizeof(why->text) - len, "; %s", one.text);
		} else if (why) {
			*why = one;
		}
	}
	return can;
}

static bool first_time(struct pf_pads *p, unsigned bit)
{
	bool first = !(p->told & 1u << bit);

	p->told |= 1u << bit;
	return first;
}

static void install(struct pf_pads *p, unsigned slot, struct pf_pad_device *dev)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = slot };

	p->slots[slot].dev = dev;
	if (dev->fd >= 0 && epoll_ctl(p->epoll, EPOLL_CTL_ADD, dev->fd, &ev))
		pf_log(PF_LOG_WARN, "pads", "a device's requests cannot be heard: %s",
			strerror(errno));
}

static void drop(struct pf_pads *p, unsigned slot)
{
	struct pf_pad_device *dev = p->slots[slot].dev;

	p->slots[slot].dev = NULL;
	p->slots[slot].arrived = false;
	if (!dev)
		return;
	if (dev->fd >= 0)
		epoll_ctl(p->epoll, EPOLL_CTL_DEL, dev->fd, NULL);
	dev->ops->close(dev);
}

static int open_slot(struct pf_pads *p, unsigned slot, enum pf_pad_kind kind,
	const struct pf_pad_device_ops *ops, struct pf_reason *why)
{
	struct pf_pad_device_params params = {
		.kind = kind,
		.pad = (uint8_t)slot,
		.name = p->name,
		.feedback = p->feedback,
		.user = p->user,
	};
	struct pf_pad_device *dev;
	int r = ops->open(&dev, &params, why);

	if (!r)
		install(p, slot, dev);
	return r;
}

static int open_kind(struct pf_pads *p, unsigned slot, enum pf_pad_kind kind, struct pf_reason *why)
{
	int r = pf_reason_set(why, -ENOSYS, "not built in");

	for (const struct pf_pad_device_ops *const *o = p->backends->pads; *o; o++)
		if ((*o)->kinds & 1u << kind) {
			r = open_slot(p, slot, kind, *o, why);
			if (!r)
				return 0;
		}
	return r;
}

static void arrive(struct pf_pads *p, unsigned slot, enum pf_pad_kind asked)
{
	struct pf_reason why = { 0 }, other;
	struct pf_pad_feedback still = { .kind = PF_PAD_FB_RUMBLE, .pad = (uint8_t)slot };

	if (p->slots[slot].arrived && p->slots[slot].asked == asked)
		return;
	if (p->slots[slot].dev) {
		drop(p, slot);
		p->feedback(p->user, &still);
	}
	p->slots[slot].arrived = true;
	p->slots[slot].asked = asked;
	if (!open_kind(p, slot, asked, &why))
		return;
	for (unsigned i = 1; i < PF_PAD_KINDS; i++) {
		enum pf_pad_kind kind = nearest[asked][i];

		if (open_kind(p, slot, kind, &other))
			continue;
		if (first_time(p, SLOTS + asked))
			pf_log(PF_LOG_WARN, "pads", "a %s pad of %s becomes a %s pad: %s",
				kind_name(asked), p->name, kind_name(kind), why.text);
		return;
	}
	if (first_time(p, SLOTS + PF_PAD_KINDS))
		pf_log(PF_LOG_WARN, "pads", "no gamepads for %s: %s", p->name, why.text);
}

static struct pf_pad_device *surface(
	struct pf_pads *p, unsigned slot, const struct pf_pad_device_ops *ops, const char *what)
{
	struct pf_reason why = { 0 };

	if (!p->slots[slot].arrived) {
		p->slots[slot].arrived = true;
		if (!ops)
			pf_reason_set(&why, -ENOSYS, "not built in");
		else
			open_slot(p, slot, PF_PAD_KINDS, ops, &why);
		if (p->slots[slot].dev)
			p->settled_ns = pf_clock_mono_ns() + SETTLE_NS;
		else if (first_time(p, slot))
			pf_log(PF_LOG_WARN, "pads", "no %s for %s: %s", what, p->name, why.text);
	}
	return p->slots[slot].dev;
}

static void deliver(struct pf_pads *p, const struct pf_pad_event *ev)
{
	struct pf_pad_device *dev;

	if (ev->kind == PF_PAD_PEN) {
		dev = p->slots[SLOT_PEN].dev;
		dev->ops->pen(dev, &ev->pen);
	} else {
		dev = p->slots[SLOT_SCREEN].dev;
		dev->ops->touch(dev, 0, &ev->screen);
	}
}

static void deliver_held(struct pf_pads *p)
{
	for (unsigned i = 0; i < p->held_count; i++)
		deliver(p, &p->held[i]);
	p->held_count = 0;
}

static void hold_or_deliver(struct pf_pads *p, const struct pf_pad_event *ev)
{
	if (pf_clock_mono_ns() >= p->settled_ns) {
		deliver_held(p);
		deliver(p, ev);
	} else if (p->held_count < HELD_EVENTS) {
		p->held[p->held_count++] = *ev;
	} else {
		atomic_fetch_add(&p->dropped, 1);
	}
}

static void release_all(struct pf_pads *p)
{
	deliver_held(p);
	for (unsigned i = 0; i < SLOTS; i++)
		if (p->slots[i].dev)
			p->slots[i].dev->ops->release(p->slots[i].dev);
}

static void pad_event(struct pf_pads *p, const struct pf_pad_event *ev)
{
	struct pf_pad_device *dev;

	if (ev->kind == PF_PAD_ARRIVE && ev->arrive < PF_PAD_KINDS)
		arrive(p, ev->pad, ev->arrive);
	else if (ev->kind == PF_PAD_STATE && !p->slots[ev->pad].arrived)
		arrive(p, ev->pad, PF_PAD_XBOX_360);
	dev = p->slots[ev->pad].dev;
	if (!dev)
		return;
	switch (ev->kind) {
	case PF_PAD_STATE:
		dev->ops->state(dev, &ev->state);
		break;
	case PF_PAD_TOUCH:
		if (dev->ops->touch)
			dev->ops->touch(dev, ev->touch.surface, &ev->touch.touch);
		break;
	case PF_PAD_MOTION:
		if (dev->ops->motion)
			dev->ops->motion(
				dev, ev->motion.gyro, ev->motion.x, ev->motion.y, ev->motion.z);
		break;
	case PF_PAD_BATTERY:
		if (dev->ops->battery)
			dev->ops->battery(dev, ev->battery.state, ev->battery.percent);
		break;
	default:
		break;
	}
}

static void handle(struct pf_pads *p, const struct pf_pad_event *ev)
{
	switch (ev->kind) {
	case PF_PAD_SCREEN_TOUCH:
		if (surface(p, SLOT_SCREEN, p->backends->screen, "touch screen"))
			hold_or_deliver(p, ev);
		break;
	case PF_PAD_PEN:
		if (surface(p, SLOT_PEN, p->backends->pen, "pen"))
			hold_or_deliver(p, ev);
		break;
	case PF_PAD_RELEASE_ALL:
		release_all(p);
		break;
	case PF_PAD_LEAVE:
		drop(p, ev->pad);
		break;
	default:
		pad_event(p, ev);
	}
}

static void take_posted(struct pf_pads *p)
{
	struct pf_pad_event ev;
	unsigned dropped;
	uint64_t n;

	if (read(p->wake, &n, sizeof(n)) < 0)
		return;
	while (pf_ring_take(&p->ring, &ev))
		handle(p, &ev);
	/* Among what was lost may have been a release. */
	dropped = atomic_load(&p->dropped);
	if (dropped != p->dropped_seen) {
		p->dropped_seen = dropped;
		release_all(p);
	}
}

static int wait_ms(const struct pf_pads *p)
{
	uint64_t due_ns = p->held_count ? p->settled_ns : 0, now_ns;

	for (unsigned i = 0; i < SLOTS; i++) {
		const struct pf_pad_device *dev = p->slots[i].dev;

		if (dev && dev->due_ns && (!due_ns || dev->due_ns < due_ns))
			due_ns = dev->due_ns;
	}
	if (!due_ns)
		return -1;
	now_ns = pf_clock_mono_ns();
	return due_ns <= now_ns ? 0 : (int)((due_ns - now_ns) / PF_NS_PER_MS) + 1;
}

static void tick(struct pf_pads *p)
{
	uint64_t now_ns = pf_clock_mono_ns();

	for (unsigned i = 0; i < SLOTS; i++) {
		struct pf_pad_device *dev = p->slots[i].dev;

		if (dev && dev->due_ns && dev->due_ns <= now_ns)
			dev->ops->tick(dev, now_ns);
	}
	if (p->held_count && now_ns >= p->settled_ns)
		deliver_held(p);
}

static void device_event(struct pf_pads *p, unsigned slot, uint32_t events)
{
	struct pf_pad_device *dev = p->slots[slot].dev;

	if (!dev)
		return;
	if (events & EPOLLIN)
		dev->ops->readable(dev);
	else /* broken: it must not keep the thread busy */
		epoll_ctl(p->epoll, EPOLL_CTL_DEL, dev->fd, NULL);
}

static void *run(void *arg)
{
	struct pf_pads *p = arg;
	struct epoll_event ev[SLOTS + 1];

	pthread_setname_np(pthread_self(), "pf-pads");
	while (!atomic_load(&p->stop)) {
		int n = epoll_wait(p->epoll, ev, SLOTS + 1, wait_ms(p));

		/* The kernel's requests first: programs wait for the answer. */
		for (int i = 0; i < n; i++)
			if (ev[i].data.u32 < SLOTS)
				device_event(p, ev[i].data.u32, ev[i].events);
		for (int i = 0; i < n; i++)
			if (ev[i].data.u32 == SLOT_WAKE)
				take_posted(p);
		tick(p);
	}
	return NULL;
}

static void wake(struct pf_pads *p)
{
	uint64_t one = 1;
	ssize_t n = write(p->wake, &one, sizeof(one));

	(void)n; /* only a counter at its limit refuses: then it is awake */
}

void pf_pads_close(struct pf_pads *p)
{
	unsigned dropped;

	if (!p)
		return;
	if (p->started) {
		atomic_store(&p->stop, true);
		wake(p);
		pthread_join(p->thread, NULL);
	}
	release_all(p);
	for (unsigned i = 0; i < SLOTS; i++)
		drop(p, i);
	dropped = atomic_load(&p->dropped);
	if (dropped)
		pf_log(PF_LOG_WARN, "pads",
			"%u events of %s's pads were dropped: the host was busy", dropped, p->name);
	if (p->epoll >= 0)
		close(p->epoll);
	if (p->wake >= 0)
		close(p->wake);
	pf_ring_finish(&p->ring);
	free(p);
}

int pf_pads_open_with(struct pf_pads **out, const struct pf_pads_params *params,
	const struct pf_pads_backends *backends, struct pf_reason *why)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = SLOT_WAKE };
	struct pf_pads *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	p->backends = backends;
	p->feedback = params->feedback;
	p->user = params->user;
	pf_utf8_printable(p->name, sizeof(p->name), params->name, strlen(params->name));
	p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->wake < 0 || p->epoll < 0 || epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->wake, &ev)) {
		r = pf_reason_set(why, -errno, "cannot watch the pads: %s", strerror(errno));
		goto fail;
	}
	r = pf_ring_init(&p->ring, RING_EVENTS, sizeof(struct pf_pad_event));
	if (r) {
		pf_reason_set(why, r, "out of memory");
		goto fail;
	}
	r = -pthread_create(&p->thread, NULL, run, p);
	if (r) {
		pf_reason_set(why, r, "cannot start the pads' thread: %s", strerror(-r));
		goto fail;
	}
	p->started = true;
	*out = p;
	return 0;
fail:
	pf_pads_close(p);
	return r;
}

int pf_pads_open(struct pf_pads **out, const struct pf_pads_params *params, struct pf_reason *why)
{
	return pf_pads_open_with(out, params, &kernel_backends, why);
}

int pf_pads_post(struct pf_pads *p, const struct pf_pad_event *ev)
{
	int r = 0;

	if (ev->pad >= PF_PADS_MAX)
		return -EINVAL;
	if (!pf_ring_put(&p->ring, ev)) {
		atomic_fetch_add(&p->dropped, 1);
		r = -EAGAIN;
	}
	wake(p);
	return r;
}
