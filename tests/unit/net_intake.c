/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include "core/media/packetizer.h"
#include "core/net/intake.h"
#include "tests/unit/packets.h"
#include "tests/unit/udp_pair.h"

#define SHARD 512
#define DATA  10 /* shards of a frame; 3 of parity */
#define LEN   (DATA * SHARD)

struct rig {
	int fd[2];
	struct pf_parity parity;
	struct pf_packetizer *p;
	struct pf_seal seal;
	struct pf_intake in;
	struct packet_list l;
};

static void rig_open(struct rig *g)
{
	struct pf_pf1_params pp = { SHARD, 64, 1u << 20, &g->parity };
	struct pf_reassembler_params rp = { SHARD, 64, 1u << 20 };
	struct pf_media_keys keys = udp_keys();

	memset(g, 0, sizeof(*g));
	udp_pair(g->fd);
	assert_int_equal(pf_parity_init(&g->parity, 25, 25, 64), 0);
	assert_int_equal(pf_packetizer_pf1_create(&g->p, &pp), 0);
	assert_int_equal(pf_seal_init(&g->seal, &keys, PF_FROM_HOST), 0);
	assert_int_equal(pf_intake_init(&g->in, g->fd[1], &keys, PF_FROM_HOST, &rp), 0);
}

static void rig_close(struct rig *g)
{
	pf_intake_finish(&g->in);
	pf_seal_finish(&g->seal);
	g->p->ops->destroy(g->p);
	packets_clear(&g->l);
	close(g->fd[0]);
	close(g->fd[1]);
}

static void make_frame(struct rig *g, uint32_t index)
{
	static uint8_t data[LEN];
	struct pf_au au = { data, LEN, index, PF_USER_VIDEO, 1000 + index };

	for (uint32_t i = 0; i < LEN; i++)
		data[i] = (uint8_t)(i * 7 + index + i / SHARD);
	packets_clear(&g->l);
	packets_of_frame(&g->l, g->p, &au, 64);
}

/* Sealed under the next number; `spoil` = the byte to change, 0 = none. */
static void send_one(struct rig *g, uint32_t i, uint32_t spoil)
{
	uint8_t buf[1024];
	uint32_t len = g->l.v[i].len + PF_SEAL_OVERHEAD;

	memcpy(buf + PF_SEAL_SEQ_BYTES, g->l.v[i].bytes, g->l.v[i].len);
	assert_int_equal(pf_seal_packets(&g->seal, buf, len, g->l.v[i].len, 1), 0);
	buf[spoil] ^= spoil ? 1 : 0;
	assert_int_equal(send(g->fd[0], buf, len, 0), len);
}

static void check(struct rig *g, struct pf_assembled *f, uint32_t index)
{
	assert_non_null(f);
	assert_int_equal(f->frame_index, index);
	assert_int_equal(f->len, LEN);
	for (uint32_t i = 0; i < LEN; i++)
		assert_int_equal(f->data[i], (uint8_t)(i * 7 + index + i / SHARD));
	pf_reassembler_release(g->in.reassembler, f);
}

static struct pf_assembled *next(struct rig *g)
{
	while (!pf_reassembler_ready(g->in.reassembler))
		assert_int_equal(pf_intake_step(&g->in), 1);
	return pf_reassembler_take(g->in.reassembler);
}

static void a_frame_comes_before_what_lies_behind_it(void **state)
{
	const struct pf_reassembler_stats *s;
	struct rig g;

	rig_open(&g);
	assert_int_equal(pf_intake_step(&g.in), 0);
	for (uint32_t f = 0; f < 2; f++) {
		make_frame(&g, f);
		for (uint32_t i = 0; i < g.l.n; i++)
			send_one(&g, i, 0);
	}
	check(&g, next(&g), 0);
	s = pf_reassembler_stats(g.in.reassembler);
	assert_true(s->packets == DATA); /* parity and the next frame wait */
	check(&g, next(&g), 1);
	while (pf_intake_step(&g.in))
		;
	s = pf_reassembler_stats(g.in.reassembler);
	assert_true(s->packets == 2 * (DATA + 3) && s->packets_parity == 6);
	assert_true(g.in.bytes == 26 * (SHARD + 40 + 24));
	rig_close(&g);
}

/* Opening writes before it knows that a packet is forged: nothing of that stays. */
static void forged_packets_leave_the_frame_alone(void **state)
{
	struct rig g;

	rig_open(&g);
	make_frame(&g, 7);
	for (uint32_t i = 0; i < DATA; i++) {
		send_one(&g, i, 0);
		/* What would come next, spoilt: its number, its header, its shard, its tag. */
		send_one(&g, (i + 1) % DATA, 7);
		g.seal.seq--;
		send_one(&g, (i + 1) % DATA, 20);
		g.seal.seq--;
		send_one(&g, (i + 1) % DATA, 300);
		g.seal.seq--;
		send_one(&g, (i + 1) % DATA, 575);
		g.seal.seq--;
		assert_int_equal(send(g.fd[0], "short", 5, 0), 5);
	}
	check(&g, next(&g), 7);
	while (pf_intake_step(&g.in))
		;
	assert_true(g.in.forged + g.in.replayed == 4 * DATA && g.in.forged >= 3 * DATA);
	assert_true(g.in.bad_length == DATA);
	assert_true(pf_reassembler_stats(g.in.reassembler)->packets == DATA);
	rig_close(&g);
}

static void replays_and_losses_on_the_way(void **state)
{
	static const uint8_t order[] = { 0, 1, 3, 2, 5, 8, 9, 11, 12 };
	struct rig g;

	rig_open(&g);
	make_frame(&g, 3);
	for (uint32_t n = 0; n < sizeof(order); n++) {
		g.seal.seq = order[n]; /* as if sent in turn: 4, 6, 7 and 10 are lost */
		send_one(&g, order[n], 0);
		g.seal.seq = order[n];
		send_one(&g, order[n], 0); /* twice */
	}
	while (pf_intake_step(&g.in) && !pf_reassembler_ready(g.in.reassembler))
		;
	assert_null(pf_reassembler_take(g.in.reassembler)); /* 9 of 10 */
	assert_true(g.in.replayed == sizeof(order));
	g.seal.seq = 10;
	send_one(&g, 10, 0);
	check(&g, next(&g), 3);
	assert_true(pf_reassembler_stats(g.in.reassembler)->shards_recovered == 3);
	rig_close(&g);
}

static void what_cannot_be_made_says_so(void **state)
{
	struct pf_reassembler_params rp = { SHARD, 0, 1u << 20 };
	struct pf_media_keys keys = udp_keys();
	struct pf_intake in;

	assert_int_equal(pf_intake_init(&in, -1, &keys, PF_FROM_HOST, &rp), -EINVAL);
	pf_intake_finish(&in);
	pf_intake_finish(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_comes_before_what_lies_behind_it),
		cmocka_unit_test(forged_packets_leave_the_frame_alone),
		cmocka_unit_test(replays_and_losses_on_the_way),
		cmocka_unit_test(what_cannot_be_made_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
