/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A frame of 100 KB through the packetizer of either plane and its sealing, without
 * the kernel: what pipeline.c times as a whole, by parity and by plane. */
#include <stdio.h>
#include <string.h>

#include "core/media/gs_video_seal.h"
#include "core/media/packetizer.h"
#include "core/media/seal.h"
#include "tests/unit/rng.h"
#include "tools/bench/report.h"

#define FRAME	100000u
#define SHARD	1408u
#define GS_SIZE 1392

static uint8_t frames[PF_BENCH_TURNS][FRAME], copied[FRAME];
static uint8_t wire[PF_TRAIN_MAX * (GS_SIZE + PF_GS_VIDEO_EXTRA + PF_GS_PREFIX_BYTES)];

struct stage {
	struct pf_packetizer *packetizer;
	struct pf_seal *seal; /* of punktfunk/1, or */
	struct pf_gs_video_seal *gs_seal;
	uint32_t frame_index, packets;
	int err;
};

static void frame_work(void *user, uint32_t turn, bool rotating)
{
	struct stage *s = user;
	const struct pf_au au = {
		.data = frames[rotating ? turn : 0], .len = FRAME, .frame_index = ++s->frame_index
	};
	struct pf_au_plan plan;
	struct pf_train t;

	s->packets = 0;
	s->err |= s->packetizer->ops->begin(s->packetizer, &au, &plan);
	while (!s->err) {
		s->packetizer->ops->next(s->packetizer, PF_TRAIN_MAX, &t);
		if (!t.count)
			return;
		s->packets += t.count;
		if (s->seal)
			s->err |=
				pf_seal_packets(s->seal, t.base, t.stride, t.plain_bytes, t.count);
		if (s->gs_seal)
			s->err |= pf_gs_video_seal_packets(
				s->gs_seal, 1, t.base, t.plain_bytes, t.count, wire);
	}
}

static void copy_work(void *user, uint32_t turn, bool rotating)
{
	memcpy(copied, frames[rotating ? turn : 0], FRAME);
	__asm__ volatile("" ::"r"(copied) : "memory");
}

static int one_parity(
	struct pf_bench *b, uint8_t percent, struct pf_seal *seal, struct pf_gs_video_seal *gs_seal)
{
	static const char *const rows[] = { "pf1", "pf1:sealed", "gs", "gs:sealed" };
	struct pf_parity parity;
	const struct pf_pf1_params pf1 = { SHARD, 4096, 1u << 20, &parity };
	const struct pf_gs_params gs = { GS_SIZE, percent, 2, 1u << 20, NULL };
	struct pf_bench_runner runners[4];
	struct stage stages[4] = { 0 };
	char shape[24];
	const struct pf_bench_case c = {
		.kernel = "send_frame", .shape = shape, .copy = copy_work
	};
	size_t n = 0;
	int r = 0;

	snprintf(shape, sizeof(shape), "100kB+%u%%", percent);
	if (!pf_bench_wants(b, c.kernel, shape))
		return 0;
	if (pf_parity_init(&parity, percent, 50, 4096))
		return -1;
	for (size_t i = 0; i < 4 && !r; i++) {
		struct stage *s = &stages[i];

		if (!pf_bench_wants_row(b, rows[i]))
			continue;
		r = i < 2 ? pf_packetizer_pf1_create(&s->packetizer, &pf1)
			  : pf_packetizer_gs_create(&s->packetizer, &gs);
		if (r)
			break;
		s->seal = i == 1 ? seal : NULL;
		s->gs_seal = i == 3 ? gs_seal : NULL;
		frame_work(s, 0, false);
		if (s->err || s->packets < FRAME / SHARD)
			r = -1;
		runners[n++] =
			(struct pf_bench_runner){ .row = rows[i], .work = frame_work, .user = s };
	}
	if (!r && n)
		pf_bench_measure(b, &c, runners, n);
	for (size_t i = 0; i < 4; i++) {
		r |= stages[i].err;
		if (stages[i].packetizer)
			stages[i].packetizer->ops->destroy(stages[i].packetizer);
	}
	if (r)
		fprintf(stderr, "pf-bench: %s %s: a frame did not become packets\n", c.kernel,
			shape);
	return r ? -1 : 0;
}

int pf_bench_packets(struct pf_bench *b)
{
	static const uint8_t percents[] = { 0, 5, 20, 50 };
	const struct pf_media_keys keys = { .alg = PF_AEAD_AES128_GCM };
	struct pf_gs_video_seal gs_seal;
	struct pf_seal seal;
	uint64_t rng = 1;
	int r = 0;

	rng_fill(&rng, frames, sizeof(frames));
	if (pf_seal_init(&seal, &keys, PF_FROM_HOST))
		return -1;
	if (pf_gs_video_seal_init(&gs_seal, keys.key)) {
		pf_seal_finish(&seal);
		return -1;
	}
	for (size_t i = 0; i < sizeof(percents) && !r; i++)
		if (!pf_bench_quick(b) || percents[i] == 20)
			r = one_parity(b, percents[i], &seal, &gs_seal);
	pf_seal_finish(&seal);
	pf_gs_video_seal_finish(&gs_seal);
	return r;
}
