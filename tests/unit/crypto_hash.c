/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include "core/crypto/hash.h"
#include "tests/unit/hex.h"
#include "tests/unit/rng.h"

static void check(const uint8_t got[32], const char *hex)
{
	uint8_t want[32];

	assert_int_equal(hex_bytes(hex, want, sizeof(want)), 32);
	assert_memory_equal(got, want, 32);
}

/* FIPS 180-2 appendix B. */
static void sha256(void **state)
{
	static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	const struct pf_hash_part parts[] = { { two, 1 }, { two + 1, 0 }, { two + 1, 50 },
		{ two + 51, 5 } };
	char *million = malloc(1000000);
	uint8_t out[32];

	pf_sha256("abc", 3, out);
	check(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	pf_sha256("", 0, out);
	check(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	pf_sha256(two, strlen(two), out);
	check(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	pf_sha256_parts(parts, 4, out);
	check(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	memset(million, 'a', 1000000);
	pf_sha256(million, 1000000, out);
	check(out, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(million);
}

/* RFC 4231, cases 1, 2, 3, 6. */
static void hmac_sha256(void **state)
{
	uint8_t key[131], data[64], out[32];
	const struct pf_hash_part jefe[] = { { "what do ya want ", 16 }, { "for nothing?", 12 } };

	memset(key, 0x0b, 20);
	pf_hmac_sha256(key, 20, &(struct pf_hash_part){ "Hi There", 8 }, 1, out);
	check(out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	pf_hmac_sha256("Jefe", 4, jefe, 2, out);
	check(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	memset(data, 0xdd, 50);
	pf_hmac_sha256(key, 20, &(struct pf_hash_part){ data, 50 }, 1, out);
	check(out, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	pf_hmac_sha256(key, 131,
		&(struct pf_hash_part){
			"Test Using Larger Than Block-Size Key - Hash Key First", 54 },
		1, out);
	check(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void check_hkdf(const char *ikm_hex, const char *salt_hex, const char *info_hex, size_t len,
	const char *prk_hex, const char *okm_hex)
{
	uint8_t ikm[80], salt[80], info[80], prk[32], okm[128], want[128];
	size_t ikm_len = hex_bytes(ikm_hex, ikm, sizeof(ikm));
	size_t salt_len = hex_bytes(salt_hex, salt, sizeof(salt));
	size_t info_len = hex_bytes(info_hex, info, sizeof(info));

	pf_hkdf_sha256_extract(salt, salt_len, ikm, ikm_len, prk);
	check(prk, prk_hex);
	assert_int_equal(hex_bytes(okm_hex, want, sizeof(want)), len);
	memset(okm, 0xee, sizeof(okm));
	assert_int_equal(pf_hkdf_sha256_expand(prk, info, info_len, okm, len), 0);
	assert_memory_equal(okm, want, len);
	assert_int_equal(okm[len], 0xee);
}

/* RFC 5869 A.1 to A.3. */
static void hkdf_sha256(void **state)
{
	uint8_t prk[32] = { 0 }, *out = malloc(PF_HKDF_MAX_OUT_BYTES + 1);

	check_hkdf("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
		"f0f1f2f3f4f5f6f7f8f9", 42,
		"077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
		"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
		"34007208d5b887185865");
	check_hkdf("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
		   "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
		   "404142434445464748494a4b4c4d4e4f",
		"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
		"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
		"b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
		"d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
		"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
		82, "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
		"b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
		"59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
		"cc30c58179ec3e87c14c01d5c1f3434f1d87");
	check_hkdf("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "", 42,
		"19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
		"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
		"9d201395faa4b61a96c8");
	assert_int_equal(pf_hkdf_sha256_expand(prk, "", 0, out, PF_HKDF_MAX_OUT_BYTES), 0);
	assert_int_equal(
		pf_hkdf_sha256_expand(prk, "", 0, out, PF_HKDF_MAX_OUT_BYTES + 1), -EINVAL);
	assert_int_equal(pf_hkdf_sha256_expand(prk, "", 0, out, 0), 0);
	free(out);
}

/* Against GnuTLS, which is another implementation. */
static void agrees_with_gnutls(void **state)
{
	uint64_t seed = rng_seed();
	uint8_t data[300], key[100], got[32], want[32];

	for (int i = 0; i < 300; i++) {
		size_t key_len = 1 + rng_below(&seed, sizeof(key));
		const struct pf_hash_part part = { data, (size_t)i };

		rng_fill(&seed, data, sizeof(data));
		rng_fill(&seed, key, sizeof(key));
		pf_sha256(data, (size_t)i, got);
		assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, data, (size_t)i, want), 0);
		assert_memory_equal(got, want, 32);
		pf_hmac_sha256(key, key_len, &part, 1, got);
		assert_int_equal(
			gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, key_len, data, (size_t)i, want),
			0);
		assert_memory_equal(got, want, 32);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256),
		cmocka_unit_test(hmac_sha256),
		cmocka_unit_test(hkdf_sha256),
		cmocka_unit_test(agrees_with_gnutls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
