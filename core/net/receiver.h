/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* receiver.h - the one receiver: UDP, open, replay window, reassembler, frame ring.
 *
 * One thread per receiver fills a bounded ring of complete frames (8, and at most
 * 4 x max_frame_bytes). A full ring drops its oldest frame, which is counted and asks for recovery.
 * next is for one thread; everything else may be called from any thread. Events come on the
 * receiver's thread and must not block. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "core/media/seal.h"

struct pf_receiver;

/* What came since the loss report before. */
struct pf_receiver_window {
	uint64_t end_ns, span_ns;
	uint64_t frames, frame_bytes; /* complete ones */
	uint32_t frames_lost;	      /* given up by the reassembler */
	uint32_t frames_dropped;      /* the taker was too slow */
	uint32_t loss_ppm;	      /* as reported */
	/* Mean from capture to first packet, of two clocks: valid with frames, and
	 * only against other windows of the session. */
	int64_t delay_ns;
	/* Mean from capture by the host's clock to completion by our monotonic one. */
	int64_t complete_ns;
};

/* Filler of a capacity probe that came. */
struct pf_received_probe {
	uint64_t packets, bytes;    /* UDP payload */
	uint64_t first_ns, last_ns; /* when; 0 = none came */
};

struct pf_receiver_events {
	/* Optional. Every 750 ms: send LossReport. */
	void (*loss_report)(void *user, uint32_t loss_ppm);
	/* Optional. Cool-downs are already applied: send RequestKeyframe / RfiRequest. */
	void (*request_keyframe)(void *user);
	void (*request_rfi)(void *user, uint32_t first_lost, uint32_t last_lost);
	/* Optional. With each loss report: what the window held. */
	void (*window)(void *user, const struct pf_receiver_window *w);
};

struct pf_receiver_params {
	int fd;			      /* UDP socket; the receiver owns it once create succeeds */
	struct sockaddr_storage peer; /* connects to it; family 0 = already connected */
	bool punch;		      /* keep the path open with PFpunch1 */

	struct pf_media_keys keys;   /* copied, wiped on destroy */
	enum pf_direction direction; /* of the packets to open: PF_FROM_HOST at a client */
	uint16_t shard_bytes;	     /* of Welcome */
	uint16_t max_data_per_block;
	uint32_t max_frame_bytes; /* punktfunk1.md 4.2: 4 x bitrate/8/refresh, 8..64 MiB */

	/* Frames that cannot be shown yet stay in here, but for those of a wave of
	 * intra refresh that ends a freeze. */
	bool skip_held;
	/* Frames wait up to one interval so that they come evenly. 0 = they do not. */
	uint32_t even_out_hz;

	const struct pf_receiver_events *events; /* may be NULL */
	void *user;
};

/* One complete access unit; times are monotonic nanoseconds. */
struct pf_received_frame {
	const uint8_t *data; /* borrowed until the next call of pf_receiver_next */
	size_t len;
	uint64_t pts_unix_ns;
	uint64_t first_ns;     /* its first packet was read */
	uint64_t completed_ns; /* its last needed packet was read and recovery done */
	uint32_t frame_index;
	uint32_t user_flags;
	uint32_t shards_recovered;
	bool partial;	  /* chunk-aligned frames only: missing shards are zero */
	bool hold;	  /* the decode freeze is on: decode, but show nothing new */
	uint64_t last_ns; /* its last needed packet was read; opening and recovery follow */
};

struct pf_receiver_stats {
	uint64_t frames;	  /* completed */
	uint64_t frames_lost;	  /* given up by the reassembler */
	uint64_t frames_dropped;  /* complete, but the ring was full */
	uint64_t frames_withheld; /* complete, but held by skip_held */
	uint64_t frames_repaired;
	uint64_t packets; /* accepted */
	uint64_t packets_parity;
	uint64_t bytes; /* UDP payload of all received */
	uint64_t shards_recovered;
	uint64_t shards_late;
	uint64_t packets_duplicate;
	uint64_t packets_forged;
	uint64_t packets_invalid;
	uint64_t in_flight_bytes;
	uint32_t loss_ppm; /* newest report */

	/* What reading costs: packets_read / wakeups, packets_read / receive_messages. */
	uint64_t wakeups;	   /* the thread woke for packets */
	uint64_t receive_calls;	   /* system calls made to read, the empty ones too */
	uint64_t receive_messages; /* datagrams, or trains where the kernel coalesced */
	uint64_t packets_read;
	/* By sealed sequence numbers, 20 to 40 ms behind (core/media/arrival.h). */
	uint64_t path_packets, path_lost, path_bursts;
	uint32_t path_loss_ppm;	  /* of the last seconds */
	uint32_t path_burst_x100; /* mean run of lost packets x 100; 0 = none lost */
	/* Between whole frames (core/media/cadence.h). */
	uint64_t stalls;
	uint64_t gap_p99_ns; /* of the last 8 s; 0 = no two frames */
};

/** Starts the thread. On failure `fd` stays the caller's. */
int pf_receiver_create(
	struct pf_receiver **out, const struct pf_receiver_params *params, struct pf_reason *why);
/** Stops the thread, closes the socket. The borrowed frame dies. NULL is fine. */
void pf_receiver_destroy(struct pf_receiver *r);
/** Readable while a frame is there to be taken. Owned by the receiver. */
int pf_receiver_fd(const struct pf_receiver *r);
/** Next frame in completion order: 0, or -EAGAIN after `timeout_ms`. */
int pf_receiver_next(struct pf_receiver *r, struct pf_received_frame *out, uint32_t timeout_ms);
/** What the decoder made of a frame: three in a row without output freeze the
 * picture and ask for a keyframe. `idr` = the decoder itself saw an IDR. */
void pf_receiver_decoded(struct pf_receiver *r, uint32_t frame_index, bool output, bool idr);
/** Another rate of frames, for even_out_hz. Ignored without it. */
void pf_receiver_set_rate(struct pf_receiver *r, uint32_t refresh_hz);
/** PipelineGap or a probe: forget the running loss window. */
void pf_receiver_discard_window(struct pf_receiver *r);
/** A capacity probe begins: filler counts from now on, and no loss is reported
 * before its end. */
void pf_receiver_probe_begin(struct pf_receiver *r);
/** The probe is over; the running window is forgotten, too. */
void pf_receiver_probe_end(struct pf_receiver *r, struct pf_received_probe *out);
void pf_receiver_stats(struct pf_receiver *r, struct pf_receiver_stats *out);
