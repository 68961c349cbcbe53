/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Frames through a port that goes on slower than they come, in simulated time: the pacer, the
 * parity policy, the relief and the client's rate control as they are, pf-impair's model of a
 * queue, the send thread and the client's reports as far as time goes. 2.5 Gbit/s into
 * 1 Gbit/s with 256 kB of queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/media/pacer.h"
#include "core/media/parity.h"
#include "core/media/rate_control.h"
#include "core/media/relief.h"
#include "tests/unit/rng.h"
#include "tools/impair/model.h"

#define MS	  1000000ull
#define NIC_BPS	  2500000000ull
#define LINK_BPS  1000000000ull
#define QUEUE	  256000u
#define SHARD	  1408u
#define PACKET	  (SHARD + 64u) /* UDP payload */
#define DELAY_NS  (2 * MS)	/* each way */
#define REPORT_NS (750 * MS)
#define FRAMES	  2400u
#define QUEUED	  2u /* frames with the sender: the next picture is skipped */

struct frame {
	uint64_t pts_ns, start_ns, sent_ns, done_ns; /* done_ns 0 = lost */
	uint64_t best_ns; /* done by the slow port alone, with a queue without end */
	uint32_t bytes, packets, dropped;
};

struct sim {
	/* what the test sets */
	unsigned hz;
	uint32_t kbps; /* of the encoder at the start, and its most */
	bool automatic;
	enum pf_delivery delivery;
	double spread; /* frame sizes vary by this share */
	double key;    /* a keyframe is so many frames */
	unsigned key_every;
	uint64_t step_ns, step_bps; /* the link changes */

	struct pf_impair_rules rules;
	struct pf_impair_path path;
	struct pf_impair_link link;
	struct pf_pacer pacer;
	struct pf_parity parity;
	struct pf_rate_control rate;
	struct pf_relief relief;
	uint64_t rng, nic_ns, free_ns; /* free: the send thread */
	uint64_t best_ns;
	uint32_t encoder_kbps;
	bool key_due;
	uint64_t keyed_ns;
	struct pf_gentle gentle;
	/* news on its way to the host, 0 = none */
	uint64_t lost_at_ns, report_at_ns, wish_at_ns;
	uint32_t report_ppm, wish_kbps, cries;

	/* the client's window */
	uint64_t window_ns;
	uint32_t packets, repaired, lost, asks;
	uint64_t bytes;
	int64_t delay_ns;
	unsigned complete;

	struct frame frames[FRAMES];
	unsigned count, skipped;
};

static double uniform(uint64_t *rng)
{
	return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

/* The client's 750 ms are over. */
static void report(struct sim *s, uint64_t now)
{
	struct pf_rate_window w = { .end_ns = now,
		.span_ns = REPORT_NS,
		.frame_bytes = s->bytes,
		.frames_lost = s->lost,
		.keyframe_asks = s->asks,
		.has_delay = s->complete > 0 };

	w.loss_ppm = (uint32_t)(s->repaired * 1000000ull / (s->packets + s->repaired + 1)) +
		     (s->lost ? 50000 : 0);
	w.delay_ns = s->complete ? s->delay_ns / (int64_t)s->complete : 0;
	s->report_ppm = w.loss_ppm;
	s->report_at_ns = now + DELAY_NS;
	if (s->automatic) {
		s->wish_kbps = pf_rate_control_window(&s->rate, &w);
		if (s->wish_kbps)
			s->wish_at_ns = now + DELAY_NS;
	}
	s->packets = s->repaired = s->lost = s->asks = s->complete = 0;
	s->bytes = 0;
	s->delay_ns = 0;
	s->window_ns = now;
}

static bool came(uint64_t *at_ns, uint64_t now)
{
	bool yes = *at_ns && *at_ns <= now;

	if (yes)
		*at_ns = 0;
	return yes;
}

/* What the client told so far, at the host. */
static void take_news(struct sim *s, uint64_t now)
{
	uint32_t kbps = 0;

	while (now - s->window_ns >= REPORT_NS)
		report(s, s->window_ns + REPORT_NS);
	if (came(&s->report_at_ns, now)) {
		pf_parity_frames_lost(&s->parity, s->cries);
		s->cries = 0;
		pf_parity_report(&s->parity, s->report_ppm);
		if (s->report_ppm >= 50000)
			pf_gentle_lost(&s->gentle, PF_GENTLE_REPORTS);
		else
			pf_gentle_report(&s->gentle, s->report_ppm);
	}
	if (came(&s->lost_at_ns, now)) {
		pf_gentle_lost(&s->gentle, PF_GENTLE_ALARM);
		s->cries++;
		if (s->automatic)
			kbps = pf_relief_lost(&s->relief, now);
		if (now - s->keyed_ns >= 750 * MS)
			s->key_due = true;
	}
	if (!kbps)
		kbps = pf_relief_poll(&s->relief, now);
	if (came(&s->wish_at_ns, now)) {
		kbps = s->wish_kbps < s->kbps ? s->wish_kbps : s->kbps;
		pf_relief_asked(&s->relief, kbps);
		pf_rate_control_answer(&s->rate, kbps);
	}
	if (kbps)
		s->encoder_kbps = kbps;
	s->pacer.percent = s->gentle.percent;
	s->pacer.gentle = s->gentle.percent > 0;
}

/* A train of `n` packets leaves at `now`: through the card, then the slow port. The last
 * packet that arrives makes *last_ns. */
static uint32_t send_train(struct sim *s, uint32_t n, uint64_t now, uint64_t *last_ns)
{
	uint32_t dropped = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct pf_impair_fate fate;

		if (s->nic_ns < now)
			s->nic_ns = now;
		s->nic_ns += (PACKET + PF_IMPAIR_HEADER_BYTES) * 8000000000ull / NIC_BPS;
		s->rules.rate_bps = s->step_ns && s->nic_ns >= s->step_ns ? s->step_bps : LINK_BPS;
		pf_impair_decide(&s->path, &s->link, s->nic_ns, PACKET, &fate);
		if (fate.copies)
			*last_ns = fate.due_ns;
		else
			dropped++;
	}
	return dropped;
}

static void frame(struct sim *s, uint64_t pts)
{
	double mean = s->encoder_kbps * 125.0 / s->hz;
	double bytes = mean * (1 + s->spread * (2 * uniform(&s->rng) - 1));
	struct frame *f = &s->frames[s->count];
	uint32_t k, m, sent = 0;
	uint64_t out = 0, t, last_ns = 0;

	if (s->count >= QUEUED && s->frames[s->count - QUEUED].sent_ns > pts) {
		s->skipped++;
		return;
	}
	if (s->key_due || (s->key_every && s->count % s->key_every == s->key_every - 1)) {
		bytes = mean * s->key;
		s->key_due = false;
		s->keyed_ns = pts;
	}
	assert_true(s->count < FRAMES);
	t = pts > s->free_ns ? pts : s->free_ns;
	take_news(s, t);
	k = (uint32_t)bytes / SHARD + 1;
	m = pf_parity_choose(&s->parity, k, 1);
	pf_parity_sent(&s->parity, k, m, 1);
	s->best_ns =
		(s->best_ns > pts ? s->best_ns : pts) +
		(uint64_t)(k + m) * (PACKET + PF_IMPAIR_HEADER_BYTES) * 8000000000ull / LINK_BPS;
	*f = (struct frame){ .pts_ns = pts,
		.start_ns = t,
		.best_ns = s->best_ns + DELAY_NS,
		.bytes = (uint32_t)bytes,
		.packets = k + m };
	s->pacer.rate_bps = s->encoder_kbps * 1000ull;
	s->pacer.delivery = s->delivery;
	pf_pacer_frame_at(&s->pacer, pts);
	pf_pacer_begin(&s->pacer, (uint64_t)(k + m) * PACKET, t);
	while (sent < k + m) {
		uint64_t late = (t - pts) * s->hz / (1000 * MS);
		uint32_t n;
		uint32_t most = sent < k ? k - sent : k + m - sent;
		uint64_t due;

		/* The pictures after it that are not skipped. */
		pf_pacer_hurry(&s->pacer, late < QUEUED ? (unsigned)late : QUEUED - 1, out, t);
		n = pf_pacer_train(&s->pacer, out, PACKET);
		due = pf_pacer_due_ns(&s->pacer, out);

		n = n < most ? n : most;
		n = n < 44 ? n : 44;
		t = due > t + PF_PACER_EARLY_NS ? due : t;
		f->dropped += send_train(s, n, t, &last_ns);
		sent += n;
		out += (uint64_t)n * PACKET;
	}
	s->free_ns = f->sent_ns = t;
	s->packets += k + m - f->dropped;
	if (f->dropped > m) {
		s->lost++;
	} else {
		f->done_ns = last_ns;
		s->repaired += f->dropped * k / (k + m);
		s->bytes += f->bytes;
		s->complete++;
		/* capture to first packet, about */
		s->delay_ns += (int64_t)(last_ns - f->sent_ns);
		/* A gap before a frame that came is told at once. */
		if (s->count && !s->frames[s->count - 1].done_ns && !s->lost_at_ns) {
			s->lost_at_ns = last_ns + DELAY_NS;
			s->asks++;
		}
	}
	/* One lost frame after the other: 120 ms of them are the news. */
	if (!f->done_ns && !s->lost_at_ns && s->count > s->hz / 8 &&
		!s->frames[s->count - s->hz / 8].done_ns)
		s->lost_at_ns = t + DELAY_NS;
	s->count++;
}

/* Half a minute without loss: no bursts are expected any more. */
static void warm_up(struct pf_parity *p, uint32_t k)
{
	for (unsigned i = 0; i < 40; i++) {
		for (unsigned n = 0; n < 45; n++)
			pf_parity_sent(p, k, pf_parity_choose(p, k, 1), 1);
		pf_parity_report(p, 0);
	}
}

static void run(struct sim *s, double seconds, uint64_t seed)
{
	unsigned n = (unsigned)(seconds * s->hz);

	s->rng = seed;
	s->rules = (struct pf_impair_rules){ .delay_ns = DELAY_NS, .queue_bytes = QUEUE };
	pf_impair_path_init(&s->path, &s->rules, seed, 0);
	assert_int_equal(pf_parity_init(&s->parity, PF_PARITY_ADAPTIVE, 10, 4096), 0);
	warm_up(&s->parity, s->kbps * 125 / s->hz / SHARD + 1);
	pf_rate_control_init(&s->rate, s->kbps, s->kbps);
	pf_relief_asked(&s->relief, s->kbps);
	s->encoder_kbps = s->kbps;
	s->window_ns = 1000 * MS;
	for (unsigned i = 0; i < n; i++)
		frame(s, 1000 * MS + i * 1000 * MS / s->hz);
}

static unsigned drops(const struct sim *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->count; i++)
		n += s->frames[i].dropped;
	return n;
}

/* Lost frames that began at `from_ns` or later. */
static unsigned lost(const struct sim *s, uint64_t from_ns)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->count; i++)
		n += !s->frames[i].done_ns && s->frames[i].start_ns >= from_ns;
	return n;
}

static const unsigned rates[] = { 60, 120, 240 };
static struct sim s;

/* 60 % of the slow port, parity and headers counted: the encoder has 510 Mbit/s. */
#define KBPS_60 510000u

static void a_burst_overruns_the_queue(void **state)
{
	s = (struct sim){ .hz = 60, .kbps = KBPS_60, .spread = 0.3, .delivery = PF_DELIVERY_BURST };
	run(&s, 3, 1);
	assert_true(drops(&s) > 10000);
}

static void nothing_is_dropped_at_60_percent(void **state)
{
	for (unsigned d = 0; d < 2; d++)
		for (unsigned r = 0; r < 3; r++)
			for (unsigned seed = 1; seed <= 3; seed++) {
				s = (struct sim){ .hz = rates[r],
					.kbps = KBPS_60,
					.spread = 0.5,
					.key = 4,
					.key_every = 2 * rates[r],
					.delivery = d ? PF_DELIVERY_SMOOTH : PF_DELIVERY_CAPPED };
				run(&s, 10, seed);
				if (drops(&s))
					fail_msg("%s at %u Hz, seed %u: %u packets dropped",
						pf_delivery_name(s.delivery), s.hz, seed,
						drops(&s));
				assert_true(s.skipped <= 10u * s.hz / 100);
			}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Pacing against a burst into a queue without end: how much later frames up to 128 kB are
 * complete. */
static void small_frames_do_not_wait(void **state)
{
	for (unsigned d = 0; d < 2; d++) {
		uint64_t added[FRAMES];
		unsigned n = 0;

		s = (struct sim){ .hz = 240,
			.kbps = KBPS_60,
			.spread = 1,
			.delivery = d ? PF_DELIVERY_SMOOTH : PF_DELIVERY_CAPPED };
		run(&s, 10, 1);
		assert_int_equal(drops(&s), 0);
		for (unsigned i = 1; i < s.count; i++)
			if (s.frames[i].bytes <= 128000)
				added[n++] = s.frames[i].done_ns - s.frames[i].best_ns;
		qsort(added, n, sizeof(*added), by_value);
		print_message("# %s, %u frames up to 128 kB: added %.3f ms p50, %.3f p99, %.3f "
			      "most\n",
			pf_delivery_name(s.delivery), n, (double)added[n / 2] / 1e6,
			(double)added[n * 99 / 100] / 1e6, (double)added[n - 1] / 1e6);
		if (!d)
			assert_true(added[n - 1] <= MS);
	}
}

/* The slow port loses two fifths of its speed: what is sent fills it. From 250 ms on no
 * frame is lost; what the client's rate control tries later is its own affair. */
static void a_step_down_is_followed(void **state)
{
	const uint64_t step = 1000 * MS + 5000 * MS;

	for (unsigned r = 0; r < 3; r++) {
		unsigned before = 0, runs = 20;

		for (unsigned seed = 1; seed <= runs; seed++) {
			unsigned after;

			s = (struct sim){ .hz = rates[r],
				.kbps = KBPS_60,
				.spread = 0.5,
				.key = 4,
				.automatic = true,
				.step_ns = step,
				.step_bps = LINK_BPS * 6 / 10 };
			run(&s, 10, seed);
			after = lost(&s, step + 250 * MS);
			before += lost(&s, 0) - after;
			if (after)
				fail_msg("%u Hz, seed %u: %u frames lost after 250 ms", s.hz, seed,
					after);
			/* It did not get there by sending nothing. */
			assert_in_range(s.encoder_kbps, KBPS_60 * 7 / 20, KBPS_60 * 8 / 10);
			assert_true(s.skipped < s.count / 50);
		}
		print_message("# %u Hz: %.1f frames lost before 250 ms\n", rates[r],
			(double)before / runs);
		/* The step is felt. */
		assert_true(before > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_overruns_the_queue),
		cmocka_unit_test(nothing_is_dropped_at_60_percent),
		cmocka_unit_test(small_frames_do_not_wait),
		cmocka_unit_test(a_step_down_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
