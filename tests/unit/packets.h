/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* packets.h - opened media packets in a list, for the tests of core/media. */
#pragma once
#include <stdlib.h>
#include <string.h>
#include "core/media/packetizer.h"
#include "core/wire/pf1_media.h"

struct packet {
	struct pf_media_hdr h;
	uint8_t *bytes; /* header and shard */
	uint32_t len;
};

struct packet_list {
	struct packet *v;
	uint32_t n, cap;
};

static inline void packets_add(struct packet_list *l, const uint8_t *bytes, uint32_t len)
{
	struct packet p = { .len = len, .bytes = malloc(len ? len : 1) };

	assert_non_null(p.bytes);
	memcpy(p.bytes, bytes, len);
	assert_int_equal(pf_media_hdr_parse(&p.h, p.bytes, len), 0);
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 256;
		l->v = realloc(l->v, l->cap * sizeof(*l->v));
		assert_non_null(l->v);
	}
	l->v[l->n++] = p;
}

/* `au` as a sender's ring holds it: copied to where its packets are made. Free what
 * au->packets then is. */
static inline void packets_lay_out(struct pf_au *au, const struct pf_au_layout *l)
{
	au->packets = malloc((size_t)pf_au_packets(l, au->len) * l->stride);
	assert_non_null(au->packets);
	memset(au->packets, 0xa5, (size_t)pf_au_packets(l, au->len) * l->stride);
	pf_au_lay_out(l, au->packets, au->data, au->len);
	au->data = NULL;
}

/* Appends the packets of one frame in send order, as the sender takes them. */
static inline void packets_of_frame(
	struct packet_list *l, struct pf_packetizer *p, const struct pf_au *au, uint32_t train)
{
	struct pf_au_plan plan;
	uint32_t before = l->n, parity = 0;

	assert_int_equal(p->ops->begin(p, au, &plan), 0);
	for (;;) {
		struct pf_train t;

		p->ops->next(p, train, &t);
		if (!t.count)
			break;
		assert_in_range(t.count, 1, train);
		assert_int_equal(t.stride, plan.packet_bytes);
		assert_int_equal(t.keep, au->packets && !t.parity);
		parity += t.parity;
		for (uint32_t i = 0; i < t.count; i++)
			packets_add(l, t.base + (size_t)i * t.stride + PF_SEAL_SEQ_BYTES,
				t.plain_bytes);
	}
	assert_int_equal(l->n - before, plan.packets);
	assert_int_equal(parity, plan.parity_packets);
}

/* A packet whose header is made by hand. */
static inline void packets_make(
	struct packet_list *l, const struct pf_media_hdr *h, const uint8_t *shard)
{
	uint8_t *buf = malloc(PF_MEDIA_HDR_BYTES + (size_t)h->shard_bytes);

	assert_non_null(buf);
	pf_media_hdr_build(h, buf);
	memcpy(buf + PF_MEDIA_HDR_BYTES, shard, h->shard_bytes);
	packets_add(l, buf, PF_MEDIA_HDR_BYTES + h->shard_bytes);
	free(buf);
}

static inline void packets_clear(struct packet_list *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		free(l->v[i].bytes);
	free(l->v);
	*l = (struct packet_list){ 0 };
}
