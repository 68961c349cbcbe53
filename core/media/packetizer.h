/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* packetizer.h - cuts access units into packets and adds parity: one interface,
 * one format per protocol.
 *
 * begin plans a frame, next hands out its packets in send order as trains of
 * equal packets that lie back to back, with room for sealing where the format
 * seals in place, ready for one segmented send. Parity is finished when its turn comes, so the
 * data is on its way before; where the code takes shards one by one, a train's go there when the
 * next train is asked for, still in the cache. Buffers only grow, bounded by max_frame_bytes: no
 * allocation per frame after warm-up. One thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "core/media/parity.h"

#define PF_TRAIN_MAX	     64u
#define PF_BLOCK_DATA_MAX    16384u
#define PF_FRAME_BYTES_MIN   65536u /* bounds of max_frame_bytes */
#define PF_FRAME_BYTES_LIMIT (256u << 20)

struct pf_au {
	/* Borrowed until the next begin: the bytes in one piece (NULL if len is 0), or NULL
	 * and `packets`, where they lie as pf_au_lay_out put them. Headers are then written
	 * there, and nothing is copied any more. */
	const uint8_t *data;
	uint32_t len;
	uint32_t frame_index;
	uint32_t user_flags; /* pf_user_flag; pf1: PROBE has no parity */
	uint64_t pts_ns;
	uint16_t latency_100us; /* gs: capture to now, 0 = unknown or a repeat */
	uint8_t *packets;
};

/* Where an access unit's bytes lie in its packets: `head` bytes of room in each, `skip`
 * more in the first, then `piece` bytes, less in the first; a packet every `stride`. */
struct pf_au_layout {
	uint32_t head, skip, piece, stride;
};

/** Packets of `len` bytes: at least one. */
uint32_t pf_au_packets(const struct pf_au_layout *l, uint32_t len);
/** Copies `data` to its places in `packets`, which has room for pf_au_packets, and fills up
 * the last one with zeros. */
void pf_au_lay_out(
	const struct pf_au_layout *l, uint8_t *packets, const uint8_t *data, uint32_t len);

/* What a frame will be on the wire. */
struct pf_au_plan {
	uint32_t packets; /* parity included */
	uint32_t parity_packets;
	uint32_t packet_bytes; /* of one packet with its room: the stride */
	uint32_t blocks;
};

/* Packets to seal and send; inside the packetizer until the next call. */
struct pf_train {
	uint8_t *base;	      /* the first packet's head room */
	uint32_t stride;      /* head room + plaintext + tail room */
	uint32_t plain_bytes; /* of each packet */
	uint32_t count;
	uint32_t parity; /* how many of them are parity: all or none */
	bool keep;	 /* the plain bytes are needed again: do not seal in place */
	uint32_t unused; /* zeros at the end of the last one that need not travel */
};

struct pf_packetizer;

struct pf_packetizer_ops {
	const char *name;
	/* Mandatory. Plans `au`, drops what is left of the frame before. 0,
	 * -EMSGSIZE above max_frame_bytes, -ENOMEM while buffers grow. */
	int (*begin)(struct pf_packetizer *p, const struct pf_au *au, struct pf_au_plan *plan);
	/* Mandatory. Up to `max` (1..PF_TRAIN_MAX) packets; count 0 = frame done. */
	void (*next)(struct pf_packetizer *p, uint32_t max, struct pf_train *out);
	/* Mandatory. Accepts NULL and half-built objects. */
	void (*destroy)(struct pf_packetizer *p);
};

struct pf_packetizer { /* base, first member of each format's struct */
	const struct pf_packetizer_ops *ops;
};

struct pf_pf1_params {
	uint16_t shard_bytes;	     /* even, PF_SHARD_MIN..PF_SHARD_MAX */
	uint16_t max_data_per_block; /* 1..PF_BLOCK_DATA_MAX */
	uint32_t max_frame_bytes;
	const struct pf_parity *parity; /* borrowed: asked for m per block */
	uint16_t shard_bytes_max;	/* that set_shard may ask for; 0 = shard_bytes */
};

/** The format of punktfunk/1 (punktfunk1.md 10.3, 10.4). 0, -EINVAL, -ENOMEM. */
int pf_packetizer_pf1_create(struct pf_packetizer **out, const struct pf_pf1_params *params);

/** Of packets with shards of `shard_bytes`, room for sealing included. */
void pf_pf1_layout(uint16_t shard_bytes, struct pf_au_layout *out);
/** Shards of another size from the next begin on: even, from PF_SHARD_MIN to the most
 * that create was told. Others are ignored. Only for one of pf_packetizer_pf1_create. */
void pf_packetizer_pf1_set_shard(struct pf_packetizer *p, uint16_t shard_bytes);

#define PF_GS_FEC_PERCENT_MAX 100
#define PF_GS_MIN_PARITY_MAX  16

struct pf_gs_params {
	uint16_t packet_size; /* S: PF_GS_PACKET_MIN..MAX, a multiple of 16 */
	uint8_t fec_percent;  /* 0..PF_GS_FEC_PERCENT_MAX or PF_PARITY_ADAPTIVE */
	uint8_t min_parity;   /* 0..PF_GS_MIN_PARITY_MAX per block that has parity */
	uint32_t max_frame_bytes;
	const struct pf_parity *parity; /* borrowed, asked while adaptive */
};

/** The format of GameStream (gamestream.md 4.2 - 4.6). Packets have no room for
 * sealing; every buffer has its final size at once. begin: -EMSGSIZE also above
 * pf_gs_frame_bytes_max. A block's parity follows its data, before the next
 * block. The clock of the RTP timestamps starts with the first frame.
 * 0, -EINVAL, -ENOMEM. */
int pf_packetizer_gs_create(struct pf_packetizer **out, const struct pf_gs_params *params);
void pf_gs_layout(uint16_t packet_size, struct pf_au_layout *out);
/** The largest access unit that the format carries. */
uint32_t pf_gs_frame_bytes_max(uint16_t packet_size);
