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

static struct pf_media_keys test_keys(enum pf_aead_alg alg)
{
	struct pf_media_keys k = { .alg = alg, .salt = { 0xa1, 2, 3, 4 } };

	for (unsigned i = 0; i < sizeof(k.key); i++)
		k.key[i] = (uint8_t)i;
	return k;
}

/* punktfunk1.md 21.3 */
static void check_vector(enum pf_aead_alg alg, enum pf_direction dir, const char *hex)
{
	static const struct pf_media_hdr h = {
		.pts_ns = 0x0102030405060708,
		.frame_index = 5,
		.stream_seq = 9,
		.frame_bytes = 3,
		.block_count = 1,
		.data_shards = 1,
		.recovery_shards = 1,
		.shard_bytes = 4,
		.fec_scheme = 1,
		.flags = PF_PKT_PIC | PF_PKT_SOF,
	};
	struct pf_media_keys keys = test_keys(alg);
	uint8_t packet[68], plain[44], want[68];
	struct pf_sealed in;
	struct pf_seal s;

	assert_int_equal(hex_bytes(hex, want, sizeof(want)), sizeof(want));
	pf_media_hdr_build(&h, plain);
	memcpy(plain + PF_MEDIA_HDR_BYTES, "abc", 4);

	assert_int_equal(pf_seal_init(&s, &keys, dir), 0);
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
	check_vector(PF_AEAD_AES128_GCM, PF_FROM_HOST,
		"00000000000000071226dccdf684f9cc51ad93c5c5ddd0c55444ba2cf4d66da1ed8bcfa1fff48dc842"
		"0c4a417fcdafcb5ec22cdd6866c00b4689038e1f25736f0452e43a");
	check_vector(PF_AEAD_AES128_GCM, PF_FROM_CLIENT,
		"0000000000000007dc366c6bc67cb2af597857e134c47c1f799448da6a7d1e695d0a5fdb463bd91a30"
		"0778345743361d4133add20f6d943c56da8cc8ffae0c6dc38cc39b");
	check_vector(PF_AEAD_CHACHA20_POLY1305, PF_FROM_HOST,
		"00000000000000071f7f3f4dd838d9495e4fc942d91b26d38da4845b11cdb4590797f7e3aaad9d7279"
		"8e00a1c5672f00d2d03ec6a3f2513d89bc3b18f8e203af1961638b");
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
