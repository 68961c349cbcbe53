/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* relay_impl.h - inside the relay: shared by relay.c and report.c only. */
#pragma once
#include "tools/impair/latency.h"
#include "tools/impair/relay.h"

struct pf_relay_side {
	struct pf_impair_path path;
	struct pf_relay_stats stats;
	uint64_t next_id;     /* of the next arrival */
	uint64_t highest_out; /* id + 1 of the latest arrival that has left */
};

struct pf_relay_flow {
	int fd; /* towards the host, connected; -1 = free slot */
	unsigned map;
	unsigned ordinal; /* on its map, from 0 */
	union pf_impair_addr client;
	uint64_t last_ns;
	unsigned pending; /* its packets in the queue */
	uint32_t kernel_drops;
	struct pf_relay_side side[PF_IMPAIR_DIRECTIONS];
};

struct pf_relay_map {
	int fd;
	union pf_impair_addr addr;
	unsigned flows_made;
	uint32_t kernel_drops;
	struct pf_relay_stats retired[PF_IMPAIR_DIRECTIONS]; /* of flows that made room */
};

struct pf_relay_packet;

/* The heap compares these without touching the packets. */
struct pf_relay_due {
	uint64_t due_ns;
	uint64_t order; /* among equals: as they came */
	struct pf_relay_packet *packet;
};

struct pf_relay {
	struct pf_impair_options o;
	struct pf_impair_rules smooth[PF_IMPAIR_DIRECTIONS]; /* maps that --only spares */
	struct pf_impair_link link[PF_IMPAIR_DIRECTIONS];
	struct pf_relay_map maps[PF_IMPAIR_MAPS];
	struct pf_relay_flow flows[PF_RELAY_FLOWS];
	unsigned flow_count; /* slots ever used */
	int epoll_fd;
	bool no_gso;
	uint64_t start_ns, ran_ns;
	uint64_t kernel_dropped; /* before the relay read them */
	struct pf_relay_due *heap;
	unsigned heap_count, heap_cap;
	struct pf_relay_packet *spare; /* freed ones for the next, a list */
	unsigned spare_count;
	uint64_t heap_order;
	size_t heap_bytes;
	uint8_t *rx; /* receive buffers */
	struct pf_latency added;
};

void pf_relay_stats_add(struct pf_relay_stats *sum, const struct pf_relay_stats *s);
