/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/cpu.h"
#include "core/crypto/aead.h"
#include "core/wire/pf1_media.h"
#include "tests/unit/hex.h"
#include "tests/unit/rng.h"
#include "tests/unit/seal_vectors.h"

/* Counts the allocations of this process, those of shared libraries included. Left
 * out under sanitizers, which bring their own allocator. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNT_ALLOCATIONS 0
#elif defined(__has_feature)
#define COUNT_ALLOCATIONS (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define COUNT_ALLOCATIONS 1
#endif

#if COUNT_ALLOCATIONS
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
static _Thread_local unsigned allocations;

void *malloc(size_t n)
{
	allocations++;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	allocations++;
	return __libc_realloc(p, n);
}
#endif

struct vector {
	const char *name;
	enum pf_aead_alg alg;
	const char *key, *nonce, *aad, *plain, *cipher, *tag;
};

/* AES: cases 1-4 of the GCM specification (McGrew, Viega); ChaCha: RFC 8439 2.8.2. */
static const struct vector vectors[] = {
	{ "gcm 1", PF_AEAD_AES128_GCM, "00000000000000000000000000000000",
		"000000000000000000000000", "", "", "", "58e2fccefa7e3061367f1d57a4e7455a" },
	{ "gcm 2", PF_AEAD_AES128_GCM, "00000000000000000000000000000000",
		"000000000000000000000000", "", "00000000000000000000000000000000",
		"0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf" },
	{ "gcm 3", PF_AEAD_AES128_GCM, "feffe9928665731c6d6a8f9467308308",
		"cafebabefacedbaddecaf888", "",
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
		"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
		"21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985",
		"4d5c2af327cd64a62cf35abd2ba6fab4" },
	{ "gcm 4", PF_AEAD_AES128_GCM, "feffe9928665731c6d6a8f9467308308",
		"cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
		"21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
		"5bc94fbc3221a5db94fae95ae7121a47" },
	{ "rfc 8439", PF_AEAD_CHACHA20_POLY1305,
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
		"070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
		"4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
		"73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
		"6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
		"637265656e20776f756c642062652069742e",
		"d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
		"3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
		"92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
		"3ff4def08e4b7a9de576d26586cec64b6116",
		"1ae10b594f09e26a7e902ecbd0600691" },
};

/* NULL when this provider does not serve the algorithm here. */
static struct pf_aead *make(const char *provider, enum pf_aead_alg alg, const uint8_t *key)
{
	struct pf_aead *a = NULL;
	int err = pf_aead_create(&a, alg, key, alg == PF_AEAD_AES128_GCM ? 16 : 32, provider);

	if (err == -ENOTSUP) {
		/* Only the one with demands on the CPU may decline, and one knows ChaCha
		 * only. */
		if (alg == PF_AEAD_CHACHA20_POLY1305)
			assert_string_equal(provider, "ipsec-mb");
		else
			assert_true(!strcmp(provider, "ipsec-mb") || !strcmp(provider, "sodium"));
		return NULL;
	}
	assert_int_equal(err, 0);
	assert_string_equal(pf_aead_provider(a), provider);
	return a;
}

/* Where the tag lies makes a difference to GnuTLS: behind the text or apart. */
static void check_vector(struct pf_aead *a, const struct vector *v, bool in_place, bool tag_behind)
{
	uint8_t nonce[12], aad[64], plain[160], cipher[160], tag[16];
	uint8_t work[160 + 16], apart[16], back[160];
	size_t len = hex_bytes(v->plain, plain, sizeof(plain));
	struct pf_aead_job j = {
		.nonce = nonce,
		.aad = aad,
		.aad_len = hex_bytes(v->aad, aad, sizeof(aad)),
		.in = in_place ? work : plain,
		.out = work,
		.len = len,
		.tag = tag_behind ? work + len : apart,
	};

	assert_int_equal(hex_bytes(v->nonce, nonce, 12), 12);
	assert_int_equal(hex_bytes(v->cipher, cipher, sizeof(cipher)), len);
	assert_int_equal(hex_bytes(v->tag, tag, 16), 16);
	memcpy(work, plain, len);
	assert_int_equal(pf_aead_seal(a, &j, 1), 0);
	assert_memory_equal(work, cipher, len);
	assert_memory_equal(j.tag, tag, 16);

	j.in = work;
	j.out = in_place ? work : back;
	assert_int_equal(pf_aead_open(a, &j, 1), 0);
	assert_memory_equal(j.out, plain, len);
}

static void check_all_vectors(const char *provider)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		uint8_t key[32];
		struct pf_aead *a;

		hex_bytes(v->key, key, sizeof(key));
		a = make(provider, v->alg, key);
		if (!a) {
			print_message("# %s: %s not served on this CPU\n", provider, v->name);
			continue;
		}
		/* Twice over one context: no state may stay from packet to packet. */
		for (int form = 0; form < 8; form++)
			check_vector(a, v, form & 1, form >> 1 & 1);
		pf_aead_free(a);
	}
}

static void known_answers(void **state)
{
	const char *name;

	for (unsigned i = 0; (name = pf_aead_provider_name(i)); i++)
		check_all_vectors(name);
}

/* libipsec-mb has a code path per instruction set. */
static void known_answers_with_less_cpu(void **state)
{
	static const uint32_t masks[] = { ~(uint32_t)PF_CPU_AVX512,
		~(uint32_t)(PF_CPU_AVX512 | PF_CPU_AVX2) };
	const char *name;

	for (size_t m = 0; m < sizeof(masks) / sizeof(masks[0]); m++) {
		pf_cpu_set_mask(masks[m]);
		for (unsigned i = 0; (name = pf_aead_provider_name(i)); i++)
			check_all_vectors(name);
	}
	pf_cpu_set_mask(~0u);
}

static void default_fits_the_cpu(void **state)
{
	static const uint8_t key[32];
	struct pf_aead *a = NULL;

	pf_cpu_set_mask(0);
	assert_int_equal(pf_aead_create(&a, PF_AEAD_AES128_GCM, key, 16, NULL), 0);
	assert_string_equal(pf_aead_provider(a), "gnutls");
	pf_aead_free(a);
	assert_int_equal(pf_aead_create(&a, PF_AEAD_CHACHA20_POLY1305, key, 32, NULL), 0);
	assert_string_equal(pf_aead_provider(a), "sodium");
	pf_aead_free(a);
	assert_int_equal(pf_aead_create(&a, PF_AEAD_AES128_GCM, key, 16, "ipsec-mb"), -ENOTSUP);
	pf_cpu_set_mask(~0u);
	assert_int_equal(pf_aead_create(&a, PF_AEAD_AES128_GCM, key, 16, NULL), 0);
	assert_non_null(pf_aead_provider(a));
	pf_aead_free(a);
}

static void wrong_arguments_are_refused(void **state)
{
	static const uint8_t key[32];
	struct pf_aead *a = NULL;

	for (size_t len = 0; len <= sizeof(key); len++) {
		if (len != 16)
			assert_int_equal(
				pf_aead_create(&a, PF_AEAD_AES128_GCM, key, len, NULL), -EINVAL);
		if (len != 32)
			assert_int_equal(
				pf_aead_create(&a, PF_AEAD_CHACHA20_POLY1305, key, len, NULL),
				-EINVAL);
	}
	assert_int_equal(pf_aead_create(&a, (enum pf_aead_alg)7, key, 16, NULL), -EINVAL);
	assert_int_equal(pf_aead_create(&a, PF_AEAD_AES128_GCM, key, 16, "none"), -ENOTSUP);
	assert_null(a);
	pf_aead_free(NULL);
}

/* punktfunk1.md 21.3, assembled the way the sender does. */
static void check_sealing(const char *provider, const struct seal_vector *v)
{
	uint8_t key[32], nonce[12] = { 0xa1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 7 };
	uint8_t packet[PF_SEAL_OVERHEAD + PF_MEDIA_HDR_BYTES + 4] = { 0, 0, 0, 0, 0, 0, 0, 7 };
	uint8_t want[sizeof(packet)];
	uint8_t *body = packet + PF_SEAL_SEQ_BYTES;
	struct pf_aead_job j = {
		.nonce = nonce,
		.aad = packet,
		.aad_len = PF_SEAL_SEQ_BYTES,
		.in = body,
		.out = body,
		.len = PF_MEDIA_HDR_BYTES + 4,
		.tag = body + PF_MEDIA_HDR_BYTES + 4,
	};
	struct pf_aead *a;

	for (uint8_t i = 0; i < 32; i++)
		key[i] = i;
	nonce[0] = (uint8_t)((nonce[0] & 0x7f) | v->from_client << 7);
	pf_media_hdr_build(&seal_vector_hdr, body);
	memcpy(body + PF_MEDIA_HDR_BYTES, "abc", 4);
	a = make(provider, v->alg, key);
	if (!a)
		return;
	assert_int_equal(hex_bytes(v->packet, want, sizeof(want)), sizeof(want));
	assert_int_equal(pf_aead_seal(a, &j, 1), 0);
	assert_memory_equal(packet, want, sizeof(want));
	assert_int_equal(pf_aead_open(a, &j, 1), 0);
	assert_memory_equal(body + PF_MEDIA_HDR_BYTES, "abc", 4);
	pf_aead_free(a);
}

static void sealing_vectors(void **state)
{
	const char *name;

	for (unsigned i = 0; (name = pf_aead_provider_name(i)); i++)
		for (size_t v = 0; v < SEAL_VECTORS; v++)
			check_sealing(name, &seal_vectors[v]);
}

#define TEXT_MAX 9300

/* Every provider against nettle, over lengths around every block boundary. */
static void providers_agree(void **state)
{
	uint64_t seed = rng_seed();
	uint8_t *plain = malloc(TEXT_MAX), *want = malloc(TEXT_MAX + 16);
	uint8_t *got = malloc(TEXT_MAX + 16);
	uint8_t key[32], nonce[12], aad[40];
	const char *name;

	for (int round = 0; round < 600; round++) {
		enum pf_aead_alg alg = round & 1 ? PF_AEAD_CHACHA20_POLY1305 : PF_AEAD_AES128_GCM;
		size_t len = round < 400 ? (size_t)round / 2 : rng_below(&seed, TEXT_MAX + 1);
		struct pf_aead_job j = {
			.nonce = nonce,
			.aad = aad,
			.aad_len = rng_below(&seed, sizeof(aad) + 1),
			.in = plain,
			.len = len,
		};
		struct pf_aead *ref, *a;

		rng_fill(&seed, key, sizeof(key));
		rng_fill(&seed, nonce, sizeof(nonce));
		rng_fill(&seed, aad, sizeof(aad));
		rng_fill(&seed, plain, len);
		ref = make("nettle", alg, key);
		j.out = want;
		j.tag = want + len;
		assert_int_equal(pf_aead_seal(ref, &j, 1), 0);
		pf_aead_free(ref);
		for (unsigned i = 0; (name = pf_aead_provider_name(i)); i++) {
			a = make(name, alg, key);
			if (!a)
				continue;
			j.in = plain;
			j.out = got;
			j.tag = got + len;
			assert_int_equal(pf_aead_seal(a, &j, 1), 0);
			assert_memory_equal(got, want, len + 16);
			j.in = j.out = got;
			assert_int_equal(pf_aead_open(a, &j, 1), 0);
			assert_memory_equal(got, plain, len);
			pf_aead_free(a);
		}
	}
	free(plain);
	free(want);
	free(got);
}

/* One flipped bit anywhere is refused and nothing of the text comes out. */
static void tampering_is_refused(void **state)
{
	enum { LEN = 61 };
	static const uint8_t zeros[LEN];
	uint64_t seed = rng_seed();
	uint8_t key[32], nonce[12], aad[8], sealed[LEN + 16], work[LEN + 16], tag[16];
	const char *name;

	rng_fill(&seed, key, sizeof(key));
	for (unsigned i = 0; (name = pf_aead_provider_name(i)); i++) {
		for (int alg = PF_AEAD_AES128_GCM; alg <= PF_AEAD_CHACHA20_POLY1305; alg++) {
			struct pf_aead *a = make(name, (enum pf_aead_alg)alg, key);
			struct pf_aead_job j = { .nonce = nonce,
				.aad = aad,
				.aad_len = 8,
				.in = sealed,
				.out = sealed,
				.len = LEN,
				.tag = sealed + LEN };

			if (!a)
				continue;
			memset(nonce, 1, sizeof(nonce));
			memset(aad, 2, sizeof(aad));
			memset(sealed, 3, sizeof(sealed));
			assert_int_equal(pf_aead_seal(a, &j, 1), 0);
			for (unsigned bit = 0; bit < 8 * (LEN + 16 + 12 + 8); bit++) {
				unsigned at = bit / 8;
				uint8_t flip = (uint8_t)(1 << bit % 8);
				uint8_t *where = at < LEN + 16	      ? work + at
						 : at < LEN + 16 + 12 ? nonce + at - LEN - 16
								      : aad + at - LEN - 16 - 12;

				memcpy(work, sealed, sizeof(work));
				*where ^= flip;
				memcpy(tag, work + LEN, 16);
				j.in = j.out = work;
				/* Both places of the tag. */
				j.tag = bit & 1 ? tag : work + LEN;
				assert_int_equal(pf_aead_open(a, &j, 1), -EBADMSG);
				assert_int_equal(j.result, -EBADMSG);
				assert_memory_equal(work, zeros, LEN);
				if (at >= LEN + 16)
					*where ^= flip;
			}
			/* The context still works. */
			memcpy(work, sealed, sizeof(work));
			j.tag = work + LEN;
			assert_int_equal(pf_aead_open(a, &j, 1), 0);
			pf_aead_free(a);
		}
	}
}

enum { BATCH_MAX = 64, BATCH_LEN = 2048 };

/* A batch of packets of all lengths, each in place or not, its tag behind the text or
 * apart, and what has to come of it. */
static struct batch {
	uint8_t plain[BATCH_MAX][BATCH_LEN], want[BATCH_MAX][BATCH_LEN + 16];
	uint8_t work[BATCH_MAX][BATCH_LEN + 16], apart[BATCH_MAX][16];
	uint8_t nonces[BATCH_MAX][12], aads[BATCH_MAX][8];
	struct pf_aead_job jobs[BATCH_MAX];
} batch;

static void fill_batch(struct batch *b, unsigned n, uint64_t *seed)
{
	rng_fill(seed, b->nonces, sizeof(b->nonces));
	rng_fill(seed, b->aads, sizeof(b->aads));
	for (unsigned i = 0; i < n; i++) {
		size_t len = rng_below(seed, 8) ? rng_below(seed, BATCH_LEN + 1)
						: rng_below(seed, 3) * 1024;
		bool in_place = rng_below(seed, 2), behind = rng_below(seed, 2);

		rng_fill(seed, b->plain[i], len);
		memset(b->work[i], 0xa5, sizeof(b->work[i]));
		if (in_place)
			memcpy(b->work[i], b->plain[i], len);
		b->jobs[i] = (struct pf_aead_job){
			.nonce = b->nonces[i],
			.aad = b->aads[i],
			.aad_len = sizeof(b->aads[i]),
			.in = in_place ? b->work[i] : b->plain[i],
			.out = b->work[i],
			.len = len,
			.tag = behind ? b->work[i] + len : b->apart[i],
		};
	}
}

/* What nettle makes of each packet on its own. */
static void seal_one_by_one(struct batch *b, unsigned n, struct pf_aead *nettle)
{
	for (unsigned i = 0; i < n; i++) {
		struct pf_aead_job j = b->jobs[i];

		j.in = b->plain[i];
		j.out = b->want[i];
		j.tag = b->want[i] + j.len;
		assert_int_equal(pf_aead_seal(nettle, &j, 1), 0);
	}
}

/* Flips a bit of text, tag, nonce or associated data. */
static void spoil(struct batch *b, unsigned i, uint64_t *seed)
{
	struct pf_aead_job *j = &b->jobs[i];
	uint8_t *part[] = { b->work[i], j->tag, b->nonces[i], b->aads[i] };
	uint32_t len[] = { (uint32_t)j->len, 16, 12, 8 };
	unsigned p = rng_below(seed, 4);

	if (!len[p])
		p = 1;
	part[p][rng_below(seed, len[p])] ^= (uint8_t)(1 << rng_below(seed, 8));
}

static void check_batch(struct pf_aead *a, unsigned n, unsigned bad_one, uint64_t *seed)
{
	static const uint8_t zeros[BATCH_LEN];
	struct batch *b = &batch;
	bool bad[BATCH_MAX];
	bool any = false;

	assert_int_equal(pf_aead_seal(a, b->jobs, n), 0);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(b->jobs[i].result, 0);
		assert_memory_equal(b->work[i], b->want[i], b->jobs[i].len);
		assert_memory_equal(b->jobs[i].tag, b->want[i] + b->jobs[i].len, 16);
		/* Nothing behind it was touched. */
		if (b->jobs[i].tag == b->apart[i] && b->jobs[i].len < BATCH_LEN)
			assert_int_equal(b->work[i][b->jobs[i].len], 0xa5);
	}
	for (unsigned i = 0; i < n; i++) {
		struct pf_aead_job *j = &b->jobs[i];

		bad[i] = i == bad_one || (bad_one < n && !rng_below(seed, 4));
		any |= bad[i];
		if (bad[i])
			spoil(b, i, seed);
		/* Opened in place, or to where the plaintext was. */
		j->in = b->work[i];
		j->out = rng_below(seed, 2) ? b->work[i] : b->want[i];
	}
	assert_int_equal(pf_aead_open(a, b->jobs, n), any ? -EBADMSG : 0);
	for (unsigned i = 0; i < n; i++) {
		const struct pf_aead_job *j = &b->jobs[i];

		assert_int_equal(j->result, bad[i] ? -EBADMSG : 0);
		assert_memory_equal(j->out, bad[i] ? zeros : b->plain[i], j->len);
	}
}

/* Batches of every size give what nettle gives packet by packet; spoilt ones, at
 * every place of the batch, are refused and harm no other. */
static void batches(void **state)
{
	uint64_t seed = rng_seed();
	uint8_t key[32];
	const char *name;

	rng_fill(&seed, key, sizeof(key));
	for (int alg = PF_AEAD_AES128_GCM; alg <= PF_AEAD_CHACHA20_POLY1305; alg++) {
		struct pf_aead *ref = make("nettle", (enum pf_aead_alg)alg, key);

		for (unsigned i = 0; (name = pf_aead_provider_name(i)); i++) {
			struct pf_aead *a = make(name, (enum pf_aead_alg)alg, key);

			if (!a)
				continue;
			for (unsigned n = 0; n <= BATCH_MAX; n++) {
				fill_batch(&batch, n, &seed);
				seal_one_by_one(&batch, n, ref);
				check_batch(a, n, BATCH_MAX, &seed);
			}
			for (unsigned at = 0; at < BATCH_MAX; at++) {
				unsigned n = at + 1 + rng_below(&seed, BATCH_MAX - at);

				fill_batch(&batch, n, &seed);
				seal_one_by_one(&batch, n, ref);
				check_batch(a, n, at, &seed);
			}
			pf_aead_free(a);
		}
		pf_aead_free(ref);
	}
}

enum { THREADS = 4, THREAD_PACKETS = 300, THREAD_LEN = 700 };

struct worker {
	pthread_t thread;
	const char *provider;
	enum pf_aead_alg alg;
	uint8_t seed;
	unsigned wrong;
};

/* Seals and opens with a context and a key of its own; nettle says what is right. */
static void *work(void *arg)
{
	struct worker *w = arg;
	uint8_t key[32], nonce[12], text[THREAD_LEN + 16], want[THREAD_LEN + 16];
	struct pf_aead *a = NULL, *ref = NULL;
	size_t key_len = w->alg == PF_AEAD_AES128_GCM ? 16 : 32;
	struct pf_aead_job j = { .nonce = nonce, .aad = nonce, .aad_len = 8, .len = THREAD_LEN };

	memset(key, w->seed, sizeof(key));
	memset(nonce, 0, sizeof(nonce));
	if (pf_aead_create(&a, w->alg, key, key_len, w->provider) ||
		pf_aead_create(&ref, w->alg, key, key_len, "nettle"))
		w->wrong++;
	for (int i = 0; !w->wrong && i < THREAD_PACKETS; i++) {
		memcpy(nonce, &i, sizeof(i));
		memset(text, i, THREAD_LEN);
		j.in = text;
		j.out = want;
		j.tag = want + THREAD_LEN;
		pf_aead_seal(ref, &j, 1);
		j.out = text;
		j.tag = text + THREAD_LEN;
		w->wrong += pf_aead_seal(a, &j, 1) != 0;
		w->wrong += memcmp(text, want, sizeof(text)) != 0;
		w->wrong += pf_aead_open(a, &j, 1) != 0;
	}
	pf_aead_free(a);
	pf_aead_free(ref);
	return NULL;
}

static void contexts_share_nothing(void **state)
{
	static const uint8_t key[32];
	struct worker w[THREADS];
	struct pf_aead *probe;
	const char *name;

	for (unsigned i = 0; (name = pf_aead_provider_name(i)); i++) {
		probe = make(name, PF_AEAD_AES128_GCM, key);
		pf_aead_free(probe);
		if (!probe)
			continue;
		for (int t = 0; t < THREADS; t++) {
			w[t] = (struct worker){ .provider = name,
				.alg = t & 1 ? PF_AEAD_CHACHA20_POLY1305 : PF_AEAD_AES128_GCM,
				.seed = (uint8_t)(t + 1) };
			assert_int_equal(pthread_create(&w[t].thread, NULL, work, &w[t]), 0);
		}
		for (int t = 0; t < THREADS; t++) {
			pthread_join(w[t].thread, NULL);
			assert_int_equal(w[t].wrong, 0);
		}
	}
}

#if COUNT_ALLOCATIONS
static void sealing_allocates_nothing(void **state)
{
	static uint8_t text[1448 + 16], apart[16];
	uint8_t key[32] = { 0 }, nonce[12] = { 0 };
	const char *name;

	for (unsigned i = 0; (name = pf_aead_provider_name(i)); i++) {
		for (int alg = PF_AEAD_AES128_GCM; alg <= PF_AEAD_CHACHA20_POLY1305; alg++) {
			struct pf_aead *a = make(name, (enum pf_aead_alg)alg, key);
			struct pf_aead_job j = { .nonce = nonce,
				.aad = nonce,
				.aad_len = 8,
				.in = text,
				.out = text,
				.len = 1448 };
			unsigned before;

			if (!a)
				continue;
			before = allocations;
			assert_true(before > 0);
			for (int n = 0; n < 10; n++) {
				j.tag = n & 1 ? apart : text + 1448;
				pf_aead_seal(a, &j, 1);
				pf_aead_open(a, &j, 1);
				apart[3] ^= 1; /* a refused packet allocates nothing either */
				pf_aead_open(a, &j, 1);
			}
			assert_int_equal(allocations, before);
			pf_aead_free(a);
		}
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(known_answers_with_less_cpu),
		cmocka_unit_test(default_fits_the_cpu),
		cmocka_unit_test(wrong_arguments_are_refused),
		cmocka_unit_test(sealing_vectors),
		cmocka_unit_test(providers_agree),
		cmocka_unit_test(tampering_is_refused),
		cmocka_unit_test(batches),
		cmocka_unit_test(contexts_share_nothing),
#if COUNT_ALLOCATIONS
		cmocka_unit_test(sealing_allocates_nothing),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
