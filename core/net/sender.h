/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* sender.h - the one sender: frame ring, packetizer, FEC, seal, pacer, UDP; in
 * the format of punktfunk/1 or of GameStream.
 *
 * One thread per sender takes access units from a bounded ring and sends them.
 * submit is for one thread (encode) and never waits; everything else may be
 * called from any thread. Events come on the sender's thread and must not
 * block. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "core/media/gs_video_seal.h"
#include "core/media/pacer.h"
#include "core/media/seal.h"

#define PF_FEC_ADAPTIVE 0xff
/* The ring holds SLOTS frames; beyond SLOTS_LOW only while the oldest waits less than
 * WAIT_MS. */
#define PF_SENDER_SLOTS	    16
#define PF_SENDER_SLOTS_LOW 4
#define PF_SENDER_WAIT_MS   50
#define PF_SENDER_USER_U64S 4 /* words a frame carries through to its stamps */
#define PF_PUNCH_WAIT_MS    2500

enum pf_sender_format {
	PF_SENDER_PF1,
	PF_SENDER_GS,
};

struct pf_sender;

/* How one frame left; monotonic nanoseconds. */
struct pf_sent_frame {
	uint32_t frame_index; /* on the wire: pf1 from 0, gs from 1 */
	uint32_t user_flags;
	uint64_t pts_unix_ns;
	uint64_t submit_ns; /* pf_sender_submit returned about then */
	uint64_t start_ns;  /* the sender took it up: queue time ends */
	uint64_t sent_ns;   /* last packet handed to the kernel: pace time ends */
	uint32_t packets;
	uint32_t parity_packets;
	uint64_t user[PF_SENDER_USER_U64S];
	uint64_t sealed_ns; /* first train made and sealed, about to be sent */
};

/* What a capacity probe came to. */
struct pf_sent_probe {
	uint64_t bytes;	       /* UDP payload that the kernel took */
	uint32_t packets;      /* offered to the kernel */
	uint32_t wire_packets; /* of these, taken */
	uint32_t duration_ms;
};

struct pf_sender_events {
	/* Optional. The destination is settled; frames leave from now on. */
	void (*ready)(void *user, const struct sockaddr_storage *peer);
	/* Optional. Once per frame, right after its last packet. */
	void (*sent)(void *user, const struct pf_sent_frame *f);
	/* Optional. A probe is over. */
	void (*probed)(void *user, const struct pf_sent_probe *p);
};

/* A key has one sender and never a second one: its counters would repeat. */
struct pf_sender_gs {
	uint16_t packet_size; /* S of ANNOUNCE: 512..1456, a multiple of 16 */
	uint8_t fec_percent;  /* 0..100 pinned, or PF_FEC_ADAPTIVE */
	uint8_t min_parity;   /* minRequiredFecPackets, 0..16 */
	bool encrypt;
	uint8_t key[PF_AES128_KEY_BYTES]; /* rikey; copied, wiped on destroy */
};

struct pf_sender_params {
	int fd; /* UDP socket; the sender owns it once create succeeds */
	/* With await_punch the thread first waits PF_PUNCH_WAIT_MS for a punch from
	 * the IP of `peer`, connects to its source, else to `peer` as given (the
	 * address from QUIC, the port from Start). Without: connects to `peer` at
	 * once, or takes `fd` as connected when peer.ss_family is 0. */
	bool await_punch;
	bool shared_fd; /* another reads it: else its receive buffer is given up */
	struct sockaddr_storage peer;

	enum pf_sender_format format;
	uint32_t max_frame_bytes;
	uint32_t bitrate_kbps; /* 0 = unpaced */
	enum pf_delivery delivery;

	/* PF_SENDER_PF1 */
	struct pf_media_keys keys; /* copied, wiped on destroy */
	enum pf_direction direction;
	uint16_t shard_bytes;	     /* even, PF_SHARD_MIN..PF_SHARD_MAX */
	uint16_t shard_bytes_max;    /* that set_shard may ask for; 0 = shard_bytes */
	uint16_t max_data_per_block; /* 4096 */
	uint8_t fec_percent;	     /* 0..90 pinned, or PF_FEC_ADAPTIVE */
	uint8_t welcome_percent;     /* the percentage in Welcome: caps k + m */

	struct pf_sender_gs gs; /* PF_SENDER_GS */

	const struct pf_sender_events *events; /* may be NULL */
	void *user;
};

/* One access unit; everything is copied, once, to where its packets are made. */
struct pf_sender_frame {
	const uint8_t *data;
	size_t len;
	uint64_t pts_unix_ns;
	uint64_t capture_ns; /* gs: monotonic; 0 = a repeat, the client is told no latency */
	uint32_t user_flags; /* pf_user_flag; gs: IDR and RECOVERY_ANCHOR count */
	uint64_t user[PF_SENDER_USER_U64S];
};

struct pf_sender_stats {
	uint64_t frames;  /* submitted */
	uint64_t dropped; /* of these, refused */
	uint64_t sent;	  /* left completely */
	uint64_t packets; /* taken by the kernel, parity included */
	uint64_t packets_parity;
	uint64_t bytes;	      /* UDP payload of these */
	uint64_t send_errors; /* packets the kernel refused */
	uint32_t loss_ppm;    /* estimate that parity is chosen by */
	uint32_t fec_percent; /* parity of the newest frame, rounded up */
	uint64_t trains;      /* that packets went to the kernel in */
	uint64_t calls;	      /* system calls for these */
	/* Of sent frames, added up and the most: submit to start, start to last packet. */
	uint64_t queue_ns, queue_max_ns;
	uint64_t pace_ns, pace_max_ns;
	uint64_t spin_ns;      /* spent at the end of waits, for accuracy */
	bool gso;	       /* the kernel cuts trains */
	bool gentle;	       /* frames got lost lately: no bursts */
	uint32_t reported_ppm; /* loss as the client's newest report tells it */
};

/** Starts the thread. On failure `fd` stays the caller's. */
int pf_sender_create(
	struct pf_sender **out, const struct pf_sender_params *params, struct pf_reason *why);
/** Stops within about 100 ms, drops what waits, closes the socket. NULL is fine. */
void pf_sender_destroy(struct pf_sender *s);
/** 0; -EAGAIN ring full, -EMSGSIZE above max_frame_bytes or what the
 * format carries, -ENOMEM: dropped and counted. A dropped frame uses up its frame_index, so that
 * the client sees the gap. Allocates only while slots still grow. */
int pf_sender_submit(struct pf_sender *s, const struct pf_sender_frame *f);
/** Frames submitted and not yet sent completely. */
unsigned pf_sender_queued(const struct pf_sender *s);
void pf_sender_set_bitrate(struct pf_sender *s, uint32_t kbps);
/** From the next frame on. */
void pf_sender_set_delivery(struct pf_sender *s, enum pf_delivery delivery);
/** The client told at once that a frame did not come (a request to mend the picture), long
 * before its report: pacing is gentle from the next frame on, and the report's 5 % for it are
 * not taken for loss. */
void pf_sender_frame_lost(struct pf_sender *s);
/** A LossReport of the client; ignored while the percentage is pinned. */
void pf_sender_loss_report(struct pf_sender *s, uint32_t loss_ppm);
/** gs: an FEC status (0x5502) told of `missing` packets of a block that has `data`
 * ones; `lost` = it could not be repaired. The sender makes its estimates of loss
 * and bursts of these itself; a client that sends them needs no loss reports. One
 * thread. */
void pf_sender_fec_status(struct pf_sender *s, uint32_t missing, uint32_t data, bool lost);
/** pf1: sends filler of its own number space at `kbps` for `duration_ms` and tells
 * `probed`. Frames go first. 0, -EBUSY while another one waits or runs, -ENOTSUP
 * in another format. */
int pf_sender_probe(struct pf_sender *s, uint32_t kbps, uint32_t duration_ms);
/** pf1: shards of `bytes` from the next submitted frame on: at most shard_bytes_max, as
 * pf_packetizer_pf1_set_shard. Ignored in another format. */
void pf_sender_set_shard(struct pf_sender *s, uint16_t bytes);
/** Sends to `peer` from now on: the client's address changed. 0 or connect's
 * negative errno. */
int pf_sender_set_peer(struct pf_sender *s, const struct sockaddr_storage *peer);
void pf_sender_stats(const struct pf_sender *s, struct pf_sender_stats *out);
