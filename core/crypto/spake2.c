/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/crypto/spake2.h"
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include "core/crypto/hash.h"
#include "core/crypto/secret.h"

/* The points that blind side A's and side B's message. */
static const uint8_t blind_point[2][32] = {
	{ 0x15, 0xcf, 0xd1, 0x8e, 0x38, 0x59, 0x52, 0x98, 0x2b, 0x6a, 0x8f, 0x8c, 0x78, 0x54, 0x96,
		0x3b, 0x58, 0xe3, 0x43, 0x88, 0xc8, 0xe6, 0xda, 0xe8, 0x91, 0xdb, 0x75, 0x64, 0x81,
		0xa0, 0x23, 0x12 },
	{ 0xf0, 0x4f, 0x2e, 0x7e, 0xb7, 0x34, 0xb2, 0xa8, 0xf8, 0xb4, 0x72, 0xea, 0xf9, 0xc3, 0xc6,
		0x32, 0x57, 0x6a, 0xc6, 0x4a, 0xea, 0x65, 0x0b, 0x49, 0x6a, 0x8a, 0x20, 0xff, 0x00,
		0xe5, 0x83, 0xc3 },
};

static const uint8_t *blind_of(enum pf_spake2_side side)
{
	return blind_point[side == PF_SPAKE2_B];
}

/* HKDF makes 48 bytes, a big-endian number, taken modulo the group's order. */
static int password_scalar(uint8_t out[32], struct pf_spake2_text password)
{
	static const char info[] = "SPAKE2 pw";
	uint8_t prk[PF_SHA256_BYTES], okm[48], wide[64] = { 0 };
	int r;

	pf_hkdf_sha256_extract(NULL, 0, password.p, password.len, prk);
	r = pf_hkdf_sha256_expand(prk, info, sizeof(info) - 1, okm, sizeof(okm));
	for (unsigned i = 0; i < sizeof(okm); i++)
		wide[i] = okm[sizeof(okm) - 1 - i];
	crypto_core_ed25519_scalar_reduce(out, wide);
	pf_secret_wipe(prk, sizeof(prk));
	pf_secret_wipe(okm, sizeof(okm));
	pf_secret_wipe(wide, sizeof(wide));
	return r;
}

static int random_scalar(uint8_t out[32])
{
	uint8_t wide[64];
	int r = pf_random_bytes(wide, sizeof(wide));

	if (!r)
		crypto_core_ed25519_scalar_reduce(out, wide);
	pf_secret_wipe(wide, sizeof(wide));
	return r;
}

int pf_spake2_start(struct pf_spake2 *s, enum pf_spake2_side side, struct pf_spake2_text password,
	struct pf_spake2_text id_a, struct pf_spake2_text id_b, const uint8_t scalar[32])
{
	uint8_t own[32], blind[32];
	int r;

	memset(s, 0, sizeof(*s));
	s->side = side;
	r = password_scalar(s->blind, password);
	if (!r && scalar)
		memcpy(s->scalar, scalar, sizeof(s->scalar));
	else if (!r)
		r = random_scalar(s->scalar);
	if (r)
		goto fail;
	pf_sha256(password.p, password.len, s->hashed);
	pf_sha256(id_a.p, id_a.len, s->hashed + 32);
	pf_sha256(id_b.p, id_b.len, s->hashed + 64);
	/* Both fail for a scalar of 0 only. */
	if (crypto_scalarmult_ed25519_base_noclamp(own, s->scalar) ||
		crypto_scalarmult_ed25519_noclamp(blind, s->blind, blind_of(side)) ||
		crypto_core_ed25519_add(s->message + 1, own, blind)) {
		r = -EINVAL;
		goto fail;
	}
	s->message[0] = (uint8_t)side;
	s->open = true;
	pf_secret_wipe(own, sizeof(own));
	pf_secret_wipe(blind, sizeof(blind));
	return 0;
fail:
	pf_secret_wipe(own, sizeof(own));
	pf_secret_wipe(blind, sizeof(blind));
	pf_spake2_wipe(s);
	return r;
}

static int shared_point(uint8_t out[32], const struct pf_spake2 *s, enum pf_spake2_side other,
	const uint8_t point[32])
{
	uint8_t blind[32], bare[32];
	int r = 0;

	if (!crypto_core_ed25519_is_valid_point(point) ||
		crypto_scalarmult_ed25519_noclamp(blind, s->blind, blind_of(other)) ||
		crypto_core_ed25519_sub(bare, point, blind) ||
		crypto_scalarmult_ed25519_noclamp(out, s->scalar, bare))
		r = -EPROTO;
	pf_secret_wipe(blind, sizeof(blind));
	pf_secret_wipe(bare, sizeof(bare));
	return r;
}

int pf_spake2_finish(
	struct pf_spake2 *s, const uint8_t *message, size_t len, uint8_t key[PF_SPAKE2_KEY_BYTES])
{
	enum pf_spake2_side other = s->side == PF_SPAKE2_A ? PF_SPAKE2_B : PF_SPAKE2_A;
	const uint8_t *a, *b;
	uint8_t shared[32];
	int r = -EPROTO;

	if (!s->open)
		return -EINVAL;
	if (len == PF_SPAKE2_MESSAGE_BYTES && message[0] == other)
		r = shared_point(shared, s, other, message + 1);
	if (!r) {
		a = s->side == PF_SPAKE2_A ? s->message + 1 : message + 1;
		b = s->side == PF_SPAKE2_A ? message + 1 : s->message + 1;
		pf_sha256_parts((const struct pf_hash_part[]){ { s->hashed, sizeof(s->hashed) },
					{ a, 32 }, { b, 32 }, { shared, sizeof(shared) } },
			4, key);
	}
	pf_secret_wipe(shared, sizeof(shared));
	pf_spake2_wipe(s);
	return r;
}

void pf_spake2_wipe(struct pf_spake2 *s)
{
	pf_secret_wipe(s, sizeof(*s));
}
