/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Once warm, a frame's way from access unit to access unit allocates nothing.
 * The link replaces the allocators of the core by counting ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "core/media/gs_video_seal.h"
#include "core/media/packetizer.h"
#include "core/media/reassembler.h"
#include "core/media/seal.h"
#include "tests/unit/rng.h"

static unsigned allocations;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);

void *__wrap_malloc(size_t n)
{
	allocations++;
	return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	allocations++;
	return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	allocations++;
	return __real_realloc(p, n);
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
	allocations++;
	return __real_aligned_alloc(align, n);
}

struct rig {
	struct pf_parity parity;
	struct pf_packetizer *p;
	struct pf_seal tx, rx;
	struct pf_reassembler *r;
	uint64_t rng;
	uint32_t index;
	uint8_t *data;
};

static void pass_frame(struct rig *g, uint32_t len)
{
	struct pf_au au = { g->data, len, g->index, PF_USER_VIDEO, g->index * 8000000ull };
	struct pf_assembled *f;
	struct pf_au_plan plan;
	struct pf_train t;

	assert_int_equal(g->p->ops->begin(g->p, &au, &plan), 0);
	for (;;) {
		struct pf_sealed in[PF_TRAIN_MAX];
		unsigned n = 0;

		g->p->ops->next(g->p, PF_TRAIN_MAX, &t);
		if (!t.count)
			break;
		assert_int_equal(
			pf_seal_packets(&g->tx, t.base, t.stride, t.plain_bytes, t.count), 0);
		for (uint32_t i = 0; i < t.count; i++)
			if (rng_below(&g->rng, 100) >= 3)
				in[n++] = (struct pf_sealed){ .data = t.base + i * t.stride,
					.len = t.stride };
		assert_int_equal(pf_seal_open(&g->rx, in, n), n);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(
				pf_reassembler_push(g->r, in[i].data + 8, in[i].len - 24, 1), 0);
	}
	f = pf_reassembler_take(g->r);
	assert_non_null(f);
	assert_int_equal(f->frame_index, g->index++);
	assert_int_equal(f->len, len);
	assert_memory_equal(f->data, g->data, len);
	pf_reassembler_release(g->r, f);
}

static void a_warm_path_allocates_nothing(void **state)
{
	struct pf_media_keys keys = { .alg = PF_AEAD_AES128_GCM };
	struct rig g = { .rng = rng_seed() };
	struct pf_pf1_params pp = { 1408, 256, 1u << 20, &g.parity };
	struct pf_reassembler_params rp = { 1408, 256, 1u << 20 };
	unsigned before;

	g.data = malloc(1u << 20);
	assert_non_null(g.data);
	rng_fill(&g.rng, g.data, 1u << 20);
	assert_int_equal(pf_parity_init(&g.parity, 40, 40, 256), 0);
	before = allocations;
	assert_int_equal(pf_packetizer_pf1_create(&g.p, &pp), 0);
	assert_int_equal(pf_reassembler_create(&g.r, &rp), 0);
	assert_true(allocations > before); /* the count counts */
	assert_int_equal(pf_seal_init(&g.tx, &keys, PF_FROM_HOST), 0);
	assert_int_equal(pf_seal_init(&g.rx, &keys, PF_FROM_HOST), 0);
	for (unsigned i = 0; i < 5; i++)
		pass_frame(&g, 1u << 20);
	before = allocations;
	for (unsigned i = 0; i < 200; i++)
		pass_frame(&g, 1 + rng_below(&g.rng, 800000));
	assert_int_equal(allocations, before);
	assert_true(pf_reassembler_stats(g.r)->shards_recovered > 1000);
	g.p->ops->destroy(g.p);
	pf_reassembler_destroy(g.r);
	pf_seal_finish(&g.tx);
	pf_seal_finish(&g.rx);
	free(g.data);
}

static void gamestream_allocates_nothing_from_the_start(void **state)
{
	static const uint8_t key[PF_AES128_KEY_BYTES];
	static uint8_t data[1000000], sealed[PF_TRAIN_MAX * (1360 + 16 + PF_GS_PREFIX_BYTES)];
	uint64_t rng = rng_seed(), packets = 0;
	struct pf_gs_video_seal seal;
	struct pf_parity parity;
	struct pf_gs_params params = { 1360, PF_PARITY_ADAPTIVE, 2, sizeof(data), &parity };
	struct pf_packetizer *p;
	unsigned before;

	assert_int_equal(pf_parity_init(&parity, PF_PARITY_ADAPTIVE, 0, 255), 0);
	before = allocations;
	assert_int_equal(pf_packetizer_gs_create(&p, &params), 0);
	assert_true(allocations > before);
	assert_int_equal(pf_gs_video_seal_init(&seal, key), 0);
	before = allocations;
	for (uint32_t i = 1; i < 100; i++) {
		struct pf_au au = { .data = data, .len = rng_below(&rng, sizeof(data)) };
		struct pf_au_plan plan;
		struct pf_train t;

		assert_int_equal(p->ops->begin(p, &au, &plan), 0);
		for (;;) {
			p->ops->next(p, PF_TRAIN_MAX, &t);
			if (!t.count)
				break;
			assert_int_equal(pf_gs_video_seal_packets(
						 &seal, i, t.base, t.plain_bytes, t.count, sealed),
				0);
			packets += t.count;
		}
	}
	assert_int_equal(allocations, before);
	assert_true(seal.counter == packets);
	p->ops->destroy(p);
	pf_gs_video_seal_finish(&seal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_warm_path_allocates_nothing),
		cmocka_unit_test(gamestream_allocates_nothing_from_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
