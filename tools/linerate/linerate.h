/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* linerate.h - the two roles of pf-linerate: the real sender and the real receiver
 * at a given rate, each in a process of its own.
 *
 * A role runs to its end in the calling thread and writes one JSON object. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "core/base/reason.h"
#include "core/media/pacer.h"
#include "core/media/seal.h"

struct pf_linerate_options {
	bool help, sends;
	struct sockaddr_storage address; /* send: where to; receive: where */
	const char *control;		 /* path of the link */
	const char *report;		 /* NULL = standard output */
	const char *arrivals;		 /* receive: log of every packet, or NULL */
	uint64_t bps;			 /* of the frames, parity not counted */
	uint32_t fps;
	double seconds;
	uint32_t keyframe_bytes;
	double keyframe_seconds;
	bool fixed;
	uint64_t seed;
	uint8_t fec_percent;
	uint16_t shard_bytes;
	enum pf_delivery delivery;
	uint32_t buffer_bytes; /* of the socket */
};

/** 0, or -EINVAL with the words. */
int pf_linerate_parse(
	struct pf_linerate_options *o, int argc, char *const *argv, struct pf_reason *why);
const char *pf_linerate_help(void);

/** A fixed key: the stream is made here and holds nothing. */
void pf_linerate_keys(struct pf_media_keys *keys);
/** Raises a buffer past the system's limit where the user may, else says on
 * standard error what it got and which setting holds it down. */
void pf_linerate_buffers(int fd, uint32_t bytes);
/** Resident memory of this process. */
uint64_t pf_linerate_rss_kb(void);
/** Processor time of this process so far. */
uint64_t pf_linerate_cpu_ns(void);

int pf_linerate_send(const struct pf_linerate_options *o, FILE *out, struct pf_reason *why);
int pf_linerate_receive(const struct pf_linerate_options *o, FILE *out, struct pf_reason *why);
