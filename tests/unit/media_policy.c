/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The parity policy at work: real packets through a simulated link, real loss
 * reports back. What counts is how many frames do not make it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include "core/media/packetizer.h"
#include "core/media/reassembler.h"
#include "tests/unit/packets.h"
#include "tests/unit/rng.h"

#define SHARD	    512
#define REPORT	    45 /* frames: 750 ms at 60 Hz */
#define WARM_FRAMES (60 * REPORT)

struct link {
	double loss, burst; /* mean packets per burst; 0 = independent */
	bool bad;
	uint64_t rng;
};

static double uniform(uint64_t *rng)
{
	return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

static bool loses(struct link *l)
{
	double r, g;

	if (l->burst == 0)
		return uniform(&l->rng) < l->loss;
	r = 1 / l->burst;
	g = l->loss * r / (1 - l->loss);
	l->bad = uniform(&l->rng) < (l->bad ? 1 - r : g);
	return l->bad;
}

struct outcome {
	unsigned dead;	 /* frames after the warm-up */
	double overhead; /* parity packets per data packet there */
};

static struct outcome run(struct link *l, uint32_t shards, double known_burst, unsigned frames)
{
	static uint8_t data[64 * SHARD];
	struct pf_parity parity;
	struct pf_pf1_params pp = { SHARD, 4096, 1u << 20, &parity };
	struct pf_reassembler_params rp = { SHARD, 4096, 1u << 20 };
	struct pf_packetizer *p;
	struct pf_reassembler *r;
	uint64_t arrived = 0, sent_data = 0, sent_parity = 0;
	struct outcome out = { 0 };
	uint32_t newest;

	l->rng = rng_seed() + shards;
	assert_int_equal(pf_parity_init(&parity, PF_PARITY_ADAPTIVE, 90, 4096), 0);
	if (known_burst > 0)
		pf_parity_tell(&parity, l->loss, known_burst);
	assert_int_equal(pf_packetizer_pf1_create(&p, &pp), 0);
	assert_int_equal(pf_reassembler_create(&r, &rp), 0);
	for (unsigned i = 0; i < frames; i++) {
		struct pf_au au = { data, shards * SHARD, i, PF_USER_VIDEO, i * 16666667ull };
		struct pf_assembled *f;
		struct pf_au_plan plan;
		struct pf_train t;

		assert_int_equal(p->ops->begin(p, &au, &plan), 0);
		pf_parity_sent(&parity, plan.packets - plan.parity_packets, plan.parity_packets,
			plan.blocks);
		for (;;) {
			p->ops->next(p, PF_TRAIN_MAX, &t);
			if (!t.count)
				break;
			for (uint32_t j = 0; j < t.count; j++)
				if (!loses(l))
					pf_reassembler_push(
						r, t.base + j * t.stride + 8, t.plain_bytes, i);
		}
		if (i >= WARM_FRAMES) {
			sent_data += plan.packets - plan.parity_packets;
			sent_parity += plan.parity_packets;
		}
		while ((f = pf_reassembler_take(r))) {
			arrived += f->frame_index >= WARM_FRAMES;
			pf_reassembler_release(r, f);
		}
		pf_parity_frames_lost(&parity, pf_reassembler_take_lost(r, &newest));
		if (i % REPORT == REPORT - 1)
			pf_parity_report(&parity, pf_reassembler_loss_ppm(r));
	}
	out.dead = frames - WARM_FRAMES - (unsigned)arrived;
	out.overhead = (double)sent_parity / (double)sent_data;
	print_message("# %2u packets, loss %.0f %%, burst %.0f (known %.0f): %u of %u dead, "
		      "parity %.0f %%\n",
		shards, l->loss * 100, l->burst, known_burst, out.dead, frames - WARM_FRAMES,
		out.overhead * 100);
	p->ops->destroy(p);
	pf_reassembler_destroy(r);
	return out;
}

/* DESIGN 6: at most 10^-4 at 5 % random loss with 6 data packets. */
static void random_loss_is_covered(void **state)
{
	struct link two = { .loss = 0.02 }, five = { .loss = 0.05 }, ten = { .loss = 0.1 };

	assert_true(run(&two, 6, 0, 60000 + WARM_FRAMES).dead <= 3);
	assert_true(run(&five, 6, 0, 60000 + WARM_FRAMES).dead <= 6);
	assert_true(run(&ten, 6, 0, 20000 + WARM_FRAMES).dead <= 4);
	assert_true(run(&two, 60, 0, 10000 + WARM_FRAMES).dead <= 1);
	assert_true(run(&five, 60, 0, 10000 + WARM_FRAMES).dead <= 2);
}

static void bursts_are_covered_once_known(void **state)
{
	struct link l = { .loss = 0.05, .burst = 3 };
	unsigned blind = run(&l, 20, 0, 20000 + WARM_FRAMES).dead;
	struct outcome known = run(&l, 20, 3, 20000 + WARM_FRAMES);

	assert_true(known.dead <= 10); /* as much parity as data: the most there is */
	assert_true(blind > known.dead);
}

/* A quiet link goes back to the floor. */
static void parity_is_given_back(void **state)
{
	struct link quiet = { .loss = 0 };

	assert_true(run(&quiet, 60, 0, 2 * WARM_FRAMES).overhead < 0.15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_loss_is_covered),
		cmocka_unit_test(bursts_are_covered_once_known),
		cmocka_unit_test(parity_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
