/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/session_pads.h"
#include <errno.h>
#include <stdlib.h>
#include "core/base/clock.h"
#include "core/base/ring.h"
#include "host/native/negotiate.h"
#include "host/native/pads.h"
#include "host/native/session.h"

#define QUEUE_EVENTS 1024

struct pf_native_session_pads {
	struct pf_native_session *ns;
	/* Quic thread puts, loop takes. */
	struct pf_ring ring;
	struct pf_loop_item item;
	_Atomic bool posted;
	_Atomic uint64_t dropped;
	/* Loop. */
	struct pf_native_pads p;
	struct pf_timer *timer;
	uint64_t timer_ns; /* when it runs; 0 = it does not */
};

struct queued {
	bool is_rich;
	union {
		struct pf_input_event input;
		struct pf_rich rich;
	};
};

/* ---- to the desk ---- */

static int post(void *user, const struct pf_pad_event *ev)
{
	struct pf_native_session *ns = user;

	return ns->desk ? pf_desk_pad(ns->desk, ev) : -ENODEV;
}

static void pointer(void *user, const struct pf_input_event *ev)
{
	struct pf_native_session *ns = user;

	if (ns->desk)
		(void)pf_desk_input(ns->desk, ev);
}

static void again(void *user, unsigned pad)
{
	struct pf_native_session *ns = user;

	pf_desk_pad_again(ns->desk, pad);
	pf_native_pads_news(ns);
}

/* ---- to the client ---- */

static void send_hid(struct pf_native_session *ns, const struct pf_hid *h)
{
	uint8_t buf[PF_RICH_MAX_BYTES];
	struct pf_dgram d = { .tag = PF_DGRAM_HID_OUTPUT };
	const int n = pf_hid_build(h, buf, sizeof(buf));

	if (n <= 0)
		return;
	d.raw.data = buf;
	d.raw.len = (size_t)n;
	(void)pf_host_session_datagram(ns->s, &d);
}

static void send_rumble(struct pf_native_session *ns, const struct pf_rumble_msg *m)
{
	const struct pf_dgram d = {
		.tag = PF_DGRAM_RUMBLE,
		.rumble = { m->pad, m->level.low, m->level.high, true, m->seq, m->ttl_ms,
			m->level.left_trigger, m->level.right_trigger },
	};

	(void)pf_host_session_datagram(ns->s, &d);
}

static void on_timer(void *user);

/* Says what is due, and comes again when more is. */
static void work(struct pf_native_session_pads *x)
{
	const uint64_t now_ns = pf_clock_mono_ns();
	struct pf_rumble_msg m;
	uint64_t due_ns;

	while (pf_rumble_next(&x->p.rumble, now_ns, &m))
		send_rumble(x->ns, &m);
	due_ns = pf_native_pads_tick(&x->p, now_ns);
	/* One that runs too early looks again. */
	if (due_ns == UINT64_MAX || (x->timer_ns && x->timer_ns <= due_ns))
		return;
	pf_timer_stop(&x->timer);
	x->timer_ns = due_ns;
	if (pf_timer_start(&x->timer, x->ns->n->params.loop, due_ns > now_ns ? due_ns - now_ns : 0,
		    on_timer, x))
		x->timer_ns = 0;
}

static void on_timer(void *user)
{
	struct pf_native_session_pads *x = user;

	pf_timer_stop(&x->timer);
	x->timer_ns = 0;
	work(x);
}

void pf_native_pads_news(void *session)
{
	struct pf_native_session *ns = session;
	const uint64_t now_ns = pf_clock_mono_ns();
	struct pf_native_session_pads *x = ns->pads;
	struct pf_pad_feedback fb;
	struct pf_hid hid[2];

	if (!x || !ns->desk || ns->ending)
		return;
	while (pf_desk_pad_feedback(ns->desk, pf_native_pads_listening(&x->p), &fb)) {
		const unsigned n = pf_native_pads_feedback(&x->p, &fb, hid, now_ns);

		for (unsigned i = 0; i < n; i++)
			send_hid(ns, &hid[i]);
	}
	work(x);
}

/* ---- from the client ---- */

static void take(struct pf_native_session_pads *x, const struct queued *q, uint64_t now_ns)
{
	struct pf_native_session *ns = x->ns;
	const uint32_t need = !q->is_rich		    ? pf_input_grant(q->input.kind)
			      : q->rich.kind == PF_RICH_PEN ? PF_GRANT_POINTER
							    : PF_GRANT_GAMEPAD;

	if (!(ns->grants & need)) {
		atomic_fetch_add_explicit(&ns->input_denied, 1, memory_order_relaxed);
		return;
	}
	atomic_fetch_add_explicit(&ns->input_events, 1, memory_order_relaxed);
	if (q->is_rich)
		pf_native_pads_rich(&x->p, &q->rich, now_ns);
	else
		pf_native_pads_input(&x->p, &q->input, now_ns);
}

static void run_queue(struct pf_loop_item *item)
{
	struct pf_native_session_pads *x =
		(struct pf_native_session_pads *)((char *)item -
						  offsetof(struct pf_native_session_pads, item));
	struct pf_native_session *ns = x->ns;
	struct queued q;
	unsigned n;

	/* Before the ring is looked at: what comes later posts anew. */
	atomic_store(&x->posted, false);
	for (n = 0; n < QUEUE_EVENTS && pf_ring_take(&x->ring, &q); n++)
		if (ns->desk && !ns->ending)
			take(x, &q, pf_clock_mono_ns());
	if (ns->desk && !ns->ending)
		work(x);
	/* One that sends without end lets the others have their turn. */
	if (n == QUEUE_EVENTS && !atomic_exchange(&x->posted, true))
		pf_loop_post_item(ns->n->params.loop, &x->item);
}

bool pf_native_pads_take(struct pf_native_session *ns, const struct pf_dgram *d)
{
	struct pf_native_session_pads *x = ns->pads;
	struct queued q = { .is_rich = d->tag == PF_DGRAM_RICH_INPUT };

	if (d->tag != PF_DGRAM_INPUT && !q.is_rich)
		return false;
	if (!q.is_rich &&
		(d->input.kind < PF_INPUT_PAD_BUTTON || d->input.kind > PF_INPUT_PAD_ARRIVED))
		return false;
	if (!x || (q.is_rich && pf_rich_parse(&q.rich, d->raw.data, d->raw.len)))
		return true;
	if (!q.is_rich)
		q.input = (struct pf_input_event){ d->input.kind, d->input.code, d->input.x,
			d->input.y, d->input.flags };
	if (!pf_ring_put(&x->ring, &q)) {
		atomic_fetch_add_explicit(&x->dropped, 1, memory_order_relaxed);
		return true;
	}
	if (!atomic_exchange(&x->posted, true))
		pf_loop_post_item(ns->n->params.loop, &x->item);
	return true;
}

/* ---- life ---- */

int pf_native_pads_open(struct pf_native_session *ns)
{
	struct pf_desks *desks = ns->n->params.desks;
	struct pf_native_session_pads *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	if (pf_ring_init(&x->ring, QUEUE_EVENTS, sizeof(struct queued))) {
		free(x);
		return -ENOMEM;
	}
	x->ns = ns;
	x->item.run = run_queue;
	/* Asked anew for each session: a rule of udev counts for the next one. */
	x->p = (struct pf_native_pads){
		.setting = ns->n->params.config->gamepad,
		.can = pf_desks_pads_can(desks),
		.screen = pf_desks_read_devices(desks),
		.session_kind = ns->hello.gamepad,
		.post = post,
		.pointer = pointer,
		.again = again,
		.user = ns,
		.there = pf_desk_pads(ns->desk),
	};
	ns->pads = x;
	ns->welcome.host_caps |= pf_native_pads_caps(x->p.can, x->p.screen);
	if (x->p.can)
		ns->welcome.gamepad = pf_native_pads_wire_kind(
			pf_native_pads_kind(x->p.setting, x->p.can, ns->hello.gamepad));
	if (!(ns->grants & PF_GRANT_GAMEPAD))
		pf_native_pads_revoke(&x->p);
	if (ns->grants & PF_GRANT_POINTER)
		pf_native_pads_lift(&x->p);
	return 0;
}

void pf_native_pads_close(struct pf_native_session *ns)
{
	struct pf_native_session_pads *x = ns->pads;

	if (!x)
		return;
	pf_timer_stop(&x->timer);
	pf_ring_finish(&x->ring);
	free(x);
	ns->pads = NULL;
}

void pf_native_pads_leave_desk(struct pf_native_session *ns)
{
	if (!ns->pads)
		return;
	pf_timer_stop(&ns->pads->timer);
	ns->pads->timer_ns = 0;
}

void pf_native_pads_lost(struct pf_native_session *ns, uint32_t grants)
{
	struct pf_native_session_pads *x = ns->pads;
	const struct pf_rumble_level none = { 0 };
	struct pf_rumble_msg m;

	if (!x)
		return;
	if (grants & PF_GRANT_GAMEPAD) {
		/* The client's pads rest at once, not when their leases end. */
		for (unsigned i = 0; i < PF_PADS_MAX; i++)
			pf_rumble_set(&x->p.rumble, i, &none, pf_clock_mono_ns());
		while (pf_rumble_next(&x->p.rumble, pf_clock_mono_ns(), &m))
			send_rumble(ns, &m);
		pf_native_pads_revoke(&x->p);
	}
	if (grants & PF_GRANT_POINTER)
		pf_native_pads_lift(&x->p);
}

uint64_t pf_native_pads_dropped(const struct pf_native_session *ns)
{
	return ns->pads ? atomic_load_explicit(&ns->pads->dropped, memory_order_relaxed) : 0;
}
