/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/crypto/aead.h"
#include "core/crypto/block.h"
#include "tests/unit/hex.h"
#include "tests/unit/rng.h"

/* FIPS 197 appendix C.1; SP 800-38A F.1.1. */
static void ecb(void **state)
{
	static const char *const vectors[][3] = {
		{ "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
			"69c4e0d86a7b0430d8cdb78070b4c55a" },
		{ "2b7e151628aed2a6abf7158809cf4f3c",
			"6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
			"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
			"3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"
			"43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4" },
	};
	uint8_t key[16], plain[64], cipher[64], work[64];

	for (size_t i = 0; i < 2; i++) {
		size_t len = hex_bytes(vectors[i][1], plain, sizeof(plain));

		hex_bytes(vectors[i][0], key, sizeof(key));
		hex_bytes(vectors[i][2], cipher, sizeof(cipher));
		assert_int_equal(pf_aes128_ecb_encrypt(key, plain, work, len), 0);
		assert_memory_equal(work, cipher, len);
		assert_int_equal(pf_aes128_ecb_decrypt(key, work, work, len), 0);
		assert_memory_equal(work, plain, len);
	}
	for (size_t len = 1; len < 16; len++) {
		assert_int_equal(pf_aes128_ecb_encrypt(key, plain, work, len), -EINVAL);
		assert_int_equal(pf_aes128_ecb_decrypt(key, plain, work, 16 + len), -EINVAL);
	}
	assert_int_equal(pf_aes128_ecb_encrypt(key, plain, work, 0), 0);
}

/* SP 800-38A F.2.1. */
static void cbc(void **state)
{
	uint8_t key[16], iv[16], plain[64], cipher[64], work[64];

	hex_bytes("2b7e151628aed2a6abf7158809cf4f3c", key, 16);
	hex_bytes("000102030405060708090a0b0c0d0e0f", iv, 16);
	hex_bytes("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
		  "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
		plain, 64);
	hex_bytes("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
		  "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
		cipher, 64);
	assert_int_equal(pf_aes128_cbc_encrypt(key, iv, plain, work, 64), 0);
	assert_memory_equal(work, cipher, 64);
	assert_int_equal(iv[0], 0); /* the caller's vector stays */
	assert_int_equal(iv[15], 15);
	assert_int_equal(pf_aes128_cbc_decrypt(key, iv, work, work, 64), 0);
	assert_memory_equal(work, plain, 64);
	assert_int_equal(pf_aes128_cbc_encrypt(key, iv, work, work, 64), 0);
	assert_memory_equal(work, cipher, 64);
	assert_int_equal(pf_aes128_cbc_encrypt(key, iv, plain, work, 63), -EINVAL);
	assert_int_equal(pf_aes128_cbc_decrypt(key, iv, plain, work, 1), -EINVAL);
}

/* Every length: the padded form equals padding by hand, in place and apart. */
static void cbc_padding(void **state)
{
	uint64_t seed = rng_seed();
	uint8_t key[16], iv[16], plain[96], by_hand[96], want[96], got[96];
	size_t out_len, back_len;

	rng_fill(&seed, key, 16);
	rng_fill(&seed, iv, 16);
	for (size_t len = 0; len <= 64; len++) {
		size_t full = len + 16 - len % 16;

		rng_fill(&seed, plain, len);
		memcpy(by_hand, plain, len);
		memset(by_hand + len, (int)(full - len), full - len);
		assert_int_equal(pf_aes128_cbc_encrypt(key, iv, by_hand, want, full), 0);
		assert_int_equal(
			pf_aes128_cbc_pad_encrypt(key, iv, plain, len, got, full, &out_len), 0);
		assert_int_equal(out_len, full);
		assert_memory_equal(got, want, full);
		memcpy(got, plain, len);
		assert_int_equal(
			pf_aes128_cbc_pad_encrypt(key, iv, got, len, got, full, &out_len), 0);
		assert_memory_equal(got, want, full);
		assert_int_equal(
			pf_aes128_cbc_pad_encrypt(key, iv, plain, len, got, full - 1, &out_len),
			-ENOBUFS);
		assert_int_equal(
			pf_aes128_cbc_pad_decrypt(key, iv, want, full, want, &back_len), 0);
		assert_int_equal(back_len, len);
		assert_memory_equal(want, plain, len);
	}
}

static void bad_padding_is_refused(void **state)
{
	static const uint8_t zeros[32];
	/* Last bytes of a 32-byte text, and whether they are good padding. */
	static const struct {
		uint8_t tail[4];
		int ok;
	} cases[] = {
		{ { 9, 9, 9, 0 }, 0 },
		{ { 9, 9, 9, 1 }, 1 },
		{ { 9, 9, 1, 2 }, 0 },
		{ { 9, 9, 2, 2 }, 1 },
		{ { 9, 2, 3, 3 }, 0 },
		{ { 9, 3, 3, 3 }, 1 },
		{ { 9, 9, 9, 17 }, 0 },
		{ { 9, 9, 9, 255 }, 0 },
		{ { 16, 16, 16, 16 }, 0 },
	};
	static const uint8_t key[16], iv[16];
	uint8_t text[32], cipher[32], work[32];
	size_t len = 77;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(text, 9, sizeof(text));
		memcpy(text + 28, cases[i].tail, 4);
		assert_int_equal(pf_aes128_cbc_encrypt(key, iv, text, cipher, 32), 0);
		len = 77;
		assert_int_equal(pf_aes128_cbc_pad_decrypt(key, iv, cipher, 32, work, &len),
			cases[i].ok ? 0 : -EBADMSG);
		if (cases[i].ok) {
			assert_int_equal(len, 32 - cases[i].tail[3]);
		} else {
			assert_int_equal(len, 77);
			assert_memory_equal(work, zeros, 32);
		}
	}
	assert_int_equal(pf_aes128_cbc_pad_decrypt(key, iv, cipher, 0, work, &len), -EBADMSG);
	assert_int_equal(pf_aes128_cbc_pad_decrypt(key, iv, cipher, 17, work, &len), -EBADMSG);
}

struct gcm16 {
	const char *key, *nonce, *aad, *plain, *cipher, *tag;
};

/* Computed without any GCM library: AES blocks by `openssl enc -aes-128-ecb`, GHASH
 * bit by bit after SP 800-38D. The same program gives cases 4 and 5 of the GCM
 * specification. An implementation that ignores the nonce fails on the second
 * message, which differs from the first by the nonce alone. */
static const struct gcm16 gcm16_vectors[] = {
	{ "202122232425262728292a2b2c2d2e2f", "000102030405060708090a0b0c0d0e0f", "",
		"7369787465656e2062797465206e6f6e63652c206173206f6c6420636f6e74726f6c",
		"f946de26e5db5c1c21ce18436d47caee709249ef82aee37a5043971a1f626d51e173",
		"9c829d4f99cb298c7ec67952617f3c4e" },
	{ "202122232425262728292a2b2c2d2e2f", "00000000000000000000000000000001", "",
		"7369787465656e2062797465206e6f6e63652c206173206f6c6420636f6e74726f6c",
		"0bfa290707fc4b78c8a6c6849f694cc78ccc9902a3cc747815199d1f2609b8d8fa74",
		"d728d6736e583c5e207bcbea4a238041" },
	{ "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf88800000000",
		"feedfacedeadbeeffeedfacedeadbeefabaddad2",
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		"303e936db7df6147ca6bbbf0d99f7c70147c15cac3cec82a2862278305da23d6"
		"ed118a202c8adfae08d4c399f2c47a68000d805c62737495e03521c0",
		"4d735ffb06a3644765e05a4f3300eb68" },
};

static void gcm_with_16_byte_nonce(void **state)
{
	static const uint8_t zeros[64];

	for (size_t i = 0; i < sizeof(gcm16_vectors) / sizeof(gcm16_vectors[0]); i++) {
		const struct gcm16 *v = &gcm16_vectors[i];
		uint8_t key[16], nonce[16], aad[32], plain[64], cipher[64], tag[16];
		uint8_t work[64], got[16];
		size_t aad_len = hex_bytes(v->aad, aad, sizeof(aad));
		size_t len = hex_bytes(v->plain, plain, sizeof(plain));

		hex_bytes(v->key, key, 16);
		hex_bytes(v->nonce, nonce, 16);
		hex_bytes(v->cipher, cipher, sizeof(cipher));
		hex_bytes(v->tag, tag, 16);
		pf_aes128_gcm16_seal(key, nonce, aad, aad_len, plain, work, len, got);
		assert_memory_equal(work, cipher, len);
		assert_memory_equal(got, tag, 16);
		assert_int_equal(
			pf_aes128_gcm16_open(key, nonce, aad, aad_len, work, work, len, tag), 0);
		assert_memory_equal(work, plain, len);
		/* Each of the 16 nonce bytes counts. */
		for (int n = 0; n < 16; n++) {
			nonce[n] ^= 1;
			memset(work, 0xee, len);
			assert_int_equal(pf_aes128_gcm16_open(
						 key, nonce, aad, aad_len, cipher, work, len, tag),
				-EBADMSG);
			assert_memory_equal(work, zeros, len);
			nonce[n] ^= 1;
		}
		tag[15] ^= 1;
		assert_int_equal(
			pf_aes128_gcm16_open(key, nonce, aad, aad_len, cipher, work, len, tag),
			-EBADMSG);
	}
}

/* The general interface reads 12 nonce bytes, never more, in every provider: the
 * allocation ends there, and what a 16-byte nonce would add changes nothing. */
static void the_general_interface_takes_12(void **state)
{
	static const uint8_t key[32] = { 1 };
	const char *name;

	for (unsigned i = 0; (name = pf_aead_provider_name(i)); i++) {
		/* One knows ChaCha only. */
		bool chacha = !strcmp(name, "sodium");
		enum pf_aead_alg alg = chacha ? PF_AEAD_CHACHA20_POLY1305 : PF_AEAD_AES128_GCM;
		uint8_t nonce[16], text[32] = { 0 }, first[48], tag[16];
		uint8_t *exact = malloc(12);
		struct pf_aead *a = NULL;
		struct pf_aead_job j = {
			.nonce = nonce, .in = text, .out = first, .len = 32, .tag = first + 32
		};

		if (pf_aead_create(&a, alg, key, chacha ? 32 : 16, name) == -ENOTSUP) {
			assert_string_equal(name, "ipsec-mb");
			free(exact);
			continue;
		}
		memset(nonce, 0x11, sizeof(nonce));
		assert_int_equal(pf_aead_seal(a, &j, 1), 0);
		memset(nonce + 12, 0x22, 4);
		memcpy(exact, nonce, 12);
		j.nonce = exact;
		j.out = text;
		j.tag = tag;
		assert_int_equal(pf_aead_seal(a, &j, 1), 0);
		assert_memory_equal(text, first, 32);
		assert_memory_equal(tag, first + 32, 16);
		/* On the same, used context another nonce gives another stream. */
		for (int n = 0; n < 12; n++) {
			uint8_t other[32] = { 0 };

			exact[n] ^= 1;
			memset(text, 0, sizeof(text));
			j.in = j.out = other;
			assert_int_equal(pf_aead_seal(a, &j, 1), 0);
			assert_memory_not_equal(other, first, 32);
			exact[n] ^= 1;
		}
		pf_aead_free(a);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ecb),
		cmocka_unit_test(cbc),
		cmocka_unit_test(cbc_padding),
		cmocka_unit_test(bad_padding_is_refused),
		cmocka_unit_test(gcm_with_16_byte_nonce),
		cmocka_unit_test(the_general_interface_takes_12),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
