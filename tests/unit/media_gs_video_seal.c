/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "core/media/gs_video_seal.h"
#include "tests/unit/rng.h"

#define BYTES 1376
#define COUNT 150 /* three batches */
#define WIRE  (PF_GS_PREFIX_BYTES + BYTES)

static const uint8_t key[PF_AES128_KEY_BYTES] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	16 };
static uint8_t plain[COUNT * BYTES], wire[COUNT * WIRE], again[WIRE];

/* The bytes are those of the layout, whichever library makes them. */
static void every_packet_stands_alone(void **state)
{
	struct pf_gs_video_seal s;
	uint64_t rng = rng_seed();
	const char *name;

	rng_fill(&rng, plain, sizeof(plain));
	assert_int_equal(pf_gs_video_seal_init(&s, key), 0);
	assert_int_equal(pf_gs_video_seal_packets(&s, 5, plain, BYTES, 20, wire), 0);
	assert_int_equal(pf_gs_video_seal_packets(
				 &s, 6, plain + 20 * BYTES, BYTES, COUNT - 20, wire + 20 * WIRE),
		0);
	for (unsigned n = 0; (name = pf_aead_provider_name(n)); n++) {
		struct pf_aead *a = NULL;

		if (pf_aead_create(&a, PF_AEAD_AES128_GCM, key, sizeof(key), name))
			continue; /* not on this processor */
		for (unsigned i = 0; i < COUNT; i++) {
			uint8_t nonce[12] = { (uint8_t)i, [11] = 'V' }, tag[16],
				*got = wire + i * WIRE;
			const uint8_t frame[4] = { i < 20 ? 5 : 6 };
			struct pf_aead_job job = {
				.nonce = nonce,
				.in = plain + i * BYTES,
				.out = again,
				.len = BYTES,
				.tag = tag,
			};

			assert_int_equal(pf_aead_seal(a, &job, 1), 0);
			assert_memory_equal(got, nonce, 12);
			assert_memory_equal(got + 12, frame, 4);
			assert_memory_equal(got + 16, tag, 16);
			assert_memory_equal(got + 32, again, BYTES);
			job = (struct pf_aead_job){ got, NULL, 0, got + 32, again, BYTES, got + 16,
				0 };
			assert_int_equal(pf_aead_open(a, &job, 1), 0);
			assert_memory_equal(again, plain + i * BYTES, BYTES);
			got[31] ^= 1;
			assert_int_equal(pf_aead_open(a, &job, 1), -EBADMSG);
			got[31] ^= 1;
		}
		pf_aead_free(a);
	}
	assert_true(s.counter == COUNT);
	pf_gs_video_seal_finish(&s);
}

/* The counter is 64 bits wide: it does not turn at 32. */
static void the_counter_is_wide(void **state)
{
	static const uint8_t at[3][12] = {
		{ 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 'V' },
		{ 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 'V' },
		{ 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 'V' },
	};
	struct pf_gs_video_seal s;

	assert_int_equal(pf_gs_video_seal_init(&s, key), 0);
	s.counter = UINT32_MAX;
	assert_int_equal(pf_gs_video_seal_packets(&s, 1, plain, BYTES, 3, wire), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_memory_equal(wire + i * WIRE, at[i], 12);
	pf_gs_video_seal_finish(&s);
	memset(&s, 0, sizeof(s));
	pf_gs_video_seal_finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_packet_stands_alone),
		cmocka_unit_test(the_counter_is_wide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
