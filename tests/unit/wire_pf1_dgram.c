/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/wire/pf1_dgram.h"
#include "tests/unit/hex.h"
#include "tests/unit/rng.h"

static int parse_hex(struct pf_dgram *out, const char *hex)
{
	static uint8_t buf[256];

	return pf_dgram_parse(out, buf, hex_bytes(hex, buf, sizeof(buf)));
}

static void check_build(const struct pf_dgram *d, const char *hex)
{
	uint8_t want[256], got[256];
	size_t len = hex_bytes(hex, want, sizeof(want));

	assert_int_equal(pf_dgram_build(d, got, sizeof(got)), len);
	assert_memory_equal(got, want, len);
	/* No room for the last byte. */
	assert_int_equal(pf_dgram_build(d, got, len - 1), -ENOBUFS);
}

static void layouts(void **state)
{
	struct pf_dgram d;

	d = (struct pf_dgram){ .tag = PF_DGRAM_INPUT,
		.input = { PF_INPUT_MOUSE_ABS, 0x04030201, -2, 3, 0x05000280 } };
	check_build(&d, "c8 03 01020304 feffffff 03000000 80020005");
	assert_int_equal(parse_hex(&d, "c8 03 01020304 feffffff 03000000 80020005"), 0);
	assert_int_equal(d.input.kind, PF_INPUT_MOUSE_ABS);
	assert_int_equal(d.input.code, 0x04030201);
	assert_int_equal(d.input.x, -2);
	assert_int_equal(d.input.y, 3);
	assert_int_equal(d.input.flags, 0x05000280);

	d = (struct pf_dgram){ .tag = PF_DGRAM_AUDIO,
		.audio = { 7, 0x0102030405060708, (const uint8_t *)"ab", 2 } };
	check_build(&d, "c9 07000000 0807060504030201 6162");
	assert_int_equal(parse_hex(&d, "c9 07000000 0807060504030201 6162"), 0);
	assert_int_equal(d.audio.seq, 7);
	assert_true(d.audio.pts_ns == 0x0102030405060708);
	assert_int_equal(d.audio.len, 2);
	assert_memory_equal(d.audio.data, "ab", 2);
	d.tag = PF_DGRAM_MIC;
	check_build(&d, "cb 07000000 0807060504030201 6162");
	d.tag = PF_DGRAM_PCM;
	check_build(&d, "d3 07000000 0807060504030201 6162");

	d = (struct pf_dgram){ .tag = PF_DGRAM_AUDIO_REDUNDANT,
		.redundant = { 1, 2, (const uint8_t *)"abc", 3, (const uint8_t *)"de", 2 } };
	check_build(&d, "d2 01000000 0200000000000000 0300 616263 6465");
	assert_int_equal(parse_hex(&d, "d2 01000000 0200000000000000 0300 616263 6465"), 0);
	assert_int_equal(d.redundant.primary_len, 3);
	assert_int_equal(d.redundant.previous_len, 2);
	assert_memory_equal(d.redundant.previous, "de", 2);
	assert_int_equal(parse_hex(&d, "d2 01000000 0200000000000000 0300 616263"), 0);
	assert_int_equal(d.redundant.previous_len, 0);
	assert_int_equal(parse_hex(&d, "d2 01000000 0200000000000000 0400 616263"), -EPROTO);

	d = (struct pf_dgram){ .tag = PF_DGRAM_CURSOR_STATE, .cursor = { 9, true, false, -1, 5 } };
	check_build(&d, "d0 09000000 01 ffffffff 05000000");
	d.cursor.visible = false;
	d.cursor.relative = true;
	check_build(&d, "d0 09000000 02 ffffffff 05000000");
	assert_int_equal(parse_hex(&d, "d0 09000000 03 ffffffff 05000000"), 0);
	assert_true(d.cursor.visible && d.cursor.relative);
	assert_int_equal(d.cursor.x, -1);
}

static void rumble_has_three_forms(void **state)
{
	struct pf_dgram d;

	assert_int_equal(parse_hex(&d, "ca 0300 0100 0200"), 0);
	assert_int_equal(d.rumble.pad, 3);
	assert_int_equal(d.rumble.low, 1);
	assert_int_equal(d.rumble.high, 2);
	assert_false(d.rumble.has_lease);
	/* A cut lease is none. */
	assert_int_equal(parse_hex(&d, "ca 0300 0100 0200 05 90"), 0);
	assert_false(d.rumble.has_lease);
	assert_int_equal(parse_hex(&d, "ca 0300 0100 0200 05 9001"), 0);
	assert_true(d.rumble.has_lease);
	assert_int_equal(d.rumble.seq, 5);
	assert_int_equal(d.rumble.ttl_ms, 400);
	/* Missing trigger motors mean still. */
	assert_int_equal(parse_hex(&d, "ca 0300 0100 0200 05 9001 060007"), 0);
	assert_int_equal(d.rumble.left_trigger, 0);
	assert_int_equal(parse_hex(&d, "ca 0300 0100 0200 05 9001 0600 0700 ff"), 0);
	assert_int_equal(d.rumble.left_trigger, 6);
	assert_int_equal(d.rumble.right_trigger, 7);
	check_build(&d, "ca 0300 0100 0200 05 9001 0600 0700");
	d.rumble.has_lease = false;
	check_build(&d, "ca 0300 0100 0200");

	assert_int_equal(parse_hex(&d, "ca 1000 0100 0200"), -EPROTO);
	assert_int_equal(parse_hex(&d, "ca 0f00 0100 0200"), 0);
	d.rumble.pad = 16;
	assert_int_equal(pf_dgram_build(&d, (uint8_t[32]){ 0 }, 32), -EINVAL);
}

static void timing_has_three_forms(void **state)
{
	struct pf_dgram d;

	assert_int_equal(parse_hex(&d, "cf 0100000000000000 02000000"), 0);
	assert_int_equal(d.timing.pts_ns, 1);
	assert_int_equal(d.timing.host_us, 2);
	assert_false(d.timing.has_stages);
	assert_int_equal(parse_hex(&d, "cf 0100000000000000 02000000 03000000 04000000 050000"), 0);
	assert_false(d.timing.has_stages);
	assert_int_equal(
		parse_hex(&d, "cf 0100000000000000 02000000 03000000 04000000 05000000"), 0);
	assert_true(d.timing.has_stages);
	assert_int_equal(d.timing.pace_us, 5);
	assert_int_equal(d.timing.applied_phase_ns, 0);
	assert_int_equal(parse_hex(&d, "cf 0100000000000000 02000000 03000000 04000000 05000000 "
				       "ffffffff 00"),
		0);
	assert_int_equal(d.timing.applied_phase_ns, -1);
	check_build(&d, "cf 0100000000000000 02000000 03000000 04000000 05000000 ffffffff");
	d.timing.has_stages = false;
	check_build(&d, "cf 0100000000000000 02000000");
}

static void input_is_checked(void **state)
{
	static const uint8_t pad_kinds[] = { 7, 8, 12, 13, 14 };
	struct pf_dgram d;
	uint8_t buf[18];

	for (unsigned kind = 0; kind < 256; kind++) {
		d = (struct pf_dgram){ .tag = PF_DGRAM_INPUT, .input = { (uint8_t)kind } };
		assert_int_equal(pf_dgram_build(&d, buf, sizeof(buf)), kind <= 15 ? 18 : -EINVAL);
		memset(buf, 0, sizeof(buf));
		buf[0] = 0xc8;
		buf[1] = (uint8_t)kind;
		assert_int_equal(pf_dgram_parse(&d, buf, sizeof(buf)), kind <= 15 ? 0 : -EPROTO);
	}
	for (size_t i = 0; i < sizeof(pad_kinds); i++) {
		memset(buf, 0, sizeof(buf));
		buf[0] = 0xc8;
		buf[1] = pad_kinds[i];
		buf[14] = 15;
		buf[17] = 0xff; /* sequence */
		assert_int_equal(pf_dgram_parse(&d, buf, sizeof(buf)), 0);
		buf[14] = 16;
		assert_int_equal(pf_dgram_parse(&d, buf, sizeof(buf)), -EPROTO);
	}
	/* The flag that only a host may set. */
	assert_int_equal(parse_hex(&d, "c8 00 41000000 00000000 00000000 01000080"), 0);
	assert_int_equal(d.input.flags, 1);
	assert_int_equal(parse_hex(&d, "c8 0c 00000000 00000000 00000000 01000080"), 0);
	assert_int_equal(d.input.flags, 0x80000001);
}

static void raw_kinds_have_a_minimum(void **state)
{
	static const struct {
		uint8_t tag;
		size_t min; /* whole datagram */
	} kinds[] = { { 0xcc, 2 }, { 0xcd, 2 }, { 0xce, 29 }, { 0xd1, 15 } };
	uint8_t buf[64] = { 0 };
	struct pf_dgram d;

	for (size_t i = 0; i < 4; i++) {
		buf[0] = kinds[i].tag;
		assert_int_equal(pf_dgram_parse(&d, buf, kinds[i].min - 1), -EPROTO);
		assert_int_equal(pf_dgram_parse(&d, buf, kinds[i].min), 0);
		assert_int_equal(d.raw.len, kinds[i].min - 1);
		assert_ptr_equal(d.raw.data, buf + 1);
		d.raw.len--;
		assert_int_equal(pf_dgram_build(&d, (uint8_t[64]){ 0 }, 64), -EINVAL);
	}
}

static struct pf_dgram random_dgram(uint64_t *seed, uint8_t tag, uint8_t *pool)
{
	struct pf_dgram d;

	memset(&d, 0, sizeof(d));
	d.tag = tag;
	rng_fill(seed, pool, 200);
	switch (tag) {
	case PF_DGRAM_INPUT:
		d.input.kind = (uint8_t)rng_below(seed, 16);
		d.input.code = (uint32_t)rng_next(seed);
		d.input.x = (int32_t)rng_next(seed);
		d.input.y = (int32_t)rng_next(seed);
		d.input.flags = (uint32_t)rng_next(seed) & 0x7fffff0f;
		break;
	case PF_DGRAM_AUDIO:
	case PF_DGRAM_MIC:
	case PF_DGRAM_PCM:
		d.audio.seq = (uint32_t)rng_next(seed);
		d.audio.pts_ns = rng_next(seed);
		d.audio.data = pool;
		d.audio.len = rng_below(seed, 200);
		break;
	case PF_DGRAM_AUDIO_REDUNDANT:
		d.redundant.seq = (uint32_t)rng_next(seed);
		d.redundant.pts_ns = rng_next(seed);
		d.redundant.primary = pool;
		d.redundant.primary_len = rng_below(seed, 100);
		d.redundant.previous = pool + 100;
		d.redundant.previous_len = rng_below(seed, 100);
		break;
	case PF_DGRAM_RUMBLE:
		d.rumble.pad = (uint16_t)rng_below(seed, 16);
		d.rumble.low = (uint16_t)rng_next(seed);
		d.rumble.has_lease = rng_below(seed, 2);
		if (d.rumble.has_lease) {
			d.rumble.seq = (uint8_t)rng_next(seed);
			d.rumble.ttl_ms = (uint16_t)rng_next(seed);
			d.rumble.right_trigger = (uint16_t)rng_next(seed);
		}
		break;
	case PF_DGRAM_HOST_TIMING:
		d.timing.pts_ns = rng_next(seed);
		d.timing.host_us = (uint32_t)rng_next(seed);
		d.timing.has_stages = rng_below(seed, 2);
		if (d.timing.has_stages) {
			d.timing.queue_us = (uint32_t)rng_next(seed);
			d.timing.applied_phase_ns = (int32_t)rng_next(seed);
		}
		break;
	case PF_DGRAM_CURSOR_STATE:
		d.cursor.serial = (uint32_t)rng_next(seed);
		d.cursor.visible = rng_below(seed, 2);
		d.cursor.relative = rng_below(seed, 2);
		d.cursor.x = (int32_t)rng_next(seed);
		break;
	default:
		d.raw.data = pool;
		d.raw.len = 28 + rng_below(seed, 100);
		break;
	}
	return d;
}

/* All fields but the borrowed pointers, then what they point at. */
static void assert_same(struct pf_dgram a, struct pf_dgram b)
{
	if (a.tag == PF_DGRAM_AUDIO_REDUNDANT) {
		assert_int_equal(a.redundant.primary_len, b.redundant.primary_len);
		assert_int_equal(a.redundant.previous_len, b.redundant.previous_len);
		assert_memory_equal(
			a.redundant.primary, b.redundant.primary, a.redundant.primary_len);
		assert_memory_equal(
			a.redundant.previous, b.redundant.previous, a.redundant.previous_len);
		a.redundant.primary = a.redundant.previous = NULL;
		b.redundant.primary = b.redundant.previous = NULL;
	} else if (a.tag == PF_DGRAM_AUDIO || a.tag == PF_DGRAM_MIC || a.tag == PF_DGRAM_PCM) {
		assert_int_equal(a.audio.len, b.audio.len);
		assert_memory_equal(a.audio.data, b.audio.data, a.audio.len);
		a.audio.data = b.audio.data = NULL;
	} else if (a.tag == PF_DGRAM_RICH_INPUT || a.tag == PF_DGRAM_HID_OUTPUT ||
		   a.tag == PF_DGRAM_HDR_META || a.tag == PF_DGRAM_PAD_AUDIO) {
		assert_int_equal(a.raw.len, b.raw.len);
		assert_memory_equal(a.raw.data, b.raw.data, a.raw.len);
		a.raw.data = b.raw.data = NULL;
	}
	assert_memory_equal(&a, &b, sizeof(a));
}

/* Round trip of random datagrams; each prefix is parsed or refused, never overrun. */
static void round_trip_and_truncation(void **state)
{
	uint64_t seed = rng_seed();
	uint8_t pool[200], buf[512], *copy;

	for (unsigned tag = 0xc8; tag <= 0xd3; tag++) {
		for (int i = 0; i < 200; i++) {
			struct pf_dgram in = random_dgram(&seed, (uint8_t)tag, pool), out, cut;
			int len = pf_dgram_build(&in, buf, sizeof(buf));

			assert_true(len > 0);
			memset(&out, 0, sizeof(out));
			assert_int_equal(pf_dgram_parse(&out, buf, (size_t)len), 0);
			assert_same(in, out);
			for (size_t n = 0; n < (size_t)len; n++) {
				int err;

				copy = malloc(n ? n : 1);
				memcpy(copy, buf, n);
				memset(&cut, 0x5a, sizeof(cut));
				err = pf_dgram_parse(&cut, copy, n);
				assert_true(err == 0 || err == -EPROTO);
				assert_true(err || cut.tag == in.tag);
				if (n < 2)
					assert_int_equal(err, -EPROTO);
				free(copy);
			}
		}
	}
}

static void longer_is_accepted(void **state)
{
	struct pf_dgram d;

	assert_int_equal(parse_hex(&d, "c8 02 00000000 01000000 02000000 00000000 ffff"), 0);
	assert_int_equal(d.input.y, 2);
	assert_int_equal(parse_hex(&d, "d0 09000000 03 01000000 05000000 ff"), 0);
	assert_int_equal(d.cursor.y, 5);
}

static void unknown_tags_are_refused(void **state)
{
	uint8_t buf[64] = { 0 };
	struct pf_dgram d = { .tag = PF_DGRAM_INPUT };

	for (unsigned tag = 0; tag < 256; tag++) {
		if (tag >= 0xc8 && tag <= 0xd3)
			continue;
		buf[0] = (uint8_t)tag;
		assert_int_equal(pf_dgram_parse(&d, buf, sizeof(buf)), -EPROTO);
		assert_int_equal(d.tag, PF_DGRAM_INPUT);
	}
	d.tag = (enum pf_dgram_tag)0x11;
	assert_int_equal(pf_dgram_build(&d, buf, sizeof(buf)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts),
		cmocka_unit_test(rumble_has_three_forms),
		cmocka_unit_test(timing_has_three_forms),
		cmocka_unit_test(input_is_checked),
		cmocka_unit_test(raw_kinds_have_a_minimum),
		cmocka_unit_test(round_trip_and_truncation),
		cmocka_unit_test(longer_is_accepted),
		cmocka_unit_test(unknown_tags_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
