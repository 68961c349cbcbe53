/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A frame of 100 KB through each packetizer and its sealing, beside a memcpy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/fec/gf8.h"
#include "core/media/gs_video_seal.h"
#include "core/media/packetizer.h"
#include "core/media/seal.h"
#include "tests/unit/rng.h"

#define FRAME	100000u
#define GS_SIZE 1392
#define ROW_NS	200000000ull

enum sealing { NONE, PF1, GS };

static uint8_t frame[FRAME], copy[FRAME];
static uint8_t wire[PF_TRAIN_MAX * (GS_SIZE + PF_GS_VIDEO_EXTRA + PF_GS_PREFIX_BYTES)];
static struct pf_seal pf1_seal;
static struct pf_gs_video_seal gs_seal;

static void check(int err)
{
	if (err)
		abort();
}

static void one_frame(struct pf_packetizer *p, enum sealing sealing)
{
	struct pf_au au = { .data = frame, .len = FRAME, .frame_index = 1 };
	struct pf_au_plan plan;
	struct pf_train t;

	check(p->ops->begin(p, &au, &plan));
	for (;;) {
		p->ops->next(p, PF_TRAIN_MAX, &t);
		if (!t.count)
			return;
		if (sealing == PF1)
			check(pf_seal_packets(&pf1_seal, t.base, t.stride, t.plain_bytes, t.count));
		if (sealing == GS)
			check(pf_gs_video_seal_packets(
				&gs_seal, 1, t.base, t.plain_bytes, t.count, wire));
	}
}

/* Best nanoseconds of one frame; without packetizer, of a copy. */
static double best_ns(struct pf_packetizer *p, enum sealing sealing)
{
	uint64_t begin = pf_clock_mono_ns(), best = UINT64_MAX, from, end = begin;

	while (end - begin < ROW_NS) {
		from = pf_clock_mono_ns();
		if (p) {
			one_frame(p, sealing);
		} else {
			memcpy(copy, frame, FRAME);
			__asm__ volatile("" ::"r"(copy) : "memory");
		}
		end = pf_clock_mono_ns();
		if (end - from < best)
			best = end - from;
	}
	return (double)best;
}

static void row(const char *what, double ns, double copy_ns)
{
	printf("  %-28s %7.1f us  %6.1f x memcpy\n", what, ns / 1e3, ns / copy_ns);
}

int main(void)
{
	static const uint8_t percents[] = { 0, 5, 20, 50 };
	struct pf_media_keys keys = { .alg = PF_AEAD_AES128_GCM };
	uint64_t rng = rng_seed();
	double copy_ns;

	rng_fill(&rng, frame, FRAME);
	check(pf_seal_init(&pf1_seal, &keys, PF_FROM_HOST));
	check(pf_gs_video_seal_init(&gs_seal, keys.key));
	copy_ns = best_ns(NULL, NONE);
	printf("frame of %u bytes, memcpy %.1f us, gf8 %s, aead %s\n", FRAME, copy_ns / 1e3,
		pf_gf8_kernel_name(), pf_aead_provider(gs_seal.aead));
	for (size_t i = 0; i < sizeof(percents); i++) {
		struct pf_parity parity;
		struct pf_pf1_params pf1 = { 1408, 4096, 1u << 20, &parity };
		struct pf_gs_params gs = { GS_SIZE, percents[i], 2, 1u << 20, NULL };
		struct pf_packetizer *p;

		check(pf_parity_init(&parity, percents[i], 50, 4096));
		printf("%u %% parity\n", percents[i]);
		check(pf_packetizer_pf1_create(&p, &pf1));
		row("pf1 packets of 1408", best_ns(p, NONE), copy_ns);
		row("pf1 and sealed", best_ns(p, PF1), copy_ns);
		p->ops->destroy(p);
		check(pf_packetizer_gs_create(&p, &gs));
		row("gs packets of 1392", best_ns(p, NONE), copy_ns);
		row("gs and encrypted", best_ns(p, GS), copy_ns);
		p->ops->destroy(p);
	}
	pf_seal_finish(&pf1_seal);
	pf_gs_video_seal_finish(&gs_seal);
	return 0;
}
