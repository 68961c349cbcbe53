/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* link.h - what the two ends of pf-linerate tell each other beside the data plane.
 *
 * A Unix socket with a path, which also reaches into another network namespace and
 * meets none of the trouble under test. Both ends are of one build and one
 * machine, so messages are plain structs. Blocking, except where named. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "tools/linerate/content.h"

enum pf_link_kind {
	PF_LINK_BEGIN,	  /* sender: the stream's rules */
	PF_LINK_READY,	  /* receiver: listens */
	PF_LINK_LOSS,	  /* receiver: LossReport */
	PF_LINK_KEYFRAME, /* receiver: RequestKeyframe */
	PF_LINK_RFI,	  /* receiver: RfiRequest */
	PF_LINK_END,	  /* sender: all has left */
};

struct pf_link_message {
	enum pf_link_kind kind;
	/* BEGIN */
	struct pf_content_rules rules;
	int64_t unix_offset_ns;
	uint32_t max_frame_bytes;
	uint16_t shard_bytes;
	/* LOSS */
	uint32_t loss_ppm;
	/* END */
	uint64_t frames, packets;
};

/** Waits up to `ms` for the other end at `path`. The socket, or a negative errno. */
int pf_link_accept(const char *path, int ms);
int pf_link_connect(const char *path, int ms);
/** 0 or a negative errno. */
int pf_link_send(int fd, const struct pf_link_message *m);
/** Next message within `ms` (0 = what is there now): 0, -EAGAIN, or -EPIPE when the
 * other end is gone. */
int pf_link_receive(int fd, struct pf_link_message *m, int ms);
