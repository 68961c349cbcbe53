/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A block that is decoded while it arrives: what is left behind its last packet,
 * all calls together, and the same block decoded at its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fec/gf16_stream.h"
#include "tests/unit/rng.h"
#include "tools/bench/report.h"

#define BYTES 1408u

struct bed {
	uint32_t k, m, lost;
	struct pf_gf16_ctx *ctx;
	struct pf_gf16_stream *stream;
	uint8_t *memory;
	uint8_t **data, **parity, **out;
	const uint8_t **got[PF_BENCH_TURNS]; /* data, by pattern; parity follows */
};

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "pf-bench: out of memory\n");
		exit(1);
	}
	return p;
}

static void bed_init(struct bed *b, uint32_t k, uint32_t m)
{
	const struct pf_gf16_limits limits = { k, m, BYTES };
	uint64_t rng = 1;
	uint8_t *at;

	*b = (struct bed){ .k = k, .m = m };
	if (pf_gf16_create(&limits, &b->ctx) || pf_gf16_stream_create(b->ctx, &b->stream))
		must(NULL);
	at = b->memory = must(aligned_alloc(64, (size_t)(2 * k + m) * BYTES));
	b->data = must(calloc(2 * k + m, sizeof(*b->data)));
	b->parity = b->data + k;
	b->out = b->parity + m;
	for (uint32_t i = 0; i < 2 * k + m; i++, at += BYTES)
		b->data[i] = at;
	rng_fill(&rng, b->memory, (size_t)k * BYTES);
	pf_gf16_encode(b->ctx, k, m, BYTES, (const uint8_t *const *)b->data, b->parity);
	for (uint32_t t = 0; t < PF_BENCH_TURNS; t++)
		b->got[t] = must(calloc(k + m, sizeof(*b->got[t])));
}

static void bed_finish(struct bed *b)
{
	for (uint32_t t = 0; t < PF_BENCH_TURNS; t++)
		free(b->got[t]);
	free(b->data);
	free(b->memory);
	pf_gf16_stream_destroy(b->stream);
	pf_gf16_destroy(b->ctx);
}

/* Parity comes behind the data, as much of it as is needed. */
static void lose(struct bed *b, uint32_t e)
{
	uint64_t rng = e;

	b->lost = e;
	for (uint32_t t = 0; t < PF_BENCH_TURNS; t++) {
		memcpy(b->got[t], b->data, (b->k + b->m) * sizeof(*b->data));
		memset(b->got[t] + b->k + e, 0, (b->m - e) * sizeof(*b->data));
		for (uint32_t n = 0; n < e;) {
			const uint32_t i = rng_below(&rng, b->k);

			n += b->got[t][i] != NULL;
			b->got[t][i] = NULL;
		}
	}
}

/* All shards in order, a step after each but the last. */
static void arrive(void *user, uint32_t turn, bool rotating)
{
	struct bed *b = user;
	const uint8_t *const *got = b->got[turn];
	const uint32_t end = b->k + b->lost;

	pf_gf16_stream_begin(b->stream, b->k, b->m, BYTES);
	for (uint32_t i = 0; i < end; i++) {
		if (!got[i])
			continue;
		if (i < b->k)
			pf_gf16_stream_data(b->stream, i, got[i]);
		else
			pf_gf16_stream_parity(b->stream, i - b->k, got[i]);
		if (i + 1 < end)
			pf_gf16_stream_step(b->stream);
	}
}

static void finish(void *user, uint32_t turn, bool rotating)
{
	struct bed *b = user;

	pf_gf16_stream_finish(b->stream, b->out);
}

static void whole(void *user, uint32_t turn, bool rotating)
{
	arrive(user, turn, rotating);
	finish(user, turn, rotating);
}

static void at_end(void *user, uint32_t turn, bool rotating)
{
	struct bed *b = user;

	pf_gf16_decode(b->ctx, b->k, b->m, BYTES, b->got[turn], b->got[turn] + b->k, b->out);
}

static void copy(void *user, uint32_t turn, bool rotating)
{
	struct bed *b = user;

	for (uint32_t i = 0; i < b->k; i++)
		memcpy(b->out[i], b->data[i], BYTES);
	__asm__ volatile("" ::: "memory");
}

static int check(struct bed *b)
{
	for (uint32_t t = 0; t < PF_BENCH_TURNS; t++) {
		memset(b->out[0], 0xaa, (size_t)b->k * BYTES);
		whole(b, t, false);
		for (uint32_t i = 0; i < b->k; i++)
			if (!b->got[t][i] && memcmp(b->out[i], b->data[i], BYTES))
				return -1;
	}
	return 0;
}

int pf_bench_stream(struct pf_bench *bench)
{
	static const struct {
		uint32_t k, m, losses[4];
	} shapes[] = { { 74, 15, { 1, 4 } }, { 200, 40, { 2, 10 } },
		{ 520, 104, { 1, 5, 26, 104 } }, { 1000, 200, { 10, 50 } } };

	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
		struct bed b;
		char shape[24];

		snprintf(shape, sizeof(shape), "%u+%ux%u", shapes[s].k, shapes[s].m, BYTES);
		if (!pf_bench_wants(bench, "gf16_stream", shape) || (s && pf_bench_quick(bench)))
			continue;
		bed_init(&b, shapes[s].k, shapes[s].m);
		for (size_t n = 0; n < 4 && shapes[s].losses[n]; n++) {
			const struct pf_bench_case c = { .kernel = "gf16_stream",
				.shape = shape,
				.lost = shapes[s].losses[n],
				.patterns = true,
				.one_frame = true,
				.copy = copy,
				.copy_user = &b };
			const struct pf_bench_runner rows[] = {
				{ .row = "last", .work = finish, .prepare = arrive, .user = &b },
				{ .row = "whole", .work = whole, .user = &b },
				{ .row = "at_end", .work = at_end, .user = &b },
			};

			lose(&b, c.lost);
			if (check(&b)) {
				fprintf(stderr, "pf-bench: gf16_stream, %s: wrong bytes\n", shape);
				bed_finish(&b);
				return -1;
			}
			pf_bench_measure(bench, &c, rows, sizeof(rows) / sizeof(rows[0]));
		}
		bed_finish(&b);
	}
	return 0;
}
