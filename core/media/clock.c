/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/clock.h"

/* Rejected batches until the best of them is taken after all: the path may have
 * become longer for good. */
#define REJECTS_MAX 3

static void begin_batch(struct pf_clock_sync *c, enum pf_clock_state state, uint64_t now_ns)
{
	c->state = state;
	c->sent = 0;
	c->outstanding = false;
	c->best_rtt_ns = UINT64_MAX;
	c->due_ns = now_ns;
}

static void rest(struct pf_clock_sync *c, uint64_t now_ns)
{
	c->state = PF_CLOCK_IDLE;
	c->outstanding = false;
	c->due_ns = now_ns + PF_CLOCK_RESYNC_NS;
}

void pf_clock_sync_init(struct pf_clock_sync *c, uint64_t now_ns)
{
	*c = (struct pf_clock_sync){ .rtt_ns = UINT64_MAX, .reject_rtt_ns = UINT64_MAX };
	begin_batch(c, PF_CLOCK_FIRST, now_ns);
}

static void apply(struct pf_clock_sync *c, int64_t offset_ns)
{
	c->offset_ns = offset_ns;
	c->rejected = 0;
	c->reject_rtt_ns = UINT64_MAX;
}

static void finish_first(struct pf_clock_sync *c, uint64_t now_ns)
{
	if (c->best_rtt_ns == UINT64_MAX) {
		c->state = PF_CLOCK_SILENT;
		c->outstanding = false;
		c->due_ns = UINT64_MAX;
		return;
	}
	apply(c, c->best_offset_ns);
	rest(c, now_ns);
}

static void finish_resync(struct pf_clock_sync *c, uint64_t now_ns)
{
	uint64_t limit = c->rtt_ns + c->rtt_ns / 2;

	if (limit < PF_CLOCK_RTT_FLOOR_NS)
		limit = PF_CLOCK_RTT_FLOOR_NS;
	if (c->best_rtt_ns <= limit) {
		apply(c, c->best_offset_ns);
	} else if (c->best_rtt_ns != UINT64_MAX) {
		if (c->best_rtt_ns < c->reject_rtt_ns) {
			c->reject_rtt_ns = c->best_rtt_ns;
			c->reject_offset_ns = c->best_offset_ns;
		}
		if (++c->rejected == REJECTS_MAX)
			apply(c, c->reject_offset_ns);
	}
	rest(c, now_ns);
}

static void finish_batch(struct pf_clock_sync *c, uint64_t now_ns)
{
	if (c->state == PF_CLOCK_FIRST)
		finish_first(c, now_ns);
	else
		finish_resync(c, now_ns);
}

bool pf_clock_sync_poll(struct pf_clock_sync *c, uint64_t now_ns, uint64_t unix_ns)
{
	if (c->state == PF_CLOCK_SILENT || now_ns < c->due_ns)
		return false;
	if (c->outstanding) {
		finish_batch(c, now_ns);
		return false;
	}
	if (c->state == PF_CLOCK_IDLE)
		begin_batch(c, PF_CLOCK_RESYNC, now_ns);
	c->t1 = unix_ns;
	c->outstanding = true;
	c->sent++;
	c->due_ns = now_ns + PF_CLOCK_SILENCE_NS;
	return true;
}

uint64_t pf_clock_sync_deadline_ns(const struct pf_clock_sync *c)
{
	return c->due_ns;
}

bool pf_clock_sync_echo(struct pf_clock_sync *c, uint64_t now_ns, uint64_t t1, uint64_t t2,
	uint64_t t3, uint64_t t4)
{
	int64_t there = (int64_t)(t2 - t1);
	int64_t back = (int64_t)(t3 - t4);
	int64_t trip = (int64_t)((t4 - t1) - (t3 - t2));
	uint64_t rtt = trip > 0 ? (uint64_t)trip : 0;

	if (!c->outstanding || t1 != c->t1)
		return false;
	c->outstanding = false;
	if (rtt < c->best_rtt_ns) {
		c->best_rtt_ns = rtt;
		/* Halved one by one: the peer's numbers must not overflow the sum. */
		c->best_offset_ns = there / 2 + back / 2 + (there % 2 + back % 2) / 2;
	}
	if (rtt < c->rtt_ns)
		c->rtt_ns = rtt;
	if (c->sent == PF_CLOCK_ROUNDS)
		finish_batch(c, now_ns);
	else
		c->due_ns = c->state == PF_CLOCK_FIRST ? now_ns : now_ns + PF_CLOCK_SPACING_NS;
	return true;
}

void pf_clock_sync_cut(struct pf_clock_sync *c, uint64_t now_ns)
{
	if (c->state == PF_CLOCK_FIRST)
		finish_first(c, now_ns);
}
