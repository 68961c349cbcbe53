/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gs_client.h - what a GameStream client makes of video packets, written from
 * gamestream.md alone: its own field offsets, its own field arithmetic, its own
 * elimination. Asserts every rule that it knows. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline uint8_t gsc_mul(uint8_t a, uint8_t b)
{
	static uint8_t table[256][256];

	if (!table[1][1]) {
		for (unsigned x = 0; x < 256; x++) {
			for (unsigned y = 0; y < 256; y++) {
				unsigned product = 0, shifted = x;

				for (unsigned bit = 1; bit < 256; bit <<= 1) {
					if (y & bit)
						product ^= shifted;
					shifted = shifted << 1 ^ (shifted & 0x80 ? 0x11d : 0);
				}
				table[x][y] = (uint8_t)product;
			}
		}
	}
	return table[a][b];
}

static inline uint8_t gsc_inv(uint8_t a)
{
	uint8_t r = 1;

	for (unsigned i = 0; i < 254; i++)
		r = gsc_mul(r, a);
	return r;
}

static inline uint8_t gsc_factor(unsigned parity, unsigned j, unsigned i)
{
	static uint8_t inverse[256];

	if (!inverse[1])
		for (unsigned a = 1; a < 256; a++)
			inverse[a] = gsc_inv((uint8_t)a);
	return inverse[(uint8_t)((parity + i) ^ j)];
}

/* to ^= f * from */
static inline void gsc_madd(uint8_t *to, const uint8_t *from, uint8_t f, size_t bytes)
{
	for (size_t b = 0; f && b < bytes; b++)
		to[b] ^= gsc_mul(from[b], f);
}

static inline uint32_t gsc_be(const uint8_t *p, unsigned n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static inline uint32_t gsc_le(const uint8_t *p, unsigned n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

struct gsc {
	uint32_t packet_size;
	uint32_t next_frame; /* starts at 1 */
	uint32_t next_seq;   /* 32 bits of it; starts at 0 */
	uint32_t next_index; /* of the stream, 24 bits */
	/* of the newest frame */
	uint8_t *au;
	uint32_t len;	     /* padding included */
	uint32_t last_bytes; /* of its last payload, by the frame header */
	uint32_t blocks, data, parity;
	uint32_t block_data[4], block_parity[4], block_percent[4];
	uint8_t type;
	uint16_t latency;
	uint32_t timestamp;
};

static inline void gsc_finish(struct gsc *c)
{
	free(c->au);
	c->au = NULL;
}

/* Shards of a block, data then parity, NULL where lost: makes the lost data. */
static inline void gsc_recover(uint8_t **shard, uint32_t d, uint32_t p, size_t bytes)
{
	uint32_t lost[255], e = 0, rows = 0;
	uint8_t *rhs[255], m[128][128];

	for (uint32_t i = 0; i < d; i++)
		if (!shard[i])
			lost[e++] = i;
	assert_in_range(e, 0, 127);
	for (uint32_t j = 0; j < p && rows < e; j++) {
		if (!shard[d + j])
			continue;
		rhs[rows] = malloc(bytes);
		assert_non_null(rhs[rows]);
		memcpy(rhs[rows], shard[d + j], bytes);
		for (uint32_t i = 0; i < d; i++)
			if (shard[i])
				gsc_madd(rhs[rows], shard[i], gsc_factor(p, j, i), bytes);
		for (uint32_t a = 0; a < e; a++)
			m[rows][a] = gsc_factor(p, j, lost[a]);
		rows++;
	}
	assert_int_equal(rows, e);
	for (uint32_t a = 0; a < e; a++) {
		uint32_t pivot = a;
		uint8_t f, *swap;

		while (!m[pivot][a])
			assert_true(++pivot < e);
		for (uint32_t b = 0; b < e; b++) {
			uint8_t t = m[a][b];

			m[a][b] = m[pivot][b];
			m[pivot][b] = t;
		}
		swap = rhs[a];
		rhs[a] = rhs[pivot];
		rhs[pivot] = swap;
		f = gsc_inv(m[a][a]);
		for (uint32_t b = 0; b < e; b++)
			m[a][b] = gsc_mul(m[a][b], f);
		for (size_t b = 0; b < bytes; b++)
			rhs[a][b] = gsc_mul(rhs[a][b], f);
		for (uint32_t r = 0; r < e; r++) {
			uint8_t g = m[r][a];

			if (r == a || !g)
				continue;
			for (uint32_t b = 0; b < e; b++)
				m[r][b] ^= gsc_mul(m[a][b], g);
			gsc_madd(rhs[r], rhs[a], g, bytes);
		}
	}
	for (uint32_t a = 0; a < e; a++)
		shard[lost[a]] = rhs[a];
}

/* Takes one frame's packets in send order, `n` of S + 16 bytes at stride S + 16;
 * lost[i] is true where packet i does not arrive. */
static inline void gsc_frame(struct gsc *c, uint8_t *packets, uint32_t n, const bool *lost)
{
	const uint32_t size = c->packet_size + 16, payload = size - 32;
	uint32_t at = 0;

	c->data = c->parity = c->len = c->blocks = 0;
	do {
		uint8_t *shard[1023 + 255] = { 0 }, *head = NULL;
		uint32_t fec, d, p, blocks, received = 0;

		/* the first that arrives tells the block's shape */
		for (uint32_t i = at; i < n && !head; i++)
			if (!lost || !lost[i])
				head = packets + (size_t)i * size;
		assert_non_null(head);
		fec = gsc_le(head + 28, 4);
		d = fec >> 22;
		p = (d * (fec >> 4 & 0xff) + 99) / 100;
		blocks = (head[27] >> 6) + 1;
		assert_int_equal(head[27] >> 4 & 3, c->blocks);
		assert_true(d && at + d + p <= n);
		assert_true(p ? d + p <= 255 : d <= 1023);
		for (uint32_t i = 0; i < d + p; i++) {
			uint8_t *packet = packets + (size_t)(at + i) * size;

			if (lost && lost[at + i])
				continue;
			assert_int_equal(packet[0], 0x90);
			assert_int_equal(packet[1], 0);
			assert_int_equal(gsc_be(packet + 2, 2), (c->next_seq + i) & 0xffff);
			assert_int_equal(gsc_be(packet + 4, 4), gsc_be(head + 4, 4));
			for (unsigned b = 8; b < 16; b++)
				assert_int_equal(packet[b], 0);
			assert_int_equal(gsc_le(packet + 20, 4), c->next_frame);
			assert_int_equal(packet[27], head[27]);
			assert_int_equal(
				gsc_le(packet + 28, 4), (fec & ~(0x3ffu << 12) & ~0xfu) | i << 12);
			shard[i] = packet;
			received++;
		}
		assert_true(received >= d);
		gsc_recover(shard, d, p, size);
		c->au = realloc(c->au, c->len + (size_t)d * payload);
		assert_non_null(c->au);
		for (uint32_t i = 0; i < d; i++) {
			const uint8_t *s = shard[i];
			uint32_t index = gsc_le(s + 17, 3);

			assert_int_equal(s[1], 0);
			assert_int_equal(s[16], 0);
			assert_int_equal(s[24], 1 | (i ? 0 : 4) | (i + 1 == d ? 2 : 0));
			assert_int_equal(s[25], 0);
			assert_int_equal(s[26], 0x10);
			if (i)
				assert_int_equal(index, c->next_index);
			else /* forward only */
				assert_true(((index - c->next_index) & 0xffffff) < 0x800000);
			c->next_index = (index + 1) & 0xffffff;
			memcpy(c->au + c->len, s + 32, payload);
			c->len += payload;
			if (s < packets || s >= packets + (size_t)n * size)
				free(shard[i]);
		}
		c->timestamp = gsc_be(head + 4, 4);
		c->block_data[c->blocks] = d;
		c->block_parity[c->blocks] = p;
		c->block_percent[c->blocks] = fec >> 4 & 0xff;
		c->data += d;
		c->parity += p;
		c->next_seq += d + p;
		at += d + p;
		c->blocks++;
		assert_in_range(c->blocks, 1, blocks);
		if (c->blocks == blocks)
			break;
	} while (at < n);
	assert_int_equal(at, n);
	c->next_frame++;
	assert_int_equal(c->au[0], 1);
	c->latency = (uint16_t)gsc_le(c->au + 1, 2);
	c->type = c->au[3];
	c->last_bytes = gsc_le(c->au + 4, 2);
	assert_int_equal(gsc_le(c->au + 6, 2), 0);
	assert_in_range(c->last_bytes, 1, payload);
}

/* The access unit is `data`, padded with zeros. */
static inline void gsc_check(const struct gsc *c, const uint8_t *data, uint32_t len)
{
	const uint32_t payload = c->packet_size - 16;

	assert_int_equal(c->len - payload + c->last_bytes, 8 + len);
	assert_memory_equal(c->au + 8, data, len);
	for (uint32_t b = 8 + len; b < c->len; b++)
		assert_int_equal(c->au[b], 0);
}
