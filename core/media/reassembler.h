/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* reassembler.h - packets in any order and number to whole frames
 * (punktfunk1.md 11).
 *
 * Takes opened packets, stores each shard at its place in the frame, rebuilds
 * lost data from parity and hands out frames the moment they are complete, in
 * completion order. The sender is authenticated but not trusted: all geometry
 * is checked, and unfinished frames with their block state, and idle buffers,
 * together take at most 4 x max_frame_bytes. Sans-I/O, one thread; buffers are
 * pooled, so nothing is allocated per packet. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PF_FRAME_LOST_NS      120000000ull /* of pts behind the newest frame */
#define PF_FRAME_LOST_INDEXES 64u	   /* behind the newest frame */
#define PF_FRAME_PARTIAL_NS   30000000ull  /* patience with chunk-aligned frames */
#define PF_FRAME_LOST_PPM     50000u	   /* flat addition to the loss report */

struct pf_reassembler;

struct pf_reassembler_params {
	uint16_t shard_bytes;	     /* of Welcome */
	uint16_t max_data_per_block; /* 1..PF_BLOCK_DATA_MAX */
	uint32_t max_frame_bytes;    /* PF_FRAME_BYTES_MIN..PF_FRAME_BYTES_LIMIT */
};

/* A frame that came out. Belongs to the taker until released. */
struct pf_assembled {
	const uint8_t *data;
	uint32_t len;
	uint32_t frame_index;
	uint32_t user_flags;
	uint64_t pts_ns;
	uint64_t first_ns; /* time of its first packet */
	uint64_t done_ns;  /* time of the packet that completed it */
	uint32_t shards_recovered;
	bool partial;	  /* missing shards are zero */
	uint64_t last_ns; /* done_ns before its holder moved that on */
};

struct pf_reassembler_stats {
	uint64_t frames;
	uint64_t frames_lost; /* given up, or never seen at all */
	uint64_t frames_repaired;
	uint64_t packets; /* taken, parity included */
	uint64_t packets_parity;
	uint64_t duplicates; /* shard had come already */
	uint64_t stale;	     /* of frames given up */
	uint64_t invalid;    /* header out of bounds or inconsistent */
	uint64_t shards_recovered;
	uint64_t shards_late; /* rebuilt, then arrived after all */
	uint64_t probe_packets;
	uint64_t probe_bytes;
	uint64_t memory_bytes; /* unfinished frames and idle buffers, now */
	uint64_t memory_peak_bytes;
};

/** 0, -EINVAL, -ENOMEM. */
int pf_reassembler_create(struct pf_reassembler **out, const struct pf_reassembler_params *params);
/** Frees everything, frames taken and not released too. NULL is fine. */
void pf_reassembler_destroy(struct pf_reassembler *r);
/** One opened packet (header and shard), copied. 0 taken or of no use any more,
 * -EPROTO refused, -ENOMEM dropped for want of memory. */
int pf_reassembler_push(
	struct pf_reassembler *r, const uint8_t *plain, size_t len, uint64_t now_ns);
/** Memory for the packet that was sent `ahead` packets behind the one pushed last, to
 * be opened into: if it holds a data shard of the same block, its shard comes to lie
 * at its place in the frame, and need not be copied. Only a place that holds nothing
 * is lent, but the header's bytes in front of it cover another shard's: whatever came
 * of opening, call pf_reassembler_settle next. NULL = open it elsewhere and push. */
uint8_t *pf_reassembler_lend(struct pf_reassembler *r, uint64_t ahead, size_t plain_len);
/** Puts back what the header covered. If the packet opened, it is then pushed;
 * `spare`, as long as its shard, takes that when it is not what was expected. Returns as
 * pf_reassembler_push, 0 when it did not open. */
int pf_reassembler_settle(struct pf_reassembler *r, bool opened, uint8_t *spare, uint64_t now_ns);
/** Does some microseconds of the work that recovery will need, if there is any; to be
 * called while nothing waits to be read, and never needed. False = nothing to do. */
bool pf_reassembler_step(struct pf_reassembler *r);
/** Whether pf_reassembler_take has something. */
bool pf_reassembler_ready(const struct pf_reassembler *r);
/** Oldest complete frame not yet taken, or NULL. */
struct pf_assembled *pf_reassembler_take(struct pf_reassembler *r);
/** Gives a frame's buffer back; not before all later use of it. */
void pf_reassembler_release(struct pf_reassembler *r, struct pf_assembled *f);
/** Hands out partial frames whose patience has ended. */
void pf_reassembler_poll(struct pf_reassembler *r, uint64_t now_ns);
/** When to poll next; UINT64_MAX = no need. */
uint64_t pf_reassembler_deadline_ns(const struct pf_reassembler *r);
/** Frames given up since the last call; *newest is the newest of them if any. */
uint32_t pf_reassembler_take_lost(struct pf_reassembler *r, uint32_t *newest);
/** Loss of the window since the last call in ppm, and begins a new window. */
uint32_t pf_reassembler_loss_ppm(struct pf_reassembler *r);
/** Up to date until the next call on `r`. */
const struct pf_reassembler_stats *pf_reassembler_stats(struct pf_reassembler *r);
