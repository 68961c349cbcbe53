/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/bench/fec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cpu.h"
#include "core/fec/gf16_kernel.h"
#include "tests/unit/rng.h"

/* Shards lie in packets as they do on the wire, behind a header of this size.
 * All are aligned, since some peers ask for that to be at their best. */
#define PACKET_HEADER 64u
#define PACKET_ROUND  64u
/* Fewer frames rotate where eight would need more. */
#define ARENA_BYTES (192u << 20)

#define CANDIDATES 16u

struct frame {
	uint8_t **data, **parity, **out;
};

/* What came of a frame. */
struct arrival {
	const uint8_t **data, **parity;
};

struct block {
	const struct pf_bench_shape *shape;
	uint32_t frames;
	uint8_t *memory, *expected; /* parity of frame 0 by plain C */
	void **pointers;
	struct frame frame[PF_BENCH_TURNS];
	struct arrival hot[PF_BENCH_TURNS];	 /* of frame 0, by pattern */
	struct arrival rotating[PF_BENCH_TURNS]; /* of each frame */
};

struct candidate {
	const struct pf_bench_peer *code;
	void *ctx;
	const struct block *block;
	char row[24];
	bool peer;
};

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "pf-bench: out of memory\n");
		exit(1);
	}
	return p;
}

static size_t packet_of(const struct pf_bench_shape *s)
{
	return (s->bytes + PACKET_HEADER + PACKET_ROUND - 1) / PACKET_ROUND * PACKET_ROUND;
}

static void block_init(struct block *b, const struct pf_bench_shape *s, uint64_t *rng)
{
	const size_t packet = packet_of(s), shards = 2 * (size_t)s->k + s->m;
	const size_t arrays = shards + 2 * ((size_t)s->k + s->m);
	uint8_t *at;
	void **p;

	*b = (struct block){ .shape = s, .frames = PF_BENCH_TURNS };
	while (b->frames > 1 && b->frames * shards * packet > ARENA_BYTES)
		b->frames--;
	b->memory = at = must(aligned_alloc(PACKET_ROUND, b->frames * shards * packet));
	b->expected = must(malloc((size_t)s->m * s->bytes));
	b->pointers = p = must(calloc(PF_BENCH_TURNS * arrays, sizeof(*p)));
	for (uint32_t f = 0; f < PF_BENCH_TURNS; f++) {
		struct frame *fr = &b->frame[f];

		fr->data = (uint8_t **)p;
		fr->parity = fr->data + s->k;
		fr->out = fr->parity + s->m;
		b->hot[f].data = (const uint8_t **)(fr->out + s->k);
		b->hot[f].parity = b->hot[f].data + s->k;
		b->rotating[f].data = b->hot[f].parity + s->m;
		b->rotating[f].parity = b->rotating[f].data + s->k;
		p += arrays;
		if (f >= b->frames) {
			*fr = b->frame[f % b->frames];
			continue;
		}
		rng_fill(rng, at, s->k * packet);
		for (uint32_t i = 0; i < s->k; i++, at += packet)
			fr->data[i] = at + PACKET_HEADER;
		for (uint32_t j = 0; j < s->m; j++, at += packet)
			fr->parity[j] = at + PACKET_HEADER;
		for (uint32_t i = 0; i < s->k; i++, at += packet)
			memset(fr->out[i] = at, 0, packet);
	}
}

static void block_finish(struct block *b)
{
	free(b->memory);
	free(b->expected);
	free(b->pointers);
}

/* e data shards are lost, and e of the parity is there. */
static void lose(const struct pf_bench_shape *s, const struct frame *f, struct arrival *a,
	uint32_t e, uint64_t *rng)
{
	for (uint32_t i = 0; i < s->k; i++)
		a->data[i] = f->data[i];
	for (uint32_t j = 0; j < s->m; j++)
		a->parity[j] = NULL;
	for (uint32_t n = 0; n < e;) {
		uint32_t i = rng_below(rng, s->k);

		n += a->data[i] != NULL;
		a->data[i] = NULL;
	}
	for (uint32_t n = 0; n < e;) {
		uint32_t j = rng_below(rng, s->m);

		n += a->parity[j] == NULL;
		a->parity[j] = f->parity[j];
	}
}

static int encode_frame(const struct candidate *c, const struct frame *f)
{
	return c->code->encode(c->ctx, (const uint8_t *const *)f->data, f->parity);
}

static void encode_work(void *user, uint32_t turn, bool rotating)
{
	const struct candidate *c = user;

	encode_frame(c, &c->block->frame[rotating ? turn : 0]);
}

static void decode_work(void *user, uint32_t turn, bool rotating)
{
	const struct candidate *c = user;
	const struct arrival *a = rotating ? &c->block->rotating[turn] : &c->block->hot[turn];

	c->code->decode(c->ctx, a->data, a->parity, c->block->frame[rotating ? turn : 0].out);
}

static void copy_work(void *user, uint32_t turn, bool rotating)
{
	const struct block *b = user;
	const struct frame *f = &b->frame[rotating ? turn : 0];

	for (uint32_t i = 0; i < b->shape->k; i++)
		memcpy(f->out[i], f->data[i], b->shape->bytes);
	__asm__ volatile("" ::: "memory");
}

static int refuse(const struct candidate *c, const char *what)
{
	fprintf(stderr, "pf-bench: %s, %u+%ux%u: %s\n", c->row, c->block->shape->k,
		c->block->shape->m, c->block->shape->bytes, what);
	return -1;
}

/* The first candidate is plain C: its parity is what the others have to give. */
static int check_encode(const struct candidate *c, bool first)
{
	const struct block *b = c->block;
	const struct pf_bench_shape *s = b->shape;
	uint8_t *const *parity = b->frame[0].parity;

	for (uint32_t j = 0; j < s->m; j++)
		memset(parity[j], 0xaa, s->bytes);
	if (encode_frame(c, &b->frame[0]))
		return refuse(c, "encode failed");
	for (uint32_t j = 0; j < s->m; j++) {
		if (first)
			memcpy(b->expected + (size_t)j * s->bytes, parity[j], s->bytes);
		else if (memcmp(b->expected + (size_t)j * s->bytes, parity[j], s->bytes))
			return refuse(c, "its parity differs from ours");
	}
	return 0;
}

static int check_decode(const struct candidate *c)
{
	const struct block *b = c->block;
	const struct frame *f = &b->frame[0];
	const size_t bytes = b->shape->bytes;

	for (uint32_t t = 0; t < PF_BENCH_TURNS; t++) {
		const struct arrival *a = &b->hot[t];

		for (uint32_t i = 0; i < b->shape->k; i++)
			memset(f->out[i], 0xaa, bytes);
		if (c->code->decode(c->ctx, a->data, a->parity, f->out))
			return refuse(c, "decode failed");
		for (uint32_t i = 0; i < b->shape->k; i++)
			if (!a->data[i] && memcmp(f->out[i], f->data[i], bytes))
				return refuse(c, "what it recovers differs from what was lost");
	}
	return 0;
}

static size_t add_own(const struct pf_bench *bench, struct candidate *c, const struct block *b,
	const struct pf_bench_peer *own, const char *row, uint32_t mask)
{
	const struct pf_bench_shape *s = b->shape;

	/* Plain C always stands first: it is the measure of the others' bytes. */
	if (!pf_bench_wants_row(bench, row) && strcmp(row, "c"))
		return 0;
	*c = (struct candidate){ .code = own, .block = b };
	snprintf(c->row, sizeof(c->row), "%s", row);
	pf_cpu_set_mask(mask);
	c->ctx = must(own->open(s->k, s->m, s->bytes));
	pf_cpu_set_mask(~0u);
	return 1;
}

/* Plain C, the other rows of this processor, what is picked, and the peers. */
static size_t gather(const struct pf_bench *bench, const struct pf_bench_code *code,
	const struct block *b, struct candidate *c)
{
	const struct pf_bench_shape *s = b->shape;
	const struct pf_bench_peer *p;
	size_t n = 0;

	for (unsigned i = pf_gf16_kernel_count; i-- > 0;) {
		const struct pf_gf16_kernel *k = pf_gf16_kernels[i];

		if (!(k->needs & ~pf_cpu_flags()))
			n += add_own(bench, &c[n], b, code->own, k->name, k->needs);
	}
	n += add_own(bench, &c[n], b, code->own, "auto", ~0u);
	for (size_t i = 0; n < CANDIDATES && (p = pf_bench_peer_of(bench, code->own->bits, i));
		i++) {
		c[n] = (struct candidate){ .code = p, .block = b, .peer = true };
		snprintf(c[n].row, sizeof(c[n].row), "peer:%s", p->name);
		c[n].ctx = p->open(s->k, s->m, s->bytes);
		n += c[n].ctx != NULL;
	}
	return n;
}

static void measure(struct pf_bench *bench, const struct block *b, const char *kernel,
	const char *shape, uint32_t lost, struct candidate *c, size_t count)
{
	const struct pf_bench_case what = { .kernel = kernel,
		.shape = shape,
		.lost = lost,
		.patterns = lost > 0,
		.one_frame = b->frames == 1,
		.copy = copy_work,
		.copy_user = (void *)b };
	struct pf_bench_runner runners[CANDIDATES];
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (!i && !pf_bench_wants_row(bench, "c"))
			continue;
		runners[n++] = (struct pf_bench_runner){ .row = c[i].row,
			.work = lost ? decode_work : encode_work,
			.user = &c[i],
			.plain = !i,
			.peer = c[i].peer };
	}
	pf_bench_measure(bench, &what, runners, n);
}

static int one_shape(struct pf_bench *bench, const struct pf_bench_code *code,
	const struct pf_bench_shape *s, uint64_t *rng)
{
	struct candidate c[CANDIDATES];
	struct block b;
	char shape[24];
	size_t count;
	int r = 0;

	snprintf(shape, sizeof(shape), "%u+%ux%u", s->k, s->m, s->bytes);
	if ((pf_bench_quick(bench) && !s->quick) ||
		(!pf_bench_wants(bench, code->encode, shape) &&
			!pf_bench_wants(bench, code->decode, shape)))
		return 0;
	block_init(&b, s, rng);
	count = gather(bench, code, &b, c);
	for (size_t i = 0; i < count && !r; i++)
		r = check_encode(&c[i], !i);
	if (!r && pf_bench_wants(bench, code->encode, shape))
		measure(bench, &b, code->encode, shape, 0, c, count);
	/* The last of ours, with parity just proved. */
	for (uint32_t f = 0; f < b.frames && !r; f++)
		for (size_t i = count; i-- > 0;)
			if (!c[i].peer) {
				encode_frame(&c[i], &b.frame[f]);
				break;
			}
	for (size_t n = 0; n < PF_BENCH_LOSSES && s->lost[n] && !r; n++) {
		if (!pf_bench_wants(bench, code->decode, shape))
			break;
		for (uint32_t t = 0; t < PF_BENCH_TURNS; t++) {
			lose(s, &b.frame[0], &b.hot[t], s->lost[n], rng);
			lose(s, &b.frame[t], &b.rotating[t], s->lost[n], rng);
		}
		for (size_t i = 0; i < count && !r; i++)
			r = check_decode(&c[i]);
		if (!r)
			measure(bench, &b, code->decode, shape, s->lost[n], c, count);
	}
	for (size_t i = 0; i < count; i++)
		c[i].code->close(c[i].ctx);
	block_finish(&b);
	return r;
}

int pf_bench_fec(struct pf_bench *b, const struct pf_bench_code *code)
{
	uint64_t rng = 1; /* the same bytes and losses in every run */
	int r = 0;

	for (size_t i = 0; i < code->shape_count && !r; i++)
		r = one_shape(b, code, &code->shapes[i], &rng);
	pf_cpu_set_mask(~0u);
	return r;
}
