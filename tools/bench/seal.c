/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Sealing and opening 512 packets, by provider and cipher; and as the sender does
 * it, whole packets through core/media/seal. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/crypto/aead.h"
#include "core/media/seal.h"
#include "tests/unit/rng.h"
#include "tools/bench/report.h"

#define PACKETS	   512u
#define BYTES	   1408u
#define PLAIN	   (PF_MEDIA_HDR_BYTES + BYTES)
#define STRIDE	   (PF_SEAL_OVERHEAD + PLAIN)
#define CANDIDATES 8u

static uint8_t plain[PACKETS][STRIDE], work[PACKETS][STRIDE], other[PACKETS][STRIDE];
static uint8_t nonces[PACKETS][PF_AEAD_NONCE_BYTES];

struct candidate {
	char row[24];
	struct pf_aead *aead;
	struct pf_aead_job seal[PACKETS], open[PACKETS];
	/* As this provider sealed `plain`: what open reads. */
	uint8_t sealed[PACKETS][STRIDE];
};

static struct candidate candidates[CANDIDATES];

static void copy_work(void *user, uint32_t turn, bool rotating)
{
	for (unsigned i = 0; i < PACKETS; i++)
		memcpy(other[i], work[i], BYTES);
	__asm__ volatile("" ::: "memory");
}

static void seal_work(void *user, uint32_t turn, bool rotating)
{
	struct candidate *c = user;

	pf_aead_seal(c->aead, c->seal, PACKETS);
}

/* Not in place, or it could be done once only. */
static void open_work(void *user, uint32_t turn, bool rotating)
{
	struct candidate *c = user;

	pf_aead_open(c->aead, c->open, PACKETS);
}

static void packets_work(void *user, uint32_t turn, bool rotating)
{
	pf_seal_packets(user, work[0], STRIDE, PLAIN, PACKETS);
}

static int prepare(struct candidate *c)
{
	for (unsigned i = 0; i < PACKETS; i++) {
		uint8_t *p = c->sealed[i];

		memcpy(p, plain[i], STRIDE);
		c->open[i] = (struct pf_aead_job){
			.nonce = nonces[i],
			.aad = p,
			.aad_len = PF_SEAL_SEQ_BYTES,
			.in = p + PF_SEAL_SEQ_BYTES,
			.out = p + PF_SEAL_SEQ_BYTES,
			.len = BYTES,
			.tag = p + PF_SEAL_SEQ_BYTES + BYTES,
		};
		c->seal[i] = c->open[i];
		c->seal[i].in = c->seal[i].out = work[i] + PF_SEAL_SEQ_BYTES;
		c->seal[i].aad = work[i];
		c->seal[i].tag = work[i] + PF_SEAL_SEQ_BYTES + BYTES;
	}
	if (pf_aead_seal(c->aead, c->open, PACKETS))
		return -1;
	for (unsigned i = 0; i < PACKETS; i++)
		c->open[i].out = other[i] + PF_SEAL_SEQ_BYTES;
	if (pf_aead_open(c->aead, c->open, PACKETS))
		return -1;
	for (unsigned i = 0; i < PACKETS; i++)
		if (memcmp(c->open[i].out, plain[i] + PF_SEAL_SEQ_BYTES, BYTES))
			return -1;
	return 0;
}

/* Every provider that serves the cipher here; all must seal to the same bytes. */
static int gather(const struct pf_bench *b, enum pf_aead_alg alg, size_t *count)
{
	static const uint8_t key[32] = { 7 };
	const char *name;

	for (unsigned i = 0; (name = pf_aead_provider_name(i)); i++) {
		struct candidate *c = &candidates[*count];
		int err;

		if (!pf_bench_wants_row(b, name) || *count == CANDIDATES)
			continue;
		err = pf_aead_create(&c->aead, alg, key, alg == PF_AEAD_AES128_GCM ? 16 : 32, name);
		if (err == -ENOTSUP)
			continue;
		snprintf(c->row, sizeof(c->row), "%s:%s",
			alg == PF_AEAD_AES128_GCM ? "gcm" : "chacha", name);
		++*count;
		if (err || prepare(c) ||
			memcmp(c->sealed, (c - (c > candidates ? 1 : 0))->sealed,
				sizeof(c->sealed))) {
			fprintf(stderr, "pf-bench: %s: bytes are not what they should be\n",
				c->row);
			return -1;
		}
	}
	return 0;
}

static void measure(struct pf_bench *b, const char *kernel, pf_bench_work *of, size_t count)
{
	const struct pf_bench_case c = {
		.kernel = kernel, .shape = "512x1408", .one_frame = true, .copy = copy_work
	};
	struct pf_bench_runner runners[CANDIDATES] = { 0 };

	if (!count || !pf_bench_wants(b, c.kernel, c.shape))
		return;
	for (size_t i = 0; i < count; i++)
		runners[i] = (struct pf_bench_runner){
			.row = candidates[i].row, .work = of, .user = &candidates[i]
		};
	pf_bench_measure(b, &c, runners, count);
}

static int one_cipher(struct pf_bench *b, enum pf_aead_alg alg)
{
	size_t count = 0;
	int r = gather(b, alg, &count);

	if (!r) {
		measure(b, "seal", seal_work, count);
		measure(b, "open", open_work, count);
	}
	for (size_t i = 0; i < count; i++)
		pf_aead_free(candidates[i].aead);
	return r;
}

static int whole_packets(struct pf_bench *b)
{
	static const struct pf_bench_case c = {
		.kernel = "seal", .shape = "512x1448", .one_frame = true, .copy = copy_work
	};
	struct pf_media_keys keys = { .alg = PF_AEAD_AES128_GCM };
	struct pf_seal s;
	struct pf_bench_runner r = { .row = "packets", .work = packets_work, .user = &s };

	if (!pf_bench_wants(b, c.kernel, c.shape) || !pf_bench_wants_row(b, r.row))
		return 0;
	if (pf_seal_init(&s, &keys, PF_FROM_HOST))
		return -1;
	pf_bench_measure(b, &c, &r, 1);
	pf_seal_finish(&s);
	return 0;
}

int pf_bench_seal(struct pf_bench *b)
{
	uint64_t rng = 1;
	int r;

	if (!pf_bench_wants(b, "seal", "512x1408") && !pf_bench_wants(b, "open", "512x1408") &&
		!pf_bench_wants(b, "seal", "512x1448"))
		return 0;
	rng_fill(&rng, plain, sizeof(plain));
	rng_fill(&rng, nonces, sizeof(nonces));
	r = one_cipher(b, PF_AEAD_AES128_GCM);
	if (!r)
		r = one_cipher(b, PF_AEAD_CHACHA20_POLY1305);
	return r ? r : whole_packets(b);
}
