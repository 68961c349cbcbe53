/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include "core/media/gs_video_seal.h"
#include "core/media/packetizer.h"
#include "core/wire/gs_video.h"
#include "core/wire/pf1_media.h"
#include "tests/unit/gs_client.h"
#include "tests/unit/packets.h"
#include "tests/unit/rng.h"

#define MAX_FRAME   (8u << 20)
#define MAX_PACKETS (4u * PF_GS_DATA_MAX)

static bool laid_out; /* frames come as a sender's ring holds them */

struct rig {
	struct pf_parity parity;
	struct pf_packetizer *p;
	struct pf_gs_video_seal seal; /* in use if seal.aead */
	struct pf_aead *opener;
	uint32_t size; /* of a packet */
	uint64_t rng;
	uint8_t *frame;	  /* MAX_FRAME random bytes */
	uint8_t *packets; /* of the newest frame, MAX_PACKETS */
	bool lost[MAX_PACKETS];
	uint32_t count;
	uint64_t opened;
	struct gsc client;
};

static void rig_open(struct rig *g, uint16_t s, uint8_t percent, uint8_t least)
{
	struct pf_gs_params params = {
		.packet_size = s,
		.fec_percent = percent,
		.min_parity = least,
		.max_frame_bytes = MAX_FRAME,
		.parity = &g->parity,
	};

	memset(g, 0, sizeof(*g));
	g->size = s + 16;
	g->rng = rng_seed();
	g->client = (struct gsc){ .packet_size = s, .next_frame = 1 };
	assert_int_equal(pf_parity_init(&g->parity, PF_PARITY_ADAPTIVE, 0, PF_GS_DATA_MAX), 0);
	assert_int_equal(pf_packetizer_gs_create(&g->p, &params), 0);
	g->frame = malloc(MAX_FRAME);
	g->packets = malloc((size_t)MAX_PACKETS * g->size);
	assert_true(g->frame && g->packets);
	for (uint32_t i = 0; i < MAX_FRAME; i += 8) {
		uint64_t v = rng_next(&g->rng);

		memcpy(g->frame + i, &v, 8);
	}
}

static void rig_close(struct rig *g)
{
	g->p->ops->destroy(g->p);
	pf_gs_video_seal_finish(&g->seal);
	pf_aead_free(g->opener);
	gsc_finish(&g->client);
	free(g->frame);
	free(g->packets);
}

static void rig_encrypt(struct rig *g)
{
	static const uint8_t key[16] = "0123456789abcde";

	assert_int_equal(pf_gs_video_seal_init(&g->seal, key), 0);
	assert_int_equal(pf_aead_create(&g->opener, PF_AEAD_AES128_GCM, key, 16, "nettle"), 0);
}

/* Bytes of an access unit that needs exactly `shards`. */
static uint32_t len_of(const struct rig *g, uint32_t shards)
{
	return shards * (g->size - 32) - 8;
}

static void through_the_cipher(struct rig *g, const struct pf_train *t, uint8_t *to)
{
	uint8_t *sealed = malloc((size_t)t->count * (t->stride + 32));

	assert_non_null(sealed);
	assert_int_equal(pf_gs_video_seal_packets(&g->seal, g->client.next_frame, t->base,
				 t->plain_bytes, t->count, sealed),
		0);
	for (uint32_t i = 0; i < t->count; i++, to += g->size) {
		uint8_t *packet = sealed + (size_t)i * (t->stride + 32);
		struct pf_aead_job job = {
			.nonce = packet,
			.in = packet + 32,
			.out = to,
			.len = g->size,
			.tag = packet + 16,
		};

		assert_memory_not_equal(packet + 32, t->base + (size_t)i * t->stride, g->size);
		assert_int_equal(gsc_le(packet, 4), g->opened);
		g->opened++;
		assert_int_equal(gsc_le(packet + 12, 4), g->client.next_frame);
		assert_int_equal(pf_aead_open(g->opener, &job, 1), 0);
	}
	free(sealed);
}

/* All packets of a frame, in send order, into g->packets. */
static void send_au(struct rig *g, const struct pf_au *in, uint32_t train)
{
	struct pf_au au = *in;
	struct pf_au_plan plan;
	uint32_t parity = 0;

	g->count = 0;
	if (laid_out) {
		struct pf_au_layout l;

		pf_gs_layout((uint16_t)(g->size - 16), &l);
		packets_lay_out(&au, &l);
	}
	assert_int_equal(g->p->ops->begin(g->p, &au, &plan), 0);
	assert_int_equal(plan.packet_bytes, g->size);
	for (;;) {
		struct pf_train t;
		uint8_t *to = g->packets + (size_t)g->count * g->size;

		g->p->ops->next(g->p, train, &t);
		if (!t.count)
			break;
		assert_in_range(t.count, 1, train);
		assert_int_equal(t.stride, g->size);
		assert_int_equal(t.plain_bytes, g->size);
		assert_true(!t.parity || t.parity == t.count);
		assert_true(!t.parity || !t.keep);
		assert_true(t.parity || t.keep || !laid_out);
		assert_in_range(g->count + t.count, 1, MAX_PACKETS);
		if (g->seal.aead)
			through_the_cipher(g, &t, to);
		else
			memcpy(to, t.base, (size_t)t.count * t.stride);
		g->count += t.count;
		parity += t.parity;
	}
	assert_int_equal(g->count, plan.packets);
	assert_int_equal(parity, plan.parity_packets);
	free(au.packets);
}

static void send_len(struct rig *g, uint32_t len, uint32_t train)
{
	struct pf_au au = {
		.data = g->frame,
		.len = len,
		.frame_index = g->client.next_frame,
		.user_flags = PF_USER_VIDEO,
		.pts_ns = 1000000000ull + g->client.next_frame * 8333333ull,
	};

	send_au(g, &au, train);
}

/* Sends a frame and lets the client have it whole. */
static void pass(struct rig *g, uint32_t len, uint32_t train)
{
	send_len(g, len, train);
	gsc_frame(&g->client, g->packets, g->count, NULL);
	gsc_check(&g->client, g->frame, len);
}

static void check_shape(struct rig *g, uint32_t shards, uint32_t blocks, uint32_t data_first,
	uint32_t parity_first, uint32_t percent_first)
{
	pass(g, len_of(g, shards), 64);
	assert_int_equal(g->client.blocks, blocks);
	assert_int_equal(g->client.data, shards);
	assert_int_equal(g->client.block_data[0], data_first);
	assert_int_equal(g->client.block_parity[0], parity_first);
	assert_int_equal(g->client.block_percent[0], percent_first);
}

static void the_shapes_of_the_table(void **state)
{
	static const uint32_t rows[][3] = { { 5, 242, 13 }, { 10, 231, 24 }, { 20, 212, 43 },
		{ 30, 196, 59 }, { 50, 170, 85 }, { 100, 127, 127 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint32_t pct = rows[i][0], max = rows[i][1];
		struct rig g;

		rig_open(&g, 512, (uint8_t)pct, 2);
		check_shape(&g, max, 1, max, rows[i][2], pct);
		check_shape(&g, max + 1, 2, max / 2 + 1, pf_gs_parity_count(max / 2 + 1, pct), pct);
		check_shape(&g, 4 * max, 4, max, rows[i][2], pct);
		/* equal runs of whole shards, the last one shorter */
		check_shape(&g, 4 * max - 5, 4, max - 1, pf_gs_parity_count(max - 1, pct), pct);
		assert_int_equal(g.client.block_data[2], max - 1);
		assert_int_equal(g.client.block_data[3], max - 2);
		/* more than four blocks: no parity */
		check_shape(&g, 4 * max + 1, 4, max + 1, 0, 0);
		assert_int_equal(g.client.parity, 0);
		/* the minimum, and what is said of it */
		check_shape(&g, 1, 1, 1, 2, 200);
		if (pct < 50)
			check_shape(&g, 3, 1, 3, 2, pct > 33 ? pct : 66);
		rig_close(&g);
	}
}

static void the_largest_frames(void **state)
{
	struct pf_au au = { .frame_index = 1 };
	struct pf_au_plan plan;
	struct rig g;

	rig_open(&g, 512, 20, 2);
	check_shape(&g, 4 * 1023, 4, 1023, 0, 0);
	assert_int_equal(len_of(&g, 4 * 1023), pf_gs_frame_bytes_max(512));
	au.data = g.frame;
	au.len = pf_gs_frame_bytes_max(512) + 1;
	assert_int_equal(g.p->ops->begin(g.p, &au, &plan), -EMSGSIZE);
	pass(&g, 100, 64);
	rig_close(&g);
	/* without parity nobody asked for any */
	rig_open(&g, 512, 0, 2);
	check_shape(&g, 1, 1, 1, 0, 0);
	check_shape(&g, 255, 1, 255, 0, 0);
	check_shape(&g, 256, 2, 128, 0, 0);
	check_shape(&g, 1021, 4, 256, 0, 0);
	rig_close(&g);
}

/* What the header says gives back what was sent, for every shape. */
static void the_client_derives_the_parity(void **state)
{
	static const uint8_t least[] = { 0, 1, 2, 3, 16 };

	for (uint32_t pct = 1; pct <= 100; pct++) {
		for (size_t l = 0; l < sizeof(least); l++) {
			struct rig g;

			rig_open(&g, 512, (uint8_t)pct, least[l]);
			for (uint32_t d = 1; d <= 255; d++) {
				struct pf_au au = { g.frame, len_of(&g, d), 1, 0, 0, 0 };
				struct pf_au_plan plan;
				struct pf_train t;
				uint32_t fec, p, want = (d * pct + 99) / 100;

				assert_int_equal(g.p->ops->begin(g.p, &au, &plan), 0);
				g.p->ops->next(g.p, 1, &t);
				if (t.base[27] >> 6)
					break; /* a second block */
				fec = gsc_le(t.base + 28, 4);
				assert_int_equal(fec >> 22, d);
				p = (d * (fec >> 4 & 0xff) + 99) / 100;
				assert_int_equal(plan.parity_packets, p);
				assert_int_equal(plan.packets, d + p);
				assert_true(d + p <= 255);
				if (want >= least[l]) {
					assert_int_equal(p, want);
					assert_int_equal(fec >> 4 & 0xff, pct);
				} else if (100 * least[l] / d > 255) {
					assert_int_equal(fec >> 4 & 0xff, 255);
				} else if (d <= 100) {
					assert_int_equal(p, least[l]);
					assert_int_equal(fec >> 4 & 0xff, 100 * p / d);
				} else {
					/* not every number can be said: one or two more */
					assert_in_range(p, least[l], least[l] + 2);
				}
			}
			rig_close(&g);
		}
	}
}

static void the_policy_chooses_the_parity(void **state)
{
	static const uint32_t ppm[] = { 0, 50000, 200000, 500000 };

	for (size_t i = 0; i < sizeof(ppm) / sizeof(ppm[0]); i++) {
		struct rig g;

		rig_open(&g, 512, PF_PARITY_ADAPTIVE, 2);
		pf_parity_report(&g.parity, ppm[i]);
		for (uint32_t d = 1; d <= 4 * PF_GS_DATA_MAX; d += d < 300 ? 1 : 211) {
			uint32_t m;

			pass(&g, len_of(&g, d), 64);
			m = pf_parity_choose(&g.parity, g.client.block_data[0], g.client.blocks);
			if (g.client.blocks == 1 && d < 100 && m <= (d * 255 + 99) / 100)
				assert_int_equal(g.client.parity, m);
			else if (g.client.blocks == 1 && d >= 100)
				assert_in_range(g.client.parity, m, m + 2);
			/* as few blocks as that takes */
			if (g.client.blocks > 1)
				assert_true(d + pf_parity_choose(&g.parity, d, 1) > 253);
			/* parity as long as the format has any room for it */
			if (d <= 4 * 252)
				assert_true(g.client.block_parity[0] >= 2);
			if (d > 4 * 254)
				assert_int_equal(g.client.parity, 0);
		}
		rig_close(&g);
	}
	/* the client's minimum holds here too */
	for (uint8_t least = 0; least <= 16; least += 8) {
		struct rig g;

		rig_open(&g, 512, PF_PARITY_ADAPTIVE, least);
		pass(&g, len_of(&g, 20), 64);
		assert_int_equal(g.client.parity, least > 5 ? least : 5);
		rig_close(&g);
	}
}

/* Parity as the description has it: over the whole datagram, RTP header and FEC
 * word still zero; then the fields. */
static void parity_byte_by_byte(void **state)
{
	static const uint32_t shards[] = { 1, 2, 5, 40, 100, 212, 230 };
	struct rig g;

	rig_open(&g, 528, 20, 2);
	for (size_t n = 0; n < sizeof(shards) / sizeof(shards[0]); n++) {
		uint32_t at = 0;

		pass(&g, len_of(&g, shards[n]) - 77, 1 + rng_below(&g.rng, 64));
		for (uint32_t b = 0; b < g.client.blocks; b++) {
			const uint32_t d = g.client.block_data[b], p = g.client.block_parity[b];
			const uint8_t *base = g.packets + (size_t)at * g.size;

			for (uint32_t j = 0; j < p; j++) {
				const uint8_t *got = base + (size_t)(d + j) * g.size;
				uint8_t want[1600] = { 0 }, state_then[1600];

				for (uint32_t i = 0; i < d; i++) {
					memcpy(state_then, base + (size_t)i * g.size, g.size);
					memset(state_then, 0, 16);
					memset(state_then + 28, 0, 4);
					gsc_madd(want, state_then, gsc_factor(p, j, i), g.size);
				}
				want[0] = got[0];
				memcpy(want + 2, got + 2, 6);
				memcpy(want + 20, got + 20, 4);
				memcpy(want + 27, got + 27, 5);
				assert_memory_equal(got, want, g.size);
			}
			at += d + p;
		}
	}
	rig_close(&g);
}

enum loss {
	FIRST_DATA, /* as many data packets from the front as there is parity */
	ANY,
	KINDS,
};

static void lose(struct rig *g, enum loss kind)
{
	uint32_t at = 0;

	memset(g->lost, 0, sizeof(g->lost));
	for (uint32_t b = 0; b < g->client.blocks; b++) {
		uint32_t d = g->client.block_data[b], p = g->client.block_parity[b];

		for (uint32_t left = p; left;) {
			uint32_t i = kind == FIRST_DATA ? p - left : rng_below(&g->rng, d + p);

			if (kind == FIRST_DATA && i >= d)
				break;
			left -= !g->lost[at + i];
			g->lost[at + i] = true;
		}
		at += d + p;
	}
}

/* Every loss of as many packets per block as it has parity is made good. */
static void run_losses(struct rig *g, uint32_t frames, uint32_t len_max)
{
	for (uint32_t n = 0; n < frames; n++) {
		uint32_t len = rng_below(&g->rng, n % 4 ? len_max : 6000);
		struct gsc before = g->client;

		/* once whole, to learn the shape; then again with holes */
		send_len(g, len, 1 + rng_below(&g->rng, 64));
		before.au = NULL;
		gsc_frame(&g->client, g->packets, g->count, NULL);
		for (enum loss kind = 0; kind < KINDS; kind++) {
			struct gsc again = before;

			lose(g, kind);
			gsc_frame(&again, g->packets, g->count, g->lost);
			gsc_check(&again, g->frame, len);
			assert_int_equal(again.next_seq, g->client.next_seq);
			assert_int_equal(again.next_index, g->client.next_index);
			gsc_finish(&again);
		}
	}
}

static void what_parity_covers_comes_back(void **state)
{
	static const struct {
		uint16_t s;
		uint8_t percent, least;
		uint32_t frames, len_max;
		bool encrypt;
	} runs[] = {
		{ 1392, 20, 2, 24, 200000, false },
		{ 1360, 20, 2, 24, 200000, true },
		{ 1024, 5, 2, 16, 400000, false },
		{ 512, 100, 2, 16, 100000, true },
		{ 1456, 20, 0, 12, 500000, false },
		{ 512, 20, 2, 6, 400000, true }, /* up to four blocks */
		{ 1392, PF_PARITY_ADAPTIVE, 2, 24, 300000, false },
		{ 1360, PF_PARITY_ADAPTIVE, 2, 12, 1000000, true },
	};

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		struct rig g;

		rig_open(&g, runs[i].s, runs[i].percent, runs[i].least);
		if (runs[i].encrypt)
			rig_encrypt(&g);
		run_losses(&g, runs[i].frames, runs[i].len_max);
		rig_close(&g);
	}
}

/* The 16 bits of the RTP sequence wrap, in parity and in data, in frames of one
 * block and of four; the stream index goes on in its 24 bits. */
static void sequence_numbers_wrap(void **state)
{
	struct rig g;

	rig_open(&g, 512, 20, 2);
	while (g.client.next_seq < 3 * 65536)
		pass(&g, rng_below(&g.rng, 420000), 64);
	assert_true(g.client.next_index > 2 * 65536);
	assert_true(g.client.next_frame > 100);
	rig_close(&g);
}

static void what_the_frame_header_tells(void **state)
{
	static const struct {
		uint32_t user_flags;
		uint8_t type;
	} types[] = { { PF_USER_VIDEO, 1 }, { PF_USER_VIDEO | PF_USER_IDR, 2 },
		{ PF_USER_VIDEO | PF_USER_RECOVERY_ANCHOR, 5 },
		{ PF_USER_VIDEO | PF_USER_RECOVERY_POINT, 1 } };
	static const uint64_t pts[] = { 5000000000, 5000000000 + 16666667, 4000000000,
		5000000000ull + 1000000000ull * 3600 * 9 }; /* a night with nothing new */
	static const uint32_t ticks[] = { 1, 1500, 1501, 2916000000 };
	struct rig g;

	rig_open(&g, 1392, 20, 2);
	for (unsigned i = 0; i < 4; i++) {
		struct pf_au au = {
			.data = g.frame,
			.len = 1376 - 8 + i, /* a shard, and then some of the next */
			.frame_index = g.client.next_frame,
			.user_flags = types[i].user_flags,
			.pts_ns = pts[i],
			.latency_100us = (uint16_t)(i * 21845),
		};

		send_au(&g, &au, 64);
		gsc_frame(&g.client, g.packets, g.count, NULL);
		gsc_check(&g.client, g.frame, au.len);
		assert_int_equal(g.client.data, i ? 2 : 1);
		assert_int_equal(g.client.last_bytes, i ? i : 1376);
		assert_int_equal(g.client.type, types[i].type);
		assert_int_equal(g.client.latency, i * 21845);
		assert_int_equal(g.client.timestamp, ticks[i]);
	}
	pass(&g, 0, 64);
	assert_int_equal(g.client.last_bytes, 8);
	rig_close(&g);
}

/* A frame that was begun and left leaves no hole in the numbers. */
static void a_frame_left_half_way(void **state)
{
	struct rig g;

	rig_open(&g, 1392, 20, 2);
	for (unsigned n = 1; n < 20; n += 3) {
		struct pf_au au = { g.frame, 20000, g.client.next_frame, 0, 0, 0 };
		struct pf_au_plan plan;
		struct pf_train t;

		assert_int_equal(g.p->ops->begin(g.p, &au, &plan), 0);
		for (unsigned i = 0; i < n; i++)
			g.p->ops->next(g.p, 1, &t);
		g.client.next_seq += n < plan.packets ? n : plan.packets;
		g.client.next_frame++;
		pass(&g, 30000, 64);
	}
	rig_close(&g);
}

static void bad_parameters_are_refused(void **state)
{
	struct pf_parity parity;
	const struct pf_gs_params good = { 1392, 20, 2, MAX_FRAME, &parity };
	struct pf_packetizer *p = NULL;

	assert_int_equal(pf_parity_init(&parity, PF_PARITY_ADAPTIVE, 0, 255), 0);
	for (unsigned i = 0; i < 9; i++) {
		static const uint16_t sizes[] = { 0, 496, 1393, 1472, 65520 };
		struct pf_gs_params bad = good;

		switch (i) {
		case 5:
			bad.fec_percent = 101;
			break;
		case 6:
			bad.min_parity = 17;
			break;
		case 7:
			bad.max_frame_bytes = 1000;
			break;
		case 8:
			bad.fec_percent = PF_PARITY_ADAPTIVE;
			bad.parity = NULL;
			break;
		default:
			bad.packet_size = sizes[i];
		}
		assert_int_equal(pf_packetizer_gs_create(&p, &bad), -EINVAL);
	}
	assert_null(p);
	assert_int_equal(pf_packetizer_gs_create(&p, &good), 0);
	p->ops->destroy(p);
}

static int lay_out(void **state)
{
	laid_out = true;
	return 0;
}

#define LAID_OUT(test)                                                                             \
	{                                                                                          \
#test " laid out", test, lay_out, NULL, NULL                                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shapes_of_the_table),
		cmocka_unit_test(the_largest_frames),
		cmocka_unit_test(the_client_derives_the_parity),
		cmocka_unit_test(the_policy_chooses_the_parity),
		cmocka_unit_test(parity_byte_by_byte),
		cmocka_unit_test(what_parity_covers_comes_back),
		cmocka_unit_test(sequence_numbers_wrap),
		cmocka_unit_test(what_the_frame_header_tells),
		cmocka_unit_test(a_frame_left_half_way),
		cmocka_unit_test(bad_parameters_are_refused),
		LAID_OUT(the_shapes_of_the_table),
		LAID_OUT(the_largest_frames),
		LAID_OUT(parity_byte_by_byte),
		LAID_OUT(what_parity_covers_comes_back),
		LAID_OUT(what_the_frame_header_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
