/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include "core/fec/gf16.h"
#include "core/media/packetizer.h"
#include "tests/unit/packets.h"
#include "tests/unit/rng.h"

#define MAX_FRAME (16u << 20)

struct rig {
	struct pf_parity parity;
	struct pf_packetizer *p;
	uint16_t shard, k_max;
	uint8_t *frame; /* MAX_FRAME bytes */
	uint32_t next_index;
	uint32_t next_seq;
};

static void rig_open(struct rig *g, uint16_t shard, uint16_t k_max, uint8_t percent)
{
	struct pf_pf1_params params = {
		.shard_bytes = shard,
		.max_data_per_block = k_max,
		.max_frame_bytes = MAX_FRAME,
		.parity = &g->parity,
	};
	uint64_t rng = rng_seed();

	*g = (struct rig){ .shard = shard, .k_max = k_max };
	assert_int_equal(pf_parity_init(&g->parity, percent, 10, k_max), 0);
	assert_int_equal(pf_packetizer_pf1_create(&g->p, &params), 0);
	g->frame = malloc(MAX_FRAME);
	assert_non_null(g->frame);
	for (uint32_t i = 0; i + 8 <= MAX_FRAME; i += 8) {
		uint64_t v = rng_next(&rng);

		memcpy(g->frame + i, &v, 8);
	}
}

static void rig_close(struct rig *g)
{
	g->p->ops->destroy(g->p);
	free(g->frame);
}

/* Sends a frame and holds every packet against the rules, computed anew. */
static void check_one(struct rig *g, uint32_t len, uint32_t train, bool laid_out)
{
	uint32_t shards = len ? (len + g->shard - 1) / g->shard : 1;
	uint32_t blocks = (shards + g->k_max - 1) / g->k_max;
	struct pf_au au = {
		.data = g->frame,
		.len = len,
		.frame_index = g->next_index++,
		.user_flags = PF_USER_VIDEO | PF_USER_IDR,
		.pts_ns = 1234567890123456789ull + len,
	};
	struct pf_gf16_limits limits = { g->k_max, g->parity.block_cap, g->shard };
	uint8_t *padded = calloc(shards, g->shard), *out = calloc(g->parity.block_cap, g->shard);
	const uint8_t **data = calloc(g->k_max, sizeof(*data));
	uint8_t **parity = calloc(g->parity.block_cap, sizeof(*parity));
	struct packet_list l = { 0 };
	struct pf_gf16_ctx *fec;
	uint32_t at = 0;

	assert_true(padded && out && data && parity);
	memcpy(padded, g->frame, len);
	assert_int_equal(pf_gf16_create(&limits, &fec), 0);
	if (laid_out) {
		struct pf_au_layout layout;

		pf_pf1_layout(g->shard, &layout);
		assert_int_equal(layout.stride, 8 + 40 + g->shard + 16);
		packets_lay_out(&au, &layout);
	}
	packets_of_frame(&l, g->p, &au, train);
	for (unsigned phase = 0; phase < 2; phase++) {
		for (uint32_t b = 0; b < blocks; b++) {
			uint32_t k = b + 1 < blocks ? g->k_max : shards - b * g->k_max;
			uint32_t m = pf_parity_choose(&g->parity, k, blocks);
			const uint8_t *base = padded + (size_t)b * g->k_max * g->shard;

			if (phase) {
				for (uint32_t i = 0; i < k; i++)
					data[i] = base + (size_t)i * g->shard;
				for (uint32_t j = 0; j < m; j++)
					parity[j] = out + (size_t)j * g->shard;
				assert_int_equal(
					pf_gf16_encode(fec, k, m, g->shard, data, parity), 0);
			}
			for (uint32_t i = 0; i < (phase ? m : k); i++, at++) {
				const struct pf_media_hdr *h = &l.v[at].h;
				const uint8_t *want = (phase ? out : base) + (size_t)i * g->shard;

				assert_true(at < l.n);
				assert_int_equal(l.v[at].len, PF_MEDIA_HDR_BYTES + g->shard);
				assert_true(h->pts_ns == au.pts_ns);
				assert_int_equal(h->frame_index, au.frame_index);
				assert_int_equal(h->stream_seq, g->next_seq + at);
				assert_int_equal(h->frame_bytes, len);
				assert_int_equal(h->user_flags, au.user_flags);
				assert_int_equal(h->block_index, b);
				assert_int_equal(h->block_count, blocks);
				assert_int_equal(h->data_shards, k);
				assert_int_equal(h->recovery_shards, m);
				assert_int_equal(h->shard_index, phase ? k + i : i);
				assert_int_equal(h->shard_bytes, g->shard);
				assert_int_equal(h->fec_scheme, 1);
				assert_int_equal(
					h->flags, PF_PKT_PIC | (at ? 0 : PF_PKT_SOF) |
							  (at + 1 == l.n ? PF_PKT_EOF : 0));
				assert_memory_equal(
					l.v[at].bytes + PF_MEDIA_HDR_BYTES, want, g->shard);
			}
		}
	}
	assert_int_equal(at, l.n);
	g->next_seq += l.n;
	pf_gf16_destroy(fec);
	packets_clear(&l);
	free(padded);
	free(out);
	free(data);
	free(parity);
	free(au.packets);
}

static void check_frame(struct rig *g, uint32_t len, uint32_t train)
{
	check_one(g, len, train, false);
	check_one(g, len, train, true);
}

static void frames_of_every_shape(void **state)
{
	struct rig g;

	rig_open(&g, 1408, 4096, PF_PARITY_ADAPTIVE);
	check_frame(&g, 0, 64);
	check_frame(&g, 1, 64);
	check_frame(&g, 1407, 64);
	check_frame(&g, 1408, 64);
	check_frame(&g, 1409, 64);
	check_frame(&g, 10 * 1408, 1);
	check_frame(&g, 64 * 1408, 64);
	check_frame(&g, 100001, 17);
	check_frame(&g, 1, 64); /* and small again */
	rig_close(&g);
}

static void frames_of_several_blocks(void **state)
{
	struct rig g;

	rig_open(&g, 1408, 4096, 5);
	check_frame(&g, 4096 * 1408, 64);
	check_frame(&g, 4096 * 1408 + 1, 64); /* a second block of one shard */
	check_frame(&g, 2 * 4096 * 1408 - 700, 64);
	check_frame(&g, MAX_FRAME, 46);
	rig_close(&g);
	rig_open(&g, 512, 7, 50);
	for (uint32_t len = 0; len < 30000; len += 1021)
		check_frame(&g, len, 3);
	rig_close(&g);
}

static void sizes_with_a_tail_and_without_parity(void **state)
{
	struct rig g;

	rig_open(&g, 1388, 4096, 20);
	check_frame(&g, 50000, 64);
	rig_close(&g);
	rig_open(&g, 1408, 4096, 0);
	check_frame(&g, 50000, 64);
	check_frame(&g, 0, 64);
	rig_close(&g);
}

static void a_full_block_is_capped(void **state)
{
	struct rig g;
	struct packet_list l = { 0 };
	struct pf_au au = { .len = 4096 * 512, .user_flags = PF_USER_VIDEO };

	rig_open(&g, 512, 4096, 90);
	au.data = g.frame;
	packets_of_frame(&l, g.p, &au, 64);
	assert_int_equal(l.n, 4506); /* 4096 + 10 % of the Welcome, not 90 */
	packets_clear(&l);
	rig_close(&g);
}

static void bad_parameters_are_refused(void **state)
{
	struct pf_parity parity;
	struct pf_pf1_params good = { 1408, 4096, MAX_FRAME, &parity }, bad;
	struct pf_packetizer *p = NULL;
	struct pf_au_plan plan;
	struct pf_au au = { .len = MAX_FRAME + 1 };

	assert_int_equal(pf_parity_init(&parity, 10, 10, 4096), 0);
	for (unsigned i = 0; i < 6; i++) {
		static const uint16_t shards[] = { 0, 510, 1409, 9154, 1408, 1408 };
		static const uint16_t blocks[] = { 4096, 4096, 4096, 4096, 0, 20000 };

		bad = good;
		bad.shard_bytes = shards[i];
		bad.max_data_per_block = blocks[i];
		assert_int_equal(pf_packetizer_pf1_create(&p, &bad), -EINVAL);
	}
	bad = good;
	bad.max_frame_bytes = PF_FRAME_BYTES_LIMIT + 1;
	assert_int_equal(pf_packetizer_pf1_create(&p, &bad), -EINVAL);
	bad.max_frame_bytes = 1000;
	assert_int_equal(pf_packetizer_pf1_create(&p, &bad), -EINVAL);
	assert_null(p);
	assert_int_equal(pf_packetizer_pf1_create(&p, &good), 0);
	assert_int_equal(p->ops->begin(p, &au, &plan), -EMSGSIZE);
	p->ops->destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_every_shape),
		cmocka_unit_test(frames_of_several_blocks),
		cmocka_unit_test(sizes_with_a_tail_and_without_parity),
		cmocka_unit_test(a_full_block_is_capped),
		cmocka_unit_test(bad_parameters_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
