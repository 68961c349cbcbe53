/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "core/media/seal.h"
#include "tests/unit/hex.h"
#include "tests/unit/rng.h"
#include "tests/unit/seal_vectors.h"

static struct pf_media_keys test_keys(enum pf_aead_alg alg)
{
	struct pf_media_keys k = { .alg = alg, .salt = { 0xa1, 2, 3, 4 } };

	for (unsigned i = 0; i < sizeof(k.key); i++)
		k.key[i] = (uint8_t)i;
	return k;
}

/* punktfunk1.md 21.3 */
static void check_vector(const struct seal_vector *v)
{
	struct pf_media_keys keys = test_keys(v->alg);
	uint8_t packet[68], plain[44], want[68];
	struct pf_sealed in;
	struct pf_seal s;

	assert_int_equal(hex_bytes(v->packet, want, sizeof(want)), sizeof(want));
	pf_media_hdr_build(&seal_vector_hdr, plain);
	memcpy(plain + PF_MEDIA_HDR_BYTES, "abc", 4);

	assert_int_equal(
		pf_seal_init(&s, &keys, v->from_client ? PF_FROM_CLIENT : PF_FROM_HOST), 0);
	s.seq = 7;
	memcpy(packet + 8, plain, sizeof(plain));
	assert_int_equal(pf_seal_packets(&s, packet, sizeof(packet), sizeof(plain), 1), 0);
	assert_memory_equal(packet, want, sizeof(want));
	assert_true(s.seq == 8);
	in = (struct pf_sealed){ .data = packet, .len = sizeof(packet) };
	assert_int_equal(pf_seal_open(&s, &in, 1), 1);
	assert_true(in.seq == 7);
	assert_memory_equal(packet + 8, plain, sizeof(plain));
	pf_seal_finish(&s);
}

static void published_vectors(void **state)
{
	for (size_t i = 0; i < SEAL_VECTORS; i++)
		check_vector(&seal_vectors[i]);
}

/* More packets than a batch, some spoilt, some of impossible length. */
static void batches_open_what_is_genuine(void **state)
{
	enum { N = 3 * PF_SEAL_BATCH + 7, PLAIN = 552, STRIDE = PLAIN + PF_SEAL_OVERHEAD + 3 };
	static uint8_t buf[N][STRIDE], copy[N][STRIDE];
	static struct pf_sealed in[N];
	struct pf_media_keys keys = test_keys(PF_AEAD_AES128_GCM);
	struct pf_seal tx, rx, other;
	uint64_t rng = rng_seed();
	unsigned good = 0;

	rng_fill(&rng, copy, sizeof(copy));
	memcpy(buf, copy, sizeof(buf));
	assert_int_equal(pf_seal_init(&tx, &keys, PF_FROM_HOST), 0);
	assert_int_equal(pf_seal_init(&rx, &keys, PF_FROM_HOST), 0);
	assert_int_equal(pf_seal_init(&other, &keys, PF_FROM_CLIENT), 0);
	assert_int_equal(pf_seal_packets(&tx, buf[0], STRIDE, PLAIN, N), 0);
	for (unsigned i = 0; i < N; i++) {
		in[i].data = buf[i];
		in[i].len = PLAIN + PF_SEAL_OVERHEAD;
		if (i % 5 == 1)
			buf[i][rng_below(&rng, in[i].len)] ^= (uint8_t)(1 + rng_below(&rng, 255));
		else if (i % 5 == 2)
			in[i].len -= 1 + rng_below(&rng, PLAIN);
		else if (i % 5 == 3)
			in[i].len = rng_below(&rng, PF_SEAL_OVERHEAD);
		else
			good++;
	}
	in[3].len = PF_DATAGRAM_MAX + 1;
	assert_int_equal(pf_seal_open(&rx, in, N), good);
	for (unsigned i = 0; i < N; i++) {
		unsigned kind = i % 5;

		assert_int_equal(in[i].result, kind == 3		? -EMSGSIZE
					       : kind == 1 || kind == 2 ? -EBADMSG
									: 0);
		if (!in[i].result) {
			assert_true(in[i].seq == i);
			assert_memory_equal(buf[i] + 8, copy[i] + 8, PLAIN);
		}
	}
	/* the other direction's packets do not pass for ours */
	assert_int_equal(pf_seal_packets(&other, buf[0], STRIDE, PLAIN, 1), 0);
	in[0].len = PLAIN + PF_SEAL_OVERHEAD;
	assert_int_equal(pf_seal_open(&rx, in, 1), 0);
	assert_int_equal(in[0].result, -EBADMSG);
	pf_seal_finish(&tx);
	pf_seal_finish(&rx);
	pf_seal_finish(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors),
		cmocka_unit_test(batches_open_what_is_genuine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
