/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/wire/pf1_control.h"
#include "tests/unit/hex.h"
#include "tests/unit/rng.h"

#define BUF_MAX 65535

static struct pf_ctl_bytes text(const char *s)
{
	return (struct pf_ctl_bytes){ (const uint8_t *)s, strlen(s) };
}

/* Checks both directions of one message; `hex` starts at the type byte. */
static struct pf_ctl check_vector(const struct pf_ctl *m, const char *hex)
{
	uint8_t want[256] = { 'P', 'K', 'F', 'c' }, got[256], again[256];
	size_t len = 4 + hex_bytes(hex, want + 4, sizeof(want) - 4);
	struct pf_ctl parsed;

	assert_int_equal(pf_ctl_build(m, got, sizeof(got)), len);
	assert_memory_equal(got, want, len);
	assert_int_equal(pf_ctl_parse(&parsed, want, len), 0);
	assert_int_equal(parsed.type, m->type);
	assert_int_equal(pf_ctl_build(&parsed, again, sizeof(again)), len);
	assert_memory_equal(again, want, len);
	return parsed;
}

/* punktfunk1.md 21.1 */
static void vectors(void **state)
{
	struct pf_ctl m, got;

	m = (struct pf_ctl){ .type = PF_CTL_RECONFIGURE, .reconfigure = { 1920, 1080, 120 } };
	got = check_vector(&m, "01 80070000 38040000 78000000");
	assert_int_equal(got.reconfigure.width, 1920);
	assert_int_equal(got.reconfigure.height, 1080);
	assert_int_equal(got.reconfigure.refresh_hz, 120);

	m = (struct pf_ctl){ .type = PF_CTL_LOSS_REPORT, .loss_ppm = 0x01020304 };
	got = check_vector(&m, "04 04030201");
	assert_int_equal(got.loss_ppm, 0x01020304);

	m = (struct pf_ctl){ .type = PF_CTL_SET_BITRATE, .kbps = 50000 };
	got = check_vector(&m, "05 50c30000");
	assert_int_equal(got.kbps, 50000);

	m = (struct pf_ctl){ .type = PF_CTL_BITRATE_CHANGED,
		.bitrate_changed = { 50000, true, PF_BITRATE_CADENCE } };
	got = check_vector(&m, "06 50c30000 02");
	assert_true(got.bitrate_changed.has_reason);
	assert_int_equal(got.bitrate_changed.reason, PF_BITRATE_CADENCE);

	m = (struct pf_ctl){ .type = PF_CTL_RFI_REQUEST, .rfi = { 10, 12 } };
	got = check_vector(&m, "07 0a000000 0c000000");
	assert_int_equal(got.rfi.first, 10);
	assert_int_equal(got.rfi.last, 12);

	m = (struct pf_ctl){ .type = PF_CTL_SHARD_PAYLOAD_CHANGED, .shard_payload = 1200 };
	got = check_vector(&m, "08 b004");
	assert_int_equal(got.shard_payload, 1200);
	m.type = PF_CTL_SHARD_PAYLOAD_ACK;
	got = check_vector(&m, "09 b004");
	assert_int_equal(got.shard_payload, 1200);

	m = (struct pf_ctl){ .type = PF_CTL_PIPELINE_GAP, .gap_ms = 250 };
	got = check_vector(&m, "0a fa000000");
	assert_int_equal(got.gap_ms, 250);

	m = (struct pf_ctl){ .type = PF_CTL_PROBE_REQUEST, .probe_request = { 100000, 500 } };
	got = check_vector(&m, "20 a0860100 f4010000");
	assert_int_equal(got.probe_request.target_kbps, 100000);
	assert_int_equal(got.probe_request.duration_ms, 500);

	m = (struct pf_ctl){ .type = PF_CTL_CLIP_OFFER,
		.clip_offer = { .seq = 7, .count = 1, .formats = { { text("text/plain"), 5 } } } };
	got = check_vector(&m, "42 07000000 01 0a 746578742f706c61696e 0500000000000000");
	assert_int_equal(got.clip_offer.seq, 7);
	assert_int_equal(got.clip_offer.count, 1);
	assert_int_equal(got.clip_offer.formats[0].mime.len, 10);
	assert_memory_equal(got.clip_offer.formats[0].mime.p, "text/plain", 10);
	assert_int_equal(got.clip_offer.formats[0].size_hint, 5);

	m = (struct pf_ctl){ .type = PF_CTL_CURSOR_RENDER_MODE, .client_draws = true };
	got = check_vector(&m, "51 01");
	assert_true(got.client_draws);

	m = (struct pf_ctl){ .type = PF_CTL_ACCESS_UPDATE, .access = { 0x1f, 3600 } };
	got = check_vector(&m, "58 1f000000 100e0000");
	assert_int_equal(got.access.grants, 0x1f);
	assert_int_equal(got.access.remaining_s, 3600);

	m = (struct pf_ctl){ .type = PF_CTL_LAUNCH_OUTCOME, .launch_outcome = { 4, text("gone") } };
	got = check_vector(&m, "5a 04 04 676f6e65");
	assert_int_equal(got.launch_outcome.kind, 4);
	assert_memory_equal(got.launch_outcome.message.p, "gone", 4);

	m = (struct pf_ctl){ .type = PF_CTL_PAD_SLOTS, .pad_slots = 5 };
	got = check_vector(&m, "5b 0500");
	assert_int_equal(got.pad_slots, 5);
}

static const uint8_t all_types[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
	0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x16, 0x20, 0x21, 0x22, 0x30, 0x31,
	0x32, 0x40, 0x41, 0x42, 0x43, 0x44, 0x50, 0x51, 0x58, 0x59, 0x5a, 0x5b };

#define TYPES (sizeof(all_types) / sizeof(all_types[0]))

/* Body lengths of section 6; 0 = variable. */
static size_t fixed_body(uint8_t type)
{
	switch (type) {
	case 0x01:
		return 12;
	case 0x02:
		return 13;
	case 0x04:
	case 0x05:
	case 0x0a:
	case 0x0c:
		return 4;
	case 0x07:
	case 0x0b:
	case 0x20:
	case 0x30:
	case 0x58:
		return 8;
	case 0x08:
	case 0x09:
	case 0x0e:
	case 0x40:
	case 0x5b:
		return 2;
	case 0x0d:
	case 0x13:
	case 0x51:
	case 0x59:
		return 1;
	case 0x0f:
		return 10;
	case 0x12:
		return 32;
	case 0x22:
		return 18;
	case 0x31:
		return 24;
	case 0x41:
		return 3;
	case 0x44:
		return 9;
	default:
		return 0;
	}
}

static struct pf_ctl_bytes random_bytes(uint64_t *seed, uint8_t *pool, size_t len)
{
	for (size_t i = 0; i < len; i++)
		pool[i] = (uint8_t)(' ' + rng_below(seed, 95));
	return (struct pf_ctl_bytes){ pool, len };
}

#define POOL_MAX 70000

/* A valid random message. `pool` lends the variable parts. */
static struct pf_ctl random_message(uint64_t *seed, uint8_t type, uint8_t *pool)
{
	struct pf_ctl m;

	memset(&m, 0, sizeof(m));
	m.type = type;
	switch (type) {
	case PF_CTL_RECONFIGURED:
		m.reconfigured.accepted = rng_below(seed, 2);
		m.reconfigured.mode = (struct pf_ctl_mode){ (uint32_t)rng_next(seed),
			(uint32_t)rng_next(seed), (uint32_t)rng_next(seed) };
		break;
	case PF_CTL_BITRATE_CHANGED:
		m.bitrate_changed.kbps = (uint32_t)rng_next(seed);
		m.bitrate_changed.has_reason = rng_below(seed, 2);
		if (m.bitrate_changed.has_reason)
			m.bitrate_changed.reason = (uint8_t)rng_next(seed);
		break;
	case PF_CTL_PAIR_REQUEST:
		m.pair_request.name = random_bytes(seed, pool, rng_below(seed, 65));
		m.pair_request.spake = random_bytes(seed, pool + 64, rng_below(seed, 100));
		m.pair_request.key = random_bytes(seed, pool + 200, rng_below(seed, 100));
		break;
	case PF_CTL_PAIR_CHALLENGE:
		m.pair_challenge.spake = random_bytes(seed, pool, rng_below(seed, 100));
		rng_fill(seed, m.pair_challenge.confirm, 32);
		break;
	case PF_CTL_PAIR_RESULT:
	case PF_CTL_CURSOR_RENDER_MODE:
	case PF_CTL_AUDIO_STATE:
		m.pair_ok = rng_below(seed, 2);
		break;
	case PF_CTL_REFUSED:
		m.refused.code = (uint32_t)rng_next(seed);
		m.refused.reason = random_bytes(seed, pool, rng_below(seed, 257));
		break;
	case PF_CTL_PROBE_RESULT:
		m.probe_result.bytes = rng_next(seed);
		m.probe_result.packets = (uint32_t)rng_next(seed);
		m.probe_result.duration_ms = (uint32_t)rng_next(seed);
		m.probe_result.has_tail = rng_below(seed, 2);
		if (m.probe_result.has_tail)
			m.probe_result.wire_packets = (uint32_t)rng_next(seed);
		break;
	case PF_CTL_PHASE_REPORT:
		m.phase.latch_ns = rng_next(seed);
		m.phase.period_ns = (uint32_t)rng_next(seed);
		m.phase.coherence_milli =
			rng_below(seed, 2) ? PF_PHASE_ABSENT : (uint16_t)rng_below(seed, 1001);
		break;
	case PF_CTL_CLIP_CONTROL:
		m.clip_control.enabled = rng_below(seed, 2);
		m.clip_control.flags = (uint8_t)rng_next(seed);
		break;
	case PF_CTL_CLIP_STATE:
		m.clip_state.enabled = rng_below(seed, 2);
		m.clip_state.policy = (uint8_t)rng_next(seed);
		m.clip_state.reason = (uint8_t)rng_next(seed);
		break;
	case PF_CTL_CLIP_OFFER:
		m.clip_offer.seq = (uint32_t)rng_next(seed);
		m.clip_offer.count = (uint8_t)rng_below(seed, 17);
		for (size_t i = 0; i < m.clip_offer.count; i++) {
			m.clip_offer.formats[i].mime =
				random_bytes(seed, pool + 128 * i, rng_below(seed, 129));
			m.clip_offer.formats[i].size_hint = rng_next(seed);
		}
		break;
	case PF_CTL_CLIP_FETCH:
		m.clip_fetch.seq = (uint32_t)rng_next(seed);
		m.clip_fetch.file_index = PF_CLIP_NO_FILE;
		m.clip_fetch.mime = random_bytes(seed, pool, rng_below(seed, 129));
		break;
	case PF_CTL_CURSOR_SHAPE:
		m.cursor_shape.serial = (uint32_t)rng_next(seed);
		m.cursor_shape.w = (uint16_t)(1 + rng_below(seed, 120));
		m.cursor_shape.h = (uint16_t)(1 + rng_below(seed, 120));
		m.cursor_shape.hot_x = (uint16_t)rng_next(seed);
		m.cursor_shape.hot_y = (uint16_t)rng_next(seed);
		m.cursor_shape.rgba =
			random_bytes(seed, pool, 4u * m.cursor_shape.w * m.cursor_shape.h);
		break;
	case PF_CTL_LAUNCH_OUTCOME:
		m.launch_outcome.kind = (uint8_t)rng_below(seed, 6);
		m.launch_outcome.message = random_bytes(seed, pool, rng_below(seed, 201));
		break;
	default:
		/* Plain integers: any bytes make a valid struct. */
		rng_fill(seed, (char *)&m + offsetof(struct pf_ctl, loss_ppm), 32);
		break;
	}
	return m;
}

static bool same_bytes(const struct pf_ctl_bytes *a, const struct pf_ctl_bytes *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->p, b->p, a->len));
}

/* Compares field by field where the struct borrows, else through a second build. */
static void assert_same(const struct pf_ctl *a, const struct pf_ctl *b)
{
	assert_int_equal(a->type, b->type);
	switch (a->type) {
	case PF_CTL_RECONFIGURED:
		assert_int_equal(a->reconfigured.accepted, b->reconfigured.accepted);
		assert_memory_equal(
			&a->reconfigured.mode, &b->reconfigured.mode, sizeof(a->reconfigured.mode));
		break;
	case PF_CTL_BITRATE_CHANGED:
		assert_int_equal(a->bitrate_changed.kbps, b->bitrate_changed.kbps);
		assert_int_equal(a->bitrate_changed.has_reason, b->bitrate_changed.has_reason);
		assert_int_equal(a->bitrate_changed.reason, b->bitrate_changed.reason);
		break;
	case PF_CTL_PAIR_REQUEST:
		assert_true(same_bytes(&a->pair_request.name, &b->pair_request.name));
		assert_true(same_bytes(&a->pair_request.spake, &b->pair_request.spake));
		assert_true(same_bytes(&a->pair_request.key, &b->pair_request.key));
		break;
	case PF_CTL_PAIR_CHALLENGE:
		assert_true(same_bytes(&a->pair_challenge.spake, &b->pair_challenge.spake));
		assert_memory_equal(a->pair_challenge.confirm, b->pair_challenge.confirm, 32);
		break;
	case PF_CTL_PAIR_RESULT:
	case PF_CTL_CURSOR_RENDER_MODE:
	case PF_CTL_AUDIO_STATE:
		assert_int_equal(a->pair_ok, b->pair_ok);
		break;
	case PF_CTL_REFUSED:
		assert_int_equal(a->refused.code, b->refused.code);
		assert_true(same_bytes(&a->refused.reason, &b->refused.reason));
		break;
	case PF_CTL_PROBE_RESULT:
		assert_int_equal(a->probe_result.bytes, b->probe_result.bytes);
		assert_int_equal(a->probe_result.has_tail, b->probe_result.has_tail);
		assert_int_equal(a->probe_result.wire_packets, b->probe_result.wire_packets);
		break;
	case PF_CTL_PHASE_REPORT:
		assert_int_equal(a->phase.latch_ns, b->phase.latch_ns);
		assert_int_equal(a->phase.coherence_milli, b->phase.coherence_milli);
		break;
	case PF_CTL_CLIP_CONTROL:
	case PF_CTL_CLIP_STATE:
		assert_int_equal(a->clip_state.enabled, b->clip_state.enabled);
		assert_int_equal(a->clip_state.policy, b->clip_state.policy);
		break;
	case PF_CTL_CLIP_OFFER:
		assert_int_equal(a->clip_offer.seq, b->clip_offer.seq);
		assert_int_equal(a->clip_offer.count, b->clip_offer.count);
		for (size_t i = 0; i < a->clip_offer.count; i++) {
			assert_true(same_bytes(
				&a->clip_offer.formats[i].mime, &b->clip_offer.formats[i].mime));
			assert_int_equal(a->clip_offer.formats[i].size_hint,
				b->clip_offer.formats[i].size_hint);
		}
		break;
	case PF_CTL_CLIP_FETCH:
		assert_int_equal(a->clip_fetch.seq, b->clip_fetch.seq);
		assert_int_equal(a->clip_fetch.file_index, b->clip_fetch.file_index);
		assert_true(same_bytes(&a->clip_fetch.mime, &b->clip_fetch.mime));
		break;
	case PF_CTL_CURSOR_SHAPE:
		assert_int_equal(a->cursor_shape.serial, b->cursor_shape.serial);
		assert_int_equal(a->cursor_shape.hot_y, b->cursor_shape.hot_y);
		assert_true(same_bytes(&a->cursor_shape.rgba, &b->cursor_shape.rgba));
		break;
	case PF_CTL_LAUNCH_OUTCOME:
		assert_int_equal(a->launch_outcome.kind, b->launch_outcome.kind);
		assert_true(same_bytes(&a->launch_outcome.message, &b->launch_outcome.message));
		break;
	default:
		break;
	}
}

static void round_trip(void **state)
{
	uint64_t seed = rng_seed();
	uint8_t *buf = malloc(BUF_MAX), *again = malloc(BUF_MAX), *pool = malloc(POOL_MAX);

	for (size_t t = 0; t < TYPES; t++) {
		for (int i = 0; i < 60; i++) {
			struct pf_ctl in = random_message(&seed, all_types[t], pool), out;
			int len = pf_ctl_build(&in, buf, BUF_MAX);

			assert_true(len >= 5);
			assert_int_equal(pf_ctl_parse(&out, buf, (size_t)len), 0);
			assert_same(&in, &out);
			assert_int_equal(pf_ctl_build(&out, again, BUF_MAX), len);
			assert_memory_equal(buf, again, (size_t)len);
			if (fixed_body(all_types[t]))
				assert_int_equal(len, 5 + fixed_body(all_types[t]));
			/* One byte too little room is an error, never a write. */
			again[len - 1] = 0xee;
			assert_int_equal(pf_ctl_build(&in, again, (size_t)len - 1), -ENOBUFS);
			assert_int_equal(again[len - 1], 0xee);
		}
	}
	free(buf);
	free(again);
	free(pool);
}

/* Whether the table of section 6 gives a shorter or longer form a meaning. */
static bool length_is_legal(uint8_t type, size_t full, size_t len)
{
	switch (type) {
	case PF_CTL_BITRATE_CHANGED:
		return len == 5 + 4 || len == 5 + 5;
	case PF_CTL_PROBE_RESULT:
		return len >= 5 + 16;
	case PF_CTL_PHASE_REPORT:
		return len == 5 + 20 || len == 5 + 22;
	default:
		return len == full;
	}
}

/* Every truncation, and one byte too many. */
static void lengths_are_exact(void **state)
{
	uint64_t seed = rng_seed();
	uint8_t *buf = malloc(BUF_MAX), *pool = malloc(POOL_MAX), *copy;

	for (size_t t = 0; t < TYPES; t++) {
		struct pf_ctl m = random_message(&seed, all_types[t], pool), out, before;
		size_t full;

		if (m.type == PF_CTL_PAIR_REQUEST)
			m.pair_request.key.len = 0; /* its tail is a form of its own */
		full = (size_t)pf_ctl_build(&m, buf, BUF_MAX);
		buf[full] = 0;
		memset(&before, 0x5a, sizeof(before));
		for (size_t len = 0; len <= full + 1; len++) {
			int want = len < 4				      ? -EBADMSG
				   : length_is_legal(all_types[t], full, len) ? 0
									      : -EPROTO;

			/* An allocation of the exact size lets ASan see an overrun. */
			copy = malloc(len ? len : 1);
			memcpy(copy, buf, len);
			memcpy(&out, &before, sizeof(out));
			assert_int_equal(pf_ctl_parse(&out, copy, len), want);
			if (want)
				assert_memory_equal(&out, &before, sizeof(out));
			free(copy);
		}
	}
	free(buf);
	free(pool);
}

static int parse_hex(struct pf_ctl *out, const char *hex)
{
	static uint8_t buf[512];
	size_t len;

	memcpy(buf, "PKFc", 4);
	len = 4 + hex_bytes(hex, buf + 4, sizeof(buf) - 4);
	return pf_ctl_parse(out, buf, len);
}

static void optional_tails(void **state)
{
	struct pf_ctl m;

	assert_int_equal(parse_hex(&m, "06 50c30000"), 0);
	assert_false(m.bitrate_changed.has_reason);
	assert_int_equal(m.bitrate_changed.kbps, 50000);

	assert_int_equal(parse_hex(&m, "21 0100000000000000 02000000 03000000"), 0);
	assert_false(m.probe_result.has_tail);
	/* A cut tail counts as absent, and more than the tail is ignored. */
	assert_int_equal(parse_hex(&m, "21 0100000000000000 02000000 03000000 04000000 050000"), 0);
	assert_false(m.probe_result.has_tail);
	assert_int_equal(m.probe_result.wire_packets, 0);
	assert_int_equal(
		parse_hex(&m, "21 0100000000000000 02000000 03000000 04000000 05000000 ff"), 0);
	assert_true(m.probe_result.has_tail);
	assert_int_equal(m.probe_result.wire_packets, 4);
	assert_int_equal(m.probe_result.send_dropped, 5);

	assert_int_equal(parse_hex(&m, "32 0100000000000000 02000000 03000000 04000000"), 0);
	assert_int_equal(m.phase.coherence_milli, PF_PHASE_ABSENT);
	assert_int_equal(parse_hex(&m, "32 0100000000000000 02000000 03000000 04000000 e803"), 0);
	assert_int_equal(m.phase.coherence_milli, 1000);

	assert_int_equal(parse_hex(&m, "10 01 61 0200 4142"), 0);
	assert_int_equal(m.pair_request.key.len, 0);
	assert_int_equal(parse_hex(&m, "10 01 61 0200 4142 0100 63"), 0);
	assert_int_equal(m.pair_request.key.len, 1);
}

static void values_are_read_leniently(void **state)
{
	struct pf_ctl m;

	assert_int_equal(parse_hex(&m, "51 ff"), 0);
	assert_true(m.client_draws);
	assert_int_equal(parse_hex(&m, "5a 06 00"), 0);
	assert_int_equal(m.launch_outcome.kind, 0);
	/* Bad UTF-8 in 10, 42, 43 is the reader's to repair, not an error. */
	assert_int_equal(parse_hex(&m, "10 02 fffe 0000"), 0);
	assert_int_equal(m.pair_request.name.len, 2);
}

static void limits_are_enforced(void **state)
{
	uint8_t buf[BUF_MAX];
	uint8_t big[300];
	struct pf_ctl m;
	char hex[1024];

	assert_int_equal(parse_hex(&m, "99"), -EPROTO);
	assert_int_equal(parse_hex(&m, "14 00"), -EPROTO);
	assert_int_equal(parse_hex(&m, "42 07000000 11"), -EPROTO);
	assert_int_equal(parse_hex(&m, "50 01000000 0000 0100 0000 0000"), -EPROTO);
	assert_int_equal(parse_hex(&m, "50 01000000 ffff ffff 0000 0000"), -EPROTO);
	assert_int_equal(parse_hex(&m, "11 ffff 00"), -EPROTO);
	/* A mime type of 129 bytes. */
	strcpy(hex, "43 07000000 ffffffff 81");
	for (int i = 0; i < 129; i++)
		strcat(hex, "61");
	assert_int_equal(parse_hex(&m, hex), -EPROTO);
	assert_int_equal(pf_ctl_parse(&m, (const uint8_t *)"PKF1\x03", 5), -EBADMSG);

	memset(big, 'a', sizeof(big));
	m = (struct pf_ctl){ .type = PF_CTL_CLIP_FETCH, .clip_fetch = { 1, 0, { big, 129 } } };
	assert_int_equal(pf_ctl_build(&m, buf, sizeof(buf)), -EINVAL);
	m = (struct pf_ctl){ .type = PF_CTL_CLIP_OFFER, .clip_offer = { .count = 17 } };
	assert_int_equal(pf_ctl_build(&m, buf, sizeof(buf)), -EINVAL);
	m = (struct pf_ctl){ .type = PF_CTL_CURSOR_SHAPE,
		.cursor_shape = { .w = 121, .h = 1, .rgba = { buf, 484 } } };
	assert_int_equal(pf_ctl_build(&m, buf, sizeof(buf)), -EINVAL);
	m = (struct pf_ctl){ .type = PF_CTL_CURSOR_SHAPE,
		.cursor_shape = { .w = 2, .h = 2, .rgba = { buf, 15 } } };
	assert_int_equal(pf_ctl_build(&m, buf, sizeof(buf)), -EINVAL);
	m = (struct pf_ctl){ .type = (enum pf_ctl_type)0x99 };
	assert_int_equal(pf_ctl_build(&m, buf, sizeof(buf)), -EINVAL);
}

/* 66 bytes of two-byte characters shifted by one: the cut falls inside one. */
static void text_is_cut_at_a_character(void **state)
{
	char name[80] = "x";
	uint8_t buf[256];
	struct pf_ctl m, out;
	int len;

	for (int i = 0; i < 33; i++)
		strcat(name, "ä");
	m = (struct pf_ctl){ .type = PF_CTL_PAIR_REQUEST, .pair_request = { .name = text(name) } };
	len = pf_ctl_build(&m, buf, sizeof(buf));
	assert_true(len > 0);
	assert_int_equal(pf_ctl_parse(&out, buf, (size_t)len), 0);
	assert_int_equal(out.pair_request.name.len, 63);
	assert_memory_equal(out.pair_request.name.p, name, 63);
}

static void every_type_has_a_name(void **state)
{
	unsigned named = 0;

	for (unsigned t = 0; t < 256; t++) {
		assert_non_null(pf_ctl_type_to_string((uint8_t)t));
		named += strcmp(pf_ctl_type_to_string((uint8_t)t), "?") != 0;
	}
	assert_int_equal(named, TYPES);
	assert_string_equal(pf_ctl_type_to_string(PF_CTL_LOSS_REPORT), "loss-report");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(lengths_are_exact),
		cmocka_unit_test(optional_tails),
		cmocka_unit_test(values_are_read_leniently),
		cmocka_unit_test(limits_are_enforced),
		cmocka_unit_test(text_is_cut_at_a_character),
		cmocka_unit_test(every_type_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
