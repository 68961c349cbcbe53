/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The receiver here is the test's own: headers by hand, recovery by Gauss's
 * elimination over the published matrix with a bitwise multiplication. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "core/media/gs_audio.h"
#include "tests/unit/rng.h"

static uint8_t mul(uint8_t a, uint8_t b)
{
	unsigned sum = 0, x = a;

	for (; b; b >>= 1, x = x & 0x80 ? x << 1 ^ 0x11d : x << 1)
		if (b & 1)
			sum ^= x;
	return (uint8_t)sum;
}

static uint8_t inverse(uint8_t a)
{
	uint8_t r = 1;

	for (int i = 0; i < 254; i++)
		r = mul(r, a);
	return r;
}

struct block {
	uint8_t shard[6][PF_GS_AUDIO_PAYLOAD_MAX]; /* 4 data, 2 parity */
	size_t bytes;
};

/* Rebuilds the data shards from the four whose bits are set in `have`. */
static void recover(const struct block *b, unsigned have, struct block *out)
{
	static const uint8_t code[6][4] = { { 1, 0, 0, 0 }, { 0, 1, 0, 0 }, { 0, 0, 1, 0 },
		{ 0, 0, 0, 1 }, { 0x77, 0x40, 0x38, 0x0e }, { 0xc7, 0xa7, 0x0d, 0x6c } };
	uint8_t m[4][8] = { 0 };
	const uint8_t *row[4];
	unsigned n = 0;

	for (unsigned i = 0; i < 6; i++)
		if (have >> i & 1) {
			memcpy(m[n], code[i], 4);
			m[n][4 + n] = 1;
			row[n++] = b->shard[i];
		}
	assert_int_equal(n, 4);
	for (unsigned c = 0; c < 4; c++) {
		unsigned pivot = c;
		uint8_t over, line[8];

		while (pivot < 4 && !m[pivot][c])
			pivot++;
		assert_true(pivot < 4);
		memcpy(line, m[pivot], 8);
		memcpy(m[pivot], m[c], 8);
		over = inverse(line[c]);
		for (unsigned k = 0; k < 8; k++)
			m[c][k] = mul(line[k], over);
		for (unsigned r = 0; r < 4; r++) {
			const uint8_t times = m[r][c];

			for (unsigned k = 0; r != c && k < 8; k++)
				m[r][k] ^= mul(times, m[c][k]);
		}
	}
	for (unsigned i = 0; i < 4; i++)
		for (size_t k = 0; k < b->bytes; k++) {
			out->shard[i][k] = 0;
			for (unsigned r = 0; r < 4; r++)
				out->shard[i][k] ^= mul(m[i][4 + r], row[r][k]);
		}
}

static struct pf_gs_audio_packer packer;

static void start(unsigned packet_ms, bool encrypt, uint32_t key_id)
{
	struct pf_gs_audio_params p = {
		.packet_ms = packet_ms, .encrypt = encrypt, .key_id = key_id
	};

	for (unsigned i = 0; i < 16; i++)
		p.key[i] = (uint8_t)i;
	assert_int_equal(pf_gs_audio_packer_init(&packer, &p), 0);
}

static uint32_t be(const uint8_t *p, unsigned n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

/* Four packets; their shards, checked headers and all. */
static void one_block(struct block *b, uint32_t first, const uint8_t opus[4][1400], size_t len,
	unsigned packet_ms, bool encrypt)
{
	struct pf_gs_audio_datagrams d;

	b->bytes = encrypt ? (len / 16 + 1) * 16 : len;
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *p;

		assert_int_equal(pf_gs_audio_packer_put(&packer, opus[i], len, &d), 0);
		assert_int_equal(d.count, i == 3 ? 3 : 1);
		p = d.at[0].data;
		assert_int_equal(d.at[0].len, 12 + b->bytes);
		assert_int_equal(be(p, 2), 0x8061);
		assert_int_equal(be(p + 2, 2), (uint16_t)(first + i));
		assert_int_equal(be(p + 4, 4), (first + i) * packet_ms);
		assert_int_equal(be(p + 8, 4), 0);
		memcpy(b->shard[i], p + 12, b->bytes);
	}
	for (unsigned j = 0; j < 2; j++) {
		const uint8_t *p = d.at[1 + j].data;

		assert_int_equal(d.at[1 + j].len, 24 + b->bytes);
		assert_int_equal(be(p, 2), 0x807f);
		assert_int_equal(be(p + 2, 2), (uint16_t)(first + 4 + j));
		assert_int_equal(be(p + 4, 4), 0);
		assert_int_equal(be(p + 8, 4), 0);
		assert_int_equal(p[12], j);
		assert_int_equal(p[13], 97);
		assert_int_equal(be(p + 14, 2), (uint16_t)first);
		assert_int_equal(be(p + 16, 4), first * packet_ms);
		assert_int_equal(be(p + 20, 4), 0);
		memcpy(b->shard[4 + j], p + 24, b->bytes);
	}
}

/* Every way to keep four of six gives the payloads, and these the Opus packets. */
static void check_block(const struct block *b, uint32_t first, const uint8_t opus[4][1400],
	size_t len, bool encrypt, uint32_t key_id)
{
	static struct block got;

	for (unsigned have = 0; have < 64; have++) {
		if (__builtin_popcount(have) != 4)
			continue;
		recover(b, have, &got);
		for (unsigned i = 0; i < 4; i++)
			assert_memory_equal(got.shard[i], b->shard[i], b->bytes);
	}
	for (unsigned i = 0; i < 4; i++) {
		const uint32_t n = key_id + (uint16_t)(first + i);
		const uint8_t iv[16] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
			(uint8_t)n };
		uint8_t text[PF_GS_AUDIO_PAYLOAD_MAX];
		size_t text_len = b->bytes;

		if (encrypt)
			assert_int_equal(pf_aes128_cbc_pad_decrypt(packer.params.key, iv,
						 b->shard[i], b->bytes, text, &text_len),
				0);
		else
			memcpy(text, b->shard[i], b->bytes);
		assert_int_equal(text_len, len);
		assert_memory_equal(text, opus[i], len);
	}
}

static void any_two_of_six_may_be_lost(void **state)
{
	static const size_t lengths[] = { 1, 15, 16, 60, 320, 1280, PF_GS_AUDIO_OPUS_MAX };
	static uint8_t opus[4][1400];
	static struct block b;
	uint64_t seed = rng_seed();

	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (unsigned mode = 0; mode < 4; mode++) {
			const bool encrypt = mode & 1;
			const unsigned ms = mode & 2 ? 10 : 5;
			const uint32_t key_id = (uint32_t)rng_next(&seed);

			start(ms, encrypt, key_id);
			for (uint32_t first = 0; first < 8; first += 4) {
				rng_fill(&seed, opus, sizeof(opus));
				one_block(&b, first, opus, lengths[i], ms, encrypt);
				check_block(&b, first, opus, lengths[i], encrypt, key_id);
			}
			pf_gs_audio_packer_finish(&packer);
		}
}

/* Past 65535 the sequence starts anew, the time goes on, the IV follows the
 * sequence; near the end of its range the key id wraps as well. */
static void the_sequence_wraps_and_the_time_does_not(void **state)
{
	static uint8_t opus[4][1400];
	static struct block b;
	const uint32_t key_id = 0xffff0002;
	uint64_t seed = rng_seed();

	start(10, true, key_id);
	for (uint32_t first = 0; first < 66000; first += 4) {
		opus[first / 4 % 4][first % 40] = (uint8_t)rng_next(&seed);
		one_block(&b, first, opus, 40, 10, true);
		if (first % 16384 < 8 || (first > 65520 && first < 65560))
			check_block(&b, first, opus, 40, true, key_id);
	}
	pf_gs_audio_packer_finish(&packer);
}

/* Bytes made by openssl and by a few lines of Python. */
static void bytes_are_those_of_other_implementations(void **state)
{
	static const uint8_t plain[4][1400] = { { 0x01, 0x80, 0xff }, { 0x02, 0x00, 0x10 },
		{ 0x03, 0x55, 0x00 }, { 0x04, 0xaa, 0x07 } };
	static const uint8_t row[2][3] = { { 0x87, 0x3e, 0x75 }, { 0x2e, 0x27, 0x2f } };
	static const uint8_t sealed[4][16] = {
		{ 0xf3, 0x04, 0x8c, 0x4b, 0x5c, 0xd3, 0x64, 0xd4, 0x97, 0x0f, 0x2a, 0x21, 0x99,
			0x62, 0x22, 0xe9 },
		{ 0x54, 0x80, 0xb0, 0x14, 0x07, 0xa9, 0x41, 0xd9, 0x57, 0x96, 0xb1, 0x93, 0xc0,
			0x4a, 0xdd, 0x2e },
		{ 0x45, 0xb0, 0xd3, 0x3b, 0xbb, 0x13, 0x29, 0xb0, 0x98, 0x5c, 0xc8, 0xfd, 0x7f,
			0xb5, 0xc4, 0xbe },
		{ 0x05, 0xf4, 0x28, 0x23, 0x05, 0x22, 0x0c, 0x04, 0x5d, 0x7d, 0x36, 0xf9, 0x9a,
			0x40, 0x06, 0x92 },
	};
	static uint8_t five[4][1400];
	static struct block b;

	start(5, false, 0);
	one_block(&b, 0, plain, 3, 5, false);
	for (unsigned j = 0; j < 2; j++)
		assert_memory_equal(b.shard[4 + j], row[j], 3);
	pf_gs_audio_packer_finish(&packer);
	for (unsigned i = 0; i < 4; i++)
		memset(five[i], 0x30 + (int)i, 5);
	start(5, true, 0xfffffffe);
	one_block(&b, 0, five, 5, 5, true);
	for (unsigned i = 0; i < 4; i++)
		assert_memory_equal(b.shard[i], sealed[i], 16);
	pf_gs_audio_packer_finish(&packer);
}

static void an_odd_packet_is_refused_and_takes_no_number(void **state)
{
	static uint8_t opus[4][1400];
	static struct block b;
	struct pf_gs_audio_datagrams d;
	struct pf_gs_audio_params odd = { .packet_ms = 20 };
	uint8_t none[PF_AES128_KEY_BYTES] = { 0 };

	assert_int_equal(pf_gs_audio_packer_init(&packer, &odd), -EINVAL);
	start(5, true, 7);
	assert_int_equal(pf_gs_audio_packer_put(&packer, opus[0], 0, &d), -EMSGSIZE);
	assert_int_equal(
		pf_gs_audio_packer_put(&packer, opus[0], PF_GS_AUDIO_OPUS_MAX + 1, &d), -EMSGSIZE);
	one_block(&b, 0, opus, 60, 5, true);
	assert_int_equal(pf_gs_audio_packer_put(&packer, opus[0], 59, &d), -EMSGSIZE);
	/* Its ciphertext would be as long; a client does not see a difference, yet. */
	assert_int_equal(pf_gs_audio_packer_put(&packer, opus[0], 61, &d), -EMSGSIZE);
	one_block(&b, 4, opus, 60, 5, true);
	check_block(&b, 4, opus, 60, true, 7);
	pf_gs_audio_packer_finish(&packer);
	assert_memory_equal(packer.params.key, none, sizeof(none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_two_of_six_may_be_lost),
		cmocka_unit_test(the_sequence_wraps_and_the_time_does_not),
		cmocka_unit_test(bytes_are_those_of_other_implementations),
		cmocka_unit_test(an_odd_packet_is_refused_and_takes_no_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
